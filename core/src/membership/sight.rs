//! What was last seen of the own target, and what that may say; whether somebody else took it out. Values only.

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

/// What is known of whoever may have taken the target out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Taken {
    pub(super) stage: Absence,
    /// The node wanted to be in at some time since the target was last seen in.
    pub(super) wanted: bool,
    /// A deregistration of ours may have taken effect, or may yet.
    pub(super) by_us: bool,
    /// A registration that AWS had accepted did not show: the next that does not was undone by somebody.
    pub(super) doubted: bool,
}

/// Whether somebody has, and what becomes of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Absence {
    /// Nobody has, as far as is known.
    #[default]
    No,
    /// Somebody has, and it is left alone until then.
    Until(Moment),
    /// It is left out until an order or the next start of the agent.
    Stays,
    /// It may be put back.
    Over,
}
