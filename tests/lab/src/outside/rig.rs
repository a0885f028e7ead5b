//! The JVM rig (`tests/jvm/rig`): Rundeck's frameworks with Rundeck's launch arguments, as a process that can be
//! signalled.
//!
//! What it answers and how it is switched stands in the rig's own README. It runs as who runs the test; that an agent
//! finds a JVM of another user is shown with the smaller one of `jvm`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use tempfile::TempDir;

use super::jvm::launch_arguments;
use super::program::{OutsideError, Program};

/// Which frameworks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boot {
    /// Spring Boot 2.7, Jetty 9.4, Quartz 2.3: what Rundeck 4.12 to 5.20 is built on.
    V2_7,
    /// Spring Boot 3.5, Jetty 12, Quartz 2.5: what Rundeck 6 is built on.
    V3_5,
}

impl Boot {
    /// The folder of its build.
    fn folder(self) -> &'static str {
        match self {
            Boot::V2_7 => "2.7",
            Boot::V3_5 => "3.5",
        }
    }
}

/// What starts rigs.
#[derive(Clone, Debug)]
pub struct RigTools {
    /// The folder of a JDK's programs.
    pub java: PathBuf,
    /// The folder of the flavours.
    pub rigs: PathBuf,
}

impl RigTools {
    /// Starts a flavour at `addr` with these `rig.*` properties (and any other of Spring's). It does not wait: its port
    /// opens seconds later, so choose one on an address that no outgoing connection gets for its own, such as
    /// 127.0.77.1.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(&self, boot: Boot, addr: SocketAddr, properties: &[(&str, String)]) -> Result<Rig, OutsideError> {
        let base = TempDir::new()?;
        let mut command = Command::new(self.java.join("java"));
        command.args(launch_arguments(base.path(), addr)).current_dir(base.path());
        command.args(properties.iter().map(|(name, value)| format!("-D{name}={value}")));
        // The first compiler alone: a JVM that lives for seconds gains nothing from the second.
        command.args(["-Xmx256m", "-XX:TieredStopAtLevel=1", "-server", "-jar"]);
        command.arg(self.jar(boot)).arg("--skipinstall");
        Ok(Rig { program: Program::start(&mut command)?, _base: base })
    }

    fn jar(&self, boot: Boot) -> PathBuf {
        self.rigs.join(boot.folder()).join(Path::new("rundeck-rig.jar"))
    }
}

/// A running rig. It is killed when dropped.
#[derive(Debug)]
pub struct Rig {
    program: Program,
    // Kept for as long as the process lives in it.
    _base: TempDir,
}

impl Rig {
    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.program.id()
    }

    /// What it has printed: its own steps (`bootstrap`, `ready`, `stopping`, `no job runs`) among the frameworks'
    /// lines.
    #[must_use]
    pub fn output(&self) -> String {
        self.program.output()
    }

    /// Waits until it has printed this line.
    ///
    /// # Errors
    /// It ended before, or did not in time.
    pub async fn says(&mut self, line: &str) -> Result<(), OutsideError> {
        self.program.says(|output| output.lines().any(|said| said == line).then_some(())).await
    }

    /// Sends a signal by its name (`TERM`, `STOP`, `CONT`).
    ///
    /// # Errors
    /// It has ended already.
    pub fn signal(&self, name: &str) -> Result<(), OutsideError> {
        self.program.signal(name)
    }

    /// SIGKILL, and waits until it is gone.
    pub fn kill(&mut self) {
        self.program.kill();
    }

    /// Waits until it has ended by itself.
    ///
    /// # Errors
    /// It did not within the patience of a test.
    pub async fn end(&mut self) -> Result<ExitStatus, OutsideError> {
        self.program.end().await
    }
}
