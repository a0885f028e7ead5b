//! The readiness state: starting and stopping, on the versions that show it (facts: Rundeck 1.3).
//!
//! Which endpoint is the best, and how its answer reads, the client knows. Here: when it is asked, and what counts.

use crate::contract::{Call, HealthPolicy, Moment, Readiness, ReadySeen, Reason, Span};
use crate::database::Database;
use crate::desk::{Desk, Gate, Pace, Topic};

/// What a first `up` may rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// The endpoint says that the bootstrap has ended.
    Ready,
    /// It says that it has not.
    NotReady,
    /// There is none, or nobody can tell: a settled run of good answers must do.
    Nothing,
}

#[derive(Clone, Debug)]
pub(crate) struct Ready {
    /// Asked with a round, so only what is under way counts.
    pub(crate) pace: Pace,
    asked_at: Moment,
    pub(crate) last: Option<(ReadySeen, Moment)>,
    pub(crate) took: Option<Span>,
    pub(crate) gate: Gate,
    /// Asking it asks the database too; `None`: not known yet.
    bound: Option<bool>,
    /// The open call holds the slot of database-bound calls.
    in_slot: bool,
    /// The best endpoint is to be found anew.
    learn: bool,
    /// The last state that was told.
    says: Option<bool>,
}

impl Ready {
    pub(crate) fn new(now: Moment) -> Ready {
        Ready {
            pace: Pace::from(now),
            asked_at: now,
            last: None,
            took: None,
            gate: Gate::default(),
            bound: None,
            in_slot: false,
            learn: true,
            says: None,
        }
    }

    /// Another Rundeck process, perhaps of another version: everything that was known is void.
    pub(crate) fn start_over(&mut self, desk: &mut Desk) {
        desk.disown(&mut self.pace);
        *self = Ready::new(desk.now());
    }

    /// Rundeck's version has changed under the same process id, as far as anybody knows.
    pub(crate) fn learn_again(&mut self) {
        self.learn = true;
    }

    pub(crate) fn absent(&self) -> bool {
        matches!(&self.last, Some((ReadySeen { readiness: Readiness::Absent, .. }, _)))
    }

    /// Sent with a round. An endpoint that is not there is not asked again: each such look leaves a session in Rundeck.
    pub(crate) fn step(&mut self, policy: &HealthPolicy, database: &mut Database, desk: &mut Desk) {
        if self.pace.is_open() || (self.absent() && !self.learn) {
            return;
        }
        self.in_slot = self.bound != Some(false);
        if self.in_slot {
            if !database.slot.free(desk.now()) {
                self.in_slot = false;
                return;
            }
            database.slot.take(desk.now());
        }
        self.asked_at = desk.now();
        // Learning may take two questions.
        let limit = policy.timeout.times(if self.learn { 4 } else { 2 });
        let call = Call::ProbeReadiness { learn: self.learn };
        desk.ask(&mut self.pace, Topic::Ready, call, limit);
    }

    /// The call has ended; `None`: nothing came back in time. `proven`: this process has once been ready.
    /// `excused`: silence is put down to the database.
    pub(crate) fn on_reply(
        &mut self,
        seen: Option<ReadySeen>,
        around: Around<'_>,
        policy: &HealthPolicy,
        desk: &mut Desk,
    ) {
        let now = desk.now();
        self.pace.done(now);
        let silent = || ReadySeen { readiness: Readiness::TimedOut, database: None, bound: self.bound != Some(false) };
        let seen = seen.unwrap_or_else(silent);
        let hung = seen.readiness == Readiness::TimedOut;
        if std::mem::take(&mut self.in_slot) {
            let sent = around.database.slot.give(hung && seen.bound, now);
            if hung && seen.bound {
                around.database.hung(sent, around.answered);
            }
        }
        self.took = Some(now.since(self.asked_at));
        match &seen.readiness {
            Readiness::Ready => self.gate.pass(policy),
            // Once ready, it says no only when it is told to end (facts: Rundeck 5).
            Readiness::NotReady if around.proven => {
                self.gate.fail(Reason::RundeckStopping, false, policy);
            }
            Readiness::NotReady => {
                self.gate.fail(Reason::NotReady, false, policy);
            }
            Readiness::TimedOut if !seen.bound && !around.excused => {
                self.gate.fail(Reason::Timeout, false, policy);
            }
            Readiness::Absent => self.gate = Gate::default(),
            // A refused port is the web check's; the rest says nothing about the node.
            Readiness::TimedOut | Readiness::Refused | Readiness::Unclear(_) => {}
        }
        if matches!(seen.readiness, Readiness::Ready | Readiness::NotReady | Readiness::Absent) {
            self.says = (seen.readiness != Readiness::Absent).then_some(seen.readiness == Readiness::Ready);
            self.learn = false;
            self.bound = Some(seen.bound);
        }
        around.database.component(seen.database, desk);
        self.last = Some((seen, now));
    }

    /// What a first `up` may rely on: the last answer that said anything.
    pub(crate) fn shown(&self) -> Shown {
        match self.says {
            Some(true) if self.gate.shut().is_none() => Shown::Ready,
            Some(_) => Shown::NotReady,
            None => Shown::Nothing,
        }
    }
}

/// What a readiness answer is read beside.
pub(crate) struct Around<'a> {
    pub(crate) database: &'a mut Database,
    /// When `/health` was last seen to answer, if it did at the last look.
    pub(crate) answered: Option<Moment>,
    pub(crate) proven: bool,
    pub(crate) excused: bool,
}
