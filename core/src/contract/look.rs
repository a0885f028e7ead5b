//! One look at everything at once, as `check` makes it, and what it amounts to.
//!
//! What it amounts to is decided in the `look` room.

use super::seen::{ApiSeen, BootSeen, DiskSeen, HostSeen, ProcessSeen, ReadySeen, WebSeen};
use super::words::{Check, Degraded, Outcome, Reason};

/// What was seen at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The search for Rundeck's process.
    pub process: ProcessSeen,
    /// `GET /health`.
    pub web: WebSeen,
    /// The token-free API step, where it was asked.
    pub boot: Option<BootSeen>,
    /// The readiness endpoint, where it was asked.
    pub ready: Option<ReadySeen>,
    /// `system/info`; `None`: there is no token.
    pub api: Option<ApiSeen>,
    /// The file systems that Rundeck writes to.
    pub disks: Vec<DiskSeen>,
    /// Memory and load; `None`: they cannot be read.
    pub host: Option<HostSeen>,
}

/// What it amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looks {
    /// Nothing is wrong.
    Up,
    /// It serves, but something is wrong.
    Degraded(Degraded),
    /// It must not get requests.
    Down(Reason),
    /// What was seen says nothing about Rundeck.
    Unknown,
}

/// One check in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookRow {
    /// Which.
    pub check: Check,
    /// What it came to.
    pub result: Outcome,
    /// What was seen.
    pub seen: String,
}
