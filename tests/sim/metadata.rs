//! What EC2 tells of the machine: instance metadata, and the Auto Scaling group that has it, if one does.

use crate::rundeck::Until;
use rundeck_alb_core::{Moment, ScalingFacts, ScalingSeen};
use std::collections::BTreeSet;

#[derive(Debug)]
pub struct Metadata {
    pub down: Until,
    /// As metadata show it.
    pub lifecycle: Option<String>,
    /// An Auto Scaling group has the machine, whatever metadata show.
    pub in_group: bool,
    /// The target groups that it has attached: it would replace a node that is unhealthy in one.
    pub attached: BTreeSet<String>,
    /// When the group moved the machine, last.
    pub moved: Moment,
    pub tag: Option<String>,
    /// They do not tell the machine's private address.
    pub addressless: Until,
}

impl Metadata {
    pub fn new() -> Metadata {
        let never = Moment(0);
        Metadata {
            down: never,
            lifecycle: None,
            in_group: false,
            attached: BTreeSet::new(),
            moved: never,
            tag: None,
            addressless: never,
        }
    }

    /// As Auto Scaling's API tells it: the machine is where it is moved to.
    pub fn scaling(&self) -> Option<ScalingSeen> {
        let state = self.lifecycle.clone().unwrap_or_else(|| "InService".into());
        if !self.in_group || state == "Detached" {
            return None;
        }
        let facts = ScalingFacts { health_checks: vec!["EC2".into(), "ELB".into()], attached: self.attached.clone() };
        Some(ScalingSeen { name: "asg".into(), state: Some(state), facts: Ok(facts) })
    }
}
