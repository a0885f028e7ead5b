//! An answer and how Jetty puts it on the wire: which length it announces, which headers come with it.
//!
//! Which answer is given when is not decided here.

use serde::Serialize;

use crate::rundeck::pause::{http_date, now_millis};

use super::Request;

/// The three `Vary` headers that Rundeck's CORS filter adds to all that it handles itself.
const VARY: [&str; 3] = ["Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers"];

/// How long the body is said to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    /// `Content-Length`: Jetty's own pages.
    Told,
    /// Streamed by the application: chunked on keep-alive, ended by the close otherwise.
    Streamed,
}

/// One answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    length: Length,
}

/// How an answer is to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Wire {
    /// The connection stays open.
    pub keep_alive: bool,
    /// The client speaks HTTP/1.0: no chunks, no `Connection: close`.
    pub http_1_0: bool,
    /// `HEAD`: no body.
    pub head: bool,
}

impl Wire {
    /// As the request wants it.
    #[must_use]
    pub fn of(request: &Request) -> Self {
        Wire { keep_alive: request.keeps_alive(), http_1_0: request.http_1_0, head: request.method == "HEAD" }
    }
}

impl Answer {
    /// An empty answer of the application.
    #[must_use]
    pub fn new(status: u16) -> Self {
        let vary = VARY.iter().map(|value| ("Vary", (*value).to_owned())).collect();
        Answer { headers: vary, ..Answer::bare(status) }
    }

    /// An empty answer made before the application's filters: no `Vary`.
    #[must_use]
    pub fn bare(status: u16) -> Self {
        Answer { status, headers: Vec::new(), body: Vec::new(), length: Length::Streamed }
    }

    /// An answer that Jetty gives by itself, before or instead of the application.
    #[must_use]
    pub fn jetty(status: u16, content_type: &str, body: String) -> Self {
        let headers = vec![("Content-Type", content_type.to_owned())];
        Answer { status, headers, body: body.into_bytes(), length: Length::Told }
    }

    /// `{"a":1}` as the application sends it.
    #[must_use]
    pub fn json(status: u16, body: &impl Serialize) -> Self {
        let text = serde_json::to_string(body).unwrap_or_default();
        Answer::new(status).with_body("application/json;charset=utf-8", text)
    }

    /// The same with a body.
    #[must_use]
    pub fn with_body(self, content_type: &str, body: impl Into<String>) -> Self {
        Answer { body: body.into().into_bytes(), ..self.with("Content-Type", content_type) }
    }

    /// The same with one more header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The bytes to send.
    #[must_use]
    pub fn to_bytes(&self, wire: Wire) -> Vec<u8> {
        let mut bytes = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status)).into_bytes();
        let mut line = |name: &str, value: &str| bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        line("Date", &http_date(now_millis()));
        if !wire.keep_alive && !wire.http_1_0 {
            line("Connection", "close");
        } else if wire.keep_alive && wire.http_1_0 {
            line("Connection", "keep-alive");
        }
        for (name, value) in &self.headers {
            line(name, value);
        }
        let chunked = self.announce_length(wire, &mut line);
        bytes.extend_from_slice(b"\r\n");
        if !wire.head {
            bytes.extend_from_slice(&if chunked { one_chunk(&self.body) } else { self.body.clone() });
        }
        bytes
    }

    /// Writes the header that tells the length, if any, and says whether the body is chunked.
    fn announce_length(&self, wire: Wire, line: &mut impl FnMut(&str, &str)) -> bool {
        let length = self.body.len().to_string();
        if self.length == Length::Told {
            line("Content-Length", &length);
        } else if self.body.is_empty() {
            if wire.keep_alive || wire.head {
                line("Content-Length", "0");
            }
        } else if wire.http_1_0 {
            if wire.keep_alive {
                line("Content-Length", &length);
            }
        } else if wire.keep_alive && !wire.head {
            line("Transfer-Encoding", "chunked");
            return true;
        }
        false
    }

    /// The bytes of the same answer with a promised length and only half of the body: to be followed by a close.
    #[must_use]
    pub fn to_truncated_bytes(&self, wire: Wire) -> Vec<u8> {
        let whole = Answer { length: Length::Told, ..self.clone() };
        let mut bytes = whole.to_bytes(Wire { http_1_0: false, ..wire });
        let sent = if wire.head { 0 } else { self.body.len() };
        bytes.truncate(bytes.len() - sent.div_ceil(2));
        bytes
    }
}

fn one_chunk(body: &[u8]) -> Vec<u8> {
    let mut chunk = format!("{:X}\r\n", body.len()).into_bytes();
    chunk.extend_from_slice(body);
    chunk.extend_from_slice(b"\r\n0\r\n\r\n");
    chunk
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        302 => "Found",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        411 => "Length Required",
        413 => "Payload Too Large",
        431 => "Request Header Fields Too Large",
        500 => "Server Error",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "Unknown",
    }
}
