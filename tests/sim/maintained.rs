//! What the bystander has heard of maintenance in one run of the agent. It judges nothing.

use rundeck_alb_core::{Call, Held, Maintenance, Moment};

/// Of one run of the agent.
#[derive(Debug, Default)]
pub struct Upkeep {
    pub on: Option<Maintenance>,
    /// An earlier boot has kept it, and metadata have not told which machine this is.
    pub waits: Option<Maintenance>,
    /// What this run was told is newer than what it reads.
    pub said: bool,
    /// Metadata have told which machine this is.
    pub known: bool,
    /// A write was given up, last.
    pub expired: Option<Moment>,
}

impl Upkeep {
    /// In this world it is always the same machine.
    pub fn read(&mut self, held: &Held, now: Moment) {
        let Some(kept) = held.maintenance.clone().filter(|_| !self.said) else { return };
        if kept.until.is_some_and(|until| until <= now) {
            return;
        }
        match held.same_boot {
            true => self.on = Some(kept),
            false => self.waits = Some(kept).filter(|_| held.instance.is_some()),
        }
    }

    /// Nobody has answered this call.
    pub fn expired(&mut self, call: &Call, now: Moment) {
        if matches!(call, Call::KeepHeld(_)) {
            self.expired = Some(now);
        }
    }

    pub fn begins(&mut self, order: &Maintenance, now: Moment) {
        // Its time counts from its begin, which AWS was asked about before.
        let until = order.until.map(|until| until + now.since(order.since));
        let since = self.on.as_ref().map_or(now, |on| on.since);
        (self.on, self.waits, self.said) = (Some(Maintenance { since, until, ..order.clone() }), None, true);
    }
}
