//! The facts that Rundeck's answers state, with words for people.
//!
//! No judgement here: how much each fact weighs is the heart's (docs/HEALTH.md).

use super::answer::Failure;
use std::fmt;

const NO_TOKEN: &str = "no token: neither mode, jobs nor database can be seen; set rundeck.token_file";
const REJECTED: &str =
    "Rundeck rejects the token (403): it is wrong or has expired; tokens end after 30 days by default";
const BOOTING: &str = "still booting (503 without a body)";

/// `GET /health`: is the web server there and answering? It proves nothing else: a constant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Web {
    /// 200 and the body is exactly `ok`.
    Ok,
    /// 404 without a body: `rundeck.feature.healthEndpoint.enabled=false`. Alive all the same.
    Disabled,
    /// 200 with something else: a login page, another program on the port.
    BadBody,
    /// No usable answer.
    Failed(Failure),
}

impl fmt::Display for Web {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok => f.write_str("ok"),
            Self::Disabled => {
                f.write_str("alive; its /health is switched off (rundeck.feature.healthEndpoint.enabled=false)")
            }
            Self::BadBody => f.write_str("/health answers 200 but not `ok`: is rundeck.url the URL of a Rundeck?"),
            Self::Failed(failure) => write!(f, "/health: {failure}"),
        }
    }
}

/// A look at `/health`, and whether the certificate was accepted on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebLook {
    /// What `/health` says. Where the certificate is not accepted, over a connection that was not verified.
    pub web: Web,
    /// What is wrong with the certificate, and the cure. `None`: nothing, or no TLS.
    pub certificate: Option<String>,
}

/// Token-free `GET /api/1/system/info`: has the bootstrap got as far as the API?
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Boot {
    /// The API answers. Says that this step is over, not that the bootstrap is.
    Past {
        /// The newest API version of this server.
        api_version: Option<u32>,
    },
    /// 503 with an empty body.
    StillBooting,
    /// No usable answer.
    Failed(Failure),
}

impl fmt::Display for Boot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Past { api_version: Some(version) } => write!(f, "the API answers, version {version}"),
            Self::Past { api_version: None } => f.write_str("the API answers"),
            Self::StillBooting => f.write_str(BOOTING),
            Self::Failed(failure) => write!(f, "API: {failure}"),
        }
    }
}

/// The readiness state: start-up and shutdown of this node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// Accepting traffic.
    Ready,
    /// Starting, or told to end.
    NotReady,
    /// This version shows none, or it is switched off (302, 404).
    Absent,
    /// Which endpoint this version has is not known before its API answers. Nothing was asked: a wrong path makes a
    /// session.
    VersionUnknown,
    /// The status of an answer that holds no readiness state.
    NoState(u16),
    /// No usable answer.
    Failed(Failure),
}

impl fmt::Display for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready => f.write_str("accepting traffic"),
            Self::NotReady => f.write_str("refusing traffic: starting or stopping"),
            Self::Absent => f.write_str("this Rundeck shows no readiness state"),
            Self::VersionUnknown => f.write_str("Rundeck's API has not told its version yet"),
            Self::NoState(status) => write!(f, "status {status} without a readiness state in it"),
            Self::Failed(failure) => write!(f, "readiness: {failure}"),
        }
    }
}

/// A look at the best readiness endpoint that this version has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadinessLook {
    /// The node's own state.
    pub readiness: Readiness,
    /// The database's component in the same answer: every member's, never the node's own.
    pub database: Option<bool>,
    /// Asking this endpoint asks the database too, or nobody knows yet.
    pub bound: bool,
}

/// A timed call with the token: one that is kept in the database is looked up there each time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// The token was looked at and accepted.
    Answered,
    /// 5xx: how a dead database looks.
    ServerError(u16),
    /// No token is configured, so nothing was asked.
    NoToken,
    /// 403 on the token.
    Rejected,
    /// 503 with an empty body.
    StillBooting,
    /// 200 with something that is not the API's answer.
    Unreadable,
    /// No usable answer.
    Failed(Failure),
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered => f.write_str("a call with the token is answered"),
            Self::ServerError(status) => write!(f, "a call with the token fails with status {status}"),
            Self::NoToken => f.write_str(NO_TOKEN),
            Self::Rejected => f.write_str(REJECTED),
            Self::StillBooting => f.write_str(BOOTING),
            Self::Unreadable => f.write_str("the answer to a call with the token is not the API's"),
            Self::Failed(failure) => write!(f, "a call with the token: {failure}"),
        }
    }
}

