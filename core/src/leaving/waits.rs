//! The two waits of a drain: until nothing is in flight, and until no job runs.
//!
//! It says when each is over and what it has come to. In which order they come, and what follows, stands in the room's
//! face.

use super::Drain;
use super::steps::nobody_there;
use crate::contract::{DrainInputs, DrainPolicy, Moment, Span, StepName, StepResult};
use crate::desk::Desk;

impl Drain {
    /// Rundeck's process has ended, or another has taken its place.
    pub(crate) fn on_rundeck_ended(&mut self) {
        let ran = self.last_running.take().filter(|running| *running > 0);
        if !self.steps.over(StepName::Jobs) {
            self.died = self.died.max(ran);
        }
    }

    /// The wait for jobs has come to this, unless some had died before.
    fn end_jobs(&mut self, result: StepResult, now: Moment) {
        match self.died {
            Some(n) => self.steps.abandon(StepName::Jobs, StepResult::RundeckEnded(n), now),
            None => self.steps.close(StepName::Jobs, result, now),
        }
    }

    pub(super) fn quiet(&mut self, inputs: &DrainInputs, desk: &Desk) {
        let now = desk.now();
        if !inputs.was_in_service {
            // What was counted before the disk had told that is nobody's request.
            self.in_flight = None;
            self.steps.close(StepName::Quiet, StepResult::NotInService, now);
            return;
        }
        if let Some(result) = nobody_there(inputs.rundeck) {
            // Nobody is served by a Rundeck that is not there, however long it is waited for.
            self.cut = Some((result != StepResult::RundeckUnseen).then_some(0));
            self.steps.close(StepName::Quiet, result, now);
            return;
        }
        let count = self.in_flight;
        let nothing = count == Some(Some(0));
        if !desk.reached(self.floor_until) || (!nothing && !desk.reached(self.quiet_until)) {
            return;
        }
        self.cut = Some(count.flatten());
        match count.flatten() {
            Some(0) => self.steps.close(StepName::Quiet, StepResult::NothingInFlight, now),
            Some(n) => self.steps.abandon(StepName::Quiet, StepResult::InFlight(n), now),
            None => self.steps.close(StepName::Quiet, StepResult::InFlightUnknown, now),
        }
    }

    /// Whoever joined later has the whole time for himself.
    pub(super) fn jobs_until(&self, policy: &DrainPolicy) -> Moment {
        self.phase_since.max(self.wishes.own_since()) + policy.jobs_timeout
    }

    fn jobs_unknown_until(&self, inputs: &DrainInputs, policy: &DrainPolicy) -> Option<Moment> {
        let since = inputs.jobs.unknown_since?;
        Some(since.max(self.phase_since) + policy.jobs_unknown_timeout)
    }

    pub(super) fn jobs(&mut self, inputs: &DrainInputs, policy: &DrainPolicy, desk: &Desk) {
        let now = desk.now();
        if policy.jobs_timeout == Span::ZERO {
            match inputs.jobs.running {
                Some(n) if n > 0 => self.steps.abandon(StepName::Jobs, StepResult::JobsLeft(Some(n)), now),
                Some(_) | None => self.end_jobs(StepResult::JobsNotWaitedFor, now),
            }
        } else if let Some(result) = nobody_there(inputs.rundeck) {
            match (result, self.last_running) {
                (StepResult::RundeckGone | StepResult::RundeckStarts, Some(n)) if n > 0 => {
                    self.steps.abandon(StepName::Jobs, StepResult::RundeckEnded(n), now);
                }
                _ => self.end_jobs(result, now),
            }
        } else if inputs.jobs.idle_since.is_some_and(|asked| asked >= self.phase_since) {
            self.end_jobs(StepResult::NoneRunning, now);
        } else if self.jobs_unknown_until(inputs, policy).is_some_and(|at| desk.reached(at)) {
            self.end_jobs(StepResult::JobsUnknown, now);
        } else if desk.reached(self.jobs_until(policy)) {
            self.steps.abandon(StepName::Jobs, StepResult::JobsLeft(inputs.jobs.running), now);
        }
    }

    /// Names what is cut off: the open steps, and those that never began.
    pub(super) fn give_up(&mut self, now: Moment) {
        if self.cut.is_none() && !self.steps.over(StepName::Quiet) {
            self.cut = self.in_flight;
        }
        self.advertised = true;
        self.steps.give_up(StepResult::GivenUp, now);
    }
}
