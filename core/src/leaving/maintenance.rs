//! Maintenance: an operator wants 503 while the node stays a target.
//!
//! It knows what was ordered, until when, and what an earlier run had kept of it: that holds in the same boot, or once
//! instance metadata have told that this is the same machine. It decides when it ends by itself. Whether the order may
//! be given, and what `/health` then says, others decide.

use crate::contract::{Finding, Held, Maintenance, Moment, NoteKind};
use crate::desk::{Desk, holds};

#[derive(Clone, Debug, Default)]
pub(crate) struct Upkeep {
    on: Option<Maintenance>,
    /// What an earlier boot has kept, of that machine: it is not known yet whether it is this one.
    waiting: Option<(String, Maintenance)>,
    /// It was ordered, or has ended, in this run: what an earlier one has kept is older.
    said: bool,
}

impl Upkeep {
    /// What an earlier run has kept. What was said in this run is newer.
    pub(crate) fn restore(&mut self, held: &Held, desk: &mut Desk) {
        let Some(kept) = held.maintenance.clone().filter(|_| !self.said) else { return };
        if kept.until.is_some_and(|until| until <= desk.now()) {
            desk.tell(NoteKind::Notice, "maintenance has ended: its time came while the agent was not running");
            return;
        }
        match &held.instance {
            _ if held.same_boot => self.on = Some(kept),
            Some(instance) => self.waiting = Some((instance.clone(), kept)),
            // Nobody knows which machine it was.
            None => {}
        }
    }

    /// `instance`: which machine this is, once that is known; `over`: nobody has told for longer than a start may take.
    pub(crate) fn step(&mut self, instance: Option<&str>, over: bool, desk: &mut Desk) {
        match (&self.waiting, instance) {
            (Some((kept, _)), Some(instance)) => {
                if kept == instance {
                    desk.tell(NoteKind::Notice, "maintenance goes on: this is the machine that it was ordered for");
                    self.on = self.waiting.take().map(|(_, maintenance)| maintenance);
                }
                self.waiting = None;
            }
            (Some(_), None) if over => {
                self.waiting = None;
                desk.finding(
                    Finding::MaintenanceIgnored,
                    "maintenance that was ordered before the reboot is not taken up: metadata did not tell in time \
                     whether this is the same machine",
                );
            }
            (Some(_) | None, _) => {}
        }
        if self.on.as_ref().and_then(|on| on.until).is_some_and(|until| desk.reached(until)) {
            (self.on, self.said) = (None, true);
            desk.tell(NoteKind::Notice, "maintenance has ended: its time has come");
        }
    }

    /// It is ordered; the newer words count. Its time counts from now on: whoever must agree was waited for.
    pub(crate) fn begin(&mut self, order: Maintenance, desk: &mut Desk) {
        let now = desk.now();
        let until = order.until.map(|until| until + now.since(order.since));
        let since = self.goes_on(now).map_or(now, |on| on.since);
        let order = Maintenance { since, until, ..order };
        desk.cured(Finding::MaintenanceIgnored);
        desk.tell(NoteKind::Notice, format!("maintenance: 503, and the node stays a target{}", ending(&order, desk)));
        self.waiting = None;
        self.said = true;
        self.on = Some(order);
    }

    /// It is over. False: it was not on.
    pub(crate) fn end(&mut self, why: &str, desk: &mut Desk) -> bool {
        desk.cured(Finding::MaintenanceIgnored);
        self.said = true;
        let was = self.goes_on(desk.now()).is_some() || self.waiting.is_some();
        (self.on, self.waiting) = (None, None);
        if was {
            desk.tell(NoteKind::Notice, format!("maintenance has ended: {why}"));
        }
        was
    }

    /// A loop that wakes late hears an order before it notices that the time has come.
    fn goes_on(&self, now: Moment) -> Option<&Maintenance> {
        self.on.as_ref().filter(|on| on.until.is_none_or(|until| until > now))
    }

    /// What was ordered.
    pub(crate) fn on(&self) -> Option<&Maintenance> {
        self.on.as_ref()
    }

    /// It may be on: nobody knows yet whether this is the machine.
    pub(crate) fn waits(&self) -> bool {
        self.waiting.is_some()
    }

    /// What is to be on disk, and of which machine where that is not this one's business yet.
    pub(crate) fn kept(&self) -> Option<Maintenance> {
        self.on.clone().or_else(|| self.waiting.as_ref().map(|(_, kept)| kept.clone()))
    }

    /// What holds after each turn.
    pub(crate) fn check(&self, now: Moment) -> Result<(), String> {
        let over = self.on.as_ref().and_then(|on| on.until).is_some_and(|until| until <= now);
        holds(!over, || format!("maintenance outlives its time: {:?}", self.on))?;
        holds(self.on.is_none() || self.waiting.is_none(), || "maintenance is on and waited for".into())
    }
}

