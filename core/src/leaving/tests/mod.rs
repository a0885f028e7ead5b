//! A drain by itself: what it is told, in values, against what its steps come to and when.

mod cut_off;

use super::*;
use crate::contract::{Command, Deregistered, DrainResult, GroupsLeaving, Jobs, ModeLeft};

const BEGUN: Moment = Moment(1_000_000);

/// A drain, and what it is told.
struct Stand {
    drain: Drain,
    desk: Desk,
    policy: DrainPolicy,
    inputs: DrainInputs,
    told: Vec<Command>,
}

fn order(cause: Cause, deadline: Option<Span>) -> DrainOrder {
    let id = format!("d-{cause}");
    DrainOrder {
        id,
        cause,
        reason: "planned".into(),
        at: BEGUN,
        deadline: deadline.map(|span| BEGUN + span),
        force: false,
    }
}

/// Nothing is in the way: deregistered, passive, and no job.
fn calm() -> DrainInputs {
    DrainInputs {
        rundeck: Life::There,
        may_replace: false,
        was_in_service: true,
        groups: GroupsLeaving {
            settled: true,
            tried: true,
            outcome: Some(Deregistered::Done),
            back: false,
            unconfirmed_floor: None,
            longest_delay: Span::secs(60),
        },
        active: false,
        passive: Passive::On,
        jobs: Jobs { running: Some(0), idle_since: Some(Moment(u64::MAX)), unknown_since: None },
        asks_jobs: true,
    }
}

fn stand(order: DrainOrder, inputs: DrainInputs) -> Stand {
    let mut drain = Drain::new(order, inputs.may_replace, BEGUN);
    drain.intent_kept();
    let desk = Desk::new(1, BEGUN);
    Stand { drain, desk, policy: DrainPolicy::default(), inputs, told: Vec::new() }
}

fn by_operator(inputs: DrainInputs) -> Stand {
    stand(order(Cause::Operator, None), inputs)
}

impl Stand {
    /// A turn, so long after the beginning.
    fn at(&mut self, after: Span) -> &mut Stand {
        self.desk.begin_turn(BEGUN + after);
        self.desk.begin_pass();
        self.drain.step(&self.inputs, &self.policy, &mut self.desk);
        self.drain.write(Vec::new(), &mut self.desk);
        self.told.extend(self.desk.take());
        self
    }

    /// As [`at`](Self::at), with a count that has come by then.
    fn counted(&mut self, after: Span, count: Option<u32>) -> &mut Stand {
        self.desk.begin_turn(BEGUN + after);
        self.drain.on_count(count, BEGUN + after);
        self.at(after)
    }

    fn result(&self, name: StepName) -> Option<StepResult> {
        self.drain.steps.result(name)
    }

    fn gave_up(&self, name: StepName) -> bool {
        self.drain.steps.all().iter().any(|step| step.name == name && step.gave_up)
    }

    /// The receipt that was sent to be written.
    fn receipt(&self) -> Option<&Receipt> {
        self.told.iter().rev().find_map(|command| {
            let Command::Call { call: Call::WriteReceipt(receipt), .. } = command else { return None };
            Some(&**receipt)
        })
    }

    fn said(&self) -> Vec<&str> {
        let notes = self.told.iter().filter_map(|command| {
            let Command::Tell(note) = command else { return None };
            Some(note.text.as_str())
        });
        notes.collect()
    }
}

/// A stand in the jobs phase, which begins 25 s after the beginning.
fn waiting_for_jobs(jobs: Jobs) -> Stand {
    let mut stand = by_operator(DrainInputs { jobs, ..calm() });
    stand.at(Span::ZERO).counted(Span::secs(25), Some(0));
    assert_eq!(stand.drain.phase(), DrainPhase::Jobs);
    stand
}

fn busy(running: u32) -> Jobs {
    Jobs { running: Some(running), idle_since: None, unknown_since: None }
}

