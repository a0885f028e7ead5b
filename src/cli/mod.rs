//! The command line: one file per command. Reads flags and the environment, prints, and says with what to exit. Decides
//! nothing about health, membership or leaving: a running agent is asked over its control socket.
//!
//! | file | what |
//! |---|---|
//! | `args.rs` | names, help texts and allowed values |
//! | `run.rs` | the agent in the foreground |
//! | `check.rs` | one look at Rundeck without the agent |
//! | `doctor/` | everything that can be wrong on this node, looked at without the agent |
//! | `status.rs`, `explain.rs` | the running agent's account; why it answers what it answers |
//! | `drain.rs`, `resume.rs` | orders to leave and to come back |
//! | `maint.rs` | maintenance switched on and off, and shown |
//! | `iam_policy/` | the permissions of the node's role |
//! | `config.rs` | the configuration checked and shown |
//! | `control.rs` | one exchange over the control socket |
//! | `view.rs` | what is read of the agent's JSON |
//! | `follow.rs` | a drain followed until its receipt |
//! | `report.rs`, `steps.rs` | status and drain as people read them |
//! | `text.rs`, `paint.rs` | words and numbers; colours and signs |
//! | `console.rs` | where a command writes |
//! | `surroundings.rs` | the environment and the terminal, read once |
//! | `error.rs` | how a command ends badly, and with which exit code |

mod args;
mod check;
mod config;
mod console;
mod control;
mod doctor;
mod drain;
mod error;
mod explain;
mod follow;
mod iam_policy;
mod maint;
mod paint;
mod report;
mod resume;
mod run;
mod runtime;
mod status;
mod steps;
mod surroundings;
mod text;
mod view;

pub use args::{Output, RunFlags};
pub use console::Console;
pub use error::CliError;
pub use surroundings::Surroundings;

use crate::config::{ConfigErrors, Loaded, Override, Sources, load, load_partly};
use args::{Arguments, Command, GlobalFlags};
use clap::Parser;
use control::Control;
use paint::Paint;
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

/// What every command may use: the global flags and what the process was given from outside.
#[derive(Debug, Clone, Default)]
pub struct Globals {
    flags: GlobalFlags,
    /// The environment and the terminal.
    pub surroundings: Surroundings,
}

impl Globals {
    /// Text or JSON.
    pub fn output(&self) -> Output {
        self.flags.output
    }

    /// Only errors are wanted.
    pub fn quiet(&self) -> bool {
        self.flags.quiet
    }

    /// What the output can show.
    pub fn paint(&self) -> Paint {
        Paint::new(&self.surroundings, self.flags.no_color)
    }

    /// The sources of the configuration, under these values from flags.
    pub fn sources(&self, overrides: Vec<Override>) -> Sources {
        Sources::new(self.flags.config.clone(), self.surroundings.config_environment(), overrides)
    }

    /// The configuration in force, under these values from flags.
    ///
    /// # Errors
    /// Every mistake in it; exit code 78.
    pub fn load(&self, overrides: Vec<Override>) -> Result<Loaded, CliError> {
        Ok(load(&self.sources(overrides))?)
    }

    /// The same as far as it can be read, beside every mistake in it.
    pub fn load_partly(&self) -> (Loaded, Option<ConfigErrors>) {
        load_partly(&self.sources(Vec::new()))
    }

    /// The running agent. A configuration that cannot be read must not stand between an operator and the agent: then
    /// the default socket is asked, and the console is told.
    fn control(&self, console: &mut Console<'_>) -> Control {
        let directory = self.surroundings.runtime_directory();
        let socket = match load(&self.sources(Vec::new())) {
            Ok(loaded) => loaded.settings.admin.socket_in(&directory),
            Err(errors) => {
                let mistakes = text::count(errors.iter().count() as u64, "mistake", "mistakes");
                let socket = crate::config::Settings::default().admin.socket_in(&directory);
                console.warn(&format!(
                    "warning: the configuration has {mistakes} (`config validate` tells); asking {}",
                    socket.display()
                ));
                socket
            }
        };
        Control::new(socket)
    }
}

/// Parses and does what the command line says. Prints results to `out`; help to `out`, usage errors and warnings to
/// `err`.
///
/// # Errors
/// Why the command failed, for the caller to print, and its exit code.
pub fn execute(
    arguments: impl IntoIterator<Item = OsString>,
    surroundings: Surroundings,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<ExitCode, CliError> {
    let Arguments { globals: flags, command } = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(answer) if answer.use_stderr() => {
            // With nowhere to write to, the exit code still tells.
            let _ = writeln!(err, "{}", answer.to_string().trim_end());
            return Ok(ExitCode::from(error::BAD_USAGE));
        }
        Err(help) => {
            writeln!(out, "{}", help.to_string().trim_end())?;
            return Ok(ExitCode::SUCCESS);
        }
    };
    let globals = Globals { flags, surroundings };
    let mut console = Console::new(out, err, globals.paint(), globals.quiet());
    match command {
        Command::Run(flags) => run::run(&globals, &flags),
        Command::Check(flags) => check::check(&globals, &flags, &mut console),
        Command::Doctor => doctor::doctor(&globals, &mut console),
        Command::Status(flags) => status::status(&globals, &flags, &mut console),
        Command::Explain => explain::explain(&globals, &mut console),
        Command::Drain(flags) => drain::drain(&globals, &flags, &mut console),
        Command::Resume(flags) => resume::resume(&globals, &flags, &mut console),
        Command::Maint { command } => maint::maint(&globals, &command, &mut console),
        Command::IamPolicy(flags) => iam_policy::iam_policy(&globals, &flags, &mut console),
        Command::Config { command } => config::config(&globals, &command, &mut console),
    }
}

#[cfg(test)]
mod tests;
