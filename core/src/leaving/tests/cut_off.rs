//! Drains that are cut off, joined, taken up again, or that an earlier run has ended; and what people see of one.

use super::*;

#[test]
fn at_its_deadline_everything_open_is_given_up() {
    let mut stand = stand(order(Cause::Operator, Some(Span::secs(30))), DrainInputs { jobs: busy(4), ..calm() });
    stand.at(Span::ZERO).counted(Span::secs(25), Some(0));
    assert_eq!(stand.said().last().copied(), Some("drain: jobs: 4 running, waited for at most 5.0 s"));
    stand.at(Span(29_999));
    assert!(!stand.drain.done());
    stand.at(Span::secs(30));
    assert!(stand.drain.done());
    assert_eq!(stand.result(StepName::Jobs), Some(StepResult::GivenUp));
    assert_eq!(stand.result(StepName::Quiet), Some(StepResult::NothingInFlight));
    let receipt = stand.receipt().cloned().expect("a receipt");
    assert_eq!((receipt.result, receipt.running_jobs_left), (DrainResult::CutShort, Some(4)));
    assert_eq!(receipt.deadline, Some(BEGUN + Span::secs(30)));
}

#[test]
fn cut_off_in_its_first_phase_it_names_what_never_began() {
    let mut inputs = DrainInputs { passive: Passive::Pending, jobs: busy(1), ..calm() };
    inputs.groups.outcome = None;
    let mut stand = stand(order(Cause::Operator, Some(Span::secs(3))), inputs);
    stand.at(Span::ZERO).at(Span::secs(3));
    assert!(stand.drain.done());
    for name in [StepName::Passive, StepName::Deregister, StepName::Quiet, StepName::Jobs] {
        assert_eq!(stand.result(name), Some(StepResult::GivenUp), "{name}");
        assert!(stand.gave_up(name), "{name}");
    }
    assert_eq!(stand.result(StepName::Advertise), Some(StepResult::Answers503));
    assert_eq!(stand.said().len(), 1, "nothing is waited for that is given up: {:?}", stand.said());
    assert_eq!(stand.receipt().map(|receipt| receipt.inflight_at_cut), Some(None));
}

#[test]
fn what_was_in_flight_when_it_was_cut_off_is_told() {
    let mut stand = stand(order(Cause::Operator, Some(Span::secs(30))), calm());
    stand.at(Span::ZERO).counted(Span::secs(10), Some(7)).at(Span::secs(30));
    assert_eq!(stand.result(StepName::Quiet), Some(StepResult::GivenUp));
    assert_eq!(stand.receipt().map(|receipt| receipt.inflight_at_cut), Some(Some(7)));
}

#[test]
fn who_joins_what_was_cut_off_has_it_taken_up_again() {
    let mut stand = stand(order(Cause::Operator, Some(Span::secs(30))), DrainInputs { jobs: busy(1), ..calm() });
    stand.at(Span::ZERO).counted(Span::secs(25), Some(0)).at(Span::secs(30));
    stand.drain.on_receipt(Ok(()), &mut stand.desk);
    assert!(stand.drain.finished());
    stand.drain.add(order(Cause::AgentStopping, None), BEGUN + Span::secs(40));
    stand.at(Span::secs(40));
    assert_eq!(stand.drain.phase(), DrainPhase::Jobs);
    assert!(!stand.drain.finished() && stand.drain.end().is_none());
    assert!(stand.said().contains(&"drain: agent-stopping: what was given up is taken up again"));
    // He has the whole time for himself.
    stand.at(Span(1_839_999));
    assert_eq!(stand.result(StepName::Jobs), None);
    stand.inputs.jobs = calm().jobs;
    stand.at(Span::secs(1_839));
    assert_eq!(stand.result(StepName::Jobs), Some(StepResult::NoneRunning));
    let receipt = stand.receipt().cloned().expect("a receipt");
    assert_eq!((receipt.id.as_str(), receipt.cause), ("d-operator", Cause::AgentStopping));
    assert_eq!((receipt.result, receipt.inflight_at_cut), (DrainResult::Clean, Some(0)));
}

