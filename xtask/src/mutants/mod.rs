//! `cargo xtask mutants`: plants one small fault after another in core and looks whether core's tests see it.
//!
//! Not a step of `cargo xtask test`, and nothing that CI runs: all of core takes hours. The planting is cargo-mutants',
//! in a copy of the tree; here is how it is called, and what is made of it (`tally.rs`).

mod tally;

use std::path::PathBuf;

use tokio::process::Command;

use crate::command::{self, Log};
use crate::workspace::Workspace;
use tally::Tally;

const USAGE: &str = "usage: cargo xtask mutants [--file GLOB]... [--shard K/N] [--jobs N]

Plants small faults in core, one after another, and runs core's own tests, the heart's and 1,000 schedules
of the simulator against each. All of core takes hours; what came of it so far stands in target/mutants.

  --file GLOB   only faults in these files, for example core/src/desk/*.rs; may stand several times
  --shard K/N   only part K of N, from 0 on
  --jobs N      so many at a time; each builds core for itself

Exit: 0 enough were caught, 1 not, or core/mutants.txt names what is caught or not there, 2 it could not be done.";

/// The version that is installed, below target/parts.
const VERSION: &str = "27.1.0";
/// Schedules of the simulator against each fault.
const SCHEDULES: &str = "1000";
const PACKAGE: &str = "rundeck-alb-core";

/// Plants, and prints what was seen. True: enough.
///
/// # Errors
/// A wrong command line, or why it could not be done.
pub async fn run(arguments: &[String]) -> Result<bool, String> {
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        println!("{USAGE}");
        return Ok(true);
    }
    let options = parse(arguments)?;
    let workspace = Workspace::find().await?;
    let list = workspace.root.join("core/mutants.txt");
    let unseen = std::fs::read_to_string(&list).map_err(|error| format!("{}: {error}", list.display()))?;
    let unseen = tally::unseen(&unseen).map_err(|problem| format!("{}: {problem}", list.display()))?;
    let program = installed(&workspace).await?;
    let output = workspace.target.join("mutants");
    plant(&workspace, &program, &output, &options).await?;
    let read = |name: &str| std::fs::read_to_string(output.join("mutants.out").join(name)).unwrap_or_default();
    let tally = Tally {
        caught: tally::lines(&read("caught.txt")),
        missed: tally::lines(&read("missed.txt")),
        // A test that never ends is seen, too.
        timeout: tally::lines(&read("timeout.txt")),
        unviable: tally::lines(&read("unviable.txt")),
    };
    if tally.viable() == 0 {
        return Err(format!("no fault was planted: see {}", output.display()));
    }
    print!("{}", tally.report(&unseen));
    Ok(tally.enough() && tally.stale(&unseen, options.is_whole()).is_empty())
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    files: Vec<String>,
    shard: Option<String>,
    jobs: Option<String>,
}

impl Options {
    /// Nothing of core is left out.
    fn is_whole(&self) -> bool {
        self.files.is_empty() && self.shard.is_none()
    }
}

fn parse(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options::default();
    let mut rest = arguments.iter();
    while let Some(flag) = rest.next() {
        let mut value = || rest.next().cloned().ok_or_else(|| format!("{flag}: a value is missing\n{USAGE}"));
        match flag.as_str() {
            "--file" => options.files.push(value()?),
            "--shard" => options.shard = Some(value()?),
            "--jobs" => options.jobs = Some(value()?),
            _ => return Err(format!("{flag}: unknown\n{USAGE}")),
        }
    }
    Ok(options)
}

/// cargo-mutants of our version, installed below target/parts where it is not there yet.
async fn installed(workspace: &Workspace) -> Result<PathBuf, String> {
    let home = workspace.parts().join("mutants");
    let program = home.join("bin/cargo-mutants");
    let log =
        Log::create(&workspace.parts().join("log"), "mutants").map_err(|error| format!("no log file: {error}"))?;
    let version = command::read(Command::new(&program).args(["mutants", "--version"]), &log).await;
    if version.is_some_and(|version| version.trim().ends_with(VERSION)) {
        return Ok(program);
    }
    println!("cargo-mutants {VERSION} is being installed below {}", home.display());
    let mut install = workspace.cargo();
    install.args(["install", "--quiet", "--locked", "--force", "--version", VERSION, "--root"]).arg(&home);
    if command::run(install.arg("cargo-mutants"), &log).await {
        return Ok(program);
    }
    Err(format!("cargo-mutants could not be installed:\n{}", log.text()))
}

/// Runs cargo-mutants; what came of it lies in `output`. It bounds each build and each run of the tests by itself.
async fn plant(workspace: &Workspace, program: &PathBuf, output: &PathBuf, options: &Options) -> Result<(), String> {
    let mut command = Command::new(program);
    command.current_dir(&workspace.root).args(["mutants", "--no-shuffle", "--colors", "never", "--package", PACKAGE]);
    command.args(["--profile", "mutants", "--jobs", options.jobs.as_deref().unwrap_or("1"), "--output"]).arg(output);
    for file in &options.files {
        command.args(["--file", file]);
    }
    if let Some(shard) = &options.shard {
        command.args(["--shard", shard]);
    }
    // The last one is about hearts that are broken already.
    command.args(["--", "--lib", "--test", "heart", "--test", "sim", "--", "--skip", "broken_hearts"]);
    command.env("SIM_SCHEDULES", SCHEDULES).env("SIM_UNKEPT", "1").env_remove("BLESS").env_remove("CARGO_TARGET_DIR");
    let status = command.status().await.map_err(|error| format!("{}: {error}", program.display()))?;
    // 0 all caught, 2 some missed, 3 some timed out; else the tree itself or the command line is at fault.
    match status.code() {
        Some(0 | 2 | 3) => Ok(()),
        _ => Err(format!("cargo-mutants: {status}; see {}", output.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_part_is_chosen_by_file_or_shard() {
        assert!(parse(&[]).is_ok_and(|options| options.is_whole()));
        let options = parse(&words("--file a.rs --file b.rs --shard 1/4 --jobs 2"));
        let wanted = Options { files: words("a.rs b.rs"), shard: Some("1/4".to_owned()), jobs: Some("2".to_owned()) };
        assert!(!wanted.is_whole());
        assert_eq!(options, Ok(wanted));
    }

    #[test]
    fn a_wrong_line_is_named() {
        for (line, wanted) in [("--nosuch", "--nosuch: unknown"), ("--file", "--file: a value is missing")] {
            let problem = parse(&words(line)).expect_err(line);
            assert!(problem.contains(wanted), "{problem}");
        }
    }

    #[test]
    fn the_list_of_the_tree_gives_a_reason_for_each() {
        let list = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../core/mutants.txt");
        let text = std::fs::read_to_string(&list).expect("the list");
        assert!(tally::unseen(&text).is_ok(), "{:?}", tally::unseen(&text));
    }
}