fn ending(order: &Maintenance, desk: &Desk) -> String {
    order.until.map_or_else(String::new, |until| format!(", over in {} s", until.since(desk.now()).0 / 1000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Span;

    const NOW: Moment = Moment(1_000_000);

    fn order(until: Option<Moment>) -> Maintenance {
        Maintenance { reason: "kernel".into(), since: NOW, until }
    }

    fn held(same_boot: bool, until: Option<Moment>) -> Held {
        Held { instance: Some("i-1".into()), same_boot, maintenance: Some(order(until)), standby: None }
    }

    fn restored(held: &Held) -> (Upkeep, Desk) {
        let (mut upkeep, mut desk) = (Upkeep::default(), Desk::new(1, NOW));
        desk.begin_turn(NOW);
        upkeep.restore(held, &mut desk);
        (upkeep, desk)
    }

    #[test]
    fn it_holds_in_the_same_boot_and_after_a_reboot_for_the_same_machine_alone() {
        let (upkeep, _) = restored(&held(true, None));
        assert!(upkeep.on().is_some() && !upkeep.waits());
        for (instance, on) in [("i-1", true), ("i-2", false)] {
            let (mut upkeep, mut desk) = restored(&held(false, None));
            assert!(upkeep.on().is_none() && upkeep.waits() && upkeep.kept().is_some());
            upkeep.step(None, false, &mut desk);
            assert!(upkeep.waits());
            upkeep.step(Some(instance), false, &mut desk);
            assert_eq!((upkeep.on().is_some(), upkeep.waits()), (on, false), "{instance}");
        }
    }

    #[test]
    fn where_nobody_tells_which_machine_this_is_it_is_ignored_in_time_and_told() {
        let (mut upkeep, mut desk) = restored(&held(false, None));
        upkeep.step(None, true, &mut desk);
        assert!(!upkeep.waits() && upkeep.on().is_none());
        assert!(desk.findings().iter().any(|view| view.finding == Finding::MaintenanceIgnored));
        upkeep.begin(order(None), &mut desk);
        assert!(desk.findings().is_empty(), "an order cures it");
        let (upkeep, _) = restored(&Held { instance: None, ..held(false, None) });
        assert!(!upkeep.waits());
    }

    #[test]
    fn it_ends_by_itself_also_while_nobody_runs() {
        let until = NOW + Span::secs(60);
        let (mut upkeep, mut desk) = restored(&held(true, Some(until)));
        upkeep.step(None, false, &mut desk);
        assert_eq!(desk.wake(), Some(until));
        assert_eq!(upkeep.check(NOW), Ok(()));
        assert!(upkeep.check(until).is_err());
        desk.begin_turn(until);
        upkeep.step(None, false, &mut desk);
        assert_eq!((upkeep.on(), upkeep.kept()), (None, None));
        let (upkeep, _) = restored(&held(true, Some(NOW)));
        assert!(upkeep.on().is_none());
    }

    #[test]
    fn what_was_ordered_in_this_run_is_newer_and_whoever_ends_it_is_told_whether_it_was_on() {
        let (mut upkeep, mut desk) = (Upkeep::default(), Desk::new(1, NOW));
        desk.begin_turn(NOW);
        assert!(!upkeep.end("by an operator", &mut desk));
        upkeep.begin(order(Some(NOW + Span::secs(9))), &mut desk);
        upkeep.restore(&held(true, None), &mut desk);
        assert_eq!(upkeep.on().and_then(|on| on.until), Some(NOW + Span::secs(9)));
        assert!(upkeep.end("by an operator", &mut desk));
        assert!(!upkeep.end("by an operator", &mut desk));
        // A slow disk tells of it after it was taken back.
        upkeep.restore(&held(true, None), &mut desk);
        assert_eq!(upkeep.on(), None);
    }

    #[test]
    fn its_time_counts_from_its_begin_and_ordered_again_it_keeps_that() {
        let (mut upkeep, mut desk) = (Upkeep::default(), Desk::new(1, NOW));
        let later = NOW + Span::secs(12);
        desk.begin_turn(later);
        upkeep.begin(order(Some(NOW + Span::secs(2))), &mut desk);
        let times = |upkeep: &Upkeep| upkeep.on().map(|on| (on.since, on.until));
        assert_eq!(times(&upkeep), Some((later, Some(later + Span::secs(2)))), "AWS was asked for twelve seconds");
        assert_eq!(upkeep.check(later), Ok(()));
        desk.begin_turn(later + Span::secs(1));
        upkeep.begin(Maintenance { since: desk.now(), ..order(None) }, &mut desk);
        assert_eq!(times(&upkeep), Some((later, None)));
    }

    #[test]
    fn an_order_that_is_heard_after_its_end_finds_it_over() {
        let (mut upkeep, mut desk) = (Upkeep::default(), Desk::new(1, NOW));
        let late = NOW + Span::secs(60);
        for ends in [true, false] {
            desk.begin_turn(NOW);
            upkeep.begin(order(Some(NOW + Span::secs(9))), &mut desk);
            desk.begin_turn(late);
            if ends {
                assert!(!upkeep.end("by an operator", &mut desk));
            } else {
                upkeep.begin(Maintenance { since: late, ..order(None) }, &mut desk);
                assert_eq!(upkeep.on().map(|on| on.since), Some(late));
            }
        }
    }
}
