//! What keeps the agent itself from looking at Rundeck: what stands in the way, until when, and what a round says then.

use crate::rundeck::Until;
use rundeck_alb_core::{Moment, Reply, Unjudged, WebSeen};

#[derive(Debug, Default)]
pub struct Sight {
    /// It has no descriptors.
    pub blind: Until,
    /// Since when without a break, last.
    pub blind_since: Moment,
    /// The name in `rundeck.url` cannot be resolved: that is found out before anything is connected.
    pub nameless: Until,
    /// Rundeck refuses the `Host` that it sends.
    pub host_refused: Until,
}

impl Sight {
    /// Until when something stands in the way, as far as is known now.
    pub fn hindered_until(&self) -> Moment {
        self.blind.max(self.nameless).max(self.host_refused)
    }

    pub fn goes_blind(&mut self, until: Moment, now: Moment) {
        if self.blind <= now {
            self.blind_since = now;
        }
        self.blind = until;
    }

    /// What a round says that comes to nothing at all.
    pub fn own(&self, now: Moment) -> Option<WebSeen> {
        if now < self.nameless {
            return Some(WebSeen::CannotJudge(Unjudged::Name));
        }
        (now < self.blind).then_some(WebSeen::CannotConnect)
    }

    /// What becomes of an answer: only who answers at all can refuse.
    pub fn told(&self, reply: Reply, now: Moment) -> Reply {
        match reply {
            Reply::Web(WebSeen::Refused | WebSeen::TimedOut, _) => reply,
            Reply::Web(..) if now < self.host_refused => Reply::Web(WebSeen::CannotJudge(Unjudged::Host), None),
            reply => reply,
        }
    }

    pub fn heal(&mut self, now: Moment) {
        (self.blind, self.nameless, self.host_refused) = (now, now, now);
    }
}
