//! The promises about choices: who must have agreed before one is made, how long that is waited for, and what ends it.

use crate::oracle::Oracle;
use crate::rule::{Turn, Verdict, Violation, require};
use crate::run::Pending;
use crate::upkeep;
use rundeck_alb_core::{Cause, Command, DrainPhase, Event, Moment, Order, OrderAnswer, Reason, Span, State, Target};

/// An order is answered so soon, whatever AWS does.
const ANSWERED: Span = Span::secs(12);

/// Each order is answered once, in time; and yes is said to a choice only if all agree who must.
pub fn answered(turn: &Turn<'_>, oracle: &mut Oracle) -> Verdict {
    const RULE: &str = "S-orders answered once";
    if let Event::Order(number, order) = turn.event {
        let known = turn.before.targets.iter().any(|target| target.id.is_some());
        let serving = turn.before.answer.ok && known;
        oracle.run.pending.insert(*number, Pending { order: order.clone(), since: turn.now, serving });
    }
    for command in turn.commands {
        let Command::Answer(number, answer) = command else { continue };
        let Some(pending) = oracle.run.pending.remove(number) else {
            return require(false, RULE, || format!("{answer:?} without an order"));
        };
        agreed(&pending, answer, oracle)?;
        upkeep::agreed(&pending, answer, oracle)?;
        oracle.answered(&pending.order, answer, turn.now);
    }
    if turn.commands.iter().any(|command| matches!(command, Command::Exit(_))) {
        // An agent whose time is over ends before it hears anything else; whoever ordered sees it go.
        oracle.run.pending.clear();
    }
    let choice = |order: &Order| match order {
        Order::Drain(order) => order.cause == Cause::Operator,
        Order::Maintain(_) => true,
        Order::Resume(_) | Order::EndMaintenance => false,
    };
    let waits = oracle.run.pending.values().find(|pending| !choice(&pending.order));
    require(waits.is_none(), RULE, || format!("{waits:?} is not answered at once"))?;
    let late = oracle.run.pending.values().find(|pending| turn.now.since(pending.since) >= ANSWERED);
    require(late.is_none(), "S-orders answered in time", || format!("{late:?}"))
}

fn agreed(pending: &Pending, answer: &OrderAnswer, oracle: &Oracle) -> Verdict {
    let Order::Drain(order) = &pending.order else { return Ok(()) };
    let joins = oracle.orders.iter().any(|wanted| wanted.order.cause == Cause::Operator);
    let goes = oracle.orders.iter().any(|wanted| wanted.order.cause != Cause::Operator);
    if order.cause != Cause::Operator || !matches!(answer, OrderAnswer::Accepted(_)) || joins || goes {
        return Ok(());
    }
    let allowed = !oracle.may_replace() || oracle.by_standby();
    require(allowed, "S-asg no choice of ours gets a node terminated", || {
        "an operator's drain was accepted in an Auto Scaling group".into()
    })?;
    let enough = |fleet: &(Moment, usize)| fleet.0 >= pending.since && fleet.1 >= needed(oracle);
    let asked = !pending.serving || order.force || oracle.run.fleet.as_ref().is_some_and(enough);
    require(asked, "S-guard a choice is made only where others are left, by an answer of that moment", || {
        format!("{:?}, ordered at {}", oracle.run.fleet, pending.since.0)
    })
}

fn needed(oracle: &Oracle) -> usize {
    oracle.policy.membership.min_other_healthy as usize
}

/// An answer that the fleet gave so long ago still counts, and so long one is waited for.
const AGE: Span = Span::secs(31);
/// So long a node waits at most for two answers and for its turn, where it alone is ill: the slowest balancer of the
/// world takes a bit more than a minute to see a 503.
const TURN: Span = Span::secs(200);

