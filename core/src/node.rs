//! Who this node is, by instance metadata: identity, Auto Scaling state, and the tag that names target groups.
//!
//! Losing instance metadata changes nothing that is known already (fail static).

use crate::contract::{Call, Identity, MembershipPolicy, Moment, Span, sooner};
use crate::desk::{Backoff, Desk, Pace, Topic};

/// Limit of one question to instance metadata: the client's own tries end within it.
const LIMIT: Span = Span::secs(10);
/// First wait after a failed question, doubling up to `MOST_WAIT`.
const FIRST_WAIT: Span = Span::secs(1);
const MOST_WAIT: Span = Span::secs(60);
/// Between two looks at the Auto Scaling state and the tag, which may change.
const LOOK: Span = Span::secs(60);

/// Where the Auto Scaling group moves this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lifecycle {
    /// Not asked yet, or never answered.
    Unknown,
    /// 404: in no group.
    Alone,
    /// In a group, moving to this state.
    Group(String),
}

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) identity: Option<Identity>,
    pub(crate) lifecycle: Lifecycle,
    /// Groups named by the tag; `None`: not answered yet.
    pub(crate) tag: Option<Option<String>>,
    identity_pace: Pace,
    lifecycle_pace: Pace,
    tag_pace: Pace,
    backoff: [Backoff; 3],
}

impl Node {
    pub(crate) fn new(now: Moment) -> Node {
        let pace = Pace::from(now);
        let backoff = || Backoff::new(FIRST_WAIT, MOST_WAIT);
        Node {
            identity: None,
            lifecycle: Lifecycle::Unknown,
            tag: None,
            identity_pace: pace,
            lifecycle_pace: pace,
            tag_pace: pace,
            backoff: [backoff(), backoff(), backoff()],
        }
    }

    /// True where no choice of ours may put the node to 503: a group might replace it (design 2).
    pub(crate) fn in_group(&self) -> bool {
        matches!(self.lifecycle, Lifecycle::Group(_))
    }

    /// The Auto Scaling group lets the node be a target now.
    pub(crate) fn may_join(&self) -> bool {
        match &self.lifecycle {
            Lifecycle::Unknown => false,
            Lifecycle::Alone => true,
            Lifecycle::Group(state) => state == "InService",
        }
    }

    fn wants_tag(&self, policy: &MembershipPolicy) -> bool {
        policy.groups.is_empty() && !policy.discover_tag.is_empty()
    }

    pub(crate) fn wake(&self, policy: &MembershipPolicy) -> Option<Moment> {
        let mut wake = self.lifecycle_pace.wake();
        if self.identity.is_none() {
            wake = sooner(wake, self.identity_pace.wake());
        }
        if self.wants_tag(policy) {
            wake = sooner(wake, self.tag_pace.wake());
        }
        wake
    }

    pub(crate) fn step(&mut self, policy: &MembershipPolicy, desk: &mut Desk) {
        if self.identity.is_none() && self.identity_pace.due(desk.now()) {
            desk.ask(&mut self.identity_pace, Topic::Identity, Call::AskIdentity, LIMIT);
        }
        if desk.worth(&self.lifecycle_pace) {
            desk.ask(&mut self.lifecycle_pace, Topic::Lifecycle, Call::AskLifecycle, LIMIT);
        }
        if self.wants_tag(policy) && desk.worth(&self.tag_pace) {
            let call = Call::AskTag(policy.discover_tag.clone());
            desk.ask(&mut self.tag_pace, Topic::Tag, call, LIMIT);
        }
    }

    pub(crate) fn on_identity(&mut self, answer: Result<Identity, String>, desk: &mut Desk) {
        self.identity_pace.done(desk.now() + wait(&mut self.backoff[0], answer.is_err(), desk));
        match answer {
            Ok(identity) => {
                desk.cured("metadata-unreachable");
                self.identity = Some(identity);
            }
            Err(why) => desk.finding(
                "metadata-unreachable",
                format!("{why}: registration waits for the instance id; /health is served all the same"),
            ),
        }
    }

    pub(crate) fn on_lifecycle(&mut self, answer: Result<Option<String>, String>, desk: &mut Desk) {
        self.lifecycle_pace.done(desk.now() + wait(&mut self.backoff[1], answer.is_err(), desk));
        match answer {
            Ok(state) => {
                self.lifecycle = state.map_or(Lifecycle::Alone, Lifecycle::Group);
                if self.identity.is_some() {
                    desk.cured("metadata-unreachable");
                }
            }
            // Before the identity is known its own finding says more.
            Err(why) if self.identity.is_some() => desk.finding(
                "metadata-unreachable",
                format!("{why}: what is known stays; a move by an Auto Scaling group would not be seen"),
            ),
            Err(_) => {}
        }
    }

    pub(crate) fn on_tag(&mut self, answer: Result<Option<String>, String>, desk: &mut Desk) {
        self.tag_pace.done(desk.now() + wait(&mut self.backoff[2], answer.is_err(), desk));
        match answer {
            Ok(tag) => {
                desk.cured("instance-tag-unreadable");
                self.tag = Some(tag);
            }
            // Before the identity is known its own finding says more.
            Err(why) if self.identity.is_some() => desk.finding(
                "instance-tag-unreadable",
                format!(
                    "{why}: the target groups are not known; allow instance tags in metadata, or set [[target_group]]"
                ),
            ),
            Err(_) => {}
        }
    }
}

fn wait(backoff: &mut Backoff, failed: bool, desk: &mut Desk) -> Span {
    if failed {
        return desk.wait(backoff);
    }
    backoff.reset();
    desk.around(LOOK)
}
