//! A small control endpoint for a stand-in that is a process of its own: faults, jobs, figures.
//!
//! It is for tests and the demo on loopback; no Rundeck has it. `POST /fault/NAME?ms=N&scope=all|health|api`, `POST
//! /heal[/NAME]`, `POST /database/STATE`, `POST /outage/stopped|refusing|frozen`, `POST /job?ms=N`, `POST
//! /mode/active|passive`, `POST /stop`, `GET /stats`.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::wire::{Answer, Inbox, ReadError, Request, Wire, bad_message};
use super::{Database, Fault, Mode, Outage, Rundeck, Scope, State};

/// A controller that says nothing for so long is dropped.
const IDLE: Duration = Duration::from_secs(30);
/// A fault or job without `ms` has this length.
const DEFAULT_LENGTH: Duration = Duration::from_secs(1);

/// The control endpoint of one stand-in. Dropping it closes its port.
pub struct Control {
    addr: SocketAddr,
    _server: JoinSet<()>,
}

impl Control {
    /// Listens on `addr` (port 0: any free one) and obeys.
    ///
    /// # Errors
    /// The address cannot be had.
    pub async fn start(addr: SocketAddr, rundeck: &Rundeck) -> io::Result<Control> {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let target = Target { state: Arc::clone(rundeck.state()), stop: rundeck.stopper() };
        let mut server = JoinSet::new();
        server.spawn(serve(listener, target));
        Ok(Control { addr, _server: server })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

#[derive(Clone)]
struct Target {
    state: Arc<State>,
    stop: tokio::sync::watch::Sender<bool>,
}

async fn serve(listener: TcpListener, target: Target) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                connections.spawn(obey(stream, target.clone()));
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

async fn obey(mut stream: TcpStream, target: Target) {
    let mut inbox = Inbox::default();
    loop {
        let read = tokio::time::timeout(IDLE, inbox.next(&mut stream)).await;
        let (answer, wire) = match read.unwrap_or(Err(ReadError::Closed)) {
            Ok(request) => (answer(&target, &request), Wire::of(&request)),
            Err(ReadError::Bad(status, reason)) => {
                (bad_message(status, reason), Wire { keep_alive: false, http_1_0: false, head: false })
            }
            Err(ReadError::Closed) => return,
        };
        if stream.write_all(&answer.to_bytes(wire)).await.is_err() || !wire.keep_alive {
            return;
        }
    }
}

fn answer(target: &Target, request: &Request) -> Answer {
    match command(target, request) {
        Ok(answer) => answer,
        Err(problem) => Answer::json(400, &json!({ "error": problem })),
    }
}

fn command(target: &Target, request: &Request) -> Result<Answer, String> {
    let state = &target.state;
    let parts: Vec<&str> = request.path.split('/').skip(1).collect();
    let length = match request.parameter("ms") {
        None => DEFAULT_LENGTH,
        Some(ms) => Duration::from_millis(ms.parse().map_err(|_| format!("ms={ms} is no number of milliseconds"))?),
    };
    match (request.method.as_str(), parts.as_slice()) {
        ("GET", ["stats"]) => {}
        ("POST", ["fault", name]) => {
            let scope: Scope =
                request.parameter("scope").map_or(Ok(Scope::All), |scope| scope.parse()).map_err(text)?;
            state.fault(Fault::named(name, length).map_err(text)?, scope);
        }
        ("POST", ["heal"]) => state.heal_all(),
        ("POST", ["heal", name]) => state.heal(Fault::named(name, length).map_err(text)?),
        ("POST", ["database", name]) => state.set_database(name.parse::<Database>().map_err(text)?),
        ("POST", ["outage", name]) => state.set_outage(name.parse::<Outage>().map_err(text)?),
        ("POST", ["mode", "active"]) => state.set_mode(Mode::Active),
        ("POST", ["mode", "passive"]) => state.set_mode(Mode::Passive),
        ("POST", ["job"]) => {
            let job = state.jobs.start("demo", "admin", length);
            return Ok(Answer::json(200, &json!({ "id": job.id })));
        }
        ("POST", ["stop"]) => {
            target.stop.send_replace(true);
        }
        _ => {
            return Err(format!("no such command: {} {}", request.method, request.path));
        }
    }
    Ok(Answer::json(200, &state.stats()))
}

fn text(problem: impl std::fmt::Display) -> String {
    problem.to_string()
}
