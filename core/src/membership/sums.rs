//! What all groups together tell a drain, and its receipt.
//!
//! It sums up what each group says of itself, and changes nothing.

use super::Membership;
use super::group::{Group, Left, UNREAD_CHECK, UNREAD_DELAY, UNREAD_DETECTION};
use super::sight::Presence;
use crate::contract::{Deregistered, GroupLeft, GroupsLeaving, Moment, Span, TargetState};
use crate::desk::Desk;
use std::collections::BTreeSet;

impl Membership {
    /// How far the node's groups have let it go.
    /// `refusing`: since when `/health` has said 503. `in_vain`: metadata do not tell of an Auto Scaling group.
    pub(crate) fn leaving(&self, refusing: Option<Moment>, in_vain: bool, dry_run: bool) -> GroupsLeaving {
        let (named, settled) = (self.named.is_some(), self.each().all(|group| group.settled));
        let unread = self.record.is_unread();
        let asked = (named || self.instance.tag_failed())
            && (settled || in_vain)
            && (!unread || self.instance.identity_failed());
        GroupsLeaving {
            tried: asked && self.all_tried(refusing),
            settled: named && settled && !unread,
            outcome: self.deregistered(refusing, dry_run),
            back: !dry_run && self.each().any(|g| g.owned && g.is_back(refusing)),
            unconfirmed_floor: self.unconfirmed_floor(refusing),
            longest_delay: self.longest_delay(),
        }
    }

    /// The longest deregistration delay of the node's groups.
    pub(super) fn longest_delay(&self) -> Span {
        self.each().map(Group::delay).max().unwrap_or(UNREAD_DELAY)
    }

    /// Of the groups that the Auto Scaling group has attached none shows a target that gets new requests.
    pub(crate) fn attached_out(&self, attached: &BTreeSet<String>) -> bool {
        let here = |group: &&Group| group.arn().is_some_and(|arn| attached.contains(arn));
        let out = |group: &Group| {
            matches!(group.state(), Some(TargetState::Leaving | TargetState::Absent | TargetState::Idle))
        };
        self.each().filter(here).all(out)
    }

    /// Where the targets stand is looked at often.
    pub(crate) fn look_often(&mut self, desk: &mut Desk) {
        self.each_mut().filter(|group| !group.owned).for_each(|group| group.look_often(desk));
    }

    /// Between two health checks of the slowest group.
    pub(crate) fn longest_check(&self) -> Span {
        let of = |group: &Group| group.facts.as_ref().map(|facts| Span::secs(facts.check_interval_secs));
        self.each().filter_map(of).max().unwrap_or(UNREAD_CHECK)
    }

    /// The longest time that a balancer needs to see a 503.
    pub(super) fn longest_detection(&self) -> Span {
        self.each().map(Group::detection).max().unwrap_or(UNREAD_DETECTION)
    }

    /// What came of deregistering, once there is nothing left to be done.
    fn deregistered(&self, refusing: Option<Moment>, dry_run: bool) -> Option<Deregistered> {
        if self.record.is_unread() {
            // There are targets, and they may be this machine's.
            return None;
        }
        // Where it cannot be a target, it need not leave: what it had registered there has a group of its own.
        let mut possible = self.each().filter(|g| !g.unfit).peekable();
        let none = possible.peek().is_none();
        let mut owned = possible.filter(|g| g.owned).peekable();
        if none {
            Some(Deregistered::NoGroup)
        } else if owned.peek().is_none() {
            Some(Deregistered::Observed)
        } else if dry_run {
            Some(Deregistered::DryRun)
        } else {
            let gone = self.each().any(|g| g.owned && g.has_no_group());
            let done = if gone { Deregistered::GroupGone } else { Deregistered::Done };
            owned.all(|g| g.has_left(refusing)).then_some(done)
        }
    }

    /// Every owned group was tried at least once.
    fn all_tried(&self, refusing: Option<Moment>) -> bool {
        self.each().filter(|g| g.owned && g.target.is_some()).all(|g| g.left != Left::No || g.has_left(refusing))
    }

    /// The longest time in which some balancer may not have noticed that we leave.
    fn unconfirmed_floor(&self, refusing: Option<Moment>) -> Option<Span> {
        if self.each().next().is_none() {
            // Some balancer may ask all the same (HAProxy, a group that nobody named to us).
            return Some(UNREAD_DETECTION);
        }
        self.each().filter(|g| g.presence(refusing) != Presence::Out).map(Group::detection).max()
    }

    /// The groups as a receipt names them.
    pub(crate) fn left_groups(&self) -> Vec<GroupLeft> {
        let left = |g: &Group| {
            let target = g.target.as_ref()?;
            let request_id = match &g.left {
                Left::Confirmed(id) => id.clone(),
                Left::No | Left::Failing | Left::NoGroup => None,
            };
            let deregistered = matches!(g.left, Left::Confirmed(_));
            Some(GroupLeft { arn: target.group.clone(), port: target.port, deregistered, request_id })
        };
        self.each().filter_map(left).collect()
    }

    /// As people know the group of this key; nothing where there is none any more.
    pub(super) fn name_of(&self, key: u32) -> String {
        let group = self.groups.iter().chain(&self.former).find(|group| group.key == key);
        group.map(|group| group.configured_name().to_owned()).unwrap_or_default()
    }
}
