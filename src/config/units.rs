//! Durations as people write them: `"5s"`, `"10m"`, `"1500ms"`, `"1h"`, `"1m30s"`. Does not know
//! which key allows which length: that is in `codec.rs`.

use rundeck_alb_core::Span;
use std::time::Duration;

/// The longest duration any key takes (30 days): far above every use, far below any overflow.
const LONGEST: Span = Span::secs(30 * 24 * 60 * 60);

/// Units from long to short, in milliseconds.
const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Why a text is no duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Nothing there.
    #[error("is empty")]
    Empty,
    /// A number alone.
    #[error("has no unit")]
    NoUnit,
    /// A dot in a number.
    #[error("has a fraction")]
    Fraction,
    /// Some other text.
    #[error("is no duration")]
    Malformed,
    /// A unit twice, or a short one before a long one.
    #[error("has its units in the wrong order")]
    Order,
    /// More than 30 days.
    #[error("is longer than 30 days")]
    TooLong,
}

/// Reads a duration as `parse_span` does, for those who wait themselves.
///
/// # Errors
/// What it is instead.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    parse_span(text).map(Duration::from)
}

/// Reads a duration: one or more whole numbers, each with its unit, long units first, no spaces.
pub(super) fn parse_span(text: &str) -> Result<Span, DurationError> {
    if text.is_empty() {
        return Err(DurationError::Empty);
    }
    let mut rest = text;
    let mut units = UNITS.iter();
    let mut millis: u64 = 0;
    while !rest.is_empty() {
        let (digits, after) = split_while(rest, |c| c.is_ascii_digit());
        let (unit, after) = split_while(after, |c| c.is_ascii_alphabetic());
        if unit.is_empty() {
            return Err(if after.starts_with('.') {
                DurationError::Fraction
            } else if after.is_empty() {
                DurationError::NoUnit
            } else {
                DurationError::Malformed
            });
        }
        if digits.is_empty() || !UNITS.iter().any(|(name, _)| *name == unit) {
            return Err(DurationError::Malformed);
        }
        let (_, scale) = units.find(|(name, _)| *name == unit).ok_or(DurationError::Order)?;
        let number: u64 = digits.parse().map_err(|_| DurationError::TooLong)?;
        millis = number.checked_mul(*scale).and_then(|part| millis.checked_add(part)).ok_or(DurationError::TooLong)?;
        rest = after;
    }
    let span = Span(millis);
    if span > LONGEST { Err(DurationError::TooLong) } else { Ok(span) }
}

/// Writes a duration so that [`parse_duration`] reads the same again (to the millisecond):
/// `1h30m`, `25s`, `1500ms`.
pub fn format_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    if millis == 0 {
        return "0s".to_owned();
    }
    if !millis.is_multiple_of(1_000) {
        return format!("{millis}ms");
    }
    let seconds = millis / 1_000;
    [(seconds / 3_600, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, unit)| format!("{number}{unit}"))
        .collect()
}

fn split_while(text: &str, keep: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !keep(c)).unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (text, millis) in [
            ("0s", 0),
            ("100ms", 100),
            ("1500ms", 1_500),
            ("5s", 5_000),
            ("10m", 600_000),
            ("1h", 3_600_000),
            ("3m30s", 210_000),
            ("1h2m3s4ms", 3_723_004),
            ("720h", 2_592_000_000),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn refuses_the_rest_with_a_reason() {
        for (text, why) in [
            ("", DurationError::Empty),
            ("5", DurationError::NoUnit),
            ("1m5", DurationError::NoUnit),
            ("1.5s", DurationError::Fraction),
            ("5 s", DurationError::Malformed),
            ("s", DurationError::Malformed),
            ("-5s", DurationError::Malformed),
            ("5sec", DurationError::Malformed),
            ("5d", DurationError::Malformed),
            ("5µs", DurationError::Malformed),
            ("5s1m", DurationError::Order),
            ("5s5s", DurationError::Order),
            ("721h", DurationError::TooLong),
            ("99999999999999999999h", DurationError::TooLong),
            ("9999999999999999999h", DurationError::TooLong),
        ] {
            assert_eq!(parse_duration(text), Err(why), "{text}");
        }
    }

    #[test]
    fn writes_what_it_reads() {
        for text in ["0s", "100ms", "1500ms", "25s", "3m30s", "1h", "1h30m", "26h2s"] {
            assert_eq!(parse_duration(text).map(format_duration), Ok(text.to_owned()));
        }
    }
}
