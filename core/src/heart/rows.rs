//! One row per check, in the documented order; each part makes its own. It decides nothing.

use super::{Heart, between};
use crate::contract::{Check, CheckView};

impl Heart {
    /// Every check that is made, in the documented order.
    pub(super) fn rows(&self) -> Vec<CheckView> {
        let (health, policy) = (&self.health, &self.policy.health);
        let replaces = self.asg.replaces();
        let has_token = self.policy.circumstances.has_token;
        let api = has_token.then(|| self.api.row(between::ejects_passive(true, replaces, &self.policy)));
        let clone = api.as_ref().map(|api| self.identity.row(api.next));
        let mut rows = Vec::with_capacity(Check::ALL.len());
        rows.extend([health.process_row(), health.web_row(policy), health.readiness_row(policy)]);
        rows.extend(api);
        rows.extend(has_token.then(|| health.database_row(&self.desk)));
        rows.extend(health.machine_rows(between::ejects_full_disk(true, replaces), policy));
        rows.extend(clone);
        rows
    }
}
