//! What an Auto Scaling group does to this node.
//!
//! It knows where the group moves the machine, by instance metadata (`metadata.rs`), and which group that is, what it
//! is like and what it has attached, by Auto Scaling itself (`service.rs`). It says what both mean together, as yes, no
//! or unknown: whether a 503 would get the node replaced, whether the group has it in service, which target groups it
//! owns, and whether it lets the node be a target now. What follows, and what holds where it is unknown, whoever asks
//! decides. It touches no target.
//!
//! The heart calls `step` once a turn, `on_lifecycle` for metadata's answer and `on_scaling` for Auto Scaling's, asks
//! `replaces`, `in_service`, `owners` and `may_join`, and shows `state`.

mod metadata;
mod service;
mod standby;
#[cfg(test)]
mod tests;

use crate::contract::{AutoScalingRule, Finding, Moment, Owners, Says, ScalingKept, ScalingSeen, Trouble};
use crate::desk::Desk;
use metadata::{Lifecycle, Metadata};
pub(crate) use service::fails_by_503;
use service::{Service, Told};
use std::collections::BTreeSet;

pub(crate) use standby::Standby;

#[derive(Clone, Debug)]
pub(crate) struct AutoScaling {
    rule: AutoScalingRule,
    metadata: Metadata,
    service: Service,
    /// An earlier run of the agent knew that no group has it.
    was_alone: bool,
}

/// Where the machine stands, by the better source: metadata say where it is moved to, and change at once.
#[derive(Clone, Copy)]
enum Place<'a> {
    /// Nobody has ever told.
    Unknown,
    /// No group has it.
    Alone,
    /// A group had it, and it was detached.
    Detached,
    /// A group has it, in this state, where that is known. `odd`: metadata show a word that nobody knows.
    Group { state: Option<&'a str>, odd: bool },
}

impl AutoScaling {
    pub(crate) fn new(rule: AutoScalingRule, now: Moment) -> AutoScaling {
        AutoScaling { rule, metadata: Metadata::new(now), service: Service::new(now), was_alone: false }
    }

    /// What an earlier run in this boot knew holds until somebody tells anew.
    pub(crate) fn restore(&mut self, kept: Option<ScalingKept>) {
        match kept {
            None => {}
            Some(ScalingKept::Alone) => self.was_alone = true,
            Some(ScalingKept::Group { name, facts, read }) => self.service.restore(name, facts, read),
        }
    }

    /// What is to be known after a restart of the agent.
    pub(crate) fn kept(&self) -> Option<ScalingKept> {
        match self.place() {
            Place::Unknown => None,
            Place::Alone => Some(ScalingKept::Alone),
            Place::Detached | Place::Group { .. } => self.service.kept(),
        }
    }

