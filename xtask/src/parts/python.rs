//! The one virtual environment of all Python parts, made anew only when its list of packages or its interpreter
//! changes.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::Absent;
use super::system::program;
use crate::command::{Log, read, run};
use crate::workspace::Workspace;

/// Exits with 0 where an environment can be made and its packages run (rundeck-exporter needs 3.11); prints what it is.
const PROBE: &str = "import sys, venv, ensurepip
print(sys.executable, sys.version)
sys.exit(sys.version_info < (3, 11))";

/// The system's Python, if it is new enough and can make environments.
pub async fn interpreter(log: &Log) -> Option<PathBuf> {
    let python = program("python3")?;
    read(Command::new(&python).args(["-c", PROBE]), log).await.map(|_| python)
}

/// Makes `target/parts/python` unless it is there already, and gives its folder of programs.
///
/// # Errors
/// Which step failed; its output is in `log`.
pub async fn environment(workspace: &Workspace, interpreter: &Path, log: &Log) -> Result<PathBuf, Absent> {
    make(workspace, interpreter, log).await.map_err(Absent::Broken)
}

async fn make(workspace: &Workspace, interpreter: &Path, log: &Log) -> Result<PathBuf, String> {
    let list = workspace.root.join("tests/outside/requirements.txt");
    let packages = std::fs::read_to_string(&list).map_err(|error| format!("{}: {error}", list.display()))?;
    let version = read(Command::new(interpreter).args(["-c", PROBE]), log).await.unwrap_or_default();
    let home = workspace.parts().join("python");
    // Its programs name their interpreter by its path: an environment that was moved or copied is as good as none.
    let wanted = format!("# {}\n# {version}{packages}", home.display());
    let (stamp, programs) = (home.join("made-of"), home.join("bin"));
    if std::fs::read_to_string(&stamp).is_ok_and(|made| made == wanted) {
        return Ok(programs);
    }
    let mut make = Command::new(interpreter);
    if !run(make.args(["-m", "venv", "--clear"]).arg(&home), log).await {
        return Err("python3 -m venv failed".to_owned());
    }
    let mut install = Command::new(programs.join("python"));
    install
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r"])
        .arg(&list);
    if !run(&mut install, log).await {
        return Err(format!("pip could not install {}", list.display()));
    }
    std::fs::write(&stamp, wanted).map_err(|error| format!("{}: {error}", stamp.display()))?;
    Ok(programs)
}
