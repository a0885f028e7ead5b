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
                Order::Drain(DrainOrder { id: drain_id(clock, cause), cause, reason, at, deadline })
            }
            AdminOrder::Resume { cause, reason } => {
                tracing::info!(event = "order", "resume ordered: {cause} \"{reason}\"");
                Order::Resume(cause)
            }
        };
        Event::Order(self.last, order)
    }

    /// Hands the heart's answer to whoever waits; one who has gone needs none.
    pub(super) fn answer(&mut self, number: u64, answer: OrderAnswer) {
        if let Some(waiting) = self.waiting.remove(&number) {
            let _ = waiting.send(answer);
        }
    }
}

/// The receipt id of a drain that begins now: `20261122T110431-operator`.
pub(super) fn drain_id(clock: &Clock, cause: Cause) -> String {
    format!("{}-{cause}", file_stamp(clock.wall()))
}
