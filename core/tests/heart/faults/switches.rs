//! The switch of the execution mode: when it is tried, what is put on record of it, and what is told.

use super::*;
use crate::rig::{RUNDECK, info, jvm, policy};
use rundeck_alb_core::{ApiSeen, Finding, Heart, Intent, Kept, ModeTrouble, Process, ProcessSeen, WebSeen};

const OTHER: Process = Process { pid: 9, start: 99 };

fn rejected(_: &Rig, call: &Call) -> Option<Reply> {
    match call {
        Call::ProbeApi => Some(Reply::Api(ApiSeen::Rejected)),
        Call::SetMode(_) => Some(Reply::Mode(Err(ModeTrouble::refused("token rejected (403)")))),
        _ => None,
    }
}

/// The token may look, and not switch.
fn not_authorized(_: &Rig, call: &Call) -> Option<Reply> {
    let refused = ModeTrouble::refused("403: not authorized for disable_executions");
    matches!(call, Call::SetMode(_)).then(|| Reply::Mode(Err(refused)))
}

fn switches(call: &Call) -> bool {
    matches!(call, Call::SetMode(_))
}

/// Notices that are told while so much time passes.
fn notices(rig: &mut Rig, span: Span) -> Vec<String> {
    let end = rig.now + span;
    let mut told = Vec::new();
    while rig.now < end {
        told.extend(turn(rig, &mut calm).into_iter().filter_map(|command| match command {
            Command::Tell(note) => Some(note.text),
            _ => None,
        }));
    }
    told
}

/// Passive mode that was on before the agent could ask is put on record as nobody's of ours, at no time: should the
/// agent die, the next run would undo what a person has set.
#[test]
fn passive_mode_from_before_the_first_answer_is_never_on_record_as_ours() {
    let mut rig = Rig::new(policy(), 1);
    rig.mode = Mode::Passive;
    rig.mute = asks_api;
    assert!(rig.until(|rig| rig.open.iter().any(|open| asks_api(&open.call))), "never asked");
    let mut sent = calls(&drain(&mut rig, "d1", Cause::Operator));
    sent.extend(pass(&mut rig, Span::secs(3), &mut calm));
    rig.mute = |_| false;
    sent.extend(pass(&mut rig, Span::secs(600), &mut calm));
    sent.extend(calls(&resume(&mut rig)));
    sent.extend(pass(&mut rig, Span::secs(600), &mut calm));
    assert!(count(&sent, |call| matches!(call, Call::KeepIntent(_))) > 0, "nothing is on record");
    assert_eq!(count(&sent, |call| matches!(call, Call::KeepIntent(intent) if intent.passive_by_us)), 0);
    assert_eq!((count(&sent, switches), rig.mode), (0, Mode::Passive));
}

/// So it is with what a person sets just before a drain, and of which the second answer is lost: one that tells nothing
/// is no reason to take it for ours.
#[test]
fn passive_mode_that_was_seen_once_before_a_switch_is_not_ours_though_the_next_answer_is_lost() {
    for lost in [ApiSeen::TimedOut, ApiSeen::Failed(500), ApiSeen::Unreadable("half a page".into())] {
        let mut rig = settled(policy());
        rig.running = Some(1);
        rig.mode = Mode::Passive;
        let mut asked = 0;
        let mut world = |_: &Rig, call: &Call| {
            asked += u32::from(asks_api(call));
            (asks_api(call) && asked == 2).then(|| Reply::Api(lost.clone()))
        };
        drain(&mut rig, "d1", Cause::Operator);
        let mut sent = pass(&mut rig, Span::secs(60), &mut world);
        sent.extend(calls(&resume(&mut rig)));
        sent.extend(pass(&mut rig, Span::secs(120), &mut calm));
        assert_eq!((count(&sent, switches), rig.mode), (0, Mode::Passive), "{lost:?}");
    }
}

