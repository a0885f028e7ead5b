//! What the balancer forwarded: the record that tests and the demo read. Clients see nothing of it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::target::TargetKey;
use crate::clock::Instant;
use crate::lock;

/// Exchanges that are remembered; older ones are forgotten first, the counters keep counting.
const EXCHANGES: usize = 20_000;

/// Why the balancer itself answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// No target to send it to: 503.
    NoTarget,
    /// The target refused the connection: 502.
    Refused,
    /// The target reset or closed the connection, or did not speak HTTP: 502.
    Broken,
    /// The target did not answer in time: 504.
    TimedOut,
    /// The target's deregistration delay ended first: 502.
    Cut,
    /// The request (or the answer, a limit of the lab only) is longer than is carried: 413.
    TooLong,
}

/// One request and what became of it.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// When the answer was ready.
    pub at: Instant,
    /// How long it took.
    pub took: Duration,
    /// Method, path and query.
    pub request: String,
    /// Which target served it, or should have.
    pub target: Option<TargetKey>,
    /// The status the client got.
    pub status: u16,
    /// Set where the balancer answered in the target's place.
    pub trouble: Option<Trouble>,
}

/// The record of one listener; clones read the same.
#[derive(Debug, Clone, Default)]
pub struct Traffic {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    requests: u64,
    failed: u64,
    served: BTreeMap<TargetKey, u64>,
    in_flight: BTreeMap<TargetKey, usize>,
    exchanges: VecDeque<Exchange>,
}

impl Traffic {
    /// Requests that ended with an answer.
    #[must_use]
    pub fn requests(&self) -> u64 {
        lock(&self.inner).requests
    }

    /// Those of them that the balancer had to answer itself.
    #[must_use]
    pub fn failed(&self) -> u64 {
        lock(&self.inner).failed
    }

    /// Requests that each target answered, whatever its status.
    #[must_use]
    pub fn served(&self) -> BTreeMap<TargetKey, u64> {
        lock(&self.inner).served.clone()
    }

    /// Requests that are at a target now.
    #[must_use]
    pub fn in_flight(&self, target: &TargetKey) -> usize {
        lock(&self.inner).in_flight.get(target).copied().unwrap_or(0)
    }

    /// The exchanges, oldest first (the last twenty thousand).
    #[must_use]
    pub fn exchanges(&self) -> Vec<Exchange> {
        lock(&self.inner).exchanges.iter().cloned().collect()
    }

    /// The exchanges that the balancer had to answer itself.
    #[must_use]
    pub fn failures(&self) -> Vec<Exchange> {
        lock(&self.inner).exchanges.iter().filter(|exchange| exchange.trouble.is_some()).cloned().collect()
    }

    pub(super) fn record(&self, exchange: Exchange) {
        let mut inner = lock(&self.inner);
        inner.requests += 1;
        match (&exchange.target, exchange.trouble) {
            (Some(target), None) => *inner.served.entry(target.clone()).or_default() += 1,
            _ => inner.failed += 1,
        }
        if inner.exchanges.len() >= EXCHANGES {
            inner.exchanges.pop_front();
        }
        inner.exchanges.push_back(exchange);
    }

    /// Counts a request as being at `target` until the mark is dropped, also when its client goes away.
    pub(super) fn mark(&self, target: &TargetKey) -> Mark {
        *lock(&self.inner).in_flight.entry(target.clone()).or_default() += 1;
        Mark { traffic: self.clone(), target: target.clone() }
    }
}

#[derive(Debug)]
pub(super) struct Mark {
    traffic: Traffic,
    target: TargetKey,
}

impl Drop for Mark {
    fn drop(&mut self) {
        if let Some(count) = lock(&self.traffic.inner).in_flight.get_mut(&self.target) {
            *count = count.saturating_sub(1);
        }
    }
}
