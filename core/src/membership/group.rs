//! One target group: this node's own target in it, wanted against seen.
//!
//! Level-triggered: it keeps what it last saw of its own target in each group and makes the one call that is missing.
//! It never touches another node's target and never re-adds a node that is leaving. Whether the target is ours to take
//! out, and what is wanted of a group that is no longer named, stands in `standing.rs`.

use super::record::Record;
use super::sight::{Presence, Sight, Taken};
use crate::contract::{
    Answering, Call, GroupFacts, GroupInputs, GroupWanted, LikelyCause, MembershipPolicy, Moment, NoteKind, Own, Span,
    Target, TargetReason, TargetSeen, TargetState, TargetView, Trouble, TroubleKind, Wish,
};
use crate::desk::{Backoff, Desk, Pace, Topic};

/// Limit of one call to AWS: above the client's own operation time-out of 20 s.
pub(super) const LIMIT: Span = Span::secs(25);
/// First look after a registration; doubling up to the reconcile interval until the target is healthy.
const FIRST_LOOK: Span = Span::secs(5);
/// An address that drains is looked at this often at least, up to the end of its delay, an hour at most.
/// The same while the Auto Scaling group moves the node.
const OFTEN: Span = Span::secs(5);
const DRAINS_LOOK: Span = Span::secs(15);
/// Wait after a failed change, doubling.
const FIRST_RETRY: Span = Span::secs(1);
const MOST_RETRY: Span = Span::secs(60);

/// How a deregistration stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// Nothing was tried.
    No,
    /// Tried without success so far.
    Failing,
    /// There is no such group, AWS says: nothing is left to do, and nothing is confirmed.
    NoGroup,
    /// AWS confirmed it.
    Confirmed(Option<String>),
}

/// Why there is something to be done about a group at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// The configuration or the tag names it.
    Named,
    /// The target was registered; whether its group is still named is not known.
    Kept,
    /// The target was registered, and its group is no longer named.
    Out,
    /// It was left, and is remembered only for as long as its address drains.
    Gone,
}

#[derive(Clone, Debug)]
pub(super) struct Group {
    /// Names the group in replies, whatever the list of groups becomes meanwhile.
    pub(super) key: u32,
    pub(super) wanted: GroupWanted,
    pub(super) facts: Option<GroupFacts>,
    pub(super) target: Option<Target>,
    pub(super) owned: bool,
    /// Whether it is, is known.
    pub(super) settled: bool,
    pub(super) standing: Standing,
    /// The target may be there by our doing, or was found in a group that is ours to act in.
    pub(super) ours: bool,
    /// Since when it has been so.
    pub(super) ours_since: Moment,
    /// A registration was sent that nobody has seen take effect, nor was it undone or refused: it may still come.
    pub(super) awaited: bool,
    /// Since when AWS says that there is no such group.
    pub(super) missing_since: Option<Moment>,
    /// AWS was asked for it by its name, and says that there is none.
    pub(super) nowhere: bool,
    pub(super) seen: Option<Sight>,
    /// When the state that was last seen began.
    pub(super) seen_since: Moment,
    pub(super) look: Pace,
    pub(super) look_backoff: Backoff,
    pub(super) change: Pace,
    pub(super) change_backoff: Backoff,
    pub(super) joining: bool,
    pub(super) left: Left,
    /// When the present drain began, or the last one.
    pub(super) leaving_since: Moment,
    /// The target drains until then at the latest: an address may not come back before. `None`: it does not drain.
    pub(super) drained: Option<Moment>,
    pub(super) told_dry: bool,
    /// AWS does not let this node look: it joins all the same, for registering again changes nothing.
    pub(super) unreadable: bool,
    /// Another name has named the same target before: that one acts, this one is nobody.
    pub(super) double: bool,
    /// The node cannot be a target here: it has no address for it, or is in another VPC.
    pub(super) unfit: bool,
    /// The node's address lies outside the group's VPC.
    pub(super) outside: bool,
    /// Whether somebody else took it out.
    pub(super) taken: Taken,
    /// Why the balancer says something else than the node, as people were told it.
    pub(super) told_cause: Option<LikelyCause>,
}

/// AWS's default deregistration delay, for a group that could not be read.
pub(super) const UNREAD_DELAY: Span = Span::secs(300);
/// Between two health checks of a group that could not be read: AWS's default.
pub(super) const UNREAD_CHECK: Span = Span::secs(30);
/// Two failed checks of AWS's default health check, for a group that could not be read.
pub(super) const UNREAD_DETECTION: Span = Span::secs(65);

