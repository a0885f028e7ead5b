//! The jobs that run in this process: started, finished, killed, and what the last ones were.
//!
//! A job is a length of time. Whether one may start is decided by the caller.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;

use super::Event;
use super::pause::{now_millis, pause};
use crate::lock;

/// Finished executions that are kept for the list.
const HISTORY: usize = 50;
/// Quartz' pool, as `system/info` tells it; the stand-in lets more jobs run than that.
pub const POOL_SIZE: usize = 10;
/// A job whose trigger fired before the switch to passive is seen this much after it.
const LATE_START: Duration = Duration::from_millis(50);

/// One execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The execution's number.
    pub id: u64,
    /// The job definition that it came from.
    pub job: String,
    /// Who started it.
    pub user: String,
    /// Its length in ms.
    pub length: u64,
    /// Start in ms since 1970.
    pub started: u64,
    /// End in ms since 1970, once it has ended.
    pub ended: Option<u64>,
}

#[derive(Default)]
struct Ledger {
    last_id: u64,
    running: BTreeMap<u64, Job>,
    history: VecDeque<Job>,
    finished: u64,
    killed: u64,
    dead: bool,
}

struct Shared {
    ledger: Mutex<Ledger>,
    running: watch::Sender<usize>,
    journal: fn(&Event),
}

/// All jobs of one process.
#[derive(Clone)]
pub struct Jobs(Arc<Shared>);

impl Jobs {
    pub(super) fn new(journal: fn(&Event)) -> Self {
        Jobs(Arc::new(Shared { ledger: Mutex::default(), running: watch::Sender::new(0), journal }))
    }

    /// Starts a job of that length and gives its execution. Needs a tokio runtime.
    #[must_use = "the execution's number is the only way to find it again"]
    pub fn start(&self, job: &str, user: &str, length: Duration) -> Job {
        let started = {
            let mut ledger = lock(&self.0.ledger);
            ledger.last_id += 1;
            let length = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
            let id = ledger.last_id;
            let (job, user) = (job.to_owned(), user.to_owned());
            let started = Job { id, job, user, length, started: now_millis(), ended: None };
            ledger.running.insert(id, started.clone());
            self.0.running.send_replace(ledger.running.len());
            started
        };
        (self.0.journal)(&Event::JobStarted { id: started.id, millis: started.length });
        let (jobs, id) = (self.clone(), started.id);
        tokio::spawn(async move {
            pause(length).await;
            jobs.finish(id);
        });
        started
    }

    /// Starts a job a moment from now, whatever the mode is then.
    pub(super) fn start_late(&self, job: &str, user: &str, length: Duration) {
        let (jobs, job, user) = (self.clone(), job.to_owned(), user.to_owned());
        tokio::spawn(async move {
            pause(LATE_START).await;
            let _ = jobs.start(&job, &user, length);
        });
    }

    /// Ends a job, before its time where somebody else than its own clock asks; nothing if it does not run.
    pub fn finish(&self, id: u64) {
        let mut ledger = lock(&self.0.ledger);
        let Some(mut job) = ledger.running.remove(&id) else {
            return;
        };
        job.ended = Some(now_millis());
        ledger.finished += 1;
        if ledger.history.len() == HISTORY {
            ledger.history.pop_back();
        }
        ledger.history.push_front(job);
        self.0.running.send_replace(ledger.running.len());
        drop(ledger);
        (self.0.journal)(&Event::JobFinished { id });
    }

    /// The process is dead: what ran is lost. Counts once.
    pub(super) fn kill_all(&self) {
        let mut ledger = lock(&self.0.ledger);
        if std::mem::replace(&mut ledger.dead, true) {
            return;
        }
        let lost: Vec<u64> = std::mem::take(&mut ledger.running).into_keys().collect();
        ledger.killed += lost.len() as u64;
        self.0.running.send_replace(0);
        drop(ledger);
        for id in lost {
            (self.0.journal)(&Event::JobKilled { id });
        }
    }

    /// How many run now: `stats.scheduler.running`.
    #[must_use]
    pub fn running(&self) -> usize {
        *self.0.running.borrow()
    }

    /// Waits until none runs.
    pub async fn idle(&self) {
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self.0.running.subscribe().wait_for(|running| *running == 0).await;
    }

    /// How many ran to their end.
    #[must_use]
    pub fn finished(&self) -> u64 {
        lock(&self.0.ledger).finished
    }

    /// How many were lost with the process.
    #[must_use]
    pub fn killed(&self) -> u64 {
        lock(&self.0.ledger).killed
    }

    /// The running executions, oldest first.
    #[must_use]
    pub fn list_running(&self) -> Vec<Job> {
        lock(&self.0.ledger).running.values().cloned().collect()
    }

    /// The last finished executions, newest first.
    #[must_use]
    pub fn history(&self) -> Vec<Job> {
        lock(&self.0.ledger).history.iter().cloned().collect()
    }
}
