//! A PostgreSQL of its own for a test, that stops, refuses and freezes when told to.
//!
//! It holds one empty database, `rundeck`; whoever asks it for more than `SELECT 1` brings what he needs. Nothing is
//! kept on disk after the test.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::jvm::{NOBODY, we_are_root};
use super::program::{OutsideError, Program, run};

/// An address that no outgoing connection gets for its own.
const HOME: Ipv4Addr = Ipv4Addr::new(127, 0, 77, 2);
/// Its superuser, and the owner of the database.
const USER: &str = "rundeck";
/// What an immediate shutdown may take before it is killed: PostgreSQL itself kills its children after 5 s.
const SHUTDOWN: Duration = Duration::from_secs(8);
/// How often its end is looked for.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// A PostgreSQL. It stops when dropped.
#[derive(Debug)]
pub struct Postgres {
    program: Program,
    tools: PathBuf,
    folder: TempDir,
    addr: SocketAddr,
}

impl Postgres {
    /// Makes a cluster with the server programs in `tools` and starts it. Takes some seconds.
    ///
    /// # Errors
    /// Which program did not do its part, with its words.
    pub async fn start(tools: &Path) -> Result<Self, OutsideError> {
        let folder = TempDir::new()?;
        if we_are_root() {
            // PostgreSQL refuses to run as root, and wants its folder for itself.
            chown(folder.path(), Some(NOBODY), Some(NOBODY))?;
        }
        fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755))?;
        let addr = TcpListener::bind((HOME, 0))?.local_addr()?;
        let data = folder.path().join("data");
        let mut make = unprivileged(&tools.join("initdb"), folder.path());
        make.args(["--username", USER, "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--pgdata"])
            .arg(data);
        let made = tokio::task::spawn_blocking(move || run(&mut make)).await;
        made.map_err(|error| OutsideError::new(error.to_string(), ""))??;
        let program = launch(tools, folder.path(), addr)?;
        let mut server = Self { program, tools: tools.to_owned(), folder, addr };
        server.program.opens(addr).await?;
        server.accepts().await?;
        server.sql("CREATE DATABASE rundeck")?;
        Ok(server)
    }

    /// How a JVM reaches it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("jdbc:postgresql://{}/rundeck", self.addr)
    }

    /// Stopped: its port refuses, every session is cut.
    ///
    /// # Errors
    /// It did not stop in time.
    pub async fn stop(&mut self) -> Result<(), OutsideError> {
        // A fast shutdown.
        self.program.signal("INT")?;
        self.program.end().await.map(drop)
    }

    /// Started again after a stop.
    ///
    /// # Errors
    /// It did not start.
    pub async fn start_again(&mut self) -> Result<(), OutsideError> {
        self.program = launch(&self.tools, self.folder.path(), self.addr)?;
        self.program.opens(self.addr).await?;
        self.accepts().await
    }

    /// The server answers, but lets nobody into the database; every session in it is cut.
    ///
    /// # Errors
    /// It did not take the order.
    pub fn refuse(&self) -> Result<(), OutsideError> {
        self.sql("ALTER DATABASE rundeck ALLOW_CONNECTIONS false")?;
        self.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'rundeck'")
    }

    /// The end of [`Postgres::refuse`].
    ///
    /// # Errors
    /// It did not take the order.
    pub fn admit(&self) -> Result<(), OutsideError> {
        self.sql("ALTER DATABASE rundeck ALLOW_CONNECTIONS true")
    }

    /// SIGSTOP to the server and to each of its sessions: connections stand, new ones are accepted by the kernel,
    /// nothing answers.
    ///
    /// # Errors
    /// It has ended.
    pub fn freeze(&self) -> Result<(), OutsideError> {
        // The server first: then no new session can come.
        self.program.signal("STOP")?;
        signal("STOP", &children(self.program.id()))
    }

    /// The end of [`Postgres::freeze`].
    ///
    /// # Errors
    /// It has ended.
    pub fn thaw(&self) -> Result<(), OutsideError> {
        signal("CONT", &children(self.program.id()))?;
        self.program.signal("CONT")
    }

    /// Waits until it takes orders: its port opens before its recovery is done.
    async fn accepts(&mut self) -> Result<(), OutsideError> {
        self.program
            .says(|output| output.contains("database system is ready to accept connections").then_some(()))
            .await
    }

    /// Gives an order through its own socket, which no fault closes.
    fn sql(&self, order: &str) -> Result<(), OutsideError> {
        let mut command = Command::new(self.tools.join("psql"));
        command.args(["--no-psqlrc", "--quiet", "--username", USER, "--dbname", "postgres", "--host"]);
        command.arg(self.folder.path()).args(["--port", &self.addr.port().to_string(), "--command", order]);
        run(&mut command).map(drop)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // An immediate shutdown gives its shared memory back, which a kill would leave behind. Whatever fails here has
        // ended already.
        let _ = self.thaw();
        let _ = self.program.signal("QUIT");
        let end = Instant::now() + SHUTDOWN;
        while self.program.ended().is_none() && Instant::now() < end {
            std::thread::park_timeout(LOOK_AGAIN);
        }
    }
}

fn launch(tools: &Path, folder: &Path, addr: SocketAddr) -> Result<Program, OutsideError> {
    let settings = [
        format!("listen_addresses={}", addr.ip()),
        format!("port={}", addr.port()),
        format!("unix_socket_directories={}", folder.display()),
        "fsync=off".to_owned(),
        "max_connections=200".to_owned(),
        "shared_buffers=8MB".to_owned(),
    ];
    let mut command = unprivileged(&tools.join("postgres"), folder);
    command.arg("-D").arg(folder.join("data"));
    command.args(settings.iter().flat_map(|setting| ["-c", setting]));
    Program::start(&mut command)
}

/// A program as a user that PostgreSQL accepts.
fn unprivileged(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder);
    if we_are_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

/// The processes whose parent this is.
fn children(parent: u32) -> Vec<u32> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| parent_of(*pid) == Some(parent)).collect()
}

/// The fourth field of `/proc/PID/stat`; the second, a name in brackets, may hold blanks.
fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    fields.split(' ').nth(1)?.parse().ok()
}

/// Sends a signal to those of them that still live.
fn signal(name: &str, pids: &[u32]) -> Result<(), OutsideError> {
    let pids = pids.iter().map(u32::to_string);
    // A session may end meanwhile: that one of many is gone is no error.
    run(Command::new("sh")
        .args(["-c", r#"signal=$1; shift; kill -"$signal" "$@" 2>/dev/null || true"#, "kill", name])
        .args(pids))
    .map(drop)
}