/// Rundeck's execution mode: one Boolean in one JVM, lost at a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Executions may start.
    Active,
    /// New executions are refused; running ones go on.
    Passive,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "active",
            Self::Passive => "passive",
        })
    }
}

/// What `system/info` tells. Everything is optional: a token without rights gets nulls, versions differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SystemInfo {
    /// Execution mode.
    pub mode: Option<Mode>,
    /// Executions that run in this JVM (`stats.scheduler.running`). `None` means "cannot be seen", never "none".
    pub running: Option<u32>,
    /// Rundeck's version, like `5.20.1-20260101`.
    pub version: Option<String>,
    /// The newest API version of this server.
    pub api_version: Option<u32>,
    /// This member's UUID in the cluster.
    pub server_uuid: Option<String>,
}

/// `GET /api/V/system/info` with the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Info {
    /// An answer with at least the mode or the running executions in it.
    Seen(SystemInfo),
    /// The token is good but may not see this: 200 with nulls (4.4 and later) or 403 for the item (before).
    WithoutRights(SystemInfo),
    /// No token is configured, so nothing was asked.
    NoToken,
    /// 403 on the token: wrong, expired, or not yet read by a booting Rundeck. Says nothing about the node.
    Rejected,
    /// 401 "no project": no authentication failure.
    NoProject,
    /// 400: the server does not know the API version that was asked; its own has been learnt for the next call.
    OtherVersion,
    /// 503 with an empty body.
    StillBooting,
    /// 200 with a web page.
    Html,
    /// 200 with something else that is not the expected JSON.
    BadJson,
    /// No usable answer; a 5xx is [`Failure::BadStatus`].
    Failed(Failure),
}

impl fmt::Display for Info {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seen(info) => {
                let version = info.version.as_deref().unwrap_or("of unknown version");
                let mode = info.mode.map_or("mode unknown", |m| if m == Mode::Active { "active" } else { "passive" });
                match info.running {
                    Some(n) => write!(f, "Rundeck {version}, {mode}, {n} running"),
                    None => write!(f, "Rundeck {version}, {mode}, running executions cannot be seen"),
                }
            }
            Self::WithoutRights(_) => f.write_str(
                "the token may not read the system: allow `read` on resource kind `system` for its role, else neither \
                 mode nor jobs can be seen",
            ),
            Self::NoToken => f.write_str(NO_TOKEN),
            Self::Rejected => f.write_str(REJECTED),
            Self::NoProject => f.write_str("Rundeck has no project that the token may read (401)"),
            Self::OtherVersion => {
                f.write_str("Rundeck does not know the API version that was asked; its own is used from now on")
            }
            Self::StillBooting => f.write_str(BOOTING),
            Self::Html => f.write_str("the API answers with a web page: is rundeck.url the URL of a Rundeck?"),
            Self::BadJson => f.write_str("the API's answer cannot be read as JSON"),
            Self::Failed(failure) => write!(f, "API: {failure}"),
        }
    }
}

/// The outcome of a switch of the execution mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModeSet {
    /// Rundeck answered with the mode that was asked for. Asking twice is harmless.
    Done,
    /// 200, but with another mode or none.
    Unconfirmed(Option<Mode>),
    /// No token is configured, so nothing was sent.
    NoToken,
    /// 403 on the token.
    Rejected,
    /// The token is good but may not switch.
    WithoutRights,
    /// 503 with an empty body.
    StillBooting,
    /// No usable answer; the mode may have been switched all the same (look with `info`).
    Failed(Failure),
}

impl fmt::Display for ModeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Unconfirmed(Some(mode)) => write!(f, "Rundeck answers that it is {mode}"),
            Self::Unconfirmed(None) => f.write_str("Rundeck's answer does not say its mode"),
            Self::NoToken => f.write_str("no token: the mode cannot be switched; set rundeck.token_file"),
            Self::Rejected => f.write_str(REJECTED),
            Self::WithoutRights => f.write_str(
                "the token may not switch the mode: allow `disable_executions` and `enable_executions` on resource \
                 kind `system` for its role",
            ),
            Self::StillBooting => f.write_str(BOOTING),
            Self::Failed(failure) => write!(f, "{failure}"),
        }
    }
}
