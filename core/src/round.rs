//! One round of the web check: what its answers come to, and the counters of `/health`.
//!
//! The weights of evidence (design 4.1). What follows from the counters is decided in `health.rs`.

use crate::contract::{BootSeen, Moment, Reason, WebSeen};

/// What one round came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Round {
    Pass,
    /// The flag marks strong evidence: believed at once, after one confirming probe.
    Fail(Reason, bool),
    Unknown,
}

/// Consecutive equal results; `unknown` never moves them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Run {
    pub(crate) passes: u32,
    pub(crate) fails: u32,
    /// Of these the last ones in a row that are strong evidence.
    pub(crate) strong: u32,
    /// When the unbroken good run began.
    pub(crate) good_since: Option<Moment>,
    pub(crate) last_pass: Moment,
}

pub(crate) fn judge(web: WebSeen, boot: Option<BootSeen>, shared_hang: bool) -> Round {
    match web {
        WebSeen::Ok | WebSeen::Disabled => match boot {
            None | Some(BootSeen::Past) => Round::Pass,
            Some(BootSeen::StillBooting) => Round::Fail(Reason::Waiting, false),
            Some(BootSeen::Failed) => Round::Fail(Reason::Timeout, false),
        },
        WebSeen::Redirect => Round::Fail(Reason::Redirect, false),
        WebSeen::Status(_) => Round::Fail(Reason::BadStatus, false),
        WebSeen::Body | WebSeen::Truncated => Round::Fail(Reason::BadBody, false),
        WebSeen::Refused => Round::Fail(Reason::Refused, true),
        // A frozen database silences `/health` on every member once 200 requests wait for it: shared, not ours.
        WebSeen::TimedOut if shared_hang => Round::Unknown,
        WebSeen::TimedOut => Round::Fail(Reason::Timeout, false),
        WebSeen::CannotConnect | WebSeen::CannotJudge(_) => Round::Unknown,
    }
}
