//! What was registered and is no longer named: it is left, over restarts too, and nobody else's target is.

use super::*;
use crate::rig::{facts, identity, in_group, policy, target};
use rundeck_alb_core::{
    DrainResult, GroupFacts, GroupWanted, Heart, Kept, Ownership, Registered, Registrations, Target, TargetSeen,
    TargetState, Trouble, TroubleKind, WebSeen,
};
use std::collections::{BTreeMap, BTreeSet};

/// A world with several groups, some of which the tag names.
#[derive(Clone, Default)]
struct Groups {
    tag: Option<String>,
    /// The tag cannot be read.
    tag_fails: bool,
    /// Where this node's target is.
    members: BTreeSet<String>,
    /// What AWS answers about a group: to looks, and to changes.
    looks: BTreeMap<String, TroubleKind>,
    changes: BTreeMap<String, TroubleKind>,
    /// There is no group of these names.
    nowhere: BTreeSet<String>,
    /// Each change, in order.
    changed: Vec<(bool, Target)>,
    /// The last record of what is registered.
    kept: Option<Registrations>,
    /// How often it was written.
    written: u32,
}

fn arn(name: &str) -> String {
    format!("arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/{name}/0")
}

fn facts_of(name: &str) -> GroupFacts {
    GroupFacts { arn: arn(name), name: name.into(), ..facts() }
}

fn name_of(arn: &str) -> String {
    arn.split('/').nth(1).unwrap_or(arn).into()
}

fn trouble(kind: TroubleKind) -> Trouble {
    Trouble { kind, action: "elb:Any".into(), text: format!("{kind:?}") }
}

impl Groups {
    fn tagged(tag: &str) -> Groups {
        Groups { tag: Some(tag.into()), ..Groups::default() }
    }

    fn answer(&mut self, _: &Rig, call: &Call) -> Option<Reply> {
        let refused = |troubles: &BTreeMap<String, TroubleKind>, of: &Target| troubles.get(&of.name).copied();
        Some(match call {
            Call::AskTag(_) if self.tag_fails => Reply::Tag(Err("metadata do not answer".into())),
            Call::AskTag(_) => Reply::Tag(Ok(self.tag.clone())),
            Call::DescribeGroups(names) => Reply::Groups(Ok(names
                .iter()
                .map(|name| name_of(name))
                .filter(|name| !self.nowhere.contains(name))
                .map(|name| facts_of(&name).into())
                .collect())),
            Call::DescribeTarget(of) => Reply::Target(match refused(&self.looks, of) {
                Some(kind) => Err(trouble(kind)),
                None => Ok(self.seen(of)),
            }),
            Call::Register { target, .. } | Call::Deregister { target, .. } => {
                let joins = matches!(call, Call::Register { .. });
                self.changed.push((joins, target.clone()));
                if let Some(kind) = refused(&self.changes, target) {
                    return Some(Reply::Changed(Err(trouble(kind))));
                }
                if joins {
                    self.members.insert(target.name.clone())
                } else {
                    self.members.remove(&target.name)
                };
                Reply::Changed(Ok("request".into()))
            }
            Call::KeepRegistered(kept) => {
                self.kept = Some(kept.clone());
                self.written += 1;
                Reply::Written(Ok(()))
            }
            _ => return None,
        })
    }

    fn seen(&self, of: &Target) -> TargetSeen {
        target(if self.members.contains(&of.name) { TargetState::Healthy } else { TargetState::Absent })
    }

    fn pass(&mut self, rig: &mut Rig, span: Span) -> Vec<Call> {
        pass(rig, span, &mut |rig, call| self.answer(rig, call))
    }

    /// In service for a while in what the tag names.
    fn settled(&mut self, policy: Policy) -> Rig {
        let mut rig = Rig::new(policy, 1);
        self.pass(&mut rig, Span::secs(180));
        assert!(is_up(&rig), "never up");
        rig
    }

    /// The agent's process ends and another begins: it knows what is on disk.
    fn restart(&mut self, rig: &mut Rig, policy: Policy) {
        rig.heart = Heart::new(policy, 2, rig.now);
        rig.open.clear();
        rig.feed(Event::Kept(Kept { registered: self.kept.clone(), ..Kept::default() }));
        self.changed.clear();
    }

    fn members(&self) -> Vec<&str> {
        self.members.iter().map(String::as_str).collect()
    }

