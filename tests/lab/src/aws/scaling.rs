//! Auto Scaling groups: what each is like and which instances it has, as a test sets it; and the two calls that read
//! them.
//!
//! It moves nothing by itself: a test says where an instance is, in the API's words.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::failure::Failure;
use super::form::Form;
use super::service::Service;
use super::xml::{element, leaf, members};
use crate::lock;

/// A group's name, checks and attachments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScalingSettings {
    /// `HealthCheckType`: a list, separated by commas.
    pub health_checks: String,
    /// ARNs in `TargetGroupARNs`.
    pub target_groups: Vec<String>,
    /// ARNs in `TrafficSources`, of the kind `elbv2`.
    pub traffic_sources: Vec<String>,
}

/// All groups of the account.
#[derive(Debug, Default)]
pub struct Scaling {
    groups: Mutex<BTreeMap<String, Group>>,
}

#[derive(Debug, Default)]
struct Group {
    settings: ScalingSettings,
    /// Instances by id, with `LifecycleState`.
    instances: BTreeMap<String, String>,
}

impl Scaling {
    /// Makes the group of this name, or changes what it is like.
    pub fn set(&self, name: &str, settings: ScalingSettings) {
        lock(&self.groups).entry(name.to_owned()).or_default().settings = settings;
    }

    /// Puts an instance into the group of this name, in this state; out of any other.
    pub fn place(&self, name: &str, instance: &str, state: &str) {
        let mut groups = lock(&self.groups);
        groups.values_mut().for_each(|group| drop(group.instances.remove(instance)));
        groups.entry(name.to_owned()).or_default().instances.insert(instance.to_owned(), state.to_owned());
    }

    /// Takes an instance out of whatever group has it.
    pub fn detach(&self, instance: &str) {
        lock(&self.groups).values_mut().for_each(|group| drop(group.instances.remove(instance)));
    }

    pub(super) fn perform(&self, action: &str, form: &Form) -> Result<String, Failure> {
        match action {
            "DescribeAutoScalingInstances" => Ok(self.describe_instances(&form.list("InstanceIds"))),
            "DescribeAutoScalingGroups" => Ok(self.describe_groups(&form.list("AutoScalingGroupNames"))),
            _ => Err(Failure::no_action(action, Service::AutoScaling.version())),
        }
    }

    /// Instances that no group has are left out, as AWS does.
    fn describe_instances(&self, ids: &[&str]) -> String {
        let groups = lock(&self.groups);
        let all =
            groups.iter().flat_map(|(name, group)| group.instances.iter().map(move |(id, state)| (name, id, state)));
        let wanted = all.filter(|(_, id, _)| ids.is_empty() || ids.contains(&id.as_str()));
        members(
            "AutoScalingInstances",
            wanted.map(|(name, id, state)| {
                leaf("InstanceId", id)
                    + &leaf("AutoScalingGroupName", name)
                    + &leaf("LifecycleState", state)
                    + &leaf("HealthStatus", "HEALTHY")
            }),
        )
    }

    fn describe_groups(&self, names: &[&str]) -> String {
        let groups = lock(&self.groups);
        let wanted = groups.iter().filter(|(name, _)| names.is_empty() || names.contains(&name.as_str()));
        members("AutoScalingGroups", wanted.map(|(name, group)| group.described(name)))
    }
}

impl Group {
    fn described(&self, name: &str) -> String {
        let ScalingSettings { health_checks, target_groups, traffic_sources } = &self.settings;
        let instances =
            self.instances.iter().map(|(id, state)| leaf("InstanceId", id) + &leaf("LifecycleState", state));
        let source = |arn: &String| leaf("Identifier", arn) + &leaf("Type", "elbv2");
        [
            leaf("AutoScalingGroupName", name),
            leaf("HealthCheckType", if health_checks.is_empty() { "EC2" } else { health_checks }),
            element("TargetGroupARNs", &target_groups.iter().map(|arn| leaf("member", arn)).collect::<String>()),
            members("TrafficSources", traffic_sources.iter().map(source)),
            members("Instances", instances),
        ]
        .concat()
    }
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
