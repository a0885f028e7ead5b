//! What was last seen of the own target says: whether the balancer may send requests here, and whether it has let go.
//!
//! It decides nothing about what is done.

use super::group::{Group, Left};
use super::sight::Presence;
use crate::contract::{Moment, TargetState};

impl Group {
    pub(super) fn state(&self) -> Option<&TargetState> {
        self.seen.as_ref().map(|sight| &sight.target.state)
    }

    /// It was seen to be out, or on its way out.
    pub(super) fn is_out(&self) -> bool {
        matches!(self.state(), None | Some(TargetState::Absent | TargetState::Leaving))
    }

    /// Whether the balancer may send requests here. `refusing`: since when `/health` has said 503.
    pub(super) fn presence(&self, refusing: Option<Moment>) -> Presence {
        match &self.seen {
            None => Presence::Unknown,
            Some(sight) if !matches!(sight.target.state, TargetState::Absent | TargetState::Leaving) => Presence::In,
            // AWS is eventually consistent: what it was asked for last it may not show yet.
            Some(_) if self.awaited => Presence::Unknown,
            Some(sight) if self.counts_from(refusing).is_some_and(|since| sight.asked >= since) => Presence::Out,
            Some(_) => Presence::Unknown,
        }
    }

    /// From when on "gone" says something: before, whoever put the target back may have found it healthy.
    pub(super) fn counts_from(&self, refusing: Option<Moment>) -> Option<Moment> {
        refusing.map(|since| since.max(self.leaving_since))
    }

    /// Deregistered for good, or not there, or there is no group to be in.
    pub(super) fn has_left(&self, refusing: Option<Moment>) -> bool {
        self.has_no_group() || matches!(self.left, Left::Confirmed(_)) || self.presence(refusing) == Presence::Out
    }

    /// There is nothing to leave: AWS said so when it was asked to take the target out, or was asked for the group.
    pub(super) fn has_no_group(&self) -> bool {
        self.left == Left::NoGroup || (self.nowhere && self.target.is_none())
    }

    /// Seen in, and not deregistered since.
    pub(super) fn is_back(&self, refusing: Option<Moment>) -> bool {
        self.presence(refusing) == Presence::In && !self.has_left(refusing)
    }
}
