//! The Rundeck process: found, its end seen at once, and what is in flight on its port.
//!
//! Scans and dumps block for milliseconds, or hang with a process that keeps its memory's lock: they run on workers,
//! one of each kind at a time. A process that is known is looked at right here, which takes less time than waking a
//! worker.

use super::single::Single;
use crate::host::{self, Endpoint, Found, Jvm, KnownJvm};
use rundeck_alb_core::{Event, JvmSeen, Notice, Process, ProcessSeen};
use std::sync::{Mutex, PoisonError};

/// Finds Rundeck's process, and remembers the one it found: looking at that again costs no scan.
#[derive(Debug)]
pub struct Finder {
    endpoint: Endpoint,
    known: Mutex<Option<KnownJvm>>,
    scans: Single,
    counts: Single,
}

impl Finder {
    /// A finder for the process that serves this endpoint.
    pub fn new(endpoint: Endpoint) -> Finder {
        Finder { endpoint, known: Mutex::new(None), scans: Single::default(), counts: Single::default() }
    }

    /// Looks; `watched` is the process that the heart watches.
    pub async fn find(&self, watched: Option<Process>) -> ProcessSeen {
        if let Some(seen) = watched.and_then(|watched| self.look_again(watched)) {
            return seen;
        }
        let endpoint = self.endpoint;
        let Some((seen, known)) = self.scans.look(move || scan(endpoint)).await else { return ProcessSeen::Hung };
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = known;
        seen
    }

    /// A look at the one process that is watched; `None`: it has to be looked for.
    fn look_again(&self, watched: Process) -> Option<ProcessSeen> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let jvm = known.as_mut().filter(|jvm| process(jvm.jvm()) == watched)?;
        Some(ProcessSeen::One(watched, jvm.look()?))
    }

    /// Connections in flight on Rundeck's port; `None`: nobody can tell.
    pub async fn in_flight(&self) -> Option<u32> {
        let endpoint = self.endpoint;
        self.counts.look(move || host::in_flight(endpoint)).await.flatten()
    }
}

/// Looks for it among all processes, and at it.
fn scan(endpoint: Endpoint) -> (ProcessSeen, Option<KnownJvm>) {
    match host::find_rundeck(endpoint) {
        Ok(Found::One(jvm)) => {
            let (found, plain) = (process(&jvm), plain(&jvm));
            let mut known = KnownJvm::new(jvm, endpoint);
            let seen = known.as_mut().and_then(KnownJvm::look).unwrap_or(plain);
            (ProcessSeen::One(found, seen), known)
        }
        Ok(Found::Several(pids)) => (ProcessSeen::Several(u32::try_from(pids.len()).unwrap_or(u32::MAX)), None),
        Ok(Found::None) => (ProcessSeen::None, None),
        Ok(Found::Hidden) => (ProcessSeen::Hidden, None),
        Err(error) => {
            tracing::warn!("processes cannot be listed: {error}");
            (ProcessSeen::Hidden, None)
        }
    }
}

/// What the scan itself has told. A process that has ended since is the pidfd's to tell.
fn plain(jvm: &Jvm) -> JvmSeen {
    JvmSeen { memory: jvm.memory_bytes, threads: jvm.threads, stopping: None, stranger: None }
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
