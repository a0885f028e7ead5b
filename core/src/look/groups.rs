//! What one look at AWS says of this node's target groups, for `doctor`: which are named, whose each is, as which
//! target the node stands there, and what is wrong with it. By the rules of the running agent (`membership`, `asg`),
//! without its memory: it changes nothing, and what an earlier look knew does not count.

use crate::asg::fails_by_503;
use crate::contract::{
    Answering, AutoScalingRule, Finding, GroupFacts, GroupLook, GroupOwner, GroupSeen, GroupWanted, Identity,
    MembershipPolicy, Owners, Ownership, Policy, Says, ScalingFacts, ScalingLook, TargetSeen, TargetState, Trouble,
};
use crate::membership::{asks_agent, finding_of, id_in, listed_groups, named_groups, owns, target_of};
use std::collections::BTreeSet;

fn known<'a>(place: ScalingLook<'a>) -> Option<&'a ScalingFacts> {
    match place {
        ScalingLook::Group(seen) => seen.facts.as_ref().ok(),
        ScalingLook::Alone | ScalingLook::Hidden | ScalingLook::Unknown => None,
    }
}

fn attached_by(place: ScalingLook<'_>) -> BTreeSet<String> {
    known(place).map(|facts| facts.attached.clone()).unwrap_or_default()
}

/// One owns the membership in a target group that none is known to have attached.
fn owns_others(place: ScalingLook<'_>, rule: AutoScalingRule) -> Says {
    match place {
        ScalingLook::Alone => Says::No,
        ScalingLook::Group(_) if known(place).is_some() => Says::No,
        ScalingLook::Group(_) | ScalingLook::Hidden => Says::Yes,
        ScalingLook::Unknown if rule == AutoScalingRule::None => Says::No,
        ScalingLook::Unknown => Says::Unknown,
    }
}

/// The health checks of the group that a 503 fails: by them it would replace the node. `None`: nobody tells.
pub fn replaced_by(place: ScalingLook<'_>, rule: AutoScalingRule) -> Option<Vec<String>> {
    match place {
        ScalingLook::Alone => Some(Vec::new()),
        ScalingLook::Unknown if rule == AutoScalingRule::None => Some(Vec::new()),
        ScalingLook::Unknown | ScalingLook::Hidden => None,
        ScalingLook::Group(_) => {
            let checks = known(place)?.health_checks.iter();
            Some(checks.filter(|check| fails_by_503(check)).cloned().collect())
        }
    }
}

/// The groups that are named and those that the Auto Scaling group has attached; `None`: nobody knows which are named.
/// `tag`: what the instance tag says, empty where it is not there; `None`: not known.
pub fn groups_named(
    policy: &MembershipPolicy,
    tag: Option<&str>,
    scaling: ScalingLook<'_>,
) -> Option<Vec<GroupWanted>> {
    let named = named_groups(policy, tag);
    let known = named.is_some();
    let listed = listed_groups(named.as_deref().unwrap_or_default(), &attached_by(scaling));
    (known || !listed.is_empty()).then_some(listed)
}

/// Judges each of these groups by what AWS has said of them.
pub fn judge_groups(
    wanted: &[GroupWanted],
    seen: &[GroupSeen],
    identity: &Identity,
    scaling: ScalingLook<'_>,
    policy: &Policy,
) -> Vec<GroupLook> {
    let attached = attached_by(scaling);
    let owners = Owners { attached: &attached, others: owns_others(scaling, policy.membership.auto_scaling) };
    let judged = |wanted: &GroupWanted| {
        let about = |seen: &&GroupSeen| match &seen.facts {
            Ok(facts) => facts.arn == wanted.group || facts.name == wanted.group,
            Err(_) => seen.asked == wanted.group,
        };
        let seen = seen.iter().find(about);
        let facts = seen.and_then(|seen| seen.facts.as_ref().ok());
        let id = id_in(wanted, facts, identity);
        let target = id.as_ref().and_then(|id| target_of(wanted, facts, id.as_ref().ok()?));
        let arn = facts.map(|facts| facts.arn.as_str()).or(target.as_ref().map(|target| target.group.as_str()));
        let asks = facts.map(|facts| asks_agent(facts, Answering::by(policy)));
        let mut findings = Vec::new();
        match seen {
            None => findings
                .push((Finding::TargetGroupMissing, format!("no such target group in this region: {}", wanted.group))),
            Some(seen) => findings.extend(seen.facts.as_ref().err().or(seen.lacking.as_ref()).map(trouble_finding)),
        }
        findings.extend(id.and_then(Result::err).map(|unfit| unfit.words(&wanted.group)));
        findings.extend(attached_amiss(wanted, facts, arn.is_some_and(|arn| attached.contains(arn))));
        findings.extend(facts.filter(|_| asks == Some(false)).map(|facts| elsewhere(facts, Answering::by(policy))));
        GroupLook {
            named: wanted.group.clone(),
            facts: facts.cloned(),
            owner: owner(wanted, arn, owners),
            target,
            asks_agent: asks,
            findings,
        }
    };
    let mut looks: Vec<GroupLook> = Vec::new();
    for look in wanted.iter().map(judged) {
        // Two names of one target are one.
        let is_known =
            |other: &GroupLook| look.target.as_ref().zip(other.target.as_ref()).is_some_and(|(a, b)| a.is(b));
        if !looks.iter().any(is_known) {
            looks.push(look);
        }
    }
    looks
}

