//! Targets: what was seen of them grows old, and an answer speaks only for what was asked.

use super::*;
use crate::rig::{GROUP, facts, policy, target};
use rundeck_alb_core::{
    Deregistered, DrainResult, Ownership, StepName, StepResult, TargetState, TargetType, Trouble, TroubleKind,
};

/// Five failed checks of this balancer, half a minute apart.
const DETECTION: Span = Span::secs(150);

/// An observed group that last said, an hour ago, that the node is no target.
fn observed_an_hour_ago() -> Rig {
    let mut policy = policy();
    policy.membership.groups[0].ownership = Ownership::Observe;
    policy.membership.reconcile_interval = Span::secs(3 * 3_600);
    let mut rig = Rig::new(policy, 1);
    let mut world = observed(TargetState::Absent);
    pass(&mut rig, HOUR, &mut world);
    assert!(is_up(&rig), "never up");
    rig
}

fn observed(state: TargetState) -> impl FnMut(&Rig, &Call) -> Option<Reply> {
    move |_: &Rig, call: &Call| match call {
        Call::DescribeGroups(_) => {
            let mut facts = facts();
            (facts.unhealthy_threshold, facts.check_interval_secs) = (5, 30);
            Some(Reply::Groups(Ok(vec![facts.into()])))
        }
        Call::DescribeTarget(_) => Some(Reply::Target(Ok(target(state.clone())))),
        _ => None,
    }
}

/// In an observed group somebody registered the node since the last look: a drain does not end before the balancer has
/// seen the 503.
#[test]
fn a_drain_waits_for_a_balancer_that_took_the_node_in_since_the_last_look() {
    let mut rig = observed_an_hour_ago();
    let begun = rig.now;
    drain(&mut rig, "d1", Cause::Operator);
    let (receipt, sent) = until_receipt(&mut rig, &mut observed(TargetState::Healthy));
    assert_eq!(receipt.result, DrainResult::Clean, "{:#?}", steps(&receipt));
    assert!(rig.now.since(begun) >= DETECTION, "{:?} after it began: {:#?}", rig.now.since(begun), steps(&receipt));
    assert!(count(&sent, |call| matches!(call, Call::DescribeTarget(_))) > 0, "nobody looked");
}

/// The same where nobody can look any more: an old "not registered" is worth nothing.
#[test]
fn a_drain_waits_for_a_balancer_that_cannot_be_asked_any_more() {
    let mut rig = observed_an_hour_ago();
    let begun = rig.now;
    rig.mute = |call| matches!(call, Call::DescribeTarget(_));
    drain(&mut rig, "d1", Cause::Operator);
    until_receipt(&mut rig, &mut observed(TargetState::Absent));
    assert!(rig.now.since(begun) >= DETECTION, "{:?} after it began", rig.now.since(begun));
}

/// A balancer that says, asked afresh, that the node is no target of it costs no more than the floor.
#[test]
fn a_drain_does_not_wait_for_a_balancer_that_has_let_the_node_go() {
    for state in [TargetState::Absent, TargetState::Leaving] {
        let mut rig = observed_an_hour_ago();
        let begun = rig.now;
        drain(&mut rig, "d1", Cause::Operator);
        until_receipt(&mut rig, &mut observed(state));
        assert!(rig.now.since(begun) < Span::secs(40), "{:?} after it began", rig.now.since(begun));
    }
}

/// An `ip` target that is wanted back early is registered again as soon as its delay is over, and not before.
#[test]
fn an_address_is_registered_again_when_its_delay_is_over() {
    let delay = Span::secs(300);
    let mut policy = policy();
    policy.membership.groups[0].target_type = Some(TargetType::Ip);
    let mut rig = Rig::new(policy, 1);
    let (mut member, mut out, mut back) = (false, None, None);
    let mut world = |rig: &Rig, call: &Call| match call {
        Call::DescribeGroups(_) => {
            let mut facts = facts();
            (facts.delay_secs, facts.target_type) = (delay.0 / 1000, Some(TargetType::Ip));
            Some(Reply::Groups(Ok(vec![facts.into()])))
        }
        Call::DescribeTarget(_) if member => Some(Reply::Target(Ok(target(TargetState::Healthy)))),
        Call::DescribeTarget(_) => {
            let leaving = out.is_some_and(|at| rig.now.since(at) < delay);
            Some(Reply::Target(Ok(target(if leaving { TargetState::Leaving } else { TargetState::Absent }))))
        }
        Call::Register { .. } => {
            member = true;
            back = out.map(|at| rig.now.since(at));
            Some(Reply::Changed(Ok("request-in".into())))
        }
        Call::Deregister { .. } => {
            member = false;
            out = Some(rig.now);
            Some(Reply::Changed(Ok("request-out".into())))
        }
        _ => None,
    };
    pass(&mut rig, Span::secs(120), &mut world);
    assert!(is_up(&rig), "never up");
    drain(&mut rig, "d1", Cause::Operator);
    pass(&mut rig, Span::secs(100), &mut world);
    resume(&mut rig);
    pass(&mut rig, HOUR, &mut world);
    let back = back.unwrap();
    assert!(back >= delay && back <= delay + Span::secs(20), "registered again {back:?} after it was taken out");
}

