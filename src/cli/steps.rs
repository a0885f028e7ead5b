//! A drain in words: its first line, its steps as rows, its end. Does not ask the agent and does not print.

use super::paint::{Hue, Paint, Sign};
use super::text;
use super::view::{Drain, Receipt, Status, Step};
use rundeck_alb_core::{Deregistered, DrainPhase, DrainResult, EndedBy, StepName, StepResult};
use std::fmt::Write;
use time::OffsetDateTime;

/// Columns of the longest label, `deregistered`.
const LABEL: usize = 12;
/// Columns of the longest duration, `23 h 59 min`.
const TOOK: usize = 12;

/// The last row's label.
pub const RECEIPT: &str = "receipt";

/// One step as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// How far it is.
    pub sign: Sign,
    /// What is done.
    pub label: String,
    /// How long it took or has been taking.
    pub took_ms: Option<u64>,
    /// What came of it, or what it waits for.
    pub detail: String,
}

/// `draining for operator "kernel update", at the latest until 11:32:00 UTC`.
pub fn headline(drain: &Drain, now: OffsetDateTime) -> String {
    let over = drain.phase == DrainPhase::Done.word();
    let mut line = format!("{} for {}", if over { "drained" } else { "draining" }, text::harmless(&drain.cause));
    // Writing to a String cannot fail.
    if !drain.reason.is_empty() {
        let _ = write!(line, " \"{}\"", text::harmless(&drain.reason));
    }
    if over {
        let _ = write!(line, " (receipt {}): out until `resume`", text::harmless(&drain.id));
    } else if let Some(deadline) = drain.deadline.as_deref().and_then(text::instant) {
        let _ = write!(line, ", at the latest until {} UTC", text::clock(deadline, now));
    }
    line
}

/// The steps that were and are taken, then those ahead, the receipt last.
pub fn rows(status: &Status, drain: &Drain) -> Vec<Row> {
    let mut rows: Vec<Row> = drain.steps.iter().map(|step| row(step, status, drain)).collect();
    let jobs_first = drain.steps.iter().any(|step| step.name == StepName::Jobs.word()) || status.health.ok;
    let ahead = if jobs_first { [StepName::Jobs, StepName::Quiet] } else { [StepName::Quiet, StepName::Jobs] };
    let missing =
        ahead.into_iter().map(StepName::word).filter(|name| !drain.steps.iter().any(|step| step.name == *name));
    // A drain that is over has all its steps; its receipt is named in the first line.
    let missing = missing.chain([RECEIPT]).filter(|_| drain.phase != DrainPhase::Done.word());
    rows.extend(missing.map(|name| Row {
        sign: Sign::Ahead,
        label: name.to_owned(),
        took_ms: None,
        detail: String::new(),
    }));
    rows
}

/// The rows with aligned columns, each line with its end.
pub fn block(rows: &[Row], paint: Paint) -> String {
    let mut out = String::new();
    for row in rows {
        let took = row.took_ms.map(text::measured).unwrap_or_default();
        let line = format!("{:LABEL$}  {took:>TOOK$}   {}", row.label, row.detail);
        let _ = writeln!(out, "{} {}", paint.sign(row.sign), line.trim_end());
    }
    out
}

fn row(step: &Step, status: &Status, drain: &Drain) -> Row {
    let sign = match (step.took_ms, step.gave_up) {
        (_, true) => Sign::Failed,
        (Some(_), false) => Sign::Done,
        (None, false) => Sign::Busy,
    };
    let detail = match sign {
        Sign::Busy => waiting_for(step, status, drain),
        Sign::Done | Sign::Failed | Sign::Ahead => text::harmless(&step.result),
    };
    let (label, detail) = worded(&step.name, sign, detail, status);
    let took_ms = step.took_ms.or_else(|| Some(text::between(text::instant(&step.started)?, status.now())));
    Row { sign, label, took_ms, detail }
}

/// What an open step waits for.
fn waiting_for(step: &Step, status: &Status, drain: &Drain) -> String {
    match StepName::from_word(&step.name) {
        Some(StepName::Quiet) => match drain.in_flight {
            None => "in flight: unknown".to_owned(),
            // The floor is waited out: a balancer sends requests for some seconds after deregistering.
            Some(0) => "nothing in flight, late requests may still come".to_owned(),
            Some(n) => format!("{n} in flight"),
        },
        Some(StepName::Jobs) => {
            status.rundeck.running.map_or("running: unknown".to_owned(), |n| format!("{n} running"))
        }
        Some(StepName::Standby) => "200 until the Auto Scaling group has the node there".to_owned(),
        Some(StepName::Advertise | StepName::Passive | StepName::Deregister) | None => String::new(),
    }
}

