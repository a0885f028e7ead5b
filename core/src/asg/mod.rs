//! What an Auto Scaling group does to this node.
//!
//! It knows where the group moves the machine, by instance metadata. It says what that means, as yes, no or unknown:
//! whether a 503 would get the node replaced, whether the group has it in service, may own its membership, and lets it
//! be a target now. What follows, and what holds where it is unknown, whoever asks decides. It touches no target.
//!
//! The heart calls `step` once a turn, `on_lifecycle` for metadata's answer, asks `replaces`, `in_service`, `may_own`
//! and `may_join`, and shows `state`.

use crate::contract::{Call, Finding, Moment, NoteKind, Says, Span};
use crate::desk::{Backoff, Desk, Pace, Topic};

/// Limit of one question to instance metadata: the client's own tries end within it.
const LIMIT: Span = Span::secs(10);
/// First wait after a failed question, doubling up to `MOST_WAIT`.
const FIRST_WAIT: Span = Span::secs(1);
const MOST_WAIT: Span = Span::secs(60);
/// Between two looks at the state, which may change.
const LOOK: Span = Span::secs(60);
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

/// Where the Auto Scaling group moves this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Lifecycle {
    /// Not asked yet, or never answered.
    Unknown,
    /// 404, and no group was ever seen.
    Alone,
    /// In a group, moving to this state.
    Group(String),
}

#[derive(Clone, Debug)]
pub(crate) struct AutoScaling {
    lifecycle: Lifecycle,
    /// The word that metadata show now, where nobody knows what it means.
    odd: Option<String>,
    /// That metadata show none any more was told.
    missing_told: bool,
    pace: Pace,
    backoff: Backoff,
}

impl AutoScaling {
    pub(crate) fn new(now: Moment) -> AutoScaling {
        AutoScaling {
            lifecycle: Lifecycle::Unknown,
            odd: None,
            missing_told: false,
            pace: Pace::from(now),
            backoff: Backoff::new(FIRST_WAIT, MOST_WAIT),
        }
    }

    /// The group would replace the node for a 503. A word that nobody knows takes back no yes, and leaves no no.
    pub(crate) fn replaces(&self) -> Says {
        match &self.lifecycle {
            Lifecycle::Unknown => Says::Unknown,
            Lifecycle::Group(state) if !matches!(state.as_str(), "Standby" | "Detached") => Says::Yes,
            _ if self.odd.is_some() => Says::Unknown,
            Lifecycle::Alone | Lifecycle::Group(_) => Says::No,
        }
    }

    /// The group has the node in service.
    pub(crate) fn in_service(&self) -> Says {
        match &self.lifecycle {
            _ if self.odd.is_some() => Says::Unknown,
            Lifecycle::Unknown => Says::Unknown,
            Lifecycle::Alone => Says::No,
            Lifecycle::Group(state) => Says::sure(state == "InService"),
        }
    }

    /// A group may own the node's membership in its target groups: it was in one, whatever that does now.
    pub(crate) fn may_own(&self) -> Says {
        match &self.lifecycle {
            _ if self.odd.is_some() => Says::Yes,
            Lifecycle::Unknown => Says::Unknown,
            Lifecycle::Alone => Says::No,
            Lifecycle::Group(_) => Says::Yes,
        }
    }

    /// The node may be a target now, as far as the group goes. One that was detached is in no Auto Scaling group any
    /// more: it may be a target wherever none may own its membership.
    pub(crate) fn may_join(&self) -> Says {
        match &self.lifecycle {
            _ if self.odd.is_some() => Says::No,
            Lifecycle::Unknown => Says::Unknown,
            Lifecycle::Alone => Says::Yes,
            Lifecycle::Group(state) => Says::sure(matches!(state.as_str(), "InService" | "Detached")),
        }
    }

    /// Metadata were asked in vain, and have never told.
    pub(crate) fn asked_in_vain(&self) -> bool {
        self.lifecycle == Lifecycle::Unknown && self.backoff.failing()
    }

    /// For people: where the group moves the machine.
    pub(crate) fn state(&self) -> Option<&str> {
        match &self.lifecycle {
            _ if self.odd.is_some() => self.odd.as_deref(),
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
        let first = self.lifecycle == Lifecycle::Unknown && answer == Ok(None);
        let usual = if first { SECOND_LOOK } else { LOOK };
        let wait = desk.wait_or(answer.is_err(), &mut self.backoff, usual);
        self.pace.done(desk.now() + wait);
        match answer {
            Ok(state) => {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_is_yes_no_or_unknown_and_a_word_that_nobody_knows_is_no_all_clear() {
        use Says::{No, Unknown, Yes};
        // What metadata show, one after the other: replaces, in service, may own, may join.
        let told: [(&[Option<&str>], [Says; 4]); 9] = [
            (&[], [Unknown; 4]),
            (&[None], [No, No, No, Yes]),
            (&[Some("InService")], [Yes, Yes, Yes, Yes]),
            (&[Some("Standby")], [No, No, Yes, No]),
            (&[Some("Detached")], [No, No, Yes, Yes]),
            (&[Some("Terminated")], [Yes, No, Yes, No]),
            (&[None, Some("Odd")], [Unknown, Unknown, Yes, No]),
            (&[Some("Standby"), Some("Odd")], [Unknown, Unknown, Yes, No]),
            (&[Some("InService"), Some("Odd")], [Yes, Unknown, Yes, No]),
        ];
        for (shown, wanted) in told {
            let mut desk = Desk::new(1, Moment(0));
            let mut asg = AutoScaling::new(Moment(0));
            shown.iter().for_each(|word| asg.on_lifecycle(Ok(word.map(str::to_owned)), true, &mut desk));
            assert_eq!([asg.replaces(), asg.in_service(), asg.may_own(), asg.may_join()], wanted, "{shown:?}");
        }
    }
}
