//! What a first `up` waits for beside good rounds, and for how long.

use super::*;
use crate::rig::{RUNDECK, jvm, policy, ready};
use rundeck_alb_core::{ApiSeen, Finding, Intent, Kept, PassiveRule, Process, ProcessSeen, Readiness, Share, WebSeen};

/// Never in service for two minutes, in which everybody has long been asked.
fn never_up(rig: &mut Rig, world: World<'_>) {
    let begin = rig.now;
    while rig.now.since(begin) < Span::secs(120) {
        turn(rig, world);
        assert!(!is_up(rig), "200 after {:?} (registered: {})", rig.now.since(begin), rig.registered);
    }
}

/// A Rundeck that starts passive is never in service, also when it rejects the token until it has read its file.
#[test]
fn a_first_up_is_not_passive_when_the_token_is_rejected_at_first() {
    let mut rig = Rig::new(policy(), 1);
    rig.mode = Mode::Passive;
    let mut asked = 0;
    never_up(&mut rig, &mut |_, call| {
        asked += u32::from(asks_api(call));
        (asks_api(call) && asked <= 4).then_some(Reply::Api(ApiSeen::Rejected))
    });
}

/// Nor is it while its API is silent at first, or the token's file is not there yet: neither tells the mode.
#[test]
fn a_first_up_is_not_passive_when_the_mode_cannot_be_asked_at_first() {
    for seen in [ApiSeen::TimedOut, ApiSeen::Unreadable("the token's file is not there".into())] {
        let mut rig = Rig::new(policy(), 1);
        rig.mode = Mode::Passive;
        let begin = rig.now;
        never_up(&mut rig, &mut |rig, call| {
            (asks_api(call) && rig.now.since(begin) < Span::secs(12)).then(|| Reply::Api(seen.clone()))
        });
    }
}

/// Nor is it at the second try of a start: the wait that an earlier good run has used up is not that of this one.
#[test]
fn a_first_up_is_not_passive_at_the_second_try_of_a_start() {
    let mut rig = Rig::new(policy(), 1);
    rig.mode = Mode::Passive;
    let mut silent = |_: &Rig, call: &Call| asks_api(call).then_some(Reply::Api(ApiSeen::TimedOut));
    pass(&mut rig, Span::secs(20), &mut silent);
    assert!(!is_up(&rig));
    // `/health` falls silent: it still boots.
    rig.web = WebSeen::TimedOut;
    pass(&mut rig, Span::secs(120), &mut silent);
    rig.web = WebSeen::Ok;
    let begin = rig.now;
    never_up(&mut rig, &mut |rig, call| {
        (asks_api(call) && rig.now.since(begin) < Span::secs(30)).then_some(Reply::Api(ApiSeen::TimedOut))
    });
}

/// The wait for the mode has an end: a token that is rejected for good keeps no node out.
#[test]
fn a_token_that_is_rejected_for_good_keeps_no_node_out() {
    let mut rig = Rig::new(policy(), 1);
    let rejected = |_: &Rig, call: &Call| asks_api(call).then_some(Reply::Api(ApiSeen::Rejected));
    pass(&mut rig, policy().health.boot_timeout, &mut { rejected });
    assert!(is_up(&rig) && rig.registered, "{:?}", answer(&rig));
}

/// And as soon as it has waited for long enough it is told what keeps the mode from being seen.
#[test]
fn a_node_that_comes_in_without_its_mode_being_known_says_why() {
    let cases = [(ApiSeen::Rejected, Finding::TokenRejected), (ApiSeen::Failed(500), Finding::ApiFailing)];
    for (seed, (seen, finding)) in (1..6).flat_map(|seed| cases.clone().map(|case| (seed, case))) {
        let mut rig = Rig::new(policy(), seed);
        let mut world = |_: &Rig, call: &Call| asks_api(call).then(|| Reply::Api(seen.clone()));
        let end = rig.now + Span::secs(120);
        while !is_up(&rig) {
            assert!(rig.now < end, "never up");
            turn(&mut rig, &mut world);
        }
        pass(&mut rig, Span::secs(2), &mut world);
        let told: Vec<Finding> = rig.heart.snapshot().findings.iter().map(|view| view.finding).collect();
        assert!(told.contains(&finding), "seed {seed}: {told:?}");
    }
}

/// A node whose disk is full from the start never says 200 and never joins its target group.
#[test]
fn a_full_disk_from_the_start_is_never_up() {
    for state in [Readiness::Absent, Readiness::Ready] {
        let mut rig = Rig::new(policy(), 1);
        rig.ready = ready(state);
        rig.free = 5;
        never_up(&mut rig, &mut calm);
        assert!(!rig.registered);
    }
}

/// Nor is one whose first looks at its disk get lost, or that were sent before it was known where Rundeck writes to.
#[test]
fn a_full_disk_is_never_up_because_the_first_look_came_late() {
    type Lost = fn(&Call) -> bool;
    let all: Lost = |call| matches!(call, Call::LookDisks { .. });
    let early: Lost = |call| matches!(call, Call::LookDisks { process: None });
    for state in [Readiness::Absent, Readiness::Ready] {
        for (lost, span) in [(all, 11), (early, 9)] {
            let mut rig = Rig::new(policy(), 1);
            (rig.ready, rig.free, rig.mute) = (ready(state.clone()), 5, lost);
            let end = rig.now + Span::secs(span);
            while rig.now < end {
                turn(&mut rig, &mut calm);
                assert!(!is_up(&rig), "200 before anybody has looked");
            }
            rig.mute = |_| false;
            never_up(&mut rig, &mut calm);
            assert!(!rig.registered);
        }
    }
}

