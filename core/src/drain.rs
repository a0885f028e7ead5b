//! Leaving: the phases of a drain and what must be true before each ends (design 6).
//!
//! It decides when; deregistering, switching the mode and counting jobs are done by their own parts, which this one reads.

use crate::contract::{
    Call, Cause, DrainOrder, DrainPhase, DrainPolicy, DrainResult, GroupLeft, Moment, NoteKind, Receipt, Span, Step,
    result_word, sooner,
};
use crate::desk::{Desk, Pace, Topic};
use crate::heart::INTENT_WAIT;

/// Switching and deregistering go on in the background after this.
const ADVERTISE_LIMIT: Span = Span::secs(10);
/// Between two counts of what is in flight.
const COUNT_EVERY: Span = Span::secs(1);
const COUNT_LIMIT: Span = Span::secs(2);
/// A receipt that is not on disk by then is reported and no longer waited for.
const RECEIPT_LIMIT: Span = Span::secs(2);

/// What a drain reads of the rest of the heart.
pub(crate) struct Around {
    pub(crate) policy: DrainPolicy,
    /// Rundeck surely is not there.
    pub(crate) gone: bool,
    /// Its process is known and has not ended: with its port closed it may still finish what it serves (6.x).
    pub(crate) process_alive: bool,
    /// The node was a target or answered 200 since the agent's start.
    pub(crate) was_in_service: bool,
    /// Every group was tried; every group confirmed or never held us.
    pub(crate) tried: bool,
    pub(crate) all_left: bool,
    /// What came of deregistering, once there is nothing left to be done.
    pub(crate) deregistered: Option<&'static str>,
    pub(crate) unconfirmed_floor: Option<Span>,
    pub(crate) longest_delay: Span,
    /// Passive mode is on, or what keeps it from being.
    pub(crate) passive: Passive,
    pub(crate) running: Option<u32>,
    /// Two answers in a row showed no running job; the first of them had been asked for then.
    pub(crate) idle_since: Option<Moment>,
    pub(crate) jobs_unknown_since: Option<Moment>,
}

/// How far the switch to passive mode is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Passive {
    On,
    Pending,
    Failed(String),
    /// Not wanted, or no token to do it.
    Skipped(&'static str),
}

#[derive(Clone, Debug)]
pub(crate) struct Drain {
    /// Names the receipt: that of the first order, whoever joined or left later.
    pub(crate) id: String,
    pub(crate) orders: Vec<DrainOrder>,
    pub(crate) phase: DrainPhase,
    pub(crate) started: Moment,
    /// The process exits when the drain is over.
    pub(crate) exit: bool,
    /// An Auto Scaling group may replace the node: 200 until the jobs are done.
    pub(crate) jobs_first: bool,
    pub(crate) steps: Vec<Step>,
    intent_by: Option<Moment>,
    phase_since: Moment,
    floor_until: Moment,
    quiet_until: Moment,
    left_at: Option<Moment>,
    count: Pace,
    /// The last count; the inner `None`: nobody can tell.
    pub(crate) in_flight: Option<Option<u32>>,
    cut: Option<Option<u32>>,
    pub(crate) most_running: u32,
    last_running: Option<u32>,
    unproven: bool,
    receipt: Pace,
    receipt_done: bool,
}

impl Drain {
    pub(crate) fn new(order: DrainOrder, jobs_first: bool, now: Moment) -> Drain {
        let mut drain = Drain {
            id: order.id.clone(),
            started: order.at.min(now),
            exit: order.cause == Cause::AgentStopping,
            orders: vec![order],
            phase: DrainPhase::Advertise,
            jobs_first,
            steps: Vec::new(),
            intent_by: Some(now + INTENT_WAIT),
            phase_since: now,
            floor_until: now,
            quiet_until: now,
            left_at: None,
            count: Pace::from(now),
            in_flight: None,
            cut: None,
            most_running: 0,
            last_running: None,
            unproven: false,
            receipt: Pace::from(now),
            receipt_done: false,
        };
        for name in ["advertise", "passive", "deregister"] {
            drain.open_step(name, now);
        }
        drain
    }

    /// The order whose word is shown: the one that leads to the exit, else the oldest.
    pub(crate) fn lead(&self) -> Option<&DrainOrder> {
        self.orders.iter().find(|o| o.cause == Cause::AgentStopping).or_else(|| self.orders.first())
    }

    pub(crate) fn deadline(&self) -> Option<Moment> {
        self.orders.iter().filter_map(|o| o.deadline).min()
    }