#[test]
fn a_calm_drain_is_clean_once_its_floor_is_over() {
    let mut stand = by_operator(calm());
    stand.at(Span::ZERO);
    assert_eq!(stand.drain.phase(), DrainPhase::Quiet);
    assert_eq!(stand.said(), ["drain: quiet: floor 25.0 s, at most 60.0 s"]);
    stand.counted(Span(24_999), Some(0));
    assert_eq!(stand.drain.phase(), DrainPhase::Quiet, "the floor");
    assert!(!stand.drain.done() && !stand.drain.finished() && !stand.drain.waits_for_jobs());
    stand.at(Span::secs(25));
    assert!(stand.drain.done() && !stand.drain.finished(), "the receipt is under way");
    let words = "drained in 25.0 s: 0 jobs waited for (receipt d-operator, clean)";
    assert_eq!(stand.said().last().copied(), Some(words));
    let receipt = stand.receipt().cloned().expect("a receipt");
    assert_eq!((receipt.result, receipt.ended), (DrainResult::Clean, BEGUN + Span::secs(25)));
    assert_eq!((receipt.running_jobs_left, receipt.inflight_at_cut), (Some(0), Some(0)));
    assert_eq!(receipt.steps.len(), 5, "{:?}", receipt.steps);
    assert_eq!(stand.drain.end(), Some(&receipt));
    stand.drain.on_receipt(Ok(()), &mut stand.desk);
    assert!(stand.drain.finished());
}

#[test]
fn what_is_in_flight_is_waited_for_until_the_limit_and_told() {
    for (count, result, gave_up, words) in
        [(Some(2), StepResult::InFlight(2), true, Some(2)), (None, StepResult::InFlightUnknown, false, None)]
    {
        let mut stand = by_operator(calm());
        stand.at(Span::ZERO).counted(Span(59_999), count);
        assert_eq!(stand.result(StepName::Quiet), None);
        stand.at(Span::secs(60));
        assert_eq!(stand.result(StepName::Quiet), Some(result));
        assert_eq!(stand.gave_up(StepName::Quiet), gave_up);
        assert_eq!(stand.receipt().and_then(|receipt| receipt.inflight_at_cut), words);
    }
    // Nobody has counted at all.
    let mut stand = by_operator(calm());
    stand.policy.quiet_timeout = Some(Span::secs(30));
    stand.at(Span::ZERO).at(Span::secs(30));
    assert_eq!(stand.result(StepName::Quiet), Some(StepResult::InFlightUnknown));
}

#[test]
fn a_balancer_that_may_not_have_noticed_lengthens_the_floor() {
    let mut inputs = calm();
    inputs.groups.unconfirmed_floor = Some(Span::secs(40));
    let mut stand = by_operator(inputs);
    stand.at(Span::ZERO).counted(Span(39_999), Some(0));
    assert_eq!(stand.result(StepName::Quiet), None);
    stand.at(Span::secs(40));
    assert_eq!(stand.result(StepName::Quiet), Some(StepResult::NothingInFlight));
    // One that needs less than the floor does not shorten it.
    let mut inputs = calm();
    inputs.groups.unconfirmed_floor = Some(Span::secs(3));
    let mut stand = by_operator(inputs);
    stand.at(Span::ZERO).counted(Span(24_999), Some(0));
    assert_eq!(stand.result(StepName::Quiet), None);
    stand.at(Span::secs(25));
    assert_eq!(stand.result(StepName::Quiet), Some(StepResult::NothingInFlight));
}

