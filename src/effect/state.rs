//! The files that outlive the agent: intent, verdict and receipts, as JSON with the boot they belong to, and the
//! registered targets, which outlive the boot too and name their instance.
//!
//! Writing is done by the store's own thread; this module knows what stands in the files, and nothing else.

use crate::clock::{Clock, rfc3339};
use rundeck_alb_core::{Intent, KeptVerdict, Moment, Receipt, Registrations};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Version of the kept files, each of which carries it. A newer agent's file is read as far as this one knows it.
pub(super) const VERSION: u32 = 1;

/// Files of agents that wrote none are of the first version.
pub(super) fn first_version() -> u32 {
    1
}

/// Moments mean something within one boot only, so each file names its boot.
#[derive(Debug, Serialize, Deserialize)]
pub struct OfBoot<T> {
    /// Of the format.
    #[serde(default = "first_version")]
    pub version: u32,
    /// The kernel's id of the boot.
    pub boot_id: String,
    /// What is kept.
    #[serde(flatten)]
    pub value: T,
}

/// `verdict.json`.
pub fn verdict_json(boot_id: &str, verdict: &KeptVerdict) -> Vec<u8> {
    to_json(&OfBoot { version: VERSION, boot_id: boot_id.into(), value: verdict })
}

/// `intent.json`.
pub fn intent_json(boot_id: &str, intent: &Intent) -> Vec<u8> {
    to_json(&OfBoot { version: VERSION, boot_id: boot_id.into(), value: intent })
}

/// `registered.json`, as it is read: a target that cannot be understood costs only itself.
#[derive(Debug, Serialize, Deserialize)]
pub struct RegisteredFile {
    /// Of the format.
    pub version: u32,
    /// Whose targets they are.
    pub instance: String,
    /// One object each.
    #[serde(default)]
    pub targets: Vec<Value>,
}

impl RegisteredFile {
    /// What it says, and what of it cannot be understood.
    #[must_use]
    pub fn read(self) -> (Registrations, Option<String>) {
        let all = self.targets.len();
        let targets: Vec<_> = self.targets.into_iter().filter_map(|one| serde_json::from_value(one).ok()).collect();
        let lost = all - targets.len();
        let trouble = (lost > 0).then(|| {
            format!(
                "registered.json (version {}, this agent writes {VERSION}) has {lost} of {all} targets that \
                 cannot be understood: what they stand for is not left when it is no longer named",
                self.version
            )
        });
        (Registrations { instance: self.instance, targets }, trouble)
    }
}

/// `registered.json`.
pub fn registered_json(registered: &Registrations) -> Vec<u8> {
    to_json(&json!({
        "version": VERSION, "instance": registered.instance, "targets": registered.targets,
    }))
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
        "version": VERSION,
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
        "ended_by": receipt.ended_by,
    }))
}

pub(super) fn to_json(value: &impl Serialize) -> Vec<u8> {
    // Plain data without maps of other keys than strings always serialises; an empty file would be set aside at the
    // next start.
    serde_json::to_vec_pretty(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rundeck_alb_core::{Ownership, Registered, Target};

    fn registered() -> Registrations {
        let target = Target { group: "arn:g".into(), name: "g".into(), id: "i-1".into(), port: 4440 };
        Registrations { instance: "i-1".into(), targets: vec![Registered { target, ownership: Ownership::Own }] }
    }

    #[test]
    fn registered_targets_are_read_back_and_a_newer_file_as_far_as_it_is_known() {
        let mut file: Value = serde_json::from_slice(&registered_json(&registered())).expect("json");
        assert_eq!(file["version"], 1);
        let read = |file: &Value| serde_json::from_value::<RegisteredFile>(file.clone()).expect("a file").read();
        assert_eq!(read(&file), (registered(), None));
        file["version"] = json!(2);
        file["more"] = json!({"of": "it"});
        file["targets"][0]["weight"] = json!(3);
        assert_eq!(read(&file), (registered(), None));
        file["targets"].as_array_mut().expect("a list").push(json!({"pool": "another kind"}));
        let (known, trouble) = read(&file);
        assert_eq!(known, registered());
        let trouble = trouble.expect("told");
        assert!(trouble.contains("1 of 2 targets") && trouble.contains("version 2"), "{trouble}");
    }
}
