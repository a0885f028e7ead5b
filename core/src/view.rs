//! The snapshot, drawn from the heart's parts. It decides nothing.

use crate::answer::{CheckView, DrainView, Finding, RundeckView, Snapshot, TargetView, api_words, web_words};
use crate::drain::Drain;
use crate::heart::Heart;
use crate::node::Lifecycle;
use crate::target::{Group, state_word};
use crate::words::Check;

impl Heart {
    /// What everybody else may know, as of the last event.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            at: self.desk.now,
            answer: self.shown,
            evidence: self.why(&self.shown),
            since: self.since,
            looked_at: self.health.looked_at,
            max_age: self.policy.health.max_age,
            accepting: self.health.accepting(),
            degraded: self.degraded(),
            checks: self.checks(),
            rundeck: self.rundeck(),
            node: self.node.identity.clone(),
            lifecycle: match &self.node.lifecycle {
                Lifecycle::Group(state) => Some(state.clone()),
                Lifecycle::Alone | Lifecycle::Unknown => None,
            },
            targets: self.membership.groups.iter().map(target_view).collect(),
            drain: self.drain.as_ref().and_then(drain_view),
            findings: self
                .desk
                .findings()
                .map(|(word, text)| Finding { finding: word.into(), text: text.into() })
                .collect(),
        }
    }

    fn checks(&self) -> Vec<CheckView> {
        let health = &self.health;
        let process = CheckView {
            check: Check::Process,
            result: if health.process.is_some() { "pass" } else { "unknown" },
            seen: health.process.map_or("not found".into(), |p| format!("pid {}", p.pid)),
            at: None,
            passes: 0,
            fails: 0,
        };
        let (result, seen) = health.last_web.map_or(("unknown", "not asked yet".into()), |(seen, _)| web_words(seen));
        let web = CheckView {
            check: Check::Web,
            result,
            seen,
            at: health.last_web.map(|(_, at)| at),
            passes: health.run.passes,
            fails: health.run.fails,
        };
        let mut checks = vec![process, web];
        if self.policy.health.has_token {
            let (result, seen) =
                self.api.last.as_ref().map_or(("unknown", "not asked yet".into()), |(seen, _)| api_words(seen));
            let at = self.api.last.as_ref().map(|(_, at)| *at);
            checks.push(CheckView { check: Check::Api, result, seen, at, passes: 0, fails: 0 });
        }
        checks
    }

    fn rundeck(&self) -> RundeckView {
        let info = self.api.info.as_ref();
        RundeckView {
            version: info.map(|i| i.version.clone()).filter(|v| !v.is_empty()),
            api_version: info.and_then(|i| i.api_version),
            server_uuid: info.and_then(|i| i.server_uuid.clone()),
            mode: self.api.mode,
            running: self.api.running(),
            process: self.health.process,
            memory_bytes: self.health.memory_bytes,
        }
    }
}

fn target_view(group: &Group) -> TargetView {
    let target = group.target.as_ref();
    TargetView {
        arn: group.facts.as_ref().map(|f| f.arn.clone()),
        name: group.facts.as_ref().map_or_else(|| group.configured_name().to_string(), |f| f.name.clone()),
        id: target.map(|t| t.id.clone()),
        port: target.map(|t| t.port),
        owned: group.owned,
        seen: group.seen.as_ref().map(|(seen, _)| seen.clone()),
        word: group.seen.as_ref().map_or("not asked yet".into(), |(seen, _)| state_word(&seen.state).to_string()),
        since: group.seen.as_ref().map(|_| group.seen_since),
    }
}

fn drain_view(drain: &Drain) -> Option<DrainView> {
    let lead = drain.lead()?;
    Some(DrainView {
        id: drain.id.clone(),
        cause: lead.cause,
        causes: drain.orders.iter().map(|o| o.cause).collect(),
        reason: lead.reason.clone(),
        phase: drain.phase,
        started: drain.started,
        deadline: drain.deadline(),
        steps: drain.steps.clone(),
        in_flight: drain.in_flight.flatten(),
    })
}
