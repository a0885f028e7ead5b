//! What the operator configured, in the heart's own terms: counts, spans and choices.
//!
//! Each default stands here and nowhere else: configuration reads files over it, pages and tests are held against it.
//! Nothing here checks anything: what is impossible is refused where files are read.

use super::aws::TargetType;
use super::hook::HookPolicy;
use super::moment::Span;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Everything that steers the heart's decisions. Constant for the life of a heart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// When a Rundeck counts as up or down.
    pub health: HealthPolicy,
    /// Which target groups, and who owns the membership.
    pub membership: MembershipPolicy,
    /// How the node leaves.
    pub drain: DrainPolicy,
    /// Which commands of the operator's own run when the node joins.
    pub hooks: HookPolicy,
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

impl Default for Circumstances {
    fn default() -> Circumstances {
        Circumstances { has_token: false, health_port: 4441 }
    }
}

/// Counts and paces of the probes, `[health]`.
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
    /// What a Rundeck answers that somebody else set passive.
    pub passive: PassiveRule,
    /// What follows when the database is gone.
    pub database: DatabaseRule,
    /// Room on file systems.
    pub disk: DiskPolicy,
    /// The health paths, to recognise a target group that asks for another one.
    pub paths: Vec<String>,
}

impl HealthPolicy {
    /// How old a verdict gets while all is well: the longest pause between two rounds, and the longest round. A
    /// `max_age` that is not above it makes healthy nodes `stale`.
    pub fn oldest(&self) -> Span {
        self.interval + self.interval.jitter() + self.timeout
    }
}

impl Default for HealthPolicy {
    fn default() -> HealthPolicy {
        HealthPolicy {
            interval: Span::secs(5),
            fast_interval: Span::secs(1),
            down_interval: Span::secs(2),
            api_interval: Span::secs(15),
            database_interval: Span::secs(30),
            timeout: Span::secs(3),
            rise_initial: 3,
            rise: 2,
            fall: 3,
            settle: Span::secs(10),
            max_age: Span::secs(20),
            boot_timeout: Span::secs(10 * 60),
            passive: PassiveRule::default(),
            database: DatabaseRule::default(),
            disk: DiskPolicy::default(),
            paths: vec!["/health".to_owned()],
        }
    }
}

/// How much room a local file system must have, `[health.disk]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskPolicy {
    /// Less free space or inodes than this share degrade the node; zero: never.
    pub degraded_below: Share,
    /// Less than this take it out, below `degraded_below`; zero: never.
    pub down_below: Share,
}

impl Default for DiskPolicy {
    fn default() -> DiskPolicy {
        DiskPolicy { degraded_below: Share(100), down_below: Share(10) }
    }
}

/// A share of a whole, in thousandths; shown as people write it: `10%`, `0.5%`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Share(pub u16);

impl Share {
    /// Nothing: switches off what it bounds.
    pub const ZERO: Share = Share(0);
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 10, self.0 % 10) {
            (percent, 0) => write!(f, "{percent}%"),
            (percent, tenth) => write!(f, "{percent}.{tenth}%"),
        }
    }
}

/// What `/health` answers while somebody else holds Rundeck in passive mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PassiveRule {
    /// 503.
    #[default]
    Out,
    /// 200, degraded.
    In,
}

/// What `/health` answers while Rundeck's database is gone, which all nodes share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DatabaseRule {
    /// 200, degraded.
    #[default]
    Report,
    /// 503, once the fleet has agreed: nobody leaves for what all members share.
    Eject,
}

/// Who registers and deregisters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ownership {
    /// Observe where an Auto Scaling group may own the membership, else act.
    #[default]
    Auto,
    /// This agent registers and deregisters.
    #[serde(rename = "self")]
    Own,
    /// Somebody else does; this agent only looks.
    Observe,
}

/// Whether an Auto Scaling group may have this machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AutoScalingRule {
    /// Metadata and Auto Scaling are asked; where neither has ever answered, one may.
    #[default]
    Auto,
    /// An operator's word that none has, where nobody answers. Metadata or an API that show one disprove it.
    None,
}

/// How a node whose Auto Scaling group would replace it for a 503 leaves by choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StandbyRule {
    /// Not at all.
    #[default]
    Off,
    /// By Standby; the group wants one fewer meanwhile.
    Decrement,
    /// By Standby; the group starts another one.
    Replace,
}

/// A target group that the configuration names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupWanted {
    /// Name or ARN; a name holds no colon, so the two are told apart by `arn:`.
    pub group: String,
    /// Traffic port; `None` takes the group's own.
    pub port: Option<u16>,
    /// Asked from AWS when `None`.
    pub target_type: Option<TargetType>,
    /// Who owns the membership.
    pub ownership: Ownership,
}

/// Where the node belongs, `[membership]` and `[[target_group]]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MembershipPolicy {
    /// Groups named by the configuration; they win over the tag.
    pub groups: Vec<GroupWanted>,
    /// Instance tag that names groups when the configuration names none; `None`: not asked.
    pub discover_tag: Option<String>,
    /// For groups that the tag names.
    pub ownership: Ownership,
    /// Whether an Auto Scaling group may have the node where nobody can tell.
    pub auto_scaling: AutoScalingRule,
    /// Whether drain and maintenance may use Standby.
    pub standby: StandbyRule,
    /// Between two looks at what should not have changed.
    pub reconcile_interval: Span,
    /// A node whose Rundeck has died leaves its own groups at once, where others are left.
    pub crash_ejection: bool,
    /// A choice takes the node out only where so many others are healthy in all of its groups.
    pub min_other_healthy: u32,
    /// A target that somebody else took out is put back, after one deregistration delay.
    pub repair: bool,
}

impl Default for MembershipPolicy {
    fn default() -> MembershipPolicy {
        MembershipPolicy {
            groups: Vec::new(),
            discover_tag: Some("rundeck-alb-agent:target-groups".to_owned()),
            ownership: Ownership::default(),
            auto_scaling: AutoScalingRule::default(),
            standby: StandbyRule::default(),
            reconcile_interval: Span::secs(5 * 60),
            crash_ejection: true,
            min_other_healthy: 1,
            repair: true,
        }
    }
}

/// How long leaving may take, `[drain]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrainPolicy {
    /// Requests still arrive for this long after deregistering.
    pub floor: Span,
    /// Limit of the quiet phase, not below `floor`; `None`: the longest deregistration delay of the groups.
    pub quiet_timeout: Option<Span>,
    /// How long to wait for running jobs, from when nothing is in flight any more; zero: not at all.
    pub jobs_timeout: Span,
    /// How long to wait when nobody can tell whether jobs run.
    pub jobs_unknown_timeout: Span,
    /// Switch Rundeck to passive mode while leaving.
    pub passive: bool,
}

impl Default for DrainPolicy {
    fn default() -> DrainPolicy {
        DrainPolicy {
            floor: Span::secs(25),
            quiet_timeout: None,
            jobs_timeout: Span::secs(30 * 60),
            jobs_unknown_timeout: Span::secs(60),
            passive: true,
        }
    }
}
