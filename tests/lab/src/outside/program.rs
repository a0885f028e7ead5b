//! A process that lives as long as its handle, what it prints kept in a file, and waiting for what it says.

use std::fmt;
use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::clock;

/// A test's patience with a program that starts or answers: generous, for two cores may be busy with a build beside it.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A program could not be started or did not do what it should have, with all that it printed.
#[derive(Debug)]
pub struct OutsideError {
    what: String,
    output: String,
}

impl OutsideError {
    pub(super) fn new(what: impl Into<String>, output: impl Into<String>) -> Self {
        Self { what: what.into(), output: output.into() }
    }
}

impl fmt::Display for OutsideError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.what, self.output)
    }
}

impl std::error::Error for OutsideError {}

impl From<io::Error> for OutsideError {
    fn from(error: io::Error) -> Self {
        Self::new(error.to_string(), "")
    }
}

/// A running program. Dropping it kills it.
#[derive(Debug)]
pub struct Program {
    name: String,
    child: Child,
    folder: TempDir,
}

impl Program {
    /// Starts `command` with both its outputs in a file.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(command: &mut Command) -> Result<Self, OutsideError> {
        let name = command.get_program().to_string_lossy().into_owned();
        let folder = TempDir::new()?;
        let out = File::create(folder.path().join("output"))?;
        let errors = out.try_clone()?;
        let child = command.stdin(Stdio::null()).stdout(out).stderr(errors).spawn();
        let child = child.map_err(|error| OutsideError::new(format!("{name}: {error}"), ""))?;
        Ok(Self { name, child, folder })
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// All that it has printed.
    #[must_use]
    pub fn output(&self) -> String {
        std::fs::read(self.folder.path().join("output"))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// How it ended, if it has.
    #[must_use]
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits until `find` finds something in its output.
    ///
    /// # Errors
    /// It ended before, or did not say it in time.
    pub async fn says<T>(&mut self, find: impl Fn(&str) -> Option<T>) -> Result<T, OutsideError> {
        let mut found = None;
        let mut ended = false;
        clock::eventually(PATIENCE, || {
            // Whether it has ended is asked first: what it said before its end is then in the file.
            ended = self.ended().is_some();
            found = find(&self.output());
            found.is_some() || ended
        })
        .await;
        let what = if ended { "ended without saying what was waited for" } else { "did not say what was waited for" };
        found.ok_or_else(|| OutsideError::new(format!("{} {what}", self.name), self.output()))
    }

    /// Waits until it accepts connections at `addr`.
    ///
    /// # Errors
    /// It ended before, or did not open its port in time.
    pub async fn opens(&mut self, addr: SocketAddr) -> Result<(), OutsideError> {
        let end = clock::now() + PATIENCE;
        while tokio::net::TcpStream::connect(addr).await.is_err() {
            if let Some(status) = self.ended() {
                return Err(OutsideError::new(format!("{}: {status}", self.name), self.output()));
            }
            if clock::now() >= end {
                return Err(OutsideError::new(format!("{} did not open {addr}", self.name), self.output()));
            }
            clock::pause(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// Sends a signal by its name (`TERM`, `INT`, `STOP`).
    ///
    /// # Errors
    /// It has ended already.
    pub fn signal(&self, name: &str) -> Result<(), OutsideError> {
        run(Command::new("sh").args(["-c", r#"kill -"$0" "$1""#, name, &self.id().to_string()])).map(drop)
    }

    /// SIGKILL, and waits until it is gone.
    pub fn kill(&mut self) {
        // Both fail only where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits until it has ended by itself.
    ///
    /// # Errors
    /// It did not within the patience of a test.
    pub async fn end(&mut self) -> Result<ExitStatus, OutsideError> {
        let mut status = None;
        clock::eventually(PATIENCE, || {
            status = self.ended();
            status.is_some()
        })
        .await;
        status.ok_or_else(|| OutsideError::new(format!("{} did not end", self.name), self.output()))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs `command` to its end and gives what it wrote.
pub(super) fn run(command: &mut Command) -> Result<String, OutsideError> {
    let name = Path::new(command.get_program()).display().to_string();
    let Output { status, stdout, stderr } =
        command.stdin(Stdio::null()).output().map_err(|error| OutsideError::new(format!("{name}: {error}"), ""))?;
    match status.success() {
        true => Ok(String::from_utf8_lossy(&stdout).into_owned()),
        false => Err(OutsideError::new(format!("{name}: {status}"), String::from_utf8_lossy(&stderr))),
    }
}

/// A port of 127.0.0.1 that is free now, for programs that cannot choose one and say which. Somebody else may take it
/// before them: then they end at once and their test fails with their own words.
///
/// # Errors
/// No port is free.
pub fn free_port() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}
