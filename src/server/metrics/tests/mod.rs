//! The page as a whole against its golden file, and the rules of the format.

use super::*;
use crate::clock::Clock;
use crate::server::Published;
use crate::server::tests::sample;
use hyper::StatusCode;
use rundeck_alb_core::{Agreement, Finding, FindingView, RundeckView, TargetSeen};
use std::collections::BTreeSet;
use std::time::Duration;

mod documented;

const OWN: ProcessFigures = ProcessFigures {
    cpu_seconds: 1.25,
    resident_bytes: 8_388_608,
    virtual_bytes: 100_000_000,
    open_fds: Some(21),
    max_fds: Some(1_024),
    threads: 3,
    start_unix_seconds: 1_767_225_000.0,
};

fn page_of(board: &Board, counters: &Counters, own: Option<ProcessFigures>, clock: &Clock) -> String {
    page(board, counters, own, clock.now()).expect("a page")
}

fn board(snapshot: Snapshot, clock: &Clock) -> Board {
    Board::new(Published::new(snapshot, clock))
}

#[test]
fn the_whole_page_is_as_kept() {
    let clock = Clock::manual();
    let board = board(sample::draining(&clock), &clock);
    board.health_requests().count(StatusCode::OK);
    board.health_requests().count(StatusCode::SERVICE_UNAVAILABLE);
    let text = page_of(&board, &sample::counters(), Some(OWN), &clock);
    // The version changes with each release, the page does not.
    sample::assert_golden("metrics.txt", &text.replace(crate::server::VERSION, "VERSION"));
}

#[test]
fn every_metric_is_described_and_no_series_stands_twice() {
    let clock = Clock::manual();
    let text = page_of(&board(sample::draining(&clock), &clock), &sample::counters(), Some(OWN), &clock);
    let mut seen = BTreeSet::new();
    let mut described = String::new();
    for line in text.lines() {
        if let Some(typed) = line.strip_prefix("# TYPE ") {
            described = typed.split(' ').next().expect("a name").into();
        } else if !line.starts_with('#') {
            assert!(line.starts_with(&described), "{line} follows {described}");
            let (series, value) = line.rsplit_once(' ').expect("a value");
            assert!(value.parse::<f64>().is_ok(), "{line}");
            assert!(seen.insert(series.to_string()), "{series} stands twice");
        }
        assert!(!line.contains("EOF") && !line.contains("UNIT"), "{line}");
    }
    let declared = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter"));
    assert!(declared.clone().all(|name| name.ends_with("_total")) && declared.count() == 7);
}

#[test]
fn a_young_agent_shows_what_it_knows_and_no_empty_metric() {
    let clock = Clock::manual();
    let mut young = sample::answering(&clock, false, State::Booting, rundeck_alb_core::Reason::Waiting);
    young.rundeck = RundeckView::default();
    young.targets.clear();
    let text = page_of(&board(young, &clock), &Counters::default(), None, &clock);
    assert!(text.contains("rdalb_health_state{state=\"booting\"} 1.0\n"), "{text}");
    for absent in [
        "rundeck_info",
        "execution_mode",
        "target_state",
        "probe_",
        "aws_",
        "imds_",
        "process_",
        "findings",
        "inflight",
    ] {
        assert!(!text.contains(absent), "{absent} in {text}");
    }
}

#[test]
fn a_verdict_that_is_too_old_shows_as_stale() {
    let clock = Clock::manual();
    let board = board(sample::up(&clock), &clock);
    clock.advance(Duration::from_secs(30));
    let text = page_of(&board, &Counters::default(), None, &clock);
    assert!(
        text.contains("rdalb_health_state{state=\"stale\"} 1.0\n")
            && text.contains("rdalb_health_state{state=\"up\"} 0.0\n")
    );
    assert!(text.contains("rdalb_health_snapshot_age_seconds 31.2\n"), "{text}");
}

