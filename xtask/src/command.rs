//! Runs one program to its end: bounded in time, its output kept in a log file and handed back whole.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

/// A build or an installation that has not ended by then hangs: from nothing on two busy cores it takes a quarter of
/// this.
const BUILD_LIMIT: Duration = Duration::from_secs(40 * 60);
/// A test binary that has not ended by then hangs: each test has bounds of its own far below.
pub const TEST_LIMIT: Duration = Duration::from_secs(10 * 60);

/// A log that programs append to, one after another.
pub struct Log {
    path: PathBuf,
}

impl Log {
    /// An empty log of this name in `folder`, which is made if need be.
    ///
    /// # Errors
    /// The folder or the file cannot be made.
    pub fn create(folder: &Path, name: &str) -> io::Result<Log> {
        std::fs::create_dir_all(folder)?;
        let path = folder.join(format!("{name}.log"));
        File::create(&path)?;
        Ok(Log { path })
    }

    /// All that was written so far.
    pub fn text(&self) -> String {
        match std::fs::read(&self.path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => format!("{}: {error}\n", self.path.display()),
        }
    }

    /// Adds a line of our own.
    pub fn note(&self, line: &str) {
        if let Ok(mut file) = self.append() {
            // The log is for reading afterwards: a full disk shows in the programs that follow.
            let _ = writeln!(file, "{line}");
        }
    }

    fn append(&self) -> io::Result<File> {
        OpenOptions::new().append(true).open(&self.path)
    }
}

/// Runs a build or an installation with both its outputs in `log`. True if it exited with 0.
pub async fn run(command: &mut Command, log: &Log) -> bool {
    run_within(BUILD_LIMIT, command, log).await
}

/// Runs `command` for at most `limit` with both its outputs in `log`. True if it exited with 0.
pub async fn run_within(limit: Duration, command: &mut Command, log: &Log) -> bool {
    let shown = describe(command);
    log.note(&format!("$ {shown}"));
    let outcome = match log.append().and_then(|file| Ok((file.try_clone()?, file))) {
        Ok((out, err)) => wait(limit, command.stdout(out).stderr(err)).await,
        Err(error) => Err(error.to_string()),
    };
    if let Err(problem) = &outcome {
        log.note(&format!("{shown}: {problem}"));
    }
    outcome.is_ok()
}

/// Runs `command` with its errors in `log` and gives what it wrote to its standard output, or nothing if it failed.
pub async fn read(command: &mut Command, log: &Log) -> Option<String> {
    let shown = describe(command);
    log.note(&format!("$ {shown}"));
    let child = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let problem = match tokio::time::timeout(BUILD_LIMIT, child).await {
        Ok(Ok(output)) => {
            log.note(&String::from_utf8_lossy(&output.stderr));
            if output.status.success() {
                return Some(String::from_utf8_lossy(&output.stdout).into_owned());
            }
            output.status.to_string()
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => too_long(BUILD_LIMIT),
    };
    log.note(&format!("{shown}: {problem}"));
    None
}

async fn wait(limit: Duration, command: &mut Command) -> Result<(), String> {
    let mut child = command.stdin(Stdio::null()).kill_on_drop(true).spawn().map_err(|error| error.to_string())?;
    match tokio::time::timeout(limit, child.wait()).await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(status.to_string()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(too_long(limit)),
    }
}

fn too_long(limit: Duration) -> String {
    format!("not done after {} min, killed", limit.as_secs() / 60)
}

fn describe(command: &Command) -> String {
    let command = command.as_std();
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}
