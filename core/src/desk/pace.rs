//! When something is done again: never two at a time, and how long to wait after a failure.
//!
//! It does not know what is done, nor whether it is wanted at all.

use super::budget::Chance;
use crate::contract::{CallId, Moment, Span};

/// When something is done again, and whether it is being done now: never two at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    next: Moment,
    open: Option<CallId>,
    /// When it was last begun.
    begun: Moment,
}

impl Pace {
    /// For the first time at this moment.
    pub(crate) fn from(next: Moment) -> Pace {
        Pace { next, open: None, begun: next }
    }

    /// It is being done now.
    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// It is being done as this call.
    pub(crate) fn is(&self, id: CallId) -> bool {
        self.open == Some(id)
    }

    /// When it is due; `None`: when what is under way has ended.
    pub(crate) fn next(&self) -> Option<Moment> {
        if self.open.is_some() { None } else { Some(self.next) }
    }

    /// When it was last begun.
    pub(crate) fn begun(&self) -> Moment {
        self.begun
    }

    /// It has ended, and is due again then.
    pub(crate) fn done(&mut self, next: Moment) {
        self.open = None;
        self.next = next;
    }

    /// Not later than this.
    pub(crate) fn hasten(&mut self, at: Moment) {
        self.next = self.next.min(at);
    }

    /// At this moment, whatever was planned.
    pub(crate) fn plan(&mut self, at: Moment) {
        self.next = at;
    }

    /// The call that is under way.
    pub(super) fn open(&self) -> Option<CallId> {
        self.open
    }

    /// It is under way as this call.
    pub(super) fn begin(&mut self, id: CallId, now: Moment) {
        self.open = Some(id);
        self.begun = now;
    }

    /// Nobody waits for what is under way any more.
    pub(super) fn abandon(&mut self) -> Option<CallId> {
        self.open.take()
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

    /// It worked: the next wait is a first one again.
    pub(crate) fn reset(&mut self) {
        self.tries = 0;
    }

    /// The last try failed.
    pub(crate) fn failing(&self) -> bool {
        self.tries > 0
    }

    /// The wait after one more failure.
    pub(crate) fn grow(&mut self) -> Span {
        let wait = Span(self.first.0.saturating_mul(1 << self.tries.min(20)).min(self.most.0));
        self.tries = self.tries.saturating_add(1);
        wait
    }

    /// As [`grow`](Self::grow), where the first wait depends on what failed.
    pub(crate) fn grow_from(&mut self, first: Span) -> Span {
        self.first = first;
        self.grow()
    }

    /// As [`grow`](Self::grow), jittered, so that nodes that failed together drift apart.
    pub(super) fn next(&mut self, chance: &mut Chance) -> Span {
        let wait = self.grow();
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
        assert!(backoff.failing());
        backoff.reset();
        assert!(!backoff.failing());
        assert!(backoff.next(&mut chance).0 <= 1100);
    }

    #[test]
    fn a_wait_that_nobody_spreads_doubles_from_the_first() {
        let mut backoff = Backoff::new(Span::secs(1), Span::secs(30));
        let waits: Vec<u64> = (0..7).map(|_| backoff.grow().0 / 1000).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(backoff.grow_from(Span(1)), Span(128), "the first wait of what fails now");
        backoff.reset();
        assert_eq!(backoff.grow_from(Span(7)), Span(7));
    }

    #[test]
    fn a_pace_is_planned_and_abandoned() {
        let mut pace = Pace::from(Moment(5));
        pace.begin(CallId(1), Moment(6));
        assert_eq!((pace.open(), pace.abandon(), pace.open()), (Some(CallId(1)), Some(CallId(1)), None));
        pace.plan(Moment(50));
        assert_eq!(pace.next(), Some(Moment(50)));
    }

    #[test]
    fn a_pace_is_never_due_while_it_is_under_way() {
        let mut pace = Pace::from(Moment(5));
        assert_eq!(pace.next(), Some(Moment(5)));
        pace.begin(CallId(1), Moment(6));
        assert_eq!(pace.begun(), Moment(6));
        assert!(pace.is(CallId(1)) && !pace.is(CallId(2)));
        assert!(pace.is_open() && pace.next().is_none());
        pace.done(Moment(20));
        pace.hasten(Moment(30));
        assert_eq!(pace.next(), Some(Moment(20)));
        pace.hasten(Moment(10));
        assert_eq!(pace.next(), Some(Moment(10)));
    }
}
