//! The heart's own invariants: what holds after each turn, whatever came in. Asserted after each event in debug builds,
//! and by the simulator in every one.

use super::Heart;
use crate::desk::holds;
use crate::leaving::Drain;

impl Heart {
    /// What holds after each turn; else what does not, in words. For tests: nothing is cured by it.
    ///
    /// # Errors
    /// The first invariant that does not hold.
    pub fn check(&self) -> Result<(), String> {
        holds(self.shown.ok == self.refusing.is_none(), || {
            format!("says {:?} and refuses since {:?}", self.shown, self.refusing)
        })?;
        let exits = self.drain.as_ref().is_some_and(Drain::exits);
        holds(!exits || self.stopped.is_some(), || "on its way out, and nobody asked for it".into())?;
        holds(self.aborting.is_none() || self.stopped.is_some(), || "aborts what was not stopped".into())?;
        self.api.check()?;
        self.mode.check()?;
        self.health.check()?;
        self.membership.check(&self.desk)?;
        self.upkeep.check(self.desk.now())?;
        self.standby.check()?;
        if self.ended.is_some() {
            // Nothing is decided any more.
            return Ok(());
        }
        holds(self.rests, || "the turn has ended while a room still moved".into())?;
        self.drain.as_ref().map_or(Ok(()), Drain::check)?;
        self.desk.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Event, Moment, Policy, Span};

    const NOW: Moment = Moment(1_000_000);

    #[test]
    fn what_must_hold_of_the_heart_is_told_when_it_does_not() {
        let unsound = |heart: &Heart| heart.check().err().unwrap_or_default();
        let mut heart = Heart::new(Policy::default(), 1, NOW);
        heart.handle(Event::Tick, NOW);
        assert_eq!(unsound(&heart), "");
        let mut torn = heart.clone();
        torn.shown.ok = true;
        assert!(unsound(&torn).contains("refuses since"), "{}", unsound(&torn));
        let mut restless = heart.clone();
        restless.rests = false;
        assert!(unsound(&restless).contains("still moved"), "{}", unsound(&restless));
        let mut cut = heart.clone();
        cut.aborting = Some(NOW);
        assert!(unsound(&cut).contains("aborts what was not stopped"), "{}", unsound(&cut));
        heart.handle(Event::Stop { id: "s1".into() }, NOW + Span(1));
        assert_eq!(unsound(&heart), "");
        heart.stopped = None;
        assert!(unsound(&heart).contains("nobody asked for it"), "{}", unsound(&heart));
    }
}
