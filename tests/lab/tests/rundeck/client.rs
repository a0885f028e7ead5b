//! A client that shows an answer byte for byte: no redirects, no cookies, no guessing of lengths.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rundeck_alb_lab::rundeck::Certificate;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A stand-in that is meant to answer does so far within this.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// How long a silence is listened to before it is called one.
pub const SILENCE: Duration = Duration::from_millis(300);

/// A request.
#[derive(Clone, Debug)]
pub struct Ask {
    pub method: String,
    pub path: String,
    /// `Host` with an empty value leaves it out.
    pub headers: Vec<(String, String)>,
    pub http: &'static str,
    pub body: String,
    pub limit: Duration,
}

impl Ask {
    pub fn get(path: impl Into<String>) -> Self {
        let path = path.into();
        Ask { method: "GET".into(), path, headers: Vec::new(), http: "1.1", body: String::new(), limit: PATIENCE }
    }

    pub fn method(self, method: &str) -> Self {
        Ask { method: method.into(), ..self }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn body(self, body: &str) -> Self {
        Ask { body: body.into(), ..self }
    }

    pub fn limit(self, limit: Duration) -> Self {
        Ask { limit, ..self }
    }

    /// Asks for JSON with a token.
    pub fn token(self, token: &str) -> Self {
        self.header("Accept", "application/json").header("X-Rundeck-Auth-Token", token)
    }

    fn names(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    fn to_bytes(&self, addr: SocketAddr) -> Vec<u8> {
        let mut text = format!("{} {} HTTP/{}\r\n", self.method, self.path, self.http);
        if self.names("host").is_none() {
            text += &format!("Host: {addr}\r\n");
        }
        if self.names("connection").is_none() && self.http == "1.1" {
            text += "Connection: close\r\n";
        }
        for (name, value) in self.headers.iter().filter(|(_, value)| !value.is_empty()) {
            text += &format!("{name}: {value}\r\n");
        }
        if !self.body.is_empty() {
            text += &format!("Content-Length: {}\r\n", self.body.len());
        }
        (text + "\r\n" + &self.body).into_bytes()
    }
}

/// Why there is no whole answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    Refused,
    /// The TLS greeting failed: no TLS there, or a certificate that is not accepted.
    NoTls,
    NoAnswer,
    Reset,
    /// Closed before the head was whole, or what came is no HTTP.
    ClosedInHeaders,
    /// Closed before the body was whole.
    ClosedInBody,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {:?}", self.body))
    }
}

/// One request on a connection of its own.
pub async fn ask(addr: SocketAddr, ask: &Ask) -> Result<Reply, Failure> {
    let mut line = Line::connect(addr).await?;
    line.ask(ask).await
}

/// One request over TLS, to a node with a certificate that is trusted as it stands (asked by the name `localhost`).
pub async fn ask_by_tls(addr: SocketAddr, ask: &Ask, trusted: Certificate) -> Result<Reply, Failure> {
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_slice(trusted.pem()).expect("a certificate");
    roots.add(certificate).expect("a root");
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let tcp = TcpStream::connect(addr).await.map_err(|_| Failure::Refused)?;
    let name = ServerName::try_from("localhost").expect("a name");
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, tcp).await.map_err(|_| Failure::NoTls)?;
    stream.write_all(&ask.to_bytes(addr)).await.map_err(|_| Failure::Reset)?;
    let reply = read_reply(&mut stream, ask.method == "HEAD");
    tokio::time::timeout(ask.limit, reply).await.unwrap_or(Err(Failure::NoAnswer))
}

/// A connection.
pub struct Line {
    addr: SocketAddr,
    stream: TcpStream,
}

impl Line {
    pub async fn connect(addr: SocketAddr) -> Result<Line, Failure> {
        let stream = TcpStream::connect(addr).await.map_err(|_| Failure::Refused)?;
        Ok(Line { addr, stream })
    }

    /// One request; the connection may be used again when the answer keeps it open.
    pub async fn ask(&mut self, ask: &Ask) -> Result<Reply, Failure> {
        let bytes = ask.to_bytes(self.addr);
        self.stream.write_all(&bytes).await.map_err(|_| Failure::Reset)?;
        let reply = read_reply(&mut self.stream, ask.method == "HEAD");
        tokio::time::timeout(ask.limit, reply).await.unwrap_or(Err(Failure::NoAnswer))
    }
}

async fn read_reply(stream: &mut (impl AsyncRead + Unpin), head_only: bool) -> Result<Reply, Failure> {
    let mut got = Vec::new();
    let head_end = loop {
        if let Some(at) = got.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if !more(stream, &mut got).await? {
            return Err(Failure::ClosedInHeaders);
        }
    };
    let head = String::from_utf8_lossy(&got[..head_end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok());
    let status = status.ok_or(Failure::ClosedInHeaders)?;
    let pair = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
    let headers: Vec<(String, String)> = lines.filter_map(pair).collect();
    let mut reply = Reply { status, headers, body: String::new() };
    let mut body = got.split_off(head_end + 4);
    if !head_only {
        read_body(stream, &reply, &mut body).await?;
    }
    if reply.header("transfer-encoding").is_some() && !head_only {
        body = unchunked(&body).ok_or(Failure::ClosedInBody)?;
    }
    reply.body = String::from_utf8_lossy(&body).into_owned();
    Ok(reply)
}

async fn read_body(stream: &mut (impl AsyncRead + Unpin), reply: &Reply, body: &mut Vec<u8>) -> Result<(), Failure> {
    let length: Option<usize> = reply.header("content-length").and_then(|length| length.parse().ok());
    let chunked = reply.header("transfer-encoding").is_some();
    loop {
        let whole = match length {
            Some(length) => body.len() >= length,
            None => chunked && unchunked(body).is_some(),
        };
        if whole {
            return Ok(());
        }
        if !more(stream, body).await? {
            return if length.is_none() && !chunked { Ok(()) } else { Err(Failure::ClosedInBody) };
        }
    }
}

/// The body of chunks, once the last one is there.
fn unchunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|two| two == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line]).ok()?, 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(line + 2..line + 2 + size)?);
        rest = rest.get(line + 4 + size..)?;
    }
}

async fn more(stream: &mut (impl AsyncRead + Unpin), into: &mut Vec<u8>) -> Result<bool, Failure> {
    match stream.read_buf(into).await {
        Ok(got) => Ok(got > 0),
        Err(error) if error.kind() == ErrorKind::ConnectionReset => Err(Failure::Reset),
        Err(error) => panic!("reading: {error}"),
    }
}