#[test]
fn the_floor_follows_what_is_seen_of_the_balancers() {
    let mut inputs = calm();
    inputs.groups.unconfirmed_floor = Some(Span::secs(100));
    let mut stand = by_operator(inputs);
    stand.at(Span::ZERO);
    // All have let the node go: requests arrive for one floor more.
    stand.inputs.groups.unconfirmed_floor = None;
    stand.counted(Span::secs(5), Some(0)).at(Span::secs(10)).at(Span(29_999));
    assert_eq!(stand.result(StepName::Quiet), None);
    let mut gone = stand;
    gone.at(Span::secs(30));
    assert_eq!(gone.result(StepName::Quiet), Some(StepResult::NothingInFlight));
    // One shows it again.
    let mut inputs = calm();
    inputs.groups.longest_delay = Span::secs(300);
    let mut stand = by_operator(inputs);
    stand.at(Span::ZERO);
    stand.inputs.groups.unconfirmed_floor = Some(Span::secs(50));
    stand.counted(Span::secs(10), Some(0)).at(Span(49_999));
    assert_eq!(stand.result(StepName::Quiet), None);
    stand.at(Span::secs(50));
    assert_eq!(stand.result(StepName::Quiet), Some(StepResult::NothingInFlight));
}

#[test]
fn in_flight_is_counted_in_the_quiet_phase_alone_once_a_second() {
    let counts = |stand: &Stand| {
        let asked = |command: &&Command| matches!(command, Command::Call { call: Call::CountInFlight, .. });
        stand.told.iter().filter(asked).count()
    };
    let mut stand = by_operator(calm());
    stand.at(Span::ZERO).at(Span(1));
    assert_eq!(counts(&stand), 1, "one is under way");
    stand.counted(Span(10), Some(1)).at(Span(1_009));
    assert_eq!(counts(&stand), 1);
    stand.at(Span(1_010));
    assert_eq!(counts(&stand), 2);
    assert_eq!(stand.drain.view().and_then(|view| view.in_flight), Some(1));
    let mut stand = waiting_for_jobs(busy(1));
    let before = counts(&stand);
    stand.at(Span::secs(40));
    assert_eq!(counts(&stand), before);
}

#[test]
fn whoever_was_not_in_service_waits_for_no_request() {
    let mut stand = by_operator(DrainInputs { was_in_service: false, ..calm() });
    stand.at(Span::ZERO);
    assert_eq!(stand.result(StepName::Quiet), Some(StepResult::NotInService));
    assert!(stand.drain.done());
    assert!(!stand.said().iter().any(|text| text.contains("quiet")), "{:?}", stand.said());
}

/// Only a Rundeck that is not there is not waited for: never one that may still finish its jobs.
#[test]
fn rundeck_is_waited_for_unless_it_is_gone() {
    for (life, result, left) in [
        (Life::There, None, None),
        (Life::Finishing, None, None),
        (Life::Starting, Some(StepResult::RundeckStarts), Some(0)),
        (Life::Gone, Some(StepResult::RundeckGone), Some(0)),
        (Life::Closed, Some(StepResult::RundeckUnseen), None),
    ] {
        let jobs = Jobs { running: None, idle_since: None, unknown_since: Some(BEGUN) };
        let mut stand = by_operator(DrainInputs { rundeck: life, jobs, ..calm() });
        stand.at(Span::ZERO);
        assert_eq!(stand.result(StepName::Quiet), result, "{life:?}");
        assert_eq!(stand.result(StepName::Jobs), result, "{life:?}");
        let unproven = life == Life::Closed;
        if let Some(receipt) = stand.receipt() {
            assert_eq!((receipt.running_jobs_left, receipt.inflight_at_cut), (left, left), "{life:?}");
            assert_eq!(receipt.result == DrainResult::Unproven, unproven, "{life:?}");
            assert_eq!(stand.said().len(), 1, "nothing is waited for: {:?}", stand.said());
        }
        assert_eq!(stand.receipt().is_some(), result.is_some(), "{life:?}");
    }
}

#[test]
fn jobs_that_ended_with_rundeck_are_told() {
    let mut stand = waiting_for_jobs(busy(3));
    stand.inputs.rundeck = Life::Gone;
    stand.inputs.jobs = Jobs { running: None, idle_since: None, unknown_since: Some(BEGUN) };
    stand.at(Span::secs(30));
    assert_eq!(stand.result(StepName::Jobs), Some(StepResult::RundeckEnded(3)));
    let receipt = stand.receipt().cloned().expect("a receipt");
    assert_eq!((receipt.result, receipt.running_jobs_left), (DrainResult::CutShort, Some(3)));
    assert_eq!(receipt.running_jobs_waited_for, Some(3));
    // Where the last answer showed none, none was lost.
    let mut stand = waiting_for_jobs(busy(0));
    stand.inputs.rundeck = Life::Gone;
    stand.at(Span::secs(30));
    assert_eq!(stand.result(StepName::Jobs), Some(StepResult::RundeckGone));
}

