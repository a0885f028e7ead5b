//! One node: a real agent process and a Rundeck stand-in process at one address.
//!
//! It starts and ends them. What they do meanwhile is seen by `watch` and kept in `card`.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rundeck_alb_lab::clock;
use serde_json::Value;
use tokio::process::Command;

use super::card::{Card, Mark};
use super::jobs::Ledger;
use super::process::Process;
use super::story::{Story, Tone};
use super::times;

/// An agent that says nothing for so long will not start.
const START: Duration = Duration::from_secs(10);

/// A node and its processes.
pub struct Node {
    /// What watchers may know.
    pub card: Arc<Card>,
    /// The agent, while it runs.
    pub agent: Option<Process>,
    rundeck: Option<Process>,
    home: PathBuf,
    env: Vec<(&'static str, String)>,
    ledger: Ledger,
    story: Story,
}

/// What a node is made from.
pub struct Plan<'a> {
    /// The lab's node.
    pub node: &'a rundeck_alb_lab::imds::Node,
    /// Its place.
    pub index: usize,
    /// Traffic port and health port.
    pub ports: (u16, u16),
    /// A folder for all nodes.
    pub folder: &'a Path,
    /// What makes an agent live on this node.
    pub env: Vec<(&'static str, String)>,
    /// Where jobs are counted.
    pub ledger: Ledger,
    /// The narrator.
    pub story: Story,
}

impl Node {
    /// Prepares a node; nothing runs yet.
    ///
    /// # Errors
    /// Its folder cannot be written.
    pub fn new(plan: Plan<'_>) -> Result<Self, String> {
        let home = plan.folder.join(&plan.node.name);
        let card = Card::new(plan.node, plan.index, plan.ports);
        let token = home.join("token");
        let write = || {
            std::fs::create_dir_all(&home)?;
            std::fs::write(&token, times::TOKEN)?;
            std::fs::write(home.join("agent.toml"), times::config(card.rundeck, card.health, &token))
        };
        write().map_err(|error| format!("{} cannot be written: {error}", home.display()))?;
        let (env, ledger, story) = (plan.env, plan.ledger, plan.story);
        Ok(Self { card: Arc::new(card), agent: None, rundeck: None, home, env, ledger, story })
    }

    /// Where it is.
    pub fn address(&self) -> IpAddr {
        self.card.rundeck.ip()
    }

    /// Starts the agent and waits until it has told its ports.
    ///
    /// # Errors
    /// It ends, or tells nothing in time.
    pub async fn start_agent(&mut self, program: &Path) -> Result<(), String> {
        self.card.admin.send_replace(None);
        let card = Arc::clone(&self.card);
        let mut command = Command::new(program);
        command.arg("run").arg("--config").arg(self.home.join("agent.toml"));
        command.env_clear().envs(self.env.iter().map(|(name, value)| (*name, value)));
        command.env("STATE_DIRECTORY", self.home.join("state")).env("RUNTIME_DIRECTORY", self.home.join("run"));
        let begun = clock::now();
        let hear = move |line: &str| {
            let admin = admin_of(line);
            if admin.is_some() {
                card.admin.send_replace(admin);
            }
        };
        let process = Process::start(&mut command, hear)?;
        let process = self.agent.insert(process);
        self.card.mark(Some(Mark { at: begun, what: "its start" }));
        let mut admin = self.card.admin.subscribe();
        tokio::select! {
            told = clock::within(START, admin.wait_for(Option::is_some)) => match told {
                Some(Ok(_)) => Ok(()),
                _ => Err(format!("its agent told no ports in {} s", START.as_secs())),
            },
            ended = process.end(START * 2) => Err(format!("its agent ended at once: {}", ended?)),
        }
    }

