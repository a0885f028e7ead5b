//! How far the local Rundeck can be asked, and whether there is one to be waited for, by what was seen of its process
//! and its port.
//!
//! It changes nothing, and does not say what follows.

use super::Health;
use super::start::ORPHAN;
use super::verdict::Verdict;
use crate::contract::{Life, Reach, Reason, Span};
use crate::desk::Desk;

/// For so long a look that met a start says that it goes on: a bootstrap ends within seconds of its last step, and
/// jobs begin then.
const BOOTS_FOR: Span = Span::secs(10);

impl Health {
    /// How far it can be asked.
    pub(crate) fn reach(&self, desk: &Desk) -> Reach {
        let gone = matches!(self.standing.base(), Verdict::Down(Reason::Exited | Reason::Refused));
        let refuses = self.web.strong() >= 2;
        let stopping = self.jvm.shown().stopping == Some(true);
        let mute = self.web.mute() && !stopping;
        Reach {
            life: match self.jvm.process() {
                // That it still starts is believed only while it is looked at.
                _ if !stopping && self.web.boots().is_some_and(|at| !desk.reached(at + BOOTS_FOR)) => Life::Starting,
                // What ended while nobody could look may long have been followed by another.
                _ if (!gone && !refuses) || self.web.unseen() => Life::There,
                // Of one that is known, mute means that every look was refused: two at least, or this is not reached.
                Some(_) if mute && self.jvm.is_new() => Life::Starting,
                Some(_) if mute => Life::Closed,
                Some(_) => Life::Finishing,
                // What has answered since is another one that nobody recognises.
                None if self.jvm.is_orphan() && mute => Life::Gone,
                // It has answered, and nobody saw it end: it may still finish what it serves.
                None if !self.jvm.is_orphan() && !self.web.mute() => Life::Finishing,
                None => Life::Closed,
            },
            recognised: self.jvm.process().is_some() || self.web.answered().is_some(),
            answers: !gone && self.web.passes() > 0 || self.is_up(),
            proven: self.start.proven(),
            readiness_asked: self.ready.asked(),
            trusted: self.jvm.looked()
                && !self.web.elsewhere()
                && self.jvm.shown().stranger.is_none()
                && (!self.jvm.is_orphan() || self.believes_orphan(desk)),
        }
    }

    /// Rundeck's process has ended and no other is recognised, yet its port has answered well for long enough.
    fn believes_orphan(&self, desk: &Desk) -> bool {
        self.start.proven() || self.web.good_since().is_some_and(|since| desk.reached(since + ORPHAN))
    }
}
