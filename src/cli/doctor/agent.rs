//! The agent that runs here, if one does: what it finds wrong itself, by its user's eyes and a longer memory, and
//! whether it lives by the same variables as this command. Orders nothing.

use super::report::{Area, Part};
use super::word::{Own, Word};
use crate::cli::Surroundings;
use crate::cli::control::{Control, ControlError};
use crate::cli::text::harmless;
use crate::cli::view::Status;
use crate::config::{PREFIX, Settings};
use crate::watch::single::Single;
use rundeck_alb_core::Finding;
use std::path::Path;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::time::timeout;

/// Connecting to a local socket takes microseconds.
const CONNECT_LIMIT: Duration = Duration::from_secs(1);
/// `/proc/PID/environ` is the kernel's own: longer means that the process keeps its memory's lock.
const READ_LIMIT: Duration = Duration::from_secs(1);
/// Variables beside those of the agent's own prefix that it lives by.
const VARIABLES: [&str; 7] =
    ["RUNDECK_URL", "RUNDECK_TOKEN", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "CREDENTIALS_DIRECTORY"];

/// Who answers on the control socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    pub pid: Option<u32>,
    pub user: u32,
}

/// What was seen of it.
pub struct Seen {
    pub part: Part,
    /// `None`: no agent runs here, as far as can be told.
    pub process: Option<Process>,
}

/// Asks it for its status.
pub async fn look(settings: &Settings, surroundings: &Surroundings) -> Seen {
    let socket = settings.admin.socket_in(&surroundings.runtime_directory());
    let process = process(&socket).await;
    let part = match Control::new(socket).get("/status").await.and_then(|answer| answer.json::<Status>("/status")) {
        Ok(status) => {
            let part = running(&status, process);
            environment(part, process, surroundings).await
        }
        Err(ControlError::NotRunning { .. }) => Part::seen(Area::Agent, "none runs here"),
        Err(error) => {
            Part::not_tried(Area::Agent, "its socket is there").wrong_and(Own::AgentSilent, error.to_string(), "")
        }
    };
    Seen { part, process }
}

async fn process(socket: &Path) -> Option<Process> {
    let stream = timeout(CONNECT_LIMIT, UnixStream::connect(socket)).await.ok()?.ok()?;
    let peer = stream.peer_cred().ok()?;
    Some(Process { pid: peer.pid().and_then(|pid| u32::try_from(pid).ok()), user: peer.uid() })
}

/// Its own findings: some need its user, or more than one look.
fn running(status: &Status, process: Option<Process>) -> Part {
    let pid = process.and_then(|process| process.pid).map(|pid| format!(", pid {pid}")).unwrap_or_default();
    let health = &status.health;
    let answers = if health.ok { "200".to_owned() } else { format!("503 {}: {}", health.state, health.reason) };
    let part = Part::seen(Area::Agent, format!("runs{pid}, answers {}", harmless(&answers)));
    status.findings.iter().fold(part, |part, found| {
        // One of a younger agent is told in its own words, which hold the cure.
        let Some(word) = Finding::from_word(&found.finding) else { return part };
        let text = found.text.strip_suffix(word.cure()).map_or(found.text.as_str(), |text| text.trim_end_matches("; "));
        part.wrong(Word::from(word), text)
    })
}

/// What differs, by names alone: some values are secrets.
async fn environment(part: Part, process: Option<Process>, surroundings: &Surroundings) -> Part {
    let Some(pid) = process.and_then(|process| process.pid) else { return part };
    let single = Single::default();
    let read = single.look(move || std::fs::read(format!("/proc/{pid}/environ")));
    // Another user's is hidden.
    let Ok(Some(Ok(environ))) = timeout(READ_LIMIT, read).await else { return part };
    let differing = surroundings.differing(&Surroundings::of_environ(&environ), is_meant);
    if differing.is_empty() {
        return part;
    }
    let names = differing.join(", ");
    part.wrong(Own::AgentEnvironment, format!("this command and the agent (pid {pid}) have another value of {names}"))
}

fn is_meant(name: &str) -> bool {
    name.starts_with(PREFIX) || name.starts_with("AWS_") || VARIABLES.contains(&name)
}
