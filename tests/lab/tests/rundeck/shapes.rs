//! The shapes of real answers (`data/rundeck-shapes.jsonl`) held against the stand-in's, version by version.
//!
//! Every key that Rundeck's own tests or source demand must be there with its type (of documented ones the key only); a
//! key that no source knows is a finding.

use std::collections::{BTreeMap, BTreeSet};

use rundeck_alb_lab::rundeck::{Database, Life, Mode, Version};
use serde::Deserialize;

use crate::client::{Ask, Reply, ask};
use crate::keys::{holds, is_known, leaves, values};
use crate::situation::{FILE, READY, Situation, WRONG, at};

const SHAPES: &str = include_str!("../../data/rundeck-shapes.jsonl");

#[derive(Deserialize)]
struct Shape {
    endpoint: String,
    method: String,
    api_version: Option<u32>,
    rundeck_version: Option<String>,
    status: u16,
    content_type: Option<String>,
    kind: String,
    keys: BTreeMap<String, String>,
    #[serde(default)]
    unversioned: bool,
    #[serde(default)]
    note: String,
    source: String,
}

fn shapes() -> Vec<Shape> {
    let read = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    SHAPES.lines().map(read).collect()
}

/// Lines that judge no version: kind, start of the endpoint, how many, why.
const NOT_JUDGING: &[(&str, &str, usize, &str)] = &[
    ("recorded", "/", 11, "from Rundeck 2.x servers (API 8 to 15, XML, 2013 to 2016)"),
    ("test-data", "/", 3, "fixtures of a client of 2.5: used for which keys are known"),
    ("test-data", "(any)", 1, "fixtures of a client of 2.5: used for which keys are known"),
    ("documented", "/enterprise/", 2, "Enterprise only: the stand-in is the open source server"),
];

const ENTERPRISE: &str = "Enterprise only: open source has `extended: null`";
const OPTIONAL: &str = "written only where there is such a thing: this job has none";
const NOT_ENDED: &str = "a running execution has no end and no nodes yet";
const NEWER: &str = "counted by newer versions only";
const BY_REQUEST: &str = "repeats what was asked for: here one server was named";

/// Keys that a shape has and the stand-in does not: endpoint, key, why.
const MISSING: &[(&str, &str, &str)] = &[
    ("/system/info", "system.extended.RundeckPro.version", ENTERPRISE),
    ("/system/info", "system.extended.RundeckPro.buildGit", ENTERPRISE),
    ("/system/info", "system.extended.RundeckPro.edition", ENTERPRISE),
    (RUNNING, "executions[].customStatus", OPTIONAL),
    (RUNNING, "executions[].job.options.opt1", OPTIONAL),
    (RUNNING, "executions[].job.options.opt2", OPTIONAL),
    (RUNNING, "executions[].date-ended.unixtime", NOT_ENDED),
    (RUNNING, "executions[].date-ended.date", NOT_ENDED),
    (RUNNING, "executions[].successfulNodes[]", NOT_ENDED),
    ("/system/logstorage", "queuedRequestCount", NEWER),
    ("/system/logstorage", "queuedRetriesCount", NEWER),
    ("/system/logstorage", "queuedIncompleteCount", NEWER),
    ("/system/logstorage", "retriesCount", NEWER),
    ("/scheduler/takeover", "takeoverSchedule.server.all", BY_REQUEST),
    ("/scheduler/takeover", "takeoverSchedule.project", BY_REQUEST),
];

const DROPWIZARD: &str = "newer Dropwizard adds it";

/// Keys of the stand-in that no line knows: endpoint, key, why.
const UNKNOWN: &[(&str, &str, &str)] = &[
    ("/metrics/healthcheck", "\"dataSource.connection.time\".duration", DROPWIZARD),
    ("/metrics/healthcheck", "\"dataSource.connection.time\".timestamp", DROPWIZARD),
    ("/metrics/healthcheck", "\"quartz.scheduler.threadPool\".duration", DROPWIZARD),
    ("/metrics/healthcheck", "\"quartz.scheduler.threadPool\".timestamp", DROPWIZARD),
    (RUNNING, "executions[].executionType", "ApiService writes it"),
    ("(any)", "args[]", "6.x adds the arguments of the message"),
];

const RUNNING: &str = "/project/{project}/executions/running";

