//! The readiness state: starting and stopping, on the versions that show it.
//!
//! Which endpoint is the best, and how its answer reads, the client knows. Here: when it is asked, and what counts.

use super::phrases::{gate_change, ready_words};
use super::web::Round;
use crate::contract::{
    Call, Check, CheckView, HealthPolicy, Judged, Looked, Moment, Outcome, Readiness, ReadySeen, Reason, Span, Text,
};
use crate::desk::{Desk, Gate, Pace, Topic};

/// An endpoint that is not there is looked for again so long after it was asked last. Each such look leaves a session
/// in Rundeck: more often, and they would pile up.
const LOOK_AGAIN: Span = Span::secs(1_800);

/// What a first `up` may rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// The endpoint says that the bootstrap has ended.
    Ready,
    /// It says that it has not.
    NotReady,
    /// There is none, or nobody can tell: a settled run of good answers must do.
    Nothing,
}

/// One answer, judged; `excused`: silence is put down to the database.
pub(crate) fn judged_readiness(seen: &ReadySeen, excused: bool) -> Judged {
    let outcome = match seen.readiness {
        Readiness::Ready => Outcome::Pass,
        Readiness::NotReady => Outcome::Fail,
        Readiness::TimedOut if !seen.bound && !excused => Outcome::Fail,
        // A refused port is the web check's; the rest says nothing about the node.
        Readiness::TimedOut | Readiness::Absent | Readiness::Refused | Readiness::Unclear(_) => Outcome::Unknown,
    };
    Judged::new(outcome, ready_words(seen))
}

#[derive(Clone, Debug)]
pub(super) struct ReadyState {
    /// Asked with a round, so only what is under way counts.
    pace: Pace,
    last: Option<Looked>,
    /// This version shows none.
    absent: bool,
    /// It was answered in this process: one 404 or redirect of such an endpoint is an accident.
    served: bool,
    /// Answers in a row that there is none.
    missing: u32,
    gate: Gate,
    /// Asking it asks the database too; `None`: not known yet.
    bound: Option<bool>,
    /// The open call is one of those that need the database.
    in_lane: bool,
    /// The best endpoint is to be found anew.
    learn: bool,
    /// The last state that was told.
    says: Option<bool>,
}

impl ReadyState {
    pub(super) fn new(now: Moment) -> ReadyState {
        ReadyState {
            pace: Pace::from(now),
            last: None,
            absent: false,
            served: false,
            missing: 0,
            gate: Gate::default(),
            bound: None,
            in_lane: false,
            learn: true,
            says: None,
        }
    }

    /// Another Rundeck process, perhaps of another version: everything that was known is void.
    pub(super) fn start_over(&mut self, desk: &mut Desk) {
        desk.disown(&mut self.pace);
        *self = ReadyState::new(desk.now());
    }

    /// Rundeck's version has changed under the same process id, as far as anybody knows.
    pub(super) fn learn_again(&mut self) {
        self.learn = true;
    }

    /// Sent with a round. An endpoint that is not there is looked for again rarely.
    pub(super) fn step(&mut self, policy: &HealthPolicy, desk: &mut Desk) {
        // No deadline is set for it: it goes with a round, and one comes by itself.
        self.learn |= self.absent && desk.now().since(self.pace.begun()) >= LOOK_AGAIN;
        if self.pace.is_open() || (self.absent && !self.learn) {
            return;
        }
        let topic = Topic::Ready { bound: self.bound != Some(false) };
        if !desk.lane_free(topic) {
            return;
        }
        self.in_lane = self.bound != Some(false);
        // Learning may take two questions.
        let limit = policy.timeout.times(if self.learn { 4 } else { 2 });
        let call = Call::ProbeReadiness { learn: self.learn };
        desk.ask(&mut self.pace, topic, call, limit);
    }

