//! Addresses: a machine that speaks IPv6 alone is itself all the same, and only what needs an IPv4 address is out.

use super::*;
use crate::rig::{GROUP, facts, identity, policy, target};
use rundeck_alb_core::{
    Deregistered, DrainResult, Finding, GroupWanted, Identity, Kept, Ownership, Receipt, Registered, Registrations,
    StepName, StepResult, Target, TargetState, TargetType, Trouble, TroubleKind,
};

/// With one group that registers addresses.
fn by_address() -> Policy {
    let mut policy = policy();
    policy.membership.groups[0].target_type = Some(TargetType::Ip);
    policy
}

/// What metadata say of a machine whose address they leave out.
fn no_address(call: &Call) -> Option<Reply> {
    (*call == Call::AskIdentity).then(|| Reply::Identity(Ok(Identity { private_ip: None, ..identity() })))
}

/// An earlier run had registered this address, as this instance.
fn registered(address: &str) -> Event {
    let target = Target { group: GROUP.into(), name: "rundeck".into(), id: address.into(), port: 4440 };
    let targets = vec![Registered { target, ownership: Ownership::Own }];
    let kept = Registrations { instance: identity().instance_id, targets };
    Event::Kept(Kept { registered: Some(kept), ..Kept::default() })
}

/// How the deregistration went, as the receipt has it.
fn left(receipt: &Receipt) -> Option<StepResult> {
    receipt.steps.iter().find(|step| step.name == StepName::Deregister).and_then(|step| step.result)
}

/// A machine without an IPv4 address joins its groups of instances, names the group that it cannot join, and leaves
/// without waiting for that one.
#[test]
fn a_machine_without_an_ipv4_address_joins_what_it_can_and_names_the_rest() {
    let mut policy = policy();
    let by_address =
        GroupWanted { group: "a".into(), port: None, target_type: Some(TargetType::Ip), ownership: Ownership::Own };
    policy.membership.groups.push(by_address);
    let mut rig = Rig::new(policy, 1);
    let mut world = |rig: &Rig, call: &Call| match call {
        Call::AskIdentity => Some(Reply::Identity(Ok(Identity { private_ip: None, ..identity() }))),
        Call::DescribeGroups(_) => {
            let mut other = facts();
            (other.name, other.arn) = ("a".into(), "arn-a".into());
            Some(Reply::Groups(Ok(vec![facts().into(), other.into()])))
        }
        Call::DescribeTarget(of) => {
            assert_eq!(of.group, GROUP, "nothing is asked about a target that cannot be");
            let state = if rig.registered { TargetState::Healthy } else { TargetState::Absent };
            Some(Reply::Target(Ok(target(state))))
        }
        _ => None,
    };
    let sent = pass(&mut rig, HOUR, &mut world);
    assert!(rig.registered, "never registered");
    assert_eq!(count(&sent, Call::changes_balancer), 1);
    let findings = rig.heart.snapshot().findings;
    let told: Vec<&str> =
        findings.iter().filter(|f| f.finding == Finding::AddressMissing).map(|f| f.text.as_str()).collect();
    assert_eq!(told.len(), 1, "{findings:?}");
    assert!(told[0].starts_with("a registers addresses"), "{told:?}");
    drain(&mut rig, "d1", Cause::Operator);
    let (receipt, _) = until_receipt(&mut rig, &mut world);
    assert!(!rig.registered, "still a target");
    assert_eq!(receipt.result, DrainResult::Clean, "{:#?}", steps(&receipt));
}

/// A machine keeps its address: where metadata leave it out after a restart, what was registered stays, over a drain
/// that is taken back, and is left by a drain. Whenever the disk tells of it.
#[test]
fn an_address_that_metadata_leave_out_is_the_one_that_was_registered() {
    for late in [false, true] {
        let mut rig = Rig::new(by_address(), 1);
        rig.registered = true;
        let mut world = |_: &Rig, call: &Call| no_address(call);
        if late {
            pass(&mut rig, Span::secs(3), &mut world);
        }
        rig.feed(registered("10.0.0.7"));
        let sent = pass(&mut rig, HOUR, &mut world);
        assert_eq!((count(&sent, Call::changes_balancer), rig.registered), (0, true), "late: {late}");
        let missing = rig.heart.snapshot().findings.iter().any(|f| f.finding == Finding::AddressMissing);
        assert!(!missing, "late: {late}: {:?}", rig.heart.snapshot().findings);
        drain(&mut rig, "d1", Cause::Operator);
        let (receipt, sent) = until_receipt(&mut rig, &mut world);
        let out = |call: &Call| matches!(call, Call::Deregister { target, .. } if target.id == "10.0.0.7");
        assert_eq!((count(&sent, out), rig.registered), (1, false), "late: {late}: {:#?}", steps(&receipt));
        let done = Some(StepResult::Deregistered(Deregistered::Done));
        assert_eq!((receipt.result, left(&receipt)), (DrainResult::Clean, done), "late: {late}");
        resume(&mut rig);
        pass(&mut rig, HOUR, &mut world);
        assert!(rig.registered, "late: {late}: never back");
    }
}

