//! The load balancer: target groups, the nodes' health checks, and the listener that forwards requests.
//!
//! It does not speak the API; [`crate::aws`] does, on these groups.

mod admission;
mod balancer;
mod fleet;
mod group;
pub(crate) mod prober;
mod settings;
mod sticky;
mod target;
mod traffic;
mod upstream;

pub use admission::Refused;
pub use balancer::Balancer;
pub use fleet::{Fleet, Power};
pub use group::{Change, Group};
pub use settings::{Anomaly, GroupSettings, HealthCheck, HealthPort, Stickiness, TargetType, ZonalShift};
pub use target::{CheckResult, Health, State, TargetKey};
pub use traffic::{Exchange, Traffic, Trouble};
