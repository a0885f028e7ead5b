//! Calls counted by operation and outcome, for `rdalb_aws_requests_total` and its durations.
//!
//! It does not know the metrics page: it is read by value and rendered elsewhere.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How a call ended, in the words of the metric's label `result`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallResult {
    /// AWS did what was asked.
    Ok,
    /// Too many requests for this account and Region.
    Throttled,
    /// The role lacks a permission.
    Denied,
    /// No answer in time.
    Timeout,
    /// Anything else.
    Error,
}

impl CallResult {
    /// The label's value.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Throttled => "throttled",
            Self::Denied => "denied",
            Self::Timeout => "timeout",
            Self::Error => "error",
        }
    }
}

/// How often, and how long together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Calls, each with all its retries.
    pub calls: u64,
    /// Time from the first attempt to the last answer, added up.
    pub took: Duration,
}

/// The counts of one client.
#[derive(Debug, Default)]
pub(super) struct Tallies(Mutex<BTreeMap<(&'static str, CallResult), Tally>>);

impl Tallies {
    pub fn add(&self, operation: &'static str, outcome: CallResult, took: Duration) {
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let row = rows.entry((operation, outcome)).or_default();
        row.calls += 1;
        row.took += took;
    }

    pub fn read(&self) -> BTreeMap<(&'static str, CallResult), Tally> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
