//! What the agent says about itself: log lines, and the last words of a panic.
//!
//! A log call formats its line and queues it; a thread of its own writes it. So no thread ever waits for whoever reads
//! the log: a reader that hangs costs lines, which are counted, and no answer. Levels and words are the callers'
//! business; metrics and receipts are elsewhere.

mod lines;
mod panic;
mod text;

use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::time::Duration;

use tracing::Dispatch;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::{Registry, filter::Targets};

use crate::clock::{Clock, rfc3339};
use lines::Lines;
pub use panic::panic_hook;
use text::{Style, Text};

/// Longest wait of [`Telemetry::flush`].
const FLUSH_TIMEOUT: Duration = Duration::from_millis(500);

/// The targets that speak at the wanted level; other people's crates warn at most.
const OURS: &str = "rundeck_alb";

/// How lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// [`Format::Journal`] where standard error is the journal's, else [`Format::Human`].
    #[default]
    Auto,
    /// Time, level, message, fields; coloured on a terminal.
    Human,
    /// No time, for the journal has its own; the level as the prefix of sd-daemon(3).
    Journal,
    /// One JSON object a line, with flat fields.
    Json,
}

/// What is logged and how.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How lines look.
    pub format: Format,
    /// What is worth a line.
    pub level: LevelFilter,
    /// Whether colour may be used: not with `--no-color`. `NO_COLOR` and a standard error that is no terminal switch it
    /// off as well.
    pub colour: bool,
}

/// Logging cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The system gave no thread or no descriptor.
    #[error("cannot start the thread that writes the log: {0}")]
    Worker(#[from] io::Error),
    /// There is a subscriber in this process.
    #[error("logging was started twice: {0}")]
    Twice(#[from] tracing::subscriber::SetGlobalDefaultError),
}

/// The log of this process.
#[derive(Clone, Debug)]
pub struct Telemetry {
    lines: Lines,
}

/// Starts logging to standard error, once in a process.
///
/// # Errors
/// [`InitError`].
pub fn init(settings: Settings, clock: &Clock) -> Result<Telemetry, InitError> {
    let style = choose(settings.format, settings.colour, &Surroundings::look());
    // A descriptor of its own: the standard handle has a lock, and whoever hangs in it would stop a panic's last words.
    let stderr = File::from(io::stderr().as_fd().try_clone_to_owned()?);
    let notice_clock = clock.clone();
    let lines = Lines::start(stderr, move |dropped| text::dropped_line(style, &notice_clock, dropped))?;
    tracing::dispatcher::set_global_default(dispatch(style, settings.level, lines.clone(), clock))?;
    Ok(Telemetry { lines })
}

impl Telemetry {
    /// Waits until all lines of before are written, at most half a second: for the end of the process.
    pub fn flush(&self) {
        self.lines.flush(FLUSH_TIMEOUT);
    }

    /// Lines that were never written, because they came too fast or were far too long.
    pub fn dropped(&self) -> u64 {
        self.lines.dropped()
    }

    /// Lines whose writing failed, as after the reader of a pipe has gone. Harmless: the agent goes on.
    pub fn failed(&self) -> u64 {
        self.lines.failed()
    }
}

/// Where standard error leads.
struct Surroundings {
    journal: bool,
    terminal: bool,
    no_color: bool,
}

impl Surroundings {
    fn look() -> Self {
        Self {
            journal: is_journal(std::env::var("JOURNAL_STREAM").ok().as_deref()),
            terminal: io::stderr().is_terminal(),
            no_color: std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()),
        }
    }
}

/// systemd names the journal's stream by device and inode (systemd.exec(5)). The variable is inherited also by those
/// whose standard error was led elsewhere, so the two are compared.
fn is_journal(stream: Option<&str>) -> bool {
    let Ok(stderr) = rustix::fs::fstat(io::stderr()) else {
        return false;
    };
    stream == Some(&format!("{}:{}", stderr.st_dev, stderr.st_ino))
}

fn choose(format: Format, colour: bool, around: &Surroundings) -> Style {
    let coloured = colour && around.terminal && !around.no_color;
    match format {
        Format::Json => Style::Json,
        Format::Journal => Style::Journal,
        Format::Auto if around.journal => Style::Journal,
        Format::Auto | Format::Human => Style::Human { coloured },
    }
}

fn dispatch(style: Style, level: LevelFilter, lines: Lines, clock: &Clock) -> Dispatch {
    let plain = tracing_subscriber::fmt::layer().with_writer(lines).log_internal_errors(false);
    let layer = match style {
        Style::Json => plain
            .json()
            .flatten_event(true)
            // `target` is the field of an AWS call, not the module that speaks.
            .with_target(false)
            .with_current_span(false)
            .with_span_list(false)
            .with_timer(Timer(clock.clone()))
            .boxed(),
        _ => plain.event_format(Text::new(style, clock.clone())).boxed(),
    };
    let wanted = Targets::new().with_default(level.min(LevelFilter::WARN)).with_target(OURS, level);
    Dispatch::new(Registry::default().with(layer.with_filter(wanted)))
}

struct Timer(Clock);

impl FormatTime for Timer {
    fn format_time(&self, line: &mut Writer<'_>) -> std::fmt::Result {
        line.write_str(&rfc3339(self.0.wall()))
    }
}

#[cfg(test)]
mod tests;
