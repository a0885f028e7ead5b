//! HAProxy in front of small servers: what the agent's tests rely on when they put it in front of real agents.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use rundeck_alb_lab::clock;
use rundeck_alb_lab::outside::{self, Haproxy, Server};
use rundeck_alb_lab::rundeck::{Config, Rundeck, Version};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::http::{Reply, ask, get};

const PACE: Duration = Duration::from_millis(100);
/// HAProxy decides after two checks; a busy machine may take its time.
const PATIENCE: Duration = Duration::from_secs(30);

/// Answers every request of its one connection with this status; keeps the last request.
struct Health {
    addr: SocketAddr,
    status: Arc<AtomicU16>,
    asked: tokio::sync::watch::Receiver<String>,
}

impl Health {
    async fn start() -> Health {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        let status = Arc::new(AtomicU16::new(200));
        let (tell, asked) = tokio::sync::watch::channel(String::new());
        let answers = Arc::clone(&status);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 1024];
                let length = stream.read(&mut request).await.unwrap_or(0);
                let status = answers.load(Ordering::Relaxed);
                // The checker may be gone already.
                let _ = stream.write_all(format!("HTTP/1.1 {status} x\r\nContent-Length: 0\r\n\r\n").as_bytes()).await;
                tell.send_replace(String::from_utf8_lossy(&request[..length]).into_owned());
            }
        });
        Health { addr, status, asked }
    }
}

async fn comes_to_be(haproxy: &Haproxy, name: &str, up: bool) {
    let wanted = async {
        while Haproxy::is_up(&get(haproxy.statistics(), "/stats;csv").await.body, name) != Some(up) {
            clock::pause(PACE).await;
        }
    };
    let outcome = tokio::time::timeout(PATIENCE, wanted).await;
    assert!(outcome.is_ok(), "{name} did not come to be {}: {}", if up { "up" } else { "down" }, haproxy.output());
}

async fn page(haproxy: &Haproxy, session: Option<&str>) -> Reply {
    match session {
        Some(cookie) => ask(haproxy.addr(), "GET", "/user/login", &[("cookie", cookie)]).await,
        None => get(haproxy.addr(), "/user/login").await,
    }
}

#[tokio::test]
async fn checks_like_an_alb_and_follows_the_answer_while_sessions_stick() {
    let Some(program) = outside::haproxy() else { return };
    let nodes =
        [Version::V5_20, Version::V6_1].map(|version| Rundeck::start(Config::new(version, "good")).expect("a node"));
    let checks = [Health::start().await, Health::start().await];
    let names = ["first", "second"];
    let servers: Vec<Server> =
        (0..2).map(|i| Server { name: names[i].to_owned(), traffic: nodes[i].addr(), check: checks[i].addr }).collect();
    let haproxy = Haproxy::start(&program, &servers, PACE).await.expect("HAProxy starts");
    for name in names {
        comes_to_be(&haproxy, name, true).await;
    }

    let mut asked = checks[0].asked.clone();
    let check = asked.wait_for(|request| !request.is_empty()).await.expect("checked").to_lowercase();
    assert!(check.starts_with("get /health http/1.1\r\n"), "{check}");
    assert!(check.contains("user-agent: elb-healthchecker/2.0\r\n"), "{check}");

    // One node leaves: every request is answered, by the other.
    checks[0].status.store(503, Ordering::Relaxed);
    comes_to_be(&haproxy, "first", false).await;
    for _ in 0..10 {
        assert_eq!(page(&haproxy, None).await.status, 200);
    }
    let first = page(&haproxy, None).await;
    let cookie = first
        .headers
        .get("set-cookie")
        .map(|cookie| cookie.to_str().expect("text").split(';').next().expect("a pair").to_owned());

    // It comes back, and a session that began elsewhere stays there.
    checks[0].status.store(200, Ordering::Relaxed);
    comes_to_be(&haproxy, "first", true).await;
    let cookie = cookie.expect("Rundeck gives a session");
    let before = nodes[0].state().stats();
    for _ in 0..10 {
        assert_eq!(page(&haproxy, Some(&cookie)).await.status, 200);
    }
    assert_eq!(nodes[0].state().stats(), before, "the node without the session saw none of it");
}
