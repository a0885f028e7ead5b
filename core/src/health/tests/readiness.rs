//! The readiness state by itself: which answers count, when it is asked, and what a first `up` may rely on.

use super::super::readiness::{OfDatabase, ReadyState, Shown, judged_readiness};
use super::super::web::Round;
use crate::contract::{Call, CallId, Command, HealthPolicy, Moment, Outcome, Readiness, ReadySeen, Reason, Span};
use crate::desk::Desk;

const NOW: Moment = Moment(1_000_000);

fn seen(readiness: Readiness, bound: bool) -> ReadySeen {
    ReadySeen { readiness, database: None, bound }
}

/// With the question that is under way.
struct Stand(ReadyState, Desk, HealthPolicy, Option<CallId>);

fn stand() -> Stand {
    Stand(ReadyState::new(NOW), Desk::new(1, NOW), HealthPolicy::default(), None)
}

impl Stand {
    fn answers(&mut self, answer: Option<ReadySeen>, proven: bool) -> OfDatabase {
        self.3.take().map(|id| self.1.close(id));
        self.0.on_reply(answer, proven, false, &self.2, &mut self.1)
    }

    /// The limits of the questions that go out.
    fn asks(&mut self) -> Vec<(bool, Span)> {
        self.0.step(&self.2, &mut self.1);
        let now = self.1.now();
        let mut asked = Vec::new();
        for command in self.1.take() {
            if let Command::Call { id, call: Call::ProbeReadiness { learn }, deadline } = command {
                self.3 = Some(id);
                asked.push((learn, deadline.since(now)));
            }
        }
        asked
    }
}

#[test]
fn silence_counts_where_it_needs_no_database_and_nothing_excuses_it() {
    for (readiness, bound, excused, outcome) in [
        (Readiness::Ready, false, false, Outcome::Pass),
        (Readiness::NotReady, true, true, Outcome::Fail),
        (Readiness::TimedOut, false, false, Outcome::Fail),
        (Readiness::TimedOut, true, false, Outcome::Unknown),
        (Readiness::TimedOut, false, true, Outcome::Unknown),
        (Readiness::TimedOut, true, true, Outcome::Unknown),
        (Readiness::Absent, false, false, Outcome::Unknown),
        (Readiness::Refused, false, false, Outcome::Unknown),
        (Readiness::Unclear("a page".into()), false, false, Outcome::Unknown),
    ] {
        assert_eq!(judged_readiness(&seen(readiness.clone(), bound), excused).outcome, outcome, "{readiness:?}");
    }
}

#[test]
fn an_absent_one_is_not_asked_again_until_there_is_something_to_learn() {
    let mut stand = stand();
    assert!(!stand.0.asked());
    assert_eq!(stand.asks(), [(true, Span::secs(12))], "learning may take two questions");
    assert_eq!(stand.asks(), [], "one is under way");
    stand.answers(Some(seen(Readiness::Absent, false)), false);
    assert!(stand.0.asked());
    assert_eq!(stand.asks(), []);
    // Half an hour later, or when another version is seen.
    stand.1.begin_turn(NOW + Span(30 * 60_000 - 1));
    assert_eq!(stand.asks(), []);
    stand.1.begin_turn(NOW + Span(30 * 60_000));
    assert_eq!(stand.asks(), [(true, Span::secs(12))]);
    stand.answers(Some(seen(Readiness::Absent, false)), false);
    assert_eq!(stand.asks(), []);
    stand.0.learn_again();
    assert_eq!(stand.asks(), [(true, Span::secs(12))]);
    stand.answers(Some(seen(Readiness::Ready, false)), false);
    assert_eq!(stand.asks(), [(false, Span::secs(6))]);
    stand.0.start_over(&mut stand.1);
    assert!(!stand.0.asked());
    assert_eq!(stand.asks(), [(true, Span::secs(12))], "the open one was the old process's");
}

#[test]
fn one_that_asks_the_database_waits_for_its_lane() {
    for (bound, asked) in [(true, 0), (false, 1)] {
        let mut stand = stand();
        stand.asks();
        stand.answers(Some(seen(Readiness::Ready, bound)), true);
        stand.1.call(crate::desk::Topic::Api, Call::ProbeApi, Span::secs(5));
        assert_eq!(stand.asks().len(), asked, "{bound}");
    }
}

#[test]
fn what_hung_is_the_databases_where_it_was_asked_too() {
    let hung = |of: &OfDatabase| matches!(of, OfDatabase::Hung(NOW));
    let mut stand = stand();
    stand.asks();
    // Nobody knows yet whether it needs the database.
    assert!(hung(&stand.answers(None, false)));
    stand.asks();
    assert!(!hung(&stand.answers(Some(seen(Readiness::Refused, true)), false)));
    stand.asks();
    stand.answers(Some(seen(Readiness::Ready, false)), false);
    stand.asks();
    assert!(!hung(&stand.answers(None, false)), "it needs none");
    let shown = stand.answers(Some(ReadySeen { database: Some(false), ..seen(Readiness::Ready, false) }), false);
    assert!(matches!(shown, OfDatabase::Shown(Some(false))));
}

