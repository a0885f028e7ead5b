//! The snapshot, drawn from the heart's parts. It decides nothing.

use super::Heart;
use crate::contract::{Answer, Answering, Own, RundeckView, Snapshot};
use crate::leaving::Drain;

impl Heart {
    /// The answer of the snapshot alone, for whoever needs no more of it.
    pub fn answer(&self) -> Answer {
        self.shown
    }

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
            node: self.membership.identity().cloned(),
            lifecycle: self.asg.state().map(str::to_owned),
            standing: self.standing().map(Into::into),
            targets: self.membership.views(self.own(), Answering::by(&self.policy)),
            hold: self.membership.hold_view(),
            hook: self.membership.hook_view(),
            maintenance: self.upkeep.on().cloned(),
            drain: self.drain.as_ref().and_then(Drain::view),
            findings: self.desk.findings(),
        }
    }

    /// What the node says of itself to the load balancer.
    pub(super) fn own(&self) -> Own {
        match (self.refusing, self.serving) {
            (Some(since), _) => Own::Out(since),
            (None, Some(since)) if self.drain.is_none() => Own::Up(since),
            (None, _) => Own::Leaving,
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
