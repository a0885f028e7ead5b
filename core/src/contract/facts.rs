//! What rooms of the heart tell each other: small values, built in `heart/between.rs`, so that no room needs another one.
//!
//! They are read by the room that they are handed to and kept by nobody. Nothing here is decided.

use super::policy::{HealthPolicy, MembershipPolicy};

/// What the node wants of its groups now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Be a target.
    Join,
    /// Be none.
    Leave,
    /// Change nothing.
    Hold,
}

/// What membership reads beside its own state.
pub(crate) struct GroupInputs<'a> {
    pub(crate) policy: &'a MembershipPolicy,
    pub(crate) health: &'a HealthPolicy,
    /// The machine is in no Auto Scaling group, as metadata said.
    pub(crate) alone: bool,
    pub(crate) dry_run: bool,
    /// Why something is changed, for the log.
    pub(crate) why: &'a str,
}