impl Group {
    pub(super) fn new(key: u32, wanted: GroupWanted, desk: &mut Desk, policy: &MembershipPolicy) -> Group {
        let most = policy.reconcile_interval;
        Group {
            key,
            wanted,
            facts: None,
            target: None,
            owned: false,
            settled: false,
            standing: Standing::Named,
            ours: false,
            ours_since: desk.now(),
            awaited: false,
            missing_since: None,
            nowhere: false,
            seen: None,
            seen_since: desk.now(),
            look: Pace::from(desk.now()),
            look_backoff: Backoff::new(FIRST_LOOK.min(most), most),
            change: Pace::from(desk.now()),
            change_backoff: Backoff::new(FIRST_RETRY, MOST_RETRY),
            joining: false,
            left: Left::No,
            leaving_since: Moment(0),
            drained: None,
            told_dry: false,
            unreadable: false,
            double: false,
            unfit: false,
            outside: false,
            taken: Taken::default(),
            told_cause: None,
        }
    }

    /// As an earlier run of the agent had registered it.
    pub(super) fn remembered(
        key: u32,
        wanted: GroupWanted,
        target: Target,
        desk: &mut Desk,
        policy: &MembershipPolicy,
    ) -> Group {
        let group = Group::new(key, wanted, desk, policy);
        // It was written down before it was asked for, and the run may have ended between the two.
        Group { target: Some(target), standing: Standing::Kept, ours: true, awaited: true, ..group }
    }

    /// As it is named, and with what AWS says of it; nothing is known of the target.
    pub(super) fn anew(&self, key: u32, desk: &mut Desk, policy: &MembershipPolicy) -> Group {
        Group { facts: self.facts.clone(), ..Group::new(key, self.wanted.clone(), desk, policy) }
    }

    /// This is the node's target here. `double`: another name has claimed it before.
    pub(super) fn be(&mut self, target: Target, double: bool, desk: &mut Desk) {
        if double && !self.double {
            let name = self.configured_name();
            desk.tell(NoteKind::Notice, format!("{name} names the target group {} once more: it is one", target.name));
        }
        self.double = double;
        if !double {
            self.target = Some(target);
        }
    }

    /// It is about this target.
    pub(super) fn is(&self, target: &Target) -> bool {
        self.target.as_ref().is_some_and(|known| known.is(target))
    }

    /// Nobody waits for its open calls any more.
    pub(super) fn disown(&mut self, desk: &mut Desk) {
        self.note_fit(None, desk);
        desk.disown(&mut self.look);
        desk.disown(&mut self.change);
    }

    pub(super) fn delay(&self) -> Span {
        self.facts.as_ref().map_or(UNREAD_DELAY, |f| Span::secs(f.delay_secs))
    }

    /// How long the balancer takes to see a 503 where it was not told otherwise.
    pub(super) fn detection(&self) -> Span {
        self.facts.as_ref().map_or(UNREAD_DETECTION, |f| {
            Span::secs(u64::from(f.unhealthy_threshold) * f.check_interval_secs + f.check_timeout_secs + 5)
        })
    }
}

impl Group {
    pub(super) fn wants_change(&self, wish: Wish, refusing: Option<Moment>) -> bool {
        if !self.owned || self.target.is_none() {
            return false;
        }
        match (wish, self.state()) {
            (Wish::Hold, _) => false,
            (Wish::Join, None) => self.unreadable,
            (Wish::Join, Some(_)) => self.is_out() && !self.rests(),
            (Wish::Leave, Some(TargetState::Absent)) if self.presence(refusing) == Presence::Out => false,
            (Wish::Leave | Wish::Eject | Wish::Away, _) => !matches!(self.left, Left::Confirmed(_)),
        }
    }

    /// A leaving node looks as soon as it says 503, once, where nothing that it does would show whether it is out.
    fn owes_look(&self, wish: Wish, refusing: Option<Moment>) -> bool {
        wish == Wish::Leave
            && !self.wants_change(wish, refusing)
            && self.presence(refusing) != Presence::Out
            && self.counts_from(refusing).is_some_and(|since| self.look.begun() < since)
    }

    /// Where a change of it is under way.
    pub(super) fn changing(&self) -> Option<String> {
        self.target.as_ref().filter(|_| self.change.is_open()).map(|target| target.group.clone())
    }

