//! Whose passive mode it is: what this agent set is undone, or told with its cure; what it did not set stays.

use super::*;
use crate::rig::{RUNDECK, info, policy};
use rundeck_alb_core::{ApiSeen, DatabaseSeen, Degraded, Finding, Intent, Kept, ModeTrouble, WebSeen};

/// A Rundeck that an earlier run of the agent has left passive, as far as it wrote down.
fn left_passive() -> Rig {
    let mut rig = Rig::new(policy(), 1);
    rig.mode = Mode::Passive;
    let drains = vec![order("s", Cause::AgentStopping, rig.now)];
    let intent = Intent { drains, passive_by_us: true, process: Some(RUNDECK), ..Intent::default() };
    rig.feed(Event::Kept(Kept { intent: Some(intent), ..Kept::default() }));
    rig
}

fn told(rig: &Rig) -> Option<String> {
    let findings = rig.heart.snapshot().findings;
    findings.into_iter().find(|one| one.finding == Finding::PassiveMode).map(|one| one.text)
}

/// Passive mode that the last run of the agent set is undone, also with a token that cannot see the mode.
#[test]
fn our_passive_mode_is_undone_where_the_mode_cannot_be_seen() {
    let mut rig = left_passive();
    let mut hidden = |_: &Rig, call: &Call| asks_api(call).then(|| Reply::Api(info(None, None)));
    let sent = pass(&mut rig, HOUR, &mut hidden);
    assert_eq!(count(&sent, switches_to(Mode::Active)), 1, "in service for an hour ({:?}), passive", answer(&rig));
    assert_eq!(told(&rig), None);
}

/// Where it cannot be undone, that is told with its cause and its cure, once, until it is.
#[test]
fn passive_mode_that_cannot_be_undone_is_told_with_its_cure() {
    let refused = |_: &Rig, call: &Call| {
        switches_to(Mode::Active)(call)
            .then(|| Reply::Mode(Err(ModeTrouble::refused("403: not authorized for enable_executions"))))
    };
    let mut rig = left_passive();
    let sent = pass(&mut rig, Span::secs(600), &mut refused.clone());
    let text = told(&rig).unwrap();
    assert!(text.contains("enable_executions") && text.contains("switch it to active"), "{text}");
    assert!(count(&sent, switches_to(Mode::Active)) > 5, "given up");
    // The pause after such tries has grown to five minutes.
    pass(&mut rig, Span::secs(400), &mut calm);
    assert_eq!((rig.mode, told(&rig)), (Mode::Active, None));
    // With no token any more nobody can.
    let mut policy = policy();
    policy.circumstances.has_token = false;
    let mut blind = Rig::new(policy, 1);
    let intent = Intent { passive_by_us: true, process: Some(RUNDECK), ..Intent::default() };
    blind.feed(Event::Kept(Kept { intent: Some(intent), ..Kept::default() }));
    pass(&mut blind, Span::secs(120), &mut calm);
    assert!(told(&blind).is_some_and(|text| text.contains("there is no token")), "{:?}", told(&blind));
}

/// An agent that starts again while its API tells nothing does not wait for it: what is on record as its own is
/// switched back all the same.
#[test]
fn our_passive_mode_is_undone_where_the_api_tells_nothing() {
    for seen in [ApiSeen::TimedOut, ApiSeen::Failed(500), ApiSeen::Unreadable("a page".into()), ApiSeen::Rejected] {
        let mut rig = left_passive();
        let sent = pass(&mut rig, Span::secs(900), &mut |_, call| asks_api(call).then(|| Reply::Api(seen.clone())));
        assert_eq!((rig.mode, count(&sent, switches_to(Mode::Active))), (Mode::Active, 1), "{seen:?}");
        assert!(is_up(&rig) && told(&rig).is_none(), "{seen:?}: {:?}", answer(&rig));
        // So one that a person sets later is his.
        rig.mode = Mode::Passive;
        let sent = pass(&mut rig, Span::secs(120), &mut calm);
        assert_eq!((count(&sent, switches_to(Mode::Active)), rig.mode), (0, Mode::Passive), "{seen:?}");
    }
}