    /// Starts Rundeck, which needs `boot` and then `bootstrap` milliseconds.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn start_rundeck(&mut self, program: &Path, (boot, bootstrap): (u64, u64)) -> Result<(), String> {
        let (card, story) = (Arc::clone(&self.card), self.story.clone());
        let jobs = self.ledger.begin(self.card.index);
        let mut command = Command::new(program);
        command.args([&format!("-Dserver.http.port={}", card.rundeck.port()), "-Drdeck.base=/var/lib/rundeck"]);
        command.args(["--token", times::TOKEN, "--name", &card.name, "--listen", &card.rundeck.to_string()]);
        command.args(["--control", &format!("{}:0", self.address()), "--version", "5.20"]);
        command.args(["--boot-ms", &boot.to_string(), "--bootstrap-ms", &bootstrap.to_string()]);
        let hear = move |line: &str| {
            jobs.hear(line);
            hear_rundeck(&card, &story, line);
        };
        self.rundeck = Some(Process::start(&mut command, hear)?);
        Ok(())
    }

    /// Process id of Rundeck, while it runs.
    pub fn rundeck_pid(&self) -> Option<rustix::process::Pid> {
        self.rundeck.as_ref().map(Process::pid)
    }

    /// SIGKILL for Rundeck, and what a boot clears is gone. Gives the number of jobs that began and never ended.
    pub async fn power_off(&mut self) -> u64 {
        // The folder of an agent that never ran is not there.
        let _ = std::fs::remove_dir_all(self.home.join("run"));
        self.kill_rundeck().await
    }

    /// SIGKILL for Rundeck. Gives the number of jobs that began and never ended.
    pub async fn kill_rundeck(&mut self) -> u64 {
        if let Some(mut rundeck) = self.rundeck.take() {
            rundeck.kill().await;
        }
        self.card.control.send_replace(None);
        self.ledger.lost(self.card.index)
    }

    /// Waits for the agent's end and gives its exit status.
    ///
    /// # Errors
    /// It does not end within `bound`, or was ended by a signal.
    pub async fn agent_end(&mut self, bound: Duration) -> Result<i32, String> {
        let Some(agent) = &mut self.agent else { return Err("its agent does not run".to_owned()) };
        let status = agent.end(bound).await.map_err(|why| format!("its agent {why}"))?;
        self.card.admin.send_replace(None);
        status.code().ok_or_else(|| format!("its agent was ended by a {status}"))
    }

    /// The newest receipt on its disk.
    pub fn receipt(&self) -> Option<Value> {
        let folder = std::fs::read_dir(self.home.join("state/receipts")).ok()?;
        let newest = folder.flatten().map(|entry| entry.path()).max()?;
        serde_json::from_slice(&std::fs::read(newest).ok()?).ok()
    }

    /// The agent's last lines, for people who ask why.
    pub fn last_lines(&self) -> Vec<String> {
        const SHOWN: usize = 15;
        self.agent.as_ref().map(|agent| agent.log().last(SHOWN)).unwrap_or_default()
    }
}

/// The admin address in the agent's `started` line.
fn admin_of(line: &str) -> Option<SocketAddr> {
    let line: Value = serde_json::from_str(line).ok()?;
    line["admin"].as_str().filter(|_| line["event"] == "started")?.parse().ok()
}

/// Rundeck's own steps, as its process prints them.
fn hear_rundeck(card: &Card, story: &Story, line: &str) {
    if let Some(control) = line.strip_prefix("control ").and_then(|addr| addr.trim().parse().ok()) {
        card.control.send_replace(Some(control));
    }
    match line {
        "mode passive" => card.tell(story, Tone::Leaving, "Rundeck is in passive mode: it starts no new job"),
        "mode active" => card.tell(story, Tone::Good, "Rundeck is in active mode"),
        "ready" => card.tell(story, Tone::Plain, "Rundeck has finished its start"),
        _ if line.starts_with("listening ") => {
            card.tell(story, Tone::Plain, "Rundeck opens its port and says ok, though its start is not over");
        }
        _ => {}
    }
}
