//! Leaving: the phases of a drain, and what must be true before each ends.
//!
//! It knows who wants the node out, how far the drain has come, what was in flight and which jobs ran. It decides
//! when a phase ends, what is given up at a deadline, whether `/health` still says 200, and what the receipt says. It
//! never deregisters, switches the mode or counts jobs: other rooms do, and tell it how far they are (`DrainInputs`).
//!
//! The heart calls `Drain::new`, `add` and `take_back` for orders, `step` and `write` once a turn, `on_count`,
//! `on_receipt` and `intent_kept` for answers, asks how far it is (`acting`, `holds_200`, `waits_for_jobs`, `done`,
//! `finished`, `exits`, `deadline`), and shows `lead`, `orders`, `id`, `view` and `receipt`.

mod check;
mod limits;
mod maintenance;
mod receipt;
mod steps;
#[cfg(test)]
mod tests;
mod waits;
mod wishes;
mod words;

use crate::contract::{
    Call, Cause, DrainInputs, DrainOrder, DrainPhase, DrainPolicy, DrainView, Finding, Life, Moment, NoteKind, Passive,
    Receipt, Span, StepName, StepResult,
};
use crate::desk::{Desk, Pace, Topic};
use limits::{ADVERTISE_LIMIT, COUNT_EVERY, COUNT_LIMIT, PHASES};
use steps::{Steps, differs, nobody_there};
use wishes::Wishes;
use words::{jobs_words, quiet_words};

pub(crate) use limits::INTENT_WAIT;
pub(crate) use maintenance::Upkeep;
pub(crate) use wishes::anew;
pub(crate) use words::note_receipt;

#[derive(Clone, Debug)]
pub(crate) struct Drain {
    /// Names the receipt: that of the first order, whoever joined or left later.
    id: String,
    wishes: Wishes,
    phase: DrainPhase,
    started: Moment,
    /// An Auto Scaling group may replace the node: 200 until the jobs are done.
    jobs_first: bool,
    /// The first phase is over: all has been tried that goes on in the background.
    advertised: bool,
    steps: Steps,
    /// Somebody has joined who has a time of his own.
    joined: bool,
    intent_by: Option<Moment>,
    /// The node goes into Standby first: until it is there nothing else is done.
    held: bool,
    phase_since: Moment,
    floor_until: Moment,
    quiet_until: Moment,
    count: Pace,
    /// The last count; the inner `None`: nobody can tell.
    in_flight: Option<Option<u32>>,
    cut: Option<Option<u32>>,
    most_running: Option<u32>,
    last_running: Option<u32>,
    /// So many ran when their Rundeck ended: whatever another one does, they did not end by themselves.
    died: Option<u32>,
    /// What is known of running jobs now; `None`: nobody can tell.
    running: Option<u32>,
    receipt: Pace,
    receipt_done: bool,
    /// As it was sent to be written.
    ended: Option<Box<Receipt>>,
}

impl Drain {
    pub(crate) fn new(order: DrainOrder, jobs_first: bool, now: Moment) -> Drain {
        Drain {
            id: order.id.clone(),
            started: order.at.min(now),
            wishes: Wishes::of(order, now),
            phase: DrainPhase::Advertise,
            jobs_first,
            advertised: false,
            steps: Steps::begin(now),
            joined: false,
            intent_by: Some(now + INTENT_WAIT),
            held: false,
            phase_since: now,
            floor_until: now,
            quiet_until: now,
            count: Pace::from(now),
            in_flight: None,
            cut: None,
            most_running: None,
            last_running: None,
            died: None,
            running: None,
            receipt: Pace::from(now),
            receipt_done: false,
            ended: None,
        }
    }

    /// As an earlier run of the agent left it: it has ended, and its receipt stands.
    pub(crate) fn ended(order: DrainOrder, receipt: Box<Receipt>, now: Moment) -> Drain {
        Drain {
            id: receipt.id.clone(),
            started: receipt.started,
            phase: DrainPhase::Done,
            advertised: true,
            steps: Steps::of(&receipt.steps),
            intent_by: None,
            cut: Some(receipt.inflight_at_cut),
            most_running: receipt.running_jobs_waited_for,
            receipt_done: true,
            ended: Some(receipt),
            ..Drain::new(order, false, now)
        }
    }

    /// The receipt, once it has been sent to be written: what is kept of a drain that has ended.
    pub(crate) fn end(&self) -> Option<&Receipt> {
        self.ended.as_deref()
    }

    /// Who wants the node out, oldest first.
    pub(crate) fn orders(&self) -> &[DrainOrder] {
        self.wishes.all()
    }