/// Nor does one of this run wait whose port was closed for a moment, so that what its API had said is void, and whose
/// switch was refused since.
#[test]
fn our_passive_mode_of_this_run_is_undone_where_the_api_tells_nothing_any_more() {
    let mut rig = settled(policy());
    drain(&mut rig, "d1", Cause::Operator);
    until_receipt(&mut rig, &mut calm);
    rig.web = WebSeen::Refused;
    let mut silent = |_: &Rig, call: &Call| match call {
        Call::ProbeApi => Some(Reply::Api(ApiSeen::TimedOut)),
        Call::SetMode(Mode::Passive) => Some(Reply::Mode(Err(ModeTrouble::refused("403")))),
        _ => None,
    };
    pass(&mut rig, Span::secs(20), &mut silent);
    rig.web = WebSeen::Ok;
    pass(&mut rig, Span::secs(60), &mut silent);
    resume(&mut rig);
    pass(&mut rig, Span::secs(120), &mut silent);
    assert_eq!((rig.mode, is_up(&rig)), (Mode::Active, true), "{:?}", answer(&rig));
}

/// Where that fails too, the node is in service and says that it is passive, with the cure; with a token that is
/// rejected it does not try again before the API has answered.
#[test]
fn our_passive_mode_that_nobody_can_see_or_undo_is_told_with_its_cure() {
    let (refused, unsure) = (ModeTrouble::refused("token rejected (403)"), ModeTrouble::unsure("no answer"));
    let cases = [
        (ApiSeen::Rejected, refused.clone(), 1..=1),
        (ApiSeen::Unreadable("a page".into()), refused, 5..=12),
        (ApiSeen::TimedOut, unsure, 5..=12),
    ];
    for (seen, trouble, tries) in cases {
        let mut rig = left_passive();
        let mut world = |_: &Rig, call: &Call| match call {
            Call::ProbeApi => Some(Reply::Api(seen.clone())),
            Call::SetMode(_) => Some(Reply::Mode(Err(trouble.clone()))),
            _ => None,
        };
        let sent = pass(&mut rig, Span::secs(900), &mut world);
        let tried = count(&sent, switches_to(Mode::Active));
        assert!(is_up(&rig) && tries.contains(&tried), "{seen:?}: {:?}, {tried} tries", answer(&rig));
        assert!(told(&rig).is_some_and(|text| text.contains("switch it to active")), "{seen:?}: {:?}", told(&rig));
        assert_eq!(rig.heart.snapshot().degraded, [Degraded::Passive], "{seen:?}");
        pass(&mut rig, Span::secs(400), &mut calm);
        assert_eq!((rig.mode, told(&rig), rig.heart.snapshot().degraded), (Mode::Active, None, vec![]), "{seen:?}");
    }
}

/// A dry run does not undo what an earlier run had set: that is told as long as it is on, or may be.
#[test]
fn passive_mode_that_a_dry_run_does_not_undo_is_told() {
    for (mode, shows) in [(Mode::Passive, true), (Mode::Passive, false), (Mode::Active, true)] {
        let mut rig = Rig::new(Policy { dry_run: true, ..policy() }, 1);
        rig.mode = mode;
        let intent = Intent { passive_by_us: true, process: Some(RUNDECK), ..Intent::default() };
        rig.feed(Event::Kept(Kept { intent: Some(intent), ..Kept::default() }));
        let mut world = |_: &Rig, call: &Call| (asks_api(call) && !shows).then_some(Reply::Api(ApiSeen::TimedOut));
        let sent = pass(&mut rig, Span::secs(120), &mut world);
        assert_eq!(count(&sent, switches_to(Mode::Active)), 0);
        let on = told(&rig).is_some_and(|text| text.contains("this is a dry run"));
        assert_eq!(on, mode == Mode::Passive, "{mode}, seen: {shows}: {:?}", told(&rig));
    }
}

