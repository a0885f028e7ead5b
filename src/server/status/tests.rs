//! The page against its golden file, and that its schema says every key.

use super::*;
use crate::server::Published;
use crate::server::tests::sample;
use rundeck_alb_core::{Agreement, BalancerView, LikelyCause, Reason, Span, State};
use serde_json::Value;
use std::time::Duration;

fn view(snapshot: Snapshot, clock: &Clock) -> Value {
    let board = Board::new(Published::new(snapshot, clock));
    board.health_requests().count(hyper::StatusCode::OK);
    serde_json::to_value(StatusView::new(&board, &sample::counters(), clock)).expect("JSON")
}

#[test]
fn the_whole_page_is_as_kept() {
    let clock = Clock::manual();
    let board = Board::new(Published::new(sample::draining(&clock), &clock));
    board.health_requests().count(hyper::StatusCode::OK);
    let page = StatusView::new(&board, &sample::counters(), &clock);
    // The version changes with each release, the page does not.
    let text = serde_json::to_string_pretty(&StatusView { version: "VERSION", ..page }).expect("JSON");
    sample::assert_golden("status.json", &format!("{text}\n"));
}

#[test]
fn a_young_agent_has_every_key_and_null_for_what_it_does_not_know() {
    let clock = Clock::manual();
    let full = view(sample::draining(&clock), &clock);
    let mut young = sample::answering(&clock, false, State::Booting, Reason::Waiting);
    young.rundeck = RundeckView::default();
    young.node = None;
    young.lifecycle = None;
    let young = view(young, &clock);
    let keys = |page: &Value| page.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&full), keys(&young));
    assert_eq!(keys(&full["rundeck"]), keys(&young["rundeck"]));
    assert_eq!((&young["drain"], &young["node"], &young["rundeck"]["pid"]), (&Value::Null, &Value::Null, &Value::Null));
    assert_eq!(young["maintenance"], Value::Null);
}

#[test]
fn a_verdict_that_is_too_old_is_told_as_health_tells_it() {
    let clock = Clock::manual();
    let board = Board::new(Published::new(sample::up(&clock), &clock));
    clock.advance(Duration::from_secs(60));
    let page = serde_json::to_value(StatusView::new(&board, &Counters::default(), &clock)).expect("JSON");
    let health = &page["health"];
    assert_eq!((&health["ok"], &health["state"], &health["reason"]), (&false.into(), &"stale".into(), &"stale".into()));
    assert_eq!((&health["age_ms"], &health["since_ms"]), (&61_200.into(), &41_200.into()));
}

#[test]
fn a_difference_is_shown_with_its_cause_and_what_is_expected_with_its_time() {
    let clock = Clock::manual();
    let mut node = sample::up(&clock);
    let said = |agreement, cause, why: &'static str, expected| {
        Some(BalancerView { agreement, cause, why: why.into(), expected })
    };
    node.targets[0].balancer = said(Agreement::Differs, Some(LikelyCause::Unreachable), "no answer; let it in", None);
    let shown = &view(node.clone(), &clock)["targets"][0];
    let keys = ["agreement", "cause", "why", "expected", "expected_ms", "administrative_override", "anomaly"];
    let told = keys.map(|key| shown[key].clone());
    let wanted: [Value; 7] = [
        "differs".into(),
        "unreachable".into(),
        "no answer; let it in".into(),
        Value::Null,
        Value::Null,
        "no_override".into(),
        "normal".into(),
    ];
    assert_eq!(told, wanted);
    let by = clock.now() + Span::secs(15);
    node.targets[0].balancer = said(Agreement::Counting, None, "", Some(by));
    let shown = &view(node, &clock)["targets"][0];
    assert_eq!((&shown["agreement"], &shown["cause"], &shown["why"]), (&"counting".into(), &Value::Null, &Value::Null));
    assert_eq!((&shown["expected"], &shown["expected_ms"]), (&"2026-01-01T00:00:15.000Z".into(), &15_000.into()));
}

/// Every key of the golden file, at any depth, is explained.
#[test]
fn the_schema_names_every_key() {
    fn keys_of(value: &Value, into: &mut Vec<String>) {
        match value {
            Value::Object(object) => object.iter().for_each(|(key, value)| {
                into.push(key.clone());
                keys_of(value, into);
            }),
            Value::Array(rows) => rows.iter().for_each(|row| keys_of(row, into)),
            _ => {}
        }
    }
    let schema = include_str!("../../../docs/STATUS.md");
    let mut page: Value = serde_json::from_str(include_str!("../../../tests/golden/status.json")).expect("JSON");
    page["health_requests"] = Value::Null;
    let mut keys = Vec::new();
    keys_of(&page, &mut keys);
    for key in keys {
        assert!(schema.contains(&format!("`{key}`")), "docs/STATUS.md does not explain {key}");
    }
}
