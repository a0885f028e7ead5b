//! Waking the loop when nobody asked for it.

use crate::rule::{Verdict, require};
use crate::runner::Schedule;
use crate::wakes::{RULE, Wakes};
use rundeck_alb_core::{Event, Moment, Span};

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
