//! Standby: a node whose Auto Scaling group would replace it for a 503 leaves by it where that is allowed: it stays 200
//! until AWS has it there, and is brought back once it is up and nobody wants it out.

use crate::rig::{GROUP, Rig, in_group, order, policy, standby, target};
use rundeck_alb_core::{
    Answer, Call, Cause, Command, DrainPhase, EndedBy, Event, Finding, Held, Intent, Kept, Maintenance, Moment, Order,
    OrderAnswer, Policy, Reason, Receipt, RefreshSeen, Refusal, Reply, Span, StandbyPreference, StandbyRule,
    StandbySeen, State, TargetState, Trouble, TroubleKind,
};

/// What the group and the balancer do with this node.
struct World {
    rig: Rig,
    seen: StandbySeen,
    /// EnterStandby is answered so; what it does takes so long.
    enters: Result<Span, Trouble>,
    exits: Result<(), Trouble>,
    moves: Option<(Moment, &'static str)>,
    target: TargetState,
    sent: Vec<(Moment, Call)>,
    answers: Vec<OrderAnswer>,
}

fn refused(text: &str) -> Trouble {
    Trouble { kind: TroubleKind::Refused, action: "autoscaling:EnterStandby".into(), text: text.into() }
}

fn by(rule: StandbyRule) -> Policy {
    let mut policy = policy();
    policy.membership.standby = rule;
    policy
}

impl World {
    fn new(policy: Policy) -> World {
        World::over(Rig::new(policy, 1))
    }

    fn over(mut rig: Rig) -> World {
        rig.lifecycle = Some("InService".into());
        let (enters, exits) = (Ok(Span::secs(20)), Ok(()));
        let (moves, target) = (None, TargetState::Healthy);
        World { rig, seen: standby(), enters, exits, moves, target, sent: vec![], answers: vec![] }
    }

    fn in_service(policy: Policy) -> World {
        let mut world = World::new(policy);
        world.plays(Span::secs(120));
        assert!(world.rig.heart.answer().ok, "never in service");
        world.sent.clear();
        world
    }

    fn state(&self) -> String {
        self.rig.lifecycle.clone().unwrap_or_default()
    }

    fn reply(&mut self, call: &Call) -> Reply {
        match call {
            Call::AskScaling { .. } => Reply::Scaling(Ok(Some(in_group(&self.state(), &["EC2", "ELB"], &[GROUP])))),
            Call::AskStandby { .. } => Reply::Standby(Ok(self.seen.clone())),
            Call::EnterStandby { .. } => {
                if let Ok(span) = &self.enters {
                    self.moves = Some((self.rig.now + *span, "Standby"));
                }
                Reply::Moved(self.enters.clone().map(drop))
            }
            Call::ExitStandby { .. } => {
                if self.exits.is_ok() {
                    self.moves = Some((self.rig.now + Span::secs(15), "InService"));
                }
                Reply::Moved(self.exits.clone())
            }
            Call::DescribeTarget(_) => Reply::Target(Ok(target(self.target.clone()))),
            call => self.rig.reply(call),
        }
    }

    fn turn(&mut self) {
        if let Some((_, state)) = self.moves.filter(|(at, _)| *at <= self.rig.now) {
            self.moves = None;
            self.rig.lifecycle = Some(state.into());
            self.target = if state == "Standby" { TargetState::Leaving } else { TargetState::Healthy };
        }
        let commands = match self.rig.open.first().cloned() {
            Some(open) => {
                self.rig.now = self.rig.now + Span(1);
                let reply = self.reply(&open.call);
                self.rig.feed(Event::Reply(open.id, reply))
            }
            None => {
                self.rig.now = self.rig.heart.next_deadline().unwrap_or(self.rig.now + Span(1));
                self.rig.feed(Event::Tick)
            }
        };
        self.took(commands);
    }

    fn took(&mut self, commands: Vec<Command>) {
        for command in commands {
            match command {
                Command::Call { call, .. } => self.sent.push((self.rig.now, call)),
                Command::Answer(_, answer) => self.answers.push(answer),
                _ => {}
            }
        }
    }

    fn plays(&mut self, span: Span) {
        let end = self.rig.now + span;
        while self.rig.now < end {
            self.turn();
        }
    }

