//! The only place of the stand-in that waits for time to pass or reads a clock.
//!
//! It does not decide anything: how long and why is said by the caller.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use time::format_description::well_known::{Rfc2822, Rfc3339};

/// Waits for `length` of the runtime's time (a paused tokio clock is respected).
pub async fn pause(length: Duration) {
    tokio::time::sleep_until(tokio::time::Instant::now() + length).await;
}

/// Milliseconds since 1970, as Rundeck prints them in `epoch` and `unixtime`.
#[must_use]
pub fn now_millis() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// `millis` since 1970 as Rundeck writes a date: `2026-11-22T21:40:15Z`.
#[must_use]
pub fn iso(millis: u64) -> String {
    moment(millis).format(&Rfc3339).unwrap_or_default()
}

/// `millis` since 1970 as HTTP's `Date` header wants it: `Sun, 22 Nov 2026 21:40:15 GMT`.
#[must_use]
pub fn http_date(millis: u64) -> String {
    moment(millis).format(&Rfc2822).unwrap_or_default().replace("+0000", "GMT")
}

fn moment(millis: u64) -> OffsetDateTime {
    let seconds = i64::try_from(millis / 1000).unwrap_or(i64::MAX);
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}
