//! When the agent's loop wakes: as it was asked to, late, or also when nobody asked. What the heart decides must not
//! depend on it: a forgotten wake-up hides as long as something else wakes the loop.

use crate::rule::{Verdict, require};
use crate::tape::SplitMix;
use rundeck_alb_core::{Answer, Command, Moment, Span};

/// A busy machine wakes a loop at most so late.
const LATE: u64 = 2_000;
pub const RULE: &str = "S-lazy a wake-up that nobody asked for decides nothing";

/// How the loop wakes in one run.
pub enum Wakes {
    AsAsked,
    Late,
    /// At random moments between two turns as well.
    Eager(SplitMix),
}

/// One turn's decisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traced {
    pub at: Moment,
    pub commands: Vec<Command>,
    pub answer: Answer,
}

impl Wakes {
    pub fn eager() -> Wakes {
        Wakes::Eager(SplitMix(1))
    }

    /// When the loop really wakes that asked to be woken then: how late depends on nothing else.
    pub fn woken(&self, asked: Moment) -> Moment {
        match self {
            Wakes::Late => asked + Span(SplitMix(asked.0).next() % (LATE + 1)),
            Wakes::AsAsked | Wakes::Eager(_) => asked,
        }
    }
}

/// Both runs have decided the same.
pub fn same(one: &[Traced], other: &[Traced]) -> Verdict {
    let differ = one.iter().zip(other).find(|(one, other)| one != other);
    let same = differ.is_none() && one.len() == other.len();
    require(same, RULE, || format!("{differ:?}, {} and {} turns", one.len(), other.len()))
}
