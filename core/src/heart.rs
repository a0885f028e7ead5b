//! The heart: takes events, lets its parts decide in a fixed order, and hands out commands.
//!
//! It joins the two axes, health and intent; the rules of each live in their own modules.

use crate::api::{Api, ModeSwitch, ServerIdentity};
use crate::asg::AutoScaling;
use crate::contract::{
    Answer, Command, Degraded, Ending, Event, GroupInputs, Intent, Mode, Moment, NoteKind, Policy, Reason, Span, State,
    Wish, sooner,
};
use crate::desk::Desk;
use crate::drain::{Around, Drain, Passive};
use crate::health::{Health, Verdict};
use crate::membership::Membership;

/// What is about to be done is written to disk first, and that is waited for no longer than this (design 3.2).
pub(crate) const INTENT_WAIT: Span = Span::secs(1);

/// See the crate's documentation for the contract.
#[derive(Clone, Debug)]
pub struct Heart {
    pub(crate) policy: Policy,
    pub(crate) desk: Desk,
    pub(crate) health: Health,
    pub(crate) api: Api,
    pub(crate) identity: ServerIdentity,
    pub(crate) asg: AutoScaling,
    pub(crate) membership: Membership,
    pub(crate) mode: ModeSwitch,
    pub(crate) drain: Option<Drain>,
    /// The intent that is on disk or on its way.
    pub(crate) kept: Intent,
    /// The last try to write it failed.
    pub(crate) keep_again: Option<Moment>,
    pub(crate) intent_open: bool,
    pub(crate) shown: Answer,
    pub(crate) since: Moment,
    pub(crate) answered_ok: bool,
    degraded_told: Vec<Degraded>,
    joining: bool,
    pub(crate) aborting: Option<Moment>,
    pub(crate) ended: Option<Ending>,
}

impl Heart {
    /// A heart that has seen nothing yet. The seed feeds the jitter only.
    pub fn new(policy: Policy, seed: u64, now: Moment) -> Heart {
        let membership = Membership::new(now, &policy.membership);
        Heart {
            desk: Desk::new(seed, now),
            health: Health::new(now),
            api: Api::new(now),
            identity: ServerIdentity::default(),
            asg: AutoScaling::new(now),
            membership,
            mode: ModeSwitch::new(),
            drain: None,
            kept: Intent::default(),
            keep_again: None,
            intent_open: false,
            shown: Answer { ok: false, state: State::Booting, reason: Reason::Waiting },
            since: now,
            answered_ok: false,
            degraded_told: Vec::new(),
            joining: false,
            aborting: None,
            ended: None,
            policy,
        }
    }

    /// Takes one event. `now` never goes back; a clock that does is held at its latest reading.
    pub fn handle(&mut self, event: Event, now: Moment) {
        self.desk.begin_turn(now);
        if self.ended.is_some() {
            return;
        }
        self.take(event);
        while self.ended.is_none()
            && let Some(topic) = self.desk.expired()
        {
            self.lost(topic);
        }
        if self.ended.is_none() {
            self.step();
        }
    }

    /// The commands since the last call, in order.
    pub fn take_commands(&mut self) -> Vec<Command> {
        self.desk.take()
    }

    /// When the heart wants to be handed a `Tick` at the latest.
    pub fn next_deadline(&self) -> Option<Moment> {
        if self.ended.is_some() {
            return None;
        }
        let health = self.health.wake(&self.policy.health, self.asks_database(), &self.desk);
        let mut wake = sooner(self.desk.wake(), health);
        wake = sooner(wake, self.api.wake(&self.policy.health, self.asks_api(), &self.desk));
        wake = sooner(wake, self.asg.wake());
        wake = sooner(wake, self.membership.wake(&self.policy.membership, self.wish()));
        if self.reachable() && self.claim_kept() {
            wake = sooner(wake, self.mode.wake(self.wanted_mode(), &self.api));
        } else if self.reachable() {
            wake = sooner(wake, Some(self.mode.claimed_at() + INTENT_WAIT));
        }
        if let Some(drain) = self.drain.as_ref().filter(|_| self.aborting.is_none()) {
            wake = sooner(wake, drain.wake(&self.around(), self.desk.now()));
        }
        wake = sooner(wake, sooner(self.aborting, self.keep_again));
        wake.map(|at| at.max(self.desk.now() + Span(1)))
    }

    /// How the heart has ended, once it has.
    pub fn ended(&self) -> Option<Ending> {
        self.ended
    }