    fn left(&self) -> Vec<&str> {
        self.changed.iter().filter(|(joins, _)| !joins).map(|(_, target)| target.name.as_str()).collect()
    }

    fn kept(&self) -> Vec<&str> {
        let kept = self.kept.iter().flat_map(|kept| &kept.targets);
        kept.map(|registered| registered.target.name.as_str()).collect()
    }
}

/// Named by the instance tag, and ours to act in.
fn by_tag() -> Policy {
    let mut policy = policy();
    policy.membership.groups.clear();
    policy.membership.discover_tag = Some("t".into());
    policy.membership.ownership = Ownership::Own;
    policy.membership.reconcile_interval = Span::secs(60);
    policy
}

fn wanted(name: &str) -> GroupWanted {
    GroupWanted { group: arn(name), port: None, target_type: None, ownership: Ownership::Own }
}

fn configured(names: &[&str]) -> Policy {
    let mut policy = policy();
    policy.membership.groups = names.iter().map(|name| wanted(name)).collect();
    policy
}

/// A tag that moves to another group while the agent runs: the node is taken out of the old one.
#[test]
fn a_group_that_the_tag_names_no_more_is_left() {
    let mut world = Groups::tagged("old");
    let mut rig = world.settled(by_tag());
    assert_eq!((world.members(), world.kept()), (vec!["old"], vec!["old"]));
    world.tag = Some("new".into());
    world.pass(&mut rig, HOUR);
    assert_eq!((world.members(), world.kept()), (vec!["new"], vec!["new"]));
    assert_eq!(world.left(), ["old"], "left once");
    assert!(world.written < 6, "written {} times", world.written);
    assert_eq!(rig.heart.snapshot().targets.len(), 1, "shown no longer");
}

/// A tag that is gone names nothing: two answers say so, and an answer that does not come says nothing.
#[test]
fn a_tag_that_is_gone_names_nothing_and_one_that_cannot_be_read_changes_nothing() {
    let mut world = Groups::tagged("old");
    let mut rig = world.settled(by_tag());
    world.tag_fails = true;
    world.pass(&mut rig, HOUR);
    assert_eq!((world.members(), world.left()), (vec!["old"], vec![]));
    (world.tag_fails, world.tag) = (false, None);
    let once = rig.now;
    while rig.now.since(once) < Span::secs(100) {
        let asked = calls(&turn(&mut rig, &mut |rig, call| world.answer(rig, call)));
        assert!(world.left().is_empty() || rig.now.since(once) > Span::secs(5), "one answer was enough: {asked:?}");
    }
    world.pass(&mut rig, Span::secs(180));
    assert_eq!((world.members(), world.left()), (vec![], vec!["old"]));
}

/// One 404 between two good answers takes no node out.
#[test]
fn one_answer_that_there_is_no_tag_is_not_believed() {
    let mut world = Groups::tagged("old");
    let mut rig = world.settled(by_tag());
    let mut odd = true;
    let end = rig.now + HOUR;
    while rig.now < end {
        turn(&mut rig, &mut |rig, call| match call {
            Call::AskTag(_) => {
                odd = !odd;
                Some(Reply::Tag(Ok((!odd).then(|| "old".into()))))
            }
            _ => world.answer(rig, call),
        });
    }
    assert_eq!((world.members(), world.left()), (vec!["old"], vec![]));
}

/// The tag moves while the agent is down, the machine starts anew even: what was registered is left by the next run.
#[test]
fn a_group_that_is_named_no_more_after_a_restart_is_left() {
    let mut world = Groups::tagged("old");
    let mut rig = world.settled(by_tag());
    world.tag = Some("new".into());
    world.restart(&mut rig, by_tag());
    world.pass(&mut rig, HOUR);
    assert_eq!((world.members(), world.left(), world.kept()), (vec!["new"], vec!["old"], vec!["new"]));
}

/// The same with a configuration that was changed: another group, another port, none at all.
#[test]
fn a_restart_with_another_configuration_leaves_what_it_names_no_more() {
    let mut other_port = configured(&["old"]);
    other_port.membership.groups[0].port = Some(4443);
    let mut none = configured(&[]);
    none.membership.discover_tag = None;
    for after in [configured(&["new"]), other_port, none] {
        let mut world = Groups::default();
        let mut rig = world.settled(configured(&["old"]));
        world.restart(&mut rig, after);
        let sent = world.pass(&mut rig, HOUR);
        let out: Vec<(&str, u16)> =
            world.changed.iter().filter(|(joins, _)| !joins).map(|(_, t)| (t.name.as_str(), t.port)).collect();
        assert_eq!(out, [("old", 4440)], "{sent:?}");
    }
}

