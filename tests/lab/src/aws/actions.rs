//! The actions: each reads its parameters, asks the groups, and says the result as XML elements.

use std::collections::BTreeMap;
use std::time::Duration;

use super::cloud::Cloud;
use super::failure::Failure;
use super::form::Form;
use super::service::Service;
use super::xml::{element, leaf, members};
use super::{REGION, VPC};
use crate::alb::{Anomaly, Group, GroupSettings, Health, HealthPort, Stickiness, TargetKey, ZonalShift};

/// The largest page (ELBv2 API reference).
const MAX_PAGE: usize = 400;

type Answer = Result<String, Failure>;

/// Performs one call.
pub(super) fn perform(cloud: &Cloud, action: &str, form: &Form) -> Answer {
    match action {
        "RegisterTargets" => register(cloud, form),
        "DeregisterTargets" => deregister(cloud, form),
        "DescribeTargetHealth" => describe_health(cloud, form),
        "DescribeTargetGroups" => describe_groups(cloud, form),
        "DescribeTargetGroupAttributes" => describe_attributes(cloud, form),
        "DescribeTags" => describe_tags(cloud, form),
        "DescribeLoadBalancers" => Ok(describe_balancers(cloud)),
        _ => Err(Failure::no_action(action, Service::ElasticLoadBalancing.version())),
    }
}

fn register(cloud: &Cloud, form: &Form) -> Answer {
    let group = named_group(cloud, form)?;
    let port = group.settings().port;
    let targets = named_targets(form)?;
    let keys: Vec<TargetKey> =
        targets.into_iter().map(|(id, own)| TargetKey { id, port: own.unwrap_or(port) }).collect();
    group.register(&keys)?;
    Ok(String::new())
}

fn deregister(cloud: &Cloud, form: &Form) -> Answer {
    let group = named_group(cloud, form)?;
    group.deregister(&named_targets(form)?)?;
    Ok(String::new())
}

fn describe_health(cloud: &Cloud, form: &Form) -> Answer {
    let group = named_group(cloud, form)?;
    let settings = group.settings();
    let named = targets(form)?;
    let list: Vec<(TargetKey, Health)> = if named.is_empty() {
        group.targets()
    } else {
        let describe = |(id, port): (String, Option<u16>)| {
            let key = TargetKey { id, port: port.unwrap_or(settings.port) };
            group.describe(&key).map(|health| (key, health))
        };
        named.into_iter().map(describe).collect::<Result<_, _>>()?
    };
    let anomalies = form.list("Include").iter().any(|what| matches!(*what, "AnomalyDetection" | "All"));
    let entry = |(key, health): &(TargetKey, Health)| health_entry(&settings, key, health, anomalies);
    Ok(members("TargetHealthDescriptions", list.iter().map(entry)))
}

fn health_entry(settings: &GroupSettings, key: &TargetKey, health: &Health, anomalies: bool) -> String {
    let mut inner = leaf("State", health.state.word());
    inner.extend(health.reason.map(|reason| leaf("Reason", reason)));
    inner.extend(health.description.as_ref().map(|text| leaf("Description", text)));
    leaf("HealthCheckPort", settings.health_check.port.of(key.port))
        + &element("TargetHealth", &inner)
        + &laid_over(settings, anomalies)
        + &element("Target", &(leaf("Id", &key.id) + &leaf("Port", key.port)))
}

/// The override always stands there; anomalies are told to whoever asks to include them.
fn laid_over(settings: &GroupSettings, anomalies: bool) -> String {
    let (state, reason, text) = match settings.zonal_shift {
        None => ("no_override", "NoOverride", "No override is currently active on target"),
        Some(ZonalShift::Active) => {
            ("zonal_shift_active", "ZonalShiftActive", "Zonal shift is active for the target's Availability Zone")
        }
        Some(ZonalShift::ByDns) => (
            "zonal_shift_delegated_to_dns",
            "ZonalShiftDelegatedToDns",
            "The state is told by the zonal shift API alone",
        ),
    };
    let (result, mitigation) = match settings.anomaly {
        None => ("normal", "no"),
        Some(Anomaly::Noted) => ("anomalous", "no"),
        Some(Anomaly::Mitigated) => ("anomalous", "yes"),
    };
    let reason = format!("AdministrativeOverride.{reason}");
    let anomaly = leaf("Result", result) + &leaf("MitigationInEffect", mitigation);
    let anomaly = if anomalies { element("AnomalyDetection", &anomaly) } else { String::new() };
    element("AdministrativeOverride", &(leaf("State", state) + &leaf("Reason", reason) + &leaf("Description", text)))
        + &anomaly
}

