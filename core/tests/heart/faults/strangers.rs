//! The token goes to Rundeck alone, as far as anybody can know who listens on its port.

use super::*;
use crate::rig::{RUNDECK, jvm, policy};
use rundeck_alb_core::{ApiSeen, Intent, JvmSeen, Kept, Notice, ProcessSeen, WebSeen};

/// While another user's process holds Rundeck's port, the token is sent to nobody.
#[test]
fn the_token_is_not_sent_to_a_stranger_on_the_port() {
    let mut rig = settled(policy());
    rig.process = ProcessSeen::One(RUNDECK, JvmSeen { stranger: Some(1001), ..jvm() });
    assert!(rig.until(|rig| answer(rig).1 == Reason::WrongProcess), "never told");
    let sent = pass(&mut rig, Span::secs(600), &mut calm);
    assert_eq!(count(&sent, carries_token), 0, "in ten minutes of `wrong-process`");
}

/// After Rundeck's process has ended, what answers on its port gets no token before it is believed to be a Rundeck.
#[test]
fn the_token_is_not_sent_to_an_orphaned_port() {
    let mut rig = settled(policy());
    rig.process = ProcessSeen::None;
    rig.feed(Event::ProcessEnded(RUNDECK));
    let sent = pass(&mut rig, Span::secs(55), &mut calm);
    assert_eq!(count(&sent, carries_token), 0, "it says {:?}", answer(&rig));
}

/// Before the process table was looked at once nobody knows who listens: no token leaves, however late the first look
/// comes. One that says nothing, or is given up, is not waited for any longer.
#[test]
fn the_token_is_not_sent_before_the_first_look_for_the_process() {
    for (seen, sends) in [
        (ProcessSeen::One(RUNDECK, JvmSeen { stranger: Some(1001), ..jvm() }), false),
        (ProcessSeen::One(RUNDECK, jvm()), true),
        (ProcessSeen::None, true),
        (ProcessSeen::Several(2), true),
        (ProcessSeen::Hidden, true),
        (ProcessSeen::Hung, true),
    ] {
        let mut rig = Rig::new(policy(), 1);
        rig.process = seen;
        rig.mute = |call| matches!(call, Call::FindProcess { .. });
        let sent = pass(&mut rig, Span::secs(4), &mut calm);
        assert_eq!(count(&sent, carries_token), 0, "before anybody has looked");
        rig.mute = |_| false;
        let sent = pass(&mut rig, Span::secs(60), &mut calm);
        assert_eq!(count(&sent, carries_token) > 0, sends, "{seen:?}: {:?}", answer(&rig));
    }
    let mut rig = Rig::new(policy(), 1);
    rig.mute = |call| matches!(call, Call::FindProcess { .. });
    assert!(rig.until(is_up), "a look that never comes back keeps the node out");
}

/// A Rundeck whose end could not be watched, and that the process table shows no more, has ended as one whose end was
/// told: what answers on its port gets no token. A watch that holds is believed, whatever the table shows.
#[test]
fn the_token_is_not_sent_to_the_port_of_a_rundeck_that_ended_unwatched() {
    for (refuses, watched) in [(20, false), (0, false), (20, true)] {
        let mut rig = settled(policy());
        if !watched {
            rig.feed(Event::Noticed(Notice::ExitWatch, Some("no descriptors".into())));
        }
        rig.process = ProcessSeen::None;
        if refuses > 0 {
            rig.web = WebSeen::Refused;
            pass(&mut rig, Span::secs(refuses), &mut calm);
            rig.web = WebSeen::Ok;
        } else {
            assert!(rig.until(|rig| !is_up(rig)), "never told");
        }
        assert_eq!(answer(&rig).1, if watched { Reason::Refused } else { Reason::Exited });
        let sent = pass(&mut rig, Span::secs(50), &mut calm);
        assert_eq!(count(&sent, carries_token) > 0, watched, "{:?}", answer(&rig));
    }
}

/// A `rundeck.url` of another machine vouches for nothing: the node is never up by it, and out where it was up; no
/// token goes there, and no mode is switched, whatever the agent is ordered.
#[test]
fn another_machines_rundeck_vouches_for_nothing_and_is_never_switched() {
    let mut rig = settled(policy());
    rig.web = WebSeen::Elsewhere;
    assert!(rig.until(|rig| !is_up(rig)), "up by another machine's Rundeck");
    assert_eq!(answer(&rig), (State::Down, Reason::WrongProcess, false));
    pass(&mut rig, Span::secs(1), &mut calm);
    let mut sent = pass(&mut rig, Span::secs(300), &mut calm);
    drain(&mut rig, "d1", Cause::Operator);
    sent.extend(until_receipt(&mut rig, &mut calm).1);
    assert_eq!(count(&sent, carries_token), 0);

    let mut rig = Rig::new(policy(), 1);
    rig.web = WebSeen::Elsewhere;
    let sent = pass(&mut rig, Span::secs(300), &mut calm);
    assert_eq!(answer(&rig), (State::Booting, Reason::WrongProcess, false));
    assert_eq!(count(&sent, carries_token), 0);
    rig.web = WebSeen::Ok;
    assert!(rig.until(is_up), "never again");
}

/// What answers on the port of a Rundeck that is gone since before the agent's restart gets no token for a drain.
#[test]
fn a_drain_shows_no_token_to_what_took_the_place_of_a_rundeck_that_nobody_has_seen() {
    let mut rig = Rig::new(policy(), 2);
    rig.process = ProcessSeen::None;
    // A maintenance page.
    rig.web = WebSeen::Status(503);
    let drains = vec![order("d1", Cause::Operator, rig.now)];
    let intent = Intent { drains, served: true, passive_by_us: true, process: Some(RUNDECK), ..Intent::default() };
    rig.feed(Event::Kept(Kept { intent: Some(intent), ..Kept::default() }));
    let sent = pass(&mut rig, Span::secs(55), &mut calm);
    assert_eq!(count(&sent, carries_token), 0);
}

/// What has taken the place of a Rundeck that nobody can see, and whose port was seen closed, gets no token.
#[test]
fn a_drain_shows_no_token_to_what_came_after_a_closed_port() {
    for well in [5, 60] {
        let mut rig = Rig::new(policy(), 2);
        rig.process = ProcessSeen::Hidden;
        pass(&mut rig, Span::secs(well), &mut calm);
        rig.web = WebSeen::Refused;
        let mut refused = |_: &Rig, call: &Call| asks_api(call).then_some(Reply::Api(ApiSeen::Refused));
        pass(&mut rig, Span::secs(20), &mut refused);
        // A maintenance page.
        rig.web = WebSeen::Status(503);
        pass(&mut rig, Span::secs(20), &mut calm);
        let mut sent = calls(&drain(&mut rig, "d1", Cause::Operator));
        sent.extend(pass(&mut rig, Span::secs(55), &mut calm));
        assert_eq!(count(&sent, carries_token), 0, "well for {well} s: {:?}", answer(&rig));
    }
}
