//! What `/health` says of a Rundeck that misbehaves: a typed finding or a counted failure, never a wrong verdict.

use crate::support::{Config, GROUP, Rundeck, TestAgent, get, in_scaling_group, stays, until, world};
use rundeck_alb_lab::rundeck::{Config as RundeckConfig, Fault, Mode, Rundeck as InProcess, Scope, Version};
use std::time::Duration;

fn in_process(version: Version) -> InProcess {
    InProcess::start(RundeckConfig::new(version, "test-token")).expect("the stand-in starts")
}

/// Long enough for every probe to have run several times.
const A_WHILE: Duration = Duration::from_millis(1500);

#[tokio::test]
async fn a_killed_rundeck_is_503_at_once_and_comes_back_proven() {
    let mut rundeck = Rundeck::ready().await;
    let agent = TestAgent::start(&Config::new(rundeck.addr)).await;
    agent.says("200 ok").await;
    until("the process to be known", async || agent.status().await["rundeck"]["pid"] == rundeck.pid()).await;
    let addr = rundeck.addr;
    rundeck.kill().await;
    agent.says("503 down: exited").await;
    let _again = Rundeck::start(addr, "5.20", 0, 0).await;
    agent.says("503 booting: settling").await;
    agent.says("200 ok").await;
}

#[tokio::test]
async fn every_version_comes_up_and_is_understood() {
    for version in [Version::V4_17, Version::V5_20, Version::V6_1] {
        let rundeck = in_process(version);
        let agent = TestAgent::start(&Config::new(rundeck.addr())).await;
        agent.says("200 ok").await;
        until("version and mode", async || {
            let seen = agent.status().await;
            seen["rundeck"]["version"].as_str().is_some_and(|v| v.starts_with(version.release()))
                && seen["rundeck"]["mode"] == "active"
                && seen["rundeck"]["running"] == 0
        })
        .await;
    }
}

/// Switches a fault on for a running, healthy Rundeck and says what follows.
async fn under(fault: Fault, scope: Scope) -> (TestAgent, InProcess) {
    let rundeck = in_process(Version::V5_20);
    let agent = TestAgent::start(&Config::new(rundeck.addr())).await;
    agent.says("200 ok").await;
    until("the API to have answered", async || agent.status().await["rundeck"]["mode"] == "active").await;
    rundeck.state().fault(fault, scope);
    (agent, rundeck)
}

#[tokio::test]
async fn bad_answers_of_health_take_the_node_out_with_their_reason() {
    let rows = [
        (Fault::RedirectLoop, "503 down: redirect"),
        (Fault::Html500, "503 down: bad-status"),
        (Fault::OtherBody, "503 down: bad-body"),
        (Fault::Truncated, "503 down: bad-body"),
        (Fault::Slow(Duration::from_secs(30)), "503 down: timeout"),
        (Fault::Refuse, "503 down: refused"),
    ];
    for (fault, line) in rows {
        let (agent, rundeck) = under(fault, Scope::Health).await;
        agent.says(line).await;
        rundeck.state().heal_all();
        agent.says("200 ok").await;
    }
}

#[tokio::test]
async fn a_frozen_jvm_is_down_although_its_port_accepts() {
    let (agent, rundeck) = under(Fault::Hung, Scope::All).await;
    agent.says("503 down: timeout").await;
    rundeck.state().heal_all();
    agent.says("200 ok").await;
}

#[tokio::test]
async fn trouble_of_the_api_alone_takes_no_node_out() {
    let rows = [
        (Fault::Html500, "api-failing"),
        (Fault::Truncated, "api-unreadable"),
        (Fault::RedirectLoop, "api-unreadable"),
        (Fault::Slow(Duration::from_secs(30)), "api-timeout"),
        (Fault::StatsNull, "token-without-rights"),
        (Fault::RevokedTokens, "token-rejected"),
    ];
    for (fault, finding) in rows {
        let (agent, _rundeck) = under(fault, Scope::Api).await;
        until(finding, async || agent.finds(finding).await).await;
        stays(&format!("200 under {fault:?}"), A_WHILE, async || agent.ask().await.line() == "200 ok").await;
    }
}

#[tokio::test]
async fn passive_by_somebody_else_is_503_and_back() {
    let rundeck = in_process(Version::V5_20);
    let agent = TestAgent::start(&Config::new(rundeck.addr())).await;
    agent.says("200 ok").await;
    rundeck.state().set_mode(Mode::Passive);
    agent.says("503 down: passive").await;
    let compat = get(agent.health, "/api/32/system/executions/status").await;
    assert_eq!(compat.line(), r#"503 {"executionMode":"passive"}"#);
    assert_eq!(rundeck.state().mode(), Mode::Passive, "somebody else's passive mode is not undone");
    rundeck.state().set_mode(Mode::Active);
    agent.says("200 ok").await;
}

#[tokio::test]
async fn a_token_that_was_read_is_used_on_while_its_file_cannot_be_read() {
    let rundeck = in_process(Version::V5_20);
    let agent = TestAgent::start(&Config::new(rundeck.addr())).await;
    agent.says("200 ok").await;
    std::fs::remove_file(agent.home.path().join("token")).expect("the token's file");
    until("told", async || agent.finds("token-file").await).await;
    rundeck.state().set_mode(Mode::Passive);
    agent.says("503 down: passive").await;
    assert!(agent.finds("token-file").await);
}

#[tokio::test]
async fn passive_in_an_auto_scaling_group_stays_200_degraded() {
    let world = world(1, 4440, 4441);
    in_scaling_group(&world, "ELB", &[GROUP]);
    let rundeck = in_process(Version::V5_20);
    let agent = TestAgent::start(&Config::new(rundeck.addr()).in_world(&world, 0)).await;
    agent.says("200 ok").await;
    until("the group's state", async || agent.status().await["lifecycle"] == "InService").await;
    rundeck.state().set_mode(Mode::Passive);
    until("degraded", async || agent.status().await["health"]["degraded"].to_string().contains("passive")).await;
    stays("200 while passive", A_WHILE, async || agent.ask().await.line() == "200 ok").await;
    assert_eq!(world.api().calls().count("RegisterTargets"), 0, "the Auto Scaling group owns the membership");
}

#[tokio::test]
async fn a_stopped_agent_vouches_for_nobody_when_it_wakes() {
    let rundeck = in_process(Version::V5_20);
    let agent = TestAgent::start(&Config::new(rundeck.addr())).await;
    agent.says("200 ok").await;
    rundeck.state().fault(Fault::Hung, Scope::All);
    agent.freeze().await;
    // Longer than max_age (2 s) with nobody looking; the agent's own clock went on.
    stays("stopped", Duration::from_millis(2300), async || true).await;
    agent.signal("CONT");
    let first = agent.ask().await;
    assert_eq!(first.status, 503, "{first:?}");
}