/// A target group that was deleted needs no deregistration: the drain is clean.
#[test]
fn a_deleted_target_group_does_not_cut_a_drain_short() {
    let mut rig = settled(policy());
    drain(&mut rig, "d1", Cause::Operator);
    let gone = || Trouble {
        kind: TroubleKind::NotFound,
        action: String::new(),
        text: "One or more target groups not found".into(),
    };
    let (receipt, _) = until_receipt(&mut rig, &mut |_, call| match call {
        Call::Deregister { .. } => Some(Reply::Changed(Err(gone()))),
        Call::DescribeTarget(_) => Some(Reply::Target(Err(gone()))),
        Call::DescribeGroups(_) => Some(Reply::Groups(Err(gone()))),
        _ => None,
    });
    assert_eq!(receipt.result, DrainResult::Clean, "{:#?}", steps(&receipt));
    // Who says that there is no group may be wrong: nothing is written down as deregistered, and the 503 is waited for.
    assert!(receipt.target_groups.iter().all(|group| !group.deregistered), "{:?}", receipt.target_groups);
    let detection = Span::secs(2 * 10 + 5);
    assert!(receipt.ended.since(receipt.started) >= detection, "{:#?}", steps(&receipt));
}

/// A target group that the instance tag names twice, by ARN and by name, is one group: registered once.
#[test]
fn a_target_group_that_is_named_twice_is_one_group() {
    let mut policy = policy();
    policy.membership.groups.clear();
    policy.membership.discover_tag = Some("t".into());
    policy.membership.ownership = Ownership::Own;
    let mut rig = Rig::new(policy, 1);
    let tag = format!("{GROUP} rundeck");
    let mut world = |_: &Rig, call: &Call| matches!(call, Call::AskTag(_)).then(|| Reply::Tag(Ok(Some(tag.clone()))));
    let sent = pass(&mut rig, Span::secs(120), &mut world);
    assert!(rig.registered, "never registered");
    assert_eq!(count(&sent, Call::changes_balancer), 1);
    assert_eq!(rig.heart.snapshot().targets.len(), 1, "shown once");
    drain(&mut rig, "d1", Cause::Operator);
    let (receipt, sent) = until_receipt(&mut rig, &mut world);
    assert_eq!((receipt.result, receipt.target_groups.len()), (DrainResult::Clean, 1), "{:#?}", steps(&receipt));
    assert_eq!(count(&sent, Call::changes_balancer), 1);
}

/// A drain that is ordered before metadata have said whose the groups are, or which are named, waits until they do: not
/// known is not "observed", nor "no group". Where they never answer, nothing is known of that could be left.
#[test]
fn a_drain_waits_until_it_is_known_what_is_to_be_left() {
    let by_tag = |policy: &mut Policy| {
        policy.membership.groups.clear();
        policy.membership.ownership = Ownership::Own;
    };
    let by_group = |policy: &mut Policy| policy.membership.groups[0].ownership = Ownership::Auto;
    type Change = fn(&mut Policy);
    for (name, change) in [("whose", by_group as Change), ("which", by_tag)] {
        let begin = |mute: fn(&Call) -> bool| {
            let mut policy = policy();
            change(&mut policy);
            let mut rig = Rig::new(policy, 1);
            (rig.mute, rig.registered) = (mute, true);
            rig.feed(Event::Tick);
            drain(&mut rig, "d1", Cause::RundeckStopping);
            rig
        };
        let mut tagged =
            |_: &Rig, call: &Call| matches!(call, Call::AskTag(_)).then(|| Reply::Tag(Ok(Some("rundeck".into()))));
        let mut rig = begin(|call| matches!(call, Call::AskLifecycle | Call::AskScaling { .. } | Call::AskTag(_)));
        pass(&mut rig, Span::secs(5), &mut tagged);
        assert_eq!(phase(&rig), Some(DrainPhase::Advertise), "{name}");
        rig.mute = |_| false;
        let (receipt, sent) = until_receipt(&mut rig, &mut tagged);
        assert_eq!(count(&sent, |call| matches!(call, Call::Deregister { .. })), 1, "{name}: {:#?}", steps(&receipt));
        assert!(receipt.target_groups.iter().all(|group| group.deregistered), "{name}: {:#?}", steps(&receipt));

        let mut rig = begin(|call| matches!(call, Call::AskLifecycle | Call::AskTag(_) | Call::AskIdentity));
        let (receipt, _) = until_receipt(&mut rig, &mut tagged);
        assert_eq!(receipt.result, DrainResult::Clean, "{name}, never told: {:#?}", steps(&receipt));
    }
}

