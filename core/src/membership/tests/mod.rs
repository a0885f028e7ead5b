//! The room by itself, before a small AWS: what is wanted of it, against what it asks for, does and says.

mod attached;
mod change;
mod fit;
mod joining;
mod names;
mod sums;
mod taken;
mod told;
mod view;

use super::*;
use crate::contract::{
    CallId, Command, Deregistered, Family, GroupFacts, GroupsLeaving, Hook, HookPolicy, Owners, TargetReason,
    TargetType, TroubleKind,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

const BEGUN: Moment = Moment(1_000_000);
const MINUTE: Span = Span::secs(60);
/// In which the room must have decided all that it can.
const ROUNDS: u32 = 100;
/// More than any span of these tests takes.
const TURNS: u32 = 10_000;
const HOUR: Span = Span::secs(3_600);
const INSTANCE: &str = "i-0123456789abcdef0";
const ADDRESS: &str = "10.0.0.7";

fn arn(name: &str) -> String {
    format!("arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/{name}/0")
}

fn trouble(kind: TroubleKind, action: &str) -> Trouble {
    Trouble { kind, action: action.into(), text: "told so".into() }
}

fn wanted(name: &str, ownership: Ownership) -> GroupWanted {
    GroupWanted { group: name.into(), port: None, target_type: None, ownership }
}

/// Named by the configuration, and ours to act in.
fn configured(names: &[&str]) -> MembershipPolicy {
    let groups = names.iter().map(|name| wanted(name, Ownership::Own)).collect();
    MembershipPolicy { groups, reconcile_interval: MINUTE, ..MembershipPolicy::default() }
}

/// Named by the instance tag, and ours to act in.
fn by_tag() -> MembershipPolicy {
    MembershipPolicy { ownership: Ownership::Own, ..configured(&[]) }
}

/// Named by the configuration so that AWS need not be asked what it is like.
fn described(name: &str) -> MembershipPolicy {
    let group =
        GroupWanted { port: Some(4440), target_type: Some(TargetType::Instance), ..wanted(&arn(name), Ownership::Own) };
    MembershipPolicy { groups: vec![group], ..configured(&[]) }
}

/// What an earlier run has registered.
fn registered(name: &str, id: &str) -> Registrations {
    let target = Target { group: arn(name), name: name.into(), id: id.into(), port: 4440 };
    Registrations { instance: INSTANCE.into(), targets: vec![Registered { target, ownership: Ownership::Own }] }
}

/// What AWS and metadata answer.
struct Aws {
    identity: Result<Identity, String>,
    tag: Result<Option<String>, String>,
    /// How the operator's commands end.
    hook: Result<(), String>,
    kind: TargetType,
    /// Of the addresses that groups take, and the VPC of a group where it is told.
    family: Option<Family>,
    vpcs: BTreeMap<String, String>,
    /// Groups that were made anew, under the same name, have another ARN.
    anew: BTreeMap<String, String>,
    /// There is no group of these names.
    nowhere: BTreeSet<String>,
    /// What asking about a group, its target or a change of it comes to.
    groups: BTreeMap<String, TroubleKind>,
    looks: BTreeMap<String, TroubleKind>,
    changes: BTreeMap<String, TroubleKind>,
    /// How the target is, by the ARN of its group; else it is not there.
    states: BTreeMap<String, TargetState>,
    /// Why it is so.
    because: TargetReason,
}

impl Aws {
    fn arn(&self, name: &str) -> String {
        self.anew.get(name).cloned().unwrap_or_else(|| arn(name))
    }

    fn group(&self, asked: &str) -> Option<GroupSeen> {
        let name = asked.split('/').nth(1).unwrap_or(asked).to_owned();
        if self.nowhere.contains(&name) {
            return None;
        }
        if let Some(kind) = self.groups.get(&name) {
            let facts = Err(trouble(*kind, "elb:DescribeGroups"));
            return Some(GroupSeen { asked: asked.into(), facts, lacking: None });
        }
        let facts = GroupFacts {
            arn: self.arn(&name),
            vpc: self.vpcs.get(&name).cloned(),
            name,
            port: 4440,
            target_type: Some(self.kind),
            delay_secs: 60,
            check_interval_secs: 10,
            check_timeout_secs: 7,
            unhealthy_threshold: 2,
            healthy_threshold: 2,
            check_https: false,
            matcher: "200".into(),
            passes_200: true,
            check_port: Some(4441),
            check_path: "/health".into(),
            check_has_query: false,
            family: self.family,
        };
        Some(facts.into())
    }

    fn state(&self, of: &Target) -> TargetState {
        self.states.get(&of.group).cloned().unwrap_or(TargetState::Absent)
    }
}

/// The room, and what is wanted of it.
struct Stand {
    room: Membership,
    desk: Desk,
    aws: Aws,
    policy: MembershipPolicy,
    hooks: HookPolicy,
    wish: Wish,
    dry_run: bool,
    attached: BTreeSet<String>,
    others: Says,
    refusing: Option<Moment>,
    /// Since when it says 200, where it does.
    serving: Moment,
    /// Calls of these kinds stay open.
    mute: fn(&Call) -> bool,
    open: Vec<(CallId, Call)>,
    /// Every call so far, and every line for people.
    sent: Vec<Call>,
    told: Vec<String>,
}

impl Stand {
    /// No earlier run has left anything behind.
    fn new(policy: MembershipPolicy) -> Stand {
        let mut stand = Stand::unread(policy);
        stand.room.restore(None);
        stand
    }

    /// What one has is not read yet.
    fn unread(policy: MembershipPolicy) -> Stand {
        let identity = Identity {
            instance_id: INSTANCE.into(),
            private_ip: Some(ADDRESS.into()),
            region: "eu-central-1".into(),
            zone: "eu-central-1a".into(),
            ..Identity::default()
        };
        let aws = Aws {
            identity: Ok(identity),
            tag: Ok(None),
            hook: Ok(()),
            kind: TargetType::Instance,
            family: None,
            vpcs: BTreeMap::new(),
            anew: BTreeMap::new(),
            nowhere: BTreeSet::new(),
            groups: BTreeMap::new(),
            looks: BTreeMap::new(),
            changes: BTreeMap::new(),
            states: BTreeMap::new(),
            because: TargetReason::None,
        };
        Stand {
            room: Membership::new(BEGUN, &policy),
            desk: Desk::new(1, BEGUN),
            aws,
            policy,
            hooks: HookPolicy::default(),
            wish: Wish::Hold,
            dry_run: false,
            attached: BTreeSet::new(),
            others: Says::No,
            refusing: Some(BEGUN),
            serving: BEGUN,
            mute: |_| false,
            open: Vec::new(),
            sent: Vec::new(),
            told: Vec::new(),
        }
    }

    fn tagged(tag: &str) -> Stand {
        let mut stand = Stand::new(by_tag());
        stand.tag(tag);
        stand
    }

    fn tag(&mut self, tag: &str) {
        self.aws.tag = Ok(Some(tag.into()));
    }

    /// As a target of what is named, for a while.
    fn joined(mut self) -> Stand {
        (self.wish, self.refusing) = (Wish::Join, None);
        self.pass(MINUTE + MINUTE);
        self
    }

    /// A drain begins, and may change things.
    fn leave(&mut self) {
        self.room.begin_leaving(&mut self.desk);
        (self.wish, self.refusing) = (Wish::Leave, self.refusing.or(Some(self.desk.now())));
    }

    /// It is taken back.
    fn resume(&mut self) {
        self.room.begin_joining(&mut self.desk);
        (self.wish, self.refusing) = (Wish::Join, None);
    }

    /// The room decides until nothing more comes of it.
    fn decide(&mut self) {
        for _ in 0..ROUNDS {
            self.desk.begin_pass();
            let inputs = GroupInputs {
                policy: &self.policy,
                hooks: &self.hooks,
                dry_run: self.dry_run,
                owners: Owners { attached: &self.attached, others: self.others },
                waits: false,
                refusing: self.refusing,
                own: self.own(),
                answering: answering(),
                why: "first up",
            };
            self.room.step(&inputs, self.wish, &mut self.desk);
            assert_eq!(self.room.check(&self.desk), Ok(()));
            let commands = self.desk.take();
            if commands.is_empty() {
                return;
            }
            for command in commands {
                if let Command::Call { id, call, .. } = command {
                    self.sent.push(call.clone());
                    self.open.push((id, call));
                } else if let Command::Tell(note) = command {
                    self.told.push(note.text);
                }
            }
        }
        panic!("never at rest: {:?}", self.sent);
    }

    /// The oldest call that is not mute is answered, or time passes, up to `end`.
    fn turn(&mut self, end: Moment) {
        self.decide();
        let mute = self.mute;
        if let Some(at) = self.open.iter().position(|(_, call)| !mute(call)) {
            self.desk.begin_turn(self.desk.now() + Span(1));
            let (id, call) = self.open.remove(at);
            self.answer(id, &call);
        } else {
            let now = self.desk.now();
            self.desk.begin_turn(self.desk.wake().unwrap_or(end).max(now + Span(1)).min(end));
        }
        while let Some((topic, _)) = self.desk.expired() {
            self.lost(topic);
        }
        self.decide();
    }

    fn pass(&mut self, span: Span) -> &mut Stand {
        let end = self.desk.now() + span;
        for _ in 0..TURNS {
            if self.desk.now() >= end {
                return self;
            }
            self.turn(end);
        }
        panic!("asks without a pause: {} calls", self.sent.len());
    }

    /// Time passes until such a call is under way.
    fn until_open(&mut self, is: fn(&Call) -> bool) {
        let end = self.desk.now() + HOUR;
        self.decide();
        while !self.open.iter().any(|(_, call)| is(call)) {
            assert!(self.desk.now() < end, "never asked; {:?}", self.sent);
            self.turn(end);
        }
    }

    fn answer(&mut self, id: CallId, call: &Call) {
        let Some(topic) = self.desk.close(id) else { return };
        match (topic, call) {
            (Topic::Identity, _) => self.room.on_identity(self.aws.identity.clone(), &mut self.desk),
            (Topic::Tag, _) => self.room.on_tag(self.aws.tag.clone(), &mut self.desk),
            (Topic::Hook, Call::RunHook(_)) => self.room.on_hook(self.aws.hook.clone(), &mut self.desk),
            (Topic::Registered, _) => self.room.on_written(Ok(()), &mut self.desk),
            (Topic::Groups, Call::DescribeGroups(names)) => {
                self.described(Ok(names.iter().filter_map(|name| self.aws.group(name)).collect()));
            }
            (Topic::Target(key), Call::DescribeTarget(of)) => {
                let answer = match self.aws.looks.get(&of.name) {
                    Some(kind) => Err(trouble(*kind, "elb:DescribeTarget")),
                    None => {
                        Ok(TargetSeen { because: self.aws.because.clone(), ..TargetSeen::plain(self.aws.state(of)) })
                    }
                };
                self.room.on_target(key, answer, &self.policy, &mut self.desk);
            }
            (Topic::Change(key), Call::Register { target, .. }) => self.changed(key, target, TargetState::Healthy),
            (Topic::Change(key), Call::Deregister { target, .. }) => self.changed(key, target, TargetState::Absent),
            _ => panic!("{topic:?}: {call:?}"),
        }
    }

    fn changed(&mut self, key: u32, target: &Target, state: TargetState) {
        let answer = match self.aws.changes.get(&target.name) {
            Some(kind) => Err(trouble(*kind, "elb:Change")),
            None => Ok("request".to_owned()),
        };
        if answer.is_ok() {
            self.aws.states.insert(target.group.clone(), state);
        }
        self.room.on_change(key, answer, &mut self.desk);
    }

    fn own(&self) -> Own {
        self.refusing.map_or(Own::Up(self.serving), Own::Out)
    }

    fn described(&mut self, answer: Result<Vec<GroupSeen>, Trouble>) {
        self.room.on_groups(answer, &self.policy, answering(), &mut self.desk);
    }

    /// No answer came in time.
    fn lost(&mut self, topic: Topic) {
        let no_answer = trouble(TroubleKind::Unavailable, "");
        if topic == Topic::Identity {
            self.room.on_identity(Err("no answer".into()), &mut self.desk);
        } else if topic == Topic::Tag {
            self.room.on_tag(Err("no answer".into()), &mut self.desk);
        } else if topic == Topic::Hook {
            self.room.on_hook(Err("no answer".into()), &mut self.desk);
        } else if topic == Topic::Registered {
            self.room.on_written(Err("no answer".into()), &mut self.desk);
        } else if topic == Topic::Groups {
            self.described(Err(no_answer));
        } else if let Topic::Target(key) = topic {
            self.room.on_target(key, Err(no_answer), &self.policy, &mut self.desk);
        } else if let Topic::Change(key) = topic {
            self.room.on_change(key, Err(no_answer), &mut self.desk);
        }
    }

    fn leaving(&self) -> GroupsLeaving {
        self.room.leaving(self.refusing, false, self.dry_run)
    }

    fn views(&self) -> Vec<TargetView> {
        self.room.views(self.own(), answering())
    }

    /// How often it was asked so.
    fn count(&self, is: fn(&Call) -> bool) -> usize {
        self.sent.iter().filter(|call| is(call)).count()
    }

    /// How often a line with these words was told.
    fn told(&self, words: &str) -> usize {
        self.told.iter().filter(|line| line.contains(words)).count()
    }

    /// The groups that hold the node, by their ARNs.
    fn members(&self) -> Vec<&str> {
        let there = |state: &TargetState| !matches!(state, TargetState::Absent | TargetState::Leaving);
        self.aws.states.iter().filter(|(_, state)| there(state)).map(|(arn, _)| arn.as_str()).collect()
    }

    /// The groups that the record of registered targets names.
    fn kept(&self) -> Vec<&str> {
        let record = |call: &'_ Call| matches!(call, Call::KeepRegistered(_));
        match self.sent.iter().rev().find(|call| record(call)) {
            Some(Call::KeepRegistered(kept)) => kept.targets.iter().map(|r| r.target.group.as_str()).collect(),
            _ => Vec::new(),
        }
    }

    fn findings(&self) -> Vec<(Finding, String)> {
        self.desk.findings().into_iter().map(|view| (view.finding, view.text)).collect()
    }
}

/// Where the agent of these tests answers the load balancer.
fn answering() -> Answering<'static> {
    static PATHS: LazyLock<[String; 1]> = LazyLock::new(|| ["/health".into()]);
    Answering { port: 4441, paths: PATHS.as_slice() }
}

fn looks(call: &Call) -> bool {
    matches!(call, Call::DescribeTarget(_))
}

fn registers(call: &Call) -> bool {
    matches!(call, Call::Register { .. })
}

fn deregisters(call: &Call) -> bool {
    matches!(call, Call::Deregister { .. })
}
