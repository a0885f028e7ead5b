//! A Rundeck that ends, or comes back, while its node leaves: what was said of it before is not so any more.

use super::*;
use crate::rig::{RUNDECK, jvm, policy};
use rundeck_alb_core::{DrainResult, ModeTrouble, Process, ProcessSeen, StepName, StepResult, WebSeen};

const NEXT: Process = Process { pid: 9, start: 99 };

fn said(receipt: &Receipt, name: StepName) -> Option<StepResult> {
    receipt.steps.iter().find(|step| step.name == name).and_then(|step| step.result)
}

/// The token may look, and not switch.
fn not_authorized(_: &Rig, call: &Call) -> Option<Reply> {
    let refused = ModeTrouble::refused("403: not authorized for disable_executions");
    matches!(call, Call::SetMode(_)).then(|| Reply::Mode(Err(refused)))
}

/// A port that refuses twice does not turn "passive mode could not be set" into "Rundeck is not running".
#[test]
fn a_port_that_refuses_for_a_moment_makes_no_drain_clean() {
    let mut rig = settled(policy());
    rig.running = Some(1);
    drain(&mut rig, "d1", Cause::Operator);
    pass(&mut rig, Span::secs(5), &mut not_authorized);
    rig.web = WebSeen::Refused;
    pass(&mut rig, Span::secs(12), &mut not_authorized);
    rig.web = WebSeen::Ok;
    pass(&mut rig, Span::secs(120), &mut not_authorized);
    rig.running = Some(0);
    let (receipt, _) = until_receipt(&mut rig, &mut not_authorized);
    assert_eq!(rig.mode, Mode::Active);
    assert_ne!(receipt.result, DrainResult::Clean, "it is active, and takes jobs: {:#?}", steps(&receipt));
}

/// A drain has begun while Rundeck was down; whoever joins once it runs again is not told that it does not run.
#[test]
fn a_joiner_is_not_told_that_a_running_rundeck_does_not_run() {
    let mut rig = settled(policy());
    (rig.process, rig.web) = (ProcessSeen::None, WebSeen::Refused);
    rig.feed(Event::ProcessEnded(RUNDECK));
    pass(&mut rig, Span::secs(20), &mut calm);
    drain(&mut rig, "d1", Cause::Operator);
    let (receipt, _) = until_receipt(&mut rig, &mut calm);
    assert_eq!(said(&receipt, StepName::Passive), Some(StepResult::RundeckGone));
    (rig.process, rig.web, rig.running) = (ProcessSeen::One(NEXT, jvm()), WebSeen::Ok, Some(2));
    pass(&mut rig, Span::secs(120), &mut not_authorized);
    assert_eq!(rig.heart.snapshot().rundeck.running, Some(2));
    drain(&mut rig, "d2", Cause::RundeckStopping);
    pass(&mut rig, Span::secs(60), &mut not_authorized);
    rig.running = Some(0);
    let (receipt, _) = until_receipt(&mut rig, &mut not_authorized);
    assert_eq!(rig.mode, Mode::Active);
    assert_ne!(receipt.result, DrainResult::Clean, "it is active, and takes jobs: {:#?}", steps(&receipt));
}

/// Jobs that were waited for and died with their Rundeck have not ended by themselves, whatever the next one does: not
/// where the agent's loop had stood still meanwhile, nor where the next one is passive by its own configuration.
#[test]
fn jobs_that_died_with_their_rundeck_are_named_whatever_the_next_one_does() {
    let mut rig = settled(policy());
    rig.running = Some(2);
    drain(&mut rig, "d1", Cause::Operator);
    assert!(rig.until(|rig| phase(rig) == Some(DrainPhase::Jobs)), "no jobs");
    pass(&mut rig, Span::secs(10), &mut calm);
    for early in [false, true] {
        let mut rig = rig.clone();
        rig.now = rig.now + Span::secs(120);
        rig.process = ProcessSeen::One(NEXT, jvm());
        (rig.running, rig.mode) = (Some(0), if early { Mode::Passive } else { Mode::Active });
        rig.feed(Event::ProcessEnded(RUNDECK));
        let (receipt, _) = until_receipt(&mut rig, &mut calm);
        assert_ne!(receipt.result, DrainResult::Clean, "passive itself: {early}: {:#?}", steps(&receipt));
    }
}
