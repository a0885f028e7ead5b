//! The load balancer's API: register, deregister, look at one target, look at groups.
//!
//! Every call about a target sends `Id` and `Port`: a deregistration without the port is answered 200 and does nothing
//! ("DeregisterTargets": both are needed). It paces nothing: Describe calls share one bucket with all other nodes of
//! the account.

use super::caller::Caller;
use super::change::Change;
use super::error::CallError;
use super::groups::{GroupFacts, GroupsBy, delay_of};
use super::tally::{CallResult, Tally};
use super::words::{anomaly, because, overridden};
use aws_config::SdkConfig;
use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::operation::RequestId;
use aws_sdk_elasticloadbalancingv2::types::{
    DescribeTargetHealthInputIncludeEnum, TargetDescription, TargetHealthDescription, TargetHealthReasonEnum,
    TargetHealthStateEnum,
};
use rundeck_alb_core::{Anomaly, Overridden, TargetReason, Trouble};
use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::time::Duration;

/// The service as permissions and metrics write it.
pub const ELASTIC_LOAD_BALANCING: &str = "elasticloadbalancing";

/// Most pages read of one listing: 400 groups a page, 3000 groups a Region by AWS's default quota.
const MAX_PAGES: usize = 20;

/// The word for all zones of the load balancer ("TargetDescription").
const ALL_ZONES: &str = "all";

/// From which zones of the load balancer a target gets its requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zones {
    /// AWS knows: that of the instance, or of the subnet that has the address.
    Own,
    /// From all: what AWS wants of an address outside the group's VPC.
    All,
}

/// A target's state in neutral words, by "TargetHealth" of the ELBv2 API reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// `initial`.
    Arriving,
    /// `healthy`.
    Healthy,
    /// `unhealthy`.
    Unhealthy,
    /// `draining`: lasts the whole deregistration delay, even when idle.
    Leaving,
    /// Not in the group.
    NotRegistered,
    /// In the group, but gets no requests: no listener rule, a zone that is off, a stopped instance. The reason says
    /// which.
    NotInUse,
    /// `unavailable`: nobody checks.
    Unavailable,
    /// A word that this agent does not know.
    Other(String),
}

/// One target as the load balancer sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetSeen {
    pub seen: Seen,
    /// AWS's reason code, like `Target.ResponseCodeMismatch`.
    pub reason: Option<String>,
    /// AWS's text about it.
    pub description: Option<String>,
    /// What both mean.
    pub because: TargetReason,
    /// A zonal shift, or another thing that keeps traffic from it whatever its state is.
    pub overridden: Overridden,
    /// What anomaly detection says.
    pub anomaly: Anomaly,
    /// AWS's request id.
    pub request_id: Option<String>,
}

/// One target of a group, this node's or another's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerHealth {
    /// Instance id or address.
    pub id: String,
    pub port: u16,
    pub seen: Seen,
    /// A zonal shift, or an anomaly, keeps traffic from it whatever its state says.
    pub sidelined: bool,
}

/// A client for one Region.
#[derive(Debug)]
pub struct Elbv2 {
    client: Client,
    caller: Caller,
}

impl Elbv2 {
    pub(super) fn new(config: &SdkConfig, monotonic: fn() -> Duration) -> Self {
        Self { client: Client::new(config), caller: Caller::new(ELASTIC_LOAD_BALANCING, monotonic) }
    }

    /// Registers `id`:`port`. Registering again changes nothing. `InvalidTarget` while the instance is not running yet,
    /// or an `ip` target is still draining.
    pub async fn register(&self, arn: &str, id: &str, port: u16, zones: Zones) -> Change {
        let target = match zones {
            Zones::Own => target(id, port),
            Zones::All => TargetDescription::builder().id(id).port(port.into()).availability_zone(ALL_ZONES).build(),
        };
        let call = self.client.register_targets().target_group_arn(arn).targets(target);
        Change::of(self.caller.call("RegisterTargets", call.send()).await)
    }

    /// Deregisters `id`:`port`. New requests stop at once. Deregistering what is not there succeeds. `InvalidTarget`
    /// and `NotFound` mean that nothing is left to do.
    pub async fn deregister(&self, arn: &str, id: &str, port: u16) -> Change {
        let call = self.client.deregister_targets().target_group_arn(arn).targets(target(id, port));
        Change::of(self.caller.call("DeregisterTargets", call.send()).await)
    }

    /// Looks at `id`:`port`, at no other target. An answer without it means that it is not registered.
    ///
    /// # Errors
    /// As AWS answered.
    pub async fn target_health(&self, arn: &str, id: &str, port: u16) -> Result<TargetSeen, Trouble> {
        const OPERATION: &str = "DescribeTargetHealth";
        let call = self.client.describe_target_health().target_group_arn(arn).targets(target(id, port));
        let call = call.include(DescribeTargetHealthInputIncludeEnum::All);
        let output = self.caller.call(OPERATION, call.send()).await?;
        let request_id = output.request_id();
        let described = || {
            output
                .target_health_descriptions()
                .iter()
                .filter(|seen| seen.target().and_then(TargetDescription::id).is_some_and(|seen| canonical(seen) == id))
        };
        let is_port = |seen: &TargetDescription| seen.port().is_none_or(|seen| seen == i32::from(port));
        let ours = described().find(|seen| seen.target().is_some_and(is_port));
        if ours.is_none() && described().next().is_some() {
            // Only on another port: that is another target.
            return Ok(TargetSeen {
                seen: Seen::NotRegistered,
                reason: None,
                description: None,
                because: TargetReason::NotRegistered,
                overridden: Overridden::No,
                anomaly: Anomaly::No,
                request_id: request_id.map(str::to_owned),
            });
        }
        // AWS says of a target that is not registered that it is `unused`; nothing at all says nothing.
        let silent =
            || self.caller.bad_answer(OPERATION, "an answer without the target that was asked for", request_id);
        Ok(target_seen(ours.ok_or_else(silent)?, request_id))
    }