#[test]
fn a_no_means_stopping_once_it_was_ready_and_starting_before() {
    for (readiness, proven, reason) in [
        (Readiness::NotReady, true, Reason::RundeckStopping),
        (Readiness::NotReady, false, Reason::NotReady),
        (Readiness::TimedOut, true, Reason::Timeout),
    ] {
        let mut stand = stand();
        for looks in 1..=3 {
            stand.answers(Some(seen(readiness.clone(), false)), proven);
            assert_eq!(stand.0.gate().shut(), (looks == 3).then_some(reason));
        }
        // What says nothing moves nothing, nor does one answer that there is none.
        for nothing in [Readiness::Refused, Readiness::Absent] {
            stand.answers(Some(seen(nothing, false)), proven);
            assert_eq!((stand.0.gate().shut(), stand.0.gate().fails()), (Some(reason), 3));
        }
    }
}

/// One that was answered is gone after as many equal answers as take a node out, each of them a look of its own.
#[test]
fn one_that_was_answered_is_believed_to_be_gone_after_the_fall_count() {
    let absent = || Some(seen(Readiness::Absent, false));
    let mut stand = stand();
    stand.answers(Some(seen(Readiness::Ready, false)), true);
    for between in [Readiness::NotReady, Readiness::Ready] {
        stand.answers(absent(), true);
        assert_eq!(stand.asks(), [(true, Span::secs(12))], "what was found is not taken for granted");
        stand.answers(absent(), true);
        stand.answers(Some(seen(between, false)), true);
    }
    stand.answers(Some(seen(Readiness::NotReady, false)), true);
    for gone in [false, false, true] {
        stand.asks();
        stand.answers(absent(), true);
        assert_eq!(stand.0.shown() == Shown::Nothing, gone);
    }
    assert_eq!((stand.asks(), stand.0.gate().fails()), (vec![], 0), "nothing was shut");
}

/// What it had shut opens by as many good rounds in a row as good answers would have taken, and not before it is gone.
#[test]
fn what_one_that_is_gone_had_shut_opens_by_rounds() {
    let policy = HealthPolicy { rise: 2, ..HealthPolicy::default() };
    let mut stand = stand();
    stand.answers(Some(seen(Readiness::Ready, false)), true);
    for readiness in [Readiness::NotReady, Readiness::Absent] {
        for _ in 0..3 {
            let before = stand.0.gate().passes();
            stand.0.on_round(Round::Pass, &policy);
            assert_eq!(stand.0.gate().passes(), before, "it is not gone yet");
            stand.answers(Some(seen(readiness.clone(), false)), true);
        }
    }
    let failed = Round::Fail(Reason::BadStatus, false);
    for (round, shut) in
        [(Round::Pass, true), (failed, true), (Round::Pass, true), (Round::Unknown, true), (Round::Pass, false)]
    {
        stand.0.on_round(round, &policy);
        assert_eq!(stand.0.gate().shut(), shut.then_some(Reason::RundeckStopping), "{round:?}");
    }
    stand.0.on_round(failed, &policy);
    assert_eq!((stand.0.gate().fails(), stand.0.gate().shut()), (0, None), "rounds shut nothing");
}

#[test]
fn a_first_up_relies_on_the_last_answer_that_said_anything() {
    let mut stand = stand();
    assert_eq!(stand.0.shown(), Shown::Nothing);
    for (readiness, shown) in [
        (Readiness::NotReady, Shown::NotReady),
        (Readiness::Ready, Shown::Ready),
        (Readiness::Refused, Shown::Ready),
        (Readiness::Absent, Shown::Ready),
        (Readiness::Absent, Shown::Ready),
        (Readiness::Absent, Shown::Nothing),
    ] {
        stand.answers(Some(seen(readiness, false)), false);
        assert_eq!(stand.0.shown(), shown);
    }
    // One yes does not open what three bad answers have shut.
    for _ in 0..3 {
        stand.answers(Some(seen(Readiness::NotReady, false)), false);
    }
    for shown in [Shown::NotReady, Shown::Ready] {
        stand.answers(Some(seen(Readiness::Ready, false)), false);
        assert_eq!(stand.0.shown(), shown);
    }
}

#[test]
fn its_row_says_that_it_is_asked_with_the_next_round_where_there_is_one_to_ask() {
    let round = Some(NOW + Span::secs(5));
    let next = |stand: &Stand| stand.0.row(round, &stand.2).next;
    let mut stand = stand();
    assert_eq!(next(&stand), round);
    stand.asks();
    assert_eq!(next(&stand), None, "when the open one has ended");
    stand.answers(Some(seen(Readiness::Ready, false)), false);
    assert_eq!(next(&stand), round);
    for absent in [false, false, true] {
        stand.answers(Some(seen(Readiness::Absent, false)), false);
        assert_eq!(next(&stand), round.filter(|_| !absent));
    }
}
