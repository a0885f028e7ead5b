//! What holds over reboots, on disk: maintenance, and a Standby that this agent has to bring the node back from.
//!
//! It knows what is on disk of it, and writes the difference. What it means stands in `leaving/maintenance.rs` and
//! `asg/standby.rs`.

use super::Heart;
use crate::contract::{Call, Finding, Held, Moment, Span};
use crate::desk::Topic;

/// Limit of one write.
const LIMIT: Span = Span::secs(10);
/// A failed write is tried again after this.
const AGAIN: Span = Span::secs(10);
/// Tells its finding from those of the intent and the registered targets.
const SUBJECT: &str = "held";

/// What is on disk, or on its way there.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    kept: Held,
    open: bool,
    again: Option<Moment>,
}

impl Record {
    /// That this group has the node in Standby by this agent stands on disk, or the disk has refused it.
    pub(super) fn tells(&self, group: Option<&str>) -> bool {
        !self.open && self.kept.standby.as_deref() == group
    }
}

impl Heart {
    /// What an earlier run has kept.
    pub(super) fn restore_held(&mut self, held: Option<Held>) {
        let Some(held) = held else { return };
        self.upkeep.restore(&held, &mut self.desk);
        self.standby_kept = held.standby.as_ref().map(|_| held.clone());
        self.record.kept = held;
    }

    /// Nothing is written over what was not read.
    pub(super) fn keep_held(&mut self) {
        if self.record.open || self.unread {
            return;
        }
        let maintenance = self.upkeep.kept();
        let waits = self.standby_kept.as_ref().and_then(|held| held.standby.clone());
        let standby = self.standby.group().map(str::to_owned).or(waits);
        let nothing = maintenance.is_none() && standby.is_none();
        // What another boot has kept of a machine is that machine's, until it is known which one this is.
        let known = self.membership.identity().map(|identity| identity.instance_id.clone());
        let instance = if nothing { None } else { known.or_else(|| self.record.kept.instance.clone()) };
        let waits = self.upkeep.waits() || self.standby_kept.is_some();
        let same_boot = if waits { self.record.kept.same_boot } else { !nothing };
        let held = Held { instance, same_boot, maintenance, standby };
        if held != self.record.kept || self.record.again.is_some_and(|at| self.desk.reached(at)) {
            self.record = Record { kept: held.clone(), open: true, again: None };
            self.desk.call(Topic::Held, Call::KeepHeld(held), LIMIT);
        }
    }

    pub(super) fn held_written(&mut self, written: Result<(), String>) {
        self.record.open = false;
        match written {
            Ok(()) => self.desk.cured_of(Finding::IntentNotKept, SUBJECT),
            Err(why) => {
                let what = format!(
                    "the state directory cannot be written ({why}): a restart would forget maintenance and Standby"
                );
                self.desk.finding_of(Finding::IntentNotKept, SUBJECT, what);
                self.record.again = Some(self.desk.now() + AGAIN);
            }
        }
    }
}
