//! The database by itself: when it is asked, which calls show that it hangs or fails, and what that excuses.

use super::super::database::Database;
use crate::contract::{
    ApiSeen, Call, CallId, Command, DatabaseSeen, Finding, HealthPolicy, Info, Mode, Moment, Outcome, Span,
};
use crate::desk::{Desk, Topic};

const NOW: Moment = Moment(1_000_000);

struct Stand(Database, Desk, HealthPolicy);

fn fresh() -> Stand {
    Stand(Database::new(NOW), Desk::new(1, NOW), HealthPolicy::default())
}

fn info() -> ApiSeen {
    let version = "5.20.1".into();
    ApiSeen::Info(Info { mode: Some(Mode::Active), running: Some(0), version, api_version: None, server_uuid: None })
}

impl Stand {
    /// So long after the beginning.
    fn at(&mut self, after: Span) -> &mut Stand {
        self.1.begin_turn(NOW + after);
        self
    }

    /// The timed calls that go out now, and how long each may take.
    fn asks(&mut self) -> Vec<(CallId, Span)> {
        let Stand(database, desk, policy) = self;
        database.step(policy, true, desk);
        let now = desk.now();
        let timed = |command: Command| {
            let Command::Call { id, call: Call::ProbeDatabase { .. }, deadline } = command else { return None };
            Some((id, deadline.since(now)))
        };
        desk.take().into_iter().filter_map(timed).collect()
    }

    /// The timed call goes out and ends so much later; `/health` was last seen to answer so long after it went out.
    fn call(&mut self, took: Span, answered: Option<Span>, seen: DatabaseSeen) -> &mut Stand {
        let asked = self.asks();
        let [(id, _)] = asked.as_slice() else { panic!("{asked:?}") };
        let sent = self.1.now();
        self.1.begin_turn(sent + took);
        assert!(self.1.close(*id).is_some());
        self.0.on_reply(Some(seen), answered.map(|after| sent + after), &self.2, &mut self.1);
        self
    }

    /// A call that is given up, while `/health` answered.
    fn hangs(&mut self) -> &mut Stand {
        self.call(Span::secs(40), Some(Span::secs(39)), DatabaseSeen::TimedOut)
    }

    fn health(&mut self, answers: bool, excused: bool, answered: Option<Moment>) -> &mut Stand {
        self.0.on_web(answers, excused, answered, &self.2, &mut self.1);
        self
    }

    fn component(&mut self, up: Option<bool>) -> &mut Stand {
        self.0.component(up, &self.2, &mut self.1);
        self
    }

    fn excuses(&self, answered: Option<Moment>) -> bool {
        self.0.excuses_silence(answered, &self.2, &self.1)
    }

    /// What is told of it once the turn is over.
    fn told(&mut self) -> Vec<String> {
        self.0.step(&self.2, false, &mut self.1);
        let findings = self.1.findings().into_iter().filter(|one| one.finding == Finding::DatabaseFailing);
        findings.map(|one| one.text).collect()
    }
}

#[test]
fn the_timed_call_has_the_time_of_its_own_limit_and_of_one_probe() {
    let mut stand = fresh();
    assert_eq!(stand.asks().iter().map(|(_, limit)| *limit).collect::<Vec<_>>(), [Span::secs(43)]);
    assert_eq!(stand.asks(), [], "one is under way");
}

#[test]
fn after_two_that_were_given_up_the_next_waits_whatever_other_calls_are_answered() {
    let mut stand = fresh();
    stand.hangs();
    assert_eq!(stand.1.now(), NOW + Span::secs(40));
    stand.hangs();
    stand.0.on_api(&info(), NOW + Span::secs(80), None, &stand.2, &mut stand.1);
    assert_eq!(stand.at(Span::secs(106)).asks(), []);
    assert_eq!(stand.at(Span::secs(114)).asks().len(), 1);
}

