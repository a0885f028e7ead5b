//! The agent's status as people read it: the first line answers, details follow, what is fine is counted. Does not ask
//! the agent and does not print.

use super::paint::{Hue, Paint};
use super::steps;
use super::text;
use super::view::{AwsRequests, Check, Guard, Health, Hook, Maintenance, Node, Status, Target};
use crate::aws::CallResult;
use rundeck_alb_core::{Agreement, Outcome, State, TargetState};
use std::collections::BTreeMap;
use std::fmt::Write;
use time::OffsetDateTime;

/// Columns of the row labels.
const LABEL: usize = 11;
/// Columns between the cells of a table.
const GAP: usize = 3;

/// The whole report, each line with its end.
pub fn report(status: &Status, paint: Paint) -> String {
    let mut out = format!("{}\n", answer(status, paint));
    if let Some(why) = why(&status.health) {
        out.push_str(&text::hanging("why", &why, LABEL));
    }
    if let Some(guard) = &status.guard {
        out.push_str(&text::hanging("guard", &said(guard), LABEL));
    }
    out.push_str(&hooks(status));
    out.push_str(&maintenance(status));
    out.push('\n');
    out.push_str(&text::hanging("rundeck", &rundeck(status), LABEL));
    out.push_str(&checks(&status.checks, paint));
    out.push_str(&text::hanging("node", &node(status.node.as_ref(), status.lifecycle.as_deref()), LABEL));
    if let Some(standing) = &status.standing {
        out.push_str(&text::hanging("group", &plain(standing), LABEL));
    }
    out.push_str(&aws(&status.aws_requests));
    if !status.targets.is_empty() {
        out.push('\n');
        out.push_str(&table(status, paint));
    }
    if let Some(drain) = &status.drain {
        let rows = steps::rows(status, drain);
        let head = text::hanging("", &steps::headline(drain, status.now()), 0);
        // Writing to a String cannot fail.
        let _ = write!(out, "\n{head}\n{}", steps::block(&rows, paint));
    }
    out.push_str(&findings(status, paint));
    out
}

/// The same facts as lines that change only when a fact does: no ages, no durations.
pub fn facts(status: &Status, paint: Paint) -> Vec<String> {
    let (word, answers) = (word(&status.health, paint), answers(&status.health));
    let mut lines = vec![format!("{word}: {answers}"), format!("rundeck: {}", rundeck(status))];
    let bad = status.checks.iter().filter(|check| check.result != Outcome::Pass.word());
    lines.extend(bad.map(|check| format!("{}: {} {}", plain(&check.check), check.result, plain(&check.seen))));
    lines.extend(status.targets.iter().map(|target| {
        let says = paint.tint(balancer_hue(&target.state), &plain(&target.state));
        format!("{} in {}: {says}", address(target), plain(&target.target_group))
    }));
    if let Some(guard) = &status.guard {
        lines.push(format!("guard: {}", said(&Guard { next_ms: None, ..guard.clone() })));
    }
    if let Some(hook) = &status.hook {
        lines.push(format!("hooks: {}", running(hook, false)));
    }
    let differing = status.targets.iter().filter_map(difference);
    lines.extend(differing.map(|(word, why)| format!("{} {why}", paint.tint(Hue::Warn, word))));
    if let Some(on) = &status.maintenance {
        lines.push(format!("maintenance: {}", told(on, status.now(), false)));
    }
    if let Some(drain) = &status.drain {
        lines.push(steps::headline(drain, status.now()));
        let rows = steps::rows(status, drain);
        let begun = rows.iter().filter(|row| row.took_ms.is_some());
        lines.extend(begun.map(|row| {
            let line = format!("{} {} {}", paint.sign(row.sign), row.label, row.detail);
            line.trim_end().to_owned()
        }));
    }
    lines.extend(
        status
            .findings
            .iter()
            .map(|f| format!("{} {}: {}", paint.tint(Hue::Warn, "warning"), plain(&f.finding), plain(&f.text))),
    );
    lines
}