/// As long as the tag cannot be read after a restart, nobody knows what is named: nothing is left but by a drain.
#[test]
fn what_may_still_be_named_is_left_by_a_drain_only() {
    let mut world = Groups::tagged("old");
    let mut rig = world.settled(by_tag());
    world.tag_fails = true;
    world.restart(&mut rig, by_tag());
    world.pass(&mut rig, HOUR);
    assert_eq!((world.members(), world.left()), (vec!["old"], vec![]));
    drain(&mut rig, "d1", Cause::Operator);
    let (receipt, _) = until_receipt(&mut rig, &mut |rig, call| world.answer(rig, call));
    let groups: Vec<(&str, bool)> =
        receipt.target_groups.iter().map(|group| (group.arn.as_str(), group.deregistered)).collect();
    assert_eq!((receipt.result, groups), (DrainResult::Clean, vec![(arn("old").as_str(), true)]));
    assert_eq!(world.members(), [""; 0]);
}

/// A drain that begins while a group is being left in vain leaves that one too, and says in its receipt how it went.
#[test]
fn a_drain_leaves_what_is_named_no_more_too() {
    let mut world = Groups::tagged("old kept");
    let mut rig = world.settled(by_tag());
    world.tag = Some("kept".into());
    world.changes.insert("old".into(), TroubleKind::Unavailable);
    world.pass(&mut rig, HOUR);
    assert_eq!(world.members(), ["kept", "old"]);
    drain(&mut rig, "d1", Cause::Operator);
    world.pass(&mut rig, Span::secs(5));
    world.changes.clear();
    let (receipt, _) = until_receipt(&mut rig, &mut |rig, call| world.answer(rig, call));
    let groups: Vec<(String, bool)> =
        receipt.target_groups.iter().map(|group| (name_of(&group.arn), group.deregistered)).collect();
    assert_eq!(groups, [("kept".into(), true), ("old".into(), true)], "{:#?}", steps(&receipt));
    assert_eq!(world.members(), [""; 0]);
    resume(&mut rig);
    world.pass(&mut rig, HOUR);
    assert_eq!(world.members(), ["kept"]);
}

/// A group that is named no more is left while the node is down, too; one that is still named is not.
#[test]
fn what_is_named_no_more_is_left_while_the_node_is_down() {
    let mut world = Groups::tagged("old kept");
    let mut rig = world.settled(by_tag());
    rig.web = WebSeen::Status(500);
    world.pass(&mut rig, Span::secs(60));
    assert!(!is_up(&rig));
    world.tag = Some("kept".into());
    world.pass(&mut rig, Span::secs(180));
    assert_eq!((world.members(), world.left()), (vec!["kept"], vec!["old"]));
}

/// It is tried again until AWS confirms it, also where the node may not look, and over a restart.
#[test]
fn leaving_is_tried_again_until_aws_confirms_it() {
    for kind in [TroubleKind::Throttled, TroubleKind::Denied, TroubleKind::NotFound, TroubleKind::Unavailable] {
        let mut world = Groups::tagged("old");
        let mut rig = world.settled(by_tag());
        world.looks.insert("old".into(), TroubleKind::Denied);
        world.changes.insert("old".into(), kind);
        world.tag = Some("new".into());
        world.pass(&mut rig, Span::secs(240));
        world.restart(&mut rig, by_tag());
        world.pass(&mut rig, Span::secs(240));
        assert_eq!(world.members(), ["new", "old"], "{kind:?}");
        world.changes.clear();
        world.pass(&mut rig, Span::secs(180));
        assert_eq!((world.members(), world.kept()), (vec!["new"], vec!["new"]), "{kind:?}");
    }
}

/// A group that does not exist for ten minutes is forgotten.
#[test]
fn a_group_that_was_deleted_is_forgotten() {
    let mut world = Groups::tagged("old");
    let mut rig = world.settled(by_tag());
    for troubles in [&mut world.looks, &mut world.changes] {
        troubles.insert("old".into(), TroubleKind::NotFound);
    }
    world.tag = Some("new".into());
    world.pass(&mut rig, Span::secs(300));
    assert_eq!(world.kept(), ["new", "old"]);
    world.pass(&mut rig, HOUR);
    assert_eq!(world.kept(), ["new"]);
    let before = world.changed.len();
    world.pass(&mut rig, HOUR);
    assert_eq!(world.changed.len(), before, "still tried");
    assert!(rig.heart.snapshot().findings.is_empty(), "{:?}", rig.heart.snapshot().findings);
}

