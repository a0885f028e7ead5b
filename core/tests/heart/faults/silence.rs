//! A silent `/health`: whose trouble it is, the JVM's own or that of the database, which all members share.

use super::*;
use crate::rig::{policy, ready};
use rundeck_alb_core::{ApiSeen, CallId, DatabaseSeen, Degraded, Finding, Readiness, ReadySeen, Unjudged, WebSeen};
use std::collections::BTreeMap;

/// A world in which the JVM stands still at times: a call to it ends when it goes on, or at the call's own limit.
/// All else is answered in 10 ms.
struct Frozen {
    rig: Rig,
    due: BTreeMap<(Moment, u64), (CallId, Reply)>,
    sent: u64,
    /// From when to when it stands still.
    stops: Vec<(Moment, Moment)>,
}

impl Frozen {
    fn new(rig: Rig) -> Frozen {
        let mut frozen = Frozen { rig, due: BTreeMap::new(), sent: 0, stops: Vec::new() };
        frozen.feed(Event::Tick);
        frozen
    }

    fn feed(&mut self, event: Event) {
        let commands = self.rig.feed(event);
        self.rig.open.clear();
        for command in commands {
            if let Command::Call { id, call, .. } = command {
                self.send(id, &call);
            }
        }
    }

    fn send(&mut self, id: CallId, call: &Call) {
        let now = self.rig.now;
        let thaw = self.stops.iter().find(|(from, to)| now >= *from && now < *to).map(|(_, to)| *to);
        let limit = if matches!(call, Call::ProbeDatabase { .. }) { Span::secs(40) } else { Span::secs(3) };
        let (at, reply) = match (thaw, self.silence(call)) {
            (Some(thaw), Some(silence)) if thaw.since(now) >= limit => (now + limit, silence),
            (Some(thaw), Some(_)) => (thaw + Span(20), self.rig.reply(call)),
            (_, _) => (now + Span(10), self.rig.reply(call)),
        };
        self.sent += 1;
        self.due.insert((at, self.sent), (id, reply));
    }

    /// What a call that Rundeck does not answer comes to.
    fn silence(&self, call: &Call) -> Option<Reply> {
        match call {
            Call::ProbeWeb { .. } => Some(Reply::Web(WebSeen::TimedOut, None)),
            Call::ProbeApi => Some(Reply::Api(ApiSeen::TimedOut)),
            Call::ProbeDatabase { .. } => Some(Reply::Database(DatabaseSeen::TimedOut)),
            Call::ProbeReadiness { .. } => {
                Some(Reply::Ready(ReadySeen { readiness: Readiness::TimedOut, ..self.rig.ready.clone() }))
            }
            _ => None,
        }
    }

    fn step(&mut self) {
        let wake = self.rig.heart.next_deadline().unwrap_or(self.rig.now + Span(1));
        match self.due.first_key_value().map(|(key, _)| *key) {
            Some(key) if key.0 <= wake => {
                self.rig.now = self.rig.now.max(key.0);
                if let Some((id, reply)) = self.due.remove(&key) {
                    self.feed(Event::Reply(id, reply));
                }
            }
            _ => {
                self.rig.now = self.rig.now.max(wake);
                self.feed(Event::Tick);
            }
        }
    }

    fn pass(&mut self, span: Span) {
        let end = self.rig.now + span;
        while self.rig.now < end {
            self.step();
        }
    }

    /// From `begin` on the JVM stands still for good: how long the node says 200 all the same; an hour is for ever.
    fn freeze(&mut self, begin: Moment) -> Span {
        self.stops.push((begin, Moment(u64::MAX)));
        while self.rig.now < begin + HOUR {
            self.step();
            if self.rig.now > begin && !self.rig.heart.snapshot().answer_at(self.rig.now).ok {
                break;
            }
        }
        self.rig.now.since(begin)
    }
}

