//! The start of a Rundeck process: what a first `up` needs, the budget of a start, and the verdict that an earlier
//! run of the agent kept.
//!
//! It counts no rounds: it is told what they came to.

use super::readiness::Shown;
use crate::contract::{Command, HealthPolicy, KeptVerdict, Moment, Process, Span};
use crate::desk::Desk;

/// A restarted agent waits this long for the proof that its kept verdict still holds.
const RESTORE_LIMIT: Span = Span::secs(1);
/// A first `up` waits for the execution mode, and for a disk that may be full, so long together: an expired token must
/// not keep a fleet out.
const HELD: Span = Span::secs(60);
/// Where Rundeck's process has ended and no other is recognised, answers on its port are believed only after so long.
pub(super) const ORPHAN: Span = Span::secs(60);

/// A verdict of an earlier run that waits for its proof.
#[derive(Clone, Debug)]
struct Restore {
    process: Process,
    same_process: bool,
    passed: bool,
    until: Moment,
}

/// A first `up` that waits for what no round shows.
#[derive(Clone, Copy, Debug)]
struct Held {
    /// How long it has waited in good runs that are over.
    before: Span,
    /// When the good run began that it waits in now.
    run: Moment,
    /// Since when it waits in it.
    since: Moment,
    /// Until when it has waited, as far as it was asked.
    until: Moment,
}

/// The good rounds so far.
pub(super) struct GoodRun {
    /// In a row.
    pub(super) passes: u32,
    /// When the unbroken run began.
    pub(super) since: Option<Moment>,
    /// A process that was known has ended, and no other has been found since.
    pub(super) orphan: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Start {
    /// This Rundeck process has once been proven ready.
    proven: bool,
    boot_since: Moment,
    held: Option<Held>,
    restore: Option<Restore>,
    /// Of when the verdict is that was kept last; `None`: none is, as far as this run knows.
    kept_at: Option<Moment>,
}

impl Start {
    pub(super) fn new(now: Moment) -> Start {
        Start { proven: false, boot_since: now, held: None, restore: None, kept_at: None }
    }

    pub(super) fn proven(&self) -> bool {
        self.proven
    }

    /// Another process, or a server that closed its port: it must be proven again.
    pub(super) fn unprove(&mut self) {
        self.proven = false;
        self.held = None;
    }

    /// The first `up` has to wait for what no round shows, in the good run that began at `run`. What it has waited in
    /// earlier ones of this process counts: a round that is lost now and then must not keep a node out for ever.
    /// `bad`: it shows, and is not sure yet: that is waited for, however long. False: it has waited for long enough.
    pub(super) fn hold(&mut self, run: Option<Moment>, bad: bool, desk: &Desk) -> bool {
        let now = desk.now();
        let run = run.unwrap_or(now);
        let held = match self.held {
            Some(held) if held.run == run => held,
            Some(over) => {
                Held { before: Span(over.before.0 + over.until.since(over.since).0), run, since: now, until: now }
            }
            None => Held { before: Span::ZERO, run, since: now, until: now },
        };
        self.held = Some(Held { until: now, ..held });
        let left = Span(HELD.0.saturating_sub(held.before.0));
        self.proven = desk.reached(held.since + left) && !bad;
        !self.proven
    }

    /// A start has begun.
    pub(super) fn begin(&mut self, now: Moment) {
        self.boot_since = now;
    }

    /// The start took longer than its budget.
    pub(super) fn over_budget(&self, policy: &HealthPolicy, desk: &Desk) -> bool {
        desk.reached(self.boot_since + policy.boot_timeout + Span(1))
    }

    /// The first `up` of a process: enough good rounds, and the readiness state where there is one, else a settled run.
    /// Why: a bootstrap that fails gives good answers for seconds first. True: it is proven now.
    pub(super) fn prove(&mut self, run: &GoodRun, shown: Shown, policy: &HealthPolicy, now: Moment) -> bool {
        let Some(since) = run.since else { return false };
        let settle = match shown {
            Shown::NotReady => return false,
            Shown::Ready => Span::ZERO,
            Shown::Nothing => policy.settle,
        };
        let settle = if run.orphan { settle.max(ORPHAN) } else { settle };
        if self.proven || run.passes < policy.rise_initial || now.since(since) < settle {
            return false;
        }
        self.proven = true;
        true
    }

