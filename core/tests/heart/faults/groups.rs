//! What an Auto Scaling group means for a drain: a choice needs its permission for as long as it lasts.

use super::*;
use crate::rig::{GROUP, in_group, policy};
use rundeck_alb_core::{DrainResult, Intent, Kept, OrderAnswer, Ownership, Trouble, TroubleKind, WebSeen};

/// A drain that is refused in an Auto Scaling group is accepted after the cure that the refusal names: Standby, detach.
#[test]
fn the_cure_that_a_refused_drain_names_works() {
    for state in ["Standby", "Detached"] {
        let mut rig = Rig::new(policy(), 1);
        rig.lifecycle = Some(state.into());
        assert!(rig.until(|rig| is_up(rig) && rig.heart.snapshot().lifecycle.is_some()), "never up");
        let commands = drain(&mut rig, "d1", Cause::Operator);
        let refused = |command: &&Command| matches!(command, Command::Answer(_, OrderAnswer::Refused { .. }));
        assert_eq!(commands.iter().find(refused), None, "in {state}");
    }
}

/// A node ordered out before metadata told of its Auto Scaling group says 200 once they have, until its jobs are done.
#[test]
fn what_metadata_tell_during_a_drain_counts() {
    let mut rig = Rig::new(policy(), 1);
    rig.lifecycle = Some("InService".into());
    rig.running = Some(2);
    rig.mute = |call| matches!(call, Call::AskLifecycle);
    assert!(rig.until(is_up), "never up");
    drain(&mut rig, "d1", Cause::RundeckStopping);
    rig.mute = |_| false;
    assert!(rig.until(|rig| rig.heart.snapshot().lifecycle.is_some()), "never told");
    pass(&mut rig, Span::secs(5), &mut calm);
    let end = rig.now + Span::secs(90);
    while rig.now < end {
        rig.turn();
        assert!(is_up(&rig), "two jobs run; {:?}, phase {:?}", answer(&rig), phase(&rig));
    }
    rig.running = Some(0);
    let (receipt, _) = until_receipt(&mut rig, &mut calm);
    assert!(!is_up(&rig), "200 after its end: {:#?}", steps(&receipt));
}

/// An operator's drain in Standby ends by itself when the node is in service again, where a 503 gets it replaced.
#[test]
fn a_drain_ends_with_its_permission() {
    let mut rig = Rig::new(policy(), 1);
    rig.lifecycle = Some("Standby".into());
    assert!(rig.until(|rig| is_up(rig) && rig.heart.snapshot().lifecycle.is_some()), "never up");
    rig.running = Some(1);
    drain(&mut rig, "d1", Cause::Operator);
    assert!(rig.until(|rig| phase(rig) == Some(DrainPhase::Jobs)), "never waits for jobs");
    assert!(!is_up(&rig), "200 while leaving in Standby");
    rig.lifecycle = Some("InService".into());
    let (receipt, _) = until_receipt(&mut rig, &mut calm);
    assert_eq!((receipt.result, phase(&rig), is_up(&rig)), (DrainResult::Resumed, None, true));
    pass(&mut rig, Span::secs(30), &mut calm);
    assert_eq!(rig.mode, Mode::Active, "our passive mode is undone");
    let told = rig.heart.snapshot().findings.iter().any(|f| f.finding.word() == "asg-will-replace");
    assert!(told, "nobody is told why");
}

/// Where the group would not replace the node for it (Standby, detached), what is wrong takes it out as anywhere else;
/// and it is let in again at once when the group has it back and would.
#[test]
fn only_a_group_that_would_replace_the_node_keeps_it_in() {
    type Change = fn(&mut Rig);
    let cases: [(Reason, Change); 2] =
        [(Reason::Passive, |rig| rig.mode = Mode::Passive), (Reason::Disk, |rig| rig.free = 5)];
    for (reason, change) in cases {
        for state in ["Standby", "Detached"] {
            let mut rig = Rig::new(policy(), 1);
            rig.lifecycle = Some(state.into());
            assert!(rig.until(|rig| is_up(rig) && rig.heart.snapshot().lifecycle.is_some()), "never up");
            change(&mut rig);
            pass(&mut rig, Span::secs(240), &mut calm);
            assert_eq!(answer(&rig), (State::Down, reason, false), "in {state}");
            rig.lifecycle = Some("InService".into());
            pass(&mut rig, Span::secs(70), &mut calm);
            assert!(is_up(&rig), "in service, and still out for {reason}");
        }
    }
}

