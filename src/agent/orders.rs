//! Operators' orders from the admin socket: each becomes an event with a number, and its answer finds the way back.

use crate::clock::{Clock, file_stamp};
use crate::server::admin::{AdminOrder, OrderRequest};
use rundeck_alb_core::{Cause, DrainOrder, Event, Maintenance, Order, OrderAnswer, Span};
use std::collections::{BTreeMap, VecDeque};
use tokio::sync::oneshot;

/// Orders that wait for their answer; the heart answers each in the turn in which it is taken, or once AWS was asked.
#[derive(Debug, Default)]
pub(super) struct Orders {
    last: u64,
    waiting: BTreeMap<u64, oneshot::Sender<OrderAnswer>>,
    ids: Ids,
}

impl Orders {
    /// Orders whose receipts get none of these ids.
    pub(super) fn new(ids: Ids) -> Orders {
        Orders { ids, ..Orders::default() }
    }

    /// The event for a request.
    pub(super) fn take(&mut self, request: OrderRequest, clock: &Clock) -> Event {
        self.last += 1;
        self.waiting.insert(self.last, request.reply);
        let order = match request.order {
            AdminOrder::Drain { cause, reason, timeout, force } => {
                tracing::info!(event = "order", "drain ordered: {cause} \"{reason}\"");
                let at = clock.now();
                let deadline = timeout.map(|t| at + Span(crate::clock::millis(t)));
                Order::Drain(DrainOrder { id: self.drain_id(clock, cause), cause, reason, at, deadline, force })
            }
            AdminOrder::Resume { cause, reason } => {
                tracing::info!(event = "order", "resume ordered: {cause} \"{reason}\"");
                Order::Resume(cause)
            }
            AdminOrder::Maintain { reason, span } => {
                tracing::info!(event = "order", "maintenance ordered: \"{reason}\"");
                let since = clock.now();
                let until = span.map(|span| since + Span(crate::clock::millis(span)));
                Order::Maintain(Maintenance { reason, since, until })
            }
            AdminOrder::EndMaintenance { reason } => {
                tracing::info!(event = "order", "end of maintenance ordered: \"{reason}\"");
                Order::EndMaintenance
            }
        };
        Event::Order(self.last, order)
    }

    /// The receipt id of a drain that begins now: `20261122T110431-operator`, with `-2` and so on where that is
    /// taken.
    pub(super) fn drain_id(&mut self, clock: &Clock, cause: Cause) -> String {
        self.ids.next(&file_stamp(clock.wall()), cause)
    }

    /// Hands the heart's answer to whoever waits; one who has gone needs none.
    pub(super) fn answer(&mut self, number: u64, answer: OrderAnswer) {
        if let Some(waiting) = self.waiting.remove(&number) {
            let _ = waiting.send(answer);
        }
    }
}

/// Ids that are remembered: more than there are receipts (a hundred), and a bound.
const MOST_TAKEN: usize = 512;

/// The ids that are taken, the oldest first: of receipts, of drains that go on after a restart, and those given out.
#[derive(Debug, Default)]
pub(super) struct Ids(VecDeque<String>);

impl Ids {
    /// None of these will be given out.
    pub(super) fn taken(ids: impl IntoIterator<Item = String>) -> Ids {
        let mut taken = Ids::default();
        ids.into_iter().for_each(|id| taken.take(id));
        taken
    }

    fn take(&mut self, id: String) {
        if self.0.len() == MOST_TAKEN {
            self.0.pop_front();
        }
        self.0.push_back(id);
    }

    /// The second and the cause, with `-2` and so on where that is taken. People set clocks back, and an agent that is
    /// restarted within a second has an earlier run's receipts before it.
    pub(super) fn next(&mut self, second: &str, cause: Cause) -> String {
        let name = format!("{second}-{cause}");
        let more = (2..MOST_TAKEN + 2).map(|number| format!("{name}-{number}"));
        let free = std::iter::once(name.clone()).chain(more).find(|id| !self.0.contains(id)).unwrap_or(name);
        self.take(free.clone());
        free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipt_ids_are_unique_within_a_second() {
        let mut ids = Ids::default();
        let (operator, stop) = (Cause::Operator, Cause::AgentStopping);
        let given = [("1", operator), ("1", stop), ("1", operator), ("1", operator), ("2", operator), ("1", operator)];
        let given = given.map(|(second, cause)| ids.next(second, cause));
        let wanted = ["1-operator", "1-agent-stopping", "1-operator-2", "1-operator-3", "2-operator", "1-operator-4"];
        assert_eq!(given, wanted, "and when the clock is set back");
    }

    #[test]
    fn an_id_of_an_earlier_run_is_not_given_again() {
        let mut ids = Ids::taken(["1-operator", "1-operator-3"].map(String::from));
        assert_eq!([0; 3].map(|_| ids.next("1", Cause::Operator)), ["1-operator-2", "1-operator-4", "1-operator-5"]);
    }

    #[test]
    fn what_is_remembered_is_bounded_and_ids_stay_unique_within_it() {
        let mut ids = Ids::default();
        let given: Vec<String> = (0..MOST_TAKEN * 2).map(|_| ids.next("1", Cause::Operator)).collect();
        assert_eq!(ids.0.len(), MOST_TAKEN);
        let last: std::collections::BTreeSet<&String> = given.iter().rev().take(MOST_TAKEN).collect();
        assert_eq!(last.len(), MOST_TAKEN);
    }
}
