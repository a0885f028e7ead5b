//! Whose passive mode it is: what is known of our own, by this run of the agent and by what an earlier one has kept.
//!
//! It is told what happened, and remembers. When a switch is sent, and what its end means, is decided in `mode.rs`.
//!
//! A restarted Rundeck has forgotten its mode, so what an earlier run has claimed of a process is judged by that
//! process alone: it waits for a look that tells which one is there.

use crate::contract::{Moment, Process, ProcessSeen, Span};
use crate::desk::{Desk, holds};

/// A request that Rundeck had taken in before it was given up may be served so much later: its threads hang as long
/// as the database does. After that passive mode is taken for somebody else's.
pub(super) const LANDS_LATE: Span = Span::secs(300);
/// For so long a look is waited for that tells which process is there: a few of them. Where the process table hides it
/// for good, nobody would ever undo what an earlier run has set.
const LOOKED_FOR: Span = Span::secs(60);

#[derive(Clone, Debug)]
pub(super) struct Claim {
    /// Passive mode was set by us, or is about to be.
    pub(super) by_us: bool,
    /// The process that was switched, as far as it is known.
    pub(super) process: Option<Process>,
    /// A switch to passive of this claim was confirmed, or may have taken effect, by this run or an earlier one.
    pub(super) set: bool,
    /// This run of the agent sent it, so it went to the process that lives now.
    pub(super) sent_here: bool,
    /// Since when it is to be ours.
    pub(super) since: Moment,
    /// A switch to passive that nobody has heard of may still take effect until then: what it sets is ours.
    pub(super) may_land_until: Moment,
    /// One that was given up may do so until then, and undo what came after it.
    pub(super) lost_until: Option<Moment>,
    /// So long may a switch of an earlier run land.
    pub(super) earlier_until: Moment,
    /// And one that it has given up, by its own word.
    earlier_lost: Option<Moment>,
    /// Nothing is left of what an earlier run has set, whatever is read of it later: its Rundeck is gone, or was seen
    /// active when no switch could land any more.
    pub(super) earlier_over: bool,
    /// This run has switched the process back: whatever an earlier one had set is undone, but for a switch which that
    /// one has given up by its own word.
    switched_back: bool,
    /// The process in which an earlier run has claimed it, as long as no look has told which one is there.
    named: Option<Process>,
    /// So long such a look is waited for, where none can tell.
    named_until: Moment,
    /// A look at the process table has said something.
    looked: bool,
    /// The last one that did could read it: it showed none that fits, or several.
    readable: bool,
    /// Rundeck's port was closed while no process was known.
    closed: bool,
}

impl Claim {
    pub(super) fn new(now: Moment) -> Claim {
        Claim {
            by_us: false,
            process: None,
            set: false,
            sent_here: false,
            since: Moment(0),
            may_land_until: Moment(0),
            lost_until: None,
            earlier_until: now + LANDS_LATE,
            earlier_over: false,
            switched_back: false,
            earlier_lost: None,
            named: None,
            named_until: now + LOOKED_FOR,
            looked: false,
            readable: false,
            closed: false,
        }
    }

    /// An earlier run of the agent had claimed passive mode of this process. `known`: the one that is there. A slow
    /// disk tells it late: what this run knows by then stands. `lands`: until when a switch may take effect which that
    /// run has given up.
    pub(super) fn restore(&mut self, claimed: Option<Process>, known: Option<Process>, lands: Option<Moment>) {
        let same = claimed.is_some() && claimed == known;
        let another = claimed.is_some() && known.is_some() && !same;
        let undone = self.switched_back && lands.is_none();
        if another || self.earlier_over || undone || (self.closed && claimed.is_none()) {
            return;
        }
        if !self.by_us && known.is_none() {
            self.named = claimed;
        }
        self.earlier_lost = lands.map(|at| at.min(self.earlier_until));
        // What opened the port anew is another one, as far as anybody can see: until it is found.
        if !(self.closed && !same && (self.looked || self.by_us)) {
            self.take_up(known.or(claimed));
        }
    }

