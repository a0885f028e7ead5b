//! What AWS's errors mean, and which trouble each is for the heart.
//!
//! The code decides, for a throttle comes as HTTP 400 like a bad request; where there is no code (an HTML page from
//! something in between) the status does. It decides nothing about retrying: the SDK has done
//! its three attempts before an error gets here.

use super::tally::CallResult;
use aws_sdk_elasticloadbalancingv2::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_elasticloadbalancingv2::operation::RequestId;
use rundeck_alb_core::{Trouble, TroubleKind};
use std::error::Error;
use std::fmt;

/// Longest message, in characters, that is kept of an error: AWS's are under 300, HTML pages have no end.
const MAX_MESSAGE: usize = 500;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CallErrorKind {
    /// Too many requests for this account and Region (`Throttling`, HTTP 400).
    Throttled,
    /// The role may not do this.
    Denied,
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
    /// The proxy is not there, or does not lead to AWS.
    Proxy,
    /// Who answers shows a certificate that is not trusted here.
    Certificate,
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
pub(super) struct CallError {
    /// The service as permissions write it.
    pub service: &'static str,
    /// The API's name for the call.
    pub operation: &'static str,
    pub kind: CallErrorKind,
    /// AWS's code, where there is one.
    pub code: Option<String>,
    /// AWS's message, or the chain of causes.
    pub message: String,
    /// AWS's request id, where there is one.
    pub request_id: Option<String>,
}

impl CallError {
    /// Reads an error of the SDK.
    pub fn of<E>(error: &SdkError<E>, service: &'static str, operation: &'static str) -> Self
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
            service,
            operation,
            kind: kind(error, code.as_deref()),
            code,
            message: message.chars().take(MAX_MESSAGE).collect(),
            request_id: error.request_id().map(str::to_owned),
        }
    }

    /// An answer that lacks what AWS always sends.
    pub fn bad_answer(service: &'static str, operation: &'static str, message: &str, request_id: Option<&str>) -> Self {
        Self {
            service,
            operation,
            kind: CallErrorKind::BadAnswer,
            code: None,
            message: message.to_owned(),
            request_id: request_id.map(str::to_owned),
        }
    }

    /// A name or an ARN that AWS does not accept at all (of another region, of something else, with odd letters) is
    /// that of no group here, like one that it does not find: it is refused as `ValidationError`.
    pub fn no_such_name(self) -> Self {
        let odd = self.kind == CallErrorKind::Other && self.code.as_deref() == Some("ValidationError");
        Self { kind: if odd { CallErrorKind::NotFound } else { self.kind }, ..self }
    }

    /// The permission that the call needs, like `elasticloadbalancing:RegisterTargets`.
    fn action(&self) -> String {
        format!("{}:{}", self.service, self.operation)
    }

    /// The word of the metric.
    pub fn outcome(&self) -> CallResult {
        match self.kind {
            CallErrorKind::Throttled => CallResult::Throttled,
            CallErrorKind::Denied => CallResult::Denied,
            CallErrorKind::Timeout => CallResult::Timeout,
            _ => CallResult::Error,
        }
    }
}

impl Error for CallError {}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            CallErrorKind::Throttled => f.write_str("AWS throttles this account")?,
            CallErrorKind::Denied => write!(f, "AWS denied {}", self.action())?,
            CallErrorKind::NotFound => f.write_str("there is no such target group")?,
            CallErrorKind::InvalidTarget => f.write_str("AWS does not accept the target")?,
            CallErrorKind::TooMany => f.write_str("a quota of targets is used up")?,
            CallErrorKind::Timeout => f.write_str("AWS did not answer in time")?,
            CallErrorKind::Unreachable => f.write_str("AWS cannot be reached")?,
            CallErrorKind::Proxy => f.write_str("the proxy of HTTPS_PROXY is not there, or refuses this agent")?,
            CallErrorKind::Certificate => f.write_str(
                "the certificate at AWS's endpoint is not trusted: set AWS_CA_BUNDLE to the PEM file of the CA that \
                 signs there, as a proxy that opens TLS has one of its own",
            )?,
            CallErrorKind::Credentials => f.write_str("AWS does not accept the credentials, or there are none")?,
            CallErrorKind::Unavailable => f.write_str("AWS has trouble of its own")?,
            CallErrorKind::BadAnswer => f.write_str("the answer is not AWS's")?,
            CallErrorKind::Other => f.write_str("AWS refused the call")?,
        }
        if let Some(code) = &self.code {
            write!(f, " ({code})")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// What a failed call means for the heart. Its text is without the request id, which is another one each time: the same
/// trouble would be told again and again.
impl From<CallError> for Trouble {
    fn from(error: CallError) -> Trouble {
        let kind = match error.kind {
            CallErrorKind::Throttled => TroubleKind::Throttled,
            CallErrorKind::Denied => TroubleKind::Denied,
            CallErrorKind::NotFound => TroubleKind::NotFound,
            CallErrorKind::InvalidTarget => TroubleKind::InvalidTarget,
            CallErrorKind::TooMany | CallErrorKind::Other => TroubleKind::Refused,
            CallErrorKind::Credentials => TroubleKind::Credentials,
            CallErrorKind::Timeout
            | CallErrorKind::Unreachable
            | CallErrorKind::Proxy
            | CallErrorKind::Certificate
            | CallErrorKind::Unavailable
            | CallErrorKind::BadAnswer => TroubleKind::Unavailable,
        };
        Trouble { kind, action: error.action(), text: error.to_string() }
    }
}

fn kind<E>(error: &SdkError<E>, code: Option<&str>) -> CallErrorKind
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::DispatchFailure(_) if says(error, "invalid peer certificate") => CallErrorKind::Certificate,
        SdkError::DispatchFailure(_) if says(error, "tunnel error") => CallErrorKind::Proxy,
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
            code.map_or_else(|| by_status(status), |code| by_code(code, status))
        }
        _ => CallErrorKind::Other,
    }
}

/// Credentials that cannot be had end a call before it is sent.
fn lacks_credentials(error: &(dyn Error + 'static)) -> bool {
    says(error, "credential")
}

/// Some link of the chain of causes says so. The types below the SDK's are of crates that are not ours to name (the
/// credentials', rustls's below the connector, the tunnel's); their words are, and tests hold them.
fn says(error: &(dyn Error + 'static), words: &str) -> bool {
    std::iter::successors(Some(error), |&error| error.source())
        .any(|error| error.to_string().to_ascii_lowercase().contains(words))
}

fn by_code(code: &str, status: u16) -> CallErrorKind {
    match code {
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "RequestLimitExceeded"
        | "TooManyRequestsException" => CallErrorKind::Throttled,
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => CallErrorKind::Denied,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_trouble_has_the_same_words_and_names_its_action() {
        let denied = |request: &str| CallError {
            service: "elasticloadbalancing",
            operation: "RegisterTargets",
            kind: CallErrorKind::Denied,
            code: Some("AccessDenied".into()),
            message: "not authorized".into(),
            request_id: Some(request.into()),
        };
        let trouble = Trouble::from(denied("one"));
        assert_eq!(trouble, Trouble::from(denied("another")));
        assert_eq!(trouble.action, "elasticloadbalancing:RegisterTargets");
        assert_eq!(trouble.text, "AWS denied elasticloadbalancing:RegisterTargets (AccessDenied): not authorized");
    }
}
