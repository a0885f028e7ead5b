//! Who wants the node out, and until when each of them waits.
//!
//! What is waited for, and what a joiner takes up again, is decided in the room's face.

use crate::contract::{Cause, DrainOrder, Moment};

#[derive(Clone, Debug)]
pub(super) struct Wishes {
    /// One for each cause, oldest first.
    orders: Vec<DrainOrder>,
    /// The process exits when the drain is over.
    exit: bool,
    /// Since when the one who came last waits.
    own_since: Moment,
}

impl Wishes {
    pub(super) fn of(order: DrainOrder, now: Moment) -> Wishes {
        Wishes { exit: order.cause == Cause::AgentStopping, orders: vec![order], own_since: now }
    }

    pub(super) fn all(&self) -> &[DrainOrder] {
        &self.orders
    }

    pub(super) fn has(&self, cause: Cause) -> bool {
        self.orders.iter().any(|order| order.cause == cause)
    }

    pub(super) fn exit(&self) -> bool {
        self.exit
    }

    pub(super) fn own_since(&self) -> Moment {
        self.own_since
    }

    /// These causes want it no more. What is left: `None` if none was taken back, else whether any still wants it.
    pub(super) fn take_back(&mut self, ends: impl Fn(Cause) -> bool) -> Option<bool> {
        let (taken, left): (Vec<_>, Vec<_>) = self.orders.iter().cloned().partition(|order| ends(order.cause));
        if taken.is_empty() {
            return None;
        }
        if left.is_empty() {
            // The receipt still names who had begun it.
            self.orders.truncate(1);
            return Some(false);
        }
        self.orders = left;
        Some(true)
    }

    /// The order whose word is shown: the one that leads to the exit, else the oldest.
    pub(super) fn lead(&self) -> Option<&DrainOrder> {
        self.orders.iter().find(|o| o.cause == Cause::AgentStopping).or_else(|| self.orders.first())
    }

    /// When it must have ended: each cause's deadline ends that cause's wait, so the last one counts, and there is none
    /// as long as one cause has none.
    pub(super) fn deadline(&self) -> Option<Moment> {
        let all: Option<Vec<Moment>> = self.orders.iter().map(|order| order.deadline).collect();
        all?.into_iter().max()
    }

    /// Somebody joins. True if he has a time of his own: another cause, or a later deadline of the same one.
    pub(super) fn add(&mut self, order: DrainOrder, now: Moment) -> bool {
        self.exit |= order.cause == Cause::AgentStopping;
        let waits = order.deadline.is_none_or(|at| at > now);
        let longer = match self.orders.iter_mut().find(|o| o.cause == order.cause) {
            // The same wish again: the newer words count.
            Some(known) => {
                let longer = later(order.deadline, known.deadline);
                known.deadline = order.deadline;
                if !order.reason.is_empty() {
                    known.reason = order.reason;
                }
                longer
            }
            None => {
                self.orders.push(order);
                true
            }
        };
        if longer && waits {
            self.own_since = now;
        }
        longer && waits
    }
}

/// This deadline ends later than that one; `None` never ends.
fn later(this: Option<Moment>, than: Option<Moment>) -> bool {
    match (this, than) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(this), Some(than)) => this > than,
    }
}
