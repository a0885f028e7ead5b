//! What the bystander counts of the checks beside `/health`: calls that need the database, and consecutive equal
//! results.
//!
//! Counted as the documentation says it, not as the heart does it. It judges nothing.

use rundeck_alb_core::{CallId, Moment, Policy, Span};
use std::collections::BTreeMap;

/// Calls that need the database, and what is known of it by them (SEMANTICS: never two at a time; a hang is shared).
#[derive(Debug, Default)]
pub struct Bound {
    pub open: BTreeMap<CallId, Moment>,
    /// The readiness endpoint asks the database, as far as it has said.
    pub ready: Option<bool>,
    pub hang: bool,
    pub unproven: bool,
    pub answered: Option<Moment>,
}

impl Bound {
    /// Silence of `/health` may be the database's.
    pub fn silences(&self, policy: &Policy, now: Moment) -> bool {
        let mut open = self.open.values().filter(|sent| now.since(**sent) >= policy.health.timeout);
        self.hang || open.any(|sent| self.answered.is_some_and(|at| at >= *sent + Span::secs(1)))
    }

    pub fn ended(&mut self, id: CallId, hung: bool) {
        let Some(sent) = self.open.remove(&id) else { return };
        if hung {
            let meanwhile = self.answered.is_some_and(|at| at >= sent + Span::secs(1));
            self.hang |= meanwhile;
            self.unproven |= !meanwhile;
        }
    }
}

/// Consecutive equal results of the other local checks of this process.
#[derive(Debug, Default)]
pub struct Local {
    pub not_ready: u32,
    pub ready: u32,
    /// The last answer of the readiness endpoint, where it said anything.
    pub says_ready: Option<bool>,
    pub stopping: u32,
    /// Told to end, or its port held by somebody else.
    pub unsound: u32,
    pub full: u32,
}
