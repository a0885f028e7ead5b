//! How long leaving waits for connections in flight: `"auto"` or a time.

use rundeck_alb_core::Span;

use super::codec::{Codec, read_pace, show_span, text};
use super::fault::Fault;
use super::raw::Value;

/// `"auto"` or a time.
pub(super) const QUIET: Codec<QuietTimeout> = Codec { read: read_quiet, show: show_quiet };

const AUTO: &str = "auto";

/// How long leaving waits for connections in flight.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum QuietTimeout {
    /// `"auto"`: the group's deregistration delay.
    #[default]
    DeregistrationDelay,
    /// A fixed time.
    Fixed(Span),
}

fn read_quiet(value: &Value) -> Result<QuietTimeout, Fault> {
    if text(value, "\"auto\" or a duration in quotes, as in \"5m\"")? == AUTO {
        return Ok(QuietTimeout::DeregistrationDelay);
    }
    read_pace(value).map(QuietTimeout::Fixed)
}

fn show_quiet(quiet: &QuietTimeout) -> toml::Value {
    match quiet {
        QuietTimeout::DeregistrationDelay => toml::Value::String(AUTO.to_owned()),
        QuietTimeout::Fixed(span) => show_span(span),
    }
}