    /// `node`: what the node wants of its groups. `turn`: nothing else is being changed in this target group. `record`:
    /// of what is registered; `None`: nothing may be registered yet.
    pub(super) fn step(
        &mut self,
        inputs: &GroupInputs<'_>,
        node: Wish,
        turn: bool,
        record: Option<&Record>,
        desk: &mut Desk,
    ) {
        let wish = self.wish(node, inputs.waits);
        // Of one that is out for good nothing is wanted any more, neither a change nor a look.
        let Some(target) = self.target.clone().filter(|_| self.standing != Standing::Gone) else { return };
        if self.owes_look(wish, inputs.refusing) {
            // One that is under way was asked for too early.
            desk.disown(&mut self.look);
            self.look.hasten(desk.now());
        }
        // Never both at a time, so that what is seen is not older than what was changed; only leaving does not wait.
        if !self.change.is_open() && desk.due(&self.look) {
            match desk.may_look(Topic::Target(self.key), 1) {
                Ok(()) => {
                    desk.ask(&mut self.look, Topic::Target(self.key), Call::DescribeTarget(target.clone()), LIMIT)
                }
                Err(at) => self.look.plan(at),
            }
        }
        if turn
            && self.wants_change(wish, inputs.refusing)
            && (wish != Wish::Join || record.is_some_and(|record| self.may_join(&target, record, desk)))
            && desk.due(&self.change)
        {
            self.make_change(target, inputs, wish, desk);
        }
    }

    /// An address that is draining cannot be registered again: its delay must pass first. Once it has, nobody need have
    /// seen it.
    fn may_join(&self, target: &Target, record: &Record, desk: &Desk) -> bool {
        !self.look.is_open() && !self.drains(desk) && record.allows(target, self.ours_since, desk)
    }

    fn make_change(&mut self, target: Target, inputs: &GroupInputs<'_>, wish: Wish, desk: &mut Desk) {
        let joining = wish == Wish::Join;
        if inputs.dry_run {
            if !self.told_dry {
                self.told_dry = true;
                let verb = if joining { "register" } else { "deregister" };
                desk.tell(
                    NoteKind::Notice,
                    format!(
                        "dry run: would {verb} {}:{} in {} ({})",
                        target.id,
                        target.port,
                        target.name,
                        self.why(inputs)
                    ),
                );
            }
            self.left = if joining { Left::No } else { Left::Failing };
            return;
        }
        if let Err(at) = desk.may_change(Topic::Change(self.key)) {
            self.change.plan(at);
            return;
        }
        self.joining = joining;
        let reason = self.why(inputs);
        let call = if joining {
            Call::Register { target, outside: self.outside, reason }
        } else {
            self.leaves_by_us();
            Call::Deregister { target, reason }
        };
        desk.ask(&mut self.change, Topic::Change(self.key), call, LIMIT);
    }

