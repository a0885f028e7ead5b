//! A restart of the agent: what has ended is not played again.

use super::*;
use crate::rig::{RUNDECK, jvm, policy, ready};
use rundeck_alb_core::{
    DrainResult, Heart, Intent, JvmSeen, Kept, KeptVerdict, Ownership, ProcessSeen, Readiness, WebSeen,
};

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
    let intent = intent_in(&sent);
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
    let intent = intent_in(&sent);
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

/// What is kept of the verdict, by these commands.
fn note_verdict(kept: &mut Option<KeptVerdict>, commands: &[Command]) {
    for command in commands {
        match command {
            Command::KeepVerdict(verdict) => *kept = Some(verdict.clone()),
            Command::DropVerdict => *kept = None,
            _ => {}
        }
    }
}

/// A node that was out when its agent was restarted says 503 from its first answer on, for as long as the cause stands:
/// what an earlier run had kept of its verdict is void, whatever took it out.
#[test]
fn a_kept_verdict_does_not_overrule_what_took_the_node_out() {
    type Change = fn(&mut Rig);
    let cases: [(&str, Change); 3] = [
        ("passive", |rig| rig.mode = Mode::Passive),
        ("a full disk", |rig| rig.free = 5),
        ("blind", |rig| rig.web = WebSeen::CannotConnect),
    ];
    for (name, change) in cases {
        let (mut rig, mut kept) = (settled(policy()), None);
        let end = rig.now + Span::secs(30);
        while rig.now < end {
            note_verdict(&mut kept, &rig.turn());
        }
        assert!(kept.is_some(), "{name}: nothing kept while up");
        change(&mut rig);
        while is_up(&rig) {
            note_verdict(&mut kept, &rig.turn());
        }
        let mut again = Rig::new(policy(), 2);
        again.now = rig.now + Span::secs(2);
        again.heart = Heart::new(policy(), 2, again.now);
        change(&mut again);
        again.registered = true;
        again.feed(Event::Kept(Kept { verdict: kept, ..Kept::default() }));
        let end = again.now + Span::secs(120);
        while again.now < end {
            again.turn();
            assert!(!is_up(&again), "{name}: {:?}", answer(&again));
        }
    }
}

/// While the node is in service its verdict stays kept, though the API has long been silent: a restart fails no check.
#[test]
fn a_restart_fails_no_check_where_the_api_is_silent() {
    let (mut rig, mut kept) = (settled(policy()), None);
    rig.mute = carries_token;
    let end = rig.now + Span::secs(600);
    while rig.now < end {
        note_verdict(&mut kept, &rig.turn());
    }
    let mut again = Rig::new(policy(), 2);
    again.now = rig.now + Span::secs(2);
    again.heart = Heart::new(policy(), 2, again.now);
    again.mute = carries_token;
    again.feed(Event::Kept(Kept { verdict: kept, ..Kept::default() }));
    let begin = again.now;
    assert!(again.until(is_up) && again.now.since(begin) <= Span::secs(1), "up after {:?}", again.now.since(begin));
}

/// A kept verdict is not taken up by a node that has gone down since for what `/health` does not show: told to end, or
/// by its readiness state. Until that is seen the health port does not accept; it always does where nothing was kept.
#[test]
fn a_kept_verdict_is_not_taken_up_against_what_another_look_says() {
    type Change = fn(&mut Rig);
    let cases: [(&str, Change, bool); 3] = [
        ("nothing", |_| {}, true),
        (
            "told to end",
            |rig| rig.process = ProcessSeen::One(RUNDECK, JvmSeen { stopping: Some(true), ..jvm() }),
            false,
        ),
        ("not ready", |rig| rig.ready = ready(Readiness::NotReady), false),
    ];
    for (name, change, taken) in cases {
        let mut rig = Rig::new(policy(), 1);
        change(&mut rig);
        let accepts = |rig: &Rig| rig.heart.snapshot().accepting;
        assert!(accepts(&rig), "{name}: nothing is kept");
        let verdict = KeptVerdict { at: rig.now - Span::secs(2), process: RUNDECK };
        rig.feed(Event::Kept(Kept { verdict: Some(verdict), ..Kept::default() }));
        // The process is found last, so that all else has been seen.
        rig.mute = |call| matches!(call, Call::FindProcess { .. });
        pass(&mut rig, Span::millis(500), &mut calm);
        assert!(!accepts(&rig), "{name}");
        rig.mute = |_| false;
        let begin = rig.now;
        while rig.now.since(begin) < Span::secs(60) {
            turn(&mut rig, &mut calm);
            assert!(taken || !is_up(&rig), "{name}: {:?}", answer(&rig));
            if taken && is_up(&rig) {
                break;
            }
        }
        assert!(accepts(&rig), "{name}");
        assert_eq!(rig.now.since(begin) < Span::secs(1), taken, "{name}");
    }
}

