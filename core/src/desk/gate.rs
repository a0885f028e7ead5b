//! Consecutive equal results of one check, and whether they have shut the node out.
//!
//! `unknown` never moves them. What a result means, and how often it is asked for, is decided where the check lives.

use crate::contract::{HealthPolicy, Outcome, Reason};

/// The counters of one check beside `/health`; `R` tells why it is shut, where there is more than one why.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gate<R = Reason> {
    passes: u32,
    fails: u32,
    /// Of these the last ones in a row that are strong evidence.
    strong: u32,
    /// Results in a row that said nothing.
    unknown: u32,
    /// Why, once enough results said so.
    shut: Option<R>,
}

impl<R> Default for Gate<R> {
    fn default() -> Gate<R> {
        Gate { passes: 0, fails: 0, strong: 0, unknown: 0, shut: None }
    }
}

impl<R: Copy> Gate<R> {
    /// Good results in a row.
    pub(crate) fn passes(&self) -> u32 {
        self.passes
    }

    /// Bad results in a row.
    pub(crate) fn fails(&self) -> u32 {
        self.fails
    }

    /// One more result, where there is one way to fail, and no evidence for it is strong.
    pub(crate) fn count(&mut self, outcome: Outcome, policy: &HealthPolicy)
    where
        R: Default,
    {
        match outcome {
            Outcome::Pass => self.pass(policy),
            Outcome::Fail => {
                self.fail(R::default(), false, policy);
            }
            Outcome::Unknown => self.unknown(),
        }
    }

    /// One more result that says nothing: it moves no counter, but it is no reason to look soon again either.
    pub(crate) fn unknown(&mut self) {
        self.unknown = self.unknown.saturating_add(1);
    }

    /// One more good result.
    pub(crate) fn pass(&mut self, policy: &HealthPolicy) {
        self.fails = 0;
        self.strong = 0;
        self.unknown = 0;
        self.passes = self.passes.saturating_add(1);
        if self.passes >= policy.rise {
            self.shut = None;
        }
    }

    /// Strong evidence is believed after one confirming look; true: that look is wanted at once.
    pub(crate) fn fail(&mut self, reason: R, strong: bool, policy: &HealthPolicy) -> bool {
        self.passes = 0;
        self.unknown = 0;
        self.fails = self.fails.saturating_add(1);
        self.strong = if strong { self.strong.saturating_add(1) } else { 0 };
        if self.shut.is_some() || self.fails >= policy.fall || self.strong >= 2 {
            self.shut = Some(reason);
        }
        strong && self.shut.is_none()
    }

    /// Why it is shut, if it is.
    pub(crate) fn shut(&self) -> Option<R> {
        self.shut
    }

    /// The last result that said anything contradicts what all before it have come to, and it is not long ago: a soon
    /// look may decide.
    pub(crate) fn wavers(&self, policy: &HealthPolicy) -> bool {
        let contradicts = if self.shut.is_some() { self.passes > 0 } else { self.fails > 0 };
        contradicts && self.unknown < policy.fall
    }
}
