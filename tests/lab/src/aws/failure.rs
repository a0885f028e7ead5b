//! An error of the API: status, code and words (ELBv2 API reference, "Common Errors"; shapes as moto and AWS give
//! them).

use hyper::StatusCode;

use crate::alb::Refused;

/// What the API refuses with.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Failure {
    pub(super) fn bad(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, message: message.into() }
    }

    pub(super) fn forbidden(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: StatusCode::FORBIDDEN, code, message: message.into() }
    }

    pub(super) fn validation(message: impl Into<String>) -> Self {
        Self::bad("ValidationError", message)
    }

    pub(super) fn group_not_found() -> Self {
        Self::bad("TargetGroupNotFound", "One or more target groups not found")
    }

    pub(super) fn throttled() -> Self {
        Self::bad("Throttling", "Rate exceeded")
    }

    /// Another change of the same resource is under way (Auto Scaling API reference).
    pub(super) fn contention() -> Self {
        let message = "You already have a pending update to an Amazon EC2 Auto Scaling resource.".to_owned();
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, code: "ResourceContention", message }
    }

    pub(super) fn no_action(action: &str, version: &str) -> Self {
        if action.is_empty() {
            return Self::bad("MissingAction", "Missing Action");
        }
        Self::bad("InvalidAction", format!("Could not find operation {action} for version {version}"))
    }

    pub(super) fn denied(service: &str, action: &str) -> Self {
        let who = format!("arn:aws:sts::{}:assumed-role/rundeck-node/lab", super::ACCOUNT);
        Self::forbidden(
            "AccessDenied",
            format!(
                "User: {who} is not authorized to perform: {service}:{action} because no identity-based policy \
                 allows the {service}:{action} action"
            ),
        )
    }

    pub(super) fn expired() -> Self {
        Self::forbidden("ExpiredToken", "The security token included in the request is expired")
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::InvalidTarget(message) => Self::bad("InvalidTarget", message),
            Refused::Validation(message) => Self::validation(message),
        }
    }
}