    pub(super) fn on_seen(&mut self, seen: TargetSeen, leaving: bool, policy: &MembershipPolicy, desk: &mut Desk) {
        if matches!(self.left, Left::Confirmed(_) | Left::NoGroup)
            && !matches!(seen.state, TargetState::Leaving | TargetState::Absent)
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
                let Target { name, id, port, .. } = target;
                let text = format!("{name} says that {id}:{port} is {}{detail}", seen.state.word());
                desk.tell(NoteKind::Notice, text);
            }
        }
        self.unreadable = false;
        self.awaited &= matches!(seen.state, TargetState::Leaving | TargetState::Absent);
        self.missing_since = None;
        self.note_draining(&seen.state, desk.now());
        let steady = matches!(seen.state, TargetState::Healthy | TargetState::Absent | TargetState::Idle);
        if steady {
            self.look_backoff.reset();
        }
        let wait = if steady { desk.around(policy.reconcile_interval) } else { desk.wait(&mut self.look_backoff) };
        // How long an address drains already is not always known: whoever waits for it to be free looks.
        let waits = seen.state == TargetState::Leaving && self.is_address() && self.owned && !leaving;
        let wait = if waits { wait.min(desk.around(DRAINS_LOOK)) } else { wait };
        self.seen = Some(Sight { target: seen, asked: self.look.begun() });
        self.look.done(desk.now() + wait);
        self.rests_until().into_iter().for_each(|at| self.look.hasten(at));
    }

    fn note_draining(&mut self, state: &TargetState, now: Moment) {
        let drains = *state == TargetState::Leaving;
        self.drained = drains.then(|| self.drained.unwrap_or(now + self.delay()));
    }

    /// AWS could not say how the target is.
    pub(super) fn on_unseen(&mut self, kind: TroubleKind, desk: &mut Desk) {
        self.unreadable = kind == TroubleKind::Denied;
        if kind == TroubleKind::NotFound {
            self.note_no_group(desk.now());
        }
        self.look.done(desk.now() + desk.wait(&mut self.look_backoff));
    }

    pub(super) fn on_change(&mut self, answer: Result<String, Trouble>, desk: &mut Desk) {
        let Some(target) = self.target.clone() else { return };
        let refused = |kind| matches!(&answer, Err(trouble) if trouble.kind == kind);
        let gone = refused(TroubleKind::InvalidTarget) && !self.joining;
        let no_group = refused(TroubleKind::NotFound);
        self.awaited |= self.joining && answer.as_ref().err().is_none_or(|trouble| may_be_done(trouble.kind));
        match answer {
            Ok(request) => {
                self.missing_since = None;
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
                    // AWS may have done it all the same: only a look can tell, and until then a leaving node asks to
                    // be out.
                    self.seen = None;
                    self.look_soon(desk.now());
                } else {
                    // Tried again all the same: who says so may be wrong, and a group may be made anew.
                    self.left = if no_group { Left::NoGroup } else { Left::Failing };
                }
                if no_group {
                    self.note_no_group(desk.now());
                }
                self.change.done(desk.now() + desk.wait(&mut self.change_backoff));
            }
        }
    }

    /// The change is accepted: believe it until the next look says otherwise.
    fn after_change(&mut self, target: &Target, request: Option<String>, desk: &mut Desk) {
        let id = request.as_deref().unwrap_or("none");
        let (state, reason, because) = if self.joining {
            desk.tell(
                NoteKind::Registered,
                format!("register {}:{} in {}: accepted (request {id})", target.id, target.port, target.name),
            );
            self.left = Left::No;
            (TargetState::Arriving, "Elb.RegistrationInProgress", TargetReason::Registering)
        } else {
            desk.tell(
                NoteKind::Deregistered,
                format!("deregister {}:{} in {}: accepted (request {id})", target.id, target.port, target.name),
            );
            self.left = Left::Confirmed(request);
            self.awaited = false;
            (TargetState::Leaving, "Target.DeregistrationInProgress", TargetReason::Deregistering)
        };
        if self.state() != Some(&state) {
            self.seen_since = desk.now();
        }
        self.drained = None;
        self.note_draining(&state, desk.now());
        let target = TargetSeen { reason: reason.into(), because, ..TargetSeen::plain(state) };
        self.seen = Some(Sight { target, asked: self.change.begun() });
        self.look_backoff.reset();
        // A first look before the delay has passed would only see `draining` (peers' lesson: it costs everybody's
        // quota).
        let wait = if self.joining { desk.wait(&mut self.look_backoff) } else { self.delay() + FIRST_LOOK };
        // A look that was under way says nothing about what is so now.
        desk.disown(&mut self.look);
        self.look.plan(desk.now() + wait);
    }

    /// What people may know of it.
    pub(super) fn view(&self, own: Own, answering: Answering<'_>) -> TargetView {
        let (target, facts) = (self.target.as_ref(), self.facts.as_ref());
        TargetView {
            arn: target.map(|t| t.group.clone()),
            name: target.map_or_else(|| self.configured_name().to_string(), |t| t.name.clone()),
            id: target.map(|t| t.id.clone()),
            port: target.map(|t| t.port).or(self.wanted.port),
            owned: self.owned,
            seen: self.seen.as_ref().map(|sight| sight.target.clone()),
            word: self.state().map_or("not asked yet".into(), |state| state.word().to_string()),
            since: self.seen.as_ref().map(|_| self.seen_since),
            check_interval: facts.map(|f| Span::secs(f.check_interval_secs)),
            unhealthy_threshold: facts.map(|f| f.unhealthy_threshold),
            asks_agent: facts.map(|f| asks_agent(f, answering)),
            balancer: self.balancer(own, answering),
        }
    }

    /// How the configuration or the tag names the group.
    pub(super) fn configured_name(&self) -> &str {
        &self.wanted.group
    }

    /// A change of it is wanted at once, whatever was tried before.
    pub(super) fn hasten_change(&mut self, now: Moment) {
        self.change_backoff.reset();
        if !self.change.is_open() {
            self.change.plan(now);
        }
    }

    /// The node wants in again after a drain: look soon instead of after the delay.
    /// It is looked at more often than usual.
    pub(super) fn look_often(&mut self, desk: &Desk) {
        if !self.look.is_open() {
            let at = self.look.begun() + OFTEN;
            desk.reached(at);
            self.look.hasten(at);
        }
    }

    pub(super) fn look_soon(&mut self, now: Moment) {
        if !self.look.is_open() {
            self.look.plan(now);
        }
    }
}

/// A change that met this may have been made all the same, or be made yet: nobody has heard how it went.
fn may_be_done(kind: TroubleKind) -> bool {
    match kind {
        TroubleKind::Unavailable => true,
        TroubleKind::Throttled
        | TroubleKind::Denied
        | TroubleKind::NotFound
        | TroubleKind::InvalidTarget
        | TroubleKind::Credentials
        | TroubleKind::Refused => false,
    }
}

/// The group's health check asks this agent: its port, and one of its paths.
pub(crate) fn asks_agent(facts: &GroupFacts, answering: Answering<'_>) -> bool {
    let path = &facts.check_path;
    facts.check_port == Some(answering.port)
        && (answering.paths.contains(path) || path.contains("/system/executions/status"))
}
