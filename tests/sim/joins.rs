//! When this node's targets may come, and that they go: registered only where an Auto Scaling group lets it, and asked
//! to be out until AWS accepts.

use crate::balancer::Group;
use crate::oracle::Oracle;
use crate::rule::{Turn, Verdict, require};
use crate::scaling::Place;
use crate::targets::owned;
use crate::world::World;
use rundeck_alb_core::{Call, Command, Ownership, Span, Target};

/// A lifecycle state is asked for each minute, later after some failures.
const MOVE_SEEN_WITHIN: Span = Span::secs(150);
/// A failed deregistration is tried again after a minute at most, with jitter and a call that nobody answers.
const TRIED_WITHIN: Span = Span::secs(120);
/// Somebody who put the node back is noticed at the reconcile interval, or when the delay has passed.
const PUT_BACK_SEEN_WITHIN: Span = Span::secs(500);
const RULE: &str = "S-join registered only where the Auto Scaling group lets it";

/// Whether the node may be this target in this lifecycle state.
fn lets(state: Option<&str>, target: &Target, oracle: &Oracle) -> bool {
    match state {
        None | Some("InService") => true,
        // The node's own groups are no Auto Scaling group's.
        Some("Detached") => is_own(target, oracle),
        Some(_) => false,
    }
}

fn is_own(target: &Target, oracle: &Oracle) -> bool {
    let membership = &oracle.policy.membership;
    let named = membership.groups.iter().find(|w| w.group == target.group || w.group == target.name);
    named.map_or(membership.ownership, |w| w.ownership) == Ownership::Own
}

/// In service or alone, by what metadata told last.
pub fn may_join(target: &Target, oracle: &Oracle) -> bool {
    match oracle.place() {
        Place::Unknown | Place::Group(None) => false,
        Place::Alone => true,
        Place::Detached => is_own(target, oracle),
        Place::Group(state) => lets(state, target, oracle),
    }
}

/// And by what has been so for long enough to be known.
pub fn let_in(target: &Target, oracle: &Oracle, world: &World) -> Verdict {
    require(may_join(target, oracle), RULE, || format!("{target:?}, told {:?}", oracle.place()))?;
    let metadata = &world.metadata;
    let since = [metadata.moved, metadata.down, world.lost_at, oracle.stalled_until, oracle.run.begun];
    let long = since.into_iter().all(|at| at + MOVE_SEEN_WITHIN < world.now);
    require(!long || lets(metadata.lifecycle.as_deref(), target, oracle), RULE, || format!("{target:?}, {metadata:?}"))
}

/// While a drain is wanted a target that is ours to take out is asked to be out again and again, until AWS accepts.
pub fn asked_out(turn: &Turn<'_>, oracle: &mut Oracle, world: &World) -> Verdict {
    let now = turn.now;
    for command in turn.commands {
        if let Command::Call { call: Call::Deregister { target, .. }, .. } = command {
            oracle.notes.asked_out.insert(target.group.clone(), now);
        }
    }
    let views = turn.before.targets.iter().filter(|view| view.id.is_some());
    let known: Vec<&String> = views.filter_map(|view| view.arn.as_ref()).collect();
    oracle.notes.known.retain(|arn, _| known.contains(&arn));
    known.iter().for_each(|arn| {
        oracle.notes.known.entry((*arn).clone()).or_insert(now);
    });
    let Some((since, _)) = oracle.drain.filter(|_| !oracle.policy.dry_run) else {
        oracle.notes.asked_out.clear();
        return Ok(());
    };
    let alone = oracle.alone();
    let ours = |g: &&Group| owned(&oracle.policy, &g.facts.arn, &g.facts.name, alone) && !g.left();
    let late = world.groups.iter().filter(ours).find(|g| {
        let Some(known) = oracle.notes.known.get(&g.facts.arn) else { return false };
        let asked = oracle.notes.asked_out.get(&g.facts.arn).copied().unwrap_or(since);
        let waits = [since, *known, asked, oracle.moved, oracle.stalled_until, oracle.run.woke];
        let from = waits.into_iter().chain(g.put_back).max().unwrap_or(since);
        if g.taken_out.max(g.put_back).is_some_and(|at| at >= since) {
            // Only a look shows that somebody has put it back.
            return now.since(from.max(world.trouble_at)) > PUT_BACK_SEEN_WITHIN;
        }
        now.since(from) > TRIED_WITHIN
    });
    require(late.is_none(), "L-out a deregistration that failed is tried again", || {
        format!("{late:?}, asked {:?}", oracle.notes.asked_out)
    })
}
