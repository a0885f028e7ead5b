//! The execution mode and its words. Which mode a node is in is in `state`, and what it begins with in `config`.

use serde::Serialize;

/// Rundeck's execution mode, one Boolean in one JVM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Jobs run.
    Active,
    /// No new job starts.
    Passive,
}

impl Mode {
    /// The word on the wire.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Mode::Active => "active",
            Mode::Passive => "passive",
        }
    }
}
