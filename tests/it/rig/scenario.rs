//! The list that every Rundeck is played through, as data: what is done to it, and what the agent must come to say.
//!
//! The words are those of docs/HEALTH.md. Between what must be said, real time may show more: such words are named for
//! each leg, and any other word fails the test.

use std::time::Duration;

/// How a Rundeck begins: lengths of its bootstrap's steps in ms, and how that ends.
#[derive(Debug, Clone, Copy)]
pub struct Life {
    /// Port open, API 503 with an empty body.
    pub plugins: u64,
    /// The API answers, a token of the file is not known.
    pub token_file: u64,
    /// All answers are good; only a readiness state knows better.
    pub rest: u64,
    /// It ends in an error.
    pub fails: bool,
    /// Then the process lives on without a port.
    pub lingers: bool,
}

/// Long enough in each step for the agent to look several times; the last two together are shorter than `settle`.
const SLOW: Life = Life { plugins: 900, token_file: 900, rest: 900, fails: false, lingers: false };
/// For scenarios about what comes later.
const QUICK: Life = Life { plugins: 0, token_file: 0, rest: 0, fails: false, lingers: false };

/// One thing that is done to a Rundeck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Its process is started (again).
    Start,
    /// SIGTERM as soon as its bootstrap has begun.
    TerminateInBootstrap,
    /// A job of so many ms is started.
    Job(u64),
    /// SIGTERM.
    Terminate,
    /// Nothing; but it must end by itself now.
    Ends,
    /// SIGKILL.
    Kill,
    /// SIGSTOP.
    Freeze,
    /// SIGCONT.
    Thaw,
    /// Nothing; but its own `/health` must say 200 now.
    HealthIsOk,
    /// The database's server is shut down.
    DatabaseStops,
    /// The end of it.
    DatabaseStartsAgain,
    /// Its server lets nobody in any more.
    DatabaseRefuses,
    /// The end of it.
    DatabaseAdmits,
    /// It accepts connections and never answers.
    DatabaseFreezes,
    /// The end of it.
    DatabaseThaws,
    /// As many requests as it has threads wait for the database, until its own `/health` is silent.
    HangRequests,
    /// They all hang up.
    HangUp,
}

/// What is done, and what must come of it.
#[derive(Debug, Clone, Copy)]
pub struct Leg {
    /// What is done.
    pub act: Act,
    /// One of these must be said in the end.
    pub must: &'static [&'static str],
    /// These may be said before.
    pub may: &'static [&'static str],
    /// After it nothing but `must` (any of it) may be said for so long.
    pub stays: Duration,
}

/// A life in legs.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    /// For the log.
    pub name: &'static str,
    /// How it begins.
    pub life: Life,
    /// What is done, in order.
    pub legs: &'static [Leg],
}

const UP: &[&str] = &["up"];
/// Before `up`: no answer, a port before the end of the bootstrap, the run of good answers. The first call that needs
/// the database fills the pool, which may take longer than a call is given: the flag that follows ends with the next
/// call.
const BOOTING: &[&str] =
    &["booting: waiting", "booting: timeout", "booting: not-ready", "booting: settling", "up [database]"];
/// Its port answers, its bootstrap goes on; SIGTERM may be seen by then.
const STARTED: &[&str] = &["booting: settling", "booting: not-ready", "down: rundeck-stopping"];
/// The end of a process that never was ready: by its exit where it had been recognised before its port closed, else as
/// no answer.
const NEVER_PROVEN: &[&str] = &["down: exited", "booting: waiting"];
/// Of a bootstrap during which SIGTERM was sent.
const TERMINATED_EARLY: &[&str] =
    &["booting: waiting", "booting: not-ready", "booting: settling", "booting: timeout", "down: rundeck-stopping"];
const STOPPING: &[&str] = &["down: rundeck-stopping"];
const GONE: &[&str] = &["down: exited"];
const SILENT: &[&str] = &["down: timeout"];
const DATABASE: &[&str] = &["up [database]"];
const NOTHING_ELSE: &[&str] = &[];

const fn leg(act: Act, must: &'static [&'static str], may: &'static [&'static str]) -> Leg {
    Leg { act, must, may, stays: Duration::ZERO }
}

impl Leg {
    const fn stays(self, stays: Duration) -> Leg {
        Leg { stays, ..self }
    }
}

