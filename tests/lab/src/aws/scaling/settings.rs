//! What an operator sets at an Auto Scaling group. Values only; nothing here acts.

use std::time::Duration;

/// An Auto Scaling group: bounds, checks, attachments, and how long its moves take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScalingSettings {
    /// `HealthCheckType`: a list, separated by commas; empty is AWS's default, `EC2`.
    pub health_checks: String,
    /// For how long an instance that has come into service is not judged. An instance that comes out of Standby has
    /// none (Auto Scaling User Guide, "Temporarily remove instances").
    pub grace: Duration,
    /// ARNs in `TargetGroupARNs`.
    pub target_groups: Vec<String>,
    /// ARNs in `TrafficSources`, of the kind `elbv2`.
    pub traffic_sources: Vec<String>,
    /// `MinSize`.
    pub min: u32,
    /// `MaxSize`.
    pub max: u32,
    /// `DesiredCapacity` at first; the group's own moves change it.
    pub desired: u32,
    /// `AvailabilityZones`.
    pub zones: Vec<String>,
    /// `SuspendedProcesses`. Those that the lab plays stand still: `AddToLoadBalancer`, `HealthCheck`, `Launch`,
    /// `ReplaceUnhealthy`; the others are told only.
    pub suspended: Vec<String>,
    /// How long an instance is on its way from one state to the next, draining aside.
    pub moves: Duration,
    /// Where instances of the warm pool wait: `Stopped`, `Running` or `Hibernated`.
    pub pool: String,
}

impl Default for ScalingSettings {
    /// One of at most four instances, in one zone, with test-sized times.
    fn default() -> Self {
        Self {
            health_checks: String::new(),
            grace: Duration::ZERO,
            target_groups: Vec::new(),
            traffic_sources: Vec::new(),
            min: 0,
            max: 4,
            desired: 1,
            zones: vec![format!("{}a", crate::aws::REGION)],
            suspended: Vec::new(),
            moves: Duration::from_millis(200),
            pool: "Stopped".to_owned(),
        }
    }
}

impl ScalingSettings {
    /// All target groups that it has attached, by either of the two ways.
    pub(super) fn attached(&self) -> impl Iterator<Item = &str> {
        self.target_groups.iter().chain(&self.traffic_sources).map(String::as_str)
    }

    /// A target that is unhealthy gets its instance replaced.
    pub(super) fn asks_balancer(&self) -> bool {
        self.health_checks.split(',').any(|word| word.trim() == "ELB")
    }

    pub(super) fn runs(&self, process: &str) -> bool {
        !self.suspended.iter().any(|gone| gone == process)
    }
}

/// An instance refresh, as its listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refresh {
    /// `Status`, such as `InProgress`.
    pub status: String,
    /// `StandbyInstances`; `None`: nobody said, so AWS waits.
    pub standby: Option<String>,
}
