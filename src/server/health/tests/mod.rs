//! The health port over real sockets on loopback.

mod answers;
mod crowd;
mod fuzz;
mod wire;

use super::{HealthOptions, HealthServer, Patience};
use crate::clock::Clock;
use crate::server::tests::client::{Client, Got};
use crate::server::tests::sample;
use crate::server::{Board, Published};
use rundeck_alb_core::Snapshot;
use std::net::{Ipv4Addr, TcpListener, TcpStream};

/// A running health port on a clock that stands still.
struct Port {
    clock: Clock,
    board: Board,
    server: HealthServer,
}

/// What the tests start from.
fn options() -> HealthOptions {
    HealthOptions {
        paths: vec!["/health".into(), "/alb".into()],
        executions_status_compat: true,
        max_connections: 8,
        patience: Patience::default(),
    }
}

impl Port {
    fn up() -> Self {
        Self::with(options(), sample::up)
    }

    fn with(options: HealthOptions, first: impl Fn(&Clock) -> Snapshot) -> Self {
        let clock = Clock::manual();
        let board = Board::new(Published::new(first(&clock), &clock));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let server = HealthServer::spawn(listener, board.clone(), clock.clone(), options).expect("a thread");
        Self { clock, board, server }
    }

    fn publish(&self, snapshot: Snapshot) {
        self.board.publish(Published::new(snapshot, &self.clock));
    }

    fn client(&self) -> Client<TcpStream> {
        Client::tcp(self.server.address())
    }

    /// One request on a connection of its own.
    fn ask(&self, request: &str) -> Got {
        let mut client = self.client();
        client.send(request);
        client.answer()
    }

    fn get(&self, path: &str) -> Got {
        self.ask(&get(path))
    }

    fn get_json(&self, path: &str) -> Got {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: n\r\nAccept: application/json\r\n\r\n"))
    }

    /// True when so many answers of this status are counted, those of hyper included: they are counted a moment later.
    fn counts(&self, status: u16, expected: u64) -> bool {
        (0..1_000).any(|_| {
            self.get("/alb");
            self.counted(status) == expected
        })
    }

    fn counted(&self, status: u16) -> u64 {
        self.board.health_requests().by_status().find(|(known, _)| *known == status).expect("counted").1
    }
}

/// A request as an ALB sends it.
fn get(path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: 10.0.1.17:4441\r\nUser-Agent: ELB-HealthChecker/2.0\r\n\
         Accept-Encoding: gzip, compressed\r\n\r\n"
    )
}
