//! One row per check: what was seen, when, how often in a row, and what would change the verdict. It decides nothing.

use crate::contract::{Check, CheckView, Mode};
use crate::health::{api_words, not_asked};
use crate::heart::Heart;
use crate::member::Likeness;

impl Heart {
    /// Every check that is made, in the documented order.
    pub(crate) fn rows(&self) -> Vec<CheckView> {
        let (health, policy) = (&self.health, &self.policy.health);
        let mut rows = vec![health.process_row(), health.web_row(policy), health.readiness_row(policy)];
        if policy.has_token {
            rows.extend([self.api_row(), health.database_row(&self.desk)]);
        }
        rows.extend(health.machine_rows(!self.node.in_group(), policy));
        if policy.has_token {
            rows.push(self.clone_row());
        }
        rows
    }

    fn api_row(&self) -> CheckView {
        let api = &self.api;
        let (result, seen) = api.last.as_ref().map_or(not_asked(), |(seen, _)| api_words(seen));
        let change = match (self.policy.health.passive_out, self.node.in_group(), api.mode) {
            (true, false, Some(Mode::Passive)) => "active mode, seen twice, brings the node back",
            (true, false, _) => "passive mode set by somebody else, seen twice, takes the node out",
            _ => "passive mode only flags the node",
        };
        let at = api.last.as_ref().map(|(_, at)| *at);
        let next = api.pace.wake();
        CheckView { at, took: api.took, next, ..CheckView::of(Check::Api, result, seen, change.to_owned()) }
    }

    fn clone_row(&self) -> CheckView {
        let (result, seen) = match self.member.seen {
            Some((Likeness::Own, _)) => ("pass", "the server UUID is the one first seen".to_owned()),
            Some((Likeness::Constant, _)) => ("fail", "the server UUID is the container image's constant".to_owned()),
            Some((Likeness::Changed, _)) => ("fail", "the server UUID has changed".to_owned()),
            None => not_asked(),
        };
        let change = "tells people, takes no node out".to_owned();
        let (at, next) = (self.member.seen.map(|(_, at)| at), self.api.pace.wake());
        CheckView { at, next, ..CheckView::of(Check::Clone, result, seen, change) }
    }
}
