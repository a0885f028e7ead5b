//! The admin listeners over a real unix socket and real TCP on loopback.

mod orders;
mod pages;

use super::{Admin, AdminOrder, OrderRequest, ReceiptAnswer, Receipts, bind_control, serve};
use crate::clock::Clock;
use crate::server::tests::client::{Client, Got};
use crate::server::tests::sample;
use crate::server::{Board, Published};
use rundeck_alb_core::{OrderAnswer, Snapshot};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// A running admin on a clock that stands still, with a loop that answers every order alike.
struct House {
    clock: Clock,
    board: Board,
    socket: PathBuf,
    tcp: SocketAddr,
    orders: Receiver<AdminOrder>,
    end: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
    _directory: tempfile::TempDir,
}

/// Two receipts, and a disk that fails for a third.
struct Shelf;

impl Receipts for Shelf {
    fn list(&self) -> ReceiptAnswer<Vec<String>> {
        Box::pin(async { Ok(vec!["20260101T000000-operator".into(), "20260102T000000-agent-stopping".into()]) })
    }

    fn read(&self, id: &str) -> ReceiptAnswer<Option<Vec<u8>>> {
        let found = match id {
            "20260101T000000-operator" => Ok(Some(br#"{"result":"clean"}"#.to_vec())),
            "broken" => Err("the disk says \"no\"".into()),
            _ => Ok(None),
        };
        Box::pin(async { found })
    }
}

/// As the configuration reads durations, in short.
fn seconds(text: &str) -> Result<Duration, String> {
    let number = text.strip_suffix('s').and_then(|number| number.parse().ok());
    number.map(Duration::from_secs).ok_or_else(|| "is no duration".to_string())
}

impl House {
    fn new(first: impl Fn(&Clock) -> Snapshot, reply: OrderAnswer) -> Self {
        let clock = Clock::manual();
        let board = Board::new(Published::new(first(&clock), &clock));
        let directory = tempfile::tempdir().expect("a directory");
        let socket = directory.path().join("control.sock");
        let unix = bind_control(&socket).expect("a socket");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let tcp = listener.local_addr().expect("an address");
        let (orders, given) = mpsc::channel(4);
        let (tell, told) = sync_channel(16);
        let admin = Admin {
            board: board.clone(),
            counters: Arc::new(sample::counters()),
            clock: clock.clone(),
            orders,
            receipts: Box::new(Shelf),
            own_use: Box::new(|| None),
            parse_duration: seconds,
        };
        let (end, ended) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                tokio::select! {
                    served = serve(admin, unix, Some(listener)) => served.expect("served"),
                    () = answer_orders(given, tell, reply) => {}
                    _ = ended => {}
                }
            });
        });
        Self { clock, board, socket, tcp, orders: told, end: Some((end, thread)), _directory: directory }
    }

    fn up() -> Self {
        Self::new(sample::up, OrderAnswer::Accepted("20260101T000000-operator".into()))
    }

    fn by_socket(&self, request: &str) -> Got {
        let mut client = Client::unix(&self.socket);
        client.pour(request);
        client.answer()
    }

    fn by_tcp(&self, request: &str) -> Got {
        let mut client = Client::tcp(self.tcp);
        client.pour(request);
        client.answer()
    }

    fn get(&self, path: &str) -> Got {
        self.by_socket(&format!("GET {path} HTTP/1.1\r\nHost: agent\r\n\r\n"))
    }

    fn post(&self, path: &str, body: &str) -> Got {
        self.by_socket(&format!("POST {path} HTTP/1.1\r\nHost: agent\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some((end, thread)) = self.end.take() {
            drop(end);
            let _ = thread.join();
        }
    }
}

async fn answer_orders(mut given: mpsc::Receiver<OrderRequest>, tell: SyncSender<AdminOrder>, reply: OrderAnswer) {
    while let Some(request) = given.recv().await {
        let _ = tell.send(request.order);
        let _ = request.reply.send(reply.clone());
    }
    std::future::pending::<()>().await;
}
