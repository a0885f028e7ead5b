//! One row per check, in the documented order; each part makes its own. It decides nothing.

use super::{Heart, between};
use crate::api::passive_ejects;
use crate::contract::CheckView;

impl Heart {
    /// Every check that is made, in the documented order.
    pub(super) fn rows(&self) -> Vec<CheckView> {
        let (health, policy) = (&self.health, &self.policy.health);
        let in_group = self.asg.in_group();
        let mut rows = vec![health.process_row(), health.web_row(policy), health.readiness_row(policy)];
        let api = self.api.row(passive_ejects(true, in_group, policy));
        let clone = self.identity.row(api.next);
        if self.policy.circumstances.has_token {
            rows.extend([api, health.database_row(&self.desk)]);
        }
        rows.extend(health.machine_rows(between::ejects_full_disk(true, in_group), policy));
        if self.policy.circumstances.has_token {
            rows.push(clone);
        }
        rows
    }
}