    /// This cause wants it already.
    pub(crate) fn has(&self, cause: Cause) -> bool {
        self.wishes.has(cause)
    }

    /// The node need not go: whoever wants it out has chosen to.
    pub(crate) fn is_choice(&self) -> bool {
        self.wishes.all().iter().all(|order| order.cause.meaning().choice)
    }

    /// The order whose word is shown.
    pub(crate) fn lead(&self) -> Option<&DrainOrder> {
        self.wishes.lead()
    }

    /// The process exits when the drain is over.
    pub(crate) fn exits(&self) -> bool {
        self.wishes.exit()
    }

    /// Somebody joins; a time of his own takes up again what was given up. True: so do switching and deregistering.
    pub(crate) fn add(&mut self, order: DrainOrder, now: Moment) -> bool {
        let again = self.wishes.add(order, now);
        self.joined |= again;
        again && (self.steps.given_up(StepName::Passive) || self.steps.given_up(StepName::Deregister))
    }

    /// Somebody who wanted it before the agent's restart wants it still: nothing is taken up again for that.
    pub(crate) fn still(&mut self, order: DrainOrder, now: Moment) {
        self.wishes.add(order, now);
    }

    /// It was cut off and its receipt is written: what goes on of it after a restart writes another.
    pub(crate) fn rename(&mut self) {
        self.wishes.rename(&self.id);
    }

    /// These causes want it no more. What is left: `None` if none was taken back, else whether any still wants it.
    pub(crate) fn take_back(&mut self, ends: impl Fn(Cause) -> bool) -> Option<bool> {
        self.wishes.take_back(ends)
    }

    /// When it must have ended.
    pub(crate) fn deadline(&self) -> Option<Moment> {
        self.wishes.deadline()
    }

    /// Names the receipt.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// How far it has come.
    pub(crate) fn phase(&self) -> DrainPhase {
        self.phase
    }

    /// The last phase is over; the receipt may still be under way.
    pub(crate) fn done(&self) -> bool {
        self.phase == DrainPhase::Done
    }

    /// What people may know of it.
    pub(crate) fn view(&self) -> Option<DrainView> {
        let lead = self.lead()?;
        Some(DrainView {
            id: self.id.clone(),
            cause: lead.cause,
            causes: self.orders().iter().map(|o| o.cause).collect(),
            reason: lead.reason.clone(),
            phase: self.phase,
            started: self.started,
            deadline: self.wishes.deadline(),
            steps: self.steps.all().to_vec(),
            in_flight: self.in_flight.flatten(),
        })
    }

    /// Intent is on disk (or was waited for long enough): now the world may be changed.
    pub(crate) fn acting(&self) -> bool {
        self.intent_by.is_none() && !self.held
    }

    /// The node goes into Standby before anything else.
    pub(crate) fn hold(&mut self, now: Moment) {
        if self.phase == DrainPhase::Advertise && !self.held {
            self.held = true;
            self.steps = Steps::standby(now);
        }
    }

    /// The way by Standby has ended; `there`: the node is in it, and the drain begins.
    pub(crate) fn release(&mut self, there: bool, now: Moment) {
        if std::mem::take(&mut self.held) && there {
            self.steps.close(StepName::Standby, StepResult::InStandby, now);
            self.steps.begin_all(now);
            self.phase_since = now;
        }
    }

    pub(crate) fn intent_kept(&mut self) {
        self.intent_by = None;
    }

    /// `/health` still says 200 although the node is leaving.
    pub(crate) fn holds_200(&self) -> bool {
        let waits = matches!(self.phase, DrainPhase::Advertise | DrainPhase::Jobs);
        self.held || (self.jobs_first && waits && !self.steps.over(StepName::Jobs))
    }

    pub(crate) fn waits_for_jobs(&self) -> bool {
        self.phase == DrainPhase::Jobs
    }

    /// It was taken back: nobody waits for its receipt any more, and what it counted is not the next one's.
    pub(crate) fn disown(&mut self, desk: &mut Desk) {
        desk.disown(&mut self.receipt);
        desk.disown(&mut self.count);
    }

    /// Nothing is left to be done, and the receipt is written.
    pub(crate) fn finished(&self) -> bool {
        self.phase == DrainPhase::Done && self.receipt_done
    }