    fn place(&self) -> Place<'_> {
        let odd = self.metadata.odd().is_some();
        match (self.metadata.lifecycle(), self.service.told()) {
            (Lifecycle::Group(state), _) if state == "Detached" && !odd => Place::Detached,
            (Lifecycle::Group(state), _) => Place::Group { state: Some(state), odd },
            // "Not there" is shown by metadata too where a group has not set the state yet.
            (_, Some(Told::Group { state, .. })) => Place::Group { state: state.as_deref(), odd },
            (_, _) if odd => Place::Group { state: None, odd },
            (Lifecycle::Alone, _) | (Lifecycle::Unknown, Some(Told::Alone)) => Place::Alone,
            (Lifecycle::Unknown, None) if self.rule == AutoScalingRule::None || self.was_alone => Place::Alone,
            (Lifecycle::Unknown, None) => Place::Unknown,
        }
    }

    /// The group would replace the node for a 503.
    pub(crate) fn replaces(&self) -> Says {
        match self.place() {
            Place::Unknown => Says::Unknown,
            Place::Alone | Place::Detached => Says::No,
            Place::Group { state: Some("Standby"), odd: false } => Says::No,
            Place::Group { .. } => self.service.replaces(),
        }
    }

    /// What it would do to the node for a 503 rests on what Auto Scaling itself has told.
    fn rests_on_service(&self) -> bool {
        match self.place() {
            Place::Alone | Place::Detached | Place::Group { state: Some("Standby"), odd: false } => false,
            Place::Unknown | Place::Group { .. } => true,
        }
    }

    /// A choice is about to be made: Auto Scaling is asked afresh, where that matters.
    pub(crate) fn ask_afresh(&mut self, desk: &mut Desk) {
        if self.rests_on_service() {
            self.service.ask_afresh(desk);
        }
    }

    /// Whether the group would replace the node for a choice, by an answer that was asked for at `since` or later.
    /// Where that failed, only the worst is believed of what was known; `None`: none has come.
    pub(crate) fn replaces_since(&self, since: Moment) -> Option<Says> {
        if !self.rests_on_service() {
            return Some(self.replaces());
        }
        let whole = self.service.told_since(since)?;
        Some(if whole { self.replaces() } else { self.replaces_at_worst() })
    }

    /// As [`replaces`](Self::replaces), where nobody can be asked: what was told before vouches for nothing.
    pub(crate) fn replaces_at_worst(&self) -> Says {
        if self.rests_on_service() && self.replaces() == Says::No { Says::Unknown } else { self.replaces() }
    }

    /// The group has the node in service.
    pub(crate) fn in_service(&self) -> Says {
        match self.place() {
            Place::Unknown | Place::Group { odd: true, .. } | Place::Group { state: None, .. } => Says::Unknown,
            Place::Alone | Place::Detached => Says::No,
            Place::Group { state: Some(state), .. } => Says::sure(state == "InService"),
        }
    }

    /// Which target groups an Auto Scaling group owns.
    pub(crate) fn owners(&self) -> Owners<'_> {
        Owners { attached: self.service.attached(), others: self.owns_others() }
    }

    /// One owns the membership in a target group that none is known to have attached.
    fn owns_others(&self) -> Says {
        match self.place() {
            Place::Alone => Says::No,
            // Once it has told what is attached, it has told all.
            Place::Detached | Place::Group { .. } if self.service.has_told() => Says::No,
            Place::Unknown => Says::Unknown,
            // What it had attached is not known: it may be any.
            Place::Detached => Says::Yes,
            Place::Group { .. } if self.service.asked_in_vain() => Says::Yes,
            Place::Group { .. } => Says::Unknown,
        }
    }

    /// The target groups that the group has attached.
    pub(crate) fn attached(&self) -> &BTreeSet<String> {
        self.service.attached()
    }

    /// The group that has the node, by what Auto Scaling has told.
    pub(crate) fn group_name(&self) -> Option<&str> {
        match self.service.told() {
            Some(Told::Group { name, .. }) => Some(name),
            Some(Told::Alone) | None => None,
        }
    }

    /// The group has it in Standby, or moves it there.
    pub(crate) fn in_standby(&self) -> bool {
        matches!(self.place(), Place::Group { state: Some("Standby" | "EnteringStandby"), odd: false })
    }

    /// It was detached, and kept.
    pub(crate) fn is_detached(&self) -> bool {
        matches!(self.place(), Place::Detached)
    }

    /// When the answer was asked for by which it stands where it stands.
    pub(crate) fn seen_at(&self) -> Moment {
        self.metadata.seen_at()
    }

    /// The node is being moved: where it is is looked at often.
    pub(crate) fn look_often(&mut self, desk: &Desk) {
        self.metadata.look_often(desk);
    }

    /// The node may be a target now, as far as the group goes. One that was detached is in no Auto Scaling group any
    /// more: it may be a target wherever none owns its membership.
    pub(crate) fn may_join(&self) -> Says {
        match self.place() {
            Place::Unknown | Place::Group { state: None, odd: false } => Says::Unknown,
            Place::Alone | Place::Detached => Says::Yes,
            Place::Group { odd: true, .. } => Says::No,
            Place::Group { state: Some(state), .. } => Says::sure(state == "InService"),
        }
    }

    /// Metadata were asked in vain, and have never told.
    pub(crate) fn asked_in_vain(&self) -> bool {
        self.metadata.asked_in_vain()
    }

    /// For people: where the group moves the machine.
    pub(crate) fn state(&self) -> Option<&str> {
        match self.place() {
            Place::Group { odd: true, .. } => self.metadata.odd(),
            Place::Group { state, .. } => state,
            Place::Detached => Some("Detached"),
            Place::Alone | Place::Unknown => None,
        }
    }

    /// `instance`: which machine this is, once that is known. `watched`: something stands that the group may not allow
    /// any more.
    pub(crate) fn step(&mut self, instance: Option<&str>, watched: bool, desk: &mut Desk) {
        self.metadata.step(desk);
        self.service.step(instance, watched, desk);
        self.note(desk);
    }

    fn note(&self, desk: &mut Desk) {
        if self.is_detached() {
            let what = "the node was detached from its Auto Scaling group: the target groups that were attached there \
                        have let it go";
            desk.finding(Finding::Detached, what);
        } else {
            desk.cured(Finding::Detached);
        }
    }

    /// Metadata has answered, or not. `known`: the identity is known; before that its own finding says more.
    pub(crate) fn on_lifecycle(&mut self, answer: Result<Option<String>, String>, known: bool, desk: &mut Desk) {
        if self.metadata.on_reply(answer, known, desk) {
            self.service.ask_soon(desk.now());
        }
    }

    /// Auto Scaling has answered, or not.
    pub(crate) fn on_scaling(&mut self, answer: Result<Option<ScalingSeen>, Trouble>, desk: &mut Desk) {
        self.service.on_reply(answer, self.metadata.shows_group(), desk);
    }
}
