//! Which status and which words answer which snapshot. What each means for a node is told in docs/HEALTH.md.

use super::*;
use rundeck_alb_core::{Degraded, Reason, State};
use std::time::Duration;

#[test]
fn up_is_200_ok_with_every_header() {
    let port = Port::up();
    for path in ["/health", "/alb", "/health?x=1"] {
        let got = port.get(path);
        assert_eq!((got.status, got.body.as_str()), (200, "ok"), "{path}");
        assert_eq!(got.header("content-length"), Some("2"));
        assert_eq!(got.header("content-type"), Some("text/plain; charset=utf-8"));
        assert_eq!(got.header("cache-control"), Some("no-store"));
        assert!(got.header("date").is_some_and(|date| date.ends_with(" GMT")), "{got:?}");
    }
    assert_eq!(port.counted(200), 3);
}

#[test]
fn every_other_state_is_503_with_state_and_reason() {
    let port = Port::up();
    for (state, reason, body) in [
        (State::Booting, Reason::Waiting, "booting: waiting"),
        (State::Booting, Reason::Settling, "booting: settling"),
        (State::Down, Reason::Refused, "down: refused"),
        (State::Down, Reason::BadStatus, "down: bad-status"),
        (State::Down, Reason::Passive, "down: passive"),
        (State::Draining, Reason::Operator, "draining: operator"),
        (State::Stopped, Reason::AgentStopping, "stopped: agent-stopping"),
    ] {
        port.publish(sample::answering(&port.clock, false, state, reason));
        let got = port.get("/health");
        assert_eq!((got.status, got.body.as_str()), (503, body));
    }
    assert_eq!(port.counted(503), 7);
}

#[test]
fn json_is_given_to_those_who_ask_for_it_by_name() {
    let port = Port::up();
    let mut node = sample::up(&port.clock);
    node.degraded = vec![Degraded::Passive, Degraded::Database];
    port.publish(node);
    let got = port.get_json("/health");
    assert_eq!(got.header("content-type"), Some("application/json"));
    let expected = format!(
        concat!(
            r#"{{"status":"ok","state":"up","reason":"ok","degraded":["passive","database"],"age_ms":1200,"#,
            r#""since":"2025-12-31T23:59:00.000Z","version":"{}"}}"#,
        ),
        crate::server::VERSION
    );
    assert_eq!(got.body, expected);
    for (accept, json) in [
        ("*/*", false),
        ("text/html, application/json;q=0.5", true),
        ("Application/JSON", true),
        ("application/json;q=0", false),
        ("application/jsonx", false),
        ("application/*", false),
    ] {
        let got = port.ask(&format!("GET /health HTTP/1.1\r\nHost: n\r\nAccept: {accept}\r\n\r\n"));
        assert_eq!(got.body.starts_with('{'), json, "{accept}");
    }
}

#[test]
fn age_counts_on_between_two_snapshots_and_at_last_vouches_for_nobody() {
    let port = Port::up();
    port.clock.advance(Duration::from_millis(18_800));
    assert_eq!(port.get("/health").status, 200);
    assert_eq!(port.get_json("/health").json()["age_ms"], 20_000);
    port.clock.advance(Duration::from_millis(1));
    let got = port.get("/health");
    assert_eq!((got.status, got.body.as_str()), (503, "stale: stale"));
    let got = port.get_json("/health").json();
    assert_eq!((&got["status"], &got["state"], &got["reason"]), (&"fail".into(), &"stale".into(), &"stale".into()));
    assert_eq!((&got["age_ms"], &got["since"]), (&20_001.into(), &"2026-01-01T00:00:18.800Z".into()));
    port.publish(sample::up(&port.clock));
    assert_eq!(port.get("/health").status, 200);
}

/// The verdict, its age and the moment of becoming stale follow the time since boot; only times for people follow the
/// wall.
#[test]
fn a_wall_clock_that_jumps_moves_no_moment() {
    const DAY: i64 = 86_400;
    for by in [-DAY, DAY] {
        let port = Port::up();
        let before = port.get_json("/health").json();
        port.clock.set_wall(by);
        assert_eq!(port.get_json("/health").json(), before);
        port.publish(port.board.read().snapshot.clone());
        let after = port.get_json("/health").json();
        assert_eq!((&after["status"], &after["age_ms"]), (&"ok".into(), &before["age_ms"]));
        let day = if by < 0 { "2025-12-30" } else { "2026-01-01" };
        assert_eq!(after["since"], format!("{day}T23:59:00.000Z"));
        port.clock.advance(Duration::from_millis(18_800));
        assert_eq!(port.get("/health").status, 200, "no false down");
        port.clock.advance(Duration::from_millis(1));
        assert_eq!(port.get("/health").body, "stale: stale", "no false up");
    }
}

