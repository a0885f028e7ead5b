//! The desk by itself: what is asked for in vain wakes, what is given up is not begun, what is wrong is told once.

use super::*;
use crate::contract::Outcome;

const NOW: Moment = Moment(1_000_000);
const LIMIT: Span = Span::secs(5);

fn desk() -> Desk {
    Desk::new(1, NOW)
}

fn told(desk: &mut Desk) -> Vec<String> {
    let mut texts = Vec::new();
    for command in desk.take() {
        if let Command::Tell(note) = command {
            texts.push(note.text);
        }
    }
    texts
}

fn goes_out(desk: &mut Desk) -> usize {
    desk.take().iter().filter(|command| matches!(command, Command::Call { .. })).count()
}

#[test]
fn what_is_asked_for_in_vain_wakes_and_what_is_reached_does_not() {
    let mut desk = desk();
    desk.begin_pass();
    assert!(desk.reached(NOW) && desk.reached(NOW - Span(1)));
    assert_eq!(desk.wake(), None);
    assert!(!desk.reached(NOW + Span(30)) && !desk.reached(NOW + Span(10)) && !desk.reached(NOW + Span(20)));
    assert_eq!(desk.wake(), Some(NOW + Span(10)));
    desk.begin_pass();
    assert_eq!(desk.wake(), None, "noted anew by each pass");
}

#[test]
fn a_clock_that_goes_back_is_held() {
    let mut desk = desk();
    desk.begin_turn(NOW + Span(5));
    desk.begin_turn(NOW);
    assert_eq!(desk.now(), NOW + Span(5));
}

#[test]
fn an_early_look_is_worth_it_within_the_slack_alone() {
    let mut desk = desk();
    let soon = Pace::from(NOW + Span(100));
    assert!(!desk.worth(&soon) && !desk.due(&soon));
    desk.allow_early(Span(99));
    assert!(!desk.worth(&soon));
    desk.allow_early(Span(100));
    assert!(desk.worth(&soon) && !desk.due(&soon));
    assert!(desk.due(&Pace::from(NOW)));
}

#[test]
fn no_reply_is_taken_twice() {
    let mut desk = desk();
    let id = desk.call(Topic::Web, Call::LookHost, LIMIT);
    let other = desk.call(Topic::Tag, Call::LookHost, LIMIT);
    assert_ne!(id, other);
    assert_eq!(desk.wanted(), 2);
    assert_eq!(desk.close(id), Some(Topic::Web));
    assert_eq!(desk.close(id), None);
    assert_eq!(desk.close(other), Some(Topic::Tag));
}

#[test]
fn a_call_is_waited_for_until_its_deadline() {
    let mut desk = desk();
    desk.call(Topic::Web, Call::LookHost, LIMIT);
    assert_eq!(goes_out(&mut desk), 1);
    desk.begin_pass();
    assert_eq!(desk.wake(), Some(NOW + LIMIT));
    desk.begin_turn(NOW + LIMIT - Span(1));
    assert_eq!(desk.expired(), None);
    desk.begin_turn(NOW + LIMIT);
    assert_eq!(desk.expired(), Some((Topic::Web, NOW + LIMIT)));
    assert_eq!(desk.expired(), None);
    assert_eq!(desk.wake(), None);
}

#[test]
fn what_nobody_waits_for_any_more_is_not_begun() {
    let mut desk = desk();
    let (mut pace, mut other) = (Pace::from(NOW), Pace::from(NOW));
    desk.ask(&mut pace, Topic::Web, Call::LookHost, LIMIT);
    desk.ask(&mut other, Topic::Host, Call::LookHost, LIMIT);
    desk.disown(&mut pace);
    assert!(!pace.is_open() && other.is_open());
    assert_eq!(goes_out(&mut desk), 1, "the other one goes");
    // It is too late to take the other back, and to forget that it was sent.
    assert!(!desk.take_back(&mut other));
    assert!(other.is_open());
    desk.ask(&mut pace, Topic::Web, Call::LookHost, LIMIT);
    assert!(desk.take_back(&mut pace) && !pace.is_open());
    assert!(!desk.take_back(&mut pace), "there is nothing to take back");
    assert_eq!(goes_out(&mut desk), 0);
    // An overdue call that waits to go out does not either.
    desk.call(Topic::Web, Call::LookHost, LIMIT);
    desk.begin_turn(NOW + LIMIT);
    while desk.expired().is_some() {}
    assert_eq!(goes_out(&mut desk), 0);
}

