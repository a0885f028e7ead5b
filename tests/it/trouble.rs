//! Instance metadata in every bad mood: health is served all the same, and what is missing is said.

use crate::support::{Config, Rundeck, TestAgent, until, world};
use rundeck_alb_lab::faults::{Fault, Rule};
use std::time::Duration;

/// An agent in a world whose metadata service has this fault from the start.
async fn with_metadata(change: impl FnOnce(&rundeck_alb_lab::World)) -> (rundeck_alb_lab::World, Rundeck, TestAgent) {
    let rundeck = Rundeck::ready().await;
    let world = world(1, rundeck.addr.port(), crate::support::free_port());
    change(&world);
    let agent = TestAgent::start(&Config::new(rundeck.addr).in_world(&world, 0)).await;
    (world, rundeck, agent)
}

#[tokio::test]
async fn bad_metadata_never_keeps_health_from_being_served() {
    let faults = [Fault::Deny, Fault::Expired, Fault::Throttle, Fault::Html500, Fault::Reset, Fault::Hang];
    for fault in faults {
        let (world, _rundeck, agent) = with_metadata(|world| world.imds(0).faults().set(fault)).await;
        agent.says("200 ok").await;
        until(&format!("the finding under {fault:?}"), async || agent.finds("metadata-unreachable").await).await;
        assert_eq!(world.api().calls().count("RegisterTargets"), 0);
        world.imds(0).faults().clear();
        until("registered once metadata answers", async || world.api().calls().count("RegisterTargets") == 1).await;
        assert!(!agent.finds("metadata-unreachable").await);
    }
}

#[tokio::test]
async fn absent_metadata_never_keeps_health_from_being_served() {
    let (world, _rundeck, agent) = with_metadata(|world| world.imds(0).faults().refuse()).await;
    agent.says("200 ok").await;
    until("the finding", async || agent.finds("metadata-unreachable").await).await;
    world.imds(0).faults().clear();
    until("registered", async || world.api().calls().count("RegisterTargets") == 1).await;
}

#[tokio::test]
async fn a_missing_document_is_said() {
    let missing = |world: &rundeck_alb_lab::World| {
        world.imds(0).set("dynamic/instance-identity/document", None);
    };
    let (_world, _rundeck, agent) = with_metadata(missing).await;
    agent.says("200 ok").await;
    until("the finding", async || agent.finds("metadata-unreachable").await).await;
}

#[tokio::test]
async fn slow_metadata_is_waited_for_within_bounds() {
    let slow = |world: &rundeck_alb_lab::World| {
        world.imds(0).faults().add(Rule::times(3, Fault::Slow(Duration::from_secs(20))));
    };
    let (world, _rundeck, agent) = with_metadata(slow).await;
    agent.says("200 ok").await;
    until("registered", async || world.api().calls().count("RegisterTargets") == 1).await;
}

#[tokio::test]
async fn a_revoked_metadata_session_is_opened_anew() {
    let (world, _rundeck, agent) = with_metadata(|_| ()).await;
    until("registered", async || world.api().calls().count("RegisterTargets") == 1).await;
    world.imds(0).void_tokens();
    let asked = |world: &rundeck_alb_lab::World| {
        let path = "/latest/meta-data/autoscaling/target-lifecycle-state".to_string();
        world.imds(0).requests().get(&(path, 404)).copied().unwrap_or(0)
    };
    assert_eq!(agent.ask().await.line(), "200 ok");
    assert!(asked(&world) >= 1);
}
