//! Exchanges recorded on a rig of Rundeck's real frameworks (`data/framework-rig-exchanges.jsonl`), replayed against
//! the stand-in.
//!
//! `compare: all` compares status, headers (names and values) and body, or the kind of failure; `status,millis` the
//! status and whether the answer came after the pool's wait. `rig-4.17` stands for 4.17, `rig-5.20` for 5.20.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rundeck_alb_lab::rundeck::{Certificate, Config, Database, Fault, Life, Rundeck, Scope, Version};
use serde::Deserialize;

use crate::client::{Ask, Failure, Line, Reply, SILENCE, ask, ask_by_tls};
use crate::situation::{DATABASE, DATABASE_WAIT, FILE, READY, Situation, at};

const EXCHANGES: &str = include_str!("../../data/framework-rig-exchanges.jsonl");
/// A recorded time above this is the pool's wait.
const LATE_MILLIS: f64 = 25_000.0;

#[derive(Deserialize)]
struct Exchange {
    version: String,
    state: String,
    method: String,
    path: String,
    request_headers: BTreeMap<String, Option<String>>,
    http: String,
    status: Option<u16>,
    #[serde(default)]
    error: Option<String>,
    response_headers: Vec<(String, String)>,
    body: String,
    millis: f64,
    compare: String,
}

/// States that are not replayed: how many lines, and why.
const SKIPPED: &[(&str, usize, &str)] = &[];

/// Parts of a body that are not compared, and why: everything between the two marks is left out.
const NOT_COMPARED: &[(&str, &str, &str)] = &[
    ("\"details\":{\"error\":\"", "\"}", "the texts of database errors are the driver's"),
    (
        "\"details\":{\"database\":\"PostgreSQL\",\"validationQuery\":\"SELECT 1\",\"error\":\"",
        "\"}",
        "the same, when the query had begun",
    ),
];

fn situation(exchange: &Exchange) -> Option<Situation> {
    const ACTUATOR: fn(&mut Config) = |config| config.switches.actuator = true;
    let on = READY.with(ACTUATOR);
    // The rig's Tomcat pool fails at once or never, its Hikari after its wait.
    let tomcat = exchange.version == "rig-4.17";
    let failing = if tomcat {
        on.then(|state| state.set_database(Database::FailsAtOnce))
    } else {
        on.then(|state| state.set_database(Database::FailsLate))
    };
    let frozen = if tomcat { on.then(|state| state.set_database(Database::Frozen)) } else { failing };
    Some(match exchange.state.as_str() {
        "starting" => at(Life::Plugins),
        "starting+actuator" => at(Life::Plugins).with(ACTUATOR),
        "ready" | "ready+security" | "jvm-thawed" => READY,
        "ready, health endpoint disabled" => READY.with(|config| config.switches.health = false),
        "ready+actuator" => on,
        "ready+context-path" => READY.with(|config| config.context_path = "/rundeck".into()),
        "ready+tls" | "ready+tls-plain-http-sent" => READY.with(|config| config.tls = Some(Certificate::SelfSigned)),
        "job-running+actuator" => on.jobs(1),
        "stopping+actuator" => at(Life::Stopping).with(ACTUATOR).jobs(1),
        "db-stopped+actuator" | "db-refusing+actuator" => failing,
        "db-frozen+actuator" => frozen,
        "jvm-frozen" => READY.then(|state| state.fault(Fault::Hung, Scope::All)),
        hanging if hanging.ends_with("API requests hanging") => {
            READY.then(|state| state.set_database(Database::Frozen))
        }
        _ => return None,
    })
}