#[test]
fn calls_of_one_lane_wait_for_each_other() {
    let mut desk = desk();
    assert_eq!(desk.database_since(), None);
    let id = desk.call(Topic::Ready { bound: true }, Call::LookHost, LIMIT);
    assert_eq!(desk.database_since(), Some(NOW));
    assert!(!desk.lane_clear(Topic::Api) && !desk.lane_free(Topic::Database) && !desk.lane_clear(Topic::Mode));
    assert!(desk.lane_free(Topic::Web) && desk.lane_free(Topic::Ready { bound: false }));
    let pace = Pace::from(NOW + Span(7));
    assert_eq!(desk.database_next(&pace), None, "when that has ended");
    desk.close(id);
    assert!(desk.lane_free(Topic::Api));
    assert_eq!(desk.database_next(&pace), Some(NOW + Span(7)));
    desk.call(Topic::Web, Call::LookHost, LIMIT);
    assert_eq!(desk.database_since(), None);
}

#[test]
fn after_calls_that_hung_the_next_that_needs_the_database_waits_and_says_until_when() {
    let mut desk = desk();
    desk.database_hung();
    assert!(desk.lane_free(Topic::Api), "one may be an accident");
    desk.database_hung();
    desk.begin_pass();
    assert!(!desk.lane_free(Topic::Api) && desk.lane_free(Topic::Web));
    assert_eq!(desk.wake(), Some(NOW + Span::secs(15)));
    assert_eq!(desk.database_next(&Pace::from(NOW)), Some(NOW + Span::secs(15)));
    // The switch of the mode does not wait for that.
    assert!(desk.lane_clear(Topic::Mode));
    let hanging = desk.clone();
    for allows in [Desk::database_answered, Desk::database_once, Desk::renew_pause] {
        let mut desk = hanging.clone();
        allows(&mut desk);
        assert!(desk.lane_free(Topic::Api));
    }
    // Once: the pause goes on growing. Answered: it starts anew.
    for (allows, pause) in
        [(Desk::database_once as fn(&mut Desk), Span::secs(30)), (Desk::database_answered, Span::ZERO)]
    {
        let mut desk = hanging.clone();
        allows(&mut desk);
        desk.database_hung();
        assert_eq!(desk.database_next(&Pace::from(NOW)), Some(NOW + pause));
    }
}

#[test]
fn whoever_may_not_call_aws_yet_is_woken_when_he_may() {
    let mut desk = desk();
    (0..LOOKS.0).for_each(|_| assert_eq!(desk.may_look(Topic::Groups, 1), Ok(())));
    (0..CHANGES.0).for_each(|_| assert_eq!(desk.may_change(Topic::Change(1)), Ok(())));
    desk.begin_pass();
    assert_eq!(desk.may_change(Topic::Change(1)), Err(NOW + CHANGES.1));
    assert_eq!(desk.wake(), Some(NOW + CHANGES.1));
    assert_eq!(desk.may_look(Topic::Groups, 1), Err(NOW + LOOKS.1));
    assert_eq!(desk.wake(), Some(NOW + LOOKS.1));
}

#[test]
fn a_finding_is_told_once_with_each_thing_that_it_is_wrong_with() {
    let mut desk = desk();
    desk.finding(Finding::DiskLow, "less than 10%");
    desk.finding(Finding::DiskLow, "less than 10%");
    let cure = Finding::DiskLow.cure();
    assert_eq!(told(&mut desk), [format!("disk-low: less than 10%; {cure}")]);
    desk.finding(Finding::DiskLow, "less than 5%");
    assert_eq!(told(&mut desk), [format!("disk-low: less than 5%; {cure}")]);
    assert_eq!(desk.findings().len(), 1);
    desk.cured(Finding::DiskLow);
    desk.cured(Finding::DiskLow);
    assert_eq!(told(&mut desk), ["disk-low: no longer"]);
    desk.finding_of(Finding::AwsRefused, "g1", "no");
    desk.finding_of(Finding::AwsRefused, "g2", "no");
    desk.noticed(Finding::Certificate, "not accepted".into());
    assert_eq!(told(&mut desk).len(), 3);
    assert_eq!(desk.findings().len(), 3);
    desk.cured_of(Finding::AwsRefused, "g1");
    assert_eq!(told(&mut desk), [""; 0], "it is wrong with the other one");
    desk.cured_of(Finding::AwsRefused, "g2");
    assert_eq!(told(&mut desk), ["aws-refused: no longer"]);
    assert_eq!(desk.findings().len(), 1);
}

