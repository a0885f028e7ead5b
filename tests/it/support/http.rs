//! The smallest HTTP client that a test needs: one request, one answer, over TCP or a Unix socket.

use std::net::SocketAddr;
use std::path::Path;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Status code; 0 when nobody answered.
    pub status: u16,
    /// The head, with all headers.
    pub head: String,
    /// Everything after it.
    pub body: String,
}

impl Reply {
    /// Status and body in one word pair, for comparisons: `503 draining: agent-stopping`.
    pub fn line(&self) -> String {
        format!("{} {}", self.status, self.body)
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("no JSON ({e}): {}", self.body))
    }
}

/// `GET path` as a load balancer asks it: a connection of its own, closed after the answer.
pub async fn get(addr: SocketAddr, path: &str) -> Reply {
    request(addr, &format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n")).await
}

/// Logs a user in, through a balancer or not, and gives the `Cookie` header that keeps the session.
pub async fn login(addr: SocketAddr) -> String {
    let form = "j_username=user&j_password=x";
    let reply = request(
        addr,
        &format!(
            "POST /user/j_security_check HTTP/1.1\r\nHost: {addr}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{form}",
            form.len()
        ),
    )
    .await;
    let cookies: Vec<&str> = reply
        .head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"))
        .filter_map(|(_, value)| value.trim().split(';').next())
        .collect();
    assert!(!cookies.is_empty(), "no session: {reply:?}");
    cookies.join("; ")
}

/// `GET path` as that user.
pub async fn with_cookie(addr: SocketAddr, path: &str, cookie: &str) -> Reply {
    request(addr, &format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"))
        .await
}

/// Sends these bytes.
pub async fn request(addr: SocketAddr, bytes: &str) -> Reply {
    match TcpStream::connect(addr).await {
        Ok(stream) => exchange(stream, bytes).await,
        Err(error) => Reply { status: 0, head: String::new(), body: error.to_string() },
    }
}

/// One request over a Unix socket.
pub async fn unix_request(path: &Path, method: &str, target: &str, body: &str) -> Reply {
    let bytes = format!(
        "{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    );
    match UnixStream::connect(path).await {
        Ok(stream) => exchange(stream, &bytes).await,
        Err(error) => Reply { status: 0, head: String::new(), body: error.to_string() },
    }
}

async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, bytes: &str) -> Reply {
    let mut answer = Vec::new();
    let outcome = async {
        stream.write_all(bytes.as_bytes()).await?;
        stream.read_to_end(&mut answer).await
    }
    .await;
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
    if status == 0 {
        return Reply { status, head: String::new(), body: format!("{outcome:?}: {text}") };
    }
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    Reply { status, head: head.to_string(), body: body.to_string() }
}