fn describe_groups(cloud: &Cloud, form: &Form) -> Answer {
    let (arns, names) = (form.list("TargetGroupArns"), form.list("Names"));
    let known: BTreeMap<String, &Group> = cloud.groups.iter().map(|group| (group.name(), group.as_ref())).collect();
    let chosen: Vec<&Group> = if !arns.is_empty() {
        arns.iter().map(|arn| find_group(cloud, arn)).collect::<Result<_, _>>()?
    } else if !names.is_empty() {
        names
            .iter()
            .map(|name| known.get(*name).copied().ok_or_else(Failure::group_not_found))
            .collect::<Result<_, _>>()?
    } else {
        let balancer = form.get("LoadBalancerArn");
        let used = |group: &&Group| balancer.is_none_or(|arn| arn == cloud.balancer_arn && group.settings().in_use);
        known.into_values().filter(used).collect()
    };
    let size = form.get("PageSize").and_then(|size| size.parse().ok()).unwrap_or(MAX_PAGE).clamp(1, MAX_PAGE);
    let start: usize = form.get("Marker").and_then(|marker| marker.parse().ok()).unwrap_or(0);
    let page = chosen.iter().skip(start).take(size).map(|group| group_entry(cloud, group));
    let mut answer = members("TargetGroups", page);
    if start.saturating_add(size) < chosen.len() {
        answer += &leaf("NextMarker", start + size);
    }
    Ok(answer)
}

fn group_entry(cloud: &Cloud, group: &Group) -> String {
    let settings = group.settings();
    let check = &settings.health_check;
    let check_port = match check.port {
        HealthPort::Traffic => "traffic-port".to_owned(),
        HealthPort::Number(port) => port.to_string(),
    };
    let balancers = settings.in_use.then(|| cloud.balancer_arn.clone());
    [
        leaf("TargetGroupArn", group.arn()),
        leaf("TargetGroupName", &settings.name),
        leaf("Protocol", "HTTP"),
        leaf("ProtocolVersion", "HTTP1"),
        leaf("Port", settings.port),
        leaf("VpcId", VPC),
        leaf("HealthCheckEnabled", true),
        leaf("HealthCheckProtocol", "HTTP"),
        leaf("HealthCheckPort", check_port),
        leaf("HealthCheckPath", &check.path),
        leaf("HealthCheckIntervalSeconds", seconds(check.interval)),
        leaf("HealthCheckTimeoutSeconds", seconds(check.timeout)),
        leaf("HealthyThresholdCount", check.healthy_threshold),
        leaf("UnhealthyThresholdCount", check.unhealthy_threshold),
        element("Matcher", &leaf("HttpCode", &check.matcher)),
        element("LoadBalancerArns", &balancers.map(|arn| leaf("member", arn)).unwrap_or_default()),
        leaf("TargetType", settings.target_type.word()),
        leaf("IpAddressType", "ipv4"),
    ]
    .concat()
}

