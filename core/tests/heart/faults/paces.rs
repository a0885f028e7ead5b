//! When Rundeck is asked: often enough for a verdict that is never too old, and no oftener than it is worth.

use super::*;
use crate::rig::{RUNDECK, info, jvm, policy, ready};
use rundeck_alb_core::{ApiSeen, Check, DiskSeen, Info, JvmSeen, ProcessSeen, Readiness, Room, Unjudged, WebSeen};

/// Rounds in ten minutes; 120 are steady.
fn rounds(rig: &mut Rig, world: World<'_>) -> usize {
    pass(rig, Span::secs(60), world);
    let sent = pass(rig, Span::secs(600), world);
    count(&sent, |call| matches!(call, Call::ProbeWeb { .. }))
}

fn fails(rig: &Rig, check: Check) -> u32 {
    rig.heart.snapshot().checks.iter().find(|row| row.check == check).map_or(0, |row| row.fails)
}

/// After one bad answer, and then answers that say nothing, Rundeck is soon asked at the steady pace again: whichever
/// check it was, for there is nothing to be gained by more of them.
#[test]
fn the_pace_calms_down_when_nobody_can_tell() {
    type Change = fn(&mut Rig);
    let cases: [(Check, Change, Change); 4] = [
        (
            Check::Readiness,
            |rig| rig.ready = ready(Readiness::NotReady),
            |rig| {
                // A login page, say.
                rig.ready = ready(Readiness::Unclear("html".into()));
            },
        ),
        (Check::Web, |rig| rig.web = WebSeen::Status(500), |rig| rig.web = WebSeen::CannotJudge(Unjudged::Host)),
        (
            Check::Process,
            |rig| rig.process = ProcessSeen::One(RUNDECK, JvmSeen { stranger: Some(7), ..jvm() }),
            |rig| {
                rig.process = ProcessSeen::None;
            },
        ),
        (
            Check::Process,
            |rig| rig.process = ProcessSeen::One(RUNDECK, JvmSeen { stranger: Some(7), ..jvm() }),
            |rig| {
                rig.mute = |call| matches!(call, Call::FindProcess { .. });
            },
        ),
    ];
    for (check, bad, nothing) in cases {
        let mut rig = Rig::new(policy(), 1);
        rig.ready = ready(Readiness::Ready);
        assert!(rig.until(|rig| is_up(rig) && rig.registered), "never in service");
        pass(&mut rig, Span::secs(30), &mut calm);
        bad(&mut rig);
        assert!(rig.until(|rig| fails(rig, check) > 0), "{check:?} never failed");
        nothing(&mut rig);
        let rounds = rounds(&mut rig, &mut calm);
        assert!(is_up(&rig) && rounds < 150, "{check:?}: {rounds} rounds in ten minutes; {:?}", answer(&rig));
    }
}

/// A node that is down and of which nobody can tell any more is asked no oftener than one that is down.
#[test]
fn a_node_that_is_down_is_not_asked_faster_when_nobody_can_tell() {
    let mut rig = settled(policy());
    rig.web = WebSeen::Status(500);
    assert!(rig.until(|rig| !is_up(rig)), "never down");
    rig.web = WebSeen::Ok;
    assert!(rig.until(|rig| rig.heart.snapshot().checks.iter().any(|c| c.check == Check::Web && c.passes == 1)));
    rig.web = WebSeen::CannotJudge(Unjudged::Name);
    let rounds = rounds(&mut rig, &mut calm);
    assert!(rounds < 350, "{rounds} rounds in ten minutes, where 300 are the pace of a node that is down");
}

/// Nor is one that is down, or does not start, while it answers wrongly: every two seconds, in which it is seen to be
/// back soon enough.
#[test]
fn a_node_that_is_down_or_starts_is_asked_every_two_seconds() {
    let mut down = settled(policy());
    down.web = WebSeen::Status(500);
    let mut starts = Rig::new(policy(), 1);
    starts.web = WebSeen::Refused;
    for mut rig in [down, starts] {
        let rounds = rounds(&mut rig, &mut calm);
        assert!((270..=335).contains(&rounds), "{rounds} rounds in ten minutes; {:?}", answer(&rig));
    }
}

/// A file system that was seen nearly full once, and then cannot be read, is looked at each minute, not each ten
/// seconds.
#[test]
fn a_disk_that_cannot_be_read_is_looked_at_no_oftener() {
    let mut rig = settled(policy());
    rig.free = 5;
    assert!(rig.until(|rig| fails(rig, Check::Disk) > 0), "never seen");
    let hung = || vec![DiskSeen { path: "/var/lib/rundeck".into(), room: Room::Hung }];
    let mut world = |_: &Rig, call: &Call| matches!(call, Call::LookDisks { .. }).then(|| Reply::Disks(hung()));
    pass(&mut rig, Span::secs(120), &mut world);
    let sent = pass(&mut rig, Span::secs(600), &mut world);
    let looks = count(&sent, |call| matches!(call, Call::LookDisks { .. }));
    assert!(looks <= 12, "{looks} looks in ten minutes");
}

