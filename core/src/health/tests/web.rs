//! The web check by itself: the weight of each answer, and how rounds are counted.

use super::super::web::Web;
use super::super::{Round, judge, judged_web};
use crate::contract::{BootSeen, Call, Command, HealthPolicy, Moment, Reason, Span, Unjudged, WebSeen};
use crate::desk::Desk;

const NOW: Moment = Moment(1_000_000);

/// A web check and its desk.
struct Stand(Web, Desk, HealthPolicy);

fn stand() -> Stand {
    Stand(Web::new(NOW), Desk::new(1, NOW), HealthPolicy::default())
}

impl Stand {
    /// A round that ends so long after the beginning.
    fn round(&mut self, after: Span, seen: WebSeen, boot: Option<BootSeen>) -> Round {
        let Stand(web, desk, policy) = self;
        desk.begin_turn(NOW + after);
        web.on_round(Some((seen, boot)), NOW + after, false, policy, desk)
    }

    fn rounds(&mut self, count: u64, seen: WebSeen) -> &mut Stand {
        for after in 0..count {
            self.round(Span::secs(after), seen, None);
        }
        self
    }
}

#[test]
fn each_answer_has_its_weight() {
    let fail = |reason| Round::Fail(reason, false);
    for (seen, wanted) in [
        (WebSeen::Ok, Round::Pass),
        (WebSeen::Disabled, Round::Pass),
        (WebSeen::Redirect, fail(Reason::Redirect)),
        (WebSeen::Status(500), fail(Reason::BadStatus)),
        (WebSeen::Body, fail(Reason::BadBody)),
        (WebSeen::Truncated, fail(Reason::BadBody)),
        (WebSeen::Refused, Round::Fail(Reason::Refused, true)),
        (WebSeen::TimedOut, fail(Reason::Timeout)),
        (WebSeen::CannotConnect, Round::Unknown),
        (WebSeen::CannotJudge(Unjudged::Host), Round::Unknown),
        (WebSeen::CannotJudge(Unjudged::Name), Round::Unknown),
    ] {
        assert_eq!(judge(seen, None, false), wanted, "{seen:?}");
        let excused = if seen == WebSeen::TimedOut { Round::Unknown } else { wanted };
        assert_eq!(judge(seen, None, true), excused, "{seen:?}, excused");
    }
    for (boot, wanted) in [
        (BootSeen::Past, Round::Pass),
        (BootSeen::StillBooting, fail(Reason::Waiting)),
        (BootSeen::Failed, fail(Reason::Timeout)),
    ] {
        assert_eq!(judge(WebSeen::Ok, Some(boot), false), wanted, "{boot:?}");
        assert_eq!(judged_web(WebSeen::Ok, Some(boot), false).outcome, wanted.outcome());
    }
}

#[test]
fn rounds_are_counted_in_a_row_and_unknown_ones_move_nothing() {
    let counts = |stand: &Stand| (stand.0.passes(), stand.0.fails(), stand.0.strong());
    let mut stand = stand();
    stand.rounds(2, WebSeen::Ok);
    assert_eq!((counts(&stand), stand.0.good_since()), ((2, 0, 0), Some(NOW)));
    stand.rounds(3, WebSeen::CannotConnect);
    assert_eq!(counts(&stand), (2, 0, 0));
    stand.rounds(2, WebSeen::Refused);
    assert_eq!((counts(&stand), stand.0.good_since()), ((0, 2, 2), None));
    stand.rounds(1, WebSeen::TimedOut);
    assert_eq!(counts(&stand), (0, 3, 0));
    stand.rounds(1, WebSeen::Ok);
    assert_eq!(counts(&stand), (1, 0, 0));
}

#[test]
fn a_good_run_in_which_nobody_looked_is_no_unbroken_one() {
    let mut stand = stand();
    let most = stand.2.max_age;
    stand.round(Span::ZERO, WebSeen::Ok, None);
    stand.round(most, WebSeen::Ok, None);
    assert_eq!(stand.0.good_since(), Some(NOW));
    let late = most + most + Span(1);
    stand.round(late, WebSeen::Ok, None);
    assert_eq!(stand.0.good_since(), Some(NOW + late));
}

#[test]
fn one_bad_round_makes_no_verdict_young_that_nobody_had_looked_after() {
    for (seen, late, rounds, young) in [
        (WebSeen::Status(500), 0, 1, true),
        (WebSeen::Status(500), 1, 1, false),
        (WebSeen::Status(500), 1, 2, false),
        (WebSeen::Status(500), 1, 3, true),
        (WebSeen::Refused, 1, 1, false),
        (WebSeen::Refused, 1, 2, true),
        (WebSeen::CannotConnect, 1, 1, true),
        (WebSeen::Ok, 1, 1, true),
    ] {
        let mut stand = stand();
        let after = stand.2.max_age + Span(late);
        for _ in 0..rounds {
            stand.round(after, seen, None);
        }
        assert_eq!(stand.0.looked_at() == NOW + after, young, "{seen:?}, {late} ms late, {rounds} rounds");
    }
}

