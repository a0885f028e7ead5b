//! Who joins a drain: what was given up is taken up again for whoever has a time of his own.

use super::*;
use crate::rig::policy;
use rundeck_alb_core::{
    DrainResult, Ending, Finding, Heart, Kept, ModeTrouble, StepName, StepResult, Trouble, TroubleKind,
};

/// A drain by an operator that was cut short by this deadline, while two jobs run.
fn cut_short() -> Rig {
    let mut rig = settled(policy());
    rig.running = Some(2);
    let order = DrainOrder { deadline: Some(rig.now + Span::secs(40)), ..order("d1", Cause::Operator, rig.now) };
    rig.feed(Event::Order(1, Order::Drain(order)));
    let (receipt, _) = until_receipt(&mut rig, &mut calm);
    assert_eq!(receipt.result, DrainResult::CutShort, "{:#?}", steps(&receipt));
    pass(&mut rig, Span::secs(60), &mut calm);
    rig
}

/// The unit that waits before it stops Rundeck joins a drain that was cut short: it is not told that all is done while
/// jobs run, and the one receipt says in the end what happened.
#[test]
fn joining_a_drain_that_was_cut_short_waits_for_its_jobs() {
    let mut rig = cut_short();
    drain(&mut rig, "d2", Cause::RundeckStopping);
    assert_eq!(phase(&rig), Some(DrainPhase::Jobs));
    let sent = pass(&mut rig, Span::secs(120), &mut calm);
    assert_eq!(receipt_in(&sent), None, "two jobs run");
    rig.running = Some(0);
    let (receipt, _) = until_receipt(&mut rig, &mut calm);
    let said = (receipt.id.as_str(), receipt.result, receipt.running_jobs_waited_for, receipt.running_jobs_left);
    assert_eq!(said, ("d1", DrainResult::Clean, Some(2), Some(0)), "{:#?}", steps(&receipt));
}

/// A stop of the agent waits for the jobs that an operator's drain had given up.
#[test]
fn a_stop_after_a_drain_that_was_cut_short_waits_for_its_jobs() {
    let mut rig = cut_short();
    rig.feed(Event::Stop { id: "s1".into() });
    pass(&mut rig, Span::secs(120), &mut calm);
    assert_eq!((rig.heart.ended(), phase(&rig)), (None, Some(DrainPhase::Jobs)));
    rig.running = Some(0);
    assert!(rig.until(|rig| rig.heart.ended().is_some()), "never ends");
}

/// The same cause again reopens nothing, unless it has more time now.
#[test]
fn the_same_cause_reopens_a_drain_only_with_a_later_deadline() {
    let again = |deadline: fn(Moment) -> Option<Moment>| {
        let mut rig = cut_short();
        let order = DrainOrder { deadline: deadline(rig.now), ..order("d2", Cause::Operator, rig.now) };
        rig.feed(Event::Order(2, Order::Drain(order)));
        phase(&rig)
    };
    assert_eq!(again(|now| Some(now - Span::secs(1))), Some(DrainPhase::Done));
    assert_eq!(again(|now| Some(now + Span::secs(1))), Some(DrainPhase::Jobs));
    assert_eq!(again(|_| None), Some(DrainPhase::Jobs));
}

/// A drain that left nothing is not begun anew for a joiner, but jobs that have begun since are waited for.
#[test]
fn joining_a_clean_drain_waits_only_for_what_has_begun_since() {
    for (running, wanted) in [(0, DrainPhase::Done), (1, DrainPhase::Jobs)] {
        let mut rig = settled(policy());
        drain(&mut rig, "d1", Cause::Operator);
        let (receipt, _) = until_receipt(&mut rig, &mut calm);
        assert_eq!(receipt.result, DrainResult::Clean, "{:#?}", steps(&receipt));
        rig.running = Some(running);
        pass(&mut rig, Span::secs(60), &mut calm);
        drain(&mut rig, "d2", Cause::RundeckStopping);
        assert_eq!(phase(&rig), Some(wanted), "{running} running");
    }
}

/// How many jobs are left stands in the receipt as a number only where that is known at the end.
#[test]
fn an_unknown_number_of_jobs_is_not_told_as_a_number() {
    let mut rig = settled(policy());
    rig.running = Some(3);
    pass(&mut rig, Span::secs(40), &mut calm);
    assert!(rig.until(|rig| rig.open.is_empty()), "never at rest");
    drain(&mut rig, "d1", Cause::Operator);
    rig.mute = |call| matches!(call, Call::ProbeApi | Call::ProbeDatabase { .. });
    let (receipt, _) = until_receipt(&mut rig, &mut calm);
    assert_eq!(receipt.running_jobs_left, None, "{:?}: {:#?}", receipt.result, steps(&receipt));
}

