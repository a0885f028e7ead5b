//! Nothing there, nothing to wait for; and nobody is vouched for blindly, on the way out either.

use super::*;
use crate::rig::{RUNDECK, facts, info, jvm, policy};
use rundeck_alb_core::{ApiSeen, BootSeen, DrainResult, Intent, Kept, NoteKind, Process, ProcessSeen, WebSeen};

/// A node whose Rundeck was never there leaves at once, and has given nothing up.
#[test]
fn a_node_that_never_served_leaves_at_once() {
    let mut rig = Rig::new(policy(), 1);
    rig.web = WebSeen::Refused;
    rig.process = ProcessSeen::None;
    let mut world = |_: &Rig, call: &Call| asks_api(call).then_some(Reply::Api(ApiSeen::Refused));
    pass(&mut rig, Span::secs(60), &mut world);
    let begin = rig.now;
    let mut sent = calls(&rig.feed(Event::Stop { id: "s".into() }));
    while rig.heart.ended().is_none() && rig.now.since(begin) < PATIENCE {
        sent.extend(calls(&turn(&mut rig, &mut world)));
    }
    let receipt = receipt_in(&sent).unwrap();
    let took = rig.now.since(begin);
    assert!(took <= Span::secs(5), "{took:?}: {:#?}", steps(&receipt));
    assert_ne!(receipt.result, DrainResult::CutShort, "{:#?}", steps(&receipt));
}

/// Nor is anything waited for where its port is open already, and its bootstrap goes on: no job runs before that has
/// ended, and none is counted. One that is past it is waited for.
#[test]
fn a_rundeck_that_still_boots_is_not_waited_for() {
    for (boot, at_once) in [(BootSeen::StillBooting, true), (BootSeen::Past, false)] {
        let mut rig = Rig::new(policy(), 1);
        let mut world = |_: &Rig, call: &Call| match call {
            Call::ProbeWeb { with_boot } => Some(Reply::Web(WebSeen::Ok, with_boot.then_some(boot))),
            call if asks_api(call) => Some(Reply::Api(ApiSeen::Booting)),
            _ => None,
        };
        pass(&mut rig, Span::secs(5), &mut world);
        let begin = rig.now;
        drain(&mut rig, "d1", Cause::RundeckStopping);
        let (receipt, _) = until_receipt(&mut rig, &mut world);
        let took = rig.now.since(begin);
        assert_eq!(took <= Span::secs(5), at_once, "{boot:?}, {took:?}: {:#?}", steps(&receipt));
        let clean = receipt.result == DrainResult::Clean;
        assert_eq!(clean, at_once, "{boot:?}: {:#?}", steps(&receipt));
        assert_eq!(receipt.running_jobs_left == Some(0), at_once, "{boot:?}");
    }
}

/// What was seen of a start says nothing once nobody has looked for a while: jobs may run by now.
#[test]
fn a_start_that_nobody_looks_at_any_more_may_be_over() {
    let mut rig = Rig::new(policy(), 1);
    let mut boots = |_: &Rig, call: &Call| match call {
        Call::ProbeWeb { with_boot } => Some(Reply::Web(WebSeen::Ok, with_boot.then_some(BootSeen::StillBooting))),
        call if asks_api(call) => Some(Reply::Api(ApiSeen::Booting)),
        _ => None,
    };
    pass(&mut rig, Span::secs(5), &mut boots);
    rig.mute = |call| matches!(call, Call::ProbeWeb { .. } | Call::ProbeApi);
    rig.now = rig.now + Span::secs(11);
    drain(&mut rig, "d1", Cause::RundeckStopping);
    pass(&mut rig, Span::secs(2), &mut calm);
    let drain = rig.heart.snapshot().drain;
    assert!(drain.as_ref().is_some_and(|drain| drain.phase != DrainPhase::Done), "{drain:#?}");
}

/// A Rundeck that is stopped while it starts is not waited for: before its port opens it has no jobs, no requests.
#[test]
fn a_rundeck_that_starts_again_has_nothing_to_wait_for() {
    let mut world = |_: &Rig, call: &Call| match call {
        Call::DescribeGroups(_) => {
            let mut facts = facts();
            facts.delay_secs = 300;
            Some(Reply::Groups(Ok(vec![facts.into()])))
        }
        Call::ProbeApi => Some(Reply::Api(info(Some(Mode::Active), Some(0)))),
        _ => None,
    };
    let mut rig = Rig::new(policy(), 1);
    pass(&mut rig, Span::secs(60), &mut world);
    assert!(is_up(&rig) && rig.registered, "never in service");
    (rig.web, rig.in_flight) = (WebSeen::Refused, None);
    rig.process = ProcessSeen::One(Process { pid: 9, start: 99 }, jvm());
    rig.feed(Event::ProcessEnded(RUNDECK));
    let mut refused = |_: &Rig, call: &Call| asks_api(call).then_some(Reply::Api(ApiSeen::Refused));
    pass(&mut rig, Span::secs(20), &mut refused);
    let begin = rig.now;
    drain(&mut rig, "d1", Cause::RundeckStopping);
    let (receipt, _) = until_receipt(&mut rig, &mut refused);
    let took = rig.now.since(begin);
    assert!(took <= Span::secs(60), "{took:?}: {:#?}", steps(&receipt));
}