#[test]
fn what_happens_again_is_told_once_and_counted() {
    let mut desk = desk();
    let shown = |desk: &Desk| desk.findings().into_iter().map(|one| one.text).collect::<Vec<_>>();
    let text = format!("wait; {}", Finding::AwsThrottled.cure());
    desk.happened(Finding::AwsThrottled, "a", "wait");
    assert_eq!(shown(&desk), std::slice::from_ref(&text), "once is not worth a word");
    (0..46).for_each(|_| desk.happened(Finding::AwsThrottled, "a", "wait"));
    assert_eq!(told(&mut desk), [format!("aws-throttled: {text}")]);
    assert_eq!(shown(&desk), [format!("{text} (47 times)")]);
    desk.cured_of(Finding::AwsThrottled, "a");
    assert_eq!(told(&mut desk), ["aws-throttled: no longer (47 times)"]);
    desk.happened(Finding::AwsThrottled, "a", "wait");
    assert_eq!(shown(&desk), [text], "a count ends with what it counts");
}

#[test]
fn waits_grow_while_a_question_fails_and_are_the_usual_ones_again() {
    let mut desk = desk();
    let mut backoff = Backoff::new(Span::secs(10), Span::secs(60));
    let near = |wait: Span, wanted: u64| (wanted * 900..=wanted * 1_100).contains(&wait.0);
    assert!(near(desk.wait_or(true, &mut backoff, Span::secs(300)), 10));
    assert!(near(desk.wait_or(true, &mut backoff, Span::secs(300)), 20));
    assert!(near(desk.wait_or(false, &mut backoff, Span::secs(300)), 300));
    assert!(near(desk.wait_or(true, &mut backoff, Span::secs(300)), 10));
    assert!((0..100).all(|_| desk.upto(Span(50)) <= Span(50)));
    assert!((0..100).any(|_| desk.upto(Span(50)) > Span(25)));
}

#[test]
fn a_look_says_how_long_it_took_and_what_is_read_out_of_another_does_not() {
    let mut desk = desk();
    let mut pace = Pace::from(NOW);
    desk.ask(&mut pace, Topic::Web, Call::LookHost, LIMIT);
    desk.begin_turn(NOW + Span(12));
    let looked = desk.looked(Check::Web, Judged::new(Outcome::Pass, "200 ok"), &pace);
    assert_eq!((looked.at, looked.took), (NOW + Span(12), Some(Span(12))));
    assert_eq!(desk.concluded(Check::Clone, Judged::not_yet(), None).took, None);
    let counted = desk.take().iter().filter(|command| matches!(command, Command::Looked { .. })).count();
    assert_eq!(counted, 2);
}

#[test]
fn what_must_hold_at_the_desk_is_told_when_it_does_not() {
    let mut desk = desk();
    let unsound = |desk: &Desk| desk.check().err().unwrap_or_default();
    assert_eq!(unsound(&desk), "nothing is waited for");
    desk.call(Topic::Api, Call::ProbeApi, LIMIT);
    assert_eq!(unsound(&desk), "");
    // Another one in its lanes, one of the same kind, one that nobody gave up in time.
    let mut crossed = desk.clone();
    crossed.call(Topic::Database, Call::ProbeDatabase { limit: LIMIT }, LIMIT);
    assert!(unsound(&crossed).contains("two at a time"), "{}", unsound(&crossed));
    let mut twice = desk.clone();
    for _ in 0..2 {
        twice.call(Topic::Tag, Call::AskTag("t".into()), LIMIT);
    }
    assert!(unsound(&twice).contains("two at a time"), "{}", unsound(&twice));
    desk.begin_turn(NOW + LIMIT);
    assert!(unsound(&desk).contains("past its deadline"), "{}", unsound(&desk));
}
