//! `docs/METRICS.md` against the page that is served, both ways: series, types, labels, the words of closed lists, and
//! the alerts that name them. It does not judge the alerts' expressions.

use super::*;
use crate::aws::CallResult;
use rundeck_alb_core::{Cause, Check, DrainResult, Outcome, Reason};
use std::collections::BTreeMap;

const DOCUMENT: &str = include_str!("../../../../docs/METRICS.md");

/// Name, type and labels of each series.
type Series = BTreeMap<String, (String, BTreeSet<String>)>;

/// The cells of the rows below the table's head that begins so.
fn rows<'a>(document: &'a str, head: &'a str) -> impl Iterator<Item = Vec<&'a str>> {
    let tables = document.split("\n\n").filter(move |block| block.starts_with(head));
    tables.flat_map(|table| table.lines().skip(2)).map(|row| row.trim_matches('|').split('|').map(str::trim).collect())
}

/// The words between backticks.
fn quoted(cell: &str) -> BTreeSet<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_string).collect()
}

fn only(cell: &str) -> String {
    quoted(cell).pop_first().expect("a word in backticks")
}

fn documented() -> Series {
    let mut series = Series::new();
    for row in rows(DOCUMENT, "| Series | Type |") {
        let twice = series.insert(only(row[0]), (row[1].to_string(), quoted(row[2])));
        assert!(row.len() == 5 && twice.is_none(), "{row:?}");
    }
    series
}

fn served() -> Series {
    let clock = Clock::manual();
    let board = board(sample::draining(&clock), &clock);
    let text = page_of(&board, &sample::counters(), Some(OWN), &clock);
    let mut series = Series::new();
    let mut current = String::new();
    for line in text.lines().filter(|line| !line.starts_with("# HELP")) {
        if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|typed| typed.split_once(' ')) {
            current = name.to_string();
            series.insert(current.clone(), (kind.to_string(), BTreeSet::new()));
        } else if let Some((labels, _)) = line.split_once('{').and_then(|(_, rest)| rest.rsplit_once('}')) {
            // No value of the sample holds a comma followed by a label's name.
            let names = labels.split("\",").filter_map(|label| Some(label.split_once('=')?.0));
            let known = &mut series.get_mut(&current).expect("described first").1;
            known.extend(names.filter(|name| *name != "le").map(str::to_string));
        }
    }
    series
}

#[test]
fn every_series_that_is_served_stands_in_the_document_and_the_reverse() {
    assert_eq!(documented(), served());
}

#[test]
fn each_label_has_a_row_with_its_values() {
    let mut labels = BTreeSet::new();
    for row in rows(DOCUMENT, "| Series | Label |") {
        assert!(labels.insert((only(row[0]), only(row[1]))), "{row:?} stands twice");
    }
    let wanted =
        documented().into_iter().flat_map(|(name, (_, words))| words.into_iter().map(move |w| (name.clone(), w)));
    assert_eq!(labels, wanted.collect());
}

fn words<W: ToString>(list: &[W]) -> BTreeSet<String> {
    list.iter().map(ToString::to_string).collect()
}

#[test]
fn closed_lists_stand_in_the_document_word_by_word() {
    use CallResult::{Denied, Error, Ok, Throttled, Timeout};
    let codes: Vec<u16> = crate::server::requests::STATUSES.iter().map(StatusCode::as_u16).collect();
    let closed = [
        ("rdalb_health_state", "state", words(State::ALL)),
        ("rdalb_health_transitions_total", "reason", words(Reason::ALL)),
        ("rdalb_health_requests_total", "code", words(&codes)),
        ("rdalb_degraded", "cause", words(Degraded::ALL)),
        ("rdalb_probe_results_total", "check", words(Check::ALL)),
        ("rdalb_probe_results_total", "result", words(Outcome::ALL)),
        ("rdalb_rundeck_execution_mode", "mode", words(Mode::ALL)),
        ("rdalb_target_state", "state", words(&balancer_words().collect::<Vec<_>>())),
        ("rdalb_drain_phase", "phase", words(DrainPhase::ALL)),
        ("rdalb_drains_total", "cause", words(Cause::ALL)),
        ("rdalb_drains_total", "result", words(DrainResult::ALL)),
        ("rdalb_aws_requests_total", "result", words(&[Ok, Throttled, Denied, Timeout, Error].map(CallResult::word))),
    ];
    for (series, label, list) in closed {
        let row = rows(DOCUMENT, "| Series | Label |").find(|row| only(row[0]) == series && only(row[1]) == label);
        assert_eq!(quoted(row.expect("a row")[2]), list, "{label} of {series}");
    }
}

/// The alerts with their expressions.
fn alerts() -> BTreeMap<&'static str, &'static str> {
    let rules = DOCUMENT.split("- alert: ").skip(1);
    rules
        .map(|rule| {
            let (name, rest) = rule.split_once('\n').expect("lines");
            (name, rest.split_once("annotations:").expect("a summary").0)
        })
        .collect()
}

#[test]
fn each_alert_uses_the_series_that_names_it() {
    let alerts = alerts();
    let mut named = BTreeSet::from(["RdalbGone".to_string()]);
    for row in rows(DOCUMENT, "| Series | Type |") {
        let own: BTreeSet<String> = quoted(row[4]).into_iter().filter(|word| word.starts_with("Rdalb")).collect();
        assert_eq!(row[4].starts_with("none: "), own.is_empty(), "{row:?}: an alert, or why there is none");
        for alert in &own {
            let expression = alerts.get(alert.as_str()).expect("an alert of this name");
            assert!(expression.contains(&only(row[0])), "{alert} does not use {}", row[0]);
        }
        named.extend(own);
    }
    assert_eq!(named, alerts.keys().map(ToString::to_string).collect(), "each alert is named by a series");
}
