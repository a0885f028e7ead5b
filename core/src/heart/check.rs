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
        self.mode.check()?;
        self.health.check()?;
        self.membership.check()?;
        if self.ended.is_some() {
            // Nothing is decided any more.
            return Ok(());
        }
        self.drain.as_ref().map_or(Ok(()), Drain::check)?;
        self.desk.check()
    }
}
