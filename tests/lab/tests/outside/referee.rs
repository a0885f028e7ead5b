//! The Rundeck stand-in judged by clients that others wrote: they must understand it as they understand a Rundeck.
//!
//! rundeck-exporter is GPL-3: it is run as a process of its own and nothing of it is here. What each client really
//! insists on is less than all it reads, so a green run proves the lines that are looked at here and no more.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rundeck_alb_lab::outside::{self, Program, free_port};
use rundeck_alb_lab::rundeck::{Config, Fault, Mode, Rundeck, Scope, Version};
use serde_json::{Value, json};

use crate::http::{Reply, get};

const CLIENT: &str = include_str!("../../../outside/rundeck_client.py");
/// The API version of each, told to the clients: their own defaults are unknown to older servers.
const VERSIONS: [(Version, &str); 3] = [(Version::V4_17, "45"), (Version::V5_20, "58"), (Version::V6_1, "59")];
/// A job that is still running when the clients look.
const LONG: Duration = Duration::from_secs(600);

/// What a referee is known to do wrong: the answer is right, its reading is not.
struct KnownFault {
    referee: &'static str,
    answer: Fault,
    reads: u16,
    why: &'static str,
}

const KNOWN_FAULTS: [KnownFault; 1] = [KnownFault {
    referee: "rundeck-exporter 4.1.1",
    answer: Fault::StatsNull,
    reads: 500,
    why: "it asks a null `stats` for its parts: what a token without rights gets is no good to it",
}];

fn node(version: Version) -> Rundeck {
    Rundeck::start(Config::new(version, "good")).expect("the stand-in starts")
}

/// What the exporter shows of a Rundeck. It is started anew each time, for it keeps answers for two minutes.
async fn scrape(programs: &Path, rundeck: &Rundeck, api: &str, token: &str) -> Reply {
    let addr: SocketAddr = free_port().expect("a port");
    let mut command = Command::new(programs.join("rundeck_exporter"));
    command.args(["--rundeck.url", &rundeck.url(), "--rundeck.api.version", api, "--port", &addr.port().to_string()]);
    command.args(["--rundeck.cpu.stats", "--rundeck.memory.stats", "--rundeck.projects.executions"]);
    let mut exporter = Program::start(command.env("RUNDECK_TOKEN", token)).expect("the exporter starts");
    exporter.opens(addr).await.expect("it listens");
    get(addr, "/metrics").await
}

/// The lines of a metric, without its labels.
fn values(reply: &Reply, metric: &str) -> Vec<String> {
    let lines =
        reply.body.lines().filter(|line| line.strip_prefix(metric).is_some_and(|rest| rest.starts_with(['{', ' '])));
    lines.filter_map(|line| line.rsplit(' ').next()).map(str::to_owned).collect()
}

fn assert_values(reply: &Reply, expected: &[(&str, &str)]) {
    for (metric, value) in expected {
        assert_eq!(values(reply, metric), [*value], "{metric} in:\n{}", reply.body);
    }
}

#[tokio::test]
async fn the_exporter_reads_versions_modes_and_running_jobs() {
    let Some(programs) = outside::python() else { return };
    for (version, api) in VERSIONS {
        let rundeck = node(version);
        let job = rundeck.state().jobs.start("demo", "admin", LONG);
        let reply = scrape(&programs, &rundeck, api, "good").await;
        assert_values(&reply, &[("rundeck_execution_mode_active", "1.0"), ("rundeck_execution_mode_passive", "0.0")]);
        assert_values(&reply, &[("rundeck_system_stats_scheduler_running", "1.0"), ("rundeck_system_info", "1.0")]);
        let info = reply.body.lines().find(|line| line.starts_with("rundeck_system_info{")).expect("asserted above");
        assert!(info.contains(&format!("apiversion=\"{api}\"")) && info.contains("serverUUID=\"7f0a3c5e"), "{info}");
        assert_eq!(values(&reply, "rundeck_system_stats_uptime_since").len(), 1, "{}", reply.body);
        let running = reply.body.lines().filter(|line| {
            line.starts_with("rundeck_project_execution_status{")
                && line.contains(&format!("execution_id=\"{}\"", job.id))
                && line.contains("status=\"running\"")
                && line.contains("} 1.0 ")
        });
        assert_eq!(running.count(), 1, "as {version}:\n{}", reply.body);

        rundeck.state().set_mode(Mode::Passive);
        let reply = scrape(&programs, &rundeck, api, "good").await;
        assert_values(&reply, &[("rundeck_execution_mode_active", "0.0"), ("rundeck_execution_mode_passive", "1.0")]);
    }
}

