//! The narrator: one line per event, with clock and speaker, as it happens.
//!
//! It says what it is given; who saw it and what it means is the speakers' business.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use rundeck_alb_lab::clock::{self, Instant};

/// No line is longer, in columns.
pub const WIDTH: usize = 100;

/// Columns of the clock (`12.3 s`), of the speaker, and between.
const SPEAKER: usize = 9;

/// What a line's colour repeats of its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// No colour.
    Plain,
    /// Up, healthy, proven: green.
    Good,
    /// Starting, degraded, a finding: yellow.
    Warn,
    /// Down, killed, failed: red.
    Bad,
    /// Leaving: blue.
    Leaving,
}

impl Tone {
    fn code(self) -> Option<&'static str> {
        match self {
            Tone::Plain => None,
            Tone::Good => Some("32"),
            Tone::Warn => Some("33"),
            Tone::Bad => Some("31"),
            Tone::Leaving => Some("34"),
        }
    }
}

/// The narrator; clones share clock and terminal.
#[derive(Clone)]
pub struct Story {
    inner: Arc<Inner>,
}

struct Inner {
    start: Instant,
    coloured: bool,
}

impl Story {
    /// Begins now. Colours only on a terminal, and not with `NO_COLOR`.
    pub fn begin() -> Self {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let coloured = std::io::stdout().is_terminal() && !no_color;
        Self { inner: Arc::new(Inner { start: clock::now(), coloured }) }
    }

    /// How old the story is.
    pub fn age(&self) -> Duration {
        self.at(clock::now())
    }

    /// How old the story was at `moment`.
    pub fn at(&self, moment: Instant) -> Duration {
        moment.saturating_duration_since(self.inner.start)
    }

    /// One line, now.
    pub fn say(&self, speaker: &str, tone: Tone, text: &str) {
        let line = line(self.age(), speaker, text);
        self.raw(&match tone.code() {
            Some(code) if self.inner.coloured => coloured(&line, speaker, code),
            _ => line,
        });
    }

    /// A line without clock and speaker.
    pub fn raw(&self, line: &str) {
        // A closed pipe is the reader's choice and no reason to leave processes behind.
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }
}

/// Clock, speaker, event; cut at [`WIDTH`].
fn line(age: Duration, speaker: &str, text: &str) -> String {
    let mut line = String::new();
    // Writing to a string cannot fail.
    let _ = write!(line, "{:4.1} s  {speaker:SPEAKER$}  {text}", age.as_secs_f64());
    fit(&line)
}

/// The text, or as much of it as fits into [`WIDTH`].
pub fn fit(text: &str) -> String {
    if text.chars().count() <= WIDTH {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(WIDTH - 3).collect();
    short.push_str("...");
    short
}

/// The speaker's name in colour.
fn coloured(line: &str, speaker: &str, code: &str) -> String {
    line.replacen(speaker, &format!("\x1b[{code}m{speaker}\x1b[0m"), 1)
}

/// A span as people say it: `3 ms`, `1.2 s`.
pub fn span(span: Duration) -> String {
    if span < Duration::from_secs(1) {
        format!("{} ms", span.as_millis())
    } else {
        format!("{:.1} s", span.as_secs_f64())
    }
}

/// `1 job`, `2 jobs`.
pub fn count(number: u64, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", thousands(number))
}

/// `7,412`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_clock_speaker_and_event_and_never_wraps() {
        assert_eq!(line(Duration::from_millis(4_120), "node-1", "200 ok"), " 4.1 s  node-1     200 ok");
        assert_eq!(line(Duration::from_secs(12), "balancer", "x").find('x'), Some(19));
        assert_eq!(line(Duration::ZERO, "world", &"x".repeat(200)).chars().count(), WIDTH);
    }

    #[test]
    fn the_colour_repeats_and_adds_no_word() {
        let plain = line(Duration::ZERO, "node-1", "503 down: exited");
        let red = coloured(&plain, "node-1", "31");
        assert_eq!(red.replace("\x1b[31m", "").replace("\x1b[0m", ""), plain);
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!((thousands(0).as_str(), thousands(999).as_str(), thousands(7_412).as_str()), ("0", "999", "7,412"));
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!((count(1, "job").as_str(), count(0, "job").as_str()), ("1 job", "0 jobs"));
        assert_eq!(
            (span(Duration::from_millis(3)).as_str(), span(Duration::from_millis(1_250)).as_str()),
            ("3 ms", "1.2 s")
        );
    }
}
