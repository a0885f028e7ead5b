//! What one check costs the agent: system calls by strace, instructions by valgrind. Both repeat, unlike times, for
//! only the thread that answers is counted: the loop's own work goes on beside it and has no part in a check.

use crate::Measured;
use crate::agent::{Agent, PROGRAM, Plan, signal};
use crate::http::{self, Kept};
use crate::table::{Row, Unit};
use rustix::process::Signal;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Counted checks.
const CHECKS: u32 = 1_000;

/// Checks of the shorter run under valgrind: the difference of two runs is free of the start.
const FEW: u32 = 200;

/// How checks come.
#[derive(Clone, Copy)]
enum Kind {
    /// All on one connection.
    Kept,
    /// Each on its own.
    Closed,
}

/// A tool that is missing, or may not do its work here, costs its own rows only.
///
/// # Errors
/// None so far.
pub fn measure() -> Measured<Vec<Row>> {
    let kinds = [(Kind::Kept, "kept alive"), (Kind::Closed, "closed")];
    let mut rows = Vec::new();
    for (kind, word) in kinds {
        let how = "strace -c, 1,000 checks";
        rows.push(row(&format!("system calls per check, {word}"), "strace", || Ok((system_calls(kind)?, how))));
    }
    for (kind, word) in kinds {
        let how = "callgrind, user space: 1,200 checks less 200";
        rows.push(row(&format!("instructions per check, {word}"), "valgrind", || Ok((instructions(kind)?, how))));
    }
    Ok(rows)
}

fn row(figure: &str, tool: &str, count: impl FnOnce() -> Measured<(f64, &'static str)>) -> Row {
    if !installed(tool) {
        return Row::skipped(figure, &format!("{tool} is not installed"));
    }
    match count() {
        Ok((value, how)) => Row::once(figure, value, &Unit::new("", if value < 100.0 { 2 } else { 0 })).remark(how),
        Err(error) => Row::skipped(figure, &format!("{tool}: {error}")),
    }
}

/// Whether a program can be run.
pub fn installed(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

fn system_calls(kind: Kind) -> Measured<f64> {
    let mut agent = Agent::start(&Plan::alone()?)?;
    agent.answers(503)?;
    let folder = TempDir::new()?;
    let report = folder.path().join("strace");
    let mut strace = Command::new("strace")
        .args(["-c", "-o"])
        .arg(&report)
        .args(["-p", &health_thread(&agent)?.id.to_string()])
        .stderr(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(strace.stderr.take().ok_or("strace has no output")?).lines();
    // It says so once it holds the thread.
    let attached = lines.by_ref().map_while(Result::ok).any(|line| line.contains("attached"));
    let outcome = if attached { ask(&agent, kind, CHECKS) } else { Err("strace may not attach here".into()) };
    signal(strace.id(), Signal::INT);
    strace.wait()?;
    outcome?;
    Ok(calls(&report)? / f64::from(CHECKS))
}

/// The sum of the column `calls`: `% time, seconds, usecs/call, calls, errors?, name`.
fn calls(report: &Path) -> Measured<f64> {
    let text = fs::read_to_string(report)?;
    let rows = text.lines().filter(|line| !line.ends_with("total"));
    let sum: u64 = rows.filter_map(|line| line.split_whitespace().nth(3)?.parse::<u64>().ok()).sum();
    Ok(sum as f64)
}

fn instructions(kind: Kind) -> Measured<f64> {
    let few = instructions_of(kind, FEW)?;
    let many = instructions_of(kind, FEW + CHECKS)?;
    Ok((many - few) / f64::from(CHECKS))
}

fn instructions_of(kind: Kind, checks: u32) -> Measured<f64> {
    let folder = TempDir::new()?;
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--quiet", "--tool=callgrind", "--separate-threads=yes"]);
    valgrind.arg(format!("--callgrind-out-file={}", folder.path().join("callgrind").display())).arg(PROGRAM);
    let mut agent = Agent::start_under(valgrind, &Plan::alone()?)?;
    agent.answers(503)?;
    let report = folder.path().join(format!("callgrind-{:02}", health_thread(&agent)?.number));
    ask(&agent, kind, checks)?;
    agent.abort()?;
    let text = fs::read_to_string(&report).map_err(|error| format!("callgrind's {}: {error}", report.display()))?;
    let total = text.lines().find_map(|line| line.strip_prefix("summary: ").or(line.strip_prefix("totals: ")));
    Ok(total.ok_or("callgrind tells no total")?.trim().parse()?)
}

/// A thread of the agent.
struct Thread {
    /// The kernel's id.
    id: u32,
    /// In order of creation, from 1, as valgrind counts.
    number: usize,
}

/// The one that answers.
fn health_thread(agent: &Agent) -> Measured<Thread> {
    let tasks = format!("/proc/{}/task", agent.pid());
    let names = fs::read_dir(&tasks)?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let mut ids: Vec<u32> = names.collect();
    ids.sort_unstable();
    let is_health =
        |id: &u32| fs::read_to_string(format!("{tasks}/{id}/comm")).is_ok_and(|name| name.trim() == "health");
    let found = ids.into_iter().zip(1..).find(|(id, _)| is_health(id));
    found.map(|(id, number)| Thread { id, number }).ok_or_else(|| "no thread is called `health`".into())
}

fn ask(agent: &Agent, kind: Kind, checks: u32) -> Measured<()> {
    let mut kept = Kept::open(agent.health)?;
    for _ in 0..checks {
        match kind {
            Kind::Kept => kept.check()?,
            Kind::Closed => http::get(agent.health, "/health")?,
        };
    }
    Ok(())
}