/// A lifecycle item that is missing says "in no group" only where none was ever seen: afterwards it frees nobody to
/// act, nor to be drained.
#[test]
fn a_lifecycle_item_that_goes_missing_frees_no_node() {
    let mut policy = policy();
    policy.membership.groups[0].ownership = Ownership::Auto;
    let mut rig = Rig::new(policy, 1);
    rig.lifecycle = Some("InService".into());
    rig.scaling = Some(Ok(Some(in_group("InService", &["ELB"], &[GROUP]))));
    assert!(rig.until(|rig| is_up(rig) && rig.heart.snapshot().lifecycle.is_some()), "never up");
    rig.lifecycle = None;
    let sent = pass(&mut rig, Span::secs(600), &mut calm);
    assert_eq!(count(&sent, Call::changes_balancer), 0, "the group owns it");
    let commands = drain(&mut rig, "d1", Cause::Operator);
    assert!(commands.iter().any(|command| matches!(command, Command::Answer(_, OrderAnswer::Refused { .. }))));
}

/// An item that a group sets only after the agent had looked for the first time is seen soon, not a minute later.
#[test]
fn a_lifecycle_item_that_comes_late_is_seen_soon() {
    let mut rig = Rig::new(policy(), 1);
    let begin = rig.now;
    pass(&mut rig, Span::secs(2), &mut calm);
    rig.lifecycle = Some("InService".into());
    assert!(rig.until(|rig| rig.heart.snapshot().lifecycle.is_some()));
    assert!(rig.now.since(begin) <= Span::secs(7), "{:?}", rig.now.since(begin));
}

/// A drain that has waited for requests says 200 once more when metadata tell of a group: then the balancer sends
/// again, and requests are waited for again after the jobs.
#[test]
fn requests_are_waited_for_after_the_last_200() {
    let mut rig = settled(policy());
    rig.running = Some(2);
    drain(&mut rig, "d1", Cause::RundeckStopping);
    assert!(rig.until(|rig| phase(rig) == Some(DrainPhase::Jobs)), "requests were not waited for");
    rig.lifecycle = Some("InService".into());
    assert!(rig.until(is_up), "503 while the group would replace it");
    pass(&mut rig, Span::secs(30), &mut calm);
    rig.running = Some(0);
    assert!(rig.until(|rig| !is_up(rig)), "200 though its jobs are over");
    let refuses = rig.now;
    let (receipt, _) = until_receipt(&mut rig, &mut calm);
    let floor = Policy::default().drain.floor;
    assert!(receipt.ended.since(refuses) >= floor, "{:#?}", steps(&receipt));
}

/// A node that was detached comes back into the groups that are its own when its drain is taken back, and into none
/// that its Auto Scaling group may own.
#[test]
fn a_detached_node_comes_back_into_its_own_groups() {
    let (attached, none): (&[&str], &[&str]) = (&[GROUP], &[]);
    for (ownership, attached, back) in
        [(Ownership::Own, none, true), (Ownership::Auto, none, true), (Ownership::Auto, attached, false)]
    {
        let mut policy = policy();
        policy.membership.groups[0].ownership = ownership;
        let mut rig = Rig::new(policy, 1);
        rig.lifecycle = Some("InService".into());
        rig.scaling = Some(Ok(Some(in_group("InService", &["ELB"], attached))));
        rig.registered = !back;
        assert!(rig.until(|rig| is_up(rig) && rig.registered), "never in service");
        (rig.lifecycle, rig.scaling) = (Some("Detached".into()), Some(Ok(None)));
        pass(&mut rig, Span::secs(120), &mut calm);
        drain(&mut rig, "d1", Cause::Operator);
        until_receipt(&mut rig, &mut calm);
        rig.registered = false;
        resume(&mut rig);
        pass(&mut rig, Span::secs(600), &mut calm);
        assert_eq!((is_up(&rig), rig.registered), (true, back), "{ownership:?}");
    }
}