    pub(crate) fn add(&mut self, order: DrainOrder) {
        self.exit |= order.cause == Cause::AgentStopping;
        match self.orders.iter_mut().find(|o| o.cause == order.cause) {
            // The same wish again: the stricter deadline counts, and the newer words.
            Some(known) => {
                known.deadline = sooner(known.deadline, order.deadline);
                if !order.reason.is_empty() {
                    known.reason = order.reason;
                }
            }
            None => self.orders.push(order),
        }
    }

    /// Intent is on disk (or was waited for long enough): now the world may be changed.
    pub(crate) fn acting(&self) -> bool {
        self.intent_by.is_none()
    }

    pub(crate) fn intent_kept(&mut self) {
        self.intent_by = None;
    }

    /// `/health` still says 200 although the node is leaving.
    pub(crate) fn holds_200(&self) -> bool {
        self.jobs_first && matches!(self.phase, DrainPhase::Advertise | DrainPhase::Jobs)
    }

    pub(crate) fn waits_for_jobs(&self) -> bool {
        self.phase == DrainPhase::Jobs
    }

    /// Nobody waits for the receipt any more.
    pub(crate) fn disown_receipt(&mut self, desk: &mut Desk) {
        desk.disown(&mut self.receipt);
    }

    /// Nothing is left to be done, and the receipt is written.
    pub(crate) fn finished(&self) -> bool {
        self.phase == DrainPhase::Done && self.receipt_done
    }

    pub(crate) fn wake(&self, around: &Around, now: Moment) -> Option<Moment> {
        let mut wake = self.intent_by;
        match self.phase {
            DrainPhase::None => {}
            DrainPhase::Advertise => wake = sooner(wake, Some(self.phase_since + ADVERTISE_LIMIT)),
            DrainPhase::Quiet => {
                wake = sooner(wake, self.count.wake());
                wake = sooner(wake, Some(self.floor_until).filter(|at| *at > now));
                wake = sooner(wake, Some(self.quiet_until));
            }
            DrainPhase::Jobs => {
                wake = sooner(wake, Some(self.jobs_until(around)));
                wake = sooner(wake, self.jobs_unknown_until(around));
            }
            DrainPhase::Done => return None,
        }
        sooner(wake, self.deadline())
    }

    pub(crate) fn step(&mut self, around: &Around, desk: &mut Desk) {
        if self.intent_by.is_some_and(|by| desk.now() >= by) {
            self.intent_by = None;
            desk.finding(
                "intent-not-kept",
                "the drain could not be written to the state directory in time: a crash would forget it",
            );
        }
        self.watch(around, desk);
        // Each phase may end at once; there are four of them.
        for _ in 0..4 {
            if !self.advance(around, desk) {
                break;
            }
        }
    }

    /// Keeps the open steps and the count of jobs up to date, whatever the phase.
    fn watch(&mut self, around: &Around, desk: &mut Desk) {
        if self.phase == DrainPhase::Done {
            return;
        }
        if let Some(running) = around.running {
            self.most_running = self.most_running.max(running);
            self.last_running = Some(running);
        }
        self.close_step("advertise", if self.jobs_first { "200 until the jobs are done" } else { "503" }, desk.now());
        match &around.passive {
            Passive::On => self.close_step("passive", "passive mode", desk.now()),
            Passive::Skipped(why) => self.close_step("passive", why, desk.now()),
            Passive::Pending | Passive::Failed(_) if around.gone => {
                self.close_step("passive", "Rundeck is not running", desk.now())
            }
            Passive::Pending | Passive::Failed(_) => {}
        }
        if let Some(result) = around.deregistered.filter(|_| self.acting()) {
            self.close_step("deregister", result, desk.now());
        }
        if self.acting() && around.all_left && self.left_at.is_none() {
            self.left_at = Some(desk.now());
            if self.phase == DrainPhase::Quiet {
                self.floor_until = self.floor_until.min(desk.now() + around.policy.floor);
            }
        }
        if self.phase == DrainPhase::Quiet && self.count.due(desk.now()) {
            desk.ask(&mut self.count, Topic::InFlight, Call::CountInFlight, COUNT_LIMIT);
        }
    }

    pub(crate) fn on_count(&mut self, count: Option<u32>, now: Moment) {
        self.count.done(now + COUNT_EVERY);
        self.in_flight = Some(count);
    }

