//! Maintenance: 503 while the node stays a target, until an operator or its time ends it; never where an Auto Scaling
//! group would replace the node for it.

use crate::rig::{Rig, in_group, policy, unavailable};
use rundeck_alb_core::{
    Answer, Call, Cause, Command, Event, Finding, Held, Kept, Maintenance, Mode, Order, OrderAnswer, Reason, Refusal,
    Reply, Span, State,
};

const MAINTAINED: Answer = Answer { ok: false, state: State::Maintenance, reason: Reason::Operator };

fn order(rig: &Rig, span: Option<Span>) -> Event {
    let until = span.map(|span| rig.now + span);
    Event::Order(1, Order::Maintain(Maintenance { reason: "kernel".into(), since: rig.now, until }))
}

/// Plays for so long; returns the calls that were sent, and the answers to orders.
fn plays(rig: &mut Rig, span: Span) -> (Vec<Call>, Vec<OrderAnswer>) {
    let end = rig.now + span;
    let (mut sent, mut answers) = (Vec::new(), Vec::new());
    while rig.now < end {
        for command in rig.turn() {
            match command {
                Command::Call { call, .. } => sent.push(call),
                Command::Answer(_, answer) => answers.push(answer),
                _ => {}
            }
        }
    }
    (sent, answers)
}

fn maintained(span: Option<Span>) -> Rig {
    let mut rig = Rig::in_service(policy());
    let event = order(&rig, span);
    rig.feed(event);
    assert!(rig.until(|rig| rig.heart.answer() == MAINTAINED), "never maintained");
    rig
}

fn held(rig: &Rig, same_boot: bool) -> Held {
    let maintenance = rig.heart.snapshot().maintenance;
    Held { instance: Some(crate::rig::identity().instance_id), same_boot, maintenance, standby: None }
}

#[test]
fn maintenance_says_503_and_leaves_no_group_and_switches_no_mode() {
    let mut rig = maintained(None);
    let (sent, _) = plays(&mut rig, Span::secs(600));
    let changes = |call: &Call| matches!(call, Call::Register { .. } | Call::Deregister { .. } | Call::SetMode(_));
    assert!(!sent.iter().any(changes), "{sent:?}");
    assert!(rig.registered && rig.mode == Mode::Active && rig.heart.answer() == MAINTAINED);
    assert_eq!(rig.heart.snapshot().maintenance.map(|on| on.reason), Some("kernel".into()));
    let commands = rig.feed(Event::Order(2, Order::EndMaintenance));
    assert!(commands.contains(&Command::Answer(2, OrderAnswer::Maintained(true))), "{commands:?}");
    assert!(rig.heart.answer().ok, "it is well, and answers so at once");
    let commands = rig.feed(Event::Order(3, Order::EndMaintenance));
    assert!(commands.contains(&Command::Answer(3, OrderAnswer::Maintained(false))));
}

#[test]
fn maintenance_ends_by_itself_and_a_newer_order_moves_its_end() {
    let mut rig = maintained(Some(Span::secs(120)));
    plays(&mut rig, Span::secs(100));
    assert_eq!(rig.heart.answer(), MAINTAINED);
    let event = order(&rig, Some(Span::secs(60)));
    let commands = rig.feed(event);
    assert!(commands.contains(&Command::Answer(1, OrderAnswer::Maintained(true))), "{commands:?}");
    plays(&mut rig, Span::secs(50));
    assert_eq!(rig.heart.answer(), MAINTAINED);
    plays(&mut rig, Span::secs(15));
    assert!(rig.heart.answer().ok && rig.heart.snapshot().maintenance.is_none());
}

#[test]
fn a_drain_goes_before_maintenance_which_is_there_again_when_it_has_ended() {
    let mut rig = maintained(None);
    rig.feed(Event::Order(
        5,
        Order::Drain(rundeck_alb_core::DrainOrder {
            id: "d".into(),
            cause: Cause::RundeckStopping,
            reason: String::new(),
            at: rig.now,
            deadline: None,
            force: false,
        }),
    ));
    assert_eq!(rig.heart.answer().state, State::Draining);
    plays(&mut rig, Span::secs(120));
    rig.feed(Event::Order(6, Order::Resume(Cause::RundeckStopping)));
    assert_eq!(rig.heart.answer(), MAINTAINED);
}

