//! Leaving: no failed request, no killed job, a receipt; and coming back.

use crate::support::{Scene, get, in_scaling_group, login, request, stays, until, with_cookie};
use rundeck_alb_lab::alb::State;
use rundeck_alb_lab::faults::{Fault, Rule};
use std::time::{Duration, Instant};

#[tokio::test]
async fn sigterm_waits_for_jobs_and_requests_and_leaves_a_receipt() {
    let mut scene = Scene::new(|_| (), |c| c).await;
    scene.healthy().await;
    scene.rundeck.order("/job?ms=2500").await;
    let balancer = scene.world.balancer_addr();
    let cookie = login(balancer).await;
    let slow = tokio::spawn(async move { with_cookie(balancer, "/slow?ms=700", &cookie).await });
    until("the request to be in flight", async || scene.world.balancer().traffic().in_flight(&scene.key()) == 1).await;

    scene.agent.signal("TERM");
    scene.agent.says("503 draining: agent-stopping").await;
    until("passive", async || scene.mode().await == "passive").await;
    until("draining", async || scene.state() == State::Draining).await;

    assert!(scene.agent.end().await.success(), "{}", scene.agent.log());
    assert_eq!(slow.await.expect("the request").status, 200);
    let stats = scene.rundeck.stats().await;
    assert_eq!((&stats["finished"], &stats["killed"]), (&1.into(), &0.into()), "{stats}");
    let receipts = scene.agent.receipts();
    assert_eq!(receipts.len(), 1, "{receipts:?}");
    let receipt = &receipts[0];
    assert_eq!(receipt["result"], "clean", "{receipt}");
    assert_eq!(receipt["cause"], "agent-stopping");
    assert_eq!(receipt["running_jobs_waited_for"], 1, "{receipt}");
    assert_eq!(receipt["running_jobs_left"], 0);
    assert_eq!(receipt["target_groups"][0]["deregistered"], true);
    let steps: Vec<&str> =
        receipt["steps"].as_array().expect("steps").iter().filter_map(|s| s["name"].as_str()).collect();
    assert_eq!(steps, ["advertise", "passive", "deregister", "quiet", "jobs"]);
    assert!(receipt["steps"][3]["took_ms"].as_u64() >= Some(500), "the floor: {receipt}");
    assert_eq!(scene.registers(), 1, "never put back while leaving");
}

#[tokio::test]
async fn a_second_signal_aborts_and_the_receipt_says_so() {
    let mut scene = Scene::new(|_| (), |c| c).await;
    scene.healthy().await;
    scene.rundeck.order("/job?ms=60000").await;
    let first = Instant::now();
    scene.agent.signal("TERM");
    // Many supervisors send one twice: that is one stop. What must do nothing does nothing.
    for signal in ["TERM", "HUP", "USR1", "USR2"] {
        scene.agent.signal(signal);
    }
    scene.agent.says("503 draining: agent-stopping").await;
    until("a later signal to be another one", async || first.elapsed() > Duration::from_millis(2_100)).await;
    scene.agent.says("503 draining: agent-stopping").await;
    scene.agent.signal("INT");
    assert_eq!(scene.agent.end().await.code(), Some(1));
    let receipts = scene.agent.receipts();
    assert_eq!(receipts.last().expect("a receipt")["result"], "aborted", "{receipts:?}");
}

#[tokio::test]
async fn waiting_for_jobs_is_bounded() {
    let mut scene = Scene::new(
        |_| (),
        |mut c| {
            c.jobs_timeout = "1s".into();
            c
        },
    )
    .await;
    scene.healthy().await;
    scene.rundeck.order("/job?ms=60000").await;
    until("the job to be seen", async || scene.agent.status().await["rundeck"]["running"] == 1).await;
    scene.agent.signal("TERM");
    assert_eq!(scene.agent.end().await.code(), Some(0));
    let receipt = scene.agent.receipts().pop().expect("a receipt");
    assert_eq!((&receipt["result"], &receipt["running_jobs_left"]), (&"cut-short".into(), &1.into()), "{receipt}");
}