/// A group that is named again while it is being left is joined again.
#[test]
fn a_group_that_is_named_again_is_joined_again() {
    for again in ["old".to_owned(), arn("old")] {
        let mut world = Groups::tagged("old");
        let mut rig = world.settled(by_tag());
        world.changes.insert("old".into(), TroubleKind::Throttled);
        world.tag = Some("new".into());
        world.pass(&mut rig, Span::secs(240));
        assert!(world.left().len() > 2, "never tried");
        (world.tag, world.changes) = (Some(format!("new {again}")), BTreeMap::new());
        world.pass(&mut rig, HOUR);
        assert_eq!((world.members(), world.kept()), (vec!["new", "old"], vec!["new", "old"]));
        assert_eq!(rig.heart.snapshot().targets.len(), 2);
    }
}

/// The tag names by its ARN, first, what it named by name, or turns its names round: what is known of the target is
/// known to whichever name acts, in a drain and after it.
#[test]
fn a_group_that_is_named_anew_is_the_same_group() {
    let (by_arn, twice) = (format!("{} old", arn("old")), format!("old {}", arn("old")));
    for (before, after) in [("old", &by_arn), (&twice, &by_arn), (&by_arn, &twice)] {
        let mut world = Groups::tagged(before);
        let mut rig = world.settled(by_tag());
        rig.running = Some(1);
        drain(&mut rig, "d1", Cause::Operator);
        world.pass(&mut rig, Span::secs(120));
        assert_eq!((world.members(), world.left()), (vec![], vec!["old"]));
        world.tag = Some(after.clone());
        world.pass(&mut rig, Span::secs(300));
        rig.running = Some(0);
        let (receipt, _) = until_receipt(&mut rig, &mut |rig, call| world.answer(rig, call));
        let left: Vec<bool> = receipt.target_groups.iter().map(|group| group.deregistered).collect();
        assert_eq!((receipt.result, left), (DrainResult::Clean, vec![true]), "{:#?}", steps(&receipt));
        assert_eq!(world.left(), ["old"], "out once");
        resume(&mut rig);
        world.pass(&mut rig, Span::secs(300));
        assert_eq!((world.members(), world.kept()), (vec!["old"], vec!["old"]), "{before:?}, then {after:?}");
    }
}

/// A name in the tag that leads nowhere (a slip of the pen) takes the node out of nothing, over a restart too, and is
/// told; once each name is a group's, what is no longer named is left.
#[test]
fn a_name_that_leads_nowhere_takes_no_node_out() {
    for (tag, members) in [("odl", vec!["old"]), ("new odl", vec!["new", "old"])] {
        let mut world = Groups::tagged("old");
        world.nowhere.insert("odl".into());
        let mut rig = world.settled(by_tag());
        world.tag = Some(tag.into());
        world.pass(&mut rig, HOUR);
        world.restart(&mut rig, by_tag());
        world.pass(&mut rig, HOUR);
        assert_eq!((world.members(), world.left()), (members, vec![]));
        let findings = rig.heart.snapshot().findings;
        assert!(findings.iter().any(|f| f.finding.word() == "target-group-missing"), "{findings:?}");
        world.tag = Some("new".into());
        world.pass(&mut rig, HOUR);
        assert_eq!((world.members(), world.left()), (vec!["new"], vec!["old"]));
    }
}

/// What another instance registered, whose disk this one is a copy of, is not touched; nor is an address that is this
/// one's no longer.
#[test]
fn the_record_of_another_instance_is_ignored() {
    let registered = |id: &str| Registered {
        target: Target { group: arn("old"), name: "old".into(), id: id.into(), port: 4440 },
        ownership: Ownership::Own,
    };
    let own = identity();
    for (instance, id, touched) in [
        ("i-0ffffffffffffffff", "i-0ffffffffffffffff", false),
        ("i-0ffffffffffffffff", own.instance_id.as_str(), false),
        (own.instance_id.as_str(), "10.0.0.99", false),
        (own.instance_id.as_str(), own.private_ip.as_deref().unwrap_or_default(), true),
    ] {
        let mut world = Groups::tagged("new");
        let kept = Registrations { instance: instance.into(), targets: vec![registered(id)] };
        world.kept = Some(kept);
        world.members.insert("old".into());
        let mut rig = Rig::new(by_tag(), 1);
        world.restart(&mut rig, by_tag());
        world.pass(&mut rig, HOUR);
        assert_eq!(!world.left().is_empty(), touched, "{instance} {id}");
        assert_eq!(world.kept(), ["new"]);
    }
}

