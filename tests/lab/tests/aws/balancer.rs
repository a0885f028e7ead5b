//! What users get through the balancer.

use std::time::Duration;

use rundeck_alb_lab::alb::{GroupSettings, State, Stickiness, TargetKey, Trouble};
use rundeck_alb_lab::clock;
use rundeck_alb_lab::faults::{Fault, Rule};
use rundeck_alb_lab::{World, alb::Exchange};

use crate::support::{Answer, BOUND, GROUP, Target, get, join, reaches, settings, world};

async fn two_targets(settings: GroupSettings) -> (World, Target, Target) {
    let world = world(2, settings);
    let (one, two) = (Target::on(&world, 0), Target::on(&world, 1));
    join(&world, &one).await;
    join(&world, &two).await;
    (world, one, two)
}

fn last(world: &World) -> Exchange {
    world.balancer().traffic().exchanges().pop().expect("a request was made")
}

#[tokio::test]
async fn requests_take_turns_and_carry_where_they_came_from() {
    let (world, one, two) = two_targets(settings()).await;
    let addr = world.balancer_addr();
    for _ in 0..6 {
        assert_eq!(get(addr, "/", &[]).await.status, 200);
    }
    let served = world.balancer().traffic().served();
    assert_eq!((served.get(&one.key), served.get(&two.key)), (Some(&3), Some(&3)));
    let expected = format!("lab.example 127.0.0.1 http {}", addr.port());
    assert_eq!(get(addr, "/headers", &[]).await.body, expected);
    let expected = format!("lab.example 10.0.0.1, 127.0.0.1 http {}", addr.port());
    assert_eq!(get(addr, "/headers", &[("x-forwarded-for", "10.0.0.1")]).await.body, expected);
}

#[tokio::test]
async fn an_empty_group_answers_503() {
    let world = world(1, settings());
    let answer = get(world.balancer_addr(), "/", &[]).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.headers.get("server").and_then(|value| value.to_str().ok()), Some("awselb/2.0"));
    assert_eq!(last(&world).trouble, Some(Trouble::NoTarget));
}

#[tokio::test]
async fn with_all_targets_unhealthy_the_balancer_fails_open() {
    let (world, one, two) = two_targets(settings()).await;
    one.set_health(503);
    reaches(&world, &one.key, State::Unhealthy).await;
    for _ in 0..4 {
        assert_eq!(get(world.balancer_addr(), "/", &[]).await.body, two.key.id);
    }
    two.set_health(503);
    reaches(&world, &two.key, State::Unhealthy).await;
    let (first, second) = (get(world.balancer_addr(), "/", &[]).await, get(world.balancer_addr(), "/", &[]).await);
    assert_eq!((first.status, second.status), (200, 200));
    assert_ne!(first.body, second.body);
}

#[tokio::test]
async fn a_target_that_refuses_or_resets_is_502_and_a_slow_one_504() {
    let world = World::builder().group(settings()).idle_timeout(Duration::from_millis(150)).start().expect("a world");
    let target = Target::on(&world, 0);
    join(&world, &target).await;
    let addr = world.balancer_addr();
    target.faults.add(Rule::times(1, Fault::Reset));
    assert_eq!(get(addr, "/", &[]).await.status, 502);
    assert_eq!(last(&world).trouble, Some(Trouble::Broken));
    target.faults.add(Rule::times(1, Fault::Hang));
    assert_eq!(get(addr, "/", &[]).await.status, 504);
    assert_eq!(last(&world).trouble, Some(Trouble::TimedOut));
    let (key, old) = (target.key.clone(), target.addr());
    drop(target);
    assert!(clock::eventually(BOUND, || std::net::TcpStream::connect(old).is_err()).await);
    assert_eq!(get(addr, "/", &[]).await.status, 502);
    assert_eq!(last(&world).trouble, Some(Trouble::Refused));
    assert_eq!(last(&world).target, Some(key));
    assert_eq!(world.balancer().traffic().failures().len(), 3);
}

#[tokio::test]
async fn a_request_in_flight_outlives_deregistration_and_new_ones_go_elsewhere() {
    let (world, one, two) = two_targets(GroupSettings { deregistration_delay: BOUND, ..settings() }).await;
    let (addr, held) = (world.balancer_addr(), in_flight_at(&world, &one).await);
    world.group(GROUP).deregister(&[(one.key.id.clone(), Some(one.key.port))]).expect("done");
    for _ in 0..4 {
        assert_eq!(get(addr, "/", &[]).await.body, two.key.id);
    }
    one.release();
    let answer = held.await.expect("not aborted");
    assert_eq!((answer.status, answer.body), (200, one.key.id.clone()));
    assert_eq!(world.balancer().traffic().in_flight(&one.key), 0);
}

