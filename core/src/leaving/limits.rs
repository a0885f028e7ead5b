//! How long each thing of a drain is waited for, where no configuration says it.

use crate::contract::Span;

/// What is about to be done is written to disk first, and that is waited for no longer than this.
pub(crate) const INTENT_WAIT: Span = Span::secs(1);
/// Switching and deregistering go on in the background after this.
pub(super) const ADVERTISE_LIMIT: Span = Span::secs(10);
/// Between two counts of what is in flight.
pub(super) const COUNT_EVERY: Span = Span::secs(1);
pub(super) const COUNT_LIMIT: Span = Span::secs(2);
/// Phases that may follow one another in one turn.
pub(super) const PHASES: usize = 5;
/// A receipt that is not on disk by then is reported and no longer waited for.
pub(super) const RECEIPT_LIMIT: Span = Span::secs(2);
