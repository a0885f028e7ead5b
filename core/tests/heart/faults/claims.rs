//! Passive mode that an earlier run has claimed of a process: it is undone in that one, and in no other.

use super::*;
use crate::rig::{Open, RUNDECK, info, jvm, policy};
use rundeck_alb_core::{Finding, Heart, Intent, Kept, ModeTrouble, Process, ProcessSeen, WebSeen};

const NEXT: Process = Process { pid: 9, start: 99 };

/// An earlier run has claimed passive mode of that process.
fn claim_of(process: Process) -> Event {
    let intent = Intent { passive_by_us: true, process: Some(process), served: true, ..Intent::default() };
    Event::Kept(Kept { intent: Some(intent), ..Kept::default() })
}

/// A passive Rundeck, and a disk that has not told yet.
fn passive() -> Rig {
    let mut rig = Rig::unread(policy(), 2);
    rig.mode = Mode::Passive;
    rig
}

fn looks(call: &Call) -> bool {
    matches!(call, Call::FindProcess { .. })
}

fn switches(call: &Call) -> bool {
    matches!(call, Call::SetMode(_))
}

fn hides(_: &Rig, call: &Call) -> Option<Reply> {
    asks_api(call).then(|| Reply::Api(info(None, None)))
}

fn told(rig: &Rig) -> Option<String> {
    let findings = rig.heart.snapshot().findings;
    findings.into_iter().find(|view| view.finding == Finding::PassiveMode).map(|view| view.text)
}

/// Passive mode on record of this very process is undone, also where its port refused for a moment before the process
/// was found (a busy machine: what stands before Rundeck refuses, and the process table is slow), whenever the disk
/// tells of it, and where the token cannot see the mode.
#[test]
fn a_claim_of_the_process_that_is_there_is_not_lost_with_its_port() {
    for (late, hidden) in [(false, false), (true, false), (false, true), (true, true)] {
        let mut world = |rig: &Rig, call: &Call| if hidden { hides(rig, call) } else { None };
        let mut rig = passive();
        if !late {
            rig.feed(claim_of(RUNDECK));
        }
        (rig.web, rig.mute) = (WebSeen::Refused, looks);
        pass(&mut rig, Span::secs(4), &mut world);
        rig.web = WebSeen::Ok;
        rig.mute = |_| false;
        pass(&mut rig, Span::secs(5), &mut world);
        assert_eq!(rig.heart.snapshot().rundeck.process, Some(RUNDECK));
        if late {
            rig.feed(claim_of(RUNDECK));
        }
        pass(&mut rig, Span::secs(900), &mut world);
        let shown = (rig.mode, is_up(&rig), told(&rig));
        assert_eq!(shown, (Mode::Active, true, None), "late: {late}, hidden: {hidden}");
    }
}

/// So it is where a look had shown nobody when the port was closed, if the process is found after all. If another one
/// is, its mode is its own.
#[test]
fn a_claim_of_a_process_that_nobody_saw_when_its_port_was_closed_is_that_of_the_one_that_is_found() {
    for unseen in [ProcessSeen::Hidden, ProcessSeen::None, ProcessSeen::Several(2)] {
        for (late, process, mode) in
            [(false, RUNDECK, Mode::Active), (true, RUNDECK, Mode::Active), (false, NEXT, Mode::Passive)]
        {
            let mut rig = passive();
            (rig.process, rig.web) = (unseen, WebSeen::Refused);
            if !late {
                rig.feed(claim_of(RUNDECK));
            }
            pass(&mut rig, Span::secs(20), &mut calm);
            if late {
                rig.feed(claim_of(RUNDECK));
            }
            (rig.process, rig.web) = (ProcessSeen::One(process, jvm()), WebSeen::Ok);
            pass(&mut rig, Span::secs(300), &mut calm);
            assert_eq!((rig.mode, told(&rig).is_some()), (mode, mode == Mode::Passive), "{unseen:?}, late: {late}");
        }
    }
}