/// `UP since 09:14:02 UTC (3 h 12 min): answers 200 "ok", verdict 1.2 s old`.
pub(super) fn answer(status: &Status, paint: Paint) -> String {
    let health = &status.health;
    let since = text::instant(&health.since).map_or_else(String::new, |since| {
        format!(" since {} UTC ({})", text::clock(since, status.now()), text::lasting(health.since_ms))
    });
    format!("{}{since}: {}, verdict {} old", word(health, paint), answers(health), text::measured(health.age_ms))
}

/// The operator's own commands, while they run.
pub(super) fn hooks(status: &Status) -> String {
    status.hook.as_ref().map_or_else(String::new, |hook| text::hanging("hooks", &running(hook, true), LABEL))
}

/// `pre_register: 2 commands run, for 12 s by now, 18 s left; …`; the times change as time goes by.
fn running(hook: &Hook, times: bool) -> String {
    let run = if hook.commands == 1 { "runs" } else { "run" };
    let mut line = format!("{}: {} {run}", plain(&hook.hook), text::count(hook.commands, "command", "commands"));
    if times {
        let (for_long, left) = (text::lasting(hook.since_ms), text::lasting(hook.left_ms));
        // Writing to a String cannot fail.
        let _ = write!(line, ", for {for_long} by now, {left} left");
    }
    if hook.waits {
        line.push_str("; the node is registered once that is over");
    }
    line
}

/// What an operator has ordered; nothing where he has not.
pub(super) fn maintenance(status: &Status) -> String {
    const HEAD: &str = "maintenance ";
    status
        .maintenance
        .as_ref()
        .map_or_else(String::new, |on| text::hanging(HEAD, &told(on, status.now(), true), HEAD.len()))
}

/// `"kernel update", until 12:34:26 UTC (8 min 23 s left)`; the rest changes as time goes by.
fn told(on: &Maintenance, now: OffsetDateTime, rest: bool) -> String {
    let reason = plain(&on.reason);
    let reason = if reason.is_empty() { reason } else { format!("\"{reason}\", ") };
    format!("{reason}until {}", end_of(on, now, rest))
}

/// When it ends.
pub(super) fn end_of(on: &Maintenance, now: OffsetDateTime, rest: bool) -> String {
    let Some(until) = on.until.as_deref().and_then(text::instant) else { return "`maint off`".to_owned() };
    let left = on.left_ms.filter(|_| rest).map(|left| format!(" ({} left)", text::lasting(left)));
    format!("{} UTC{}", text::clock(until, now), left.unwrap_or_default())
}

/// What led to a 503.
pub(super) fn why(health: &Health) -> Option<String> {
    if health.state == State::Stale.word() {
        let age = text::measured(health.age_ms);
        return Some(format!("the agent has finished no round of checks for {age}: see its log, restart it"));
    }
    // A drain's evidence is its cause, and the first line has told that.
    Some(plain(&health.evidence)).filter(|why| !health.ok && !why.is_empty() && *why != health.reason)
}

/// What the fleet says to what wants the node out.
pub(super) fn said(guard: &Guard) -> String {
    let words =
        if guard.text.is_empty() { "the others are asked whether this node may go".into() } else { plain(&guard.text) };
    let next = guard.next_ms.map_or_else(String::new, |ms| format!("; asked again in {}", text::lasting(ms)));
    format!("{words}{next}")
}

/// The state in capitals, with what degrades it.
fn word(health: &Health, paint: Paint) -> String {
    let state = plain(&health.state).to_uppercase();
    if health.degraded.is_empty() || health.state != State::Up.word() {
        return paint.tint(state_hue(&health.state), &state);
    }
    format!("{} ({})", paint.tint(Hue::Warn, &format!("{state}, DEGRADED")), plain(&health.degraded.join(", ")))
}

pub(super) fn answers(health: &Health) -> String {
    if health.ok {
        return "answers 200 \"ok\"".to_owned();
    }
    format!("answers 503 \"{}: {}\"", plain(&health.state), plain(&health.reason))
}

fn rundeck(status: &Status) -> String {
    let rundeck = &status.rundeck;
    let version = rundeck.version.as_deref().map_or("version unknown".to_owned(), plain);
    let mode = rundeck.mode.as_deref().map_or("mode unknown".to_owned(), plain);
    let jobs =
        rundeck.running.map_or("jobs not visible".to_owned(), |n| format!("{} running", text::count(n, "job", "jobs")));
    let process = rundeck.pid.map_or("process not found".to_owned(), |pid| format!("pid {pid}"));
    [version, mode, jobs, process].join(", ")
}

