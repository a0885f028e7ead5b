//! Auto Scaling: Standby in and out, what a group does by itself, and the words in which it refuses.

use std::time::Duration;

use rundeck_alb_lab::World;
use rundeck_alb_lab::alb::{GroupSettings, State, TargetKey};
use rundeck_alb_lab::aws::{Refresh, ScalingSettings};
use rundeck_alb_lab::clock;

use crate::support::{Answer, BOUND, GROUP, Target, call_scaling, join, reaches, settings};

const NAME: &str = "rundeck-asg";

/// One node in service in an Auto Scaling group that has the target group attached, and its target.
struct Scene {
    world: World,
    target: Target,
}

impl Scene {
    async fn new(edit: impl FnOnce(&mut ScalingSettings)) -> Scene {
        let address = std::net::IpAddr::from([127, 0, 0, 11]);
        let target = Target::at(address, &format!("i-{:017x}", 1));
        let own = GroupSettings { port: target.key.port, ..settings() };
        let world = World::builder().nodes(1).group(own).start().expect("a world");
        assert_eq!((world.node(0).address, &world.node(0).instance_id), (address, &target.key.id));
        let mut scaling = ScalingSettings {
            target_groups: vec![world.group(GROUP).arn().to_owned()],
            min: 1,
            desired: 2,
            max: 3,
            moves: Duration::from_millis(50),
            ..ScalingSettings::default()
        };
        edit(&mut scaling);
        world.scaling().set(NAME, scaling);
        let scene = Scene { world, target };
        join(&scene.world, &scene.target).await;
        scene.world.scaling().place(NAME, scene.id(), "InService");
        scene
    }

    fn id(&self) -> &str {
        &self.target.key.id
    }

    fn state(&self) -> Option<String> {
        self.world.scaling().state(self.id())
    }

    async fn is(&self, state: &str) {
        let came = clock::eventually(BOUND, || self.state().as_deref() == Some(state)).await;
        assert!(came, "{:?}, not {state}", self.state());
    }

    async fn moves(&self, action: &str, more: &str) -> Answer {
        let named = format!("AutoScalingGroupName={NAME}&InstanceIds.member.1={}", self.id());
        call_scaling(&self.world, &format!("Action={action}&{named}{more}")).await
    }

    fn desired(&self) -> u32 {
        self.world.scaling().settings(NAME).expect("the group").desired
    }

    fn health(&self) -> State {
        self.world.group(GROUP).health(&self.target.key).state
    }

    fn shown(&self) -> Option<String> {
        self.world.imds(0).item("autoscaling/target-lifecycle-state")
    }
}

const FEWER: &str = "&ShouldDecrementDesiredCapacity=true";
const ANOTHER: &str = "&ShouldDecrementDesiredCapacity=false";

#[tokio::test]
async fn standby_drains_first_and_the_way_back_registers_before_service() {
    let scene = Scene::new(|_| ()).await;
    let answer = scene.moves("EnterStandby", FEWER).await;
    assert!(answer.status == 200 && answer.body.contains("<StatusCode>InProgress<"), "{}", answer.body);
    assert_eq!((scene.state().as_deref(), scene.health()), (Some("EnteringStandby"), State::Draining));
    assert_eq!(scene.shown().as_deref(), Some("Standby"), "metadata tell where it is going");
    assert_eq!(scene.desired(), 1);
    scene.is("Standby").await;
    assert_eq!(scene.health(), State::Unused, "the delay is over before it is there");

    assert_eq!(scene.moves("ExitStandby", "").await.status, 200);
    assert_eq!((scene.state().as_deref(), scene.desired()), (Some("Pending"), 2));
    assert_eq!((scene.shown().as_deref(), scene.health()), (Some("InService"), State::Unused));
    scene.is("InService").await;
    assert_ne!(scene.health(), State::Unused, "registered before it is in service, and healthy after it");
    reaches(&scene.world, &scene.target.key, State::Healthy).await;
}

