//! The Auto Scaling API: which group has this instance, what that group is like, and the way into Standby and back.
//!
//! It asks about this instance and its own group alone, and changes nothing but where this instance is. It judges
//! nothing: what a health-check type means for the node, and whether Standby would do, is decided in the heart.

use super::caller::Caller;
use super::change::Change;
use super::tally::{CallResult, Tally};
use aws_config::SdkConfig;
use aws_sdk_autoscaling::Client;
use aws_sdk_autoscaling::operation::RequestId;
use aws_sdk_autoscaling::types;
use rundeck_alb_core::Trouble;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The service as permissions and metrics write it.
pub const AUTO_SCALING: &str = "autoscaling";

/// Most pages read of one listing: 50 refreshes a page, of the last six weeks ("DescribeInstanceRefreshes").
const MAX_PAGES: usize = 20;

/// The process that ends instances in one zone to have as many in another.
const AZ_REBALANCE: &str = "AZRebalance";

/// The kind of a traffic source that is a target group ("TrafficSourceIdentifier" of the API reference).
const TARGET_GROUP: &str = "elbv2";

/// This instance as its group has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InGroup {
    /// The group's name.
    pub group: String,
    /// Where the instance is in its life (`Pending:Wait`, `InService`, …); the list is open.
    pub state: String,
}

/// An Auto Scaling group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScalingGroup {
    /// Its health checks: `HealthCheckType` is a list, separated by commas.
    pub health_checks: Vec<String>,
    /// ARNs of the target groups that it has attached, by either of the two ways in which that is done.
    pub attached: BTreeSet<String>,
    /// How many instances it has and may have; `None`: the answer lacks what AWS always sends.
    pub size: Option<Size>,
    /// In how many availability zones it may start instances.
    pub zones: usize,
    /// Instances in one zone may be ended to have as many in another.
    pub az_rebalance: bool,
}

/// An instance refresh that is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refresh {
    /// What it does with instances in Standby, in AWS's word; `None`: nobody said, so AWS's default.
    pub standby: Option<String>,
}

/// How many instances a group wants in service, and between which bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub desired: u32,
    pub min: u32,
    pub max: u32,
}

/// A client for one Region.
#[derive(Debug)]
pub struct AutoScaling {
    client: Client,
    caller: Caller,
}

impl AutoScaling {
    pub(super) fn new(config: &SdkConfig, monotonic: fn() -> Duration) -> Self {
        Self { client: Client::new(config), caller: Caller::new(AUTO_SCALING, monotonic) }
    }

    /// Which group has this instance; `None`: none.
    ///
    /// # Errors
    /// As AWS answered.
    pub async fn instance(&self, id: &str) -> Result<Option<InGroup>, Trouble> {
        const OPERATION: &str = "DescribeAutoScalingInstances";
        let call = self.client.describe_auto_scaling_instances().instance_ids(id);
        let output = self.caller.call(OPERATION, call.send()).await?;
        let ours = output.auto_scaling_instances().iter().find(|seen| seen.instance_id() == Some(id));
        let Some(ours) = ours else { return Ok(None) };
        let of = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        let known = of(ours.auto_scaling_group_name()).zip(of(ours.lifecycle_state()));
        let lacking = || self.caller.bad_answer(OPERATION, "an instance without group or state", output.request_id());
        let (group, state) = known.ok_or_else(lacking)?;
        Ok(Some(InGroup { group, state }))
    }

