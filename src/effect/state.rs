//! The files that outlive the agent: intent, verdict and receipts, as JSON with the boot they belong to.
//!
//! Writing is done by the store's own thread; this module knows what stands in the files, and nothing else.

use crate::clock::{Clock, rfc3339};
use rundeck_alb_core::{Intent, KeptVerdict, Moment, Receipt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Moments mean something within one boot only, so each file names its boot.
#[derive(Debug, Serialize, Deserialize)]
pub struct OfBoot<T> {
    /// The kernel's id of the boot.
    pub boot_id: String,
    /// What is kept.
    #[serde(flatten)]
    pub value: T,
}

/// `verdict.json`.
pub fn verdict_json(boot_id: &str, verdict: &KeptVerdict) -> Vec<u8> {
    to_json(&OfBoot { boot_id: boot_id.into(), value: verdict })
}

/// `intent.json`.
pub fn intent_json(boot_id: &str, intent: &Intent) -> Vec<u8> {
    to_json(&OfBoot { boot_id: boot_id.into(), value: intent })
}

/// A receipt with wall-clock times, for people and programs read it after a restart.
pub fn receipt_json(receipt: &Receipt, clock: &Clock) -> Vec<u8> {
    let wall = |at: Moment| rfc3339(clock.wall_at(at));
    let steps: Vec<Value> = receipt
        .steps
        .iter()
        .map(|s| {
            json!({
                "name": s.name, "started": wall(s.started), "took_ms": s.took_ms, "result": s.said(),
                "gave_up": s.gave_up,
            })
        })
        .collect();
    to_json(&json!({
        "id": receipt.id,
        "cause": receipt.cause,
        "reason": receipt.reason,
        "started": wall(receipt.started),
        "deadline": receipt.deadline.map(wall),
        "ended": wall(receipt.ended),
        "took_ms": receipt.ended.since(receipt.started).0,
        "steps": steps,
        "running_jobs_waited_for": receipt.running_jobs_waited_for,
        "running_jobs_left": receipt.running_jobs_left,
        "inflight_at_cut": receipt.inflight_at_cut,
        "target_groups": receipt.target_groups,
        "result": receipt.result,
    }))
}

fn to_json(value: &impl Serialize) -> Vec<u8> {
    // Plain data without maps of other keys than strings always serialises; an empty file would be set aside at the
    // next start.
    serde_json::to_vec_pretty(value).unwrap_or_default()
}
