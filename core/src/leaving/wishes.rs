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
        Wishes { exit: order.cause.meaning().exits, orders: vec![order], own_since: now }
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

    /// The order that named the receipt names another one from now on.
    pub(super) fn rename(&mut self, receipt: &str) {
        self.orders.iter_mut().filter(|order| order.id == receipt).for_each(|order| order.id = next_id(receipt));
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
        self.orders.iter().find(|o| o.cause.meaning().exits).or_else(|| self.orders.first())
    }

    /// When it must have ended: each cause's deadline ends that cause's wait, so the last one counts, and there is none
    /// as long as one cause has none.
    pub(super) fn deadline(&self) -> Option<Moment> {
        let all: Option<Vec<Moment>> = self.orders.iter().map(|order| order.deadline).collect();
        all?.into_iter().max()
    }

    /// Somebody joins. True if he has a time of his own: another cause, or a later deadline of the same one.
    pub(super) fn add(&mut self, order: DrainOrder, now: Moment) -> bool {
        self.exit |= order.cause.meaning().exits;
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

/// The same wish once more, after its drain has ended in a receipt: it ends in another one.
pub(crate) fn anew(order: DrainOrder) -> DrainOrder {
    DrainOrder { id: next_id(&order.id), ..order }
}

/// `ID.2` after `ID`, `ID.3` after that: never an id that is given to a new order, which has no dot.
fn next_id(id: &str) -> String {
    let numbered = id.rsplit_once('.').and_then(|(name, number)| Some((name, number.parse::<u32>().ok()?)));
    let (name, number) = numbered.unwrap_or((id, 1));
    format!("{name}.{}", number.saturating_add(1))
}

/// This deadline ends later than that one; `None` never ends.
fn later(this: Option<Moment>, than: Option<Moment>) -> bool {
    match (this, than) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(this), Some(than)) => this > than,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment(1_000_000);
    const SOON: Option<Moment> = Some(Moment(1_010_000));
    const LATE: Option<Moment> = Some(Moment(1_020_000));

    fn order(cause: Cause, deadline: Option<Moment>) -> DrainOrder {
        DrainOrder { id: cause.to_string(), cause, reason: String::new(), at: NOW, deadline, force: false }
    }

    fn wishes(deadline: Option<Moment>) -> Wishes {
        Wishes::of(order(Cause::Operator, deadline), NOW)
    }

    fn later() -> Moment {
        Moment(NOW.0 + 1)
    }

    #[test]
    fn who_joins_has_a_time_of_his_own_by_another_cause_or_a_later_deadline() {
        for (first, cause, deadline, own, last) in [
            (SOON, Cause::AgentStopping, None, true, None),
            (SOON, Cause::AgentStopping, LATE, true, LATE),
            (LATE, Cause::AgentStopping, SOON, true, LATE),
            // His time is over already.
            (LATE, Cause::AgentStopping, Some(NOW), false, LATE),
            (LATE, Cause::AgentStopping, Some(later()), false, LATE),
            (SOON, Cause::Operator, LATE, true, LATE),
            (SOON, Cause::Operator, None, true, None),
            (SOON, Cause::Operator, SOON, false, SOON),
            (LATE, Cause::Operator, SOON, false, SOON),
            (None, Cause::Operator, LATE, false, LATE),
            (None, Cause::Operator, None, false, None),
        ] {
            let mut wishes = wishes(first);
            assert_eq!(wishes.add(order(cause, deadline), later()), own, "{first:?}, {cause} until {deadline:?}");
            assert_eq!(wishes.own_since(), if own { later() } else { NOW });
            assert_eq!(wishes.deadline(), last, "{first:?}, {cause} until {deadline:?}");
            assert_eq!(wishes.exit(), cause == Cause::AgentStopping);
        }
    }

    #[test]
    fn an_order_that_is_given_again_keeps_its_words_unless_there_are_newer_ones() {
        let mut wishes = wishes(None);
        let again = |reason: &str| DrainOrder { reason: reason.into(), ..order(Cause::Operator, None) };
        for (reason, kept) in [("upgrade", "upgrade"), ("", "upgrade"), ("reboot", "reboot")] {
            wishes.add(again(reason), NOW);
            assert_eq!(wishes.lead().map(|lead| lead.reason.as_str()), Some(kept));
        }
        assert_eq!(wishes.all().len(), 1);
    }

    #[test]
    fn what_leads_to_the_exit_is_shown_else_what_came_first() {
        let mut wishes = wishes(None);
        wishes.add(order(Cause::RundeckStopping, None), NOW);
        assert_eq!(wishes.lead().map(|lead| lead.cause), Some(Cause::Operator));
        assert!(!wishes.exit());
        wishes.add(order(Cause::AgentStopping, None), NOW);
        assert_eq!(wishes.lead().map(|lead| lead.cause), Some(Cause::AgentStopping));
        assert!(wishes.exit() && wishes.has(Cause::RundeckStopping));
    }

    #[test]
    fn what_is_taken_back_ends_that_cause_alone() {
        let mut wishes = wishes(None);
        assert!(!wishes.has(Cause::RundeckStopping));
        assert_eq!(wishes.take_back(|cause| cause == Cause::RundeckStopping), None);
        wishes.add(order(Cause::RundeckStopping, None), NOW);
        assert_eq!(wishes.take_back(|cause| cause == Cause::Operator), Some(true));
        assert!(!wishes.has(Cause::Operator) && wishes.has(Cause::RundeckStopping));
        assert_eq!(wishes.take_back(|_| true), Some(false));
        assert_eq!(wishes.lead().map(|lead| lead.cause), Some(Cause::RundeckStopping), "the receipt names it");
    }

    #[test]
    fn what_named_a_receipt_names_another_one() {
        assert_eq!(
            ["d1", "d1.2", "d1.9", "1-operator-2", "a.b"].map(next_id),
            ["d1.2", "d1.3", "d1.10", "1-operator-2.2", "a.b.2"]
        );
        let mut wishes = wishes(None);
        wishes.add(order(Cause::AgentStopping, None), NOW);
        wishes.rename("operator");
        let ids: Vec<&str> = wishes.all().iter().map(|order| order.id.as_str()).collect();
        assert_eq!(ids, ["operator.2", "agent-stopping"]);
    }
}
