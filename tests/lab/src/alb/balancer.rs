//! The listener: takes users' requests and forwards each to a target of its group.
//!
//! Round robin or sticky; fails open when all targets are unhealthy; answers 503 with no target, 502 where the target
//! refuses, breaks off or is cut at the end of its drain, 504 where it does not answer in time (ALB user guide,
//! "Troubleshoot"). Bodies are carried whole, not streamed; WebSockets are not carried.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode};

use super::group::{Group, Route};
use super::sticky::Stamps;
use super::traffic::{Exchange, Traffic, Trouble};
use super::upstream::Upstream;
use crate::clock;
use crate::faults::Faults;
use crate::http::{self, Fate, Reply, Server, Service, Verdict};

/// Headers that belong to one connection and are not forwarded (RFC 9110, 7.6.1).
const HOP_BY_HOP: [HeaderName; 5] =
    [header::CONNECTION, header::TE, header::TRAILER, header::TRANSFER_ENCODING, header::UPGRADE];

/// A listener with its group. It stops when dropped.
#[derive(Debug)]
pub struct Balancer {
    server: Server,
    traffic: Traffic,
    faults: Faults,
}

impl Balancer {
    /// Listens on a free loopback port for `group`; a target may take `idle_timeout` for an answer (ALB default: 60 s).
    ///
    /// # Errors
    /// When the listener cannot be opened.
    pub(crate) fn start(group: Arc<Group>, idle_timeout: Duration) -> std::io::Result<Self> {
        let traffic = Traffic::default();
        let faults = Faults::default();
        let forwarder = Arc::new(Forwarder {
            group,
            idle_timeout,
            stamps: Stamps::new(),
            upstream: Upstream::default(),
            traffic: traffic.clone(),
            faults: faults.clone(),
            port: OnceLock::new(),
        });
        let server = Server::start(crate::any_port(), Arc::clone(&forwarder), &faults)?;
        forwarder.port.get_or_init(|| server.addr().port());
        Ok(Self { server, traffic, faults })
    }

    /// Where users connect.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// What it forwarded.
    #[must_use]
    pub fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    /// Its fault switches; filters look at the path.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }
}

struct Forwarder {
    group: Arc<Group>,
    idle_timeout: Duration,
    stamps: Stamps,
    upstream: Upstream,
    traffic: Traffic,
    faults: Faults,
    /// Known once the listener is open.
    port: OnceLock<u16>,
}

impl Service for Forwarder {
    async fn serve(&self, request: Request<Incoming>, from: SocketAddr) -> Verdict {
        match http::fate(&self.faults, request.uri().path()).await.1 {
            Fate::Answer => self.forward(request, from).await,
            Fate::Settled(verdict) => verdict,
            Fate::Throttle => Verdict::Answer(own(StatusCode::SERVICE_UNAVAILABLE)),
            Fate::Deny => Verdict::Answer(own(StatusCode::FORBIDDEN)),
            Fate::Expired => Verdict::Answer(own(StatusCode::UNAUTHORIZED)),
        }
    }
}

impl Forwarder {
    async fn forward(&self, request: Request<Incoming>, from: SocketAddr) -> Verdict {
        let begun = clock::now();
        let (mut head, body) = request.into_parts();
        let name = format!("{} {}", head.method, head.uri);
        let rule = self.group.settings().stickiness;
        let wanted = self.stamps.wanted(&rule, &head.headers);
        let body = http::read_body(body).await;
        let route = self.group.route(wanted.as_ref());
        let outcome = match (body, &route) {
            (Err(_), _) => Err(Trouble::TooLong),
            (_, None) => Err(Trouble::NoTarget),
            (Ok(body), Some(route)) => {
                self.forwarded_for(&mut head.headers, from);
                head.version = hyper::Version::HTTP_11;
                let _mark = self.traffic.mark(&route.target);
                self.ask(route, Request::from_parts(head, Full::new(body))).await
            }
        };
        let trouble = outcome.as_ref().err().copied();
        let reply = match (outcome, &route) {
            (Ok(mut answer), Some(route)) => {
                strip(answer.headers_mut());
                self.stamps.bind(&rule, &route.target, wanted.is_some(), answer.headers_mut());
                answer.map(Full::new)
            }
            (Ok(_), None) => own(StatusCode::BAD_GATEWAY),
            (Err(trouble), _) => own(status_of(trouble)),
        };
        let at = clock::now();
        let target = route.map(|route| route.target);
        let status = reply.status().as_u16();
        self.traffic.record(Exchange { at, took: at - begun, request: name, target, status, trouble });
        Verdict::Answer(reply)
    }

    /// The target's answer, unless it takes too long or its drain ends first.
    async fn ask(&self, route: &Route, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, Trouble> {
        tokio::select! {
            answer = clock::within(self.idle_timeout, self.upstream.exchange(route.addr, request)) => {
                answer.unwrap_or(Err(Trouble::TimedOut))
            }
            () = drain_over(route.clone()) => Err(Trouble::Cut),
        }
    }

    fn forwarded_for(&self, headers: &mut HeaderMap, from: SocketAddr) {
        strip(headers);
        let client = from.ip().to_string();
        let before = headers.get("x-forwarded-for").and_then(|value| value.to_str().ok());
        let chain = before.map_or_else(|| client.clone(), |before| format!("{before}, {client}"));
        let port = self.port.get().copied().unwrap_or_default().to_string();
        for (name, value) in
            [("x-forwarded-for", chain.as_str()), ("x-forwarded-proto", "http"), ("x-forwarded-port", &port)]
        {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
}

/// Waits for the end of the target's deregistration delay, which may not have begun, and may be called off.
async fn drain_over(mut route: Route) {
    loop {
        let end = *route.drain.borrow_and_update();
        let changed = match end {
            None => route.drain.changed().await,
            Some(end) => tokio::select! {
                () = clock::until(end) => return,
                changed = route.drain.changed() => changed,
            },
        };
        if changed.is_err() {
            // The target has been taken off the list, which happens at the end of its delay only.
            return;
        }
    }
}

fn strip(headers: &mut HeaderMap) {
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
    headers.remove("keep-alive");
}

fn status_of(trouble: Trouble) -> StatusCode {
    match trouble {
        Trouble::NoTarget => StatusCode::SERVICE_UNAVAILABLE,
        Trouble::Refused | Trouble::Broken | Trouble::Cut => StatusCode::BAD_GATEWAY,
        Trouble::TimedOut => StatusCode::GATEWAY_TIMEOUT,
        Trouble::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
    }
}

/// An answer of the balancer's own.
fn own(status: StatusCode) -> Reply {
    let mut reply = http::html(status);
    reply.headers_mut().insert(header::SERVER, HeaderValue::from_static("awselb/2.0"));
    reply
}
