//! The lab's time: the only place of this crate that waits or asks for the time.
//!
//! The lab lives in real time (tokio's clock, so a paused test clock works too); intervals are made small instead.
//! It does not know what anybody waits for.

use std::future::Future;
use std::time::{Duration, SystemTime};

pub use tokio::time::Instant;

/// How often [`eventually`] asks again: often enough that a test does not notice, rarely enough for two busy cores.
const ASK_AGAIN: Duration = Duration::from_millis(5);

/// Far enough away that nobody waits for it (a year), near enough that no arithmetic overflows.
const NEVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// The present moment.
#[must_use]
pub fn now() -> Instant {
    Instant::now()
}

/// The time of day, for headers and documents that people read.
#[must_use]
pub fn wall() -> SystemTime {
    SystemTime::now()
}

/// A moment that does not come in the life of a test.
#[must_use]
pub fn never() -> Instant {
    now() + NEVER
}

/// Waits until `moment`.
pub async fn until(moment: Instant) {
    tokio::time::sleep_until(moment).await;
}

/// Waits for `span`.
pub async fn pause(span: Duration) {
    until(now() + span).await;
}

/// Lets `work` run for at most `bound`; `None` when it did not end in time.
pub async fn within<F: Future>(bound: Duration, work: F) -> Option<F::Output> {
    tokio::time::timeout(bound, work).await.ok()
}

/// Waits until `condition` holds, for at most `bound`; tells whether it came to hold.
pub async fn eventually(bound: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let end = now() + bound;
    loop {
        if condition() {
            return true;
        }
        if now() >= end {
            return false;
        }
        pause(ASK_AGAIN).await;
    }
}
