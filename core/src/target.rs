//! Membership: this node's own targets, wanted against seen (design 5).
//!
//! Level-triggered: it keeps what it last saw of its own target in each group and makes the one call that is missing.
//! It never touches another node's target and never re-adds a node that is leaving.

use crate::contract::{
    Call, GroupFacts, GroupWanted, HealthPolicy, MembershipPolicy, Moment, NoteKind, Span, Target, TargetSeen,
    TargetState, TargetType, Trouble, TroubleKind, state_word,
};
use crate::desk::{Backoff, Desk, Pace, Topic};
use crate::node::Node;

/// Limit of one call to AWS: above the client's own operation time-out of 20 s.
pub(crate) const LIMIT: Span = Span::secs(25);
/// First look after a registration; doubling up to the reconcile interval until the target is healthy.
const FIRST_LOOK: Span = Span::secs(5);
/// Wait after a failed change, doubling.
const FIRST_RETRY: Span = Span::secs(1);
const MOST_RETRY: Span = Span::secs(60);

/// What the node wants of its groups now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Be a target.
    Join,
    /// Be none.
    Leave,
    /// Change nothing.
    Hold,
}

/// How a deregistration stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// Nothing was tried.
    No,
    /// Tried without success so far.
    Failing,
    /// AWS confirmed it.
    Confirmed(Option<String>),
}

#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// Names the group in replies, whatever the list of groups becomes meanwhile.
    pub(crate) key: u32,
    pub(crate) wanted: GroupWanted,
    pub(crate) facts: Option<GroupFacts>,
    pub(crate) target: Option<Target>,
    pub(crate) kind: Option<TargetType>,
    pub(crate) owned: bool,
    pub(crate) seen: Option<(TargetSeen, Moment)>,
    /// When the state that was last seen began.
    pub(crate) seen_since: Moment,
    pub(crate) look: Pace,
    pub(crate) look_backoff: Backoff,
    pub(crate) change: Pace,
    pub(crate) change_backoff: Backoff,
    pub(crate) joining: bool,
    pub(crate) left: Left,
    /// An address may not come back before its delay is over.
    not_before: Moment,
    pub(crate) told_dry: bool,
}

/// AWS's default deregistration delay, for a group that could not be read.
pub(crate) const UNREAD_DELAY: Span = Span::secs(300);
/// Two failed checks of AWS's default health check, for a group that could not be read.
pub(crate) const UNREAD_DETECTION: Span = Span::secs(65);

/// What membership reads of the rest of the heart.
pub(crate) struct Env<'a> {
    pub(crate) policy: &'a MembershipPolicy,
    pub(crate) health: &'a HealthPolicy,
    pub(crate) node: &'a Node,
    pub(crate) dry_run: bool,
    pub(crate) why: &'a str,
}

impl Group {
    pub(crate) fn new(key: u32, wanted: GroupWanted, desk: &mut Desk, policy: &MembershipPolicy) -> Group {
        let most = policy.reconcile_interval;
        Group {
            key,
            wanted,
            facts: None,
            target: None,
            kind: None,
            owned: false,
            seen: None,
            seen_since: desk.now(),
            look: Pace::from(desk.now()),
            look_backoff: Backoff::new(FIRST_LOOK.min(most), most),
            change: Pace::from(desk.now()),
            change_backoff: Backoff::new(FIRST_RETRY, MOST_RETRY),
            joining: false,
            left: Left::No,
            not_before: Moment(0),
            told_dry: false,
        }
    }

    pub(crate) fn state(&self) -> Option<&TargetState> {
        self.seen.as_ref().map(|(seen, _)| &seen.state)
    }

    /// The balancer may still send requests here.
    pub(crate) fn member(&self) -> bool {
        !matches!(self.state(), Some(TargetState::Absent))
    }

    /// Deregistered for good, or not there.
    pub(crate) fn has_left(&self) -> bool {
        matches!(self.left, Left::Confirmed(_)) || !self.member()
    }

    pub(crate) fn delay(&self) -> Span {
        self.facts.as_ref().map_or(UNREAD_DELAY, |f| Span::secs(f.delay_secs))
    }

    /// How long the balancer takes to see a 503 where it was not told otherwise (design 6, step 2).
    pub(crate) fn detection(&self) -> Span {
        self.facts.as_ref().map_or(UNREAD_DETECTION, |f| {
            Span::secs(u64::from(f.unhealthy_threshold) * f.check_interval_secs + f.check_timeout_secs + 5)
        })
    }
}

impl Group {
    pub(crate) fn wants_change(&self, wish: Wish) -> bool {
        if !self.owned || self.target.is_none() {
            return false;
        }
        match (wish, self.state()) {
            (Wish::Hold, _) | (Wish::Join, None) => false,
            // An address that is draining cannot be registered again: its delay must pass first.
            (Wish::Join, Some(TargetState::Leaving)) => self.kind == Some(TargetType::Instance),
            (Wish::Join, Some(state)) => *state == TargetState::Absent,
            (Wish::Leave, Some(TargetState::Absent)) => false,
            (Wish::Leave, _) => !matches!(self.left, Left::Confirmed(_)),
        }
    }

    /// When a wanted change can be made, if nothing that is open has to end first.
    pub(crate) fn change_wake(&self, wish: Wish) -> Option<Moment> {
        let joining = wish == Wish::Join;
        if !self.wants_change(wish) || (joining && self.look.is_open()) {
            return None;
        }
        self.change.wake().map(|at| if joining { at.max(self.not_before) } else { at })
    }

