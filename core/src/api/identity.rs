//! Which member of the cluster this Rundeck says it is, over its restarts: clones, changed identities, upgrades.
//!
//! Findings only: a clone breaks schedules, not requests. The other identity, the machine's, is
//! `membership/instance.rs`.

use crate::contract::{Check, CheckView, Finding, Info, Judged, Looked, Moment, NoteKind, Outcome};
use crate::desk::Desk;

/// The UUID that every container of Rundeck's image has unless it is told another one.
const DOCKER_UUID: &str = "a14bc3e6-75e8-4fe4-a90d-a16dcc976bf6";

/// Whether this is the UUID that every container of the image has.
pub(crate) fn is_images(uuid: &str) -> bool {
    uuid.eq_ignore_ascii_case(DOCKER_UUID)
}

/// What is known of the member beyond one process.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServerIdentity {
    first: Option<String>,
    look: Option<Looked>,
    version: Option<String>,
}

/// What a UUID says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Likeness {
    /// The one that was seen first.
    Own,
    /// The image's constant.
    Constant,
    /// Another one than before.
    Changed,
}

impl ServerIdentity {
    /// Takes note of an answer. True: the version has changed.
    pub(crate) fn on_info(&mut self, info: &Info, desk: &mut Desk) -> bool {
        if let Some(uuid) = &info.server_uuid {
            self.judge(uuid, desk);
        }
        if info.version.is_empty() {
            return false;
        }
        let before = self.version.replace(info.version.clone()).filter(|before| *before != info.version);
        if let Some(before) = &before {
            desk.tell(NoteKind::Notice, format!("Rundeck {before} has become {}", info.version));
        }
        before.is_some()
    }

    fn judge(&mut self, uuid: &str, desk: &mut Desk) {
        let first = self.first.get_or_insert_with(|| uuid.to_owned());
        let likeness = if is_images(uuid) {
            Likeness::Constant
        } else if uuid.eq_ignore_ascii_case(first) {
            Likeness::Own
        } else {
            Likeness::Changed
        };
        match likeness {
            Likeness::Own => desk.cured(Finding::Clone),
            Likeness::Constant => desk.finding(
                Finding::Clone,
                "the server UUID is the constant of the container image: two such members break each other's schedules",
            ),
            Likeness::Changed => desk.finding(
                Finding::Clone,
                "the server UUID has changed since the agent's start: schedules of the old one belong to nobody",
            ),
        }
        let judged = match likeness {
            Likeness::Own => Judged::new(Outcome::Pass, "the server UUID is the one first seen"),
            Likeness::Constant => Judged::new(Outcome::Fail, "the server UUID is the container image's constant"),
            Likeness::Changed => Judged::new(Outcome::Fail, "the server UUID has changed"),
        };
        self.look = Some(desk.concluded(Check::Clone, judged, None));
    }

    /// The row for people; `next`: when the API is asked again.
    pub(crate) fn row(&self, next: Option<Moment>) -> CheckView {
        CheckView { next, ..CheckView::of(Check::Clone, self.look.as_ref(), "tells people, takes no node out") }
    }
}