/// Several rounds of every check.
const A_WHILE: Duration = Duration::from_secs(2);

/// Up only when it is ready; a pause is no crash; a crash is seen at once, and what comes after it must be proven anew.
pub const LIFE: Scenario = Scenario {
    name: "boot, SIGSTOP and on again, SIGKILL, boot",
    life: SLOW,
    legs: &[
        leg(Act::Start, UP, BOOTING).stays(A_WHILE),
        leg(Act::Freeze, SILENT, NOTHING_ELSE).stays(A_WHILE),
        leg(Act::Thaw, UP, NOTHING_ELSE).stays(A_WHILE),
        leg(Act::Kill, GONE, NOTHING_ELSE),
        leg(Act::Start, UP, BOOTING),
    ],
};

/// Good answers for seconds, then no port and no process.
pub const FAILS: Scenario = Scenario {
    name: "bootstrap fails, process ends",
    life: Life { fails: true, ..SLOW },
    legs: &[
        leg(Act::Start, STARTED, BOOTING),
        leg(Act::HealthIsOk, STARTED, BOOTING),
        leg(Act::Ends, NEVER_PROVEN, BOOTING).stays(A_WHILE),
    ],
};

/// Good answers for seconds, then no port although the process lives.
pub const LINGERS: Scenario = Scenario {
    name: "bootstrap fails, process lives on",
    life: Life { fails: true, lingers: true, ..SLOW },
    legs: &[
        leg(Act::Start, &["booting: settling", "booting: not-ready"], BOOTING),
        leg(Act::HealthIsOk, &["booting: waiting"], BOOTING).stays(A_WHILE),
    ],
};

/// SIGTERM acts when the bootstrap is over; nobody may be sent there for the moment between.
pub const ENDS_EARLY: Scenario = Scenario {
    name: "SIGTERM during the bootstrap",
    life: SLOW,
    legs: &[
        leg(Act::Start, &["booting: waiting"], BOOTING),
        leg(Act::TerminateInBootstrap, STARTED, BOOTING),
        leg(Act::Ends, NEVER_PROVEN, TERMINATED_EARLY).stays(A_WHILE),
    ],
};

/// Its own `/health` says ok until its last job has ended.
pub const STOPS: Scenario = Scenario {
    name: "SIGTERM with a job running",
    life: QUICK,
    legs: &[
        leg(Act::Start, UP, BOOTING),
        leg(Act::Job(6000), UP, NOTHING_ELSE),
        leg(Act::Terminate, STOPPING, NOTHING_ELSE),
        leg(Act::HealthIsOk, STOPPING, NOTHING_ELSE).stays(A_WHILE),
        leg(Act::Ends, GONE, &["down: rundeck-stopping", "down: refused"]),
    ],
};

/// A cause that all members share takes nobody out.
pub const DATABASE_STOPS: Scenario = Scenario {
    name: "database stopped and back",
    life: QUICK,
    legs: &[
        leg(Act::Start, UP, BOOTING).stays(A_WHILE),
        leg(Act::DatabaseStops, DATABASE, UP).stays(A_WHILE),
        leg(Act::DatabaseStartsAgain, UP, DATABASE).stays(A_WHILE),
    ],
};

/// The same where the server is there and refuses.
pub const DATABASE_REFUSES: Scenario = Scenario {
    name: "database refusing and back",
    life: QUICK,
    legs: &[
        leg(Act::Start, UP, BOOTING).stays(A_WHILE),
        leg(Act::DatabaseRefuses, DATABASE, UP).stays(A_WHILE),
        leg(Act::DatabaseAdmits, UP, DATABASE).stays(A_WHILE),
    ],
};

/// The same where nobody answers; and then all threads wait for it, so that `/health` is silent too.
pub const DATABASE_FREEZES: Scenario = Scenario {
    name: "database frozen, 200 requests hang, and back",
    life: QUICK,
    legs: &[
        leg(Act::Start, UP, BOOTING).stays(A_WHILE),
        leg(Act::DatabaseFreezes, DATABASE, UP).stays(A_WHILE),
        leg(Act::HangRequests, DATABASE, UP).stays(Duration::from_secs(4)),
        leg(Act::HangUp, DATABASE, UP),
        leg(Act::DatabaseThaws, UP, DATABASE).stays(A_WHILE),
    ],
};
