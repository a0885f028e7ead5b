//! The agent's own end and new start: what goes on, and what is proven anew.

use crate::support::{Config, GROUP, Rundeck, Scene, TestAgent, get, run_to_end, until};
use rundeck_alb_lab::alb::State;
use std::sync::Arc;

#[tokio::test]
async fn an_operators_drain_survives_a_crash_of_the_agent() {
    let mut scene = Scene::new(|_| (), |c| c).await;
    scene.healthy().await;
    scene.rundeck.order("/job?ms=3000").await;
    let order = scene.agent.order("/drain", r#"{"reason":"crash test"}"#).await;
    scene.agent.says("503 draining: operator").await;
    until("intent on disk", async || {
        std::fs::read_to_string(scene.agent.home.path().join("state/intent.json"))
            .is_ok_and(|t| t.contains("crash test"))
    })
    .await;
    scene.crash().await;
    assert_eq!(scene.agent.ask().await.line(), "503 draining: operator");
    until("done", async || scene.agent.status().await["drain"]["phase"] == "done").await;
    assert_eq!(scene.agent.status().await["drain"]["id"], order.json()["drain"]);
    let stats = scene.rundeck.stats().await;
    assert_eq!((&stats["finished"], &stats["mode"]), (&1.into(), &"passive".into()), "{stats}");
    scene.agent.order("/resume", "{}").await;
    scene.healthy().await;
    assert_eq!(scene.mode().await, "active");
}

#[tokio::test]
async fn a_group_that_is_named_no_more_after_a_crash_is_left() {
    let mut scene = Scene::new(|_| (), |c| c).await;
    scene.healthy().await;
    scene.agent.signal("KILL");
    scene.agent.end().await;
    let kept = std::fs::read_to_string(scene.agent.home.path().join("state/registered.json")).expect("kept");
    assert!(kept.contains(GROUP) && kept.contains("\"version\": 1"), "{kept}");

    let mut config = scene.config.clone();
    config.home = Some(scene.agent.home.clone());
    // Neither the configuration nor a tag names any.
    config.more = "[membership]\ndiscover_tag = \"\"\n".into();
    scene.agent = TestAgent::start(&config).await;
    scene.agent.says("200 ok").await;
    until("left", async || matches!(scene.state(), State::Draining | State::Unused)).await;
    scene.agent.says("200 ok").await;
}

#[tokio::test]
async fn a_stopping_agents_passive_mode_is_undone_by_its_next_start() {
    let mut scene = Scene::new(|_| (), |c| c).await;
    scene.healthy().await;
    scene.agent.signal("TERM");
    scene.agent.end().await;
    assert_eq!(scene.mode().await, "passive");
    let mut config = scene.config.clone();
    config.home = Some(scene.agent.home.clone());
    scene.agent = TestAgent::start(&config).await;
    scene.agent.says("200 ok").await;
    until("active again", async || scene.mode().await == "active").await;
    scene.healthy().await;
}

#[tokio::test]
async fn a_restarted_agent_goes_on_with_the_kept_verdict() {
    let rundeck = Rundeck::ready().await;
    let mut config = Config::new(rundeck.addr);
    config.home = Some(Arc::new(tempfile::TempDir::new().expect("a folder")));
    let mut agent = TestAgent::start(&config).await;
    agent.says("200 ok").await;
    let verdict = agent.home.path().join("run/verdict.json");
    until("the verdict on disk", async || verdict.exists()).await;
    agent.signal("KILL");
    agent.end().await;
    // The first answer of the new agent, with no time to settle again.
    let agent = TestAgent::start(&config).await;
    assert_eq!(agent.ask().await.line(), "200 ok", "{}", agent.log());
    assert!(!agent.log().contains("settling"), "{}", agent.log());
}

#[tokio::test]
async fn a_kept_verdict_about_another_rundeck_is_void() {
    let mut rundeck = Rundeck::ready().await;
    let mut config = Config::new(rundeck.addr);
    config.home = Some(Arc::new(tempfile::TempDir::new().expect("a folder")));
    let mut agent = TestAgent::start(&config).await;
    agent.says("200 ok").await;
    until("the verdict on disk", async || agent.home.path().join("run/verdict.json").exists()).await;
    agent.signal("KILL");
    agent.end().await;
    rundeck.kill().await;
    let _other = Rundeck::start(rundeck.addr, "5.20", 0, 0).await;
    let agent = TestAgent::start(&config).await;
    agent.says("200 ok").await;
    let log = agent.log();
    assert!(log.contains("good rounds") && !log.contains("last run still holds"), "proven anew: {log}");
}

#[tokio::test]
async fn the_listener_is_taken_from_systemd_by_its_name() {
    let rundeck = Rundeck::ready().await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = listener.local_addr().expect("its address");
    let mut config = Config::new(rundeck.addr);
    config.listener = Some(Arc::new(listener));
    // Another agent could never bind the passed port: it is the very same socket.
    config.listen = addr;
    let agent = TestAgent::start(&config).await;
    assert_eq!(agent.health, addr);
    agent.says("200 ok").await;
}

#[tokio::test]
async fn two_agents_do_not_share_a_state_directory() {
    let scene = Scene::new(|_| (), |c| c).await;
    let (code, stderr) = run_to_end(&scene.agent.home, "[admin]\nlisten = \"\"\n[health]\nlisten = \"127.0.0.1:0\"\n");
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains(&scene.agent.pid().to_string()), "{stderr}");
    assert_eq!(get(scene.agent.health, "/nothing").await.status, 404);
    assert_ne!(scene.state(), State::Draining);
}