#[test]
fn a_hang_is_told_once_while_the_call_is_still_under_way_and_when_it_was_given_up() {
    let mut stand = fresh();
    let open = stand.asks();
    stand.at(Span::secs(4)).health(true, false, Some(NOW + Span::secs(4)));
    let told = stand.told();
    assert!(matches!(told.as_slice(), [text] if text.contains("hangs")), "{told:?}");
    stand.at(Span::secs(40));
    for (id, _) in open {
        stand.1.close(id);
    }
    stand.0.on_reply(Some(DatabaseSeen::TimedOut), Some(NOW + Span::secs(4)), &stand.2, &mut stand.1);
    assert_eq!(stand.told(), told);
}

/// What hangs, what fails and what the endpoint shows do not take turns in one line of the log.
#[test]
fn each_way_of_failing_is_told_side_by_side_and_once() {
    let mut stand = fresh();
    stand.component(Some(false));
    stand.0.on_api(&ApiSeen::Failed(503), stand.1.now(), None, &stand.2, &mut stand.1);
    stand.hangs();
    let told = stand.told();
    for (way, words) in ["answers 503", "hangs", "shows it down"].iter().enumerate() {
        assert!(told.get(way).is_some_and(|text| text.contains(words)), "{way}: {told:?}");
    }
    stand.1.take();
    for status in [500, 503] {
        stand.0.on_api(&ApiSeen::Failed(status), stand.1.now(), None, &stand.2, &mut stand.1);
        stand.component(Some(false));
        assert_eq!(stand.told(), [told[0].clone(), told[2].clone()]);
    }
    assert_eq!(stand.1.take(), [], "nothing is new");
    stand.0.on_api(&info(), stand.1.now(), None, &stand.2, &mut stand.1);
    assert_eq!(stand.told(), [told[2].clone()]);
}

#[test]
fn a_call_that_fails_at_once_ends_a_hang_and_one_that_had_waited_proves_it() {
    let failed = DatabaseSeen::Failed(503);
    for (hung, took, proven) in [(true, 1_000, true), (true, 999, false), (false, 30_000, false)] {
        let mut stand = fresh();
        if hung {
            stand.hangs();
        }
        assert!(!stand.excuses(None), "nothing is under way, and nothing proven");
        stand.call(Span(took), None, failed.clone());
        assert_eq!((stand.excuses(None), stand.0.troubled()), (proven, true), "{hung}, after {took} ms");
    }
}

#[test]
fn a_readiness_call_that_hung_flags_until_one_is_answered_whatever_other_calls_are() {
    for (answered, flags) in [(Some(NOW + Span::secs(1)), true), (Some(NOW), false), (None, false)] {
        let mut stand = fresh();
        stand.at(Span::secs(6));
        stand.0.readiness_hung(NOW, answered, &stand.2, &mut stand.1);
        assert_eq!(stand.0.troubled(), flags, "{answered:?}");
        stand.0.answers(&mut stand.1);
        assert_eq!(stand.0.troubled(), flags, "{answered:?}");
        stand.component(None);
        assert!(!stand.0.troubled());
    }
}

#[test]
fn a_silence_that_is_excused_asks_once_more_whatever_the_pause() {
    let mut stand = fresh();
    stand.hangs().hangs();
    assert_eq!(stand.asks(), [], "it waits");
    let silent = |stand: &mut Stand| stand.health(false, true, None).asks().len();
    assert_eq!(stand.health(false, false, None).asks(), [], "it is not excused");
    assert_eq!(silent(&mut stand), 1);
    // That one hangs too.
    stand.1.begin_turn(stand.1.now() + Span::secs(43));
    while stand.1.expired().is_some() {
        stand.0.on_reply(None, None, &stand.2, &mut stand.1);
    }
    assert_eq!(silent(&mut stand), 0, "once in a silence");
    let now = stand.1.now();
    stand.health(true, false, Some(now));
    assert_eq!(silent(&mut stand), 1, "the next silence is another one");
}

