//! The promises about a drain's course: what a joiner reopens, what an Auto Scaling group means for it.

use crate::oracle::Oracle;
use crate::rule::{Turn, Verdict, require};
use rundeck_alb_core::{DrainPhase, Snapshot, StepName};

/// Where a group would replace the node for a 503, its jobs are over before it says one, whenever that was told.
pub fn jobs_first(turn: &Turn<'_>, oracle: &Oracle) -> Verdict {
    let Some(drain) = turn.after.drain.as_ref().filter(|d| d.phase == DrainPhase::Quiet) else { return Ok(()) };
    let over = drain.steps.iter().any(|step| step.name == StepName::Jobs && step.result.is_some());
    // Who is told to end at once waits for his receipt only.
    let waits = oracle.may_replace() && oracle.run.abort_at.is_none();
    require(over || !waits, "S-asg jobs are over before a 503", || format!("{:?}", drain.steps))
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