/// A count that was asked for by a drain which was taken back is not shown as that of the next.
#[test]
fn a_drain_does_not_show_the_count_of_the_one_before() {
    let mut rig = settled(policy());
    rig.mute = |call| matches!(call, Call::CountInFlight);
    drain(&mut rig, "d1", Cause::Operator);
    assert!(rig.until(|rig| rig.open.iter().any(|open| open.call == Call::CountInFlight)), "never counted");
    let old = rig.open.iter().find(|open| open.call == Call::CountInFlight).unwrap().id;
    resume(&mut rig);
    drain(&mut rig, "d2", Cause::Operator);
    rig.feed(Event::Reply(old, Reply::InFlight(Some(7))));
    assert_eq!(rig.heart.snapshot().drain.unwrap().in_flight, None);
}

/// Many supervisors send a signal twice at once: that is one stop. A later one is an abort.
#[test]
fn signals_within_two_seconds_are_one_stop() {
    for (after, ending) in [(1_999, None), (2_000, Some(Ending::Aborted))] {
        let mut rig = settled(policy());
        rig.running = Some(1);
        rig.feed(Event::Stop { id: "s1".into() });
        rig.now = rig.now + Span(after);
        rig.feed(Event::Stop { id: "s2".into() });
        pass(&mut rig, Span::secs(5), &mut calm);
        assert_eq!(rig.heart.ended(), ending, "after {after} ms");
    }
}

/// An abort waits for its receipt to be on disk, and for a second at most.
#[test]
fn an_abort_waits_for_its_receipt_but_no_longer_than_a_second() {
    for (answered, span) in [(true, 300), (false, 1_000)] {
        let mut rig = settled(policy());
        rig.running = Some(1);
        rig.feed(Event::Stop { id: "s1".into() });
        pass(&mut rig, Span::secs(5), &mut calm);
        rig.mute = |call| matches!(call, Call::WriteReceipt(_));
        let begin = rig.now;
        assert!(receipt_in(&calls(&rig.feed(Event::Stop { id: "s2".into() }))).is_some(), "no receipt");
        assert_eq!(rig.heart.ended(), None, "its receipt is under way");
        rig.now = begin + Span(span - 1);
        rig.feed(Event::Tick);
        let open = rig.open.iter().find(|open| matches!(open.call, Call::WriteReceipt(_))).map(|open| open.id);
        let id = open.expect("its receipt is under way");
        assert_eq!(rig.heart.ended(), None, "{:?} after the second signal", rig.now.since(begin));
        rig.now = begin + Span(span);
        rig.feed(if answered { Event::Reply(id, Reply::Written(Ok(()))) } else { Event::Tick });
        assert_eq!(rig.heart.ended(), Some(Ending::Aborted), "{span} ms after the second signal");
    }
}

/// Nobody waits for the receipt of a drain that was taken back, but whoever looks for it is told that it is not there.
#[test]
fn a_receipt_of_a_drain_that_was_taken_back_is_told_when_it_cannot_be_written() {
    let told = |rig: &Rig| rig.heart.snapshot().findings.iter().any(|f| f.finding == Finding::ReceiptNotKept);
    let mut full = |_: &Rig, call: &Call| {
        matches!(call, Call::WriteReceipt(_)).then(|| Reply::Written(Err("no space left on device".into())))
    };
    let mut rig = settled(policy());
    rig.running = Some(1);
    for (world, wrong) in [(&mut full as World<'_>, true), (&mut calm as World<'_>, false)] {
        drain(&mut rig, "d1", Cause::Operator);
        pass(&mut rig, Span::secs(60), world);
        resume(&mut rig);
        pass(&mut rig, Span::secs(60), world);
        assert_eq!((is_up(&rig), told(&rig)), (true, wrong));
    }
}

/// Who joins a drain that could not deregister or switch the mode has both tried afresh, not judged by what had failed
/// before he came.
#[test]
fn a_joiner_has_what_failed_before_tried_afresh() {
    let mut rig = settled(policy());
    let no_aws = || Trouble { kind: TroubleKind::Unavailable, action: String::new(), text: "down".into() };
    let mut world = |_: &Rig, call: &Call| match call {
        Call::Deregister { .. } => Some(Reply::Changed(Err(no_aws()))),
        Call::SetMode(Mode::Passive) => Some(Reply::Mode(Err(ModeTrouble::unsure("500")))),
        _ => None,
    };
    drain(&mut rig, "d1", Cause::RundeckStopping);
    let (receipt, _) = until_receipt(&mut rig, &mut world);
    assert_eq!(receipt.result, DrainResult::CutShort, "{:#?}", steps(&receipt));
    drain(&mut rig, "d2", Cause::Operator);
    let (receipt, _) = until_receipt(&mut rig, &mut calm);
    assert_eq!(rig.mode, Mode::Passive, "{:#?}", steps(&receipt));
    assert!(receipt.target_groups.iter().all(|group| group.deregistered), "{:#?}", steps(&receipt));
    assert_eq!(receipt.result, DrainResult::Clean, "{:#?}", steps(&receipt));
}

