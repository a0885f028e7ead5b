//! When something is done again: never two at a time, and how long to wait after a failure.
//!
//! It does not know what is done, nor whether it is wanted at all.

use super::Desk;
use super::budget::Chance;
use crate::contract::{CallId, Moment, Span};

/// When something is done again, and whether it is being done now: never two at a time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pace {
    pub(crate) next: Moment,
    pub(crate) open: Option<CallId>,
}

impl Pace {
    pub(crate) fn due(&self, now: Moment) -> bool {
        self.open.is_none() && now >= self.next
    }

    /// Due, or nearly so while the agent is awake for a round anyway: each wake-up of its own would cost more than the
    /// look.
    pub(crate) fn worth(&self, desk: &Desk) -> bool {
        self.due(desk.now + desk.slack)
    }

    /// When the heart must be woken for it.
    pub(crate) fn wake(&self) -> Option<Moment> {
        if self.open.is_some() { None } else { Some(self.next) }
    }

    pub(crate) fn done(&mut self, next: Moment) {
        self.open = None;
        self.next = next;
    }
}

/// Doubling waits between tries, bounded on both sides.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    first: Span,
    most: Span,
    tries: u32,
}

impl Backoff {
    pub(crate) fn new(first: Span, most: Span) -> Backoff {
        Backoff { first, most, tries: 0 }
    }

    pub(crate) fn reset(&mut self) {
        self.tries = 0;
    }

    /// The next wait, jittered.
    pub(crate) fn next(&mut self, chance: &mut Chance) -> Span {
        let wait = Span(self.first.0.saturating_mul(1 << self.tries.min(20)).min(self.most.0));
        self.tries = self.tries.saturating_add(1);
        chance.around(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_off_doubles_to_its_bound() {
        let mut chance = Chance::new(1);
        let mut backoff = Backoff::new(Span::secs(1), Span::secs(30));
        let waits: Vec<u64> = (0..8).map(|_| backoff.next(&mut chance).0).collect();
        assert!(waits.windows(2).take(4).all(|w| w[1] > w[0]), "{waits:?}");
        assert!(waits.iter().all(|w| *w <= 33_000), "{waits:?}");
        backoff.reset();
        assert!(backoff.next(&mut chance).0 <= 1100);
    }
}
