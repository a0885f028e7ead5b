//! The agent as a process with a folder and a configuration of its own. It measures nothing.

use crate::http::{self, Reply};
use crate::{Measured, wait};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;
use tempfile::TempDir;

/// The program that is measured.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_rundeck-alb-agent");

/// What an agent is told; times are the product's own unless `more` says else.
pub struct Plan {
    /// `health.listen`.
    pub health: SocketAddr,
    /// Where Rundeck serves.
    pub rundeck: SocketAddr,
    /// More TOML: the rest of `[health]` first, then tables.
    pub more: String,
    /// Where AWS is; empty: nowhere.
    pub env: Vec<(&'static str, String)>,
}

impl Plan {
    /// Without AWS, beside a Rundeck that is not there.
    ///
    /// # Errors
    /// No port is free.
    pub fn alone() -> Measured<Plan> {
        let env = vec![("AWS_EC2_METADATA_DISABLED", "true".to_owned())];
        Ok(Plan { health: free_port()?, rundeck: free_port()?, more: String::new(), env })
    }
}

/// A running agent; dropping it kills it.
pub struct Agent {
    child: Child,
    home: TempDir,
    /// Where it answers.
    pub health: SocketAddr,
    /// Just before its process was made.
    pub began: Instant,
}

impl Agent {
    /// Starts the program and does not wait for anything.
    ///
    /// # Errors
    /// The folder or the process cannot be made.
    pub fn start(plan: &Plan) -> Measured<Agent> {
        Agent::start_under(Command::new(PROGRAM), plan)
    }

    /// The same below another program, whose arguments so far end where those of the agent begin.
    ///
    /// # Errors
    /// The folder or the process cannot be made.
    pub fn start_under(mut command: Command, plan: &Plan) -> Measured<Agent> {
        let home = TempDir::new()?;
        let file = home.path().join("agent.toml");
        fs::write(&file, toml(plan, home.path())?)?;
        command
            .args(["run", "--config"])
            .arg(&file)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("AWS_ACCESS_KEY_ID", "AKIDFIGURES")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("AWS_REGION", "eu-west-1")
            .env("STATE_DIRECTORY", home.path().join("state"))
            .env("RUNTIME_DIRECTORY", home.path().join("run"))
            .envs(plan.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(home.path().join("log"))?);
        let began = Instant::now();
        let child = command.spawn()?;
        Ok(Agent { child, home, health: plan.health, began })
    }

    /// Waits until `/health` answers with this status.
    ///
    /// # Errors
    /// It does not, or the process ends; the text has the log.
    pub fn answers(&mut self, status: u16) -> Measured<Reply> {
        let (child, addr) = (&mut self.child, self.health);
        let seen = wait::until(&format!("{status} of /health"), || match child.try_wait() {
            Ok(None) => http::get(addr, "/health").ok().filter(|reply| reply.status == status).map(Ok),
            ended => Some(Err(format!("the agent has ended: {ended:?}"))),
        });
        let log = || fs::read_to_string(self.home.path().join("log")).unwrap_or_default();
        match seen {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(ended)) => Err(format!("{ended}\n{}", log()).into()),
            Err(nothing) => Err(format!("{nothing}\n{}", log()).into()),
        }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Two signals end it without a drain; waits for the end.
    ///
    /// # Errors
    /// It does not end.
    pub fn abort(mut self) -> Measured<()> {
        let mut end = || {
            signal(self.child.id(), Signal::TERM);
            self.child.try_wait().ok().flatten()
        };
        wait::until("the end of the agent", &mut end).map(|_| ())
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // One that has ended already needs neither.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn toml(plan: &Plan, home: &Path) -> Measured<String> {
    let token: PathBuf = home.join("token");
    fs::write(&token, "test-token")?;
    Ok(format!(
        "[rundeck]\nurl = \"http://{}\"\ntoken_file = \"{}\"\n[admin]\nlisten = \"127.0.0.1:0\"\n\
         [log]\nformat = \"json\"\n[health]\nlisten = \"{}\"\n{}",
        plan.rundeck,
        token.display(),
        plan.health,
        plan.more
    ))
}

/// Signals a process that we started and have not waited for, so that its id is still its own.
pub fn signal(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    // One that has just ended needs no signal.
    let _ = pid.map(|pid| kill_process(pid, signal));
}

/// A port of 127.0.0.1 that nobody uses now.
///
/// # Errors
/// There is none.
pub fn free_port() -> Measured<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
