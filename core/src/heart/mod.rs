//! The heart: takes events, lets its rooms decide in a fixed order, and hands out commands.
//!
//! It knows all rooms and the order of a turn: what was seen is taken in (`inbox.rs`, which also passes on what one
//! room's answer means to another), orders begin, join and end drains or are refused (`orders.rs`), each room steps,
//! and health and intent are joined into one answer. Rules that need two rooms stand in `between.rs` as functions of
//! values, what people read in `view.rs` and `rows.rs`. It never judges what a room can judge alone.
//!
//! The agent calls `handle`, `take_commands`, `next_deadline`, `snapshot`, `answer` and `ended`.

mod between;
mod check;
mod consent;
mod held;
mod inbox;
mod orders;
mod rows;
mod standby;
mod view;

use crate::api::{Api, ModeSwitch, ServerIdentity};
use crate::asg::{AutoScaling, Standby};
use crate::contract::{
    Answer, Answering, Cause, Command, Degraded, DrainInputs, DrainPhase, Ending, Event, GroupInputs, Held, Intent,
    Mode, Moment, NoteKind, Policy, Reason, State, Wish,
};
use crate::desk::Desk;
use crate::health::Health;
use crate::leaving::{Drain, Upkeep};
use crate::membership::Membership;
use consent::Consents;
use std::collections::BTreeSet;

/// Passes of one turn: a drain may end all of its phases in one, and each pass moves at least one room.
const PASSES: usize = 12;

