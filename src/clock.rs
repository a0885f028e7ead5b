//! The only reader of time.
//!
//! A [`Moment`] is a number of milliseconds since boot, read from `CLOCK_BOOTTIME`: it never goes back, and it goes on
//! while the machine is suspended, so that a verdict from before a suspend is stale afterwards. Wall time is for
//! people and files only. This module decides nothing and waits for nothing itself.

use rundeck_alb_core::{Moment, Span};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// Longest wait that [`Clock::instant_at`] hands out: one day. Whoever wakes up looks at the clock again, so the cap
/// costs one idle turn a day and keeps far-away moments from overflowing an `Instant`.
const LONGEST_WAIT: Duration = Duration::from_secs(86_400);

/// Where a manual clock starts: 1,000 s after boot, on 2026-01-01T00:00:00Z.
const MANUAL_START_MS: u64 = 1_000_000;
const MANUAL_START_UNIX_S: u64 = 1_767_225_600;

/// Reads moments and wall time. Cheap to clone; clones of a manual clock share their time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    Machine,
    Manual(Arc<Manual>),
}

#[derive(Debug)]
struct Manual {
    now_ms: AtomicU64,
    /// How far people have set the wall clock, in seconds.
    wall_set_s: AtomicI64,
}

impl Clock {
    /// The machine's clock.
    pub fn machine() -> Self {
        Self(Source::Machine)
    }

    /// A clock for tests that stands still until [`Clock::advance`] is called.
    pub fn manual() -> Self {
        let (now_ms, wall_set_s) = (AtomicU64::new(MANUAL_START_MS), AtomicI64::new(0));
        Self(Source::Manual(Arc::new(Manual { now_ms, wall_set_s })))
    }

    /// Moves a manual clock forward. The machine's clock cannot be moved: there this does nothing.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(manual) = &self.0 {
            manual.now_ms.fetch_add(millis(by), Ordering::SeqCst);
        }
    }

    /// Sets a manual clock's wall time by so many seconds forward or back, as people and NTP do. Moments do not move.
    pub fn set_wall(&self, by_seconds: i64) {
        if let Source::Manual(manual) = &self.0 {
            manual.wall_set_s.fetch_add(by_seconds, Ordering::SeqCst);
        }
    }

    /// The present moment, time in suspend included.
    pub fn now(&self) -> Moment {
        match &self.0 {
            Source::Machine => {
                let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
                let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
                let nanos = u64::try_from(now.tv_nsec).unwrap_or(0);
                Moment(seconds.saturating_mul(1_000).saturating_add(nanos / 1_000_000))
            }
            Source::Manual(manual) => Moment(manual.now_ms.load(Ordering::SeqCst)),
        }
    }

    /// Wall time, which may jump in both directions: for people and files, never for a decision.
    pub fn wall(&self) -> SystemTime {
        match &self.0 {
            Source::Machine => SystemTime::now(),
            Source::Manual(manual) => {
                let elapsed = manual.now_ms.load(Ordering::SeqCst).saturating_sub(MANUAL_START_MS);
                let start = MANUAL_START_UNIX_S.saturating_add_signed(manual.wall_set_s.load(Ordering::SeqCst));
                SystemTime::UNIX_EPOCH + Duration::from_secs(start) + Duration::from_millis(elapsed)
            }
        }
    }

    /// The moment of a wall time, by the wall clock as it stands now; one before the boot is the boot's.
    pub fn moment_at(&self, then: SystemTime) -> Moment {
        let (now, wall) = (self.now(), self.wall());
        match then.duration_since(wall) {
            Ok(ahead) => now + Span(millis(ahead)),
            Err(past) => Moment(now.0.saturating_sub(millis(past.duration()))),
        }
    }

    /// The wall time of a moment in the past or the future, by the wall clock as it stands now. A moment too far away
    /// to be expressed gives the present.
    pub fn wall_at(&self, moment: Moment) -> SystemTime {
        let (now, wall) = (self.now(), self.wall());
        let distance = Duration::from_millis(now.0.abs_diff(moment.0));
        let then = if moment < now { wall.checked_sub(distance) } else { wall.checked_add(distance) };
        then.unwrap_or(wall)
    }

    /// When tokio should wake a task that waits for this moment; a moment that has passed gives the present.
    ///
    /// Tokio's clock stands still in suspend, so a wait that spans one ends late. At most one day ahead: look again.
    pub fn instant_at(&self, moment: Moment) -> tokio::time::Instant {
        tokio::time::Instant::now() + self.until(moment)
    }

    fn until(&self, moment: Moment) -> Duration {
        Duration::from_millis(moment.since(self.now()).0).min(LONGEST_WAIT)
    }
}

