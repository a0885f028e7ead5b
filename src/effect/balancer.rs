//! Registers and deregisters this node's own target, and logs every such call with its reason and request id.
//!
//! The seam for other load balancers: the heart speaks of targets and groups, not of AWS.

use crate::aws::{CallError, Elbv2};
use rundeck_alb_core::Target;

/// Puts the target in.
///
/// # Errors
/// As AWS answered.
pub async fn register(elbv2: &Elbv2, target: &Target, reason: &str) -> Result<String, CallError> {
    let result = elbv2.register(&target.group, &target.id, target.port).await;
    log("RegisterTargets", target, reason, result)
}

/// Takes the target out.
///
/// # Errors
/// As AWS answered.
pub async fn deregister(elbv2: &Elbv2, target: &Target, reason: &str) -> Result<String, CallError> {
    let result = elbv2.deregister(&target.group, &target.id, target.port).await;
    log("DeregisterTargets", target, reason, result)
}

fn log(
    operation: &str,
    target: &Target,
    reason: &str,
    result: Result<Option<String>, CallError>,
) -> Result<String, CallError> {
    let request_id = match &result {
        Ok(id) => id.clone(),
        Err(error) => error.request_id.clone(),
    }
    .unwrap_or_default();
    let outcome = result.as_ref().map_or_else(ToString::to_string, |_| "ok".to_string());
    let registered = format!("{}:{}", target.id, target.port);
    tracing::info!(
        event = "aws-call",
        service = "elasticloadbalancing",
        operation,
        target_group = target.group,
        target = registered,
        reason,
        request_id,
        result = outcome,
        "{operation} {registered} in {}: {outcome}",
        target.name
    );
    result.map(|_| request_id)
}
