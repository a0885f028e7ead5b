//! Auto Scaling groups: what each is like, which instances it has and where they are, the calls that read and move
//! them, and what a group does by itself.
//!
//! | file | what |
//! |---|---|
//! | `settings.rs` | what an operator sets |
//! | `group.rs` | states, capacity rules, refusals |
//! | `work.rs` | what happens by itself: moves, registration, metadata, replacement |
//! | `listing.rs` | the answers' XML |

mod group;
mod listing;
mod settings;
mod work;

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::failure::Failure;
use super::form::Form;
use super::service::Service;
use super::xml::members;
use crate::clock;
use crate::lock;
use group::{Group, Instance};
pub use settings::{Refresh, ScalingSettings};
pub(crate) use work::{Surroundings, work_for_ever};

/// All groups of the account.
#[derive(Debug, Default)]
pub struct Scaling {
    groups: Mutex<BTreeMap<String, Group>>,
    around: Surroundings,
    /// What metadata were told last, by instance.
    told: Mutex<BTreeMap<String, String>>,
    replaced: Mutex<Vec<String>>,
    contended: Mutex<u32>,
}

impl Scaling {
    pub(crate) fn new(around: Surroundings) -> Self {
        Self { around, ..Self::default() }
    }

    /// Makes the group of this name, or changes what it is like.
    pub fn set(&self, name: &str, settings: ScalingSettings) {
        lock(&self.groups).entry(name.to_owned()).or_default().settings = settings;
    }

    /// An operator changes the settings of a group; one that is not there stays so.
    pub fn change(&self, name: &str, edit: impl FnOnce(&mut ScalingSettings)) {
        if let Some(group) = lock(&self.groups).get_mut(name) {
            edit(&mut group.settings);
        }
    }

    /// The settings as they are now, with the capacity that is wanted.
    #[must_use]
    pub fn settings(&self, name: &str) -> Option<ScalingSettings> {
        lock(&self.groups).get(name).map(|group| group.settings.clone())
    }

    /// Puts an instance into the group of this name, in this state, out of any other. Metadata follow; nothing is
    /// registered: a test says where it is. The grace period begins.
    pub fn place(&self, name: &str, instance: &str, state: &str) {
        let mut groups = lock(&self.groups);
        groups.values_mut().for_each(|group| drop(group.instances.remove(instance)));
        let group = groups.entry(name.to_owned()).or_default();
        let judged_from = clock::now() + group.settings.grace;
        group.instances.insert(instance.to_owned(), Instance::placed(state, judged_from));
        drop(groups);
        self.work();
    }

    /// The group starts this instance: pending, then registered with all that is attached, then in service.
    pub fn launch(&self, name: &str, instance: &str) {
        self.place(name, instance, "Pending");
        if let Some(group) = lock(&self.groups).get_mut(name) {
            group.sets_out(instance, "Pending", clock::now());
        }
    }

    /// Somebody detaches an instance from whatever group has it: deregistered, drained, and out.
    pub fn detach(&self, instance: &str) {
        for group in lock(&self.groups).values_mut().filter(|group| group.instances.contains_key(instance)) {
            self.around.deregister(group, instance);
            group.sets_out(instance, "Detaching", clock::now());
        }
        self.work();
    }

    /// Somebody else moves an instance into Standby, as the console does.
    ///
    /// # Errors
    /// What AWS would say.
    pub fn enter_standby(&self, name: &str, instance: &str, decrement: bool) -> Result<(), String> {
        self.enter(name, instance, decrement).map_err(|failure| failure.message)
    }

    /// Somebody else moves an instance out of Standby.
    ///
    /// # Errors
    /// What AWS would say.
    pub fn exit_standby(&self, name: &str, instance: &str) -> Result<(), String> {
        self.exit(name, instance).map_err(|failure| failure.message)
    }

    /// An instance refresh begins, or stands there with that status; the newest is the first of the listing.
    pub fn refresh(&self, name: &str, refresh: Refresh) {
        if let Some(group) = lock(&self.groups).get_mut(name) {
            group.refreshes.insert(0, refresh);
        }
    }

    /// The next `count` moves meet another change that is under way (`ResourceContention`).
    pub fn contend(&self, count: u32) {
        *lock(&self.contended) = count;
    }

    /// `LifecycleState` of an instance; `None`: no group has it.
    #[must_use]
    pub fn state(&self, instance: &str) -> Option<String> {
        self.work();
        lock(&self.groups).values().find_map(|group| Some(group.instances.get(instance)?.state.clone()))
    }

    /// Instances of a group, whatever their state.
    #[must_use]
    pub fn instances(&self, name: &str) -> Vec<String> {
        lock(&self.groups).get(name).map(|group| group.instances.keys().cloned().collect()).unwrap_or_default()
    }

    /// Instances that a group has given up so far, oldest first.
    #[must_use]
    pub fn replaced(&self) -> Vec<String> {
        lock(&self.replaced).clone()
    }