/// A node that was in service is waited for by a drain that comes right after a restart of its agent, which knows of
/// no target and of no verdict: that it has answered 200 in this boot stands on disk. One that never did has nobody to
/// wait for.
#[test]
fn a_drain_after_a_restart_knows_that_the_node_was_in_service() {
    let mut policy = policy();
    policy.membership.groups[0].ownership = Ownership::Observe;
    for serves in [true, false] {
        let mut rig = Rig::new(policy.clone(), 1);
        rig.web = if serves { WebSeen::Ok } else { WebSeen::Status(500) };
        let mut kept = None;
        for call in pass(&mut rig, Span::secs(120), &mut calm) {
            if let Call::KeepIntent(intent) = call {
                kept = Some(intent);
            }
        }
        let mut again = Rig::new(policy.clone(), 2);
        again.now = rig.now + Span::secs(2);
        again.heart = Heart::new(policy.clone(), 2, again.now);
        again.mute = |call| matches!(call, Call::DescribeTarget(_));
        again.feed(Event::Kept(Kept { intent: kept, ..Kept::default() }));
        drain(&mut again, "d1", Cause::RundeckStopping);
        let (receipt, _) = until_receipt(&mut again, &mut calm);
        let skipped = receipt.steps.iter().any(|step| step.said().contains("not in service"));
        assert_eq!(skipped, !serves, "{:#?}", steps(&receipt));
    }
}

/// What changed while a slow disk still writes what was before is written at the end, too: the next run must know that
/// passive mode is its to undo.
#[test]
fn what_changed_last_is_written_at_the_end() {
    let mut rig = settled(policy());
    rig.mute = |call| matches!(call, Call::KeepIntent(_) | Call::WriteReceipt(_));
    drain(&mut rig, "d1", Cause::Operator);
    assert!(rig.until(|rig| rig.mode == Mode::Passive), "never switched");
    rig.feed(Event::Stop { id: "s1".into() });
    rig.now = rig.now + Span::secs(3);
    let mut sent = calls(&rig.feed(Event::Stop { id: "s2".into() }));
    sent.extend(pass(&mut rig, Span::secs(2), &mut calm));
    assert!(rig.heart.ended().is_some());
    let kept = intent_in(&sent).map(|intent| (intent.passive_by_us, intent.drains.len()));
    assert_eq!(kept, Some((true, 2)));
}

/// The same where two orders of one cause are kept: an agent reads what a newer one has kept as an operator's.
#[test]
fn a_restart_with_two_orders_of_one_cause_rewrites_no_receipt() {
    let mut rig = settled(policy());
    rig.running = Some(1);
    let mut one = order("d1", Cause::Operator, rig.now);
    one.deadline = Some(rig.now + Span::secs(60));
    let two = order("d2", Cause::Operator, rig.now);
    rig.feed(Event::Order(1, Order::Drain(one.clone())));
    let (receipt, _) = until_receipt(&mut rig, &mut calm);
    let ended = Some(Box::new(receipt));
    let intent = Intent { drains: vec![one, two], ended, served: true, ..Intent::default() };
    rig.heart = Heart::new(policy(), 2, rig.now);
    rig.open.clear();
    rig.feed(Event::Kept(Kept { intent: Some(intent), ..Kept::default() }));
    let sent = pass(&mut rig, HOUR, &mut calm);
    assert!(receipt_in(&sent).is_none(), "written anew");
    assert_eq!((phase(&rig), is_up(&rig)), (Some(DrainPhase::Done), false));
}

/// A drain that goes on after a second signal has cut it off leaves that receipt as it is and writes its own.
#[test]
fn an_aborted_receipt_is_not_written_over() {
    let mut rig = settled(policy());
    rig.running = Some(1);
    drain(&mut rig, "d1", Cause::Operator);
    pass(&mut rig, Span::secs(60), &mut calm);
    let mut written = Vec::new();
    for wanted in ["d1", "d1.2"] {
        rig.feed(Event::Stop { id: "s".into() });
        pass(&mut rig, Span::secs(3), &mut calm);
        let mut sent = calls(&rig.feed(Event::Stop { id: "s2".into() }));
        while rig.heart.ended().is_none() {
            sent.extend(calls(&turn(&mut rig, &mut calm)));
        }
        let receipt = receipt_in(&sent).expect("a receipt");
        assert_eq!((receipt.id.as_str(), receipt.result), (wanted, DrainResult::Aborted));
        written.push(receipt.id);
        let intent = intent_in(&sent);
        rig.heart = Heart::new(policy(), 2, rig.now);
        rig.open.clear();
        rig.feed(Event::Kept(Kept { intent, ..Kept::default() }));
        pass(&mut rig, Span::secs(60), &mut calm);
    }
    rig.running = Some(0);
    let (last, _) = until_receipt(&mut rig, &mut calm);
    assert!(!written.contains(&last.id), "{} is written over", last.id);
    assert_eq!(last.result, DrainResult::Clean, "{:#?}", steps(&last));
}