/// The first look says nothing of where a process writes to that is found while it is under way.
#[test]
fn a_look_at_the_disks_from_before_the_process_was_found_counts_for_nothing() {
    let mut rig = Rig::new(policy(), 1);
    rig.free = 5;
    let nowhere =
        |_: &Rig, call: &Call| matches!(call, Call::LookDisks { process: None }).then(|| Reply::Disks(Vec::new()));
    never_up(&mut rig, &mut { nowhere });
}

/// The wait for a look at the disks has an end, and there is none where no mark takes the node out.
#[test]
fn disks_that_nobody_can_look_at_keep_no_node_out() {
    for (mark, most) in [(10, 90), (0, 40)] {
        let mut policy = policy();
        policy.health.disk.down_below = Share(mark);
        let mut rig = Rig::new(policy, 1);
        rig.mute = |call| matches!(call, Call::LookDisks { .. });
        let begin = rig.now;
        assert!(rig.until(|rig| is_up(rig) || rig.now.since(begin) > Span::secs(most)) && is_up(&rig), "{mark}");
    }
}

/// In an Auto Scaling group a full disk takes no node out, nor does it keep one from coming in.
#[test]
fn in_a_group_a_full_disk_keeps_no_node_out() {
    let mut rig = Rig::new(policy(), 1);
    (rig.free, rig.lifecycle) = (5, Some("InService".into()));
    let begin = rig.now;
    assert!(rig.until(|rig| is_up(rig) || rig.now.since(begin) > Span::secs(60)) && is_up(&rig));
}

/// A Rundeck that was started anew has the whole time to boot, not what the one before it has left: whether its
/// predecessor's end was seen or not, or nobody was there at all until now.
#[test]
fn a_new_rundeck_has_a_boot_budget_of_its_own() {
    let new = Process { pid: 9, start: 99 };
    let found = |seen: &[Process], at: u64| {
        let mut rig = Rig::new(policy(), 1);
        rig.web = WebSeen::Refused;
        rig.process = seen.first().map_or(ProcessSeen::None, |old| ProcessSeen::One(*old, jvm()));
        pass(&mut rig, Span::secs(at), &mut calm);
        rig.process = ProcessSeen::One(new, jvm());
        rig
    };
    let boots = |mut rig: Rig| {
        pass(&mut rig, Span::secs(60), &mut calm);
        assert_eq!(answer(&rig), (State::Booting, Reason::Waiting, false), "a minute after its start");
        pass(&mut rig, Span::secs(560), &mut calm);
        assert_eq!(answer(&rig).1, Reason::BootTimeout, "ten minutes after its start");
    };
    boots(found(&[RUNDECK], 590));
    boots(found(&[], 590));
    boots(found(&[], 660));
    let mut ended = found(&[RUNDECK], 590);
    ended.feed(Event::ProcessEnded(RUNDECK));
    boots(ended);
}

/// How long a start takes, from the first look on; an earlier run of the agent has noted that passive mode is its own
/// to undo, or has not.
fn first_up(policy: Policy, mode: Mode, ours: bool, mute: fn(&Call) -> bool) -> Span {
    let mut rig = Rig::new(policy, 1);
    (rig.mode, rig.mute) = (mode, mute);
    let process = ours.then_some(RUNDECK);
    rig.feed(Event::Kept(Kept {
        intent: Some(Intent { passive_by_us: ours, process, ..Intent::default() }),
        ..Kept::default()
    }));
    let begin = rig.now;
    assert!(rig.until(|rig| is_up(rig) || rig.now.since(begin) > Span::secs(300)) && is_up(&rig), "never up");
    rig.now.since(begin)
}

/// A node whose passive mode is ours and about to be undone is in service once it is active again, not before: and no
/// other node waits for that.
#[test]
fn a_first_up_waits_for_our_own_passive_mode_to_be_undone_and_for_no_other() {
    let none = |_: &Call| false;
    let usual = first_up(policy(), Mode::Active, false, none);
    assert_eq!(first_up(policy(), Mode::Active, true, none), usual, "it is active already");
    let mut stays = policy();
    stays.health.passive = PassiveRule::In;
    assert_eq!(first_up(stays, Mode::Passive, false, none), usual, "nobody here undoes it");
    // The switch back is not answered: it is waited for, but not for ever.
    let waited = first_up(policy(), Mode::Passive, true, |call| matches!(call, Call::SetMode(_)));
    assert!(waited >= usual + Span::secs(50), "up after {waited:?}, and passive");
}

/// So does a round that is lost now and then: what was waited before it counts.
#[test]
fn an_expired_token_and_a_round_that_is_lost_now_and_then_keep_no_node_out() {
    let mut rig = Rig::new(policy(), 1);
    let (begin, mut last) = (rig.now, rig.now);
    while !is_up(&rig) {
        assert!(rig.now.since(begin) < Span::secs(180), "{:?}", answer(&rig));
        turn(&mut rig, &mut |rig, call| match call {
            Call::ProbeApi => Some(Reply::Api(ApiSeen::Rejected)),
            Call::ProbeWeb { .. } if rig.now.since(last) > Span::secs(50) => {
                last = rig.now;
                Some(Reply::Web(WebSeen::TimedOut, None))
            }
            _ => None,
        });
    }
}

/// A disk that looks full is waited for until that is sure, however many looks it takes.
#[test]
fn a_full_disk_is_never_up_however_many_looks_must_agree() {
    let mut policy = policy();
    policy.health.fall = 10;
    let mut rig = Rig::new(policy, 1);
    rig.free = 5;
    let begin = rig.now;
    while rig.now.since(begin) < Span::secs(300) {
        turn(&mut rig, &mut calm);
        assert!(!is_up(&rig), "200 after {:?}", rig.now.since(begin));
    }
}
