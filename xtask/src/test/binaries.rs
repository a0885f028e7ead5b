//! The test binaries of the workspace: built once, their tests listed by name, run by group.
//!
//! Cargo is not asked to run them: running them ourselves gives each group its own row, and each test that should have
//! run is known by name beforehand, so that a filter that matches nothing, an aborted process or an ignored test cannot
//! pass for green.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tokio::process::Command;

use super::report::Report;
use crate::command::{Log, TEST_LIMIT, read, run_within};
use crate::workspace::Workspace;

/// Tests that need something from outside: those of an integration test binary whose path begins with a module of this
/// name.
const OUTSIDE: [&str; 5] = ["moto", "haproxy", "referee", "jvm", "rig"];

/// One test binary and what is in it.
pub struct TestBinary {
    package: String,
    target: String,
    integration: bool,
    program: PathBuf,
    folder: PathBuf,
    tests: Vec<String>,
}

/// Builds all test binaries and lists their tests. Nothing if the build failed: the log says why.
pub async fn build(workspace: &Workspace, log: &Log) -> Option<Vec<TestBinary>> {
    let mut command = workspace.cargo();
    command.args(["test", "--quiet", "--workspace", "--no-run", "--message-format", "json-render-diagnostics"]);
    let messages = read(&mut command, log).await?;
    let mut binaries: Vec<TestBinary> = messages.lines().filter_map(|line| artifact(workspace, line)).collect();
    for binary in &mut binaries {
        let listing = read(binary.command().args(["--list", "--format", "terse"]), log).await?;
        binary.tests = listing.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect();
    }
    Some(binaries)
}

/// The test binary that a line of cargo's messages tells of.
fn artifact(workspace: &Workspace, line: &str) -> Option<TestBinary> {
    let message: Value = serde_json::from_str(line).ok()?;
    if message["reason"] != "compiler-artifact" || message["profile"]["test"] != true {
        return None;
    }
    let manifest = Path::new(message["manifest_path"].as_str()?);
    Some(TestBinary {
        package: workspace.package(manifest)?.to_owned(),
        target: message["target"]["name"].as_str()?.to_owned(),
        integration: message["target"]["kind"][0] == "test",
        program: PathBuf::from(message["executable"].as_str()?),
        folder: manifest.parent()?.to_owned(),
        tests: Vec::new(),
    })
}

impl TestBinary {
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(&self.folder).env("CARGO_MANIFEST_DIR", &self.folder);
        command
    }

    /// The step that runs this test. Whatever no other step claims is `unit`'s, so that no test is left out.
    fn group(&self, test: &str) -> &'static str {
        let module = test.split("::").next().filter(|_| self.integration);
        let outside = OUTSIDE.into_iter().find(|part| module == Some(part));
        match (outside, self.package.as_str(), self.target.as_str()) {
            (Some(part), _, _) => part,
            (_, _, "sim") => "simulator",
            (_, "rundeck-alb-core", _) => "heart",
            (_, _, "tidy") => "tidy",
            (_, "rundeck-alb-lab", _) => "lab",
            _ => "unit",
        }
    }

    fn of_group(&self, group: &str) -> Vec<&str> {
        self.tests.iter().map(String::as_str).filter(|test| self.group(test) == group).collect()
    }
}

/// The names of all tests of a group.
pub fn names(binaries: &[TestBinary], group: &str) -> Vec<String> {
    binaries.iter().flat_map(|binary| binary.of_group(group)).map(str::to_owned).collect()
}

/// Runs the tests of one group, with these variables set.
pub async fn run_group(binaries: &[TestBinary], group: &'static str, variables: &[(&str, &Path)], log: &Log) -> Report {
    let mut report = Report { name: group, ..Report::default() };
    for binary in binaries {
        let tests = binary.of_group(group);
        if tests.is_empty() {
            continue;
        }
        let mut command = binary.command();
        command.envs(variables.iter().copied());
        if OUTSIDE.contains(&group) {
            // What others did over time is read afterwards, also where it was as expected.
            command.arg("--show-output");
        }
        if tests.len() < binary.tests.len() {
            command.arg("--exact").args(&tests);
        }
        let before = log.text().len();
        let succeeded = run_within(TEST_LIMIT, &mut command, log).await;
        let passed = passed(log.text().get(before..).unwrap_or_default());
        // A binary that fails after its last test has failed all the same.
        let failed = tests.len().saturating_sub(passed).max(usize::from(!succeeded));
        if failed > 0 {
            log.note(&format!(
                "{failed} of {} tests did not pass; again: cargo test -p {} --{}",
                tests.len(),
                binary.package,
                binary.selector()
            ));
        }
        report.passed += passed.min(tests.len());
        report.failed += failed;
    }
    match report.passed + report.failed {
        0 => Report::broken(group, "no test belongs to this step"),
        _ => report,
    }
}

impl TestBinary {
    /// How cargo is told to run this binary alone.
    fn selector(&self) -> String {
        if self.integration { format!("test {}", self.target) } else { "lib --bins".to_owned() }
    }
}

/// How many tests a run of libtest says have passed: by its summary, or where it died before one, by its lines.
fn passed(output: &str) -> usize {
    summaries(output)
        .unwrap_or_else(|| output.lines().filter(|line| line.starts_with("test ") && line.ends_with(" ... ok")).count())
}

/// The sum of the summaries in what libtest printed (`cargo test --doc` prints one for each crate).
pub fn summaries(output: &str) -> Option<usize> {
    let counts = output.lines().filter_map(|line| {
        let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
        counts.split_once(" passed")?.0.parse::<usize>().ok()
    });
    counts.reduce(|sum, count| sum + count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binary(package: &str, target: &str, integration: bool) -> TestBinary {
        let (program, folder) = (PathBuf::new(), PathBuf::new());
        TestBinary {
            package: package.to_owned(),
            target: target.to_owned(),
            integration,
            program,
            folder,
            tests: Vec::new(),
        }
    }

    #[test]
    fn every_test_has_one_step() {
        let it = binary("rundeck-alb-agent", "it", true);
        assert_eq!(it.group("moto::a_denied_call_changes_no_verdict"), "moto");
        assert_eq!(it.group("drain::ends_with_a_receipt"), "unit");
        assert_eq!(binary("rundeck-alb-lab", "outside", true).group("referee::the_exporter_reads_the_mode"), "referee");
        assert_eq!(binary("rundeck-alb-lab", "rundeck_alb_lab", false).group("moto::x"), "lab");
        assert_eq!(binary("rundeck-alb-core", "rundeck_alb_core", false).group("x"), "heart");
        assert_eq!(binary("rundeck-alb-core", "sim", true).group("x"), "simulator");
        assert_eq!(binary("rundeck-alb-agent", "tidy", true).group("x"), "tidy");
        assert_eq!(binary("xtask", "xtask", false).group("x"), "unit");
    }

    #[test]
    fn what_has_passed_is_read_from_the_summary() {
        let output = "test a ... ok\ntest b ... FAILED\n\ntest result: FAILED. 1 passed; 1 failed; 0 ignored; 0 \
            measured; 3 filtered out; finished in 0.00s\n";
        assert_eq!(passed(output), 1);
        assert_eq!(summaries("test result: ok. 2 passed; 0 failed\ntest result: ok. 3 passed; 0 failed\n"), Some(5));
    }

    #[test]
    fn a_binary_that_died_has_passed_what_it_said_before() {
        assert_eq!(passed("test a ... ok\ntest b - should panic ... ok\nthread 'c' panicked\n"), 2);
        assert_eq!(summaries("error: could not compile"), None);
    }
}
