//! Registering, watching, repairing: this node's own target, and nothing else.

use crate::support::{Config, GROUP, Scene, TestAgent, free_port, group_asking, stays, until};
use rundeck_alb_lab::World;
use rundeck_alb_lab::alb::State;
use rundeck_alb_lab::faults::{Fault, Rule};
use std::sync::Arc;
use std::time::Duration;

#[tokio::test]
async fn registers_when_first_up_and_not_before() {
    let scene = Scene::new(|_| (), |c| c).await;
    until("healthy", async || scene.state() == State::Healthy).await;
    until("the call to be logged", async || scene.agent.log().contains("RegisterTargets")).await;
    let log = scene.agent.log();
    let up = log.find("-> up").expect("a transition to up");
    let registered = log.find("RegisterTargets").expect("the call is logged");
    assert!(up < registered, "{log}");
    until("status to know", async || scene.agent.status().await["targets"][0]["state"] == "healthy").await;
    assert_eq!(scene.registers(), 1);
}

/// Somebody deregisters it, and the agent has seen that.
async fn taken_out(scene: &Scene) {
    until("healthy", async || scene.state() == State::Healthy).await;
    until("the agent to know", async || scene.agent.status().await["targets"][0]["state"] == "healthy").await;
    let key = scene.key();
    scene.world.group(GROUP).deregister(&[(key.id.clone(), Some(key.port))]).expect("somebody deregisters it");
    until("the finding", async || scene.agent.finds("taken-out").await).await;
}

/// The delay of the lab's group is 4 s, the least rest 15 s.
#[tokio::test]
async fn what_somebody_else_takes_out_is_told_left_alone_and_put_back() {
    let scene = Scene::new(|_| (), |c| c).await;
    taken_out(&scene).await;
    stays("left alone", Duration::from_secs(12), async || scene.registers() == 1).await;
    assert_eq!(scene.agent.ask().await.line(), "200 ok");
    until("registered again", async || scene.registers() == 2).await;
    until("healthy again", async || scene.state() == State::Healthy).await;
    until("the finding to go", async || !scene.agent.finds("taken-out").await).await;
}

#[tokio::test]
async fn without_repair_it_is_resume_that_puts_a_target_back() {
    let without = |mut c: Config| {
        c.more = c.more.replace("[membership]\n", "[membership]\nrepair = false\n");
        c
    };
    let scene = Scene::new(|_| (), without).await;
    taken_out(&scene).await;
    stays("left out", Duration::from_secs(3), async || scene.registers() == 1).await;
    let (code, text) = scene.agent.command(&["resume"]).await;
    assert_eq!(code, 0, "{text}");
    until("registered again", async || scene.registers() == 2).await;
    until("healthy again", async || scene.state() == State::Healthy).await;
}

#[tokio::test]
async fn losing_aws_and_metadata_changes_nothing() {
    let scene = Scene::new(|_| (), |c| c).await;
    until("healthy", async || scene.state() == State::Healthy).await;
    for fault in [Fault::Throttle, Fault::Deny, Fault::Html500, Fault::Expired, Fault::Reset, Fault::Hang] {
        scene.world.api().faults().set(fault);
        scene.world.imds(0).faults().set(fault);
        stays(&format!("200 under {fault:?}"), Duration::from_millis(1200), async || {
            scene.agent.ask().await.line() == "200 ok"
        })
        .await;
    }
    scene.world.api().faults().refuse();
    scene.world.imds(0).faults().refuse();
    stays("200 with AWS away", Duration::from_millis(1200), async || scene.agent.ask().await.line() == "200 ok").await;
    assert_eq!(scene.world.api().calls().count("DeregisterTargets"), 0);
    assert_eq!(scene.state(), State::Healthy);
}

#[tokio::test]
async fn a_denied_permission_is_a_finding_that_names_the_action() {
    let scene =
        Scene::new(|world| world.api().faults().add(Rule::always(Fault::Deny).only("RegisterTargets")), |c| c).await;
    until("the finding", async || scene.agent.finds("permission-missing").await).await;
    let text = scene.agent.status().await["findings"].to_string();
    assert!(text.contains("RegisterTargets"), "{text}");
    assert_eq!(scene.agent.ask().await.line(), "200 ok");
    scene.world.api().faults().clear();
    until("healthy", async || scene.state() == State::Healthy).await;
    until("the finding to go", async || !scene.agent.finds("permission-missing").await).await;
}

#[tokio::test]
async fn an_unknown_group_is_a_finding() {
    let scene = Scene::new(
        |_| (),
        |mut c| {
            c.more = c.more.replace(GROUP, "no-such-group");
            c
        },
    )
    .await;
    until("the finding", async || scene.agent.finds("target-group-missing").await).await;
    assert_eq!(scene.registers(), 0);
}

