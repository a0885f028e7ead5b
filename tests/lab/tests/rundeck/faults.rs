//! Each fault switch: what it does to the wire, and that it can be taken back.

use std::time::{Duration, Instant};

use rundeck_alb_lab::rundeck::{Database, Fault, Life, Mode, Rundeck, Scope, Version};

use crate::client::{Ask, Failure, Line, Reply, SILENCE, ask};
use crate::situation::{DATABASE, FILE, READY};

const VERSION: Version = Version::V5_20;

async fn node_with(fault: Fault, scope: Scope) -> Rundeck {
    let node = READY.bring(VERSION).await;
    node.state().fault(fault, scope);
    node
}

fn health() -> Ask {
    Ask::get("/health")
}

fn info() -> Ask {
    Ask::get("/api/58/system/info").token(FILE)
}

async fn good(node: &Rundeck, request: &Ask) -> Reply {
    let reply = ask(node.addr(), request).await.expect("an answer");
    assert_eq!(reply.status, 200, "{reply:?}");
    reply
}

/// After healing both answer well again.
async fn heals(node: &Rundeck) {
    node.state().heal_all();
    // A port that was closed opens again in its own time.
    while ask(node.addr(), &health()).await == Err(Failure::Refused) {
        tokio::task::yield_now().await;
    }
    assert_eq!(good(node, &health()).await.body, "ok");
    assert!(good(node, &info()).await.json()["system"]["stats"].is_object());
}

#[tokio::test]
async fn slow_delays_every_answer() {
    let length = Duration::from_millis(120);
    let node = node_with(Fault::Slow(length), Scope::Api).await;
    let begun = Instant::now();
    good(&node, &info()).await;
    assert!(begun.elapsed() >= length);
    heals(&node).await;
}

#[tokio::test]
async fn hung_takes_connections_and_answers_none_until_it_is_thawed() {
    let node = READY.bring(VERSION).await;
    let mut old = Line::connect(node.addr()).await.expect("the port is open");
    old.ask(&health().header("Connection", "keep-alive")).await.expect("an answer");
    node.state().fault(Fault::Hung, Scope::All);
    assert_eq!(old.ask(&health().limit(SILENCE)).await, Err(Failure::NoAnswer), "a kept-alive connection");
    assert_eq!(ask(node.addr(), &health().limit(SILENCE)).await, Err(Failure::NoAnswer), "a new connection");
    heals(&node).await;
}

#[tokio::test]
async fn after_about_fifty_waiting_connections_a_hung_node_takes_no_more() {
    let node = node_with(Fault::Hung, Scope::All).await;
    // The listener's task has seen the fault when it takes no connection any more: give it its turn.
    tokio::task::yield_now().await;
    let mut waiting = Vec::new();
    for _ in 0..80 {
        match tokio::time::timeout(SILENCE, Line::connect(node.addr())).await {
            Ok(line) => waiting.push(line.expect("the port is open")),
            Err(_) => break,
        }
    }
    assert!((50..=53).contains(&waiting.len()), "{} connections were taken", waiting.len());
}

#[tokio::test]
async fn html500_is_a_page_although_json_was_asked_for() {
    let node = node_with(Fault::Html500, Scope::Api).await;
    let reply = ask(node.addr(), &info()).await.expect("an answer");
    assert_eq!((reply.status, reply.header("content-type")), (500, Some("text/html;charset=utf-8")));
    assert!(reply.body.contains("<html>"));
    good(&node, &health()).await;
    heals(&node).await;
}

#[tokio::test]
async fn truncated_promises_more_than_it_sends() {
    let node = node_with(Fault::Truncated, Scope::All).await;
    assert_eq!(ask(node.addr(), &info()).await, Err(Failure::ClosedInBody));
    assert_eq!(ask(node.addr(), &health()).await, Err(Failure::ClosedInBody));
    heals(&node).await;
}

#[tokio::test]
async fn redirect_loop_points_to_itself() {
    let node = node_with(Fault::RedirectLoop, Scope::All).await;
    let reply = ask(node.addr(), &health()).await.expect("an answer");
    let here = format!("http://{}/health", node.addr());
    assert_eq!((reply.status, reply.header("location")), (302, Some(here.as_str())));
    heals(&node).await;
}

#[tokio::test]
async fn stats_null_leaves_the_rest_filled() {
    let node = node_with(Fault::StatsNull, Scope::All).await;
    let body = good(&node, &info()).await.json();
    assert!(body["system"]["stats"].is_null());
    assert_eq!(body["system"]["executions"]["executionMode"], "active");
    heals(&node).await;
}

#[tokio::test]
async fn reset_ends_the_connection_hard() {
    let node = node_with(Fault::Reset, Scope::All).await;
    assert_eq!(ask(node.addr(), &health()).await, Err(Failure::Reset));
    heals(&node).await;
}

