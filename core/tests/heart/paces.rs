//! How often Rundeck is asked what it does not answer: ever more rarely, and as usual again once it does.

use crate::rig::{Rig, policy};
use rundeck_alb_core::{ApiSeen, Call, Check, Command, Event, Finding, Outcome, Reply, Span, WebSeen};

const HOUR: Span = Span::secs(3_600);

fn in_service() -> Rig {
    let mut rig = Rig::new(policy(), 1);
    assert!(rig.until(|rig| rig.heart.answer().ok && rig.registered), "never in service");
    rig
}

/// How many calls of that kind are sent while so much time passes; `rejects`: each answer to a question about the mode
/// says that the token is wrong.
fn count(rig: &mut Rig, span: Span, rejects: bool, kind: fn(&Call) -> bool) -> usize {
    let end = rig.now + span;
    let mut sent = 0;
    while rig.now < end {
        let rejected = rig.open.iter().find(|open| rejects && open.call == Call::ProbeApi).map(|open| open.id);
        let commands = match rejected {
            Some(id) => rig.feed(Event::Reply(id, Reply::Api(ApiSeen::Rejected))),
            None => rig.turn(),
        };
        let of_kind = |command: &&Command| matches!(command, Command::Call { call, .. } if kind(call));
        sent += commands.iter().filter(of_kind).count();
    }
    sent
}

fn asks_mode(call: &Call) -> bool {
    *call == Call::ProbeApi
}

fn needs_database(call: &Call) -> bool {
    matches!(call, Call::ProbeApi | Call::ProbeDatabase { .. })
}

/// Each rejected call writes two lines into Rundeck's log.
#[test]
fn a_rejected_token_is_used_ever_more_rarely_and_as_usual_when_it_is_accepted_again() {
    let mut rig = in_service();
    let usual = count(&mut rig, HOUR, false, asks_mode);
    assert!((220..=260).contains(&usual), "every 15 s: {usual}");
    let rejected = count(&mut rig, HOUR, true, asks_mode);
    assert!((13..=18).contains(&rejected), "every 5 min in the end: {rejected}");
    // A look is still due within five minutes; from then on it is as before.
    count(&mut rig, Span::secs(330), false, asks_mode);
    let again = count(&mut rig, HOUR, false, asks_mode);
    assert!((220..=260).contains(&again), "every 15 s: {again}");
    // And it grows from its beginning the next time.
    let minutes = count(&mut rig, Span::secs(120), true, asks_mode);
    assert!((3..=5).contains(&minutes), "after 15, 30 and 60 s: {minutes}");
}

/// Each call that hangs holds one of Jetty's threads.
#[test]
fn a_database_that_hangs_is_asked_ever_more_rarely_and_as_usual_when_it_is_back() {
    let mut rig = in_service();
    rig.mute = needs_database;
    let hanging = count(&mut rig, HOUR, false, needs_database);
    assert!((12..=20).contains(&hanging), "every 5 min in the end: {hanging}");
    assert!(!rig.heart.snapshot().degraded.is_empty());
    rig.mute = |_| false;
    count(&mut rig, Span::secs(330), false, needs_database);
    assert!(rig.heart.snapshot().degraded.is_empty(), "it is seen to be back after the longest pause");
    let again = count(&mut rig, HOUR, false, needs_database);
    assert!((330..=390).contains(&again), "every 15 and every 30 s: {again}");
}

/// Each timed call with a token that is rejected is an error in Rundeck's log.
#[test]
fn no_timed_call_is_made_with_a_token_that_is_rejected() {
    let timed: fn(&Call) -> bool = |call| matches!(call, Call::ProbeDatabase { .. });
    let mut rig = in_service();
    // Until it has been rejected for the first time.
    count(&mut rig, Span::secs(30), true, timed);
    assert_eq!(count(&mut rig, HOUR, true, timed), 0);
    count(&mut rig, Span::secs(330), false, timed);
    assert!(count(&mut rig, HOUR, false, timed) > 100, "it is accepted again");
}

/// A database that answers the timed call again is worth one question about the mode at once, whose pause had grown.
#[test]
fn the_mode_is_asked_for_once_early_when_the_database_answers_again() {
    let mut rig = in_service();
    rig.mute = needs_database;
    count(&mut rig, HOUR, false, needs_database);
    rig.open.retain(|open| !needs_database(&open.call));
    rig.mute = asks_mode;
    let answers = |rig: &Rig| {
        let rows = rig.heart.snapshot().checks;
        rows.iter().any(|row| row.check == Check::Database && row.result == Outcome::Pass)
    };
    assert!(rig.until(answers), "never answered");
    assert!(rig.open.iter().any(|open| asks_mode(&open.call)), "not asked at once");
    assert_eq!(count(&mut rig, Span::secs(120), false, asks_mode), 0, "once: each that hangs holds a thread");
}

/// A balancer that asks two servers in turn, one of them without `/health`: what is wrong is told once, not each time.
#[test]
fn what_is_wrong_with_every_second_answer_is_told_once() {
    let mut rig = Rig::new(policy(), 1);
    let (mut told, mut looks) = (0, 0);
    rig.web = WebSeen::Redirect;
    while looks < 40 {
        for command in rig.turn() {
            told += u32::from(matches!(&command, Command::Tell(note) if note.text.contains("rundeck-url")));
            if matches!(command, Command::Call { call: Call::ProbeWeb { .. }, .. }) {
                looks += 1;
                rig.web = if looks % 2 == 0 { WebSeen::Redirect } else { WebSeen::Ok };
            }
        }
    }
    assert_eq!(told, 1);
    rig.web = WebSeen::Ok;
    let stands = |rig: &Rig| rig.heart.snapshot().findings.iter().any(|view| view.finding == Finding::RundeckUrl);
    assert!(stands(&rig) && rig.until(|rig| !stands(rig)), "two good answers in a row end it");
}