/// What is wrong with a node in service takes it out only where others are left, by an answer of that moment.
pub fn lets_out(turn: &Turn<'_>, oracle: &mut Oracle) -> Verdict {
    let (before, after) = (turn.before.answer, turn.after.answer);
    let waits = turn.after.hold.as_ref().is_some_and(|hold| !hold.refused);
    oracle.notes.holds_since = oracle.notes.holds_since.or(Some(turn.now)).filter(|_| waits);
    let ill = matches!(after.reason, Reason::Passive | Reason::Disk | Reason::Database);
    // Where the last group has just been left there is nobody to ask.
    let known = [turn.before, turn.after].iter().all(|s| s.targets.iter().any(|target| target.id.is_some()));
    if !(before.ok && after.state == State::Down && ill && known) || needed(oracle) == 0 {
        return Ok(());
    }
    let fleet = oracle.run.fleet;
    let enough = fleet.is_some_and(|(asked, others)| turn.now.since(asked) <= AGE && others >= needed(oracle));
    require(enough, "S-guard what is wrong with a node takes it out only where others are left", || {
        format!("{after:?} by {fleet:?}")
    })
}

/// The fleet has a reason to hold a node in with which something of its own is wrong.
pub fn holds(turn: &Turn<'_>, oracle: &Oracle) -> bool {
    // Asked every half minute: an older answer was followed by none.
    let recent = |asked: Moment| turn.now.since(asked) <= Span::secs(40);
    let enough = oracle.run.fleet.is_some_and(|(asked, others)| recent(asked) && others >= needed(oracle));
    match &turn.after.hold {
        None => false,
        Some(hold) if hold.refused => !enough,
        Some(_) => oracle.notes.holds_since.is_none_or(|since| turn.now.since(since) <= TURN),
    }
}

/// The fleet has taken back what it cannot bear: only a drain that an operator alone wants, and only by an answer that
/// was asked for after that had begun.
pub fn taken_back(turn: &Turn<'_>, oracle: &mut Oracle) {
    let over = turn.before.drain.is_some() && turn.after.drain.is_none();
    let resumed = matches!(turn.event, Event::Order(_, Order::Resume(_)));
    let chosen = oracle.orders.iter().all(|wanted| wanted.order.cause == Cause::Operator);
    // What could not be had by Standby is taken back, too, in the turn in which it began at the earliest.
    let first = turn.before.drain.as_ref().is_none_or(|drain| drain.phase == DrainPhase::Advertise);
    let still = turn.after.drain.as_ref().is_some_and(|drain| drain.causes.contains(&Cause::Operator));
    if oracle.notes.standby.is_some() && first && !still && !resumed {
        oracle.orders.retain(|wanted| wanted.order.cause != Cause::Operator);
        oracle.begin_if_wanted(turn.now);
    }
    let few = |(asked, others): &(Moment, usize)| {
        oracle.drain.is_some_and(|(since, _)| *asked >= since) && *others < needed(oracle)
    };
    if over && !resumed && chosen && oracle.run.fleet.as_ref().is_some_and(few) {
        oracle.orders.clear();
        oracle.begin_if_wanted(turn.now);
    }
}

/// A dead Rundeck takes its node out: only once its process was seen to end, where others are left by an answer of
/// since then, where it can come back soon, and twice in ten minutes at most.
pub fn ejected(target: &Target, now: Moment, oracle: &mut Oracle) -> Result<bool, Violation> {
    const RULE: &str = "S-eject a dead Rundeck takes its node out only where others are left, and twice in ten minutes";
    if !oracle.run.orphan {
        return Ok(false);
    }
    let (needed, ended) = (needed(oracle), oracle.run.ended_at);
    let fleet = oracle.run.fleet;
    let enough = fleet.is_some_and(|(asked, others)| asked >= ended && others >= needed);
    require(enough, RULE, || format!("{fleet:?}, dead since {}", ended.0))?;
    require(target.id.starts_with("i-"), RULE, || format!("{target:?} could not come back"))?;
    let done = &mut oracle.run.ejected;
    if done.last() != Some(&ended) {
        done.push(ended);
    }
    let recent = done.iter().filter(|at| now.since(**at) < Span::secs(540)).count();
    require(recent <= 2, RULE, || format!("{done:?}"))?;
    Ok(true)
}
