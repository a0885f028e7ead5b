//! The closed lists of words that people and programs outside hold on to (docs/STATUS.md, docs/HEALTH.md), as types.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A closed list of words: the variants, each with its word, in their documented order.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant,)+ }

        impl $name {
            /// Every word of the list, in its documented order.
            pub const ALL: &'static [$name] = &[$($name::$variant,)+];

            /// The one whose word this is.
            pub fn from_word(word: &str) -> Option<$name> {
                $name::ALL.iter().copied().find(|known| known.word() == word)
            }

            /// The word as it stands in answers, metrics and logs.
            pub fn word(self) -> &'static str {
                match self { $($name::$variant => $word,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

pub(super) use words;

words! {
    /// What `/health` says the node is.
    State {
        /// Not yet proven ready.
        Booting = "booting",
        /// In service.
        Up = "up",
        /// Out of service by what was seen.
        Down = "down",
        /// Leaving, or left and waiting for `resume`.
        Draining = "draining",
        /// An operator maintains it: it stays a target.
        Maintenance = "maintenance",
        /// The agent has left for good and is about to exit.
        Stopped = "stopped",
        /// Nobody has looked for too long.
        Stale = "stale",
    }
}

words! {
    /// Why the state is what it is.
    Reason {
        /// Nothing is wrong.
        Ok = "ok",
        /// Rundeck is not answering yet, or still starting.
        Waiting = "waiting",
        /// The port refuses connections.
        Refused = "refused",
        /// Rundeck's process has ended.
        Exited = "exited",
        /// No answer in time.
        Timeout = "timeout",
        /// A status that `/health` must not have.
        BadStatus = "bad-status",
        /// 200 with something else than `ok`, or a truncated answer.
        BadBody = "bad-body",
        /// A redirect, as the login page is reached.
        Redirect = "redirect",
        /// The readiness state says no: starting or stopping.
        NotReady = "not-ready",
        /// Somebody else switched Rundeck to passive mode.
        Passive = "passive",
        /// Rundeck's database is gone, and the fleet has let the node go for it.
        Database = "database",
        /// A file system that Rundeck writes to is full.
        Disk = "disk",
        /// Rundeck's port is held by another process.
        WrongProcess = "wrong-process",
        /// The start took longer than its budget.
        BootTimeout = "boot-timeout",
        /// The agent itself cannot open connections.
        Blind = "blind",
        /// Good answers, but not yet for long enough.
        Settling = "settling",
        /// An operator ordered the drain.
        Operator = "operator",
        /// Rundeck is about to be stopped.
        RundeckStopping = "rundeck-stopping",
        /// The agent was told to stop.
        AgentStopping = "agent-stopping",
        /// The verdict is older than `max_age`.
        Stale = "stale",
    }
}

words! {
    /// Who wants the node out.
    Cause {
        /// `rundeck-alb-agent drain`.
        Operator = "operator",
        /// The unit that runs before rundeckd stops.
        RundeckStopping = "rundeck-stopping",
        /// SIGTERM or SIGINT to the agent.
        AgentStopping = "agent-stopping",
    }
}

impl Cause {
    /// The reason that `/health` shows for this cause.
    pub fn reason(self) -> Reason {
        match self {
            Cause::Operator => Reason::Operator,
            Cause::RundeckStopping => Reason::RundeckStopping,
            Cause::AgentStopping => Reason::AgentStopping,
        }
    }
}

words! {
    /// How far a drain has come.
    DrainPhase {
        /// No drain.
        None = "none",
        /// Saying 503, switching to passive, deregistering.
        Advertise = "advertise",
        /// Waiting until nothing is in flight.
        Quiet = "quiet",
        /// Waiting for running jobs.
        Jobs = "jobs",
        /// Everything done, or given up; the receipt says which.
        Done = "done",
    }
}

words! {
    /// In service, but something is wrong.
    Degraded {
        /// Passive mode, and the node stays in service.
        Passive = "passive",
        /// Calls that need the database fail or do not answer.
        Database = "database",
        /// A file system that Rundeck writes to is nearly full.
        Disk = "disk",
        /// The machine has little memory left.
        Memory = "memory",
        /// The machine has more to do than its processors can.
        Load = "load",
        /// `/health` answers, but slowly.
        Slow = "slow",
        /// Something wants the node out, and the fleet has not agreed yet.
        GuardHold = "guard-hold",
    }
}

words! {
    /// Rundeck's execution mode.
    Mode {
        /// Jobs are started.
        Active = "active",
        /// No job is started; running ones go on.
        Passive = "passive",
    }
}

words! {
    /// What one look came to. Only pass and fail move counters.
    Outcome {
        /// As it should be.
        Pass = "pass",
        /// Not as it should be.
        Fail = "fail",
        /// The look said nothing about what was looked at.
        Unknown = "unknown",
    }
}

words! {
    /// Things the agent looks at.
    Check {
        /// The Rundeck JVM.
        Process = "process",
        /// `GET /health` (and, until the first `up`, the token-free API step).
        Web = "web",
        /// The best readiness endpoint that this version has.
        Readiness = "readiness",
        /// `GET /api/V/system/info` with the token.
        Api = "api",
        /// Time and outcome of a token-authenticated call.
        Database = "database",
        /// Room on the local file systems that Rundeck writes to.
        Disk = "disk",
        /// Memory of the machine.
        Memory = "memory",
        /// Load of the machine.
        Load = "load",
        /// The server UUID: this member's own, and still the same.
        Clone = "clone",
    }
}

words! {
    /// What a failing check may lead to.
    Class {
        /// Takes the node down.
        LocalFatal = "local-fatal",
        /// Flags the node as degraded.
        LocalSoft = "local-soft",
        /// May hit every node at once: reported, takes no node out by itself.
        Shared = "shared",
        /// Passive mode: takes the node out when somebody else switched it.
        Mode = "mode",
        /// Tells people.
        Finding = "finding",
    }
}

impl Check {
    /// What this check may lead to when it fails.
    pub fn class(self) -> Class {
        match self {
            Check::Process | Check::Web | Check::Readiness | Check::Disk => Class::LocalFatal,
            Check::Memory | Check::Load => Class::LocalSoft,
            Check::Api => Class::Mode,
            Check::Database => Class::Shared,
            Check::Clone => Class::Finding,
        }
    }
}
