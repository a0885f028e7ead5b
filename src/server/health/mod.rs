//! The health port: public inside the VPC, asked by load balancers every few seconds, never allowed to wait.
//!
//! One thread with its own runtime does nothing else, so that no other work of the agent delays an
//! answer. Answers come from the published snapshot; Rundeck, AWS and the disk are never asked, and nothing is logged.
//! A request of HTTP/1.1 without `Host` is answered: checkers that people configure by hand often send none. What hyper
//! refuses by itself (400, 431) has `Content-Length: 0` and `Date` alone: it has no body whose type could be told, and
//! checkers read the status.

mod guests;
mod respond;

use crate::clock::Clock;
use crate::server::Board;
use crate::server::accept::{Pause, client_left};
use crate::server::http::{LONGEST_HEAD, closing};
use guests::{Guest, Guests, Visit};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Error, Request, StatusCode};
use hyper_util::rt::TokioIo;
use respond::{Paths, respond};
use std::cell::Cell;
use std::convert::Infallible;
use std::future::{pending, ready};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::sync::oneshot;
use tokio::task::LocalSet;
use tokio::time::timeout;

/// What is answered, and to how many.
#[derive(Clone, Debug)]
pub struct HealthOptions {
    /// `health.paths`.
    pub paths: Vec<String>,
    /// `health.executions_status_compat`.
    pub executions_status_compat: bool,
    /// `health.max_connections`: so many may stay open; a few more are answered once.
    pub max_connections: usize,
    /// How long clients may take.
    pub patience: Patience,
}

/// How long a connection may go without completing a request. Each bounds everything at once: a client that says
/// nothing, one that sends its header byte by byte, one that does not read its answer.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// From its start to its first answer.
    pub first: Duration,
    /// From one answer to the next.
    pub next: Duration,
    /// For all of a connection beyond `max_connections`.
    pub brief: Duration,
}

impl Default for Patience {
    /// A balancer gives up on its own check after at most 120 s, by default after 5 s; monitors that keep a connection
    /// ask once a minute at the least.
    fn default() -> Self {
        Self { first: Duration::from_secs(10), next: Duration::from_secs(75), brief: Duration::from_secs(2) }
    }
}

/// How long, and how many bytes, a client may go on sending a request that was refused.
const LINGER: Duration = Duration::from_millis(500);
const LONGEST_REST: usize = 256 * 1024;

/// The running health port. Dropping it closes the port.
#[derive(Debug)]
pub struct HealthServer {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl HealthServer {
    /// Starts answering on its own thread; connections wait in the kernel's queue until a snapshot says `accepting`.
    ///
    /// # Errors
    /// When the system gives no thread or no runtime, or the listener is not usable.
    pub fn spawn(listener: TcpListener, board: Board, clock: Clock, options: HealthOptions) -> io::Result<Self> {
        let address = listener.local_addr()?;
        listener.set_nonblocking(true)?;
        // Accepted sockets inherit it: one system call less for each check.
        rustix::net::sockopt::set_tcp_nodelay(&listener, true)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("health".into()).spawn(move || {
            let port = Rc::new(Port::new(board, clock, options));
            LocalSet::new().block_on(&runtime, async {
                tokio::select! { () = port.accept_from(&listener) => {}, _ = stopped => {} }
            });
        })?;
        Ok(Self { address, stop, thread })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes the port and every connection; returns when the thread has ended.
    pub fn stop(self) {
        drop(self.stop);
        // A panic in there has already ended the process.
        let _ = self.thread.join();
    }
}

/// What every connection needs.
#[derive(Debug)]
struct Port {
    board: Board,
    clock: Clock,
    paths: Paths,
    patience: Patience,
    guests: Guests,
}

impl Port {
    fn new(board: Board, clock: Clock, options: HealthOptions) -> Self {
        let paths = Paths { health: options.paths, compat: options.executions_status_compat };
        Self { board, clock, paths, patience: options.patience, guests: Guests::new(options.max_connections) }
    }

    async fn accept_from(self: Rc<Self>, listener: &tokio::net::TcpListener) {
        self.board.until_accepting().await;
        let mut pause = Pause::new();
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    pause.reset();
                    let guest = self.guests.arrive();
                    tokio::task::spawn_local(Rc::clone(&self).serve(stream, guest));
                }
                Err(error) if client_left(&error) => {}
                Err(_) => {
                    // No descriptor left: whoever has been silent gives one back.
                    self.guests.dismiss_one();
                    pause.wait().await;
                }
            }
        }
    }

    async fn serve(self: Rc<Self>, mut stream: impl AsyncRead + AsyncWrite + Unpin, guest: Guest) {
        let unread = tokio::select! {
            unread = self.converse(&mut stream, &guest) => unread,
            () = guest.until_dismissed() => false,
            () = self.out_of_patience(&guest) => false,
        };
        if unread {
            // Whoever is refused must make room as everybody else, or a crowd of them would take every descriptor.
            tokio::select! { _ = timeout(LINGER, drain(&mut stream)) => {}, () = guest.until_dismissed() => {} }
        }
    }

    /// Answers until the client or an error ends it. True when something that the client sent was not read: closing
    /// such a socket at once makes the kernel take the answer back.
    async fn converse(&self, stream: impl AsyncRead + AsyncWrite + Unpin, guest: &Guest) -> bool {
        let unread = Cell::new(false);
        let service = service_fn(|request: Request<Incoming>| {
            unread.set(!request.body().is_end_stream());
            let reply = respond(&request, &self.paths, &self.board, self.clock.now());
            self.board.health_requests().count(reply.status());
            guest.answered();
            let reply = if guest.visit == Visit::Brief { closing(reply) } else { reply };
            ready(Ok::<_, Infallible>(reply))
        });
        let connection = http1::Builder::new()
            .max_header_size(LONGEST_HEAD)
            // The patience of this port bounds the header too.
            .header_read_timeout(None)
            .serve_connection(TokioIo::new(stream), service);
        let Some(status) = connection.await.err().and_then(|error| answered_by_hyper(&error)) else {
            return unread.get();
        };
        self.board.health_requests().count(status);
        true
    }

    async fn out_of_patience(&self, guest: &Guest) {
        if guest.visit == Visit::Brief {
            let _ = timeout(self.patience.brief, pending::<()>()).await;
            return;
        }
        let mut patience = self.patience.first;
        while timeout(patience, guest.until_answered()).await.is_ok() {
            patience = self.patience.next;
        }
    }
}

/// Reads away what the client still sends, up to a bound.
async fn drain(stream: &mut (impl AsyncRead + Unpin)) {
    let mut rest = [0; 4096];
    let mut left = LONGEST_REST;
    while left > 0
        && let Ok(read @ 1..) = stream.read(&mut rest).await
    {
        left = left.saturating_sub(read);
    }
}

/// The status that hyper sent by itself for a request that could not be read.
fn answered_by_hyper(error: &Error) -> Option<StatusCode> {
    if error.is_parse_too_large() {
        Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)
    } else if error.is_parse() && !error.is_parse_version_h2() {
        Some(StatusCode::BAD_REQUEST)
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