/// What to ask, and in which state, so that a line's answer comes.
fn question(shape: &Shape, version: Version) -> (Situation, Ask) {
    let api = shape.api_version.unwrap_or(version.api());
    let path = if shape.unversioned {
        shape.endpoint.clone()
    } else {
        format!("/api/{api}{}", shape.endpoint.replace("{project}", "demo"))
    };
    let asked = |path: &str| Ask::get(path).method(&shape.method).token(FILE);
    let passive = READY.then(|state| state.set_mode(Mode::Passive));
    match (shape.endpoint.as_str(), shape.status) {
        ("(any)", 400) => (READY, asked("/api/99/system/info")),
        ("(any)", 403) => (READY, Ask::get(format!("/api/{api}/system/info")).token(WRONG)),
        ("(any)", 503) => (at(Life::Plugins), asked(&format!("/api/{api}/system/info"))),
        ("(any)", 500) => {
            let down = READY.then(|state| state.set_database(Database::FailsAtOnce));
            (down, asked(&format!("/api/{api}/projects")))
        }
        ("/monitoring/health/readiness", 503) => (at(Life::Rest), asked(&path)),
        ("/monitoring/health/readiness", 404) => {
            (READY.with(|config| config.switches.monitoring = false), asked(&path))
        }
        ("/project/{project}/executions/running", 401) => {
            (READY, asked(&format!("/api/{api}/project/nosuch/executions/running")))
        }
        ("/project/{project}/executions/running", _) => (READY.jobs(1), asked(&path)),
        ("/system/executions/status", _) if shape.note.contains("passiveAs503") => {
            (passive, asked(&(path + "?passiveAs503=true")))
        }
        ("/system/executions/status", _) if shape.note.starts_with("passive") => (passive, asked(&path)),
        ("/scheduler/takeover", _) => (READY, asked(&path).body(r#"{"server":{"uuid":"U"}}"#)),
        _ => (READY, asked(&path)),
    }
}

/// What is found, and which explanations were needed.
#[derive(Default)]
struct Findings {
    found: Vec<String>,
    used: BTreeSet<String>,
}

impl Findings {
    /// Whether a table explains this key of this endpoint.
    fn explained(&mut self, table: &[(&str, &str, &str)], endpoint: &str, key: &str) -> bool {
        let found = table.iter().any(|(known, path, _)| *known == endpoint && *path == key);
        if found {
            self.used.insert(format!("{endpoint} {key}"));
        }
        found
    }

    fn judge(&mut self, shape: &Shape, known: &BTreeSet<&str>, version: Version, reply: &Reply) {
        let place = format!("{version} {} {}", shape.endpoint, shape.source);
        if reply.status != shape.status {
            return self.found.push(format!("{place}: status {} for {}", reply.status, shape.status));
        }
        let media = reply.header("content-type").unwrap_or_default().to_ascii_lowercase();
        let wanted = shape.content_type.as_deref().unwrap_or_default().to_ascii_lowercase();
        if !media.starts_with(&wanted) {
            self.found.push(format!("{place}: content type {media} for {wanted}"));
        }
        if reply.body.is_empty() && shape.keys.is_empty() {
            return;
        }
        let body = reply.json();
        let typed = is_strong(shape);
        for (key, kind) in &shape.keys {
            let there = if typed { holds(&body, key, kind, version) } else { values(&body, key).is_some() };
            if !there && !self.explained(MISSING, &shape.endpoint, key) {
                self.found.push(format!("{place}: {key} is no {kind}"));
            }
        }
        for key in leaves(&body) {
            if !is_known(known, &key) && !self.explained(UNKNOWN, &shape.endpoint, &key) {
                self.found.push(format!("{place}: nobody knows the key {key}"));
            }
        }
    }
}

#[tokio::test]
async fn every_shape_of_its_version_is_the_stand_ins_shape() {
    let all = shapes();
    let mut findings = Findings::default();
    let mut judged: BTreeMap<&str, usize> = BTreeMap::new();
    for shape in &all {
        let same = all.iter().filter(|other| other.endpoint == shape.endpoint);
        let known = same.flat_map(|other| other.keys.keys().map(String::as_str)).collect();
        for version in versions(shape) {
            *judged.entry(version.release()).or_default() += 1;
            let (situation, request) = question(shape, version);
            let node = situation.bring(version).await;
            match ask(node.addr(), &request).await {
                Ok(reply) => findings.judge(shape, &known, version, &reply),
                Err(failure) => findings.found.push(format!("{version} {}: {failure:?}", shape.source)),
            }
        }
    }
    findings.found.dedup();
    assert!(findings.found.is_empty(), "{}", findings.found.join("\n"));
    let explanations = MISSING.len() + UNKNOWN.len();
    assert_eq!(findings.used.len(), explanations, "one explains nothing: {:?}", findings.used);
    // A line that silently judges nothing would be a hole.
    let expected: BTreeMap<&str, usize> = [("3.4.10", 18), ("4.17.6", 20), ("5.20.1", 26), ("6.1.0", 19)].into();
    assert_eq!(judged, expected);
}

#[test]
fn every_line_judges_a_version_or_is_of_a_kind_that_cannot() {
    let left = NOT_JUDGING.iter().map(|(kind, endpoint, count, _)| {
        let of_it = |shape: &&Shape| shape.kind == *kind && shape.endpoint.starts_with(endpoint);
        let idle = shapes().iter().filter(of_it).filter(|shape| versions(shape).is_empty()).count();
        assert_eq!(idle, *count, "{kind} {endpoint}");
        idle
    });
    let idle = shapes().iter().filter(|shape| versions(shape).is_empty()).count();
    assert_eq!(left.sum::<usize>(), idle);
}

/// Whether the line is more than documentation: types count, not only keys.
fn is_strong(shape: &Shape) -> bool {
    ["recorded", "server-source", "test-model", "test-assert"].contains(&shape.kind.as_str())
}

/// The versions that a line judges.
fn versions(shape: &Shape) -> Vec<Version> {
    let range = match (&shape.rundeck_version, shape.kind.as_str()) {
        (Some(range), _) if is_strong(shape) => range.as_str(),
        // The documentation's editions from 3.1 to 5.7 print the same; 5.20 has not changed these answers.
        (None, "documented" | "client-model") if !shape.endpoint.starts_with("/enterprise/") => "3.1.0..5.99.0",
        _ => return Vec::new(),
    };
    let (from, to) = range.split_once("..").unwrap_or((range, range));
    let to = if to.starts_with("main") { [u32::MAX; 3] } else { number(to) };
    let held = |version: &Version| (number(from)..=to).contains(&number(version.release()));
    Version::ALL.into_iter().filter(held).collect()
}

fn number(version: &str) -> [u32; 3] {
    let mut parts = version.trim_start_matches('v').split('.').map(|part| part.parse().unwrap_or(0));
    [(); 3].map(|()| parts.next().unwrap_or(0))
}