/// The same trouble with a switch is one line in the log, however often it is tried.
#[test]
fn a_switch_that_fails_again_for_the_same_reason_is_told_once() {
    let mut rig = left_passive();
    let (mut lines, end) = (0, rig.now + Span::secs(600));
    let mut refused = |_: &Rig, call: &Call| {
        switches_to(Mode::Active)(call).then(|| Reply::Mode(Err(ModeTrouble::unsure("no answer"))))
    };
    while rig.now < end {
        let commands = turn(&mut rig, &mut refused);
        let told = |command: &&Command| matches!(command, Command::Tell(note) if note.text.contains("no answer"));
        lines += commands.iter().filter(told).count();
    }
    // Of the switch, and of the finding.
    assert_eq!(lines, 2);
}

/// Passive mode of which nothing is on record (a person's, or our own whose record was lost) stays, and is told.
#[test]
fn passive_mode_that_nobody_here_undoes_is_told_with_its_cure() {
    let mut rig = settled(policy());
    rig.mode = Mode::Passive;
    let sent = pass(&mut rig, Span::secs(600), &mut calm);
    assert_eq!(count(&sent, switches_to(Mode::Active)), 0, "not ours to undo");
    assert_eq!(answer(&rig), (State::Down, Reason::Passive, false));
    assert!(told(&rig).is_some_and(|text| text.contains("switch it to active")), "{:?}", told(&rig));
    rig.mode = Mode::Active;
    pass(&mut rig, Span::secs(120), &mut calm);
    assert!(is_up(&rig) && told(&rig).is_none());
}

/// An agent that died right after it had sent the switch: what takes effect later is its own all the same, and undone;
/// but not for ever: what a person sets long after stays.
#[test]
fn a_switch_of_an_earlier_run_that_takes_effect_late_is_undone() {
    for (later, undone) in [(Span::secs(200), true), (Span::secs(3_600), false)] {
        let mut rig = left_passive();
        rig.mode = Mode::Active;
        pass(&mut rig, later, &mut calm);
        assert!(is_up(&rig), "{:?}", answer(&rig));
        rig.mode = Mode::Passive;
        pass(&mut rig, Span::secs(120), &mut calm);
        assert_eq!((rig.mode == Mode::Active, is_up(&rig)), (undone, undone), "{later:?} later: {:?}", answer(&rig));
    }
}

/// A switch that is confirmed and does not hold (something else undoes it) is sent again ever more rarely.
#[test]
fn a_switch_that_is_confirmed_and_does_not_hold_is_no_busy_loop() {
    let mut rig = settled(policy());
    let mut lies = |_: &Rig, call: &Call| {
        if let Call::SetMode(mode) = call { Some(Reply::Mode(Ok(*mode))) } else { None }
    };
    drain(&mut rig, "d1", Cause::Operator);
    let sent = pass(&mut rig, Span::secs(60), &mut lies);
    let (first, asks) = (count(&sent, switches_to(Mode::Passive)), count(&sent, asks_api));
    assert!((3..=8).contains(&first) && asks < 60, "{first} switches, {asks} questions in a minute");
    let later = count(&pass(&mut rig, HOUR, &mut lies), switches_to(Mode::Passive));
    assert!((8..=25).contains(&later), "{later} switches in the hour after");
    // One that was undone by a person after it had long held is sent again as soon as that is seen.
    pass(&mut rig, HOUR, &mut calm);
    assert_eq!(rig.mode, Mode::Passive);
    rig.mode = Mode::Active;
    pass(&mut rig, Span::secs(40), &mut calm);
    assert_eq!(rig.mode, Mode::Passive);
}

/// Passive mode whose switch was given up is undone by a few calls, also where the token cannot see the mode: each of
/// them reschedules every job of the node.
#[test]
fn undoing_a_switch_that_was_given_up_takes_a_few_calls() {
    let mut hidden = |_: &Rig, call: &Call| asks_api(call).then(|| Reply::Api(info(None, None)));
    let mut rig = Rig::new(policy(), 1);
    pass(&mut rig, Span::secs(120), &mut hidden);
    assert!(is_up(&rig), "never up");
    rig.mute = |call| *call == Call::SetMode(Mode::Passive);
    drain(&mut rig, "d1", Cause::Operator);
    pass(&mut rig, Span::secs(31), &mut hidden);
    rig.mute = |_| false;
    rig.open.retain(|open| !matches!(open.call, Call::SetMode(_)));
    resume(&mut rig);
    let sent = pass(&mut rig, HOUR, &mut hidden);
    let sent = count(&sent, switches_to(Mode::Active));
    assert!((2..=7).contains(&sent), "{sent} switches to active");
}

