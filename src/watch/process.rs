//! The Rundeck process: found, its end seen at once, and what is in flight on its port.
//!
//! Scans and dumps block for milliseconds: they run on tokio's blocking workers.

use crate::host::{self, Endpoint, Found, Jvm, ScanError};
use rundeck_alb_core::{Event, Notice, Process, ProcessSeen};
use std::sync::{Mutex, PoisonError};

/// Finds Rundeck's process, and remembers the one it found: looking at that again costs no scan.
#[derive(Debug)]
pub struct Finder {
    endpoint: Endpoint,
    last: Mutex<Option<Jvm>>,
}

impl Finder {
    /// A finder for the process that serves this endpoint.
    pub fn new(endpoint: Endpoint) -> Finder {
        Finder { endpoint, last: Mutex::new(None) }
    }

    /// Looks; `known` is the process that the heart watches.
    pub async fn find(&self, known: Option<Process>) -> ProcessSeen {
        let endpoint = self.endpoint;
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let last = last.filter(|jvm| known == Some(process(jvm)));
        let found = tokio::task::spawn_blocking(move || find_blocking(endpoint, last.as_ref())).await;
        match found {
            Ok(Ok(Found::One(jvm))) => {
                let seen = ProcessSeen::One(process(&jvm), jvm.memory_bytes);
                *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(jvm);
                seen
            }
            Ok(Ok(Found::Several(pids))) => ProcessSeen::Several(u32::try_from(pids.len()).unwrap_or(u32::MAX)),
            Ok(Ok(Found::None)) | Err(_) => ProcessSeen::None,
            Ok(Err(error)) => {
                tracing::warn!("processes cannot be listed: {error}");
                ProcessSeen::None
            }
        }
    }

    /// Connections in flight on Rundeck's port; `None`: nobody can tell (interface 9).
    pub async fn in_flight(&self) -> Option<u32> {
        let endpoint = self.endpoint;
        tokio::task::spawn_blocking(move || host::in_flight(endpoint)).await.ok().flatten()
    }
}

fn find_blocking(endpoint: Endpoint, last: Option<&Jvm>) -> Result<Found, ScanError> {
    match last.and_then(host::refresh_one) {
        Some(jvm) => Ok(Found::One(jvm)),
        None => host::find_rundeck(endpoint),
    }
}

fn process(jvm: &Jvm) -> Process {
    Process { pid: jvm.pid, start: jvm.start_ticks }
}

/// Waits for the end of this process; one that is gone already has ended.
pub async fn ended(watched: Process) -> Event {
    let unwatched = |why: &dyn std::fmt::Display| {
        let text = format!(
            "the end of Rundeck's process {} cannot be watched ({why}): a crash shows by its probes only",
            watched.pid
        );
        Event::Noticed(Notice::ExitWatch, Some(text))
    };
    match host::watch_exit(watched.pid, watched.start) {
        Ok(watch) => match watch.ended().await {
            Ok(()) => Event::ProcessEnded(watched),
            Err(error) => unwatched(&error),
        },
        Err(host::WatchError::Gone(_)) => Event::ProcessEnded(watched),
        Err(error) => unwatched(&error),
    }
}
