//! What people and signals want of the node: orders to leave and to come back, kept over a crash, and the end itself.
//!
//! It begins, joins and ends drains, and refuses those that would get the node replaced; how a drain goes is decided in
//! `leaving`.

use super::{Heart, between};
use crate::contract::{
    Call, Cause, Command, DrainOrder, DrainResult, EndedBy, Ending, Finding, Intent, Kept, NoteKind, Order,
    OrderAnswer, Refusal, Span, State,
};
use crate::desk::Topic;
use crate::leaving::{Drain, anew, note_receipt};

/// Limit for writing the intent; the drain acts after a shorter wait of its own.
const INTENT_LIMIT: Span = Span::secs(10);
/// A failed write is tried again after this: a drain is short, and its end may be the end of the agent.
const INTENT_AGAIN: Span = Span::secs(10);
/// Signals within this time are one stop.
const ONE_STOP: Span = Span::secs(2);
/// A drain that a group has ended is told until the node has been up for this long.
const TOLD_FOR: Span = Span::secs(600);
/// A receipt that a second signal wants is waited for this long.
const ABORT_LIMIT: Span = Span::secs(1);

impl Heart {
    pub(super) fn restore(&mut self, kept: Kept) {
        let served = self.answered_ok;
        self.answered_ok |= kept.verdict.is_some() || kept.intent.as_ref().is_some_and(|intent| intent.served);
        if let Some(verdict) = kept.verdict {
            self.health.restore(&verdict, &self.policy.health, self.desk.now());
        }
        self.unread = false;
        self.membership.restore(kept.registered);
        self.restore_held(kept.held);
        self.asg.restore(kept.intent.as_ref().and_then(|intent| intent.scaling.clone()));
        let Some(intent) = kept.intent else { return };
        if intent.passive_by_us {
            let lands = intent.may_land_until.filter(|at| *at > self.desk.now());
            self.mode.restore(intent.process, self.health.process(), lands);
        }
        self.kept = intent.clone();
        let Intent { drains, ended, .. } = intent;
        let taken_back = |cause: Cause| cause.meaning().taken_back_by.iter().any(|by| self.resumed.contains(by));
        // What is wanted in this run too was said later.
        let newer = |cause: Cause| self.drain.as_ref().is_some_and(|drain| drain.has(cause));
        let goes_on = |o: &DrainOrder| o.cause.meaning().goes_on && !taken_back(o.cause) && !newer(o.cause);
        let orders: Vec<DrainOrder> = drains.into_iter().filter(goes_on).collect();
        for order in orders {
            self.desk.tell(NoteKind::Notice, format!("drain {} goes on after a restart of the agent", order.id));
            if let Some(drain) = &mut self.drain {
                drain.still(order, self.desk.now());
                continue;
            }
            match ended.clone() {
                // It is over, but this run has answered 200 before a slow disk told of it: it begins once more.
                Some(_) if served => self.begin(anew(order)),
                // It is over, and its receipt says how: nothing is left but to stay out.
                Some(receipt) => {
                    self.membership.begin_leaving(&mut self.desk);
                    self.mode.begin(&mut self.desk);
                    self.drain = Some(Drain::ended(order, receipt, self.desk.now()));
                }
                None => self.begin(order),
            }
        }
    }

    pub(super) fn order(&mut self, number: u64, order: Order) {
        if self.drain.is_none() {
            // Whoever orders something has read how the last drain ended.
            self.desk.cured(Finding::AsgWillReplace);
        }
        let answer = match order {
            Order::Drain(order) => self.order_drain(number, order),
            Order::Maintain(order) => self.order_maintenance(number, order),
            Order::EndMaintenance => {
                self.drop_maintenance();
                Some(OrderAnswer::Maintained(self.upkeep.end("by an operator", &mut self.desk)))
            }
            Order::Resume(_) if self.drain.as_ref().is_some_and(Drain::exits) => Some(OrderAnswer::Refused {
                why: Refusal::AgentStopping,
                healthy_others: None,
                text: "the agent is stopping: its next start brings the node back".into(),
            }),
            Order::Resume(cause) => {
                if self.unread {
                    // What is read of an earlier run after this is taken back with it.
                    self.resumed.insert(cause);
                }
                self.drop_waiting(cause);
                let resumed = self.resume(cause);
                // A Rundeck that has started again says nothing of what somebody else wants.
                let put_back = cause == Cause::Operator && self.membership.put_back(&mut self.desk);
                Some(OrderAnswer::Resumed(resumed || put_back))
            }
        };
        if let Some(answer) = answer {
            self.desk.send(Command::Answer(number, answer));
        }
    }

