//! Which readiness endpoint a version has, and how its answer reads. Pure: it asks nothing.
//!
//! 6.x has `/monitoring/health/readiness` (start-up and shutdown), 4.2 to 5.20 the actuator's where it is switched on
//! (4.2 to 5.16 with the database in it, misspelt), 3.4 and 4.0 nothing. Never `liveness`: it is 503 all through the
//! start-up and 200 while stopping.

use super::answer::Answer;
use super::decode::failure;
use super::facts::Readiness;
use serde_json::Value;

/// Before it no version knows `/actuator`; a wrong path makes Rundeck keep a session for each look.
const FIRST_ACTUATOR_API: u32 = 41;
/// 5.20 and 6.0 share this API version: only Rundeck's own version tells them apart.
const FIRST_MONITORING_API: u32 = 58;
/// The first major version with `/monitoring`; its actuator is shut.
const FIRST_MONITORING_MAJOR: u32 = 6;
/// The database's component: misspelt to 5.16, put right since, and without the suffix that Spring strips.
const DATABASE: [&str; 3] =
    ["rundeckDataSourceHeathIndicator", "rundeckDataSourceHealthIndicator", "rundeckDataSource"];

/// A readiness endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// 6.x. Never asks the database.
    Monitoring,
    /// 4.2 to 5.20. Asks the database up to 5.16.
    Actuator,
}

impl Endpoint {
    pub fn path(self) -> &'static str {
        match self {
            Self::Monitoring => "/monitoring/health/readiness",
            Self::Actuator => "/actuator/health/readiness",
        }
    }
}

/// The endpoints that may be there, the best first. `major`: of Rundeck's own version, where `system/info` has told it.
pub(super) fn candidates(api_version: u32, major: Option<u32>) -> &'static [Endpoint] {
    match (api_version, major) {
        (..FIRST_ACTUATOR_API, _) => &[],
        (_, Some(FIRST_MONITORING_MAJOR..)) => &[Endpoint::Monitoring],
        (_, Some(_)) | (..FIRST_MONITORING_API, None) => &[Endpoint::Actuator],
        (_, None) => &[Endpoint::Monitoring, Endpoint::Actuator],
    }
}

/// Reads an answer: the readiness state alone, and beside it the database's component where there is one.
pub(super) fn read(endpoint: Endpoint, answer: &Answer) -> (Readiness, Option<bool>) {
    match answer.status {
        300..=399 | 404 => (Readiness::Absent, None),
        200 | 503 => {
            let json: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            match endpoint {
                Endpoint::Monitoring => (monitoring(answer.status, &json), None),
                Endpoint::Actuator => (actuator(answer.status, &json["components"]), database(&json["components"])),
            }
        }
        _ => (Readiness::Failed(failure(answer)), None),
    }
}

fn monitoring(status: u16, json: &Value) -> Readiness {
    match (status, json["status"].as_str(), json["readiness"].as_str()) {
        (200, Some("UP"), _) => Readiness::Ready,
        (503, _, Some("REFUSING_TRAFFIC")) => Readiness::NotReady,
        _ => Readiness::NoState(status),
    }
}

/// The status code and the state on top mix the database in; only the component is about this node.
fn actuator(status: u16, components: &Value) -> Readiness {
    match components["readinessState"]["status"].as_str() {
        Some("UP") => Readiness::Ready,
        Some("OUT_OF_SERVICE" | "DOWN") => Readiness::NotReady,
        _ => Readiness::NoState(status),
    }
}

fn database(components: &Value) -> Option<bool> {
    match DATABASE.iter().find_map(|name| components[*name]["status"].as_str())? {
        "UP" => Some(true),
        "DOWN" | "OUT_OF_SERVICE" => Some(false),
        _ => None,
    }
}
