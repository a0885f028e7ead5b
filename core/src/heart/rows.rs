//! One row per check, in the documented order; each part makes its own. It decides nothing.

use super::{Heart, between};
use crate::contract::CheckView;

impl Heart {
    /// Every check that is made, in the documented order.
    pub(super) fn rows(&self) -> Vec<CheckView> {
        let (health, policy) = (&self.health, &self.policy.health);
        let replaces = self.asg.replaces();
        let mut rows = vec![health.process_row(), health.web_row(policy), health.readiness_row(policy)];
        let api = self.api.row(between::ejects_passive(true, replaces, &self.policy));
        let clone = self.identity.row(api.next);
        if self.policy.circumstances.has_token {
            rows.extend([api, health.database_row(&self.desk)]);
        }
        rows.extend(health.machine_rows(between::ejects_full_disk(true, replaces), policy));
        if self.policy.circumstances.has_token {
            rows.push(clone);
        }
        rows
    }
}