    pub(crate) fn step(&mut self, inputs: &DrainInputs, policy: &DrainPolicy, desk: &mut Desk) {
        if std::mem::take(&mut self.joined) {
            self.take_up_again(inputs, desk);
        }
        if self.intent_by.is_some_and(|by| desk.reached(by)) {
            self.intent_by = None;
            desk.finding(
                Finding::IntentNotKept,
                "the drain could not be written to the state directory in time: a crash would forget it",
            );
        }
        if self.held {
            return;
        }
        // What metadata tell during the drain counts as what they told before it.
        self.jobs_first = inputs.may_replace;
        if self.holds_200() {
            // It says 200 once more, if ever it said 503: whoever has seen that is sent here again.
            self.steps.forget(StepName::Quiet);
            self.in_flight = None;
            self.cut = None;
        }
        self.watch(inputs, policy, desk);
        for _ in 0..PHASES {
            if !self.advance(inputs, policy, desk) {
                break;
            }
        }
    }

    /// What was given up is open again, and so are jobs that began since they were waited for, and passive mode that
    /// somebody has undone since.
    fn take_up_again(&mut self, inputs: &DrainInputs, desk: &mut Desk) {
        let now = desk.now();
        let mut again = self.steps.take_up_again(now);
        // Nobody knows of none: it is asked once more, where it can be.
        if self.steps.over(StepName::Jobs) && inputs.jobs.running.map_or(inputs.asks_jobs, |running| running > 0) {
            self.steps.open(StepName::Jobs, now);
            again = true;
        }
        if self.steps.is_not_passive_after_all() && inputs.active {
            self.steps.open(StepName::Passive, now);
            again = true;
        }
        // Somebody has put the node back since; or, after a restart, nobody knows yet.
        again |= inputs.groups.back;
        if !again {
            return;
        }
        let said = self.steps.result(StepName::Deregister);
        let other = inputs.groups.outcome.is_none() || said.is_some_and(|said| differs(said, inputs.groups.outcome));
        if said.is_some() && (inputs.groups.back || other) {
            self.steps.open(StepName::Deregister, now);
        }
        let background = [StepName::Passive, StepName::Deregister];
        if background.into_iter().any(|name| !self.steps.over(name)) {
            self.advertised = false;
        }
        if !self.steps.over(StepName::Quiet) {
            self.cut = None;
        }
        if self.phase == DrainPhase::Done {
            // The receipt will be written anew, under the same id.
            desk.disown(&mut self.receipt);
            self.receipt_done = false;
            self.ended = None;
            let cause = self.orders().last().map_or("", |order| order.cause.word());
            desk.tell(NoteKind::DrainStep, format!("drain: {cause}: what was given up is taken up again"));
        }
    }

    /// Keeps the open steps and the count of jobs up to date, whatever the phase.
    fn watch(&mut self, inputs: &DrainInputs, policy: &DrainPolicy, desk: &mut Desk) {
        if self.phase == DrainPhase::Done {
            return;
        }
        self.running = inputs.jobs.running;
        if let Some(running) = inputs.jobs.running {
            self.most_running = self.most_running.max(Some(running));
            self.last_running = Some(running);
        }
        self.steps.close(
            StepName::Advertise,
            if self.jobs_first { StepResult::Answers200 } else { StepResult::Answers503 },
            desk.now(),
        );
        match &inputs.passive {
            Passive::On => self.steps.close(StepName::Passive, StepResult::Passive, desk.now()),
            Passive::Skipped(why) => self.steps.close(StepName::Passive, StepResult::ModeLeft(*why), desk.now()),
            Passive::Pending | Passive::Failed if inputs.rundeck != Life::There => {
                let nobody = nobody_there(inputs.rundeck).unwrap_or(StepResult::RundeckGone);
                self.steps.close(StepName::Passive, nobody, desk.now())
            }
            Passive::Pending | Passive::Failed if inputs.active => {
                // Somebody has switched it back, or it is there after all: it is passive once it is so again.
                if self.steps.is_not_passive_after_all() {
                    self.steps.open(StepName::Passive, desk.now());
                }
            }
            Passive::Pending | Passive::Failed => {}
        }
        if inputs.groups.back && self.steps.over(StepName::Deregister) {
            // Somebody has put the node back: whether it is out is judged anew, and not by what was confirmed before.
            self.steps.open(StepName::Deregister, desk.now());
            desk.tell(NoteKind::DrainStep, "drain: the node is a target again: it is deregistered once more");
        }
        let said = self.steps.result(StepName::Deregister);
        if inputs.groups.settled && said.is_some_and(|said| differs(said, inputs.groups.outcome)) {
            // A group was named since, has become ours to leave, or is not there any more.
            self.steps.open(StepName::Deregister, desk.now());
        }
        if inputs.groups.settled && self.acting() {
            self.close_deregister(inputs, desk.now());
        }
        self.follow(inputs.groups.unconfirmed_floor, policy, desk.now());
        if self.phase == DrainPhase::Quiet && desk.due(&self.count) {
            desk.ask(&mut self.count, Topic::InFlight, Call::CountInFlight, COUNT_LIMIT);
        }
    }

