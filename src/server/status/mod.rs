//! The JSON of `/status`: everything that `status` and `explain` show. Its schema is docs/STATUS.md.
//!
//! Moments become wall-clock times here, and ages are given beside them, so that a reader needs no clock of its own.

use super::{Board, Counters, VERSION};
use crate::clock::{Clock, rfc3339};
use rundeck_alb_core::{
    Agreement, Answer, CheckView, Class, Degraded, DrainView, FindingView, HoldView, Hook, HookView, Identity,
    LikelyCause, Maintenance, Mode, Moment, Outcome, Process, RundeckView, Snapshot, Step, StepName, TargetView,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// One look at the agent.
#[derive(Debug, Serialize)]
pub(super) struct StatusView {
    version: &'static str,
    /// When this was written.
    at: String,
    health: HealthView,
    checks: Vec<Check>,
    rundeck: Rundeck,
    node: Option<Identity>,
    lifecycle: Option<String>,
    standing: Option<String>,
    targets: Vec<Target>,
    guard: Option<Guard>,
    hook: Option<Running>,
    maintenance: Option<Maintained>,
    drain: Option<Drain>,
    findings: Vec<FindingView>,
    aws_requests: Vec<AwsRequests>,
    health_requests: BTreeMap<u16, u64>,
}

#[derive(Debug, Serialize)]
struct HealthView {
    #[serde(flatten)]
    answer: Answer,
    evidence: String,
    since: String,
    since_ms: u64,
    age_ms: u64,
    max_age_ms: u64,
    degraded: Vec<Degraded>,
}

#[derive(Debug, Serialize)]
struct Check {
    check: rundeck_alb_core::Check,
    class: Class,
    result: Outcome,
    seen: String,
    at: Option<String>,
    age_ms: Option<u64>,
    took_ms: Option<u64>,
    passes: u32,
    fails: u32,
    /// Until the next look.
    next_ms: Option<u64>,
    change: String,
}

#[derive(Debug, Serialize)]
struct Rundeck {
    version: Option<String>,
    api_version: Option<u32>,
    server_uuid: Option<String>,
    mode: Option<Mode>,
    running: Option<u32>,
    pid: Option<u32>,
    started: Option<String>,
    memory_bytes: Option<u64>,
    threads: Option<u32>,
}

#[derive(Debug, Serialize)]
struct Target {
    target_group: String,
    arn: Option<String>,
    id: Option<String>,
    port: Option<u16>,
    owned: bool,
    state: String,
    reason: Option<String>,
    description: Option<String>,
    since: Option<String>,
    since_ms: Option<u64>,
    /// The balancer's own health check of the target, as last read.
    check_interval_ms: Option<u64>,
    unhealthy_threshold: Option<u32>,
    asks_agent: Option<bool>,
    administrative_override: Option<String>,
    anomaly: Option<String>,
    /// What the node makes of the balancer's word.
    agreement: Option<Agreement>,
    cause: Option<LikelyCause>,
    why: Option<String>,
    expected: Option<String>,
    expected_ms: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Drain {
    id: String,
    cause: rundeck_alb_core::Cause,
    causes: Vec<rundeck_alb_core::Cause>,
    reason: String,
    phase: rundeck_alb_core::DrainPhase,
    started: String,
    started_ms: u64,
    deadline: Option<String>,
    steps: Vec<StepView>,
    in_flight: Option<u32>,
}

#[derive(Debug, Serialize)]
struct StepView {
    name: StepName,
    started: String,
    took_ms: Option<u64>,
    result: String,
    gave_up: bool,
}

#[derive(Debug, Serialize)]
struct Guard {
    refused: bool,
    text: String,
    until: Option<String>,
    /// Until it is asked again.
    next_ms: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Running {
    hook: Hook,
    commands: usize,
    since: String,
    since_ms: u64,
    until: String,
    left_ms: u64,
    waits: bool,
}

#[derive(Debug, Serialize)]
struct Maintained {
    reason: String,
    since: String,
    since_ms: u64,
    until: Option<String>,
    /// Until it ends by itself.
    left_ms: Option<u64>,
}

#[derive(Debug, Serialize)]
struct AwsRequests {
    service: &'static str,
    operation: &'static str,
    result: &'static str,
    count: u64,
}

impl StatusView {
    pub(super) fn new(board: &Board, counters: &Counters, clock: &Clock) -> Self {
        let published = board.read();
        let snapshot = &published.snapshot;
        let times = Times { clock, now: clock.now() };
        Self {
            version: VERSION,
            at: rfc3339(clock.wall()),
            health: times.health(snapshot),
            checks: snapshot.checks.iter().map(|check| times.check(check)).collect(),
            rundeck: rundeck(&snapshot.rundeck, &times),
            node: snapshot.node.clone(),
            lifecycle: snapshot.lifecycle.clone(),
            standing: snapshot.standing.clone().map(std::borrow::Cow::into_owned),
            targets: snapshot.targets.iter().map(|target| times.target(target)).collect(),
            guard: snapshot.hold.as_ref().map(|hold| times.guard(hold)),
            hook: snapshot.hook.map(|running| times.running(running)),
            maintenance: snapshot.maintenance.as_ref().map(|on| times.maintenance(on)),
            drain: snapshot.drain.as_ref().map(|drain| times.drain(drain)),
            findings: snapshot.findings.clone(),
            aws_requests: aws_requests(counters),
            health_requests: board.health_requests().by_status().filter(|(_, count)| *count > 0).collect(),
        }
    }
}

/// Turns moments into times, all by the same now.
struct Times<'a> {
    clock: &'a Clock,
    now: Moment,
}

impl Times<'_> {
    fn wall(&self, moment: Moment) -> String {
        rfc3339(self.clock.wall_at(moment))
    }

    fn age(&self, moment: Moment) -> u64 {
        self.now.since(moment).0
    }

    fn health(&self, snapshot: &Snapshot) -> HealthView {
        let answer = snapshot.answer_at(self.now);
        let since = if answer == snapshot.answer { snapshot.since } else { snapshot.looked_at + snapshot.max_age };
        HealthView {
            answer,
            evidence: snapshot.evidence.clone(),
            since: self.wall(since),
            since_ms: self.age(since),
            age_ms: self.age(snapshot.looked_at),
            max_age_ms: snapshot.max_age.0,
            degraded: snapshot.degraded.clone(),
        }
    }

    fn check(&self, view: &CheckView) -> Check {
        Check {
            check: view.check,
            class: view.class,
            result: view.result,
            seen: view.seen.clone().into_owned(),
            at: view.at.map(|at| self.wall(at)),
            age_ms: view.at.map(|at| self.age(at)),
            took_ms: view.took.map(|took| took.0),
            passes: view.passes,
            fails: view.fails,
            next_ms: view.next.map(|next| next.since(self.now).0),
            change: view.change.clone().into_owned(),
        }
    }

    fn target(&self, view: &TargetView) -> Target {
        let words = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let (seen, balancer) = (view.seen.as_ref(), view.balancer.as_ref());
        let expected = balancer.and_then(|balancer| balancer.expected);
        Target {
            target_group: view.name.clone(),
            arn: view.arn.clone(),
            id: view.id.clone(),
            port: view.port,
            owned: view.owned,
            state: view.word.clone(),
            reason: seen.and_then(|seen| words(&seen.reason)),
            description: seen.and_then(|seen| words(&seen.description)),
            since: view.since.map(|since| self.wall(since)),
            since_ms: view.since.map(|since| self.age(since)),
            check_interval_ms: view.check_interval.map(|interval| interval.0),
            unhealthy_threshold: view.unhealthy_threshold,
            asks_agent: view.asks_agent,
            administrative_override: seen.map(|seen| seen.overridden.word().to_owned()),
            anomaly: seen.map(|seen| seen.anomaly.word().to_owned()),
            agreement: balancer.map(|balancer| balancer.agreement),
            cause: balancer.and_then(|balancer| balancer.cause),
            why: balancer.and_then(|balancer| words(&balancer.why)),
            expected: expected.map(|by| self.wall(by)),
            expected_ms: expected.map(|by| by.since(self.now).0),
        }
    }

    fn guard(&self, view: &HoldView) -> Guard {
        Guard {
            refused: view.refused,
            text: view.text.clone(),
            until: view.until.map(|until| self.wall(until)),
            next_ms: view.until.map(|until| until.since(self.now).0),
        }
    }

    fn running(&self, view: HookView) -> Running {
        Running {
            hook: view.hook,
            commands: view.commands,
            since: self.wall(view.since),
            since_ms: self.age(view.since),
            until: self.wall(view.until),
            left_ms: view.until.since(self.now).0,
            waits: view.waits,
        }
    }

    fn maintenance(&self, on: &Maintenance) -> Maintained {
        Maintained {
            reason: on.reason.clone(),
            since: self.wall(on.since),
            since_ms: self.age(on.since),
            until: on.until.map(|until| self.wall(until)),
            left_ms: on.until.map(|until| until.since(self.now).0),
        }
    }

    fn drain(&self, view: &DrainView) -> Drain {
        Drain {
            id: view.id.clone(),
            cause: view.cause,
            causes: view.causes.clone(),
            reason: view.reason.clone(),
            phase: view.phase,
            started: self.wall(view.started),
            started_ms: self.age(view.started),
            deadline: view.deadline.map(|deadline| self.wall(deadline)),
            steps: view.steps.iter().map(|step| self.step(step)).collect(),
            in_flight: view.in_flight,
        }
    }

    fn step(&self, step: &Step) -> StepView {
        StepView {
            name: step.name,
            started: self.wall(step.started),
            took_ms: step.took_ms,
            result: step.said(),
            gave_up: step.gave_up,
        }
    }
}

fn rundeck(view: &RundeckView, times: &Times<'_>) -> Rundeck {
    Rundeck {
        version: view.version.clone(),
        api_version: view.api_version,
        server_uuid: view.server_uuid.clone(),
        mode: view.mode,
        running: view.running,
        pid: view.process.map(|process| process.pid),
        started: view.process.map(|process| times.wall(start_of(process))),
        memory_bytes: view.memory_bytes,
        threads: view.threads,
    }
}

/// The kernel counts a start in hundredths of a second since boot (proc(5), `starttime`).
fn start_of(process: Process) -> Moment {
    Moment(process.start.saturating_mul(10))
}

fn aws_requests(counters: &Counters) -> Vec<AwsRequests> {
    let requests = counters.aws_requests().into_iter();
    requests
        .map(|(service, operation, result, count)| AwsRequests { service, operation, result: result.word(), count })
        .collect()
}

#[cfg(test)]
mod tests;
