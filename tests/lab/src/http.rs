//! What the lab's servers share: a loopback listener that can be closed and opened again on its port, HTTP/1.1 by
//! hyper, and the faults that look the same everywhere (slow, hang, 500 with HTML, reset).
//!
//! It knows no service: who answers what is said by the [`Service`] given to [`Server::start`].

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::clock;
use crate::faults::{Fault, Faults};

/// Connections open at one server at once; more wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 1024;

/// Connects that wait in the kernel's queue (an HTTP server's usual value).
const BACKLOG: u32 = 1024;

/// Pause before the port is opened again after a failure: the old listener needs a moment to go.
const OPEN_AGAIN: Duration = Duration::from_millis(5);

/// The longest request body a server reads, in bytes: a user's form through the balancer, far above any API call.
pub const MAX_REQUEST_BODY: usize = 8 * 1024 * 1024;

/// A whole answer in memory.
pub type Reply = Response<Full<Bytes>>;

/// What a service does with a request.
#[derive(Debug)]
pub enum Verdict {
    /// Answers.
    Answer(Reply),
    /// Never answers and keeps the connection.
    Silence,
    /// Resets the connection.
    Reset,
}

/// Somebody who answers requests.
pub trait Service: Send + Sync + 'static {
    /// Decides about one request of the client at `from`.
    fn serve(&self, request: Request<Incoming>, from: SocketAddr) -> impl Future<Output = Verdict> + Send;
}

/// A running server; it stops, with all its connections, when dropped.
#[derive(Debug)]
pub struct Server {
    addr: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// Listens on `addr` (port 0: any free one) and lets `service` answer.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub fn start<S: Service>(addr: SocketAddr, service: Arc<S>, faults: &Faults) -> io::Result<Self> {
        let holder = bound(addr)?;
        let addr = holder.local_addr()?;
        let door = Door { _holder: holder, addr, faults: faults.clone() };
        let first = door.open()?;
        let task = tokio::spawn(door.run(first, service));
        Ok(Self { addr, task })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The listener's life. `_holder` is bound and never listens: it keeps the port ours while connects are refused.
struct Door {
    _holder: TcpSocket,
    addr: SocketAddr,
    faults: Faults,
}

impl Door {
    fn open(&self) -> io::Result<TcpListener> {
        bound(self.addr)?.listen(BACKLOG)
    }

    async fn run<S: Service>(self, first: TcpListener, service: Arc<S>) {
        let mut refusing = self.faults.watch_refusing();
        let mut listener = Some(first);
        loop {
            let open = match listener.take() {
                Some(open) => open,
                // The holder keeps the port, so this fails only while the old listener is still being torn down.
                None => match self.open() {
                    Ok(open) => open,
                    Err(_) => {
                        clock::pause(OPEN_AGAIN).await;
                        continue;
                    }
                },
            };
            tokio::select! {
                () = accept_all(open, Arc::clone(&service)) => {}
                () = refusing.becomes(true) => {}
            }
            refusing.becomes(false).await;
        }
    }
}

/// A socket on `addr` that may share its port with the door's other one (which is not listening then).
fn bound(addr: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    Ok(socket)
}

/// Accepts and serves until dropped; then every connection is dropped with it.
async fn accept_all<S: Service>(listener: TcpListener, service: Arc<S>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => {
                if let Ok((stream, from)) = accepted {
                    connections.spawn(converse(stream, from, Arc::clone(&service)));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// One connection from its first request to its end.
async fn converse<S: Service>(stream: TcpStream, from: SocketAddr, service: Arc<S>) {
    let reset = AtomicBool::new(false);
    let answer = service_fn(|request| async {
        match service.serve(request, from).await {
            Verdict::Answer(reply) => Ok(reply),
            Verdict::Silence => std::future::pending().await,
            Verdict::Reset => {
                reset.store(true, Ordering::Relaxed);
                Err(io::Error::other("reset on purpose"))
            }
        }
    });
    // An error here is the client's or the reset's end of the connection: nobody is left to be told.
    let mut connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
    let _ended = pin!(&mut connection).await;
    if reset.load(Ordering::Relaxed) {
        let stream = connection.into_parts().io.into_inner();
        let _linger = stream.set_zero_linger();
    }
}

/// Reads a whole request body.
///
/// # Errors
/// When the client breaks off or sends more than [`MAX_REQUEST_BODY`].
pub async fn read_body(body: Incoming) -> io::Result<Bytes> {
    Limited::new(body, MAX_REQUEST_BODY)
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .map_err(io::Error::other)
}

/// A whole answer.
#[must_use]
pub fn reply(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Full::new(body.into()));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(content_type));
    reply
}

/// An HTML error page as AWS's edge and the balancer send it.
#[must_use]
pub fn html(status: StatusCode) -> Reply {
    let words = format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or("Error"));
    let page = format!(
        "<html>\r\n<head><title>{words}</title></head>\r\n<body>\r\n<center><h1>{words}</h1></center>\r\n</body>\r\n\
         </html>\r\n"
    );
    reply(status, "text/html", page)
}

/// What remains of a request's fate after the faults that look the same at every service.
#[derive(Debug)]
pub enum Fate {
    /// Nothing is wrong (any more): answer.
    Answer,
    /// The fault settled it.
    Settled(Verdict),
    /// The service says how this looks.
    Throttle,
    /// The service says how this looks.
    Deny,
    /// The service says how this looks.
    Expired,
}

/// Lets the fault for the request called `name` strike, if there is one.
pub async fn fate(faults: &Faults, name: &str) -> (Option<Fault>, Fate) {
    let fault = faults.strike(name);
    let fate = match fault {
        None => Fate::Answer,
        Some(Fault::Slow(span)) => {
            clock::pause(span).await;
            Fate::Answer
        }
        Some(Fault::Hang) => Fate::Settled(Verdict::Silence),
        Some(Fault::Reset) => Fate::Settled(Verdict::Reset),
        Some(Fault::Html500) => Fate::Settled(Verdict::Answer(html(StatusCode::INTERNAL_SERVER_ERROR))),
        Some(Fault::Throttle) => Fate::Throttle,
        Some(Fault::Deny) => Fate::Deny,
        Some(Fault::Expired) => Fate::Expired,
    };
    (fault, fate)
}