    pub(super) fn perform(&self, action: &str, form: &Form) -> Result<String, Failure> {
        self.work();
        match action {
            "DescribeAutoScalingInstances" => Ok(self.describe_instances(&form.list("InstanceIds"))),
            "DescribeAutoScalingGroups" => Ok(self.describe_groups(&form.list("AutoScalingGroupNames"))),
            "DescribeInstanceRefreshes" => self.describe_refreshes(named(form)?),
            "EnterStandby" | "ExitStandby" => self.move_instance(action, form),
            _ => Err(Failure::no_action(action, Service::AutoScaling.version())),
        }
    }

    /// Instances that no group has are left out, as AWS does.
    fn describe_instances(&self, ids: &[&str]) -> String {
        let groups = lock(&self.groups);
        let all = groups.iter().flat_map(|(name, group)| group.instances.iter().map(move |(id, it)| (name, id, it)));
        let wanted = all.filter(|(_, id, _)| ids.is_empty() || ids.contains(&id.as_str()));
        members("AutoScalingInstances", wanted.map(|(name, id, it)| listing::instance(name, id, it)))
    }

    fn describe_groups(&self, names: &[&str]) -> String {
        let groups = lock(&self.groups);
        let wanted = groups.iter().filter(|(name, _)| names.is_empty() || names.contains(&name.as_str()));
        members("AutoScalingGroups", wanted.map(|(name, group)| listing::group(name, group)))
    }

    fn describe_refreshes(&self, name: &str) -> Result<String, Failure> {
        let groups = lock(&self.groups);
        let group = groups.get(name).ok_or_else(|| no_group(name))?;
        let listed = group.refreshes.iter().enumerate().map(|(at, refresh)| listing::refresh(name, at, refresh));
        Ok(members("InstanceRefreshes", listed))
    }

    fn move_instance(&self, action: &str, form: &Form) -> Result<String, Failure> {
        let name = named(form)?;
        let ids = form.list("InstanceIds");
        let [id] = ids.as_slice() else {
            return Err(Failure::validation("The lab moves one instance at a time"));
        };
        if action == "ExitStandby" {
            self.exit(name, id)?;
            return Ok(listing::activity(name, &format!("Moving EC2 instance out of Standby: {id}")));
        }
        let decrement = match form.get("ShouldDecrementDesiredCapacity") {
            Some("true") => true,
            Some("false") => false,
            _ => return Err(missing("shouldDecrementDesiredCapacity")),
        };
        self.enter(name, id, decrement)?;
        Ok(listing::activity(name, &format!("Moving EC2 instance to Standby: {id}")))
    }

    fn enter(&self, name: &str, id: &str, decrement: bool) -> Result<(), Failure> {
        self.is_free()?;
        let mut groups = lock(&self.groups);
        let group = groups.get_mut(name).ok_or_else(|| no_group(name))?;
        group.enter_standby(name, id, decrement, clock::now())?;
        self.around.deregister(group, id);
        drop(groups);
        self.work();
        Ok(())
    }

    fn exit(&self, name: &str, id: &str) -> Result<(), Failure> {
        self.is_free()?;
        let mut groups = lock(&self.groups);
        groups.get_mut(name).ok_or_else(|| no_group(name))?.exit_standby(name, id, clock::now())?;
        drop(groups);
        self.work();
        Ok(())
    }

    fn is_free(&self) -> Result<(), Failure> {
        let mut contended = lock(&self.contended);
        match contended.checked_sub(1) {
            None => Ok(()),
            Some(left) => {
                *contended = left;
                Err(Failure::contention())
            }
        }
    }
}

fn named(form: &Form) -> Result<&str, Failure> {
    form.get("AutoScalingGroupName").ok_or_else(|| missing("autoScalingGroupName"))
}

fn missing(parameter: &str) -> Failure {
    Failure::validation(format!(
        "1 validation error detected: Value null at '{parameter}' failed to satisfy constraint: Member must not be null"
    ))
}

fn no_group(name: &str) -> Failure {
    Failure::validation(format!("AutoScalingGroup name not found - AutoScalingGroup {name} not found"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_in_one_group_at_a_time_and_in_none_once_detached() {
        let scaling = Scaling::default();
        scaling.place("a", "i-1", "InService");
        scaling.place("b", "i-1", "Standby");
        let seen = scaling.describe_instances(&["i-1"]);
        assert!(
            seen.contains("<AutoScalingGroupName>b<") && seen.contains("Standby") && !seen.contains(">a<"),
            "{seen}"
        );
        scaling.change("b", |group| group.moves = std::time::Duration::ZERO);
        scaling.detach("i-1");
        assert_eq!(scaling.describe_instances(&["i-1"]), "<AutoScalingInstances></AutoScalingInstances>");
    }

    #[test]
    fn a_group_without_a_word_about_checks_has_awss_default() {
        let scaling = Scaling::default();
        scaling.set("a", ScalingSettings { traffic_sources: vec!["arn:1".into()], ..ScalingSettings::default() });
        let seen = scaling.describe_groups(&["a"]);
        assert!(seen.contains("<HealthCheckType>EC2<") && seen.contains("<Identifier>arn:1<"), "{seen}");
        assert_eq!(scaling.describe_groups(&["b"]), "<AutoScalingGroups></AutoScalingGroups>");
    }
}
