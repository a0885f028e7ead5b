//! Where the Auto Scaling group moves the machine, by instance metadata.
//!
//! Losing metadata changes nothing that is known, and "not there" is no proof that a group which was seen has let the
//! machine go. It does not know what a word means for the node.

use crate::contract::{Call, Finding, Moment, NoteKind, Span};
use crate::desk::{Backoff, Desk, Pace, Topic};

/// Limit of one question to instance metadata: the client's own tries end within it.
const LIMIT: Span = Span::secs(10);
/// First wait after a failed question, doubling up to `MOST_WAIT`.
const FIRST_WAIT: Span = Span::secs(1);
const MOST_WAIT: Span = Span::secs(60);
/// Between two looks at the state, which may change.
const LOOK: Span = Span::secs(60);
/// The same while the node is being moved.
const OFTEN: Span = Span::secs(5);
/// After a first 404: the item is also missing while a group has not set it yet (AWS's page on retrieving the target
/// lifecycle state).
const SECOND_LOOK: Span = Span::secs(5);

/// Each word of AWS's page on the target lifecycle state. Any other proves nothing once it is shown no more.
const DOCUMENTED: [&str; 8] = [
    "Detached",
    "InService",
    "Standby",
    "Terminated",
    "Warmed:Hibernated",
    "Warmed:Running",
    "Warmed:Stopped",
    "Warmed:Terminated",
];

/// Where the Auto Scaling group moves this machine, by the last word that is documented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lifecycle {
    /// Not asked yet, or never answered.
    Unknown,
    /// 404, and no group was ever seen.
    Alone,
    /// In a group, moving to this state.
    Group(String),
}

#[derive(Clone, Debug)]
pub(super) struct Metadata {
    lifecycle: Lifecycle,
    /// The word that metadata show now, where nobody knows what it means.
    odd: Option<String>,
    /// That metadata show none any more was told.
    missing_told: bool,
    /// When the last answer was asked for.
    seen: Moment,
    pace: Pace,
    backoff: Backoff,
}

impl Metadata {
    pub(super) fn new(now: Moment) -> Metadata {
        Metadata {
            lifecycle: Lifecycle::Unknown,
            odd: None,
            missing_told: false,
            seen: Moment(0),
            pace: Pace::from(now),
            backoff: Backoff::new(FIRST_WAIT, MOST_WAIT),
        }
    }

    pub(super) fn lifecycle(&self) -> &Lifecycle {
        &self.lifecycle
    }

    /// The word that metadata show now, where nobody knows what it means: a group has the machine all the same.
    pub(super) fn odd(&self) -> Option<&str> {
        self.odd.as_deref()
    }

    /// A group was shown, whatever is shown now.
    pub(super) fn shows_group(&self) -> bool {
        self.odd.is_some() || matches!(self.lifecycle, Lifecycle::Group(_))
    }

    /// It was asked in vain, and has never told.
    pub(super) fn asked_in_vain(&self) -> bool {
        self.lifecycle == Lifecycle::Unknown && self.backoff.failing()
    }

    pub(super) fn seen_at(&self) -> Moment {
        self.seen
    }

    /// It is asked more often than usual.
    pub(super) fn look_often(&mut self, desk: &Desk) {
        if !self.pace.is_open() && !self.backoff.failing() {
            let at = self.pace.begun() + OFTEN;
            desk.reached(at);
            self.pace.hasten(at);
        }
    }

    pub(super) fn step(&mut self, desk: &mut Desk) {
        if desk.worth(&self.pace) {
            desk.ask(&mut self.pace, Topic::Lifecycle, Call::AskLifecycle, LIMIT);
        }
    }

    /// Metadata has answered, or not. `known`: the identity is known; before that its own finding says more. True: it
    /// shows something else than before.
    pub(super) fn on_reply(&mut self, answer: Result<Option<String>, String>, known: bool, desk: &mut Desk) -> bool {
        let first = self.lifecycle == Lifecycle::Unknown && answer == Ok(None);
        let usual = if first { SECOND_LOOK } else { LOOK };
        let wait = desk.wait_or(answer.is_err(), &mut self.backoff, usual);
        self.pace.done(desk.now() + wait);
        let before = (self.lifecycle.clone(), self.odd.clone());
        match answer {
            Ok(state) => {
                self.seen = self.pace.begun();
                self.moved(state, desk);
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
        before != (self.lifecycle.clone(), self.odd.clone())
    }

    /// "Not there" says that no group has the node only where none was ever seen: one that takes its leave says
    /// `Detached`, and what was known stays.
    fn moved(&mut self, state: Option<String>, desk: &mut Desk) {
        let (state, odd) = match state {
            Some(word) if !DOCUMENTED.contains(&word.as_str()) => (None, Some(word)),
            state => (state, None),
        };
        if let Some(word) = odd.as_ref().filter(|word| self.odd.as_ref() != Some(word)) {
            let text =
                format!("metadata show the Auto Scaling state {word}, which is not known: it counts while shown");
            desk.tell(NoteKind::Notice, text);
        }
        self.odd = odd;
        if self.odd.is_some() {
            return;
        }
        match (state, &self.lifecycle) {
            (Some(state), _) => {
                self.lifecycle = Lifecycle::Group(state);
                self.missing_told = false;
            }
            (None, Lifecycle::Group(last)) => {
                if !std::mem::replace(&mut self.missing_told, true) {
                    let text =
                        format!("metadata show no Auto Scaling state any more: {last}, the last one, still counts");
                    desk.tell(NoteKind::Notice, text);
                }
            }
            (None, Lifecycle::Unknown | Lifecycle::Alone) => self.lifecycle = Lifecycle::Alone,
        }
    }
}