/// A drain that has seen passive mode once, and then nothing any more, goes on without a switch. Once it sees that
/// Rundeck is active after all, it switches.
#[test]
fn passive_mode_that_was_seen_once_holds_no_drain_up() {
    let mut rig = settled(policy());
    rig.running = Some(1);
    let mut asked = 0;
    let mut world = |_: &Rig, call: &Call| {
        asked += u32::from(asks_api(call));
        let seen = if asked == 1 { info(Some(Mode::Passive), Some(1)) } else { ApiSeen::TimedOut };
        asks_api(call).then_some(Reply::Api(seen))
    };
    drain(&mut rig, "d1", Cause::Operator);
    let sent = pass(&mut rig, Span::secs(15), &mut world);
    assert_eq!((count(&sent, switches), phase(&rig)), (0, Some(DrainPhase::Quiet)));
    pass(&mut rig, Span::secs(30), &mut calm);
    assert_eq!(rig.mode, Mode::Passive, "never switched");
    resume(&mut rig);
    pass(&mut rig, Span::secs(120), &mut calm);
    assert_eq!((rig.mode, is_up(&rig)), (Mode::Active, true), "{:?}", answer(&rig));
}

/// With a token that is rejected the switch is tried once, for it may have been written anew, and then not before the
/// API has answered again.
#[test]
fn a_switch_that_a_rejected_token_refused_waits_for_the_api_to_answer() {
    let mut rig = settled(policy());
    rig.running = Some(1);
    pass(&mut rig, Span::secs(60), &mut rejected);
    drain(&mut rig, "d1", Cause::Operator);
    let sent = pass(&mut rig, Span::secs(60), &mut rejected);
    assert_eq!(count(&sent, switches_to(Mode::Passive)), 1, "while the token is rejected");
    pass(&mut rig, Span::secs(30), &mut calm);
    assert_eq!(rig.mode, Mode::Passive, "once it is accepted again");
}

/// Where Rundeck answers and refuses only the switch, that is tried again and again: the right may be given meanwhile.
/// The drain goes on without it.
#[test]
fn a_switch_for_which_a_right_is_missing_is_tried_again_and_holds_no_drain_up() {
    let mut rig = settled(policy());
    rig.running = Some(1);
    drain(&mut rig, "d1", Cause::Operator);
    let mut sent = pass(&mut rig, Span::secs(5), &mut not_authorized);
    assert_eq!(phase(&rig), Some(DrainPhase::Quiet), "held up by a switch that was refused");
    sent.extend(pass(&mut rig, Span::secs(55), &mut not_authorized));
    let tries = count(&sent, switches_to(Mode::Passive));
    assert!((4..=8).contains(&tries), "{tries} tries in a minute");
    pass(&mut rig, Span::secs(90), &mut calm);
    assert_eq!(rig.mode, Mode::Passive, "the right was given");
}

/// A drain that is taken back while its switch to passive mode is under way undoes it when it has worked.
#[test]
fn a_switch_that_works_after_its_drain_was_taken_back_is_undone() {
    let mut rig = settled(policy());
    rig.mute = switches;
    drain(&mut rig, "d1", Cause::Operator);
    assert!(rig.until(|rig| rig.open.iter().any(|open| switches(&open.call))), "never switched");
    resume(&mut rig);
    pass(&mut rig, Span::secs(5), &mut calm);
    rig.mute = |_| false;
    assert!(rig.until(|rig| rig.mode == Mode::Passive), "the answer never came");
    pass(&mut rig, Span::secs(120), &mut calm);
    assert_eq!((rig.mode, is_up(&rig)), (Mode::Active, true), "{:?}", answer(&rig));
}