/// How often `/health` said no in an hour in which all is well, but each round is answered only just in time.
fn stale_in_an_hour(policy: Policy) -> u32 {
    let late = policy.health.timeout - Span(1);
    let mut rig = Rig::new(policy, 1);
    assert!(rig.until(is_up), "never up");
    let (mut stale, end) = (0, rig.now + HOUR);
    while rig.now < end {
        let Some(at) = rig.open.iter().position(|open| matches!(open.call, Call::ProbeWeb { .. })) else {
            rig.turn();
            continue;
        };
        let open = rig.open.remove(at);
        rig.now = rig.now + late;
        stale += u32::from(!rig.heart.snapshot().answer_at(rig.now).ok);
        let reply = rig.reply(&open.call);
        rig.feed(Event::Reply(open.id, reply));
    }
    stale
}

/// The least `max_age` that is accepted makes no healthy node `stale`; what is refused does, jitter included.
#[test]
fn an_accepted_max_age_is_never_stale_while_all_is_well() {
    for (interval, timeout) in [(10_000, 1_000), (5_000, 3_000), (1_000, 900)] {
        let mut policy = policy();
        (policy.health.interval, policy.health.timeout) = (Span(interval), Span(timeout));
        policy.health.max_age = policy.health.oldest() + Span(1);
        assert_eq!(stale_in_an_hour(policy.clone()), 0, "every {interval} ms");
        policy.health.max_age = policy.health.interval + policy.health.timeout + Span(1);
        assert!(stale_in_an_hour(policy) > 0, "every {interval} ms: refused without need");
    }
}

/// A scan of the process table for a Rundeck that nobody recognises costs processor time: six a minute are enough,
/// however often `/health` answers. One that begins to answer is looked for at once.
#[test]
fn an_unknown_process_is_looked_for_when_it_begins_to_answer_and_else_six_times_a_minute() {
    let looks = |sent: &[Call]| count(sent, |call| matches!(call, Call::FindProcess { .. }));
    let mut rig = Rig::new(policy(), 1);
    rig.process = ProcessSeen::None;
    pass(&mut rig, Span::secs(60), &mut calm);
    let steady = looks(&pass(&mut rig, Span::secs(600), &mut calm));
    assert!((54..=67).contains(&steady), "{steady} scans in ten minutes");
    let mut worst = Span::ZERO;
    for seed in 0..20 {
        let mut rig = Rig::new(policy(), seed);
        (rig.process, rig.web) = (ProcessSeen::None, WebSeen::Refused);
        pass(&mut rig, Span::secs(61), &mut calm);
        (rig.process, rig.web) = (ProcessSeen::One(RUNDECK, jvm()), WebSeen::Ok);
        let begin = rig.now;
        assert!(rig.until(|rig| rig.heart.snapshot().rundeck.process == Some(RUNDECK)));
        worst = worst.max(rig.now.since(begin));
    }
    assert!(worst < Span::secs(3), "found after {worst:?}, where a round is due within 2.2 s");
}

/// While a call that needs the database hangs, one round is made as soon as it tells whose trouble it is, and no other
/// beside the steady ones.
#[test]
fn one_round_tells_whose_trouble_a_hanging_call_is() {
    let mut rig = settled(policy());
    rig.mute = |call| matches!(call, Call::ProbeDatabase { .. });
    assert!(rig.until(|rig| rig.open.iter().any(|open| matches!(open.call, Call::ProbeDatabase { .. }))));
    let sent = rig.now;
    // A third of a probe's limit.
    let evident = sent + Span::secs(1);
    let mut rounds = Vec::new();
    while rig.now < sent + Span::secs(4) {
        let asked = count(&calls(&turn(&mut rig, &mut calm)), |call| matches!(call, Call::ProbeWeb { .. }));
        rounds.extend(std::iter::repeat_n(rig.now, asked));
    }
    rounds.retain(|at| *at >= evident && at.since(evident) < Span::secs(3));
    assert_eq!(rounds, [evident]);
}

/// A readiness endpoint that is not there is looked for again when Rundeck's version has changed, not only half an hour
/// later.
#[test]
fn another_version_has_its_readiness_endpoint_looked_for() {
    let mut rig = settled(policy());
    let looks = |sent: &[Call]| count(sent, |call| matches!(call, Call::ProbeReadiness { .. }));
    assert_eq!(looks(&pass(&mut rig, Span::secs(120), &mut calm)), 0);
    let mut upgraded = |_: &Rig, call: &Call| {
        let ApiSeen::Info(seen) = info(Some(Mode::Active), Some(0)) else { return None };
        asks_api(call).then(|| Reply::Api(ApiSeen::Info(Info { version: "6.0.0".into(), ..seen })))
    };
    assert_eq!(looks(&pass(&mut rig, Span::secs(120), &mut upgraded)), 1);
}
