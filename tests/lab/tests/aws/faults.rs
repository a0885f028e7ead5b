//! Every fault at every server, and that clearing it heals.

use std::net::SocketAddr;
use std::time::Duration;

use rundeck_alb_lab::World;
use rundeck_alb_lab::alb::State;
use rundeck_alb_lab::aws::Outcome;
use rundeck_alb_lab::clock;
use rundeck_alb_lab::faults::{Fault, Rule};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{
    BOUND, GROUP, Target, call, call_scaling, get, join, only, reaches, request, send, settings, world,
};

const LIST: &str = "Action=DescribeTargetGroups";
const TTL: (&str, &str) = ("x-aws-ec2-metadata-token-ttl-seconds", "60");

async fn put_token(world: &World) -> Option<u16> {
    send(world.imds(0).addr(), request("PUT", "/latest/api/token", &[TTL])).await.map(|answer| answer.status)
}

/// Waits until connects are refused; one that meets the listener just as it closes may be accepted or reset.
async fn refuses(addr: SocketAddr) -> bool {
    let refused = || std::net::TcpStream::connect(addr).err().map(|error| error.kind());
    clock::eventually(BOUND, || refused() == Some(std::io::ErrorKind::ConnectionRefused)).await
}

#[tokio::test]
async fn the_api_fails_in_awss_ways() {
    let world = world(1, settings());
    let faults = world.api().faults();
    for (fault, status, text) in [
        (Fault::Throttle, 400, "<Code>Throttling</Code><Message>Rate exceeded</Message>"),
        (Fault::Deny, 403, "is not authorized to perform: elasticloadbalancing:DescribeTargetGroups"),
        (Fault::Expired, 403, "<Code>ExpiredToken</Code>"),
        (Fault::Html500, 500, "<h1>500 Internal Server Error</h1>"),
    ] {
        faults.set(fault);
        let answer = call(&world, LIST).await.expect("an answer");
        assert_eq!(answer.status, status, "{fault:?}");
        assert!(answer.body.contains(text), "{fault:?}: {}", answer.body);
    }
    let logged = world.api().calls().all().pop().expect("four calls");
    assert_eq!((logged.fault, logged.outcome), (Some(Fault::Html500), Outcome::Html500));
    faults.clear();
    assert_eq!(call(&world, LIST).await.expect("an answer").status, 200);
}

#[tokio::test]
async fn a_throttle_for_the_next_two_registrations_spares_the_rest() {
    let world = world(1, settings());
    world.api().faults().add(Rule::times(2, Fault::Throttle).only("RegisterTargets"));
    let named =
        format!("TargetGroupArn={}&Targets.member.1.Id={}", world.group(GROUP).arn(), world.node(0).instance_id);
    let register = format!("Action=RegisterTargets&{named}");
    let mut statuses = Vec::new();
    for body in [register.as_str(), LIST, &register, &register] {
        statuses.push(call(&world, body).await.expect("an answer").status);
    }
    assert_eq!(statuses, [400, 200, 400, 200]);
    assert_eq!(world.group(GROUP).targets().len(), 1);
}

#[tokio::test]
async fn slow_answers_come_late_and_hung_ones_never() {
    let world = world(1, settings());
    let span = Duration::from_millis(100);
    world.api().faults().set(Fault::Slow(span));
    let begun = clock::now();
    assert_eq!(call(&world, LIST).await.expect("an answer").status, 200);
    assert!(begun.elapsed() >= span);
    world.api().faults().set(Fault::Hang);
    assert!(clock::within(2 * span, call(&world, LIST)).await.is_none());
    let logged = world.api().calls().all().pop().expect("two calls");
    assert_eq!((logged.fault, logged.outcome), (Some(Fault::Hang), Outcome::Unanswered));
    world.imds(0).faults().add(only(Fault::Hang, "/latest/api/token"));
    assert!(clock::within(2 * span, put_token(&world)).await.is_none());
    assert_eq!(get(world.imds(0).addr(), "/latest/meta-data/", &[]).await.status, 401);
}

#[tokio::test]
async fn a_reset_is_a_reset_on_the_wire() {
    let world = world(1, settings());
    world.api().faults().set(Fault::Reset);
    let mut stream = TcpStream::connect(world.api().addr()).await.expect("connected");
    stream.write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").await.expect("sent");
    let mut answer = Vec::new();
    let error = stream.read_to_end(&mut answer).await.expect_err("a reset, not an end");
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    assert!(answer.is_empty());
}