/// Which process was switched is on record: one that was started while the agent was down has its mode from somebody
/// else, and keeps it when the drain is taken back.
#[test]
fn a_rundeck_that_was_started_while_the_agent_was_down_keeps_its_mode() {
    let mut rig = settled(policy());
    let mut sent = calls(&drain(&mut rig, "d1", Cause::Operator));
    sent.extend(until_receipt(&mut rig, &mut calm).1);
    sent.extend(pass(&mut rig, Span::secs(30), &mut calm));
    assert_eq!(rig.mode, Mode::Passive);
    let intent = intent_in(&sent);
    assert_eq!(intent.as_ref().map(|intent| (intent.passive_by_us, intent.process)), Some((true, Some(RUNDECK))));
    for (process, mode) in [(OTHER, Mode::Passive), (RUNDECK, Mode::Active)] {
        let mut rig = rig.clone();
        rig.heart = Heart::new(policy(), 2, rig.now);
        rig.open.clear();
        rig.process = ProcessSeen::One(process, jvm());
        rig.feed(Event::Kept(Kept { intent: intent.clone(), ..Kept::default() }));
        pass(&mut rig, Span::secs(60), &mut calm);
        resume(&mut rig);
        pass(&mut rig, Span::secs(120), &mut calm);
        assert_eq!(rig.mode, mode, "{process:?}");
    }
}

/// A claim of that process, as a disk tells it that may be slow.
fn claim_of(process: Option<Process>) -> Event {
    Event::Kept(Kept { intent: Some(Intent { passive_by_us: true, process, ..Intent::default() }), ..Kept::default() })
}

/// Also where a slow disk tells which process was switched only after the new one was found, or when nobody recognises
/// any process any more but the port of the one before was seen closed.
#[test]
fn what_a_slow_disk_tells_late_of_an_ended_rundeck_claims_no_other() {
    for (found, closed) in [(true, false), (false, true)] {
        let mut rig = Rig::new(policy(), 2);
        rig.mode = Mode::Passive;
        rig.process = if found { ProcessSeen::One(OTHER, jvm()) } else { ProcessSeen::Hidden };
        rig.web = if closed { WebSeen::Refused } else { WebSeen::Ok };
        pass(&mut rig, Span::secs(3), &mut calm);
        assert_eq!(rig.heart.snapshot().rundeck.process, found.then_some(OTHER));
        rig.web = WebSeen::Ok;
        assert!(!closed || rig.until(|rig| answer(rig).1 != Reason::Refused), "still refused");
        rig.feed(claim_of(Some(RUNDECK)));
        let sent = pass(&mut rig, Span::secs(120), &mut calm);
        assert_eq!((count(&sent, switches), rig.mode), (0, Mode::Passive), "found: {found}, closed: {closed}");
    }
}

/// And where Rundeck was seen active since, when no switch of an earlier run could land any more: what a person has set
/// after that is his. Until then it may be the switch of that run.
#[test]
fn what_a_slow_disk_tells_late_does_not_make_a_persons_passive_mode_ours() {
    for (later, undone) in [(Span::secs(200), true), (HOUR, false)] {
        let mut rig = settled(policy());
        pass(&mut rig, later, &mut calm);
        rig.mode = Mode::Passive;
        rig.feed(claim_of(Some(RUNDECK)));
        pass(&mut rig, Span::secs(120), &mut calm);
        assert_eq!(rig.mode == Mode::Active, undone, "{later:?} later");
    }
}

/// What this run has claimed meanwhile is of the process that it has switched, whatever an earlier run had claimed.
#[test]
fn what_a_slow_disk_tells_late_leaves_the_claim_of_this_run() {
    for claimed in [Some(OTHER), Some(RUNDECK), None] {
        let mut rig = settled(policy());
        let mut sent = calls(&drain(&mut rig, "d1", Cause::Operator));
        sent.extend(until_receipt(&mut rig, &mut calm).1);
        sent.extend(calls(&rig.feed(claim_of(claimed))));
        sent.extend(pass(&mut rig, Span::secs(5), &mut calm));
        let kept = intent_in(&sent).map(|intent| (intent.passive_by_us, intent.process));
        assert_eq!(kept, Some((true, Some(RUNDECK))), "{claimed:?}");
        resume(&mut rig);
        pass(&mut rig, Span::secs(120), &mut calm);
        assert_eq!(rig.mode, Mode::Active);
    }
}

