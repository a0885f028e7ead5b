//! The pages for people: sessions live in one process's memory, which is why a load balancer must be sticky.

use rundeck_alb_lab::rundeck::Version;

use crate::client::{Ask, Reply, ask};
use crate::situation::READY;

/// The session that an answer sets.
fn session(reply: &Reply) -> String {
    let cookie = reply.header("set-cookie").expect("a session");
    cookie.split(';').next().expect("never empty").to_owned()
}

#[tokio::test]
async fn a_login_makes_a_session_that_only_its_node_knows() {
    let (node, other) = (READY.bring(Version::V5_20).await, READY.bring(Version::V5_20).await);
    let home = Ask::get("/menu/home");
    let stranger = ask(node.addr(), &home).await.expect("an answer");
    assert_eq!(stranger.status, 302);
    let first = session(&stranger);

    let login =
        Ask::get("/user/j_security_check").method("POST").header("Cookie", &first).body("j_username=ann&j_password=x");
    let welcome = ask(node.addr(), &login).await.expect("an answer");
    assert_eq!(welcome.header("location"), Some(format!("http://{}/menu/home", node.addr()).as_str()));
    let known = session(&welcome);
    assert_ne!(first, known, "the session changes once at the login");

    let page = ask(node.addr(), &home.clone().header("Cookie", &known)).await.expect("an answer");
    assert_eq!((page.status, page.header("set-cookie")), (200, None));
    assert!(page.body.contains("node rundeck"));
    let slow = ask(node.addr(), &Ask::get("/slow?ms=1").header("Cookie", &known)).await.expect("an answer");
    assert_eq!(slow.status, 200);

    let elsewhere = ask(other.addr(), &home.clone().header("Cookie", &known)).await.expect("an answer");
    assert_eq!(elsewhere.status, 302, "another node sends the user to its login");
    assert_ne!(session(&elsewhere), known);
    let dead = ask(node.addr(), &home.header("Cookie", &first)).await.expect("an answer");
    assert_eq!(dead.status, 302, "the session before the login is dead");
}

#[tokio::test]
async fn each_request_on_a_wrong_path_makes_a_session_and_health_makes_none() {
    let node = READY.bring(Version::V5_20).await;
    for _ in 0..3 {
        ask(node.addr(), &Ask::get("/health/")).await.expect("an answer");
        ask(node.addr(), &Ask::get("/health")).await.expect("an answer");
    }
    let stats = node.state().stats();
    assert_eq!((stats.requests, stats.sessions), (6, 3));
}

#[tokio::test]
async fn only_the_allowed_host_is_served() {
    let node = READY.with(|config| config.allowed_host = Some("rundeck.example".into())).bring(Version::V5_20).await;
    let asked = |host: &str| Ask::get("/health").header("Host", host);
    assert_eq!(ask(node.addr(), &asked("127.0.0.1")).await.map(|reply| reply.status), Ok(400));
    assert_eq!(ask(node.addr(), &asked("rundeck.example:4440")).await.map(|reply| reply.status), Ok(200));
}

#[tokio::test]
async fn bad_heads_are_refused_as_jetty_does() {
    let node = READY.bring(Version::V5_20).await;
    let filled = |bytes: usize| Ask::get("/health").header("X-Filler", &"x".repeat(bytes));
    assert_eq!(ask(node.addr(), &filled(7 * 1024)).await.map(|reply| reply.status), Ok(200));
    assert_eq!(ask(node.addr(), &filled(8 * 1024)).await.map(|reply| reply.status), Ok(431));
    let mut odd = Ask::get("/health");
    odd.http = "9.9";
    assert_eq!(ask(node.addr(), &odd).await.map(|reply| reply.status), Ok(505));
}

#[tokio::test]
async fn what_clients_ask_for_besides_is_there() {
    for version in Version::ALL {
        let node = READY.bring(version).await;
        let asked = |below: &str| Ask::get(format!("/api/{}/{below}", version.api())).token(crate::situation::FILE);
        let projects = ask(node.addr(), &asked("projects")).await.expect("an answer").json();
        assert_eq!(projects[0]["name"], "demo");
        let storage = ask(node.addr(), &asked("system/logstorage")).await.expect("an answer").json();
        assert_eq!(storage["queuedCount"], 0);
        let claim = asked("scheduler/takeover").method("PUT").body(r#"{"server":{"uuid":"U"}}"#);
        let claim = ask(node.addr(), &claim).await.expect("an answer").json();
        assert_eq!((&claim["success"], &claim["takeoverSchedule"]["server"]["uuid"]), (&true.into(), &"U".into()));
        if version.is_6() {
            let page = ask(node.addr(), &Ask::get("/monitoring/prometheus")).await.expect("an answer");
            assert!(page.body.contains("jvm_threads_live_threads 49.0"));
        } else {
            let metrics = ask(node.addr(), &asked("metrics/metrics")).await.expect("an answer").json();
            assert!(["gauges", "counters", "timers"].iter().all(|section| metrics[section].is_object()));
        }
        if version.speaks_xml() {
            let old = Ask::get("/api/14/system/info").header("Accept", "text/xml");
            let xml =
                ask(node.addr(), &old.header("X-Rundeck-Auth-Token", crate::situation::FILE)).await.expect("an answer");
            assert!(xml.body.contains("<scheduler><running>0</running>"), "{}", xml.body);
        }
    }
}
