//! What an Auto Scaling group means for a drain: a choice needs its permission for as long as it lasts.

use super::*;
use crate::rig::policy;
use rundeck_alb_core::{DrainResult, OrderAnswer};

/// A drain that is refused in an Auto Scaling group is accepted after the cure that the refusal names: Standby, detach.
#[test]
fn the_cure_that_a_refused_drain_names_works() {
    for state in ["Standby", "Detached"] {
        let mut rig = Rig::new(policy(), 1);
        rig.lifecycle = Some(state.into());
        assert!(rig.until(|rig| is_up(rig) && rig.heart.snapshot().lifecycle.is_some()), "never up");
        let commands = drain(&mut rig, "d1", Cause::Operator);
        let refused = |command: &&Command| matches!(command, Command::Answer(_, OrderAnswer::Refused { .. }));
        assert_eq!(commands.iter().find(refused), None, "in {state}");
    }
}

/// A node ordered out before metadata told of its Auto Scaling group says 200 once they have, until its jobs are done.
#[test]
fn what_metadata_tell_during_a_drain_counts() {
    let mut rig = Rig::new(policy(), 1);
    rig.lifecycle = Some("InService".into());
    rig.running = Some(2);
    rig.mute = |call| matches!(call, Call::AskLifecycle);
    assert!(rig.until(is_up), "never up");
    drain(&mut rig, "d1", Cause::RundeckStopping);
    rig.mute = |_| false;
    assert!(rig.until(|rig| rig.heart.snapshot().lifecycle.is_some()), "never told");
    pass(&mut rig, Span::secs(5), &mut calm);
    let end = rig.now + Span::secs(90);
    while rig.now < end {
        rig.turn();
        assert!(is_up(&rig), "two jobs run; {:?}, phase {:?}", answer(&rig), phase(&rig));
    }
    rig.running = Some(0);
    let (receipt, _) = until_receipt(&mut rig, &mut calm);
    assert!(!is_up(&rig), "200 after its end: {:#?}", steps(&receipt));
}

/// An operator's drain in Standby ends by itself when the node is in service again, where a 503 gets it replaced.
#[test]
fn a_drain_ends_with_its_permission() {
    let mut rig = Rig::new(policy(), 1);
    rig.lifecycle = Some("Standby".into());
    assert!(rig.until(|rig| is_up(rig) && rig.heart.snapshot().lifecycle.is_some()), "never up");
    rig.running = Some(1);
    drain(&mut rig, "d1", Cause::Operator);
    assert!(rig.until(|rig| phase(rig) == Some(DrainPhase::Jobs)), "never waits for jobs");
    assert!(!is_up(&rig), "200 while leaving in Standby");
    rig.lifecycle = Some("InService".into());
    let (receipt, _) = until_receipt(&mut rig, &mut calm);
    assert_eq!((receipt.result, phase(&rig), is_up(&rig)), (DrainResult::Resumed, None, true));
    pass(&mut rig, Span::secs(30), &mut calm);
    assert_eq!(rig.mode, Mode::Active, "our passive mode is undone");
    let told = rig.heart.snapshot().findings.iter().any(|f| f.finding.word() == "asg-will-replace");
    assert!(told, "nobody is told why");
}
