//! Maintenance as an operator orders it: 503 while the node stays a target, over a crash of the agent, until its end.

use crate::support::{Scene, TestAgent, in_scaling_group, request, until};
use rundeck_alb_lab::alb::State;

const MAINTAINED: &str = "503 maintenance: operator";

/// The one line of `maint show --output json`.
async fn shown(agent: &TestAgent) -> serde_json::Value {
    let (code, printed) = agent.command(&["maint", "show", "--output", "json"]).await;
    assert_eq!(code, 0, "{printed}");
    serde_json::from_str::<serde_json::Value>(&printed).expect("JSON")["maintenance"].clone()
}

#[tokio::test]
async fn maintenance_is_503_of_a_target_and_goes_on_after_a_crash_of_the_agent() {
    let mut scene = Scene::new(|_| (), |c| c).await;
    scene.healthy().await;
    let (code, printed) = scene.agent.command(&["maint", "on", "--reason", "kernel update"]).await;
    assert_eq!(code, 0, "{printed}");
    assert!(printed.starts_with("maintenance is on: `status` tells what /health answers"), "{printed}");
    assert_eq!(scene.agent.ask().await.line(), MAINTAINED, "from the answer to the order on");
    until("the balancer to see it", async || scene.state() == State::Unhealthy).await;
    let calls = scene.world.api().calls();
    assert_eq!((scene.registers(), calls.count("DeregisterTargets")), (1, 0), "still registered, once");
    assert_eq!(scene.mode().await, "active");
    assert_eq!(shown(&scene.agent).await["reason"], "kernel update");
    let held = scene.agent.home.path().join("state/held.json");
    until("maintenance on disk", async || {
        std::fs::read_to_string(&held).is_ok_and(|text| text.contains("kernel update"))
    })
    .await;
    scene.crash().await;
    assert_eq!(scene.agent.ask().await.line(), MAINTAINED, "its first answer; log:\n{}", scene.agent.log());
    let (code, printed) = scene.agent.command(&["status"]).await;
    assert!(code == 2 && printed.contains("\nmaintenance \"kernel update\", until `maint off`\n"), "{code}: {printed}");
    let (code, printed) = scene.agent.command(&["maint", "off"]).await;
    assert_eq!((code, printed.as_str()), (0, "maintenance is over: /health answers 200 when Rundeck is up\n"));
    scene.agent.says("200 ok").await;
    scene.healthy().await;
    assert!(shown(&scene.agent).await.is_null());
    let (code, printed) = scene.agent.command(&["maint", "off"]).await;
    assert_eq!((code, printed.as_str()), (0, "maintenance was not on\n"));
    assert_eq!((scene.registers(), scene.world.api().calls().count("DeregisterTargets")), (1, 0));
}

#[tokio::test]
async fn maintenance_ends_by_itself() {
    let scene = Scene::new(|_| (), |c| c).await;
    scene.agent.says("200 ok").await;
    let (code, printed) = scene.agent.command(&["maint", "on", "--for", "2s"]).await;
    assert_eq!(code, 0, "{printed}");
    assert!(printed.starts_with("maintenance is on for 2 s: "), "{printed}");
    assert_eq!(scene.agent.ask().await.line(), MAINTAINED);
    assert!(scene.agent.status().await["maintenance"]["left_ms"].as_u64().is_some_and(|left| left <= 2_000));
    scene.agent.says("200 ok").await;
    assert!(scene.agent.status().await["maintenance"].is_null());
    assert!(scene.agent.log().contains("maintenance has ended: its time has come"), "{}", scene.agent.log());
}

#[tokio::test]
async fn maintenance_is_refused_where_an_auto_scaling_group_would_replace_the_node() {
    let scene = Scene::new(|world| in_scaling_group(world, "EC2,ELB", &[]), |c| c).await;
    scene.agent.says("200 ok").await;
    let (code, printed) = scene.agent.command(&["maint", "on"]).await;
    assert!(code == 4 && printed.starts_with("error: refused: "), "{code}: {printed}");
    assert_eq!(scene.agent.ask().await.line(), "200 ok");
    let refused = scene.agent.order("/maintenance", r#"{"on": true}"#).await;
    assert_eq!((refused.status, &refused.json()["why"]), (409, &"asg".into()), "{refused:?}");
    let admin = scene.agent.admin;
    let body = r#"{"on": true}"#;
    let order = format!("POST /maintenance HTTP/1.1\r\nHost: {admin}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    assert_eq!(request(admin, &order).await.status, 403, "not by TCP");
    assert!(shown(&scene.agent).await.is_null());
}