    /// An earlier run was up: go on if the same process lives and one immediate probe passes.
    pub(super) fn restore(&mut self, kept: &KeptVerdict, policy: &HealthPolicy, now: Moment) {
        if kept.at <= now && now.since(kept.at) <= policy.max_age {
            self.kept_at = Some(kept.at);
            self.restore =
                Some(Restore { process: kept.process, same_process: false, passed: false, until: now + RESTORE_LIMIT });
        }
    }

    /// A kept verdict waits for its proof.
    pub(super) fn restoring(&self) -> bool {
        self.restore.is_some()
    }

    /// A process was found. Another one than the kept verdict was about: there is nothing to prove any more.
    pub(super) fn found(&mut self, process: Process) {
        self.restore = self.restore.take().filter(|restore| restore.process == process);
        if let Some(restore) = &mut self.restore {
            restore.same_process = true;
        }
    }

    /// A round has passed.
    pub(super) fn passed(&mut self) {
        if let Some(restore) = &mut self.restore {
            restore.passed = true;
        }
    }

    /// The process has ended.
    pub(super) fn drop_kept(&mut self) {
        self.restore = None;
    }

    /// True: the kept verdict holds, and is proven by that. `contradicted`: the node has gone down since it was kept,
    /// for what `/health` does not show.
    pub(super) fn take_up(&mut self, contradicted: bool, desk: &Desk) -> bool {
        let Some(restore) = &self.restore else { return false };
        if restore.same_process && restore.passed && !contradicted {
            self.restore = None;
            self.proven = true;
            return true;
        }
        if desk.reached(restore.until) {
            self.restore = None;
        }
        false
    }

    /// The verdict of that look is written while up, often enough to be young when it is needed.
    pub(super) fn keep(&mut self, process: Process, looked_at: Moment, policy: &HealthPolicy, desk: &mut Desk) {
        let old = self.kept_at.is_none_or(|at| looked_at.since(at) >= Span(policy.max_age.0 / 4));
        if old {
            self.kept_at = Some(looked_at);
            desk.send(Command::KeepVerdict(KeptVerdict { at: looked_at, process }));
        }
    }

