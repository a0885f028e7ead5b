//! What happens to a target: checked, judged, drained, gone.

use std::time::Duration;

use rundeck_alb_lab::alb::{
    Anomaly, GroupSettings, HealthCheck, HealthPort, Power, State, TargetKey, TargetType, ZonalShift,
};
use rundeck_alb_lab::clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::{BOUND, GROUP, Target, call, get, join, reaches, settings, world};

fn reason(world: &rundeck_alb_lab::World, key: &TargetKey) -> Option<&'static str> {
    world.group(GROUP).health(key).reason
}

#[tokio::test]
async fn a_new_target_needs_one_good_check_and_a_lost_one_its_threshold() {
    let world = world(1, settings());
    let target = Target::on(&world, 0);
    join(&world, &target).await;
    target.set_health(503);
    reaches(&world, &target.key, State::Unhealthy).await;
    let health = world.group(GROUP).health(&target.key);
    assert_eq!(health.reason, Some("Target.ResponseCodeMismatch"));
    assert_eq!(health.description.as_deref(), Some("Health checks failed with these codes: [503]"));
    target.set_health(200);
    reaches(&world, &target.key, State::Healthy).await;
    let states: Vec<State> = world.group(GROUP).history().iter().map(|change| change.state).collect();
    assert_eq!(states, [State::Initial, State::Healthy, State::Unhealthy, State::Healthy]);
}

#[tokio::test]
async fn registration_takes_its_time_before_the_first_check() {
    let world = world(1, GroupSettings { registration_takes: Duration::from_millis(80), ..settings() });
    let target = Target::on(&world, 0);
    world.group(GROUP).register(std::slice::from_ref(&target.key)).expect("a running instance");
    assert_eq!(reason(&world, &target.key), Some("Elb.RegistrationInProgress"));
    reaches(&world, &target.key, State::Healthy).await;
}

#[tokio::test]
async fn a_target_that_is_not_there_or_does_not_answer_gets_its_own_reason() {
    let world = world(2, settings());
    let group = world.group(GROUP);
    let closed = TargetKey::new(&world.node(0).instance_id, 1);
    group.register(std::slice::from_ref(&closed)).expect("a running instance");
    reaches(&world, &closed, State::Unhealthy).await;
    assert_eq!(reason(&world, &closed), Some("Target.FailedHealthChecks"));

    group.change(|settings| settings.health_check.timeout = Duration::from_millis(25));
    let mute = TcpListener::bind((world.node(1).address, 0)).await.expect("a port");
    let key = TargetKey::new(&world.node(1).instance_id, mute.local_addr().expect("bound").port());
    group.register(std::slice::from_ref(&key)).expect("a running instance");
    reaches(&world, &key, State::Unhealthy).await;
    assert_eq!(reason(&world, &key), Some("Target.Timeout"));
}

#[tokio::test]
async fn the_check_has_the_balancers_headers_and_comes_from_every_balancer_node() {
    let world = world(1, settings());
    let listener = TcpListener::bind((world.node(0).address, 0)).await.expect("a port");
    let addr = listener.local_addr().expect("bound");
    let key = TargetKey::new(&world.node(0).instance_id, addr.port());
    world.group(GROUP).register(std::slice::from_ref(&key)).expect("a running instance");
    for _balancer_node in 0..2 {
        let (mut stream, _) = listener.accept().await.expect("a check");
        let mut seen = Vec::new();
        while !seen.ends_with(b"\r\n\r\n") {
            assert!(stream.read_buf(&mut seen).await.expect("a request") > 0, "the check broke off");
        }
        let text = String::from_utf8(seen).expect("ASCII");
        let expected = format!(
            "GET /health HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\nUser-Agent: ELB-HealthChecker/2.0\r\n\
             Accept-Encoding: gzip, compressed\r\n\r\n"
        );
        assert_eq!(text, expected);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.expect("sent");
        let mut rest = Vec::new();
        // The checker closes, whether or not it has read the body: an end or a reset.
        let _end = stream.read_to_end(&mut rest).await;
        assert!(rest.is_empty());
    }
    reaches(&world, &key, State::Healthy).await;
}

