//! This node's own targets: in which groups they belong, who owns each group, and what all of them together allow.
//!
//! It knows which machine this is, which groups are named (by configuration, else by the instance tag), what AWS says
//! of them and of this node's target in each, and which targets it has registered, over restarts. It decides when a
//! target is registered, deregistered or looked at, and sums the groups up for a drain. What it registered and nobody
//! names any more it takes out. It never touches another node's target, never re-adds a node that is leaving, and does
//! not decide whether the node should be in at all: that is the wish that it is handed.
//!
//! The heart calls `restore` once, `step`, the `on_…` for AWS's and metadata's answers, `begin_leaving`,
//! `begin_joining`, and reads the sums.

mod check;
mod ejection;
mod fit;
mod group;
mod guard;
mod hold;
mod instance;
mod joining;
mod named;
mod presence;
mod record;
mod sight;
mod standing;
mod sums;
mod taken;
#[cfg(test)]
mod tests;
mod trouble;
mod view;
mod view_words;

pub(crate) use fit::id_in;
pub(crate) use group::asks_agent;
pub(crate) use named::{listed_groups, named_groups, target_of};
pub(crate) use standing::owns;
pub(crate) use trouble::finding_of;

use crate::contract::{
    Answering, Call, Finding, GroupInputs, GroupSeen, GroupWanted, Identity, MembershipPolicy, Moment, NoteKind, Own,
    Ownership, Registered, Registrations, Says, Span, Target, TargetSeen, TargetState, TargetView, Trouble, Wish,
};
use crate::desk::{Backoff, Desk, Pace, Topic};
use ejection::Ejection;
use fit::lies_outside;
use group::{Group, LIMIT, Left, Standing};
use guard::Guard;
use hold::Hold;
use instance::Instance;
use joining::Joining;
use named::{costs, with_place};
use record::Record;
use std::collections::BTreeSet;
use trouble::{Asked, Troubles};

#[derive(Clone, Debug)]
pub(crate) struct Membership {
    instance: Instance,
    /// Those that are named or attached, in that order.
    groups: Vec<Group>,
    /// Those of other targets that were registered: their groups are no longer named, as far as is known.
    former: Vec<Group>,
    /// Those that are named; `None`: nobody knows yet which.
    named: Option<Vec<GroupWanted>>,
    /// What `groups` was made from: those, and what the Auto Scaling group has attached.
    listed: Vec<GroupWanted>,
    record: Record,
    last_key: u32,
    describe: Pace,
    describe_backoff: Backoff,
    /// A drain has begun and was not taken back.
    leaving: bool,
    /// Some group showed this node as a target since the start of the agent, or an earlier run had registered it.
    ever_member: bool,
    troubles: Troubles,
    guard: Guard,
    ejection: Ejection,
    joining: Joining,
    hold: Hold,
}

impl Membership {
    pub(crate) fn new(now: Moment, policy: &MembershipPolicy) -> Membership {
        Membership {
            instance: Instance::new(now, policy),
            groups: Vec::new(),
            former: Vec::new(),
            named: None,
            listed: Vec::new(),
            record: Record::default(),
            last_key: 0,
            describe: Pace::from(now),
            describe_backoff: Backoff::new(
                Span::secs(2).min(policy.reconcile_interval),
                policy.reconcile_interval.min(Span::secs(60)),
            ),
            leaving: false,
            ever_member: false,
            troubles: Troubles::default(),
            guard: Guard::new(now),
            ejection: Ejection::default(),
            joining: Joining::new(now),
            hold: Hold::default(),
        }
    }

    /// What an earlier run of the agent had registered.
    pub(crate) fn restore(&mut self, kept: Option<Registrations>) {
        self.record.restore(kept);
    }

    /// The groups, each once, whatever they are called; those too that are no longer named and still to be left.
    fn each(&self) -> impl Iterator<Item = &Group> {
        let named = self.groups.iter().filter(|group| !group.double);
        named.chain(self.former.iter().filter(|group| group.standing != Standing::Gone))
    }

    fn each_mut(&mut self) -> impl Iterator<Item = &mut Group> {
        self.groups.iter_mut().chain(&mut self.former)
    }

