//! `run`: the agent, in the foreground. Everything it needs of the environment is read here.

use super::{CliError, Globals, RunFlags};
use crate::agent::{Places, start};
use crate::clock::Clock;
use crate::config::{LogFormat, LogLevel, LogSettings, Override};
use crate::telemetry::{self, Format};
use rundeck_alb_core::Ending;
use std::io::IsTerminal;
use std::process::ExitCode;
use tracing_subscriber::filter::LevelFilter;

/// Runs it to its end.
///
/// # Errors
/// A bad configuration (exit 78); what keeps it from starting (exit 1).
pub fn run(globals: &Globals, flags: &RunFlags) -> Result<ExitCode, CliError> {
    let dry_run = Override { flag: "--dry-run", key: "aws.dry_run", value: "true".into() };
    let overrides = if flags.dry_run { vec![dry_run] } else { Vec::new() };
    let settings = globals.load(overrides)?.settings;
    let clock = Clock::machine();
    let log = telemetry::init(log_settings(settings.log, !globals.flags.no_color), &clock)
        .map_err(|error| CliError::failed(&error))?;
    let ending = start::run(&settings, &places(globals), globals.surroundings.outside(), &clock);
    log.flush();
    match ending.map_err(|error| CliError::failed(&error))? {
        Ending::Stopped => Ok(ExitCode::SUCCESS),
        Ending::Aborted => Ok(ExitCode::FAILURE),
    }
}

/// Where things are, as systemd says it or as it would.
fn places(globals: &Globals) -> Places {
    let around = &globals.surroundings;
    Places {
        state_directory: around.state_directory(),
        runtime_directory: around.runtime_directory(),
        credential: around.credential(),
        // A service has none, whoever supervises it, and neither has what `nohup` started.
        terminal: std::io::stdin().is_terminal(),
        inherited: around.inherited(),
    }
}

fn log_settings(log: LogSettings, colour: bool) -> telemetry::Settings {
    let format = match log.format {
        LogFormat::Auto => Format::Auto,
        LogFormat::Human => Format::Human,
        LogFormat::Json => Format::Json,
    };
    let level = match log.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    telemetry::Settings { format, level, colour }
}
