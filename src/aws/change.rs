//! What came of a call that changes something: accepted or not, and AWS's number for it, which support asks for.

use super::error::CallError;
use aws_sdk_elasticloadbalancingv2::operation::RequestId;
use rundeck_alb_core::Trouble;

/// What AWS answered to a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// AWS's request id, where there is one; also of a refusal.
    pub request_id: Option<String>,
    /// Accepted, or not.
    pub outcome: Result<(), Trouble>,
}

impl Change {
    pub(super) fn of(result: Result<impl RequestId, CallError>) -> Self {
        match result {
            Ok(output) => Self { request_id: output.request_id().map(str::to_owned), outcome: Ok(()) },
            Err(error) => Self { request_id: error.request_id.clone(), outcome: Err(error.into()) },
        }
    }

    /// For people: what came of it.
    #[must_use]
    pub fn told(&self) -> String {
        match (&self.outcome, &self.request_id) {
            (Ok(()), _) => "ok".to_owned(),
            (Err(trouble), Some(id)) => format!("{} (request {id})", trouble.text),
            (Err(trouble), None) => trouble.text.clone(),
        }
    }
}
