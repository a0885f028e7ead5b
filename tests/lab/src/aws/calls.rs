//! The log of API calls: what was asked, by whom, with what outcome. Written when a call arrives, so that one that is
//! never answered is in it too.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use crate::clock::{self, Instant};
use crate::faults::Fault;
use crate::lock;

/// Calls that are remembered; older ones are forgotten first.
const CALLS: usize = 10_000;

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Not answered (yet): slow, hung, or reset.
    Unanswered,
    /// Answered with success.
    Done,
    /// Answered with this error code.
    Refused(String),
    /// Answered with a 500 that is no XML.
    Html500,
}

/// One call.
#[derive(Debug, Clone)]
pub struct Call {
    /// When it arrived.
    pub at: Instant,
    /// Its action; empty when it named none.
    pub action: String,
    /// The target group that it named: by name, or as written when there is no such group.
    pub group: Option<String>,
    /// The targets that it named, `id:port`, or `id` where the port was left out.
    pub targets: Vec<String>,
    /// The node whose door it came through; `None` for the common one.
    pub node: Option<String>,
    /// The caller's user agent.
    pub user_agent: String,
    /// The fault that struck it.
    pub fault: Option<Fault>,
    /// How it ended.
    pub outcome: Outcome,
}

/// The log; clones read the same.
#[derive(Debug, Clone, Default)]
pub struct CallLog {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    calls: VecDeque<Call>,
    forgotten: usize,
}

impl CallLog {
    /// All calls, oldest first (the last ten thousand).
    #[must_use]
    pub fn all(&self) -> Vec<Call> {
        lock(&self.inner).calls.iter().cloned().collect()
    }

    /// The calls of one action.
    #[must_use]
    pub fn of(&self, action: &str) -> Vec<Call> {
        lock(&self.inner).calls.iter().filter(|call| call.action == action).cloned().collect()
    }

    /// How often one action was called.
    #[must_use]
    pub fn count(&self, action: &str) -> usize {
        lock(&self.inner).calls.iter().filter(|call| call.action == action).count()
    }

    /// How many calls there were in all.
    #[must_use]
    pub fn total(&self) -> usize {
        let inner = lock(&self.inner);
        inner.calls.len() + inner.forgotten
    }

    /// Notes an arrival; the number finds it again.
    pub(super) fn arrived(&self, call: Call) -> usize {
        let mut inner = lock(&self.inner);
        if inner.calls.len() >= CALLS {
            inner.calls.pop_front();
            inner.forgotten += 1;
        }
        inner.calls.push_back(call);
        inner.forgotten + inner.calls.len() - 1
    }

    pub(super) fn ended(&self, number: usize, fault: Option<Fault>, outcome: Outcome) {
        let mut inner = lock(&self.inner);
        let index = number.checked_sub(inner.forgotten);
        if let Some(call) = index.and_then(|index| inner.calls.get_mut(index)) {
            call.fault = fault;
            call.outcome = outcome;
        }
    }
}

impl Call {
    pub(super) fn new(action: &str, user_agent: &str) -> Self {
        Self {
            at: clock::now(),
            action: action.to_owned(),
            node: None,
            group: None,
            targets: Vec::new(),
            user_agent: user_agent.to_owned(),
            fault: None,
            outcome: Outcome::Unanswered,
        }
    }
}