#[tokio::test]
async fn refuse_closes_the_port_while_an_old_request_is_still_answered() {
    let node = READY.bring(Version::V6_1).await;
    let session = node.state().new_session(true);
    let mut old = Line::connect(node.addr()).await.expect("the port is open");
    let slow = Ask::get("/slow?ms=400").header("Cookie", &format!("JSESSIONID={session}"));
    let asking = tokio::spawn(async move { old.ask(&slow).await });
    while node.state().stats().requests == 0 {
        tokio::task::yield_now().await;
    }
    node.state().fault(Fault::Refuse, Scope::All);
    while ask(node.addr(), &health()).await != Err(Failure::Refused) {
        tokio::task::yield_now().await;
    }
    assert_eq!(node.state().life(), Life::Ready, "the process lives");
    let reply = asking.await.expect("no panic").expect("an answer");
    assert_eq!(reply.status, 200);
    node.state().heal(Fault::Refuse);
    while ask(node.addr(), &health()).await == Err(Failure::Refused) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn revoked_tokens_answer_like_wrong_ones() {
    let node = node_with(Fault::RevokedTokens, Scope::All).await;
    for token in [FILE, DATABASE] {
        let reply = ask(node.addr(), &Ask::get("/api/58/system/info").token(token)).await.expect("an answer");
        assert_eq!((reply.status, &reply.json()["errorCode"]), (403, &"unauthorized".into()));
    }
    heals(&node).await;
}

#[tokio::test]
async fn other_body_is_200_and_not_ok() {
    let node = node_with(Fault::OtherBody, Scope::All).await;
    assert_ne!(good(&node, &health()).await.body, "ok");
    heals(&node).await;
}

#[tokio::test]
async fn dropped_keep_alive_drops_the_second_request_without_a_hint() {
    let node = node_with(Fault::DroppedKeepAlive, Scope::All).await;
    let mut line = Line::connect(node.addr()).await.expect("the port is open");
    let kept = health().header("Connection", "keep-alive");
    let first = line.ask(&kept).await.expect("the first is answered");
    assert_eq!(first.header("connection"), None, "no hint");
    assert_eq!(line.ask(&kept).await, Err(Failure::ClosedInHeaders));
    heals(&node).await;
}

#[tokio::test]
async fn tls_only_answers_no_http() {
    let node = node_with(Fault::TlsOnly, Scope::All).await;
    assert_eq!(ask(node.addr(), &health()).await, Err(Failure::ClosedInHeaders));
    heals(&node).await;
}

#[tokio::test]
async fn a_ghost_runs_only_in_the_list() {
    let node = node_with(Fault::Ghost, Scope::All).await;
    let list = good(&node, &Ask::get("/api/58/project/*/executions/running").token(FILE)).await.json();
    assert_eq!(list["paging"]["total"], 1);
    assert_eq!(good(&node, &info()).await.json()["system"]["stats"]["scheduler"]["running"], 0);
    heals(&node).await;
}

#[tokio::test]
async fn a_late_job_starts_after_the_switch_to_passive() {
    let node = node_with(Fault::LateJob(Duration::from_secs(60)), Scope::All).await;
    let passive = Ask::get("/api/58/system/executions/disable").method("POST").token(FILE);
    good(&node, &passive).await;
    assert_eq!(node.state().mode(), Mode::Passive);
    while node.state().jobs.running() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(good(&node, &info()).await.json()["system"]["stats"]["scheduler"]["running"], 1);
}

#[tokio::test]
async fn a_busy_pool_fails_the_health_check_of_a_good_node() {
    let node = node_with(Fault::BusyPool, Scope::All).await;
    let request = Ask::get("/api/58/metrics/healthcheck").token(FILE);
    let reply = ask(node.addr(), &request).await.expect("an answer");
    assert_eq!((reply.status, &reply.json()["dataSource.connection.time"]["healthy"]), (500, &true.into()));
    node.state().heal_all();
    good(&node, &request).await;
}

#[tokio::test]
async fn a_call_that_hangs_on_a_frozen_database_is_answered_when_it_is_back() {
    let node = READY.then(|state| state.set_database(Database::Frozen)).bring(VERSION).await;
    let addr = node.addr();
    let hanging = tokio::spawn(async move { ask(addr, &Ask::get("/api/58/system/info").token(DATABASE)).await });
    while node.state().stats().requests == 0 {
        tokio::task::yield_now().await;
    }
    node.state().set_database(Database::Up);
    assert_eq!(hanging.await.expect("no panic").expect("an answer").status, 200);
}

#[tokio::test]
async fn health_is_silent_while_all_threads_hang_and_good_again_once_their_clients_have_gone() {
    let few = READY.with(|config| config.threads = 2).then(|state| state.set_database(Database::Frozen));
    let node = few.bring(VERSION).await;
    let request = Ask::get("/api/58/system/info").token(DATABASE).limit(Duration::ZERO);
    let mut hanging = Vec::new();
    for count in 1..=2 {
        let mut line = Line::connect(node.addr()).await.expect("the port is open");
        assert_eq!(line.ask(&request).await, Err(Failure::NoAnswer));
        while node.state().stats().requests < count {
            tokio::task::yield_now().await;
        }
        hanging.push(line);
    }
    assert_eq!(ask(node.addr(), &health().limit(SILENCE)).await, Err(Failure::NoAnswer));
    drop(hanging);
    assert_eq!(good(&node, &health()).await.body, "ok");
}

#[tokio::test]
async fn every_fault_is_found_by_its_name() {
    for fault in Fault::all(Duration::from_secs(1)) {
        assert_eq!(Fault::named(fault.name(), Duration::from_secs(1)), Ok(fault));
    }
    assert!(Fault::named("nosuch", Duration::ZERO).is_err());
}
