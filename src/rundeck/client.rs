//! The four questions that the agent has for Rundeck.
//!
//! Each call is one look: no loop, no pacing. Calls may run at the same time; whether they should (a hanging database
//! makes every call with a database token hang) is the caller's business.

use super::answer::Failure;
use super::facts::{Boot, Info, Mode, ModeSet, Web, WebLook};
use super::tls::TlsError;
use super::token::Token;
use super::url::BaseUrl;
use super::wire::{Ask, Lane, Wire};
use super::{answer::Answer, decode};
use hyper::Method;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;
use tokio::time::timeout;

/// The API version that is asked until the server has told its own: the oldest that every Rundeck from 3.4 to 6.x
/// serves (facts/rundeck.md, versions).
const OLDEST_API: u32 = 14;
/// An API version that no Rundeck from 3.4 to 6.x serves. The version check runs before authentication, so the error
/// tells the server's own version without a token (facts/rundeck.md 2.1).
const UNSERVED_API: u32 = 1;
/// Least time that a switch of the mode is given: going back to active reschedules every job within the request
/// (facts/rundeck.md 2.3).
const MODE_TIMEOUT: Duration = Duration::from_secs(30);

/// How Rundeck is reached.
#[derive(Debug, Clone)]
pub struct Options {
    /// `rundeck.url`.
    pub url: BaseUrl,
    /// `rundeck.host_header`: sent instead of the URL's host.
    pub host_header: Option<String>,
    /// `rundeck.ca_file`: PEM. Without it and without a pin the system's CAs count.
    pub ca_file: Option<PathBuf>,
    /// `rundeck.pin_sha256`: of the certificate's DER form. Goes before `ca_file`.
    pub pin_sha256: Option<[u8; 32]>,
    /// `rundeck.tls_server_name`: checked in the certificate and sent as SNI; default the URL's host.
    pub tls_server_name: Option<String>,
    /// `health.connect_timeout`: name resolution and TCP.
    pub connect_timeout: Duration,
    /// `health.timeout`: a whole call.
    pub timeout: Duration,
    /// Without it only token-free questions are asked.
    pub token: Option<Token>,
}

/// Why a client cannot be built. Each is a fault of the configuration.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Not a header value.
    #[error("rundeck.host_header {0:?} holds characters that no header can carry")]
    HostHeader(String),
}

/// A client for one Rundeck.
pub struct Client {
    wire: Wire,
    timeout: Duration,
    token: RwLock<Option<Token>>,
    /// The server's newest API version; [`OLDEST_API`] until it is known.
    api_version: AtomicU32,
}

impl Client {
    /// Builds a client; connects to nothing. Reads `ca_file`, or, for https without one, the system's CA store: that
    /// blocks for about 10 ms, so never call it on the thread that answers the load balancer.
    ///
    /// # Errors
    /// [`SetupError`], naming the key that must be changed.
    pub fn new(options: Options) -> Result<Self, SetupError> {
        Ok(Self {
            wire: Wire::new(&options)?,
            timeout: options.timeout,
            token: RwLock::new(options.token),
            api_version: AtomicU32::new(OLDEST_API),
        })
    }

    /// Replaces the token from the next call on (the file has changed).
    pub fn set_token(&self, token: Option<Token>) {
        *self.token.write().unwrap_or_else(PoisonError::into_inner) = token;
    }

    /// Asks `GET /health`, exactly that path: any other makes Rundeck keep a session for each look. Over a new
    /// connection each time, so that a closed port shows at once.
    ///
    /// Where the certificate is not accepted it is asked again over an unverified connection.
    pub async fn web(&self) -> WebLook {
        let (answer, certificate) = self.look("/health".into(), Lane::Fresh).await;
        let web = answer.map_or_else(Web::Failed, |answer| decode::web(&answer));
        WebLook { web, certificate }
    }

    /// Asks without a token how far the bootstrap is, and learns the server's API version. Costs Rundeck no database
    /// call and no line in its logs. Unverified where the certificate is not accepted, like [`web`](Self::web).
    pub async fn boot(&self) -> Boot {
        let (answer, _) = self.look(format!("/api/{UNSERVED_API}/system/info"), Lane::Kept).await;
        let boot = answer.map_or_else(Boot::Failed, |answer| decode::boot(&answer));
        if let Boot::Past { api_version } = boot {
            self.learn(api_version);
        }
        boot
    }

    /// Asks `system/info` with the token: mode, running executions, identity. Database-bound where the token is kept in
    /// the database. Writes a line into Rundeck's logs, two when the token is rejected.
    pub async fn info(&self) -> Info {
        let Some(ask) = self.with_token(Method::GET, "system/info", self.timeout) else {
            return Info::NoToken;
        };
        let (info, api_version) = match self.wire.send(&ask).await {
            Ok(answer) => decode::info(&answer),
            Err(failure) => (Info::Failed(failure), None),
        };
        self.learn(api_version);
        info
    }

    /// Switches the execution mode of this JVM. Never through a load balancer: it would switch some other member.
    /// Takes up to 30 s, or `timeout` where that is longer.
    pub async fn set_mode(&self, mode: Mode) -> ModeSet {
        let path = match mode {
            Mode::Passive => "system/executions/disable",
            Mode::Active => "system/executions/enable",
        };
        let timeout = self.timeout.max(MODE_TIMEOUT);
        let Some(ask) = self.with_token(Method::POST, path, timeout) else {
            return ModeSet::NoToken;
        };
        match self.wire.send(&ask).await {
            Ok(answer) => decode::mode_set(&answer, mode),
            Err(failure) => ModeSet::Failed(failure),
        }
    }

    /// A look without a token, and what is wrong with the certificate. One time-out bounds both attempts.
    async fn look(&self, path: String, lane: Lane) -> (Result<Answer, Failure>, Option<String>) {
        let mut ask = Ask { method: Method::GET, path, token: None, lane, timeout: self.timeout };
        let mut certificate = None;
        let look = async {
            match self.wire.send(&ask).await {
                Err(Failure::Certificate(why)) => {
                    certificate = Some(why);
                    ask.lane = Lane::Unverified;
                    self.wire.send(&ask).await
                }
                answer => answer,
            }
        };
        let answer = timeout(self.timeout, look).await.unwrap_or(Err(Failure::Timeout));
        (answer, certificate)
    }

    fn with_token(&self, method: Method, path: &str, timeout: Duration) -> Option<Ask> {
        let token = self.token.read().unwrap_or_else(PoisonError::into_inner).as_ref()?.header();
        let version = self.api_version.load(Ordering::Relaxed);
        let path = format!("/api/{version}/{path}");
        Some(Ask { method, path, token: Some(token), lane: Lane::Kept, timeout })
    }

    fn learn(&self, api_version: Option<u32>) {
        if let Some(version) = api_version.filter(|v| *v >= OLDEST_API) {
            self.api_version.store(version, Ordering::Relaxed);
        }
    }
}
