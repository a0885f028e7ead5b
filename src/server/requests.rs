//! How many requests the health port answered, by status. It is counted on the thread that answers and read elsewhere.

use hyper::StatusCode;
use std::sync::atomic::{AtomicU64, Ordering};

/// Every status that the health port gives, its own and hyper's.
pub(super) const STATUSES: [StatusCode; 7] = [
    StatusCode::OK,
    StatusCode::BAD_REQUEST,
    StatusCode::NOT_FOUND,
    StatusCode::METHOD_NOT_ALLOWED,
    StatusCode::PAYLOAD_TOO_LARGE,
    StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
    StatusCode::SERVICE_UNAVAILABLE,
];

/// Counters of the health port.
#[derive(Debug, Default)]
pub struct HealthRequests([AtomicU64; STATUSES.len()]);

impl HealthRequests {
    pub(super) fn count(&self, status: StatusCode) {
        let known = STATUSES.iter().zip(&self.0).find(|(known, _)| **known == status);
        if let Some((_, counter)) = known {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Each status with its count since the start.
    pub fn by_status(&self) -> impl Iterator<Item = (u16, u64)> {
        STATUSES.iter().zip(&self.0).map(|(status, counter)| (status.as_u16(), counter.load(Ordering::Relaxed)))
    }
}
