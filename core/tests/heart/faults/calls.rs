//! Calls that nobody wants any more, or whose time is over: they are not begun, and what lands late is still ours.

use super::*;
use crate::rig::{RUNDECK, info, jvm, policy};
use rundeck_alb_core::{Heart, Intent, Kept, ModeTrouble, Process, ProcessSeen, WebSeen};

fn switch_and_then(late: Span, next: &Event) -> (Moment, Vec<Command>) {
    sent_and_then(&switches_to(Mode::Passive), late, next)
}

/// The agent takes what waits in one go: the event upon which such a call of a drain goes out, so much later the next
/// one, and only then the commands.
fn sent_and_then(kind: &dyn Fn(&Call) -> bool, late: Span, next: &Event) -> (Moment, Vec<Command>) {
    let mut rig = settled(policy());
    rig.running = Some(1);
    drain(&mut rig, "d1", Cause::Operator);
    let end = rig.now + PATIENCE;
    loop {
        assert!(rig.now < end, "it was never sent");
        let mut ahead = rig.clone();
        let event = next_event(&mut ahead, &mut calm);
        if count(&calls(&ahead.feed(event.clone())), kind) > 0 {
            rig.heart.handle(event, ahead.now);
            let now = ahead.now + late;
            rig.heart.handle(next.clone(), now);
            return (now, rig.heart.take_commands());
        }
        rig = ahead;
    }
}

/// A mode switch is not begun when its Rundeck has ended meanwhile (it would meet the next one), or its drain has.
#[test]
fn a_switch_that_nobody_wants_any_more_is_not_begun() {
    let taken_back = Event::Order(2, Order::Resume(Cause::Operator));
    for next in [Event::ProcessEnded(RUNDECK), taken_back] {
        let (_, commands) = switch_and_then(Span::ZERO, &next);
        assert_eq!(count(&calls(&commands), switches_to(Mode::Passive)), 0, "after {next:?}");
    }
}

/// Nor is a deregistration whose drain was taken back before it went out: an address would stay out for its delay.
#[test]
fn a_deregistration_that_nobody_wants_any_more_is_not_begun() {
    let deregisters = |call: &Call| matches!(call, Call::Deregister { .. });
    let (_, kept) = sent_and_then(&deregisters, Span::ZERO, &Event::Tick);
    assert_eq!(count(&calls(&kept), deregisters), 1, "{kept:#?}");
    let (_, commands) = sent_and_then(&deregisters, Span::ZERO, &Event::Order(2, Order::Resume(Cause::Operator)));
    assert_eq!(count(&calls(&commands), deregisters), 0, "{commands:#?}");
}

const NEXT: Process = Process { pid: 9, start: 99 };

/// A drained Rundeck ends while the switch of its mode to passive is under way.
fn ended_during_its_switch() -> Rig {
    let mut rig = settled(policy());
    rig.running = Some(1);
    rig.mute = |call| matches!(call, Call::SetMode(_));
    drain(&mut rig, "d1", Cause::Operator);
    assert!(rig.until(|rig| rig.open.iter().any(|open| open.call == Call::SetMode(Mode::Passive))), "never switched");
    (rig.process, rig.web) = (ProcessSeen::None, WebSeen::Refused);
    rig.feed(Event::ProcessEnded(RUNDECK));
    rig
}

/// The switch ends so, or without an answer.
fn switch_ends(rig: &mut Rig, answer: Option<Result<Mode, ModeTrouble>>) {
    for open in rig.open.clone().into_iter().filter(|open| matches!(open.call, Call::SetMode(_))) {
        if let Some(answer) = answer.clone() {
            rig.feed(Event::Reply(open.id, Reply::Mode(answer)));
        }
    }
    rig.open.retain(|open| !matches!(open.call, Call::SetMode(_)));
}

/// A switch that is under way when its Rundeck ends may meet the next one: what it sets there is undone after the
/// drain. The next one is asked for nothing that carries the token before that switch has ended.
#[test]
fn a_switch_that_lands_on_the_next_rundeck_is_undone() {
    let unsure = Err(ModeTrouble::unsure("no answer"));
    for ends in [None, Some(Ok(Mode::Passive)), Some(unsure)] {
        let mut rig = ended_during_its_switch();
        (rig.process, rig.web) = (ProcessSeen::One(NEXT, jvm()), WebSeen::Ok);
        let sent = pass(&mut rig, Span::secs(20), &mut calm);
        assert_eq!(rig.heart.snapshot().rundeck.process, Some(NEXT));
        assert_eq!(count(&sent, carries_token), 0, "{ends:?}");
        switch_ends(&mut rig, ends.clone());
        rig.mode = Mode::Passive;
        rig.mute = |_| false;
        pass(&mut rig, Span::secs(60), &mut calm);
        resume(&mut rig);
        pass(&mut rig, Span::secs(300), &mut calm);
        assert_eq!((rig.mode, is_up(&rig)), (Mode::Active, true), "{ends:?}: {:?}", answer(&rig));
    }
}