/// A switch that Rundeck refused has set nothing, and will not: passive mode that a person set before it or after it
/// stays when the drain is taken back.
#[test]
fn a_switch_that_was_refused_claims_nobodys_passive_mode() {
    let mut rejected = |_: &Rig, call: &Call| match call {
        Call::ProbeApi => Some(Reply::Api(ApiSeen::Rejected)),
        Call::ProbeDatabase { .. } => Some(Reply::Database(DatabaseSeen::Refused)),
        Call::SetMode(_) => Some(Reply::Mode(Err(ModeTrouble::refused("token rejected (403)")))),
        _ => None,
    };
    // How long the token is good again before the drain is taken back.
    for good in [Span::ZERO, Span(1), Span::secs(5), Span::secs(400)] {
        for before in [true, false] {
            let mut rig = settled(policy());
            pass(&mut rig, Span::secs(60), &mut rejected);
            rig.mode = if before { Mode::Passive } else { Mode::Active };
            drain(&mut rig, "d1", Cause::Operator);
            pass(&mut rig, Span::secs(60), &mut rejected);
            rig.mode = Mode::Passive;
            pass(&mut rig, good, &mut calm);
            resume(&mut rig);
            let sent = pass(&mut rig, Span::secs(600), &mut calm);
            assert_eq!(count(&sent, switches_to(Mode::Active)), 0, "{good:?}: a person's passive mode was undone");
        }
    }
}

/// A switch that worked is undone although the same drain's next one was refused.
#[test]
fn a_switch_that_worked_before_one_was_refused_is_undone() {
    let mut rig = settled(policy());
    rig.running = Some(1);
    drain(&mut rig, "d1", Cause::Operator);
    assert!(rig.until(|rig| rig.mode == Mode::Passive));
    // Its port was closed for a moment: what its API had said is void.
    rig.web = WebSeen::Refused;
    pass(&mut rig, Span::secs(20), &mut |_, call| asks_api(call).then_some(Reply::Api(ApiSeen::Refused)));
    rig.web = WebSeen::Ok;
    let mut refused = 0;
    pass(&mut rig, Span::secs(20), &mut |_, call| {
        let switch = matches!(call, Call::SetMode(_));
        refused += u32::from(switch);
        match call {
            Call::ProbeApi => Some(Reply::Api(ApiSeen::Rejected)),
            _ => switch.then(|| Reply::Mode(Err(ModeTrouble::refused("token rejected (403)")))),
        }
    });
    assert!(refused > 0);
    resume(&mut rig);
    pass(&mut rig, Span::secs(600), &mut calm);
    assert_eq!((rig.mode, is_up(&rig)), (Mode::Active, true), "{:?}", answer(&rig));
}

/// A Rundeck that somebody switches back to active during a drain is not passive by its receipt: it is switched again,
/// and where that does not hold until the end the receipt says so.
#[test]
fn a_receipt_says_passive_only_of_a_rundeck_that_is() {
    let mut rig = settled(policy());
    rig.running = Some(1);
    drain(&mut rig, "d1", Cause::Operator);
    assert!(rig.until(|rig| phase(rig) == Some(DrainPhase::Jobs) && rig.mode == Mode::Passive), "never passive");
    let mut back = |rig: &Rig, call: &Call| match call {
        Call::ProbeApi => Some(Reply::Api(info(Some(Mode::Active), rig.running))),
        _ => None,
    };
    pass(&mut rig, Span::secs(60), &mut back);
    rig.running = Some(0);
    let (receipt, _) = until_receipt(&mut rig, &mut back);
    let said = steps(&receipt);
    assert!(!said.iter().any(|step| step.starts_with("passive: passive mode")), "{said:#?}");
}

