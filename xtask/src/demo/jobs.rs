//! The jobs: each Rundeck's own schedule, and the count of what began, ended and was lost.
//!
//! The count comes from the lines that the Rundecks print, so a killed one cannot hide what it lost.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::Method;
use rundeck_alb_lab::clock;

use super::card::Card;
use super::http::{self, Ask};
use super::times;

/// Between two triggers; they go round the nodes.
const EVERY: Duration = Duration::from_millis(1_200);

/// Lengths of the scheduled jobs in milliseconds, in turn.
const LENGTHS: [u64; 4] = [700, 1_900, 400, 1_300];

/// Jobs of the nodes' Rundecks; clones count together.
#[derive(Clone, Default)]
pub struct Ledger(Arc<Mutex<Counts>>);

#[derive(Default)]
struct Counts {
    /// Running jobs: node and execution.
    running: BTreeSet<(usize, u64)>,
    finished: u64,
}

/// What one Rundeck process tells.
pub struct Jobs {
    ledger: Ledger,
    node: usize,
}

impl Ledger {
    /// Another Rundeck process on the node at `node`.
    pub fn begin(&self, node: usize) -> Jobs {
        Jobs { ledger: self.clone(), node }
    }

    /// Its process is gone: the jobs that began and never ended.
    pub fn lost(&self, node: usize) -> u64 {
        let mut counts = self.lock();
        let before = counts.running.len();
        counts.running.retain(|(of, _)| *of != node);
        (before - counts.running.len()) as u64
    }

    /// Jobs that ran to their end.
    pub fn finished(&self) -> u64 {
        self.lock().finished
    }

    /// Jobs that run now on all nodes.
    pub fn running(&self) -> usize {
        self.lock().running.len()
    }

    /// Jobs that run now on the node at `node`.
    pub fn running_on(&self, node: usize) -> usize {
        self.lock().running.iter().filter(|(of, _)| *of == node).count()
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Jobs {
    /// Counts a line such as `job 3 started for 900 ms` or `job 3 finished`.
    pub fn hear(&self, line: &str) {
        let mut words = line.split(' ');
        let (Some("job"), Some(id), Some(what)) =
            (words.next(), words.next().and_then(|id| id.parse().ok()), words.next())
        else {
            return;
        };
        let mut counts = self.ledger.lock();
        match what {
            "started" => {
                counts.running.insert((self.node, id));
            }
            "finished" if counts.running.remove(&(self.node, id)) => counts.finished += 1,
            _ => {}
        }
    }
}

/// Runs a job of this length on that Rundeck, as its schedule would; true if it was started. A passive one refuses.
pub async fn run(card: &Card, length: u64) -> bool {
    let path = format!("/api/41/job/nightly/run?option.ms={length}");
    let headers = [("x-rundeck-auth-token", times::TOKEN.to_owned()), ("accept", "application/json".to_owned())];
    let ask = Ask { method: Method::POST, path: &path, headers: &headers, body: "" };
    http::ask(card.rundeck, ask).await.is_ok_and(|reply| reply.status == 200)
}

/// The schedule of all nodes, until dropped.
pub async fn schedule(cards: Vec<Arc<Card>>) {
    let mut tick = tokio::time::interval(EVERY);
    for (card, length) in cards.iter().cycle().zip(LENGTHS.iter().cycle()) {
        tick.tick().await;
        // A node that is away or passive starts none, as in real life.
        let _ = clock::within(EVERY, run(card, *length)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_never_ends_is_lost_with_its_process() {
        let ledger = Ledger::default();
        let (first, second) = (ledger.begin(0), ledger.begin(1));
        for line in
            ["listening 127.0.0.11:4440", "job 1 started for 900 ms", "job 2 started for 900 ms", "job 1 finished"]
        {
            first.hear(line);
        }
        second.hear("job 1 started for 100 ms");
        assert_eq!((ledger.finished(), ledger.running(), ledger.running_on(0)), (1, 2, 1));
        assert_eq!(ledger.lost(0), 1);
        assert_eq!((ledger.lost(0), ledger.running()), (0, 1));
        second.hear("job 1 finished");
        assert_eq!((ledger.finished(), ledger.running()), (2, 0));
    }
}