/// The step in the words of the field; a detail that only repeats the label is left out.
fn worded(name: &str, sign: Sign, detail: String, status: &Status) -> (String, String) {
    let done = sign == Sign::Done;
    let plainly = |result: StepResult| detail == result.to_string();
    match StepName::from_word(name) {
        Some(StepName::Advertise) if plainly(StepResult::Answers503) => (detail, String::new()),
        Some(StepName::Passive) => {
            let repeats = plainly(StepResult::Passive);
            ("passive mode".to_owned(), if repeats { String::new() } else { detail })
        }
        Some(StepName::Deregister) => {
            let groups: Vec<&str> =
                status.targets.iter().filter(|t| t.owned).map(|t| t.target_group.as_str()).collect();
            let plain = detail.is_empty() || plainly(StepResult::Deregistered(Deregistered::Done));
            let detail = if plain { text::harmless(&groups.join(", ")) } else { detail };
            (if done { "deregistered" } else { name }.to_owned(), detail)
        }
        Some(StepName::Standby) if plainly(StepResult::InStandby) => (detail, String::new()),
        Some(StepName::Standby | StepName::Advertise | StepName::Quiet | StepName::Jobs) | None => {
            (text::harmless(name), detail)
        }
    }
}

/// The last line: what came of the drain.
pub fn ending(receipt: &Receipt, paint: Paint) -> String {
    let took = text::measured(receipt.took_ms);
    let jobs = receipt
        .running_jobs_waited_for
        .map_or("jobs unknown".to_owned(), |jobs| format!("{} waited for", text::count(jobs, "job", "jobs")));
    let cut = receipt
        .inflight_at_cut
        .map_or("requests cut unknown".to_owned(), |cut| format!("{} cut", text::count(cut, "request", "requests")));
    let (hue, line) = match DrainResult::from_word(&receipt.result) {
        Some(DrainResult::Clean) => (Hue::Good, format!("drained in {took}: {jobs}, {cut}")),
        Some(result @ DrainResult::Unproven) => {
            (Hue::Warn, format!("drained in {took}, unproven: {}", reasons(receipt, result.word())))
        }
        Some(DrainResult::CutShort) => {
            let left = receipt.running_jobs_left.filter(|left| *left > 0);
            let left = left.map(|left| format!("{} still running, ", text::count(left, "job", "jobs")));
            (Hue::Bad, format!("cut short after {took}: {}{cut}", left.unwrap_or_default()))
        }
        Some(DrainResult::Resumed) if receipt.ended_by == EndedBy::Guard.word() => {
            (Hue::Warn, format!("taken back after {took}: too few others were left, the node goes back into service"))
        }
        Some(DrainResult::Resumed) if receipt.ended_by == EndedBy::Standby.word() => {
            (Hue::Warn, format!("taken back after {took}: the node could not go into Standby (see the log)"))
        }
        Some(DrainResult::Resumed) if receipt.ended_by == EndedBy::Permission.word() => (
            Hue::Warn,
            format!("taken back after {took}: an Auto Scaling group has the node in service, and would replace it"),
        ),
        Some(DrainResult::Resumed) => (Hue::Warn, format!("resumed after {took}: the node goes back into service")),
        Some(DrainResult::Aborted) => (Hue::Bad, format!("aborted after {took} by a second signal: {cut}")),
        None => (Hue::Warn, format!("ended after {took}: {}", text::harmless(&receipt.result))),
    };
    let mut out = format!("{} (receipt {})\n", paint.tint(hue, &line), text::harmless(&receipt.id));
    for step in receipt.steps.iter().filter(|step| step.gave_up) {
        let _ = writeln!(out, "not done: {}: {}", text::harmless(&step.name), text::harmless(&step.result));
    }
    out
}

/// What the steps say after `word`: they tell what could not be known.
fn reasons(receipt: &Receipt, word: &str) -> String {
    let prefix = format!("{word}: ");
    let said: Vec<String> =
        receipt.steps.iter().filter_map(|step| step.result.strip_prefix(&prefix)).map(text::harmless).collect();
    if said.is_empty() { "nobody could tell what was left".to_owned() } else { said.join("; ") }
}
