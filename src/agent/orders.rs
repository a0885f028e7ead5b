//! Operators' orders from the admin socket: each becomes an event with a number, and its answer finds the way back.

use crate::clock::{Clock, file_stamp};
use crate::server::admin::{AdminOrder, OrderRequest};
use rundeck_alb_core::{Cause, DrainOrder, Event, Order, OrderAnswer, Span};
use std::collections::BTreeMap;
use tokio::sync::oneshot;

/// Orders that wait for their answer; the heart answers each in the turn in which it is taken.
#[derive(Debug, Default)]
pub(super) struct Orders {
    last: u64,
    waiting: BTreeMap<u64, oneshot::Sender<OrderAnswer>>,
    ids: Ids,
}

impl Orders {
    /// The event for a request.
    pub(super) fn take(&mut self, request: OrderRequest, clock: &Clock) -> Event {
        self.last += 1;
        self.waiting.insert(self.last, request.reply);
        let order = match request.order {
            AdminOrder::Drain { cause, reason, timeout } => {
                tracing::info!(event = "order", "drain ordered: {cause} \"{reason}\"");
                let at = clock.now();
                let deadline = timeout.map(|t| at + Span(crate::clock::millis(t)));
                Order::Drain(DrainOrder { id: self.drain_id(clock, cause), cause, reason, at, deadline })
            }
            AdminOrder::Resume { cause, reason } => {
                tracing::info!(event = "order", "resume ordered: {cause} \"{reason}\"");
                Order::Resume(cause)
            }
        };
        Event::Order(self.last, order)
    }

    /// The receipt id of a drain that begins now: `20261122T110431-operator`, with `-2` and so on within one second.
    pub(super) fn drain_id(&mut self, clock: &Clock, cause: Cause) -> String {
        self.ids.next(file_stamp(clock.wall()), cause)
    }

    /// Hands the heart's answer to whoever waits; one who has gone needs none.
    pub(super) fn answer(&mut self, number: u64, answer: OrderAnswer) {
        if let Some(waiting) = self.waiting.remove(&number) {
            let _ = waiting.send(answer);
        }
    }
}

/// The ids that this run of the agent gave out in the last second in which it gave any.
#[derive(Debug, Default)]
struct Ids {
    second: String,
    given: Vec<Cause>,
}

impl Ids {
    /// The second and the cause, with `-2` and so on where both were given before.
    fn next(&mut self, second: String, cause: Cause) -> String {
        if second != self.second {
            *self = Ids { second, given: Vec::new() };
        }
        self.given.push(cause);
        let number = self.given.iter().filter(|given| **given == cause).count();
        let name = format!("{}-{cause}", self.second);
        if number == 1 { name } else { format!("{name}-{number}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipt_ids_are_unique_within_a_second() {
        let mut ids = Ids::default();
        let (operator, stop) = (Cause::Operator, Cause::AgentStopping);
        let given = [("1", operator), ("1", stop), ("1", operator), ("1", operator), ("2", operator)];
        let given = given.map(|(second, cause)| ids.next(second.into(), cause));
        assert_eq!(given, ["1-operator", "1-agent-stopping", "1-operator-2", "1-operator-3", "2-operator"]);
    }
}
