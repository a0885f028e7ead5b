//! This node's own targets: in which groups they belong, who owns each group, and what all of them together allow.
//!
//! It knows which machine this is, which groups are named (by configuration, else by the instance tag), what AWS says
//! of them and of this node's target in each. It decides when a target is registered, deregistered or looked at, and
//! sums the groups up for a drain. It never touches another node's target, never re-adds a node that is leaving, and
//! does not decide whether the node should be in at all: that is the wish that it is handed.
//!
//! The heart calls `step`, the `on_…` for AWS's and metadata's answers, `begin_leaving`, `begin_joining`, and reads
//! the sums.

mod group;
mod instance;

use crate::contract::{
    Answering, Call, Deregistered, Finding, GroupFacts, GroupInputs, GroupLeft, GroupWanted, GroupsLeaving, Identity,
    MembershipPolicy, Moment, Ownership, Span, Target, TargetSeen, TargetState, TargetType, TargetView, Trouble,
    TroubleKind, Wish,
};
use crate::desk::{Backoff, Desk, Pace, Topic};
use group::{Group, LIMIT, Left, Presence, UNREAD_DELAY, UNREAD_DETECTION, asks_agent};
use instance::Instance;
use std::borrow::Cow;
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
pub(crate) struct Membership {
    instance: Instance,
    groups: Vec<Group>,
    /// The names that `groups` was made from.
    named: Vec<String>,
    last_key: u32,
    describe: Pace,
    describe_backoff: Backoff,
    /// Some group showed this node as a target since the start of the agent.
    ever_member: bool,
    /// What met trouble last, about which group, and the finding that stands for it.
    troubles: BTreeMap<(Asked, u32), (Finding, String)>,
}

/// What was asked when AWS made trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    /// What the groups are like.
    Groups,
    /// How this node's target is.
    Target,
    /// To be put in or taken out.
    Change,
}

impl Asked {
    /// Tells findings of the same word apart: what was asked, and what came.
    fn subject(self, text: &str) -> String {
        match self {
            Asked::Groups => format!("groups: {text}"),
            Asked::Target => format!("target: {text}"),
            Asked::Change => format!("change: {text}"),
        }
    }
}

impl Membership {
    pub(crate) fn new(now: Moment, policy: &MembershipPolicy) -> Membership {
        Membership {
            instance: Instance::new(now),
            groups: Vec::new(),
            named: Vec::new(),
            last_key: 0,
            describe: Pace::from(now),
            describe_backoff: Backoff::new(
                Span::secs(2).min(policy.reconcile_interval),
                policy.reconcile_interval.min(Span::secs(60)),
            ),
            ever_member: false,
            troubles: BTreeMap::new(),
        }
    }

    /// The groups, each once, whatever they are called.
    fn each(&self) -> impl Iterator<Item = &Group> {
        self.groups.iter().filter(|group| !group.double)
    }

    /// How far the node's groups have let it go.
    /// `refusing`: since when `/health` has said 503.
    pub(crate) fn leaving(&self, refusing: Option<Moment>, dry_run: bool) -> GroupsLeaving {
        GroupsLeaving {
            tried: self.all_tried(refusing),
            outcome: self.deregistered(refusing, dry_run),
            unconfirmed_floor: self.unconfirmed_floor(refusing),
            longest_delay: self.longest_delay(),
        }
    }

    /// The longest deregistration delay of the node's groups.
    fn longest_delay(&self) -> Span {
        self.each().map(Group::delay).max().unwrap_or(UNREAD_DELAY)
    }

    /// What came of deregistering, once there is nothing left to be done.
    fn deregistered(&self, refusing: Option<Moment>, dry_run: bool) -> Option<Deregistered> {
        // Where it cannot be a target, it need not leave.
        let mut possible = self.each().filter(|g| !g.no_address).peekable();
        let none = possible.peek().is_none();
        let mut owned = possible.filter(|g| g.owned).peekable();
        if none {
            Some(Deregistered::NoGroup)
        } else if owned.peek().is_none() {
            Some(Deregistered::Observed)
        } else if dry_run {
            Some(Deregistered::DryRun)
        } else {
            let gone = self.each().any(|g| g.owned && g.left == Left::NoGroup);
            let done = if gone { Deregistered::GroupGone } else { Deregistered::Done };
            owned.all(|g| g.has_left(refusing)).then_some(done)
        }
    }

    /// Every owned group was tried at least once.
    fn all_tried(&self, refusing: Option<Moment>) -> bool {
        self.groups.iter().filter(|g| g.owned && g.target.is_some()).all(|g| g.left != Left::No || g.has_left(refusing))
    }

    /// The longest time in which some balancer may not have noticed that we leave.
    fn unconfirmed_floor(&self, refusing: Option<Moment>) -> Option<Span> {
        if self.groups.is_empty() {
            // Some balancer may ask all the same (HAProxy, a group that nobody named to us).
            return Some(UNREAD_DETECTION);
        }
        self.each().filter(|g| g.presence(refusing) != Presence::Out).map(Group::detection).max()
    }