    /// The call has ended; `None`: nothing came back in time. `proven`: this process has once been ready.
    /// `excused`: silence is put down to the database.
    pub(super) fn on_reply(
        &mut self,
        seen: Option<ReadySeen>,
        proven: bool,
        excused: bool,
        policy: &HealthPolicy,
        desk: &mut Desk,
    ) -> OfDatabase {
        self.pace.done(desk.now());
        let silent = || ReadySeen { readiness: Readiness::TimedOut, database: None, bound: self.bound != Some(false) };
        let seen = seen.unwrap_or_else(silent);
        let hung = seen.readiness == Readiness::TimedOut && seen.bound;
        let told = match (std::mem::take(&mut self.in_lane), hung) {
            (true, true) => OfDatabase::Hung(self.pace.begun()),
            (in_lane, _) => {
                if in_lane {
                    desk.database_answered();
                }
                // An endpoint that is not there shows nothing.
                let there = matches!(seen.readiness, Readiness::Ready | Readiness::NotReady);
                OfDatabase::Shown(seen.database.filter(|_| there))
            }
        };
        let judged = judged_readiness(&seen, excused);
        self.count(&seen, judged.outcome, proven, policy);
        self.last = Some(desk.looked(Check::Readiness, judged, &self.pace));
        match seen.readiness {
            Readiness::Ready | Readiness::NotReady => {
                (self.absent, self.served, self.missing) = (false, true, 0);
                self.says = Some(seen.readiness == Readiness::Ready);
                self.learn = false;
                self.bound = Some(seen.bound);
            }
            Readiness::Absent => {
                self.missing = self.missing.saturating_add(1);
                self.absent |= !self.served || self.missing >= policy.fall;
                // Whoever asks has noted that there is none: only learning anew is a look.
                self.learn = !self.absent;
                if self.absent {
                    (self.says, self.bound) = (None, Some(seen.bound));
                    if self.gate.shut().is_none() {
                        self.gate = Gate::default();
                    }
                }
            }
            Readiness::TimedOut | Readiness::Refused | Readiness::Unclear(_) => {}
        }
        told
    }

    /// Where the endpoint is there no more, rounds count for it: what it has shut opens by as many good ones in a row.
    pub(super) fn on_round(&mut self, round: Round, policy: &HealthPolicy) {
        let Some(reason) = self.gate.shut().filter(|_| self.absent) else { return };
        match round {
            Round::Pass => self.gate.pass(policy),
            Round::Fail(..) => drop(self.gate.fail(reason, false, policy)),
            Round::Unknown => {}
        }
    }

    fn count(&mut self, seen: &ReadySeen, outcome: Outcome, proven: bool, policy: &HealthPolicy) {
        match outcome {
            Outcome::Pass => self.gate.pass(policy),
            Outcome::Fail => {
                let reason = if seen.readiness == Readiness::TimedOut {
                    Reason::Timeout
                } else if proven {
                    // Once ready, it says no only when it is told to end.
                    Reason::RundeckStopping
                } else {
                    Reason::NotReady
                };
                self.gate.fail(reason, false, policy);
            }
            Outcome::Unknown => self.gate.unknown(),
        }
    }

    /// It was answered at least once, or given up.
    pub(super) fn asked(&self) -> bool {
        self.last.is_some()
    }

    /// For people: what a first `up` wants beside good rounds.
    pub(super) fn first_up_wants(&self, policy: &HealthPolicy) -> String {
        if self.absent {
            format!("{} s of nothing else", policy.settle.0 / 1000)
        } else {
            "the readiness state".to_owned()
        }
    }

    pub(super) fn gate(&self) -> &Gate {
        &self.gate
    }

    /// What a first `up` may rely on: the last answer that said anything.
    pub(super) fn shown(&self) -> Shown {
        match self.says {
            Some(true) if self.gate.shut().is_none() => Shown::Ready,
            Some(_) => Shown::NotReady,
            None => Shown::Nothing,
        }
    }

    /// The row for people; `round`: when the next round comes.
    pub(super) fn row(&self, round: Option<Moment>, policy: &HealthPolicy) -> CheckView {
        let change: Text = if self.absent {
            "looked for again twice an hour; until then SIGTERM shows by its process only".into()
        } else {
            gate_change(&self.gate, policy.rise, policy.fall, "take the node out").into()
        };
        CheckView {
            passes: self.gate.passes(),
            fails: self.gate.fails(),
            next: round.filter(|_| !self.absent && !self.pace.is_open()),
            ..CheckView::of(Check::Readiness, self.last.as_ref(), change)
        }
    }
}

/// What a readiness answer tells of the database.
pub(super) enum OfDatabase {
    /// The call needed it and was given up; when it had been sent.
    Hung(Moment),
    /// The component that the answer shows, where it shows one.
    Shown(Option<bool>),
}
