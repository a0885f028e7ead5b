//! The admin listeners: metrics, status and receipts to read, orders to give.
//!
//! Two doors lead to the same pages: the unix socket, whose file mode says who may come, and a TCP port on loopback
//! that only reads. Orders are handed to the loop, which alone decides. A connection carries one request and has a
//! bound for all of it: the tools that come here ask once.

mod control;
mod order;
mod route;

pub use control::{BindError, bind_control};
pub use order::{AdminOrder, OrderRequest};

use super::accept::{Pause, client_left};
use super::http::LONGEST_HEAD;
use super::{Board, Counters, ProcessFigures};
use crate::clock::Clock;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

/// Connections at a time, for each door: people, a scraper and a monitor; more wait in the kernel's queue.
const CONNECTIONS: usize = 32;
/// For all of a connection: longer than the longest answer, which is that of an order.
const PATIENCE: Duration = Duration::from_secs(20);

/// What reading receipts gives, later.
pub type ReceiptAnswer<T> = Pin<Box<dyn Future<Output = Result<T, String>> + Send>>;

/// Where receipts are read from. The store lives elsewhere, with a worker of its own.
pub trait Receipts: Send + Sync {
    /// Ids, in any order; they begin with the time.
    fn list(&self) -> ReceiptAnswer<Vec<String>>;
    /// The JSON of one receipt; `None` when there is none with this id.
    fn read(&self, id: &str) -> ReceiptAnswer<Option<Vec<u8>>>;
}

/// What the pages are made from, and where orders go.
pub struct Admin {
    /// The published snapshot.
    pub board: Board,
    /// What was counted.
    pub counters: Arc<Counters>,
    /// For ages and wall times.
    pub clock: Clock,
    /// To the loop.
    pub orders: mpsc::Sender<OrderRequest>,
    /// The receipts on disk.
    pub receipts: Box<dyn Receipts>,
    /// What the agent's process uses now; `None` where the kernel does not say.
    pub own_use: Box<dyn Fn() -> Option<ProcessFigures> + Send + Sync>,
    /// Reads a duration as the configuration does; the error says what is wrong with the text.
    pub parse_duration: fn(&str) -> Result<Duration, String>,
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").field("board", &self.board).finish_non_exhaustive()
    }
}

/// Through which door a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    /// `control.sock`: everything.
    Socket,
    /// Loopback TCP with this port: reading only.
    Tcp(u16),
}

/// Answers on both listeners until this future is dropped, and with it every connection. Runs on the control runtime.
///
/// # Errors
/// When a listener cannot be used: it is then not served, and nobody was answered.
pub async fn serve(
    admin: Admin,
    socket: std::os::unix::net::UnixListener,
    tcp: Option<std::net::TcpListener>,
) -> io::Result<()> {
    let admin = Arc::new(admin);
    socket.set_nonblocking(true)?;
    let socket = UnixListener::from_std(socket)?;
    let tcp = tcp.map(loopback).transpose()?;
    let by_socket = accept(|| async { socket.accept().await.map(|(stream, _)| stream) }, &admin, Door::Socket);
    match tcp {
        None => by_socket.await,
        Some((tcp, port)) => {
            let by_tcp = accept(|| async { tcp.accept().await.map(|(stream, _)| stream) }, &admin, Door::Tcp(port));
            tokio::join!(by_socket, by_tcp);
        }
    }
    Ok(())
}

fn loopback(listener: std::net::TcpListener) -> io::Result<(TcpListener, u16)> {
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!(
                "admin.listen is {address}: only a loopback address may be read by everybody on the machine; use \
                 127.0.0.1:4442"
            ),
        ));
    }
    listener.set_nonblocking(true)?;
    Ok((TcpListener::from_std(listener)?, address.port()))
}

/// Accepts for one door. The set of tasks ends with this future.
async fn accept<S, F>(next: impl Fn() -> F, admin: &Arc<Admin>, door: Door)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Future<Output = io::Result<S>>,
{
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut pause = Pause::new();
    let mut visits = tokio::task::JoinSet::new();
    loop {
        // Nobody closes the semaphore.
        let Ok(seat) = Arc::clone(&room).acquire_owned().await else { return };
        match next().await {
            Ok(stream) => {
                pause.reset();
                let admin = Arc::clone(admin);
                visits.spawn(async move {
                    let _ = timeout(PATIENCE, visit(stream, &admin, door)).await;
                    drop(seat);
                });
            }
            Err(error) if client_left(&error) => {}
            Err(_) => pause.wait().await,
        }
        while visits.try_join_next().is_some() {}
    }
}

async fn visit<S: AsyncRead + AsyncWrite + Unpin>(stream: S, admin: &Admin, door: Door) {
    let service = service_fn(|request| async move { Ok::<_, Infallible>(route::answer(admin, door, request).await) });
    // A client that breaks off or speaks badly is its own loss.
    let _ = http1::Builder::new()
        .keep_alive(false)
        .max_header_size(LONGEST_HEAD)
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

#[cfg(test)]
mod tests;