/// One that ended before another Rundeck was there, or was refused, has set nothing there: if that one is passive, by
/// its configuration say, it stays so.
#[test]
fn a_switch_that_met_no_other_rundeck_claims_nothing_of_the_next() {
    let unsure = || Some(Err(ModeTrouble::unsure("connection reset")));
    let refused = || Some(Err(ModeTrouble::refused("connection refused")));
    for (before, ends) in [(true, unsure()), (true, Some(Ok(Mode::Passive))), (true, None), (false, refused())] {
        let mut rig = ended_during_its_switch();
        rig.mode = Mode::Passive;
        if before {
            switch_ends(&mut rig, ends.clone());
            pass(&mut rig, Span::secs(40), &mut calm);
        }
        (rig.process, rig.web) = (ProcessSeen::One(NEXT, jvm()), WebSeen::Ok);
        pass(&mut rig, Span::secs(20), &mut calm);
        switch_ends(&mut rig, ends.clone());
        rig.mute = |_| false;
        let mut sent = pass(&mut rig, Span::secs(60), &mut calm);
        sent.extend(calls(&resume(&mut rig)));
        sent.extend(pass(&mut rig, Span::secs(300), &mut calm));
        let switched = count(&sent, |call| matches!(call, Call::SetMode(_)));
        assert_eq!((switched, rig.mode), (0, Mode::Passive), "{ends:?}");
    }
}

/// No call is begun when its time is over: its answer would count for nothing, but what it does would be done.
#[test]
fn a_call_whose_time_is_over_is_not_begun() {
    // The machine was suspended just then, say.
    let (now, commands) = switch_and_then(Span::secs(120), &Event::Tick);
    let over = |command: &&Command| matches!(command, Command::Call { deadline, .. } if *deadline <= now);
    assert_eq!(commands.iter().find(over), None, "at {now:?}");
}

/// What is late is late, in whatever order things come: a reply whose time was over counts as lost, although nothing
/// has come between the two.
#[test]
fn a_reply_whose_time_was_over_counts_for_nothing() {
    let open_api = |rig: &Rig| rig.open.iter().find(|open| open.call == Call::ProbeApi).map(|open| open.id);
    for (late, running) in [(Span::secs(60), None), (Span::secs(1), Some(3))] {
        let mut rig = settled(policy());
        rig.mute = |call| matches!(call, Call::ProbeApi);
        assert!(rig.until(|rig| open_api(rig).is_some()), "never asked");
        rig.now = rig.now + late;
        let reply = Reply::Api(info(Some(Mode::Active), Some(3)));
        rig.feed(Event::Reply(open_api(&rig).unwrap(), reply));
        assert_eq!(rig.heart.snapshot().rundeck.running, running, "{late:?} after it was asked");
    }
}

/// The age of the verdict counts from when a lost look had to have ended, however late that is noticed.
#[test]
fn a_look_that_was_lost_long_ago_makes_no_verdict_young() {
    let mut rig = settled(policy());
    let web = |call: &Call| matches!(call, Call::ProbeWeb { .. });
    rig.mute = web;
    assert!(rig.until(|rig| rig.open.iter().any(|open| web(&open.call))), "never asked");
    let sent = rig.now;
    rig.now = rig.now + Span::secs(19);
    rig.feed(Event::Tick);
    let looked = rig.heart.snapshot().looked_at;
    assert!(looked <= sent + Span::secs(6), "{looked:?}, asked at {sent:?}");
}

