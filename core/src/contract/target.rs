//! What the load balancer says of one target beside its state: why, and what is laid over it. AWS's lists are open.
//!
//! No word of AWS comes as far as this but those that nobody knows, and what people read. What follows from it is
//! decided in `membership`.

use super::aws::TargetState;
use serde::{Deserialize, Serialize};

/// One target as the load balancer sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetSeen {
    /// In neutral words.
    pub state: TargetState,
    /// AWS's reason code, empty when healthy.
    pub reason: String,
    /// AWS's description.
    pub description: String,
    /// What both say.
    pub because: TargetReason,
    /// What keeps requests from it, whatever its state is.
    pub overridden: Overridden,
    /// Whether it errs more than the others.
    pub anomaly: Anomaly,
}

impl TargetSeen {
    /// A target of which nothing is said but its state.
    pub fn plain(state: TargetState) -> TargetSeen {
        TargetSeen {
            state,
            reason: String::new(),
            description: String::new(),
            because: TargetReason::None,
            overridden: Overridden::No,
            anomaly: Anomaly::No,
        }
    }
}

/// Why a target is in its state (ELBv2 API reference, `TargetHealth`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TargetReason {
    /// None is told: a healthy target has none.
    None,
    /// `Elb.RegistrationInProgress`.
    Registering,
    /// `Elb.InitialHealthChecking`.
    FirstChecks,
    /// `Target.ResponseCodeMismatch`, with the statuses that its description names.
    Codes(Vec<u16>),
    /// `Target.Timeout`.
    TimedOut,
    /// `Target.FailedHealthChecks`: no connection, or no answer that could be read.
    Failed,
    /// `Elb.InternalError`.
    BalancerError,
    /// `Target.NotRegistered`.
    NotRegistered,
    /// `Target.NotInUse`: no listener leads to the group.
    NoListener,
    /// `Target.NotInUse`: the load balancer is not in the target's availability zone.
    ZoneOff,
    /// `Target.NotInUse`, and the description does not tell which of the two.
    NotInUse,
    /// `Target.InvalidState`: the instance does not run.
    NotRunning,
    /// `Target.IpUnusable`: a load balancer has the address.
    AddressTaken,
    /// `Target.DeregistrationInProgress`.
    Deregistering,
    /// `Target.HealthCheckDisabled`.
    ChecksOff,
    /// A word that this version does not know.
    Other(String),
}

/// What an administrator has laid over a target (`AdministrativeOverride`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Overridden {
    /// `no_override`, or nothing is told.
    No,
    /// `zonal_shift_active`: it gets no new requests.
    ZonalShift,
    /// `zonal_shift_delegated_to_dns`: whether there is one is told elsewhere.
    ByDns,
    /// `unknown`, or a word that this version does not know.
    Other(String),
}

impl Overridden {
    /// AWS's own word for it.
    pub fn word(&self) -> &str {
        match self {
            Overridden::No => "no_override",
            Overridden::ZonalShift => "zonal_shift_active",
            Overridden::ByDns => "zonal_shift_delegated_to_dns",
            Overridden::Other(word) => word,
        }
    }
}

/// What the load balancer's anomaly detection says of a target (`AnomalyDetection`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Anomaly {
    /// `normal`, or nothing is told.
    No,
    /// `anomalous`, and nothing is done about it.
    Noted,
    /// `anomalous`, with mitigation in effect: it gets fewer requests.
    Mitigated,
    /// A word that this version does not know.
    Other(String),
}

impl Anomaly {
    /// AWS's own word for it, `mitigated` where that is in effect.
    pub fn word(&self) -> &str {
        match self {
            Anomaly::No => "normal",
            Anomaly::Noted => "anomalous",
            Anomaly::Mitigated => "mitigated",
            Anomaly::Other(word) => word,
        }
    }
}
