//! Lines for people: on a terminal and in the journal. It adds nothing to what was said, and it keeps one event on one
//! line: what comes from outside (an answer of Rundeck, a reason that an operator gave) cannot forge another one.

use std::fmt::{self, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

use crate::clock::{Clock, rfc3339};

/// What a line looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Human { coloured: bool },
    Journal,
    Json,
}

/// The formatter of the two styles for people.
pub(super) struct Text {
    style: Style,
    clock: Clock,
}

impl Text {
    pub(super) fn new(style: Style, clock: Clock) -> Self {
        Self { style, clock }
    }
}

impl<S, N> FormatEvent<S, N> for Text
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut line: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut said = Said::default();
        event.record(&mut said);
        let level = *event.metadata().level();
        write_head(&mut line, self.style, level, &self.clock)?;
        writeln!(line, "{}{}", said.message, said.fields)
    }
}

/// What comes before the message.
fn write_head(line: &mut impl Write, style: Style, level: Level, clock: &Clock) -> fmt::Result {
    let Style::Human { coloured } = style else {
        return write!(line, "<{}>", priority(level));
    };
    let (word, colour) = word(level);
    let time = rfc3339(clock.wall());
    match colour.filter(|_| coloured) {
        Some(colour) => write!(line, "{time} \x1b[{colour}m{word:<7}\x1b[0m "),
        None => write!(line, "{time} {word:<7} "),
    }
}

/// The word of a level, and the number of its colour on a terminal. Colour repeats the word, it never replaces it.
fn word(level: Level) -> (&'static str, Option<u8>) {
    match level {
        Level::ERROR => ("error", Some(31)),
        Level::WARN => ("warning", Some(33)),
        Level::INFO => ("info", None),
        Level::DEBUG => ("debug", Some(90)),
        Level::TRACE => ("trace", Some(90)),
    }
}

/// The priority that the journal reads off a line's beginning, by syslog(3).
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}

/// The line that tells of lines that were not written.
pub(super) fn dropped_line(style: Style, clock: &Clock, dropped: u64) -> String {
    if style == Style::Json {
        let time = rfc3339(clock.wall());
        return format!(
            "{{\"timestamp\":\"{time}\",\"level\":\"WARN\",\"message\":\"log lines dropped\",\"dropped\":{dropped}}}\n"
        );
    }
    let mut line = String::new();
    // Writing to a string cannot fail.
    let _ = write_head(&mut line, style, Level::WARN, clock);
    line + &format!("log lines dropped: they came faster than they could be written dropped={dropped}\n")
}

/// An event's message and its fields in the order of the call.
#[derive(Default)]
struct Said {
    message: String,
    fields: String,
}

impl Said {
    /// `event` is the message's kind, for programs: people read the message.
    fn take(&mut self, field: &Field, value: &str) {
        let value = one_line(value);
        match field.name() {
            "message" => self.message = value,
            "event" => {}
            name if value.is_empty() || value.contains([' ', '"', '=']) => {
                self.fields += &format!(" {name}=\"{}\"", value.replace('"', "\\\""));
            }
            name => self.fields += &format!(" {name}={value}"),
        }
    }
}

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.take(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.take(field, &format!("{value:?}"));
    }
}

/// Control characters are written as Rust writes them: `\n`, `\u{1b}`.
fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}
