//! What is shipped: the size of the program, and how many crates are in it.

use crate::Measured;
use crate::agent::PROGRAM;
use crate::table::{Row, Unit};
use std::collections::BTreeSet;
use std::process::{Command, Stdio};

/// Crates are counted for one platform, or the same tree would give another number elsewhere.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// # Errors
/// The program or its lock file cannot be read.
pub fn measure() -> Measured<Vec<Row>> {
    let bytes = std::fs::metadata(PROGRAM)?.len();
    Ok(vec![
        Row::once("size of the program", bytes as f64 / 1e6, &Unit::new("MB", 2).at_most(9.0))
            .remark("as built, stripped"),
        Row::once("crates in its tree", crates()? as f64, &Unit::new("", 0).at_most(200.0))
            .remark("normal and build edges, by name and version, our own two included"),
    ])
}

fn crates() -> Measured<usize> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let tree = Command::new(cargo)
        .args([
            "tree",
            "--locked",
            "-p",
            "rundeck-alb-agent",
            "-e",
            "normal,build",
            "--prefix",
            "none",
            "--target",
            PLATFORM,
        ])
        .stderr(Stdio::inherit())
        .output()?;
    if !tree.status.success() {
        return Err("cargo tree fails".into());
    }
    // A line is `name vVERSION (…)`.
    let told = String::from_utf8(tree.stdout)?;
    let names =
        told.lines().filter_map(|line| line.split_once(" v").map(|(name, rest)| (name, rest.split(' ').next())));
    Ok(names.collect::<BTreeSet<_>>().len())
}