#[test]
fn draining_does_not_become_stale() {
    let port = Port::with(options(), sample::draining);
    port.clock.advance(Duration::from_secs(3_600));
    let got = port.get("/health");
    assert_eq!((got.status, got.body.as_str()), (503, "draining: operator"));
}

#[test]
fn nothing_of_the_node_is_told() {
    let port = Port::with(options(), sample::draining);
    for path in ["/health", "/api/58/system/executions/status"] {
        let got = format!("{:?}", port.get_json(path));
        for secret in ["i-0a1b", "10.0.1.17", "rundeck-prod", "kernel", "5.20", "5f5c1c6b"] {
            assert!(!got.contains(secret), "{path} tells {secret}: {got}");
        }
    }
}

#[test]
fn the_executions_status_paths_answer_as_rundeck_does() {
    let port = Port::up();
    for path in [
        "/api/32/system/executions/status",
        "//api/32/system/executions/status?authtoken=x",
        "/api/1/system/executions/status",
    ] {
        let got = port.get(path);
        assert_eq!((got.status, got.body.as_str()), (200, r#"{"executionMode":"active"}"#), "{path}");
        assert_eq!(got.header("content-type"), Some("application/json"));
    }
    port.publish(sample::answering(&port.clock, false, State::Down, Reason::Passive));
    let got = port.get("/api/58/system/executions/status");
    assert_eq!((got.status, got.body.as_str()), (503, r#"{"executionMode":"passive"}"#));
    port.publish(sample::answering(&port.clock, false, State::Down, Reason::Exited));
    let got = port.get("/api/58/system/executions/status");
    assert_eq!((got.status, &got.json()["reason"]), (503, &"exited".into()));
}

#[test]
fn paths_that_only_look_alike_are_404() {
    let port = Port::up();
    for path in [
        "/",
        "/health/",
        "//health",
        "/Health",
        "/api//system/executions/status",
        "/api/32x/system/executions/status",
        "///api/32/system/executions/status",
        "/api/32/system/executions/status/",
        "/api/32/system/info",
        "/metrics",
        "/status",
    ] {
        assert_eq!(port.get(path).status, 404, "{path}");
    }
    assert_eq!(port.counted(404), 11);
    let off = Port::with(HealthOptions { executions_status_compat: false, ..options() }, sample::up);
    assert_eq!(off.get("/api/32/system/executions/status").status, 404);
}

#[test]
fn a_token_in_the_query_is_noticed_and_nothing_else() {
    let port = Port::up();
    port.get("/api/32/system/executions/status?format=json");
    port.get("/api/32/system/executions/status?xauthtoken=1");
    port.get("/other?authtoken=s3cret");
    assert!(!port.board.token_in_query());
    assert_eq!(port.get("//api/32/system/executions/status?a=b&authtoken=s3cret").status, 200);
    assert!(port.board.token_in_query());
    assert!(!format!("{:?}", port.board).contains("s3cret"));
}

#[test]
fn checks_wait_in_the_kernel_until_a_snapshot_accepts() {
    let waiting = |clock: &Clock| Snapshot {
        accepting: false,
        ..sample::answering(clock, false, State::Booting, Reason::Waiting)
    };
    let port = Port::with(options(), waiting);
    let mut early = port.client();
    early.send(&get("/health"));
    port.publish(waiting(&port.clock));
    port.publish(sample::up(&port.clock));
    assert_eq!(early.answer().status, 200, "it was not answered before");
    port.publish(waiting(&port.clock));
    assert_eq!(port.get("/health").status, 503, "an open port stays open");
}

#[test]
fn a_stopped_server_closes_its_port() {
    let port = Port::up();
    let address = port.server.address();
    port.server.stop();
    assert!(TcpStream::connect(address).is_err());
}
