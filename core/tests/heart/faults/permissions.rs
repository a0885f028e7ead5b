//! Permissions: one that is missing costs only what it reads, and is told once.

use super::*;
use crate::rig::{GROUP, facts, policy, target};
use rundeck_alb_core::{GroupSeen, GroupWanted, NoteKind, Ownership, TargetState, TargetType, Trouble, TroubleKind};

fn denied() -> Trouble {
    Trouble { kind: TroubleKind::Denied, action: "elb:Look".into(), text: "not authorized".into() }
}

/// A node that may not look at its target is registered all the same, once, and is taken out again.
#[test]
fn a_node_that_may_not_look_joins_and_leaves_all_the_same() {
    let mut rig = Rig::new(policy(), 1);
    let mut world =
        |_: &Rig, call: &Call| matches!(call, Call::DescribeTarget(_)).then(|| Reply::Target(Err(denied())));
    let sent = pass(&mut rig, HOUR, &mut world);
    assert!(rig.registered, "never registered");
    assert_eq!(count(&sent, Call::changes_balancer), 1);
    drain(&mut rig, "d1", Cause::Operator);
    until_receipt(&mut rig, &mut world);
    assert!(!rig.registered, "still a target");
    resume(&mut rig);
    pass(&mut rig, HOUR, &mut world);
    assert!(rig.registered, "not back");
}

/// A permission that is missing for one of two target groups is told once, and not cured by success with the other.
#[test]
fn trouble_with_one_target_group_is_told_once() {
    let mut policy = policy();
    let wanted =
        |name: &str| GroupWanted { group: name.into(), port: None, target_type: None, ownership: Ownership::Own };
    policy.membership.groups = ["a", "b"].map(wanted).to_vec();
    let mut rig = Rig::new(policy, 1);
    let mut world = |_: &Rig, call: &Call| match call {
        Call::DescribeGroups(_) => {
            let groups = ["a", "b"].map(|name| {
                let mut facts = facts();
                (facts.name, facts.arn) = (name.into(), format!("arn-{name}"));
                facts.into()
            });
            Some(Reply::Groups(Ok(groups.to_vec())))
        }
        Call::DescribeTarget(of) if of.name == "a" => Some(Reply::Target(Err(denied()))),
        Call::DescribeTarget(_) => Some(Reply::Target(Ok(target(TargetState::Healthy)))),
        _ => None,
    };
    let end = rig.now + HOUR + HOUR + HOUR + HOUR;
    let mut told = Vec::new();
    while rig.now < end {
        let finding = |command: Command| match command {
            Command::Tell(note) if note.kind == NoteKind::Finding && note.text.starts_with("permission") => {
                Some(note.text)
            }
            _ => None,
        };
        told.extend(turn(&mut rig, &mut world).into_iter().filter_map(finding));
    }
    assert_eq!(told.len(), 1, "{:#?}", &told[..told.len().min(4)]);
}

/// A node that may not ask what its target groups are like joins those whose ARN, port and target type are configured;
/// for each other one it is said what is missing, with the way round it.
#[test]
fn a_node_that_may_not_describe_groups_joins_what_the_configuration_describes() {
    let (port, kind) = (Some(4440), Some(TargetType::Instance));
    for (name, port, target_type, joins) in [
        (GROUP, port, kind, true),
        (GROUP, port, None, false),
        (GROUP, None, kind, false),
        ("rundeck", port, kind, false),
    ] {
        let mut policy = policy();
        policy.membership.groups =
            vec![GroupWanted { group: name.into(), port, target_type, ownership: Ownership::Own }];
        let mut rig = Rig::new(policy, 1);
        let mut world = |_: &Rig, call: &Call| match call {
            Call::DescribeGroups(names) => {
                let denied = |name: &String| GroupSeen { asked: name.clone(), facts: Err(denied()), lacking: None };
                Some(Reply::Groups(Ok(names.iter().map(denied).collect())))
            }
            _ => None,
        };
        pass(&mut rig, HOUR, &mut world);
        assert_eq!(rig.registered, joins, "{name} {port:?} {target_type:?}");
        let findings = rig.heart.snapshot().findings;
        let [finding] = findings.as_slice() else { panic!("{findings:?}") };
        assert_eq!(finding.finding.word(), "permission-missing");
        let says =
            format!("{name} is joined once AWS, or [[target_group]] instead, says its ARN, port and target type");
        assert_eq!(finding.text.contains(&says), !joins, "{}", finding.text);
        drain(&mut rig, "d1", Cause::Operator);
        until_receipt(&mut rig, &mut world);
        assert!(!rig.registered, "still a target");
    }
}

