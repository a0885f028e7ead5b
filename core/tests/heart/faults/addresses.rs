//! Addresses: a machine that speaks IPv6 alone is itself all the same, and only what needs an IPv4 address is out.

use super::*;
use crate::rig::{GROUP, facts, identity, policy, target};
use rundeck_alb_core::{DrainResult, Finding, GroupWanted, Identity, Ownership, TargetState, TargetType};

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
