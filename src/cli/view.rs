//! What the commands read of the agent's JSON: `GET /status` (docs/STATUS.md) and receipts. Every field that an older
//! or younger agent may lack is optional: a command must work during an upgrade. Renders nothing.

use super::text;
use serde::Deserialize;
use time::OffsetDateTime;

/// `GET /status`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Status {
    /// When the agent wrote it, RFC 3339.
    pub at: String,
    /// The answer of `/health` and what led to it.
    pub health: Health,
    /// One row per check.
    #[serde(default)]
    pub checks: Vec<Check>,
    /// What is known of Rundeck.
    #[serde(default)]
    pub rundeck: Rundeck,
    /// Who the machine is; `None` until instance metadata has answered.
    pub node: Option<Node>,
    /// Where an Auto Scaling group moves the machine.
    pub lifecycle: Option<String>,
    /// What follows from that, where the node is not simply in service.
    pub standing: Option<String>,
    /// This node's targets.
    #[serde(default)]
    pub targets: Vec<Target>,
    /// What the fleet says to what wants the node out.
    pub guard: Option<Guard>,
    /// The operator's own commands run.
    pub hook: Option<Hook>,
    /// An operator maintains the node.
    pub maintenance: Option<Maintenance>,
    /// The drain that keeps the node out.
    pub drain: Option<Drain>,
    /// What is wrong.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// Calls to AWS since the agent's start.
    #[serde(default)]
    pub aws_requests: Vec<AwsRequests>,
}

/// What the fleet says to what wants the node out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Guard {
    /// It does not agree.
    #[serde(default)]
    pub refused: bool,
    /// With the numbers.
    pub text: String,
    /// Until it is asked again.
    pub next_ms: Option<u64>,
}

/// Commands of the operator's own that run now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Hook {
    /// The key of `[hooks]`.
    pub hook: String,
    /// How many there are.
    #[serde(default)]
    pub commands: u64,
    /// For how long they have run.
    #[serde(default)]
    pub since_ms: u64,
    /// Until what still runs is killed.
    #[serde(default)]
    pub left_ms: u64,
    /// Nothing is registered before they have ended.
    #[serde(default)]
    pub waits: bool,
}

/// Maintenance of the node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Maintenance {
    /// Free text of the operator.
    #[serde(default)]
    pub reason: String,
    /// RFC 3339.
    pub since: String,
    /// How long that is.
    #[serde(default)]
    pub since_ms: u64,
    /// When it ends by itself, RFC 3339.
    pub until: Option<String>,
    /// Until then.
    pub left_ms: Option<u64>,
}

/// The answer of `/health`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Health {
    /// 200.
    pub ok: bool,
    /// State word (docs/HEALTH.md).
    pub state: String,
    /// Reason word.
    pub reason: String,
    /// For people: what led to it.
    #[serde(default)]
    pub evidence: String,
    /// Since when state and reason are what they are, RFC 3339.
    pub since: String,
    /// How long that is.
    #[serde(default)]
    pub since_ms: u64,
    /// Age of the verdict.
    #[serde(default)]
    pub age_ms: u64,
    /// Causes of `degraded`.
    #[serde(default)]
    pub degraded: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Check {
    /// Its name.
    pub check: String,
    /// `pass`, `fail` or `unknown`.
    pub result: String,
    /// What it may lead to when it fails.
    #[serde(default)]
    pub class: String,
    #[serde(default)]
    pub seen: String,
    /// How long ago.
    pub age_ms: Option<u64>,
    /// How long the look took.
    pub took_ms: Option<u64>,
    /// Consecutive good results.
    #[serde(default)]
    pub passes: u64,
    /// Consecutive bad results.
    #[serde(default)]
    pub fails: u64,
    /// Until the next look; `None`: one is under way, or none is planned.
    pub next_ms: Option<u64>,
    /// What would change the verdict.
    #[serde(default)]
    pub change: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Rundeck {
    pub version: Option<String>,
    /// Execution mode.
    pub mode: Option<String>,
    /// Jobs running in this JVM.
    pub running: Option<u64>,
    pub pid: Option<u32>,
}

/// The machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Node {
    /// `i-…`.
    pub instance_id: String,
    /// Availability zone.
    #[serde(default)]
    pub zone: String,
}

/// One target of this node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Target {
    /// The group's name.
    pub target_group: String,
    /// What is registered.
    pub id: Option<String>,
    /// Traffic port.
    pub port: Option<u16>,
    /// This agent registers and deregisters.
    #[serde(default)]
    pub owned: bool,
    /// The balancer's word.
    #[serde(default)]
    pub state: String,
    /// Its reason code, where there is one.
    pub reason: Option<String>,
    /// The same in AWS's words.
    pub description: Option<String>,
    /// Since when, RFC 3339.
    pub since: Option<String>,
    /// `agrees`, `counting`, `differs`, `unknown`: the balancer's word against the node's own.
    pub agreement: Option<String>,
    /// Why they differ, as a word.
    pub cause: Option<String>,
    /// The same for people, with its cure.
    pub why: Option<String>,
    /// How long the balancer still has to say the same.
    pub expected_ms: Option<u64>,
}

/// A drain that runs or keeps the node out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Drain {
    /// Receipt id.
    pub id: String,
    /// The cause that is shown.
    pub cause: String,
    /// Free text of the operator.
    #[serde(default)]
    pub reason: String,
    /// Phase word.
    #[serde(default)]
    pub phase: String,
    /// RFC 3339.
    pub started: String,
    /// RFC 3339.
    pub deadline: Option<String>,
    /// What was and is done.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// Connections in flight by the last count.
    pub in_flight: Option<u64>,
}

/// One step of a drain.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Step {
    pub name: String,
    /// RFC 3339.
    pub started: String,
    /// `None` while it is under way.
    pub took_ms: Option<u64>,
    /// What came of it.
    #[serde(default)]
    pub result: String,
    /// Ended before its aim was reached.
    #[serde(default)]
    pub gave_up: bool,
}

/// Something that is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Finding {
    /// Short stable word.
    pub finding: String,
    /// What, and the cure.
    pub text: String,
}

/// Calls to AWS with one result.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct AwsRequests {
    /// `ok`, `throttled`, `denied`, `timeout`, `error`.
    pub result: String,
    /// How many.
    pub count: u64,
}

/// A receipt, as `/receipts/<id>` and the file have it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Receipt {
    /// Names it.
    pub id: String,
    /// The whole drain.
    pub took_ms: u64,
    /// What was done.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// The most jobs seen running.
    #[serde(default)]
    pub running_jobs_waited_for: Option<u64>,
    /// Jobs still running at the end; `None`: unknown.
    pub running_jobs_left: Option<u64>,
    /// In flight when the quiet phase ended; `None`: unknown.
    pub inflight_at_cut: Option<u64>,
    /// `clean`, `unproven`, `cut-short`, `resumed`, `aborted`.
    pub result: String,
    /// Who or what has ended it; empty in a receipt of an older agent.
    #[serde(default)]
    pub ended_by: String,
}

impl Status {
    /// When the agent wrote it; the epoch if that cannot be read.
    pub fn now(&self) -> OffsetDateTime {
        text::instant(&self.at).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}