/// A process that shows only after this run has switched it is the one that was switched, whatever an earlier run had
/// on record: its passive mode is undone.
#[test]
fn a_rundeck_that_shows_only_after_it_was_switched_is_switched_back() {
    let mut rig = Rig::new(policy(), 1);
    rig.process = ProcessSeen::Hidden;
    let drains = vec![order("d1", Cause::Operator, rig.now)];
    let intent = Intent { drains, passive_by_us: true, process: Some(RUNDECK), ..Intent::default() };
    rig.feed(Event::Kept(Kept { intent: Some(intent), ..Kept::default() }));
    assert!(rig.until(|rig| rig.mode == Mode::Passive), "never switched");
    rig.process = ProcessSeen::One(OTHER, jvm());
    assert!(rig.until(|rig| rig.heart.snapshot().rundeck.process == Some(OTHER)), "never found");
    resume(&mut rig);
    pass(&mut rig, Span::secs(120), &mut calm);
    assert_eq!((rig.mode, is_up(&rig)), (Mode::Active, true), "{:?}", answer(&rig));
}

/// Somebody who undoes a switch that had long held meets the first pauses again, not those that had grown before.
#[test]
fn a_switch_that_had_long_held_is_repeated_soon_however_often_it_had_failed_to_hold_before() {
    let mut lies = |_: &Rig, call: &Call| {
        if let Call::SetMode(mode) = call { Some(Reply::Mode(Ok(*mode))) } else { None }
    };
    let mut rig = settled(policy());
    drain(&mut rig, "d1", Cause::Operator);
    pass(&mut rig, HOUR, &mut lies);
    pass(&mut rig, HOUR, &mut calm);
    assert_eq!(rig.mode, Mode::Passive);
    for times in ["once", "twice"] {
        rig.mode = Mode::Active;
        pass(&mut rig, Span::secs(40), &mut calm);
        assert_eq!(rig.mode, Mode::Passive, "undone {times}");
    }
}

/// A switch that failed while Rundeck's database was away is made as soon as the API answers again.
#[test]
fn a_switch_that_failed_is_tried_again_when_the_api_answers_again() {
    for seed in 1..5 {
        let mut rig = Rig::new(policy(), seed);
        assert!(rig.until(|rig| is_up(rig) && rig.registered), "never in service");
        pass(&mut rig, Span::secs(30), &mut calm);
        rig.mute = carries_token;
        drain(&mut rig, "d1", Cause::Operator);
        pass(&mut rig, HOUR, &mut calm);
        // All calls with the token but the switch itself are answered from now on, and then that too.
        rig.mute = switches;
        rig.open.retain(|open| !carries_token(&open.call));
        assert!(rig.until(|rig| rig.heart.snapshot().rundeck.running.is_some()), "never answered");
        rig.mute = |_| false;
        pass(&mut rig, Span::secs(5), &mut calm);
        assert_eq!(rig.mode, Mode::Passive, "seed {seed}");
    }
}

/// A node without a token is told so: not of passive mode too, which nobody here has set.
#[test]
fn a_node_without_a_token_is_told_of_that_alone() {
    let mut policy = policy();
    policy.circumstances.has_token = false;
    let mut rig = settled(policy);
    let told: Vec<Finding> = rig.heart.snapshot().findings.iter().map(|view| view.finding).collect();
    assert_eq!(told, [Finding::TokenMissing]);
    drain(&mut rig, "d1", Cause::Operator);
    until_receipt(&mut rig, &mut calm);
    resume(&mut rig);
    pass(&mut rig, Span::secs(120), &mut calm);
    let told: Vec<Finding> = rig.heart.snapshot().findings.iter().map(|view| view.finding).collect();
    assert_eq!(told, [Finding::TokenMissing]);
}

