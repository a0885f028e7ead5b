//! `maint on`, `maint off`, `maint show`: 503 while the node stays a target. The agent decides whether it may be.

use super::args::{MaintCommand, MaintFlags, Output};
use super::console::Console;
use super::control::{Answer, Control, ControlError};
use super::drain::Refused;
use super::error::{CliError, FAILED, REFUSED};
use super::report::{answers, end_of, plain};
use super::runtime::runtime;
use super::view::Status;
use super::{Globals, status, text};
use crate::config::format_duration;
use hyper::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use std::process::ExitCode;

const PATH: &str = "/maintenance";
/// Columns of the row labels.
const LABEL: usize = 11;

/// Whether it is on now, or was until now.
#[derive(Debug, Deserialize)]
struct Maintained {
    maintenance: bool,
}

/// Does it.
///
/// # Errors
/// No agent, or it cannot be asked (exit code 1); refused (4).
pub fn maint(globals: &Globals, command: &MaintCommand, console: &mut Console<'_>) -> Result<ExitCode, CliError> {
    let control = globals.control(console);
    let output = globals.output();
    runtime()?.block_on(async {
        match command {
            MaintCommand::On(flags) => on(&control, flags, output, console).await,
            MaintCommand::Off => off(&control, output, console).await,
            MaintCommand::Show => show(&control, output, console).await,
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn on(control: &Control, flags: &MaintFlags, output: Output, console: &mut Console<'_>) -> Result<(), CliError> {
    let body = json!({ "on": true, "for": flags.span.map(format_duration), "reason": flags.reason });
    let answer = order(control, &body).await?;
    let span = flags.span.map_or_else(String::new, |span| {
        format!(" for {}", text::lasting(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)))
    });
    match output {
        Output::Json => console.say_json(&answer.json::<Value>(PATH).map_err(failed)?)?,
        Output::Text => console
            .say(&format!("maintenance is on{span}: `status` tells what /health answers, `maint off` ends it\n"))?,
    }
    Ok(())
}

async fn off(control: &Control, output: Output, console: &mut Console<'_>) -> Result<(), CliError> {
    let answer = order(control, &json!({ "on": false })).await?;
    let was_on = answer.json::<Maintained>(PATH).map_err(failed)?.maintenance;
    match output {
        Output::Json => console.say_json(&answer.json::<Value>(PATH).map_err(failed)?)?,
        Output::Text if was_on => console.say("maintenance is over: /health answers 200 when Rundeck is up\n")?,
        Output::Text => console.say("maintenance was not on\n")?,
    }
    Ok(())
}

async fn show(control: &Control, output: Output, console: &mut Console<'_>) -> Result<(), CliError> {
    let (status, value) = status::ask(control).await.map_err(failed)?;
    match output {
        Output::Json => console.say_json(&json!({ "maintenance": value["maintenance"] }))?,
        Output::Text => console.say(&shown(&status))?,
    }
    Ok(())
}

async fn order(control: &Control, body: &Value) -> Result<Answer, CliError> {
    let answer = control.post(PATH, body).await.map_err(failed)?;
    match answer.status {
        StatusCode::OK => Ok(answer),
        StatusCode::CONFLICT => {
            let Refused { refused } = answer.json(PATH).map_err(failed)?;
            Err(CliError::text(format!("refused: {}", text::harmless(&refused))).with_code(REFUSED))
        }
        _ => Err(failed(answer.unexpected(PATH))),
    }
}

fn failed(error: ControlError) -> CliError {
    error.into_cli(FAILED)
}

/// The first line answers, what is known of it follows.
fn shown(status: &Status) -> String {
    let Some(on) = &status.maintenance else { return "maintenance is off\n".to_owned() };
    let now = status.now();
    let since = text::instant(&on.since)
        .map_or_else(String::new, |at| format!(" since {} UTC ({})", text::clock(at, now), text::lasting(on.since_ms)));
    let mut out = format!("maintenance is on{since}\n");
    out.push_str(&text::hanging("until", &end_of(on, now, true), LABEL));
    out.push_str(&text::hanging("reason", &plain(&on.reason), LABEL));
    if status.drain.is_some() {
        out.push_str(&text::hanging("drain", &format!("goes before it: {}", answers(&status.health)), LABEL));
    }
    out
}
