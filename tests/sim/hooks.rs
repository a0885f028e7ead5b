//! The promises about the operator's own commands: nothing is registered before the first have ended, they run once for
//! each joining and never beside each other, and not in a node that leaves, nor in a dry run.

use crate::balancer::INSTANCE;
use crate::joins;
use crate::oracle::Oracle;
use crate::rule::{Turn, Verdict, require};
use rundeck_alb_core::{Call, CallId, Command, Hook, HookRun, State, Target, TargetState, TargetView};

const RULE: &str = "S-hooks nothing is registered before the operator's commands have ended";
const ONCE: &str = "S-hooks once for each joining, never two at a time, and not in a node that leaves";

/// One turn.
pub fn judge(turn: &Turn<'_>, oracle: &mut Oracle) -> Verdict {
    let ended = oracle.run.hooks.runs.filter(|id| !oracle.run.open.contains_key(id));
    let inside = oracle.run.taken.known.values().any(|known| known.seen_in.is_some());
    let (wants_in, hooks) = (wants_in(turn, oracle), &mut oracle.run.hooks);
    if ended.is_some() {
        hooks.ended |= std::mem::take(&mut hooks.counts);
        hooks.runs = None;
    }
    if !oracle.orders.is_empty() || turn.commands.iter().any(is_ejected) {
        // What still runs is of a joining that is over.
        (hooks.ended, hooks.inside, hooks.counts) = (false, false, false);
    }
    hooks.inside |= inside;
    hooks.broken |= inside || !wants_in;
    for command in turn.commands {
        let Command::Call { id, call, .. } = command else { continue };
        match call {
            Call::Register { target, reason, .. } if reason != "crash ejection" => {
                let (hooks, policy) = (&mut oracle.run.hooks, &oracle.policy.hooks);
                let free = policy.pre_register.is_empty() || hooks.ended || hooks.inside;
                require(free, RULE, || format!("{target:?}: {hooks:?}"))?;
                hooks.posted &= !policy.pre_register.is_empty();
                // It may leave again before anybody has seen it in.
                hooks.broken = true;
            }
            Call::RunHook(run) => runs(*id, run, turn, oracle)?,
            _ => {}
        }
    }
    Ok(())
}

fn runs(id: CallId, run: &HookRun, turn: &Turn<'_>, oracle: &mut Oracle) -> Verdict {
    let (hooks, policy) = (&mut oracle.run.hooks, &oracle.policy);
    let may = oracle.orders.is_empty() && !policy.dry_run && hooks.runs.is_none();
    let commands = policy.hooks.commands(run.hook);
    let due = match run.hook {
        Hook::PreRegister => !hooks.ended || hooks.broken,
        Hook::PostRegister => {
            let is_in = |view: &TargetView| {
                let state = view.seen.as_ref().map(|seen| &seen.state);
                view.owned && !matches!(state, None | Some(TargetState::Absent | TargetState::Leaving))
            };
            let all = turn.before.targets.iter().chain(&turn.after.targets);
            !hooks.posted && all.clone().any(is_in)
        }
    };
    let told = run.commands == commands && run.instance == INSTANCE && !run.target_groups.is_empty();
    require(may && due && told && !commands.is_empty(), ONCE, || format!("{run:?}: {hooks:?}"))?;
    hooks.runs = Some(id);
    match run.hook {
        Hook::PreRegister => {
            (hooks.ended, hooks.counts, hooks.posted, hooks.broken) = (false, true, false, false);
        }
        Hook::PostRegister => hooks.posted = true,
    }
    Ok(())
}

/// The node is up, and the Auto Scaling group, if any, lets it be a target.
fn wants_in(turn: &Turn<'_>, oracle: &Oracle) -> bool {
    let target = |view: &TargetView| {
        let (id, group, port) = (view.id.clone()?, view.arn.clone()?, view.port?);
        Some(Target { group, name: view.name.clone(), id, port })
    };
    let mut known = turn.after.targets.iter().filter(|view| view.owned).filter_map(target);
    let up = [turn.before, turn.after].iter().all(|s| s.answer.ok && s.answer.state == State::Up);
    up && known.next().is_some_and(|target| joins::may_join(&target, oracle))
}

fn is_ejected(command: &Command) -> bool {
    matches!(command, Command::Call { call: Call::Deregister { reason, .. }, .. } if reason == "crash ejection")
}