#[tokio::test]
async fn a_refusing_server_closes_what_is_open_and_comes_back_on_its_port() {
    let world = world(1, settings());
    let addr = world.imds(0).addr();
    let mut open = TcpStream::connect(addr).await.expect("connected");
    assert_eq!(put_token(&world).await, Some(200));
    world.imds(0).faults().refuse();
    let mut rest = Vec::new();
    let _closed = clock::within(BOUND, open.read_to_end(&mut rest)).await.expect("the connection was closed");
    assert!(refuses(addr).await);
    world.imds(0).faults().clear();
    assert!(clock::eventually(BOUND, || std::net::TcpStream::connect(addr).is_ok()).await);
    assert_eq!(put_token(&world).await, Some(200));
}

#[tokio::test]
async fn the_metadata_service_fails_with_bare_statuses() {
    let world = world(1, settings());
    for (fault, status) in [(Fault::Throttle, 503), (Fault::Deny, 403), (Fault::Expired, 401), (Fault::Html500, 500)] {
        world.imds(0).faults().set(fault);
        assert_eq!(put_token(&world).await, Some(status), "{fault:?}");
    }
    world.imds(0).faults().set(Fault::Reset);
    assert_eq!(put_token(&world).await, None);
}

#[tokio::test]
async fn the_balancer_fails_without_asking_a_target() {
    let world = world(1, settings());
    let target = Target::on(&world, 0);
    join(&world, &target).await;
    let balancer = world.balancer();
    for (fault, status) in [(Fault::Throttle, 503), (Fault::Deny, 403), (Fault::Expired, 401), (Fault::Html500, 500)] {
        balancer.faults().set(fault);
        assert_eq!(get(balancer.addr(), "/", &[]).await.status, status, "{fault:?}");
    }
    assert_eq!(balancer.traffic().requests(), 0);
    balancer.faults().refuse();
    assert!(refuses(balancer.addr()).await);
    balancer.faults().clear();
    assert!(clock::eventually(BOUND, || std::net::TcpStream::connect(balancer.addr()).is_ok()).await);
    assert_eq!(get(balancer.addr(), "/", &[]).await.status, 200);
    reaches(&world, &target.key, State::Healthy).await;
}

#[tokio::test]
async fn one_node_can_lose_the_api_alone_and_all_of_them_together() {
    let world = world(2, settings());
    let lost = |index: usize| {
        let url = world.api_url_of(index);
        let addr: SocketAddr = url.trim_start_matches("http://").parse().expect("an address");
        move || std::net::TcpStream::connect(addr).is_err()
    };
    let (first_lost, second_lost) = (lost(0), lost(1));
    world.api_faults_of(0).refuse();
    assert!(clock::eventually(BOUND, &first_lost).await);
    assert!(!second_lost());
    world.api().faults().refuse();
    assert!(clock::eventually(BOUND, &second_lost).await);
    world.api_faults_of(0).clear();
    assert!(first_lost(), "the whole service is still away");
    world.api().faults().clear();
    assert!(clock::eventually(BOUND, || !first_lost() && !second_lost()).await);
    assert_eq!(call(&world, LIST).await.expect("an answer").status, 200);
}

#[tokio::test]
async fn a_dropped_world_is_gone() {
    let world = world(1, settings());
    let addresses =
        [world.api().addr(), world.api().addr_of(0).expect("one node"), world.imds(0).addr(), world.balancer_addr()];
    drop(world);
    for addr in addresses {
        assert!(refuses(addr).await, "{addr} still answers");
    }
}

#[tokio::test]
async fn an_accounts_bucket_is_shared_by_all_nodes_and_filled_by_time() {
    let world = World::builder().nodes(2).group(settings()).throttling().start().expect("a world");
    let describe = "Action=DescribeTargetGroups";
    let mut statuses = Vec::new();
    let end = clock::now() + BOUND;
    while clock::now() < end && statuses.last() != Some(&400) {
        statuses.push(call(&world, describe).await.expect("an answer").status);
    }
    assert!(statuses.len() > 40 && statuses.last() == Some(&400), "40 at least, then a throttle: {statuses:?}");
    let throttled = call_scaling(&world, "Action=DescribeAutoScalingInstances").await;
    assert_eq!(throttled.status, 200, "the other API has its own");
    let last = world.api().calls().of("DescribeTargetGroups").pop().expect("the throttled one");
    assert_eq!(last.outcome, Outcome::Refused("Throttling".to_owned()));
    let mut again = Vec::new();
    let end = clock::now() + BOUND;
    while clock::now() < end && again.last() != Some(&200) {
        again.push(call(&world, describe).await.expect("an answer").status);
    }
    assert_eq!(again.last(), Some(&200), "it fills again");
}