/// A JVM that pauses, answers again, and then freezes for good is 503 within 20 s: its database was never ill.
#[test]
fn a_jvm_that_pauses_and_then_freezes_is_called_out() {
    // In an Auto Scaling group or not; and the pause meets the looks that carry the token in every phase.
    for (group, pause) in [(None, 4), (None, 8), (Some("InService"), 4), (Some("InService"), 8)] {
        for (seed, later) in (0..120).map(|n| (n / 20, Span::millis(n % 20 * 750))) {
            let mut rig = Rig::new(policy(), seed);
            rig.lifecycle = group.map(String::from);
            let mut frozen = Frozen::new(rig);
            frozen.pass(Span::secs(60) + later);
            assert!(is_up(&frozen.rig), "never up");
            let begin = frozen.rig.now;
            let end = begin + Span::secs(pause);
            frozen.stops.push((begin, end));
            let took = frozen.freeze(end + Span::secs(6));
            assert!(
                took <= Span::secs(20),
                "200 for {took:?} after a pause of {pause} s; {group:?}, {seed}, {later:?}"
            );
        }
    }
}

/// `/health` falls silent: for so long the node is up all the same, an hour at most.
fn silent_and_up(rig: &mut Rig) -> Span {
    rig.web = WebSeen::TimedOut;
    let begin = rig.now;
    while is_up(rig) && rig.now.since(begin) < HOUR {
        turn(rig, &mut calm);
    }
    rig.now.since(begin)
}

/// A database that freezes takes nobody out when `/health` falls silent, too; that excuse has an end, in a group as
/// well.
#[test]
fn silence_is_excused_while_the_database_hangs_and_not_for_ever() {
    for (group, least, most) in [(None, 280, 340), (Some("InService"), 1_780, 1_840)] {
        let mut rig = Rig::new(policy(), 1);
        rig.lifecycle = group.map(String::from);
        assert!(rig.until(is_up), "never up");
        pass(&mut rig, Span::secs(30), &mut calm);
        rig.mute = |call| matches!(call, Call::ProbeApi | Call::ProbeDatabase { .. });
        pass(&mut rig, Span::secs(120), &mut calm);
        assert!(is_up(&rig), "{:?} while only its database hangs", answer(&rig));
        let took = silent_and_up(&mut rig);
        assert!(took >= Span::secs(least) && took <= Span::secs(most), "{took:?} in {group:?}");
    }
}

/// It is so for a node without a token, too: what its readiness endpoint has shown is not forgotten because nobody asks
/// it while `/health` is silent.
#[test]
fn silence_is_excused_without_a_token_as_long_as_with_one() {
    let mut policy = policy();
    policy.circumstances.has_token = false;
    let mut rig = Rig::new(policy, 1);
    rig.lifecycle = Some("InService".into());
    rig.ready = ReadySeen { bound: true, ..ready(Readiness::Ready) };
    assert!(rig.until(is_up), "never up");
    pass(&mut rig, Span::secs(30), &mut calm);
    rig.mute = |call| matches!(call, Call::ProbeReadiness { .. });
    pass(&mut rig, Span::secs(120), &mut calm);
    assert!(is_up(&rig), "{:?} while only its database hangs", answer(&rig));
    let took = silent_and_up(&mut rig);
    assert!(took >= Span::secs(1_780) && took <= Span::secs(1_840), "{took:?}");
}

