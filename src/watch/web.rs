//! One look at `GET /health`, and at the token-free API step while Rundeck starts.

use crate::rundeck::{Boot, Client, Failure, Web};
use rundeck_alb_core::{BootSeen, Unjudged, WebSeen};

/// What one round saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// `/health`.
    pub web: WebSeen,
    /// The API step, where it was asked for and `/health` answered.
    pub boot: Option<BootSeen>,
    /// What is wrong with the certificate, or with http and https, and the cure.
    pub certificate: Option<String>,
    /// Which other machine `rundeck.url` leads to, where it does.
    pub elsewhere: Option<String>,
}

/// Asks once; `with_boot` adds the API step.
pub async fn look(client: &Client, with_boot: bool) -> Round {
    let look = client.web().await;
    let web = web_seen(&look.web);
    let answered = matches!(web, WebSeen::Ok | WebSeen::Disabled);
    let boot = if with_boot && answered { Some(boot_seen(&client.boot().await)) } else { None };
    let certificate = look.certificate.or_else(|| wrong_protocol(&look.web));
    let elsewhere =
        if let Web::Failed(failure @ Failure::Elsewhere { .. }) = &look.web { Some(failure.to_string()) } else { None };
    Round { web, boot, certificate, elsewhere }
}

/// https asked of an http port or the reverse: only people can cure it, so they are told in words.
fn wrong_protocol(web: &Web) -> Option<String> {
    match web {
        Web::Failed(failure @ Failure::WrongProtocol(_)) => Some(failure.to_string()),
        _ => None,
    }
}

fn web_seen(web: &Web) -> WebSeen {
    match web {
        Web::Ok => WebSeen::Ok,
        Web::Disabled => WebSeen::Disabled,
        Web::BadBody => WebSeen::Body,
        Web::Failed(failure) => match failure {
            Failure::Refused => WebSeen::Refused,
            Failure::Timeout => WebSeen::TimedOut,
            Failure::Truncated => WebSeen::Truncated,
            Failure::Redirect(_) => WebSeen::Redirect,
            Failure::BadStatus(code) => WebSeen::Status(*code),
            Failure::TooLarge | Failure::WrongProtocol(_) => WebSeen::Body,
            Failure::CannotConnect(_) => WebSeen::CannotConnect,
            Failure::Elsewhere { .. } => WebSeen::Elsewhere,
            Failure::Name(_) => WebSeen::CannotJudge(Unjudged::Name),
            Failure::HostRefused => WebSeen::CannotJudge(Unjudged::Host),
            // The client asks again without verifying; if that is refused too, the port does not speak TLS as we do.
            Failure::Certificate(_) => WebSeen::Body,
        },
    }
}

/// Only an empty 503 says that the bootstrap has not got that far; any other answer is past it.
fn boot_seen(boot: &Boot) -> BootSeen {
    match boot {
        Boot::Past { .. } => BootSeen::Past,
        Boot::StillBooting => BootSeen::StillBooting,
        Boot::Failed(failure) => match failure {
            Failure::BadStatus(code) if *code < 500 => BootSeen::Past,
            Failure::Redirect(_) | Failure::TooLarge | Failure::HostRefused => BootSeen::Past,
            Failure::Refused
            | Failure::Timeout
            | Failure::Truncated
            | Failure::BadStatus(_)
            | Failure::WrongProtocol(_)
            | Failure::CannotConnect(_)
            | Failure::Elsewhere { .. }
            | Failure::Name(_)
            | Failure::Certificate(_) => BootSeen::Failed,
        },
    }
}
