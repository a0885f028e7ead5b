//! Thrift with calls to AWS keeps no target from being looked at: each has its turn.

use crate::rig::{GROUP, Rig, policy};
use rundeck_alb_core::{Call, Command, GroupWanted, Moment, Ownership, Policy, Span};
use std::collections::BTreeMap;

/// One group under so many ports, each a target, looked at this often.
fn ports(number: u16, interval: Span) -> Policy {
    let port =
        |port| GroupWanted { group: GROUP.into(), port: Some(port), target_type: None, ownership: Ownership::Own };
    let mut policy = policy();
    policy.membership.groups = (4440..4440 + number).map(port).collect();
    policy.membership.reconcile_interval = interval;
    policy
}

/// The longest time for which a target was not looked at, once the first burst is over.
fn longest_unseen(policy: Policy, seed: u64) -> BTreeMap<u16, Span> {
    let targets = policy.membership.groups.iter().filter_map(|wanted| wanted.port);
    let mut rig = Rig::new(policy.clone(), seed);
    assert!(rig.until(|rig| rig.heart.answer().ok && rig.registered), "never in service");
    let begin = rig.now + Span::secs(120);
    assert!(rig.until(|rig| rig.now >= begin));
    let (mut last, end): (BTreeMap<u16, Moment>, _) =
        (targets.map(|port| (port, rig.now)).collect(), rig.now + Span::secs(600));
    let mut longest: BTreeMap<u16, Span> = last.keys().map(|port| (*port, Span::ZERO)).collect();
    while rig.now < end {
        for command in rig.turn() {
            if let Command::Call { call: Call::DescribeTarget(target), .. } = command {
                let before = last.insert(target.port, rig.now).unwrap_or(begin);
                let unseen = longest.entry(target.port).or_insert(Span::ZERO);
                *unseen = (*unseen).max(rig.now.since(before));
            }
        }
    }
    for (port, at) in last {
        let unseen = longest.entry(port).or_insert(Span::ZERO);
        *unseen = (*unseen).max(end.since(at));
    }
    longest
}

/// Each node may look once a second: each target has its turn when all others, and what the group is like (two calls),
/// had theirs, and no later.
#[test]
fn no_target_is_kept_waiting_by_another_however_few_looks_there_are() {
    for (number, interval) in [(1, 1), (2, 1), (3, 1), (8, 1), (20, 1), (3, 2), (20, 10)] {
        let round = Span::secs(u64::from(number) + 2);
        let usual = Span::millis(interval * 1_100);
        for seed in 1..4 {
            let longest = longest_unseen(ports(number, Span::secs(interval)), seed);
            let most = longest.values().max().copied();
            assert!(
                most.is_some_and(|most| most <= round + usual + Span::secs(1)),
                "{number}, {interval} s: {longest:?}"
            );
        }
    }
}
