//! Moves this node into Standby and out of it, and logs every such call with its reason and request id.
//!
//! Accepted means begun: that the node is there is seen by looking, and how long to wait for it is the heart's.

use crate::aws::{AutoScaling, Change};
use rundeck_alb_core::Trouble;

/// Into Standby. `decrement`: the group wants one fewer in service, instead of starting another one.
///
/// # Errors
/// As AWS answered.
pub async fn enter(
    scaling: &AutoScaling,
    group: &str,
    instance: &str,
    decrement: bool,
    reason: &str,
) -> Result<(), Trouble> {
    let change = scaling.enter_standby(group, instance, decrement).await;
    let how = if decrement { ", with one fewer wanted in service" } else { "" };
    log("EnterStandby", group, instance, how, reason, change)
}

/// Out of Standby, into service.
///
/// # Errors
/// As AWS answered.
pub async fn exit(scaling: &AutoScaling, group: &str, instance: &str, reason: &str) -> Result<(), Trouble> {
    let change = scaling.exit_standby(group, instance).await;
    log("ExitStandby", group, instance, "", reason, change)
}

fn log(operation: &str, group: &str, instance: &str, how: &str, reason: &str, change: Change) -> Result<(), Trouble> {
    let result = change.told();
    let Change { request_id, outcome } = change;
    let request_id = request_id.unwrap_or_default();
    tracing::info!(
        event = "aws-call",
        service = "autoscaling",
        operation,
        auto_scaling_group = group,
        instance,
        reason,
        request_id,
        result,
        "{operation} {instance} in {group}{how}: {result}"
    );
    outcome
}
