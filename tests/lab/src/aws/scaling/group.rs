//! One Auto Scaling group: its instances with their states, and what it takes and refuses. Pure: time comes in, and
//! what follows at the balancer is done by whoever moves it on ([`super::work`]).
//!
//! Refusals are in AWS's words as users have met them; only how AWS refuses an `ExitStandby` above the maximum is
//! worded after its twin, for nobody has written that down.

use std::collections::BTreeMap;

use super::settings::{Refresh, ScalingSettings};
use crate::aws::failure::Failure;
use crate::clock::Instant;

#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) settings: ScalingSettings,
    pub(super) instances: BTreeMap<String, Instance>,
    /// Newest first.
    pub(super) refreshes: Vec<Refresh>,
    /// Attached target groups in which some target has been healthy: before that nobody is replaced for them.
    pub(super) served: Vec<String>,
    launched: u32,
}

/// An instance of the group.
#[derive(Debug, Clone)]
pub(super) struct Instance {
    /// `LifecycleState`.
    pub(super) state: String,
    /// When its move is over, draining aside; `None`: it is not on its way.
    pub(super) arrives: Option<Instant>,
    /// Since when it may be judged.
    pub(super) judged_from: Instant,
    /// The group has given it up.
    pub(super) unhealthy: bool,
}

impl Instance {
    pub(super) fn placed(state: &str, judged_from: Instant) -> Self {
        Self { state: state.to_owned(), arrives: None, judged_from, unhealthy: false }
    }

    /// The state that metadata show: where it is going, not where it is (EC2 User Guide, `target-lifecycle-state`).
    pub(super) fn going<'a>(&'a self, pool: &'a str) -> String {
        let (warm, state) = match self.state.strip_prefix("Warmed:") {
            Some(state) => (true, state),
            None => (false, self.state.as_str()),
        };
        let going = match state.split(':').next().unwrap_or(state) {
            "Pending" if warm => pool,
            "Pending" => "InService",
            "EnteringStandby" => "Standby",
            "Detaching" => "Detached",
            "Terminating" => "Terminated",
            other => other,
        };
        if warm { format!("Warmed:{going}") } else { going.to_owned() }
    }
}

impl Group {
    /// `EnterStandby`: what it would refuse, else the instance is on its way.
    pub(super) fn enter_standby(&mut self, name: &str, id: &str, decrement: bool, now: Instant) -> Result<(), Failure> {
        self.is_in(name, id, "InService")?;
        if decrement {
            if self.settings.desired <= self.settings.min {
                return Err(self.sizes(name, "place into standby 1 instance"));
            }
            self.settings.desired -= 1;
        }
        self.sets_out(id, "EnteringStandby", now);
        if !decrement && self.settings.runs("Launch") {
            self.launches(now);
        }
        Ok(())
    }

    /// `ExitStandby`: what it would refuse, else the instance is on its way, and one more is wanted.
    pub(super) fn exit_standby(&mut self, name: &str, id: &str, now: Instant) -> Result<(), Failure> {
        self.is_in(name, id, "Standby")?;
        if self.settings.desired >= self.settings.max {
            return Err(self.sizes(name, "take out of standby 1 instance"));
        }
        self.settings.desired += 1;
        self.sets_out(id, "Pending", now);
        Ok(())
    }

    /// An instance is on its way.
    pub(super) fn sets_out(&mut self, id: &str, state: &str, now: Instant) {
        let arrives = Some(now + self.settings.moves);
        if let Some(instance) = self.instances.get_mut(id) {
            (instance.state, instance.arrives) = (state.to_owned(), arrives);
        }
    }

    /// Another instance is started. The lab does not run it: it is in the listing alone, and pending for ever.
    pub(super) fn launches(&mut self, now: Instant) {
        self.launched += 1;
        let id = format!("i-{:017x}", 0xf000_0000_u64 + u64::from(self.launched));
        self.instances.insert(id, Instance::placed("Pending", now));
    }