#[test]
fn jobs_are_waited_for_until_their_limit() {
    let mut stand = waiting_for_jobs(busy(2));
    assert!(stand.drain.waits_for_jobs());
    assert_eq!(stand.said().last().copied(), Some("drain: jobs: 2 running, waited for at most 1800.0 s"));
    stand.at(Span(1_824_999));
    assert_eq!(stand.result(StepName::Jobs), None);
    stand.at(Span::secs(1_825));
    assert_eq!(stand.result(StepName::Jobs), Some(StepResult::JobsLeft(Some(2))));
    assert_eq!(stand.receipt().map(|receipt| receipt.result), Some(DrainResult::CutShort));
    assert_eq!(stand.receipt().and_then(|receipt| receipt.running_jobs_left), Some(2));
}

#[test]
fn idle_is_believed_only_if_it_was_asked_for_in_the_wait() {
    let mut stand = waiting_for_jobs(busy(1));
    stand.inputs.jobs = Jobs { running: Some(0), idle_since: Some(BEGUN + Span(24_999)), unknown_since: None };
    stand.at(Span::secs(30));
    assert_eq!(stand.result(StepName::Jobs), None);
    stand.inputs.jobs.idle_since = Some(BEGUN + Span::secs(25));
    stand.at(Span::secs(31));
    assert_eq!(stand.result(StepName::Jobs), Some(StepResult::NoneRunning));
    assert_eq!(stand.receipt().map(|receipt| receipt.running_jobs_left), Some(Some(0)));
}

#[test]
fn an_unknown_number_of_jobs_is_waited_for_a_minute_and_stays_unproven() {
    let unknown = Jobs { running: None, idle_since: None, unknown_since: Some(BEGUN) };
    let mut stand = waiting_for_jobs(unknown);
    let words = "drain: jobs: nobody can tell how many run: 60.0 s for an answer, at most 1800.0 s for jobs";
    assert_eq!(stand.said().last().copied(), Some(words));
    // From the beginning of the wait, not from when nobody knew.
    stand.at(Span(84_999));
    assert_eq!(stand.result(StepName::Jobs), None);
    stand.at(Span::secs(85));
    assert_eq!(stand.result(StepName::Jobs), Some(StepResult::JobsUnknown));
    let receipt = stand.receipt().expect("a receipt");
    assert_eq!((receipt.result, receipt.running_jobs_left), (DrainResult::Unproven, None));
    // What became unknown in the wait is waited for from then on.
    let mut stand = waiting_for_jobs(busy(1));
    stand.inputs.jobs = Jobs { running: None, idle_since: None, unknown_since: Some(BEGUN + Span::secs(100)) };
    stand.at(Span(159_999));
    assert_eq!(stand.result(StepName::Jobs), None);
    stand.at(Span::secs(160));
    assert_eq!(stand.result(StepName::Jobs), Some(StepResult::JobsUnknown));
}

#[test]
fn where_jobs_are_not_waited_for_it_says_which_are_left() {
    for (running, result, gave_up) in [
        (Some(2), StepResult::JobsLeft(Some(2)), true),
        (Some(0), StepResult::JobsNotWaitedFor, false),
        (None, StepResult::JobsNotWaitedFor, false),
    ] {
        let jobs = Jobs { running, idle_since: None, unknown_since: None };
        let mut stand = by_operator(DrainInputs { jobs, was_in_service: false, ..calm() });
        stand.policy.jobs_timeout = Span::ZERO;
        stand.at(Span::ZERO);
        assert_eq!(stand.result(StepName::Jobs), Some(result));
        assert_eq!(stand.gave_up(StepName::Jobs), gave_up);
        assert!(!stand.said().iter().any(|text| text.contains("drain: jobs")), "{:?}", stand.said());
        assert_eq!(stand.receipt().map(|receipt| receipt.running_jobs_left), Some(running));
    }
}

