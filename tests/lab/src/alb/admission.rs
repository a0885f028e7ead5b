//! Who may be a target of a group: ids that fit its type, instances that exist and run (ELBv2 API reference,
//! `RegisterTargets`). Decides about one id at a time and changes nothing.

use std::fmt;
use std::net::IpAddr;

use super::fleet::{Fleet, Power};
use super::settings::{GroupSettings, TargetType};
use super::target::TargetKey;

/// Why the API does not take a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// `InvalidTarget`.
    InvalidTarget(String),
    /// `ValidationError`.
    Validation(String),
}

impl fmt::Display for Refused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::InvalidTarget(message) | Self::Validation(message)) = self;
        out.write_str(message)
    }
}

impl std::error::Error for Refused {}

/// Where a target can be reached; `None` for an instance that does not run.
pub(super) fn address(fleet: &Fleet, settings: &GroupSettings, key: &TargetKey) -> Option<IpAddr> {
    match settings.target_type {
        TargetType::Instance => {
            fleet.find(&key.id).filter(|(_, power)| *power == Power::Running).map(|(address, _)| address)
        }
        TargetType::Ip => key.id.parse().ok(),
    }
}

/// Refuses an id that does not fit the type of the group, an unknown instance, an address outside the network.
pub(super) fn check_id(fleet: &Fleet, settings: &GroupSettings, key: &TargetKey) -> Result<(), Refused> {
    match settings.target_type {
        TargetType::Instance if !key.id.starts_with("i-") => {
            Err(Refused::Validation(format!("Instance ID '{}' is not valid", key.id)))
        }
        TargetType::Instance if fleet.find(&key.id).is_none() => Err(not_running(key)),
        TargetType::Instance => Ok(()),
        TargetType::Ip => match key.id.parse::<IpAddr>() {
            Ok(address) if address.is_loopback() => Ok(()),
            Ok(_) => {
                let text = format!("The IP address '{}' is not within a valid IP address range", key.id);
                Err(Refused::InvalidTarget(text))
            }
            Err(_) => Err(Refused::Validation(format!("'{}' is not a valid IPv4 address", key.id))),
        },
    }
}

/// Refuses an instance that does not run.
pub(super) fn check_running(fleet: &Fleet, settings: &GroupSettings, key: &TargetKey) -> Result<(), Refused> {
    address(fleet, settings, key).map(|_| ()).ok_or_else(|| not_running(key))
}

fn not_running(key: &TargetKey) -> Refused {
    Refused::InvalidTarget(format!(
        "The following targets are not in a running state and cannot be registered: '{}'",
        key.id
    ))
}