/// A JVM that freezes while one slow call is under way, of which `/health` had answered just before, is excused no
/// longer than that call and the one that asks again hang: what was answered before a call was given up proves
/// nothing of what came after. In an Auto Scaling group, too; whichever call it is, and whether `/health` had
/// answered once or often.
#[test]
fn a_jvm_that_freezes_during_a_slow_call_is_called_out_after_the_next() {
    type Slow = fn(&Call) -> bool;
    let database: Slow = |call| matches!(call, Call::ProbeDatabase { .. });
    let api: Slow = |call| *call == Call::ProbeApi;
    // Two calls, each given up 3 s after its 40, and the rounds that take the node out.
    let most = Span::secs(2 * 43 + 20);
    for group in [None, Some("InService")] {
        for (slow, answers) in [(database, 2), (database, 12), (database, 30), (api, 2)] {
            let mut rig = Rig::new(policy(), 1);
            rig.lifecycle = group.map(String::from);
            assert!(rig.until(is_up), "never up");
            pass(&mut rig, Span::secs(60), &mut calm);
            rig.mute = slow;
            assert!(rig.until(|rig| rig.open.iter().any(|open| slow(&open.call))), "never asked");
            pass(&mut rig, Span::secs(answers), &mut calm);
            let begin = rig.now;
            rig.web = WebSeen::TimedOut;
            rig.mute = carries_token;
            while is_up(&rig) && rig.now.since(begin) < HOUR {
                turn(&mut rig, &mut calm);
            }
            let took = rig.now.since(begin);
            assert!(took <= most, "200 for {took:?} in {group:?}, {answers} s after the call");
            assert!(rig.heart.snapshot().degraded.is_empty(), "its database is well as far as anybody knows");
        }
    }
}

/// A node that nobody has looked after for an hour (its agent was stopped) is not vouched for by a first bad round: one
/// that is silent is out at once.
#[test]
fn one_bad_round_makes_no_old_verdict_young() {
    let mut rig = settled(policy());
    rig.now = rig.now + HOUR;
    rig.web = WebSeen::TimedOut;
    let end = rig.now + Span::secs(60);
    rig.feed(Event::Tick);
    while rig.now < end {
        rig.turn();
        assert!(!rig.heart.snapshot().answer_at(rig.now).ok, "{:?}", answer(&rig));
    }
    rig.web = WebSeen::Ok;
    assert!(rig.until(|rig| rig.heart.snapshot().answer_at(rig.now).ok), "never again");
}

/// The flag and its finding end together: a database that hung is not told to fail for ever because the token, with
/// which it was asked, is rejected from then on.
#[test]
fn a_finding_ends_with_its_flag() {
    let told = |rig: &Rig| rig.heart.snapshot().findings.iter().any(|one| one.finding == Finding::DatabaseFailing);
    let flagged = |rig: &Rig| rig.heart.snapshot().degraded.contains(&Degraded::Database);
    let mut rig = settled(policy());
    rig.mute = |call| matches!(call, Call::ProbeApi | Call::ProbeDatabase { .. });
    assert!(rig.until(|rig| flagged(rig) && told(rig)), "never told");
    rig.mute = |_| false;
    pass(&mut rig, Span::secs(600), &mut |_, call| match call {
        Call::ProbeApi => Some(Reply::Api(ApiSeen::Rejected)),
        Call::ProbeDatabase { .. } => Some(Reply::Database(DatabaseSeen::Refused)),
        _ => None,
    });
    assert!(!flagged(&rig) && !told(&rig));
}

/// A switch of the mode that works has needed the database: what had hung before is over by it, whatever hangs later.
#[test]
fn a_switch_that_works_ends_what_hung() {
    let flagged = |rig: &Rig| rig.heart.snapshot().degraded.contains(&Degraded::Database);
    let mut rig = settled(policy());
    rig.mute = |call| matches!(call, Call::ProbeApi | Call::ProbeDatabase { .. });
    pass(&mut rig, Span::secs(120), &mut calm);
    assert!(flagged(&rig));
    drain(&mut rig, "d1", Cause::Operator);
    assert!(rig.until(|rig| rig.mode == Mode::Passive), "never switched");
    assert!(!flagged(&rig));
}

