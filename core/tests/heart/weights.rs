//! The weights of evidence (docs/HEALTH.md), one line each: how many looks it takes to take a node out, or that none
//! does.

use crate::rig::{RUNDECK, Rig, host, jvm, policy, ready};
use rundeck_alb_core::{
    Call, DatabaseSeen, Degraded, Event, JvmSeen, Moment, ProcessSeen, Readiness, ReadySeen, Reason, Span, State,
    Unjudged, WebSeen,
};

/// Long enough for anything that is ever believed.
const LONG: Span = Span::secs(900);

fn up(change: impl FnOnce(&mut Rig)) -> Rig {
    let mut policy = policy();
    policy.membership.min_other_healthy = 0;
    let mut rig = Rig::new(policy, 1);
    change(&mut rig);
    assert!(rig.until(is_up), "never up");
    rig
}

fn is_up(rig: &Rig) -> bool {
    rig.heart.snapshot().answer.ok
}

/// Looks of this kind until the node is out, and why; `None`: still in service after a long time.
fn looks_until_down(mut rig: Rig, kind: fn(&Call) -> bool) -> Option<(u32, Reason)> {
    let end = rig.now + LONG;
    let mut looks = 0;
    while rig.now < end {
        let answered = rig.open.iter().find(|open| !(rig.mute)(&open.call)).is_some_and(|open| kind(&open.call));
        rig.turn();
        looks += u32::from(answered);
        let answer = rig.heart.snapshot().answer;
        if !answer.ok {
            assert_eq!(answer.state, State::Down);
            return Some((looks, answer.reason));
        }
    }
    None
}

fn web(call: &Call) -> bool {
    matches!(call, Call::ProbeWeb { .. })
}

fn process(call: &Call) -> bool {
    matches!(call, Call::FindProcess { .. })
}

fn readiness(call: &Call) -> bool {
    matches!(call, Call::ProbeReadiness { .. })
}

fn disks(call: &Call) -> bool {
    matches!(call, Call::LookDisks { .. })
}

#[test]
fn each_evidence_has_its_weight() {
    let fall = policy().health.fall;
    for (seen, want) in [
        (WebSeen::Refused, Some((2, Reason::Refused))),
        (WebSeen::Status(500), Some((fall, Reason::BadStatus))),
        (WebSeen::Status(404), Some((fall, Reason::BadStatus))),
        (WebSeen::Body, Some((fall, Reason::BadBody))),
        (WebSeen::Truncated, Some((fall, Reason::BadBody))),
        (WebSeen::Redirect, Some((fall, Reason::Redirect))),
        (WebSeen::TimedOut, Some((fall, Reason::Timeout))),
        (WebSeen::Disabled, None),
        (WebSeen::Elsewhere, Some((fall, Reason::WrongProcess))),
        (WebSeen::CannotJudge(Unjudged::Host), None),
        (WebSeen::CannotJudge(Unjudged::Name), None),
    ] {
        let mut rig = up(|_| ());
        rig.web = seen;
        assert_eq!(looks_until_down(rig, web), want, "{seen:?}");
    }
}

#[test]
fn the_other_local_checks_have_theirs() {
    let fall = policy().health.fall;
    let mut told = up(|_| ());
    told.process = ProcessSeen::One(RUNDECK, JvmSeen { stopping: Some(true), ..jvm() });
    assert_eq!(looks_until_down(told, process), Some((2, Reason::RundeckStopping)));
    let mut stranger = up(|_| ());
    stranger.process = ProcessSeen::One(RUNDECK, JvmSeen { stranger: Some(1001), ..jvm() });
    assert_eq!(looks_until_down(stranger, process), Some((fall, Reason::WrongProcess)));
    for (state, bound, want) in [
        (Readiness::NotReady, false, Some((fall, Reason::RundeckStopping))),
        (Readiness::TimedOut, false, Some((fall, Reason::Timeout))),
        (Readiness::TimedOut, true, None),
        (Readiness::Refused, false, None),
        (Readiness::Unclear("html".into()), false, None),
        (Readiness::Absent, false, None),
    ] {
        let says = |readiness| ReadySeen { readiness, database: None, bound };
        let mut rig = up(|rig| rig.ready = says(Readiness::Ready));
        rig.ready = says(state.clone());
        assert_eq!(looks_until_down(rig, readiness), want, "{state:?}, bound {bound}");
    }
    let mut full = up(|_| ());
    full.free = 5;
    assert_eq!(looks_until_down(full, disks), Some((fall, Reason::Disk)));
    let mut low = up(|_| ());
    low.free = 50;
    low.host = host(1 << 20, 5_000);
    assert_eq!(looks_until_down(low, disks), None);
}

