//! Which trouble with AWS becomes which finding. It belongs to what was asked, and to the group that it was asked
//! about: another's success cures nothing. The same trouble with several groups is one finding, told once and counted.

use crate::contract::{Finding, Trouble, TroubleKind};
use crate::desk::Desk;
use std::collections::BTreeMap;

/// What was asked when AWS made trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Asked {
    /// What the groups are like.
    Groups,
    /// What their attributes are.
    Attributes,
    /// How this node's target is.
    Target,
    /// To be put in or taken out.
    Change,
}

impl Asked {
    /// Tells findings of the same word apart: what was asked, and what came.
    fn subject(self, text: &str) -> String {
        match self {
            Asked::Groups => format!("groups: {text}"),
            Asked::Attributes => format!("attributes: {text}"),
            Asked::Target => format!("target: {text}"),
            Asked::Change => format!("change: {text}"),
        }
    }
}

/// What met trouble last, about which group, and the finding that stands for it.
#[derive(Clone, Debug, Default)]
pub(super) struct Troubles(BTreeMap<(Asked, u32), (Finding, String)>);

impl Troubles {
    /// What came of asking this about the group with this key and this name. `costs`: what cannot be done for it, if
    /// that is said.
    pub(super) fn note(
        &mut self,
        (asked, key, name): (Asked, u32, &str),
        trouble: Option<&Trouble>,
        costs: &str,
        desk: &mut Desk,
    ) {
        let new = trouble.map(|trouble| {
            let (word, text) = trouble_words(trouble);
            // A refusal is about this one group; all else is wrong with whatever is asked.
            let refused =
                matches!(trouble.kind, TroubleKind::NotFound | TroubleKind::InvalidTarget | TroubleKind::Refused);
            let about = if refused && !name.is_empty() { format!("{name}: ") } else { String::new() };
            (word, format!("{about}{text}{costs}"))
        });
        let before = match &new {
            Some((word, text)) => {
                desk.happened(*word, &asked.subject(text), text);
                self.0.insert((asked, key), (*word, text.clone()))
            }
            None => self.0.remove(&(asked, key)),
        };
        let still = |old: &(Finding, String)| self.0.iter().any(|((of, _), now)| *of == asked && now == old);
        if let Some((word, text)) = before.filter(|old| !still(old)) {
            desk.cured_of(word, &asked.subject(&text));
        }
    }

    /// A look shows that what was asked for is done, whatever became of the answer: nobody asks for it again, and no
    /// answer would end the finding.
    pub(super) fn overtaken(&mut self, key: u32, desk: &mut Desk) {
        if self.0.get(&(Asked::Change, key)).is_some_and(|(word, _)| *word == Finding::AwsUnreachable) {
            self.note((Asked::Change, key, ""), None, "", desk);
        }
    }

    /// Trouble with groups that are no longer there is none.
    pub(super) fn retain(&mut self, there: impl Fn(u32) -> bool, desk: &mut Desk) {
        let gone: Vec<(Asked, u32)> = self.0.keys().filter(|(_, key)| !there(*key)).copied().collect();
        for (asked, key) in gone {
            self.note((asked, key, ""), None, "", desk);
        }
    }
}

/// The finding for a kind of trouble.
pub(crate) fn finding_of(kind: TroubleKind) -> Finding {
    match kind {
        TroubleKind::Denied => Finding::PermissionMissing,
        TroubleKind::Throttled => Finding::AwsThrottled,
        TroubleKind::Credentials => Finding::CredentialsRejected,
        TroubleKind::Unavailable => Finding::AwsUnreachable,
        TroubleKind::NotFound => Finding::TargetGroupMissing,
        TroubleKind::InvalidTarget | TroubleKind::Refused => Finding::AwsRefused,
    }
}

/// The finding for a kind of trouble, and its text.
fn trouble_words(trouble: &Trouble) -> (Finding, String) {
    let Trouble { action, text, .. } = trouble;
    let words = match trouble.kind {
        TroubleKind::Denied => {
            let action = if action.is_empty() { "a call" } else { action };
            format!("AWS denied {action} ({text})")
        }
        TroubleKind::Throttled => format!("AWS throttles this account: waiting longer ({text})"),
        TroubleKind::Credentials => format!("AWS does not accept the credentials ({text})"),
        TroubleKind::Unavailable => format!("AWS does not answer: membership stays as it is ({text})"),
        TroubleKind::NotFound | TroubleKind::InvalidTarget | TroubleKind::Refused => text.clone(),
    };
    (finding_of(trouble.kind), words)
}
