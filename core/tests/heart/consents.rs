//! Who must agree before an operator takes the node out: the Auto Scaling group and the fleet, both asked afresh.

use crate::rig::{Rig, in_group, policy, unavailable};
use rundeck_alb_core::{
    Call, Cause, Command, DrainOrder, DrainPhase, DrainResult, EndedBy, Event, Mode, Order, OrderAnswer, Receipt,
    Refusal, Span, State, TargetType,
};

/// An order is answered within this, whatever AWS does.
const PATIENCE: Span = Span::secs(12);
/// Two operators look at moments so far apart at most.
const APART: Span = Span::secs(5);

fn order(rig: &Rig, cause: Cause, force: bool) -> Event {
    let order = DrainOrder { id: "d1".into(), cause, reason: String::new(), at: rig.now, deadline: None, force };
    Event::Order(1, Order::Drain(order))
}

fn answer_in(commands: &[Command]) -> Option<OrderAnswer> {
    commands.iter().find_map(|command| match command {
        Command::Answer(1, answer) => Some(answer.clone()),
        _ => None,
    })
}

/// The order, and what it is answered, with the time that took.
fn ordered(rig: &mut Rig, cause: Cause, force: bool) -> (OrderAnswer, Span) {
    let (begin, event) = (rig.now, order(rig, cause, force));
    let mut commands = rig.feed(event);
    loop {
        if let Some(answer) = answer_in(&commands) {
            return (answer, rig.now.since(begin));
        }
        assert!(rig.now.since(begin) <= PATIENCE, "not answered in time");
        commands = rig.turn();
    }
}

fn refused(answer: &OrderAnswer) -> Option<(Refusal, Option<usize>, &str)> {
    match answer {
        OrderAnswer::Refused { why, healthy_others, text } => Some((*why, *healthy_others, text)),
        _ => None,
    }
}

fn accepted(answer: &OrderAnswer) -> bool {
    matches!(answer, OrderAnswer::Accepted(_))
}

/// Turns until the drain is gone or so much time has passed; the receipt, where one was written.
fn runs(rig: &mut Rig, span: Span) -> Option<Receipt> {
    let (end, mut receipt) = (rig.now + span, None);
    while rig.now < end && rig.heart.snapshot().drain.is_some() {
        for command in rig.turn() {
            if let Command::Call { call: Call::WriteReceipt(written), .. } = command {
                receipt = Some(*written);
            }
        }
    }
    receipt
}

#[test]
fn an_order_waits_until_the_fleet_has_agreed() {
    let mut rig = Rig::in_service(policy());
    let event = order(&rig, Cause::Operator, false);
    let commands = rig.feed(event);
    assert_eq!(answer_in(&commands), None, "nobody has agreed yet");
    assert!(rig.heart.answer().ok, "and nothing has changed");
    assert!(rig.open.iter().any(|open| matches!(open.call, Call::AskFleet(_))), "{:?}", rig.open);
    let (answer, _) = ordered(&mut rig, Cause::Operator, false);
    assert!(accepted(&answer), "{answer:?}");
    assert_eq!(rig.heart.answer().state, State::Draining);
}

#[test]
fn the_last_healthy_node_stays_with_the_numbers() {
    let mut rig = Rig::in_service(policy());
    rig.others = Some(0);
    let (answer, _) = ordered(&mut rig, Cause::Operator, false);
    let (why, healthy, text) = refused(&answer).unwrap();
    assert_eq!((why, healthy), (Refusal::Guard, Some(0)));
    assert!(text.contains("0 of 0 others healthy, 1 needed") && text.contains("--force"), "{text}");
    assert!(rig.heart.answer().ok);
    let mut wants_more = policy();
    wants_more.membership.min_other_healthy = 3;
    let mut rig = Rig::in_service(wants_more);
    assert_eq!(refused(&ordered(&mut rig, Cause::Operator, false).0).and_then(|(_, healthy, _)| healthy), Some(2));
}

#[test]
fn where_nobody_tells_of_the_fleet_only_force_leaves() {
    let mut rig = Rig::in_service(policy());
    rig.others = None;
    let (answer, _) = ordered(&mut rig, Cause::Operator, false);
    let (why, healthy, text) = refused(&answer).unwrap();
    assert_eq!((why, healthy), (Refusal::Guard, None));
    assert!(text.contains("--force"), "{text}");
    assert!(accepted(&ordered(&mut rig, Cause::Operator, true).0));
}

#[test]
fn an_order_is_answered_in_time_whatever_aws_does() {
    let mut rig = Rig::in_service(policy());
    rig.mute = |call| matches!(call, Call::AskFleet(_) | Call::AskScaling { .. });
    let (answer, took) = ordered(&mut rig, Cause::Operator, false);
    assert_eq!((refused(&answer).map(|(why, ..)| why), took), (Some(Refusal::Guard), PATIENCE));
}

#[test]
fn whoever_serves_nobody_or_goes_anyway_asks_nobody() {
    let mut no_group = policy();
    no_group.membership.groups.clear();
    no_group.membership.discover_tag = None;
    let mut alone = Rig::new(no_group, 1);
    assert!(alone.until(|rig| rig.heart.answer().ok && rig.heart.snapshot().node.is_some()), "never up");
    alone.others = Some(0);
    assert!(accepted(&ordered(&mut alone, Cause::Operator, false).0), "there is nobody to ask");
    let mut stopping = Rig::in_service(policy());
    stopping.others = Some(0);
    let (answer, took) = ordered(&mut stopping, Cause::RundeckStopping, false);
    assert!(accepted(&answer) && took == Span::ZERO, "{answer:?} after {took:?}");
    // Who joins what goes anyway.
    let (answer, took) = ordered(&mut stopping, Cause::Operator, false);
    assert!(accepted(&answer) && took == Span::ZERO, "{answer:?} after {took:?}");
    let mut down = Rig::in_service(policy());
    down.web = rundeck_alb_core::WebSeen::Status(500);
    assert!(down.until(|rig| !rig.heart.answer().ok), "never down");
    down.others = Some(0);
    assert!(accepted(&ordered(&mut down, Cause::Operator, false).0), "it is no loss");
}

