//! Project tasks: `cargo xtask test` checks everything that can be checked on this machine, `cargo demo` shows the
//! product, `cargo xtask conformance` asks a real Rundeck, `cargo xtask mutants` asks the tests of core.
//!
//! Nothing here is shipped. Each task is a module that parses its own arguments; this file only dispatches.

mod command;
mod conformance;
mod demo;
mod mutants;
mod parts;
mod test;
mod workspace;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo demo [-- --keep]         plays the product's main job
       cargo xtask test [STEP...]     checks everything, or only the named steps
       cargo xtask test --help      names the steps
       cargo xtask conformance --help     holds the Rundeck stand-in's table against a Rundeck that you have
       cargo xtask mutants --help         plants faults in core: do its tests see them?";

/// What a wrong command line exits with; a failed task exits with 1.
const WRONG_USAGE: u8 = 2;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.split_first() {
        Some((task, rest)) if task == "test" => test::run(rest).await,
        Some((task, rest)) if task == "conformance" => conformance::run(rest).await,
        Some((task, rest)) if task == "mutants" => mutants::run(rest).await,
        Some((task, rest)) if task == "demo" => demo::run(rest).await,
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::from(WRONG_USAGE)
        }
    }
}
