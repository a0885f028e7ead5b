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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::WebSeen;
    use crate::desk::Desk;

    const NOW: Moment = Moment(1_000_000);

    /// The web check after such rounds, and the last one's evidence.
    fn web(rounds: &[WebSeen]) -> Web {
        let (mut web, mut desk) = (Web::new(NOW), Desk::new(1, NOW));
        for seen in rounds {
            web.on_round(Some((*seen, None)), NOW, false, &HealthPolicy::default(), &mut desk);
        }
        web
    }

    /// A node of this verdict after such rounds, of which the last has this reason: what it says, whether it wants a
    /// confirming look, whether it is still proven, and whether its start began now.
    fn after(base: Verdict, rounds: &[WebSeen], reason: Reason) -> (Verdict, bool, bool, bool) {
        let policy = HealthPolicy::default();
        let mut standing = Standing { base, evidence: String::new() };
        let mut start = Start::new(Moment(0));
        start.prove(
            &super::super::start::GoodRun { passes: 99, since: Some(Moment(0)), orphan: false },
            super::super::readiness::Shown::Ready,
            &policy,
            NOW,
        );
        let strong = reason == Reason::Refused;
        let confirm = standing.fail((reason, strong), &web(rounds), &mut start, &policy, NOW);
        let began = !start.over_budget(&policy, &Desk::new(1, NOW + policy.boot_timeout));
        (standing.base(), confirm, start.proven(), began)
    }

    #[test]
    fn up_ends_after_the_fall_count_or_two_refused_connections() {
        let [refused, silent] = [WebSeen::Refused, WebSeen::TimedOut];
        let down = |reason| Verdict::Down(reason);
        for (rounds, reason, wanted) in [
            (vec![silent, silent], Reason::Timeout, (Verdict::Up, false, true, false)),
            (vec![silent, silent, silent], Reason::Timeout, (down(Reason::Timeout), false, true, false)),
            (vec![refused], Reason::Refused, (Verdict::Up, true, true, false)),
            (vec![refused, refused], Reason::Refused, (down(Reason::Refused), false, false, false)),
            (vec![silent, silent, refused], Reason::Refused, (down(Reason::Refused), false, false, false)),
        ] {
            assert_eq!(after(Verdict::Up, &rounds, reason), wanted, "{rounds:?}");
        }
    }

    #[test]
    fn a_start_shows_what_it_meets_and_a_closed_port_is_waited_for() {
        let booting = |reason| Verdict::Booting(reason);
        let was = booting(Reason::Settling);
        assert_eq!(after(was, &[WebSeen::Body], Reason::BadBody).0, booting(Reason::BadBody));
        assert_eq!(after(was, &[WebSeen::Refused], Reason::Refused).0, booting(Reason::Waiting));
    }

    #[test]
    fn what_is_down_boots_again_when_the_api_says_so_and_is_never_renamed_after_its_end() {
        let [refused, waits] = [WebSeen::Refused, WebSeen::Ok];
        let down = |reason| Verdict::Down(reason);
        for (was, rounds, reason, wanted) in [
            (Reason::Timeout, vec![waits], Reason::Waiting, (Verdict::Booting(Reason::Waiting), false, true, true)),
            (Reason::BootTimeout, vec![waits], Reason::Waiting, (down(Reason::BootTimeout), false, true, false)),
            (Reason::Timeout, vec![WebSeen::Body], Reason::BadBody, (down(Reason::Timeout), false, true, false)),
            (Reason::Timeout, vec![refused], Reason::Refused, (down(Reason::Timeout), false, false, false)),
            (Reason::Timeout, vec![refused, refused], Reason::Refused, (down(Reason::Refused), false, false, false)),
            (Reason::Exited, vec![refused, refused], Reason::Refused, (down(Reason::Exited), false, false, false)),
            (Reason::BootTimeout, vec![refused; 2], Reason::Refused, (down(Reason::BootTimeout), false, false, false)),
        ] {
            assert_eq!(after(down(was), &rounds, reason), wanted, "{was} {rounds:?}");
        }
    }

    #[test]
    fn good_rounds_settle_and_an_orphans_port_is_called_so_once_they_have() {
        let policy = HealthPolicy::default();
        for (orphan, settled, reason, evidence) in [
            (false, false, Reason::Settling, "1 good round, settling"),
            (false, true, Reason::Settling, "1 good round, settling"),
            (true, false, Reason::Settling, "1 good round, settling"),
            (
                true,
                true,
                Reason::WrongProcess,
                "Rundeck's process has ended, yet its port answers: no process there is known as Rundeck",
            ),
        ] {
            let mut standing = Standing::new();
            let now = NOW + Span(policy.settle.0 - u64::from(!settled));
            standing.settle(&web(&[WebSeen::Ok]), &mut Start::new(NOW), orphan, &policy, now);
            assert_eq!((standing.base(), standing.evidence()), (Verdict::Booting(reason), evidence));
        }
    }

    /// What boots already has no new budget.
    #[test]
    fn a_budget_begins_with_a_start_and_not_with_each_good_round() {
        let policy = HealthPolicy::default();
        let over = Desk::new(1, NOW + policy.boot_timeout + Span(1));
        let (mut standing, mut start) = (Standing::new(), Start::new(NOW));
        standing.settle(&web(&[WebSeen::Ok]), &mut start, false, &policy, NOW + Span(5));
        assert!(standing.is_booting() && start.over_budget(&policy, &over));
        standing.overrun(policy.boot_timeout);
        assert_eq!(
            (standing.base(), standing.evidence()),
            (Verdict::Down(Reason::BootTimeout), "not ready after 600 s")
        );
        standing.settle(&web(&[WebSeen::Ok]), &mut start, false, &policy, NOW + Span(5));
        assert!(!start.over_budget(&policy, &over), "it starts anew");
    }

    #[test]
    fn each_turn_of_a_life_has_its_words() {
        let process = Process { pid: 77, start: 1 };
        let mut standing = Standing::new();
        let mut said = Vec::new();
        let mut note = |standing: &Standing| said.push((standing.base(), standing.evidence().to_owned()));
        note(&standing);
        standing.take_up();
        note(&standing);
        standing.ended(process);
        note(&standing);
        standing.restarted(process, &mut Start::new(NOW), NOW);
        note(&standing);
        standing.rise(&web(&[WebSeen::Ok, WebSeen::Ok]));
        note(&standing);
        standing.hold();
        note(&standing);
        let wanted = [
            (Verdict::Booting(Reason::Waiting), "Rundeck has not been asked yet"),
            (Verdict::Up, "the verdict of the agent's last run still holds"),
            (Verdict::Down(Reason::Exited), "Rundeck's process 77 ended"),
            (Verdict::Booting(Reason::Waiting), "Rundeck was restarted as pid 77"),
            (Verdict::Up, "2 good rounds"),
            (Verdict::Booting(Reason::Settling), "2 good rounds"),
        ];
        assert_eq!(said, wanted.map(|(verdict, words)| (verdict, words.to_owned())));
    }
}
