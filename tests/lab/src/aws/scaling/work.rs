//! What an Auto Scaling group does by itself: it moves instances on, registers and deregisters them in the target
//! groups that it has attached, tells metadata where they go, and gives up those that it finds unhealthy.
//!
//! An instance in Standby, or on its way there, is not judged (Auto Scaling User Guide, "Temporarily remove
//! instances").

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::Scaling;
use super::group::Group;
use crate::alb::{Fleet, Group as TargetGroup, Power, State, TargetKey, TargetType};
use crate::clock::{self, Instant};
use crate::imds::Lifecycle;
use crate::lock;

/// How often it looks around: often enough that a test does not notice.
const LOOK: Duration = Duration::from_millis(10);

/// What the groups act on.
#[derive(Debug, Default)]
pub(crate) struct Surroundings {
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) target_groups: Vec<Arc<TargetGroup>>,
    /// By instance: where its metadata show what becomes of it.
    pub(crate) metadata: BTreeMap<String, Lifecycle>,
}

impl Surroundings {
    /// The target groups that are attached, with the instance's target in each.
    fn targets(&self, group: &Group, id: &str) -> Vec<(&TargetGroup, TargetKey)> {
        let found = group.settings.attached().filter_map(|arn| self.target_groups.iter().find(|it| it.arn() == arn));
        let target = |it: &'_ Arc<TargetGroup>| {
            let settings = it.settings();
            let id = match settings.target_type {
                TargetType::Instance => id.to_owned(),
                TargetType::Ip => self.fleet.find(id)?.0.to_string(),
            };
            Some(TargetKey { id, port: settings.port })
        };
        found.filter_map(|it| Some((it.as_ref(), target(it)?))).collect()
    }

    pub(super) fn deregister(&self, group: &Group, id: &str) {
        for (it, key) in self.targets(group, id) {
            // An instance that nobody knows any more is no target either.
            let _ = it.deregister(&[(key.id, Some(key.port))]);
        }
    }

    fn register(&self, group: &Group, id: &str) {
        for (it, key) in self.targets(group, id) {
            // Refused where the instance does not run: it stays out, as it does with AWS.
            let _ = it.register(&[key]);
        }
    }

    fn is_quiet(&self, group: &Group, id: &str) -> bool {
        self.targets(group, id).iter().all(|(it, key)| it.health(key).state != State::Draining)
    }
}

/// Works as long as it is polled.
pub(crate) async fn work_for_ever(scaling: Arc<Scaling>) {
    loop {
        scaling.work();
        clock::pause(LOOK).await;
    }
}

impl Scaling {
    /// Does what is to be done by now.
    pub(super) fn work(&self) {
        let now = clock::now();
        let mut groups = lock(&self.groups);
        for group in groups.values_mut() {
            self.judge(group, now);
            let ids: Vec<String> = group.instances.keys().cloned().collect();
            for id in ids {
                self.arrives(group, &id, now);
            }
        }
        for (id, metadata) in &self.around.metadata {
            let found = groups.values().find_map(|group| Some((group.instances.get(id)?, group)));
            if let Some((instance, group)) = found {
                self.tell(metadata, id, &instance.going(&group.settings.pool));
            }
        }
    }

    /// Metadata are told only what is new, so that a test may set them to something else.
    fn tell(&self, metadata: &Lifecycle, id: &str, going: &str) {
        let mut told = lock(&self.told);
        if told.get(id).map(String::as_str) != Some(going) {
            metadata.set(Some(going));
            told.insert(id.to_owned(), going.to_owned());
        }
    }

    /// An instance whose move is over, and whose targets have drained, is where it was going.
    fn arrives(&self, group: &mut Group, id: &str, now: Instant) {
        let Some(instance) = group.instances.get(id) else { return };
        if instance.arrives.is_none_or(|at| now < at) {
            return;
        }
        let state = match instance.state.as_str() {
            "EnteringStandby" if self.around.is_quiet(group, id) => "Standby",
            "Pending" => {
                if group.settings.runs("AddToLoadBalancer") {
                    self.around.register(group, id);
                }
                "InService"
            }
            gone @ ("Detaching" | "Terminating") if self.around.is_quiet(group, id) => {
                if gone == "Terminating" {
                    self.around.fleet.set_power(id, Power::Terminated);
                }
                if let Some(metadata) = self.around.metadata.get(id) {
                    self.tell(metadata, id, if gone == "Terminating" { "Terminated" } else { "Detached" });
                }
                group.instances.remove(id);
                return;
            }
            _ => return,
        };
        if let Some(instance) = group.instances.get_mut(id) {
            (instance.state, instance.arrives) = (state.to_owned(), None);
        }
    }

    /// Gives up instances in service that do not run, or that an attached target group finds unhealthy.
    fn judge(&self, group: &mut Group, now: Instant) {
        let healthy = |it: &&Arc<TargetGroup>| it.targets().iter().any(|(_, health)| health.state == State::Healthy);
        let attached = |arn: &str| self.around.target_groups.iter().find(|it| it.arn() == arn);
        let serving: Vec<String> =
            group.settings.attached().filter_map(attached).filter(healthy).map(|it| it.arn().to_owned()).collect();
        group.served.extend(serving);
        group.served.sort();
        group.served.dedup();
        if !(group.settings.runs("HealthCheck") && group.settings.runs("ReplaceUnhealthy")) {
            return;
        }
        let in_service = group.instances.iter().filter(|(_, it)| it.state == "InService" && it.judged_from <= now);
        let bad: Vec<String> = in_service.map(|(id, _)| id.clone()).filter(|id| self.is_bad(group, id)).collect();
        for id in bad {
            self.around.deregister(group, &id);
            group.sets_out(&id, "Terminating", now);
            if let Some(instance) = group.instances.get_mut(&id) {
                instance.unhealthy = true;
            }
            lock(&self.replaced).push(id);
            if group.settings.runs("Launch") {
                group.launches(now);
            }
        }
    }

    fn is_bad(&self, group: &Group, id: &str) -> bool {
        let stands_still = self.around.fleet.find(id).is_some_and(|(_, power)| power != Power::Running);
        let unhealthy = |(it, key): &(&TargetGroup, TargetKey)| {
            group.served.iter().any(|arn| arn == it.arn()) && it.health(key).state == State::Unhealthy
        };
        stands_still || group.settings.asks_balancer() && self.around.targets(group, id).iter().any(unhealthy)
    }
}
