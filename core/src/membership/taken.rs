//! A target that somebody else took out, a deployment tool at work: told, left alone for a while, and put back then, or
//! left out.
//!
//! It knows by what the own target looked like whether anybody but this agent can have taken it out while the node was
//! up. How long it is left alone, and whether it comes back by itself, it is handed; registering stands in `group.rs`.

use super::Membership;
use super::group::{Group, Standing};
use super::sight::Absence;
use crate::contract::{Finding, MembershipPolicy, Moment, Span, TargetState, Wish};
use crate::desk::Desk;

/// Where no group has a longer deregistration delay: two that undo each other's work (two agents with one instance id)
/// do so no more often than this.
const LEAST: Span = Span::secs(15);

impl Group {
    /// Somebody else took it out, and it is left alone.
    pub(super) fn rests(&self) -> bool {
        matches!(self.taken.stage, Absence::Until(_) | Absence::Stays)
    }

    /// It was left alone for long enough.
    pub(super) fn is_put_back(&self) -> bool {
        self.taken.stage == Absence::Over
    }

    /// A deregistration of ours goes out.
    pub(super) fn leaves_by_us(&mut self) {
        self.taken.by_us = true;
    }

    /// Each turn. `wish`: what the node wants of its groups.
    pub(super) fn step_taken(&mut self, wish: Wish, desk: &mut Desk) {
        self.taken.wanted |= wish == Wish::Join;
        if !self.owned || self.double || self.standing != Standing::Named {
            self.forget_taken(desk);
        }
        if let Absence::Until(at) = self.taken.stage
            && desk.reached(at)
        {
            self.taken.stage = Absence::Over;
        }
        // What comes back after a drain comes back by itself; the turn in which the wait is over knows it already.
        if self.taken.stage == Absence::Over && matches!(wish, Wish::Leave | Wish::Eject | Wish::Away) {
            self.forget_taken(desk);
        }
    }

    /// It is in again, or nobody's concern any more.
    pub(super) fn forget_taken(&mut self, desk: &mut Desk) {
        if std::mem::take(&mut self.taken.stage) == Absence::No {
            return;
        }
        if let Some(subject) = self.subject() {
            desk.cured_of(Finding::TakenOut, &subject);
        }
    }

    /// Tells it apart from what else may be taken out.
    fn subject(&self) -> Option<String> {
        self.target.as_ref().map(|target| format!("{}:{}", target.group, target.port))
    }

    /// It is about to be known in this state. `leaving`: a drain; `rest`: for how long it would be left alone, `None`:
    /// for good.
    pub(super) fn note_taken(&mut self, state: &TargetState, leaving: bool, rest: Option<Span>, desk: &mut Desk) {
        if !matches!(state, TargetState::Absent | TargetState::Leaving) {
            self.forget_taken(desk);
            (self.taken.wanted, self.taken.doubted) = (false, false);
            // What was asked for after this look may still come.
            self.taken.by_us &= self.change.is_open() || self.look.begun() <= self.change.begun();
            return;
        }
        let ours = self.owned && !self.double && self.standing == Standing::Named;
        let wanted = self.taken.wanted && !self.taken.by_us && !leaving;
        if self.is_out() || !ours || !wanted || self.change.is_open() {
            return;
        }
        if self.awaited && !std::mem::replace(&mut self.taken.doubted, true) {
            // AWS is eventually consistent: it need not have been anybody.
            return;
        }
        self.taken.stage = rest.map_or(Absence::Stays, |rest| Absence::Until(desk.now() + rest));
        let (Some(target), Some(subject)) = (&self.target, self.subject()) else { return };
        let then = rest.map_or_else(
            || "it stays out (membership.repair is false)".to_owned(),
            |rest| format!("it is put back {} s later, while the node is up", rest.0.div_ceil(1000)),
        );
        let what = format!("somebody else took {}:{} out of {}: {then}", target.id, target.port, target.name);
        desk.finding_of(Finding::TakenOut, &subject, what);
    }

    /// When it is looked at at the latest: before it is put back, for whoever took it out may have done so.
    pub(super) fn rests_until(&self) -> Option<Moment> {
        match self.taken.stage {
            Absence::Until(at) => Some(at),
            Absence::No | Absence::Stays | Absence::Over => None,
        }
    }
}

impl Membership {
    /// For how long a target that somebody else takes out is left alone: the longest deregistration delay of the node's
    /// groups, in which whoever did it expects its requests to end; `None`: for good.
    pub(super) fn rest(&self, policy: &MembershipPolicy) -> Option<Span> {
        policy.repair.then(|| self.longest_delay().max(LEAST))
    }

    /// An operator wants back what somebody else took out. True if there was something.
    pub(crate) fn put_back(&mut self, desk: &mut Desk) -> bool {
        let mut any = false;
        for group in self.each_mut().filter(|group| group.rests()) {
            group.taken.stage = Absence::Over;
            group.hasten_change(desk.now());
            group.look_soon(desk.now());
            any = true;
        }
        any
    }
}