/// RFC 3339 in UTC with milliseconds, always of the same width: `2026-11-22T11:04:31.120Z`.
pub fn rfc3339(time: SystemTime) -> String {
    let t = utc(time);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        t.year(),
        u8::from(t.month()),
        t.day(),
        t.hour(),
        t.minute(),
        t.second(),
        t.millisecond()
    )
}

/// The same second as a part of a file name, in UTC: `20261122T110431`. Names sort as their times do.
pub fn file_stamp(time: SystemTime) -> String {
    let t = utc(time);
    format!("{:04}{:02}{:02}T{:02}{:02}{:02}", t.year(), u8::from(t.month()), t.day(), t.hour(), t.minute(), t.second())
}

/// The time since the machine's boot, for whoever measures ages and is not handed a clock.
pub fn since_boot() -> Duration {
    Duration::from_millis(Clock::machine().now().0)
}

/// A duration in whole milliseconds; one too long to count is the longest.
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The calendar date and time; what the calendar cannot hold (before 1970, after the year 9999) is the epoch.
fn utc(time: SystemTime) -> time::OffsetDateTime {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .ok()
        .and_then(|since| i128::try_from(since.as_nanos()).ok())
        .and_then(|nanos| time::OffsetDateTime::from_unix_timestamp_nanos(nanos).ok())
        .unwrap_or(time::OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rundeck_alb_core::Span;

    #[test]
    fn the_machines_clock_is_the_kernels_boot_time() {
        let uptime = std::fs::read_to_string("/proc/uptime").expect("uptime");
        let seconds: f64 = uptime.split(' ').next().expect("first word").parse().expect("a number");
        let now = Clock::machine().now().0 as f64 / 1_000.0;
        assert!((now - seconds).abs() < 60.0, "{now} against {seconds}");
    }

    #[test]
    fn moments_do_not_go_back() {
        let clock = Clock::machine();
        let readings: Vec<Moment> = (0..1_000).map(|_| clock.now()).collect();
        assert!(readings.is_sorted());
    }

    #[test]
    fn clones_of_a_manual_clock_share_their_time() {
        let clock = Clock::manual();
        let other = clock.clone();
        let (moment, wall) = (clock.now(), clock.wall());
        other.advance(Duration::from_millis(1_500));
        assert_eq!(clock.now(), moment + Span(1_500));
        assert_eq!(clock.wall(), wall + Duration::from_millis(1_500));
    }

    #[test]
    fn a_moment_has_a_wall_time_before_and_after_now() {
        let clock = Clock::manual();
        let now = clock.now();
        assert_eq!(rfc3339(clock.wall_at(now)), "2026-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(clock.wall_at(now - Span(10))), "2025-12-31T23:59:59.990Z");
        assert_eq!(rfc3339(clock.wall_at(now + Span::secs(61))), "2026-01-01T00:01:01.000Z");
        assert_eq!(clock.wall_at(Moment(u64::MAX)), clock.wall() + Duration::from_millis(u64::MAX - now.0));
    }

    #[test]
    fn times_outside_the_calendar_are_written_as_the_epoch() {
        let before = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(rfc3339(before), "1970-01-01T00:00:00.000Z");
        let after = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 60);
        assert_eq!(file_stamp(after), "19700101T000000");
    }

    #[test]
    fn a_wait_ends_at_its_moment_and_never_overflows() {
        let clock = Clock::manual();
        assert_eq!(clock.until(Moment(0)), Duration::ZERO);
        assert_eq!(clock.until(clock.now() + Span(250)), Duration::from_millis(250));
        assert_eq!(clock.until(Moment(u64::MAX)), LONGEST_WAIT);
        assert!(clock.instant_at(Moment(u64::MAX)) > clock.instant_at(Moment(0)));
    }
}
