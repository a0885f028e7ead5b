//! HTTP as clients really speak it, and as they should not.

use super::*;
use rustix::net::sockopt::set_socket_linger;
use std::time::Duration;

#[test]
fn head_has_the_headers_of_get_and_no_body() {
    let port = Port::up();
    let mut client = port.client();
    client.send(
        "HEAD /health HTTP/1.1\r\nHost: n\r\n\r\nHEAD //api/32/system/executions/status HTTP/1.1\r\nHost: n\r\n\
         Connection: close\r\n\r\n",
    );
    let got = client.head();
    assert_eq!((got.status, got.header("content-length")), (200, Some("2")));
    assert_eq!(got.header("content-type"), Some("text/plain; charset=utf-8"));
    let got = client.head();
    assert_eq!((got.status, got.header("content-length")), (200, Some("26")));
    assert!(client.closed(), "no body followed");
}

#[test]
fn http_1_0_is_answered_and_closed() {
    let port = Port::up();
    let mut client = port.client();
    client.send("GET /health HTTP/1.0\r\n\r\n");
    let got = client.answer();
    assert_eq!((got.version.as_str(), got.status, got.body.as_str()), ("HTTP/1.0", 200, "ok"));
    assert!(client.closed());
}

#[test]
fn http_1_0_is_kept_open_when_asked_to() {
    let port = Port::up();
    let mut client = port.client();
    for _ in 0..2 {
        client.send("GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        let got = client.answer();
        assert_eq!((got.status, got.header("connection")), (200, Some("keep-alive")));
    }
    client.send("GET /health HTTP/1.0\r\n\r\n");
    assert_eq!(client.answer().status, 200);
    assert!(client.closed());
}

#[test]
fn http_1_1_is_kept_open_until_asked_otherwise() {
    let port = Port::up();
    let mut client = port.client();
    for _ in 0..3 {
        client.send(&get("/health"));
        assert_eq!(client.answer().status, 200);
    }
    client.send("GET /other HTTP/1.1\r\nHost: n\r\n\r\n");
    assert_eq!(client.answer().status, 404);
    client.send("GET /health HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n");
    assert_eq!(client.answer().status, 200);
    assert!(client.closed());
}

#[test]
fn a_checker_without_host_is_answered() {
    let port = Port::up();
    assert_eq!(port.ask("GET /health HTTP/1.1\r\n\r\n").status, 200);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let port = Port::up();
    let mut client = port.client();
    client.send(&[get("/health"), get("/other"), get("/api/32/system/executions/status"), get("/alb")].concat());
    let statuses: Vec<u16> = (0..4).map(|_| client.answer().status).collect();
    assert_eq!(statuses, [200, 404, 200, 200]);
}

#[test]
fn a_request_may_arrive_byte_by_byte() {
    let port = Port::up();
    let mut client = port.client();
    for byte in get("/health").chars() {
        client.send(byte.encode_utf8(&mut [0; 4]));
    }
    assert_eq!(client.answer().status, 200);
}

#[test]
fn absolute_form_is_answered_as_origin_form() {
    let port = Port::up();
    assert_eq!(port.ask("GET http://n:4441/health?x=1 HTTP/1.1\r\nHost: n\r\n\r\n").status, 200);
    assert_eq!(port.ask("GET http://n:4441 HTTP/1.1\r\nHost: n\r\n\r\n").status, 404);
}

#[test]
fn other_methods_are_405_with_allow() {
    let port = Port::up();
    for request in [
        "POST /health HTTP/1.1\r\nHost: n\r\nContent-Length: 2\r\n\r\nhi",
        "POST /health HTTP/1.1\r\nHost: n\r\nContent-Length: 0\r\n\r\n",
        "OPTIONS /health HTTP/1.1\r\nHost: n\r\n\r\n",
        "DELETE /api/32/system/executions/status HTTP/1.1\r\nHost: n\r\n\r\n",
        "CONNECT n:443 HTTP/1.1\r\nHost: n\r\n\r\n",
        "BREW /alb HTTP/1.1\r\nHost: n\r\n\r\n",
    ] {
        let got = port.ask(request);
        assert_eq!((got.status, got.header("allow")), (405, Some("GET, HEAD")), "{request}");
    }
    assert_eq!(port.ask("OPTIONS * HTTP/1.1\r\nHost: n\r\n\r\n").status, 404);
    assert_eq!(port.counted(405), 6);
}

#[test]
fn bodies_are_413_however_long_and_however_framed() {
    let port = Port::up();
    let long = "x".repeat(100_000);
    for rest in [
        "Content-Length: 2\r\n\r\nhi".to_string(),
        "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n".into(),
        format!("Content-Length: {}\r\n\r\n{long}", long.len()),
        "Content-Length: 9000000000\r\n\r\nx".into(),
    ] {
        let mut client = port.client();
        client.pour(&format!("GET /health HTTP/1.1\r\nHost: n\r\n{rest}"));
        let got = client.answer();
        assert_eq!((got.status, got.header("connection")), (413, Some("close")));
        assert!(client.closed());
    }
    assert_eq!(port.counted(413), 4);
}

#[test]
fn an_empty_body_is_no_body_and_expect_is_not_waited_for() {
    let port = Port::up();
    assert_eq!(port.ask("GET /health HTTP/1.1\r\nHost: n\r\nContent-Length: 0\r\n\r\n").status, 200);
    assert_eq!(port.ask("GET /health HTTP/1.1\r\nHost: n\r\nExpect: 100-continue\r\n\r\n").status, 200);
    let got = port.ask("GET /health HTTP/1.1\r\nHost: n\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    assert_eq!(got.status, 413, "and no `100 Continue` that invites the body");
}

#[test]
fn an_upgrade_is_not_taken() {
    let port = Port::up();
    let mut client = port.client();
    client.send("GET /health HTTP/1.1\r\nHost: n\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    assert_eq!(client.answer().status, 200);
    client.send(
        "GET /health HTTP/1.1\r\nHost: n\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\
         HTTP2-Settings: AAMAAABk\r\n\r\n",
    );
    assert_eq!(client.answer().status, 200);
    let mut client = port.client();
    client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    assert!(client.closed(), "HTTP/2 by prior knowledge cannot be answered in its own words");
}

#[test]
fn bad_syntax_is_400() {
    let port = Port::up();
    let bad = [
        "GET\r\n\r\n",
        "GET /health\r\n\r\n",
        "GET /health HTTP/9.9\r\n\r\n",
        "GET /hea lth HTTP/1.1\r\n\r\n",
        "G\u{7f}T /health HTTP/1.1\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost n\r\n\r\n",
        "GET /health HTTP/1.1\r\nHo st: n\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost: n\r\nContent-Length: -1\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost: n\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "\u{16}\u{3}\u{1}\0\u{5}hello, this is TLS\r\n\r\n",
    ];
    for request in bad {
        let mut client = port.client();
        client.send(request);
        let got = client.answer();
        assert_eq!((got.status, got.header("content-length")), (400, Some("0")), "{request:?}");
        assert!(client.closed());
    }
    assert!(port.counts(400, bad.len() as u64));
    assert_eq!(port.get("/health").status, 200);
}

#[test]
fn a_head_over_8_kib_is_431() {
    let port = Port::up();
    let fixed = "GET /health HTTP/1.1\r\nHost: n\r\nX: \r\n\r\n".len();
    let with = |length: usize| format!("GET /health HTTP/1.1\r\nHost: n\r\nX: {}\r\n\r\n", "x".repeat(length));
    assert_eq!(port.ask(&with(8 * 1024 - fixed)).status, 200);
    let many = (0..200).map(|n| format!("X{n}: 1\r\n")).collect::<String>();
    let too_large = [
        with(8 * 1024 - fixed + 1),
        with(200_000),
        format!("GET /{} HTTP/1.1\r\n\r\n", "h".repeat(9_000)),
        format!("GET /health HTTP/1.1\r\n{many}\r\n"),
    ];
    for request in &too_large {
        let mut client = port.client();
        client.pour(request);
        assert_eq!(client.answer().status, 431);
        assert!(client.closed());
    }
    assert!(port.counts(431, too_large.len() as u64));
}

/// HAProxy's checker closes with a reset as soon as it has read the status line.
#[test]
fn clients_that_reset_harm_nobody() {
    let port = Port::up();
    for sent in ["", "GET /hea", &get("/health")] {
        for _ in 0..50 {
            let mut client = port.client();
            set_socket_linger(client.stream(), Some(Duration::ZERO)).expect("linger");
            client.pour(sent);
        }
        let mut client = port.client();
        client.send(&get("/health"));
        assert_eq!(client.head().status, 200);
        set_socket_linger(client.stream(), Some(Duration::ZERO)).expect("linger");
    }
    assert_eq!(port.get("/health").status, 200);
}
