//! What an operator can set at a target group. Values only; nothing here acts.
//!
//! Times are real time spans, so that a test can use milliseconds; the API tells them in whole seconds, rounded up.

use std::collections::BTreeMap;
use std::time::Duration;

/// How targets are named; fixed when the group is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetType {
    /// By instance id; the address comes from the fleet.
    Instance,
    /// By address (here: of the loopback network, which stands for the VPC).
    Ip,
}

impl TargetType {
    /// The word of the API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Instance => "instance",
            Self::Ip => "ip",
        }
    }
}

/// Where the health check asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealthPort {
    /// `traffic-port`: the target's own port.
    Traffic,
    /// The same port on every target.
    Number(u16),
}

impl HealthPort {
    /// The port that is asked on a target with this traffic port.
    #[must_use]
    pub fn of(self, traffic: u16) -> u16 {
        match self {
            Self::Traffic => traffic,
            Self::Number(port) => port,
        }
    }
}

/// The health check, with AWS's defaults for the values that are not times (ALB user guide, "Health checks").
/// The protocol is always HTTP: the lab has no certificates.
#[derive(Debug, Clone)]
pub struct HealthCheck {
    /// Where it asks.
    pub port: HealthPort,
    /// What it asks for, with an optional query.
    pub path: String,
    /// Time between two checks of one balancer node.
    pub interval: Duration,
    /// How long an answer may take. AWS demands less than the interval; the lab does not, so that a busy machine is not
    /// taken for a sick target when the interval is a test's.
    pub timeout: Duration,
    /// Passes in a row that bring an `unhealthy` target back. The first `healthy` needs one only.
    pub healthy_threshold: u32,
    /// Failures in a row that take a target out.
    pub unhealthy_threshold: u32,
    /// Codes that pass: `200`, `200,202`, `200-299`.
    pub matcher: String,
}

impl HealthCheck {
    /// Whether an answer with `status` passes. A part of the matcher that cannot be read passes nothing.
    #[must_use]
    pub fn passes(&self, status: u16) -> bool {
        self.matcher.split(',').any(|part| {
            let (low, high) = part.split_once('-').unwrap_or((part, part));
            let range = low.trim().parse::<u16>().ok().zip(high.trim().parse::<u16>().ok());
            range.is_some_and(|(low, high)| (low..=high).contains(&status))
        })
    }
}

impl Default for HealthCheck {
    /// AWS's thresholds and matcher; the times are a test's: 50 ms between checks, 2 s for an answer.
    fn default() -> Self {
        Self {
            port: HealthPort::Traffic,
            path: "/".to_owned(),
            interval: Duration::from_millis(50),
            timeout: Duration::from_secs(2),
            healthy_threshold: 5,
            unhealthy_threshold: 2,
            matcher: "200".to_owned(),
        }
    }
}

/// Sticky sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stickiness {
    /// Switched off.
    Off,
    /// The balancer's own cookie `AWSALB`, renewed with every answer.
    LoadBalancer {
        /// How long a session may pause before it is forgotten.
        duration: Duration,
    },
    /// Tied to a cookie of the application (for Rundeck `JSESSIONID`), with `AWSALBAPP-0` beside it.
    Application {
        /// Name of the application's cookie; its value is not looked at.
        cookie: String,
        /// How long a session may pause before it is forgotten.
        duration: Duration,
    },
}

/// A zonal shift of the nodes' zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ZonalShift {
    /// `zonal_shift_active`.
    Active,
    /// `zonal_shift_delegated_to_dns`: nobody can tell here whether there is one.
    ByDns,
}

/// What anomaly detection found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anomaly {
    /// `anomalous`, with nothing done about it.
    Noted,
    /// `anomalous`, with mitigation in effect.
    Mitigated,
}

/// One target group.
#[derive(Debug, Clone)]
pub struct GroupSettings {
    /// Its name.
    pub name: String,
    /// Port of a target that is registered without one.
    pub port: u16,
    /// How targets are named.
    pub target_type: TargetType,
    /// The health check.
    pub health_check: HealthCheck,
    /// How long a deregistered target is `draining`.
    pub deregistration_delay: Duration,
    /// How long a new target is in `Elb.RegistrationInProgress` before its first check.
    pub registration_takes: Duration,
    /// Sticky sessions.
    pub stickiness: Stickiness,
    /// Whether a listener forwards to it; otherwise every target is `unused`, `Target.NotInUse`.
    pub in_use: bool,
    /// Whether the balancer is in the nodes' zone (all nodes of a world are in one); otherwise every target is
    /// `unused`, `Target.NotInUse`.
    pub zone_enabled: bool,
    /// What `AdministrativeOverride` says of every target; while a zonal shift is active nothing is sent there.
    pub zonal_shift: Option<ZonalShift>,
    /// What anomaly detection says of every target. Mitigation shows; the lab sends no fewer requests.
    pub anomaly: Option<Anomaly>,
    /// Tags of the group.
    pub tags: BTreeMap<String, String>,
}

impl GroupSettings {
    /// Whether the balancer has anything to do with its targets at all.
    pub(super) fn gets_traffic(&self) -> bool {
        self.in_use && self.zone_enabled
    }

    /// A group of instances with test-sized times: registered at once, draining for 300 ms, not sticky, in use.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            port: 80,
            target_type: TargetType::Instance,
            health_check: HealthCheck::default(),
            deregistration_delay: Duration::from_millis(300),
            registration_takes: Duration::ZERO,
            stickiness: Stickiness::Off,
            in_use: true,
            zone_enabled: true,
            zonal_shift: None,
            anomaly: None,
            tags: BTreeMap::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_matcher_reads_lists_and_ranges_and_nothing_else() {
        let check = |matcher: &str| HealthCheck { matcher: matcher.to_owned(), ..HealthCheck::default() };
        assert!(check("200").passes(200));
        assert!(!check("200").passes(302));
        assert!(check("200,302").passes(302));
        assert!(check("200-299, 401").passes(204));
        assert!(check("200-299, 401").passes(401));
        assert!(!check("nonsense").passes(200));
    }
}