/// Passive mode that was confirmed is not taken back because nobody can see it at the end: its port was closed for a
/// moment, so what was known is void, and its API has been silent since.
#[test]
fn a_receipt_says_passive_of_a_rundeck_whose_mode_is_not_seen_any_more() {
    let mut rig = settled(policy());
    rig.running = Some(1);
    drain(&mut rig, "d1", Cause::Operator);
    assert!(rig.until(|rig| phase(rig) == Some(DrainPhase::Jobs) && rig.mode == Mode::Passive), "never passive");
    rig.mute = carries_token;
    rig.web = WebSeen::Refused;
    assert!(rig.until(|rig| rig.heart.snapshot().rundeck.mode.is_none()), "what a closed port had said still counts");
    rig.web = WebSeen::Ok;
    let (receipt, _) = until_receipt(&mut rig, &mut calm);
    let said = steps(&receipt);
    assert!(said.iter().any(|step| step.starts_with("passive: passive mode")), "{said:#?}");
}

/// What is on record as passive by us, while such a drain goes on.
fn on_record(sent: &[Call]) -> bool {
    sent.iter().any(|call| matches!(call, Call::KeepIntent(intent) if intent.passive_by_us))
}

/// Passive mode is on record as this agent's own only where it is about to switch: an agent that is started after a
/// crash would undo it, whoever had set it.
#[test]
fn a_drain_that_cannot_or_must_not_switch_the_mode_does_not_claim_it() {
    type Change = fn(&mut Policy);
    let cases: [(Change, bool); 3] =
        [(|_| (), true), (|policy| policy.drain.passive = false, false), (|policy| policy.dry_run = true, false)];
    for (change, claims) in cases {
        let mut policy = policy();
        change(&mut policy);
        let mut rig = Rig::new(policy, 1);
        pass(&mut rig, Span::secs(60), &mut calm);
        assert!(is_up(&rig), "never up");
        let mut sent = calls(&drain(&mut rig, "d1", Cause::Operator));
        sent.extend(until_receipt(&mut rig, &mut calm).1);
        assert_eq!(on_record(&sent), claims);
    }
    // Neither its `/health` nor its API answers.
    let mut rig = settled(policy());
    let mut silent = |_: &Rig, call: &Call| asks_api(call).then_some(Reply::Api(ApiSeen::TimedOut));
    pass(&mut rig, Span::secs(60), &mut silent);
    rig.web = WebSeen::TimedOut;
    pass(&mut rig, Span::secs(60), &mut silent);
    let mut sent = calls(&drain(&mut rig, "d1", Cause::Operator));
    sent.extend(until_receipt(&mut rig, &mut silent).1);
    assert!(!on_record(&sent), "no switch was sent");
}

/// A switch that Rundeck refuses is tried ever more rarely, however well its API answers meanwhile; one that failed
/// while the API was silent is tried as soon as it answers.
#[test]
fn a_switch_that_is_refused_is_tried_again_ever_more_rarely_or_when_the_api_is_back() {
    let mut rig = settled(policy());
    rig.running = Some(1);
    let mut refused =
        |_: &Rig, call: &Call| matches!(call, Call::SetMode(_)).then(|| Reply::Mode(Err(ModeTrouble::unsure("500"))));
    drain(&mut rig, "d1", Cause::Operator);
    let sent = pass(&mut rig, Span::secs(1_200), &mut refused);
    let (tries, asks) = (count(&sent, switches_to(Mode::Passive)), count(&sent, asks_api));
    assert!((8..=14).contains(&tries) && asks > 300, "{tries} tries beside {asks} answers");
    let mut silent = |rig: &Rig, call: &Call| match call {
        Call::ProbeApi => Some(Reply::Api(ApiSeen::Failed(500))),
        _ => refused(rig, call),
    };
    pass(&mut rig, Span::secs(40), &mut silent);
    let back = rig.now;
    assert!(rig.until(|rig| rig.mode == Mode::Passive), "never tried again");
    assert!(rig.now.since(back) <= Span::secs(20), "{:?} after the API was back", rig.now.since(back));
}