/// A mode switch that takes effect only when its drain has long been taken back does not keep the node out for ever.
#[test]
fn a_switch_that_takes_effect_late_does_not_keep_the_node_out() {
    let mut rig = settled(policy());
    rig.mute = |call| matches!(call, Call::SetMode(_));
    drain(&mut rig, "d1", Cause::Operator);
    assert!(rig.until(|rig| rig.open.iter().any(|open| open.call == Call::SetMode(Mode::Passive))), "never switched");
    // The agent gives it up after 30 s.
    pass(&mut rig, Span::secs(35), &mut calm);
    resume(&mut rig);
    pass(&mut rig, Span::secs(40), &mut calm);
    rig.mute = |_| false;
    rig.open.retain(|open| !matches!(open.call, Call::SetMode(_)));
    // Now it does what it was sent for.
    rig.mode = Mode::Passive;
    pass(&mut rig, HOUR, &mut calm);
    assert!(is_up(&rig), "{:?} an hour later: our own switch is taken for somebody else's", answer(&rig));
}

/// A switch to passive that was given up may take effect only after a later one has worked and was undone. It is ours
/// all the same.
#[test]
fn a_switch_that_lands_after_it_was_undone_does_not_keep_the_node_out() {
    let mut rig = settled(policy());
    rig.mute = |call| matches!(call, Call::SetMode(_));
    drain(&mut rig, "d1", Cause::Operator);
    assert!(rig.until(|rig| rig.open.iter().any(|open| open.call == Call::SetMode(Mode::Passive))), "never switched");
    pass(&mut rig, Span::secs(31), &mut calm);
    rig.mute = |_| false;
    rig.open.retain(|open| !matches!(open.call, Call::SetMode(_)));
    assert!(rig.until(|rig| rig.mode == Mode::Passive), "never tried again");
    resume(&mut rig);
    assert!(rig.until(|rig| rig.mode == Mode::Active), "never undone");
    pass(&mut rig, Span::secs(20), &mut calm);
    rig.mode = Mode::Passive;
    pass(&mut rig, HOUR, &mut calm);
    assert!(is_up(&rig) && rig.mode == Mode::Active, "{:?} an hour later", answer(&rig));
}

/// The same, where the agent that had sent it was restarted, and the next run has seen Rundeck active already.
#[test]
fn a_switch_of_an_earlier_run_that_lands_late_does_not_keep_the_node_out() {
    let mut rig = settled(policy());
    let intent = Intent { passive_by_us: true, process: Some(RUNDECK), ..Intent::default() };
    rig.heart = Heart::new(policy(), 2, rig.now);
    rig.open.clear();
    rig.feed(Event::Kept(Kept { intent: Some(intent), ..Kept::default() }));
    assert!(rig.until(is_up), "never up");
    pass(&mut rig, Span::secs(20), &mut calm);
    rig.mode = Mode::Passive;
    pass(&mut rig, HOUR, &mut calm);
    assert!(is_up(&rig) && rig.mode == Mode::Active, "{:?} an hour later", answer(&rig));
}

/// The same, where nobody could ask for the mode since: a call that nothing came back from confirms no mode.
#[test]
fn a_switch_that_lands_unseen_is_still_undone_once_rundeck_answers() {
    let mut rig = settled(policy());
    rig.mute = carries_token;
    drain(&mut rig, "d1", Cause::Operator);
    assert!(rig.until(|rig| rig.open.iter().any(|open| open.call == Call::SetMode(Mode::Passive))), "never switched");
    pass(&mut rig, Span::secs(31), &mut calm);
    resume(&mut rig);
    pass(&mut rig, HOUR, &mut calm);
    rig.mute = |_| false;
    rig.open.retain(|open| !carries_token(&open.call));
    rig.mode = Mode::Passive;
    pass(&mut rig, HOUR, &mut calm);
    assert!(is_up(&rig) && rig.mode == Mode::Active, "{:?} an hour later", answer(&rig));
}

/// A drain that has ended leaves a Rundeck whose database hangs alone but for a try now and then, and switches it once
/// the database is back: each try holds one of its threads until then.
#[test]
fn a_switch_that_hangs_is_tried_ever_more_rarely() {
    let mut rig = settled(policy());
    rig.mute = carries_token;
    drain(&mut rig, "d1", Cause::Operator);
    pass(&mut rig, HOUR, &mut calm);
    assert_eq!(phase(&rig), Some(DrainPhase::Done));
    let tries = count(&pass(&mut rig, HOUR, &mut calm), switches_to(Mode::Passive));
    assert!((1..=13).contains(&tries), "{tries} tries in an hour");
    rig.mute = |_| false;
    rig.open.retain(|open| !carries_token(&open.call));
    pass(&mut rig, Span::secs(700), &mut calm);
    assert_eq!(rig.mode, Mode::Passive);
}
