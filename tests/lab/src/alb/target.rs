//! One target: what the balancer nodes have seen of it and the state the API tells (ALB user guide, "Health checks
//! for your target groups" and "Target health status"). Pure: time and check results come in, nothing is asked.

use std::fmt;

use tokio::sync::watch;

use super::settings::HealthCheck;
use crate::clock::Instant;

/// What makes a target: the same id on two ports is two targets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetKey {
    /// Instance id or address, by the type of the group.
    pub id: String,
    /// Traffic port.
    pub port: u16,
}

impl TargetKey {
    /// Short for building one.
    #[must_use]
    pub fn new(id: &str, port: u16) -> Self {
        Self { id: id.to_owned(), port }
    }
}

impl fmt::Display for TargetKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.id, self.port)
    }
}

/// The states of the API that an ALB's instance and ip targets can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Being registered, or not yet judged.
    Initial,
    /// Gets requests.
    Healthy,
    /// Gets requests only when all others are unhealthy too.
    Unhealthy,
    /// Not a target, or one that nobody asks.
    Unused,
    /// Deregistered, with its delay not over.
    Draining,
}

impl State {
    /// The word of the API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
            Self::Unused => "unused",
            Self::Draining => "draining",
        }
    }
}

/// What `DescribeTargetHealth` says of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The state.
    pub state: State,
    /// The reason code; `healthy` has none.
    pub reason: Option<&'static str>,
    /// AWS's words for the reason.
    pub description: Option<String>,
}

impl Health {
    pub(super) fn because(state: State, reason: &'static str, description: impl Into<String>) -> Self {
        Self { state, reason: Some(reason), description: Some(description.into()) }
    }

    pub(super) fn not_registered() -> Self {
        Self::because(State::Unused, "Target.NotRegistered", "Target is not registered to the target group")
    }
}

/// How one check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckResult {
    /// An answer with this status came in time.
    Status(u16),
    /// No answer in time.
    TimedOut,
    /// Refused, reset, or not HTTP.
    Failed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opinion {
    Initial,
    Healthy,
    Unhealthy,
}

/// What one balancer node thinks of the target.
#[derive(Debug, Clone)]
struct View {
    opinion: Opinion,
    passes: u32,
    failures: u32,
    last_failure: CheckResult,
    next_check: Instant,
}

impl View {
    fn starting(first_check: Instant) -> Self {
        Self {
            opinion: Opinion::Initial,
            passes: 0,
            failures: 0,
            last_failure: CheckResult::Failed,
            next_check: first_check,
        }
    }

    fn learn(&mut self, result: CheckResult, check: &HealthCheck) {
        if matches!(result, CheckResult::Status(status) if check.passes(status)) {
            self.failures = 0;
            self.passes = self.passes.saturating_add(1);
            let needed = if self.opinion == Opinion::Initial { 1 } else { check.healthy_threshold };
            if self.passes >= needed {
                self.opinion = Opinion::Healthy;
            }
        } else {
            self.passes = 0;
            self.failures = self.failures.saturating_add(1);
            self.last_failure = result;
            if self.failures >= check.unhealthy_threshold {
                self.opinion = Opinion::Unhealthy;
            }
        }
    }
}

/// A registered or draining target.
#[derive(Debug)]
pub(super) struct Target {
    checks_from: Instant,
    views: Vec<View>,
    /// End of the drain, while draining. Requests in flight watch it.
    drain: watch::Sender<Option<Instant>>,
    /// Grows with each registration, so that a check begun before it counts for nothing.
    pub(super) generation: u64,
    /// What the group's history said last.
    pub(super) told: Option<(State, Option<&'static str>)>,
}

impl Target {
    pub(super) fn registered(checks_from: Instant, nodes: usize, generation: u64) -> Self {
        let views = vec![View::starting(checks_from); nodes];
        Self { checks_from, views, drain: watch::Sender::new(None), generation, told: None }
    }

    /// Begins anew as `initial`; requests in flight go on.
    pub(super) fn restart(&mut self, checks_from: Instant, generation: u64) {
        self.checks_from = checks_from;
        self.generation = generation;
        self.views.fill(View::starting(checks_from));
        self.drain.send_replace(None);
    }

    pub(super) fn drain_until(&mut self, end: Instant) {
        self.drain.send_replace(Some(end));
    }

    pub(super) fn drains_until(&self) -> Option<Instant> {
        *self.drain.borrow()
    }

    pub(super) fn watch_drain(&self) -> watch::Receiver<Option<Instant>> {
        self.drain.subscribe()
    }