/// A claim that was given up with its port, and is taken up again, is on disk again before a drain switches.
#[test]
fn a_claim_that_is_taken_up_again_is_on_disk_before_a_switch() {
    let mut rig = Rig::unread(policy(), 2);
    (rig.process, rig.web) = (ProcessSeen::Several(2), WebSeen::Refused);
    rig.feed(claim_of(RUNDECK));
    pass(&mut rig, Span::secs(20), &mut calm);
    drain(&mut rig, "d1", Cause::Operator);
    pass(&mut rig, Span::secs(5), &mut calm);
    (rig.process, rig.web) = (ProcessSeen::One(RUNDECK, jvm()), WebSeen::Ok);
    rig.mute = |call| matches!(call, Call::KeepIntent(_));
    let claims = |open: &Open| matches!(&open.call, Call::KeepIntent(intent) if intent.passive_by_us);
    assert!(rig.until(|rig| rig.open.iter().any(claims)), "never on record");
    let begun = rig.now;
    while rig.now.since(begun) < Span(900) {
        assert!(!rig.open.iter().any(|open| switches(&open.call)), "before the disk has said so");
        turn(&mut rig, &mut calm);
    }
    rig.mute = |_| false;
    pass(&mut rig, Span::secs(5), &mut calm);
    assert_eq!(rig.mode, Mode::Passive);
}

/// What is on record of one process is not undone in the next one, which a person has made passive, because the first
/// look for it was lost, or showed the old one beside the new one; nor by a drain that goes on and is taken back before
/// it is found.
#[test]
fn a_claim_of_a_process_that_is_gone_undoes_nothing_in_the_next_one_however_late_that_is_found() {
    for (first, lost) in [
        (ProcessSeen::One(NEXT, jvm()), true),
        (ProcessSeen::Several(2), false),
        (ProcessSeen::Hung, false),
        (ProcessSeen::None, false),
    ] {
        for leaves in [false, true] {
            let mut rig = passive();
            let drains = leaves.then(|| order("d1", Cause::Operator, rig.now)).into_iter().collect();
            let intent =
                Intent { drains, served: true, passive_by_us: true, process: Some(RUNDECK), ..Intent::default() };
            rig.feed(Event::Kept(Kept { intent: Some(intent), ..Kept::default() }));
            rig.process = first;
            if lost {
                rig.mute = looks;
            }
            let mut sent = pass(&mut rig, Span::secs(6), &mut calm);
            sent.extend(calls(&resume(&mut rig)));
            sent.extend(pass(&mut rig, Span::secs(3), &mut calm));
            rig.mute = |_| false;
            rig.process = ProcessSeen::One(NEXT, jvm());
            sent.extend(pass(&mut rig, Span::secs(120), &mut calm));
            assert_eq!(rig.heart.snapshot().rundeck.process, Some(NEXT));
            let undone = count(&sent, switches_to(Mode::Active));
            assert_eq!((undone, rig.mode), (0, Mode::Passive), "{first:?}, lost: {lost}, leaves: {leaves}");
        }
    }
}

/// Where the process table hides Rundeck, or never tells anything, a look is waited for a minute: then what is on
/// record as ours is undone. One that can be read, and does not show which of them it is, goes on being waited for,
/// and that is told with its cure.
#[test]
fn what_no_look_can_tell_is_waited_for_a_minute() {
    for (unseen, undone) in [
        (ProcessSeen::Hidden, true),
        (ProcessSeen::Hung, true),
        (ProcessSeen::Several(2), false),
        (ProcessSeen::None, false),
    ] {
        let mut rig = passive();
        rig.process = unseen;
        rig.feed(claim_of(RUNDECK));
        let sent = pass(&mut rig, Span::secs(50), &mut calm);
        assert_eq!((count(&sent, switches_to(Mode::Active)), told(&rig)), (0, None), "{unseen:?}");
        pass(&mut rig, Span::secs(40), &mut calm);
        let shown = (rig.mode == Mode::Active, told(&rig).is_none());
        assert_eq!(shown, (undone, undone), "{unseen:?}: {:?}", told(&rig));
        assert!(undone || told(&rig).is_some_and(|text| text.contains("its process is not known")), "{:?}", told(&rig));
        rig.process = ProcessSeen::One(RUNDECK, jvm());
        pass(&mut rig, Span::secs(60), &mut calm);
        assert_eq!((rig.mode, told(&rig)), (Mode::Active, None), "{unseen:?}");
    }
}

