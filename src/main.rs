//! The program: a panic ends it, the command line says what it does, errors go to standard error.

use rundeck_alb_agent::cli::{self, Surroundings};
use rundeck_alb_agent::telemetry;
use std::io::{Write, stderr, stdout};
use std::process::ExitCode;

fn main() -> ExitCode {
    // A half-dead agent vouches for nobody, and systemd starts it again. In every profile alike: a task's
    // panic would otherwise end that task alone.
    telemetry::panic_hook();
    match cli::execute(std::env::args_os(), Surroundings::of_this_process(), &mut stdout(), &mut stderr()) {
        Ok(code) => code,
        Err(error) => {
            // With nowhere to write to, the exit code still tells.
            let _ = write!(stderr(), "{}", error.lines());
            error.exit_code()
        }
    }
}
