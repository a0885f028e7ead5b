//! The worst cases that docs/HEALTH.md tells, held against the heart: in virtual time, over many seeds, with answers
//! that come at once and with answers that come only just in time.

use crate::rig::{RUNDECK, Rig, jvm, policy, ready};
use rundeck_alb_core::{Call, Event, JvmSeen, Mode, Policy, ProcessSeen, Readiness, Reason, Span, State, WebSeen};
use std::path::Path;

/// Enough that the jitter has been at both of its ends.
const SEEDS: u64 = 60;
/// A probe that is answered only just in time.
const LATE: Span = Span::millis(2_990);

/// The last column of the row that begins with these two cells, in milliseconds; 0, which no time keeps to, where there
/// is none.
fn documented(from: &str, to: &str) -> u64 {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/HEALTH.md");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let row = text.lines().find(|line| line.starts_with(&format!("| {from} | {to} |"))).unwrap_or_default();
    let cell = row.trim_end_matches('|').rsplit('|').next().unwrap_or_default().trim();
    let seconds: f64 = cell.strip_suffix(" s").and_then(|number| number.parse().ok()).unwrap_or_default();
    (seconds * 1000.0).round() as u64
}

fn is_up(rig: &Rig) -> bool {
    rig.heart.snapshot().answer.ok
}

/// Turns in a world where `/health` is answered late and the rest at once, until it is so. Returns how long it took.
fn takes(rig: &mut Rig, late: Span, reached: impl Fn(&Rig) -> bool) -> u64 {
    let begin = rig.now;
    while !reached(rig) {
        assert!(rig.now.since(begin) <= Span::secs(120), "never");
        let due = rig.heart.next_deadline().unwrap_or(rig.now);
        let waits = |call: &Call| matches!(call, Call::ProbeWeb { .. });
        match rig.open.first().cloned() {
            Some(open) if waits(&open.call) && late > Span::ZERO => {
                // Answers come in the order of their questions; what falls due meanwhile is done meanwhile.
                let at = rig.now + late;
                let mut guard = 0;
                while rig.heart.next_deadline().is_some_and(|due| due < at) && guard < 50 {
                    rig.now = rig.heart.next_deadline().unwrap_or(at).max(rig.now);
                    rig.feed(Event::Tick);
                    guard += 1;
                }
                rig.now = rig.now.max(at);
                let reply = rig.reply(&open.call);
                rig.feed(Event::Reply(open.id, reply));
            }
            Some(_) => drop(rig.turn()),
            None => {
                rig.now = due.max(rig.now);
                rig.feed(Event::Tick);
            }
        }
    }
    rig.now.since(begin).0
}

fn worst(from: &str, to: &str, late: Span, case: impl Fn(u64) -> (Rig, fn(&Rig) -> bool)) {
    let bound = documented(from, to);
    let times: Vec<u64> = (0..SEEDS)
        .map(|seed| {
            let (mut rig, reached) = case(seed);
            takes(&mut rig, late, reached)
        })
        .collect();
    let most = times.iter().max().copied().unwrap_or_default();
    assert!(most <= bound, "{from} -> {to}: {most} ms, documented {bound} ms");
    // A bound that is never nearly reached says nothing.
    assert!(most * 4 >= bound, "{from} -> {to}: {most} ms, documented {bound} ms is far off");
}

/// Nobody else is asked whether the node may go: how long that takes is a question of its own.
fn alone() -> Policy {
    let mut policy = policy();
    policy.membership.min_other_healthy = 0;
    policy
}

fn serving(seed: u64, change: impl Fn(&mut Rig)) -> Rig {
    let mut rig = Rig::new(alone(), seed);
    assert!(rig.until(is_up));
    // Steady, and just after a round: the change meets the longest wait.
    let calm = rig.now + Span::secs(40);
    assert!(rig.until(|rig| rig.now >= calm && rig.open.is_empty()));
    change(&mut rig);
    rig
}

fn down(rig: &Rig) -> bool {
    !is_up(rig)
}

#[test]
fn a_node_is_out_as_fast_as_documented() {
    worst("its port refuses", "503", Span::ZERO, |seed| (serving(seed, |rig| rig.web = WebSeen::Refused), down));
    worst("`/health` answers wrongly", "503", LATE, |seed| (serving(seed, |rig| rig.web = WebSeen::Status(500)), down));
    worst("`/health` is silent", "503", LATE, |seed| (serving(seed, |rig| rig.web = WebSeen::TimedOut), down));
    worst("SIGTERM", "503", Span::ZERO, |seed| {
        let told = |rig: &mut Rig| rig.process = ProcessSeen::One(RUNDECK, JvmSeen { stopping: Some(true), ..jvm() });
        (serving(seed, told), down)
    });
    worst("passive mode is set", "503", Span::ZERO, |seed| (serving(seed, |rig| rig.mode = Mode::Passive), down));
}

#[test]
fn a_node_is_in_as_fast_as_documented() {
    worst("Rundeck is ready, with a readiness state", "first 200", LATE, |seed| {
        let mut rig = Rig::new(policy(), seed);
        rig.web = WebSeen::Refused;
        let waiting = rig.now + Span::secs(30);
        assert!(rig.until(|rig| rig.now >= waiting && rig.open.is_empty()));
        rig.web = WebSeen::Ok;
        rig.ready = ready(Readiness::Ready);
        (rig, is_up)
    });
    worst("the API answers, without one", "first 200", LATE, |seed| {
        let mut rig = Rig::new(policy(), seed);
        rig.web = WebSeen::Refused;
        let waiting = rig.now + Span::secs(30);
        assert!(rig.until(|rig| rig.now >= waiting && rig.open.is_empty()));
        rig.web = WebSeen::Ok;
        (rig, is_up)
    });
    worst("`/health` answers again", "200", LATE, |seed| {
        let mut rig = serving(seed, |rig| rig.web = WebSeen::Status(500));
        assert!(rig.until(down));
        let calm = rig.now + Span::secs(10);
        assert!(rig.until(|rig| rig.now >= calm && rig.open.is_empty()));
        rig.web = WebSeen::Ok;
        (rig, is_up)
    });
}

/// What the load balancer is told between two turns, by a snapshot that nobody renews.
#[test]
fn a_verdict_is_stale_when_it_is_older_than_it_may_be_not_at_that_age() {
    let mut rig = Rig::new(policy(), 1);
    assert!(rig.until(|rig| rig.heart.answer().ok && rig.registered), "never in service");
    let serves = rig.heart.snapshot();
    let most = serves.looked_at + serves.max_age;
    assert_eq!(serves.answer_at(most), serves.answer);
    let stale = serves.answer_at(most + Span(1));
    assert_eq!((stale.ok, stale.state, stale.reason), (false, State::Stale, Reason::Stale));
    // A leaving node says that it leaves, however old that is; one that still says 200 is vouched for by the probes.
    for (lifecycle, stale) in [(None, false), (Some("InService"), true)] {
        let mut rig = rig.clone();
        rig.lifecycle = lifecycle.map(String::from);
        let asked = rig.now + Span::secs(100);
        assert!(rig.until(|rig| rig.now >= asked));
        rig.running = Some(1);
        rig.feed(Event::Stop { id: "s1".into() });
        let leaves = rig.heart.snapshot();
        assert_eq!((leaves.answer.ok, leaves.answer.state), (stale, State::Draining));
        let late = leaves.answer_at(leaves.looked_at + leaves.max_age + Span(1));
        assert_eq!(late.state == State::Stale, stale, "{late:?}");
    }
}