    /// Whether balancer node `node` checks now; if so its next check is an interval later. Also tells when that is.
    pub(super) fn take_check(&mut self, node: usize, now: Instant, check: &HealthCheck) -> (bool, Instant) {
        let Some(view) = self.views.get_mut(node) else {
            return (false, crate::clock::never());
        };
        let due = view.next_check <= now;
        if due {
            view.next_check = now + check.interval;
        }
        (due, view.next_check)
    }

    pub(super) fn learn(&mut self, node: usize, result: CheckResult, check: &HealthCheck) {
        if let Some(view) = self.views.get_mut(node) {
            view.learn(result, check);
        }
    }

    /// The state by registration, drain and checks; that the group is unused or the instance stopped is the group's to
    /// say. The nodes' views are told as their worst: `unhealthy` where one says so, `healthy` where all do.
    pub(super) fn health(&self, now: Instant) -> Health {
        if self.drains_until().is_some() {
            return Health::because(
                State::Draining,
                "Target.DeregistrationInProgress",
                "Target deregistration is in progress",
            );
        }
        if now < self.checks_from {
            return Health::because(State::Initial, "Elb.RegistrationInProgress", "Target registration is in progress");
        }
        if let Some(view) = self.views.iter().find(|view| view.opinion == Opinion::Unhealthy) {
            return unhealthy(view.last_failure);
        }
        if self.views.iter().any(|view| view.opinion == Opinion::Initial) {
            return Health::because(State::Initial, "Elb.InitialHealthChecking", "Initial health checks in progress");
        }
        Health { state: State::Healthy, reason: None, description: None }
    }
}

fn unhealthy(failure: CheckResult) -> Health {
    let (reason, description) = match failure {
        CheckResult::Status(status) => {
            ("Target.ResponseCodeMismatch", format!("Health checks failed with these codes: [{status}]"))
        }
        CheckResult::TimedOut => ("Target.Timeout", "Request timed out".to_owned()),
        CheckResult::Failed => ("Target.FailedHealthChecks", "Health checks failed".to_owned()),
    };
    Health::because(State::Unhealthy, reason, description)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    const GOOD: CheckResult = CheckResult::Status(200);
    const BAD: CheckResult = CheckResult::Status(503);

    fn target() -> (Target, HealthCheck, Instant) {
        let now = clock::now();
        let check = HealthCheck { healthy_threshold: 3, unhealthy_threshold: 2, ..HealthCheck::default() };
        (Target::registered(now, 1, 1), check, now)
    }

    fn word(target: &Target, now: Instant) -> (&'static str, Option<&'static str>) {
        let health = target.health(now);
        (health.state.word(), health.reason)
    }

    #[test]
    fn one_pass_makes_a_new_target_healthy_even_after_a_failure() {
        let (mut target, check, now) = target();
        assert_eq!(word(&target, now), ("initial", Some("Elb.InitialHealthChecking")));
        target.learn(0, BAD, &check);
        assert_eq!(word(&target, now).0, "initial");
        target.learn(0, GOOD, &check);
        assert_eq!(word(&target, now), ("healthy", None));
    }

    #[test]
    fn thresholds_count_results_in_a_row() {
        let (mut target, check, now) = target();
        for (result, state) in [
            (GOOD, "healthy"),
            (BAD, "healthy"),
            (GOOD, "healthy"),
            (BAD, "healthy"),
            (BAD, "unhealthy"),
            (GOOD, "unhealthy"),
            (GOOD, "unhealthy"),
            (BAD, "unhealthy"),
            (GOOD, "unhealthy"),
            (GOOD, "unhealthy"),
            (GOOD, "healthy"),
        ] {
            target.learn(0, result, &check);
            assert_eq!(word(&target, now).0, state, "after {result:?}");
        }
    }

    #[test]
    fn the_reason_names_the_last_failure_in_awss_words() {
        let (mut target, check, now) = target();
        for (result, reason, text) in [
            (BAD, "Target.ResponseCodeMismatch", "Health checks failed with these codes: [503]"),
            (CheckResult::TimedOut, "Target.Timeout", "Request timed out"),
            (CheckResult::Failed, "Target.FailedHealthChecks", "Health checks failed"),
        ] {
            target.learn(0, result, &check);
            target.learn(0, result, &check);
            assert_eq!(target.health(now), Health::because(State::Unhealthy, reason, text));
        }
    }

    #[test]
    fn every_node_of_the_balancer_has_its_own_view() {
        let now = clock::now();
        let check = HealthCheck::default();
        let mut target = Target::registered(now, 2, 1);
        target.learn(0, GOOD, &check);
        assert_eq!(word(&target, now).0, "initial");
        target.learn(1, GOOD, &check);
        assert_eq!(word(&target, now).0, "healthy");
        target.learn(1, BAD, &check);
        target.learn(1, BAD, &check);
        assert_eq!(word(&target, now).0, "unhealthy");
    }
}
