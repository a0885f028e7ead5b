//! What an Auto Scaling group does to this node.
//!
//! It knows where the group moves the machine, by instance metadata. It decides what that means: whether a 503 might
//! get the node replaced (`in_group`), and whether the group lets it be a target now (`may_join`). It never touches a
//! target: whose a target group is, `membership` decides by what this room says.
//!
//! The heart calls `step` once a turn, `on_lifecycle` for metadata's answer, asks `in_group`, `replaces`,
//! `in_service`, `is_alone` and `may_join`, and shows `state`.

use crate::contract::{Call, Finding, Moment, Span};
use crate::desk::{Backoff, Desk, Pace, Topic};

/// Limit of one question to instance metadata: the client's own tries end within it.
const LIMIT: Span = Span::secs(10);
/// First wait after a failed question, doubling up to `MOST_WAIT`.
const FIRST_WAIT: Span = Span::secs(1);
const MOST_WAIT: Span = Span::secs(60);
/// Between two looks at the state, which may change.
const LOOK: Span = Span::secs(60);

/// Where the Auto Scaling group moves this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Lifecycle {
    /// Not asked yet, or never answered.
    Unknown,
    /// 404: in no group.
    Alone,
    /// In a group, moving to this state.
    Group(String),
}

#[derive(Clone, Debug)]
pub(crate) struct AutoScaling {
    lifecycle: Lifecycle,
    pace: Pace,
    backoff: Backoff,
}

impl AutoScaling {
    pub(crate) fn new(now: Moment) -> AutoScaling {
        AutoScaling {
            lifecycle: Lifecycle::Unknown,
            pace: Pace::from(now),
            backoff: Backoff::new(FIRST_WAIT, MOST_WAIT),
        }
    }

    /// True where no choice of ours may put the node to 503: a group might replace it.
    pub(crate) fn in_group(&self) -> bool {
        matches!(self.lifecycle, Lifecycle::Group(_))
    }

    /// The group might replace the node for a 503; `None`: metadata have never answered, and whoever asks decides.
    pub(crate) fn replaces(&self) -> Option<bool> {
        match &self.lifecycle {
            Lifecycle::Unknown => None,
            Lifecycle::Alone => Some(false),
            Lifecycle::Group(state) => Some(!matches!(state.as_str(), "Standby" | "Detached")),
        }
    }

    /// The group has the node in service, as metadata said.
    pub(crate) fn in_service(&self) -> bool {
        matches!(&self.lifecycle, Lifecycle::Group(state) if state == "InService")
    }

    /// The machine is in no group, as metadata said.
    pub(crate) fn is_alone(&self) -> bool {
        self.lifecycle == Lifecycle::Alone
    }

    /// The Auto Scaling group lets the node be a target now.
    pub(crate) fn may_join(&self) -> bool {
        match &self.lifecycle {
            Lifecycle::Unknown => false,
            Lifecycle::Alone => true,
            Lifecycle::Group(state) => state == "InService",
        }
    }

    /// For people: where the group moves the machine.
    pub(crate) fn state(&self) -> Option<&str> {
        match &self.lifecycle {
            Lifecycle::Group(state) => Some(state),
            Lifecycle::Alone | Lifecycle::Unknown => None,
        }
    }

    pub(crate) fn step(&mut self, desk: &mut Desk) {
        if desk.worth(&self.pace) {
            desk.ask(&mut self.pace, Topic::Lifecycle, Call::AskLifecycle, LIMIT);
        }
    }

    /// Metadata has answered, or not. `known`: the identity is known; before that its own finding says more.
    pub(crate) fn on_lifecycle(&mut self, answer: Result<Option<String>, String>, known: bool, desk: &mut Desk) {
        let wait = desk.wait_or(answer.is_err(), &mut self.backoff, LOOK);
        self.pace.done(desk.now() + wait);
        match answer {
            Ok(state) => {
                self.lifecycle = state.map_or(Lifecycle::Alone, Lifecycle::Group);
                if known {
                    desk.cured(Finding::MetadataUnreachable);
                }
            }
            Err(why) if known => desk.finding(
                Finding::MetadataUnreachable,
                format!("{why}: what is known stays; a move by an Auto Scaling group would not be seen"),
            ),
            Err(_) => {}
        }
    }
}