/// What an earlier run wanted may be read late: what this run has taken back meanwhile stays so, on disk too.
#[test]
fn what_a_slow_disk_tells_late_brings_back_no_drain_that_was_taken_back() {
    let drained = |rig: &Rig| Intent { drains: vec![order("d0", Cause::Operator, rig.now)], ..Intent::default() };
    for earlier in [false, true] {
        let mut policy = policy();
        policy.circumstances.has_token = false;
        let mut rig = Rig::unread(policy, 2);
        pass(&mut rig, Span::secs(2), &mut calm);
        // What is written is queued behind what is read.
        rig.mute = |call| matches!(call, Call::KeepIntent(_));
        let mut sent = if earlier { Vec::new() } else { calls(&drain(&mut rig, "d1", Cause::Operator)) };
        sent.extend(pass(&mut rig, Span::secs(2), &mut calm));
        sent.extend(calls(&resume(&mut rig)));
        let intent = if earlier { drained(&rig) } else { Intent { served: true, ..Intent::default() } };
        sent.extend(calls(&rig.feed(Event::Kept(Kept { intent: Some(intent), ..Kept::default() }))));
        rig.mute = |_| false;
        sent.extend(pass(&mut rig, Span::secs(600), &mut calm));
        assert!(rig.heart.snapshot().drain.is_none(), "{earlier}");
        let last = sent.iter().rev().find_map(|call| if let Call::KeepIntent(it) = call { Some(it) } else { None });
        // What this run had wanted meanwhile never came to the disk.
        assert_eq!(
            last.map(|intent| intent.drains.len()),
            earlier.then_some(0),
            "a restart would drain the node again"
        );
    }
}

/// An older agent may have kept two orders of one cause: the later word counts. And what is ordered in this run is
/// later than both.
#[test]
fn of_two_orders_of_one_cause_the_later_word_counts() {
    let deadline = |rig: &Rig| rig.heart.snapshot().drain.and_then(|drain| drain.deadline);
    let until = |rig: &Rig, id: &str, secs: u64| DrainOrder {
        deadline: Some(rig.now + Span::secs(secs)),
        ..order(id, Cause::Operator, rig.now)
    };
    for ordered in [false, true] {
        let mut rig = Rig::unread(policy(), 2);
        pass(&mut rig, Span::secs(2), &mut calm);
        let drains = vec![until(&rig, "d1", 100), until(&rig, "d2", 200)];
        let this = until(&rig, "d3", 300);
        let wanted = if ordered { this.deadline } else { drains[1].deadline };
        if ordered {
            rig.feed(Event::Order(1, Order::Drain(this)));
        }
        rig.feed(Event::Kept(Kept { intent: Some(Intent { drains, ..Intent::default() }), ..Kept::default() }));
        assert_eq!(deadline(&rig), wanted, "ordered in this run: {ordered}");
    }
}

/// A slow disk tells only now that a drain had ended, and this run has answered 200 meanwhile: the node leaves once
/// more, requests are waited for, and that has a receipt of its own. Without that it only stays out.
#[test]
fn who_was_in_service_before_a_slow_disk_told_of_a_drain_that_is_over_leaves_once_more() {
    for served in [true, false] {
        let mut rig = settled(policy());
        let mut sent = calls(&drain(&mut rig, "d1", Cause::Operator));
        sent.extend(until_receipt(&mut rig, &mut calm).1);
        sent.extend(pass(&mut rig, Span::secs(30), &mut calm));
        let intent = intent_in(&sent);
        rig.heart = Heart::new(policy(), 2, rig.now);
        rig.open.clear();
        (rig.mode, rig.in_flight) = (Mode::Active, Some(3));
        if served {
            assert!(rig.until(|rig| is_up(rig) && rig.registered), "never in service");
        }
        rig.feed(Event::Kept(Kept { intent, ..Kept::default() }));
        let receipt = receipt_in(&pass(&mut rig, Span::secs(10), &mut calm));
        assert_eq!(receipt, None, "requests are in flight");
        let sent = pass(&mut rig, Span::secs(120), &mut calm);
        let receipt = receipt_in(&sent).map(|receipt| (receipt.id, receipt.inflight_at_cut));
        assert_eq!(receipt, served.then(|| ("d1.2".to_owned(), Some(3))));
        assert!(!is_up(&rig) && !rig.registered, "{:?}", answer(&rig));
    }
}