/// A dry run says once in a drain that it would switch the mode, and nothing where Rundeck is passive already.
#[test]
fn a_dry_run_says_once_that_it_would_switch() {
    for (mode, lines) in [(Mode::Active, 1), (Mode::Passive, 0)] {
        let mut rig = Rig::new(Policy { dry_run: true, ..policy() }, 1);
        assert!(rig.until(is_up), "never up");
        rig.mode = mode;
        pass(&mut rig, Span::secs(60), &mut calm);
        for id in ["d1", "d2"] {
            drain(&mut rig, id, Cause::Operator);
            let told = notices(&mut rig, Span::secs(600));
            let said = told.iter().filter(|text| text.contains("would switch Rundeck to passive mode")).count();
            assert_eq!(said, lines, "{id}, Rundeck is {mode}: {told:#?}");
            resume(&mut rig);
        }
        assert_eq!(rig.mode, mode);
    }
}

/// Each switch that has worked is one line in the log.
#[test]
fn each_switch_that_has_worked_is_told() {
    let mut rig = settled(policy());
    drain(&mut rig, "d1", Cause::Operator);
    let mut told = notices(&mut rig, Span::secs(200));
    resume(&mut rig);
    told.extend(notices(&mut rig, Span::secs(200)));
    told.retain(|text| text.contains("Rundeck switched to"));
    assert_eq!(told, ["Rundeck switched to passive mode", "Rundeck switched to active mode"]);
}

/// A switch that was given up may take effect some time: what it would undo is not known any more. One that was refused
/// has changed nothing, and one that would set what is set anyway leaves known what was.
#[test]
fn only_a_switch_that_may_undo_the_known_mode_makes_it_unknown() {
    let unsure = || ModeTrouble::unsure("no answer");
    let refused = || ModeTrouble::refused("403: not authorized");
    let shown = |rig: &Rig| rig.heart.snapshot().rundeck.mode;
    for (trouble, back) in [(refused(), Some(Mode::Passive)), (unsure(), None)] {
        let mut rig = settled(policy());
        drain(&mut rig, "d1", Cause::Operator);
        until_receipt(&mut rig, &mut calm);
        rig.mute = switches;
        resume(&mut rig);
        assert!(rig.until(|rig| rig.open.iter().any(|open| switches(&open.call))), "never switched back");
        assert_eq!(shown(&rig), Some(Mode::Passive));
        fails(&mut rig, &trouble);
        assert_eq!(shown(&rig), back, "{trouble:?}");
    }
    for trouble in [refused(), unsure()] {
        let mut rig = settled(policy());
        rig.mute = switches;
        drain(&mut rig, "d1", Cause::Operator);
        assert!(rig.until(|rig| rig.open.iter().any(|open| switches(&open.call))), "never switched");
        fails(&mut rig, &trouble);
        assert_eq!(shown(&rig), Some(Mode::Active), "{trouble:?}");
    }
}

/// The open switch ends so.
fn fails(rig: &mut Rig, trouble: &ModeTrouble) {
    for open in rig.open.clone().into_iter().filter(|open| switches(&open.call)) {
        rig.feed(Event::Reply(open.id, Reply::Mode(Err(trouble.clone()))));
    }
}

/// A switch back to active that was given up may take effect during the next drain: that one switches to passive once
/// more, also where nobody can see the mode.
#[test]
fn a_drain_after_a_lost_switch_to_active_sets_passive_mode_again() {
    let mut rig = settled(policy());
    drain(&mut rig, "d1", Cause::Operator);
    until_receipt(&mut rig, &mut calm);
    rig.mute = carries_token;
    resume(&mut rig);
    assert!(rig.until(|rig| rig.open.iter().any(|open| switches(&open.call))), "never switched back");
    pass(&mut rig, Span::secs(31), &mut calm);
    let mut sent = calls(&drain(&mut rig, "d2", Cause::Operator));
    sent.extend(pass(&mut rig, Span::secs(60), &mut calm));
    assert!(count(&sent, switches_to(Mode::Passive)) > 0, "taken for passive");
}