#[tokio::test]
async fn recorded_exchanges_are_answered_alike() {
    let mut wrong = Vec::new();
    let mut skipped: BTreeMap<String, usize> = BTreeMap::new();
    let mut replayed = 0;
    for (number, line) in EXCHANGES.lines().enumerate() {
        let exchange: Exchange =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("line {}: {error}", number + 1));
        let Some(situation) = situation(&exchange) else {
            *skipped.entry(exchange.state).or_default() += 1;
            continue;
        };
        replayed += 1;
        let version = if exchange.version == "rig-4.17" { Version::V4_17 } else { Version::V5_20 };
        let node = situation.bring(version).await;
        let _hanging = hang(&node, &exchange.state).await;
        if let Err(difference) = replay(&exchange, &node, version).await {
            wrong.push(format!(
                "line {}: {} {} {}: {difference}",
                number + 1,
                exchange.state,
                exchange.method,
                exchange.path
            ));
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
    let expected: BTreeMap<String, usize> =
        SKIPPED.iter().map(|(state, count, _)| ((*state).to_owned(), *count)).collect();
    assert_eq!((replayed, skipped), (153, expected));
}

/// As many API requests that need the database as the state says, all waiting for it.
async fn hang(node: &Rundeck, state: &str) -> Vec<Line> {
    let count = state.split_once(", ").and_then(|(_, rest)| rest.split(' ').next()?.parse().ok()).unwrap_or(0);
    let request = Ask::get(format!("/api/{}/system/info", Version::V5_20.api())).token(DATABASE).limit(Duration::ZERO);
    let mut lines = Vec::new();
    for _ in 0..count {
        let mut line = Line::connect(node.addr()).await.expect("the port is open");
        assert_eq!(line.ask(&request).await, Err(Failure::NoAnswer));
        lines.push(line);
    }
    while node.state().stats().requests < count {
        tokio::task::yield_now().await;
    }
    lines
}

async fn replay(exchange: &Exchange, node: &Rundeck, version: Version) -> Result<(), String> {
    // The rig's API was a stub that knew one version; here it is the current one.
    let path = exchange.path.replace("/api/46/", &format!("/api/{}/", version.api()));
    let mut request = Ask::get(&path).method(&exchange.method);
    request.http = if exchange.http == "1.0" { "1.0" } else { "1.1" };
    for (name, value) in &exchange.request_headers {
        let value = match value.as_deref() {
            Some("TOKEN") => FILE,
            Some("dbtoken") => DATABASE,
            other => other.unwrap_or_default(),
        };
        request = request.header(name, value);
    }
    if exchange.error.as_deref() == Some("timeout-no-answer") {
        request = request.limit(SILENCE);
    }
    let begun = Instant::now();
    let reply = if exchange.state == "ready+tls" {
        ask_by_tls(node.addr(), &request, Certificate::SelfSigned).await
    } else {
        ask(node.addr(), &request).await
    };
    let late = begun.elapsed() >= DATABASE_WAIT;
    let reply = match (reply, exchange.error.as_deref()) {
        (Err(Failure::NoAnswer), Some("timeout-no-answer"))
        | (Err(Failure::ClosedInHeaders), Some("closed-in-headers")) => return Ok(()),
        (Ok(reply), None) => reply,
        (reply, wanted) => return Err(format!("{reply:?} for {wanted:?}")),
    };
    if Some(reply.status) != exchange.status {
        return Err(format!("status {} for {:?}", reply.status, exchange.status));
    }
    if exchange.millis > LATE_MILLIS && !late {
        return Err("answered before the pool's wait was over".to_owned());
    }
    match exchange.compare.as_str() {
        "all" => compare(exchange, &reply, node, &path),
        "status,millis" => Ok(()),
        other => Err(format!("a comparison that this test does not know: {other}")),
    }
}

fn compare(exchange: &Exchange, reply: &Reply, node: &Rundeck, path: &str) -> Result<(), String> {
    let (wanted, got) = (sorted(exchange.response_headers.clone()), sorted(neutral_headers(reply, node)));
    // A longer path makes a longer page.
    let longer = path.len() as i64 - exchange.path.len() as i64;
    let wanted = sorted(
        wanted
            .into_iter()
            .map(|(name, value)| match value.parse::<i64>() {
                Ok(length) if name == "Content-Length" && length > 0 => (name, (length + longer).to_string()),
                _ => (name, value),
            })
            .collect(),
    );
    if wanted != got {
        return Err(format!("headers\n  {got:?} for\n  {wanted:?}"));
    }
    let (wanted, got) = (comparable(&exchange.body.replace(&exchange.path, path)), comparable(&reply.body));
    if wanted == got { Ok(()) } else { Err(format!("body\n  {got:?} for\n  {wanted:?}")) }
}

fn sorted(mut headers: Vec<(String, String)>) -> Vec<(String, String)> {
    headers.sort();
    headers
}

/// The headers with session, host and port replaced by words, as the recorder did.
fn neutral_headers(reply: &Reply, node: &Rundeck) -> Vec<(String, String)> {
    let own = node.addr().to_string();
    let neutral = |value: &String| match value.split_once(';').filter(|_| value.starts_with("JSESSIONID=")) {
        Some((_, attributes)) => format!("JSESSIONID=node0SESSION.node0;{attributes}"),
        None => value.replace(&own, "HOST:PORT"),
    };
    reply
        .headers
        .iter()
        .filter(|(name, _)| name != "Date")
        .map(|(name, value)| (name.clone(), neutral(value)))
        .collect()
}

fn comparable(body: &str) -> String {
    let mut left = body.to_owned();
    for (from, to, _) in NOT_COMPARED {
        if let Some((before, rest)) = left.split_once(from) {
            let after = rest.split_once(to).map(|(_, after)| after).unwrap_or_default();
            left = format!("{before}(a database error){after}");
        }
    }
    left
}

#[tokio::test]
async fn the_replay_can_fail() {
    let line = EXCHANGES.lines().next().expect("the file is not empty");
    let node = at(Life::Plugins).bring(Version::V4_17).await;
    for (from, to) in [("\"status\":200", "\"status\":503"), ("\"Origin\"", "\"Host\""), ("\"ok\"", "\"OK\"")] {
        assert!(line.contains(from), "{from}");
        let changed: Exchange = serde_json::from_str(&line.replace(from, to)).expect("still a line");
        assert!(replay(&changed, &node, Version::V4_17).await.is_err(), "{to} was not seen");
    }
}
