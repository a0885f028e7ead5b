//! The snapshot, drawn from the heart's parts. It decides nothing.

use crate::contract::{DrainView, Finding, HealthPolicy, RundeckView, Snapshot, Span, TargetView, state_word};
use crate::drain::Drain;
use crate::heart::Heart;
use crate::membership::asks_agent;
use crate::node::Lifecycle;
use crate::target::Group;

impl Heart {
    /// What everybody else may know, as of the last event.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            at: self.desk.now(),
            answer: self.shown,
            evidence: self.why(&self.shown),
            since: self.since,
            looked_at: self.health.looked_at(),
            max_age: self.policy.health.max_age,
            accepting: self.health.accepting(),
            degraded: self.degraded(),
            checks: self.rows(),
            rundeck: self.rundeck(),
            node: self.node.identity.clone(),
            lifecycle: match &self.node.lifecycle {
                Lifecycle::Group(state) => Some(state.clone()),
                Lifecycle::Alone | Lifecycle::Unknown => None,
            },
            targets: self.membership.groups.iter().map(|group| target_view(group, &self.policy.health)).collect(),
            drain: self.drain.as_ref().and_then(drain_view),
            findings: self
                .desk
                .findings()
                .map(|(word, text)| Finding { finding: word.into(), text: text.into() })
                .collect(),
        }
    }

    fn rundeck(&self) -> RundeckView {
        let info = self.api.info();
        RundeckView {
            version: info.map(|i| i.version.clone()).filter(|v| !v.is_empty()),
            api_version: info.and_then(|i| i.api_version),
            server_uuid: info.and_then(|i| i.server_uuid.clone()),
            mode: self.api.mode(),
            running: self.api.running(),
            process: self.health.process(),
            memory_bytes: self.health.process().map(|_| self.health.jvm().memory),
            threads: self.health.process().map(|_| self.health.jvm().threads),
        }
    }
}

fn target_view(group: &Group, health: &HealthPolicy) -> TargetView {
    let (target, facts) = (group.target.as_ref(), group.facts.as_ref());
    TargetView {
        arn: group.facts.as_ref().map(|f| f.arn.clone()),
        name: group.facts.as_ref().map_or_else(|| group.configured_name().to_string(), |f| f.name.clone()),
        id: target.map(|t| t.id.clone()),
        port: target.map(|t| t.port),
        owned: group.owned,
        seen: group.seen.as_ref().map(|(seen, _)| seen.clone()),
        word: group.seen.as_ref().map_or("not asked yet".into(), |(seen, _)| state_word(&seen.state).to_string()),
        since: group.seen.as_ref().map(|_| group.seen_since),
        check_interval: facts.map(|f| Span::secs(f.check_interval_secs)),
        unhealthy_threshold: facts.map(|f| f.unhealthy_threshold),
        asks_agent: facts.map(|f| asks_agent(f, health)),
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
