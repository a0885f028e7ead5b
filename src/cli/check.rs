//! `check`: one look at Rundeck without the agent, told in words and as a monitoring plugin's exit code. Looks once at
//! each thing; the heart's rules judge what was seen.

use super::args::{CheckFlags, Output};
use super::console::Console;
use super::error::CliError;
use super::paint::Hue;
use super::runtime::runtime;
use super::{Globals, text};
use crate::clock::Clock;
use crate::config::{Override, Settings};
use crate::host::Endpoint;
use crate::rundeck::Client;
use crate::watch::api::TokenSource;
use crate::watch::client::{ClientError, Tokens};
use crate::watch::disk::Disks;
use crate::watch::host::Machine;
use crate::watch::process::Finder;
use crate::watch::{api, readiness, web};
use rundeck_alb_core::{
    ApiSeen, Check, Finding, Info, Look, LookRow, Looks, Mode, Outcome, ProcessSeen, judge_look, look_rows,
};
use serde_json::{Value, json};
use std::fmt::Write;
use std::process::ExitCode;

/// Nothing can be said (monitoring plugins: UNKNOWN).
const CANNOT_TELL: u8 = 3;
/// Columns of the names and results.
const COLUMN: usize = 11;
/// Columns of what was seen.
const SEEN: usize = 58;

/// What was seen, and how long each look took that waits for somebody else.
pub(super) struct Seen {
    pub look: Look,
    pub took: Vec<(Check, u64)>,
    /// Word and text of what is wrong besides.
    pub warnings: Vec<(Finding, String)>,
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
    let verdict = judge_look(&seen.look, &settings.health);
    let told = Told { seen: &seen, verdict, settings: &settings };
    match globals.output() {
        Output::Text => console.say(&told.text(console))?,
        Output::Json => console.say_json(&told.json())?,
    }
    Ok(ExitCode::from(exit_code(verdict)))
}

fn client(globals: &Globals, settings: &Settings) -> Result<(Client, Option<TokenSource>), CliError> {
    let cannot_tell = |error: ClientError| CliError::failed(&error).with_code(CANNOT_TELL);
    let tokens = Tokens::find(settings, globals.surroundings.credential()).map_err(cannot_tell)?;
    let any = tokens.any();
    let (client, source) = tokens.client(settings).map_err(cannot_tell)?;
    Ok((client, any.then_some(source)))
}

/// One after the other: the first tells the client what the last has to know.
pub(super) async fn looks(settings: &Settings, client: &Client, tokens: &Option<TokenSource>) -> Seen {
    let mut watch = Stopwatch { clock: Clock::machine(), took: Vec::new() };
    let url = &settings.rundeck.url;
    let finder = Finder::new(Endpoint { address: url.host().parse().ok(), port: url.port() });
    let process = watch.time(Check::Process, finder.find(None)).await;
    let round = watch.time(Check::Web, web::look(client, true)).await;
    let ready = watch.time(Check::Readiness, readiness::look(client, true)).await;
    let api = match tokens {
        Some(tokens) => Some(watch.time(Check::Api, api_look(client, tokens)).await),
        None => None,
    };
    let known = match process {
        ProcessSeen::One(process, _) => Some(process),
        ProcessSeen::None | ProcessSeen::Hidden | ProcessSeen::Hung | ProcessSeen::Several(_) => None,
    };
    let disks = watch.time(Check::Disk, Disks::new(settings.looks.directories.clone()).look(known)).await;
    let look = Look {
        process,
        web: round.web,
        boot: round.boot,
        ready: Some(ready),
        api,
        disks,
        host: Machine::default().look().await,
    };
    Seen {
        look,
        took: watch.took,
        warnings: [
            round.certificate.map(|text| (Finding::Certificate, text)),
            round
                .elsewhere
                .map(|text| (Finding::RundeckElsewhere, format!("{text}; {}", Finding::RundeckElsewhere.cure()))),
        ]
        .into_iter()
        .flatten()
        .collect(),
    }
}

/// Times looks.
struct Stopwatch {
    clock: Clock,
    took: Vec<(Check, u64)>,
}

impl Stopwatch {
    async fn time<T>(&mut self, check: Check, look: impl Future<Output = T>) -> T {
        let began = self.clock.now();
        let seen = look.await;
        self.took.push((check, self.clock.now().since(began).0));
        seen
    }
}

/// Asks once, or twice where the answer is passive: only two equal answers count (docs/HEALTH.md).
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

struct Told<'a> {
    seen: &'a Seen,
    verdict: Looks,
    settings: &'a Settings,
}

impl Told<'_> {
    /// Each row with the time it took, where it waited for somebody else.
    fn rows(&self) -> impl Iterator<Item = (LookRow, Option<u64>)> {
        let took = |check| self.seen.took.iter().find(|(timed, _)| *timed == check).map(|(_, took)| *took);
        look_rows(&self.seen.look, &self.settings.health).into_iter().map(move |row| {
            let took = took(row.check);
            (row, took)
        })
    }

    /// What failed first, for monitoring systems, which show one line only.
    fn why(&self) -> String {
        let failing = self.rows().find(|(row, _)| row.result == Outcome::Fail).map(|(row, _)| row);
        failing.map_or_else(String::new, |row| format!(", {}: {}", row.check, text::harmless(&row.seen)))
    }

    fn text(&self, console: &Console<'_>) -> String {
        let (word, reason, hue) = words(self.verdict);
        let word = console.paint.tint(hue, &word.to_uppercase());
        let reason = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
        let mut out = format!("{word}{reason}: Rundeck at {}{}\n\n", self.settings.rundeck.url, self.why());
        for (LookRow { check, result, seen }, took) in self.rows() {
            let hue = match result {
                Outcome::Pass => Hue::Good,
                Outcome::Fail => Hue::Bad,
                Outcome::Unknown => Hue::Warn,
            };
            let result = console.paint.tint(hue, &format!("{:<COLUMN$}", result.word()));
            let took = took.map(text::measured).unwrap_or_default();
            let mut seen = text::wrap(&text::harmless(&seen), SEEN);
            let first = if seen.is_empty() { String::new() } else { seen.remove(0) };
            let line = format!("{:<COLUMN$}{result}{first:<SEEN$} {took:>8}", check.word());
            out.push_str(line.trim_end());
            out.push('\n');
            // Writing to a String cannot fail.
            for more in seen {
                let _ = writeln!(out, "{:1$}{more}", "", 2 * COLUMN);
            }
        }
        for (word, text) in &self.seen.warnings {
            let label = format!("warning  {word}   ");
            let _ = write!(out, "\n{}", text::hanging(&label, &text::harmless(text), label.len()));
        }
        out
    }

    fn json(&self) -> Value {
        let (word, reason, _) = words(self.verdict);
        let checks = self
            .rows()
            .map(|(row, took)| json!({ "check": row.check, "result": row.result, "seen": row.seen, "took_ms": took }));
        let findings = self.seen.warnings.iter().map(|(word, text)| json!({ "finding": word, "text": text }));
        json!({
            "verdict": word,
            "reason": reason,
            "url": self.settings.rundeck.url.to_string(),
            "checks": checks.collect::<Vec<_>>(),
            "findings": findings.collect::<Vec<_>>(),
        })
    }
}
