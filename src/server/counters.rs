//! What is counted over the life of the process, for the metrics and for `/status`.
//!
//! Whoever owns the loop counts here; the page reads. Tables are sorted so that a page reads the same each time, and
//! every label comes from a closed list.

use crate::aws::CallResult;
use prometheus_client::metrics::histogram::Histogram;
use rundeck_alb_core::{Cause, Check, DrainResult, Finding, Outcome, Reason, State};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Upper bounds in seconds: a good probe takes milliseconds, the time-out of a dead database 40 s.
const PROBE_BUCKETS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0, 10.0];
/// Upper bounds in seconds: a call is 20 to 200 ms, and several seconds with retries.
const AWS_BUCKETS: [f64; 8] = [0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0];
/// Upper bounds in seconds: the floor of a drain is 25 s, its jobs may take half an hour and more.
const DRAIN_BUCKETS: [f64; 8] = [10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 1800.0, 3600.0];

/// The counters; each method takes `&self` and never waits for more than another count.
#[derive(Debug, Default)]
pub struct Counters(Mutex<Tables>);

/// What was counted.
#[derive(Clone, Debug)]
pub(super) struct Tables {
    pub(super) transitions: BTreeMap<(State, State, Reason), u64>,
    pub(super) probes: BTreeMap<(Check, Outcome), u64>,
    pub(super) probe_seconds: BTreeMap<Check, Histogram>,
    pub(super) aws: BTreeMap<(&'static str, &'static str, CallResult), u64>,
    pub(super) aws_seconds: BTreeMap<(&'static str, &'static str), Histogram>,
    pub(super) imds: BTreeMap<&'static str, u64>,
    pub(super) drains: BTreeMap<(Cause, DrainResult), u64>,
    pub(super) drain_seconds: Histogram,
    pub(super) findings: BTreeSet<Finding>,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            transitions: BTreeMap::new(),
            probes: BTreeMap::new(),
            probe_seconds: BTreeMap::new(),
            aws: BTreeMap::new(),
            aws_seconds: BTreeMap::new(),
            imds: BTreeMap::new(),
            drains: BTreeMap::new(),
            drain_seconds: Histogram::new(DRAIN_BUCKETS),
            findings: BTreeSet::new(),
        }
    }
}

impl Counters {
    /// The answer of `/health` changed.
    pub fn transition(&self, from: State, to: State, reason: Reason) {
        add(&mut self.tables().transitions, (from, to, reason));
    }

    /// A look ended, judged by the heart.
    pub fn probe(&self, check: Check, outcome: Outcome, took: Option<Duration>) {
        let mut tables = self.tables();
        add(&mut tables.probes, (check, outcome));
        if let Some(took) = took {
            let seconds = tables.probe_seconds.entry(check).or_insert_with(|| Histogram::new(PROBE_BUCKETS));
            seconds.observe(took.as_secs_f64());
        }
    }

    /// A request to AWS ended, retries of the SDK included.
    pub fn aws_request(&self, service: &'static str, operation: &'static str, result: CallResult, took: Duration) {
        let mut tables = self.tables();
        add(&mut tables.aws, (service, operation, result));
        tables
            .aws_seconds
            .entry((service, operation))
            .or_insert_with(|| Histogram::new(AWS_BUCKETS))
            .observe(took.as_secs_f64());
    }

    /// Instance metadata was asked so often; `code` is the status, or a word for a request without one.
    pub fn imds_requests(&self, code: &'static str, count: u64) {
        *self.tables().imds.entry(code).or_default() += count;
    }

    /// A drain ended.
    pub fn drain_ended(&self, cause: Cause, result: DrainResult, took: Duration) {
        let mut tables = self.tables();
        add(&mut tables.drains, (cause, result));
        tables.drain_seconds.observe(took.as_secs_f64());
    }

    /// What stands now, with these findings remembered: a finding that is gone is shown as 0 from then on.
    pub(super) fn tables_with(&self, findings: impl Iterator<Item = Finding>) -> Tables {
        let mut tables = self.tables();
        tables.findings.extend(findings);
        tables.clone()
    }

    /// Requests to AWS so far: service, operation, result, how many.
    pub(super) fn aws_requests(&self) -> Vec<(&'static str, &'static str, CallResult, u64)> {
        self.tables()
            .aws
            .iter()
            .map(|((service, operation, result), count)| (*service, *operation, *result, *count))
            .collect()
    }

    /// Numbers are right whatever a thread was doing when it ended.
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn add<K: Ord>(table: &mut BTreeMap<K, u64>, key: K) {
    *table.entry(key).or_default() += 1;
}
