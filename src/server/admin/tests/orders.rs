//! Orders on the control socket.

use super::*;
use rundeck_alb_core::{Cause, Refusal};
use serde_json::json;

fn refusing() -> House {
    let text = "an Auto Scaling group would replace this node: use Standby".into();
    House::new(sample::up, OrderAnswer::Refused { why: Refusal::Asg, healthy_others: None, text })
}

#[test]
fn a_drain_is_accepted_with_its_receipts_id() {
    let house = House::up();
    let body = json!({ "cause": "rundeck-stopping", "reason": "kernel \"6.18\"\n", "timeout": "90s" }).to_string();
    let got = house.post("/drain", &body);
    assert_eq!((got.status, got.json()), (202, json!({ "drain": "20260101T000000-operator" })));
    let expected = AdminOrder::Drain {
        cause: Cause::RundeckStopping,
        reason: "kernel \"6.18\"\n".into(),
        timeout: Some(Duration::from_secs(90)),
        force: false,
    };
    assert_eq!(house.orders.recv(), Ok(expected));
}

#[test]
fn without_particulars_an_operator_orders_it() {
    let house = House::up();
    for body in ["", "{}", r#"{"reason":null}"#] {
        assert_eq!(house.post("/drain", body).status, 202, "{body}");
        let expected = AdminOrder::Drain { cause: Cause::Operator, reason: String::new(), timeout: None, force: false };
        assert_eq!(house.orders.recv(), Ok(expected));
    }
}

#[test]
fn a_refusal_says_why() {
    let got = refusing().post("/drain", "{}");
    assert_eq!(got.status, 409);
    assert_eq!(
        got.json(),
        json!({ "why": "asg", "refused": "an Auto Scaling group would replace this node: use Standby" })
    );
}