#[tokio::test]
async fn a_group_can_be_named_by_the_instance_tag() {
    let tags = [("rundeck-alb-agent:target-groups".to_string(), GROUP.to_string())].into();
    let scene = Scene::new(
        |world| world.imds(0).set_tags(Some(&tags)),
        |mut c| {
            c.more = "[membership]\nreconcile_interval = \"1s\"\nmin_other_healthy = 0\n".into();
            c
        },
    )
    .await;
    until("healthy", async || scene.state() == State::Healthy).await;
}

/// While the agent runs: what the tag names no more is left by a proper call, what it names now is joined, and the node
/// is well all the time.
#[tokio::test]
async fn a_tag_that_changes_moves_a_running_node_from_one_group_to_the_other() {
    const OTHER: &str = "rundeck-api";
    let tags = |names: &str| [("rundeck-alb-agent:target-groups".to_string(), names.to_string())].into();
    let (traffic, health) = (free_port(), free_port());
    let group = |name| group_asking(name, traffic, health, "/health");
    let world = World::builder().group(group(GROUP)).group(group(OTHER)).start().expect("the lab starts");
    world.imds(0).set_tags(Some(&tags(GROUP)));
    let paces = "[membership]\nreconcile_interval = \"1s\"\nmin_other_healthy = 0\n";
    let scene = Scene::of(world, traffic, health, |config| Config { more: paces.into(), ..config }).await;
    scene.healthy().await;
    let other = || scene.world.group(OTHER).health(&scene.key()).state;
    scene.world.imds(0).set_tags(Some(&tags(OTHER)));
    let deregistered = async || scene.world.api().calls().count("DeregisterTargets") == 1;
    let moved = async || {
        assert_eq!(scene.agent.ask().await.line(), "200 ok");
        deregistered().await && other() == State::Healthy
    };
    until("out of the one and in the other", moved).await;
    until("its requests to have ended", async || scene.state() == State::Unused).await;
    let changes = scene.world.api().calls().all().into_iter().filter(|call| !call.action.starts_with("Describe"));
    let mut changes: Vec<_> = changes.map(|call| (call.action, call.group.unwrap_or_default())).collect();
    changes.sort();
    let wanted = [("DeregisterTargets", GROUP), ("RegisterTargets", OTHER), ("RegisterTargets", GROUP)];
    assert_eq!(changes, wanted.map(|(action, group)| (action.to_string(), group.to_string())));
    until("the agent to forget it", async || {
        let targets = &scene.agent.status().await["targets"];
        targets.as_array().is_some_and(|all| all.len() == 1 && all[0]["target_group"] == OTHER)
    })
    .await;
    assert!(scene.agent.log().contains(&format!("{GROUP} is no longer named")), "{}", scene.agent.log());
    assert_eq!(scene.agent.ask().await.line(), "200 ok");
    assert!(scene.agent.status().await["drain"].is_null(), "the node itself does not leave");
}

#[tokio::test]
async fn dry_run_and_observe_change_nothing() {
    for toml in ["[aws]\ndry_run = true\n", "ownership = \"observe\"\n"] {
        let scene = Scene::new(|_| (), |c| c.with(toml)).await;
        scene.agent.says("200 ok").await;
        until("the target to have been looked at", async || {
            scene.world.api().calls().count("DescribeTargetHealth") >= 2
        })
        .await;
        scene.agent.signal("TERM");
        let mut agent = scene.agent;
        agent.end().await;
        let calls = scene.world.api().calls();
        assert_eq!((calls.count("RegisterTargets"), calls.count("DeregisterTargets")), (0, 0), "{toml}");
        if toml.contains("dry_run") {
            assert_eq!(scene.rundeck.stats().await["mode"], "active");
        }
    }
}

/// By the configuration and by the tag: what an earlier run has registered is taken out by a proper call.
#[tokio::test]
async fn a_group_that_nobody_names_after_a_restart_is_left_by_the_agent() {
    let tagged = |key: &str, value: &str| [(key.to_string(), value.to_string())].into();
    let paces = "[membership]\nreconcile_interval = \"1s\"\nmin_other_healthy = 0\n";
    for by_tag in [true, false] {
        let home = Some(Arc::new(tempfile::TempDir::new().expect("a folder")));
        let key = if by_tag { "rundeck-alb-agent:target-groups" } else { "other" };
        let named = |config: Config| if by_tag { Config { more: paces.into(), ..config } } else { config };
        let mut scene = Scene::new(
            |world| world.imds(0).set_tags(Some(&tagged(key, GROUP))),
            |config| Config { home, ..named(config) },
        )
        .await;
        scene.healthy().await;
        scene.agent.signal("KILL");
        scene.agent.end().await;
        scene.world.imds(0).set_tags(Some(&tagged("Name", "node-1")));
        let agent = TestAgent::start(&Config { more: paces.into(), ..scene.config.clone() }).await;
        until("deregistered", async || scene.world.api().calls().count("DeregisterTargets") == 1).await;
        until("out of it", async || scene.state() != State::Healthy).await;
        assert!(agent.log().contains("is no longer named"), "{}", agent.log());
        agent.says("200 ok").await;
    }
}
