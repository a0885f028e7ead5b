//! `cargo bench --bench figures`: what the agent costs and how fast it is, measured on the optimised program in the
//! world in a box, printed as one table.
//!
//! It measures and never judges: a figure beyond its aim is printed as such and fails nothing, for times on a shared
//! machine prove nothing. `docs/FIGURES.md` says what each figure means. Words after `--` choose parts:
//! `cargo bench --bench figures -- start crash`.

mod agent;
mod crash;
mod http;
mod loaded;
mod memory;
mod node;
mod peer;
mod size;
mod start;
mod steady;
mod table;
mod wait;
mod work;

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;
use table::Row;

/// Rows of a part, or why it could not be measured: for people, so any error will do.
type Measured<T> = Result<T, Box<dyn Error>>;

/// A part of the table: its name on the command line, and its measurement.
type Part = (&'static str, fn() -> Measured<Vec<Row>>);

/// In the order of the table. Those that need a quiet machine come first.
const PARTS: [Part; 8] = [
    ("start", start::measure),
    ("crash", crash::measure),
    ("steady", steady::measure),
    ("loaded", loaded::measure),
    ("memory", memory::measure),
    ("size", size::measure),
    ("work", work::measure),
    ("peer", peer::measure),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    // Without this flag it is `cargo test --all-targets` that runs us: minutes of measuring are not a test.
    if !words.iter().any(|word| word == "--bench") {
        say("figures are measured by `cargo bench --bench figures`");
        return ExitCode::SUCCESS;
    }
    let chosen: Vec<&str> = words.iter().map(String::as_str).filter(|word| !word.starts_with('-')).collect();
    if let Some(unknown) = chosen.iter().find(|word| !PARTS.iter().any(|(name, _)| name == *word)) {
        say(&format!("{unknown} is no part; there are: {}", PARTS.map(|(name, _)| name).join(", ")));
        return ExitCode::FAILURE;
    }
    let mut rows = Vec::new();
    let mut failed = false;
    for (name, measure) in PARTS {
        if !chosen.is_empty() && !chosen.contains(&name) {
            continue;
        }
        tell(&format!("measuring: {name}"));
        match measure() {
            Ok(part) => rows.extend(part),
            Err(error) => {
                failed = true;
                tell(&format!("{name}: {error}"));
                rows.push(Row::skipped(name, &format!("not measured: {error}")));
            }
        }
    }
    say(&table::render(&rows));
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// The result. A closed stdout is no reason to die.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// What is being done, apart from the result.
fn tell(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