    /// The node is not vouched for. What waits for its proof is judged by that.
    pub(super) fn withdraw(&mut self, desk: &mut Desk) {
        if self.restore.is_none() && self.kept_at.take().is_some() {
            desk.send(Command::DropVerdict);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment(1_000_000);
    const RUNDECK: Process = Process { pid: 4440, start: 1 };
    const OTHER: Process = Process { pid: 4441, start: 2 };

    fn at(after: Span) -> Desk {
        Desk::new(1, NOW + after)
    }

    /// A millisecond less.
    fn before(span: Span) -> Span {
        Span(span.0 - 1)
    }

    fn run(passes: u32, orphan: bool) -> GoodRun {
        GoodRun { passes, since: Some(NOW), orphan }
    }

    #[test]
    fn a_first_up_wants_enough_rounds_and_a_settled_run_or_the_readiness_state() {
        let policy = HealthPolicy::default();
        let settled = policy.settle;
        for (passes, orphan, shown, after, proven) in [
            (3, false, Shown::Nothing, settled, true),
            (2, false, Shown::Nothing, settled, false),
            (3, false, Shown::Nothing, before(settled), false),
            (3, false, Shown::Ready, Span::ZERO, true),
            (2, false, Shown::Ready, Span::ZERO, false),
            (9, false, Shown::NotReady, Span::secs(900), false),
            (9, true, Shown::Ready, before(ORPHAN), false),
            (9, true, Shown::Nothing, before(ORPHAN), false),
            (9, true, Shown::Nothing, ORPHAN, true),
        ] {
            let mut start = Start::new(NOW);
            let said = start.prove(&run(passes, orphan), shown, &policy, NOW + after);
            assert_eq!((said, start.proven()), (proven, proven), "{passes} {orphan} {after:?}");
            assert!(!start.prove(&run(passes, orphan), shown, &policy, NOW + after), "it is said once");
        }
        let none = GoodRun { since: None, ..run(9, false) };
        assert!(!Start::new(NOW).prove(&none, Shown::Ready, &policy, NOW));
    }

    #[test]
    fn a_first_up_is_held_for_a_minute() {
        let mut start = Start::new(NOW);
        let run = Some(NOW);
        assert!(start.hold(run, false, &at(Span::ZERO)) && start.hold(run, false, &at(before(HELD))));
        assert!(!start.proven());
        assert!(!start.hold(run, false, &at(HELD)));
        assert!(start.proven(), "it has waited for long enough");
        assert!(start.hold(run, true, &at(HELD)) && !start.proven(), "but not where something bad is about to be sure");
        start.unprove();
        assert!(!start.proven());
        assert!(start.hold(run, false, &at(HELD)), "the next start has a minute of its own");
    }

    #[test]
    fn what_a_first_up_has_waited_in_earlier_good_runs_counts() {
        let mut start = Start::new(NOW);
        let (first, third) = (Some(NOW), Some(NOW + HELD + HELD));
        let part = Span(HELD.0 / 4);
        assert!(start.hold(first, false, &at(Span::ZERO)) && start.hold(first, false, &at(part)));
        let second = Some(NOW + HELD);
        assert!(start.hold(second, false, &at(HELD)) && start.hold(second, false, &at(HELD + part)));
        assert!(start.hold(third, false, &at(HELD + HELD)));
        assert!(start.hold(third, false, &at(HELD + HELD + before(part + part))));
        assert!(!start.hold(third, false, &at(HELD + HELD + part + part)));
    }

    #[test]
    fn a_start_is_over_its_budget_after_it_not_at_its_end() {
        let policy = HealthPolicy::default();
        let mut start = Start::new(NOW);
        assert!(!start.over_budget(&policy, &at(policy.boot_timeout)));
        assert!(start.over_budget(&policy, &at(policy.boot_timeout + Span(1))));
        start.begin(NOW + Span(1));
        assert!(!start.over_budget(&policy, &at(policy.boot_timeout + Span(1))));
    }

    fn restoring(age: Span) -> Start {
        let mut start = Start::new(NOW);
        start.restore(&KeptVerdict { at: NOW - age, process: RUNDECK }, &HealthPolicy::default(), NOW);
        start
    }

    #[test]
    fn a_kept_verdict_is_taken_up_if_it_is_young_and_of_this_boot() {
        let most = HealthPolicy::default().max_age;
        assert!(restoring(Span::ZERO).restoring() && restoring(most).restoring());
        assert!(!restoring(most + Span(1)).restoring());
        let mut start = Start::new(NOW);
        let later = KeptVerdict { at: NOW + Span(1), process: RUNDECK };
        start.restore(&later, &HealthPolicy::default(), NOW);
        assert!(!start.restoring(), "another boot's");
    }

    #[test]
    fn a_kept_verdict_holds_by_its_process_and_one_round_within_a_second() {
        for (found, passed, contradicted, after, taken, still) in [
            (Some(RUNDECK), true, false, Span::ZERO, true, false),
            (Some(RUNDECK), true, false, RESTORE_LIMIT + Span(9), true, false),
            (Some(RUNDECK), false, false, before(RESTORE_LIMIT), false, true),
            (Some(RUNDECK), false, false, RESTORE_LIMIT, false, false),
            (Some(RUNDECK), true, true, Span::ZERO, false, true),
            (None, true, false, Span::ZERO, false, true),
            (Some(OTHER), true, false, Span::ZERO, false, false),
        ] {
            let mut start = restoring(Span::ZERO);
            if let Some(process) = found {
                start.found(process);
            }
            if passed {
                start.passed();
            }
            let said = start.take_up(contradicted, &at(after));
            assert_eq!(
                (said, start.proven(), start.restoring()),
                (taken, taken, still),
                "{found:?} {passed} {after:?}"
            );
        }
        let mut ended = restoring(Span::ZERO);
        ended.drop_kept();
        assert!(!ended.restoring());
    }

    #[test]
    fn the_verdict_is_written_four_times_before_it_would_be_too_old() {
        let policy = HealthPolicy::default();
        let quarter = Span(policy.max_age.0 / 4);
        let mut start = Start::new(NOW);
        let mut kept = |at: Moment| {
            let mut desk = Desk::new(1, at);
            start.keep(RUNDECK, at, &policy, &mut desk);
            desk.take()
        };
        assert_eq!(kept(NOW), [Command::KeepVerdict(KeptVerdict { at: NOW, process: RUNDECK })]);
        assert_eq!(kept(NOW + quarter - Span(1)), []);
        assert_eq!(kept(NOW + quarter).len(), 1);
        assert_eq!(kept(NOW + quarter), []);
    }
}