/// See the crate's documentation for the contract.
#[derive(Clone, Debug)]
pub struct Heart {
    policy: Policy,
    desk: Desk,
    health: Health,
    api: Api,
    identity: ServerIdentity,
    asg: AutoScaling,
    membership: Membership,
    mode: ModeSwitch,
    drain: Option<Drain>,
    consents: Consents,
    upkeep: Upkeep,
    record: held::Record,
    standby: Standby,
    /// Since when it is to be on disk that the node goes there.
    standby_since: Moment,
    /// What an earlier run has kept of it, until it is known whether it was this machine.
    standby_kept: Option<Held>,
    /// When this run began.
    begun: Moment,
    /// The intent that is on disk or on its way.
    kept: Intent,
    /// The last try to write it failed.
    keep_again: Option<Moment>,
    intent_open: bool,
    /// What an earlier run left behind has not been read yet.
    unread: bool,
    /// What was taken back before an earlier run's orders were read.
    resumed: BTreeSet<Cause>,
    shown: Answer,
    since: Moment,
    answered_ok: bool,
    /// Since when `/health` has said 503 without a break; `None`: it says 200.
    refusing: Option<Moment>,
    /// Since when it has said 200 without a break.
    serving: Option<Moment>,
    degraded_told: Vec<Degraded>,
    joining: bool,
    /// When the first signal came.
    stopped: Option<Moment>,
    aborting: Option<Moment>,
    ended: Option<Ending>,
    /// The last pass has moved nothing.
    rests: bool,
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
            asg: AutoScaling::new(policy.membership.auto_scaling, now),
            membership,
            mode: ModeSwitch::new(now),
            drain: None,
            consents: Consents::default(),
            upkeep: Upkeep::default(),
            record: held::Record::default(),
            standby: Standby::new(now),
            standby_since: now,
            standby_kept: None,
            begun: now,
            kept: Intent::default(),
            keep_again: None,
            intent_open: false,
            unread: true,
            resumed: BTreeSet::new(),
            shown: Answer { ok: false, state: State::Booting, reason: Reason::Waiting },
            since: now,
            answered_ok: false,
            refusing: Some(now),
            serving: None,
            degraded_told: Vec::new(),
            joining: false,
            stopped: None,
            aborting: None,
            ended: None,
            rests: true,
            policy,
        }
    }

    /// Takes one event. `now` never goes back; a clock that does is held at its latest reading.
    pub fn handle(&mut self, event: Event, now: Moment) {
        self.desk.begin_turn(now);
        if self.ended.is_some() {
            return;
        }
        // What is late is late, in whatever order things come: no reply counts whose time was over before it.
        while self.ended.is_none()
            && let Some((topic, deadline)) = self.desk.expired()
        {
            self.ended_call(topic, None, deadline);
        }
        if self.ended.is_none() {
            self.take(event);
        }
        self.decide_all();
        debug_assert_eq!(self.check(), Ok(()));
    }

    /// Every room decides, again for as long as one of them moves: what a later one has decided may be news to an
    /// earlier one, and what each waits for is noted by the pass that has moved nothing.
    fn decide_all(&mut self) {
        self.rests = false;
        for _ in 0..PASSES {
            if self.rests || self.ended.is_some() {
                return;
            }
            let before = self.moved();
            self.desk.begin_pass();
            self.step();
            self.rests = self.moved() == before;
        }
    }

    /// What changes when a room moves.
    fn moved(&self) -> (usize, Answer, Option<(bool, DrainPhase)>, Wish, bool) {
        let drain = self.drain.as_ref().map(|drain| (drain.acting(), drain.phase()));
        (self.desk.wanted(), self.shown, drain, self.wish(), self.api.hurries())
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
        self.desk.wake()
    }

    /// How the heart has ended, once it has.
    pub fn ended(&self) -> Option<Ending> {
        self.ended
    }

    fn asks_api(&self) -> bool {
        between::asks_api(self.health.reach(&self.desk), self.leaves())
    }

    fn may_switch(&self) -> bool {
        between::may_switch(self.health.reach(&self.desk), self.api.answers())
    }

    /// A drain still has something to do.
    fn leaves(&self) -> bool {
        self.drain.as_ref().is_some_and(|drain| !drain.done())
    }

    fn asks_database(&self) -> bool {
        between::asks_database(self.health.reach(&self.desk), self.api.token_accepted(), self.api.hurries())
    }

    /// Rundeck is passive by us, and nobody wants that any more.
    fn undoes_passive(&self) -> bool {
        self.drain.is_none() && self.mode.is_ours() && self.api.mode() == Some(Mode::Passive)
    }

    fn claim_kept(&self) -> bool {
        let written = self.kept.passive_by_us == self.mode.is_ours() && !self.intent_open;
        between::claim_waits_until(written, self.mode.claimed_at()).is_none_or(|at| self.desk.reached(at))
    }

    fn claim_mode(&mut self) {
        if self.drain.is_none() {
            self.mode.release(&self.api);
        } else if between::mode_left(&self.policy).is_none() && self.may_switch() {
            self.mode.claim(&self.api, self.health.process(), &self.desk);
        }
    }

    fn wanted_mode(&self) -> Option<Mode> {
        between::wanted_mode(self.drain.as_ref().map(Drain::acting), self.mode.is_ours(), &self.policy)
    }

    fn wish(&self) -> Wish {
        let acting = self.drain.as_ref().map(Drain::acting);
        let ejects = self.membership.ejects();
        between::wish(acting, self.shown, self.asg.may_join(), self.asg.in_standby(), ejects)
    }

    fn drain_inputs(&self) -> DrainInputs {
        DrainInputs {
            rundeck: self.health.reach(&self.desk).life,
            may_replace: between::may_replace(self.asg.replaces()),
            was_in_service: between::was_in_service(self.answered_ok, self.membership.ever_member(), self.unread),
            groups: self.membership.leaving(self.refusing, self.asg.asked_in_vain(), self.policy.dry_run),
            active: self.api.mode() == Some(Mode::Active),
            passive: between::passive(self.api.undisputed(), self.mode.failed(), &self.policy),
            jobs: self.api.jobs(),
            asks_jobs: self.policy.circumstances.has_token,
        }
    }

    /// Why something is changed in a group now, for the log.
    fn why_changed(&self) -> &'static str {
        match &self.drain {
            Some(drain) => drain.lead().map_or("", |order| order.cause.word()),
            None if self.membership.ejects().is_some() => "crash ejection",
            None if self.joining => "drift: the target was gone",
            None => "first up",
        }
    }

    /// Every part decides once, in an order in which each sees what the one before decided.
    fn step(&mut self) {
        self.desk.allow_early(self.health.slack(&self.policy.health, &self.desk));
        self.health.step(&self.policy.health, &mut self.desk);
        self.step_upkeep();
        self.step_standby();
        self.end_choices();
        self.step_consents();
        self.ask_to_go();
        self.show();
        self.health.keep(self.shown.ok, &self.policy.health, &mut self.desk);
        self.claim_mode();
        self.keep_intent();
        self.keep_held();
        // Before the looks that carry the token, too: it is the one thing that is waited for.
        if self.may_switch() && self.claim_kept() {
            let (wanted, process) = (self.wanted_mode(), self.health.process());
            self.mode.step(wanted, process, &self.api, self.policy.dry_run, &mut self.desk);
        }
        let process = self.health.process();
        self.mode.note(&self.api, process, self.drain.is_some(), &self.policy, &mut self.desk);
        self.api.set_urgent(self.leaves(), self.desk.now());
        let asks_api = self.asks_api();
        self.api.step(&self.policy, asks_api, &mut self.desk);
        let asks_database = self.asks_database();
        self.health.step_database(&self.policy.health, asks_database, &mut self.desk);
        let chosen = self.drain.is_some() || self.upkeep.on().is_some();
        let watched = chosen || matches!(self.shown.reason, Reason::Passive | Reason::Disk | Reason::Database);
        let instance = self.membership.identity().map(|identity| identity.instance_id.as_str());
        let instance = instance.map(str::to_owned);
        if self.standby.moves() {
            self.asg.look_often(&self.desk);
        }
        self.asg.step(instance.as_deref(), watched, &mut self.desk);
        let died = self.drain.is_none() && between::has_died(self.shown);
        self.membership.step_ejection(died, &self.policy.membership, &mut self.desk);
        let wish = self.wish();
        let inputs = GroupInputs {
            policy: &self.policy.membership,
            hooks: &self.policy.hooks,
            dry_run: self.policy.dry_run,
            owners: self.asg.owners(),
            waits: self.drain.as_ref().is_some_and(|drain| !drain.acting()),
            refusing: self.refusing,
            own: self.own(),
            answering: Answering::by(&self.policy),
            why: self.why_changed(),
        };
        self.membership.step(&inputs, wish, &mut self.desk);
        self.joining |= wish == Wish::Join && self.membership.ever_member();
        self.step_drain();
        self.api.set_hurry(self.drain.as_ref().is_some_and(Drain::waits_for_jobs), &mut self.desk);
        self.show();
        if self.aborting.is_some_and(|by| self.desk.reached(by)) {
            self.end(Ending::Aborted);
        }
    }

    fn step_drain(&mut self) {
        if self.aborting.is_some() {
            return;
        }
        let Some(mut drain) = self.drain.take() else { return };
        let inputs = self.drain_inputs();
        drain.step(&inputs, &self.policy.drain, &mut self.desk);
        drain.write(self.membership.left_groups(), &mut self.desk);
        let over = drain.finished() && drain.exits();
        self.drain = Some(drain);
        if over {
            self.end(Ending::Stopped);
        }
    }

    /// The answer, and what is told of its changes.
    fn show(&mut self) {
        let answer = self.decide();
        if (answer.state, answer.reason) != (self.shown.state, self.shown.reason) {
            let text = format!("{} -> {}: {}", self.shown.state, answer.state, self.why(&answer));
            self.desk.tell(NoteKind::Transition, text);
            self.since = self.desk.now();
        }
        self.shown = answer;
        self.refusing = if answer.ok { None } else { self.refusing.or(Some(self.desk.now())) };
        self.serving = answer.ok.then(|| self.serving.unwrap_or(self.desk.now()));
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

    fn why(&self, answer: &Answer) -> String {
        match answer.state {
            State::Draining | State::Maintenance | State::Stopped => answer.reason.to_string(),
            State::Down if answer.reason == Reason::Passive => "somebody else switched Rundeck to passive mode".into(),
            State::Down if answer.reason == Reason::Blind => "the agent has had no way to connect for too long".into(),
            State::Down if answer.reason == Reason::Database => "Rundeck's database is gone".into(),
            State::Down if answer.reason == Reason::Disk => "a file system that Rundeck writes to is full".into(),
            State::Booting | State::Up | State::Down | State::Stale => self.health.evidence(),
        }
    }

    fn decide(&self) -> Answer {
        let leaving = self.drain.as_ref().map(|drain| between::Leaving {
            cause: drain.lead().map(|order| order.cause),
            stopped: drain.exits() && drain.finished(),
            holds_200: drain.holds_200(),
        });
        let ejections = self.ejections();
        let agreed = if self.membership.lets_out() { ejections } else { ejections.of_own_right() };
        between::answer(leaving, self.maintained(), self.health.verdict(), &agreed)
    }

    fn ejections(&self) -> between::Ejections {
        let replaces = self.asg.replaces();
        between::Ejections {
            blind: self.health.blind(&self.policy.health, &self.desk),
            disk: between::ejects_full_disk(self.health.disk_full(), replaces),
            passive: between::ejects_passive(self.mode.set_by_others(&self.api), replaces, &self.policy),
            database: between::ejects_database(self.health.database_gone(), replaces, &self.policy.health),
        }
    }

    /// An operator maintains the node; or may, by what an earlier boot has kept.
    fn maintained(&self) -> Option<between::Maintained> {
        let waits = self.upkeep.waits().then_some(between::Maintained::Perhaps);
        let on = self.upkeep.on().filter(|_| !self.standby.is_entering());
        on.map(|_| between::Maintained::Yes).or(waits)
    }

    fn step_upkeep(&mut self) {
        let waited = self.upkeep.waits() && self.desk.reached(self.begun + self.policy.health.boot_timeout);
        let instance = self.membership.identity().map(|identity| identity.instance_id.as_str());
        self.upkeep.step(instance, waited, &mut self.desk);
    }

    /// What is wrong with the node takes it out where the fleet can do without it.
    fn ask_to_go(&mut self) {
        let out = self.drain.is_some() || self.maintained().is_some();
        let wants = between::wants_out(out, self.health.verdict(), &self.ejections());
        self.membership.step_hold(wants, self.shown.ok, &self.policy.membership, &mut self.desk);
    }

    fn degraded(&self) -> Vec<Degraded> {
        let mode = self.mode.shown(&self.api);
        between::degraded(self.shown, mode, self.health.degraded(), self.membership.holds())
    }
}