#[tokio::test]
async fn the_health_port_may_be_another_than_the_traffic_port() {
    let world = world(1, settings());
    let health = Target::on(&world, 0);
    world.group(GROUP).change(|settings| settings.health_check.port = HealthPort::Number(health.key.port));
    let traffic = TargetKey::new(&world.node(0).instance_id, 1);
    world.group(GROUP).register(std::slice::from_ref(&traffic)).expect("a running instance");
    reaches(&world, &traffic, State::Healthy).await;
}

#[tokio::test]
async fn the_same_instance_on_two_ports_is_two_targets() {
    let world = world(1, settings());
    let (one, two) = (Target::on(&world, 0), Target::on(&world, 0));
    join(&world, &one).await;
    join(&world, &two).await;
    assert_eq!(world.group(GROUP).targets().len(), 2);
    two.set_health(500);
    reaches(&world, &two.key, State::Unhealthy).await;
    assert_eq!(world.group(GROUP).health(&one.key).state, State::Healthy);
    world.group(GROUP).deregister(&[(one.key.id.clone(), Some(one.key.port))]).expect("done");
    assert_eq!(world.group(GROUP).health(&one.key).state, State::Draining);
    assert_eq!(world.group(GROUP).health(&two.key).state, State::Unhealthy);
}

#[tokio::test]
async fn draining_lasts_the_whole_delay_even_when_idle() {
    let delay = Duration::from_millis(250);
    let world = world(1, GroupSettings { deregistration_delay: delay, ..settings() });
    let target = Target::on(&world, 0);
    join(&world, &target).await;
    let group = world.group(GROUP);
    let begun = clock::now();
    group.deregister(&[(target.key.id.clone(), Some(target.key.port))]).expect("done");
    assert_eq!(reason(&world, &target.key), Some("Target.DeregistrationInProgress"));
    assert_eq!(group.targets().len(), 1);
    assert!(clock::eventually(BOUND, || group.targets().is_empty()).await);
    assert!(begun.elapsed() >= delay);
    assert_eq!(reason(&world, &target.key), Some("Target.NotRegistered"));
    assert_eq!(group.health(&target.key).state, State::Unused);
}

#[tokio::test]
async fn deregistering_twice_does_not_prolong_and_without_a_port_does_nothing() {
    let delay = Duration::from_millis(800);
    let world = world(1, GroupSettings { deregistration_delay: delay, ..settings() });
    let target = Target::on(&world, 0);
    join(&world, &target).await;
    let group = world.group(GROUP);
    group.deregister(&[(target.key.id.clone(), None)]).expect("200, and nothing happens");
    assert_eq!(group.health(&target.key).state, State::Healthy);
    let named = [(target.key.id.clone(), Some(target.key.port))];
    group.deregister(&named).expect("done");
    let ends = clock::now() + delay;
    assert!(!clock::eventually(delay / 2, || group.targets().is_empty()).await);
    group.deregister(&named).expect("done already");
    assert!(clock::eventually(BOUND, || group.targets().is_empty()).await);
    assert!(clock::now() < ends + delay / 2, "the second call began the delay anew");
    group.deregister(&named).expect("an unknown target is no error");
}