    fn close_deregister(&mut self, inputs: &DrainInputs, now: Moment) {
        if let Some(result) = inputs.groups.outcome {
            self.steps.close(StepName::Deregister, StepResult::Deregistered(result), now);
        }
    }

    /// The floor follows what is seen of the balancers: shorter once all have let the node go, longer where one shows
    /// it again.
    fn follow(&mut self, unconfirmed: Option<Span>, policy: &DrainPolicy, now: Moment) {
        if self.phase != DrainPhase::Quiet {
            return;
        }
        match unconfirmed {
            Some(floor) => self.floor_until = self.floor_until.max(self.phase_since + floor.max(policy.floor)),
            None => self.floor_until = self.floor_until.min(now + policy.floor),
        }
    }

    pub(crate) fn on_count(&mut self, count: Option<u32>, now: Moment) {
        self.count.done(now + COUNT_EVERY);
        self.in_flight = Some(count);
    }

    /// Goes on to the phase that is wanted now. True if that is another one.
    fn advance(&mut self, inputs: &DrainInputs, policy: &DrainPolicy, desk: &mut Desk) -> bool {
        if self.phase != DrainPhase::Done && self.wishes.deadline().is_some_and(|at| desk.reached(at)) {
            self.give_up(desk.now());
        } else {
            match self.phase {
                DrainPhase::None | DrainPhase::Done => {}
                DrainPhase::Advertise => self.advertised |= self.all_tried(inputs, desk),
                DrainPhase::Quiet => self.quiet(inputs, desk),
                DrainPhase::Jobs => self.jobs(inputs, policy, desk),
            }
        }
        let wanted = self.wanted();
        let moves = wanted != self.phase;
        if moves {
            self.enter(wanted, inputs, policy, desk);
        }
        moves
    }

    /// The first phase that is not over, by the states of the steps.
    fn wanted(&self) -> DrainPhase {
        let quiet = (StepName::Quiet, DrainPhase::Quiet);
        let jobs = (StepName::Jobs, DrainPhase::Jobs);
        let waits = if self.jobs_first { [jobs, quiet] } else { [quiet, jobs] };
        if !self.advertised {
            return DrainPhase::Advertise;
        }
        let left = waits.into_iter().find(|(step, _)| !self.steps.over(*step));
        left.map_or(DrainPhase::Done, |(_, phase)| phase)
    }

    fn all_tried(&self, inputs: &DrainInputs, desk: &Desk) -> bool {
        let switched = inputs.rundeck != Life::There
            || matches!(inputs.passive, Passive::On | Passive::Skipped(_) | Passive::Failed);
        (self.acting() && inputs.groups.tried && switched) || desk.reached(self.phase_since + ADVERTISE_LIMIT)
    }

    fn enter(&mut self, phase: DrainPhase, inputs: &DrainInputs, policy: &DrainPolicy, desk: &mut Desk) {
        let now = desk.now();
        self.phase = phase;
        self.phase_since = now;
        match phase {
            DrainPhase::None | DrainPhase::Advertise => {}
            DrainPhase::Quiet => {
                self.steps.open(StepName::Quiet, now);
                // What was counted before says nothing about this wait.
                desk.disown(&mut self.count);
                self.in_flight = None;
                let floor = inputs.groups.unconfirmed_floor.map_or(policy.floor, |f| f.max(policy.floor));
                self.floor_until = now + floor;
                self.quiet_until = now + policy.quiet_timeout.unwrap_or(inputs.groups.longest_delay).max(floor);
                self.count.plan(now);
                if inputs.was_in_service && nobody_there(inputs.rundeck).is_none() {
                    desk.tell(NoteKind::DrainStep, quiet_words(floor, self.quiet_until.since(now)));
                }
            }
            DrainPhase::Jobs => {
                self.steps.open(StepName::Jobs, now);
                if nobody_there(inputs.rundeck).is_none() && policy.jobs_timeout != Span::ZERO {
                    let until = self.jobs_until(policy);
                    let most = self.wishes.deadline().map_or(until, |at| at.min(until)).since(now);
                    desk.tell(NoteKind::DrainStep, jobs_words(inputs.jobs.running, most, policy.jobs_unknown_timeout));
                }
            }
            DrainPhase::Done => {
                // Nobody has told until now whether there is anything to leave: there is nothing that we know of.
                self.close_deregister(inputs, now);
                // What is still open when everything else is over could not be done.
                self.steps.abandon_open(StepResult::NotDone, now);
            }
        }
    }
}
