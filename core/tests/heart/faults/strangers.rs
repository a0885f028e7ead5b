//! The token goes to Rundeck alone, as far as anybody can know who listens on its port.

use super::*;
use crate::rig::{RUNDECK, jvm, policy};
use rundeck_alb_core::{JvmSeen, ProcessSeen};

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
