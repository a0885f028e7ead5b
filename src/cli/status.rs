//! `status`: the running agent's own account of itself, once or until Ctrl-C. Judges nothing: the agent has.

use super::args::{Output, StatusFlags};
use super::console::Console;
use super::control::{Control, ControlError};
use super::error::CliError;
use super::report::{facts, report};
use super::runtime::runtime;
use super::view::Status;
use super::{Globals, text};
use hyper::StatusCode;
use serde_json::Value;
use std::process::ExitCode;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

const PATH: &str = "/status";
/// The exit code where the agent cannot be reached (docs/CLI.md).
pub(super) const UNREACHABLE: u8 = 3;
/// Between two looks of `--watch`.
const PACE: Duration = Duration::from_secs(1);

/// A screen of its own, so that what stood on the terminal comes back afterwards.
const ENTER: &str = "\x1b[?1049h";
const LEAVE: &str = "\x1b[?1049l";
const CLEAR: &str = "\x1b[H\x1b[J";

/// Shows it.
///
/// # Errors
/// No agent, exit code 3.
pub fn status(globals: &Globals, flags: &StatusFlags, console: &mut Console<'_>) -> Result<ExitCode, CliError> {
    let control = globals.control(console);
    let output = globals.output();
    runtime()?.block_on(async {
        if flags.watch {
            return watch(&control, output, PACE, console).await;
        }
        let (status, value) = ask(&control).await.map_err(|error| error.into_cli(UNREACHABLE))?;
        match output {
            Output::Text => console.say(&report(&status, console.paint))?,
            Output::Json => console.say_json(&value)?,
        }
        Ok(ExitCode::from(exit_code(&status)))
    })
}

/// Asks the agent; the value is its answer as it is.
pub(super) async fn ask(control: &Control) -> Result<(Status, Value), ControlError> {
    let answer = control.get(PATH).await?;
    if answer.status != StatusCode::OK {
        return Err(answer.unexpected(PATH));
    }
    Ok((answer.json(PATH)?, answer.json(PATH)?))
}

/// 0 up, 1 degraded, 2 not up.
pub(super) fn exit_code(status: &Status) -> u8 {
    match (status.health.state.as_str(), status.health.degraded.is_empty()) {
        ("up", true) => 0,
        ("up", false) => 1,
        _ => 2,
    }
}

/// Looks until Ctrl-C; the exit code is that of the last look.
pub(super) async fn watch(
    control: &Control,
    output: Output,
    pace: Duration,
    console: &mut Console<'_>,
) -> Result<ExitCode, CliError> {
    let mut screen = Screen::new(output, console);
    console.say(screen.enter())?;
    let mut last = UNREACHABLE;
    let looked = tokio::select! {
        looked = looks(control, pace, &mut screen, &mut last, console) => looked,
        _ = tokio::signal::ctrl_c() => Ok(()),
    };
    console.say(&screen.leave())?;
    looked.map(|()| ExitCode::from(last))
}

async fn looks(
    control: &Control,
    pace: Duration,
    screen: &mut Screen,
    last: &mut u8,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let mut ticks = interval(pace);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let text = match ask(control).await {
            Ok((status, value)) => {
                *last = exit_code(&status);
                screen.show(&status, &value, console)
            }
            Err(error) if error.may_pass() => {
                *last = UNREACHABLE;
                screen.absent(&error.into_cli(UNREACHABLE))
            }
            Err(error) => return Err(error.into_cli(UNREACHABLE)),
        };
        console.say(&text)?;
    }
}

/// How a watched status is shown.
enum Screen {
    /// Redrawn on a terminal; holds what is shown.
    Terminal(String),
    /// Only what changed; holds the lines that were true last.
    Lines(Vec<String>),
    /// One JSON value a line.
    Json,
}

impl Screen {
    fn new(output: Output, console: &Console<'_>) -> Screen {
        match output {
            Output::Json => Screen::Json,
            Output::Text if console.paint.redraws => Screen::Terminal(String::new()),
            Output::Text => Screen::Lines(Vec::new()),
        }
    }

    fn enter(&self) -> &'static str {
        if matches!(self, Screen::Terminal(_)) { ENTER } else { "" }
    }

    /// Back to the ordinary screen, where the last look stays to be read.
    fn leave(&self) -> String {
        match self {
            Screen::Terminal(shown) => format!("{LEAVE}{shown}"),
            Screen::Lines(_) | Screen::Json => String::new(),
        }
    }

    fn show(&mut self, status: &Status, value: &Value, console: &Console<'_>) -> String {
        match self {
            Screen::Terminal(shown) => {
                *shown = report(status, console.paint);
                format!("{CLEAR}{shown}")
            }
            Screen::Lines(known) => {
                let clock = text::clock(status.now(), status.now());
                changed(known, facts(status, console.paint), &format!("{clock} UTC  "))
            }
            Screen::Json => format!("{value}\n"),
        }
    }

    fn absent(&mut self, error: &CliError) -> String {
        match self {
            Screen::Terminal(shown) => {
                *shown = error.lines();
                format!("{CLEAR}{shown}")
            }
            Screen::Lines(known) => changed(known, error.lines().lines().map(str::to_owned).collect(), ""),
            // Programs see the agent's own words or nothing.
            Screen::Json => String::new(),
        }
    }
}

/// The lines that were not true before; `known` becomes `now`.
fn changed(known: &mut Vec<String>, now: Vec<String>, prefix: &str) -> String {
    let fresh: String =
        now.iter().filter(|line| !known.contains(line)).map(|line| format!("{prefix}{line}\n")).collect();
    *known = now;
    fresh
}
