//! The agent as a process: started with a configuration file in a folder of its own, its log read line by line.

use super::{PATIENCE, Reply, comes_true, get, unix_request, until};
use serde_json::Value;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// Paces for a Rundeck that answers in no time.
const QUICK: &str = r#"interval = "300ms"
fast_interval = "100ms"
down_interval = "100ms"
api_interval = "200ms"
connect_timeout = "200ms"
timeout = "250ms"
settle = "300ms"
max_age = "2s""#;

/// For a node whose world has no other: nobody else need be healthy, and its death is nobody's loss.
const ALONE: &str = "min_other_healthy = 0\ncrash_ejection = false\n";

/// What a test's agent is told.
#[derive(Debug, Clone)]
pub struct Config {
    /// `rundeck.url`.
    pub rundeck: String,
    /// `health.listen`.
    pub listen: SocketAddr,
    /// Intervals and limits of `[health]`.
    pub paces: &'static str,
    /// More TOML, tables and all.
    pub more: String,
    /// Environment of the process.
    pub env: Vec<(String, String)>,
    /// `health.boot_timeout`.
    pub boot_timeout: String,
    /// `drain.jobs_timeout`.
    pub jobs_timeout: String,
    /// Passed to the agent as systemd does, named `health`.
    pub listener: Option<Arc<TcpListener>>,
    /// Write a token file with this token.
    pub token: Option<String>,
    /// Keep these directories over several agents.
    pub home: Option<Arc<TempDir>>,
    /// Run as this user and group; only root can.
    pub user: Option<u32>,
}

impl Config {
    /// Shortened times, no AWS.
    pub fn new(rundeck: SocketAddr) -> Config {
        Config {
            rundeck: format!("http://{rundeck}"),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            paces: QUICK,
            more: String::new(),
            boot_timeout: "60s".into(),
            jobs_timeout: "20s".into(),
            listener: None,
            env: vec![("AWS_EC2_METADATA_DISABLED".into(), "true".into())],
            token: Some("test-token".into()),
            home: None,
            user: None,
        }
    }

    /// In this world, as the node at `index`.
    pub fn in_world(mut self, world: &rundeck_alb_lab::World, index: usize) -> Config {
        self.env = world.agent_env(index).into_iter().map(|(k, v)| (k.to_string(), v)).collect();
        self.more.push_str(&format!(
            "[membership]\nreconcile_interval = \"1s\"\n{ALONE}[[target_group]]\nname = \"{}\"\n",
            super::node::GROUP
        ));
        self
    }

    /// Others count, as in a cluster.
    pub fn among_others(mut self) -> Config {
        self.more = self.more.replace(ALONE, "");
        self
    }

    /// Adds TOML.
    pub fn with(mut self, toml: &str) -> Config {
        self.more.push_str(toml);
        self
    }

    /// `health.boot_timeout`.
    pub fn boot_timeout(mut self, length: &str) -> Config {
        self.boot_timeout = length.into();
        self
    }

    fn toml(&self, home: &TempDir) -> String {
        let token = match &self.token {
            Some(token) => {
                let path = home.path().join("token");
                std::fs::write(&path, token).expect("token");
                format!("token_file = \"{}\"\n", path.display())
            }
            None => String::new(),
        };
        format!(
            r#"
[rundeck]
url = "{}"
{token}
[health]
listen = "{}"
{}
boot_timeout = "{}"
[drain]
floor = "1500ms"
jobs_timeout = "{}"
jobs_unknown_timeout = "500ms"
[admin]
listen = "127.0.0.1:0"
[log]
format = "json"
{}"#,
            self.rundeck, self.listen, self.paces, self.boot_timeout, self.jobs_timeout, self.more
        )
    }
}

/// A running agent.
pub struct TestAgent {
    child: Child,
    /// Health port.
    pub health: SocketAddr,
    /// Admin port.
    pub admin: SocketAddr,
    /// Its folder.
    pub home: Arc<TempDir>,
    log: Arc<Mutex<Vec<Value>>>,
}

impl TestAgent {
    /// Starts the program and waits until it has told its ports.
    pub async fn start(config: &Config) -> TestAgent {
        let home = config.home.clone().unwrap_or_else(|| Arc::new(TempDir::new().expect("a folder")));
        let file = home.path().join("agent.toml");
        std::fs::write(&file, config.toml(&home)).expect("configuration");
        let mut child = command(config, &home)
            .args(["run", "--config"])
            .arg(&file)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("AWS_ACCESS_KEY_ID", "AKIDTEST")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("AWS_REGION", "eu-west-1")
            .env("STATE_DIRECTORY", home.path().join("state"))
            .env("RUNTIME_DIRECTORY", home.path().join("run"))
            .envs(config.env.iter().cloned())
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the agent starts");
        let log = Arc::new(Mutex::new(Vec::new()));
        let lines = BufReader::new(child.stderr.take().expect("its log")).lines();
        tokio::spawn(keep(lines, log.clone()));
        let mut agent = TestAgent { child, health: config.listen, admin: config.listen, home, log };
        until("the agent's `started` line", async || agent.line("started").is_some()).await;
        let started = agent.line("started").expect("just seen");
        agent.health = started["health"].as_str().expect("health").parse().expect("an address");
        agent.admin = started["admin"].as_str().expect("admin").parse().expect("an address");
        agent
    }

    /// The first log line with this event.
    pub fn line(&self, event: &str) -> Option<Value> {
        self.log.lock().expect("log").iter().find(|l| l["event"] == event).cloned()
    }

    /// Every log line, as text: for the message of a failed assertion, and for what must never be in it.
    pub fn log(&self) -> String {
        self.log.lock().expect("log").iter().map(|l| format!("{l}\n")).collect()
    }

