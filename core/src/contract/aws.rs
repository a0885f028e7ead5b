//! What AWS says of this machine and of its target groups, in neutral words: no type of the SDK comes as far as this.
//!
//! What follows from it is decided in `membership` and `asg`.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Who this machine is (instance metadata), and which addresses it bears (its kernel).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// `i-…`.
    pub instance_id: String,
    /// Primary private IPv4 address; `None`: it has none, it speaks IPv6 alone.
    pub private_ip: Option<String>,
    /// First IPv6 address of the primary interface, in canonical form; `None`: it has none.
    pub ipv6: Option<String>,
    /// Region.
    pub region: String,
    /// Availability zone.
    pub zone: String,
    /// The partition of AWS, as ARNs begin with it (`aws`, `aws-cn`, …); `None`: not told.
    pub partition: Option<String>,
    /// The account's number; `None`: not told.
    pub account: Option<String>,
    /// The VPC of the primary interface; `None`: not told.
    pub vpc: Option<String>,
    /// The addresses that some interface here bears, in canonical form; `None`: nobody can tell.
    pub borne: Option<BTreeSet<String>>,
}

/// What leaving and checking need to know of a group; read once per reconcile interval.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Passed checks until an unhealthy one is healthy again; a new one needs a single one.
    pub healthy_threshold: u32,
    /// The health check speaks HTTPS.
    pub check_https: bool,
    /// Statuses that it takes for good, in AWS's words.
    pub matcher: String,
    /// A 200 is one of them.
    pub passes_200: bool,
    /// Port asked by the health check; `None`: the traffic port.
    pub check_port: Option<u16>,
    /// Path asked by the health check, without its query.
    pub check_path: String,
    /// It has a query: what that says is nobody's to know, for it may be a token.
    pub check_has_query: bool,
    /// The family of addresses that it takes; `None`: not told.
    pub family: Option<Family>,
    /// Its VPC; `None`: not told.
    pub vpc: Option<String>,
}

/// What AWS says of one group that was asked about: trouble with one says nothing of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupSeen {
    /// As it was asked about: name or ARN.
    pub asked: String,
    /// What it is like, or why that is not known. One that does not exist is left out of the answer.
    pub facts: Result<GroupFacts, Trouble>,
    /// Why its attributes could not be read: its facts hold AWS's default delay then.
    pub lacking: Option<Trouble>,
}

impl From<GroupFacts> for GroupSeen {
    fn from(facts: GroupFacts) -> GroupSeen {
        GroupSeen { asked: facts.arn.clone(), facts: Ok(facts), lacking: None }
    }
}

/// The Auto Scaling group that has this machine, as its own API tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScalingSeen {
    /// Its name.
    pub name: String,
    /// Where the machine is in its life there (`LifecycleState`: the list is open); `None`: the role may not ask, and
    /// the name came by the instance tag.
    pub state: Option<String>,
    /// What the group is like, or why that is not known.
    pub facts: Result<ScalingFacts, Trouble>,
}

/// What an Auto Scaling group is like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScalingFacts {
    /// Its health checks; AWS writes them as a list, separated by commas.
    pub health_checks: Vec<String>,
    /// ARNs of the target groups that it has attached: it registers and deregisters there itself.
    pub attached: BTreeSet<String>,
}

/// What a node's way into Standby and back depends on, as Auto Scaling tells it of the group that has the node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandbySeen {
    /// Instances that it wants in service: one in Standby is not among them.
    pub desired: u32,
    /// Fewest that it may want.
    pub min: u32,
    /// Most that it may want.
    pub max: u32,
    /// In how many availability zones it may start instances.
    pub zones: usize,
    /// It evens out its zones, and may end instances for that: the process `AZRebalance` is not suspended.
    pub az_rebalance: bool,
    /// An instance refresh that is under way.
    pub refresh: Option<RefreshSeen>,
}

/// An instance refresh that is under way, or might be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshSeen {
    /// What it does with a node in Standby.
    pub standby: StandbyPreference,
}

/// What an instance refresh does with nodes in Standby (`RefreshPreferences`, `StandbyInstances`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StandbyPreference {
    /// It terminates them.
    Terminate,
    /// It leaves them alone.
    Ignore,
    /// It waits an hour for them to come back, then it fails: what it does where it is not told.
    Wait,
    /// A word that this version does not know.
    Unknown,
}

/// Every target of one group, as the load balancer sees it: who else could take this node's place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetSeen {
    /// ARN of the group.
    pub group: String,
    /// Its targets, this node's own among them.
    pub targets: Vec<PeerSeen>,
}

