//! What an agent's `/health` says over time: each change with its moment, printed, and waited for.
//!
//! It asks as a load balancer that wants JSON. What should be said, and when, is the scenario's.

use crate::support::{PATIENCE, TestAgent};
use serde_json::Value;
use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How often `/health` is asked: shorter than anything that the agent may say.
const LOOK: Duration = Duration::from_millis(20);
/// The start of a JVM beside others on a busy machine, several times over.
const LONG: Duration = Duration::from_secs(150);
/// Flags of the machine that the tests run on, not of the Rundeck that is watched.
const OF_THE_MACHINE: [&str; 4] = ["disk", "memory", "load", "slow"];

/// One line of it.
#[derive(Debug, Clone)]
struct Entry {
    at: Duration,
    text: String,
    /// Said by the agent, not noted by the player.
    said: bool,
}

/// The record of one agent. It ends when dropped.
pub struct Timeline {
    start: Instant,
    entries: Arc<Mutex<Vec<Entry>>>,
    _watch: JoinSet<()>,
}

impl Timeline {
    /// Watches this agent from now on.
    pub fn of(agent: &TestAgent) -> Timeline {
        let (start, entries) = (Instant::now(), Arc::<Mutex<Vec<Entry>>>::default());
        let mut watch = JoinSet::new();
        watch.spawn(look(agent.health, start, entries.clone()));
        Timeline { start, entries, _watch: watch }
    }

    /// Writes down what was done to the Rundeck.
    pub fn note(&self, what: &str) {
        let entry = Entry { at: self.start.elapsed(), text: what.to_string(), said: false };
        self.entries.lock().expect("timeline").push(entry);
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.entries.lock().expect("timeline").len()
    }

    /// What the agent says now.
    pub fn last(&self) -> String {
        let entries = self.entries.lock().expect("timeline");
        entries.iter().rev().find(|entry| entry.said).map(|entry| entry.text.clone()).unwrap_or_default()
    }

    /// What the agent has said since there were `from` lines, with what it was saying then.
    pub fn since(&self, from: usize) -> Vec<String> {
        let entries = self.entries.lock().expect("timeline");
        let before = entries.iter().take(from).rev().find(|entry| entry.said);
        before.into_iter().chain(entries.iter().skip(from).filter(|entry| entry.said)).map(|e| e.text.clone()).collect()
    }

    /// Waits until it says one of these.
    pub async fn comes_to(&self, words: &[&str]) -> bool {
        let wait = async {
            let mut tick = tokio::time::interval(LOOK);
            while !words.contains(&self.last().as_str()) {
                tick.tick().await;
            }
        };
        tokio::time::timeout(LONG, wait).await.is_ok()
    }

    /// All of it, a line for each change: `   3.2 s  booting: settling`.
    pub fn print(&self) -> String {
        let mut text = String::new();
        for entry in self.entries.lock().expect("timeline").iter() {
            let mark = if entry.said { "" } else { "-- " };
            let _ = writeln!(text, "  {:>6.2} s  {mark}{}", entry.at.as_secs_f64(), entry.text);
        }
        text
    }
}

async fn look(agent: SocketAddr, start: Instant, entries: Arc<Mutex<Vec<Entry>>>) {
    let mut tick = tokio::time::interval(LOOK);
    let mut before = String::new();
    loop {
        tick.tick().await;
        let text = ask(agent).await.unwrap_or_else(|| "(no answer)".to_string());
        if text != before {
            before.clone_from(&text);
            entries.lock().expect("timeline").push(Entry { at: start.elapsed(), text, said: true });
        }
    }
}

/// `booting: settling`, `up`, `up [database]`.
async fn ask(agent: SocketAddr) -> Option<String> {
    let request =
        format!("GET /health HTTP/1.1\r\nHost: {agent}\r\nAccept: application/json\r\nConnection: close\r\n\r\n");
    let mut stream = TcpStream::connect(agent).await.ok()?;
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    tokio::time::timeout(PATIENCE, stream.read_to_string(&mut answer)).await.ok()?.ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let body: Value = serde_json::from_str(body).ok()?;
    let (state, reason) = (body["state"].as_str()?, body["reason"].as_str()?);
    let up = state == "up";
    assert_eq!(up, head.starts_with("HTTP/1.1 200"), "status and words differ: {answer}");
    let flags: Vec<&str> = body["degraded"].as_array()?.iter().filter_map(Value::as_str).collect();
    let flags: Vec<&str> = flags.into_iter().filter(|flag| !OF_THE_MACHINE.contains(flag)).collect();
    let flags = if flags.is_empty() { String::new() } else { format!(" [{}]", flags.join(", ")) };
    // Flags count where the node is in service.
    Some(if up { format!("up{flags}") } else { format!("{state}: {reason}") })
}
