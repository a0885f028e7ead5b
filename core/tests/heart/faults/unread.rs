//! What an earlier run has left behind and nobody has read yet is not nothing; and what was read does not overrule what
//! is named now.

use super::*;
use crate::rig::{GROUP, identity, policy, target};
use rundeck_alb_core::{
    DrainResult, Identity, Intent, Kept, Ownership, Registered, Registrations, Target, TargetState,
};

fn no_group() -> Policy {
    let mut none = policy();
    none.membership.groups.clear();
    none.membership.discover_tag = None;
    none
}

/// The own target of this machine, as an earlier run has registered it.
fn record() -> Registrations {
    let Identity { instance_id, .. } = identity();
    let target = Target { group: GROUP.into(), name: "rundeck".into(), id: instance_id.clone(), port: 4440 };
    Registrations { instance: instance_id, targets: vec![Registered { target, ownership: Ownership::Own }] }
}

/// Behind a balancer that nobody names to us (HAProxy) the agent is restarted, its disk is slow, and rundeckd is
/// stopped within seconds: requests are waited for, for what was not read may say that the node was in service.
#[test]
fn what_was_not_read_is_not_out_of_service() {
    for unread in [false, true] {
        let mut rig = Rig::unread(no_group(), 2);
        leaves_early(&mut rig, unread);
    }
}

/// The same in a group whose target AWS has not shown yet.
#[test]
fn what_was_not_read_is_not_out_of_service_in_a_group_either() {
    for unread in [false, true] {
        let mut observed = policy();
        observed.membership.groups[0].ownership = Ownership::Observe;
        let mut rig = Rig::unread(observed, 2);
        rig.registered = true;
        // AWS is slow.
        rig.mute = |call| matches!(call, Call::DescribeTarget(_));
        leaves_early(&mut rig, unread);
    }
}

/// Drains within seconds of its start, having been in service before; requests are waited for, read or `unread`.
fn leaves_early(rig: &mut Rig, unread: bool) {
    if !unread {
        let intent = Some(Intent { served: true, ..Intent::default() });
        rig.feed(Event::Kept(Kept { intent, ..Kept::default() }));
    }
    rig.feed(Event::Tick);
    rig.in_flight = Some(5);
    pass(rig, Span::secs(2), &mut calm);
    let begin = rig.now;
    drain(rig, "d1", Cause::RundeckStopping);
    let (receipt, _) = until_receipt(rig, &mut calm);
    let took = rig.now.since(begin);
    assert!(took >= policy().drain.floor, "unread: {unread}: {took:?}, {}: {:#?}", receipt.result, steps(&receipt));
}

/// A record that was not read yet is no empty one: no receipt is clean before anybody knows what is registered.
#[test]
fn a_record_that_was_not_read_yet_is_not_empty() {
    let mut rig = Rig::unread(no_group(), 2);
    rig.registered = true;
    pass(&mut rig, Span::secs(60), &mut calm);
    assert!(is_up(&rig));
    let mut sent = calls(&rig.feed(Event::Stop { id: "s1".into() }));
    while rig.heart.ended().is_none() {
        sent.extend(calls(&turn(&mut rig, &mut calm)));
    }
    let receipt = receipt_in(&sent).expect("a receipt");
    assert_ne!(
        receipt.result,
        DrainResult::Clean,
        "and its target is registered: {}: {:#?}",
        rig.registered,
        steps(&receipt)
    );
}

/// A registration of an earlier run that nobody has seen is undone by a drain, also where the disk tells of it late.
#[test]
fn a_registration_that_a_late_record_tells_of_is_awaited() {
    for late in [false, true] {
        let mut rig = Rig::unread(policy(), 2);
        let kept = Event::Kept(Kept { registered: Some(record()), ..Kept::default() });
        if !late {
            rig.feed(kept.clone());
        }
        let begun = rig.now;
        // AWS is eventually consistent: the registration that was sent just before the crash shows five seconds later.
        let mut world = |rig: &Rig, call: &Call| {
            let early = rig.now.since(begun) < Span::secs(5);
            (early && matches!(call, Call::DescribeTarget(_))).then(|| Reply::Target(Ok(target(TargetState::Absent))))
        };
        rig.registered = true;
        let mut sent = calls(&rig.feed(Event::Stop { id: "s1".into() }));
        sent.extend(pass(&mut rig, Span::secs(2), &mut world));
        if late {
            sent.extend(calls(&rig.feed(kept)));
        }
        while rig.heart.ended().is_none() {
            sent.extend(calls(&turn(&mut rig, &mut world)));
        }
        let receipt = receipt_in(&sent).expect("a receipt");
        let out = count(&sent, |call| matches!(call, Call::Deregister { .. }));
        assert!(
            out == 1 || receipt.result != DrainResult::Clean,
            "late: {late}: {out} deregistrations, registered {}, {}: {:#?}",
            rig.registered,
            receipt.result,
            steps(&receipt)
        );
    }
}

/// A group that the configuration names to be observed only is not left by a drain because an earlier run had
/// registered the node there, while AWS has not told yet which group the name means.
#[test]
fn a_group_that_is_only_observed_now_is_not_left() {
    let mut observed = policy();
    observed.membership.groups[0].group = "rundeck".into();
    observed.membership.groups[0].ownership = Ownership::Observe;
    let mut rig = Rig::new(observed, 2);
    rig.registered = true;
    rig.feed(Event::Kept(Kept { registered: Some(record()), ..Kept::default() }));
    rig.mute = |call| matches!(call, Call::DescribeGroups(_));
    pass(&mut rig, Span::secs(30), &mut calm);
    let mut sent = calls(&drain(&mut rig, "d1", Cause::Operator));
    sent.extend(pass(&mut rig, Span::secs(60), &mut calm));
    rig.mute = |_| false;
    resume(&mut rig);
    sent.extend(pass(&mut rig, HOUR, &mut calm));
    let out = count(&sent, |call| matches!(call, Call::Deregister { .. }));
    assert_eq!((out, rig.registered), (0, true), "{:?}", answer(&rig));
}