/// Who joins a drain that has ended, with a time of his own, gets no receipt that says passive where somebody
/// has undone that since.
#[test]
fn a_joiner_gets_no_receipt_that_says_passive_where_somebody_has_undone_it() {
    let mut rig = settled(policy());
    let by = |rig: &Rig, id: &str, span| {
        let order = order(id, Cause::RundeckStopping, rig.now);
        Event::Order(1, Order::Drain(DrainOrder { deadline: Some(rig.now + span), ..order }))
    };
    let first = by(&rig, "d1", Span::secs(120));
    rig.feed(first);
    let (before, _) = until_receipt(&mut rig, &mut calm);
    rig.mode = Mode::Active;
    // A right is missing now: it cannot be set again.
    let mut refused =
        |_: &Rig, call: &Call| matches!(call, Call::SetMode(_)).then(|| Reply::Mode(Err(ModeTrouble::refused("403"))));
    pass(&mut rig, Span::secs(60), &mut refused);
    let second = by(&rig, "d2", Span::secs(300));
    let mut sent = calls(&rig.feed(second));
    sent.extend(pass(&mut rig, Span::secs(400), &mut refused));
    let receipt = receipt_in(&sent).expect("a receipt of its own");
    let step = |receipt: &Receipt, name| receipt.steps.iter().find(|step| step.name == name).cloned();
    let passive = step(&receipt, StepName::Passive).and_then(|step| step.result);
    assert_ne!(passive, Some(StepResult::Passive), "{:#?}", steps(&receipt));
    let name = StepName::Deregister;
    assert_eq!(step(&receipt, name), step(&before, name), "what was over, and is so still, is not done once more");
}

/// An operator's drain of a Rundeck with three jobs, whose API is silent, has ended unproven; ten minutes later the API
/// is back.
fn unproven_with_three_jobs() -> Rig {
    let mut rig = settled(policy());
    rig.running = Some(3);
    let silent = |call: &Call| matches!(call, Call::ProbeApi | Call::ProbeDatabase { .. });
    rig.mute = silent;
    drain(&mut rig, "d1", Cause::Operator);
    let (receipt, _) = until_receipt(&mut rig, &mut calm);
    assert_eq!(receipt.result, DrainResult::Unproven, "{:#?}", steps(&receipt));
    pass(&mut rig, Span::secs(600), &mut calm);
    rig.mute = |_| false;
    rig.open.retain(|open| !silent(&open.call));
    pass(&mut rig, Span::secs(5), &mut calm);
    rig
}

/// "Nobody could tell whether jobs ran" is not "none runs": who joins such a drain asks once more.
#[test]
fn joining_a_drain_that_could_not_tell_asks_for_jobs_once_more() {
    let mut rig = unproven_with_three_jobs();
    drain(&mut rig, "d2", Cause::RundeckStopping);
    pass(&mut rig, Span::secs(30), &mut calm);
    assert_eq!((phase(&rig), rig.heart.snapshot().rundeck.running), (Some(DrainPhase::Jobs), Some(3)));
    let mut rig = unproven_with_three_jobs();
    rig.feed(Event::Stop { id: "s1".into() });
    pass(&mut rig, Span::secs(120), &mut calm);
    assert!(rig.heart.ended().is_none() && phase(&rig) == Some(DrainPhase::Jobs), "{:?}", phase(&rig));
}

/// A new run knows of no job because it has not asked: a stop right after it asks first.
#[test]
fn a_stop_right_after_a_restart_of_an_ended_drain_asks_for_jobs() {
    let mut rig = settled(policy());
    let mut sent = calls(&drain(&mut rig, "d1", Cause::Operator));
    sent.extend(until_receipt(&mut rig, &mut calm).1);
    sent.extend(pass(&mut rig, Span::secs(30), &mut calm));
    let intent = sent.into_iter().rev().find_map(|call| if let Call::KeepIntent(it) = call { Some(it) } else { None });
    // While no agent runs, a person switches Rundeck back, and jobs start.
    rig.heart = Heart::new(policy(), 2, rig.now);
    rig.open.clear();
    (rig.mode, rig.running) = (Mode::Active, Some(3));
    rig.feed(Event::Kept(Kept { intent, ..Kept::default() }));
    rig.feed(Event::Stop { id: "s".into() });
    pass(&mut rig, Span::secs(60), &mut calm);
    assert!(rig.heart.ended().is_none(), "{:?}", phase(&rig));
}
