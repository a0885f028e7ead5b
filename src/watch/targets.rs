//! One look at target groups and at this node's own target, in the heart's words.

use crate::aws::{Elbv2, GroupFacts as Group, GroupsBy, HealthPort, PeerHealth, Seen, TargetType as Kind};
use rundeck_alb_core::{
    Family, FleetSeen, GroupFacts, GroupSeen, PeerSeen, Target, TargetSeen, TargetState, TargetType, Trouble,
    TroubleKind,
};
use std::time::Duration;

/// AWS's defaults, for what an answer leaves out (ELBv2 API reference, "CreateTargetGroup").
const DEFAULT_INTERVAL: Duration = Duration::from_secs(30);
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(6);
const DEFAULT_UNHEALTHY: u32 = 2;
const DEFAULT_HEALTHY: u32 = 5;
const DEFAULT_MATCHER: &str = "200";

/// Reads these groups, named or by ARN, each by itself: AWS fails a whole call when one group in it is missing, and
/// trouble with one says nothing of another. Missing ones are left out.
pub async fn groups(elbv2: &Elbv2, names: &[String]) -> Vec<GroupSeen> {
    let mut found = Vec::new();
    for name in names {
        let one = std::slice::from_ref(name);
        let by = if name.starts_with("arn:") { GroupsBy::Arns(one) } else { GroupsBy::Names(one) };
        found.extend(group_seen(name, elbv2.groups(by).await));
    }
    found
}

/// What AWS says of the group that was asked about by this name.
fn group_seen(name: &str, answer: Result<Vec<Group>, Trouble>) -> Option<GroupSeen> {
    let seen = |lacking, facts| Some(GroupSeen { asked: name.to_owned(), facts, lacking });
    match answer {
        Ok(groups) => groups.into_iter().find_map(|mut group| seen(group.unread.take(), Ok(facts(group)?))),
        Err(trouble) if trouble.kind == TroubleKind::NotFound => None,
        Err(trouble) => seen(None, Err(trouble)),
    }
}

/// Looks at our own target.
///
/// # Errors
/// As AWS answered.
pub async fn target(elbv2: &Elbv2, target: &Target) -> Result<TargetSeen, Trouble> {
    let seen = elbv2.target_health(&target.group, &target.id, target.port).await?;
    Ok(TargetSeen {
        state: state(seen.seen),
        reason: seen.reason.unwrap_or_default(),
        description: seen.description.unwrap_or_default(),
        because: seen.because,
        overridden: seen.overridden,
        anomaly: seen.anomaly,
    })
}

/// Looks at all targets of these groups, one call each.
///
/// # Errors
/// As AWS answered about the first that it did not tell about: the others say too little alone.
pub async fn fleet(elbv2: &Elbv2, groups: &[String]) -> Result<Vec<FleetSeen>, Trouble> {
    let mut seen = Vec::with_capacity(groups.len());
    for group in groups {
        let peers = elbv2.all_health(group).await?.into_iter();
        let targets =
            peers.map(|PeerHealth { id, port, seen, sidelined }| PeerSeen { id, port, state: state(seen), sidelined });
        seen.push(FleetSeen { group: group.clone(), targets: targets.collect() });
    }
    Ok(seen)
}

fn state(seen: Seen) -> TargetState {
    match seen {
        Seen::Arriving => TargetState::Arriving,
        Seen::Healthy => TargetState::Healthy,
        Seen::Unhealthy => TargetState::Unhealthy,
        Seen::Leaving => TargetState::Leaving,
        Seen::NotRegistered => TargetState::Absent,
        Seen::NotInUse => TargetState::Idle,
        Seen::Unavailable => TargetState::Unavailable,
        Seen::Other(word) => TargetState::Other(word),
    }
}

/// `None` for a group without a port: no Rundeck can be in it.
fn facts(group: Group) -> Option<GroupFacts> {
    let check = group.health_check;
    let passes_200 = check.passes(200);
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
        healthy_threshold: check.healthy_threshold.unwrap_or(DEFAULT_HEALTHY),
        check_https: check.protocol.as_deref() == Some("HTTPS"),
        matcher: check.matcher.unwrap_or_else(|| DEFAULT_MATCHER.into()),
        passes_200,
        check_port: match check.port {
            HealthPort::Traffic => None,
            HealthPort::Number(port) => Some(port),
        },
        check_path: check.path.unwrap_or_else(|| "/".into()),
        check_has_query: check.has_query,
        family: match group.address_type.as_deref() {
            Some("ipv4") => Some(Family::Ipv4),
            Some("ipv6") => Some(Family::Ipv6),
            _ => None,
        },
        vpc: group.vpc_id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_that_does_not_exist_is_left_out_and_other_trouble_stays_with_it() {
        for kind in [TroubleKind::NotFound, TroubleKind::Denied, TroubleKind::Throttled, TroubleKind::Unavailable] {
            let trouble = || Trouble { kind, action: "elb:Look".into(), text: "told so".into() };
            let seen = group_seen("g", Err(trouble()));
            let wanted = GroupSeen { asked: "g".into(), facts: Err(trouble()), lacking: None };
            assert_eq!(seen, (kind != TroubleKind::NotFound).then_some(wanted));
        }
        assert_eq!(group_seen("g", Ok(Vec::new())), None);
    }
}
