//! The client against small scripted servers on loopback.
//!
//! The answers are those of Rundeck 3.4 to 6.x, written out byte by byte: a server library would repair the faults that
//! are wanted here.

mod answers;
mod connections;
mod decoding;
mod fuzz;
mod readiness;
mod standin;
mod tls;

use super::{BaseUrl, Client, Options, Token, TokenError};
use std::cell::Cell;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

/// Faults of a test's own world end it with an error.
type Tested<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// What a scripted server does with one request.
#[derive(Clone)]
enum Reply {
    /// Writes these bytes.
    Bytes(String),
    /// Reads the request and says nothing until the client goes away.
    Silence,
}

/// A server that plays one script for each connection, in order, and notes every request.
struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Plays `scripts`: one list of replies for each connection, which is closed at the list's end.
    async fn play(scripts: Vec<Vec<Reply>>) -> Tested<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            for script in scripts {
                let Ok((stream, _)) = listener.accept().await else { return };
                tokio::spawn(converse(stream, script, Arc::clone(&seen)));
            }
        });
        Ok(Self { address, requests })
    }

    /// One connection, one reply.
    async fn answer(reply: impl Into<String>) -> Tested<Self> {
        Self::play(vec![vec![Reply::Bytes(reply.into())]]).await
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().map(|requests| requests.clone()).unwrap_or_default()
    }

    fn client(&self) -> Tested<Client> {
        Ok(Client::new(options(self.address)?)?)
    }
}

async fn converse<S>(mut stream: S, script: Vec<Reply>, seen: Arc<Mutex<Vec<String>>>) -> std::io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    for reply in script {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await?);
        }
        if let Ok(mut requests) = seen.lock() {
            requests.push(String::from_utf8_lossy(&head).into_owned());
        }
        match reply {
            Reply::Bytes(bytes) => stream.write_all(bytes.as_bytes()).await?,
            // Ends when the client goes away.
            Reply::Silence => drop(stream.read_u8().await?),
        }
    }
    stream.shutdown().await
}

/// An answer with a length.
fn http(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// An answer as Jetty gives it to a call without a length: chunked.
fn chunked(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n", body.len())
}

thread_local! {
    /// The time that the client under test sees: each test has its thread.
    static NOW: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// Lets time pass.
fn later(by: Duration) {
    NOW.set(NOW.get() + by);
}

/// Options with a token and time-outs that a busy machine does not reach.
fn options(address: SocketAddr) -> Result<Options, TokenError> {
    Ok(Options {
        url: BaseUrl {
            https: false,
            host: address.ip().to_string(),
            port: address.port(),
            context_path: String::new(),
        },
        host_header: None,
        ca_file: None,
        pin_sha256: None,
        tls_server_name: None,
        connect_timeout: Duration::from_secs(10),
        timeout: Duration::from_secs(10),
        token: Some(Token::parse("s3cret")?),
        leaves_by: |_, _| None,
        monotonic: || NOW.get(),
    })
}

/// A time-out for servers that never answer.
const SOON: Duration = Duration::from_millis(50);

const VERSION_59: &str =
    r#"{"error":true,"apiversion":59,"errorCode":"api.error.api-version.unsupported","message":"Current version: 59"}"#;

const INFO_6: &str = r#"{"system":{"rundeck":{"version":"6.1.0","apiversion":"59","serverUUID":"u-1"},
  "executions":{"active":"false","executionMode":"passive"},"stats":{"scheduler":{"running":2,"threadPoolSize":10}},
  "extended":null}}"#;