    /// A drain begins: what was confirmed before does not count for it.
    pub(crate) fn begin_leaving(&mut self, now: Moment) {
        for group in &mut self.groups {
            group.leaving_since = now;
            group.left = Left::No;
            group.told_dry = false;
            group.change_backoff.reset();
            if !group.change.is_open() {
                group.change.plan(Moment(0));
            }
        }
    }

    /// A drain was taken back: look soon, instead of after the deregistration delay.
    pub(crate) fn begin_joining(&mut self, now: Moment) {
        for group in &mut self.groups {
            group.left = Left::No;
            group.told_dry = false;
            group.look_soon(now);
        }
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

    /// Some group showed this node as a target since the start of the agent.
    pub(crate) fn ever_member(&self) -> bool {
        self.ever_member
    }

    /// Which machine this is, once metadata have answered.
    pub(crate) fn identity(&self) -> Option<&Identity> {
        self.instance.identity()
    }

    /// What people may know of each target.
    pub(crate) fn views(&self, answering: Answering<'_>) -> Vec<TargetView> {
        self.each().map(|group| group.view(answering)).collect()
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
        self.instance.step(inputs.policy, desk);
        self.name_groups(inputs, desk);
        self.own(inputs, desk);
        if !self.named.is_empty() && desk.due(&self.describe) {
            self.describe_groups(desk);
        }
        for group in &mut self.groups {
            group.step(inputs, wish, desk);
        }
    }

    /// Configuration first, else the tag: one image serves every cluster, and a file on a node still wins.
    fn name_groups(&mut self, inputs: &GroupInputs<'_>, desk: &mut Desk) {
        let wanted = if inputs.policy.groups.is_empty() {
            from_tag(inputs.policy, self.instance.tag()).map(Cow::Owned)
        } else {
            Some(Cow::Borrowed(&inputs.policy.groups))
        };
        let Some(wanted) = wanted else { return };
        if wanted.is_empty() {
            desk.finding(Finding::NoTargetGroup, "no target group is named: only /health is served");
        } else {
            desk.cured(Finding::NoTargetGroup);
        }
        let names = wanted.iter().map(|w| &w.group);
        if names.clone().ne(&self.named) {
            self.named = names.cloned().collect();
            // Only the tag can change while running; a group that is no longer named is left alone, not left.
            let mut known = std::mem::take(&mut self.groups);
            for wanted in wanted.into_owned() {
                let group = match known.iter().position(|g| g.wanted == wanted) {
                    Some(at) => known.swap_remove(at),
                    None => {
                        self.last_key += 1;
                        Group::new(self.last_key, wanted, desk, inputs.policy)
                    }
                };
                self.groups.push(group);
            }
            for facts in known.iter().filter_map(|gone| gone.facts.as_ref()) {
                desk.cured_of(Finding::AddressMissing, &facts.arn);
            }
            // An open question is about the old names.
            desk.disown(&mut self.describe);
            self.describe.plan(desk.now() + desk.upto(Span::millis(500)));
        }
    }

    /// Who acts for each group, and as which target.
    fn own(&mut self, inputs: &GroupInputs<'_>, desk: &mut Desk) {
        let mut claimed = Vec::new();
        for group in &mut self.groups {
            group.owned = match group.wanted.ownership {
                Ownership::Own => true,
                Ownership::Observe => false,
                Ownership::Auto => inputs.alone,
            };
            let (Some(facts), Some(identity)) = (&group.facts, self.instance.identity()) else { continue };
            group.kind = group.wanted.target_type.or(facts.target_type);
            let id = match group.kind {
                Some(TargetType::Instance) => Some(identity.instance_id.clone()),
                Some(TargetType::Ip) => identity.private_ip.clone(),
                None => continue,
            };
            group.no_address = id.is_none();
            let Some(id) = id else {
                let what = format!("{} registers addresses, and this machine has no private IPv4 address", facts.name);
                desk.finding_of(Finding::AddressMissing, &facts.arn, what);
                continue;
            };
            desk.cured_of(Finding::AddressMissing, &facts.arn);
            let port = group.wanted.port.unwrap_or(facts.port);
            let target = Target { group: facts.arn.clone(), name: facts.name.clone(), id, port };
            group.be(target, &mut claimed, desk);
        }
    }

    fn describe_groups(&mut self, desk: &mut Desk) {
        if let Err(at) = desk.may_look() {
            self.describe.plan(at);
            return;
        }
        let call = Call::DescribeGroups(self.named.clone());
        desk.ask(&mut self.describe, Topic::Groups, call, LIMIT);
    }

    pub(crate) fn on_groups(
        &mut self,
        answer: Result<Vec<GroupFacts>, Trouble>,
        policy: &MembershipPolicy,
        answering: Answering<'_>,
        desk: &mut Desk,
    ) {
        self.note_trouble(Asked::Groups, 0, answer.as_ref().err(), desk);
        match answer {
            Ok(found) => {
                self.describe_backoff.reset();
                self.describe.done(desk.now() + desk.around(policy.reconcile_interval));
                for group in &mut self.groups {
                    let name = &group.wanted.group;
                    if let Some(facts) = found.iter().find(|f| f.arn == *name || f.name == *name) {
                        group.facts = Some(facts.clone());
                    }
                }
                self.note_missing(desk);
                self.note_elsewhere(answering, desk);
            }
            Err(_) => self.describe.done(desk.now() + desk.wait(&mut self.describe_backoff)),
        }
    }

    fn note_missing(&self, desk: &mut Desk) {
        let missing: Vec<&str> =
            self.groups.iter().filter(|g| g.facts.is_none()).map(|g| g.wanted.group.as_str()).collect();
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

    /// Trouble belongs to what was asked, and to the group that it was asked about: another's success cures nothing.
    /// The same trouble with several groups is one finding, told once.
    fn note_trouble(&mut self, asked: Asked, key: u32, trouble: Option<&Trouble>, desk: &mut Desk) {
        let new = trouble.map(trouble_words);
        let before = match &new {
            Some((word, text)) => {
                desk.finding_of(*word, &asked.subject(text), text);
                self.troubles.insert((asked, key), (*word, text.clone()))
            }
            None => self.troubles.remove(&(asked, key)),
        };
        let still = |old: &(Finding, String)| self.troubles.iter().any(|((of, _), now)| *of == asked && now == old);
        if let Some((word, text)) = before.filter(|old| !still(old)) {
            desk.cured_of(word, &asked.subject(&text));
        }
    }

    fn note_idle(&self, desk: &mut Desk) {
        let idle = self.groups.iter().find_map(|g| {
            g.seen.as_ref().map(|sight| (g, &sight.target)).filter(|(_, seen)| seen.state == TargetState::Idle)
        });
        match idle {
            Some((group, seen)) => {
                desk.finding(Finding::TargetNotInUse, format!("{}: {}", group.configured_name(), seen.description))
            }
            None => desk.cured(Finding::TargetNotInUse),
        }
    }

    pub(crate) fn on_target(
        &mut self,
        key: u32,
        answer: Result<TargetSeen, Trouble>,
        policy: &MembershipPolicy,
        desk: &mut Desk,
    ) {
        self.note_trouble(Asked::Target, key, answer.as_ref().err(), desk);
        let Some(group) = self.groups.iter_mut().find(|g| g.key == key) else { return };
        match answer {
            Ok(seen) => {
                if !matches!(seen.state, TargetState::Absent) {
                    self.ever_member = true;
                }
                group.on_seen(seen, policy, desk);
                self.note_idle(desk);
            }
            Err(why) => {
                group.unreadable = why.kind == TroubleKind::Denied;
                group.look.done(desk.now() + desk.wait(&mut group.look_backoff));
            }
        }
    }

    pub(crate) fn on_change(&mut self, key: u32, answer: Result<String, Trouble>, desk: &mut Desk) {
        self.note_trouble(Asked::Change, key, answer.as_ref().err(), desk);
        let Some(group) = self.groups.iter_mut().find(|g| g.key == key) else { return };
        if answer.is_ok() && group.joining {
            self.ever_member = true;
        }
        group.on_change(answer, desk);
    }
}

/// The groups that the tag names; `None`: it has not answered yet.
fn from_tag(policy: &MembershipPolicy, tag: Option<&str>) -> Option<Vec<GroupWanted>> {
    if policy.discover_tag.is_none() {
        return Some(Vec::new());
    }
    let names = tag?.split_whitespace();
    Some(
        names
            .map(|name| GroupWanted {
                group: name.to_string(),
                port: None,
                target_type: None,
                ownership: policy.ownership,
            })
            .collect(),
    )
}

/// The finding for a kind of trouble, and its text.
fn trouble_words(trouble: &Trouble) -> (Finding, String) {
    let Trouble { action, text, .. } = trouble;
    match trouble.kind {
        TroubleKind::Denied => {
            let action = if action.is_empty() { "a call" } else { action };
            (Finding::PermissionMissing, format!("AWS denied {action} ({text})"))
        }
        TroubleKind::Throttled => {
            (Finding::AwsThrottled, format!("AWS throttles this account: waiting longer ({text})"))
        }
        TroubleKind::Credentials => {
            (Finding::CredentialsRejected, format!("AWS does not accept the credentials ({text})"))
        }
        TroubleKind::Unavailable => {
            (Finding::AwsUnreachable, format!("AWS does not answer: membership stays as it is ({text})"))
        }
        TroubleKind::NotFound | TroubleKind::InvalidTarget | TroubleKind::Refused => {
            (Finding::AwsRefused, text.clone())
        }
    }
}