#[tokio::test]
async fn the_end_of_the_delay_cuts_what_is_still_in_flight() {
    let delay = Duration::from_millis(100);
    let (world, one, _two) = two_targets(GroupSettings { deregistration_delay: delay, ..settings() }).await;
    let held = in_flight_at(&world, &one).await;
    let begun = clock::now();
    world.group(GROUP).deregister(&[(one.key.id.clone(), Some(one.key.port))]).expect("done");
    assert_eq!(held.await.expect("not aborted").status, 502);
    assert!(begun.elapsed() >= delay);
    assert_eq!(last(&world).trouble, Some(Trouble::Cut));
}

/// Makes requests of `/held` until one is at `target`, which answers it when released.
async fn in_flight_at(world: &World, target: &Target) -> tokio::task::JoinHandle<Answer> {
    let addr = world.balancer_addr();
    for _turn in 0..2 {
        let held = tokio::spawn(async move { get(addr, "/held", &[]).await });
        let traffic = world.balancer().traffic();
        let at = |key: &TargetKey| traffic.in_flight(key) > 0;
        let others: Vec<TargetKey> = world.group(GROUP).targets().into_iter().map(|(key, _)| key).collect();
        assert!(clock::eventually(BOUND, || others.iter().any(at)).await);
        if at(&target.key) {
            return held;
        }
        held.abort();
        assert!(clock::eventually(BOUND, || !others.iter().any(at)).await);
    }
    panic!("two requests did not reach both targets");
}

#[tokio::test]
async fn idle_connections_to_a_target_are_used_again_and_survive_its_closing_them() {
    let world = world(1, settings());
    let target = Target::on(&world, 0);
    join(&world, &target).await;
    for _ in 0..3 {
        assert_eq!(get(world.balancer_addr(), "/", &[]).await.status, 200);
    }
    target.door.refuse();
    assert!(clock::eventually(BOUND, || std::net::TcpStream::connect(target.addr()).is_err()).await);
    target.door.clear();
    assert!(clock::eventually(BOUND, || std::net::TcpStream::connect(target.addr()).is_ok()).await);
    reaches(&world, &target.key, State::Healthy).await;
    assert_eq!(get(world.balancer_addr(), "/", &[]).await.status, 200);
}

#[tokio::test]
async fn the_balancers_own_cookie_keeps_a_session_on_its_target() {
    let duration = Duration::from_secs(60);
    let (world, one, two) =
        two_targets(GroupSettings { stickiness: Stickiness::LoadBalancer { duration }, ..settings() }).await;
    let addr = world.balancer_addr();
    let first = get(addr, "/", &[]).await;
    let cookies = first.cookies();
    assert!(cookies.contains("AWSALB=") && cookies.contains("AWSALBCORS="), "{cookies}");
    for _ in 0..4 {
        assert_eq!(get(addr, "/", &[("cookie", &cookies)]).await.body, first.body);
    }
    let (mine, other) = if first.body == one.key.id { (&one, &two) } else { (&two, &one) };
    mine.set_health(503);
    reaches(&world, &mine.key, State::Unhealthy).await;
    let moved = get(addr, "/", &[("cookie", &cookies)]).await;
    assert_eq!(moved.body, other.key.id);
    mine.set_health(200);
    reaches(&world, &mine.key, State::Healthy).await;
    for _ in 0..4 {
        assert_eq!(get(addr, "/", &[("cookie", &moved.cookies())]).await.body, other.key.id);
    }
}

#[tokio::test]
async fn the_applications_cookie_begins_a_session_and_both_cookies_keep_it() {
    let stickiness = Stickiness::Application { cookie: "JSESSIONID".to_owned(), duration: Duration::from_secs(60) };
    let (world, _one, _two) = two_targets(GroupSettings { stickiness, ..settings() }).await;
    let addr = world.balancer_addr();
    assert_eq!(get(addr, "/", &[]).await.cookies(), "");
    let login = get(addr, "/login", &[]).await;
    let cookies = login.cookies();
    assert!(cookies.starts_with("JSESSIONID=abc; AWSALBAPP-0="), "{cookies}");
    for _ in 0..4 {
        assert_eq!(get(addr, "/", &[("cookie", &cookies)]).await.body, login.body);
    }
    let alone = cookies.split("; ").last().expect("two cookies");
    let (first, second) = (get(addr, "/", &[("cookie", alone)]).await, get(addr, "/", &[("cookie", alone)]).await);
    assert_ne!(first.body, second.body);
}

#[tokio::test]
async fn a_target_that_is_deregistered_loses_its_sessions() {
    let duration = Duration::from_secs(60);
    let (world, one, two) =
        two_targets(GroupSettings { stickiness: Stickiness::LoadBalancer { duration }, ..settings() }).await;
    let first = get(world.balancer_addr(), "/", &[]).await;
    let (mine, other) = if first.body == one.key.id { (&one, &two) } else { (&two, &one) };
    world.group(GROUP).deregister(&[(mine.key.id.clone(), Some(mine.key.port))]).expect("done");
    assert_eq!(get(world.balancer_addr(), "/", &[("cookie", &first.cookies())]).await.body, other.key.id);
}
