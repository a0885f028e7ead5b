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

#[cfg(test)]
mod tests {
    use super::*;

    const WHY: Reason = Reason::Timeout;

    /// Results of a check: `+` good, `-` bad, `!` bad and strong.
    fn after(results: &str) -> Gate {
        let policy = HealthPolicy { rise: 2, fall: 3, ..HealthPolicy::default() };
        let mut gate = Gate::default();
        for result in results.chars() {
            match result {
                '+' => gate.pass(&policy),
                strong => drop(gate.fail(WHY, strong == '!', &policy)),
            }
        }
        gate
    }

    #[test]
    fn it_takes_the_fall_count_to_shut_and_the_rise_count_to_open() {
        for (results, shut) in [
            ("--", false),
            ("---", true),
            ("--+--", false),
            ("!", false),
            ("!!", true),
            ("!-!", true),
            ("!-", false),
            ("!+!", false),
            ("---+", true),
            ("---++", false),
            ("---+-+", true),
            ("---+-", true),
        ] {
            assert_eq!(after(results).shut().is_some(), shut, "{results}");
        }
    }

    #[test]
    fn results_are_counted_in_a_row() {
        let counts = |results| (after(results).passes(), after(results).fails());
        assert_eq!([counts(""), counts("++"), counts("++-"), counts("--+")], [(0, 0), (2, 0), (0, 1), (1, 0)]);
    }

    #[test]
    fn it_wavers_while_the_last_result_contradicts_it() {
        for (results, wavers) in
            [("", false), ("+", false), ("-", true), ("-+", false), ("---", false), ("---+", true), ("---++", false)]
        {
            assert_eq!(after(results).wavers(&HealthPolicy::default()), wavers, "{results}");
        }
    }

    #[test]
    fn results_that_say_nothing_end_the_wavering_and_move_no_counter() {
        let policy = HealthPolicy { fall: 3, ..HealthPolicy::default() };
        let mut gate: Gate = after("-");
        for wavers in [true, true, false, false] {
            gate.unknown();
            assert_eq!((gate.wavers(&policy), gate.fails()), (wavers, 1));
        }
        gate.fail(WHY, false, &policy);
        assert_eq!((gate.wavers(&policy), gate.fails()), (true, 2));
    }

    #[test]
    fn strong_evidence_wants_one_look_to_confirm_it() {
        let policy = HealthPolicy::default();
        let mut gate: Gate = Gate::default();
        assert!(!gate.fail(WHY, false, &policy));
        assert!(gate.fail(WHY, true, &policy));
        assert!(!gate.fail(WHY, true, &policy), "it is confirmed");
    }

    #[test]
    fn unknown_moves_nothing() {
        let policy = HealthPolicy::default();
        let mut gate: Gate<()> = Gate::default();
        gate.count(Outcome::Fail, &policy);
        gate.count(Outcome::Unknown, &policy);
        assert_eq!((gate.passes(), gate.fails()), (0, 1));
        gate.count(Outcome::Pass, &policy);
        gate.count(Outcome::Unknown, &policy);
        assert_eq!((gate.passes(), gate.fails()), (1, 0));
    }
}
