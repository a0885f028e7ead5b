//! The machine under Rundeck: room on its file systems, memory, load. Soft flags, and one floor that takes the node out.

use super::phrases::{disk_words, load_words, memory_words};
use crate::contract::{
    Call, Check, CheckView, Degraded, DiskSeen, HealthPolicy, HostSeen, Moment, Process, Room, Share, Span, Words,
    not_asked, sooner,
};
use crate::desk::{Desk, Gate, Pace, Topic};

/// Between two looks at file systems: gigabytes do not fill in a minute.
const DISK_INTERVAL: Span = Span::secs(60);
/// While what is seen contradicts what is believed, or the floor is near.
const DISK_FAST: Span = Span::secs(10);
/// Above the adapter's own limit for all of them.
const DISK_LIMIT: Span = Span::secs(10);
/// Between two looks at memory and load.
const HOST_INTERVAL: Span = Span::secs(30);
const HOST_LIMIT: Span = Span::secs(5);
/// Below this share of the memory the kernel begins to throw out what it will need again.
const MEMORY_BELOW: Share = Share(50);
/// Load over five minutes per processor, in hundredths: work waits four times as long as it runs.
const LOAD_ABOVE: u32 = 400;
/// A share of everything, in thousandths.
const WHOLE: u64 = 1000;

#[derive(Clone, Debug)]
pub(super) struct Machine {
    disk_pace: Pace,
    host_pace: Pace,
    disks: Option<(Vec<DiskSeen>, Moment)>,
    host: Option<(HostSeen, Moment)>,
    /// Above the floor, or below.
    floor: Gate<()>,
    /// Above what degrades the node, or below.
    low: Gate<()>,
    memory: Gate<()>,
    load: Gate<()>,
}

impl Machine {
    pub(super) fn new(now: Moment) -> Machine {
        let pace = Pace::from(now);
        Machine {
            disk_pace: pace,
            host_pace: pace,
            disks: None,
            host: None,
            floor: Gate::default(),
            low: Gate::default(),
            memory: Gate::default(),
            load: Gate::default(),
        }
    }

    pub(super) fn wake(&self) -> Option<Moment> {
        sooner(self.disk_pace.wake(), self.host_pace.wake())
    }

    pub(super) fn step(&mut self, process: Option<Process>, desk: &mut Desk) {
        if desk.worth(&self.disk_pace) {
            desk.ask(&mut self.disk_pace, Topic::Disks, Call::LookDisks { process }, DISK_LIMIT);
        }
        if desk.worth(&self.host_pace) {
            desk.ask(&mut self.host_pace, Topic::Host, Call::LookHost, HOST_LIMIT);
        }
    }

    /// Another process may write elsewhere.
    pub(super) fn look_again(&mut self, now: Moment) {
        self.disk_pace.hasten(now);
    }

    /// The look at the file systems has ended; `None`: nothing came back in time, which says nothing.
    pub(super) fn on_disks(&mut self, seen: Option<Vec<DiskSeen>>, policy: &HealthPolicy, desk: &mut Desk) {
        if let Some(seen) = seen {
            self.judge_disks(&seen, policy, desk);
            self.disks = Some((seen, desk.now()));
        }
        let steady = !self.floor.wavers() && !self.low.wavers() && self.floor.shut().is_none();
        let wait = desk.around(if steady { DISK_INTERVAL } else { DISK_FAST });
        self.disk_pace.done(desk.now() + wait);
    }

    fn judge_disks(&mut self, seen: &[DiskSeen], policy: &HealthPolicy, desk: &mut Desk) {
        let Some((worst, share)) = worst(seen) else { return };
        let below = |mark: Share| share < u64::from(mark.0);
        count(&mut self.floor, below(policy.disk.down_below), policy);
        count(&mut self.low, below(policy.disk.degraded_below), policy);
        if self.low.shut().is_some() {
            let mark = policy.disk.degraded_below;
            let text = format!(
                "less than {mark} is free on the file system of {}: old execution logs are the usual cause; remove them, or make it larger",
                worst.path
            );
            desk.finding("disk-low", text);
        } else {
            desk.cured("disk-low");
        }
    }