#[test]
fn a_finding_that_is_cured_stays_as_zero() {
    let clock = Clock::manual();
    let counters = Counters::default();
    let mut node = sample::up(&clock);
    node.findings = vec![FindingView { finding: Finding::TokenRejected, text: "x".into() }];
    let board = board(node, &clock);
    assert!(page_of(&board, &counters, None, &clock).contains("rdalb_findings{finding=\"token-rejected\"} 1.0\n"));
    board.publish(Published::new(sample::up(&clock), &clock));
    assert!(page_of(&board, &counters, None, &clock).contains("rdalb_findings{finding=\"token-rejected\"} 0.0\n"));
}

const TARGET: &str = "target_group=\"rundeck-prod\",port=\"4440\"";

#[test]
fn one_group_under_two_ports_is_two_targets() {
    let clock = Clock::manual();
    let mut node = sample::up(&clock);
    let (state, port) = (TargetState::Unhealthy, Some(4443));
    let seen = Some(TargetSeen { reason: "R".into(), ..TargetSeen::plain(state) });
    let second = TargetView { port, seen, ..node.targets[0].clone() };
    node.targets.push(second);
    let text = page_of(&board(node, &clock), &Counters::default(), None, &clock);
    for (port, state, value) in [(4440, "healthy", 1), (4443, "healthy", 0), (4440, "unhealthy", 0)] {
        let of = format!("target_group=\"rundeck-prod\",port=\"{port}\"");
        let row = format!("rdalb_target_state{{{of},state=\"{state}\",reason=\"\"}} {value}.0\n");
        assert!(text.contains(&row) && text.contains(&format!("rdalb_registered{{{of}}} 1.0\n")), "{row} in {text}");
    }
    assert!(text.contains("port=\"4443\",state=\"unhealthy\",reason=\"R\"} 1.0\n"), "{text}");
}

#[test]
fn a_disagreement_is_one_number_a_target_and_left_out_where_nobody_can_tell() {
    let clock = Clock::manual();
    for (agreement, value) in [
        (Agreement::Agrees, Some(0)),
        (Agreement::Counting, Some(0)),
        (Agreement::Differs, Some(1)),
        (Agreement::Unknown, None),
    ] {
        let mut node = sample::up(&clock);
        if let Some(balancer) = &mut node.targets[0].balancer {
            balancer.agreement = agreement;
        }
        let text = page_of(&board(node, &clock), &Counters::default(), None, &clock);
        let row = value.map(|value| format!("rdalb_target_disagreement{{{TARGET}}} {value}.0\n"));
        assert_eq!(text.contains("rdalb_target_disagreement{"), row.is_some(), "{agreement}");
        assert!(row.is_none_or(|row| text.contains(&row)), "{agreement}: {text}");
    }
}

#[test]
fn targets_speak_the_words_of_aws_and_labels_are_escaped() {
    let clock = Clock::manual();
    for (state, word, registered) in [
        (TargetState::Arriving, "initial", Some("1.0")),
        (TargetState::Healthy, "healthy", Some("1.0")),
        (TargetState::Unhealthy, "unhealthy", Some("1.0")),
        (TargetState::Leaving, "draining", Some("0.0")),
        (TargetState::Absent, "unused", Some("0.0")),
        (TargetState::Idle, "unused", Some("1.0")),
        (TargetState::Unavailable, "unavailable", Some("1.0")),
        (TargetState::Other("new \"word\"\n\\".into()), "new \\\"word\\\"\\n\\\\", None),
    ] {
        let mut node = sample::up(&clock);
        node.targets[0].seen = Some(TargetSeen { reason: "R".into(), ..TargetSeen::plain(state) });
        let text = page_of(&board(node, &clock), &Counters::default(), None, &clock);
        let series = format!("rdalb_target_state{{{TARGET},state=\"{word}\",reason=\"R\"}} 1.0\n");
        assert_eq!(text.matches(&series).count(), 1, "{text}");
        assert!(!text.contains(&format!("state=\"{word}\",reason=\"\"")), "one row for each state");
        let row = registered.map(|value| format!("rdalb_registered{{{TARGET}}} {value}\n"));
        assert_eq!(text.contains("rdalb_registered{"), row.is_some());
        assert!(row.is_none_or(|row| text.contains(&row)), "{text}");
    }
}
