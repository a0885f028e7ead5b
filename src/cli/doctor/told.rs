//! The report as text for a terminal of eighty columns and as JSON (docs/CLI.md). Judges nothing.

use super::report::{GroupRow, Level, Node, Part, Problem, Report};
use crate::cli::paint::{Hue, Paint};
use crate::cli::text::{count, hanging_in, harmless};
use serde_json::{Value, json};
use std::fmt::Write;

/// Where lines end: an operator's terminal at night. What has no space (an ARN, a path) stands whole.
const WIDTH: usize = 80;
/// Columns of the areas and of how each came out.
const AREA: usize = 15;
const RESULT: usize = 11;
/// Columns before a problem's text.
const INDENT: usize = 9;
/// Columns between the cells of a table.
const GAP: usize = 3;

/// For people.
pub fn text(report: &Report, paint: Paint) -> String {
    let mut out = format!("{}\n", answer(report, paint));
    for problem in &report.problems {
        out.push('\n');
        out.push_str(&told(problem, paint));
    }
    out.push('\n');
    for part in &report.parts {
        out.push_str(&row(part, paint));
    }
    if !report.node.groups.is_empty() {
        out.push('\n');
        out.push_str(&table(&report.node.groups));
    }
    out.push_str(&policy(&report.node));
    out
}

/// `2 ERRORS, 1 WARNING on i-0a1b2c3d4e5f60718: 9 of 14 looks are fine`.
fn answer(report: &Report, paint: Paint) -> String {
    let on = report.node.identity.as_ref().map(|identity| format!(" on {}", harmless(&identity.instance_id)));
    let on = on.unwrap_or_default();
    let (errors, warnings) = (report.count(Level::Error), report.count(Level::Warning));
    let (fine, all) = (report.looks(Level::Fine), report.parts.len());
    if errors + warnings == 0 {
        return format!("{}{on}: {fine} of {all} looks are fine, nothing is wrong", paint.tint(Hue::Good, "FINE"));
    }
    let mut words = Vec::new();
    if errors > 0 {
        words.push(paint.tint(Hue::Bad, &count(errors as u64, "ERROR", "ERRORS")));
    }
    if warnings > 0 {
        words.push(paint.tint(Hue::Warn, &count(warnings as u64, "WARNING", "WARNINGS")));
    }
    format!("{}{on}: {fine} of {all} looks are fine", words.join(", "))
}

fn told(problem: &Problem, paint: Paint) -> String {
    let level = problem.level();
    let label = paint.tint(hue(level), &format!("{:<INDENT$}", level.word()));
    let mut out = format!("{label}{}\n", problem.word.word());
    for paragraph in problem.text.lines() {
        out.push_str(&hanging_in(WIDTH, "", &harmless(paragraph), INDENT));
    }
    let cure = hanging_in(WIDTH, "  cure", &harmless(&problem.cure), INDENT);
    out.push_str(&cure.replacen("  cure", &format!("  {}", paint.tint(Hue::Good, "cure")), 1));
    out
}

fn row(part: &Part, paint: Paint) -> String {
    let level = part.level();
    let result = paint.tint(hue(level), &format!("{:<RESULT$}", level.word()));
    let seen = hanging_in(WIDTH, "", &harmless(&part.seen), AREA + RESULT);
    let seen = seen.trim_start();
    let line = format!("{:<AREA$}{result}{}", part.area.word(), if seen.is_empty() { "\n" } else { seen });
    // A row without a text ends with its result.
    if seen.is_empty() { format!("{}\n", line.trim_end()) } else { line }
}

fn table(groups: &[GroupRow]) -> String {
    const HEADS: [&str; 4] = ["TARGET GROUP", "TARGET", "OWNER", "BALANCER SAYS"];
    let unknown = || "unknown".to_owned();
    let cells = |group: &GroupRow| {
        [
            harmless(&group.name),
            group.target.as_deref().map_or_else(unknown, harmless),
            group.owner.word().to_owned(),
            group.state.as_deref().map_or_else(unknown, harmless),
        ]
    };
    let rows: Vec<[String; 4]> = std::iter::once(HEADS.map(str::to_owned)).chain(groups.iter().map(cells)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: [usize; 4] = std::array::from_fn(width);
    let line = |row: &[String; 4]| {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("{}\n", cells.join(&" ".repeat(GAP)).trim_end())
    };
    rows.iter().map(line).collect()
}

/// The statements for what a look cannot try.
fn policy(node: &Node) -> String {
    let mut out = String::new();
    if !node.policy.is_empty() {
        let head = "not tried, for it would change something; the role needs for it (iam-policy prints all):";
        let _ = write!(out, "\n{}", hanging_in(WIDTH, "", head, 0));
    }
    for statement in &node.policy {
        for line in statement.lines() {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "  {line}");
        }
    }
    out
}

fn hue(level: Level) -> Hue {
    match level {
        Level::Fine => Hue::Good,
        Level::NotTried => Hue::Plain,
        Level::Warning => Hue::Warn,
        Level::Error => Hue::Bad,
    }
}

/// A word of the text as programs read it.
fn kebab(word: &str) -> String {
    word.replace(' ', "-")
}

/// For programs.
pub fn json(report: &Report) -> Value {
    let (errors, warnings) = (report.count(Level::Error), report.count(Level::Warning));
    let result = match (errors, warnings) {
        (0, 0) => "ok",
        (0, _) => "warning",
        _ => "error",
    };
    let findings = report.problems.iter().map(|problem| {
        json!({
            "level": kebab(problem.level().word()), "look": problem.area.word(), "finding": problem.word.word(),
            "text": problem.text, "cure": problem.cure,
        })
    });
    let looks = report
        .parts
        .iter()
        .map(|part| json!({ "look": part.area.word(), "result": kebab(part.level().word()), "seen": part.seen }));
    let node = &report.node;
    let identity = node.identity.as_ref().map(|identity| {
        json!({
            "instance_id": identity.instance_id, "private_ip": identity.private_ip, "ipv6": identity.ipv6,
            "region": identity.region, "zone": identity.zone, "account": identity.account, "vpc": identity.vpc,
        })
    });
    let groups = node.groups.iter().map(|group| {
        json!({
            "name": group.name, "arn": group.arn, "target": group.target, "owner": group.owner,
            "asks_agent": group.asks_agent, "state": group.state,
        })
    });
    let scaling = node.scaling.as_ref().map(|scaling| {
        json!({
            "group": scaling.name, "state": scaling.state, "health_checks": scaling.health_checks,
            "replaced_by": scaling.replaced_by,
        })
    });
    let permissions = node.permissions.iter().map(|permission| {
        let (action, result) = (&permission.action, kebab(permission.tried.word()));
        json!({ "action": action, "result": result })
    });
    let policy = node.policy.iter().filter_map(|statement| serde_json::from_str::<Value>(statement).ok());
    let rundeck = node.rundeck.as_ref().map(|info| {
        json!({
            "version": info.version, "api_version": info.api_version, "server_uuid": info.server_uuid,
            "mode": info.mode, "running": info.running,
        })
    });
    json!({
        "result": result,
        "errors": errors,
        "warnings": warnings,
        "findings": findings.collect::<Vec<_>>(),
        "looks": looks.collect::<Vec<_>>(),
        "rundeck": rundeck,
        "node": identity,
        "auto_scaling": scaling,
        "target_groups": groups.collect::<Vec<_>>(),
        "permissions": permissions.collect::<Vec<_>>(),
        "policy": policy.collect::<Vec<_>>(),
    })
}
