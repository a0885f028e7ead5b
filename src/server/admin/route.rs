//! One request to an admin listener and its answer.

use super::{Admin, Door, order};
use crate::server::http::{self, Answer, JSON, json, not_allowed};
use crate::server::metrics;
use crate::server::status::StatusView;
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, StatusCode, Uri};
use serde_json::json;
use std::time::Duration;
use tokio::time::timeout;

/// How long the disk may take over a receipt.
const LONGEST_READ: Duration = Duration::from_secs(5);

/// Answers one request.
pub(super) async fn answer(admin: &Admin, door: Door, request: Request<Incoming>) -> Answer {
    if let Door::Tcp(port) = door
        && let Err(why) = may_read(request.uri(), request.headers(), port)
    {
        return json(StatusCode::FORBIDDEN, &json!({ "error": why }));
    }
    let path = request.uri().path().to_string();
    match *request.method() {
        Method::POST if door != Door::Socket => {
            json(StatusCode::FORBIDDEN, &json!({ "error": "orders are taken on the control socket only" }))
        }
        Method::GET | Method::HEAD => read(admin, &path).await,
        Method::POST if path == "/drain" => order::drain(admin, request.into_body()).await,
        Method::POST if path == "/resume" => order::resume(admin, request.into_body()).await,
        Method::POST if path == "/maintenance" => order::maintenance(admin, request.into_body()).await,
        _ if is_page(&path) => not_allowed("GET, HEAD"),
        _ if is_order(&path) => not_allowed("POST"),
        _ => not_found(),
    }
}

fn is_page(path: &str) -> bool {
    matches!(path, "/metrics" | "/status" | "/livez" | "/receipts") || path.starts_with("/receipts/")
}

fn is_order(path: &str) -> bool {
    matches!(path, "/drain" | "/resume" | "/maintenance")
}

async fn read(admin: &Admin, path: &str) -> Answer {
    match path {
        "/metrics" => metrics_page(admin),
        "/status" => json(StatusCode::OK, &StatusView::new(&admin.board, &admin.counters, &admin.clock)),
        "/livez" => livez(admin),
        "/receipts" => receipts(admin).await,
        _ if is_order(path) => not_allowed("POST"),
        _ => match path.strip_prefix("/receipts/") {
            Some(id) if is_receipt_id(id) => receipt(admin, id).await,
            _ => not_found(),
        },
    }
}

fn metrics_page(admin: &Admin) -> Answer {
    let now = admin.clock.now();
    match metrics::page(&admin.board, &admin.counters, (admin.own_use)(), now) {
        Ok(page) => http::answer(StatusCode::OK, HeaderValue::from_static(metrics::CONTENT_TYPE), Bytes::from(page)),
        Err(_) => http::text(StatusCode::INTERNAL_SERVER_ERROR, "the metrics cannot be written"),
    }
}

/// Alive while the loop publishes: it does so at each turn, and probes make it turn more often than a verdict grows
/// old.
fn livez(admin: &Admin) -> Answer {
    let published = admin.board.read();
    let snapshot = &published.snapshot;
    let age = admin.clock.now().since(snapshot.at);
    if age > snapshot.max_age {
        let words = format!("stuck: the loop has not moved for {} s", age.0 / 1_000);
        return http::answer(StatusCode::SERVICE_UNAVAILABLE, http::TEXT, Bytes::from(words));
    }
    http::text(StatusCode::OK, "ok")
}

async fn receipts(admin: &Admin) -> Answer {
    match timeout(LONGEST_READ, admin.receipts.list()).await {
        Ok(Ok(mut ids)) => {
            ids.sort_unstable_by(|a, b| b.cmp(a));
            json(StatusCode::OK, &json!({ "receipts": ids }))
        }
        Ok(Err(why)) => unreadable(&why),
        Err(_) => unreadable("the disk does not answer"),
    }
}

async fn receipt(admin: &Admin, id: &str) -> Answer {
    match timeout(LONGEST_READ, admin.receipts.read(id)).await {
        Ok(Ok(Some(body))) => http::answer(StatusCode::OK, JSON, Bytes::from(body)),
        Ok(Ok(None)) => {
            json(StatusCode::NOT_FOUND, &json!({ "error": format!("no receipt {id}: /receipts lists them") }))
        }
        Ok(Err(why)) => unreadable(&why),
        Err(_) => unreadable("the disk does not answer"),
    }
}

fn unreadable(why: &str) -> Answer {
    json(StatusCode::SERVICE_UNAVAILABLE, &json!({ "error": format!("receipts cannot be read: {why}") }))
}

fn not_found() -> Answer {
    json(
        StatusCode::NOT_FOUND,
        &json!({ "error": "no such page: /metrics, /status, /livez, /receipts; POST /drain, /resume, /maintenance" }),
    )
}

/// An id is a part of a file name: `20261122T110431-operator`.
fn is_receipt_id(id: &str) -> bool {
    !id.is_empty()
        && !id.starts_with('.')
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// Loopback is open to every process of the machine, and through a browser or a proxy to others: only somebody who
/// names this very port, and whom no proxy sent, may read.
fn may_read(uri: &Uri, headers: &HeaderMap, port: u16) -> Result<(), &'static str> {
    let own = |name: &str| {
        name.rsplit_once(':').is_some_and(|(host, given)| {
            given == port.to_string()
                && (matches!(host, "127.0.0.1" | "[::1]") || host.eq_ignore_ascii_case("localhost"))
        })
    };
    let mut hosts = headers.get_all(header::HOST).iter();
    let named = matches!((hosts.next(), hosts.next()), (Some(host), None) if host.to_str().is_ok_and(own));
    if !named || uri.authority().is_some_and(|authority| !own(authority.as_str())) {
        return Err("Host must be 127.0.0.1, localhost or [::1] with this port");
    }
    if headers.contains_key("x-forwarded-for") {
        return Err("a proxy forwarded this request; ask on the machine itself");
    }
    Ok(())
}
