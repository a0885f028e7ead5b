//! The JVM rig: both flavours of `tests/jvm/rig`, built by Maven only when their sources change, so that a second run
//! needs no network.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::Absent;
use crate::command::{Log, run};
use crate::workspace::Workspace;

/// What `-Dboot=` knows.
const FLAVOURS: [&str; 2] = ["2.7", "3.5"];
/// What it is made of, in `tests/jvm/rig`.
const SOURCES: [&str; 2] = ["pom.xml", "src"];

/// Builds `target/parts/rig/FLAVOUR` unless it is there already, and gives the folder of the flavours.
///
/// # Errors
/// Which step failed; its output is in `log`.
pub async fn built(workspace: &Workspace, maven: &Path, log: &Log) -> Result<PathBuf, Absent> {
    build(workspace, maven, log).await.map_err(Absent::Broken)
}

async fn build(workspace: &Workspace, maven: &Path, log: &Log) -> Result<PathBuf, String> {
    let (project, home) = (workspace.root.join("tests/jvm/rig"), workspace.parts().join("rig"));
    let sources = sources(&project)?;
    for flavour in FLAVOURS {
        let (folder, stamp) = (home.join(flavour), home.join(format!("{flavour}.made-of")));
        if std::fs::read_to_string(&stamp).is_ok_and(|made| made == sources) && folder.join("lib").is_dir() {
            continue;
        }
        // What an older build left must not be in the class path of this one.
        if folder.exists() {
            std::fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        let mut package = Command::new(maven);
        package.args(["--quiet", "--batch-mode", "--file"]).arg(project.join("pom.xml"));
        package.arg(format!("-Dboot={flavour}")).arg(format!("-Dmade={}", folder.display())).arg("package");
        if !run(&mut package, log).await {
            return Err(format!("Maven could not build tests/jvm/rig for Boot {flavour}"));
        }
        std::fs::write(&stamp, &sources).map_err(|error| format!("{}: {error}", stamp.display()))?;
    }
    Ok(home)
}

/// Every file that the rig is made of, name and text.
fn sources(project: &Path) -> Result<String, String> {
    let mut waiting: Vec<PathBuf> = SOURCES.iter().map(|name| project.join(name)).collect();
    let mut files = Vec::new();
    while let Some(path) = waiting.pop() {
        let broken = |error: std::io::Error| format!("{}: {error}", path.display());
        if path.is_dir() {
            for entry in std::fs::read_dir(&path).map_err(broken)? {
                waiting.push(entry.map_err(broken)?.path());
            }
        } else {
            let text = std::fs::read_to_string(&path).map_err(broken)?;
            files.push(format!("== {}\n{text}", path.strip_prefix(project).unwrap_or(&path).display()));
        }
    }
    files.sort();
    Ok(files.concat())
}