/// A group that was only observed is not left, nor one that is handed over; a dry run only tells.
#[test]
fn what_is_not_ours_is_not_left() {
    let observed = || {
        let mut policy = by_tag();
        policy.membership.ownership = Ownership::Observe;
        policy
    };
    let mut dry_run = by_tag();
    dry_run.dry_run = true;
    for policy in [observed(), dry_run] {
        let mut world = Groups::tagged("old");
        world.members.insert("old".into());
        let mut rig = world.settled(policy);
        world.tag = Some("new".into());
        world.pass(&mut rig, HOUR);
        assert_eq!((world.members(), world.changed.len(), world.written), (vec!["old"], 0, 0));
    }
    let mut world = Groups::tagged("old");
    let mut rig = world.settled(by_tag());
    world.restart(&mut rig, observed());
    world.pass(&mut rig, HOUR);
    assert_eq!(world.kept(), [""; 0], "handed over");
    world.tag = Some("new".into());
    world.restart(&mut rig, by_tag());
    world.pass(&mut rig, HOUR);
    assert_eq!((world.members(), world.left()), (vec!["new", "old"], vec![]));
}

/// An Auto Scaling group that has taken the machine in owns what this agent had registered before.
#[test]
fn what_an_auto_scaling_group_owns_is_not_left() {
    let mut policy = by_tag();
    policy.membership.ownership = Ownership::Auto;
    let mut world = Groups::tagged("old");
    let mut rig = world.settled(policy);
    assert_eq!(world.members(), ["old"]);
    rig.lifecycle = Some("InService".into());
    rig.scaling = Some(Ok(Some(in_group("InService", &["EC2"], &[&arn("old")]))));
    world.pass(&mut rig, Span::secs(180));
    world.tag = Some("new".into());
    world.pass(&mut rig, HOUR);
    assert_eq!((world.members(), world.left()), (vec!["new", "old"], vec![]));
}

/// A target stands on disk before it is registered; a disk that does not answer is waited for one second.
#[test]
fn a_target_is_written_down_before_it_is_registered() {
    for mute in [false, true] {
        let mut world = Groups::tagged("old");
        let mut rig = Rig::new(by_tag(), 1);
        if mute {
            rig.mute = |call| matches!(call, Call::KeepRegistered(_));
        }
        let mut asked = None;
        let end = rig.now + Span::secs(120);
        while rig.now < end && world.changed.is_empty() {
            let sent = calls(&turn(&mut rig, &mut |rig, call| world.answer(rig, call)));
            asked = asked.or(sent.iter().any(|call| matches!(call, Call::KeepRegistered(_))).then_some(rig.now));
            let registers = sent.iter().any(|call| matches!(call, Call::Register { .. }));
            assert!(!registers || mute || world.kept() == ["old"], "not on disk");
            assert!(
                !registers || !mute || asked.is_some_and(|at| rig.now.since(at) >= Span::secs(1)),
                "not waited for"
            );
        }
        assert_eq!(world.members(), ["old"], "never registered");
    }
}

/// A drain that is not on disk yet changes nothing in any group, whatever is named.
#[test]
fn a_drain_that_is_not_on_disk_yet_leaves_nothing() {
    let mut world = Groups::tagged("old");
    let mut rig = world.settled(by_tag());
    world.changes.insert("old".into(), TroubleKind::Unavailable);
    world.tag = Some("new".into());
    world.pass(&mut rig, Span::secs(180));
    rig.mute = |call| matches!(call, Call::KeepIntent(_));
    let begun = rig.now;
    drain(&mut rig, "d1", Cause::Operator);
    while rig.now.since(begun) < Span::secs(1) {
        let sent = calls(&turn(&mut rig, &mut |rig, call| world.answer(rig, call)));
        let waits = rig.now.since(begun) < Span::secs(1);
        assert!(!waits || count(&sent, Call::changes_balancer) == 0, "{sent:?}");
    }
}
