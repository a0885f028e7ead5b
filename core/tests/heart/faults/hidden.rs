//! What cannot be read is neither good nor bad: hidden processes, threads without names.

use super::*;
use crate::rig::{RUNDECK, jvm, policy, ready};
use rundeck_alb_core::{
    ApiSeen, Check, DrainResult, Finding, JvmSeen, Outcome, ProcessSeen, Readiness, Step, StepResult, WebSeen,
};

/// A Rundeck that was told to end stays out while the names of its threads cannot be read: that is no all-clear.
#[test]
fn threads_that_cannot_be_read_bring_no_stopping_rundeck_back() {
    let mut rig = settled(policy());
    rig.process = ProcessSeen::One(RUNDECK, JvmSeen { stopping: Some(true), ..jvm() });
    assert!(rig.until(|rig| answer(rig) == (State::Down, Reason::RundeckStopping, false)), "{:?}", answer(&rig));
    rig.process = ProcessSeen::One(RUNDECK, JvmSeen { stopping: None, ..jvm() });
    pass(&mut rig, Span::secs(300), &mut calm);
    assert_eq!(answer(&rig), (State::Down, Reason::RundeckStopping, false));
    rig.process = ProcessSeen::One(RUNDECK, jvm());
    assert!(rig.until(is_up), "{:?}", answer(&rig));
}

/// A node that is up stays so, and its row says that nobody can tell.
#[test]
fn threads_that_cannot_be_read_take_no_node_out_and_are_told() {
    let mut rig = settled(policy());
    rig.process = ProcessSeen::One(RUNDECK, JvmSeen { stopping: None, ..jvm() });
    pass(&mut rig, Span::secs(300), &mut calm);
    assert!(is_up(&rig));
    let checks = rig.heart.snapshot().checks;
    let row = checks.iter().find(|row| row.check == Check::Process).map(|row| (row.result, row.seen.clone()));
    let (result, seen) = row.expect("a row");
    assert!(result == Outcome::Unknown && seen.contains("threads cannot be read"), "{result:?} {seen}");
}

/// Where processes are hidden the readiness state alone shows SIGTERM: one 404 or redirect of its endpoint neither
/// brings a stopping Rundeck back nor ends the check. One that is gone for good lets the node in again, by rounds.
#[test]
fn a_readiness_endpoint_is_not_gone_for_one_answer() {
    let stopping = (State::Down, Reason::RundeckStopping, false);
    for (before, odd) in [(true, 1), (false, 1), (false, 2)] {
        let mut rig = Rig::new(policy(), 1);
        (rig.process, rig.ready) = (ProcessSeen::Hidden, ready(Readiness::Ready));
        assert!(rig.until(is_up));
        if before {
            rig.ready = ready(Readiness::NotReady);
            assert!(rig.until(|rig| answer(rig) == stopping), "never down");
        }
        let mut left = odd;
        let mut world = |_: &Rig, call: &Call| {
            let asked = left > 0 && matches!(call, Call::ProbeReadiness { .. });
            left -= i32::from(asked);
            asked.then(|| Reply::Ready(ready(Readiness::Absent)))
        };
        let end = rig.now + Span::secs(60);
        while rig.now < end {
            turn(&mut rig, &mut world);
            assert_eq!(is_up(&rig), !before, "{:?}", answer(&rig));
        }
        rig.ready = ready(Readiness::NotReady);
        assert!(rig.until(|rig| answer(rig) == stopping), "it is told to end, and nobody sees it");
        rig.ready = ready(Readiness::Absent);
        assert!(rig.until(is_up), "{:?}", answer(&rig));
    }
}

/// An endpoint that was gone is found again, and what it says then is seen; it is looked for twice an hour.
#[test]
fn a_readiness_endpoint_that_was_gone_is_looked_for_again() {
    for first in [Readiness::Ready, Readiness::Absent] {
        let mut rig = Rig::new(policy(), 1);
        (rig.process, rig.ready) = (ProcessSeen::Hidden, ready(first));
        assert!(rig.until(is_up));
        rig.ready = ready(Readiness::Absent);
        pass(&mut rig, Span::secs(60), &mut calm);
        let sent = pass(&mut rig, HOUR, &mut calm);
        let looks = count(&sent, |call| matches!(call, Call::ProbeReadiness { .. }));
        assert!((1..=2).contains(&looks), "{looks} looks in an hour");
        rig.ready = ready(Readiness::NotReady);
        pass(&mut rig, HOUR, &mut calm);
        assert_eq!(answer(&rig), (State::Down, Reason::RundeckStopping, false));
    }
}

