//! `resume`: takes back a drain. The agent decides whether there is one of that cause.

use super::args::{Output, ResumeFlags};
use super::console::Console;
use super::control::ControlError;
use super::drain::Refused;
use super::error::{CliError, FAILED};
use super::runtime::runtime;
use super::{Globals, text};
use hyper::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use std::process::ExitCode;

const PATH: &str = "/resume";

/// Whether there was a drain to take back.
#[derive(Debug, Deserialize)]
struct Resumed {
    resumed: bool,
}

/// Orders it. To have nothing to resume is no failure: rundeckd's start asks each time.
///
/// # Errors
/// No agent, or it cannot take the order; exit code 1.
pub fn resume(globals: &Globals, flags: &ResumeFlags, console: &mut Console<'_>) -> Result<ExitCode, CliError> {
    let control = globals.control(console);
    let body = json!({ "cause": flags.cause.cause(), "reason": flags.reason });
    let failed = |error: ControlError| error.into_cli(FAILED);
    let answer = runtime()?.block_on(control.post(PATH, &body)).map_err(failed)?;
    let (resumed, answer) = match answer.status {
        StatusCode::OK => {
            (answer.json::<Resumed>(PATH).map_err(failed)?.resumed, answer.json::<Value>(PATH).map_err(failed)?)
        }
        StatusCode::CONFLICT => {
            let Refused { refused } = answer.json(PATH).map_err(failed)?;
            return Err(CliError::text(format!("refused: {}", text::harmless(&refused))));
        }
        _ => return Err(failed(answer.unexpected(PATH))),
    };
    match globals.output() {
        Output::Json => console.say_json(&answer)?,
        Output::Text if resumed => console.say("resumed: the node goes back into service when Rundeck is up\n")?,
        Output::Text => console.say(&format!("nothing to resume: no drain of cause {}\n", flags.cause.cause()))?,
    }
    Ok(ExitCode::SUCCESS)
}
