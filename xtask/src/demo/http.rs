//! A small HTTP client: one connection that is kept, one request at a time, nothing ever sent twice.
//!
//! It follows no redirect and keeps no cookie: that is the users' business.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::HOST;
use hyper::{HeaderMap, Method, Request};
use hyper_util::rt::TokioIo;
use rundeck_alb_lab::clock;
use tokio::net::TcpStream;

/// Longest wait for a whole answer: far above the slowest page of the demo, so only a hung server meets it.
const PATIENCE: Duration = Duration::from_secs(15);

/// Longest answer that is read, in bytes: `/status` and `/metrics` have some ten thousand.
const LONGEST: usize = 1024 * 1024;

pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    /// Its whole body.
    pub body: Bytes,
}

impl Reply {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; null where it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

pub struct Ask<'a> {
    /// `GET`, `POST`.
    pub method: Method,
    /// Path and query.
    pub path: &'a str,
    /// More headers than `Host`.
    pub headers: &'a [(&'static str, String)],
    /// The body; empty for none.
    pub body: &'a str,
}

impl<'a> Ask<'a> {
    /// `GET path`.
    pub fn get(path: &'a str) -> Self {
        Self { method: Method::GET, path, headers: &[], body: "" }
    }
}

/// A client of one server.
pub struct Client {
    addr: SocketAddr,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Client {
    /// Connects when it is first asked.
    pub fn to(addr: SocketAddr) -> Self {
        Self { addr, sender: None }
    }

    /// Asks once.
    ///
    /// # Errors
    /// Why no whole answer came, in a few words.
    pub async fn ask(&mut self, ask: Ask<'_>) -> Result<Reply, String> {
        let mut sender = match self.kept().await {
            Some(kept) => kept,
            None => connect(self.addr).await?,
        };
        let exchange = async {
            let answer = sender.send_request(request(self.addr, ask)?).await.map_err(words)?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, LONGEST).collect().await.map_err(|error| error.to_string())?;
            Ok(Reply { status: head.status.as_u16(), headers: head.headers, body: body.to_bytes() })
        };
        let outcome = clock::within(PATIENCE, exchange).await.unwrap_or_else(|| Err(too_late()));
        if outcome.is_ok() {
            self.sender = Some(sender);
        }
        outcome
    }

    /// The kept connection, unless the server has closed it since.
    async fn kept(&mut self) -> Option<SendRequest<Full<Bytes>>> {
        let mut sender = self.sender.take()?;
        sender.ready().await.ok().map(|()| sender)
    }
}

/// Asks once over a connection of its own.
///
/// # Errors
/// As [`Client::ask`].
pub async fn ask(addr: SocketAddr, ask: Ask<'_>) -> Result<Reply, String> {
    Client::to(addr).ask(ask).await
}

async fn connect(addr: SocketAddr) -> Result<SendRequest<Full<Bytes>>, String> {
    let stream = clock::within(PATIENCE, TcpStream::connect(addr))
        .await
        .unwrap_or_else(|| Err(std::io::ErrorKind::TimedOut.into()));
    let stream = stream.map_err(|error| error.kind().to_string())?;
    stream.set_nodelay(true).map_err(|error| error.to_string())?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(words)?;
    // Ends by itself when the sender is dropped or the server closes.
    tokio::spawn(connection);
    Ok(sender)
}

fn request(addr: SocketAddr, ask: Ask<'_>) -> Result<Request<Full<Bytes>>, String> {
    let mut builder = Request::builder().method(ask.method).uri(ask.path).header(HOST, addr.to_string());
    for (name, value) in ask.headers {
        builder = builder.header(*name, value);
    }
    builder.body(Full::new(Bytes::copy_from_slice(ask.body.as_bytes()))).map_err(|error| error.to_string())
}

fn words(error: hyper::Error) -> String {
    error.to_string()
}

fn too_late() -> String {
    format!("no answer in {} s", PATIENCE.as_secs())
}
