//! Snapshots and counters for the tests of the servers, and golden files.

use crate::aws::CallResult;
use crate::clock::Clock;
use crate::server::Counters;
use rundeck_alb_core::{
    Agreement, Answer, BalancerView, Cause, Check, CheckView, Deregistered, DrainPhase, DrainResult, DrainView,
    Finding, FindingView, Identity, Maintenance, Mode, Moment, Outcome, Process, Reason, RundeckView, Snapshot, Span,
    State, Step, StepName, StepResult, TargetReason, TargetSeen, TargetState, TargetView,
};
use std::path::Path;
use std::time::Duration;

/// A healthy node, a moment after its last round.
pub fn up(clock: &Clock) -> Snapshot {
    let now = clock.now();
    Snapshot {
        at: now,
        answer: Answer { ok: true, state: State::Up, reason: Reason::Ok },
        evidence: "3 good rounds".into(),
        since: now - Span::secs(60),
        looked_at: now - Span::millis(1_200),
        max_age: Span::secs(20),
        accepting: true,
        degraded: Vec::new(),
        checks: checks(now),
        rundeck: RundeckView {
            version: Some("5.20.1-20260624".into()),
            api_version: Some(58),
            server_uuid: Some("5f5c1c6b-0f2b-4a55-9b5a-3e4d0c2e0001".into()),
            mode: Some(Mode::Active),
            running: Some(2),
            process: Some(Process { pid: 4121, start: 90_000 }),
            memory_bytes: Some(1_610_612_736),
            threads: Some(87),
        },
        node: Some(Identity {
            instance_id: "i-0a1b2c3d4e5f60718".into(),
            private_ip: Some("10.0.1.17".into()),
            region: "eu-west-1".into(),
            zone: "eu-west-1a".into(),
            ..Identity::default()
        }),
        lifecycle: Some("InService".into()),
        standing: None,
        targets: vec![target(now)],
        hold: None,
        hook: None,
        maintenance: None,
        drain: None,
        findings: Vec::new(),
    }
}

fn checks(now: Moment) -> Vec<CheckView> {
    let check = |check: Check, seen: &'static str, at, passes| CheckView {
        check,
        class: check.class(),
        result: Outcome::Pass,
        seen: seen.into(),
        at,
        took: Some(Span::millis(3)),
        passes,
        fails: 0,
        next: Some(now + Span::millis(3_800)),
        change: "3 more bad answers take the node out".into(),
    };
    vec![
        check(Check::Process, "pid 4121", None, 0),
        check(Check::Web, "200 ok", Some(now - Span::millis(1_200)), 12),
        check(Check::Api, "active, 2 jobs running", Some(now - Span::secs(9)), 0),
    ]
}

fn target(now: Moment) -> TargetView {
    TargetView {
        arn: Some(
            "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/rundeck-prod/0123456789abcdef".into(),
        ),
        name: "rundeck-prod".into(),
        id: Some("i-0a1b2c3d4e5f60718".into()),
        port: Some(4440),
        owned: true,
        seen: Some(TargetSeen::plain(TargetState::Healthy)),
        word: "healthy".into(),
        since: Some(now - Span::secs(50)),
        check_interval: Some(Span::secs(10)),
        unhealthy_threshold: Some(2),
        asks_agent: Some(true),
        balancer: Some(BalancerView { agreement: Agreement::Agrees, cause: None, why: "".into(), expected: None }),
    }
}

/// The same node with another answer.
pub fn answering(clock: &Clock, ok: bool, state: State, reason: Reason) -> Snapshot {
    Snapshot { answer: Answer { ok, state, reason }, ..up(clock) }
}

/// The same node while it leaves, with a finding whose text needs escapes.
pub fn draining(clock: &Clock) -> Snapshot {
    let now = clock.now();
    let step =
        |name, ago, took_ms, result| Step { name, started: now - Span::secs(ago), took_ms, result, gave_up: false };
    let mut node = answering(clock, false, State::Draining, Reason::Operator);
    node.drain = Some(DrainView {
        id: "20260101T000000-operator".into(),
        cause: Cause::Operator,
        causes: vec![Cause::Operator, Cause::AgentStopping],
        reason: "kernel \"6.18\"\nupdate \\ reboot".into(),
        phase: DrainPhase::Jobs,
        started: now - Span::secs(30),
        deadline: Some(now + Span::secs(1_770)),
        steps: vec![
            step(StepName::Deregister, 30, Some(410), Some(StepResult::Deregistered(Deregistered::Done))),
            step(StepName::Quiet, 29, Some(25_000), Some(StepResult::NothingInFlight)),
            step(StepName::Jobs, 4, None, None),
        ],
        in_flight: Some(0),
    });
    // It goes on beneath the drain.
    let (since, until) = (now - Span::secs(600), Some(now + Span::secs(1_200)));
    node.maintenance = Some(Maintenance { reason: "disks".into(), since, until });
    for target in &mut node.targets {
        target.seen = Some(TargetSeen {
            reason: "Target.DeregistrationInProgress".into(),
            description: "Target deregistration is in progress".into(),
            because: TargetReason::Deregistering,
            ..TargetSeen::plain(TargetState::Leaving)
        });
        target.word = "draining".into();
    }
    node.findings = vec![FindingView {
        finding: Finding::AwsThrottled,
        text: "AWS throttles this account: \"Rate exceeded\"".into(),
    }];
    node
}

/// Counters after a day's work.
pub fn counters() -> Counters {
    let counters = Counters::default();
    counters.transition(State::Booting, State::Up, Reason::Ok);
    counters.transition(State::Up, State::Draining, Reason::Operator);
    for ms in [4, 4, 30] {
        counters.probe(Check::Web, Outcome::Pass, Some(Duration::from_millis(ms)));
    }
    counters.probe(Check::Web, Outcome::Fail, Some(Duration::from_secs(3)));
    counters.probe(Check::Api, Outcome::Unknown, Some(Duration::from_millis(400)));
    let service = "elasticloadbalancing";
    counters.aws_request(service, "DescribeTargetHealth", CallResult::Ok, Duration::from_millis(80));
    counters.aws_request(service, "DescribeTargetHealth", CallResult::Throttled, Duration::from_millis(900));
    counters.aws_request(service, "RegisterTargets", CallResult::Denied, Duration::from_millis(40));
    counters.imds_requests("200", 1);
    counters.imds_requests("timeout", 1);
    counters.drain_ended(Cause::Operator, DrainResult::CutShort, Duration::from_secs(271));
    counters
}

/// Compares with a file under `tests/golden`; `BLESS=1` writes it anew.
pub fn assert_golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, text).expect("write");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == text, "tests/golden/{name} differs; BLESS=1 writes it anew:\n{text}");
}