#[test]
fn slow_is_more_than_a_third_of_the_limit_again_and_again() {
    for (took, boot, slow) in [
        (1_000, None, false),
        (1_001, None, true),
        // Two questions say nothing about one.
        (1_001, Some(BootSeen::Past), false),
    ] {
        let mut stand = stand();
        for round in 0..3 {
            let sent = Span::secs(5 * round);
            stand.1.begin_turn(NOW + sent);
            stand.0.ask(boot.is_some(), &stand.2, &mut stand.1);
            assert!(!stand.0.slow());
            stand.round(sent + Span(took), WebSeen::Ok, boot);
            stand.0.done(NOW);
        }
        assert_eq!(stand.0.slow(), slow, "{took} ms");
    }
}

#[test]
fn blind_is_longer_without_a_way_to_connect_than_a_verdict_may_age() {
    let mut stand = stand();
    let most = stand.2.max_age;
    let blind = |stand: &Stand, after: Span| stand.0.blind(&stand.2, &Desk::new(1, NOW + after));
    assert!(!blind(&stand, most + most));
    stand.round(Span::ZERO, WebSeen::CannotConnect, None);
    stand.round(Span::secs(5), WebSeen::CannotConnect, None);
    assert!(!blind(&stand, most) && blind(&stand, most + Span(1)));
    assert!(!stand.0.answers());
    stand.round(Span::secs(6), WebSeen::CannotJudge(Unjudged::Host), None);
    assert!(!blind(&stand, most + most));
}

#[test]
fn silence_lasts_from_its_first_round() {
    let mut stand = stand();
    assert_eq!(stand.0.silent(NOW), None);
    stand.rounds(3, WebSeen::TimedOut);
    assert_eq!(stand.0.silent(NOW + Span::secs(9)), Some(Span::secs(9)));
    stand.round(Span::secs(9), WebSeen::Ok, None);
    assert_eq!(stand.0.silent(NOW + Span::secs(10)), None);
    assert_eq!(stand.0.answered(), Some(NOW + Span::secs(9)));
}

#[test]
fn a_port_that_only_ever_refused_is_mute() {
    let mut stand = stand();
    assert!(!stand.0.mute() && stand.0.unseen(), "nobody has looked");
    assert!(stand.rounds(3, WebSeen::Refused).0.mute() && !stand.0.unseen());
    assert!(stand.rounds(1, WebSeen::CannotConnect).0.mute() && stand.0.unseen(), "nobody can look any more");
    assert!(!stand.rounds(1, WebSeen::TimedOut).0.mute());
    assert!(!stand.rounds(1, WebSeen::Refused).0.mute(), "it was not silent for nothing");
    stand.0.start_over(&mut stand.1);
    assert!(!stand.0.mute() && stand.0.unseen() && stand.0.answered().is_none());
    assert_eq!((stand.0.fails(), stand.0.next()), (0, Some(NOW + Span::secs(2))));
}

/// The adapter ends each question in time: this is for one that never replies.
#[test]
fn a_round_is_given_up_after_twice_its_questions() {
    for (with_boot, limit) in [(false, Span::secs(6)), (true, Span::secs(12))] {
        let mut stand = stand();
        stand.0.ask(with_boot, &stand.2, &mut stand.1);
        let calls = stand.1.take();
        let sent = |call: &Command| {
            matches!(call, Command::Call { call: Call::ProbeWeb { with_boot: boot }, deadline, .. }
                if *boot == with_boot && *deadline == NOW + limit)
        };
        assert!(matches!(calls.as_slice(), [call] if sent(call)), "{calls:?}");
        assert_eq!((stand.0.next(), stand.0.begun()), (None, NOW));
        assert!(!stand.0.due(&stand.1), "one is under way");
        stand.0.done(NOW + limit);
        assert!(!stand.0.due(&stand.1), "the next one comes then");
        let row = stand.0.row(String::new());
        assert_eq!((stand.0.next(), row.next), (Some(NOW + limit), Some(NOW + limit)));
        stand.0.hasten(NOW);
        assert!(stand.0.due(&stand.1));
    }
}

#[test]
fn after_as_many_rounds_that_say_nothing_as_take_a_node_out_a_soon_one_is_worth_no_more() {
    let mut stand = stand();
    for tells in [true, true, false, false] {
        stand.rounds(1, WebSeen::CannotConnect);
        assert_eq!(stand.0.telling(&stand.2), tells);
    }
    assert!(stand.rounds(1, WebSeen::Status(500)).0.telling(&HealthPolicy::default()));
}

#[test]
fn silence_is_told_with_whose_it_is() {
    let words = |excused| judged_web(WebSeen::TimedOut, None, excused).words;
    assert_eq!(
        [words(false), words(true)],
        ["no answer in time", "no answer in time, as calls that need the database"]
    );
}