/// The passing ones counted, every other one with what was seen.
fn checks(checks: &[Check], paint: Paint) -> String {
    let counted: Vec<String> = Outcome::ALL
        .iter()
        .map(|result| (checks.iter().filter(|check| check.result == result.word()).count(), result))
        .filter(|(number, _)| *number > 0)
        .map(|(number, result)| format!("{number} {result}"))
        .collect();
    let counted = if counted.is_empty() { "none".to_owned() } else { counted.join(", ") };
    let mut out = text::hanging("checks", &counted, LABEL);
    for check in checks.iter().filter(|check| check.result != Outcome::Pass.word()) {
        let hue = if check.result == Outcome::Fail.word() { Hue::Bad } else { Hue::Warn };
        let row = if check.fails > 1 { format!(", {} in a row", text::nth(check.fails)) } else { String::new() };
        let result = format!("{:<LABEL$}", plain(&check.result));
        let seen = text::hanging("", &format!("{}{row}", plain(&check.seen)), 2 * LABEL);
        let _ = write!(out, "{:<LABEL$}{}{}", plain(&check.check), paint.tint(hue, &result), seen.trim_start());
    }
    out
}

fn node(node: Option<&Node>, lifecycle: Option<&str>) -> String {
    let Some(node) = node else { return "unknown: instance metadata has not answered yet".to_owned() };
    let mut line = format!("{}, {}", plain(&node.instance_id), plain(&node.zone));
    if let Some(state) = lifecycle {
        let _ = write!(line, ", in an Auto Scaling group ({})", plain(state));
    }
    line
}

/// `22 calls, 1 throttled`; nothing before the first call.
fn aws(requests: &[AwsRequests]) -> String {
    let all: u64 = requests.iter().map(|requests| requests.count).sum();
    if all == 0 {
        return String::new();
    }
    let mut bad: BTreeMap<&str, u64> = BTreeMap::new();
    for requests in requests.iter().filter(|requests| requests.result != CallResult::Ok.word() && requests.count > 0) {
        *bad.entry(&requests.result).or_default() += requests.count;
    }
    let bad: String = bad.iter().map(|(result, count)| format!(", {count} {}", plain(result))).collect();
    text::hanging("aws", &format!("{}{bad}", text::count(all, "call", "calls")), LABEL)
}

fn table(status: &Status, paint: Paint) -> String {
    const HEADS: [&str; 5] = ["TARGET GROUP", "TARGET", "OWNER", "BALANCER SAYS", "SINCE"];
    let now = status.now();
    let rows: Vec<[String; 5]> = status
        .targets
        .iter()
        .map(|target| {
            let since = target.since.as_deref().and_then(text::instant).map(|since| text::clock(since, now));
            let owner = if target.owned { "us" } else { "other" };
            [
                plain(&target.target_group),
                address(target),
                owner.to_owned(),
                plain(&target.state),
                since.unwrap_or_default(),
            ]
        })
        .collect();
    let mut widths = HEADS.map(|head| head.chars().count());
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = line(&HEADS.map(str::to_owned), &widths, |_, cell| cell.to_owned());
    for (row, target) in rows.iter().zip(&status.targets) {
        // Only what the balancer says is coloured; it is already padded then.
        out.push_str(&line(row, &widths, |column, cell| match column {
            3 => paint.tint(balancer_hue(&target.state), cell),
            _ => cell.to_owned(),
        }));
    }
    out.push_str(&troubles(&status.targets, paint));
    out
}

/// Why the balancer does not send requests, in AWS's words, where a draining target explains itself; and where it says
/// something else than the node, or a word that nobody knows, what to make of it.
fn troubles(targets: &[Target], paint: Paint) -> String {
    let troubled = targets.iter().filter(|target| target.state != TargetState::Leaving.word());
    let told = troubled.filter(|target| target.reason.is_some());
    let told = told.map(|target| text::hanging("", &format!("{}{}", named(target), reason(target)), 0));
    told.chain(targets.iter().filter_map(|target| {
        let (word, why) = difference(target)?;
        Some(text::hanging(word, &why, LABEL).replacen(word, &paint.tint(Hue::Warn, word), 1))
    }))
    .collect()
}