#[test]
fn a_refusal_of_the_fleet_has_the_number_and_force_is_handed_on() {
    let text = "0 of 1 others healthy".to_owned();
    let house = House::new(
        sample::up,
        OrderAnswer::Refused { why: Refusal::Guard, healthy_others: Some(0), text: text.clone() },
    );
    let got = house.post("/drain", r#"{"force": true}"#);
    assert_eq!((got.status, got.json()), (409, json!({ "why": "guard", "refused": text, "healthy_others": 0 })));
    let forced = |order: AdminOrder| matches!(order, AdminOrder::Drain { force: true, .. });
    assert!(house.orders.recv().is_ok_and(forced));
}

#[test]
fn a_resume_tells_whether_there_was_something_to_undo() {
    for done in [true, false] {
        let house = House::new(sample::up, OrderAnswer::Resumed(done));
        let got = house.post("/resume", r#"{"cause":"operator","reason":"done"}"#);
        assert_eq!((got.status, got.json()), (200, json!({ "resumed": done })));
        assert_eq!(house.orders.recv(), Ok(AdminOrder::Resume { cause: Cause::Operator, reason: "done".into() }));
    }
}

#[test]
fn maintenance_is_switched_on_with_its_end_and_off() {
    let house = House::new(sample::up, OrderAnswer::Maintained(true));
    let got = house.post("/maintenance", r#"{"on":true,"for":"90s","reason":"kernel"}"#);
    assert_eq!((got.status, got.json()), (200, json!({ "maintenance": true })));
    let (reason, span) = ("kernel".to_owned(), Some(Duration::from_secs(90)));
    assert_eq!(house.orders.recv(), Ok(AdminOrder::Maintain { reason, span }));
    assert_eq!(house.post("/maintenance", r#"{"on":true}"#).status, 200);
    assert_eq!(house.orders.recv(), Ok(AdminOrder::Maintain { reason: String::new(), span: None }));
    let house = House::new(sample::up, OrderAnswer::Maintained(false));
    let got = house.post("/maintenance", r#"{"on":false,"reason":"done"}"#);
    assert_eq!((got.status, got.json()), (200, json!({ "maintenance": false })));
    assert_eq!(house.orders.recv(), Ok(AdminOrder::EndMaintenance { reason: "done".into() }));
    let got = refusing().post("/maintenance", r#"{"on":true}"#);
    assert_eq!((got.status, &got.json()["why"]), (409, &"asg".into()));
}

#[test]
fn what_is_no_order_is_400_and_reaches_nobody() {
    let house = House::up();
    let long = json!({ "reason": "x".repeat(501) }).to_string();
    for (path, body, words) in [
        ("/drain", "{", "not an order: EOF"),
        ("/drain", r#"["operator"]"#, "not an order: a JSON object is expected"),
        ("/drain", "null", "not an order: a JSON object is expected"),
        ("/drain", r#"{"cause":"operator","cause":"operator"}"#, "duplicate field `cause`"),
        ("/drain", r#"{"caus":"operator"}"#, "unknown field `caus`, expected one of"),
        (
            "/drain",
            r#"{"cause":"agent-stopping"}"#,
            r#"unknown cause "agent-stopping": use "operator" or "rundeck-stopping""#,
        ),
        ("/drain", r#"{"timeout":"soon"}"#, r#"timeout is no duration: write it as "90s" or "5m""#),
        ("/drain", r#"{"timeout":90}"#, "not an order: invalid type"),
        ("/drain", &long, "the reason is longer than 500 characters"),
        ("/resume", r#"{"timeout":"90s"}"#, "unknown field `timeout`"),
        ("/resume", r#"{"cause":"Operator"}"#, "unknown cause"),
        ("/maintenance", "", "`on` is missing: true or false"),
        ("/maintenance", r#"{"on":"yes"}"#, "not an order: invalid type"),
        ("/maintenance", r#"{"on":true,"untill":"1h"}"#, "unknown field `untill`, expected one of"),
        ("/maintenance", r#"{"on":true,"for":"soon"}"#, r#"for is no duration: write it as "30m" or "2h""#),
        ("/maintenance", r#"{"on":true,"for":"0s"}"#, "`for` has to be some time"),
        ("/maintenance", r#"{"on":false,"for":"90s"}"#, r#"`for` belongs to `"on": true`"#),
    ] {
        let got = house.post(path, body);
        let error = got.json()["error"].as_str().expect("words").to_string();
        assert_eq!(got.status, 400, "{body}");
        assert!(error.contains(words), "{body}: {error}");
    }
    assert!(house.orders.try_recv().is_err());
}

#[test]
fn a_body_over_16_kib_is_413() {
    let house = House::up();
    let fits = format!("{{}}{}", " ".repeat(16 * 1024 - 2));
    assert_eq!(house.post("/drain", &fits).status, 202);
    for length in [16 * 1024 + 1, 100_000] {
        assert_eq!(house.post("/drain", &" ".repeat(length)).status, 413, "{length}");
    }
}

#[test]
fn tcp_takes_no_order() {
    let house = House::up();
    for path in ["/drain", "/resume", "/maintenance", "/verify"] {
        let got =
            house.by_tcp(&format!("POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: 2\r\n\r\n{{}}", house.tcp));
        assert_eq!((got.status, &got.json()["error"]), (403, &"orders are taken on the control socket only".into()));
    }
    assert!(house.orders.try_recv().is_err());
}

#[test]
fn an_agent_that_is_ending_says_so() {
    let house = House::up();
    let (orders, nobody) = mpsc::channel(1);
    drop(nobody);
    let admin = Admin {
        board: house.board.clone(),
        counters: Arc::default(),
        clock: house.clock.clone(),
        orders,
        receipts: Box::new(Shelf),
        own_use: Box::new(|| None),
        parse_duration: seconds,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let order = AdminOrder::Resume { cause: Cause::Operator, reason: String::new() };
    let got = runtime.block_on(super::super::order::give(&admin, order.clone(), Duration::from_secs(20)));
    assert_eq!(got.status(), 503);
    // A loop that never takes the order is not waited for without end.
    let (orders, _stuck) = mpsc::channel(1);
    let got = runtime.block_on(super::super::order::give(&Admin { orders, ..admin }, order, Duration::from_millis(20)));
    assert_eq!(got.status(), 503);
}