    fn is_in(&self, name: &str, id: &str, state: &str) -> Result<(), Failure> {
        match self.instances.get(id) {
            None => Err(Failure::validation(format!("The instance {id} is not part of Auto Scaling group {name}."))),
            Some(instance) if instance.state != state => {
                Err(Failure::validation(format!("The instance {id} is not in {state}.")))
            }
            Some(_) => Ok(()),
        }
    }

    fn sizes(&self, name: &str, wish: &str) -> Failure {
        let ScalingSettings { min, max, desired, .. } = self.settings;
        Failure::validation(format!(
            "AutoScalingGroup {name} has min-size={min}, max-size={max}, and desired-size={desired}. To {wish}, please \
             update the AutoScalingGroup sizes appropriately."
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    fn group(min: u32, desired: u32, max: u32, state: &str) -> Group {
        let settings = ScalingSettings { min, max, desired, ..ScalingSettings::default() };
        let mut group = Group { settings, ..Group::default() };
        group.instances.insert("i-1".into(), Instance::placed(state, clock::now()));
        group
    }

    fn words(outcome: Result<(), Failure>) -> String {
        outcome.err().map_or_else(|| "done".to_owned(), |failure| failure.message)
    }

    #[test]
    fn both_rules_about_capacity_hold_and_each_refusal_has_its_words() {
        let now = clock::now();
        let mut fixed = group(1, 1, 1, "InService");
        assert_eq!(
            words(fixed.enter_standby("g", "i-1", true, now)),
            "AutoScalingGroup g has min-size=1, max-size=1, and desired-size=1. To place into standby 1 instance, \
             please update the AutoScalingGroup sizes appropriately."
        );
        assert_eq!(words(fixed.enter_standby("g", "i-1", false, now)), "done");
        assert_eq!((fixed.settings.desired, fixed.instances.len()), (1, 2), "another one is started in its place");
        fixed.instances.insert("i-1".into(), Instance::placed("Standby", now));
        assert_eq!(
            words(fixed.exit_standby("g", "i-1", now)),
            "AutoScalingGroup g has min-size=1, max-size=1, and desired-size=1. To take out of standby 1 instance, \
             please update the AutoScalingGroup sizes appropriately."
        );
        let mut room = group(1, 2, 2, "InService");
        assert_eq!(words(room.enter_standby("g", "i-1", true, now)), "done");
        assert_eq!((room.settings.desired, room.instances.len()), (1, 1));
        assert_eq!(words(room.enter_standby("g", "i-1", true, now)), "The instance i-1 is not in InService.");
        assert_eq!(words(room.exit_standby("g", "i-1", now)), "The instance i-1 is not in Standby.");
        room.instances.insert("i-1".into(), Instance::placed("Standby", now));
        assert_eq!(words(room.exit_standby("g", "i-1", now)), "done");
        assert_eq!(room.settings.desired, 2);
        let stranger = "The instance i-9 is not part of Auto Scaling group g.";
        assert_eq!(words(room.enter_standby("g", "i-9", true, now)), stranger);
    }

    #[test]
    fn metadata_tell_where_an_instance_is_going() {
        let now = clock::now();
        for (state, going) in [
            ("Pending", "InService"),
            ("Pending:Wait", "InService"),
            ("InService", "InService"),
            ("EnteringStandby", "Standby"),
            ("Standby", "Standby"),
            ("Terminating:Wait", "Terminated"),
            ("Detaching", "Detached"),
            ("Warmed:Pending", "Warmed:Stopped"),
            ("Warmed:Pending:Wait", "Warmed:Stopped"),
            ("Warmed:Stopped", "Warmed:Stopped"),
            ("Warmed:Running", "Warmed:Running"),
            ("Warmed:Terminating:Proceed", "Warmed:Terminated"),
        ] {
            assert_eq!(Instance::placed(state, now).going("Stopped"), going, "{state}");
        }
    }
}
