//! What a rule judges, and what it says when a promise is broken. It knows no rule.

use crate::evidence::Round;
use rundeck_alb_core::{Command, Event, Moment, Snapshot};

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub rule: &'static str,
    pub text: String,
}

pub type Verdict = Result<(), Violation>;

pub fn require(holds: bool, rule: &'static str, text: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(Violation { rule, text: text() }) }
}

/// One turn of the heart.
pub struct Turn<'a> {
    pub event: &'a Event,
    pub round: Option<Round>,
    pub before: &'a Snapshot,
    pub after: &'a Snapshot,
    pub commands: &'a [Command],
    pub now: Moment,
}