/// Two operators were told yes in the same moment: whoever sees it comes back, once, and says so.
#[test]
fn what_the_fleet_cannot_bear_is_taken_back() {
    let mut rig = Rig::in_service(policy());
    rig.running = Some(1);
    assert!(accepted(&ordered(&mut rig, Cause::Operator, false).0));
    rig.others = Some(0);
    let begin = rig.now;
    let receipt = runs(&mut rig, Span::secs(60)).unwrap();
    assert_eq!((receipt.result, receipt.ended_by), (DrainResult::Resumed, EndedBy::Guard));
    assert!(rig.now.since(begin) <= APART + APART + Span::secs(1), "{:?}", rig.now.since(begin));
    assert!(rig.until(|rig| rig.registered && rig.mode == Mode::Active && rig.heart.answer().ok), "not back");
}

#[test]
fn a_drain_goes_on_where_the_others_have_come_back_first_or_nobody_tells() {
    for others in [Some(1), None] {
        let mut rig = Rig::in_service(policy());
        rig.running = Some(1);
        assert!(accepted(&ordered(&mut rig, Cause::Operator, false).0));
        rig.others = Some(0);
        let asked = |rig: &Rig| rig.open.iter().any(|open| matches!(open.call, Call::AskFleet(_)));
        assert!(rig.until(asked), "never looked again");
        rig.turn();
        rig.others = others;
        assert_eq!(runs(&mut rig, Span::secs(60)), None);
        assert_eq!(rig.heart.answer().state, State::Draining, "{others:?}");
    }
}

/// Nor does whoever used force, or whose address could not come back soon: that one looks before, at a moment of its
/// own.
#[test]
fn who_cannot_come_back_looks_before_and_not_again() {
    for (force, by_address) in [(true, false), (false, true)] {
        let mut policy = policy();
        policy.membership.groups[0].port = Some(4440);
        policy.membership.groups[0].target_type = by_address.then_some(TargetType::Ip);
        let mut rig = Rig::in_service(policy);
        rig.running = Some(1);
        let (answer, took) = ordered(&mut rig, Cause::Operator, force);
        assert!(accepted(&answer), "{answer:?}");
        assert_eq!(took > Span::millis(10), by_address, "{took:?}");
        assert!(took <= APART + Span::secs(1), "{took:?}");
        rig.others = Some(0);
        assert_eq!(runs(&mut rig, Span::secs(60)), None);
        assert_eq!(rig.heart.snapshot().drain.map(|drain| drain.phase != DrainPhase::Done), Some(true));
    }
}

/// What Auto Scaling said an hour ago vouches for no choice of now.
#[test]
fn a_choice_asks_auto_scaling_afresh() {
    let minds_no_503 = || Some(Ok(Some(in_group("InService", &["EC2"], &[]))));
    for (then, refusal) in [
        (minds_no_503(), None),
        (Some(Ok(Some(in_group("InService", &["EC2", "ELB"], &[])))), Some(Refusal::Asg)),
        (Some(Err(unavailable("autoscaling:DescribeAutoScalingInstances"))), Some(Refusal::Unknown)),
    ] {
        let mut rig = Rig::new(policy(), 1);
        rig.lifecycle = Some("InService".into());
        rig.scaling = minds_no_503();
        assert!(rig.until(|rig| rig.heart.answer().ok && rig.registered), "never in service");
        let end = rig.now + Span::secs(60);
        assert!(rig.until(|rig| rig.now > end && rig.open.is_empty()), "never at rest");
        rig.scaling = then.clone();
        let (answer, _) = ordered(&mut rig, Cause::Operator, false);
        assert_eq!(refused(&answer).map(|(why, ..)| why), refusal, "{then:?}");
        // Nor does force help.
        if refusal.is_some() {
            assert_eq!(refused(&ordered(&mut rig, Cause::Operator, true).0).map(|(why, ..)| why), refusal);
        }
    }
}

#[test]
fn an_order_that_is_taken_back_before_it_has_begun_never_begins() {
    let mut rig = Rig::in_service(policy());
    rig.mute = |call| matches!(call, Call::AskFleet(_));
    let event = order(&rig, Cause::Operator, false);
    rig.feed(event);
    let commands = rig.feed(Event::Order(2, Order::Resume(Cause::Operator)));
    assert_eq!(answer_in(&commands).as_ref().and_then(refused).map(|(why, ..)| why), Some(Refusal::Resumed));
    rig.mute = |_| false;
    assert_eq!(runs(&mut rig, Span::secs(60)), None);
    assert!(rig.heart.answer().ok && rig.mode == Mode::Active);
}

#[test]
fn a_waiting_order_begins_when_the_node_goes_anyway() {
    let mut rig = Rig::in_service(policy());
    rig.mute = |call| matches!(call, Call::AskFleet(_));
    let event = order(&rig, Cause::Operator, false);
    assert_eq!(answer_in(&rig.feed(event)), None);
    let commands = rig.feed(Event::Stop { id: "s1".into() });
    assert!(answer_in(&commands).as_ref().is_some_and(accepted), "{commands:?}");
}
