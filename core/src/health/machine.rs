//! The machine under Rundeck: room on its file systems, memory, load. Soft flags, and the mark below which a disk is
//! full. Whether a full disk takes the node out is decided in `heart/between.rs`.

use super::phrases::{disk_words, load_words, memory_words};
use crate::contract::{
    Call, Check, CheckView, Degraded, DiskSeen, Finding, HealthPolicy, HostSeen, Judged, Looked, Moment, Outcome,
    Process, Room, Share, Span, Text,
};
use crate::desk::{Desk, Gate, Pace, Topic};

/// Between two looks at file systems: gigabytes do not fill in a minute.
const DISK_INTERVAL: Span = Span::secs(60);
/// While what is seen contradicts what is believed, or a disk is full.
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
const UNREADABLE: &str = "it cannot be read";
/// A share of everything, in thousandths.
const WHOLE: u64 = 1000;

#[derive(Clone, Debug)]
pub(super) struct Machine {
    disk_pace: Pace,
    host_pace: Pace,
    disks: Option<Looked>,
    /// A look has come back that was about what this process writes to, whatever it said.
    disks_seen: bool,
    /// The open look was sent before another process was found.
    outdated: bool,
    memory_look: Option<Looked>,
    load_look: Option<Looked>,
    /// Above the mark below which a disk is full, or below.
    full: Gate<()>,
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
            disks_seen: false,
            outdated: false,
            memory_look: None,
            load_look: None,
            full: Gate::default(),
            low: Gate::default(),
            memory: Gate::default(),
            load: Gate::default(),
        }
    }

    pub(super) fn step(&mut self, process: Option<Process>, desk: &mut Desk) {
        if desk.worth(&self.disk_pace) {
            desk.ask(&mut self.disk_pace, Topic::Disks, Call::LookDisks { process }, DISK_LIMIT);
        }
        if desk.worth(&self.host_pace) {
            desk.ask(&mut self.host_pace, Topic::Host, Call::LookHost, HOST_LIMIT);
        }
    }

    /// Another process may write elsewhere: what an open look still says is about what was before.
    pub(super) fn look_again(&mut self, now: Moment) {
        self.disks_seen = false;
        self.outdated = self.disk_pace.is_open();
        self.disk_pace.hasten(now);
    }

    /// The look at the file systems has ended; `None`: nothing came back in time, which says nothing.
    pub(super) fn on_disks(&mut self, seen: Option<Vec<DiskSeen>>, policy: &HealthPolicy, desk: &mut Desk) {
        let judged = judged_disks(seen.as_deref(), policy.disk.degraded_below);
        self.low.count(judged.outcome, policy);
        self.disks = Some(desk.looked(Check::Disk, judged, &self.disk_pace));
        if let Some((fullest, share)) = seen.as_deref().and_then(worst) {
            self.full.count(bounded(share >= u64::from(policy.disk.down_below.0)), policy);
            self.note_low(&fullest.path, policy, desk);
        } else {
            self.full.unknown();
        }
        let outdated = std::mem::take(&mut self.outdated);
        self.disks_seen |= seen.is_some() && !outdated;
        let steady = !self.full.wavers(policy) && !self.low.wavers(policy) && self.full.shut().is_none();
        let wait = desk.around(if steady && self.disks_seen { DISK_INTERVAL } else { DISK_FAST });
        self.disk_pace.done(if outdated { desk.now() } else { desk.now() + wait });
    }

    fn note_low(&self, path: &str, policy: &HealthPolicy, desk: &mut Desk) {
        if self.low.shut().is_some() {
            let mark = policy.disk.degraded_below;
            let text = format!("less than {mark} is free on the file system of {}", path);
            desk.finding(Finding::DiskLow, text);
        } else {
            desk.cured(Finding::DiskLow);
        }
    }

    /// Memory and load; `None`: they could not be read.
    pub(super) fn on_host(&mut self, seen: Option<HostSeen>, policy: &HealthPolicy, desk: &mut Desk) {
        let (memory, load) = (judged_memory(seen.as_ref()), judged_load(seen.as_ref()));
        self.memory.count(memory.outcome, policy);
        self.load.count(load.outcome, policy);
        self.memory_look = Some(desk.looked(Check::Memory, memory, &self.host_pace));
        self.load_look = Some(desk.looked(Check::Load, load, &self.host_pace));
        let wait = desk.around(HOST_INTERVAL);
        self.host_pace.done(desk.now() + wait);
    }

    /// A local file system that Rundeck writes to is full.
    pub(super) fn disk_full(&self) -> bool {
        self.full.shut().is_some()
    }

    /// The last looks say that a disk is full, and are too few yet.
    pub(super) fn disk_looks_full(&self, policy: &HealthPolicy) -> bool {
        self.full.shut().is_none() && self.full.wavers(policy)
    }

    /// So they do, and more have to confirm it; or no look has come back yet.
    pub(super) fn disk_may_be_full(&self, policy: &HealthPolicy) -> bool {
        let unseen = !self.disks_seen && policy.disk.down_below != Share::ZERO;
        unseen || self.disk_looks_full(policy)
    }

    /// `may_eject`: a full disk takes the node out.
    pub(super) fn disk_row(&self, may_eject: bool, policy: &HealthPolicy) -> CheckView {
        let out: Text = match (policy.disk.down_below, may_eject) {
            (Share::ZERO, _) => "".into(),
            (_, false) => ", nothing takes it out in an Auto Scaling group".into(),
            (mark, true) => format!(", less than {mark} takes it out").into(),
        };
        let change = format!("less than {} flags the node{out}", policy.disk.degraded_below);
        counted(Check::Disk, self.disks.as_ref(), &self.low, &self.disk_pace, change)
    }

    pub(super) fn memory_row(&self) -> CheckView {
        let change = format!("less than {MEMORY_BELOW} flags the node");
        counted(Check::Memory, self.memory_look.as_ref(), &self.memory, &self.host_pace, change)
    }

    pub(super) fn load_row(&self) -> CheckView {
        let change = format!("more than {} per processor flags the node", LOAD_ABOVE / 100);
        counted(Check::Load, self.load_look.as_ref(), &self.load, &self.host_pace, change)
    }

    /// Flags of what is short, in their documented order.
    pub(super) fn degraded(&self) -> impl Iterator<Item = Degraded> {
        let flags = [
            (Degraded::Disk, self.low.shut().or(self.full.shut())),
            (Degraded::Memory, self.memory.shut()),
            (Degraded::Load, self.load.shut()),
        ];
        flags.into_iter().filter(|(_, shut)| shut.is_some()).map(|(flag, _)| flag)
    }
}