/// A port that is closed has lost its server, and with an unknown process nobody can tell whether it is the one that an
/// earlier run had made passive: the next one's mode, passive by its configuration perhaps, is its own.
#[test]
fn passive_mode_behind_a_port_that_was_closed_is_not_ours_where_the_process_is_unknown() {
    for closes in [false, true] {
        let mut rig = Rig::new(policy(), 1);
        (rig.mode, rig.process) = (Mode::Passive, ProcessSeen::Hidden);
        if closes {
            rig.web = WebSeen::Refused;
        }
        rig.mute = carries_token;
        let intent = Intent { passive_by_us: true, process: Some(RUNDECK), ..Intent::default() };
        rig.feed(Event::Kept(Kept { intent: Some(intent), ..Kept::default() }));
        let mut sent = pass(&mut rig, Span::secs(20), &mut calm);
        rig.web = WebSeen::Ok;
        rig.mute = |_| false;
        sent.extend(pass(&mut rig, Span::secs(600), &mut calm));
        let undone = count(&sent, switches_to(Mode::Active)) > 0;
        let told = rig.heart.snapshot().findings.iter().any(|f| f.finding == Finding::PassiveMode);
        assert_eq!((undone, told), (!closes, closes));
    }
}

/// What this run has set stays ours when the port of an unknown process refuses for a while: it is undone, or the node
/// would be out until a person comes.
#[test]
fn passive_mode_of_this_run_is_undone_though_its_port_was_closed_meanwhile() {
    let mut rig = settled(policy());
    rig.process = ProcessSeen::Hidden;
    drain(&mut rig, "d1", Cause::Operator);
    until_receipt(&mut rig, &mut calm);
    rig.web = WebSeen::Refused;
    pass(&mut rig, Span::secs(20), &mut calm);
    rig.web = WebSeen::Ok;
    pass(&mut rig, Span::secs(60), &mut calm);
    resume(&mut rig);
    pass(&mut rig, Span::secs(600), &mut calm);
    assert_eq!((rig.mode, is_up(&rig)), (Mode::Active, true), "{:?}", answer(&rig));
}

/// What an earlier run had set is undone once: passive mode that a person sets soon after is his.
#[test]
fn passive_mode_of_a_person_soon_after_a_restart_is_left_alone() {
    let mut rig = Rig::new(policy(), 1);
    rig.mode = Mode::Passive;
    let intent = Intent { passive_by_us: true, process: Some(RUNDECK), ..Intent::default() };
    rig.feed(Event::Kept(Kept { intent: Some(intent), ..Kept::default() }));
    assert!(rig.until(|rig| rig.mode == Mode::Active), "never undone");
    pass(&mut rig, Span::secs(60), &mut calm);
    rig.mode = Mode::Passive;
    let sent = pass(&mut rig, Span::secs(600), &mut calm);
    assert_eq!((count(&sent, switches), rig.mode), (0, Mode::Passive), "a person's choice was undone");
}

/// A switch that goes out while nobody sees Rundeck's process is of whoever is there, not of the one that was on record
/// before: after the next restart it is undone.
#[test]
fn a_switch_in_a_process_that_nobody_sees_is_not_put_down_to_an_earlier_one() {
    let mut rig = Rig::new(policy(), 2);
    rig.process = ProcessSeen::Hidden;
    let drains = vec![order("d1", Cause::Operator, rig.now)];
    let intent = Intent { drains, passive_by_us: true, process: Some(OTHER), served: true, ..Intent::default() };
    let mut sent = calls(&rig.feed(Event::Kept(Kept { intent: Some(intent), ..Kept::default() })));
    sent.extend(until_receipt(&mut rig, &mut calm).1);
    assert_eq!((rig.mode, count(&sent, switches_to(Mode::Passive))), (Mode::Passive, 1));
    let kept = sent.into_iter().rev().find_map(|call| if let Call::KeepIntent(it) = call { Some(it) } else { None });
    assert_eq!(kept.as_ref().map(|kept| (kept.passive_by_us, kept.process)), Some((true, None)));
    rig.process = ProcessSeen::One(RUNDECK, jvm());
    rig.heart = Heart::new(policy(), 3, rig.now);
    rig.open.clear();
    rig.feed(Event::Kept(Kept { intent: kept, ..Kept::default() }));
    resume(&mut rig);
    pass(&mut rig, Span::secs(120), &mut calm);
    assert_eq!(rig.mode, Mode::Active);
}
