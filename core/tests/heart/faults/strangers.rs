//! The token goes to Rundeck alone, as far as anybody can know who listens on its port.

use super::*;
use crate::rig::{RUNDECK, jvm, policy};
use rundeck_alb_core::{JvmSeen, ProcessSeen, WebSeen};

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