#[tokio::test]
async fn an_operators_drain_lasts_until_resume() {
    let scene = Scene::new(|_| (), |c| c).await;
    scene.healthy().await;
    let order = scene.agent.order("/drain", r#"{"reason":"kernel update"}"#).await;
    assert_eq!(order.status, 202, "{order:?}");
    let id = order.json()["drain"].as_str().expect("an id").to_string();
    assert!(id.ends_with("-operator"), "{id}");
    scene.agent.says("503 draining: operator").await;
    until("done", async || scene.agent.status().await["drain"]["phase"] == "done").await;
    assert_eq!(scene.mode().await, "passive");
    let receipt = get(scene.agent.admin, &format!("/receipts/{id}")).await;
    assert_eq!(receipt.json()["reason"], "kernel update", "{receipt:?}");
    // The deregistration delay of the lab is 4 s and the reconcile interval 1 s: drift would show.
    until("gone from the group", async || scene.state() == State::Unused).await;
    stays("out", Duration::from_millis(1500), async || scene.registers() == 1).await;

    let resumed = scene.agent.order("/resume", "{}").await;
    assert_eq!(resumed.json()["resumed"], true, "{resumed:?}");
    scene.healthy().await;
    scene.agent.says("200 ok").await;
    assert_eq!(scene.mode().await, "active");
}

#[tokio::test]
async fn a_node_of_an_auto_scaling_group_is_not_drained_by_order() {
    let scene = Scene::new(|world| in_scaling_group(world, "EC2,ELB", &[]), |c| c).await;
    scene.healthy().await;
    let order = scene.agent.order("/drain", "{}").await;
    assert_eq!((order.status, &order.json()["why"]), (409, &"asg".into()), "{order:?}");
    assert_eq!(scene.agent.ask().await.line(), "200 ok");
}

/// Only one that would replace it: a group with EC2's own checks alone lets an operator drain its node.
#[tokio::test]
async fn a_node_whose_group_minds_no_503_is_drained_by_order() {
    let scene = Scene::new(|world| in_scaling_group(world, "EC2,EBS", &[]), |c| c).await;
    scene.healthy().await;
    let order = scene.agent.order("/drain", "{}").await;
    assert_eq!(order.status, 202, "{order:?}");
    scene.agent.says("503 draining: operator").await;
    until("gone from the group", async || scene.state() == State::Unused).await;
}

/// Where nobody may be asked, the worst is assumed, and said.
#[tokio::test]
async fn where_auto_scaling_may_not_be_asked_a_drain_is_refused_with_the_cure() {
    let deny = Rule::always(Fault::Deny).only("DescribeAutoScalingInstances");
    let scene = Scene::new(
        |world| {
            in_scaling_group(world, "EC2", &[]);
            world.api().faults().add(deny);
        },
        |c| c,
    )
    .await;
    scene.agent.says("200 ok").await;
    until("the finding", async || scene.agent.finds("permission-missing").await).await;
    let text = scene.agent.status().await["findings"].to_string();
    assert!(text.contains("autoscaling:DescribeAutoScalingInstances"), "{text}");
    let order = scene.agent.order("/drain", "{}").await;
    assert_eq!((order.status, &order.json()["why"]), (409, &"unknown".into()), "{order:?}");
    assert_eq!(scene.agent.ask().await.line(), "200 ok");
}

#[tokio::test]
async fn leaving_without_aws_waits_longer_and_says_so() {
    let mut scene = Scene::new(|_| (), |c| c).await;
    scene.healthy().await;
    scene.world.api().faults().set(Fault::Reset);
    scene.agent.signal("TERM");
    scene.agent.says("503 draining: agent-stopping").await;
    assert_eq!(scene.agent.end().await.code(), Some(0));
    let receipt = scene.agent.receipts().pop().expect("a receipt");
    assert_eq!(receipt["result"], "cut-short", "{receipt}");
    assert_eq!(receipt["target_groups"][0]["deregistered"], false);
    // Two failed checks of the group, told in whole seconds (1 s each), its time-out (1 s) and 5 s.
    let quiet = receipt["steps"].as_array().expect("steps").iter().find(|s| s["name"] == "quiet").expect("quiet");
    assert!(quiet["took_ms"].as_u64() >= Some(8000), "{receipt}");
}

#[tokio::test]
async fn a_node_that_never_served_leaves_at_once() {
    let scene = Scene::new(|_| (), |c| c).await;
    drop(scene.rundeck);
    let mut config = scene.config.clone();
    drop(scene.agent);
    config.home = None;
    config.listen.set_port(0);
    config.boot_timeout = "60s".into();
    let mut agent = crate::support::TestAgent::start(&config).await;
    agent.signal("TERM");
    assert_eq!(agent.end().await.code(), Some(0));
    let receipt = agent.receipts().pop().expect("a receipt");
    let text = receipt["steps"].to_string();
    assert!(text.contains("not in service"), "{receipt}");
}

#[tokio::test]
async fn orders_are_refused_where_they_may_not_come_from() {
    let scene = Scene::new(|_| (), |c| c).await;
    let admin = scene.agent.admin;
    let order = format!("POST /drain HTTP/1.1\r\nHost: {admin}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}");
    assert_eq!(request(admin, &order).await.status, 403);
    let bad = scene.agent.order("/drain", r#"{"cause":"weather"}"#).await;
    assert_eq!(bad.status, 400, "{bad:?}");
}
