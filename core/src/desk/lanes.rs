//! Lanes: calls that never run beside each other, whatever room asks, and how long the next one that needs Rundeck's
//! database waits after one that hung.
//!
//! Each call that hangs there holds one of Jetty's 200 threads, and giving up frees none: so never two at a time, and
//! after a time-out the next only after a growing pause. Which lane is taken is read off the open calls: nobody can
//! forget to give one back. It does not know what the calls ask.

use super::Topic;
use super::pace::Backoff;
use crate::contract::{Moment, Span};

/// After the second time-out in a row; doubles up to `MOST_PAUSE`.
const FIRST_PAUSE: Span = Span::secs(15);
/// A database that is back is asked at most this late, unless it is seen again before.
const MOST_PAUSE: Span = Span::secs(300);

/// What two calls may have in common so that one has to wait for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// They may wait for Rundeck's database.
    Database,
    /// They carry the token.
    Token,
}

impl Topic {
    /// The lanes of a call about this.
    pub(super) fn lanes(self) -> &'static [Lane] {
        match self {
            Topic::Api | Topic::Database | Topic::Mode => &[Lane::Database, Lane::Token],
            Topic::Ready { bound: true } => &[Lane::Database],
            Topic::Ready { bound: false }
            | Topic::Web
            | Topic::Process
            | Topic::Disks
            | Topic::Host
            | Topic::InFlight
            | Topic::Identity
            | Topic::Lifecycle
            | Topic::Scaling
            | Topic::Tag
            | Topic::Groups
            | Topic::Fleet
            | Topic::Target(_)
            | Topic::Change(_)
            | Topic::Hook
            | Topic::Intent
            | Topic::Registered
            | Topic::Held
            | Topic::Standby
            | Topic::Move
            | Topic::Receipt
            | Topic::LastReceipt => &[],
        }
    }

    /// A call about this one must not run beside a call about the other.
    pub(super) fn crosses(self, other: Topic) -> bool {
        self.lanes().iter().any(|lane| other.lanes().contains(lane))
    }
}

/// The pause of calls that need the database, after some that hung.
#[derive(Clone, Debug)]
pub(super) struct Pause {
    until: Moment,
    /// After time-outs in a row.
    growing: Backoff,
    /// The first of them has been asked about again.
    again: bool,
}

impl Pause {
    /// None from this moment on.
    pub(super) fn over(until: Moment) -> Pause {
        Pause { until, growing: Backoff::new(FIRST_PAUSE, MOST_PAUSE), again: false }
    }

    pub(super) fn until(&self) -> Moment {
        self.until
    }

    /// A call hung. One may be an accident: the first is asked about again at once.
    pub(super) fn hung(&mut self, now: Moment) {
        let wait = if std::mem::replace(&mut self.again, true) { self.growing.grow() } else { Span::ZERO };
        self.until = now + wait;
    }

    /// A call was answered, or the database was seen to answer by another way: the next need not wait.
    pub(super) fn answered(&mut self, now: Moment) {
        *self = Pause::over(self.until.min(now));
    }

    /// One more call may go out now, whatever the pause.
    pub(super) fn once(&mut self, now: Moment) {
        self.until = self.until.min(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_that_share_the_token_or_the_database_cross_each_other() {
        let bound = Topic::Ready { bound: true };
        let crossing = [Topic::Api, Topic::Database, Topic::Mode, bound];
        for one in crossing {
            assert!(crossing.iter().all(|other| one.crosses(*other)), "{one:?}");
            for other in [Topic::Web, Topic::Ready { bound: false }, Topic::Intent, Topic::Change(1)] {
                assert!(!one.crosses(other) && !other.crosses(one), "{one:?} {other:?}");
            }
        }
        assert!(!Topic::Web.crosses(Topic::Web));
    }

    #[test]
    fn the_pause_doubles_from_the_second_call_that_hung_to_its_bound() {
        let now = Moment(1_000_000);
        let mut pause = Pause::over(now);
        let mut waits = Vec::new();
        for _ in 0..8 {
            pause.hung(now);
            waits.push(pause.until().since(now).0 / 1000);
        }
        assert_eq!(waits, [0, 15, 30, 60, 120, 240, 300, 300]);
        pause.once(now);
        assert_eq!(pause.until(), now);
        pause.hung(now);
        assert_eq!(pause.until(), now + MOST_PAUSE);
        pause.answered(now + Span(5));
        assert_eq!(pause.until(), now + Span(5));
        pause.hung(now + Span(6));
        assert_eq!(pause.until(), now + Span(6));
        // What is over already is not moved to a later moment.
        let mut pause = Pause::over(now);
        pause.answered(now + Span(9));
        assert_eq!(pause.until(), now);
    }
}
