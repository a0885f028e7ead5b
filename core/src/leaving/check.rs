//! What holds of a drain after each turn.

use super::Drain;
use crate::contract::DrainPhase;
use crate::desk::holds;

impl Drain {
    /// What holds after each turn.
    pub(crate) fn check(&self) -> Result<(), String> {
        holds(!self.orders().is_empty(), || "a drain that nobody wants".into())?;
        // One whose deadline had passed when it was ordered is over before it acts.
        let waits = matches!(self.phase, DrainPhase::Quiet | DrainPhase::Jobs);
        holds(self.acting() || !waits, || format!("{} before it acts", self.phase))?;
        let steps = self.steps.all();
        for (at, step) in steps.iter().enumerate() {
            holds(steps.iter().skip(at + 1).all(|other| other.name != step.name), || format!("two steps: {step:?}"))?;
            holds(step.result.is_some() == step.took_ms.is_some(), || format!("half over: {step:?}"))?;
            holds(step.result.is_some() || !step.gave_up, || format!("given up, and still open: {step:?}"))?;
        }
        let over = self.phase == DrainPhase::Done;
        holds(!over || steps.iter().all(|step| step.result.is_some()), || format!("over, but {steps:?}"))?;
        holds(over || !self.receipt_done, || format!("a receipt in {}", self.phase))
    }
}