/// A switch of a drain is under way when its process ends; the next Rundeck answers before the switch ends, and its
/// process is not recognised yet.
fn met_by_the_next(unseen: ProcessSeen, taken_back: bool, end: &Result<Mode, ModeTrouble>, world: World<'_>) -> Rig {
    let mut rig = settled(policy());
    pass(&mut rig, Span::secs(60), world);
    rig.running = Some(1);
    rig.mute = switches;
    drain(&mut rig, "d1", Cause::Operator);
    assert!(rig.until(|rig| rig.open.iter().any(|open| switches(&open.call))), "never switched");
    (rig.web, rig.process) = (WebSeen::Refused, ProcessSeen::None);
    rig.feed(Event::ProcessEnded(RUNDECK));
    if taken_back {
        resume(&mut rig);
    }
    pass(&mut rig, Span::secs(8), world);
    (rig.web, rig.process) = (WebSeen::Ok, unseen);
    pass(&mut rig, Span::secs(12), world);
    rig.mode = Mode::Passive;
    for open in rig.open.clone().into_iter().filter(|open| switches(&open.call)) {
        rig.feed(Event::Reply(open.id, Reply::Mode(end.clone())));
    }
    rig.process = ProcessSeen::One(NEXT, jvm());
    rig.mute = |_| false;
    rig
}

/// What a switch has set in a Rundeck that answers on the port is undone, whether its process was found by then or not;
/// also with a token that cannot see the mode, and where nobody knows what came of the switch.
#[test]
fn a_switch_that_the_next_rundeck_confirms_before_it_is_found_is_undone() {
    for unseen in [ProcessSeen::Several(2), ProcessSeen::None] {
        for (taken_back, hidden) in [(false, false), (true, false), (false, true), (true, true)] {
            for end in [Ok(Mode::Passive), Err(ModeTrouble::unsure("no answer"))] {
                let mut world = |rig: &Rig, call: &Call| if hidden { hides(rig, call) } else { None };
                let mut rig = met_by_the_next(unseen, taken_back, &end, &mut world);
                pass(&mut rig, Span::secs(120), &mut world);
                rig.running = Some(0);
                pass(&mut rig, Span::secs(300), &mut world);
                resume(&mut rig);
                pass(&mut rig, Span::secs(900), &mut world);
                let shown = (rig.mode, is_up(&rig), told(&rig));
                let case = format!("{unseen:?}, taken back: {taken_back}, hidden: {hidden}, {end:?}");
                assert_eq!(shown, (Mode::Active, true, None), "{case}");
            }
        }
    }
}

/// One that it refuses has set nothing: passive mode of the next Rundeck is somebody else's.
#[test]
fn a_switch_that_the_next_rundeck_refuses_before_it_is_found_claims_nothing() {
    let refused = Err(ModeTrouble::refused("403: not authorized"));
    let mut rig = met_by_the_next(ProcessSeen::Several(2), true, &refused, &mut calm);
    let sent = pass(&mut rig, Span::secs(900), &mut calm);
    assert_eq!((count(&sent, switches), rig.mode), (0, Mode::Passive));
}

/// A switch that Rundeck has refused stands on no record: where an agent that ends left it there, passive mode of a
/// person who comes later would be taken for ours. Each try claims it anew.
#[test]
fn a_switch_that_was_refused_is_claimed_no_more() {
    let refuses =
        |_: &Rig, call: &Call| switches(call).then(|| Reply::Mode(Err(ModeTrouble::refused("403: not authorized"))));
    let mut rig = settled(policy());
    rig.running = Some(1);
    drain(&mut rig, "d", Cause::Operator);
    let sent = pass(&mut rig, Span::secs(100), &mut { refuses });
    let mut claimed = None;
    let mut tries = 0;
    for call in &sent {
        match call {
            Call::KeepIntent(intent) => claimed = Some(intent.passive_by_us),
            Call::SetMode(_) => {
                assert_ne!(claimed, Some(false), "not claimed before it was tried");
                tries += 1;
            }
            _ => {}
        }
    }
    assert!(tries > 1, "{tries}");
    assert_eq!(claimed, Some(false));
}