#[test]
fn where_a_group_would_replace_the_node_or_nobody_tells_maintenance_is_refused() {
    for (scaling, why) in [
        (Ok(Some(in_group("InService", &["EC2", "ELB"], &[]))), Some(Refusal::Asg)),
        (Err(unavailable("autoscaling:DescribeAutoScalingInstances")), Some(Refusal::Unknown)),
        (Ok(Some(in_group("InService", &["EC2"], &[]))), None),
    ] {
        let mut rig = Rig::new(policy(), 1);
        rig.lifecycle = Some("InService".into());
        rig.scaling = Some(scaling.clone());
        assert!(rig.until(|rig| rig.heart.answer().ok), "never up");
        plays(&mut rig, Span::secs(30));
        let event = order(&rig, None);
        rig.feed(event);
        let (_, answers) = plays(&mut rig, Span::secs(20));
        let refused = answers.iter().find_map(|answer| match answer {
            OrderAnswer::Refused { why, .. } => Some(*why),
            _ => None,
        });
        assert_eq!(refused, why, "{scaling:?}: {answers:?}");
        assert_eq!(rig.heart.answer() == MAINTAINED, why.is_none());
    }
}

#[test]
fn maintenance_ends_when_a_group_would_replace_the_node_for_it() {
    let mut rig = maintained(None);
    rig.lifecycle = Some("InService".into());
    plays(&mut rig, Span::secs(120));
    assert!(rig.heart.answer().ok && rig.heart.snapshot().maintenance.is_none());
    assert!(rig.heart.snapshot().findings.iter().any(|view| view.finding == Finding::AsgWillReplace));
}

#[test]
fn it_is_on_disk_and_goes_on_over_a_restart_and_a_reboot_of_the_same_machine() {
    let mut rig = Rig::in_service(policy());
    let event = order(&rig, None);
    let at_once = rig.feed(event).into_iter().filter_map(|command| match command {
        Command::Call { call, .. } => Some(call),
        _ => None,
    });
    let at_once: Vec<Call> = at_once.collect();
    let (later, _) = plays(&mut rig, Span::secs(30));
    let sent = [at_once, later].concat();
    let kept =
        sent.iter().rev().find_map(|call| if let Call::KeepHeld(held) = call { Some(held.clone()) } else { None });
    assert_eq!(kept, Some(held(&rig, true)));
    for (same_boot, instance, goes_on) in
        [(true, "i-0123456789abcdef0", true), (false, "i-0123456789abcdef0", true), (false, "i-another", false)]
    {
        let mut next = Rig::unread(policy(), 2);
        next.now = rig.now;
        next.heart = rundeck_alb_core::Heart::new(policy(), 2, rig.now);
        let held = Held { instance: Some(instance.into()), ..held(&rig, same_boot) };
        next.feed(Event::Kept(Kept { held: Some(held), ..Kept::default() }));
        assert!(!next.heart.answer().ok);
        plays(&mut next, Span::secs(90));
        assert_eq!(next.heart.answer() == MAINTAINED, goes_on, "{same_boot} {instance}");
        assert_eq!(next.heart.answer().ok, !goes_on);
    }
}

#[test]
fn where_metadata_never_tell_which_machine_this_is_it_boots_and_then_forgets() {
    let rig = maintained(None);
    let mut next = Rig::unread(policy(), 2);
    let kept = Kept { held: Some(held(&rig, false)), ..Kept::default() };
    next.now = rig.now;
    next.heart = rundeck_alb_core::Heart::new(policy(), 2, rig.now);
    next.feed(Event::Kept(kept));
    let end = next.now + policy().health.boot_timeout;
    while next.now < end {
        assert!(!next.heart.answer().ok, "nobody knows whether it is the machine");
        match next.open.first().cloned() {
            Some(open) if open.call == Call::AskIdentity => {
                next.now = next.now + Span(1);
                next.feed(Event::Reply(open.id, Reply::Identity(Err("no answer".into()))));
            }
            _ => drop(next.turn()),
        }
    }
    assert!(next.until(|next| next.heart.answer().ok));
    assert!(next.heart.snapshot().findings.iter().any(|view| view.finding == Finding::MaintenanceIgnored));
}