    /// What a drain by order is answered; `None`: others are asked first.
    fn order_drain(&mut self, number: u64, order: DrainOrder) -> Option<OrderAnswer> {
        // Whoever joins a drain waits for its one receipt, which the first order named.
        if let Some(drain) = self.drain.as_mut().filter(|d| d.has(order.cause)) {
            let (again, id) = (drain.add(order, self.desk.now()), drain.id().to_owned());
            self.try_again(again);
            return Some(OrderAnswer::Accepted(id));
        }
        // The fleet need not agree where the node goes anyway.
        let goes = self.drain.as_ref().is_some_and(|drain| !drain.is_choice());
        if order.cause.meaning().choice && !goes {
            self.ask_consent(number, order);
        } else {
            self.join(number, order);
        }
        None
    }

    pub(super) fn begin(&mut self, order: DrainOrder) {
        let now = self.desk.now();
        let end =
            order.deadline.map_or_else(String::new, |at| format!(", over in {} s at most", at.since(now).0 / 1000));
        let cause = order.cause;
        self.desk.tell(NoteKind::DrainStep, format!("drain: {cause}: 503, passive mode and deregistration{end}"));
        match &mut self.drain {
            Some(drain) => {
                let again = drain.add(order, now);
                self.try_again(again);
            }
            None => {
                self.membership.begin_leaving(&mut self.desk);
                self.mode.begin(&mut self.desk);
                let jobs_first = between::may_replace(self.asg.replaces());
                self.drain = Some(Drain::new(order, jobs_first, now));
            }
        }
    }

    /// What was given up is tried afresh: what a try before has come to says nothing.
    fn try_again(&mut self, again: bool) {
        if again {
            self.mode.begin(&mut self.desk);
            self.membership.try_again(self.desk.now());
        }
    }

    /// Takes back what this cause wanted. True if there was something.
    pub(super) fn resume(&mut self, cause: Cause) -> bool {
        let Some(drain) = &mut self.drain else { return false };
        match drain.take_back(|wants| wants.meaning().taken_back_by.contains(&cause)) {
            None => return false,
            Some(true) => return true,
            Some(false) => {}
        }
        self.desk.cured(Finding::AsgWillReplace);
        self.come_back(EndedBy::Resume, "resumed: the node goes back into service when it is up");
        true
    }

    /// What an Auto Scaling group means for a drain, at each turn: a choice ends with its permission, and whoever goes
    /// anyway stays 200 until the jobs are done.
    pub(super) fn end_choices(&mut self) {
        let (in_service, replaces) = (self.asg.in_service(), self.asg.replaces());
        if self.standby.is_entering() {
            // It is in service still, and on its way.
            return;
        }
        if self.upkeep.on().is_some() && between::ends_choice(Cause::Operator, in_service, replaces) {
            self.upkeep.end("the group has the node in service and may replace it", &mut self.desk);
            let text = "an Auto Scaling group may replace this node at 503: the maintenance that was ordered has ended";
            self.desk.finding(Finding::AsgWillReplace, text);
        }
        let up = self.drain.is_none() && self.shown.state == State::Up;
        if !between::may_replace(replaces) || (up && self.desk.reached(self.since + TOLD_FOR)) {
            self.desk.cured(Finding::AsgWillReplace);
            return;
        }
        let Some(drain) = self.drain.as_mut().filter(|_| self.aborting.is_none()) else { return };
        let left = drain.take_back(|cause| between::ends_choice(cause, in_service, replaces));
        let text = match left {
            Some(false) => {
                let why = "the group has the node in service again and may replace it: the drain is taken back";
                self.come_back(EndedBy::Permission, why);
                "an Auto Scaling group may replace this node at 503: the drain that was ordered has ended"
            }
            Some(true) | None => {
                "an Auto Scaling group may replace this node at 503: it stays 200, passive, until its jobs are done"
            }
        };
        self.desk.finding(Finding::AsgWillReplace, text);
    }

    /// No cause is left: the node goes back into service when it is up.
    pub(super) fn come_back(&mut self, by: EndedBy, why: &str) {
        let Some(drain) = &mut self.drain else { return };
        let (groups, now) = (self.membership.left_groups(), self.desk.now());
        if !drain.done()
            && let Some(receipt) = drain.receipt(groups, DrainResult::Resumed, by, now)
        {
            self.desk.call(Topic::LastReceipt, Call::WriteReceipt(Box::new(receipt)), Span::secs(2));
        }
        drain.disown(&mut self.desk);
        self.drain = None;
        self.mode.begin(&mut self.desk);
        self.membership.begin_joining(&mut self.desk);
        self.desk.tell(NoteKind::Drained, why);
    }

