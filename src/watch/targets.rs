//! One look at target groups and at this node's own target, in the heart's words.

use crate::aws::{Elbv2, GroupFacts as Group, GroupsBy, HealthPort, Seen, TargetType as Kind};
use rundeck_alb_core::{GroupFacts, Target, TargetSeen, TargetState, TargetType, Trouble, TroubleKind};
use std::time::Duration;

/// AWS's defaults, for what an answer leaves out (ELBv2 API reference, "CreateTargetGroup").
const DEFAULT_INTERVAL: Duration = Duration::from_secs(30);
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(6);
const DEFAULT_UNHEALTHY: u32 = 2;

/// Reads these groups, named or by ARN. One at a time: AWS fails the whole call when one of them is missing, and a
/// missing one must not hide the others. Missing ones are left out.
///
/// # Errors
/// As AWS answered.
pub async fn groups(elbv2: &Elbv2, names: &[String]) -> Result<Vec<GroupFacts>, Trouble> {
    let mut found = Vec::new();
    for name in names {
        let one = std::slice::from_ref(name);
        let by = if name.starts_with("arn:") { GroupsBy::Arns(one) } else { GroupsBy::Names(one) };
        match elbv2.groups(by).await {
            Ok(groups) => found.extend(groups.into_iter().filter_map(facts)),
            Err(trouble) if trouble.kind == TroubleKind::NotFound => {}
            Err(trouble) => return Err(trouble),
        }
    }
    Ok(found)
}

/// Looks at our own target.
///
/// # Errors
/// As AWS answered.
pub async fn target(elbv2: &Elbv2, target: &Target) -> Result<TargetSeen, Trouble> {
    let seen = elbv2.target_health(&target.group, &target.id, target.port).await?;
    let state = match seen.seen {
        Seen::Arriving => TargetState::Arriving,
        Seen::Healthy => TargetState::Healthy,
        Seen::Unhealthy => TargetState::Unhealthy,
        Seen::Leaving => TargetState::Leaving,
        Seen::NotRegistered => TargetState::Absent,
        Seen::NotInUse => TargetState::Idle,
        Seen::Unavailable => TargetState::Unavailable,
        Seen::Other(word) => TargetState::Other(word),
    };
    Ok(TargetSeen { state, reason: seen.reason.unwrap_or_default(), description: seen.description.unwrap_or_default() })
}

/// `None` for a group without a port: no Rundeck can be in it.
fn facts(group: Group) -> Option<GroupFacts> {
    let check = group.health_check;
    Some(GroupFacts {
        arn: group.arn,
        name: group.name,
        port: group.port?,
        target_type: match group.target_type {
            Kind::Instance => Some(TargetType::Instance),
            Kind::Ip => Some(TargetType::Ip),
            Kind::Other(_) => None,
        },
        delay_secs: group.deregistration_delay.as_secs(),
        check_interval_secs: check.interval.unwrap_or(DEFAULT_INTERVAL).as_secs(),
        check_timeout_secs: check.timeout.unwrap_or(DEFAULT_TIMEOUT).as_secs(),
        unhealthy_threshold: check.unhealthy_threshold.unwrap_or(DEFAULT_UNHEALTHY),
        check_port: match check.port {
            HealthPort::Traffic => None,
            HealthPort::Number(port) => Some(port),
        },
        check_path: check.path.unwrap_or_else(|| "/".into()),
        check_has_query: check.has_query,
    })
}
