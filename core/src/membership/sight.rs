//! What was last seen of the own target, and what that may say. Values only.

use crate::contract::{Moment, TargetSeen};

/// What was seen of the own target. It speaks of the moment in which it was asked for, and grows old from then on.
#[derive(Clone, Debug)]
pub(super) struct Sight {
    pub(super) target: TargetSeen,
    pub(super) asked: Moment,
}

/// Whether the balancer may send requests here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    /// It has the target.
    In,
    /// It has let the target go, and that was seen in this drain, after `/health` had begun to say 503: whoever puts
    /// the target back later meets the 503 first.
    Out,
    /// Not seen, or seen gone while a registration may still take effect, or so long ago that somebody may have put it
    /// back and found it healthy.
    Unknown,
}
