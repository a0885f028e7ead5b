//! What the operator configured, in the heart's own terms: counts, spans and choices.
//!
//! The shell makes it from validated settings; nothing here checks or defaults anything.

use super::aws::TargetType;
use super::moment::Span;
use serde::{Deserialize, Serialize};

/// Everything that steers the heart's decisions. Constant for the life of a heart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// When a Rundeck counts as up or down.
    pub health: HealthPolicy,
    /// Which target groups, and who owns the membership.
    pub membership: MembershipPolicy,
    /// How the node leaves.
    pub drain: DrainPolicy,
    /// Change nothing at AWS or Rundeck; say what would have been done.
    pub dry_run: bool,
    /// What was found at the start.
    pub circumstances: Circumstances,
}

/// What no configuration says and the start finds out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Circumstances {
    /// There is a token, so the API can be asked.
    pub has_token: bool,
    /// The port that really listens for `/health`, to recognise a target group that asks somebody else.
    pub health_port: u16,
}

/// Counts and paces of the probes (interface 2, `[health]`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthPolicy {
    /// Between rounds while nothing changes.
    pub interval: Span,
    /// Between rounds while the results contradict the verdict.
    pub fast_interval: Span,
    /// Between rounds while Rundeck is down.
    pub down_interval: Span,
    /// Between calls with the token: each is a line in Rundeck's logs.
    pub api_interval: Span,
    /// Between timed calls with the token; one in flight ever.
    pub database_interval: Span,
    /// Limit of one probe.
    pub timeout: Span,
    /// Good rounds before the first `up` of a Rundeck process.
    pub rise_initial: u32,
    /// Good rounds to come back.
    pub rise: u32,
    /// Bad rounds to go down.
    pub fall: u32,
    /// Length of the unbroken good run before the first `up`.
    pub settle: Span,
    /// A verdict older than this vouches for nobody.
    pub max_age: Span,
    /// How long a start may take.
    pub boot_timeout: Span,
    /// A Rundeck that somebody else set passive answers 503.
    pub passive_out: bool,
    /// Free space or inodes below this share of a local file system degrade the node, in thousandths.
    pub disk_degraded_below: u16,
    /// Below this share they take it out, in thousandths; 0: never.
    pub disk_down_below: u16,
    /// The health paths, to recognise a target group that asks for another one.
    pub paths: Vec<String>,
}

/// Who registers and deregisters (design 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ownership {
    /// Observe where an Auto Scaling group may own the membership, else act.
    Auto,
    /// This agent registers and deregisters.
    #[serde(rename = "self")]
    Own,
    /// Somebody else does; this agent only looks.
    Observe,
}

/// A target group that the configuration names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupWanted {
    /// Name or ARN.
    pub group: String,
    /// Traffic port; `None` takes the group's own.
    pub port: Option<u16>,
    /// Asked from AWS when `None`.
    pub target_type: Option<TargetType>,
    /// Who owns the membership.
    pub ownership: Ownership,
}

/// Where the node belongs (interface 2, `[membership]` and `[[target_group]]`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MembershipPolicy {
    /// Groups named by the configuration; they win over the tag.
    pub groups: Vec<GroupWanted>,
    /// Instance tag that names groups when the configuration names none; empty: not asked.
    pub discover_tag: String,
    /// For groups that the tag names.
    pub ownership: Ownership,
    /// Between two looks at what should not have changed.
    pub reconcile_interval: Span,
}

/// How long leaving may take (interface 2, `[drain]`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrainPolicy {
    /// Requests still arrive for this long after deregistering.
    pub floor: Span,
    /// Limit of the quiet phase; `None`: the longest deregistration delay of the groups.
    pub quiet_timeout: Option<Span>,
    /// How long to wait for running jobs, from when nothing is in flight any more; zero: not at all.
    pub jobs_timeout: Span,
    /// How long to wait when nobody can tell whether jobs run.
    pub jobs_unknown_timeout: Span,
    /// Switch Rundeck to passive mode while leaving.
    pub passive: bool,
}
