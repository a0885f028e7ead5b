//! Who is connected to the health port, and who has to go when there is no more room.
//!
//! Clients may keep connections open, or open many and say nothing. Neither may keep a health check out: beyond the cap
//! a short visit is still served, and beyond that whoever has been silent for the longest leaves. It reads no clock:
//! the order of answers tells who was silent.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use tokio::sync::Notify;

/// Connections beyond the cap that are served once, briefly, before anybody is sent away: more than a load balancer has
/// nodes that ask in the same moment.
pub(super) const RESERVE: usize = 16;

/// How a new connection is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Visit {
    /// It may stay.
    Stay,
    /// One answer, soon, and goodbye.
    Brief,
}

/// The connections of one thread.
#[derive(Clone, Debug)]
pub(super) struct Guests {
    cap: usize,
    list: Rc<RefCell<List>>,
}

/// By the turn in which each arrived or was last answered: the first has been silent for the longest.
#[derive(Debug, Default)]
struct List {
    turn: u64,
    seated: BTreeMap<u64, Rc<Notify>>,
}

impl List {
    fn seat(&mut self, leave: Rc<Notify>) -> u64 {
        self.turn += 1;
        self.seated.insert(self.turn, leave);
        self.turn
    }
}

impl Guests {
    /// At most `cap` connections may stay.
    pub(super) fn new(cap: usize) -> Self {
        Self { cap, list: Rc::default() }
    }

    /// Seats a new connection, at the cost of a silent one where even the reserve is taken.
    pub(super) fn arrive(&self) -> Guest {
        let seated = self.list.borrow().seated.len();
        if seated >= self.cap.saturating_add(RESERVE) {
            self.dismiss_one();
        }
        let visit = if seated < self.cap { Visit::Stay } else { Visit::Brief };
        let leave = Rc::new(Notify::new());
        let turn = self.list.borrow_mut().seat(Rc::clone(&leave));
        Guest { visit, turn: Cell::new(turn), leave, answered: Notify::new(), list: Rc::clone(&self.list) }
    }

    /// Asks the connection that has been silent for the longest to leave, which gives its descriptor back.
    pub(super) fn dismiss_one(&self) {
        if let Some((_, leave)) = self.list.borrow_mut().seated.pop_first() {
            leave.notify_one();
        }
    }
}

/// One connection; its seat is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Guest {
    /// How it is treated.
    pub(super) visit: Visit,
    turn: Cell<u64>,
    leave: Rc<Notify>,
    answered: Notify,
    list: Rc<RefCell<List>>,
}

impl Guest {
    /// A request was answered: from now on others have been silent for longer.
    pub(super) fn answered(&self) {
        let mut list = self.list.borrow_mut();
        if let Some(leave) = list.seated.remove(&self.turn.get()) {
            self.turn.set(list.seat(leave));
        }
        self.answered.notify_one();
    }

    /// Ends when the next request has been answered.
    pub(super) async fn until_answered(&self) {
        self.answered.notified().await;
    }

    /// Ends when this connection has to make room.
    pub(super) async fn until_dismissed(&self) {
        self.leave.notified().await;
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.list.borrow_mut().seated.remove(&self.turn.get());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// True when this connection was asked to leave.
    async fn dismissed(guest: &Guest) -> bool {
        tokio::select! { biased; () = guest.until_dismissed() => true, () = std::future::ready(()) => false }
    }

    #[test]
    fn beyond_the_cap_visits_are_brief_until_somebody_leaves() {
        let guests = Guests::new(1);
        let first = guests.arrive();
        assert_eq!(first.visit, Visit::Stay);
        assert_eq!(guests.arrive().visit, Visit::Brief);
        drop(first);
        assert_eq!(guests.arrive().visit, Visit::Stay);
    }

    #[tokio::test]
    async fn beyond_the_reserve_the_longest_silent_leaves() {
        let guests = Guests::new(2);
        let mut seated: Vec<Guest> = (0..2 + RESERVE).map(|_| guests.arrive()).collect();
        for guest in &seated {
            assert!(!dismissed(guest).await);
        }
        seated[0].answered();
        let newest = guests.arrive();
        assert_eq!(newest.visit, Visit::Brief);
        assert!(!dismissed(&seated[0]).await, "it was answered a moment ago");
        assert!(dismissed(&seated[1]).await);
        seated[1].answered();
        assert_eq!(guests.list.borrow().seated.len(), 2 + RESERVE, "a dismissed guest is not seated again");
        seated.clear();
        assert_eq!(guests.list.borrow().seated.len(), 1);
    }
}
