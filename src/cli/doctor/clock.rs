//! Our clock against the `Date` of what answered: AWS refuses what is signed more than five minutes off (AWS General
//! Reference, "Signature Version 4": time stamps). Sets no clock.

use super::report::{Area, Part};
use super::word::Own;
use crate::aws::{Dated, Host};
use crate::cli::text::lasting;
use crate::clock::{Clock, since_boot};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

/// A clock that is kept by anybody is nearer than this; the header's own second is within it.
const FINE: Duration = Duration::from_secs(30);

/// By whichever host says most; all that are asked have AWS's time.
pub fn part(hosts: &BTreeMap<String, Host>) -> Part {
    let clock = Clock::machine();
    let (wall, now) = (clock.wall(), since_boot());
    let told = hosts.iter().filter_map(|(host, seen)| Some((host, off(seen.dated.as_ref()?, wall, now)?)));
    match told.max_by_key(|(_, off)| off.unsigned_abs()) {
        Some((host, off)) => judged(host, off),
        None => Part::not_tried(Area::Clock, "nobody told the time"),
    }
}

fn judged(host: &str, off_ms: i64) -> Part {
    let (by, seconds) = (lasting(off_ms.unsigned_abs()), FINE.as_secs());
    if off_ms.unsigned_abs() <= crate::clock::millis(FINE) {
        return Part::seen(Area::Clock, format!("within {seconds} s of what AWS answered"));
    }
    let way = if off_ms > 0 { "fast" } else { "slow" };
    let text = format!(
        "the clock is {by} {way}, by the answer of {host}: AWS refuses what is signed more than five minutes off, and \
         ends of drains and logs are wrong"
    );
    Part::seen(Area::Clock, format!("{by} {way}")).wrong(Own::ClockSkew, text)
}

/// How far our clock is ahead, in milliseconds; negative: behind.
fn off(dated: &Dated, wall: SystemTime, now: Duration) -> Option<i64> {
    let then = wall.checked_sub(now.saturating_sub(dated.at))?;
    let theirs = OffsetDateTime::parse(&dated.date, &Rfc2822).ok()?;
    i64::try_from((OffsetDateTime::from(then) - theirs).whole_milliseconds()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WALL: u64 = 1_795_350_266;

    fn told(date: &str) -> Option<i64> {
        let dated = Dated { date: date.into(), at: Duration::from_secs(100) };
        // The answer came ten seconds before now.
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(WALL + 10);
        off(&dated, wall, Duration::from_secs(110))
    }

    #[test]
    fn the_clock_is_compared_at_the_moment_of_the_answer() {
        assert_eq!(told("Sun, 22 Nov 2026 12:24:26 GMT"), Some(0));
        assert_eq!(told("Sun, 22 Nov 2026 12:17:26 GMT"), Some(420_000));
        assert_eq!(told("Sun, 22 Nov 2026 12:25:26 GMT"), Some(-60_000));
        assert_eq!(told("yesterday"), None);
    }

    #[test]
    fn a_wrong_clock_is_an_error_and_a_second_is_none() {
        assert!(judged("h", 900).problems.is_empty() && judged("h", -30_000).problems.is_empty());
        let part = judged("h", -420_000);
        assert!(part.problems[0].text.starts_with("the clock is 7 min slow"), "{part:?}");
    }
}
