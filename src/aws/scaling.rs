//! The Auto Scaling API: which group has this instance, and what that group is like.
//!
//! It reads only, about this instance and its own group alone. It judges nothing: what a health-check type means for
//! the node is decided in the heart.

use super::caller::Caller;
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
        Ok(Some(ScalingGroup { health_checks, attached: attached(group) }))
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
