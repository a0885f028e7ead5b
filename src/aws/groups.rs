//! What a target group is like, in neutral words.
//!
//! It judges nothing; which settings are good for Rundeck is decided elsewhere.

use aws_sdk_elasticloadbalancingv2::types;
use rundeck_alb_core::Trouble;
use std::time::Duration;

/// AWS's default ("TargetGroupAttribute"), for emulators leave the attribute out.
pub(super) const DEFAULT_DELAY: Duration = Duration::from_secs(300);
pub(super) const DELAY_KEY: &str = "deregistration_delay.timeout_seconds";

/// How groups are asked for. AWS fails the whole call with `TargetGroupNotFound` when one of them is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupsBy<'a> {
    Arns(&'a [String]),
    Names(&'a [String]),
}

/// What a group registers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetType {
    /// Instance ids.
    Instance,
    /// Private addresses.
    Ip,
    /// A kind that no Rundeck node can be (`lambda`, `alb`), or one that is newer than this agent.
    Other(String),
}

/// Where the health check goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealthPort {
    /// To the port of each target's registration.
    Traffic,
    /// To this one.
    Number(u16),
}

/// A group's health check. `None` is what AWS left out: its pages name two defaults for the time-out, 5 s and 6 s.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheck {
    /// `HTTP` or `HTTPS`.
    pub protocol: Option<String>,
    /// Where it goes.
    pub port: HealthPort,
    /// Path without its query: that may hold Rundeck's token (the old documented way), and leaves this room for nobody.
    pub path: Option<String>,
    /// There was one.
    pub has_query: bool,
    /// Time between two checks by one load balancer node.
    pub interval: Option<Duration>,
    /// Time for an answer.
    pub timeout: Option<Duration>,
    /// Good answers in a row for coming back; a new target needs one only.
    pub healthy_threshold: Option<u32>,
    /// Bad answers in a row for being taken out.
    pub unhealthy_threshold: Option<u32>,
    /// Statuses that are good, like `200` or `200-299`.
    pub matcher: Option<String>,
}

/// A target group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupFacts {
    pub arn: String,
    pub name: String,
    /// Port of registrations that name none; `None` for groups without one (lambda).
    pub port: Option<u16>,
    /// What it registers.
    pub target_type: TargetType,
    pub vpc_id: Option<String>,
    /// The family of its addresses: `ipv4`, `ipv6`, or one that is newer than this agent.
    pub address_type: Option<String>,
    /// Load balancers that send requests to it; none: no listener rule uses the group.
    pub load_balancers: Vec<String>,
    pub health_check: HealthCheck,
    /// How long a target is drained: all of it, even when idle. AWS's default where it could not be read.
    pub deregistration_delay: Duration,
    /// Why the attributes could not be read.
    pub unread: Option<Trouble>,
}

impl GroupFacts {
    /// Reads AWS's answer; `None` without ARN or name. The delay is an attribute, which another call tells.
    pub(super) fn of(group: &types::TargetGroup) -> Option<Self> {
        Some(Self {
            arn: group.target_group_arn()?.to_owned(),
            name: group.target_group_name()?.to_owned(),
            port: group.port().and_then(positive),
            target_type: match group.target_type() {
                None | Some(types::TargetTypeEnum::Instance) => TargetType::Instance,
                Some(types::TargetTypeEnum::Ip) => TargetType::Ip,
                Some(other) => TargetType::Other(other.as_str().to_owned()),
            },
            vpc_id: group.vpc_id().map(str::to_owned),
            address_type: group.ip_address_type().map(|family| family.as_str().to_owned()),
            load_balancers: group.load_balancer_arns().to_vec(),
            health_check: HealthCheck::of(group),
            deregistration_delay: DEFAULT_DELAY,
            unread: None,
        })
    }
}

impl HealthCheck {
    /// Whether an answer with this status is a good one; so it is where AWS does not tell which are (a group that
    /// speaks gRPC). A part of the list that cannot be read passes nothing.
    #[must_use]
    pub fn passes(&self, status: u16) -> bool {
        self.matcher.as_ref().is_none_or(|matcher| {
            matcher.split(',').any(|part| {
                let (low, high) = part.split_once('-').unwrap_or((part, part));
                let range = low.trim().parse::<u16>().ok().zip(high.trim().parse::<u16>().ok());
                range.is_some_and(|(low, high)| (low..=high).contains(&status))
            })
        })
    }

    fn of(group: &types::TargetGroup) -> Self {
        let seconds = |value: Option<i32>| value.and_then(positive).map(Duration::from_secs);
        let port = group.health_check_port().and_then(|port| port.parse().ok());
        let (path, has_query) = match group.health_check_path() {
            Some(whole) => (Some(whole.split('?').next().unwrap_or_default().to_owned()), whole.contains('?')),
            None => (None, false),
        };
        Self {
            protocol: group.health_check_protocol().map(|protocol| protocol.as_str().to_owned()),
            port: port.map_or(HealthPort::Traffic, HealthPort::Number),
            path,
            has_query,
            interval: seconds(group.health_check_interval_seconds()),
            timeout: seconds(group.health_check_timeout_seconds()),
            healthy_threshold: group.healthy_threshold_count().and_then(positive),
            unhealthy_threshold: group.unhealthy_threshold_count().and_then(positive),
            matcher: group.matcher().and_then(|matcher| matcher.http_code()).map(str::to_owned),
        }
    }
}

/// AWS's numbers are signed; 0 and less stand for "none" in all of these fields.
fn positive<T: TryFrom<i32>>(value: i32) -> Option<T> {
    (value > 0).then(|| T::try_from(value).ok()).flatten()
}

/// Reads the delay from a group's attributes. It may be 0.
pub(super) fn delay_of(attributes: &[types::TargetGroupAttribute]) -> Duration {
    let value = attributes.iter().find(|attribute| attribute.key() == Some(DELAY_KEY));
    let seconds = value.and_then(|attribute| attribute.value()?.parse().ok());
    seconds.map_or(DEFAULT_DELAY, Duration::from_secs)
}