#[test]
fn what_all_members_share_takes_none_out() {
    for seen in [DatabaseSeen::Failed(500), DatabaseSeen::TimedOut, DatabaseSeen::Unclear("token rejected".into())] {
        let mut rig = up(|_| ());
        rig.database = seen.clone();
        rig.mute = |call| matches!(call, Call::ProbeApi);
        assert_eq!(looks_until_down(rig, web), None, "{seen:?}");
    }
    let says = |database| ReadySeen { readiness: Readiness::Ready, database, bound: true };
    let mut rig = up(|rig| rig.ready = says(Some(true)));
    rig.ready = says(Some(false));
    assert_eq!(looks_until_down(rig.clone(), readiness), None);
    assert!(rig.until(|rig| rig.heart.snapshot().degraded == [Degraded::Database]));
}

#[test]
fn silence_while_a_database_call_hangs_is_nobodys_own() {
    let mut rig = up(|_| ());
    rig.mute = |call| matches!(call, Call::ProbeApi | Call::ProbeDatabase { .. });
    assert!(rig.until(|rig| rig.heart.snapshot().degraded == [Degraded::Database]), "never degraded");
    // It answers on while the call that comes after one that was given up hangs, too.
    let begin = rig.now;
    assert!(rig.until(|rig| rig.now.since(begin) > Span::secs(60)));
    rig.web = WebSeen::TimedOut;
    let silent = rig.now;
    assert!(rig.until(|rig| !is_up(rig)), "an excuse has an end");
    let excused = rig.now.since(silent);
    assert!(excused >= Span::secs(300) && excused <= Span::secs(330), "{excused:?}");
    // A JVM that stops in the same moment as its database-bound call has no such excuse.
    let mut frozen = up(|_| ());
    frozen.mute = |call| matches!(call, Call::ProbeApi | Call::ProbeDatabase { .. });
    frozen.web = WebSeen::TimedOut;
    let silent = frozen.now;
    assert!(frozen.until(|rig| !is_up(rig)));
    assert!(frozen.now.since(silent) <= Span::secs(15), "{:?}", frozen.now.since(silent));
}

#[test]
fn a_disk_is_no_reason_to_have_a_node_replaced() {
    let mut rig = up(|rig| rig.lifecycle = Some("InService".into()));
    rig.free = 5;
    assert_eq!(looks_until_down(rig.clone(), disks), None);
    assert!(rig.until(|rig| rig.heart.snapshot().degraded == [Degraded::Disk]));
}

#[test]
fn a_first_up_wants_the_readiness_state_or_a_settled_run() {
    let begin = Moment(1_000_000);
    let settled = up(|_| ());
    assert!(settled.now.since(begin) >= policy().health.settle, "{:?}", settled.now.since(begin));
    let shown = up(|rig| rig.ready = ready(Readiness::Ready));
    assert!(shown.now.since(begin) < Span::secs(5), "{:?}", shown.now.since(begin));
    let mut never = Rig::new(policy(), 1);
    never.ready = ready(Readiness::NotReady);
    let budget = begin + policy().health.boot_timeout + Span::secs(1);
    assert!(never.until(|rig| rig.now >= budget || is_up(rig)));
    let answer = never.heart.snapshot().answer;
    assert_eq!((answer.state, answer.reason), (State::Down, Reason::BootTimeout));
}

#[test]
fn coming_back_takes_the_rise_count_of_each_check() {
    let mut rig = up(|_| ());
    rig.process = ProcessSeen::One(RUNDECK, JvmSeen { stranger: Some(1001), ..jvm() });
    assert!(rig.until(|rig| !is_up(rig)));
    rig.process = ProcessSeen::One(RUNDECK, jvm());
    let mut looks = 0;
    while !is_up(&rig) {
        looks += u32::from(rig.open.first().is_some_and(|open| process(&open.call)));
        rig.turn();
    }
    assert_eq!(looks, policy().health.rise);
}

#[test]
fn an_orphaned_port_is_believed_late() {
    let mut rig = up(|_| ());
    rig.process = ProcessSeen::None;
    rig.feed(Event::ProcessEnded(RUNDECK));
    let ended = rig.now;
    assert!(rig.until(|rig| rig.heart.snapshot().answer.reason == Reason::WrongProcess), "never told");
    assert!(rig.until(is_up), "never believed");
    assert!(rig.now.since(ended) >= Span::secs(60), "{:?}", rig.now.since(ended));
}
