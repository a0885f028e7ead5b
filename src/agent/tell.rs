//! What the heart tells becomes log lines and figures.

use crate::server::Counters;
use rundeck_alb_core::{Note, NoteKind, Snapshot, State};

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