#[tokio::test]
async fn without_a_smaller_wish_another_instance_is_started_and_the_way_back_may_meet_the_maximum() {
    let scene = Scene::new(|group| group.max = 2).await;
    assert_eq!(scene.moves("EnterStandby", ANOTHER).await.status, 200);
    assert_eq!((scene.desired(), scene.world.scaling().instances(NAME).len()), (2, 2));
    scene.is("Standby").await;
    let refused = scene.moves("ExitStandby", "").await;
    assert_eq!(refused.status, 400);
    assert!(refused.body.contains("min-size=1, max-size=2, and desired-size=2. To "), "{}", refused.body);
    scene.world.scaling().change(NAME, |group| group.max = 3);
    assert_eq!(scene.moves("ExitStandby", "").await.status, 200);
    assert_eq!(scene.desired(), 3, "one more than before: nobody takes it back");
}

#[tokio::test]
async fn each_refusal_is_a_validation_error_in_awss_words() {
    let scene = Scene::new(|group| group.min = 2).await;
    let id = scene.id();
    let unknown = "AutoScalingGroupName=other&InstanceIds.member.1=i-1&ShouldDecrementDesiredCapacity=true";
    let stranger = format!("AutoScalingGroupName={NAME}&InstanceIds.member.1=i-9");
    let undecided = format!("AutoScalingGroupName={NAME}&InstanceIds.member.1={id}");
    for (body, words) in [
        (format!("Action=EnterStandby&{undecided}{FEWER}"), "To place into standby 1 instance, please update the"),
        (format!("Action=EnterStandby&{undecided}"), "Value null at 'shouldDecrementDesiredCapacity'"),
        (format!("Action=ExitStandby&{undecided}"), "is not in Standby."),
        (format!("Action=EnterStandby&{unknown}"), "AutoScalingGroup name not found"),
        (format!("Action=ExitStandby&{stranger}"), "The instance i-9 is not part of Auto Scaling group"),
        ("Action=DescribeInstanceRefreshes&AutoScalingGroupName=other".to_owned(), "AutoScalingGroup name not found"),
    ] {
        let answer = call_scaling(&scene.world, &body).await;
        assert_eq!(answer.status, 400, "{}", answer.body);
        assert!(answer.body.contains("<Code>ValidationError</Code>") && answer.body.contains(words), "{}", answer.body);
    }
    assert_eq!((scene.state().as_deref(), scene.health()), (Some("InService"), State::Healthy), "nothing has moved");
    scene.world.scaling().contend(1);
    let busy = scene.moves("EnterStandby", ANOTHER).await;
    assert_eq!(busy.status, 500);
    assert!(busy.body.contains("<Code>ResourceContention</Code>"), "{}", busy.body);
    assert_eq!(scene.moves("EnterStandby", ANOTHER).await.status, 200, "another time it works");
}

#[tokio::test]
async fn the_group_tells_sizes_zones_suspended_processes_and_its_refresh() {
    let scene = Scene::new(|group| {
        group.zones.push("eu-west-1b".into());
        group.suspended = vec!["AZRebalance".into()];
    })
    .await;
    for (status, standby) in [("Successful", None), ("InProgress", Some("Terminate".to_owned()))] {
        scene.world.scaling().refresh(NAME, Refresh { status: status.into(), standby });
    }
    let group = call_scaling(&scene.world, "Action=DescribeAutoScalingGroups").await.body;
    for part in [
        "<MinSize>1</MinSize><MaxSize>3</MaxSize><DesiredCapacity>2</DesiredCapacity>",
        "<AvailabilityZones><member>eu-west-1a</member><member>eu-west-1b</member></AvailabilityZones>",
        "<ProcessName>AZRebalance</ProcessName>",
    ] {
        assert!(group.contains(part), "{part} in {group}");
    }
    let named = format!("AutoScalingGroupName={NAME}");
    let listed = call_scaling(&scene.world, &format!("Action=DescribeInstanceRefreshes&{named}")).await.body;
    let newest = listed.find("<Status>InProgress<").expect("the one that is under way");
    assert!(newest < listed.find("<Status>Successful<").expect("the one before"), "{listed}");
    assert!(listed.contains("<StandbyInstances>Terminate</StandbyInstances>"), "{listed}");
}

