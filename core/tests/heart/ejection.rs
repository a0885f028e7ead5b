//! A node whose Rundeck has died leaves its own groups before the load balancer finds out, where others are left.

use crate::rig::{GROUP, RUNDECK, Rig, identity, jvm, policy};
use rundeck_alb_core::{
    Call, Cause, Command, DrainOrder, Event, FleetSeen, Ownership, PeerSeen, Policy, Process, ProcessSeen, Reply, Span,
    State, TargetState, TargetType, WebSeen,
};

/// Its process is seen to end.
fn dies(rig: &mut Rig) -> Vec<Command> {
    let process = rig.heart.snapshot().rundeck.process.unwrap_or(RUNDECK);
    (rig.process, rig.web) = (ProcessSeen::None, WebSeen::Refused);
    rig.feed(Event::ProcessEnded(process))
}

/// Another one is started, and comes up.
fn comes_back(rig: &mut Rig, pid: u32) {
    let next = Process { pid, start: RUNDECK.start + u64::from(pid) };
    (rig.process, rig.web) = (ProcessSeen::One(next, jvm()), WebSeen::Ok);
    assert!(rig.until(|rig| rig.heart.answer().ok && rig.registered), "not back: {:?}", rig.heart.answer());
}

/// The targets that are put in or taken out while so much time passes.
fn changes(rig: &mut Rig, span: Span) -> Vec<&'static str> {
    let (end, mut seen) = (rig.now + span, Vec::new());
    while rig.now < end {
        for command in rig.turn() {
            match command {
                Command::Call { call: Call::Register { .. }, .. } => seen.push("in"),
                Command::Call { call: Call::Deregister { .. }, .. } => seen.push("out"),
                _ => {}
            }
        }
    }
    seen
}

fn asks_fleet(commands: &[Command]) -> bool {
    commands.iter().any(|command| matches!(command, Command::Call { call: Call::AskFleet(_), .. }))
}

#[test]
fn a_dead_rundeck_takes_its_node_out_at_once_and_a_new_one_brings_it_back() {
    let mut rig = Rig::in_service(policy());
    let commands = dies(&mut rig);
    assert!(asks_fleet(&commands), "in the very turn, with no random wait: {commands:?}");
    assert_eq!(changes(&mut rig, Span::secs(1)), ["out"]);
    assert_eq!(changes(&mut rig, Span::secs(600)), [""; 0], "and stays out while it is dead");
    comes_back(&mut rig, 9);
}

#[test]
fn the_last_healthy_node_stays_in_and_so_does_one_that_nobody_tells_of_the_others() {
    for others in [Some(0), None] {
        let mut rig = Rig::in_service(policy());
        rig.others = others;
        dies(&mut rig);
        assert_eq!(changes(&mut rig, Span::secs(600)), [""; 0], "{others:?}");
    }
}

/// Two have crashed in one moment: both were told that the other is there.
#[test]
fn a_group_that_would_be_left_empty_gets_its_node_back_dead_as_it_is() {
    let mut rig = Rig::in_service(policy());
    dies(&mut rig);
    let out = |rig: &Rig| rig.open.iter().any(|open| matches!(open.call, Call::Deregister { .. }));
    assert!(rig.until(out), "never taken out");
    rig.others = Some(0);
    assert_eq!(changes(&mut rig, Span::secs(600)), ["in"]);
    assert_eq!(rig.heart.answer().state, State::Down);
}

#[test]
fn what_dies_again_and_again_is_left_to_the_load_balancer() {
    let mut rig = Rig::in_service(policy());
    for (pid, wanted) in [(9, vec!["out"]), (10, vec!["out"]), (11, vec![])] {
        dies(&mut rig);
        assert_eq!(changes(&mut rig, Span::secs(20)), wanted, "before process {pid}");
        comes_back(&mut rig, pid);
    }
    changes(&mut rig, Span::secs(600));
    dies(&mut rig);
    assert_eq!(changes(&mut rig, Span::secs(20)), ["out"], "ten minutes later it counts no more");
}

#[test]
fn what_cannot_come_back_soon_is_not_ours_or_is_switched_off_stays_in() {
    let by_address: fn(&mut Policy) = |p| p.membership.groups[0].target_type = Some(TargetType::Ip);
    let observed: fn(&mut Policy) = |p| p.membership.groups[0].ownership = Ownership::Observe;
    let off: fn(&mut Policy) = |p| p.membership.crash_ejection = false;
    let dry: fn(&mut Policy) = |p| p.dry_run = true;
    for (name, change) in [("an address", by_address), ("observed", observed), ("off", off), ("dry run", dry)] {
        let mut policy = policy();
        change(&mut policy);
        let mut rig = Rig::new(policy, 1);
        // Somebody else has registered it where the agent does not.
        rig.registered = true;
        assert!(rig.until(|rig| rig.heart.answer().ok), "never up: {name}");
        changes(&mut rig, Span::secs(60));
        dies(&mut rig);
        assert_eq!(changes(&mut rig, Span::secs(600)), [""; 0], "{name}");
    }
}

/// Rundeck is there again before the answer about the others is: nothing has to be done.
#[test]
fn a_rundeck_that_is_there_again_is_not_taken_out() {
    let mut rig = Rig::in_service(policy());
    rig.mute = |call| matches!(call, Call::AskFleet(_));
    dies(&mut rig);
    let next = Process { pid: 9, start: 99 };
    (rig.process, rig.web) = (ProcessSeen::One(next, jvm()), WebSeen::Ok);
    assert!(rig.until(|rig| rig.heart.snapshot().rundeck.process == Some(next)), "never found");
    rig.mute = |_| false;
    assert_eq!(changes(&mut rig, Span::secs(120)), [""; 0]);
}

/// A drain has its own way out, and its own rules.
#[test]
fn a_drain_overrules_what_a_crash_wants() {
    let mut rig = Rig::in_service(policy());
    rig.others = Some(0);
    dies(&mut rig);
    let at = rig.now;
    let order = DrainOrder {
        id: "d1".into(),
        cause: Cause::RundeckStopping,
        reason: String::new(),
        at,
        deadline: None,
        force: false,
    };
    rig.ordered(order);
    assert_eq!(changes(&mut rig, Span::secs(60)), ["out"]);
}

/// Of the same machine it is another target, and no other node.
#[test]
fn our_own_second_port_is_nobody_else() {
    let mut rig = Rig::in_service(policy());
    let own = |port| PeerSeen { id: identity().instance_id, port, state: TargetState::Healthy, sidelined: false };
    dies(&mut rig);
    let asked = rig.open.iter().find(|open| matches!(open.call, Call::AskFleet(_))).cloned().unwrap();
    let fleet = FleetSeen { group: GROUP.into(), targets: vec![own(4440), own(4443)] };
    rig.feed(Event::Reply(asked.id, Reply::Fleet(Ok(vec![fleet]))));
    assert_eq!(changes(&mut rig, Span::secs(600)), [""; 0]);
}