    /// `GET /health`.
    pub async fn ask(&self) -> Reply {
        get(self.health, "/health").await
    }

    /// Waits for this answer of `/health`, such as `200 ok`.
    pub async fn says(&self, line: &str) {
        let said = comes_true(async || self.ask().await.line() == line).await;
        assert!(said, "/health did not come to say {line:?}; log:\n{}", self.log());
    }

    /// `GET /status`.
    pub async fn status(&self) -> Value {
        get(self.admin, "/status").await.json()
    }

    /// Whether this finding stands.
    pub async fn finds(&self, word: &str) -> bool {
        self.status().await["findings"].as_array().is_some_and(|all| all.iter().any(|f| f["finding"] == word))
    }

    /// The control socket.
    pub fn socket(&self) -> PathBuf {
        self.home.path().join("run/control.sock")
    }

    /// An order over the control socket.
    pub async fn order(&self, path: &str, body: &str) -> Reply {
        unix_request(&self.socket(), "POST", path, body).await
    }

    /// Runs one of the program's other commands beside it, with its configuration: exit code, and what it has printed.
    pub async fn command(&self, arguments: &[&str]) -> (i32, String) {
        let run = Command::new(env!("CARGO_BIN_EXE_rundeck-alb-agent"))
            .args(arguments)
            .arg("--config")
            .arg(self.home.path().join("agent.toml"))
            .env_clear()
            .env("STATE_DIRECTORY", self.home.path().join("state"))
            .env("RUNTIME_DIRECTORY", self.home.path().join("run"))
            .stdin(Stdio::null())
            .output();
        let output = tokio::time::timeout(PATIENCE, run).await.expect("it ends").expect("it runs");
        let printed = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&printed).into_owned())
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("runs")
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let done = std::process::Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status();
        assert!(done.is_ok_and(|s| s.success()), "kill -{name}");
    }

    /// SIGSTOP, and waits until it stands: the signal only asks, and on a busy machine a thread of the agent may answer
    /// a check before it stops.
    pub async fn freeze(&self) {
        self.signal("STOP");
        let tasks = format!("/proc/{}/task", self.pid());
        let stands = |task: std::io::Result<std::fs::DirEntry>| {
            let stat = std::fs::read_to_string(task?.path().join("stat"))?;
            // The state follows the name, which stands in brackets and may hold any character.
            Ok::<_, std::io::Error>(stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T')))
        };
        until("every thread to stop", async || {
            let mut all = std::fs::read_dir(&tasks).expect("its threads");
            all.all(|task| stands(task).unwrap_or(false))
        })
        .await;
    }

    /// Waits for its end.
    pub async fn end(&mut self) -> ExitStatus {
        tokio::time::timeout(PATIENCE, self.child.wait())
            .await
            .unwrap_or_else(|_| panic!("the agent does not end; log:\n{}", self.log()))
            .expect("its status")
    }

    /// The receipts on disk, oldest first.
    pub fn receipts(&self) -> Vec<Value> {
        let folder = self.home.path().join("state/receipts");
        let mut paths: Vec<PathBuf> =
            std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        paths.sort();
        let read = |path: &PathBuf| serde_json::from_slice(&std::fs::read(path).expect("receipt")).expect("JSON");
        paths.iter().map(read).collect()
    }
}

/// The program; with a listener it gets the variables and the descriptor that systemd would give it.
fn command(config: &Config, home: &TempDir) -> Command {
    let mut program = PathBuf::from(env!("CARGO_BIN_EXE_rundeck-alb-agent"));
    if let Some(user) = config.user {
        // Its own folder is the only one that this user is sure to reach.
        let copy = home.path().join("rundeck-alb-agent");
        std::fs::copy(&program, &copy).expect("a copy of the program");
        std::os::unix::fs::chown(home.path(), Some(user), Some(user)).expect("only root gives folders away");
        program = copy;
    }
    let mut command = match &config.listener {
        None => Command::new(program),
        Some(listener) => passing(listener, &program),
    };
    if let Some(user) = config.user {
        command.uid(user).gid(user);
    }
    command
}

fn passing(listener: &TcpListener, program: &Path) -> Command {
    rustix::io::fcntl_setfd(listener, rustix::io::FdFlags::empty()).expect("inherited over exec");
    let mut command = Command::new("bash");
    // The shell becomes the agent: LISTEN_PID is its own number.
    let script = "LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=health exec \"$@\" 3<&\"$0\"";
    command.args(["-c", script, &listener.as_raw_fd().to_string()]).arg(program);
    command
}

/// Runs the program with this configuration to its end, for errors at the start: exit code and standard error.
pub fn run_to_end(home: &TempDir, toml: &str) -> (i32, String) {
    let file = home.path().join("other.toml");
    std::fs::write(&file, toml).expect("configuration");
    let output = std::process::Command::new("timeout")
        .arg(PATIENCE.as_secs().to_string())
        .arg(env!("CARGO_BIN_EXE_rundeck-alb-agent"))
        .args(["run", "--config"])
        .arg(&file)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("STATE_DIRECTORY", home.path().join("state"))
        .env("RUNTIME_DIRECTORY", home.path().join("run"))
        .output()
        .expect("it runs");
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
}

async fn keep(mut lines: tokio::io::Lines<BufReader<tokio::process::ChildStderr>>, log: Arc<Mutex<Vec<Value>>>) {
    while let Ok(Some(line)) = lines.next_line().await {
        let value = serde_json::from_str(&line).unwrap_or(Value::String(line));
        log.lock().expect("log").push(value);
    }
}