    fn until(&mut self, what: &str, reached: impl Fn(&World) -> bool) {
        let end = self.rig.now + Span::secs(1_200);
        while !reached(self) {
            assert!(self.rig.now < end, "never {what}");
            self.turn();
        }
    }

    fn orders(&mut self, order: Order) {
        let commands = self.rig.feed(Event::Order(1, order));
        self.took(commands);
    }

    fn drain(&mut self) {
        self.orders(Order::Drain(order("d1", Cause::Operator, self.rig.now)));
    }

    fn maintain(&mut self) {
        let since = self.rig.now;
        self.orders(Order::Maintain(Maintenance { reason: String::new(), since, until: None }));
    }

    fn answer(&self) -> Answer {
        self.rig.heart.answer()
    }

    fn moved(&self) -> Vec<&Call> {
        let moves = |call: &&Call| matches!(call, Call::EnterStandby { .. } | Call::ExitStandby { .. });
        self.sent.iter().map(|(_, call)| call).filter(moves).collect()
    }

    fn first(&self, is: impl Fn(&Call) -> bool) -> Option<Moment> {
        self.sent.iter().find(|(_, call)| is(call)).map(|(at, _)| *at)
    }

    fn receipt(&self) -> Option<Receipt> {
        self.sent.iter().rev().find_map(|(_, call)| match call {
            Call::WriteReceipt(receipt) => Some((**receipt).clone()),
            _ => None,
        })
    }

    fn intent(&self) -> Option<Intent> {
        self.sent.iter().rev().find_map(|(_, call)| match call {
            Call::KeepIntent(intent) => Some(intent.clone()),
            _ => None,
        })
    }

