//! What these tests share: a target that behaves as told, an HTTP client, and waits with a bound.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{HeaderMap, HeaderValue, SET_COOKIE};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rundeck_alb_lab::World;
use rundeck_alb_lab::alb::{GroupSettings, HealthCheck, State, TargetKey};
use rundeck_alb_lab::clock;
use rundeck_alb_lab::faults::{Fault, Faults};
use rundeck_alb_lab::http::{Server, Service, Verdict, reply};
use tokio::net::TcpStream;
use tokio::sync::watch;

/// The group of these tests.
pub const GROUP: &str = "rundeck-test";

/// How long a test waits for anything at most.
pub const BOUND: Duration = Duration::from_secs(10);

/// A target on a node's address.
pub struct Target {
    server: Server,
    shared: Arc<Shared>,
    pub key: TargetKey,
    /// Misbehaviour of everything but the health check.
    pub faults: Faults,
    /// Closes and opens its listener.
    pub door: Faults,
}

struct Shared {
    name: String,
    health: AtomicU16,
    hold: watch::Sender<bool>,
    faults: Faults,
}

impl Target {
    /// A healthy target on the world's node `index`.
    pub fn on(world: &World, index: usize) -> Self {
        let node = world.node(index);
        Self::at(node.address, &node.instance_id)
    }

    /// A healthy target at `address`, registered as `id`.
    pub fn at(address: IpAddr, id: &str) -> Self {
        let shared = Arc::new(Shared {
            name: id.to_owned(),
            health: AtomicU16::new(200),
            hold: watch::Sender::new(true),
            faults: Faults::default(),
        });
        let door = Faults::default();
        let server = Server::start(SocketAddr::new(address, 0), Arc::clone(&shared), &door).expect("a loopback port");
        let key = TargetKey::new(id, server.addr().port());
        Self { server, key, faults: shared.faults.clone(), door, shared }
    }

    pub fn set_health(&self, status: u16) {
        self.shared.health.store(status, Ordering::Relaxed);
    }

    /// Lets requests of `/held` be answered.
    pub fn release(&self) {
        self.shared.hold.send_replace(false);
    }

    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }
}

impl Service for Shared {
    async fn serve(&self, request: Request<Incoming>, _from: SocketAddr) -> Verdict {
        let path = request.uri().path().to_owned();
        if path == "/health" {
            let status = StatusCode::from_u16(self.health.load(Ordering::Relaxed)).expect("a status");
            return Verdict::Answer(reply(status, "text/plain", "health"));
        }
        match rundeck_alb_lab::http::fate(&self.faults, &path).await.1 {
            rundeck_alb_lab::http::Fate::Settled(verdict) => return verdict,
            _ if path == "/held" => {
                let mut hold = self.hold.subscribe();
                let _released = hold.wait_for(|held| !*held).await.is_ok();
            }
            _ => {}
        }
        let shown = ["host", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-port"];
        let header =
            |name: &&str| request.headers().get(*name).and_then(|value| value.to_str().ok()).unwrap_or("-").to_owned();
        let body =
            if path == "/headers" { shown.iter().map(header).collect::<Vec<_>>().join(" ") } else { self.name.clone() };
        let mut reply = reply(StatusCode::OK, "text/plain", body);
        if path == "/login" {
            reply.headers_mut().insert(SET_COOKIE, HeaderValue::from_static("JSESSIONID=abc; Path=/; HttpOnly"));
        }
        Verdict::Answer(reply)
    }
}

/// A group that checks `/health` every 30 ms and wants two results in a row.
pub fn settings() -> GroupSettings {
    GroupSettings {
        health_check: HealthCheck {
            path: "/health".to_owned(),
            interval: Duration::from_millis(30),
            healthy_threshold: 2,
            ..HealthCheck::default()
        },
        ..GroupSettings::named(GROUP)
    }
}

/// A world of `nodes` with one group.
pub fn world(nodes: usize, settings: GroupSettings) -> World {
    World::builder().nodes(nodes).group(settings).start().expect("a world")
}

/// Registers a target and waits until it is healthy.
pub async fn join(world: &World, target: &Target) {
    world.group(GROUP).register(std::slice::from_ref(&target.key)).expect("a running instance");
    reaches(world, &target.key, State::Healthy).await;
}

/// Waits until a target has a state.
pub async fn reaches(world: &World, key: &TargetKey, state: State) {
    let group = world.group(GROUP);
    assert!(
        clock::eventually(BOUND, || group.health(key).state == state).await,
        "{key} is {:?}, not {state:?}",
        group.health(key)
    );
}

/// The answer to one request.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    /// The cookies it sets, as a browser sends them back.
    pub fn cookies(&self) -> String {
        let lines = self.headers.get_all(SET_COOKIE).iter().filter_map(|line| line.to_str().ok());
        lines.filter_map(|line| line.split(';').next()).collect::<Vec<_>>().join("; ")
    }
}

/// Sends one request over a connection of its own; `None` when it is refused, broken off, or takes longer than two
/// seconds.
pub async fn send(addr: SocketAddr, request: Request<String>) -> Option<Answer> {
    clock::within(Duration::from_secs(2), exchange(addr, request)).await.flatten()
}

async fn exchange(addr: SocketAddr, request: Request<String>) -> Option<Answer> {
    let stream = TcpStream::connect(addr).await.ok()?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
    tokio::spawn(connection);
    let mut request = request.map(|body| Full::new(Bytes::from(body)));
    request.headers_mut().entry("host").or_insert(HeaderValue::from_static("lab.example"));
    let answer: Response<Incoming> = sender.send_request(request).await.ok()?;
    let (head, body) = answer.into_parts();
    let body = body.collect().await.ok()?.to_bytes();
    Some(Answer {
        status: head.status.as_u16(),
        headers: head.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

/// A request without a body, with these headers.
pub fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> Request<String> {
    let start = Request::builder().method(method).uri(path);
    let whole = headers.iter().fold(start, |request, (name, value)| request.header(*name, *value));
    whole.body(String::new()).expect("a request")
}

/// GET with these headers; the request must be answered.
pub async fn get(addr: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Answer {
    send(addr, request("GET", path, headers)).await.expect("an answer")
}

/// One signed-looking call of the load balancer's API.
pub async fn call(world: &World, body: &str) -> Option<Answer> {
    signed(world, "elasticloadbalancing", &format!("{body}&Version=2015-12-01")).await
}

/// One of Auto Scaling's.
pub async fn call_scaling(world: &World, body: &str) -> Answer {
    signed(world, "autoscaling", &format!("{body}&Version=2011-01-01")).await.expect("an answer")
}

async fn signed(world: &World, service: &str, body: &str) -> Option<Answer> {
    let signature = "0".repeat(64);
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential=AKIA/20261122/eu-west-1/{service}/aws4_request, SignedHeaders=host;x-amz-date, \
         Signature={signature}"
    );
    let request = request("POST", "/", &[("authorization", &authorization), ("user-agent", "lab-test")]);
    send(world.api().addr(), request.map(|_| body.to_owned())).await
}

/// Short for a fault that lasts until cleared.
pub fn only(fault: Fault, part: &str) -> rundeck_alb_lab::faults::Rule {
    rundeck_alb_lab::faults::Rule::always(fault).only(part)
}