    fn group_mut(&mut self, key: u32) -> Option<&mut Group> {
        self.each_mut().find(|group| group.key == key)
    }

    /// A drain begins: what was confirmed before does not count for it.
    pub(crate) fn begin_leaving(&mut self, desk: &mut Desk) {
        self.leaving = true;
        self.instance.ask_soon(desk.now());
        for group in self.each_mut() {
            desk.take_back(&mut group.change);
            group.leaving_since = desk.now();
            group.left = Left::No;
            group.told_dry = false;
            group.change_backoff.reset();
            if !group.change.is_open() {
                group.change.plan(Moment(0));
            }
        }
    }

    /// Somebody has joined a drain that was cut short: what has failed until now is tried afresh.
    pub(crate) fn try_again(&mut self, now: Moment) {
        for group in self.each_mut().filter(|group| group.left == Left::Failing) {
            group.left = Left::No;
            group.change_backoff.reset();
            if !group.change.is_open() {
                group.change.plan(now);
            }
        }
    }

    /// A drain was taken back: look soon, instead of after the deregistration delay.
    pub(crate) fn begin_joining(&mut self, desk: &mut Desk) {
        self.leaving = false;
        for group in self.each_mut() {
            // An address that was taken out for nothing would stay out for its whole delay.
            desk.take_back(&mut group.change);
            group.left = Left::No;
            group.told_dry = false;
            group.look_soon(desk.now());
        }
    }

    /// Some group showed this node as a target since the start of the agent.
    pub(crate) fn ever_member(&self) -> bool {
        self.ever_member
    }

    /// Which machine this is, once metadata have answered.
    pub(crate) fn identity(&self) -> Option<&Identity> {
        self.instance.identity()
    }

    /// What people may know of each target.
    pub(crate) fn views(&self, own: Own, answering: Answering<'_>) -> Vec<TargetView> {
        self.each().map(|group| group.view(own, answering)).collect()
    }

    /// The identity was asked for.
    pub(crate) fn on_identity(&mut self, answer: Result<Identity, String>, desk: &mut Desk) {
        self.instance.on_identity(answer, desk);
    }

    /// The instance tag was asked for.
    pub(crate) fn on_tag(&mut self, answer: Result<Option<String>, String>, desk: &mut Desk) {
        self.instance.on_tag(answer, desk);
    }

    pub(crate) fn step(&mut self, inputs: &GroupInputs<'_>, wish: Wish, desk: &mut Desk) {
        self.instance.step(inputs.policy, self.groups.iter().any(|group| group.unfit), desk);
        self.remember(inputs, desk);
        self.name_groups(inputs, desk);
        self.own(inputs, desk);
        for group in self.groups.iter_mut().chain(&mut self.former) {
            let wanted = group.wish(wish, inputs.waits);
            group.step_taken(wish, desk);
            group.own(inputs, wanted, desk.now());
        }
        // By what is ours now: nobody need be woken to forget what is out.
        self.part(inputs, desk);
        if !self.groups.is_empty() && desk.due(&self.describe) {
            self.describe_groups(desk);
        }
        self.write_down(desk);
        let admits = self.step_joining(inputs, wish, desk);
        let mut changing: BTreeSet<String> = self.each_mut().filter_map(|group| group.changing()).collect();
        for group in self.groups.iter_mut().chain(&mut self.former) {
            // What one starts to change no other does.
            let turn = group.changing().is_some() || group.target.as_ref().is_none_or(|t| !changing.contains(&t.group));
            group.note_view(inputs, wish, desk);
            group.step(inputs, wish, turn, admits.then_some(&self.record), desk);
            changing.extend(group.changing());
        }
        let asked = self.fleet();
        self.guard.step(asked, desk);
    }

