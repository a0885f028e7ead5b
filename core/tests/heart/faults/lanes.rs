//! Calls that carry the token go one by one, none starves another, and a drain gets what it needs of them.

use super::*;
use crate::rig::{Open, info, policy};
use rundeck_alb_core::{ApiSeen, CallId, Policy, Unjudged, WebSeen};
use std::collections::BTreeMap;

/// The calls with the token that are under way: sent, not answered, their deadline not over.
#[derive(Default)]
struct Lane(BTreeMap<CallId, Moment>);

impl Lane {
    /// Takes note of these commands; never two at a time.
    fn see(&mut self, rig: &Rig, commands: &[Command]) {
        for command in commands {
            let Command::Call { id, deadline, call } = command else { continue };
            if !carries_token(call) {
                continue;
            }
            let under_way =
                |other: &&Open| other.id != *id && self.0.get(&other.id).is_some_and(|deadline| *deadline > rig.now);
            let other = rig.open.iter().find(under_way).map(|open| &open.call);
            assert_eq!(other, None, "{call:?} is sent while that is under way");
            self.0.insert(*id, *deadline);
        }
    }
}

/// Never are two calls with the token under way, the switch of the mode among them, and that is tried all the same.
#[test]
fn calls_with_the_token_go_one_by_one() {
    let mut rig = settled(policy());
    // The database hangs: whatever carries the token does not come back.
    rig.mute = carries_token;
    let mut lane = Lane::default();
    while !rig.open.iter().any(|open| matches!(open.call, Call::ProbeDatabase { .. })) {
        let commands = rig.turn();
        lane.see(&rig, &commands);
    }
    let mut commands = drain(&mut rig, "d1", Cause::Operator);
    let mut switched = 0;
    let end = rig.now + Span::secs(600);
    while rig.now < end {
        lane.see(&rig, &commands);
        switched += count(&calls(&commands), switches_to(Mode::Passive));
        commands = rig.turn();
    }
    assert!(switched > 0, "the switch was never tried");
}

/// The switch to passive mode waits for the call with the token that is under way, and comes when that has ended.
#[test]
fn the_mode_switch_waits_for_the_call_that_is_under_way() {
    let mut rig = settled(policy());
    rig.running = Some(1);
    rig.mute = |call| matches!(call, Call::ProbeDatabase { .. });
    assert!(rig.until(|rig| rig.open.iter().any(|open| matches!(open.call, Call::ProbeDatabase { .. }))));
    let mut sent = calls(&drain(&mut rig, "d1", Cause::Operator));
    sent.extend(pass(&mut rig, Span::secs(20), &mut calm));
    assert_eq!(count(&sent, switches_to(Mode::Passive)), 0, "while a call is under way");
    rig.mute = |_| false;
    let sent = pass(&mut rig, Span::secs(100), &mut calm);
    assert_eq!(count(&sent, switches_to(Mode::Passive)), 1, "once it has ended");
}

/// A node that is out because `/health` is silent, while its API answers, is switched when it is drained.
#[test]
fn an_overloaded_node_is_switched_to_passive_when_it_is_drained() {
    let mut rig = settled(policy());
    rig.web = WebSeen::TimedOut;
    assert!(rig.until(|rig| !is_up(rig)), "never out");
    drain(&mut rig, "d1", Cause::Operator);
    let (receipt, sent) = until_receipt(&mut rig, &mut calm);
    assert!(count(&sent, switches_to(Mode::Passive)) > 0, "{:?}: {:#?}", receipt.result, steps(&receipt));
}

/// A node that is out because all of its Rundeck is silent is switched once that answers during the drain.
#[test]
fn a_silent_node_is_switched_to_passive_once_it_answers_during_the_drain() {
    for web in [WebSeen::Ok, WebSeen::TimedOut] {
        let mut rig = settled(policy());
        rig.running = Some(2);
        rig.web = WebSeen::TimedOut;
        rig.mute = carries_token;
        assert!(rig.until(|rig| !is_up(rig)), "never out");
        pass(&mut rig, Span::secs(60), &mut calm);
        drain(&mut rig, "d1", Cause::Operator);
        pass(&mut rig, Span::secs(30), &mut calm);
        // Its API answers again, and `/health`, or not yet.
        rig.web = web;
        rig.mute = |_| false;
        let sent = pass(&mut rig, Span::secs(60), &mut calm);
        assert!(count(&sent, switches_to(Mode::Passive)) > 0, "/health: {web:?}; phase {:?}", phase(&rig));
    }
}

/// With passive mode switched on a switch that works lets the API be asked again; without it entering the wait must.
fn with_and_without_passive() -> [Policy; 2] {
    let mut without = policy();
    without.drain.passive = false;
    [policy(), without]
}

