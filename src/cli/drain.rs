//! `drain`: orders the agent to leave, and with `--wait` stays until the receipt. The agent decides how to leave.

use super::args::{DrainFlags, Output};
use super::console::Console;
use super::control::{Control, ControlError};
use super::error::{CliError, FAILED, REFUSED};
use super::follow::{Following, Pace, exit_code};
use super::runtime::runtime;
use super::view::Receipt;
use super::{Globals, steps, text};
use crate::clock::{Clock, rfc3339};
use crate::config::format_duration;
use hyper::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use std::process::ExitCode;

const PATH: &str = "/drain";

/// The body of a 202.
#[derive(Debug, Deserialize)]
struct Accepted {
    drain: String,
}

/// The body of a 409.
#[derive(Debug, Deserialize)]
pub(super) struct Refused {
    pub(super) refused: String,
}

/// Orders the drain and follows it if that is asked for.
///
/// # Errors
/// No agent (exit code 1), refused (4), or the wait ended without a receipt (1).
pub fn drain(globals: &Globals, flags: &DrainFlags, console: &mut Console<'_>) -> Result<ExitCode, CliError> {
    let control = globals.control(console);
    let receipts = globals.surroundings.state_directory().join("receipts");
    runtime()?.block_on(async {
        let ordered = rfc3339(Clock::machine().wall());
        let (id, answer) = order(&control, flags).await?;
        if flags.wait {
            let following = Following { control, id, ordered, receipts, pace: Pace::of(flags.timeout) };
            return waited(&following, globals.output(), console).await;
        }
        match globals.output() {
            Output::Text => console.say(&format!(
                "draining (receipt {}): `status --watch` follows it, `resume` takes it back\n",
                text::harmless(&id)
            ))?,
            Output::Json => console.say_json(&answer)?,
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Waits for the receipt and tells it.
pub(super) async fn waited(
    following: &Following,
    output: Output,
    console: &mut Console<'_>,
) -> Result<ExitCode, CliError> {
    let value = following.wait(console, output == Output::Text).await?;
    let receipt: Receipt = serde_json::from_value(value.clone()).map_err(|error| {
        let path = format!("/receipts/{}", following.id);
        ControlError::Unreadable { path, reason: error.to_string() }.into_cli(FAILED)
    })?;
    match output {
        Output::Text => console.say(&steps::ending(&receipt, console.paint))?,
        Output::Json => console.say_json(&value)?,
    }
    Ok(ExitCode::from(exit_code(&receipt)))
}

async fn order(control: &Control, flags: &DrainFlags) -> Result<(String, Value), CliError> {
    let failed = |error: ControlError| error.into_cli(FAILED);
    let body = json!({
        "cause": flags.cause.cause(),
        "reason": flags.reason,
        "timeout": flags.timeout.map(format_duration),
        "force": flags.force,
    });
    let answer = control.post(PATH, &body).await.map_err(failed)?;
    match answer.status {
        StatusCode::ACCEPTED => {
            let Accepted { drain } = answer.json(PATH).map_err(failed)?;
            Ok((drain, answer.json(PATH).map_err(failed)?))
        }
        StatusCode::CONFLICT => {
            let Refused { refused } = answer.json(PATH).map_err(failed)?;
            Err(CliError::text(format!("refused: {}", text::harmless(&refused))).with_code(REFUSED))
        }
        _ => Err(answer.unexpected(PATH).into_cli(FAILED)),
    }
}
