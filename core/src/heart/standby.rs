//! The way out by Standby: whoever chose to leave waits until the Auto Scaling group has the node there, and the node
//! is brought back when nobody wants it out any more.
//!
//! How the way goes stands in `asg/standby.rs`; who may take it in `between.rs`.

use super::{Heart, between};
use crate::contract::{Cause, EndedBy, Held, NoteKind, Says, StandbyInputs, State};
use crate::leaving::{Drain, INTENT_WAIT};

impl Heart {
    /// The choice has to go by Standby, where that is allowed.
    pub(super) fn by_standby(&self, replaces: Says) -> bool {
        between::by_standby(self.policy.membership.standby, replaces, self.asg.in_service())
    }

    /// Everybody has agreed: the node goes into Standby first.
    pub(super) fn enter_standby(&mut self) {
        let Some(group) = self.asg.group_name().map(str::to_owned) else { return };
        self.standby_since = self.desk.now();
        self.standby.enter(group, self.desk.now());
        if let Some(drain) = &mut self.drain {
            drain.hold(self.desk.now());
        }
    }

    /// What an earlier run has put into Standby it has to bring back, if it was this machine.
    pub(super) fn restore_standby(&mut self) {
        let Some(held) = &self.standby_kept else { return };
        let known = self.membership.identity().map(|identity| identity.instance_id.as_str());
        let same = held.same_boot || (known.is_some() && held.instance.as_deref() == known);
        if !same && known.is_none() {
            return;
        }
        let Some(Held { standby: Some(group), .. }) = self.standby_kept.take().filter(|_| same) else { return };
        self.standby_since = self.desk.now();
        // Who goes anyway does not wait for it.
        let waits = self.drain.as_ref().is_none_or(Drain::is_choice);
        let wanted = self.wants_standby() && waits;
        // What this run has seen by now tells, however late the disk is.
        self.standby.restore(group, wanted, self.begun);
        if self.standby.is_entering()
            && let Some(drain) = &mut self.drain
        {
            drain.hold(self.desk.now());
        }
    }

    /// Somebody wants the node out.
    fn wants_standby(&self) -> bool {
        self.drain.is_some() || self.upkeep.on().is_some() || self.upkeep.waits()
    }

    /// It goes its way; what cannot be had is taken back.
    pub(super) fn step_standby(&mut self) {
        self.restore_standby();
        if self.standby.moves() {
            self.membership.look_often(&mut self.desk);
        }
        let on_disk = self.record.tells(self.standby.group()) || self.desk.reached(self.standby_since + INTENT_WAIT);
        let up = self.shown.ok && self.shown.state == State::Up;
        let instance = self.membership.identity().map(|identity| identity.instance_id.clone());
        let inputs = StandbyInputs {
            wanted: self.wants_standby(),
            chosen: self.drain.as_ref().is_some_and(|drain| drain.has(Cause::Operator))
                || self.upkeep.on().is_some()
                || self.upkeep.waits(),
            why: if self.upkeep.on().is_some() { "maintenance" } else { "drain" },
            rule: self.policy.membership.standby,
            instance: instance.as_deref(),
            standby: self.asg.in_standby(),
            in_service: self.asg.in_service() == Says::Yes,
            seen: self.asg.seen_at(),
            out: self.membership.attached_out(self.asg.attached()),
            up_since: up.then_some(self.since),
            check: self.membership.longest_check(),
            until: self.drain.as_ref().and_then(Drain::deadline),
            written: on_disk,
        };
        let failed = self.standby.step(&inputs, &mut self.desk);
        if let Some(drain) = self.drain.as_mut().filter(|_| !self.standby.is_entering()) {
            drain.release(failed.is_none(), self.desk.now());
        }
        let Some(why) = failed else { return };
        if self.upkeep.on().is_some() {
            self.upkeep.end(&why, &mut self.desk);
        }
        let Some(drain) = &mut self.drain else { return };
        match drain.take_back(|cause| cause == Cause::Operator) {
            Some(false) => self.come_back(EndedBy::Standby, &format!("the drain is taken back: {why}")),
            Some(true) | None => self.desk.tell(NoteKind::DrainStep, why),
        }
    }

    /// Tells what people should know of the way that is taken.
    pub(super) fn warn_of_standby(&mut self, told: Vec<String>) {
        for text in told {
            self.desk.tell(NoteKind::Notice, format!("Standby: {text}"));
        }
    }

    /// For people: what the Auto Scaling group does with the node, where it is not simply in service.
    pub(super) fn standing(&self) -> Option<&'static str> {
        let ours = self.standby.is_ours();
        if self.standby.is_entering() {
            return Some("on its way into Standby by this agent: it stays in service until it is there");
        }
        if self.asg.in_standby() {
            return Some(if !ours {
                "in Standby by somebody else: its own target groups are left, and joined again at InService"
            } else if self.wants_standby() {
                "in Standby by this agent: it is brought back when nobody wants it out any more"
            } else {
                "in Standby by this agent: it is brought back once it is up"
            });
        }
        if self.asg.is_detached() {
            return Some("detached: only target groups that no Auto Scaling group has attached are joined");
        }
        let warmed = self.asg.state().is_some_and(|state| state.starts_with("Warmed:"));
        warmed.then_some("in the warm pool: it is no target before InService")
    }
}
