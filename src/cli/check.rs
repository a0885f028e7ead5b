//! `check`: one look at Rundeck without the agent, told in words and as a monitoring plugin's exit code. Looks once at
//! each thing; the heart's rules judge what was seen.

use super::args::{CheckFlags, Output};
use super::console::Console;
use super::error::CliError;
use super::paint::Hue;
use super::{Globals, run, runtime, text};
use crate::agent::start::{Tokens, rundeck_options};
use crate::clock::Clock;
use crate::config::{Override, PassiveRule, Settings};
use crate::host::Endpoint;
use crate::rundeck::Client;
use crate::watch::api::TokenSource;
use crate::watch::process::Finder;
use crate::watch::{api, web};
use rundeck_alb_core::{ApiSeen, Info, Look, LookRow, Looks, Mode};
use serde_json::{Value, json};
use std::error::Error;
use std::fmt::Write;
use std::process::ExitCode;

/// Nothing can be said (monitoring plugins: UNKNOWN).
const CANNOT_TELL: u8 = 3;
/// Columns of the names and results.
const COLUMN: usize = 11;
/// Columns of what was seen.
const SEEN: usize = 48;

/// What was seen, and how long each look took, in the order of the rows.
struct Seen {
    look: Look,
    took_ms: [u64; 3],
    /// Word and text of what is wrong besides.
    warnings: Vec<(&'static str, String)>,
}

/// Looks once.
///
/// # Errors
/// What keeps it from looking: exit code 3.
pub fn check(globals: &Globals, flags: &CheckFlags, console: &mut Console<'_>) -> Result<ExitCode, CliError> {
    let url = flags.url.iter().map(|url| Override { flag: "--url", key: "rundeck.url", value: url.clone() });
    let settings = globals.load(url.collect()).map_err(|error| error.with_code(CANNOT_TELL))?.settings;
    let (client, tokens) = client(globals, &settings)?;
    let seen = runtime()?.block_on(looks(&settings, &client, &tokens));
    let verdict = seen.look.judge(settings.health.passive == PassiveRule::Out);
    match globals.output() {
        Output::Text => console.say(&told(&seen, verdict, &settings, console))?,
        Output::Json => console.say_json(&as_json(&seen, verdict, &settings))?,
    }
    Ok(ExitCode::from(exit_code(verdict)))
}

fn client(globals: &Globals, settings: &Settings) -> Result<(Client, Option<TokenSource>), CliError> {
    let cannot_tell = |error: &dyn Error| CliError::failed(error).with_code(CANNOT_TELL);
    let tokens = Tokens::find(settings, &run::places(globals)).map_err(|error| cannot_tell(&error))?;
    let client = Client::new(rundeck_options(settings, tokens.fixed)).map_err(|error| cannot_tell(&error))?;
    Ok((client, tokens.any.then(|| TokenSource::new(tokens.file))))
}

/// One after the other: the first tells the client what the last has to know.
async fn looks(settings: &Settings, client: &Client, tokens: &Option<TokenSource>) -> Seen {
    let clock = Clock::machine();
    let url = &settings.rundeck.url;
    let begun = clock.now_ms();
    let process = Finder::new(Endpoint { address: url.host().parse().ok(), port: url.port() }).find(None).await;
    let found = clock.now_ms();
    let round = web::look(client, true).await;
    let asked = clock.now_ms();
    let api = match tokens {
        Some(tokens) => Some(api_look(client, tokens).await),
        None => None,
    };
    let ended = clock.now_ms();
    Seen {
        look: Look { process, web: round.web, boot: round.boot, api },
        took_ms: [found.saturating_sub(begun), asked.saturating_sub(found), ended.saturating_sub(asked)],
        warnings: round.certificate.map(|text| ("certificate", text)).into_iter().collect(),
    }
}

/// Passive counts after two equal answers (design 4.1).
async fn api_look(client: &Client, tokens: &TokenSource) -> ApiSeen {
    if let Err(text) = tokens.refresh(client).await {
        return ApiSeen::Unreadable(text);
    }
    let seen = api::look(client).await;
    match seen {
        ApiSeen::Info(Info { mode: Some(Mode::Passive), .. }) => api::look(client).await,
        other => other,
    }
}

fn exit_code(verdict: Looks) -> u8 {
    match verdict {
        Looks::Up => 0,
        Looks::Degraded(_) => 1,
        Looks::Down(_) => 2,
        Looks::Unknown => CANNOT_TELL,
    }
}

/// The verdict's word, and its reason where it has one.
fn words(verdict: Looks) -> (&'static str, Option<&'static str>, Hue) {
    match verdict {
        Looks::Up => ("up", None, Hue::Good),
        Looks::Degraded(cause) => ("degraded", Some(cause.word()), Hue::Warn),
        Looks::Down(reason) => ("down", Some(reason.word()), Hue::Bad),
        Looks::Unknown => ("unknown", None, Hue::Warn),
    }
}

fn told(seen: &Seen, verdict: Looks, settings: &Settings, console: &Console<'_>) -> String {
    let (word, reason, hue) = words(verdict);
    let word = console.paint.tint(hue, &word.to_uppercase());
    let reason = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
    let mut out = format!("{word}{reason}: Rundeck at {}\n\n", settings.rundeck.url);
    for (LookRow { check, result, seen }, took) in seen.look.rows().iter().zip(seen.took_ms) {
        let hue = match *result {
            "pass" => Hue::Good,
            "fail" => Hue::Bad,
            _ => Hue::Warn,
        };
        let result = console.paint.tint(hue, &format!("{result:<COLUMN$}"));
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "{:<COLUMN$}{result}{:<SEEN$} {:>8}",
            check.word(),
            text::harmless(seen),
            text::measured(took)
        );
    }
    for (word, text) in &seen.warnings {
        let label = format!("warning  {word}   ");
        let _ = write!(out, "\n{}", text::hanging(&label, &text::harmless(text), label.len()));
    }
    out
}

fn as_json(seen: &Seen, verdict: Looks, settings: &Settings) -> Value {
    let (word, reason, _) = words(verdict);
    let rows = seen.look.rows();
    let checks = rows
        .iter()
        .zip(seen.took_ms)
        .map(|(row, took)| json!({ "check": row.check, "result": row.result, "seen": row.seen, "took_ms": took }));
    let findings = seen.warnings.iter().map(|(word, text)| json!({ "finding": word, "text": text }));
    json!({
        "verdict": word,
        "reason": reason,
        "url": settings.rundeck.url.to_string(),
        "checks": checks.collect::<Vec<_>>(),
        "findings": findings.collect::<Vec<_>>(),
    })
}
