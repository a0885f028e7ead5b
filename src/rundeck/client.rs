//! The questions that the agent has for Rundeck.
//!
//! Each call is one look: no loop, no pacing. Calls may run at the same time; whether they should (a hanging database
//! makes every call with a database token hang) is the caller's business.

use super::answer::Failure;
use super::facts::{Boot, Database, Info, Mode, ModeSet, Readiness, ReadinessLook, Web, WebLook};
use super::lane::Verified;
use super::options::{Options, SetupError};
use super::readiness::{self, Endpoint};
use super::token::Token;
use super::wire::{Ask, Wire};
use super::{answer::Answer, decode};
use hyper::Method;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;
use tokio::time::timeout;

/// The API version that is asked until the server has told its own: the oldest that every Rundeck from 3.4 to 6.x
/// serves (Rundeck's `ApiVersions`).
const OLDEST_API: u32 = 14;
/// An API version that no Rundeck from 3.4 to 6.x serves. The version check runs before authentication, so the error
/// tells the server's own version without a token (Rundeck's `ApiVersionInterceptor`).
const UNSERVED_API: u32 = 1;
/// `executions/status` exists from 32 and says 503 for a passive Rundeck up to 35; every Rundeck from 3.4 to 6.x serves
/// 36 (Rundeck's `ExecutionController`).
const STATUS_API: u32 = 36;
/// Least time that a switch of the mode is given: going back to active reschedules every job within the request
/// (Rundeck's `ExecutionService`).
const MODE_TIMEOUT: Duration = Duration::from_secs(30);

/// A client for one Rundeck.
pub struct Client {
    wire: Wire,
    timeout: Duration,
    token: RwLock<Option<Token>>,
    /// The token was refused since somebody asked.
    refused: AtomicBool,
    learnt: Mutex<Learnt>,
}

/// What the server has told about itself so far.
#[derive(Clone, Copy, Default)]
struct Learnt {
    /// Its newest API version.
    api_version: Option<u32>,
    /// The first number of its own version.
    major: Option<u32>,
    /// Its API has answered since the port opened.
    answers: bool,
    /// Its readiness endpoint; `None`: not looked for yet.
    readiness: Option<Served>,
}