    /// What an earlier run has set is ours.
    fn take_up(&mut self, process: Option<Process>) {
        if !self.by_us {
            self.by_us = true;
            self.process = process;
        }
        // What became of its switch, that run may never have heard.
        self.set = true;
        self.may_land_until = self.may_land_until.max(self.earlier_until);
        self.lost_until = self.lost_until.max(self.earlier_lost);
    }

    /// What an earlier run has claimed of a process is ours, if that is the one which is there.
    pub(super) fn waits(&self) -> bool {
        self.by_us && self.named.is_some() && self.process == self.named
    }

    /// So it is, and a look has to tell first: where none can, for a while.
    pub(super) fn waits_for_look(&self, desk: &Desk) -> bool {
        self.waits() && (self.closed || self.readable || !desk.reached(self.named_until))
    }

    /// So it is for longer than a few looks take.
    pub(super) fn waits_long(&self, desk: &Desk) -> bool {
        self.waits() && desk.reached(self.named_until) && self.waits_for_look(desk)
    }

    /// The port was closed, and no process is known: what opens it anew may be another Rundeck. Where an earlier run
    /// has named the process, a look decides; until one has said something the port may have been closed by what
    /// stands before Rundeck.
    pub(super) fn port_closed(&mut self) {
        self.closed = true;
        if self.looked || !self.waits() {
            self.lose_sight();
        }
    }

    /// A look has shown no process that could be the one.
    pub(super) fn unseen(&mut self, seen: Option<ProcessSeen>) {
        match seen {
            Some(ProcessSeen::None | ProcessSeen::Several(_)) => self.readable = true,
            Some(ProcessSeen::Hidden) => self.readable = false,
            Some(ProcessSeen::One(..) | ProcessSeen::Hung) | None => return,
        }
        self.looked = true;
        if self.closed && self.waits() {
            self.lose_sight();
        }
    }

    /// Not ours, unless the process that an earlier run has named is found after all.
    fn lose_sight(&mut self) {
        let named = self.named;
        self.disclaim();
        self.named = named;
    }

    /// It is ours from now on, of this process; nothing has set it yet.
    pub(super) fn own(&mut self, process: Option<Process>, now: Moment) {
        self.by_us = true;
        self.process = process;
        self.since = now;
        self.may_land_until = now;
        self.lost_until = None;
        self.set = false;
    }

    /// A switch to passive may take effect some time: what it sets is ours.
    pub(super) fn lose(&mut self, now: Moment) {
        self.set = true;
        self.may_land_until = now + LANDS_LATE;
        self.lost_until = Some(self.may_land_until);
    }

    /// Whoever is there now is switched, and not the one that was on record before.
    pub(super) fn send(&mut self, process: Option<Process>) {
        self.process = process;
        self.named = None;
        self.sent_here = true;
    }

    /// A process was found where none was known. False: it is not the one that was switched.
    pub(super) fn found(&mut self, process: Option<Process>, now: Moment) -> bool {
        self.looked = true;
        let named = self.named.take();
        if named.is_some() && named == process && !self.earlier_over {
            if !self.by_us {
                // It is on disk no more.
                self.since = now;
            }
            self.take_up(process);
        }
        if !self.by_us {
            return true;
        }
        if self.process.is_some() && self.process != process && !self.sent_here {
            return false;
        }
        self.process = process;
        true
    }

    /// A switch back to active was confirmed. `lands`: one to passive that this run has given up may still land.
    pub(super) fn back(&mut self, lands: bool) {
        self.switched_back = true;
        if !lands {
            self.disclaim();
        }
    }

    /// Nothing of ours is left to be undone.
    pub(super) fn disclaim(&mut self) {
        self.by_us = false;
        self.set = false;
        self.sent_here = false;
        self.lost_until = None;
        self.process = None;
        self.named = None;
    }

    /// What holds after each turn.
    pub(super) fn check(&self) -> Result<(), String> {
        holds(self.by_us || self.process.is_none(), || format!("{:?} is ours no more", self.process))?;
        holds(self.by_us || self.lost_until.is_none(), || "what may land is nobody's of ours".into())
    }
}
