//! What AWS's errors mean.
//!
//! The code decides, for a throttle comes as HTTP 400 like a bad request; where there is no code (an HTML page from
//! something in between) the status does (facts/aws.md 2.2, 6.3). It decides nothing about retrying: the SDK has done
//! its three attempts before an error gets here.

use super::tally::Outcome;
use aws_sdk_elasticloadbalancingv2::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_elasticloadbalancingv2::operation::RequestId;
use std::error::Error;
use std::fmt;

/// Longest message, in characters, that is kept of an error: AWS's are under 300, HTML pages have no end.
const MAX_MESSAGE: usize = 500;

/// What kind of error it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallErrorKind {
    /// Too many requests for this account and Region (`Throttling`, HTTP 400).
    Throttled,
    /// The role may not do this.
    Denied {
        /// The missing permission, like `elasticloadbalancing:RegisterTargets`.
        action: String,
    },
    /// No such target group. It may be created later.
    NotFound,
    /// The target is not running yet, in another VPC, or of the wrong type; while deregistering: already gone.
    InvalidTarget,
    /// A quota of targets or registrations is used up.
    TooMany,
    /// No answer in time, over all attempts.
    Timeout,
    /// No connection: DNS, refused, reset, TLS.
    Unreachable,
    /// No credentials, expired ones, or a wrong clock.
    Credentials,
    /// AWS's own trouble: any 5xx, with or without a code.
    Unavailable,
    /// An answer that is not AWS's.
    BadAnswer,
    /// Any other refusal; its code says which.
    Other,
}

/// A call that did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallError {
    /// What kind.
    pub kind: CallErrorKind,
    /// AWS's code, where there is one.
    pub code: Option<String>,
    /// AWS's message, or the chain of causes.
    pub message: String,
    /// AWS's request id, where there is one.
    pub request_id: Option<String>,
}

impl CallError {
    /// Reads an error of the SDK. `operation` is the API's name for the call.
    pub(super) fn of<E>(error: &SdkError<E>, operation: &str) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let code = error.code().map(str::to_owned);
        let message = match (error.message(), error) {
            (Some(message), _) => message.to_owned(),
            // The page of something in between: its text says nothing, and its debug form would fill the log.
            (None, SdkError::ServiceError(answer)) => {
                format!("status {} without an error of AWS's", answer.raw().status())
            }
            (None, _) => DisplayErrorContext(error).to_string(),
        };
        Self {
            kind: kind(error, code.as_deref(), operation),
            code,
            message: message.chars().take(MAX_MESSAGE).collect(),
            request_id: error.request_id().map(str::to_owned),
        }
    }

    /// An answer that lacks what AWS always sends.
    pub(super) fn bad_answer(message: &str, request_id: Option<&str>) -> Self {
        Self {
            kind: CallErrorKind::BadAnswer,
            code: None,
            message: message.to_owned(),
            request_id: request_id.map(str::to_owned),
        }
    }

    /// The word of the metric.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self.kind {
            CallErrorKind::Throttled => Outcome::Throttled,
            CallErrorKind::Denied { .. } => Outcome::Denied,
            CallErrorKind::Timeout => Outcome::Timeout,
            _ => Outcome::Error,
        }
    }
}

impl Error for CallError {}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            CallErrorKind::Throttled => f.write_str("AWS throttles this account")?,
            CallErrorKind::Denied { action } => write!(f, "AWS denied {action}")?,
            CallErrorKind::NotFound => f.write_str("there is no such target group")?,
            CallErrorKind::InvalidTarget => f.write_str("AWS does not accept the target")?,
            CallErrorKind::TooMany => f.write_str("a quota of targets is used up")?,
            CallErrorKind::Timeout => f.write_str("AWS did not answer in time")?,
            CallErrorKind::Unreachable => f.write_str("AWS cannot be reached")?,
            CallErrorKind::Credentials => f.write_str("AWS does not accept the credentials, or there are none")?,
            CallErrorKind::Unavailable => f.write_str("AWS has trouble of its own")?,
            CallErrorKind::BadAnswer => f.write_str("the answer is not AWS's")?,
            CallErrorKind::Other => f.write_str("AWS refused the call")?,
        }
        if let Some(code) = &self.code {
            write!(f, " ({code})")?;
        }
        write!(f, ": {}", self.message)?;
        match &self.request_id {
            Some(id) => write!(f, " (request {id})"),
            None => Ok(()),
        }
    }
}

fn kind<E>(error: &SdkError<E>, code: Option<&str>, operation: &str) -> CallErrorKind
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::TimeoutError(_) => CallErrorKind::Timeout,
        SdkError::DispatchFailure(failure) if failure.is_timeout() => CallErrorKind::Timeout,
        SdkError::DispatchFailure(failure) if failure.is_io() => CallErrorKind::Unreachable,
        SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_) if lacks_credentials(error) => {
            CallErrorKind::Credentials
        }
        SdkError::DispatchFailure(_) => CallErrorKind::Unreachable,
        SdkError::ResponseError(_) => CallErrorKind::BadAnswer,
        SdkError::ServiceError(refusal) => {
            let status = refusal.raw().status().as_u16();
            code.map_or_else(|| by_status(status), |code| by_code(code, status, operation))
        }
        _ => CallErrorKind::Other,
    }
}

/// Credentials that cannot be had end a call before it is sent. Their error type is in a crate that is not ours to
/// name, its words are (a test holds them).
fn lacks_credentials(error: &(dyn Error + 'static)) -> bool {
    std::iter::successors(Some(error), |&error| error.source())
        .any(|error| error.to_string().to_ascii_lowercase().contains("credential"))
}

fn by_code(code: &str, status: u16, operation: &str) -> CallErrorKind {
    match code {
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "RequestLimitExceeded"
        | "TooManyRequestsException" => CallErrorKind::Throttled,
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => {
            CallErrorKind::Denied { action: format!("elasticloadbalancing:{operation}") }
        }
        "ExpiredToken"
        | "ExpiredTokenException"
        | "RequestExpired"
        | "InvalidClientTokenId"
        | "AuthFailure"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "UnrecognizedClientException" => CallErrorKind::Credentials,
        "TargetGroupNotFound" => CallErrorKind::NotFound,
        "InvalidTarget" => CallErrorKind::InvalidTarget,
        "TooManyTargets" | "TooManyRegistrationsForTargetId" => CallErrorKind::TooMany,
        _ if status >= 500 => CallErrorKind::Unavailable,
        _ => CallErrorKind::Other,
    }
}

fn by_status(status: u16) -> CallErrorKind {
    match status {
        429 => CallErrorKind::Throttled,
        500.. => CallErrorKind::Unavailable,
        _ => CallErrorKind::BadAnswer,
    }
}
