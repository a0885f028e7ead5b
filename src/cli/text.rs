//! Words and numbers for people: durations, clock times, counts, wrapped lines, harmless texts. Knows nothing of the
//! agent and does not print.

use std::fmt::Write;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Columns at which lines for people end: a table still fits beside a prompt, and nothing wraps inside a cell.
pub const WIDTH: usize = 100;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A measured time: `84 ms`, `1.2 s`, `4 min 31 s`.
pub fn measured(ms: u64) -> String {
    match ms {
        0..100 => format!("{ms} ms"),
        // Tenths are cut, not rounded: 59.96 s must not read `60.0 s`.
        100..MINUTE => format!("{}.{} s", ms / SECOND, ms % SECOND / 100),
        _ => lasting(ms),
    }
}

/// A time span where tenths say nothing: `40 s`, `4 min 31 s`, `3 h 12 min`, `2 d 3 h`.
pub fn lasting(ms: u64) -> String {
    let (big, small) = match ms {
        0..MINUTE => return format!("{} s", ms / SECOND),
        MINUTE..HOUR => ((ms / MINUTE, "min"), (ms % MINUTE / SECOND, "s")),
        HOUR..DAY => ((ms / HOUR, "h"), (ms % HOUR / MINUTE, "min")),
        _ => ((ms / DAY, "d"), (ms % DAY / HOUR, "h")),
    };
    if small.0 == 0 {
        return format!("{} {}", big.0, big.1);
    }
    format!("{} {} {} {}", big.0, big.1, small.0, small.1)
}

/// Reads a time as the agent writes it (RFC 3339).
pub fn instant(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

/// Milliseconds from `earlier` to `later`; zero when they are the other way round.
pub fn between(earlier: OffsetDateTime, later: OffsetDateTime) -> u64 {
    u64::try_from((later - earlier).whole_milliseconds()).unwrap_or_default()
}

/// The clock time of `at` in UTC: `09:14:02`; on another day than `now`, `Nov 21 09:14`.
pub fn clock(at: OffsetDateTime, now: OffsetDateTime) -> String {
    let (at, now) = (at.to_offset(time::UtcOffset::UTC), now.to_offset(time::UtcOffset::UTC));
    let (hour, minute, second) = at.to_hms();
    if at.date() == now.date() {
        return format!("{hour:02}:{minute:02}:{second:02}");
    }
    let month: String = at.month().to_string().chars().take(3).collect();
    format!("{month} {:02} {hour:02}:{minute:02}", at.day())
}

/// `1 job`, `2 jobs`.
pub fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// `1st`, `2nd`, `3rd`, `11th`.
pub fn nth(number: u64) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// A text from elsewhere (an operator, AWS, Rundeck) on one line and without control characters, which could repaint
/// the terminal that shows it.
pub fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Breaks `text` at spaces so that no line passes `width`; a longer word stands on a line of its own, whole.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                // Writing to a String cannot fail.
                let _ = write!(line, " {word}");
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// `label` in a column of `indent` characters, `text` wrapped beside it.
pub fn hanging(label: &str, text: &str, indent: usize) -> String {
    hanging_in(WIDTH, label, text, indent)
}

/// The same for lines that end at `width`.
pub fn hanging_in(width: usize, label: &str, text: &str, indent: usize) -> String {
    let mut out = String::new();
    for (number, line) in wrap(text, width.saturating_sub(indent)).iter().enumerate() {
        let label = if number == 0 { label } else { "" };
        let _ = writeln!(out, "{label:indent$}{line}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_carry_their_units() {
        for (ms, want) in [
            (0, "0 ms"),
            (84, "84 ms"),
            (100, "0.1 s"),
            (1_290, "1.2 s"),
            (25_000, "25.0 s"),
            (59_999, "59.9 s"),
            (60_000, "1 min"),
            (72_000, "1 min 12 s"),
            (271_000, "4 min 31 s"),
            (11_520_000, "3 h 12 min"),
            (183_600_000, "2 d 3 h"),
        ] {
            assert_eq!(measured(ms), want);
        }
        assert_eq!((lasting(0), lasting(40_900)), ("0 s".into(), "40 s".into()));
    }

    #[test]
    fn clocks_are_utc_and_dated_on_another_day() -> Result<(), &'static str> {
        let now = instant("2026-11-22T12:26:03.120Z").ok_or("now")?;
        let today = instant("2026-11-22T10:14:02+01:00").ok_or("today")?;
        let before = instant("2026-11-21T23:59:59.999Z").ok_or("before")?;
        assert_eq!(clock(today, now), "09:14:02");
        assert_eq!(clock(before, now), "Nov 21 23:59");
        assert_eq!((between(before, now), between(now, before)), (44_763_121, 0));
        assert_eq!(instant("yesterday"), None);
        Ok(())
    }

    #[test]
    fn numbers_and_nouns_agree() {
        assert_eq!((count(1, "job", "jobs"), count(2, "job", "jobs")), ("1 job".into(), "2 jobs".into()));
        let spoken: Vec<String> = [1, 2, 3, 4, 11, 12, 13, 21, 111].map(nth).to_vec();
        assert_eq!(spoken, ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "111th"]);
    }

    #[test]
    fn foreign_texts_cannot_repaint_the_terminal() {
        assert_eq!(harmless("a\u{1b}[2Jb\nc\u{9b}d"), "a [2Jb c d");
    }

    #[test]
    fn long_texts_hang_under_their_label() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("incomprehensibilities no", 5), ["incomprehensibilities", "no"]);
        let text = hanging("label", &"word ".repeat(30), 10);
        assert!(text.lines().all(|line| line.len() <= WIDTH));
        assert!(text.starts_with("label     word word"));
        assert!(text.lines().nth(1).is_some_and(|line| line.starts_with("          word")));
    }
}
