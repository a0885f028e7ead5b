//! What holds of the verdict and its counters after each turn.

use super::{Health, Verdict};
use crate::desk::holds;

impl Health {
    /// What holds after each turn.
    pub(crate) fn check(&self) -> Result<(), String> {
        let (passes, fails, strong) = (self.web.passes(), self.web.fails(), self.web.strong());
        holds(passes == 0 || fails == 0, || format!("{passes} good rounds in a row, and {fails} bad ones"))?;
        holds(strong <= fails, || format!("{strong} of {fails} bad rounds are strong evidence"))?;
        holds(self.web.good_since().is_some() == (passes > 0), || format!("{passes} good rounds, and no run of them"))?;
        for gate in [self.jvm.sound(), self.ready.gate()] {
            holds(gate.passes() == 0 || gate.fails() == 0, || format!("both good and bad in a row: {gate:?}"))?;
        }
        let up = self.standing.base() == Verdict::Up;
        holds(!up || self.start.proven(), || "up, and never proven".into())?;
        holds(!(self.jvm.is_orphan() && self.jvm.process().is_some()), || "an orphan with a process".into())
    }
}