    /// Ends the phase if it may end. True if it did.
    fn advance(&mut self, around: &Around, desk: &mut Desk) -> bool {
        if self.phase == DrainPhase::Done {
            return false;
        }
        if self.deadline().is_some_and(|at| desk.now() >= at) {
            self.give_up("the drain's deadline", desk);
            self.enter(DrainPhase::Done, around, desk);
            return true;
        }
        let over = match self.phase {
            DrainPhase::None | DrainPhase::Done => false,
            DrainPhase::Advertise => self.advertised(around, desk.now()),
            DrainPhase::Quiet => self.quiet(around, desk),
            DrainPhase::Jobs => self.jobs(around, desk),
        };
        if over {
            self.enter(self.next_phase(), around, desk);
        }
        over
    }

    fn next_phase(&self) -> DrainPhase {
        match (self.phase, self.jobs_first) {
            (DrainPhase::Advertise, false) | (DrainPhase::Jobs, true) => DrainPhase::Quiet,
            (DrainPhase::Advertise, true) | (DrainPhase::Quiet, false) => DrainPhase::Jobs,
            (DrainPhase::None | DrainPhase::Quiet | DrainPhase::Jobs | DrainPhase::Done, _) => DrainPhase::Done,
        }
    }

    fn advertised(&self, around: &Around, now: Moment) -> bool {
        let switched = around.gone || matches!(around.passive, Passive::On | Passive::Skipped(_) | Passive::Failed(_));
        (self.acting() && around.tried && switched) || now >= self.phase_since + ADVERTISE_LIMIT
    }

    fn enter(&mut self, phase: DrainPhase, around: &Around, desk: &mut Desk) {
        let now = desk.now();
        self.phase = phase;
        self.phase_since = now;
        match phase {
            DrainPhase::None | DrainPhase::Advertise => {}
            DrainPhase::Quiet => {
                self.open_step("quiet", now);
                let floor = around.unconfirmed_floor.map_or(around.policy.floor, |f| f.max(around.policy.floor));
                self.floor_until = now + floor;
                self.quiet_until = now + around.policy.quiet_timeout.unwrap_or(around.longest_delay).max(floor);
                self.count.plan(now);
                if around.was_in_service {
                    desk.tell(
                        NoteKind::DrainStep,
                        format!(
                            "drain: quiet: floor {:.1} s, at most {:.1} s",
                            secs(floor),
                            secs(self.quiet_until.since(now))
                        ),
                    );
                }
            }
            DrainPhase::Jobs => {
                self.open_step("jobs", now);
                let running = around.running.map_or("unknown number".to_string(), |n| n.to_string());
                desk.tell(NoteKind::DrainStep, format!("drain: jobs: {running} running"));
            }
            DrainPhase::Done => self.close_all(desk),
        }
    }

    fn quiet(&mut self, around: &Around, desk: &mut Desk) -> bool {
        if !around.was_in_service {
            self.close_step("quiet", "skipped: this node was not in service", desk.now());
            return true;
        }
        if around.gone && !around.process_alive {
            // Nobody is served by a Rundeck that is not there, however long it is waited for.
            self.cut = Some(Some(0));
            self.close_step("quiet", "Rundeck is not running", desk.now());
            return true;
        }
        let count = self.in_flight;
        let nothing = count == Some(Some(0));
        if desk.now() < self.floor_until || (!nothing && desk.now() < self.quiet_until) {
            return false;
        }
        self.cut = Some(count.flatten());
        match count.flatten() {
            Some(0) => self.close_step("quiet", "nothing in flight", desk.now()),
            Some(n) => self.abandon_step("quiet", &format!("{n} still in flight"), desk.now()),
            None => {
                self.unproven = true;
                self.close_step("quiet", "unproven: nobody could tell what was in flight", desk.now());
            }
        }
        true
    }

    fn jobs_until(&self, around: &Around) -> Moment {
        self.phase_since + around.policy.jobs_timeout
    }

    fn jobs_unknown_until(&self, around: &Around) -> Option<Moment> {
        let since = around.jobs_unknown_since?;
        Some(since.max(self.phase_since) + around.policy.jobs_unknown_timeout)
    }

