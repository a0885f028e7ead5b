//! The one slot of calls that need Rundeck's database.
//!
//! Each call that hangs there holds one of Jetty's 200 threads, and giving up frees none: so never two at a time, and
//! after a time-out the next only after a growing pause. It does not know what the calls ask.

use super::pace::Backoff;
use crate::contract::{Moment, Span};

/// After the first time-out; doubles up to `MOST_PAUSE`.
const FIRST_PAUSE: Span = Span::secs(15);
/// A database that is back is asked at most this late, unless it is seen again before.
const MOST_PAUSE: Span = Span::secs(300);

#[derive(Clone, Debug)]
pub(crate) struct Slot {
    /// Since when a call is in flight.
    sent: Option<Moment>,
    not_before: Moment,
    /// After time-outs in a row.
    pause: Backoff,
}

impl Slot {
    /// Free from this moment on.
    pub(crate) fn free_from(not_before: Moment) -> Slot {
        Slot { sent: None, not_before, pause: Backoff::new(FIRST_PAUSE, MOST_PAUSE) }
    }

    /// From when on it can be taken; `None`: when the call in flight has ended.
    pub(crate) fn free_at(&self) -> Option<Moment> {
        if self.sent.is_some() { None } else { Some(self.not_before) }
    }

    pub(crate) fn take(&mut self, now: Moment) {
        self.sent = Some(now);
    }

    /// The call has ended. Returns when it had been sent.
    pub(crate) fn give(&mut self, hung: bool, now: Moment) -> Option<Moment> {
        let sent = self.sent.take();
        if hung {
            self.not_before = now + self.pause.grow();
        } else {
            self.pause.reset();
            self.not_before = now;
        }
        sent
    }

    /// The database was seen to answer by another way: the next call need not wait.
    pub(crate) fn seen_again(&mut self, now: Moment) {
        self.pause.reset();
        self.not_before = self.not_before.min(now);
    }

    /// A call has been in flight for longer than a probe may take: since when.
    pub(crate) fn hanging(&self, limit: Span, now: Moment) -> Option<Moment> {
        self.sent.filter(|sent| now.since(*sent) >= limit)
    }
}
