//! Everything that can happen to the heart.
//!
//! Adapters translate the world into these neutral words: no type of AWS, no JSON of Rundeck comes further than this.

use super::aws::{FleetSeen, GroupSeen, Identity, ScalingSeen, StandbySeen, Trouble};
use super::finding::Finding;
use super::order::{Kept, Order};
use super::seen::{ApiSeen, BootSeen, DatabaseSeen, DiskSeen, HostSeen, Process, ProcessSeen, ReadySeen, WebSeen};
use super::target::TargetSeen;
use super::words::Mode;
use serde::{Deserialize, Serialize};

/// Names one call; replies to a call that is no longer open are ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CallId(pub u64);

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// What the files of an earlier run say; at most once: before anything else, or later, where the disk is slow.
    Kept(Kept),
    /// A call ended.
    Reply(CallId, Reply),
    /// The watched process ended (pidfd).
    ProcessEnded(Process),
    /// An operator's order, to be answered under this number.
    Order(u64, Order),
    /// A signal asks the agent to end: the first is a stop, and so is one that follows within two seconds; a later one
    /// is an abort. The text names the drain that it starts.
    Stop {
        /// Receipt id of the drain.
        id: String,
    },
    /// An adapter found something wrong that only people can cure: what is wrong; `None`: it is right again.
    Noticed(Notice, Option<String>),
    /// Nothing but time has passed.
    Tick,
}

/// Findings that adapters make. No verdict goes by them; a watch that could not be set is set again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    /// Rundeck's certificate is not accepted: it is asked over an unverified connection, and no token is sent.
    Certificate,
    /// `rundeck.url` leads to another machine: what is there says nothing about this node, and gets no token.
    Elsewhere,
    /// The token's file cannot be read.
    TokenFile,
    /// The load balancer still sends a token in the query of its health check.
    TokenInQuery,
    /// The state directory cannot be used.
    Store,
    /// The end of Rundeck's process cannot be watched.
    ExitWatch,
}

impl Notice {
    /// Its text has its cure already, because that depends on what was seen: the fingerprint of a certificate, say.
    pub fn brings_its_cure(self) -> bool {
        self == Notice::Certificate
    }

    /// The finding that it is.
    pub fn finding(self) -> Finding {
        match self {
            Notice::Certificate => Finding::Certificate,
            Notice::Elsewhere => Finding::RundeckElsewhere,
            Notice::TokenFile => Finding::TokenFile,
            Notice::TokenInQuery => Finding::TokenInQuery,
            Notice::Store => Finding::StateDirectory,
            Notice::ExitWatch => Finding::ProcessUnwatched,
        }
    }
}

/// Why Rundeck's mode was not switched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModeTrouble {
    /// For people.
    pub text: String,
    /// It was refused, or never sent: nothing was switched by it, nor will be. Else it may take effect, even later.
    pub refused: bool,
}

impl ModeTrouble {
    /// Nothing was switched by it, nor will be.
    pub fn refused(text: impl Into<String>) -> ModeTrouble {
        ModeTrouble { text: text.into(), refused: true }
    }

    /// It may take effect all the same, even later.
    pub fn unsure(text: impl Into<String>) -> ModeTrouble {
        ModeTrouble { text: text.into(), refused: false }
    }
}

/// The outcome of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// One round: `/health`, and the token-free API step where it was asked for.
    Web(WebSeen, Option<BootSeen>),
    /// `system/info` with the token.
    Api(ApiSeen),
    /// Which Rundeck processes there are.
    Process(ProcessSeen),
    /// What the readiness endpoint says.
    Ready(ReadySeen),
    /// A token-authenticated call, timed.
    Database(DatabaseSeen),
    /// The file systems that Rundeck writes to.
    Disks(Vec<DiskSeen>),
    /// Memory and load of the machine; `None`: they cannot be read.
    Host(Option<HostSeen>),
    /// Rundeck was told to change its mode.
    Mode(Result<Mode, ModeTrouble>),
    /// Connections in flight on Rundeck's port; `None`: nobody can tell.
    InFlight(Option<u32>),
    /// Who this machine is.
    Identity(Result<Identity, String>),
    /// `autoscaling/target-lifecycle-state`; `None`: the machine is in no group.
    Lifecycle(Result<Option<String>, String>),
    /// The Auto Scaling group that has the machine; `None`: AWS says that none has.
    Scaling(Result<Option<ScalingSeen>, Trouble>),
    /// What the way into Standby and back depends on.
    Standby(Result<StandbySeen, Trouble>),
    /// Auto Scaling has begun to move the node into Standby, or out of it; or it refuses, in its own words.
    Moved(Result<(), Trouble>),
    /// The instance tag; `None`: not there.
    Tag(Result<Option<String>, String>),
    /// What the groups are like, each by itself; one that is left out does not exist.
    Groups(Result<Vec<GroupSeen>, Trouble>),
    /// All targets of the groups that were asked about, or trouble with one of them.
    Fleet(Result<Vec<FleetSeen>, Trouble>),
    /// This node's own target in one group.
    Target(Result<TargetSeen, Trouble>),
    /// A registration or deregistration was accepted, with its request id.
    Changed(Result<String, Trouble>),
    /// The operator's commands have ended well, or what went wrong.
    Hook(Result<(), String>),
    /// The file is on disk, or why not.
    Written(Result<(), String>),
}