/// One target of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerSeen {
    /// Instance id or address.
    pub id: String,
    /// Traffic port.
    pub port: u16,
    /// In neutral words.
    pub state: TargetState,
    /// A zonal shift or an anomaly keeps traffic from it, whatever its state is (`AdministrativeOverride`,
    /// `AnomalyDetection`).
    pub sidelined: bool,
}

/// States of a target, in neutral words (ELBv2 API reference, `TargetHealth`).
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
    /// The action that met it, as a permission names it; empty where none was sent, or none answered.
    pub action: String,
    /// For people: code and message.
    pub text: String,
}

/// Kinds of trouble with AWS, by its error codes (ELBv2 API reference, common errors).
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

/// A target of one group, as this agent registers it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Target {
    /// ARN of the group.
    pub group: String,
    /// Name of the group, for people.
    pub name: String,
    /// Instance id or address.
    pub id: String,
    /// Traffic port.
    pub port: u16,
}

/// What a target group registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetType {
    /// By instance id.
    Instance,
    /// By private IP address.
    Ip,
}

/// A family of addresses. A group of addresses takes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

impl Identity {
    /// A target of this id is this machine: by its instance id, or by an address of its own.
    pub fn is(&self, id: &str) -> bool {
        id == self.instance_id || [&self.private_ip, &self.ipv6].into_iter().flatten().any(|own| own == id)
    }

    /// Some interface here bears the address, as far as anybody can tell: what is sent there arrives. The loopback is
    /// here wherever the agent is.
    pub fn bears(&self, address: &str) -> bool {
        self.borne.as_ref().is_none_or(|borne| address.starts_with("127.") || borne.contains(address))
    }
}

impl Target {
    /// The same target, whatever its group is called.
    pub fn is(&self, other: &Target) -> bool {
        (&self.group, &self.id, self.port) == (&other.group, &other.id, other.port)
    }
}

impl TargetState {
    /// Those that have a word of their own, in AWS's order.
    pub const KNOWN: &'static [TargetState] = &[
        TargetState::Arriving,
        TargetState::Healthy,
        TargetState::Unhealthy,
        TargetState::Leaving,
        TargetState::Absent,
        TargetState::Idle,
        TargetState::Unavailable,
    ];

    /// AWS's own word for it, as operators know it.
    pub fn word(&self) -> &str {
        match self {
            TargetState::Arriving => "initial",
            TargetState::Healthy => "healthy",
            TargetState::Unhealthy => "unhealthy",
            TargetState::Leaving => "draining",
            TargetState::Absent => "not registered",
            TargetState::Idle => "unused",
            TargetState::Unavailable => "unavailable",
            TargetState::Other(word) => word,
        }
    }

    /// The one whose word this is.
    pub fn from_word(word: &str) -> TargetState {
        let known = TargetState::KNOWN.iter().find(|known| known.word() == word);
        known.cloned().unwrap_or_else(|| TargetState::Other(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_its_id_and_its_addresses_and_nobody_else() {
        let (id, v4, v6) = ("i-1", "10.0.0.7", "2001:db8::7");
        let me = Identity { instance_id: id.into(), private_ip: Some(v4.into()), ..Identity::default() };
        assert!(me.is(id) && me.is(v4) && !me.is(v6) && !me.is("10.0.0.70") && !me.is(""));
        let me = Identity { ipv6: Some(v6.into()), ..me };
        assert!(me.is(v4) && me.is(v6) && !me.is("2001:db8::70"));
    }

    #[test]
    fn an_address_is_here_where_an_interface_bears_it_or_nobody_can_tell() {
        let borne = |borne: Option<&[&str]>| {
            let all = |all: &[&str]| all.iter().map(|address| (*address).to_owned()).collect();
            Identity { borne: borne.map(all), ..Identity::default() }
        };
        assert!(borne(None).bears("10.0.0.7"));
        let container = borne(Some(&["127.0.0.1", "172.17.0.2", "2001:db8::7"]));
        let here = ["172.17.0.2", "2001:db8::7", "127.0.0.11", "10.0.0.7", "nonsense"].map(|at| container.bears(at));
        assert_eq!(here, [true, true, true, false, false]);
    }

    #[test]
    fn a_target_state_is_read_back_from_its_word() {
        for state in TargetState::KNOWN.iter().chain([&TargetState::Other("brand-new".into())]) {
            assert_eq!(TargetState::from_word(state.word()), *state);
        }
    }
}