fn counted(check: Check, last: Option<&Looked>, gate: &Gate<()>, pace: &Pace, change: String) -> CheckView {
    let (passes, fails, next) = (gate.passes(), gate.fails(), pace.next());
    CheckView { passes, fails, next, ..CheckView::of(check, last, change) }
}

fn bounded(within: bool) -> Outcome {
    if within { Outcome::Pass } else { Outcome::Fail }
}

/// One look at the file systems, judged by the share that flags; `None`: nothing came back in time.
pub(crate) fn judged_disks(seen: Option<&[DiskSeen]>, mark: Share) -> Judged {
    let Some(seen) = seen else { return Judged::new(Outcome::Unknown, "no answer in time") };
    let worst = worst(seen);
    let outcome = worst.map_or(Outcome::Unknown, |(_, share)| bounded(share >= u64::from(mark.0)));
    Judged::new(outcome, disk_words(seen, worst))
}

/// One look at memory, judged; `None`: it could not be read.
pub(crate) fn judged_memory(host: Option<&HostSeen>) -> Judged {
    let unreadable = || Judged::new(Outcome::Unknown, UNREADABLE);
    host.map_or_else(unreadable, |host| Judged::new(bounded(!short_of_memory(host)), memory_words(host)))
}

/// One look at load, judged; `None`: it could not be read.
pub(crate) fn judged_load(host: Option<&HostSeen>) -> Judged {
    let unreadable = || Judged::new(Outcome::Unknown, UNREADABLE);
    host.map_or_else(unreadable, |host| Judged::new(bounded(!overloaded(host)), load_words(host)))
}

fn short_of_memory(host: &HostSeen) -> bool {
    host.available.saturating_mul(WHOLE) < host.memory.saturating_mul(u64::from(MEMORY_BELOW.0))
}

fn overloaded(host: &HostSeen) -> bool {
    host.load_hundredths > LOAD_ABOVE.saturating_mul(host.processors.max(1))
}

/// The fullest local file system and its free share of bytes or inodes, in thousandths. What cannot be judged (a
/// network file system, one that hangs, one that may not be read) is passed over: it counts as nothing.
pub(crate) fn worst(seen: &[DiskSeen]) -> Option<(&DiskSeen, u64)> {
    seen.iter().filter_map(|disk| Some((disk, free_share(&disk.room)?))).min_by_key(|(_, share)| *share)
}

fn free_share(room: &Room) -> Option<u64> {
    let Room::Local { free, total, inodes_free, inodes } = room else { return None };
    let share = |free: u64, total: u64| free.saturating_mul(WHOLE).checked_div(total);
    let bytes = share(*free, *total)?;
    Some(share(*inodes_free, *inodes).map_or(bytes, |nodes| nodes.min(bytes)))
}
