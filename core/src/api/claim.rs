//! Whose passive mode it is: what is known of our own, by this run of the agent and by what an earlier one has kept.
//!
//! It is told what happened, and remembers. When a switch is sent, and what its end means, is decided in `mode.rs`.

use crate::contract::{Moment, Process, Span};
use crate::desk::holds;

/// A request that Rundeck had taken in before it was given up may be served so much later: its threads hang as long
/// as the database does. After that passive mode is taken for somebody else's.
pub(super) const LANDS_LATE: Span = Span::secs(300);

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
    /// A switch to passive that was given up may still take effect until then: what it sets is ours.
    pub(super) may_land_until: Moment,
    /// This run of the agent gave it up, so what came after it may still be undone by it.
    pub(super) lost: bool,
    /// So long may a switch of an earlier run land.
    pub(super) earlier_until: Moment,
    /// Nothing is left of what an earlier run has set, whatever is read of it later: its Rundeck is gone, or was seen
    /// active when no switch could land any more.
    pub(super) earlier_over: bool,
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
            lost: false,
            earlier_until: now + LANDS_LATE,
            earlier_over: false,
        }
    }

    /// An earlier run of the agent had claimed passive mode of this process. `known`: the one that is there. A slow
    /// disk tells it late: what this run knows by then stands.
    pub(super) fn restore(&mut self, claimed: Option<Process>, known: Option<Process>) {
        let another = claimed.is_some() && known.is_some() && claimed != known;
        if another || self.earlier_over {
            return;
        }
        if !self.by_us {
            self.by_us = true;
            self.process = known.or(claimed);
        }
        // What became of its switch, that run may never have heard.
        self.set = true;
        self.may_land_until = self.may_land_until.max(self.earlier_until);
    }

    /// It is ours from now on, of this process; nothing has set it yet.
    pub(super) fn own(&mut self, process: Option<Process>, now: Moment) {
        self.by_us = true;
        self.process = process;
        self.since = now;
        self.may_land_until = now;
        self.lost = false;
        self.set = false;
    }

    /// A switch to passive may take effect some time: what it sets is ours.
    pub(super) fn lose(&mut self, now: Moment) {
        self.set = true;
        self.lost = true;
        self.may_land_until = now + LANDS_LATE;
    }

    /// A switch that was given up may undo what was done after it.
    pub(super) fn may_land(&self, now: Moment) -> bool {
        self.lost && now < self.may_land_until
    }

    /// Whoever is there now is switched, and not the one that was on record before.
    pub(super) fn send(&mut self, process: Option<Process>) {
        self.process = process;
        self.sent_here = true;
    }

    /// A process was found where none was known. False: it is not the one that was switched.
    pub(super) fn found(&mut self, process: Option<Process>) -> bool {
        if !self.by_us {
            return true;
        }
        if self.process.is_some() && self.process != process && !self.sent_here {
            return false;
        }
        self.process = process;
        true
    }

    /// Nothing of ours is left to be undone.
    pub(super) fn disclaim(&mut self) {
        self.by_us = false;
        self.set = false;
        self.sent_here = false;
        self.lost = false;
        self.process = None;
    }

    /// What holds after each turn.
    pub(super) fn check(&self) -> Result<(), String> {
        holds(self.by_us || self.process.is_none(), || format!("{:?} is ours no more", self.process))
    }
}