    fn jobs(&mut self, around: &Around, desk: &mut Desk) -> bool {
        let now = desk.now();
        if around.policy.jobs_timeout == Span::ZERO {
            self.close_step("jobs", "not waited for (drain.jobs_timeout is 0s)", now);
        } else if around.gone && !around.process_alive {
            match self.last_running {
                Some(n) if n > 0 => self.abandon_step("jobs", &format!("Rundeck ended while {n} ran"), now),
                _ => self.close_step("jobs", "Rundeck is not running", now),
            }
        } else if around.idle_since.is_some_and(|asked| asked >= self.phase_since) {
            self.close_step("jobs", "none running", now);
        } else if self.jobs_unknown_until(around).is_some_and(|at| now >= at) {
            self.unproven = true;
            self.close_step("jobs", "unproven: the token cannot see running jobs", now);
        } else if now >= self.jobs_until(around) {
            let left = around.running.map_or("an unknown number".to_string(), |n| n.to_string());
            self.abandon_step("jobs", &format!("{left} still running"), now);
        } else {
            return false;
        }
        true
    }

    fn open_step(&mut self, name: &str, now: Moment) {
        self.steps.push(Step { name: name.into(), started: now, took_ms: None, result: String::new(), gave_up: false });
    }

    fn close_step(&mut self, name: &str, result: &str, now: Moment) {
        if let Some(step) = self.steps.iter_mut().find(|s| s.name == name && s.took_ms.is_none()) {
            step.took_ms = Some(now.since(step.started).0);
            step.result = result.into();
        }
    }

    fn abandon_step(&mut self, name: &str, result: &str, now: Moment) {
        self.close_step(name, result, now);
        if let Some(step) = self.steps.iter_mut().find(|s| s.name == name) {
            step.gave_up = true;
        }
    }

    /// Names what is cut off: the open steps, and those that never began.
    fn give_up(&mut self, why: &str, desk: &mut Desk) {
        for name in ["quiet", "jobs"] {
            if !self.steps.iter().any(|s| s.name == name) {
                self.open_step(name, desk.now());
            }
        }
        if self.cut.is_none() {
            self.cut = self.in_flight;
        }
        let open: Vec<String> = self.steps.iter().filter(|s| s.took_ms.is_none()).map(|s| s.name.clone()).collect();
        for name in open {
            self.abandon_step(&name, &format!("given up at {why}"), desk.now());
        }
    }

    /// What is still open when everything else is over could not be done.
    fn close_all(&mut self, desk: &mut Desk) {
        let open: Vec<String> = self.steps.iter().filter(|s| s.took_ms.is_none()).map(|s| s.name.clone()).collect();
        for name in open {
            self.abandon_step(&name, "could not be done", desk.now());
        }
    }

    fn result(&self) -> DrainResult {
        if self.steps.iter().any(|s| s.gave_up) {
            DrainResult::CutShort
        } else if self.unproven {
            DrainResult::Unproven
        } else {
            DrainResult::Clean
        }
    }

    /// Writes the receipt once the last phase is over.
    pub(crate) fn write(&mut self, groups: Vec<GroupLeft>, desk: &mut Desk) {
        if self.phase != DrainPhase::Done || self.receipt_done || self.receipt.is_open() {
            return;
        }
        let result = self.result();
        if let Some(receipt) = self.receipt(groups, result, desk.now()) {
            let took = secs(receipt.ended.since(receipt.started));
            desk.tell(
                NoteKind::Drained,
                format!(
                    "drained in {took:.1} s: {} jobs waited for (receipt {}, {})",
                    receipt.running_jobs_waited_for,
                    receipt.id,
                    result_word(result)
                ),
            );
            desk.ask(&mut self.receipt, Topic::Receipt, Call::WriteReceipt(Box::new(receipt)), RECEIPT_LIMIT);
        }
    }

    pub(crate) fn receipt(&self, groups: Vec<GroupLeft>, result: DrainResult, now: Moment) -> Option<Receipt> {
        let lead = self.lead()?;
        Some(Receipt {
            id: self.id.clone(),
            cause: lead.cause,
            reason: lead.reason.clone(),
            started: self.started,
            deadline: self.deadline(),
            ended: now,
            steps: self.steps.clone(),
            running_jobs_waited_for: self.most_running,
            running_jobs_left: self.last_running,
            inflight_at_cut: self.cut.flatten(),
            target_groups: groups,
            result,
        })
    }

    pub(crate) fn on_receipt(&mut self, written: Result<(), String>, desk: &mut Desk) {
        self.receipt.done(desk.now());
        self.receipt_done = true;
        note_receipt(written, desk);
    }
}

pub(crate) fn note_receipt(written: Result<(), String>, desk: &mut Desk) {
    match written {
        Ok(()) => desk.cured("receipt-not-kept"),
        Err(why) => desk.finding("receipt-not-kept", format!("the receipt could not be written: {why}")),
    }
}

fn secs(span: Span) -> f64 {
    span.0 as f64 / 1000.0
}
