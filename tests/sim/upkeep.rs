//! Maintenance: what the bystander has heard of it, and the promises about it.
//!
//! It is on from the answer to an order until an order, its time or the loss of its permission ends it; the disk is
//! read as a run of the agent reads it, and what stands there is held against what was heard.

use crate::oracle::Oracle;
use crate::rule::{Turn, Verdict, require};
use crate::run::Pending;
use crate::world::World;
use rundeck_alb_core::{Call, Event, Moment, Order, OrderAnswer, Reason, Reply, Span, State};

/// A write that has failed is tried again after ten seconds; with latency.
const AGAIN: Span = Span::secs(12);

impl Oracle {
    /// Takes note of what the agent was told, and of the time.
    pub fn upkeep_told(&mut self, event: &Event, now: Moment) {
        let begun = self.run.begun;
        let upkeep = &mut self.upkeep;
        match event {
            Event::Kept(kept) => kept.held.iter().for_each(|held| upkeep.read(held, now)),
            Event::Reply(_, Reply::Identity(Ok(_))) => upkeep.known = true,
            _ => {}
        }
        if upkeep.known {
            upkeep.on = upkeep.waits.take().or(upkeep.on.take());
        } else if now >= begun + self.policy.health.boot_timeout {
            upkeep.waits = None;
        }
        if upkeep.on.as_ref().and_then(|on| on.until).is_some_and(|until| until <= now) {
            (upkeep.on, upkeep.said) = (None, true);
        }
        if self.in_service_and_replaced() {
            self.upkeep.on = None;
        }
    }

    /// Takes note of how an order was answered.
    pub fn upkeep_answered(&mut self, order: &Order, answer: &OrderAnswer, now: Moment) {
        match (order, answer) {
            (Order::Maintain(order), OrderAnswer::Maintained(_)) => self.upkeep.begins(order, now),
            (Order::EndMaintenance, OrderAnswer::Maintained(_)) => {
                (self.upkeep.on, self.upkeep.waits, self.upkeep.said) = (None, None, true);
            }
            _ => {}
        }
    }
}

/// It is ordered only where nobody would replace the node; and whoever ends it is told whether it was on.
pub fn agreed(pending: &Pending, answer: &OrderAnswer, oracle: &Oracle) -> Verdict {
    let on = oracle.upkeep.on.is_some();
    match (&pending.order, answer) {
        (Order::Maintain(_), OrderAnswer::Maintained(yes)) => {
            require(*yes && (on || !oracle.may_replace()), "S-asg no choice of ours gets a node terminated", || {
                "maintenance was accepted in an Auto Scaling group".into()
            })
        }
        (Order::Maintain(_), OrderAnswer::Refused { .. }) | (Order::Drain(_) | Order::Resume(_), _) => Ok(()),
        (Order::EndMaintenance, OrderAnswer::Maintained(was)) => {
            let wanted = on || oracle.upkeep.waits.is_some();
            require(*was == wanted, "S-maint whoever ends it is told whether it was on", || format!("{was}"))
        }
        (Order::Maintain(_) | Order::EndMaintenance, other) => {
            require(false, "S-maint an order is answered as what it is", || format!("{other:?}"))
        }
    }
}

/// By itself it registers nothing; a node that was taken out for its dead Rundeck may come back meanwhile.
pub fn registers_nothing(oracle: &Oracle) -> Verdict {
    let alone = oracle.upkeep.on.is_some() && oracle.orders.is_empty() && oracle.run.ejected.is_empty();
    require(!alone, "S-maint maintenance changes nothing at AWS", || "registers".into())
}

/// It is on as long as it was heard to be, no longer, on nobody's but an order's account; and that is what `/health`
/// says, unless a drain goes before it.
pub fn judge(turn: &Turn<'_>, oracle: &Oracle, world: &World) -> Verdict {
    let (upkeep, answer) = (&oracle.upkeep, turn.after.answer);
    require(turn.after.maintenance == upkeep.on, "S-maint it is on from its order until its end", || {
        format!("{:?} instead of {:?}", turn.after.maintenance, upkeep.on)
    })?;
    let first = oracle.orders.is_empty();
    let shows = answer.state == State::Maintenance;
    require(
        shows == (first && upkeep.on.is_some()),
        "S-maint it is what /health says, and a drain goes first",
        || format!("{answer:?}, {:?}", upkeep.on),
    )?;
    let words = (answer.ok, answer.reason) == (false, Reason::Operator);
    require(!shows || words, "S-maint it is 503 by an operator", || format!("{answer:?}"))?;
    let waits = first && upkeep.waits.is_some();
    require(!(waits && answer.ok), "S-maint after a reboot nobody is vouched for before the machine is known", || {
        format!("{answer:?}")
    })?;
    on_disk(oracle, world, turn.now)
}

/// Where nothing is on its way there, what stands on disk is what is wanted, of a machine that is known.
fn on_disk(oracle: &Oracle, world: &World, now: Moment) -> Verdict {
    let (upkeep, disk) = (&oracle.upkeep, &world.disk);
    let open = oracle.run.open.values().any(|open| matches!(open.call, Call::KeepHeld(_)));
    let failed = [upkeep.expired, disk.failed_at, Some(oracle.run.read_at)].into_iter().flatten().max();
    let settled = failed.is_none_or(|at| now.since(at) > AGAIN) && now >= disk.fails;
    if !settled || open || oracle.run.unread {
        return Ok(());
    }
    let held = disk.held.clone().unwrap_or_default();
    let wanted = upkeep.on.as_ref().or(upkeep.waits.as_ref());
    let whose = wanted.is_none() || !upkeep.known || held.instance.is_some();
    require(held.maintenance.as_ref() == wanted && whose, "S-maint what stands on disk is what is wanted", || {
        format!("{held:?} instead of {wanted:?}")
    })
}
