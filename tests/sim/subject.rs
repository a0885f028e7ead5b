//! What the simulator drives: the heart, or a heart that somebody broke on purpose.

use rundeck_alb_core::{Answer, Command, Event, Heart, Moment, Policy, Snapshot, Span};

/// The heart's contract, as the agent's loop uses it.
pub trait Subject {
    fn handle(&mut self, event: Event, now: Moment);
    fn take_commands(&mut self) -> Vec<Command>;
    fn next_deadline(&self) -> Option<Moment>;
    fn snapshot(&self) -> Snapshot;
    /// What it would do, and say, if it were woken just before it wants to be; nothing, if it forgets no wake-up.
    fn too_early(&self, now: Moment) -> Option<String> {
        let _ = now;
        None
    }
    /// What does not hold of the heart itself, if anything.
    fn unsound(&self) -> Option<String> {
        None
    }
    /// What the health port says at that moment, by a snapshot that may be old.
    fn answer_at(&self, snapshot: &Snapshot, now: Moment) -> Answer {
        snapshot.answer_at(now)
    }
}

/// Starts one run of the agent.
pub type Make = dyn Fn(&Policy, u64, Moment) -> Box<dyn Subject>;

impl Subject for Heart {
    fn handle(&mut self, event: Event, now: Moment) {
        Heart::handle(self, event, now);
    }
    fn take_commands(&mut self) -> Vec<Command> {
        Heart::take_commands(self)
    }
    fn next_deadline(&self) -> Option<Moment> {
        Heart::next_deadline(self)
    }
    fn snapshot(&self) -> Snapshot {
        Heart::snapshot(self)
    }
    fn unsound(&self) -> Option<String> {
        self.check().err()
    }
    fn too_early(&self, now: Moment) -> Option<String> {
        let early = Heart::next_deadline(self)? - Span(1);
        if early <= now {
            return None;
        }
        let mut woken = self.clone();
        woken.handle(Event::Tick, early);
        let commands = woken.take_commands();
        let (then, told) = (self.answer(), woken.answer());
        let same = commands.is_empty() && then == told;
        (!same).then(|| format!("at {early:?}: {commands:?}, {then:?} -> {told:?}"))
    }
}

/// The heart as it is.
pub fn heart(policy: &Policy, seed: u64, now: Moment) -> Box<dyn Subject> {
    Box::new(Heart::new(policy.clone(), seed, now))
}
