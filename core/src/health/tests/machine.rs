//! The marks of disk, memory and load, and how often each is looked at.

use super::super::machine::{Machine, judged_disks, judged_load, judged_memory, worst};
use crate::contract::{
    Command, Degraded, DiskPolicy, DiskSeen, HealthPolicy, HostSeen, Moment, Outcome, Room, Share, Span,
};
use crate::desk::Desk;

const NOW: Moment = Moment(1_000_000);

fn disk(path: &str, free: u64, inodes_free: u64, inodes: u64) -> DiskSeen {
    DiskSeen { path: path.into(), room: Room::Local { free, total: 1000, inodes_free, inodes } }
}

fn host(available: u64, load_hundredths: u32, processors: u32) -> HostSeen {
    HostSeen { memory: 1000, available, load_hundredths, processors }
}

#[test]
fn a_disk_is_low_below_the_mark_of_bytes_or_inodes() {
    let outcome = |seen: &[DiskSeen]| judged_disks(Some(seen), Share(100)).outcome;
    assert_eq!(outcome(&[disk("/a", 100, 0, 0)]), Outcome::Pass);
    assert_eq!(outcome(&[disk("/a", 99, 0, 0)]), Outcome::Fail);
    assert_eq!(outcome(&[disk("/a", 500, 10, 100)]), Outcome::Pass);
    assert_eq!(outcome(&[disk("/a", 500, 9, 100)]), Outcome::Fail);
    assert_eq!(outcome(&[]), Outcome::Unknown);
    assert_eq!(judged_disks(None, Share(100)).outcome, Outcome::Unknown);
    let network = DiskSeen { path: "/n".into(), room: Room::Network };
    let seen = [disk("/a", 500, 0, 0), network, disk("/b", 300, 0, 0), disk("/c", 400, 0, 0)];
    assert_eq!(worst(&seen).map(|(disk, share)| (disk.path.as_str(), share)), Some(("/b", 300)));
}

#[test]
fn memory_is_short_below_a_twentieth_and_load_is_high_above_four_per_processor() {
    let memory = |available| judged_memory(Some(&host(available, 0, 1))).outcome;
    assert_eq!((memory(50), memory(49)), (Outcome::Pass, Outcome::Fail));
    let load = |load, processors| judged_load(Some(&host(500, load, processors))).outcome;
    assert_eq!((load(800, 2), load(801, 2)), (Outcome::Pass, Outcome::Fail));
    assert_eq!((load(400, 0), load(401, 0)), (Outcome::Pass, Outcome::Fail), "one at least");
    assert_eq!((judged_memory(None).outcome, judged_load(None).outcome), (Outcome::Unknown, Outcome::Unknown));
}

/// A machine after so many looks at a disk of which so much is free.
fn after(looks: &[u64]) -> (Machine, Desk) {
    let policy = HealthPolicy {
        disk: DiskPolicy { degraded_below: Share(100), down_below: Share(10) },
        ..HealthPolicy::default()
    };
    let (mut machine, mut desk) = (Machine::new(NOW), Desk::new(1, NOW));
    for free in looks {
        machine.on_disks(Some(vec![disk("/a", *free, 0, 0)]), &policy, &mut desk);
    }
    (machine, desk)
}

#[test]
fn a_disk_is_full_below_its_own_mark_after_three_looks() {
    for (looks, full, may_be) in [
        (vec![10, 10, 10], false, false),
        (vec![9], false, true),
        (vec![9, 9], false, true),
        (vec![9, 9, 9], true, false),
        (vec![9, 9, 9, 10], true, false),
        (vec![9, 9, 9, 10, 10], false, false),
    ] {
        let (machine, _) = after(&looks);
        assert_eq!(
            (machine.disk_full(), machine.disk_may_be_full(&HealthPolicy::default())),
            (full, may_be),
            "{looks:?}"
        );
        let low = machine.degraded().any(|flag| flag == Degraded::Disk);
        assert_eq!(low, looks.len() > 2, "{looks:?}");
    }
}

#[test]
fn a_disk_is_looked_at_more_often_while_a_look_contradicts_what_is_believed_or_it_is_full() {
    for (looks, seconds) in
        [(vec![500], 60), (vec![99], 10), (vec![99, 99, 99], 60), (vec![99, 99, 99, 500], 10), (vec![9, 9, 9], 10)]
    {
        let (mut machine, mut desk) = after(&looks);
        desk.take();
        let mut asked = |at: u64| {
            desk.begin_turn(NOW + Span(at * seconds));
            machine.step(None, &mut desk);
            let looks = desk.take();
            let disks = |command: &&Command| {
                matches!(command, Command::Call { call: crate::contract::Call::LookDisks { .. }, .. })
            };
            looks.iter().filter(disks).count()
        };
        // A tenth earlier or later.
        assert_eq!((asked(899), asked(1_101)), (0, 1), "{looks:?}");
    }
}

#[test]
fn memory_and_load_flag_the_node_after_three_looks() {
    let policy = HealthPolicy::default();
    let (mut machine, mut desk) = (Machine::new(NOW), Desk::new(1, NOW));
    for looks in 1..=3 {
        machine.on_host(Some(host(10, 10_000, 1)), &policy, &mut desk);
        let flags: Vec<Degraded> = machine.degraded().collect();
        let wanted = if looks < 3 { vec![] } else { vec![Degraded::Memory, Degraded::Load] };
        assert_eq!(flags, wanted);
    }
    machine.on_host(None, &policy, &mut desk);
    let row = machine.memory_row();
    assert_eq!((row.fails, row.passes, row.result), (3, 0, Outcome::Unknown));
    let next = row.next.map_or(0, |at| at.since(NOW).0);
    assert!((27_000..=33_000).contains(&next), "{next}");
}

#[test]
fn a_disk_may_be_full_until_a_look_has_come_back_that_was_about_the_process() {
    let (policy, mut desk) = (HealthPolicy::default(), Desk::new(1, NOW));
    let room = || Some(vec![disk("/a", 500, 0, 0)]);
    let mut machine = Machine::new(NOW);
    machine.on_disks(None, &policy, &mut desk);
    assert!(machine.disk_may_be_full(&policy), "it was lost");
    desk.begin_turn(NOW + Span::secs(60));
    machine.step(None, &mut desk);
    machine.look_again(desk.now());
    machine.on_disks(room(), &policy, &mut desk);
    assert!(machine.disk_may_be_full(&policy), "it was sent before another process was found");
    machine.on_disks(room(), &policy, &mut desk);
    assert!(!machine.disk_may_be_full(&policy));
    let anywhere = HealthPolicy { disk: DiskPolicy { down_below: Share::ZERO, ..policy.disk }, ..policy };
    assert!(!Machine::new(NOW).disk_may_be_full(&anywhere), "no mark takes the node out");
}