/// A leaving node that still says 200 (Auto Scaling, jobs run) says 503 once its agent has been blind for two minutes.
#[test]
fn a_leaving_node_that_still_says_200_is_not_vouched_for_blindly() {
    let mut rig = Rig::new(policy(), 1);
    rig.lifecycle = Some("InService".into());
    assert!(rig.until(|rig| is_up(rig) && rig.heart.snapshot().lifecycle.is_some()), "never up");
    rig.running = Some(1);
    drain(&mut rig, "d1", Cause::RundeckStopping);
    assert!(rig.until(|rig| phase(rig) == Some(DrainPhase::Jobs)), "never waits for jobs");
    assert!(is_up(&rig), "not 200 while its jobs run");
    rig.web = WebSeen::CannotConnect;
    pass(&mut rig, Span::secs(120), &mut calm);
    assert!(!is_up(&rig), "{:?}", answer(&rig));
}

/// While anything is waited for, it is said what and until when.
#[test]
fn what_is_waited_for_is_said_with_its_end() {
    let mut rig = settled(policy());
    rig.running = Some(2);
    let mut said = Vec::new();
    let mut commands = drain(&mut rig, "d1", Cause::Operator);
    while phase(&rig) != Some(DrainPhase::Jobs) {
        said.append(&mut commands);
        commands = turn(&mut rig, &mut calm);
    }
    said.append(&mut commands);
    let told = |text: &str| {
        let note =
            |c: &&Command| matches!(c, Command::Tell(n) if n.kind == NoteKind::DrainStep && n.text.contains(text));
        said.iter().find(note).is_some()
    };
    assert!(told("quiet: floor 25.0 s, at most 60.0 s"), "{said:#?}");
    assert!(told("jobs: 2 running, waited for at most 1800.0 s"), "{said:#?}");
}

/// That Rundeck is not running is said by who has looked: not by an agent whose loop stood still while Rundeck was
/// restarted, nor by one that cannot connect any more.
#[test]
fn nobody_is_called_gone_without_a_look() {
    let mut rig = settled(policy());
    rig.running = Some(2);
    drain(&mut rig, "d1", Cause::Operator);
    // Its end is told first, of all that waits; another one has long been started.
    rig.feed(Event::ProcessEnded(RUNDECK));
    rig.process = ProcessSeen::One(Process { pid: 9, start: 99 }, jvm());
    let said = |rig: &Rig, what: &str| {
        let steps = rig.heart.snapshot().drain.map_or(Vec::new(), |drain| drain.steps);
        steps.iter().any(|step| step.said().contains(what))
    };
    pass(&mut rig, Span::secs(100), &mut calm);
    assert!(!said(&rig, "not running"), "{:#?}", rig.heart.snapshot().drain);

    let mut rig = settled(policy());
    rig.web = WebSeen::Refused;
    rig.process = ProcessSeen::None;
    assert!(rig.until(|rig| !is_up(rig)), "never down");
    rig.web = WebSeen::CannotConnect;
    pass(&mut rig, Span::secs(10), &mut calm);
    drain(&mut rig, "d1", Cause::Operator);
    pass(&mut rig, Span::secs(2), &mut calm);
    assert!(!said(&rig, "closed") && !said(&rig, "not running"), "{:#?}", rig.heart.snapshot().drain);
}

/// What a slow disk tells only when the agent has long been running counts as at its start: an operator's drain goes
/// on, and what this run has begun meanwhile stands.
#[test]
fn a_drain_that_a_slow_disk_tells_late_goes_on() {
    let mut rig = settled(policy());
    let drains = vec![order("d1", Cause::Operator, rig.now)];
    let intent = Intent { drains, ..Intent::default() };
    rig.feed(Event::Kept(Kept { intent: Some(intent.clone()), ..Kept::default() }));
    assert_eq!(answer(&rig), (State::Draining, Reason::Operator, false));
    assert_eq!(until_receipt(&mut rig, &mut calm).0.id, "d1");

    let mut rig = settled(policy());
    drain(&mut rig, "d2", Cause::RundeckStopping);
    assert!(rig.until(|rig| rig.mode == Mode::Passive), "never switched");
    rig.feed(Event::Kept(Kept { intent: Some(intent), ..Kept::default() }));
    assert_eq!(rig.heart.snapshot().drain.map(|drain| drain.causes.len()), Some(2));
    rig.feed(Event::Order(3, Order::Resume(Cause::Operator)));
    assert!(rig.until(|rig| rig.mode == Mode::Active), "our passive mode is not undone");
}