/// One target group that may not be described, that does not exist or whose answer is odd costs the others nothing.
#[test]
fn trouble_with_one_target_group_keeps_the_node_out_of_no_other() {
    for kind in [TroubleKind::Denied, TroubleKind::Unavailable, TroubleKind::NotFound] {
        let mut policy = policy();
        let wanted =
            |name: &str| GroupWanted { group: name.into(), port: None, target_type: None, ownership: Ownership::Own };
        policy.membership.groups = ["a", "rundeck", "z"].map(wanted).to_vec();
        let mut rig = Rig::new(policy, 1);
        let mut world = |_: &Rig, call: &Call| match call {
            Call::DescribeGroups(names) => {
                let seen = |name: &String| match (name.as_str(), kind) {
                    ("rundeck", _) => Some(GroupSeen::from(facts())),
                    (_, TroubleKind::NotFound) => None,
                    _ => {
                        let facts = Err(Trouble { kind, ..denied() });
                        Some(GroupSeen { asked: name.clone(), facts, lacking: None })
                    }
                };
                Some(Reply::Groups(Ok(names.iter().filter_map(seen).collect())))
            }
            _ => None,
        };
        pass(&mut rig, HOUR, &mut world);
        assert!(rig.registered, "{kind:?}");
        let words: Vec<&str> = rig.heart.snapshot().findings.iter().map(|found| found.finding.word()).collect();
        let missing = words.contains(&"target-group-missing");
        assert_eq!(missing, kind == TroubleKind::NotFound, "{words:?}");
    }
}

/// Attributes that may not be read cost the deregistration delay, for which AWS's default stands, and are told.
#[test]
fn attributes_that_may_not_be_read_cost_only_the_delay() {
    let mut rig = Rig::new(policy(), 1);
    let mut world = |_: &Rig, call: &Call| match call {
        Call::DescribeGroups(_) => {
            let lacking = Some(denied());
            Some(Reply::Groups(Ok(vec![GroupSeen { lacking, ..GroupSeen::from(facts()) }])))
        }
        _ => None,
    };
    pass(&mut rig, HOUR, &mut world);
    assert!(rig.registered, "never registered");
    let told = |rig: &Rig| rig.heart.snapshot().findings.iter().any(|f| f.finding.word() == "permission-missing");
    assert!(told(&rig));
    pass(&mut rig, HOUR, &mut calm);
    assert!(!told(&rig), "still told");
}

/// A registration whose answer was lost, and that a look shows to be done, is no trouble any more.
#[test]
fn a_lost_registration_that_was_done_is_no_trouble_for_ever() {
    let mut rig = Rig::new(policy(), 1);
    rig.mute = |call| matches!(call, Call::Register { .. });
    assert!(rig.until(|rig| rig.open.iter().any(|open| matches!(open.call, Call::Register { .. }))), "never");
    // Done, and its answer lost.
    rig.registered = true;
    pass(&mut rig, Span::secs(30), &mut calm);
    rig.mute = |_| false;
    pass(&mut rig, HOUR, &mut calm);
    let told: Vec<String> = rig.heart.snapshot().findings.iter().map(|f| f.text.clone()).collect();
    assert!(told.is_empty(), "an hour later: {told:?}");
}
