//! One row per check, in the documented order; each part makes its own. It decides nothing.

use super::{Heart, between};
use crate::api::passive_ejects;
use crate::contract::{Check, CheckView};

impl Heart {
    /// Every check that is made, in the documented order.
    pub(super) fn rows(&self) -> Vec<CheckView> {
        let (health, policy) = (&self.health, &self.policy.health);
        let in_group = self.asg.in_group();
        let has_token = self.policy.circumstances.has_token;
        let api = has_token.then(|| self.api.row(passive_ejects(true, in_group, policy)));
        let clone = api.as_ref().map(|api| self.identity.row(api.next));
        let mut rows = Vec::with_capacity(Check::ALL.len());
        rows.extend([health.process_row(), health.web_row(policy), health.readiness_row(policy)]);
        rows.extend(api);
        rows.extend(has_token.then(|| health.database_row(&self.desk)));
        rows.extend(health.machine_rows(between::ejects_full_disk(true, in_group), policy));
        rows.extend(clone);
        rows
    }
}