#[tokio::test]
async fn an_unhealthy_target_gets_its_instance_replaced_where_the_list_says_so() {
    let replaced = Scene::new(|group| group.health_checks = "EBS,ELB".into()).await;
    replaced.target.set_health(503);
    let scaling = replaced.world.scaling();
    assert!(clock::eventually(BOUND, || scaling.replaced() == [replaced.id()]).await, "{:?}", replaced.state());
    assert_eq!(replaced.shown().as_deref(), Some("Terminated"));
    assert!(clock::eventually(BOUND, || replaced.state().is_none()).await, "gone once it has drained");

    for (checks, suspended, grace) in [("EC2,EBS", "", 0), ("ELB", "ReplaceUnhealthy", 0), ("ELB", "", 60)] {
        let spared = Scene::new(|group| {
            group.health_checks = checks.into();
            group.suspended = vec![suspended.into()];
            group.grace = Duration::from_secs(grace);
        })
        .await;
        spared.target.set_health(503);
        reaches(&spared.world, &spared.target.key, State::Unhealthy).await;
        clock::pause(Duration::from_millis(50)).await;
        assert_eq!(spared.world.scaling().replaced(), Vec::<String>::new(), "{checks}, {suspended}, {grace}");
    }
}

#[tokio::test]
async fn nobody_is_judged_in_standby_and_everybody_at_once_when_back() {
    let scene = Scene::new(|group| (group.health_checks, group.grace) = ("ELB".into(), Duration::ZERO)).await;
    let scaling = scene.world.scaling();
    scaling.enter_standby(NAME, scene.id(), true).expect("by the console");
    scene.target.set_health(503);
    scene.is("Standby").await;
    assert_eq!(scaling.replaced(), Vec::<String>::new());
    scaling.exit_standby(NAME, scene.id()).expect("and back, too early");
    assert!(clock::eventually(BOUND, || scaling.replaced() == [scene.id()]).await, "there is no grace after Standby");
}

#[tokio::test]
async fn metadata_follow_the_warm_pool_a_launch_and_a_detaching() {
    let scene = Scene::new(|_| ()).await;
    let scaling = scene.world.scaling();
    for (state, shown) in [
        ("Warmed:Pending:Wait", "Warmed:Stopped"),
        ("Warmed:Stopped", "Warmed:Stopped"),
        ("Warmed:Running", "Warmed:Running"),
        ("Warmed:Hibernated", "Warmed:Hibernated"),
        ("Pending:Wait", "InService"),
    ] {
        scaling.place(NAME, scene.id(), state);
        assert_eq!(scene.shown().as_deref(), Some(shown), "{state}");
    }
    scaling.detach(scene.id());
    assert_eq!((scene.shown().as_deref(), scene.health()), (Some("Detached"), State::Draining));
    assert!(clock::eventually(BOUND, || scene.state().is_none()).await, "{:?}", scene.state());
    assert_eq!((scene.shown().as_deref(), scene.health()), (Some("Detached"), State::Unused));

    scaling.launch(NAME, scene.id());
    assert_eq!(scene.shown().as_deref(), Some("InService"), "long before it is");
    scene.is("InService").await;
    reaches(&scene.world, &scene.target.key, State::Healthy).await;
}

#[tokio::test]
async fn a_suspended_process_adds_nobody_to_the_load_balancer() {
    let scene = Scene::new(|group| group.suspended = vec!["AddToLoadBalancer".into()]).await;
    scene.moves("EnterStandby", FEWER).await;
    scene.is("Standby").await;
    scene.moves("ExitStandby", "").await;
    scene.is("InService").await;
    assert_eq!(scene.health(), State::Unused, "and nobody adds it later");
    assert_eq!(scene.world.group(GROUP).targets(), Vec::<(TargetKey, _)>::new());
}