    fn reachable(&self) -> bool {
        self.health.reachable()
    }

    /// During a start the readiness state is asked first: both may need the slot, and a first `up` needs the state.
    /// A drain that waits for jobs asks a Rundeck that hangs, too: else nobody would notice that nobody can tell.
    fn asks_api(&self) -> bool {
        let turn = self.health.proven() || self.health.readiness_asked();
        (self.reachable() && turn) || (self.api.hurries() && !self.health.rundeck_gone())
    }

    /// Not while a drain counts jobs, which needs the slot; not before the first `up`, nor with a token that is rejected:
    /// each such call is an error in Rundeck's log.
    fn asks_database(&self) -> bool {
        self.api.token_accepted() && self.health.proven() && self.reachable() && !self.api.hurries()
    }

    /// That passive mode is ours to undo is on disk, or the disk was waited for.
    fn claim_kept(&self) -> bool {
        let kept = self.kept.passive_by_us == self.mode.is_ours() && !self.intent_open;
        kept || self.desk.now() >= self.mode.claimed_at() + INTENT_WAIT
    }

    fn claim_mode(&mut self) {
        let switches = self.policy.drain.passive && self.policy.health.has_token && !self.policy.dry_run;
        if self.drain.is_none() {
            self.mode.settle(&self.api);
        } else if switches && self.reachable() {
            self.mode.claim(&self.api, self.health.process(), self.desk.now());
        }
    }

    fn wanted_mode(&self) -> Option<Mode> {
        if !self.policy.health.has_token {
            return None;
        }
        match &self.drain {
            Some(drain) if !self.policy.drain.passive || !drain.acting() => None,
            Some(_) => Some(Mode::Passive),
            None if self.mode.is_ours() => Some(Mode::Active),
            None => None,
        }
    }

    pub(crate) fn wish(&self) -> Wish {
        match &self.drain {
            Some(drain) if drain.acting() => Wish::Leave,
            Some(_) => Wish::Hold,
            None if self.shown.ok && self.shown.state == State::Up && self.asg.may_join() => Wish::Join,
            None => Wish::Hold,
        }
    }

    fn passive(&self) -> Passive {
        if !self.policy.drain.passive {
            Passive::Skipped("not wanted (drain.passive is false)")
        } else if !self.policy.health.has_token {
            Passive::Skipped("skipped: there is no token to switch the mode")
        } else if self.policy.dry_run {
            Passive::Skipped("dry run")
        } else if self.api.mode() == Some(Mode::Passive) {
            Passive::On
        } else {
            self.mode.failed().map_or(Passive::Pending, |why| Passive::Failed(why.to_owned()))
        }
    }

    fn around(&self) -> Around {
        Around {
            policy: self.policy.drain.clone(),
            gone: self.health.rundeck_gone(),
            process_alive: self.health.process().is_some(),
            was_in_service: self.answered_ok || self.membership.ever_member(),
            tried: self.membership.all_tried(),
            all_left: self.membership.all_left(),
            deregistered: self.membership.deregistered(self.policy.dry_run),
            unconfirmed_floor: self.membership.unconfirmed_floor(),
            longest_delay: self.membership.longest_delay(),
            passive: self.passive(),
            running: self.api.running(),
            idle_since: self.api.idle_since(),
            jobs_unknown_since: self.api.jobs_unknown_since(),
        }
    }