/// `: Request timed out (Target.Timeout)`; nothing where AWS gives no reason.
pub(super) fn reason(target: &Target) -> String {
    let Some(reason) = target.reason.as_deref().map(plain) else { return String::new() };
    match target.description.as_deref() {
        Some(words) => format!(": {} ({reason})", plain(words)),
        None => format!(": {reason}"),
    }
}

/// The balancer says something else than the node, and has had its time.
pub(super) fn differs(target: &Target) -> bool {
    target.agreement.as_deref() == Some(Agreement::Differs.word())
}

/// It says something that this version does not know.
pub(super) fn puzzles(target: &Target) -> bool {
    target.agreement.as_deref() == Some(Agreement::Unknown.word())
}

/// Why it does, and as what: `rundeck-prod:4440: its health checks …; … (unreachable)`.
fn difference(target: &Target) -> Option<(&'static str, String)> {
    let word = match target {
        _ if differs(target) => Agreement::Differs.word(),
        _ if puzzles(target) => Agreement::Unknown.word(),
        _ => return None,
    };
    let why = target.why.as_deref().map(plain)?;
    let cause = target.cause.as_deref().map_or_else(String::new, |cause| format!(" ({})", plain(cause)));
    Some((word, format!("{}: {why}{cause}", named(target))))
}

fn line(cells: &[String; 5], widths: &[usize; 5], tint: impl Fn(usize, &str) -> String) -> String {
    let cells = cells.iter().zip(widths).enumerate();
    let cells = cells.map(|(column, (cell, width))| tint(column, &format!("{cell:<width$}")));
    let joined = cells.collect::<Vec<_>>().join(&" ".repeat(GAP));
    format!("{}\n", joined.trim_end())
}

pub(super) fn findings(status: &Status, paint: Paint) -> String {
    let Some(longest) = status.findings.iter().map(|finding| finding.finding.chars().count()).max() else {
        return String::new();
    };
    let indent = "warning".len() + 2 + longest + GAP;
    let mut out = String::from("\n");
    for finding in &status.findings {
        let text = text::hanging(&format!("warning  {}", plain(&finding.finding)), &plain(&finding.text), indent);
        out.push_str(&text.replacen("warning", &paint.tint(Hue::Warn, "warning"), 1));
    }
    out
}

/// `rundeck-prod:4440`: one group under two ports is two targets, and no group's name has a colon.
pub(super) fn named(target: &Target) -> String {
    let port = target.port.map_or_else(String::new, |port| format!(":{port}"));
    format!("{}{port}", plain(&target.target_group))
}

/// `i-0a1b2c3d4e5f60718:4440`.
fn address(target: &Target) -> String {
    match (&target.id, target.port) {
        (Some(id), Some(port)) => format!("{}:{port}", plain(id)),
        (Some(id), None) => plain(id),
        (None, Some(port)) => format!("port {port}, not known yet"),
        (None, None) => "not known yet".to_owned(),
    }
}

fn state_hue(state: &str) -> Hue {
    match State::from_word(state) {
        Some(State::Up) => Hue::Good,
        Some(State::Booting) => Hue::Warn,
        Some(State::Draining) => Hue::Leaving,
        Some(State::Maintenance) => Hue::Resting,
        Some(State::Down | State::Stopped | State::Stale) | None => Hue::Bad,
    }
}

pub(super) fn balancer_hue(word: &str) -> Hue {
    match TargetState::from_word(word) {
        TargetState::Healthy => Hue::Good,
        TargetState::Unhealthy | TargetState::Unavailable => Hue::Bad,
        TargetState::Leaving => Hue::Leaving,
        TargetState::Arriving => Hue::Warn,
        TargetState::Absent | TargetState::Idle | TargetState::Other(_) => Hue::Plain,
    }
}

pub(super) fn plain(text: &str) -> String {
    text::harmless(text)
}