/// Where nobody could ever tell how many jobs run, the receipt names no number of those that were waited for.
#[test]
fn jobs_that_nobody_could_count_are_not_told_as_none() {
    let mut rig = settled(policy());
    rig.running = None;
    pass(&mut rig, Span::secs(60), &mut calm);
    drain(&mut rig, "d1", Cause::Operator);
    let (receipt, sent) = until_receipt(&mut rig, &mut calm);
    assert_eq!(receipt.running_jobs_waited_for, None, "{:#?}", steps(&receipt));
    assert!(count(&sent, asks_api) > 0);
}

/// A process table that hides other users' processes is told, changes no verdict, and is over when Rundeck is found.
#[test]
fn a_hidden_process_table_is_told_and_changes_nothing() {
    let mut rig = Rig::new(policy(), 1);
    rig.process = ProcessSeen::Hidden;
    assert!(rig.until(is_up), "{:?}", answer(&rig));
    let hidden = |rig: &Rig| rig.heart.snapshot().findings.iter().any(|f| f.finding == Finding::ProcessHidden);
    assert!(hidden(&rig));
    rig.process = ProcessSeen::One(RUNDECK, jvm());
    pass(&mut rig, Span::secs(60), &mut calm);
    assert!(!hidden(&rig) && is_up(&rig));
}

/// A port that closes is no end where the process cannot be seen: what it still serves and runs is waited for.
#[test]
fn a_port_that_closes_is_no_end_of_a_rundeck_that_cannot_be_seen() {
    for unseen in [ProcessSeen::Hidden, ProcessSeen::None] {
        let mut rig = Rig::new(policy(), 1);
        rig.process = unseen;
        assert!(rig.until(|rig| is_up(rig) && rig.registered), "never in service");
        rig.running = Some(2);
        pass(&mut rig, Span::secs(60), &mut calm);
        (rig.web, rig.in_flight) = (WebSeen::Refused, Some(5));
        let begin = rig.now;
        drain(&mut rig, "d1", Cause::RundeckStopping);
        let mut world = |_: &Rig, call: &Call| asks_api(call).then_some(Reply::Api(ApiSeen::Refused));
        let (receipt, _) = until_receipt(&mut rig, &mut world);
        assert!(rig.now.since(begin) > policy().drain.floor, "{:?}: {:#?}", rig.now.since(begin), steps(&receipt));
        assert_ne!(receipt.result, DrainResult::Clean, "nobody saw two jobs end");
        let ended = |step: &Step| matches!(step.result, Some(StepResult::RundeckEnded(_)));
        assert!(!receipt.steps.iter().any(ended), "nobody saw its end: {:#?}", steps(&receipt));
    }
}

/// The port of a Rundeck whose process nobody can see closes for a while: what listens there then may be another one,
/// and if that is passive, by its configuration say, the agent leaves it so, and tells.
#[test]
fn what_opens_a_hidden_rundecks_port_anew_is_not_taken_for_the_one_that_was_switched() {
    let mut rig = Rig::new(policy(), 1);
    rig.process = ProcessSeen::Hidden;
    assert!(rig.until(|rig| is_up(rig) && rig.registered), "never in service");
    drain(&mut rig, "d1", Cause::Operator);
    until_receipt(&mut rig, &mut calm);
    assert_eq!(rig.mode, Mode::Passive);
    rig.web = WebSeen::Refused;
    pass(&mut rig, Span::secs(30), &mut calm);
    resume(&mut rig);
    (rig.web, rig.process) = (WebSeen::Ok, ProcessSeen::One(RUNDECK, jvm()));
    let sent = pass(&mut rig, Span::secs(300), &mut calm);
    assert_eq!(count(&sent, |call| matches!(call, Call::SetMode(_))), 0);
    let told = rig.heart.snapshot().findings;
    assert!(told.iter().any(|view| view.finding == Finding::PassiveMode), "{told:?}");
}

/// One round that could not connect, and a name that is not resolved from then on: what cannot be judged holds the
/// verdict.
#[test]
fn one_round_without_a_connection_makes_no_node_blind() {
    for odd in [false, true] {
        let mut rig = settled(policy());
        if odd {
            rig.web = WebSeen::CannotConnect;
            let mut once = 0;
            while once == 0 {
                turn(&mut rig, &mut |_, call| {
                    once += u32::from(matches!(call, Call::ProbeWeb { .. }));
                    None
                });
            }
        }
        rig.web = WebSeen::CannotJudge(rundeck_alb_core::Unjudged::Name);
        pass(&mut rig, Span::secs(120), &mut calm);
        assert!(is_up(&rig), "odd: {odd}: {:?}", answer(&rig));
    }
}
