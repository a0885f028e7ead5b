//! Registers and deregisters this node's own target, and logs every such call with its reason and request id.
//!
//! The seam for other load balancers: the heart speaks of targets and groups, not of AWS.

use crate::aws::{Change, Elbv2, Zones};
use rundeck_alb_core::{Target, Trouble};

/// Puts the target in. `outside`: its address lies outside the group's VPC.
///
/// # Errors
/// As AWS answered.
pub async fn register(elbv2: &Elbv2, target: &Target, outside: bool, reason: &str) -> Result<String, Trouble> {
    let zones = if outside { Zones::All } else { Zones::Own };
    let change = elbv2.register(&target.group, &target.id, target.port, zones).await;
    log("RegisterTargets", target, reason, change)
}

/// Takes the target out.
///
/// # Errors
/// As AWS answered.
pub async fn deregister(elbv2: &Elbv2, target: &Target, reason: &str) -> Result<String, Trouble> {
    let change = elbv2.deregister(&target.group, &target.id, target.port).await;
    log("DeregisterTargets", target, reason, change)
}

/// Gives the request id of a change that was accepted.
fn log(operation: &str, target: &Target, reason: &str, change: Change) -> Result<String, Trouble> {
    let result = change.told();
    let Change { request_id, outcome } = change;
    let request_id = request_id.unwrap_or_default();
    let registered = format!("{}:{}", target.id, target.port);
    tracing::info!(
        event = "aws-call",
        service = "elasticloadbalancing",
        operation,
        target_group = target.group,
        target = registered,
        reason,
        request_id,
        result,
        "{operation} {registered} in {}: {result}",
        target.name
    );
    outcome.map(|()| request_id)
}
