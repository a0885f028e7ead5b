//! A JVM with Rundeck's launch arguments, run as another user where we are root: what the agent's process check meets
//! on a node.
//!
//! The program in it is ours and small (`tests/jvm/FakeRundeck.java`): enough of Rundeck to be up, to run jobs and to
//! stop as one.

use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use tempfile::TempDir;

use super::program::{OutsideError, Program, run};

const SOURCE: &str = include_str!("../../../jvm/FakeRundeck.java");
/// `nobody` and its group, on every Linux.
pub(super) const NOBODY: u32 = 65534;

/// The program, packed under the name that Rundeck's packages give theirs, in a folder that every user can read.
#[derive(Debug)]
pub struct War {
    folder: TempDir,
    java: PathBuf,
}

impl War {
    /// Compiles and packs it with the JDK whose programs are in `tools`. Blocks for one or two seconds.
    ///
    /// # Errors
    /// The compiler's words.
    pub fn build(tools: &Path) -> Result<Self, OutsideError> {
        let folder = TempDir::new()?;
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755))?;
        let (source, classes, bootstrap) =
            (folder.path().join("FakeRundeck.java"), folder.path().join("classes"), folder.path().join("bootstrap"));
        std::fs::write(&source, SOURCE)?;
        std::fs::create_dir(&bootstrap)?;
        run(Command::new(tools.join("javac")).args(["-Xlint:all", "-Werror", "-d"]).arg(&classes).arg(&source))?;
        let war = bootstrap.join("rundeck-5.20.1.war");
        run(Command::new(tools.join("jar"))
            .args(["--create", "--main-class", "FakeRundeck", "--file"])
            .arg(&war)
            .arg("-C")
            .arg(&classes)
            .arg("."))?;
        Ok(Self { folder, java: tools.join("java") })
    }

    /// Starts it at `listen` (port 0: any free one) and waits until it says that it listens.
    ///
    /// # Errors
    /// It did not start.
    pub async fn start(&self, listen: SocketAddr) -> Result<Jvm, OutsideError> {
        let mut command = Command::new(&self.java);
        command.args(launch_arguments(self.folder.path(), listen)).current_dir(self.folder.path());
        command.args(["-Xmx64m", "-Xms16m", "-server", "-jar"]);
        command.arg(self.folder.path().join("bootstrap/rundeck-5.20.1.war")).arg("--skipinstall");
        if we_are_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        let mut program = Program::start(&mut command)?;
        let addr = program.says(address).await?;
        Ok(Jvm { program, addr })
    }
}

/// What Rundeck's launcher (`/etc/rundeck/profile` of the packages) gives a JVM, in its order, up to the heap.
pub(super) fn launch_arguments(base: &Path, listen: SocketAddr) -> Vec<String> {
    let base = base.display();
    vec![
        "-Drundeck.jaaslogin=true".to_owned(),
        "-Djava.security.auth.login.config=/etc/rundeck/jaas-loginmodule.conf".to_owned(),
        "-Dloginmodule.name=RDpropertyfilelogin".to_owned(),
        "-Drdeck.config=/etc/rundeck".to_owned(),
        "-Drundeck.server.configDir=/etc/rundeck".to_owned(),
        "-Dserver.datastore.path=/var/lib/rundeck/data".to_owned(),
        format!("-Drundeck.server.serverDir={base}"),
        format!("-Drdeck.base={base}"),
        "-Drdeck.projects=/var/lib/rundeck/projects".to_owned(),
        "-Drundeck.config.location=/etc/rundeck/rundeck-config.properties".to_owned(),
        "-Djava.io.tmpdir=/tmp".to_owned(),
        format!("-Dserver.http.host={}", listen.ip()),
        format!("-Dserver.http.port={}", listen.port()),
    ]
}

/// A running JVM. It is killed when dropped.
#[derive(Debug)]
pub struct Jvm {
    program: Program,
    addr: SocketAddr,
}

impl Jvm {
    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.program.id()
    }

    /// The user that it runs as.
    ///
    /// # Errors
    /// It has ended.
    pub fn user(&self) -> Result<u32, OutsideError> {
        Ok(std::fs::metadata(format!("/proc/{}", self.id()))?.uid())
    }

    /// What it has printed.
    #[must_use]
    pub fn output(&self) -> String {
        self.program.output()
    }

    /// SIGTERM: it waits for its jobs, then ends with 143.
    ///
    /// # Errors
    /// It has ended already.
    pub fn terminate(&self) -> Result<(), OutsideError> {
        self.program.signal("TERM")
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

/// Where it says it listens: `listening 127.0.0.1:41234`.
fn address(output: &str) -> Option<SocketAddr> {
    output.lines().find_map(|line| line.strip_prefix("listening ")?.parse().ok())
}

/// Who may give processes and folders to others.
pub(super) fn we_are_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}