    pub(crate) fn with_inputs(&mut self, act: impl FnOnce(&mut Membership, &GroupInputs<'_>, &mut Desk)) {
        let why = match &self.drain {
            Some(drain) => drain.lead().map_or_else(String::new, |o| o.cause.to_string()),
            None if self.joining => "drift: the target was gone".to_string(),
            None => "first up".to_string(),
        };
        let inputs = GroupInputs {
            policy: &self.policy.membership,
            health: &self.policy.health,
            alone: self.asg.is_alone(),
            dry_run: self.policy.dry_run,
            why: &why,
        };
        act(&mut self.membership, &inputs, &mut self.desk);
    }

    /// Every part decides once, in an order in which each sees what the one before decided.
    fn step(&mut self) {
        let round = self.health.round_due(self.desk.now()) && self.health.base_up();
        self.desk.allow_early(if round { Span(self.policy.health.interval.0 / 2) } else { Span::ZERO });
        self.health.step(&self.policy.health, &mut self.desk);
        self.show();
        if self.shown.state != State::Down {
            self.health.keep(&self.policy.health, &mut self.desk);
        }
        self.claim_mode();
        self.keep_intent();
        let asks_api = self.asks_api();
        self.api.step(&self.policy.health, asks_api, &mut self.desk);
        let asks_database = self.asks_database();
        self.health.step_database(&self.policy.health, asks_database, &mut self.desk);
        if self.reachable() && self.claim_kept() {
            self.mode.step(self.wanted_mode(), &self.api, self.policy.dry_run, &mut self.desk);
        }
        self.asg.step(&mut self.desk);
        let wish = self.wish();
        self.with_inputs(|m, inputs, desk| m.step(inputs, wish, desk));
        self.joining |= wish == Wish::Join && self.membership.ever_member();
        self.step_drain();
        self.api.set_hurry(self.drain.as_ref().is_some_and(Drain::waits_for_jobs), self.desk.now());
        self.show();
        if self.aborting.is_some_and(|by| self.desk.now() >= by) {
            self.end(Ending::Aborted);
        }
    }

    fn step_drain(&mut self) {
        if self.aborting.is_some() {
            return;
        }
        let Some(mut drain) = self.drain.take() else { return };
        drain.step(&self.around(), &mut self.desk);
        drain.write(self.membership.left_groups(), &mut self.desk);
        let over = drain.finished() && drain.exit;
        self.drain = Some(drain);
        if over {
            self.end(Ending::Stopped);
        }
    }

    /// Joins health and intent: stopped > draining > probes (design 4.3).
    fn show(&mut self) {
        let answer = self.decide();
        if (answer.state, answer.reason) != (self.shown.state, self.shown.reason) {
            let text = format!("{} -> {}: {}", self.shown.state, answer.state, self.why(&answer));
            self.desk.tell(NoteKind::Transition, text);
            self.since = self.desk.now();
        }
        self.shown = answer;
        let degraded = self.degraded();
        if degraded != self.degraded_told {
            let words: Vec<&str> = degraded.iter().map(|d| d.word()).collect();
            let text =
                if words.is_empty() { "no longer degraded".into() } else { format!("degraded: {}", words.join(", ")) };
            self.desk.tell(NoteKind::Notice, text);
            self.degraded_told = degraded;
        }
        self.answered_ok |= answer.ok && self.health.accepting();
    }

    pub(crate) fn why(&self, answer: &Answer) -> String {
        match answer.state {
            State::Draining | State::Stopped => answer.reason.to_string(),
            State::Down if answer.reason == Reason::Passive => "somebody else switched Rundeck to passive mode".into(),
            State::Down if answer.reason == Reason::Blind => "the agent has had no way to connect for too long".into(),
            State::Down if answer.reason == Reason::Disk => "a file system that Rundeck writes to is full".into(),
            State::Booting | State::Up | State::Down | State::Stale => self.health.evidence(),
        }
    }

    fn decide(&self) -> Answer {
        if let Some(drain) = &self.drain {
            let reason = drain.lead().map_or(Reason::Operator, |o| o.cause.reason());
            let state = if drain.exit && drain.finished() { State::Stopped } else { State::Draining };
            return Answer { ok: drain.holds_200() && self.health.is_up(), state, reason };
        }
        let no = |state, reason| Answer { ok: false, state, reason };
        match self.health.verdict() {
            Verdict::Booting(reason) => no(State::Booting, reason),
            Verdict::Down(reason) => no(State::Down, reason),
            Verdict::Up if self.health.blind(&self.policy.health, self.desk.now()) => no(State::Down, Reason::Blind),
            Verdict::Up if self.below_floor() => no(State::Down, Reason::Disk),
            Verdict::Up if self.ejected_by_mode() => no(State::Down, Reason::Passive),
            Verdict::Up => Answer { ok: true, state: State::Up, reason: Reason::Ok },
        }
    }

    fn passive_by_others(&self) -> bool {
        self.api.mode() == Some(Mode::Passive) && !self.mode.is_ours()
    }

    fn ejected_by_mode(&self) -> bool {
        self.passive_by_others() && self.policy.health.passive_out && !self.asg.in_group()
    }

    /// A full disk is this node's own, but a node that is replaced for it takes its jobs with it.
    fn below_floor(&self) -> bool {
        self.health.below_floor() && !self.asg.in_group()
    }

    pub(crate) fn degraded(&self) -> Vec<Degraded> {
        let mut degraded = Vec::new();
        if self.shown.state == State::Up && self.api.mode() == Some(Mode::Passive) {
            degraded.push(Degraded::Passive);
        }
        degraded.extend(self.health.degraded());
        degraded
    }
}
