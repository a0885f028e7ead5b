//! Standby, with the real agent: a node whose Auto Scaling group would replace it for a 503 leaves by it, and comes
//! back.

use crate::support::{GROUP, Scene, stays, until};
use rundeck_alb_lab::alb::State;
use rundeck_alb_lab::aws::ScalingSettings;
use std::time::Duration;

const ASG: &str = "rundeck-asg";

/// In service in a group that checks by the load balancer, with that way allowed.
async fn scene(rule: &str, desired: u32) -> Scene {
    let scene = Scene::new(
        |world| {
            let settings = ScalingSettings {
                health_checks: "EC2,ELB".into(),
                grace: Duration::from_secs(60),
                target_groups: vec![world.group(GROUP).arn().to_owned()],
                min: 1,
                max: 3,
                desired,
                ..ScalingSettings::default()
            };
            world.scaling().set(ASG, settings);
            world.scaling().launch(ASG, &world.node(0).instance_id);
        },
        |mut config| {
            config.env.push(("RUNDECK_ALB_AGENT__MEMBERSHIP__STANDBY".into(), rule.into()));
            config
        },
    )
    .await;
    scene.healthy().await;
    until("the group's state", async || scene.agent.status().await["lifecycle"] == "InService").await;
    scene
}

fn state(scene: &Scene) -> String {
    scene.world.scaling().state(&scene.world.node(0).instance_id).unwrap_or_default()
}

#[tokio::test]
async fn a_drain_goes_by_standby_and_resume_brings_the_node_back_and_nobody_is_replaced() {
    let scene = scene("decrement", 2).await;
    let order = scene.agent.order("/drain", r#"{"reason": "kernel"}"#).await;
    assert_eq!(order.status, 202, "{order:?}");
    scene.agent.says("503 draining: operator").await;
    let there = state(&scene);
    assert!(["EnteringStandby", "Standby"].contains(&there.as_str()), "no 503 before AWS has it there: {there}");
    until("passive", async || scene.mode().await == "passive").await;
    until("drained", async || !scene.agent.receipts().is_empty()).await;
    let receipt = &scene.agent.receipts()[0];
    assert_eq!(
        (&receipt["steps"][0]["name"], &receipt["steps"][0]["result"]),
        (&"standby".into(), &"in Standby".into())
    );
    assert_eq!(receipt["result"], "clean", "{receipt}");
    let order = scene.agent.order("/resume", "{}").await;
    assert_eq!(order.status, 200, "{order:?}");
    until("in service again", async || state(&scene) == "InService").await;
    scene.healthy().await;
    assert_eq!(scene.mode().await, "active");
    assert_eq!(scene.world.scaling().replaced(), Vec::<String>::new());
    let calls = scene.world.api().calls();
    assert_eq!((calls.count("EnterStandby"), calls.count("ExitStandby")), (1, 1));
    assert_eq!((calls.count("RegisterTargets"), calls.count("DeregisterTargets")), (0, 0), "the group does it itself");
}

#[tokio::test]
async fn what_its_figures_forbid_is_refused_with_the_cure_and_nothing_is_moved() {
    for (rule, desired, says) in [("decrement", 1, "lower the minimum"), ("replace", 3, "raise the maximum")] {
        let scene = scene(rule, desired).await;
        let order = scene.agent.order("/drain", "{}").await;
        let said = order.json();
        assert_eq!((order.status, &said["why"]), (409, &"standby".into()), "{order:?}");
        assert!(said["refused"].as_str().is_some_and(|text| text.contains(says)), "{said}");
        stays("200", Duration::from_millis(500), async || scene.agent.ask().await.line() == "200 ok").await;
        assert_eq!((state(&scene).as_str(), scene.state()), ("InService", State::Healthy));
        assert_eq!(scene.world.api().calls().count("EnterStandby"), 0);
    }
}

/// An agent that is killed in Standby goes on there, and brings the node back all the same.
#[tokio::test]
async fn over_a_crash_of_the_agent_the_node_is_brought_back() {
    let mut scene = scene("decrement", 2).await;
    let order = scene.agent.order("/drain", "{}").await;
    assert_eq!(order.status, 202, "{order:?}");
    scene.agent.says("503 draining: operator").await;
    scene.crash().await;
    scene.agent.says("503 draining: operator").await;
    let order = scene.agent.order("/resume", "{}").await;
    assert_eq!(order.status, 200, "{order:?}");
    until("in service again", async || state(&scene) == "InService").await;
    scene.healthy().await;
    assert_eq!(scene.world.api().calls().count("EnterStandby"), 1, "it was there already");
}
