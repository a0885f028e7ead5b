//! Everything that can happen to the heart.
//!
//! Adapters translate the world into these neutral words: no type of AWS, no JSON of Rundeck comes further than this.

use crate::moment::Moment;
use crate::policy::TargetType;
use crate::words::{Cause, Mode};
use serde::{Deserialize, Serialize};

/// Names one call; replies to a call that is no longer open are ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CallId(pub u64);

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// What the files of an earlier run say; at most once, before anything else.
    Kept(Kept),
    /// A call ended.
    Reply(CallId, Reply),
    /// The watched process ended (pidfd).
    ProcessEnded(Process),
    /// An operator's order, to be answered under this number.
    Order(u64, Order),
    /// SIGTERM or SIGINT; the text names the drain that it starts.
    Stop {
        /// Receipt id of the drain.
        id: String,
    },
    /// The second signal: stop now.
    Abort,
    /// An adapter found something wrong that only people can cure; `None`: it is right again.
    Noticed(Notice, Option<String>),
    /// Nothing but time has passed.
    Tick,
}

/// Findings that adapters make; they change no decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    /// Rundeck's certificate is not accepted: it is asked over an unverified connection, and no token is sent.
    Certificate,
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
    /// The word of the finding (docs/FINDINGS.md).
    pub fn word(self) -> &'static str {
        match self {
            Notice::Certificate => "certificate",
            Notice::TokenFile => "token-file",
            Notice::TokenInQuery => "token-in-query",
            Notice::Store => "state-directory",
            Notice::ExitWatch => "process-unwatched",
        }
    }
}

/// What an earlier run of the agent left behind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The last verdict of the same boot.
    pub verdict: Option<KeptVerdict>,
    /// Orders and marks of the same boot.
    pub intent: Option<Intent>,
}

/// A verdict that outlives the agent (design 4.1). Written only while up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptVerdict {
    /// When the last round ended.
    pub at: Moment,
    /// The Rundeck it was about.
    pub process: Process,
}

/// What the node is meant to do, as it survives a crash.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Drains that are wanted, oldest first.
    pub drains: Vec<DrainOrder>,
    /// Passive mode is ours to undo.
    pub passive_by_us: bool,
    /// The Rundeck process that was switched; a restart forgets the mode.
    pub process: Option<Process>,
}

/// A process, safe against reuse of its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Process {
    /// Process id.
    pub pid: u32,
    /// Start in clock ticks (hundredths of a second) since boot, as `/proc/PID/stat` tells it.
    pub start: u64,
}

/// What an operator may order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// Leave.
    Drain(DrainOrder),
    /// Take back a drain of this cause.
    Resume(Cause),
}

/// A wish that the node leaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrainOrder {
    /// Receipt id, made by the shell from the wall clock.
    pub id: String,
    /// Who wants it.
    pub cause: Cause,
    /// Free text of the operator.
    pub reason: String,
    /// When it was ordered.
    pub at: Moment,
    /// When it must have ended.
    pub deadline: Option<Moment>,
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
    Mode(Result<Mode, String>),
    /// Connections in flight on Rundeck's port; `None`: nobody can tell.
    InFlight(Option<u32>),
    /// Who this machine is.
    Identity(Result<Identity, String>),
    /// `autoscaling/target-lifecycle-state`; `None`: the machine is in no group.
    Lifecycle(Result<Option<String>, String>),
    /// The instance tag; `None`: not there.
    Tag(Result<Option<String>, String>),
    /// What the groups are like.
    Groups(Result<Vec<GroupFacts>, Trouble>),
    /// This node's own target in one group.
    Target(Result<TargetSeen, Trouble>),
    /// A registration or deregistration was accepted, with its request id.
    Changed(Result<String, Trouble>),
    /// The file is on disk, or why not.
    Written(Result<(), String>),
}

/// What `GET /health` gave (facts: Rundeck's HealthController; a redirect is a wrong path or the login).
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
    /// Asking it asks the database too (actuator of 4.2 to 5.16), so it shares the one slot of such calls.
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
    /// It was told to end: its shutdown runs (the JVM's own thread `SIGTERM handler` is there).
    pub stopping: bool,
    /// User id of somebody else's socket that listens on Rundeck's port.
    pub stranger: Option<u32>,
}

/// Who this machine is (instance metadata).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// `i-…`.
    pub instance_id: String,
    /// Primary private address.
    pub private_ip: String,
    /// Region.
    pub region: String,
    /// Availability zone.
    pub zone: String,
}

/// What leaving and checking need to know of a group; read once per reconcile interval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupFacts {
    /// ARN.
    pub arn: String,
    /// Name.
    pub name: String,
    /// Default traffic port.
    pub port: u16,
    /// What it registers; `None` for kinds that a Rundeck cannot be (lambda, alb).
    pub target_type: Option<TargetType>,
    /// Deregistration delay, seconds.
    pub delay_secs: u64,
    /// Health check interval, seconds.
    pub check_interval_secs: u64,
    /// Health check time-out, seconds.
    pub check_timeout_secs: u64,
    /// Failed checks until unhealthy.
    pub unhealthy_threshold: u32,
    /// Port asked by the health check; `None`: the traffic port.
    pub check_port: Option<u16>,
    /// Path asked by the health check.
    pub check_path: String,
}

/// One target as the load balancer sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetSeen {
    /// In neutral words.
    pub state: TargetState,
    /// AWS's reason code, empty when healthy.
    pub reason: String,
    /// AWS's description.
    pub description: String,
}

/// States of a target, in neutral words (facts: aws 2.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TargetState {
    /// `initial`.
    Arriving,
    /// `healthy`.
    Healthy,
    /// `unhealthy`.
    Unhealthy,
    /// `draining`.
    Leaving,
    /// `unused`, `Target.NotRegistered`.
    Absent,
    /// `unused` for another reason: registered, but gets no traffic.
    Idle,
    /// `unavailable`.
    Unavailable,
    /// A word that this version does not know.
    Other(String),
}

/// A call to AWS that did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// The kind decides what follows.
    pub kind: TroubleKind,
    /// For people: code and message.
    pub text: String,
}

/// Kinds of trouble with AWS (facts: aws 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TroubleKind {
    /// Rate exceeded.
    Throttled,
    /// The role lacks a permission.
    Denied,
    /// No such group.
    NotFound,
    /// AWS does not accept this target now.
    InvalidTarget,
    /// There are no credentials, they have expired, or AWS does not know them.
    Credentials,
    /// Unreachable, time-out, 5xx, unreadable.
    Unavailable,
    /// Any other refusal.
    Refused,
}