/// What is wrong with a target that the balancer has.
pub fn judge_target(name: &str, seen: &TargetSeen) -> Option<(Finding, String)> {
    (seen.state == TargetState::Idle).then(|| (Finding::TargetNotInUse, format!("{name}: {}", seen.description)))
}

/// A call to AWS that did not do what was asked, as a finding.
pub fn trouble_finding(trouble: &Trouble) -> (Finding, String) {
    (finding_of(trouble.kind), trouble.text.clone())
}

fn owner(wanted: &GroupWanted, arn: Option<&str>, owners: Owners<'_>) -> GroupOwner {
    let attached = arn.is_some_and(|arn| owners.attached.contains(arn));
    match owns(wanted.ownership, arn, owners) {
        Says::Yes => GroupOwner::Us,
        Says::No if attached => GroupOwner::AutoScaling,
        Says::No => GroupOwner::Other,
        Says::Unknown => GroupOwner::Unknown,
    }
}

/// What people expect of a group that an Auto Scaling group has attached, and does not come.
fn attached_amiss(wanted: &GroupWanted, facts: Option<&GroupFacts>, attached: bool) -> Option<(Finding, String)> {
    let name = &wanted.group;
    if !attached {
        return None;
    }
    if wanted.ownership == Ownership::Own {
        let what = "is attached to the Auto Scaling group, which registers its instances: it is observed";
        return Some((Finding::OwnershipConflict, format!("{name} {what}")));
    }
    let port = wanted.port.filter(|port| facts.is_some_and(|facts| facts.port != *port))?;
    let what = format!("{name} is attached to the Auto Scaling group, which registers no port {port} there");
    Some((Finding::PortNotRegistered, what))
}

