//! What can be read, and by whom.

use super::*;

#[test]
fn both_doors_show_every_page() {
    let house = House::up();
    for path in ["/metrics", "/status", "/livez", "/receipts", "/receipts/20260101T000000-operator"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", house.tcp);
        for got in [house.get(path), house.by_tcp(&request)] {
            assert_eq!(got.status, 200, "{path}: {got:?}");
            assert_eq!(got.header("cache-control"), Some("no-store"));
            assert!(got.header("date").is_some());
        }
    }
}

#[test]
fn metrics_are_prometheus_text() {
    let got = House::up().get("/metrics");
    assert_eq!(got.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert!(got.body.contains("# TYPE rdalb_health_requests_total counter\n"));
}

#[test]
fn status_is_json_with_every_escape() {
    let got = House::new(sample::draining, OrderAnswer::Resumed(true)).get("/status");
    assert_eq!(got.header("content-type"), Some("application/json"));
    assert_eq!(got.json()["drain"]["reason"], "kernel \"6.18\"\nupdate \\ reboot");
}

#[test]
fn livez_is_about_the_loop_and_not_about_rundeck() {
    let house = House::new(sample::draining, OrderAnswer::Resumed(true));
    house.clock.advance(Duration::from_secs(20));
    let got = house.get("/livez");
    assert_eq!((got.status, got.body.as_str()), (200, "ok"));
    house.clock.advance(Duration::from_secs(1));
    let got = house.get("/livez");
    assert_eq!((got.status, got.body.as_str()), (503, "stuck: the loop has not moved for 21 s"));
    house.board.publish(Published::new(sample::draining(&house.clock), &house.clock));
    assert_eq!(house.get("/livez").status, 200);
}

#[test]
fn receipts_are_listed_newest_first_and_read_by_id() {
    let house = House::up();
    let ids = &house.get("/receipts").json()["receipts"];
    assert_eq!(ids, &serde_json::json!(["20260102T000000-agent-stopping", "20260101T000000-operator"]));
    assert_eq!(house.get("/receipts/20260101T000000-operator").body, r#"{"result":"clean"}"#);
    let got = house.get("/receipts/none");
    assert_eq!((got.status, &got.json()["error"]), (404, &"no receipt none: /receipts lists them".into()));
    let got = house.get("/receipts/broken");
    assert_eq!((got.status, &got.json()["error"]), (503, &"receipts cannot be read: the disk says \"no\"".into()));
}

#[test]
fn ids_that_could_leave_the_folder_are_not_asked_for() {
    let house = House::up();
    for id in ["..", "../intent", "%2e%2e", ".hidden", "a/b", ""] {
        let got = house.get(&format!("/receipts/{id}"));
        assert_eq!(got.status, 404, "{id}");
        assert!(got.body.contains("no such page"), "{id}");
    }
}

#[test]
fn unknown_pages_and_later_ones_are_404_and_wrong_verbs_405() {
    let house = House::up();
    for path in ["/", "/verify", "/health", "/metrics/", "//metrics"] {
        assert_eq!(house.get(path).status, 404, "{path}");
        assert_eq!(house.post(path, "{}").status, 404, "{path}");
    }
    for (request, allow) in [
        ("PUT /status", "GET, HEAD"),
        ("POST /metrics", "GET, HEAD"),
        ("GET /drain", "POST"),
        ("PUT /resume", "POST"),
        ("GET /maintenance", "POST"),
    ] {
        let got = house.by_socket(&format!("{request} HTTP/1.1\r\nHost: agent\r\n\r\n"));
        assert_eq!((got.status, got.header("allow")), (405, Some(allow)), "{request}");
    }
}

#[test]
fn head_has_no_body() {
    let house = House::up();
    let mut client = Client::tcp(house.tcp);
    client.send(&format!("HEAD /status HTTP/1.1\r\nHost: {}\r\n\r\n", house.tcp));
    let got = client.head();
    assert!(got.status == 200 && got.header("content-length") != Some("0"));
    assert!(client.closed());
}

#[test]
fn tcp_is_for_those_who_ask_this_machine_by_name() {
    let house = House::up();
    let port = house.tcp.port();
    let ask = |head: String| house.by_tcp(&format!("GET {head}\r\n\r\n"));
    for host in
        [format!("127.0.0.1:{port}"), format!("localhost:{port}"), format!("LocalHost:{port}"), format!("[::1]:{port}")]
    {
        assert_eq!(ask(format!("/status HTTP/1.1\r\nHost: {host}")).status, 200, "{host}");
    }
    for host in [
        "127.0.0.1".into(),
        format!("evil.example:{port}"),
        "localhost:1".into(),
        format!("127.0.0.2:{port}"),
        String::new(),
    ] {
        let got = ask(format!("/status HTTP/1.1\r\nHost: {host}"));
        assert_eq!(got.status, 403, "{host}");
        assert!(!got.body.contains("rundeck"), "{host}");
    }
    let own = format!("127.0.0.1:{port}");
    for head in [
        "/status HTTP/1.0".to_string(),
        format!("/status HTTP/1.1\r\nHost: {own}\r\nHost: evil.example"),
        format!("http://evil.example/status HTTP/1.1\r\nHost: {own}"),
        format!("/status HTTP/1.1\r\nHost: {own}\r\nX-Forwarded-For: 10.0.0.1"),
        format!("/livez HTTP/1.1\r\nHost: {own}\r\nx-forwarded-for:"),
    ] {
        assert_eq!(ask(head.clone()).status, 403, "{head}");
    }
    assert_eq!(ask(format!("http://{own}/livez HTTP/1.1\r\nHost: {own}")).status, 200);
}

#[test]
fn only_loopback_is_served() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let open = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a port");
    let error = runtime.block_on(async { super::super::loopback(open).err() }).expect("refused");
    assert!(error.to_string().contains("use 127.0.0.1:4442"), "{error}");
}

#[test]
fn idle_tcp_connections_do_not_close_the_socket_door() {
    let house = House::up();
    let idle: Vec<_> = (0..100).map(|_| Client::tcp(house.tcp)).collect();
    assert_eq!(house.get("/livez").status, 200);
    drop(idle);
    assert_eq!(house.by_tcp(&format!("GET /livez HTTP/1.1\r\nHost: {}\r\n\r\n", house.tcp)).status, 200);
}
