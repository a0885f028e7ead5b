//! The faults that can be switched on while a stand-in runs (what real nodes do on a bad day), and the database's
//! states.
//!
//! Only their names and scopes: what each does to a connection is in `connection`, to an answer in `web` and `api`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Every answer comes this much later.
    Slow(Duration),
    /// Connections are taken by the kernel and nobody answers, as under SIGSTOP or a long GC pause.
    Hung,
    /// 500 with an HTML page, although JSON was asked for.
    Html500,
    /// A good head, and only half of the body.
    Truncated,
    /// 302 to the same address, for ever.
    RedirectLoop,
    /// `system/info` with `stats: null`, all else filled.
    StatsNull,
    /// The connection is reset as soon as the request has been read.
    Reset,
    /// New connections are refused; the process and its running requests live.
    Refuse,
    /// All tokens answer like wrong ones.
    RevokedTokens,
    /// `/health` says something else than `ok`, with 200.
    OtherBody,
    /// A kept-alive connection is dropped without an answer at its second request.
    DroppedKeepAlive,
    /// The port speaks TLS only: a few bytes that are no HTTP, then closed.
    TlsOnly,
    /// `executions/running` lists an execution that nobody runs.
    Ghost,
    /// A trigger that fired just before the switch to passive starts its job (of this length) just after it.
    LateJob(Duration),
    /// `metrics/healthcheck` finds the Quartz pool full.
    BusyPool,
}

/// Which requests a fault hits; faults of the connection itself (hung, refuse, tls-only) always hit all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// All.
    #[default]
    All,
    /// Only `/health`.
    Health,
    /// Only `/api/*`.
    Api,
}

impl Scope {
    /// Whether a request for `path` (context path already taken off) is in this scope.
    #[must_use]
    pub fn holds(self, path: &str) -> bool {
        match self {
            Scope::All => true,
            Scope::Health => path == "/health",
            Scope::Api => path.starts_with("/api/"),
        }
    }
}

/// The faults that are switched on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(Vec<(Fault, Scope)>);

impl Faults {
    /// Adds one; the same kind of fault replaces its older setting.
    pub fn add(&mut self, fault: Fault, scope: Scope) {
        self.0.retain(|(old, _)| old.name() != fault.name());
        self.0.push((fault, scope));
    }

    /// Takes away the fault of that kind.
    pub fn remove(&mut self, fault: Fault) {
        self.0.retain(|(old, _)| old.name() != fault.name());
    }

    /// Whether this very fault is on for all or some requests.
    #[must_use]
    pub fn has(&self, fault: Fault) -> bool {
        self.0.iter().any(|(on, _)| *on == fault)
    }

    /// The faults that hit a request for `path`.
    pub fn on(&self, path: &str) -> impl Iterator<Item = Fault> {
        self.0.iter().filter(move |(_, scope)| scope.holds(path)).map(|(fault, _)| *fault)
    }

    /// The first fault of any scope that `pick` wants.
    pub fn find<T>(&self, pick: impl Fn(Fault) -> Option<T>) -> Option<T> {
        self.0.iter().find_map(|(fault, _)| pick(*fault))
    }
}

/// The text names no fault, database state or scope.
#[derive(Debug, PartialEq, Eq)]
pub struct UnknownName(pub String);

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no such name: {:?}", self.0)
    }
}

impl std::error::Error for UnknownName {}

impl Fault {
    /// All, with `length` where a length is wanted.
    #[must_use]
    pub fn all(length: Duration) -> [Fault; 15] {
        [
            Fault::Slow(length),
            Fault::Hung,
            Fault::Html500,
            Fault::Truncated,
            Fault::RedirectLoop,
            Fault::StatsNull,
            Fault::Reset,
            Fault::Refuse,
            Fault::RevokedTokens,
            Fault::OtherBody,
            Fault::DroppedKeepAlive,
            Fault::TlsOnly,
            Fault::Ghost,
            Fault::LateJob(length),
            Fault::BusyPool,
        ]
    }

    /// Its name on the control endpoint.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Fault::Slow(_) => "slow",
            Fault::Hung => "hung",
            Fault::Html500 => "html500",
            Fault::Truncated => "truncated",
            Fault::RedirectLoop => "redirect-loop",
            Fault::StatsNull => "stats-null",
            Fault::Reset => "reset",
            Fault::Refuse => "refuse",
            Fault::RevokedTokens => "revoked-tokens",
            Fault::OtherBody => "other-body",
            Fault::DroppedKeepAlive => "dropped-keep-alive",
            Fault::TlsOnly => "tls-only",
            Fault::Ghost => "ghost",
            Fault::LateJob(_) => "late-job",
            Fault::BusyPool => "busy-pool",
        }
    }

    /// The fault of that name, with `length` where one is wanted.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn named(name: &str, length: Duration) -> Result<Fault, UnknownName> {
        let found = Fault::all(length).into_iter().find(|fault| fault.name() == name);
        found.ok_or_else(|| UnknownName(name.to_owned()))
    }
}

impl FromStr for Scope {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "all" => Ok(Scope::All),
            "health" => Ok(Scope::Health),
            "api" => Ok(Scope::Api),
            _ => Err(UnknownName(text.to_owned())),
        }
    }
}

/// How the database behaves, as its connection pool lets the node see it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Database {
    /// Answers.
    #[default]
    Up,
    /// A call fails in 20 ms (Tomcat pool, database stopped or refusing).
    FailsAtOnce,
    /// A call fails after the pool's wait of 30 s (Hikari).
    FailsLate,
    /// A call never comes back (Tomcat pool, packets vanish).
    Frozen,
}

impl FromStr for Database {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "up" => Ok(Database::Up),
            "fails-at-once" => Ok(Database::FailsAtOnce),
            "fails-late" => Ok(Database::FailsLate),
            "frozen" => Ok(Database::Frozen),
            _ => Err(UnknownName(text.to_owned())),
        }
    }
}

/// The connection pool between a node and its database: it decides how an outage looks (seen on the framework rig).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// 3.4 and 4.x: fails at once, and never comes back from a frozen database.
    Tomcat,
    /// 6.x, and 5.x as far as is known: waits 30 s, whatever is wrong.
    Hikari,
}

/// What has happened to the database itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outage {
    /// The server is gone.
    Stopped,
    /// It lives, refuses, and has cut all sessions.
    Refusing,
    /// Packets vanish.
    Frozen,
}

impl Outage {
    /// All.
    pub const ALL: [Outage; 3] = [Outage::Stopped, Outage::Refusing, Outage::Frozen];

    /// How a node behind that pool sees it.
    #[must_use]
    pub fn behind(self, pool: Pool) -> Database {
        match (pool, self) {
            (Pool::Tomcat, Outage::Frozen) => Database::Frozen,
            (Pool::Tomcat, _) => Database::FailsAtOnce,
            (Pool::Hikari, _) => Database::FailsLate,
        }
    }
}

impl FromStr for Outage {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "stopped" => Ok(Outage::Stopped),
            "refusing" => Ok(Outage::Refusing),
            "frozen" => Ok(Outage::Frozen),
            _ => Err(UnknownName(text.to_owned())),
        }
    }
}