#[test]
fn requests_that_were_cut_off_are_counted_anew_for_who_joins() {
    let mut stand = stand(order(Cause::Operator, Some(Span::secs(30))), calm());
    stand.at(Span::ZERO).counted(Span::secs(10), Some(7)).at(Span::secs(30));
    let later = Some(Span::secs(45));
    stand.drain.add(order(Cause::Operator, later), BEGUN + Span::secs(40));
    stand.at(Span::secs(40));
    assert_eq!((stand.drain.phase(), stand.result(StepName::Quiet)), (DrainPhase::Quiet, None));
    // Nobody has counted since: what was counted before says nothing about this end.
    stand.at(Span::secs(45));
    assert_eq!(stand.result(StepName::Quiet), Some(StepResult::GivenUp));
    assert_eq!(stand.receipt().map(|receipt| receipt.inflight_at_cut), Some(None));
}

#[test]
fn who_joins_a_drain_that_is_over_waits_for_jobs_that_began_since() {
    let (done, jobs) = (DrainPhase::Done, DrainPhase::Jobs);
    for (running, asks, phase) in
        [(Some(0), true, done), (None, false, done), (None, true, jobs), (Some(1), true, jobs), (Some(1), false, jobs)]
    {
        let mut stand = by_operator(calm());
        stand.at(Span::ZERO).counted(Span::secs(25), Some(0));
        assert!(stand.drain.done());
        stand.inputs.jobs = Jobs { running, idle_since: None, unknown_since: None };
        stand.inputs.asks_jobs = asks;
        stand.drain.add(order(Cause::AgentStopping, None), BEGUN + Span::secs(30));
        stand.at(Span::secs(30));
        assert_eq!(stand.drain.phase(), phase, "{running:?}");
    }
}

#[test]
fn a_drain_of_an_earlier_run_that_has_ended_stands() {
    let mut first = stand(order(Cause::AgentStopping, None), DrainInputs { jobs: busy(3), ..calm() });
    first.at(Span::ZERO).counted(Span::secs(25), Some(0));
    first.inputs.jobs = calm().jobs;
    first.at(Span::secs(30));
    let receipt = first.receipt().cloned().expect("a receipt");
    let later = BEGUN + Span::secs(100);
    // Nothing of this run was tried yet: what is over stays over.
    let mut stand = by_operator(DrainInputs { passive: Passive::Pending, ..calm() });
    stand.inputs.groups.tried = false;
    let goes_on = DrainOrder { at: later, ..order(Cause::Operator, None) };
    stand.drain = Drain::ended(goes_on, Box::new(receipt.clone()), later);
    assert!(stand.drain.finished() && stand.drain.acting());
    assert_eq!(stand.drain.end(), Some(&receipt));
    stand.at(Span::secs(100)).at(Span::secs(200));
    assert!(stand.receipt().is_none(), "it is not written again");
    let view = stand.drain.view().expect("a view");
    assert_eq!((view.phase, view.started, view.steps), (DrainPhase::Done, BEGUN, receipt.steps.clone()));
    let now = stand.drain.receipt(Vec::new(), receipt.result, receipt.ended_by, receipt.ended).expect("a receipt");
    assert_eq!(now, Receipt { cause: Cause::Operator, ..receipt });
}

#[test]
fn what_people_see_of_it() {
    let mut stand = stand(order(Cause::Operator, Some(Span::secs(900))), calm());
    stand.drain.add(order(Cause::AgentStopping, None), BEGUN);
    stand.at(Span::ZERO).counted(Span::secs(1), Some(3));
    let view = stand.drain.view().expect("a view");
    assert_eq!(view.causes, [Cause::Operator, Cause::AgentStopping]);
    assert_eq!((view.id.as_str(), view.cause, view.deadline), ("d-operator", Cause::AgentStopping, None));
    assert_eq!((view.phase, view.in_flight, view.started), (DrainPhase::Quiet, Some(3), BEGUN));
    assert_eq!(view.steps, stand.drain.steps.all().to_vec());
    assert!(stand.drain.exits() && stand.drain.has(Cause::Operator) && !stand.drain.has(Cause::RundeckStopping));
}