    /// What an earlier run had registered is ours still, once it is known which machine this is.
    fn remember(&mut self, inputs: &GroupInputs<'_>, desk: &mut Desk) {
        let Some(identity) = self.instance.identity() else { return };
        for Registered { target, ownership } in self.record.take(identity, desk) {
            self.instance.was(&target);
            if !self.instance.is(&target) {
                let Target { name, id, port, .. } = target;
                let text = format!("{id}:{port} in {name} was registered as this machine, which it is not: left alone");
                desk.tell(NoteKind::Notice, text);
                continue;
            }
            self.ever_member = true;
            if let Some(known) = self.each_mut().find(|group| group.is(&target)) {
                // A slow disk tells of what this run has found out by itself, and may be changing now.
                known.be_ours(desk.now());
                continue;
            }
            self.last_key += 1;
            let (group, port) = (target.group.clone(), Some(target.port));
            let wanted = GroupWanted { group, port, target_type: None, ownership };
            self.former.push(Group::remembered(self.last_key, wanted, target, desk, inputs.policy));
        }
    }

    /// The groups that are named, and those that the Auto Scaling group has attached: these are observed, named or not.
    fn name_groups(&mut self, inputs: &GroupInputs<'_>, desk: &mut Desk) {
        let named = named_groups(inputs.policy, self.instance.tag());
        let nobody = named.as_deref().is_some_and(<[_]>::is_empty) && inputs.owners.attached.is_empty();
        if nobody {
            desk.finding(Finding::NoTargetGroup, "no target group is named: only /health is served");
        } else if named.is_some() {
            desk.cured(Finding::NoTargetGroup);
        }
        let listed = listed_groups(named.as_deref().unwrap_or_default(), inputs.owners.attached);
        let known = (self.named.as_deref(), self.listed.as_slice()) == (named.as_deref(), listed.as_slice());
        self.named = named.map(std::borrow::Cow::into_owned);
        if known {
            return;
        }
        // Only the tag, and what is attached, can change while running.
        let mut known = std::mem::take(&mut self.groups);
        for wanted in &listed {
            let group = match known.iter().position(|g| g.wanted == *wanted) {
                Some(at) => known.remove(at),
                None => {
                    self.last_key += 1;
                    Group::new(self.last_key, wanted.clone(), desk, inputs.policy)
                }
            };
            self.groups.push(group);
        }
        let leaving = self.leaving;
        known.retain_mut(|group| group.retire(leaving, desk));
        self.former.extend(known);
        self.listed = listed;
        // An open question is about the old names.
        desk.disown(&mut self.describe);
        self.describe.plan(desk.now() + desk.upto(Span::millis(500)));
    }

    /// Who acts for each group, and as which target.
    fn own(&mut self, inputs: &GroupInputs<'_>, desk: &mut Desk) {
        let mut claimed: Vec<Target> = Vec::new();
        let mut rest = self.groups.as_mut_slice();
        while let Some((group, later)) = rest.split_first_mut() {
            rest = later;
            let Some(identity) = self.instance.identity() else { continue };
            let (id, unfit) = match id_in(&group.wanted, group.facts.as_ref(), identity) {
                Some(Err(unfit)) => (None, Some(unfit)),
                id => (id.and_then(Result::ok), None),
            };
            let meant = id.and_then(|id| target_of(&group.wanted, group.facts.as_ref(), id));
            if group.target.is_some() && (unfit.is_some() || meant.as_ref().is_some_and(|target| !group.is(target))) {
                // The name means another group now: what is known is about the old one.
                self.last_key += 1;
                let anew = group.anew(self.last_key, desk, inputs.policy);
                let mut old = std::mem::replace(group, anew);
                if old.retire(self.leaving, desk) {
                    self.former.push(old);
                }
            }
            group.note_fit(unfit, desk);
            group.outside = lies_outside(&group.wanted, group.facts.as_ref(), identity);
            let Some(target) = meant else { continue };
            let double = claimed.iter().any(|other| other.is(&target));
            if !double && let Some(at) = self.former.iter().position(|former| former.is(&target)) {
                let former = self.former.swap_remove(at);
                group.take_over(former, desk);
            } else if !double && let Some(other) = rest.iter_mut().find(|other| other.is(&target)) {
                // A name that comes first now: it acts, by all that was known under the other one.
                self.last_key += 1;
                let anew = other.anew(self.last_key, desk, inputs.policy);
                group.take_over(std::mem::replace(other, anew), desk);
            }
            group.be(target.clone(), double, desk);
            claimed.push(target);
        }
        for group in &mut self.groups {
            group.settle(owns(group.wanted.ownership, group.arn(), inputs.owners));
            group.note_owner(inputs.owners, desk);
        }
        // Where the agent is told to look only, it does; but a name that leads nowhere, and is ours, may mean it.
        let may_be_named = self.groups.iter().any(|group| group.owned && group.is_open());
        let looks_only = inputs.policy.ownership == Ownership::Observe && !may_be_named;
        // Nor does it act where a name that is to be observed only leads nowhere yet: that one may mean it, too.
        let observed = |g: &Group| g.wanted.ownership == Ownership::Observe && !g.wanted.group.starts_with("arn:");
        let may_be_observed = self.groups.iter().any(|g| g.is_open() && observed(g));
        for group in &mut self.former {
            let known = owns(group.wanted.ownership, group.arn(), inputs.owners);
            let owned = if may_be_observed { Says::Unknown } else { known };
            group.settle(if looks_only { Says::No } else { owned });
        }
    }

