//! From exec to the first `up`: what is answered before anything is known, and what a start must prove.

use crate::support::{Config, Rundeck, TestAgent, get, request, run_to_end, unix_request, until, world, world_asking};
use rundeck_alb_lab::faults::Fault;
use std::net::SocketAddr;

fn nowhere() -> SocketAddr {
    // Bound and dropped: refused for the length of a test.
    let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    socket.local_addr().expect("its address")
}

#[tokio::test]
async fn health_is_answered_before_rundeck_and_metadata_are_there() {
    let world = world(1, 4440, 4441);
    world.imds(0).faults().set(Fault::Hang);
    world.api().faults().set(Fault::Hang);
    let agent = TestAgent::start(&Config::new(nowhere()).in_world(&world, 0)).await;
    assert_eq!(agent.ask().await.line(), "503 booting: waiting");
    assert_eq!(get(agent.health, "/other").await.status, 404);
}

#[tokio::test]
async fn the_first_up_waits_for_the_bootstrap_and_for_a_settled_run() {
    let addr = nowhere();
    let agent = TestAgent::start(&Config::new(addr)).await;
    let mut seen = vec![agent.ask().await.line()];
    let _rundeck = Rundeck::start(addr, "5.20", 0, 1500).await;
    until("200", async || {
        let line = agent.ask().await.line();
        if seen.last() != Some(&line) {
            seen.push(line);
        }
        seen.last().is_some_and(|l| l == "200 ok")
    })
    .await;
    assert_eq!(seen.first().map(String::as_str), Some("503 booting: waiting"), "{seen:?}");
    assert!(seen.contains(&"503 booting: settling".to_string()), "{seen:?}");
    assert!(!seen[..seen.len() - 1].iter().any(|l| l.starts_with("200")), "{seen:?}");
}

#[tokio::test]
async fn a_rundeck_that_never_gets_ready_is_down_after_its_budget() {
    let agent = TestAgent::start(&Config::new(nowhere()).boot_timeout("900ms")).await;
    agent.says("503 down: boot-timeout").await;
}

#[tokio::test]
async fn without_any_configuration_it_serves_and_changes_nothing() {
    let world = world(1, 4440, 4441);
    let rundeck = Rundeck::ready().await;
    let mut config = Config::new(rundeck.addr);
    config.token = None;
    config.env = world.agent_env(0).into_iter().map(|(k, v)| (k.to_string(), v)).collect();
    let agent = TestAgent::start(&config).await;
    agent.says("200 ok").await;
    until("the findings", async || agent.finds("instance-tag-unreadable").await && agent.finds("token-missing").await)
        .await;
    let calls = world.api().calls();
    assert_eq!(calls.total(), calls.count("DescribeAutoScalingInstances"), "whose node it is, and nothing else");
}

