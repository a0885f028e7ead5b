//! What the heart tells becomes log lines and figures.

use crate::server::Counters;
use rundeck_alb_core::{
    ApiSeen, DatabaseSeen, DiskSeen, HostSeen, Note, NoteKind, ProcessSeen, Readiness, ReadySeen, Room, Snapshot,
    State, WebSeen,
};

/// One line of the heart, with the `event` word that programs filter by.
pub fn note(note: &Note) {
    let event = note.kind.word();
    match note.kind {
        NoteKind::Finding => tracing::warn!(event, "{}", note.text),
        NoteKind::Transition
        | NoteKind::Registered
        | NoteKind::Deregistered
        | NoteKind::DrainStep
        | NoteKind::Drained
        | NoteKind::Notice => tracing::info!(event, "{}", note.text),
    }
}

/// Counts a transition of the answer.
pub fn transition(from: State, to: &Snapshot, counters: &Counters) {
    if from != to.answer.state {
        counters.transition(from, to.answer.state, to.answer.reason);
    }
}

/// The metric's word for a round.
pub fn web_word(web: WebSeen) -> &'static str {
    match web {
        WebSeen::Ok | WebSeen::Disabled => "pass",
        WebSeen::CannotConnect | WebSeen::CannotJudge(_) => "unknown",
        WebSeen::Redirect
        | WebSeen::Status(_)
        | WebSeen::Body
        | WebSeen::Truncated
        | WebSeen::Refused
        | WebSeen::TimedOut => "fail",
    }
}

/// The metric's word for a look at the API.
pub fn api_word(api: &ApiSeen) -> &'static str {
    match api {
        ApiSeen::Info(info) if info.mode.is_some() => "pass",
        ApiSeen::Info(_)
        | ApiSeen::Rejected
        | ApiSeen::Booting
        | ApiSeen::TimedOut
        | ApiSeen::Refused
        | ApiSeen::Failed(_)
        | ApiSeen::Unreadable(_) => "unknown",
    }
}

/// The metric's word for a look at the readiness state.
pub fn ready_word(seen: &ReadySeen) -> &'static str {
    match seen.readiness {
        Readiness::Ready => "pass",
        Readiness::NotReady => "fail",
        Readiness::TimedOut if !seen.bound => "fail",
        Readiness::Absent | Readiness::TimedOut | Readiness::Refused | Readiness::Unclear(_) => "unknown",
    }
}

/// The metric's word for a timed call with the token.
pub fn database_word(seen: &DatabaseSeen) -> &'static str {
    match seen {
        DatabaseSeen::Answered => "pass",
        DatabaseSeen::Failed(_) | DatabaseSeen::TimedOut => "fail",
        DatabaseSeen::Refused | DatabaseSeen::Unclear(_) => "unknown",
    }
}

/// The metric's word for a look for the process.
pub fn process_word(process: &ProcessSeen) -> &'static str {
    match process {
        ProcessSeen::One(..) => "pass",
        ProcessSeen::None | ProcessSeen::Several(_) => "unknown",
    }
}

/// The metric's word for a look at the file systems: whether one of them could be judged. By how much is the heart's.
pub fn disks_word(disks: &[DiskSeen]) -> &'static str {
    if disks.iter().any(|disk| matches!(disk.room, Room::Local { .. })) { "pass" } else { "unknown" }
}

/// The metric's word for a look at memory and load.
pub fn host_word(host: Option<HostSeen>) -> &'static str {
    if host.is_some() { "pass" } else { "unknown" }
}