/// The excuse has an end, also where one round in four minutes comes to nothing of itself.
#[test]
fn a_round_that_comes_to_nothing_renews_no_excuse() {
    for odd in [WebSeen::CannotConnect, WebSeen::CannotJudge(Unjudged::Name)] {
        let mut rig = Rig::new(policy(), 1);
        assert!(rig.until(is_up), "never up");
        pass(&mut rig, Span::secs(30), &mut calm);
        rig.mute = |call| matches!(call, Call::ProbeApi | Call::ProbeDatabase { .. });
        pass(&mut rig, Span::secs(120), &mut calm);
        assert!(is_up(&rig), "{odd:?}");
        let (begin, mut last) = (rig.now, rig.now);
        rig.web = WebSeen::TimedOut;
        while is_up(&rig) {
            assert!(rig.now.since(begin) < Span::secs(700), "{odd:?}: 200 for {:?} of silence", rig.now.since(begin));
            turn(&mut rig, &mut |rig, call| {
                let due = rig.now.since(last) > Span::secs(240) && matches!(call, Call::ProbeWeb { .. });
                due.then(|| {
                    last = rig.now;
                    Reply::Web(odd, None)
                })
            });
        }
    }
}

/// Nobody is vouched for blindly, whichever kinds of looks come to nothing.
#[test]
fn two_kinds_of_rounds_without_a_connection_are_blind_together() {
    let mut rig = settled(policy());
    let (begin, mut round) = (rig.now, 0);
    while is_up(&rig) {
        assert!(rig.now.since(begin) < Span::secs(120), "200 without one look");
        turn(&mut rig, &mut |_, call| {
            matches!(call, Call::ProbeWeb { .. }).then(|| {
                round += 1;
                let seen = if round % 3 == 0 { WebSeen::CannotJudge(Unjudged::Name) } else { WebSeen::CannotConnect };
                Reply::Web(seen, None)
            })
        });
    }
    assert_eq!(answer(&rig), (State::Down, Reason::Blind, false));
}

/// When `/health` answers again, whether the database hangs is asked at once: what was given up before says nothing of
/// a silence that comes later. Whatever is answered, it does not hang.
#[test]
fn a_second_silence_is_not_excused_by_what_hung_before_the_first() {
    for answered in [DatabaseSeen::Answered, DatabaseSeen::Unclear("rejected".into())] {
        let mut rig = settled(policy());
        // A database that hangs, which `/health` shows, and then takes `/health` with it.
        rig.mute = |call| carries_token(call);
        pass(&mut rig, Span::secs(200), &mut calm);
        rig.web = WebSeen::TimedOut;
        pass(&mut rig, Span::secs(60), &mut calm);
        assert!(is_up(&rig), "the database is everybody's: {:?}", answer(&rig));
        // All that hung is given up.
        for open in rig.open.clone().into_iter().filter(|open| carries_token(&open.call)) {
            let given_up = match open.call {
                Call::ProbeApi => Reply::Api(ApiSeen::TimedOut),
                _ => Reply::Database(DatabaseSeen::TimedOut),
            };
            rig.feed(Event::Reply(open.id, given_up));
        }
        rig.mute = |_| false;
        (rig.web, rig.database) = (WebSeen::Ok, answered.clone());
        let mut silent = |_: &Rig, call: &Call| asks_api(call).then_some(Reply::Api(ApiSeen::TimedOut));
        let sent = pass(&mut rig, Span::secs(8), &mut silent);
        let asked = count(&sent, |call| matches!(call, Call::ProbeDatabase { .. }));
        assert!((1..=2).contains(&asked), "{answered:?}: {asked}; at once, but each that hangs holds a thread");
        // Now the JVM itself stands still.
        rig.mute = |call| carries_token(call);
        rig.web = WebSeen::TimedOut;
        let begin = rig.now;
        while is_up(&rig) && rig.now.since(begin) < HOUR {
            turn(&mut rig, &mut calm);
        }
        let took = rig.now.since(begin);
        assert!(took <= Span::secs(20), "200 for {took:?} after {answered:?}");
    }
}