    fn held(&self) -> Option<Held> {
        self.sent
            .iter()
            .rev()
            .find_map(|(_, call)| if let Call::KeepHeld(held) = call { Some(held.clone()) } else { None })
    }
}

#[test]
fn a_drain_stays_200_until_aws_has_the_node_in_standby_and_comes_back_once_it_is_up() {
    let mut world = World::in_service(by(StandbyRule::Decrement));
    let ordered = world.rig.now;
    world.drain();
    world.until("told", |world| !world.answers.is_empty());
    assert!(matches!(world.answers[..], [OrderAnswer::Accepted(_)]), "{:?}", world.answers);
    world.until("in Standby", |world| world.state() == "Standby" || !world.answer().ok);
    assert!(world.answer().ok && world.rig.heart.snapshot().drain.is_some(), "{:?}", world.answer());
    assert!(world.first(|call| matches!(call, Call::SetMode(_) | Call::Deregister { .. })).is_none());
    world.until("503", |world| !world.answer().ok);
    assert_eq!((world.state().as_str(), world.target.clone()), ("Standby", TargetState::Leaving));
    assert!(world.rig.now.since(ordered) < Span::secs(45), "{:?}", world.rig.now.since(ordered));
    let written = world.first(|call| matches!(call, Call::KeepHeld(_)));
    let sent = world.first(|call| matches!(call, Call::EnterStandby { decrement: true, .. }));
    assert!(written.is_some() && written <= sent, "on disk first: {written:?}, {sent:?}");
    world.until("drained", |world| world.rig.heart.snapshot().drain.is_some_and(|d| d.phase == DrainPhase::Done));
    world.plays(Span::secs(300));
    assert_eq!(world.moved().len(), 1, "it stays: {:?}", world.moved());
    let receipt = world.receipt().expect("a receipt");
    let steps: Vec<String> = receipt.steps.iter().map(|step| step.name.to_string()).collect();
    assert_eq!(steps[..2], ["standby", "advertise"], "{steps:?}");
    let resumed = world.rig.now;
    world.orders(Order::Resume(Cause::Operator));
    world.until("up", |world| world.answer().ok);
    let up = world.rig.now;
    world
        .until("in service", |world| world.state() == "InService" && world.held().is_some_and(|h| h.standby.is_none()));
    let exit = world.sent.iter().find(|(_, call)| matches!(call, Call::ExitStandby { .. })).map(|(at, _)| *at);
    let exit = exit.expect("asked back");
    assert!(exit >= up + Span::secs(10), "200 for one check first: {up:?}, {exit:?}");
    assert!(exit.since(resumed) < Span::secs(60));
    assert!(world.answer().ok && world.rig.heart.snapshot().standing.is_none());
}

#[test]
fn what_aws_figures_forbid_is_refused_with_its_cure_before_anything_is_moved() {
    let refresh = |standby| Some(RefreshSeen { standby });
    for (rule, seen, says) in [
        (StandbyRule::Decrement, StandbySeen { desired: 2, ..standby() }, "lower the minimum"),
        (StandbyRule::Replace, StandbySeen { max: 3, ..standby() }, "raise the maximum"),
        (
            StandbyRule::Decrement,
            StandbySeen { refresh: refresh(StandbyPreference::Terminate), ..standby() },
            "terminates nodes in Standby",
        ),
    ] {
        for maintain in [false, true] {
            let mut world = World::in_service(by(rule));
            world.seen = seen.clone();
            if maintain {
                world.maintain()
            } else {
                world.drain()
            };
            world.until("told", |world| !world.answers.is_empty());
            let OrderAnswer::Refused { why, text, .. } = &world.answers[0] else { panic!("{:?}", world.answers) };
            assert_eq!(*why, Refusal::Standby);
            assert!(text.contains(says), "{text}");
            world.plays(Span::secs(120));
            assert!(world.moved().is_empty() && world.answer().ok);
        }
    }
}

#[test]
fn what_aws_refuses_or_does_not_do_within_a_minute_is_taken_back() {
    for (enters, says) in [
        (Err(refused("would violate the group's minimum size constraint")), "lower the group's minimum"),
        (Ok(Span::secs(100_000)), "not in Standby after 60 s"),
    ] {
        for maintain in [false, true] {
            let mut world = World::in_service(by(StandbyRule::Decrement));
            world.enters = enters.clone();
            if maintain {
                world.maintain()
            } else {
                world.drain()
            };
            world.until("accepted", |world| !world.answers.is_empty());
            let end = world.rig.now + Span::secs(90);
            while world.rig.now < end {
                assert!(world.answer().ok, "{says}: {:?}", world.answer());
                world.turn();
            }
            assert!(world.rig.heart.snapshot().drain.is_none() && world.rig.heart.snapshot().maintenance.is_none());
            if !maintain {
                assert_eq!(world.receipt().map(|receipt| receipt.ended_by), Some(EndedBy::Standby), "{says}");
            }
            let others = |call: &Call| matches!(call, Call::SetMode(_) | Call::Deregister { .. });
            assert!(world.first(others).is_none());
        }
    }
}

#[test]
fn a_refused_way_back_is_told_and_tried_again() {
    let mut world = World::in_service(by(StandbyRule::Replace));
    world.drain();
    world.until("503", |world| !world.answer().ok);
    world.exits = Err(refused("max size"));
    world.orders(Order::Resume(Cause::Operator));
    world.plays(Span::secs(600));
    let left =
        |world: &World| world.rig.heart.snapshot().findings.iter().any(|view| view.finding == Finding::StandbyLeft);
    assert!(left(&world) && world.moved().len() > 3 && world.moved().len() < 20, "{:?}", world.moved().len());
    world.exits = Ok(());
    let forgotten = |world: &World| world.held().is_some_and(|held| held == Held::default());
    world.until("back", |world| world.state() == "InService" && !left(world) && forgotten(world));
}

#[test]
fn maintenance_goes_by_standby_where_the_group_would_replace_the_node() {
    let mut world = World::in_service(by(StandbyRule::Decrement));
    world.maintain();
    world.until("maintained", |world| !world.answer().ok);
    assert_eq!(world.answer(), Answer { ok: false, state: State::Maintenance, reason: Reason::Operator });
    assert_eq!(world.state(), "Standby");
    assert!(world.first(|call| matches!(call, Call::SetMode(_))).is_none(), "jobs are untouched");
    world.orders(Order::EndMaintenance);
    world.until("back", |world| world.state() == "InService" && world.answer().ok);
}

/// Somebody's console brings it back while it is drained: the drain's permission is gone.
#[test]
fn a_choice_ends_when_somebody_else_brings_the_node_out_of_standby() {
    let mut world = World::in_service(by(StandbyRule::Decrement));
    world.drain();
    world.until("503", |world| !world.answer().ok);
    world.rig.lifecycle = Some("InService".into());
    world.target = TargetState::Healthy;
    world.until("200", |world| world.answer().ok);
    assert!(world.rig.heart.snapshot().drain.is_none());
    assert_eq!(world.receipt().map(|receipt| receipt.ended_by), Some(EndedBy::Permission));
    world.plays(Span::secs(300));
    assert_eq!(world.moved().len(), 1, "it is not asked for once more");
}

/// Over a restart the drain goes on in Standby; over a reboot nothing wants it out any more, and it is brought back.
#[test]
fn over_a_restart_the_drain_goes_on_and_over_a_reboot_the_node_comes_back_by_itself() {
    for (same_boot, instance, back) in [(true, true, false), (false, true, true), (false, false, false)] {
        let mut world = World::in_service(by(StandbyRule::Decrement));
        world.drain();
        world.until("503", |world| !world.answer().ok);
        world.plays(Span::secs(30));
        let intent = world.intent();
        let held = Held { same_boot, ..world.held().expect("held") };
        let held = if instance { held } else { Held { instance: Some("i-another".into()), ..held } };
        let mut rig = Rig::unread(by(StandbyRule::Decrement), 7);
        rig.now = world.rig.now;
        rig.heart = rundeck_alb_core::Heart::new(by(StandbyRule::Decrement), 7, rig.now);
        rig.feed(Event::Kept(Kept { intent: intent.filter(|_| same_boot), held: Some(held), ..Kept::default() }));
        let mut next = World::over(rig);
        next.rig.lifecycle = Some("Standby".into());
        next.target = TargetState::Absent;
        next.plays(Span::secs(300));
        assert_eq!(next.state() == "InService", back, "{same_boot}, {instance}");
        assert_eq!(next.moved().len(), usize::from(back), "{:?}", next.moved());
        assert_eq!(next.answer().ok, !same_boot, "by others it tells the truth: {:?}", next.answer());
    }
}

/// Resumed before metadata have told where it is: it was there, and comes back.
#[test]
fn a_drain_that_is_taken_back_right_after_a_restart_brings_the_node_back_all_the_same() {
    let mut world = World::in_service(by(StandbyRule::Decrement));
    world.drain();
    world.until("503", |world| !world.answer().ok);
    world.plays(Span::secs(30));
    let mut rig = Rig::unread(by(StandbyRule::Decrement), 7);
    rig.now = world.rig.now;
    rig.heart = rundeck_alb_core::Heart::new(by(StandbyRule::Decrement), 7, rig.now);
    let mut next = World::over(rig);
    next.rig.lifecycle = Some("Standby".into());
    let commands = next.rig.feed(Event::Kept(Kept { held: world.held(), intent: world.intent(), ..Kept::default() }));
    next.took(commands);
    next.orders(Order::Resume(Cause::Operator));
    next.until("back", |next| next.state() == "InService");
}

#[test]
fn a_node_that_somebody_else_put_into_standby_leaves_its_own_groups_and_keeps_its_jobs() {
    let mut rig = Rig::in_service(policy());
    rig.lifecycle = Some("Standby".into());
    let end = rig.now + Span::secs(300);
    let mut sent = Vec::new();
    while rig.now < end {
        for command in rig.turn() {
            if let Command::Call { call, .. } = command {
                sent.push(call);
            }
        }
    }
    assert!(!rig.registered && sent.iter().any(|call| matches!(call, Call::Deregister { .. })));
    assert!(!sent.iter().any(|call| matches!(call, Call::SetMode(_) | Call::ExitStandby { .. })));
    assert!(rig.heart.answer().ok, "it tells the truth");
    rig.lifecycle = Some("InService".into());
    assert!(rig.until(|rig| rig.registered), "it joins again");
}

/// A disk that has not told yet is waited for a second before anything is moved that only it would remember.
#[test]
fn a_slow_disk_is_waited_for_a_second_before_the_way_is_taken() {
    let mut world = World::over(Rig::unread(by(StandbyRule::Decrement), 1));
    world.plays(Span::secs(120));
    world.sent.clear();
    world.drain();
    world.until("asked for", |world| !world.moved().is_empty());
    let begun = world.rig.heart.snapshot().drain.map(|drain| drain.started).expect("a drain");
    let sent = world.first(|call| matches!(call, Call::EnterStandby { .. })).expect("sent");
    assert!(sent.since(begun) >= Span::secs(1), "{:?}", sent.since(begun));
}