fn elsewhere(facts: &GroupFacts, answering: Answering<'_>) -> (Finding, String) {
    let asks = facts.check_port.map_or("the traffic port".to_owned(), |port| format!("port {port}"));
    let query = if facts.check_has_query { " (with a query, which is not shown: it may hold a token)" } else { "" };
    let path = answering.paths.first().map(String::as_str).unwrap_or_default();
    let what = format!(
        "{} asks {asks} and path {}{query}, not this agent at port {} and path {path}",
        facts.name, facts.check_path, answering.port
    );
    (Finding::HealthCheckElsewhere, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{ScalingSeen, TargetType, TroubleKind};

    const ARN: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/rundeck-prod/73e2d6bc24d8a067";

    fn facts() -> GroupFacts {
        GroupFacts {
            arn: ARN.into(),
            name: "rundeck-prod".into(),
            port: 4440,
            target_type: Some(TargetType::Instance),
            delay_secs: 300,
            check_interval_secs: 10,
            check_timeout_secs: 5,
            unhealthy_threshold: 2,
            healthy_threshold: 5,
            check_https: false,
            matcher: "200".into(),
            passes_200: true,
            check_port: Some(4441),
            check_path: "/health".into(),
            check_has_query: false,
            ..GroupFacts::default()
        }
    }

    fn seen(facts: GroupFacts) -> Vec<GroupSeen> {
        vec![GroupSeen::from(facts)]
    }

    fn wanted(ownership: Ownership) -> GroupWanted {
        GroupWanted { group: "rundeck-prod".into(), port: None, target_type: None, ownership }
    }

    fn scaling(checks: &[&str], attached: &[&str]) -> ScalingSeen {
        let texts = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
        let facts = ScalingFacts { health_checks: texts(checks), attached: texts(attached).into_iter().collect() };
        ScalingSeen { name: "rundeck-blue".into(), state: Some("InService".into()), facts: Ok(facts) }
    }

    fn me() -> Identity {
        Identity { instance_id: "i-1".into(), vpc: Some("vpc-own".into()), ..Identity::default() }
    }

    fn judged(wanted: GroupWanted, seen: &[GroupSeen], scaling: ScalingLook<'_>) -> GroupLook {
        judge_groups(&[wanted], seen, &me(), scaling, &Policy::default()).remove(0)
    }

    fn words(look: &GroupLook) -> Vec<&'static str> {
        look.findings.iter().map(|(finding, _)| finding.word()).collect()
    }

    #[test]
    fn a_sound_group_is_ours_and_has_no_finding() {
        let look = judged(wanted(Ownership::Auto), &seen(facts()), ScalingLook::Alone);
        assert_eq!((look.owner, look.asks_agent, words(&look)), (GroupOwner::Us, Some(true), vec![]));
        assert_eq!(look.target.map(|target| (target.id, target.port)), Some(("i-1".into(), 4440)));
    }

    #[test]
    fn who_owns_a_group_is_told_by_the_agents_own_rule() {
        let (attached, other) = (scaling(&["EC2"], &[ARN]), scaling(&["EC2"], &[]));
        let denied = ScalingSeen {
            facts: Err(Trouble { kind: TroubleKind::Denied, action: String::new(), text: "no".into() }),
            ..scaling(&[], &[])
        };
        for (ownership, place, owner) in [
            (Ownership::Auto, ScalingLook::Group(&attached), GroupOwner::AutoScaling),
            (Ownership::Own, ScalingLook::Group(&attached), GroupOwner::AutoScaling),
            (Ownership::Auto, ScalingLook::Group(&other), GroupOwner::Us),
            (Ownership::Observe, ScalingLook::Alone, GroupOwner::Other),
            (Ownership::Auto, ScalingLook::Group(&denied), GroupOwner::Other),
            (Ownership::Auto, ScalingLook::Hidden, GroupOwner::Other),
            (Ownership::Auto, ScalingLook::Unknown, GroupOwner::Unknown),
            (Ownership::Own, ScalingLook::Unknown, GroupOwner::Us),
        ] {
            assert_eq!(judged(wanted(ownership), &seen(facts()), place).owner, owner, "{ownership:?} {place:?}");
        }
    }

    #[test]
    fn each_thing_that_is_wrong_with_a_group_has_its_word() {
        let attached = scaling(&["EC2"], &[ARN]);
        let (alone, group) = (ScalingLook::Alone, ScalingLook::Group(&attached));
        let denied = Trouble { kind: TroubleKind::Denied, action: String::new(), text: "no".into() };
        let untold = GroupSeen { asked: "rundeck-prod".into(), facts: Err(denied.clone()), lacking: None };
        let lacking = GroupSeen { lacking: Some(denied), ..GroupSeen::from(facts()) };
        let port = GroupWanted { port: Some(4443), ..wanted(Ownership::Auto) };
        let elsewhere = GroupFacts { check_port: None, check_has_query: true, ..facts() };
        let vpc = GroupFacts { vpc: Some("vpc-other".into()), ..facts() };
        let ip = GroupFacts { target_type: Some(TargetType::Ip), ..facts() };
        for (wanted, seen, place, word) in [
            (wanted(Ownership::Auto), vec![], alone, "target-group-missing"),
            (wanted(Ownership::Auto), vec![untold], alone, "permission-missing"),
            (wanted(Ownership::Auto), vec![lacking], alone, "permission-missing"),
            (wanted(Ownership::Auto), seen(ip), alone, "address-missing"),
            (wanted(Ownership::Auto), seen(vpc), alone, "other-vpc"),
            (wanted(Ownership::Own), seen(facts()), group, "ownership-conflict"),
            (port, seen(facts()), group, "port-not-registered"),
            (wanted(Ownership::Auto), seen(elsewhere), alone, "health-check-elsewhere"),
        ] {
            assert_eq!(words(&judged(wanted, &seen, place)), [word]);
        }
    }

    #[test]
    fn a_group_that_is_named_and_attached_is_one() {
        let (attached, policy) = (scaling(&["EC2"], &[ARN]), MembershipPolicy::default());
        let place = ScalingLook::Group(&attached);
        let wanted = groups_named(&policy, Some("rundeck-prod"), place).expect("named");
        assert_eq!(wanted.len(), 2);
        let looks = judge_groups(&wanted, &seen(facts()), &me(), place, &Policy::default());
        assert_eq!(looks.iter().map(|look| look.named.as_str()).collect::<Vec<_>>(), ["rundeck-prod"]);
    }

    #[test]
    fn a_target_that_gets_nothing_is_told() {
        let target = |state| TargetSeen { description: "no rule".into(), ..TargetSeen::plain(state) };
        assert_eq!(judge_target("a", &target(TargetState::Healthy)), None);
        assert_eq!(judge_target("a", &target(TargetState::Idle)).map(|f| f.1).as_deref(), Some("a: no rule"));
    }

    #[test]
    fn named_groups_come_before_attached_ones_and_nobody_guesses() {
        let policy = MembershipPolicy::default();
        let attached = scaling(&["ELB", "EC2", "NEW"], &[ARN]);
        let place = ScalingLook::Group(&attached);
        let named = |tag, place| {
            let groups = groups_named(&policy, tag, place)?;
            Some(groups.into_iter().map(|wanted| wanted.group).collect::<Vec<_>>())
        };
        assert_eq!(named(Some("a b"), place), Some(vec!["a".into(), "b".into(), ARN.into()]));
        assert_eq!(named(None, place), Some(vec![ARN.into()]));
        assert_eq!(named(Some(""), ScalingLook::Alone), Some(vec![]));
        assert_eq!(named(None, ScalingLook::Alone), None);
        let auto = AutoScalingRule::Auto;
        assert_eq!(replaced_by(place, auto), Some(vec!["ELB".into(), "NEW".into()]));
        assert_eq!(replaced_by(ScalingLook::Alone, auto), Some(vec![]));
        assert_eq!(replaced_by(ScalingLook::Hidden, AutoScalingRule::None), None);
        assert_eq!(replaced_by(ScalingLook::Unknown, AutoScalingRule::None), Some(vec![]));
    }
}