/// A target that somebody puts back while jobs are waited for, and that AWS then does not let go, is no clean drain;
/// where AWS lets it go once more, it is.
#[test]
fn a_target_that_is_put_back_during_a_drain_is_judged_anew() {
    for (lets_go, result) in [(false, DrainResult::CutShort), (true, DrainResult::Clean)] {
        let mut rig = settled(policy());
        rig.running = Some(1);
        drain(&mut rig, "d1", Cause::Operator);
        assert!(rig.until(|rig| phase(rig) == Some(DrainPhase::Jobs)), "no jobs");
        rig.registered = true;
        let mut world = |_: &Rig, call: &Call| {
            (!lets_go && matches!(call, Call::Deregister { .. })).then(|| {
                let text = "not authorized".into();
                Reply::Changed(Err(Trouble { kind: TroubleKind::Denied, action: "elb:Deregister".into(), text }))
            })
        };
        pass(&mut rig, Span::secs(400), &mut world);
        rig.running = Some(0);
        let (receipt, _) = until_receipt(&mut rig, &mut world);
        let told: Vec<bool> = receipt.target_groups.iter().map(|group| group.deregistered).collect();
        assert_eq!((receipt.result, rig.registered), (result, !lets_go), "{:#?}", steps(&receipt));
        assert_eq!(told, [lets_go]);
    }
}

/// A named group of which AWS says that there is none, since before the agent began, is nothing to leave.
#[test]
fn a_group_that_never_was_there_cuts_no_drain_short() {
    for name in ["rundeck", GROUP] {
        let mut policy = policy();
        policy.membership.groups[0].group = name.into();
        let mut rig = Rig::new(policy, 1);
        let mut world =
            |_: &Rig, call: &Call| matches!(call, Call::DescribeGroups(_)).then(|| Reply::Groups(Ok(Vec::new())));
        pass(&mut rig, Span::secs(120), &mut world);
        assert!(is_up(&rig), "never up");
        drain(&mut rig, "d1", Cause::Operator);
        let (receipt, _) = until_receipt(&mut rig, &mut world);
        let how = receipt.steps.iter().find(|step| step.name == StepName::Deregister).and_then(|step| step.result);
        let wanted = (DrainResult::Clean, Some(StepResult::Deregistered(Deregistered::GroupGone)));
        assert_eq!((receipt.result, how), wanted, "{name}: {:#?}", steps(&receipt));
    }
}

/// A change of a target names what it is for, as the log has it: the first up, somebody else's removal, or the order.
#[test]
fn a_change_of_a_target_says_what_it_is_for() {
    let reasons = |sent: &[Call]| {
        let reason = |call: &Call| match call {
            Call::Register { reason, .. } | Call::Deregister { reason, .. } => Some(reason.clone()),
            _ => None,
        };
        sent.iter().filter_map(reason).collect::<Vec<String>>()
    };
    let mut rig = Rig::new(policy(), 1);
    assert_eq!(reasons(&pass(&mut rig, Span::secs(120), &mut calm)), ["first up"]);
    rig.registered = false;
    let put_back = "put back: somebody else had taken it out";
    assert_eq!(reasons(&pass(&mut rig, Span::secs(600), &mut calm)), [put_back]);
    drain(&mut rig, "d1", Cause::Operator);
    let (_, sent) = until_receipt(&mut rig, &mut calm);
    assert_eq!(reasons(&sent), [Cause::Operator.word()]);
}

/// A group that the tag names while a drain runs is left before that ends, also where none was named when it began.
#[test]
fn a_group_that_is_named_during_a_drain_is_left_before_it_ends() {
    let mut policy = policy();
    policy.membership.groups.clear();
    policy.membership.discover_tag = Some("t".into());
    let mut rig = Rig::new(policy, 1);
    let mut unnamed = |_: &Rig, call: &Call| matches!(call, Call::AskTag(_)).then(|| Reply::Tag(Ok(None)));
    pass(&mut rig, Span::secs(120), &mut unnamed);
    assert!(is_up(&rig), "{:?}", answer(&rig));
    (rig.registered, rig.running) = (true, Some(1));
    drain(&mut rig, "d1", Cause::Operator);
    pass(&mut rig, Span::secs(20), &mut unnamed);
    let mut named =
        |_: &Rig, call: &Call| matches!(call, Call::AskTag(_)).then(|| Reply::Tag(Ok(Some("rundeck".into()))));
    pass(&mut rig, Span::secs(90), &mut named);
    rig.running = Some(0);
    let (receipt, _) = until_receipt(&mut rig, &mut named);
    assert!(!rig.registered && receipt.target_groups.iter().any(|g| g.deregistered), "{:#?}", steps(&receipt));
}
