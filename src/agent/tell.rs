//! What the heart tells becomes log lines and figures.

use crate::server::Counters;
use rundeck_alb_core::{ApiSeen, Note, NoteKind, ProcessSeen, Snapshot, State, WebSeen};

/// One line of the heart, with the `event` word that programs filter by (interface 7).
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
        | ApiSeen::Unreadable(_) => "unknown",
    }
}

/// The metric's word for a look for the process.
pub fn process_word(process: &ProcessSeen) -> &'static str {
    match process {
        ProcessSeen::One(..) => "pass",
        ProcessSeen::None | ProcessSeen::Several(_) => "unknown",
    }
}
