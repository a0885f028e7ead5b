//! Reads one request after the other from a connection, within bounds, and refuses bad ones as Jetty does.
//!
//! It knows nothing of Rundeck.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

/// Jetty's request header size in Rundeck's default: 7 KiB passes, 8 KiB is 431.
const MAX_HEAD_BYTES: usize = 8 * 1024;
/// Far above any JSON that a client sends to the API.
const MAX_BODY_BYTES: usize = 64 * 1024;
/// The first byte of a TLS greeting: no HTTP begins so, and Jetty says it at once.
const TLS_RECORD: u8 = 0x16;
/// One read of the socket.
const READ_BYTES: usize = 4 * 1024;

/// A request as it was sent.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// `GET`, ...
    pub method: String,
    /// The path as sent, without query.
    pub raw_path: String,
    /// The path that is served: no `;parameters`.
    pub path: String,
    /// What follows `?`, or empty.
    pub query: String,
    /// The client speaks HTTP/1.0.
    pub http_1_0: bool,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, as far as a `Content-Length` announced one.
    pub body: Vec<u8>,
}

/// Why there is no next request.
#[derive(Debug)]
pub enum ReadError {
    /// The client is gone or the socket broke: nothing can be answered.
    Closed,
    /// Answer this status with Jetty's text, then close.
    Bad(u16, &'static str),
}

impl From<io::Error> for ReadError {
    fn from(_: io::Error) -> Self {
        ReadError::Closed
    }
}

impl Request {
    /// The first header of that name (lower case).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The value of a query parameter, `%XX` and `+` decoded.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<String> {
        form_value(&self.query, name)
    }

    /// The value of a field of a form body.
    #[must_use]
    pub fn form(&self, name: &str) -> Option<String> {
        form_value(&String::from_utf8_lossy(&self.body), name)
    }

    /// A cookie's value.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let pairs = self.headers.iter().filter(|(known, _)| known == "cookie").flat_map(|(_, all)| all.split(';'));
        pairs.filter_map(|pair| pair.trim().split_once('=')).find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Whether `Accept` names this media type.
    #[must_use]
    pub fn accepts(&self, media: &str) -> bool {
        self.header("accept").is_some_and(|accept| accept.contains(media))
    }

    /// Whether the connection stays open after the answer.
    #[must_use]
    pub fn keeps_alive(&self) -> bool {
        let asked = self.header("connection").unwrap_or_default().to_ascii_lowercase();
        if self.http_1_0 { asked.contains("keep-alive") } else { !asked.contains("close") }
    }
}

fn form_value(form: &str, name: &str) -> Option<String> {
    let pairs = form.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(known, value)| (decoded(known), value))
        .find(|(known, _)| known == name)
        .map(|(_, value)| decoded(value))
}

/// `%XX` and `+` decoded; what is no valid escape stays as it is.
pub(crate) fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let escape = (first == b'%').then(|| tail.get(..2)).flatten().and_then(hex_byte);
        match (first, escape) {
            (_, Some(byte)) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            (b'+', None) => {
                bytes.push(b' ');
                rest = tail;
            }
            (other, None) => {
                bytes.push(other);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// The bytes of one connection that are not used yet.
#[derive(Debug, Default)]
pub struct Inbox(Vec<u8>);

impl Inbox {
    /// Reads the next request.
    ///
    /// # Errors
    /// The connection ended, or what came is refused with a status.
    pub async fn next<R: AsyncRead + Unpin>(&mut self, from: &mut R) -> Result<Request, ReadError> {
        let head_end = loop {
            match self.0.windows(4).position(|four| four == b"\r\n\r\n") {
                Some(at) if at < MAX_HEAD_BYTES => break at,
                _ if self.0.first() == Some(&TLS_RECORD) => {
                    return Err(ReadError::Bad(400, "Illegal character CNTL=0x16"));
                }
                None if self.0.len() < MAX_HEAD_BYTES => self.fill(from).await?,
                _ => return Err(ReadError::Bad(431, "Request Header Fields Too Large")),
            }
        };
        let head: Vec<u8> = self.0.drain(..head_end + 4).take(head_end).collect();
        let mut request = parse_head(&String::from_utf8_lossy(&head))?;
        let length = body_length(&request)?;
        while self.0.len() < length {
            self.fill(from).await?;
        }
        request.body = self.0.drain(..length).collect();
        Ok(request)
    }

    async fn fill<R: AsyncRead + Unpin>(&mut self, from: &mut R) -> Result<(), ReadError> {
        let mut bytes = [0_u8; READ_BYTES];
        let got = from.read(&mut bytes).await?;
        let Some(new) = bytes.get(..got).filter(|new| !new.is_empty()) else {
            return Err(ReadError::Closed);
        };
        self.0.extend_from_slice(new);
        Ok(())
    }
}

fn body_length(request: &Request) -> Result<usize, ReadError> {
    if request.header("transfer-encoding").is_some() {
        return Err(ReadError::Bad(411, "Length Required"));
    }
    let Some(announced) = request.header("content-length") else {
        return Ok(0);
    };
    match announced.trim().parse::<usize>() {
        Ok(length) if length <= MAX_BODY_BYTES => Ok(length),
        Ok(_) => Err(ReadError::Bad(413, "Payload Too Large")),
        Err(_) => Err(ReadError::Bad(400, "Invalid Content-Length Value")),
    }
}

fn parse_head(head: &str) -> Result<Request, ReadError> {
    let mut lines = head.split("\r\n").skip_while(|line| line.is_empty());
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target), Some(version), None) = (first.next(), first.next(), first.next(), first.next())
    else {
        return Err(ReadError::Bad(400, "Bad Request"));
    };
    let http_1_0 = match version {
        "HTTP/1.1" => false,
        "HTTP/1.0" => true,
        _ => return Err(ReadError::Bad(505, "Unknown Version")),
    };
    let (raw_path, query) = split_target(target);
    let path = raw_path.split('/').map(|part| part.split(';').next().unwrap_or_default()).collect::<Vec<_>>().join("/");
    let mut request = Request { method: method.to_owned(), raw_path, path, query, http_1_0, ..Request::default() };
    for line in lines {
        let Some((name, value)) = line.split_once(':') else {
            return Err(ReadError::Bad(400, "No colon"));
        };
        request.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    if !http_1_0 && request.header("host").is_none() {
        return Err(ReadError::Bad(400, "No Host"));
    }
    Ok(request)
}

/// Path and query of an origin-form or absolute-form target.
fn split_target(target: &str) -> (String, String) {
    let origin = match target.split_once("://") {
        Some((_, rest)) if !target.starts_with('/') => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"),
        _ => target,
    };
    let (path, query) = origin.split_once('?').unwrap_or((origin, ""));
    (path.to_owned(), query.to_owned())
}