#[test]
fn passive_mode_is_on_or_it_says_what_kept_it_from_being() {
    let left = ModeLeft::ALL[0];
    for (passive, life, result) in [
        (Passive::On, Life::There, Some(StepResult::Passive)),
        (Passive::Skipped(left), Life::There, Some(StepResult::ModeLeft(left))),
        (Passive::Pending, Life::There, None),
        (Passive::Failed, Life::There, None),
        (Passive::Pending, Life::Finishing, Some(StepResult::RundeckGone)),
        (Passive::Failed, Life::Gone, Some(StepResult::RundeckGone)),
    ] {
        let told = format!("{passive:?} {life:?}");
        let mut stand = by_operator(DrainInputs { passive, rundeck: life, ..calm() });
        stand.at(Span::ZERO);
        assert_eq!(stand.result(StepName::Passive), result, "{told}");
    }
}

#[test]
fn what_could_not_be_done_in_the_background_is_not_clean() {
    let pending = |passive: Passive, outcome: Option<Deregistered>| {
        let mut inputs = DrainInputs { passive, ..calm() };
        inputs.groups.outcome = outcome;
        let mut stand = by_operator(inputs);
        stand.at(Span::ZERO).at(Span::secs(10)).counted(Span::secs(40), Some(0));
        stand
    };
    let stand = pending(Passive::Failed, Some(Deregistered::Done));
    assert_eq!(stand.result(StepName::Passive), Some(StepResult::NotDone));
    assert!(stand.gave_up(StepName::Passive));
    assert_eq!(stand.receipt().map(|receipt| receipt.result), Some(DrainResult::CutShort));
    let stand = pending(Passive::On, None);
    assert_eq!(stand.result(StepName::Deregister), Some(StepResult::NotDone));
    assert_eq!(stand.receipt().map(|receipt| receipt.result), Some(DrainResult::CutShort));
}

#[test]
fn the_first_phase_ends_when_all_was_tried_or_after_ten_seconds() {
    let phase_of = |stand: &mut Stand, after: Span| stand.at(after).drain.phase();
    let mut pending = by_operator(DrainInputs { passive: Passive::Pending, ..calm() });
    assert_eq!(phase_of(&mut pending, Span(9_999)), DrainPhase::Advertise);
    assert_eq!(phase_of(&mut pending, Span::secs(10)), DrainPhase::Quiet);
    let mut untried = by_operator(calm());
    untried.inputs.groups.tried = false;
    assert_eq!(phase_of(&mut untried, Span::secs(1)), DrainPhase::Advertise);
    untried.inputs.groups.tried = true;
    assert_eq!(phase_of(&mut untried, Span::secs(2)), DrainPhase::Quiet);
    for passive in [Passive::Failed, Passive::Skipped(ModeLeft::ALL[0])] {
        let mut tried = by_operator(DrainInputs { passive, ..calm() });
        assert_eq!(phase_of(&mut tried, Span::ZERO), DrainPhase::Quiet);
    }
    // There is nothing to switch.
    let mut gone = by_operator(DrainInputs { passive: Passive::Pending, rundeck: Life::Finishing, ..calm() });
    assert_eq!(phase_of(&mut gone, Span::ZERO), DrainPhase::Quiet);
}

#[test]
fn it_acts_once_its_intent_is_on_disk_or_after_a_second() {
    let mut stand = by_operator(calm());
    stand.drain = Drain::new(order(Cause::Operator, None), false, BEGUN);
    stand.at(Span(999));
    assert!(!stand.drain.acting());
    assert_eq!((stand.drain.phase(), stand.result(StepName::Deregister)), (DrainPhase::Advertise, None));
    stand.at(Span::secs(1));
    assert!(stand.drain.acting());
    assert_eq!(stand.drain.phase(), DrainPhase::Quiet);
    assert!(stand.said().iter().any(|text| text.starts_with("intent-not-kept: ")), "{:?}", stand.said());
}

