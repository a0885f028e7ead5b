//! What is wrong with one value, before anybody knows its key. Does not place it or put it into a line: `mod.rs` does.

use super::origin::Origin;

/// An error line repeats at most this many characters of a value.
const MAX_QUOTED: usize = 40;

/// Why a value cannot be read; the caller adds the key and, without `at`, the place.
#[derive(Debug)]
pub(super) enum Fault {
    /// Another type than this one (named with an example).
    Type(&'static str),
    /// The right type, but not a possible value.
    Value { why: String, cure: String, at: Option<Origin> },
}

impl Fault {
    pub(super) fn value(why: impl Into<String>, cure: impl Into<String>) -> Fault {
        Fault::Value { why: why.into(), cure: cure.into(), at: None }
    }

    pub(super) fn at(self, origin: &Origin) -> Fault {
        match self {
            Fault::Value { why, cure, at: _ } => Fault::Value { why, cure, at: Some(origin.clone()) },
            other @ Fault::Type(_) => other,
        }
    }
}

/// A text for an error line: escaped and short.
pub(super) fn quoted(text: &str) -> String {
    let short: String = text.chars().take(MAX_QUOTED).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    format!("\"{}{more}\"", short.escape_debug())
}
