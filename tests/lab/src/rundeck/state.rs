//! What a running stand-in knows and counts: its stage of life, execution mode, jobs, sessions, faults, database.
//!
//! It answers no request and holds no socket; `lifecycle` moves the stages on, `web` and `api` read them.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::{Semaphore, watch};

use super::config::Token;
use super::jobs::Jobs;
use super::pause::{now_millis, pause};
use super::{Config, Database, Event, Fault, Faults, Life, Mode, Outage, Scope};
use crate::lock;

/// A stopped or refusing database is noticed this fast by the Tomcat pool.
const FAST_FAILURE: Duration = Duration::from_millis(20);
/// Sessions kept at most; a prober on a wrong path makes one per request, as in a real node, but not for ever.
const MAX_SESSIONS: usize = 100_000;

/// What the demo and tests count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// The execution mode.
    pub mode: Mode,
    /// Jobs running now.
    pub running: usize,
    /// Jobs that ran to their end.
    pub finished: u64,
    /// Jobs that were running when the process was killed.
    pub killed: u64,
    /// Requests read, of all kinds.
    pub requests: u64,
    /// Sessions made (each request on a wrong path without a cookie makes one).
    pub sessions: u64,
}

/// The state shared by all tasks of one stand-in.
pub struct State {
    /// What it was told before the start.
    pub config: Config,
    /// When it was started, in ms since 1970.
    pub started: u64,
    /// Its jobs.
    pub jobs: Jobs,
    /// Jetty's request threads.
    pub(super) threads: Arc<Semaphore>,
    pub(super) life: watch::Sender<Life>,
    pub(super) busy: watch::Sender<usize>,
    faults: watch::Sender<Faults>,
    database: watch::Sender<Database>,
    mode: Mutex<Mode>,
    sessions: Mutex<HashMap<String, bool>>,
    requests: AtomicU64,
    sessions_made: AtomicU64,
}

/// The database did not answer in time.
#[derive(Debug, PartialEq, Eq)]
pub struct DatabaseDown;

impl State {
    pub(super) fn new(config: Config) -> Self {
        State {
            started: now_millis(),
            jobs: Jobs::new(config.journal),
            threads: Arc::new(Semaphore::new(config.threads)),
            life: watch::Sender::new(Life::Booting),
            busy: watch::Sender::new(0),
            faults: watch::Sender::default(),
            database: watch::Sender::new(config.database),
            mode: Mutex::new(config.mode),
            sessions: Mutex::default(),
            requests: AtomicU64::new(0),
            sessions_made: AtomicU64::new(0),
            config,
        }
    }

    /// The stage of life.
    #[must_use]
    pub fn life(&self) -> Life {
        *self.life.borrow()
    }

    /// Moves on to a later stage; never back.
    pub(super) fn enter(&self, life: Life) {
        let moved = self.life.send_if_modified(|now| {
            let later = *now < life;
            if later {
                *now = life;
            }
            later
        });
        if moved {
            (self.config.journal)(&Event::Life(life));
        }
    }

    /// The execution mode.
    #[must_use]
    pub fn mode(&self) -> Mode {
        *lock(&self.mode)
    }

    /// Switches the execution mode; with the late-job fault on, a job starts just after the switch to passive.
    pub fn set_mode(&self, mode: Mode) {
        *lock(&self.mode) = mode;
        (self.config.journal)(&Event::Mode(mode));
        let late = self.faults.borrow().find(|fault| match fault {
            Fault::LateJob(length) => Some(length),
            _ => None,
        });
        if let (Mode::Passive, Some(length)) = (mode, late) {
            self.jobs.start_late("demo", "admin", length);
        }
    }

    /// The counters.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            mode: self.mode(),
            running: self.jobs.running(),
            finished: self.jobs.finished(),
            killed: self.jobs.killed(),
            requests: self.requests.load(Ordering::Relaxed),
            sessions: self.sessions_made.load(Ordering::Relaxed),
        }
    }

    pub(super) fn count_request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// The faults that are on now.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.faults.borrow().clone()
    }

    pub(super) fn watch_faults(&self) -> watch::Receiver<Faults> {
        self.faults.subscribe()
    }

    /// Switches a fault on.
    pub fn fault(&self, fault: Fault, scope: Scope) {
        self.faults.send_modify(|faults| faults.add(fault, scope));
    }

    /// Switches a fault off.
    pub fn heal(&self, fault: Fault) {
        self.faults.send_modify(|faults| faults.remove(fault));
    }

    /// Switches all faults off and brings the database back.
    pub fn heal_all(&self) {
        self.faults.send_replace(Faults::default());
        self.set_database(Database::Up);
    }

    /// Waits while the node is hung.
    pub(super) async fn thawed(&self) {
        let mut faults = self.faults.subscribe();
        // The sender lives in `self`, so waiting cannot fail.
        let _ = faults.wait_for(|now| !now.has(Fault::Hung)).await;
    }

    /// The database's state.
    #[must_use]
    pub fn database(&self) -> Database {
        *self.database.borrow()
    }

    /// Changes how the database behaves; calls that hang are answered when it is back.
    pub fn set_database(&self, database: Database) {
        self.database.send_replace(database);
    }

    /// The same as this version's own pool lets the outage be seen.
    pub fn set_outage(&self, outage: Outage) {
        self.set_database(outage.behind(self.config.version.pool()));
    }

    /// One call that needs the database.
    ///
    /// # Errors
    /// It is down: at once or after the pool's wait. While it is frozen this never returns.
    pub async fn call_database(&self) -> Result<(), DatabaseDown> {
        let mut database = self.database.subscribe();
        loop {
            let now = *database.borrow_and_update();
            let wait = match now {
                Database::Up => return Ok(()),
                Database::FailsAtOnce => Some(FAST_FAILURE),
                Database::FailsLate => Some(self.config.database_wait),
                Database::Frozen => None,
            };
            tokio::select! {
                () = pause(wait.unwrap_or_default()), if wait.is_some() => return Err(DatabaseDown),
                _ = database.changed() => {}
            }
        }
    }

    /// The token of that value, if it is known in this stage of life and not revoked.
    #[must_use]
    pub fn token(&self, value: &str) -> Option<&Token> {
        if self.faults.borrow().has(Fault::RevokedTokens) {
            return None;
        }
        self.config.tokens.iter().find(|token| token.value == value)
    }

    /// A new session; `authenticated` after a login.
    pub fn new_session(&self, authenticated: bool) -> String {
        let count = self.sessions_made.fetch_add(1, Ordering::Relaxed);
        let mut random = std::hash::RandomState::new().build_hasher();
        random.write_u64(count);
        let id = format!("node0{:016x}{count}.node0", random.finish());
        let mut sessions = lock(&self.sessions);
        if sessions.len() >= MAX_SESSIONS {
            sessions.retain(|_, authenticated| *authenticated);
        }
        sessions.insert(id.clone(), authenticated);
        id
    }

    /// The session of an API call, which is invalidated before the answer is out: never known again.
    pub(super) fn new_api_session(&self) -> String {
        let id = self.new_session(false);
        self.end_session(&id);
        id
    }

    /// Whether the session is known here, and whether somebody is logged in with it.
    #[must_use]
    pub fn session(&self, id: &str) -> Option<bool> {
        lock(&self.sessions).get(id).copied()
    }

    /// Forgets a session (logout, the new id after a login, a successful API call).
    pub fn end_session(&self, id: &str) {
        lock(&self.sessions).remove(id);
    }
}