#[test]
fn in_a_group_that_may_replace_it_jobs_come_first_and_it_says_200_until_then() {
    let mut stand = by_operator(DrainInputs { may_replace: true, jobs: busy(1), passive: Passive::Pending, ..calm() });
    stand.at(Span::ZERO);
    assert!(stand.drain.holds_200());
    assert_eq!(stand.result(StepName::Advertise), Some(StepResult::Answers200));
    stand.inputs.passive = Passive::On;
    stand.at(Span::secs(1));
    assert_eq!(stand.drain.phase(), DrainPhase::Jobs);
    assert!(stand.drain.holds_200());
    stand.inputs.jobs = calm().jobs;
    stand.at(Span::secs(2));
    assert_eq!(stand.drain.phase(), DrainPhase::Quiet);
    assert!(!stand.drain.holds_200());
    stand.counted(Span::secs(27), Some(0));
    assert!(stand.drain.done() && !stand.drain.holds_200());
    // Outside a group it never does.
    let mut alone = by_operator(DrainInputs { jobs: busy(1), passive: Passive::Pending, ..calm() });
    alone.at(Span::ZERO);
    assert!(!alone.drain.holds_200());
    assert_eq!(alone.result(StepName::Advertise), Some(StepResult::Answers503));
}

/// The mode is not known for a while: that is no word against what was confirmed.
#[test]
fn passive_mode_that_was_on_is_doubted_only_by_one_that_is_active() {
    let mut stand = waiting_for_jobs(busy(1));
    assert_eq!(stand.result(StepName::Passive), Some(StepResult::Passive));
    stand.inputs.passive = Passive::Pending;
    stand.at(Span::secs(30));
    assert_eq!(stand.result(StepName::Passive), Some(StepResult::Passive));
    stand.inputs.active = true;
    stand.at(Span::secs(31));
    assert_eq!(stand.result(StepName::Passive), None);
}

/// Where jobs come first, time goes on after their wait: what is seen of jobs then is no part of what the wait came to.
#[test]
fn the_receipt_says_of_jobs_what_their_wait_came_to() {
    let unknown = Jobs { running: None, idle_since: None, unknown_since: Some(BEGUN) };
    for (jobs, until, result, left) in [
        (unknown, 60, StepResult::JobsUnknown, None),
        (busy(2), 1_800, StepResult::JobsLeft(Some(2)), Some(2)),
        (calm().jobs, 0, StepResult::NoneRunning, Some(0)),
    ] {
        let mut stand = by_operator(DrainInputs { may_replace: true, jobs, ..calm() });
        stand.at(Span::ZERO).at(Span::secs(until));
        assert_eq!((stand.result(StepName::Jobs), stand.drain.phase()), (Some(result), DrainPhase::Quiet));
        stand.inputs.jobs = busy(5);
        stand.counted(Span::secs(until + 25), Some(0));
        assert_eq!(stand.receipt().map(|receipt| receipt.running_jobs_left), Some(left), "{result:?}");
    }
}

#[test]
fn what_must_hold_of_a_drain_is_told_when_it_does_not() {
    let unsound = |drain: &Drain| drain.check().err().unwrap_or_default();
    let mut stand = by_operator(calm());
    stand.at(Span::ZERO);
    assert_eq!(unsound(&stand.drain), "");
    let mut early = stand.drain.clone();
    early.intent_by = Some(BEGUN);
    assert!(unsound(&early).contains("before it acts"), "{}", unsound(&early));
    let mut written = stand.drain.clone();
    written.receipt_done = true;
    assert!(unsound(&written).contains("a receipt in"), "{}", unsound(&written));
    let mut over = stand.drain;
    over.phase = DrainPhase::Done;
    assert!(unsound(&over).contains("over, but"), "{}", unsound(&over));
}
