//! What EC2 tells of the machine: instance metadata, and the Auto Scaling group that has it, if one does.

use crate::rundeck::Until;
use rundeck_alb_core::{Moment, ScalingFacts, ScalingSeen, StandbySeen, Trouble, TroubleKind};
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

    /// What Standby depends on there: always as it suits.
    pub fn standby(&self) -> Result<StandbySeen, Trouble> {
        let (kind, action) = (TroubleKind::NotFound, "autoscaling:DescribeAutoScalingGroups".into());
        let no_group = Trouble { kind, action, text: "no such group".into() };
        let seen = StandbySeen { desired: 3, min: 2, max: 4, zones: 1, az_rebalance: false, refresh: None };
        if self.in_group { Ok(seen) } else { Err(no_group) }
    }

    /// The group moves the machine, from there alone.
    pub fn moves(&mut self, from: &str, to: &str, now: Moment) -> Result<(), Trouble> {
        if self.scaling().and_then(|seen| seen.state).is_none_or(|state| state != from) {
            let (action, text) = ("autoscaling:Standby".into(), format!("the instance is not in {from}"));
            return Err(Trouble { kind: TroubleKind::Refused, action, text });
        }
        (self.lifecycle, self.moved) = (Some(to.into()), now);
        Ok(())
    }
}