#[test]
fn silence_is_excused_once_an_open_call_hangs_for_longer_than_a_probe_and_health_answered_meanwhile() {
    for (answered, after, excused) in
        [(1_000, 2_999, false), (1_000, 3_000, true), (999, 3_000, false), (999, 30_000, false)]
    {
        let mut stand = fresh();
        stand.asks();
        let seen = Some(NOW + Span(answered));
        stand.at(Span(answered)).health(true, false, seen);
        assert!(!stand.0.troubled());
        assert_eq!(stand.at(Span(after)).excuses(seen), excused, "answered after {answered} ms, {after} ms later");
    }
}

#[test]
fn an_answer_of_health_tells_an_open_call_that_hangs_and_proves_one_that_was_given_up_before() {
    let answers = |stand: &mut Stand, after: u64| {
        let now = stand.1.now() + Span(after);
        stand.1.begin_turn(now);
        stand.health(true, false, Some(now));
    };
    let mut stand = fresh();
    stand.asks();
    answers(&mut stand, 2_999);
    assert!(!stand.0.troubled(), "any call may take so long");
    answers(&mut stand, 1);
    assert!(stand.0.troubled() && stand.excuses(None));

    let mut stand = fresh();
    stand.hangs();
    answers(&mut stand, 0);
    let next = stand.asks();
    answers(&mut stand, 3_000);
    for (id, _) in next {
        stand.1.close(id);
    }
    assert!(stand.excuses(None), "although nothing is under way");
}

#[test]
fn a_component_that_is_up_ends_what_hung_and_what_it_had_shown_and_is_asked_about_at_once() {
    for hung in [true, false] {
        let mut stand = fresh();
        if hung {
            stand.hangs().hangs();
        } else {
            stand.call(Span(5), None, DatabaseSeen::Answered).component(Some(false));
        }
        assert_eq!((stand.0.troubled(), stand.asks().len()), (true, 0), "{hung}");
        stand.component(Some(true));
        assert_eq!((stand.0.troubled(), stand.told(), stand.asks().len()), (false, vec![], 1), "{hung}");
    }
    let mut stand = fresh();
    stand.call(Span(5), None, DatabaseSeen::Answered).component(Some(true));
    assert_eq!(stand.asks(), [], "nothing was wrong");
}

#[test]
fn what_a_component_had_shown_ends_after_the_fall_count_of_answers_without_one() {
    let mut stand = fresh();
    stand.component(None).component(None).component(Some(false)).component(None).component(None);
    assert!(stand.0.troubled() && !stand.told().is_empty());
    stand.component(None);
    assert!(!stand.0.troubled() && stand.told().is_empty());
}

#[test]
fn it_answered_last_where_the_last_timed_call_came_back_well() {
    let mut stand = fresh();
    assert!(!stand.0.answered_last(), "nobody has asked");
    for (seen, answered) in [
        (DatabaseSeen::Answered, true),
        (DatabaseSeen::Failed(500), false),
        (DatabaseSeen::Answered, true),
        (DatabaseSeen::Refused, false),
    ] {
        let later = stand.1.now() + Span::secs(60);
        stand.1.begin_turn(later);
        stand.call(Span(5), None, seen.clone());
        assert_eq!(stand.0.answered_last(), answered, "{seen:?}");
    }
}

#[test]
fn its_row_says_when_it_is_asked_next() {
    let mut stand = fresh();
    assert_eq!(stand.0.row(&stand.1).next, Some(NOW));
    let open = stand.asks();
    assert_eq!(stand.0.row(&stand.1).next, None, "when the open call has ended");
    for (id, _) in open {
        stand.1.close(id);
    }
    stand.0.on_reply(Some(DatabaseSeen::Answered), None, &stand.2, &mut stand.1);
    let row = stand.0.row(&stand.1);
    let next = row.next.map_or(0, |at| at.since(NOW).0);
    assert!((27_000..=33_000).contains(&next), "{next}");
    assert_eq!((row.passes, row.fails, row.result), (1, 0, Outcome::Pass));
    // Another call that needs it hangs, and is asked about again: the next one waits for the pause.
    stand.1.call(Topic::Api, Call::ProbeApi, Span::secs(6));
    assert_eq!(stand.0.row(&stand.1).next, None);
}