#[tokio::test]
async fn an_instance_may_come_back_while_draining_and_an_address_may_not() {
    let long = Duration::from_secs(60);
    let world_of_instances = world(1, GroupSettings { deregistration_delay: long, ..settings() });
    let target = Target::on(&world_of_instances, 0);
    join(&world_of_instances, &target).await;
    let named = [(target.key.id.clone(), Some(target.key.port))];
    world_of_instances.group(GROUP).deregister(&named).expect("done");
    join(&world_of_instances, &target).await;

    let short = Duration::from_millis(150);
    let by_address = GroupSettings { target_type: TargetType::Ip, deregistration_delay: short, ..settings() };
    let world_of_addresses = world(1, by_address);
    let address = world_of_addresses.node(0).address;
    let target = Target::at(address, &address.to_string());
    join(&world_of_addresses, &target).await;
    let group = world_of_addresses.group(GROUP);
    group.deregister(&[(target.key.id.clone(), Some(target.key.port))]).expect("done");
    let again = std::slice::from_ref(&target.key);
    assert!(group.register(again).is_err());
    assert!(clock::eventually(BOUND, || group.register(again).is_ok()).await);
    reaches(&world_of_addresses, &target.key, State::Healthy).await;
}

#[tokio::test]
async fn a_group_without_a_listener_and_a_stopped_instance_are_unused() {
    let world = world(1, GroupSettings { in_use: false, ..settings() });
    let target = Target::on(&world, 0);
    let group = world.group(GROUP);
    group.register(std::slice::from_ref(&target.key)).expect("a running instance");
    assert_eq!(reason(&world, &target.key), Some("Target.NotInUse"));
    group.change(|settings| settings.in_use = true);
    reaches(&world, &target.key, State::Healthy).await;
    world.fleet().set_power(&target.key.id, Power::Stopped);
    assert_eq!(reason(&world, &target.key), Some("Target.InvalidState"));
    assert!(group.register(&[TargetKey::new(&target.key.id, 9)]).is_err());
}

#[tokio::test]
async fn a_zone_that_is_not_enabled_makes_its_targets_unused() {
    let world = world(1, GroupSettings { zone_enabled: false, ..settings() });
    let target = Target::on(&world, 0);
    let group = world.group(GROUP);
    group.register(std::slice::from_ref(&target.key)).expect("a running instance");
    let health = group.health(&target.key);
    assert_eq!((health.state, health.reason), (State::Unused, Some("Target.NotInUse")));
    assert!(health.description.is_some_and(|text| text.contains("Availability Zone")));
    group.change(|settings| settings.zone_enabled = true);
    reaches(&world, &target.key, State::Healthy).await;
}

#[tokio::test]
async fn a_zonal_shift_stops_requests_and_leaves_the_state_and_anomalies_are_told_who_asks() {
    let world = world(1, settings());
    let target = Target::on(&world, 0);
    join(&world, &target).await;
    let answer = async |include: &str| {
        let ask = "Action=DescribeTargetHealth&Version=2015-12-01&TargetGroupArn=";
        call(&world, &format!("{ask}{}{include}", world.group(GROUP).arn())).await.expect("an answer").body
    };
    assert!(answer("").await.contains("<State>no_override</State>"));
    world.group(GROUP).change(|settings| {
        settings.zonal_shift = Some(ZonalShift::Active);
        settings.anomaly = Some(Anomaly::Mitigated);
    });
    let told = answer("&Include.member.1=All").await;
    for words in ["<State>healthy</State>", "<State>zonal_shift_active</State>", "<Result>anomalous</Result>"] {
        assert!(told.contains(words), "{told}");
    }
    assert!(!answer("").await.contains("Anomaly"));
    assert_eq!(get(world.balancer_addr(), "/", &[]).await.status, 503);
}

#[tokio::test]
async fn registering_again_changes_nothing() {
    let world = world(1, settings());
    let target = Target::on(&world, 0);
    join(&world, &target).await;
    world.group(GROUP).register(std::slice::from_ref(&target.key)).expect("a running instance");
    assert_eq!(world.group(GROUP).health(&target.key).state, State::Healthy);
}

#[tokio::test]
async fn the_matcher_decides_what_passes() {
    let check = HealthCheck { matcher: "200-299,401".to_owned(), ..settings().health_check };
    let world = world(1, GroupSettings { health_check: check, ..settings() });
    let target = Target::on(&world, 0);
    target.set_health(401);
    join(&world, &target).await;
    target.set_health(302);
    reaches(&world, &target.key, State::Unhealthy).await;
}