    /// Memory and load; `None`: they could not be read.
    pub(super) fn on_host(&mut self, seen: Option<HostSeen>, policy: &HealthPolicy, desk: &mut Desk) {
        if let Some(host) = seen {
            count(&mut self.memory, short_of_memory(&host), policy);
            count(&mut self.load, overloaded(&host), policy);
            self.host = Some((host, desk.now()));
        }
        let wait = desk.around(HOST_INTERVAL);
        self.host_pace.done(desk.now() + wait);
    }

    /// Less is free than the floor that the policy sets.
    pub(super) fn below_floor(&self) -> bool {
        self.floor.shut().is_some()
    }

    /// `may_eject`: below the floor the node is taken out.
    pub(super) fn disk_row(&self, may_eject: bool, policy: &HealthPolicy) -> CheckView {
        let mark = policy.disk.degraded_below;
        let (result, seen): Words =
            self.disks.as_ref().map_or(not_asked(), |(seen, _)| disk_words(seen, worst(seen), mark));
        let floor = match (policy.disk.down_below, may_eject) {
            (Share::ZERO, _) => String::new(),
            (_, false) => ", nothing takes it out in an Auto Scaling group".to_owned(),
            (mark, true) => format!(", less than {mark} takes it out"),
        };
        CheckView {
            at: self.disks.as_ref().map(|(_, at)| *at),
            passes: self.low.passes(),
            fails: self.low.fails(),
            next: self.disk_pace.wake(),
            ..CheckView::of(Check::Disk, result, seen, format!("less than {mark} flags the node{floor}"))
        }
    }

    pub(super) fn memory_row(&self) -> CheckView {
        let words = self.host.as_ref().map_or(not_asked(), |(host, _)| memory_words(host, short_of_memory(host)));
        let change = format!("less than {MEMORY_BELOW} flags the node");
        self.host_row(Check::Memory, words, &self.memory, change)
    }

    pub(super) fn load_row(&self) -> CheckView {
        let words = self.host.as_ref().map_or(not_asked(), |(host, _)| load_words(host, overloaded(host)));
        let change = format!("more than {} per processor flags the node", LOAD_ABOVE / 100);
        self.host_row(Check::Load, words, &self.load, change)
    }

    fn host_row(&self, check: Check, (result, seen): Words, gate: &Gate<()>, change: String) -> CheckView {
        CheckView {
            at: self.host.map(|(_, at)| at),
            passes: gate.passes(),
            fails: gate.fails(),
            next: self.host_pace.wake(),
            ..CheckView::of(check, result, seen, change)
        }
    }

    /// Flags of what is short, in their documented order.
    pub(super) fn degraded(&self) -> impl Iterator<Item = Degraded> {
        let flags = [
            (Degraded::Disk, self.low.shut().or(self.floor.shut())),
            (Degraded::Memory, self.memory.shut()),
            (Degraded::Load, self.load.shut()),
        ];
        flags.into_iter().filter(|(_, shut)| shut.is_some()).map(|(flag, _)| flag)
    }
}

fn count(gate: &mut Gate<()>, bad: bool, policy: &HealthPolicy) {
    if bad {
        gate.fail((), false, policy);
    } else {
        gate.pass(policy);
    }
}

pub(crate) fn short_of_memory(host: &HostSeen) -> bool {
    host.available.saturating_mul(WHOLE) < host.memory.saturating_mul(u64::from(MEMORY_BELOW.0))
}

pub(crate) fn overloaded(host: &HostSeen) -> bool {
    host.load_hundredths > LOAD_ABOVE.saturating_mul(host.processors.max(1))
}

/// The fullest local file system and its free share of bytes or inodes, in thousandths. What cannot be judged (a network
/// file system, one that hangs, one that may not be read) is passed over: it counts as nothing.
pub(crate) fn worst(seen: &[DiskSeen]) -> Option<(&DiskSeen, u64)> {
    seen.iter().filter_map(|disk| Some((disk, free_share(&disk.room)?))).min_by_key(|(_, share)| *share)
}

fn free_share(room: &Room) -> Option<u64> {
    let Room::Local { free, total, inodes_free, inodes } = room else { return None };
    let share = |free: u64, total: u64| free.saturating_mul(WHOLE).checked_div(total);
    let bytes = share(*free, *total)?;
    Some(share(*inodes_free, *inodes).map_or(bytes, |nodes| nodes.min(bytes)))
}
