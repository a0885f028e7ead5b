//! Health checks as a load balancer makes them, blocking: on a connection of their own, or on one that is kept.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// An ALB's longest time-out is 120 s; here 10 s mean that nobody will answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// More than a health answer has.
const LONGEST_ANSWER: usize = 16 * 1024;

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Status code.
    pub status: u16,
    /// The text.
    pub body: String,
}

/// `GET path` on a connection of its own, closed after the answer.
///
/// # Errors
/// Nobody listens, or no HTTP came back.
pub fn get(addr: SocketAddr, path: &str) -> io::Result<Reply> {
    ask_once(TcpStream::connect(addr)?, addr, path)
}

/// The same on a connection that has just been made.
///
/// # Errors
/// No HTTP came back.
pub fn ask_once(mut stream: TcpStream, addr: SocketAddr, path: &str) -> io::Result<Reply> {
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(request(addr, path, "close").as_bytes())?;
    let mut answer = Vec::with_capacity(512);
    stream.take(LONGEST_ANSWER as u64).read_to_end(&mut answer)?;
    match parse(&answer)? {
        Some((reply, length)) if reply.body.len() >= length.unwrap_or_default() => Ok(reply),
        _ => Err(io::Error::other("the answer is cut short")),
    }
}

/// A connection that stays open.
pub struct Kept {
    stream: TcpStream,
    request: String,
}

impl Kept {
    /// Connects.
    ///
    /// # Errors
    /// Nobody listens.
    pub fn open(addr: SocketAddr) -> io::Result<Kept> {
        let stream = TcpStream::connect(addr)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        Ok(Kept { stream, request: request(addr, "/health", "keep-alive") })
    }

    /// `GET /health` once more.
    ///
    /// # Errors
    /// The connection ended, or no HTTP came back.
    pub fn check(&mut self) -> io::Result<Reply> {
        self.stream.write_all(self.request.as_bytes())?;
        let mut answer = Vec::with_capacity(512);
        let mut part = [0; 1024];
        while answer.len() < LONGEST_ANSWER {
            let read = self.stream.read(&mut part)?;
            answer.extend_from_slice(part.get(..read).unwrap_or_default());
            if let Some((reply, Some(length))) = parse(&answer)?
                && reply.body.len() >= length
            {
                return Ok(reply);
            }
            if read == 0 {
                return Err(io::Error::other("the connection ended before the answer did"));
            }
        }
        Err(io::Error::other("the answer has no end"))
    }
}

fn request(addr: SocketAddr, path: &str, connection: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: {connection}\r\nUser-Agent: ELB-HealthChecker/2.0\r\n\
         Accept-Encoding: gzip, compressed\r\n\r\n"
    )
}

/// The answer as far as it is there, with the length that it tells; `None` within its head.
fn parse(answer: &[u8]) -> io::Result<Option<(Reply, Option<usize>)>> {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return Ok(None) };
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
    let status = status.ok_or_else(|| io::Error::other(format!("no HTTP: {head:?}")))?;
    let headers = head.lines().filter_map(|line| line.split_once(": "));
    let mut length = headers.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = length.next().and_then(|(_, value)| value.parse().ok());
    Ok(Some((Reply { status, body: body.to_owned() }, length)))
}