    /// What was registered and is no longer named is left; what is out is forgotten.
    fn part(&mut self, inputs: &GroupInputs<'_>, desk: &mut Desk) {
        // A name that leads nowhere may be a slip of the pen, and mean what was registered.
        let open = self.named.is_none() || self.groups.iter().any(Group::is_open);
        for group in &mut self.former {
            let Some(target) = group.target.clone() else { continue };
            let before = group.standing;
            group.stands(open, self.leaving, desk);
            if group.standing == Standing::Out && before != Standing::Out {
                let verb = if group.owned && !inputs.dry_run { "is taken out" } else { "is not ours to take out" };
                let Target { name, id, port, .. } = target;
                desk.tell(NoteKind::Notice, format!("{name} is no longer named: {id}:{port} {verb}"));
            }
        }
        self.former.retain(|group| group.standing != Standing::Gone || group.drains(desk));
        let (groups, former) = (&self.groups, &self.former);
        let there = |key: u32| key == 0 || groups.iter().chain(former).any(|group| group.key == key);
        self.troubles.retain(there, desk);
    }

    /// Which targets are ours stands on disk before one is registered.
    fn write_down(&mut self, desk: &mut Desk) {
        let Some(identity) = self.instance.identity() else { return };
        let ours = self.groups.iter().chain(&self.former).filter(|group| group.ours);
        let registered =
            |group: &Group| Some(Registered { target: group.target.clone()?, ownership: group.wanted.ownership });
        let mut targets: Vec<Registered> = ours.filter_map(registered).collect();
        targets.sort();
        self.record.step(targets, identity, desk);
    }

    /// It was tried to write them down.
    pub(crate) fn on_written(&mut self, written: Result<(), String>, desk: &mut Desk) {
        self.record.on_written(written, desk);
    }

    fn describe_groups(&mut self, desk: &mut Desk) {
        let mut names: Vec<String> = self.groups.iter().map(|group| group.configured_name().to_owned()).collect();
        let mut seen = BTreeSet::new();
        names.retain(|name| seen.insert(name.clone()));
        // Each by itself, and then its attributes.
        if let Err(at) = desk.may_look(Topic::Groups, 2 * names.len()) {
            self.describe.plan(at);
            return;
        }
        desk.ask(&mut self.describe, Topic::Groups, Call::DescribeGroups(names), LIMIT);
    }

    pub(crate) fn on_groups(
        &mut self,
        answer: Result<Vec<GroupSeen>, Trouble>,
        policy: &MembershipPolicy,
        answering: Answering<'_>,
        desk: &mut Desk,
    ) {
        self.troubles.note((Asked::Groups, 0, ""), answer.as_ref().err(), "", desk);
        let answered = answer.is_ok();
        let read = answer.is_ok_and(|found| self.read_groups(&found, desk));
        let wait = desk.wait_or(!read, &mut self.describe_backoff, policy.reconcile_interval);
        self.describe.done(desk.now() + wait);
        if answered {
            self.note_missing(desk);
            self.note_elsewhere(answering, desk);
        }
    }