/// A word that AWS does not have for a lifecycle state (a proxy's `OK`) counts while it is shown, and is told: then a
/// node that is in no group is a target again, and one that is in a group is still in it.
#[test]
fn a_lifecycle_word_that_nobody_knows_counts_while_it_is_shown() {
    let mut rig = settled(policy());
    rig.lifecycle = Some("OK".into());
    rig.registered = false;
    let mut told = Vec::new();
    let end = rig.now + HOUR;
    while rig.now < end {
        told.extend(turn(&mut rig, &mut calm).iter().filter_map(|command| match command {
            Command::Tell(note) if note.text.contains("OK") => Some(note.text.clone()),
            _ => None,
        }));
    }
    assert_eq!((told.len(), rig.heart.snapshot().lifecycle.as_deref()), (1, Some("OK")), "{told:?}");
    assert!(is_up(&rig) && !rig.registered, "joined, though nobody knows what that means");
    rig.lifecycle = None;
    pass(&mut rig, Span::secs(600), &mut calm);
    assert!(is_up(&rig) && rig.registered, "{:?}", answer(&rig));
    rig.lifecycle = Some("InService".into());
    pass(&mut rig, Span::secs(120), &mut calm);
    rig.lifecycle = Some("OK".into());
    pass(&mut rig, Span::secs(120), &mut calm);
    rig.lifecycle = None;
    pass(&mut rig, Span::secs(120), &mut calm);
    let commands = drain(&mut rig, "d1", Cause::Operator);
    assert!(commands.iter().any(|command| matches!(command, Command::Answer(_, OrderAnswer::Refused { .. }))));
}

fn told_why(rig: &Rig) -> bool {
    rig.heart.snapshot().findings.iter().any(|f| f.finding.word() == "asg-will-replace")
}

/// An operator's drain in `Standby`, which the group has ended: the node is in service again, and it is told why.
fn ended_by_its_group() -> Rig {
    let mut rig = Rig::new(policy(), 1);
    rig.lifecycle = Some("Standby".into());
    assert!(rig.until(|rig| is_up(rig) && rig.heart.snapshot().lifecycle.is_some()), "never up");
    drain(&mut rig, "d1", Cause::Operator);
    pass(&mut rig, Span::secs(200), &mut calm);
    rig.lifecycle = Some("InService".into());
    assert!(rig.until(|rig| is_up(rig) && told_why(rig)), "nobody is told why");
    rig
}

/// That a group has ended a drain is told for as long as somebody may want to read it: until the node has been up for
/// ten minutes, or until the next order.
#[test]
fn that_a_group_has_ended_a_drain_is_not_told_for_ever() {
    let mut rig = ended_by_its_group();
    pass(&mut rig, Span::secs(590), &mut calm);
    assert!(told_why(&rig), "nobody has had time to read it");
    let mut other = rig.clone();
    resume(&mut other);
    assert!(!told_why(&other), "after an order");
    pass(&mut rig, Span::secs(30), &mut calm);
    assert!(is_up(&rig) && !told_why(&rig), "for ever");
}

/// While the node is down it is told for as long as that lasts: the ten minutes begin when it is up.
#[test]
fn that_a_group_has_ended_a_drain_is_told_while_the_node_is_down() {
    let mut rig = ended_by_its_group();
    rig.web = WebSeen::Status(500);
    pass(&mut rig, HOUR, &mut calm);
    assert!(!is_up(&rig) && told_why(&rig), "nobody can read any more why it came back");
    rig.web = WebSeen::Ok;
    assert!(rig.until(is_up), "never up again");
    pass(&mut rig, Span::secs(590), &mut calm);
    assert!(told_why(&rig), "the ten minutes begin when it is up");
    pass(&mut rig, Span::secs(30), &mut calm);
    assert!(!told_why(&rig), "for ever");
}