/// An agent that is stopped loses its first switch, which is given up after 30 s; the next one works. What the next run
/// of it reads, with its Rundeck passive still.
fn stopped_with_a_lost_switch() -> (Rig, Option<Intent>) {
    let mut rig = settled(policy());
    rig.mute = switches;
    let mut sent = calls(&rig.feed(Event::Stop { id: "s1".into() }));
    while !rig.open.iter().any(|open| switches(&open.call)) {
        sent.extend(calls(&turn(&mut rig, &mut calm)));
    }
    rig.running = Some(1);
    sent.extend(pass(&mut rig, Span::secs(31), &mut calm));
    rig.mute = |_| false;
    rig.open.retain(|open| !switches(&open.call));
    sent.extend(pass(&mut rig, Span::secs(20), &mut calm));
    assert_eq!(rig.mode, Mode::Passive);
    rig.running = Some(0);
    while rig.heart.ended().is_none() {
        sent.extend(calls(&turn(&mut rig, &mut calm)));
    }
    rig.heart = Heart::new(policy(), 3, rig.now);
    rig.open.clear();
    (rig, intent_in(&sent))
}

/// A switch that a run has lost, and that lands after the next run has switched back, is undone, for the run that lost
/// it knew that it may land, and has kept that; until then, and no longer: passive mode of a person who comes later is
/// his.
#[test]
fn a_switch_that_was_lost_and_lands_after_a_restart_is_undone() {
    for (lands, undone) in [(Span::secs(20), true), (Span::secs(200), true), (Span::secs(330), false)] {
        let (mut rig, intent) = stopped_with_a_lost_switch();
        let until = intent.as_ref().and_then(|intent| intent.may_land_until).expect("it may land");
        assert!(until > rig.now + Span::secs(200) && until < rig.now + Span::secs(300), "{until:?} at {:?}", rig.now);
        let mut sent = calls(&rig.feed(Event::Kept(Kept { intent, ..Kept::default() })));
        let begun = rig.now;
        while rig.now < begun + lands {
            sent.extend(calls(&turn(&mut rig, &mut calm)));
        }
        assert_eq!(rig.mode, Mode::Active, "never undone");
        rig.mode = Mode::Passive;
        sent.extend(pass(&mut rig, HOUR, &mut calm));
        assert_eq!((rig.mode == Mode::Active, is_up(&rig)), (undone, undone), "{lands:?}: {:?}", answer(&rig));
        let kept = intent_in(&sent).map(|intent| (intent.passive_by_us, intent.may_land_until));
        assert_eq!(kept, Some((false, None)), "{lands:?}: on record for ever");
    }
}

/// No file says that for longer than a switch may take: a mark that lies farther off does not make it ours for ever.
#[test]
fn what_an_earlier_run_has_lost_lands_within_five_minutes() {
    let mut rig = passive();
    let (process, may_land_until) = (Some(RUNDECK), Some(rig.now + HOUR + HOUR));
    let intent = Intent { passive_by_us: true, process, may_land_until, ..Intent::default() };
    rig.feed(Event::Kept(Kept { intent: Some(intent), ..Kept::default() }));
    pass(&mut rig, Span::secs(330), &mut calm);
    assert_eq!(rig.mode, Mode::Active);
    rig.mode = Mode::Passive;
    pass(&mut rig, Span::secs(300), &mut calm);
    assert_eq!(rig.mode, Mode::Passive);
}

/// This run has switched its Rundeck back when a slow disk tells of an earlier run's claim: what is passive then is
/// somebody else's, unless that run had given up a switch which may still land.
#[test]
fn a_claim_that_is_told_after_this_run_has_switched_back_undoes_nobody_elses_mode() {
    for (lands, mode) in [(None, Mode::Passive), (Some(-1), Mode::Passive), (Some(60), Mode::Active)] {
        let mut rig = Rig::unread(policy(), 2);
        assert!(rig.until(is_up), "never up");
        drain(&mut rig, "d1", Cause::RundeckStopping);
        assert!(rig.until(|rig| rig.mode == Mode::Passive), "never passive");
        rig.feed(Event::Order(2, Order::Resume(Cause::RundeckStopping)));
        assert!(rig.until(|rig| rig.mode == Mode::Active), "never active again");
        rig.mode = Mode::Passive;
        pass(&mut rig, Span::secs(40), &mut calm);
        let at = |secs: i64| Moment(rig.now.0.saturating_add_signed(1_000 * secs));
        let intent = Intent {
            passive_by_us: true,
            process: Some(RUNDECK),
            may_land_until: lands.map(at),
            served: true,
            ..Intent::default()
        };
        rig.feed(Event::Kept(Kept { intent: Some(intent), ..Kept::default() }));
        pass(&mut rig, Span::secs(60), &mut calm);
        assert_eq!(rig.mode, mode, "{lands:?}");
    }
}
