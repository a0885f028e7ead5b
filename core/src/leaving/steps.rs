//! The steps of a drain with their states, as the receipt shows them: never begun, open, over, given up.
//!
//! When a step ends, and whether it was given up, is decided in the room's face.

use crate::contract::{Deregistered, DrainResult, Life, Moment, Step, StepName, StepResult};

/// Done at once, in the background of all that follows.
const FIRST: [StepName; 3] = [StepName::Advertise, StepName::Passive, StepName::Deregister];
/// Waited for one after another.
const WAITS: [StepName; 2] = [StepName::Quiet, StepName::Jobs];

#[derive(Clone, Debug)]
pub(super) struct Steps(Vec<Step>);

impl Steps {
    /// A drain begins.
    pub(super) fn begin(now: Moment) -> Steps {
        let mut steps = Steps(Vec::new());
        steps.begin_all(now);
        steps
    }

    /// A drain begins that goes by Standby.
    pub(super) fn standby(now: Moment) -> Steps {
        let mut steps = Steps(Vec::new());
        steps.open(StepName::Standby, now);
        steps
    }

    /// What is done at once begins.
    pub(super) fn begin_all(&mut self, now: Moment) {
        FIRST.into_iter().for_each(|name| self.open(name, now));
    }

    /// As a receipt shows them.
    pub(super) fn of(steps: &[Step]) -> Steps {
        Steps(steps.to_vec())
    }

    pub(super) fn all(&self) -> &[Step] {
        &self.0
    }

    fn any_given_up(&self) -> bool {
        self.0.iter().any(|step| step.gave_up)
    }

    /// What all of them together come to.
    pub(super) fn outcome(&self) -> DrainResult {
        if self.any_given_up() {
            DrainResult::CutShort
        } else if self.0.iter().any(|step| step.result.is_some_and(unproven)) {
            DrainResult::Unproven
        } else {
            DrainResult::Clean
        }
    }

    /// What came of it, if it is over.
    pub(super) fn result(&self, name: StepName) -> Option<StepResult> {
        self.0.iter().find(|step| step.name == name).and_then(|step| step.result)
    }

    /// Of a Rundeck that is there and active: that it was passive, or not there to be switched, is not so any more.
    pub(super) fn is_not_passive_after_all(&self) -> bool {
        let said = self.result(StepName::Passive);
        matches!(said, Some(StepResult::Passive | StepResult::RundeckGone | StepResult::RundeckStarts))
    }

    /// It is over, whatever came of it.
    pub(super) fn over(&self, name: StepName) -> bool {
        self.result(name).is_some()
    }

    /// How many jobs are left, as a number only where that is known at the end. `running`: by the last answer.
    pub(super) fn jobs_left(&self, running: Option<u32>) -> Option<u32> {
        match self.result(StepName::Jobs) {
            Some(StepResult::RundeckEnded(n)) => Some(n),
            Some(StepResult::NoneRunning | StepResult::RundeckGone | StepResult::RundeckStarts) => Some(0),
            Some(StepResult::JobsUnknown | StepResult::RundeckUnseen) => None,
            Some(StepResult::JobsLeft(left)) => left,
            _ => running,
        }
    }

    /// It begins, or begins once more.
    pub(super) fn open(&mut self, name: StepName, now: Moment) {
        let new = Step { name, started: now, took_ms: None, result: None, gave_up: false };
        match self.0.iter_mut().find(|step| step.name == name) {
            Some(step) => *step = new,
            None => self.0.push(new),
        }
    }

    /// It is as if it had never begun.
    pub(super) fn forget(&mut self, name: StepName) {
        self.0.retain(|step| step.name != name);
    }

    /// It was ended before its aim was reached.
    pub(super) fn given_up(&self, name: StepName) -> bool {
        self.0.iter().any(|step| step.name == name && step.gave_up)
    }

    /// What was given up is open again, but for what cannot be done any more. True if there was anything.
    pub(super) fn take_up_again(&mut self, now: Moment) -> bool {
        let lost = |step: &Step| matches!(step.result, Some(StepResult::RundeckEnded(_)));
        let given_up: Vec<StepName> = self.0.iter().filter(|s| s.gave_up && !lost(s)).map(|s| s.name).collect();
        given_up.iter().for_each(|name| self.open(*name, now));
        !given_up.is_empty()
    }

    /// It has reached its aim. A step that is over already stays as it is.
    pub(super) fn close(&mut self, name: StepName, result: StepResult, now: Moment) {
        self.end(name, result, false, now);
    }

    /// It ends before its aim was reached.
    pub(super) fn abandon(&mut self, name: StepName, result: StepResult, now: Moment) {
        self.end(name, result, true, now);
    }

    fn end(&mut self, name: StepName, result: StepResult, gave_up: bool, now: Moment) {
        if let Some(step) = self.0.iter_mut().find(|step| step.name == name && step.result.is_none()) {
            step.took_ms = Some(now.since(step.started).0);
            step.result = Some(result);
            step.gave_up = gave_up;
        }
    }

    /// Whatever is open ends before its aim was reached.
    pub(super) fn abandon_open(&mut self, result: StepResult, now: Moment) {
        let open: Vec<StepName> = self.0.iter().filter(|s| s.result.is_none()).map(|s| s.name).collect();
        for name in open {
            self.abandon(name, result, now);
        }
    }

    /// The drain is cut off: the open steps end, and so do those that never began.
    pub(super) fn give_up(&mut self, result: StepResult, now: Moment) {
        for name in WAITS {
            if !self.0.iter().any(|step| step.name == name) {
                self.open(name, now);
            }
        }
        self.abandon_open(result, now);
    }
}

/// What a wait for a Rundeck that is not there comes to at once; `None`: it is there, or still finishing.
pub(super) fn nobody_there(rundeck: Life) -> Option<StepResult> {
    match rundeck {
        Life::There | Life::Finishing => None,
        Life::Starting => Some(StepResult::RundeckStarts),
        Life::Gone => Some(StepResult::RundeckGone),
        Life::Closed => Some(StepResult::RundeckUnseen),
    }
}

/// What was said of deregistering is not so now: something else has come of it, or there is a group to leave after all
/// (`None`: it is not over). What an earlier run has said is not asked about again before somebody joins.
pub(super) fn differs(said: StepResult, now: Option<Deregistered>) -> bool {
    matches!(said, StepResult::Deregistered(said) if now != Some(said))
}

/// It ended by itself, and nobody can tell whether its aim was reached.
fn unproven(result: StepResult) -> bool {
    matches!(
        result,
        StepResult::InFlightUnknown
            | StepResult::JobsUnknown
            | StepResult::JobsNotWaitedFor
            | StepResult::RundeckUnseen
    )
}