    /// Takes in what AWS says of each group by itself. True if it said something of each.
    fn read_groups(&mut self, found: &[GroupSeen], desk: &mut Desk) -> bool {
        let mut all = true;
        for group in &mut self.groups {
            let name = group.configured_name().to_owned();
            let about = |seen: &&GroupSeen| match &seen.facts {
                Ok(facts) => facts.arn == name || facts.name == name,
                Err(_) => seen.asked == name,
            };
            let seen = found.iter().find(about);
            let trouble = seen.and_then(|seen| seen.facts.as_ref().err());
            group.nowhere = seen.is_none();
            all &= trouble.is_none();
            let costs = costs(&group.wanted, group.target.is_some());
            self.troubles.note((Asked::Groups, group.key, &name), trouble, &costs, desk);
            if let Some(facts) = seen.and_then(|seen| seen.facts.as_ref().ok()) {
                group.facts = Some(facts.clone());
                let lacking = seen.and_then(|seen| seen.lacking.as_ref());
                self.troubles.note((Asked::Attributes, group.key, &name), lacking, "", desk);
            }
        }
        all
    }

    fn note_missing(&self, desk: &mut Desk) {
        let missing = self.groups.iter().filter(|group| group.nowhere).map(Group::configured_name);
        let missing: Vec<String> = missing.map(|name| with_place(name, self.instance.identity())).collect();
        if missing.is_empty() {
            desk.cured(Finding::TargetGroupMissing);
        } else {
            desk.finding(
                Finding::TargetGroupMissing,
                format!("no such target group in this region: {}", missing.join(", ")),
            );
        }
    }

    fn note_elsewhere(&self, answering: Answering<'_>, desk: &mut Desk) {
        let elsewhere = |g: &&Group| g.facts.as_ref().is_some_and(|f| !asks_agent(f, answering));
        match self.groups.iter().find(elsewhere).and_then(|g| g.facts.as_ref()) {
            Some(f) => desk.finding(
                Finding::HealthCheckElsewhere,
                format!(
                    "{} asks {}{}{}, not this agent at port {} and path {}",
                    f.name,
                    f.check_port.map_or("the traffic port".to_string(), |p| format!("port {p}")),
                    f.check_path,
                    if f.check_has_query { " (with a query, which is not shown: it may hold a token)" } else { "" },
                    answering.port,
                    answering.paths.first().map(String::as_str).unwrap_or_default(),
                ),
            ),
            None => desk.cured(Finding::HealthCheckElsewhere),
        }
    }

    fn note_idle(&self, desk: &mut Desk) {
        let idle = self.each().filter_map(Group::idle).collect::<Vec<_>>().join("; ");
        if idle.is_empty() {
            desk.cured(Finding::TargetNotInUse);
        } else {
            desk.finding(Finding::TargetNotInUse, idle);
        }
    }

    pub(crate) fn on_target(
        &mut self,
        key: u32,
        answer: Result<TargetSeen, Trouble>,
        policy: &MembershipPolicy,
        desk: &mut Desk,
    ) {
        let (leaving, rest) = (self.leaving, self.rest(policy));
        let name = self.name_of(key);
        self.troubles.note((Asked::Target, key, &name), answer.as_ref().err(), "", desk);
        let Some(group) = self.group_mut(key) else { return };
        match answer {
            Ok(seen) => {
                let member = seen.state != TargetState::Absent;
                group.note_taken(&seen.state, leaving, rest, desk);
                group.on_seen(seen, leaving, policy, desk);
                if group.joining != group.is_out() && !group.change.is_open() {
                    self.troubles.overtaken(key, desk);
                }
                self.ever_member |= member;
                self.note_idle(desk);
            }
            Err(why) => group.on_unseen(why.kind, desk),
        }
    }

    pub(crate) fn on_change(&mut self, key: u32, answer: Result<String, Trouble>, desk: &mut Desk) {
        let name = self.name_of(key);
        self.troubles.note((Asked::Change, key, &name), answer.as_ref().err(), "", desk);
        let Some(group) = self.group_mut(key) else { return };
        let joined = answer.is_ok() && group.joining;
        group.on_change(answer, desk);
        self.ever_member |= joined;
    }
}
