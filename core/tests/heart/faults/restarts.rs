//! A restart of the agent: what has ended is not played again.

use super::*;
use crate::rig::policy;
use rundeck_alb_core::{Heart, Kept};

/// A restart of the agent hours after a drain has ended leaves its receipt as it is, and the node out.
#[test]
fn a_restart_does_not_rewrite_the_receipt_of_a_drain_that_has_ended() {
    let mut policy = policy();
    policy.drain.jobs_timeout = Span::secs(30);
    let mut rig = Rig::new(policy.clone(), 1);
    rig.running = Some(2);
    assert!(rig.until(|rig| is_up(rig) && rig.registered), "never in service");
    let mut sent = calls(&drain(&mut rig, "d1", Cause::Operator));
    sent.extend(until_receipt(&mut rig, &mut calm).1);
    sent.extend(pass(&mut rig, Span::secs(30), &mut calm));
    assert_eq!(phase(&rig), Some(DrainPhase::Done));
    let written = |call: &Call| match call {
        Call::KeepIntent(intent) => Some(intent.clone()),
        _ => None,
    };
    let intent = sent.iter().rev().find_map(written);
    let mut again = rig.clone();
    again.now = rig.now + Span::secs(10_000);
    again.heart = Heart::new(policy, 2, again.now);
    again.open.clear();
    again.running = Some(0);
    again.feed(Event::Kept(Kept { intent, ..Kept::default() }));
    let sent = pass(&mut again, Span::secs(1_000), &mut calm);
    let second = receipt_in(&sent).filter(|receipt| receipt.id == "d1").map(|receipt| receipt.result);
    assert_eq!(second, None, "it was cut short with two jobs running");
    assert!(!is_up(&again) && !again.registered, "{:?}", answer(&again));
}

/// What was given up before the restart is taken up again for whoever joins after it.
#[test]
fn a_drain_that_was_cut_short_before_a_restart_goes_on_for_a_joiner() {
    let mut rig = settled(policy());
    rig.running = Some(2);
    let order = DrainOrder { deadline: Some(rig.now + Span::secs(40)), ..order("d1", Cause::Operator, rig.now) };
    let mut sent = calls(&rig.feed(Event::Order(1, Order::Drain(order))));
    sent.extend(until_receipt(&mut rig, &mut calm).1);
    sent.extend(pass(&mut rig, Span::secs(30), &mut calm));
    let written = |call: &Call| if let Call::KeepIntent(intent) = call { Some(intent.clone()) } else { None };
    let intent = sent.iter().rev().find_map(written);
    rig.heart = Heart::new(policy(), 2, rig.now);
    rig.open.clear();
    rig.feed(Event::Kept(Kept { intent, ..Kept::default() }));
    pass(&mut rig, Span::secs(60), &mut calm);
    assert_eq!(phase(&rig), Some(DrainPhase::Done));
    drain(&mut rig, "d2", Cause::RundeckStopping);
    assert_eq!(phase(&rig), Some(DrainPhase::Jobs));
    rig.running = Some(0);
    assert_eq!(until_receipt(&mut rig, &mut calm).0.id, "d1");
}