#[tokio::test]
async fn every_path_of_the_contract_answers() {
    let rundeck = Rundeck::ready().await;
    let agent = TestAgent::start(&Config::new(rundeck.addr)).await;
    agent.says("200 ok").await;
    for path in [
        "/health",
        "/health?x=1",
        "/api/32/system/executions/status",
        "//api/58/system/executions/status?authtoken=SECRET",
    ] {
        assert_eq!(get(agent.health, path).await.status, 200, "{path}");
    }
    assert_eq!(get(agent.health, "/api/32/system/executions/status").await.body, r#"{"executionMode":"active"}"#);
    let head = request(agent.health, "HEAD /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert_eq!(head.line(), "200 ");
    until("the finding about the token", async || agent.finds("token-in-query").await).await;
    assert!(!agent.log().contains("SECRET"), "{}", agent.log());
    for path in ["/metrics", "/status", "/livez", "/receipts"] {
        assert_eq!(get(agent.admin, path).await.status, 200, "{path}");
    }
    assert!(get(agent.admin, "/metrics").await.body.contains("rdalb_health_state{state=\"up\"} 1"));
}

#[tokio::test]
async fn the_token_is_nowhere_to_be_seen() {
    let rundeck = Rundeck::ready().await;
    let mut agent = TestAgent::start(&Config::new(rundeck.addr).with("level = \"trace\"\n")).await;
    agent.says("200 ok").await;
    until("the token to be used", async || agent.status().await["rundeck"]["mode"] == "active").await;
    shows_nowhere(&mut agent, "test-token").await;
}

/// Target groups that were set up for Rundeck's own API have a token in their health check's path.
#[tokio::test]
async fn a_token_in_a_target_groups_path_is_nowhere_to_be_seen() {
    let rundeck = Rundeck::ready().await;
    let world = world_asking(1, rundeck.addr.port(), 4440, "/api/32/system/executions/status?authtoken=CANARY");
    let config = Config::new(rundeck.addr).with("level = \"trace\"\n").in_world(&world, 0);
    let mut agent = TestAgent::start(&config).await;
    until("the finding", async || agent.finds("health-check-elsewhere").await).await;
    let findings = agent.status().await["findings"].to_string();
    assert!(findings.contains("executions/status (with a query, which is not shown"), "{findings}");
    shows_nowhere(&mut agent, "CANARY").await;
}

/// Neither what it answers, what its commands print, its log nor its files hold the secret, a receipt among them. Ends
/// the agent.
async fn shows_nowhere(agent: &mut TestAgent, secret: &str) {
    let order = agent.order("/drain", r#"{"reason": "canary", "timeout": "2s"}"#).await;
    assert_eq!(order.status, 202, "{order:?}");
    until("the receipt", async || !agent.receipts().is_empty()).await;
    let receipt = format!("/receipts/{}", agent.receipts()[0]["id"].as_str().expect("an id"));
    for path in ["/metrics", "/status", "/receipts", &receipt, "/livez", "/"] {
        assert!(!get(agent.admin, path).await.body.contains(secret), "{path}");
        assert!(!unix_request(&agent.socket(), "GET", path, "").await.body.contains(secret), "{path} on the socket");
    }
    for path in ["/health", "/api/32/system/executions/status"] {
        assert!(!get(agent.health, path).await.body.contains(secret), "{path}");
    }
    for arguments in [&["status"][..], &["status", "--output", "json"], &["explain"], &["check"], &["config", "show"]] {
        let (_, printed) = agent.command(arguments).await;
        assert!(!printed.is_empty() && !printed.contains(secret), "{arguments:?}: {printed}");
    }
    agent.signal("KILL");
    agent.end().await;
    assert!(!agent.log().contains(secret), "{}", agent.log());
    let mut files = 0;
    let mut folders = ["state", "run"].map(|name| agent.home.path().join(name)).to_vec();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").flatten() {
            match entry.file_type().expect("its kind") {
                kind if kind.is_dir() => folders.push(entry.path()),
                kind if kind.is_file() => {
                    let text = std::fs::read(entry.path()).expect("readable");
                    assert!(!String::from_utf8_lossy(&text).contains(secret), "{:?}", entry.path());
                    files += 1;
                }
                // The control socket.
                _ => {}
            }
        }
    }
    assert!(files >= 2, "intent and receipt at least: {files}");
}

#[tokio::test]
async fn an_api_path_at_the_end_of_the_url_is_cut_and_said_once() {
    let rundeck = Rundeck::ready().await;
    let mut config = Config::new(rundeck.addr);
    config.rundeck.push_str("/api/41");
    let agent = TestAgent::start(&config).await;
    agent.says("200 ok").await;
    assert_eq!(agent.log().matches("/api/41 is cut off its URL").count(), 1, "{}", agent.log());
}

#[tokio::test]
async fn without_a_disk_the_node_serves_and_leaves_all_the_same() {
    let rundeck = Rundeck::ready().await;
    let mut config = Config::new(rundeck.addr);
    config.env.push(("STATE_DIRECTORY".into(), "/dev/null/state".into()));
    let mut agent = TestAgent::start(&config).await;
    agent.says("200 ok").await;
    assert!(agent.finds("state-directory").await);
    drop(rundeck);
    agent.signal("TERM");
    assert_eq!(agent.end().await.code(), Some(0), "{}", agent.log());
}

fn run(toml: &str) -> (i32, String) {
    run_to_end(&tempfile::TempDir::new().expect("a folder"), toml)
}

#[test]
fn a_taken_port_is_a_clear_error_and_exit_1() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = taken.local_addr().expect("its address");
    let (code, stderr) = run(&format!("[health]\nlisten = \"{addr}\"\n[admin]\nlisten = \"\"\n"));
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains(&addr.to_string()) && stderr.contains("health.listen"), "{stderr}");
}

#[test]
fn a_bad_configuration_names_line_and_cure_and_exits_78() {
    let (code, stderr) = run("[health]\nintervall = \"5s\"\n");
    assert_eq!(code, 78, "{stderr}");
    assert!(stderr.contains("other.toml:2:1") && stderr.contains("did you mean"), "{stderr}");
}