/// A choice ends only where its group is known to have the node in service: not while metadata show a word that nobody
/// knows. Here of a drain that a slow disk tells late.
#[test]
fn a_word_that_nobody_knows_ends_no_drain() {
    let mut rig = Rig::new(policy(), 1);
    rig.lifecycle = Some("InService".into());
    assert!(rig.until(|rig| is_up(rig) && rig.heart.snapshot().lifecycle.is_some()), "never up");
    rig.lifecycle = Some("OK".into());
    assert!(rig.until(|rig| rig.heart.snapshot().lifecycle.as_deref() == Some("OK")), "never shown");
    let intent = Intent { drains: vec![order("d1", Cause::Operator, rig.now)], ..Intent::default() };
    rig.feed(Event::Kept(Kept { intent: Some(intent), ..Kept::default() }));
    pass(&mut rig, Span::secs(20), &mut calm);
    assert!(phase(&rig).is_some(), "taken back, though nobody knows where the group has the node");
    rig.lifecycle = Some("InService".into());
    pass(&mut rig, Span::secs(70), &mut calm);
    assert_eq!((phase(&rig), is_up(&rig)), (None, true), "in service again");
}

/// While metadata show a word that nobody knows, a group may own the membership: a node that leaves changes nothing
/// where that is for the group to do, and waits for its balancer to see the 503.
#[test]
fn while_a_word_is_shown_that_nobody_knows_a_group_may_own_the_membership() {
    let mut policy = policy();
    policy.membership.groups[0].ownership = Ownership::Auto;
    let mut rig = settled(policy);
    rig.lifecycle = Some("OK".into());
    let (kind, action) = (TroubleKind::Denied, "autoscaling:DescribeAutoScalingInstances".into());
    rig.scaling = Some(Err(Trouble { kind, action, text: "not allowed".into() }));
    assert!(rig.until(|rig| rig.heart.snapshot().lifecycle.is_some()), "never shown");
    drain(&mut rig, "d1", Cause::RundeckStopping);
    let (receipt, sent) = until_receipt(&mut rig, &mut calm);
    assert_eq!((count(&sent, Call::changes_balancer), rig.registered), (0, true), "{:#?}", steps(&receipt));
}

/// Metadata that never told of a group hold no drain up: it does not wait to know whose the membership is.
#[test]
fn a_drain_does_not_wait_for_metadata_that_do_not_answer() {
    let mut policy = policy();
    policy.membership.groups[0].ownership = Ownership::Auto;
    let mut rig = Rig::new(policy, 1);
    let mut broken =
        |_: &Rig, call: &Call| matches!(call, Call::AskLifecycle).then(|| Reply::Lifecycle(Err("no route".into())));
    pass(&mut rig, Span::secs(120), &mut broken);
    assert!(is_up(&rig), "{:?}", answer(&rig));
    drain(&mut rig, "d1", Cause::RundeckStopping);
    pass(&mut rig, Span::secs(5), &mut broken);
    assert_eq!(phase(&rig), Some(DrainPhase::Quiet));
}

/// Metadata that answer nothing are one trouble, told once: that nothing is registered says more than that a move would
/// not be seen.
#[test]
fn metadata_that_answer_nothing_are_told_once() {
    let mut rig = Rig::new(policy(), 1);
    let mut broken = |_: &Rig, call: &Call| match call {
        Call::AskLifecycle => Some(Reply::Lifecycle(Err("no route".into()))),
        Call::AskIdentity => Some(Reply::Identity(Err("no route".into()))),
        _ => None,
    };
    let (mut told, end) = (Vec::new(), rig.now + HOUR);
    while rig.now < end {
        told.extend(turn(&mut rig, &mut broken).into_iter().filter_map(|command| match command {
            Command::Tell(note) if note.text.contains("no route") => Some(note.text),
            _ => None,
        }));
    }
    let [text] = told.as_slice() else { panic!("{told:#?}") };
    assert!(text.contains("registration waits for the instance id"), "{text}");
}

/// That metadata show no state any more, after some, is told once, and once again when it was shown meanwhile.
#[test]
fn a_lifecycle_item_that_goes_missing_is_told_once() {
    let mut rig = settled(policy());
    for _ in 0..2 {
        rig.lifecycle = Some("InService".into());
        pass(&mut rig, Span::secs(120), &mut calm);
        rig.lifecycle = None;
        let still = "InService, the last one, still counts";
        let (mut lines, end) = (0, rig.now + HOUR);
        while rig.now < end {
            let commands = turn(&mut rig, &mut calm);
            let told = |command: &&Command| matches!(command, Command::Tell(note) if note.text.contains(still));
            lines += commands.iter().filter(told).count();
        }
        assert_eq!(lines, 1);
    }
}