/// A drain asks for running jobs before it gives up on them: a token that was rejected may have been written anew.
#[test]
fn a_drain_asks_for_jobs_although_the_token_was_rejected_before() {
    for policy in with_and_without_passive() {
        let mut rig = settled(policy);
        rig.running = Some(3);
        let begin = rig.now;
        let mut rejected = 0;
        // So long that the pause between two questions has grown to its most, and until one has just been rejected.
        loop {
            let before = rejected;
            turn(&mut rig, &mut |_, call| {
                rejected += u32::from(asks_api(call));
                asks_api(call).then_some(Reply::Api(ApiSeen::Rejected))
            });
            if rig.now.since(begin) > Span::secs(1_500) && rejected > before {
                break;
            }
        }
        drain(&mut rig, "d1", Cause::RundeckStopping);
        let (receipt, sent) = until_receipt(&mut rig, &mut calm);
        assert!(count(&sent, asks_api) > 0, "three jobs run, and nobody asked: {:#?}", steps(&receipt));
    }
}

/// So it does after an outage of the database: that is back.
#[test]
fn a_drain_asks_for_jobs_although_the_database_was_away_before() {
    for policy in with_and_without_passive() {
        let mut rig = settled(policy);
        rig.running = Some(3);
        rig.mute = carries_token;
        let asked = |calls: &[Call]| count(calls, carries_token) > 0;
        pass(&mut rig, Span::secs(1_800), &mut calm);
        // Until the call that is open then has been given up.
        while asked(&pass(&mut rig, Span::secs(45), &mut calm)) {}
        rig.mute = |_| false;
        rig.open.retain(|open| !carries_token(&open.call));
        pass(&mut rig, Span::secs(5), &mut calm);
        drain(&mut rig, "d1", Cause::RundeckStopping);
        let (receipt, sent) = until_receipt(&mut rig, &mut calm);
        assert!(count(&sent, asks_api) > 0, "three jobs run, and nobody asked: {:#?}", steps(&receipt));
    }
}

/// Where one kind of call hangs and the others are answered, it is not asked again and again on the strength of that:
/// each that hangs holds one of Rundeck's threads.
#[test]
fn a_call_that_hangs_alone_is_asked_ever_more_rarely() {
    type Kind = fn(&Call) -> bool;
    let kinds: [(&str, Kind); 3] = [
        ("system/info", asks_api),
        ("the timed call", |call| matches!(call, Call::ProbeDatabase { .. })),
        ("readiness", |call| matches!(call, Call::ProbeReadiness { .. })),
    ];
    for (name, kind) in kinds {
        let mut rig = settled(policy());
        rig.ready.bound = true;
        rig.mute = kind;
        let first = count(&pass(&mut rig, Span::secs(600), &mut calm), kind);
        assert!(first <= 18, "{name}: {first} calls that hang in ten minutes");
    }
}

/// A port that refused twice voids what the API had said, once: rounds that say nothing since are no further closings.
#[test]
fn a_closed_port_is_forgotten_once() {
    let mut rig = settled(policy());
    rig.web = WebSeen::Refused;
    assert!(rig.until(|rig| !is_up(rig)), "never down");
    drain(&mut rig, "d1", Cause::RundeckStopping);
    rig.web = WebSeen::CannotJudge(Unjudged::Host);
    rig.mute = asks_api;
    let sent = pass(&mut rig, Span::secs(120), &mut calm);
    assert!(count(&sent, asks_api) <= 12, "{} calls that hang in two minutes", count(&sent, asks_api));
}

/// One answer that contradicts those before it is asked about again at once; a row of them is no reason to ask without
/// a pause.
#[test]
fn answers_that_contradict_each_other_are_no_busy_loop() {
    let mut rig = Rig::new(policy(), 1);
    let mut asked = 0;
    let sent = pass(&mut rig, Span::secs(60), &mut |_, call| {
        asks_api(call).then(|| {
            asked += 1;
            Reply::Api(info(Some(if asked % 2 == 0 { Mode::Active } else { Mode::Passive }), Some(0)))
        })
    });
    let asked = count(&sent, asks_api);
    assert!((20..=40).contains(&asked), "{asked} questions in a minute");
    // Nor while a drain waits for jobs, of a mode that was known.
    let mut rig = settled(policy());
    rig.running = Some(1);
    drain(&mut rig, "d1", Cause::RundeckStopping);
    assert!(rig.until(|rig| phase(rig) == Some(DrainPhase::Jobs)));
    let mut asked = 0;
    pass(&mut rig, Span::secs(60), &mut |_, call| {
        asked += u32::from(asks_api(call));
        let mode = if asked % 2 == 0 { Mode::Active } else { Mode::Passive };
        asks_api(call).then(|| Reply::Api(info(Some(mode), Some(1))))
    });
    assert!((20..=40).contains(&asked), "{asked} questions in a minute of a drain");
}