    /// What the group of this name is like; `None`: there is none.
    ///
    /// # Errors
    /// As AWS answered.
    pub async fn group(&self, name: &str) -> Result<Option<ScalingGroup>, Trouble> {
        const OPERATION: &str = "DescribeAutoScalingGroups";
        let call = self.client.describe_auto_scaling_groups().auto_scaling_group_names(name);
        let output = self.caller.call(OPERATION, call.send()).await?;
        let group = output.auto_scaling_groups().iter().find(|group| group.auto_scaling_group_name() == Some(name));
        let Some(group) = group else { return Ok(None) };
        let health_checks = listed(group.health_check_type().unwrap_or_default());
        if health_checks.is_empty() {
            // AWS always names one: without it nobody can tell what a 503 costs.
            let lacking = "a group without a health check type";
            return Err(self.caller.bad_answer(OPERATION, lacking, output.request_id()).into());
        }
        Ok(Some(ScalingGroup {
            health_checks,
            attached: attached(group),
            size: size(group),
            zones: group.availability_zones().len(),
            az_rebalance: !group.suspended_processes().iter().any(|gone| gone.process_name() == Some(AZ_REBALANCE)),
        }))
    }

    /// What the instance refresh that is under way in this group does with instances in Standby; `None`: none is.
    ///
    /// # Errors
    /// As AWS answered.
    pub async fn refresh(&self, group: &str) -> Result<Option<Refresh>, Trouble> {
        const OPERATION: &str = "DescribeInstanceRefreshes";
        let mut page = None;
        for _ in 0..MAX_PAGES {
            let call = self.client.describe_instance_refreshes().auto_scaling_group_name(group);
            let output = self.caller.call(OPERATION, call.set_next_token(page).send()).await?;
            // A group has one at a time.
            if let Some(active) = output.instance_refreshes().iter().find(|refresh| is_active(refresh)) {
                let wish = active.preferences().and_then(|preferences| preferences.standby_instances());
                return Ok(Some(Refresh { standby: wish.map(|wish| wish.as_str().to_owned()) }));
            }
            page = output.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            if page.is_none() {
                return Ok(None);
            }
        }
        Err(self.caller.bad_answer(OPERATION, "a listing of instance refreshes without end", None).into())
    }

    /// Has the group take this instance out of service and keep it. Accepted means begun: the instance is on its way.
    /// `decrement`: the group wants one fewer in service from now on, instead of starting another one.
    pub async fn enter_standby(&self, group: &str, instance: &str, decrement: bool) -> Change {
        let call = self.client.enter_standby().auto_scaling_group_name(group).instance_ids(instance);
        let call = call.should_decrement_desired_capacity(decrement);
        Change::of(self.caller.call("EnterStandby", call.send()).await)
    }

    /// Has the group put this instance into service again, and want one more there.
    pub async fn exit_standby(&self, group: &str, instance: &str) -> Change {
        let call = self.client.exit_standby().auto_scaling_group_name(group).instance_ids(instance);
        Change::of(self.caller.call("ExitStandby", call.send()).await)
    }

    /// Calls so far by operation and outcome.
    #[must_use]
    pub fn tallies(&self) -> BTreeMap<(&'static str, CallResult), Tally> {
        self.caller.tallies()
    }
}

/// The words of a list.
fn listed(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn attached(group: &types::AutoScalingGroup) -> BTreeSet<String> {
    let sources = group.traffic_sources().iter();
    let sources = sources.filter(|source| source.r#type().is_none_or(|kind| kind == TARGET_GROUP));
    let sources = sources.filter_map(|source| source.identifier()).filter(|name| name.contains(":targetgroup/"));
    group.target_group_arns().iter().map(String::as_str).chain(sources).map(str::to_owned).collect()
}

/// The SDK fills in zeros for what an answer lacks; no group that has an instance may have none at most.
fn size(group: &types::AutoScalingGroup) -> Option<Size> {
    let count = |number: Option<i32>| u32::try_from(number?).ok();
    let (desired, min, max) = (count(group.desired_capacity())?, count(group.min_size())?, count(group.max_size())?);
    (max > 0).then_some(Size { desired, min, max })
}

/// It may still end instances. A word that is not known may be one under which it does.
fn is_active(refresh: &types::InstanceRefresh) -> bool {
    use types::InstanceRefreshStatus::{Cancelled, Failed, RollbackFailed, RollbackSuccessful, Successful};
    let over = |status: &_| matches!(status, Cancelled | Failed | RollbackFailed | RollbackSuccessful | Successful);
    !refresh.status().is_some_and(over)
}
