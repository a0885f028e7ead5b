//! A target that somebody else took out while the node was up, through the whole heart.

use crate::rig::{Rig, order, policy};
use rundeck_alb_core::{Call, Cause, Command, Event, Finding, Order, OrderAnswer, Span};

/// So much time passes; when the target was registered meanwhile, from its begin.
fn registered_after(rig: &mut Rig, span: Span) -> Vec<Span> {
    let (begun, mut seen) = (rig.now, Vec::new());
    while rig.now.since(begun) < span {
        let changes = |command: &&Command| matches!(command, Command::Call { call: Call::Register { .. }, .. });
        let now = rig.turn().iter().filter(changes).count();
        seen.extend(std::iter::repeat_n(rig.now.since(begun), now));
    }
    seen
}

fn is_told(rig: &Rig) -> bool {
    rig.heart.snapshot().findings.iter().any(|view| view.finding == Finding::TakenOut)
}

/// In service, until somebody takes it out, and that was seen.
fn taken_out(repair: bool) -> Rig {
    let mut policy = policy();
    policy.membership.repair = repair;
    let mut rig = Rig::in_service(policy);
    rig.registered = false;
    assert!(rig.until(is_told), "never told");
    rig
}

fn resume(rig: &mut Rig, cause: Cause) -> bool {
    let commands = rig.feed(Event::Order(7, Order::Resume(cause)));
    commands.contains(&Command::Answer(7, OrderAnswer::Resumed(true)))
}

/// The group's delay is a minute.
#[test]
fn what_somebody_else_took_out_is_put_back_after_one_delay() {
    let mut rig = taken_out(true);
    let after = registered_after(&mut rig, Span::secs(600));
    assert!(matches!(after[..], [at] if (Span::secs(60)..Span::secs(63)).contains(&at)), "{after:?}");
    assert!(rig.heart.answer().ok && !is_told(&rig));
}

#[test]
fn without_repair_only_an_order_to_resume_puts_it_back() {
    let mut rig = taken_out(false);
    assert_eq!(registered_after(&mut rig, Span::secs(3_600)), []);
    assert!(!resume(&mut rig, Cause::RundeckStopping), "a Rundeck that has started again is no operator");
    assert_eq!(registered_after(&mut rig, Span::secs(60)), []);
    assert!(resume(&mut rig, Cause::Operator), "there was something");
    let after = registered_after(&mut rig, Span::secs(60));
    assert!(matches!(after[..], [at] if at < Span::secs(2)), "{after:?}");
    assert!(!resume(&mut rig, Cause::Operator), "nothing is left");
}

#[test]
fn an_order_to_resume_does_not_wait_for_the_delay() {
    let mut rig = taken_out(true);
    registered_after(&mut rig, Span::secs(10));
    resume(&mut rig, Cause::Operator);
    let after = registered_after(&mut rig, Span::secs(30));
    assert!(matches!(after[..], [at] if at < Span::secs(2)), "{after:?}");
}

/// A drain that is taken back, and a first up, find nobody else at work.
#[test]
fn what_this_node_left_by_itself_is_joined_at_once() {
    let mut rig = Rig::in_service(policy());
    rig.ordered(order("d1", Cause::Operator, rig.now));
    assert!(rig.until(|rig| !rig.registered), "never out");
    registered_after(&mut rig, Span::secs(90));
    assert!(resume(&mut rig, Cause::Operator));
    let after = registered_after(&mut rig, Span::secs(60));
    assert!(matches!(after[..], [at] if at < Span::secs(2)), "{after:?}");
    assert!(!is_told(&rig));
}
