//! Which targets are ours, on disk: what an earlier run wrote down, and what is written now.
//!
//! It decides whose record is believed (this instance's), when it is written, and how long a registration waits for the
//! disk. Which targets are in it, the groups say.

use crate::contract::{Call, Finding, Identity, Moment, NoteKind, Registered, Registrations, Span, Target};
use crate::desk::{Desk, Topic};

/// A target is written down before it is registered, and that is waited for no longer than this.
const WAIT: Span = Span::secs(1);
/// Limit of one write.
const LIMIT: Span = Span::secs(10);
/// A failed write is tried again after this.
const AGAIN: Span = Span::secs(10);
/// Tells its finding apart from that about the orders.
const SUBJECT: &str = "registered";

#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    /// What an earlier run left behind, until it is known which machine this is.
    restored: Option<Registrations>,
    /// What is on disk, or on its way there; of no instance as long as nothing is known to be.
    kept: Registrations,
    open: bool,
    /// What an earlier run left behind has been read: nothing is written over what was not.
    read: bool,
    /// The last try failed.
    again: Option<Moment>,
}

impl Record {
    pub(super) fn restore(&mut self, kept: Option<Registrations>) {
        self.restored = kept;
        self.read = true;
    }

    /// An earlier run may have left something behind: that was not read yet, or nobody knows whether it is this
    /// machine's.
    pub(super) fn is_unread(&self) -> bool {
        !self.read || self.restored.as_ref().is_some_and(|kept| !kept.targets.is_empty())
    }

    /// What an earlier run had registered as this machine; once.
    pub(super) fn take(&mut self, identity: &Identity, desk: &mut Desk) -> Vec<Registered> {
        let Some(kept) = self.restored.take() else { return Vec::new() };
        self.kept = kept.clone();
        if kept.targets.is_empty() {
            return Vec::new();
        }
        if kept.instance != identity.instance_id {
            let text = format!("the targets that {} had registered are not this machine's", kept.instance);
            desk.tell(NoteKind::Notice, text);
            return Vec::new();
        }
        kept.targets
    }

    /// What is on disk is the difference between what it says and what it should say.
    pub(super) fn step(&mut self, targets: Vec<Registered>, identity: &Identity, desk: &mut Desk) {
        if self.open || !self.read {
            return;
        }
        let wanted = Registrations { instance: identity.instance_id.clone(), targets };
        // Another machine's record says nothing here: it stays until there is something to be written.
        let nothing = wanted.targets.is_empty() && self.kept.instance != wanted.instance;
        if (wanted != self.kept && !nothing) || self.again.is_some_and(|at| desk.reached(at)) {
            self.kept = wanted.clone();
            self.again = None;
            self.open = true;
            desk.call(Topic::Registered, Call::KeepRegistered(wanted), LIMIT);
        }
    }

    /// The target may be registered: it stands on disk, or the disk was waited for. `since`: when it became ours.
    pub(super) fn allows(&self, target: &Target, since: Moment, desk: &Desk) -> bool {
        let written = !self.open && self.kept.targets.iter().any(|registered| registered.target.is(target));
        written || desk.reached(since + WAIT)
    }

    pub(super) fn on_written(&mut self, written: Result<(), String>, desk: &mut Desk) {
        self.open = false;
        match written {
            Ok(()) => desk.cured_of(Finding::IntentNotKept, SUBJECT),
            Err(why) => {
                let what = format!(
                    "the state directory cannot be written ({why}): a restart would forget which targets are registered"
                );
                desk.finding_of(Finding::IntentNotKept, SUBJECT, what);
                self.again = Some(desk.now() + AGAIN);
            }
        }
    }
}
