//! The file systems that Rundeck writes to. Looked at on a worker, for a network file system may never answer.

use super::single::Single;
use crate::host::{self, Volume};
use rundeck_alb_core::{DiskSeen, Process, Room};
use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// Longest wait for one directory; a local file system answers in microseconds.
const LIMIT: Duration = Duration::from_secs(2);
/// Most workers that wait for file systems which do not answer; with so many, nothing new is asked. It keeps the time
/// for all directories below the heart's own limit, too.
const MOST_STUCK: usize = 3;

/// Asks about one directory; another one stands in for it in tests.
type Ask = fn(&Path) -> io::Result<Volume>;

/// Looks at file systems, and remembers those that have not answered yet.
#[derive(Debug)]
pub struct Disks {
    /// `health.disk.paths`; empty: found from the process.
    configured: Vec<PathBuf>,
    /// Directories that a worker is asking about.
    asked: Asked,
    ask: Ask,
    /// The turn for reading Rundeck's command line.
    places: Single,
}

impl Disks {
    /// Watches these directories, or where there are none those that Rundeck's process names.
    pub fn new(configured: Vec<PathBuf>) -> Disks {
        Disks { configured, asked: Asked::default(), ask: host::volume, places: Single::default() }
    }

    /// Looks once: one entry for each file system, under the first of its directories.
    pub async fn look(&self, process: Option<Process>) -> Vec<DiskSeen> {
        let places = if self.configured.is_empty() {
            let found = self.places.look(move || host::places(process));
            let Ok(Some(places)) = timeout(LIMIT, found).await else { return Vec::new() };
            places
        } else {
            self.configured.clone()
        };
        let found = self.configured.is_empty();
        let mut devices = BTreeSet::new();
        let mut seen = Vec::new();
        for (place, answer) in self.ask_all(places).await {
            let room = match answer {
                None => Room::Hung,
                Some(Ok(volume)) if devices.insert(volume.device) => volume.room,
                Some(Ok(_)) => continue,
                Some(Err(error)) if found && is_missing(&error) => continue,
                // Below one closed directory all that might be there are closed: one of them tells it.
                Some(Err(_)) if found && seen.iter().any(is_unreadable) => continue,
                Some(Err(error)) => Room::Unreadable(told(&error)),
            };
            seen.push(DiskSeen { path: place.display().to_string(), room });
        }
        seen
    }

    /// Each directory with its answer; `None`: none in time. One that still hangs from an earlier look is not asked
    /// again.
    async fn ask_all(&self, places: Vec<PathBuf>) -> Vec<(PathBuf, Option<io::Result<Volume>>)> {
        let (hanging, mut rest): (Vec<PathBuf>, VecDeque<PathBuf>) = {
            let asked = self.asked.lock();
            let (hanging, rest): (Vec<_>, Vec<_>) = places.into_iter().partition(|place| asked.contains(place));
            (hanging, rest.into())
        };
        let mut answers: Vec<_> = hanging.into_iter().map(|place| (place, None)).collect();
        while !rest.is_empty() && self.asked.lock().len() < MOST_STUCK {
            let mut worker = self.worker(rest.clone());
            while let Some(place) = rest.pop_front() {
                let answer = timeout(LIMIT, worker.recv()).await.ok().flatten();
                let hangs = answer.is_none();
                answers.push((place, answer));
                if hangs {
                    break;
                }
            }
        }
        answers.extend(rest.into_iter().map(|place| (place, None)));
        answers
    }

    /// A worker that asks about one directory after the other, until nobody listens to it any more.
    fn worker(&self, places: VecDeque<PathBuf>) -> mpsc::Receiver<io::Result<Volume>> {
        let (answers, receiver) = mpsc::channel(places.len());
        let (asked, ask) = (self.asked.clone(), self.ask);
        spawn_blocking(move || {
            for place in places {
                asked.lock().insert(place.clone());
                let answer = ask(&place);
                asked.lock().remove(&place);
                if answers.blocking_send(answer).is_err() {
                    return;
                }
            }
        });
        receiver
    }
}

#[derive(Clone, Debug, Default)]
struct Asked(Arc<Mutex<BTreeSet<PathBuf>>>);

impl Asked {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<PathBuf>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_unreadable(disk: &DiskSeen) -> bool {
    matches!(disk.room, Room::Unreadable(_))
}

/// A place that this Rundeck does not have.
fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn told(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "not there; correct health.disk.paths".to_owned(),
        io::ErrorKind::PermissionDenied => {
            "the agent's user may not enter a directory above it; let it (chmod o+x), or name another directory of \
             that file system in health.disk.paths"
                .to_owned()
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests;