#[tokio::test]
async fn the_exporter_shows_nothing_of_a_rundeck_that_refuses_its_token() {
    let Some(programs) = outside::python() else { return };
    let reply = scrape(&programs, &node(Version::V5_20), "58", "wrong").await;
    assert_eq!(reply.status, 200, "its own status says nothing");
    assert_eq!(values(&reply, "rundeck_execution_mode_active"), [""; 0]);
    assert!(reply.body.lines().filter(|line| line.starts_with("rundeck_")).count() <= 1, "{}", reply.body);
}

#[tokio::test]
async fn known_faults_of_the_referees_are_still_there() {
    let Some(programs) = outside::python() else { return };
    for known in &KNOWN_FAULTS {
        let rundeck = node(Version::V5_20);
        rundeck.state().fault(known.answer, Scope::Api);
        let reply = scrape(&programs, &rundeck, "58", "good").await;
        assert_eq!(reply.status, known.reads, "{}: {}", known.referee, known.why);
    }
}

/// What python-rundeck understands of a Rundeck.
async fn understood(programs: &Path, rundeck: &Rundeck, api: &str) -> Value {
    let mut command = tokio::process::Command::new(programs.join("python"));
    let output = command.args(["-c", CLIENT, &rundeck.url(), api]).kill_on_drop(true).output().await.expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[tokio::test]
async fn the_python_client_understands_every_call_that_an_agent_makes() {
    let Some(programs) = outside::python() else { return };
    for (version, api) in VERSIONS {
        let rundeck = node(version);
        let job = rundeck.state().jobs.start("demo", "admin", LONG);
        let seen = understood(&programs, &rundeck, api).await;
        assert!(seen["version"].as_str().is_some_and(|seen| seen.starts_with(&version.to_string())), "{seen}");
        assert_eq!(seen["apiversion"], api, "text since 4.3");
        assert_eq!((&seen["mode"], &seen["running"]), (&json!("active"), &json!(1)));
        assert_eq!(seen["status"], json!({"executionMode": "active"}));
        assert_eq!(seen["disable"], json!({"executionMode": "passive"}));
        assert_eq!(seen["status while passive"], json!({"executionMode": "passive"}));
        assert_eq!(seen["enable"], json!({"executionMode": "active"}));
        assert_eq!(rundeck.state().mode(), Mode::Active);
        assert_eq!(seen["queued"], 0);
        assert_eq!(seen["executions"], json!([[job.id, "running"]]), "as {version}");
        assert_eq!(seen["takeover"]["success"], true, "{seen}");
        if version == Version::V6_1 {
            assert_eq!(seen["readiness"]["status"], "UP", "{seen}");
        }
    }
}

#[tokio::test]
async fn the_python_client_finds_its_own_words_for_each_refusal() {
    let Some(programs) = outside::python() else { return };
    for (version, api) in VERSIONS {
        let seen = understood(&programs, &node(version), api).await;
        let refusal = |name: &str| (seen[name][0].as_str().unwrap_or_default().to_owned(), seen[name][1].to_string());
        let (class, words) = refusal("bad token");
        assert_eq!(class, "RundeckAuthenticationError", "{words}");
        assert!(words.contains("403") && words.contains("(unauthorized)"), "{words}");
        let (class, words) = refusal("unknown version");
        assert_eq!(class, "RundeckValidationError", "{words}");
        assert!(words.contains("400") && words.contains("api.error.api-version.unsupported"), "{words}");
    }
}
