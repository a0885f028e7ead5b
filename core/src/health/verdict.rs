//! The verdict as it stands by rounds of `/health` and by the process's life, with what led to it.
//!
//! It is moved by single pieces of evidence; how they are counted is `web.rs`, what a start needs is `start.rs`, and
//! the other local checks are laid over it in the room's face.

use super::start::Start;
use super::web::Web;
use crate::contract::{HealthPolicy, Moment, Process, Reason, Span};

/// What the probes say, before people and modes are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Booting(Reason),
    Up,
    Down(Reason),
}

#[derive(Clone, Debug)]
pub(super) struct Standing {
    base: Verdict,
    /// For people: what led to it.
    evidence: String,
}

impl Standing {
    pub(super) fn new() -> Standing {
        Standing { base: Verdict::Booting(Reason::Waiting), evidence: "Rundeck has not been asked yet".into() }
    }

    pub(super) fn base(&self) -> Verdict {
        self.base
    }

    pub(super) fn evidence(&self) -> &str {
        &self.evidence
    }

    pub(super) fn is_booting(&self) -> bool {
        matches!(self.base, Verdict::Booting(_))
    }

    /// The kept verdict of an earlier run holds.
    pub(super) fn take_up(&mut self) {
        self.base = Verdict::Up;
        self.evidence = "the verdict of the agent's last run still holds".into();
    }

    /// The good rounds are enough.
    pub(super) fn rise(&mut self, web: &Web) {
        self.base = Verdict::Up;
        self.evidence = good_rounds(web.passes());
    }

    /// A first `up` has to wait for something that no round shows.
    pub(super) fn hold(&mut self) {
        self.base = Verdict::Booting(Reason::Settling);
    }

    /// Good rounds, but not yet enough. `orphan`: the process has ended and no other is known as Rundeck.
    pub(super) fn settle(&mut self, web: &Web, start: &mut Start, orphan: bool, policy: &HealthPolicy, now: Moment) {
        let good = web.good_since().map_or(Span::ZERO, |since| now.since(since));
        if orphan && good >= policy.settle {
            self.boot(Reason::WrongProcess, start, now);
            self.evidence =
                "Rundeck's process has ended, yet its port answers: no process there is known as Rundeck".into();
        } else {
            self.boot(Reason::Settling, start, now);
            self.evidence = format!("{}, settling", good_rounds(web.passes()));
        }
    }

    /// Another process has taken the place of the one that was watched.
    pub(super) fn restarted(&mut self, process: Process, start: &mut Start, now: Moment) {
        self.begin(start, now);
        self.evidence = format!("Rundeck was restarted as pid {}", process.pid);
    }

    /// A process was found where none was known: where the node was not up already, it is a start of its own.
    pub(super) fn appeared(&mut self, process: Process, start: &mut Start, now: Moment) {
        if self.base == Verdict::Up {
            return;
        }
        if matches!(self.base, Verdict::Down(Reason::Exited | Reason::BootTimeout)) {
            self.begin(start, now);
            self.evidence = format!("Rundeck was started as pid {}", process.pid);
        }
        start.begin(now);
    }

    /// A start begins, whatever was before: it has the whole time.
    fn begin(&mut self, start: &mut Start, now: Moment) {
        self.base = Verdict::Booting(Reason::Waiting);
        start.begin(now);
    }

    /// The watched process has ended.
    pub(super) fn ended(&mut self, process: Process) {
        self.base = Verdict::Down(Reason::Exited);
        self.evidence = format!("Rundeck's process {} ended", process.pid);
    }

    /// The start took longer than its budget.
    pub(super) fn overrun(&mut self, budget: Span) {
        self.base = Verdict::Down(Reason::BootTimeout);
        self.evidence = format!("not ready after {} s", budget.0 / 1000);
    }

    /// A round has failed. True: the evidence wants one immediate probe to confirm it.
    pub(super) fn fail(
        &mut self,
        (reason, strong): (Reason, bool),
        web: &Web,
        start: &mut Start,
        policy: &HealthPolicy,
        now: Moment,
    ) -> bool {
        match self.base {
            Verdict::Up => {
                let enough = web.fails() >= policy.fall || web.strong() >= 2;
                if enough {
                    self.base = Verdict::Down(reason);
                    self.evidence = format!("/health: {reason}, {} times in a row", web.fails());
                    if strong {
                        // A server that closed its port comes back as a new start, never as a continuation.
                        start.unprove();
                    }
                }
                return strong && !enough;
            }
            Verdict::Booting(_) => {
                self.base = Verdict::Booting(if strong { Reason::Waiting } else { reason });
                self.evidence = format!("/health: {reason}");
            }
            Verdict::Down(was) => {
                if reason == Reason::Waiting && was != Reason::BootTimeout {
                    self.boot(Reason::Waiting, start, now);
                } else if strong {
                    start.unprove();
                    if web.strong() >= 2 && !matches!(was, Reason::Exited | Reason::BootTimeout) {
                        self.base = Verdict::Down(reason);
                    }
                }
            }
        }
        false
    }

    fn boot(&mut self, reason: Reason, start: &mut Start, now: Moment) {
        if !self.is_booting() {
            start.begin(now);
        }
        self.base = Verdict::Booting(reason);
    }
}

fn good_rounds(count: u32) -> String {
    if count == 1 { "1 good round".into() } else { format!("{count} good rounds") }
}