#[test]
fn it_is_taken_back_cause_by_cause() {
    let mut stand = by_operator(calm());
    assert_eq!((stand.drain.exits(), stand.drain.id()), (false, "d-operator"));
    assert_eq!(stand.drain.take_back(|cause| cause == Cause::RundeckStopping), None);
    stand.drain.add(order(Cause::RundeckStopping, None), BEGUN);
    assert_eq!(stand.drain.take_back(|cause| cause == Cause::Operator), Some(true));
    assert_eq!(stand.drain.take_back(|_| true), Some(false));
    // What it counted, and its receipt, are not the next one's.
    stand.at(Span::ZERO).counted(Span::secs(25), Some(0));
    assert!(stand.drain.done() && stand.drain.receipt.is_open());
    stand.drain.disown(&mut stand.desk);
    assert!(!stand.drain.receipt.is_open() && !stand.drain.count.is_open());
}

/// Switching and deregistering begin anew for whoever joins if one of them was given up, and only then.
#[test]
fn who_joins_has_tried_afresh_what_was_given_up() {
    let joined = |passive: Passive, outcome: Option<Deregistered>, jobs: Jobs, cause: Cause| {
        let mut inputs = DrainInputs { passive, jobs, ..calm() };
        inputs.groups.outcome = outcome;
        let mut stand = stand(order(Cause::Operator, Some(Span::secs(100))), inputs);
        stand.at(Span::ZERO).at(Span::secs(10)).counted(Span::secs(40), Some(0)).at(Span::secs(100));
        assert!(stand.drain.done());
        stand.drain.add(order(cause, None), BEGUN + Span::secs(120))
    };
    let (done, none) = (Some(Deregistered::Done), calm().jobs);
    let other = Cause::AgentStopping;
    assert!(joined(Passive::Failed, done, none, other), "passive mode was given up");
    assert!(joined(Passive::On, None, none, other), "deregistering was given up");
    assert!(joined(Passive::Failed, None, none, Cause::Operator), "he has more time now");
    assert!(!joined(Passive::On, done, none, other), "nothing was given up");
    assert!(!joined(Passive::On, done, busy(1), other), "jobs alone were given up");
    // The same wish with less time takes up nothing.
    let mut stand = by_operator(DrainInputs { passive: Passive::Failed, ..calm() });
    stand.at(Span::ZERO).counted(Span::secs(40), Some(0));
    assert!(stand.gave_up(StepName::Passive));
    assert!(!stand.drain.add(order(Cause::Operator, Some(Span::secs(500))), BEGUN + Span::secs(50)));
}

/// What was counted before a node said 200 once more says nothing about the requests that are cut off later.
#[test]
fn requests_that_came_by_a_later_200_are_not_told_as_counted() {
    let mut stand = stand(order(Cause::RundeckStopping, Some(Span::secs(90))), DrainInputs { jobs: busy(1), ..calm() });
    stand.at(Span::ZERO).counted(Span::secs(25), Some(0));
    assert_eq!((stand.drain.phase(), stand.drain.view().and_then(|view| view.in_flight)), (DrainPhase::Jobs, Some(0)));
    // Only now metadata tell of a group that would replace it.
    stand.inputs.may_replace = true;
    stand.at(Span::secs(30));
    assert!(stand.drain.holds_200());
    assert_eq!(stand.drain.view().and_then(|view| view.in_flight), None);
    stand.at(Span::secs(90));
    assert_eq!(stand.result(StepName::Quiet), Some(StepResult::GivenUp));
    assert_eq!(stand.receipt().map(|receipt| receipt.inflight_at_cut), Some(None));
}
