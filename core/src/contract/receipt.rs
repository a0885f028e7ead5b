//! The written end of a drain (interface 7): what was done, how long it took, what was given up.

use super::moment::Moment;
use super::words::Cause;
use serde::{Deserialize, Serialize};

/// How a drain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DrainResult {
    /// Everything was done and proven.
    Clean,
    /// Nobody could tell whether jobs ran or requests were in flight.
    Unproven,
    /// Something was given up or could not be done.
    CutShort,
    /// Taken back before its end.
    Resumed,
    /// A second signal ended it.
    Aborted,
}

/// One step of a drain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// `advertise`, `passive`, `deregister`, `quiet`, `jobs`.
    pub name: String,
    /// When it began.
    pub started: Moment,
    /// How long it took; `None` while it runs.
    pub took_ms: Option<u64>,
    /// What came of it, for people.
    pub result: String,
    /// It was ended before its aim was reached.
    pub gave_up: bool,
}

/// One target group in a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupLeft {
    /// ARN.
    pub arn: String,
    /// Traffic port.
    pub port: u16,
    /// AWS confirmed the deregistration.
    pub deregistered: bool,
    /// AWS's request id.
    pub request_id: Option<String>,
}

/// The receipt. Moments become wall-clock times when it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Names the file.
    pub id: String,
    /// The strictest cause's word.
    pub cause: Cause,
    /// Free text of the operator.
    pub reason: String,
    /// When the drain began.
    pub started: Moment,
    /// When it had to end, if anything said so.
    pub deadline: Option<Moment>,
    /// When it ended.
    pub ended: Moment,
    /// What was done.
    pub steps: Vec<Step>,
    /// The most jobs seen running during the drain.
    pub running_jobs_waited_for: u32,
    /// Jobs still running at the end; `None`: unknown.
    pub running_jobs_left: Option<u32>,
    /// Connections in flight when the quiet phase ended; `None`: unknown.
    pub inflight_at_cut: Option<u32>,
    /// The groups of this node.
    pub target_groups: Vec<GroupLeft>,
    /// In one word.
    pub result: DrainResult,
}

/// The result as it stands in receipts and metrics.
pub fn result_word(result: DrainResult) -> &'static str {
    match result {
        DrainResult::Clean => "clean",
        DrainResult::Unproven => "unproven",
        DrainResult::CutShort => "cut-short",
        DrainResult::Resumed => "resumed",
        DrainResult::Aborted => "aborted",
    }
}
