//! The promises about a drain's course: what its receipt calls clean, what a joiner reopens, what an Auto Scaling group
//! means for it.

use crate::oracle::Oracle;
use crate::rule::{Turn, Verdict, require};
use crate::world::World;
use rundeck_alb_core::{DrainPhase, DrainResult, Moment, Receipt, Snapshot, Span, StepName, StepResult};

/// What is so for this long is seen by whoever asks each second or two.
const SEEN_WITHIN: Span = Span::secs(5);

/// Nothing that the world knows of was cut by a drain that calls itself clean.
pub fn clean_only_if_it_was(receipt: &Receipt, oracle: &Oracle, world: &World) -> Verdict {
    const RULE: &str = "L2 clean only if no job ran and nothing was in flight";
    // While the loop stands still, the world goes on.
    if receipt.result != DrainResult::Clean || oracle.stalled > oracle.stalled_at_begin {
        return Ok(());
    }
    let ended = |name: StepName| {
        let step = receipt.steps.iter().find(|step| step.name == name)?;
        Some((step.started + Span(step.took_ms?), step.result))
    };
    // What had begun so much earlier was there to be seen.
    let (jobs, quiet) = (ended(StepName::Jobs), ended(StepName::Quiet));
    let runs = |at: Moment| world.rundeck.jobs.iter().any(|job| job.from + SEEN_WITHIN < at && job.until > at);
    require(jobs.is_some_and(|(at, _)| !runs(at)), RULE, || format!("{jobs:?}, {:?}", world.rundeck.jobs))?;
    let counted = quiet.filter(|(_, result)| *result == Some(StepResult::NothingInFlight));
    let (from, until) = (world.requests_from, world.requests);
    let flew = counted.is_some_and(|(at, _)| from + SEEN_WITHIN < at && until > at);
    require(!flew, RULE, || format!("{quiet:?}, requests from {} to {}", from.0, until.0))
}

/// Where a group would replace the node for a 503, its jobs are over before it says one, whenever that was told.
pub fn jobs_first(turn: &Turn<'_>, oracle: &Oracle) -> Verdict {
    let Some(drain) = turn.after.drain.as_ref().filter(|d| d.phase == DrainPhase::Quiet) else { return Ok(()) };
    let over = drain.steps.iter().any(|step| step.name == StepName::Jobs && step.result.is_some());
    require(over || !oracle.may_replace(), "S-asg jobs are over before a 503", || format!("{:?}", drain.steps))
}

/// A drain that was over goes on only for somebody who has just joined it; then it ends in a receipt once more.
pub fn reopened(turn: &Turn<'_>, oracle: &mut Oracle) -> Verdict {
    let drain = |snapshot: &Snapshot| snapshot.drain.as_ref().map(|drain| (drain.id.clone(), drain.phase));
    let (Some((before, DrainPhase::Done)), Some((after, phase))) = (drain(turn.before), drain(turn.after)) else {
        return Ok(());
    };
    if before != after || phase == DrainPhase::Done {
        return Ok(());
    }
    oracle.done = None;
    require(oracle.joined == turn.now, "S-join a drain that is over goes on for a joiner only", || format!("{phase}"))
}