    pub(crate) fn step(&mut self, env: &Env<'_>, wish: Wish, desk: &mut Desk) {
        let Some(target) = self.target.clone() else { return };
        // Never both at a time, so that what is seen is not older than what was changed; only leaving does not wait.
        if self.look.due(desk.now()) && !self.change.is_open() {
            match desk.may_look() {
                Ok(()) => {
                    desk.ask(&mut self.look, Topic::Target(self.key), Call::DescribeTarget(target.clone()), LIMIT)
                }
                Err(at) => self.look.plan(at),
            }
        }
        let waits = wish == Wish::Join && (desk.now() < self.not_before || self.look.is_open());
        if self.wants_change(wish) && self.change.due(desk.now()) && !waits {
            self.make_change(target, env, wish, desk);
        }
    }

    fn make_change(&mut self, target: Target, env: &Env<'_>, wish: Wish, desk: &mut Desk) {
        let joining = wish == Wish::Join;
        if env.dry_run {
            if !self.told_dry {
                self.told_dry = true;
                let verb = if joining { "register" } else { "deregister" };
                desk.tell(
                    NoteKind::Notice,
                    format!("dry run: would {verb} {}:{} in {} ({})", target.id, target.port, target.name, env.why),
                );
            }
            self.left = if joining { Left::No } else { Left::Failing };
            self.change.plan(desk.now() + MOST_RETRY);
            return;
        }
        if let Err(at) = desk.may_change() {
            self.change.plan(at);
            return;
        }
        self.joining = joining;
        let reason = env.why.to_string();
        let call = if joining { Call::Register { target, reason } } else { Call::Deregister { target, reason } };
        desk.ask(&mut self.change, Topic::Change(self.key), call, LIMIT);
    }

    pub(crate) fn on_seen(&mut self, seen: TargetSeen, policy: &MembershipPolicy, desk: &mut Desk) {
        if matches!(self.left, Left::Confirmed(_)) && !matches!(seen.state, TargetState::Leaving | TargetState::Absent)
        {
            // Somebody put a leaving node back: out again.
            self.left = Left::No;
        }
        let before = self.state().cloned();
        if before.as_ref() != Some(&seen.state) {
            self.seen_since = desk.now();
            if let Some(target) = &self.target {
                let detail = if seen.reason.is_empty() {
                    String::new()
                } else {
                    format!(" ({}: {})", seen.reason, seen.description)
                };
                desk.tell(NoteKind::Notice, format!("{} says {}{detail}", target.name, state_word(&seen.state)));
            }
        }
        let settled = matches!(seen.state, TargetState::Healthy | TargetState::Absent | TargetState::Idle);
        if settled {
            self.look_backoff.reset();
        }
        let wait = if settled { desk.around(policy.reconcile_interval) } else { desk.wait(&mut self.look_backoff) };
        self.seen = Some((seen, desk.now()));
        self.look.done(desk.now() + wait);
    }

    pub(crate) fn on_change(&mut self, answer: Result<String, Trouble>, desk: &mut Desk) {
        let Some(target) = self.target.clone() else { return };
        let gone = matches!(&answer, Err(t) if t.kind == TroubleKind::InvalidTarget) && !self.joining;
        match answer {
            Ok(request) => {
                self.change_backoff.reset();
                self.change.done(desk.now());
                self.after_change(&target, Some(request), desk);
            }
            Err(_) if gone => {
                self.change.done(desk.now());
                self.after_change(&target, None, desk);
            }
            Err(_) => {
                if self.joining {
                    // AWS may have done it all the same: only a look can tell, and until then a leaving node asks to be out.
                    self.seen = None;
                    self.look_soon(desk.now());
                } else {
                    self.left = Left::Failing;
                }
                self.change.done(desk.now() + desk.wait(&mut self.change_backoff));
            }
        }
    }

    /// The change is accepted: believe it until the next look says otherwise.
    fn after_change(&mut self, target: &Target, request: Option<String>, desk: &mut Desk) {
        let id = request.as_deref().unwrap_or("none");
        let (state, reason) = if self.joining {
            desk.tell(
                NoteKind::Registered,
                format!("register {}:{} in {}: accepted (request {id})", target.id, target.port, target.name),
            );
            self.left = Left::No;
            (TargetState::Arriving, "Elb.RegistrationInProgress")
        } else {
            desk.tell(
                NoteKind::Deregistered,
                format!("deregister {}:{} in {}: accepted (request {id})", target.id, target.port, target.name),
            );
            self.left = Left::Confirmed(request);
            (TargetState::Leaving, "Target.DeregistrationInProgress")
        };
        if self.state() != Some(&state) {
            self.seen_since = desk.now();
        }
        self.seen = Some((TargetSeen { state, reason: reason.into(), description: String::new() }, desk.now()));
        self.look_backoff.reset();
        // A first look before the delay has passed would only see `draining` (peers' lesson: it costs everybody's quota).
        let wait = if self.joining { desk.wait(&mut self.look_backoff) } else { self.delay() + FIRST_LOOK };
        if !self.joining && self.kind == Some(TargetType::Ip) {
            self.not_before = desk.now() + self.delay();
        }
        // A look that was under way says nothing about what is so now.
        desk.disown(&mut self.look);
        self.look.plan(desk.now() + wait);
    }

    /// How the configuration or the tag names the group.
    pub(crate) fn configured_name(&self) -> &str {
        &self.wanted.group
    }

    /// The node wants in again after a drain: look soon instead of after the delay.
    pub(crate) fn look_soon(&mut self, now: Moment) {
        if !self.look.is_open() {
            self.look.plan(now);
        }
    }
}