/// An address that is not this machine's by now, as metadata tell, may be another's: it is told, and left alone.
#[test]
fn an_address_that_is_another_machines_by_now_is_left_alone() {
    let mut rig = Rig::new(by_address(), 1);
    let told = |commands: &[Command]| {
        let line = "10.0.0.9:4440 in rundeck was registered as this machine";
        commands.iter().any(|command| matches!(command, Command::Tell(note) if note.text.starts_with(line)))
    };
    let mut heard = told(&rig.feed(registered("10.0.0.9")));
    let mut sent = Vec::new();
    let end = rig.now + HOUR;
    while rig.now < end {
        let commands = turn(&mut rig, &mut calm);
        heard |= told(&commands);
        sent.extend(calls(&commands));
    }
    assert!(heard && rig.registered);
    let others = |call: &Call| match call {
        Call::Register { target, .. } | Call::Deregister { target, .. } | Call::DescribeTarget(target) => {
            target.id == "10.0.0.9"
        }
        _ => false,
    };
    assert_eq!(count(&sent, others), 0);
}

/// An address that metadata tell later is seen, without a restart.
#[test]
fn an_address_that_comes_later_is_registered() {
    let mut rig = Rig::new(by_address(), 1);
    let begun = rig.now;
    let mut world = |rig: &Rig, call: &Call| no_address(call).filter(|_| rig.now.since(begun) < Span::secs(300));
    pass(&mut rig, Span::secs(300), &mut world);
    assert!(is_up(&rig) && !rig.registered, "{:?}", answer(&rig));
    pass(&mut rig, Span::secs(90), &mut world);
    assert!(rig.registered, "never registered");
    assert!(rig.heart.snapshot().findings.is_empty(), "{:?}", rig.heart.snapshot().findings);
    let sent = pass(&mut rig, HOUR, &mut world);
    assert_eq!(count(&sent, |call| *call == Call::AskIdentity), 0, "asked though it is known");
}

/// A drain is not clean where nobody knows whether what was registered is this machine's: the target may be there.
#[test]
fn a_drain_is_not_clean_where_the_record_cannot_be_read() {
    let mut none = policy();
    none.membership.groups.clear();
    none.membership.discover_tag = None;
    let mut rig = Rig::new(none, 1);
    rig.feed(registered("10.0.0.7"));
    rig.mute = |call| matches!(call, Call::AskIdentity);
    pass(&mut rig, Span::secs(60), &mut calm);
    drain(&mut rig, "d1", Cause::Operator);
    let (receipt, _) = until_receipt(&mut rig, &mut calm);
    assert_eq!(receipt.result, DrainResult::CutShort, "{:#?}", steps(&receipt));
}

/// Who leaves asks at once for an address that metadata had left out: it may be a target by it.
#[test]
fn a_leaving_node_asks_for_the_address_that_it_lacks() {
    let mut rig = Rig::new(by_address(), 1);
    pass(&mut rig, Span::secs(600), &mut |_, call| no_address(call));
    // Just asked in vain: the next time would be a minute later.
    while count(&calls(&turn(&mut rig, &mut |_, call| no_address(call))), |call| *call == Call::AskIdentity) == 0 {}
    turn(&mut rig, &mut |_, call| no_address(call));
    rig.registered = true;
    drain(&mut rig, "d1", Cause::RundeckStopping);
    let (receipt, sent) = until_receipt(&mut rig, &mut calm);
    assert_eq!(count(&sent, Call::changes_balancer), 1);
    assert_eq!(left(&receipt), Some(StepResult::Deregistered(Deregistered::Done)), "{:#?}", steps(&receipt));
}

/// Nor is "deregistered" said while a target is there whose address was told only during the drain.
#[test]
fn a_target_whose_address_is_told_during_a_drain_is_left_before_that_is_called_done() {
    let mut policy = policy();
    let by_address =
        GroupWanted { group: "a".into(), port: None, target_type: Some(TargetType::Ip), ownership: Ownership::Own };
    policy.membership.groups.push(by_address);
    for accepts in [true, false] {
        let mut rig = Rig::new(policy.clone(), 1);
        let (mut told, mut member) = (false, true);
        let mut world = |rig: &Rig, call: &Call, told: bool| match call {
            Call::AskIdentity if !told => no_address(call),
            Call::DescribeGroups(_) => {
                let mut other = facts();
                (other.name, other.arn) = ("a".into(), "arn-a".into());
                Some(Reply::Groups(Ok(vec![facts().into(), other.into()])))
            }
            Call::DescribeTarget(of) => {
                let there = if of.group == GROUP { rig.registered } else { member };
                Some(Reply::Target(Ok(target(if there { TargetState::Healthy } else { TargetState::Absent }))))
            }
            Call::Deregister { target: of, .. } if of.group != GROUP => {
                member &= !accepts;
                let text = "no answer".to_owned();
                let trouble = Trouble { kind: TroubleKind::Unavailable, action: String::new(), text };
                Some(Reply::Changed(if accepts { Ok("request".into()) } else { Err(trouble) }))
            }
            _ => None,
        };
        pass(&mut rig, Span::secs(120), &mut |rig, call| world(rig, call, told));
        rig.running = Some(1);
        drain(&mut rig, "d1", Cause::RundeckStopping);
        pass(&mut rig, Span::secs(200), &mut |rig, call| world(rig, call, told));
        told = true;
        pass(&mut rig, Span::secs(100), &mut |rig, call| world(rig, call, told));
        rig.running = Some(0);
        let (receipt, _) = until_receipt(&mut rig, &mut |rig, call| world(rig, call, told));
        let done = left(&receipt) == Some(StepResult::Deregistered(Deregistered::Done));
        let clean = receipt.result == DrainResult::Clean;
        assert_eq!((done, clean), (accepts, accepts), "{:#?}", steps(&receipt));
    }
}