/// Every key that AWS returns for a group of instances or addresses, with AWS's default where the lab has no switch.
fn describe_attributes(cloud: &Cloud, form: &Form) -> Answer {
    let settings = named_group(cloud, form)?.settings();
    let day = Duration::from_secs(86_400);
    let (enabled, kind, lb_duration, cookie, app_duration) = match settings.stickiness {
        Stickiness::Off => (false, "lb_cookie", day, String::new(), day),
        Stickiness::LoadBalancer { duration } => (true, "lb_cookie", duration, String::new(), day),
        Stickiness::Application { cookie, duration } => (true, "app_cookie", day, cookie, duration),
    };
    let attributes = [
        ("stickiness.enabled", enabled.to_string()),
        ("stickiness.type", kind.to_owned()),
        ("stickiness.lb_cookie.duration_seconds", seconds(lb_duration).to_string()),
        ("stickiness.app_cookie.cookie_name", cookie),
        ("stickiness.app_cookie.duration_seconds", seconds(app_duration).to_string()),
        ("deregistration_delay.timeout_seconds", seconds(settings.deregistration_delay).to_string()),
        ("slow_start.duration_seconds", "0".to_owned()),
        ("load_balancing.algorithm.type", "round_robin".to_owned()),
        ("load_balancing.cross_zone.enabled", "use_load_balancer_configuration".to_owned()),
        ("target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "1".to_owned()),
        ("target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage", "off".to_owned()),
        ("target_group_health.dns_failover.minimum_healthy_targets.count", "1".to_owned()),
        ("target_group_health.dns_failover.minimum_healthy_targets.percentage", "off".to_owned()),
    ];
    Ok(members("Attributes", attributes.map(|(key, value)| leaf("Key", key) + &leaf("Value", value))))
}

fn describe_tags(cloud: &Cloud, form: &Form) -> Answer {
    let describe = |arn: &&str| {
        let tags = if *arn == cloud.balancer_arn { BTreeMap::new() } else { find_group(cloud, arn)?.settings().tags };
        let tags = tags.into_iter().map(|(key, value)| leaf("Key", key) + &leaf("Value", value));
        Ok(leaf("ResourceArn", arn) + &members("Tags", tags))
    };
    let entries: Vec<String> = form.list("ResourceArns").iter().map(describe).collect::<Result<_, Failure>>()?;
    if entries.is_empty() {
        return Err(Failure::validation("At least one resource ARN must be specified"));
    }
    Ok(members("TagDescriptions", entries))
}

fn describe_balancers(cloud: &Cloud) -> String {
    let entry = [
        leaf("LoadBalancerArn", &cloud.balancer_arn),
        leaf("LoadBalancerName", "lab"),
        leaf("DNSName", format!("lab.{REGION}.elb.amazonaws.com")),
        leaf("Scheme", "internal"),
        leaf("VpcId", VPC),
        element("State", &leaf("Code", "active")),
        leaf("Type", "application"),
        leaf("IpAddressType", "ipv4"),
    ]
    .concat();
    members("LoadBalancers", [entry])
}

fn named_group<'a>(cloud: &'a Cloud, form: &Form) -> Result<&'a Group, Failure> {
    let missing = || Failure::validation("1 validation error detected: 'targetGroupArn' must not be null");
    find_group(cloud, form.get("TargetGroupArn").ok_or_else(missing)?)
}

fn find_group<'a>(cloud: &'a Cloud, arn: &str) -> Result<&'a Group, Failure> {
    if !(arn.starts_with("arn:") && arn.contains(":targetgroup/")) {
        return Err(Failure::validation(format!("'{arn}' is not a valid target group ARN")));
    }
    let found = cloud.groups.iter().find(|group| group.arn() == arn);
    found.map(AsRef::as_ref).ok_or_else(Failure::group_not_found)
}

fn targets(form: &Form) -> Result<Vec<(String, Option<u16>)>, Failure> {
    form.targets().map_err(|port| Failure::validation(format!("Port '{port}' is not valid: 1 to 65535")))
}

fn named_targets(form: &Form) -> Result<Vec<(String, Option<u16>)>, Failure> {
    let targets = targets(form)?;
    if targets.is_empty() {
        return Err(Failure::validation("At least one target must be specified"));
    }
    Ok(targets)
}

/// Whole seconds, rounded up: the lab's times may be a test's milliseconds, the API knows seconds only.
fn seconds(span: Duration) -> u64 {
    span.as_secs() + u64::from(span.subsec_nanos() > 0)
}
