//! Permissions: one that is missing costs only what it reads, and is told once.

use super::*;
use crate::rig::{facts, policy, target};
use rundeck_alb_core::{GroupWanted, NoteKind, Ownership, TargetState, Trouble, TroubleKind};

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
                facts
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
