//! When the agent's loop wakes: as it was asked to, late, or also when nobody asked. What the heart decides must not
//! depend on it: a forgotten wake-up hides as long as something else wakes the loop.

use crate::rule::{Verdict, require};
use crate::runner::Schedule;
use crate::tape::SplitMix;
use rundeck_alb_core::{Answer, Command, Event, Moment, Span};

/// A busy machine wakes a loop at most so late.
const LATE: u64 = 2_000;
const RULE: &str = "S-lazy a wake-up that nobody asked for decides nothing";

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

impl Schedule<'_> {
    /// Wakes the loop at a random moment before the next turn, where the run does so.
    pub fn wake_early(&mut self, next: Moment) -> Verdict {
        let now = self.world.now;
        let (Wakes::Eager(chance), Some(agent)) = (&mut self.wakes, &mut self.agent) else { return Ok(()) };
        let at = now + Span(chance.next() % (next.since(now).0 + 1));
        // An agent that is about to die does so in its next turn, which this is none of.
        if at >= next || at < agent.stuck || agent.dies_after.is_some() {
            return Ok(());
        }
        agent.subject.handle(Event::Tick, at);
        let commands = agent.subject.take_commands();
        let mut after = agent.subject.snapshot();
        after.at = agent.snapshot.at;
        require(commands.is_empty() && after == agent.snapshot, RULE, || {
            format!("at {}: {commands:?}, {:?} -> {:?}", at.0, agent.snapshot.answer, after.answer)
        })
    }
}

/// Both runs have decided the same.
pub fn same(one: &[Traced], other: &[Traced]) -> Verdict {
    let differ = one.iter().zip(other).find(|(one, other)| one != other);
    let same = differ.is_none() && one.len() == other.len();
    require(same, RULE, || format!("{differ:?}, {} and {} turns", one.len(), other.len()))
}
