//! Changes of a target: one at a time in each target group, and what one leaves whose answer never came.

use super::*;
use crate::rig::{GROUP, identity, policy, target};
use rundeck_alb_core::{DrainResult, Kept, Ownership, Registered, Registrations, Target, TargetState};

/// A node whose registration is under way, and will not be answered.
fn registering() -> Rig {
    let mut rig = Rig::new(policy(), 1);
    rig.mute = Call::changes_balancer;
    assert!(rig.until(|rig| rig.open.iter().any(|open| open.call.changes_balancer())), "never registers");
    rig
}

/// A disk that is slower than the first `up`, and tells of the very target that is being registered: no second change
/// is sent beside the first, not by a drain either.
#[test]
fn a_record_that_comes_late_sends_no_second_change() {
    let mut rig = registering();
    let target = Target { group: GROUP.into(), name: "rundeck".into(), id: identity().instance_id, port: 4440 };
    let targets = vec![Registered { target, ownership: Ownership::Own }];
    let registered = Some(Registrations { instance: identity().instance_id, targets });
    let mut sent = calls(&rig.feed(Event::Kept(Kept { registered, ..Kept::default() })));
    sent.extend(pass(&mut rig, Span::secs(10), &mut calm));
    sent.extend(calls(&drain(&mut rig, "d1", Cause::Operator)));
    sent.extend(pass(&mut rig, Span::secs(5), &mut calm));
    assert_eq!(count(&sent, Call::changes_balancer), 0, "{sent:?}");
    rig.mute = |_| false;
    pass(&mut rig, Span::secs(60), &mut calm);
    assert!(!rig.registered);
}

/// A registration whose answer was lost may still take effect after the balancer was looked at: a leaving node asks to
/// be out, once, and is out when AWS has confirmed it.
#[test]
fn a_lost_registration_is_undone_by_a_drain() {
    let mut rig = registering();
    rig.mute = |call| matches!(call, Call::Register { .. });
    pass(&mut rig, Span::secs(5), &mut calm);
    drain(&mut rig, "d1", Cause::Operator);
    let mut looked = false;
    let (receipt, sent) = until_receipt(&mut rig, &mut |_, call| {
        // AWS shows nothing of it yet.
        looked |= matches!(call, Call::DescribeTarget(_));
        matches!(call, Call::DescribeTarget(_)).then(|| Reply::Target(Ok(target(TargetState::Absent))))
    });
    assert!(looked, "nobody looked");
    assert_eq!(count(&sent, Call::changes_balancer), 1, "{:#?}", steps(&receipt));
    let left: Vec<bool> = receipt.target_groups.iter().map(|group| group.deregistered).collect();
    assert_eq!((receipt.result, left), (DrainResult::Clean, vec![true]), "{:#?}", steps(&receipt));
}
