//! What probes saw of Rundeck and of its machine: facts, not judgements.
//!
//! What a fact comes to is decided in `health` and `api`; no JSON of Rundeck comes as far as this.

use super::words::Mode;
use serde::{Deserialize, Serialize};

/// A process, safe against reuse of its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Process {
    /// Process id.
    pub pid: u32,
    /// Start in clock ticks (hundredths of a second) since boot, as `/proc/PID/stat` tells it.
    pub start: u64,
}

/// What `GET /health` gave (Rundeck's `HealthController`; a redirect is a wrong path or the login).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WebSeen {
    /// 200 and exactly `ok`.
    Ok,
    /// 404 with an empty body: the endpoint is switched off, the server alive.
    Disabled,
    /// Any 3xx.
    Redirect,
    /// Any other status.
    Status(u16),
    /// 200 with another body.
    Body,
    /// The answer broke off.
    Truncated,
    /// The port refuses.
    Refused,
    /// No answer in time.
    TimedOut,
    /// The agent has no descriptor or port left.
    CannotConnect,
    /// The address is another machine's: nothing was asked there, and what it says would be of no use.
    Elsewhere,
    /// The answer says nothing about Rundeck.
    CannotJudge(Unjudged),
}

/// Why an answer cannot be judged: each is cured by configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unjudged {
    /// 400 for the `Host` we send (Rundeck's HTTP firewall).
    Host,
    /// The name cannot be resolved.
    Name,
}

/// The token-free `GET /api/1/system/info` during a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BootSeen {
    /// Anything but the empty 503: that step is over.
    Past,
    /// 503 with an empty body.
    StillBooting,
    /// No usable answer.
    Failed,
}

/// What `system/info` gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ApiSeen {
    /// An answer that could be read.
    Info(Info),
    /// 401 or 403: the token is wrong, expired, or not yet read by a starting Rundeck.
    Rejected,
    /// 503 with an empty body.
    Booting,
    /// No answer in time: often the database.
    TimedOut,
    /// The port refuses.
    Refused,
    /// 5xx: behind a token that is kept in the database this is how a dead database looks.
    Failed(u16),
    /// An answer that says nothing: HTML, a redirect, cut short, an error status.
    Unreadable(String),
}

/// What the best readiness endpoint of this Rundeck says (6.x `/monitoring`, 4.2 to 5.20 actuator where switched on).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadySeen {
    /// The readiness state alone: start-up and shutdown of this node.
    pub readiness: Readiness,
    /// The database component beside it, where the answer has one: shared, never this node's own.
    pub database: Option<bool>,
    /// Asking it asks the database too (actuator of 4.2 to 5.16), so it shares the one lane of such calls.
    pub bound: bool,
}

/// A readiness state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Readiness {
    /// Accepting traffic.
    Ready,
    /// Starting or stopping.
    NotReady,
    /// This version shows none, or it is switched off.
    Absent,
    /// No answer in time.
    TimedOut,
    /// The port refuses.
    Refused,
    /// An answer that says nothing; the text tells why.
    Unclear(String),
}

/// A call that is authenticated by the token: one that is kept in the database is looked up there each time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DatabaseSeen {
    /// Rundeck answered as it does with its database there.
    Answered,
    /// 5xx.
    Failed(u16),
    /// No answer in the check's own limit.
    TimedOut,
    /// The port refuses.
    Refused,
    /// An answer that says nothing about the database (a rejected token among them); the text tells why.
    Unclear(String),
}

/// One file system that Rundeck writes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskSeen {
    /// The directory that was asked about.
    pub path: String,
    /// What there is.
    pub room: Room,
}

/// Room on a file system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Room {
    /// A local one.
    Local {
        /// Bytes that Rundeck's user may still write.
        free: u64,
        /// All bytes.
        total: u64,
        /// Free inodes.
        inodes_free: u64,
        /// All inodes; 0 where the file system has no fixed number.
        inodes: u64,
    },
    /// A network file system: what happens to it happens to every node.
    Network,
    /// `statvfs` did not come back in time.
    Hung,
    /// Not there, or not readable; the text tells why.
    Unreadable(String),
}

/// Pressure on the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostSeen {
    /// Bytes of memory.
    pub memory: u64,
    /// Bytes that can be had without swapping.
    pub available: u64,
    /// Load average over five minutes, in hundredths.
    pub load_hundredths: u32,
    /// Processors.
    pub processors: u32,
}

/// The part of `system/info` that counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// `None` when the token may not see it.
    pub mode: Option<Mode>,
    /// Jobs running in this JVM (`stats.scheduler.running`); `None` when the token may not see it.
    pub running: Option<u32>,
    /// Rundeck's version.
    pub version: String,
    /// Newest API version of the server.
    pub api_version: Option<u32>,
    /// The member's UUID.
    pub server_uuid: Option<String>,
}

/// The look for Rundeck's JVM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProcessSeen {
    /// Exactly one.
    One(Process, JvmSeen),
    /// None that can be recognised: nobody can tell.
    None,
    /// None among those that may be seen, and those of other users may not (`hidepid`), or the table cannot be read.
    Hidden,
    /// An earlier look for it has not come back.
    Hung,
    /// More than one would fit.
    Several(u32),
}

/// What the machine tells of Rundeck's process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JvmSeen {
    /// Resident memory, bytes.
    pub memory: u64,
    /// Threads.
    pub threads: u32,
    /// It was told to end: its shutdown runs (the JVM's own thread `SIGTERM handler` is there). `None`: the names of
    /// its threads cannot be read.
    pub stopping: Option<bool>,
    /// User id of somebody else's socket that listens on Rundeck's port.
    pub stranger: Option<u32>,
}