    /// A signal asks for the end: many supervisors send one twice at once, and only a later one means "now".
    pub(super) fn signal(&mut self, id: String) {
        let now = self.desk.now();
        match self.stopped {
            None => {
                self.stopped = Some(now);
                self.stop(id);
            }
            Some(first) if now.since(first) < ONE_STOP => {}
            Some(_) => self.abort(),
        }
    }

    fn stop(&mut self, id: String) {
        let order = DrainOrder {
            id,
            cause: Cause::AgentStopping,
            reason: String::new(),
            at: self.desk.now(),
            deadline: None,
            force: false,
        };
        self.begin(order);
    }

    fn abort(&mut self) {
        if self.aborting.is_some() {
            return;
        }
        let groups = self.membership.left_groups();
        let Some(drain) = self.drain.as_mut().filter(|d| !d.finished()) else {
            return self.end(Ending::Aborted);
        };
        self.aborting = Some(self.desk.now() + ABORT_LIMIT);
        // A drain that is over has its receipt under way: a second one would take its place.
        if !drain.done()
            && let Some(receipt) = drain.receipt(groups, DrainResult::Aborted, EndedBy::Abort, self.desk.now())
        {
            self.desk.tell(NoteKind::Drained, format!("aborted by a second signal (receipt {})", receipt.id));
            self.desk.call(Topic::LastReceipt, Call::WriteReceipt(Box::new(receipt)), ABORT_LIMIT);
            drain.rename();
        }
    }

    pub(super) fn receipt_written(&mut self, written: Result<(), String>) {
        if let Some(drain) = &mut self.drain {
            drain.on_receipt(written, &mut self.desk);
        }
        if self.aborting.is_some() {
            self.end(Ending::Aborted);
        }
    }

    pub(super) fn last_receipt_written(&mut self, written: Result<(), String>) {
        note_receipt(written, &mut self.desk);
        if self.aborting.is_some() {
            self.end(Ending::Aborted);
        }
    }

    pub(super) fn end(&mut self, ending: Ending) {
        if self.ended.is_none() {
            self.ended = Some(ending);
            let last = self.intent();
            if !self.unread && (last != self.kept || self.keep_again.is_some()) {
                // The one before may still be on its way: this one comes behind it, and nobody waits for either.
                self.desk.call(Topic::Intent, Call::KeepIntent(last), INTENT_LIMIT);
            }
            self.desk.send(Command::Exit(ending));
        }
    }

    /// What is to be on disk.
    fn intent(&self) -> Intent {
        Intent {
            drains: self.drain.iter().flat_map(|drain| drain.orders().iter().cloned()).collect(),
            passive_by_us: self.mode.is_ours(),
            process: self.mode.our_process(),
            ended: self.drain.as_ref().and_then(Drain::end).cloned().map(Box::new),
            served: self.answered_ok,
            may_land_until: self.mode.may_land_until(&self.desk),
            // What a drain may do after a restart depends on it.
            scaling: self.drain.as_ref().and_then(|_| self.asg.kept()),
        }
    }

    /// Intent on disk is the difference between what it says and what it should say. Nothing is written over what was
    /// not read: a slow disk may hold a drain that goes on.
    pub(super) fn keep_intent(&mut self) {
        if self.intent_open || self.unread {
            return;
        }
        let intent = self.intent();
        if intent != self.kept || self.keep_again.is_some_and(|at| self.desk.reached(at)) {
            self.kept = intent.clone();
            self.keep_again = None;
            self.intent_open = true;
            self.desk.call(Topic::Intent, Call::KeepIntent(intent), INTENT_LIMIT);
        } else if let Some(drain) = &mut self.drain {
            // On disk already, or the disk refuses.
            drain.intent_kept();
        }
    }

    pub(super) fn intent_written(&mut self, written: Result<(), String>) {
        self.intent_open = false;
        match written {
            Ok(()) => self.desk.cured(Finding::IntentNotKept),
            Err(why) => {
                self.desk.finding(
                    Finding::IntentNotKept,
                    format!("the state directory cannot be written ({why}): a crash would forget a drain"),
                );
                self.keep_again = Some(self.desk.now() + INTENT_AGAIN);
            }
        }
    }
}
