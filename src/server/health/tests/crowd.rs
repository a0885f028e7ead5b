//! Many clients, silent clients, and a machine without descriptors: checks are answered all the same.

use super::super::guests::RESERVE;
use super::*;
use std::io::{Read, Write};
use std::process::Command;
use std::time::Duration;

/// Longer than a test may take.
const FOREVER: Duration = Duration::from_secs(600);
/// Time-outs that a test waits for.
const SOON: Duration = Duration::from_millis(50);

fn patient(patience: Patience) -> Port {
    Port::with(HealthOptions { patience, ..options() }, sample::up)
}

#[test]
fn silent_connections_do_not_keep_a_check_out() {
    let port = patient(Patience { first: FOREVER, next: FOREVER, brief: FOREVER });
    let cap = options().max_connections;
    let idle: Vec<_> = (0..3 * (cap + RESERVE)).map(|_| port.client()).collect();
    for _ in 0..20 {
        let got = port.get("/health");
        assert_eq!((got.status, got.header("connection")), (200, Some("close")), "beyond the cap a visit is brief");
    }
    drop(idle);
}

#[test]
fn half_sent_requests_do_not_keep_a_check_out() {
    let port = patient(Patience { first: FOREVER, next: FOREVER, brief: FOREVER });
    let mut slow: Vec<_> = (0..100)
        .map(|_| {
            let mut client = port.client();
            client.send("GET /health HTTP/1.1\r\nX: ");
            client
        })
        .collect();
    for _ in 0..20 {
        assert_eq!(port.get("/health").status, 200);
        for client in &mut slow {
            client.pour("x");
        }
    }
}

#[test]
fn whoever_is_answered_stays_and_the_silent_one_leaves() {
    let port = patient(Patience { first: FOREVER, next: FOREVER, brief: FOREVER });
    let mut silent = port.client();
    let mut monitor = port.client();
    let mut idle = Vec::new();
    for _ in 0..options().max_connections + RESERVE {
        idle.push(port.client());
        monitor.send(&get("/health"));
        assert_eq!(monitor.answer().status, 200);
    }
    assert!(silent.closed());
}

#[test]
fn a_connection_below_the_cap_may_stay() {
    let port = Port::up();
    let mut clients: Vec<_> = (0..options().max_connections).map(|_| port.client()).collect();
    for client in &mut clients {
        client.send(&get("/health"));
        assert_eq!(client.answer().header("connection"), None);
    }
    assert_eq!(port.get("/health").header("connection"), Some("close"));
    clients.clear();
    // The server sees the closed connections before or after the next one: both are right, in the end it stays.
    assert!((0..1_000).any(|_| port.get("/health").header("connection").is_none()));
}

#[test]
fn a_connection_that_says_nothing_is_closed() {
    let port = patient(Patience { first: SOON, next: FOREVER, brief: FOREVER });
    assert!(port.client().closed());
    let mut half = port.client();
    half.send("GET /health HTTP/1.1\r\n");
    assert!(half.closed());
}

#[test]
fn a_kept_connection_is_closed_when_it_falls_silent() {
    let port = patient(Patience { first: FOREVER, next: SOON, brief: FOREVER });
    let mut client = port.client();
    client.send(&get("/health"));
    assert_eq!(client.answer().status, 200);
    assert!(client.closed());
}

#[test]
fn a_brief_visit_is_closed_whatever_it_does() {
    let port = patient(Patience { first: FOREVER, next: FOREVER, brief: SOON });
    let idle: Vec<_> = (0..options().max_connections).map(|_| port.client()).collect();
    assert!(port.client().closed());
    drop(idle);
}

#[test]
fn a_client_that_never_reads_is_closed() {
    let port = patient(Patience { first: FOREVER, next: SOON, brief: FOREVER });
    let client = port.client();
    let mut stream = client.stream();
    let requests = get("/health").repeat(1_000);
    // Answers pile up until neither side takes more; then the server gives up and the write fails.
    assert!((0..10_000).any(|_| stream.write_all(requests.as_bytes()).is_err()));
    assert_eq!(port.get("/health").status, 200);
}

/// The name under which the next test starts this binary again, with few descriptors.
const STARVED: &str = "server::health::tests::crowd::starved_of_descriptors";
const ROLE: &str = "RDALB_TEST_STARVED";

#[test]
fn starved_of_descriptors() {
    if std::env::var_os(ROLE).is_some() {
        return checks_are_answered_without_descriptors();
    }
    let own = std::env::current_exe().expect("own path");
    let script = r#"ulimit -n 64 && exec "$0" --exact "$1" --nocapture"#;
    let ended = Command::new("sh").args(["-c", script]).arg(own).arg(STARVED).env(ROLE, "1").output().expect("sh");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    assert!(String::from_utf8_lossy(&ended.stdout).contains("1 passed"));
}

/// Both ends of each connection are in this process: after some thirty the server cannot accept another.
fn checks_are_answered_without_descriptors() {
    let port = Port::with(
        HealthOptions {
            max_connections: 256,
            patience: Patience { first: FOREVER, next: FOREVER, brief: FOREVER },
            ..options()
        },
        sample::up,
    );
    let connect = || TcpStream::connect(port.server.address());
    let mut idle: Vec<_> = (0..10).map(|_| connect().expect("there are descriptors yet")).collect();
    assert_eq!(port.get("/health").status, 200, "and the server has accepted those ten");
    idle.extend(std::iter::from_fn(|| connect().ok()));
    assert!(idle.len() > 20, "{}", idle.len());
    // One of the clients that nobody has accepted yet asks; for each pause one of the silent ones leaves.
    let mut last = idle.pop().expect("a connection");
    last.set_read_timeout(Some(Duration::from_secs(20))).expect("time-out");
    last.write_all(get("/health").as_bytes()).expect("send");
    let mut answer = [0; 12];
    last.read_exact(&mut answer).expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 200");
}
