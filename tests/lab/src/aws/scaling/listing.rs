//! What the describing calls say, as XML elements; and the activity that a move is answered with.

use super::group::{Group, Instance};
use super::settings::{Refresh, ScalingSettings};
use crate::aws::xml::{element, leaf, members};

pub(super) fn instance(name: &str, id: &str, instance: &Instance) -> String {
    leaf("AutoScalingGroupName", name) + &listed(id, instance)
}

pub(super) fn group(name: &str, group: &Group) -> String {
    let ScalingSettings { health_checks, target_groups, traffic_sources, zones, suspended, .. } = &group.settings;
    let source = |arn: &String| leaf("Identifier", arn) + &leaf("Type", "elbv2");
    let plain = |list: &[String]| list.iter().map(|word| leaf("member", word)).collect::<String>();
    let process = |name: &String| leaf("ProcessName", name) + &leaf("SuspensionReason", "User suspended");
    [
        leaf("AutoScalingGroupName", name),
        leaf("MinSize", group.settings.min),
        leaf("MaxSize", group.settings.max),
        leaf("DesiredCapacity", group.settings.desired),
        element("AvailabilityZones", &plain(zones)),
        leaf("HealthCheckType", if health_checks.is_empty() { "EC2" } else { health_checks }),
        leaf("HealthCheckGracePeriod", group.settings.grace.as_secs()),
        element("TargetGroupARNs", &plain(target_groups)),
        members("TrafficSources", traffic_sources.iter().map(source)),
        members("SuspendedProcesses", suspended.iter().map(process)),
        members("Instances", group.instances.iter().map(|(id, instance)| listed(id, instance))),
    ]
    .concat()
}

pub(super) fn refresh(name: &str, number: usize, refresh: &Refresh) -> String {
    let wish = refresh.standby.as_ref().map(|word| leaf("StandbyInstances", word)).unwrap_or_default();
    [
        leaf("InstanceRefreshId", format!("08b91cf7-8fa6-48af-b6a6-{number:012x}")),
        leaf("AutoScalingGroupName", name),
        leaf("Status", &refresh.status),
        element("Preferences", &(leaf("MinHealthyPercentage", 90) + &wish)),
    ]
    .concat()
}

/// A move has begun.
pub(super) fn activity(name: &str, description: &str) -> String {
    let entry = [
        leaf("ActivityId", "462b4bc3-ad3b-4e67-a58d-96cd00f02f9e"),
        leaf("AutoScalingGroupName", name),
        leaf("Description", description),
        leaf("Cause", "in response to a user request"),
        leaf("StartTime", "2026-01-01T00:00:00Z"),
        leaf("StatusCode", "InProgress"),
        leaf("Progress", 50),
    ]
    .concat();
    members("Activities", [entry])
}

fn listed(id: &str, instance: &Instance) -> String {
    let health = if instance.unhealthy { "Unhealthy" } else { "Healthy" };
    leaf("InstanceId", id) + &leaf("LifecycleState", &instance.state) + &leaf("HealthStatus", health)
}