/// The readiness endpoint of this server.
#[derive(Clone, Copy)]
struct Served {
    /// `None`: there is none.
    endpoint: Option<Endpoint>,
    /// Whether an answer of it had a database component; `None`: no answer yet.
    with_database: Option<bool>,
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
            refused: AtomicBool::new(false),
            learnt: Mutex::default(),
        })
    }

    /// Replaces the token from the next call on (the file has changed).
    pub fn set_token(&self, token: Option<Token>) {
        *self.token.write().unwrap_or_else(PoisonError::into_inner) = token;
    }

    /// There is a token to be shown.
    pub fn has_token(&self) -> bool {
        self.token.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// The server has refused the token since this was last asked: whoever knows where it comes from looks there again.
    pub fn was_refused(&self) -> bool {
        self.refused.swap(false, Ordering::Relaxed)
    }

    /// Asks `GET /health`, exactly that path: any other makes Rundeck keep a session for each look. Over a kept
    /// connection where there is one (`link.rs` says how long that may hide a closed port).
    ///
    /// Where the certificate is not accepted it is asked again over an unverified connection.
    pub async fn web(&self) -> WebLook {
        let (answer, certificate) = self.look("/health".into()).await;
        let web = answer.map_or_else(Web::Failed, |answer| decode::web(&answer));
        if web == Web::Failed(Failure::Refused) {
            // What opens the port again is another start.
            self.learnt().answers = false;
        }
        WebLook { web, certificate }
    }

    /// Asks without a token how far the bootstrap is, and learns the server's API version. Costs Rundeck no database
    /// call. Unverified where the certificate is not accepted, like [`web`](Self::web).
    ///
    /// The version check comes before the check whether the API can answer at all (`ApiVersionInterceptor.groovy`): a
    /// version that nobody serves is refused during the whole bootstrap. So a served one is asked too, until it was
    /// once answered since the port opened: without a token that is a refusal, and a line in Rundeck's log, once for
    /// each start.
    pub async fn boot(&self) -> Boot {
        match self.version().await {
            Boot::Past { api_version } if !self.learnt().answers => self.served(api_version).await,
            boot => boot,
        }
    }

    /// The newest API version, by a version that no server serves.
    async fn version(&self) -> Boot {
        let (answer, _) = self.look(format!("/api/{UNSERVED_API}/system/info")).await;
        let boot = answer.map_or_else(Boot::Failed, |answer| decode::boot(&answer));
        if let Boot::Past { api_version } = boot {
            self.learn(api_version, None);
        }
        boot
    }

    async fn served(&self, api_version: Option<u32>) -> Boot {
        let version = api_version.unwrap_or(OLDEST_API).max(OLDEST_API);
        let (answer, _) = self.look(format!("/api/{version}/system/info")).await;
        let boot = answer.map_or_else(Boot::Failed, |answer| decode::boot(&answer));
        match boot {
            Boot::Past { .. } => {
                self.learnt().answers = true;
                Boot::Past { api_version }
            }
            other => other,
        }
    }

    /// Asks the best readiness endpoint that this version has. Found at the first call, and anew with `learn`: then the
    /// API version is asked first, so a call takes up to three times `timeout`. An endpoint that is not there is not
    /// asked again until `learn`: each such look makes a session in Rundeck.
    pub async fn readiness(&self, learn: bool) -> ReadinessLook {
        if learn {
            self.learnt().answers = false;
        }
        let kept = if learn { None } else { self.learnt().readiness };
        let (candidates, with_database): (&[Endpoint], _) = match &kept {
            Some(served) => (served.endpoint.as_slice(), served.with_database),
            None => match self.candidates().await {
                Ok(candidates) => (candidates, None),
                Err(readiness) => return ReadinessLook { readiness, database: None, bound: true },
            },
        };
        let mut look = ReadinessLook { readiness: Readiness::Absent, database: None, bound: false };
        let mut served = Served { endpoint: None, with_database: None };
        for &endpoint in candidates {
            (look, served) = self.ask_readiness(endpoint, with_database).await;
            if look.readiness != Readiness::Absent {
                break;
            }
        }
        match look.readiness {
            Readiness::Ready | Readiness::NotReady | Readiness::Absent => self.learnt().readiness = Some(served),
            // Says nothing about the endpoint: what is known stays, what is sought is sought again.
            Readiness::VersionUnknown | Readiness::NoState(_) | Readiness::Failed(_) => {}
        }
        look
    }

    /// The endpoints that the version may have, which is asked now: another Rundeck may have been started.
    async fn candidates(&self) -> Result<&'static [Endpoint], Readiness> {
        match self.version().await {
            Boot::Past { api_version: Some(version) } => Ok(readiness::candidates(version, self.learnt().major)),
            Boot::Past { api_version: None } | Boot::StillBooting => Err(Readiness::VersionUnknown),
            Boot::Failed(failure) => Err(Readiness::Failed(failure)),
        }
    }

    async fn ask_readiness(&self, endpoint: Endpoint, with_database: Option<bool>) -> (ReadinessLook, Served) {
        let (answer, _) = self.look(endpoint.path().into()).await;
        let (readiness, database) = match answer {
            Ok(answer) => readiness::read(endpoint, &answer),
            Err(failure) => (Readiness::Failed(failure), None),
        };
        let with_database = match readiness {
            Readiness::Ready | Readiness::NotReady => Some(with_database == Some(true) || database.is_some()),
            _ => with_database,
        };
        // Unknown counts as bound: a frozen database may be why the first answer does not come.
        let bound = endpoint == Endpoint::Actuator && readiness != Readiness::Absent && with_database != Some(false);
        let endpoint = (readiness != Readiness::Absent).then_some(endpoint);
        (ReadinessLook { readiness, database, bound }, Served { endpoint, with_database })
    }

    /// Asks `system/info` with the token: mode, running executions, identity. Database-bound where the token is kept in
    /// the database. Writes a line into Rundeck's logs, two when the token is rejected.
    pub async fn info(&self) -> Info {
        let Some(ask) = self.with_token(Method::GET, OLDEST_API, "system/info") else {
            return Info::NoToken;
        };
        let (info, api_version) = match self.say(&ask).await {
            Ok(answer) => decode::info(&answer),
            Err(failure) => (Info::Failed(failure), None),
        };
        let version = match &info {
            Info::Seen(info) | Info::WithoutRights(info) => info.version.as_deref(),
            _ => None,
        };
        self.learn(api_version, version.and_then(|v| v.split('.').next()?.parse().ok()));
        info
    }

    /// Asks `executions/status` with the token, and waits up to `limit`: with a token kept in the database this asks
    /// the database. Over a connection of its own that is closed afterwards, for a call that is given up goes on over
    /// there.
    pub async fn database(&self, limit: Duration) -> Database {
        let Some(ask) = self.with_token(Method::GET, STATUS_API, "system/executions/status") else {
            return Database::NoToken;
        };
        let (database, api_version) = match self.say(&Ask { lane: ask.lane.fresh(), timeout: limit, ..ask }).await {
            Ok(answer) => decode::database(&answer),
            Err(failure) => (Database::Failed(failure), None),
        };
        self.learn(api_version, None);
        database
    }

    /// Switches the execution mode of this JVM. Never through a load balancer: it would switch some other member.
    /// Takes up to 30 s, or `timeout` where that is longer.
    pub async fn set_mode(&self, mode: Mode) -> ModeSet {
        let path = match mode {
            Mode::Passive => "system/executions/disable",
            Mode::Active => "system/executions/enable",
        };
        let Some(ask) = self.with_token(Method::POST, OLDEST_API, path) else {
            return ModeSet::NoToken;
        };
        match self.say(&Ask { timeout: self.timeout.max(MODE_TIMEOUT), ..ask }).await {
            Ok(answer) => decode::mode_set(&answer, mode),
            Err(failure) => ModeSet::Failed(failure),
        }
    }

    /// Sends a call with the token, and notes that it was refused.
    async fn say(&self, ask: &Ask<Verified>) -> Result<Answer, Failure> {
        let answer = self.wire.send(ask).await;
        if answer.as_ref().is_ok_and(|answer| matches!(answer.status, 401 | 403)) {
            self.refused.store(true, Ordering::Relaxed);
        }
        answer
    }

    /// A look without a token, and what is wrong with the certificate. One time-out bounds both attempts.
    async fn look(&self, path: String) -> (Result<Answer, Failure>, Option<String>) {
        let ask = Ask { method: Method::GET, path, lane: Verified::kept(None), timeout: self.timeout };
        let mut certificate = None;
        let look = async {
            match self.wire.send(&ask).await {
                Err(Failure::Certificate(why)) => {
                    certificate = Some(why);
                    self.wire.send(&ask.unverified()).await
                }
                answer => answer,
            }
        };
        let answer = timeout(self.timeout, look).await.unwrap_or(Err(Failure::Timeout));
        (answer, certificate)
    }

    /// A call with the token; `oldest`: the API version that is asked until the server's own is known.
    fn with_token(&self, method: Method, oldest: u32, call: &str) -> Option<Ask<Verified>> {
        let token = self.token.read().unwrap_or_else(PoisonError::into_inner).as_ref()?.header();
        let version = self.learnt().api_version.unwrap_or(oldest).max(oldest);
        let path = format!("/api/{version}/{call}");
        Some(Ask { method, path, lane: Verified::kept(Some(token)), timeout: self.timeout })
    }

    /// Another API version is another Rundeck: its own version is not known until it has told it.
    fn learn(&self, api_version: Option<u32>, major: Option<u32>) {
        let mut learnt = self.learnt();
        if let Some(version) = api_version.filter(|v| *v >= OLDEST_API)
            && learnt.api_version.replace(version) != Some(version)
        {
            learnt.major = None;
        }
        learnt.major = major.or(learnt.major);
    }

    fn learnt(&self) -> MutexGuard<'_, Learnt> {
        self.learnt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
