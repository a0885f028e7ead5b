//! The promises about Standby: who may ask for it, what is said until AWS has the node there, and when it comes back.

use crate::oracle::Oracle;
use crate::rule::{Turn, Verdict, require};
use crate::scaling::REACHED;
use crate::world::World;
use rundeck_alb_core::{Call, Cause, Command, Event, Reply, State};

/// What is asked of Auto Scaling: in for somebody who chose to leave, and after that stands on disk; out of a node that
/// is up, and was put there by this agent.
pub fn moves(call: &Call, turn: &Turn<'_>, oracle: &Oracle, world: &World) -> Verdict {
    match call {
        Call::EnterStandby { .. } => {
            require(!oracle.policy.dry_run, "S2 nothing changes in dry run", || format!("{call:?}"))?;
            let chosen = oracle.orders.iter().any(|wanted| wanted.order.cause == Cause::Operator);
            require(chosen, "S-standby in only for a choice", || format!("{:?}", oracle.orders))
        }
        Call::ExitStandby { .. } => {
            require(!oracle.policy.dry_run, "S2 nothing changes in dry run", || format!("{call:?}"))?;
            let answer = turn.before.answer;
            let up = answer.ok && answer.state == State::Up && turn.after.answer.ok;
            require(up, "S-standby out only of a node that is up", || format!("{answer:?}"))?;
            // By this run, or by one before it.
            let kept = world.disk.held.as_ref().is_some_and(|held| held.standby.is_some());
            let ours = kept || oracle.notes.standby.is_some();
            require(ours, "S-standby out only of what this agent has put there", || format!("{:?}", world.disk.held))
        }
        _ => Ok(()),
    }
}

/// A choice that needs Standby says no 503 before AWS has told that the node is there.
pub fn first_there(turn: &Turn<'_>, oracle: &Oracle) -> Verdict {
    let (before, after) = (turn.before.answer, turn.after.answer);
    let alone = !oracle.orders.is_empty() && oracle.orders.iter().all(|wanted| wanted.order.cause == Cause::Operator);
    // What a look at Rundeck has shown takes it out of its own right.
    let looked = matches!(
        turn.event,
        Event::ProcessEnded(_) | Event::Reply(_, Reply::Web(..) | Reply::Process(_) | Reply::Ready(_))
    ) || turn.commands.iter().any(|command| matches!(command, Command::Looked { .. }));
    let chosen = before.ok && !after.ok && after.state == State::Draining && alone && !looked;
    let held = chosen && oracle.notes.standby.is_some() && oracle.may_replace() && oracle.run.abort_at.is_none();
    require(!held, "S-standby no 503 by choice before AWS has the node there", || {
        format!("{after:?} at {:?}", oracle.place())
    })
}

/// A drain that is on its way into Standby may still say 200.
pub fn enters(turn: &Turn<'_>, oracle: &Oracle) -> bool {
    oracle.notes.standby.is_some_and(|since| turn.now.since(since) <= REACHED)
}
