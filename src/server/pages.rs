//! The answers of the health port as bytes, rendered once for each published snapshot.
//!
//! A request then chooses between the page of the verdict and the page of a verdict that has become too old, and
//! patches the one number that changes between two snapshots. Nothing here decides: words and status come from core.

use crate::clock::{Clock, rfc3339};
use bytes::{BufMut, Bytes, BytesMut};
use rundeck_alb_core::{Answer, Moment, Reason, Snapshot, State};

/// Room for the digits of the largest age, so that patching it in allocates once.
const LONGEST_AGE: usize = 20;

/// Rundeck's own answers of `executions/status`.
const ACTIVE: &[u8] = br#"{"executionMode":"active"}"#;
const PASSIVE: &[u8] = br#"{"executionMode":"passive"}"#;

/// Both pages of one snapshot.
#[derive(Debug)]
pub(super) struct Pages {
    fresh: Page,
    stale: Page,
}

impl Pages {
    pub(super) fn new(snapshot: &Snapshot, clock: &Clock) -> Self {
        let stale = Answer { ok: false, state: State::Stale, reason: Reason::Stale };
        let stale_since = snapshot.looked_at + snapshot.max_age;
        Self {
            fresh: Page::new(snapshot, snapshot.answer, snapshot.since, clock),
            stale: Page::new(snapshot, stale, stale_since, clock),
        }
    }

    /// The page that is true at this moment.
    pub(super) fn at(&self, snapshot: &Snapshot, now: Moment) -> &Page {
        match snapshot.answer_at(now).state {
            State::Stale => &self.stale,
            _ => &self.fresh,
        }
    }
}

/// One answer in each of its three forms.
#[derive(Debug)]
pub(super) struct Page {
    answer: Answer,
    text: Bytes,
    json_head: String,
    json_tail: String,
}

impl Page {
    fn new(snapshot: &Snapshot, answer: Answer, since: Moment, clock: &Clock) -> Self {
        let text = if answer.ok { "ok".into() } else { format!("{}: {}", answer.state, answer.reason) };
        let status = if answer.ok { "ok" } else { "fail" };
        // Every word is from a closed list without a character that JSON escapes.
        let degraded: Vec<String> = snapshot.degraded.iter().map(|cause| format!("\"{cause}\"")).collect();
        Self {
            answer,
            text: Bytes::from(text),
            json_head: format!(
                r#"{{"status":"{status}","state":"{}","reason":"{}","degraded":[{}],"age_ms":"#,
                answer.state,
                answer.reason,
                degraded.join(",")
            ),
            json_tail: format!(r#","since":"{}","version":"{}"}}"#, rfc3339(clock.wall_at(since)), super::VERSION),
        }
    }

    /// 200 or 503.
    pub(super) fn ok(&self) -> bool {
        self.answer.ok
    }

    /// `ok`, or state and reason.
    pub(super) fn text(&self) -> Bytes {
        self.text.clone()
    }

    /// The JSON of the verdict, for `Accept: application/json`.
    pub(super) fn json(&self, age_ms: u64) -> Bytes {
        let mut body = BytesMut::with_capacity(self.json_head.len() + LONGEST_AGE + self.json_tail.len());
        body.put_slice(self.json_head.as_bytes());
        body.put_slice(age_ms.to_string().as_bytes());
        body.put_slice(self.json_tail.as_bytes());
        body.freeze()
    }

    /// The JSON for `executions/status`: Rundeck's own where it has a word for it, else that of the verdict.
    pub(super) fn execution_mode(&self, age_ms: u64) -> Bytes {
        match self.answer {
            Answer { ok: true, .. } => Bytes::from_static(ACTIVE),
            Answer { reason: Reason::Passive, .. } => Bytes::from_static(PASSIVE),
            _ => self.json(age_ms),
        }
    }
}
