//! The promises about a target that somebody else takes out: told, left alone for the longest deregistration delay of
//! the node's groups, or for good, and blamed on nobody where it was this node's own doing.
//!
//! It is sure of less than the heart: only of what was seen in, while the node was up and had not asked to be out for
//! long, and was seen out next.

use crate::evidence::Away;
use crate::joins;
use crate::oracle::Oracle;
use crate::rule::{Turn, Verdict, require};
use crate::targets;
use crate::world::World;
use rundeck_alb_core::{
    Call, Cause, Command, Event, Finding, Order, Snapshot, Span, State, Target, TargetState, TargetView,
};

/// A deregistration takes effect within this, if ever: its limit, and what is late.
const LANDS: Span = Span::secs(30);
/// Two that undo each other's work do so no more often than this.
const LEAST: Span = Span::secs(15);
const RULE: &str = "S-taken what somebody else took out is told and left alone";

fn is_told(snapshot: &Snapshot) -> bool {
    snapshot.findings.iter().any(|view| view.finding == Finding::TakenOut)
}

/// One turn.
pub fn judge(turn: &Turn<'_>, oracle: &mut Oracle, world: &World) -> Verdict {
    let told = is_told(turn.after) && !is_told(turn.before);
    let mut known = std::mem::take(&mut oracle.run.taken.known);
    let last = oracle.run.taken.last.take();
    let ours = |view: &&TargetView| view.owned && view.id.is_some();
    let views: Vec<&TargetView> = turn.before.targets.iter().filter(ours).collect();
    let named = |arn: &String| {
        let group = world.groups.iter().find(|group| group.facts.arn == *arn);
        group.is_some_and(|group| targets::named_now(&group.facts, oracle))
    };
    known.retain(|arn, _| named(arn) && views.iter().any(|view| view.arn.as_ref() == Some(arn)));
    if matches!(turn.event, Event::Order(_, Order::Resume(Cause::Operator))) {
        known.values_mut().for_each(|known| known.out = None);
    }
    if let Some((target, asked, state)) = last.filter(|(target, ..)| named(&target.group)) {
        let (now, rest) = (turn.now, rest(turn, oracle, world));
        let known = known.entry(target.group.clone()).or_default();
        let free = known.asked_out.is_none_or(|at| known.seen_in.is_some_and(|seen| seen > at + LANDS));
        if !matches!(state, TargetState::Absent | TargetState::Leaving) {
            (known.seen_in, known.out) = (Some(asked), None);
        } else if known.seen_in.take().is_some() && free && wants_in(turn, oracle, &target) {
            known.out = Some((now, rest));
            require(is_told(turn.after), RULE, || format!("{target:?} is out, and nobody says so"))?;
        }
    }
    if told {
        let by_us = |group: &&crate::balancer::Group| {
            let long = oracle.run.begun + LANDS;
            group.taken_out == group.out_since && group.taken_out.is_some_and(|at| at > long)
        };
        let others = world.groups.iter().any(|group| !by_us(&group));
        require(others, "S-taken nobody is blamed for what this node did", || format!("{:?}", world.groups))?;
    }
    for command in turn.commands {
        if let Command::Call { call: Call::Deregister { target, .. }, .. } = command {
            known.entry(target.group.clone()).or_default().asked_out = Some(turn.now);
        }
        let Command::Call { call: Call::Register { target, .. }, .. } = command else { continue };
        let Some(Away { out: Some((since, rest)), .. }) = known.get(&target.group) else { continue };
        let free = rest.is_some_and(|rest| turn.now.since(*since) >= rest);
        require(free, RULE, || format!("{target:?} is out since {}, and left alone for {rest:?}", since.0))?;
    }
    oracle.run.taken.known = known;
    Ok(())
}

/// For how long a target is left alone that was taken out now, at least.
fn rest(turn: &Turn<'_>, oracle: &Oracle, world: &World) -> Option<Span> {
    let shown = |arn: &String| turn.before.targets.iter().any(|view| view.arn.as_ref() == Some(arn));
    let delays = world.groups.iter().filter(|group| shown(&group.facts.arn)).map(|group| group.facts.delay_secs);
    let longest = Span::secs(delays.max().unwrap_or_default());
    oracle.policy.membership.repair.then(|| longest.max(LEAST))
}

/// The node is up, and may be a target, and nobody wants it out.
fn wants_in(turn: &Turn<'_>, oracle: &Oracle, target: &Target) -> bool {
    let up = |snapshot: &Snapshot| snapshot.answer.ok && snapshot.answer.state == State::Up;
    up(turn.before) && up(turn.after) && oracle.orders.is_empty() && joins::may_join(target, oracle)
}