    /// Looks at every target of the group.
    ///
    /// # Errors
    /// As AWS answered.
    pub async fn all_health(&self, arn: &str) -> Result<Vec<PeerHealth>, Trouble> {
        let all = DescribeTargetHealthInputIncludeEnum::All;
        let call = self.client.describe_target_health().target_group_arn(arn).include(all);
        let output = self.caller.call("DescribeTargetHealth", call.send()).await?;
        Ok(output.target_health_descriptions().iter().filter_map(peer).collect())
    }

    /// Looks at groups, and at the attributes of each: 1 call, and 1 for each group. Attributes that cannot be read
    /// leave the rest as it is.
    ///
    /// # Errors
    /// As AWS answered; `NotFound` for all of them when one is missing.
    pub async fn groups(&self, by: GroupsBy<'_>) -> Result<Vec<GroupFacts>, Trouble> {
        let mut groups = self.described(by).await?;
        for group in &mut groups {
            let call = self.client.describe_target_group_attributes().target_group_arn(&group.arn);
            match self.caller.call("DescribeTargetGroupAttributes", call.send()).await {
                Ok(output) => group.deregistration_delay = delay_of(output.attributes()),
                Err(error) => group.unread = Some(error.into()),
            }
        }
        Ok(groups)
    }

    /// Calls so far by operation and outcome.
    #[must_use]
    pub fn tallies(&self) -> BTreeMap<(&'static str, CallResult), Tally> {
        self.caller.tallies()
    }

    async fn described(&self, by: GroupsBy<'_>) -> Result<Vec<GroupFacts>, CallError> {
        const OPERATION: &str = "DescribeTargetGroups";
        let mut groups = Vec::new();
        let mut marker = None;
        for _ in 0..MAX_PAGES {
            let call = self.client.describe_target_groups().set_marker(marker);
            let call = match by {
                GroupsBy::Arns(arns) => call.set_target_group_arns(Some(arns.to_vec())),
                GroupsBy::Names(names) => call.set_names(Some(names.to_vec())),
            };
            let output = self.caller.call(OPERATION, call.send()).await.map_err(CallError::no_such_name)?;
            for group in output.target_groups() {
                let facts = GroupFacts::of(group);
                let lacking = "a target group without ARN or name";
                groups.push(facts.ok_or_else(|| self.caller.bad_answer(OPERATION, lacking, output.request_id()))?);
            }
            marker = output.next_marker().filter(|marker| !marker.is_empty()).map(str::to_owned);
            if marker.is_none() {
                return Ok(groups);
            }
        }
        Err(self.caller.bad_answer(OPERATION, "a listing of target groups without end", None))
    }
}

fn target(id: &str, port: u16) -> TargetDescription {
    TargetDescription::builder().id(id).port(port.into()).build()
}

/// An id of a target: an IPv6 address has many spellings, of which this agent uses the canonical one.
fn canonical(id: &str) -> String {
    id.parse::<Ipv6Addr>().map_or_else(|_| id.to_owned(), |address| address.to_string())
}

/// `None` for what has no id or no port: no Rundeck.
fn peer(described: &TargetHealthDescription) -> Option<PeerHealth> {
    let target = described.target()?;
    let health = described.target_health();
    let overridden = overridden(described.administrative_override());
    let anomaly = anomaly(described.anomaly_detection());
    Some(PeerHealth {
        id: canonical(target.id()?),
        port: u16::try_from(target.port()?).ok()?,
        seen: match health.and_then(|health| health.state()) {
            Some(state) => seen(state, health.and_then(|health| health.reason())),
            None => Seen::Other(String::new()),
        },
        sidelined: overridden != Overridden::No || anomaly != Anomaly::No,
    })
}

fn target_seen(described: &TargetHealthDescription, request_id: Option<&str>) -> TargetSeen {
    let health = described.target_health();
    let reason = health.and_then(|health| health.reason());
    TargetSeen {
        seen: match health.and_then(|health| health.state()) {
            Some(state) => seen(state, reason),
            None => Seen::Other(String::new()),
        },
        reason: reason.map(|reason| reason.as_str().to_owned()),
        description: health.and_then(|health| health.description()).map(str::to_owned),
        because: health.map_or(TargetReason::None, because),
        overridden: overridden(described.administrative_override()),
        anomaly: anomaly(described.anomaly_detection()),
        request_id: request_id.map(str::to_owned),
    }
}

fn seen(state: &TargetHealthStateEnum, reason: Option<&TargetHealthReasonEnum>) -> Seen {
    match state {
        TargetHealthStateEnum::Initial => Seen::Arriving,
        TargetHealthStateEnum::Healthy => Seen::Healthy,
        TargetHealthStateEnum::Unhealthy => Seen::Unhealthy,
        TargetHealthStateEnum::Draining | TargetHealthStateEnum::UnhealthyDraining => Seen::Leaving,
        TargetHealthStateEnum::Unused => match reason {
            None | Some(TargetHealthReasonEnum::NotRegistered) => Seen::NotRegistered,
            Some(_) => Seen::NotInUse,
        },
        TargetHealthStateEnum::Unavailable => Seen::Unavailable,
        other => Seen::Other(other.as_str().to_owned()),
    }
}
