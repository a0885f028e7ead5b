//! Any bytes at all: the real hyper connection and the real service answer them over a pipe in memory.

use super::super::Port as Served;
use super::*;
use crate::fuzz::Target;
use crate::server::requests::STATUSES;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::LocalSet;
use tokio::time::timeout;

/// A client that has sent everything and closed its half gets its last byte at once: this is for a busy machine.
const BOUND: Duration = Duration::from_secs(10);
/// What the kept inputs carry in queries, headers and bodies.
const SECRET: &str = "s3cret";

const REQUESTS: Target = Target {
    name: "request",
    runs: 6_000,
    words: &[
        b"GET ",
        b"HEAD ",
        b"/health",
        b"?authtoken=S3CRET",
        b" HTTP/1.1",
        b" HTTP/1.0",
        b"\r\n",
        b"\r\n\r\n",
        b"\n",
        b"\0",
        b"Content-Length: ",
        b"Transfer-Encoding: chunked\r\n",
        b"Connection: keep-alive\r\n",
        b"Connection: close\r\n",
        b"Expect: 100-continue\r\n",
        b"Upgrade: h2c\r\n",
        b"Accept: application/json\r\n",
        b"99999999999999999999",
        b"//api/32/system/executions/status",
        b"http://",
        b"*",
        b"%00",
        b"GET /health HTTP/1.1\r\n\r\n",
        b": ",
        b"\xff",
    ],
};

/// No panic, an end in bounded time, nothing but whole answers with a known status and their headers, nothing echoed.
#[test]
fn any_bytes_end_in_whole_answers_of_known_status_that_echo_nothing() {
    let clock = Clock::manual();
    let board = Board::new(Published::new(sample::up(&clock), &clock));
    let port = Rc::new(Served::new(board, clock, options()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    REQUESTS.run(|input| {
        let said = LocalSet::new().block_on(&runtime, async { timeout(BOUND, conversation(&port, input)).await });
        whole(&said.map_err(|_| "it does not end")?)
    });
}

/// Sends all, closes its half, and reads meanwhile.
async fn conversation(port: &Rc<Served>, input: &[u8]) -> Vec<u8> {
    let (client, server) = tokio::io::duplex(4096);
    let (mut reader, mut writer) = tokio::io::split(client);
    let mut said = Vec::new();
    let send = async {
        // The server may have hung up on it: that is its right.
        let _ = writer.write_all(input).await;
        let _ = writer.shutdown().await;
    };
    let guest = port.guests.arrive();
    let _ = tokio::join!(Rc::clone(port).serve(server, guest), send, reader.read_to_end(&mut said));
    said
}

fn whole(said: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(said).map_err(|e| e.to_string())?;
    if text.to_ascii_lowercase().contains(SECRET) {
        return Err(format!("it echoes: {text}"));
    }
    let mut rest = text;
    while !rest.is_empty() {
        rest = after_one(rest).ok_or_else(|| format!("no whole answer at {rest:?}"))?;
    }
    Ok(())
}

/// What follows the first answer. One to HEAD has no body; no body of ours begins as an answer does.
fn after_one(text: &str) -> Option<&str> {
    let (head, rest) = text.split_once("\r\n\r\n")?;
    let (first, headers) = head.split_once("\r\n")?;
    let status: u16 = first.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()?;
    let header = |name: &str| {
        let mut lines = headers.split("\r\n").filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    };
    let length: usize = header("content-length")?.parse().ok()?;
    let typed = header("content-type").is_some() && header("cache-control") == Some("no-store");
    let known = STATUSES.iter().any(|known| known.as_u16() == status);
    if !known || header("date").is_none() || !(typed || matches!(status, 400 | 431) && length == 0) {
        return None;
    }
    if rest.is_empty() || rest.starts_with("HTTP/1.") { Some(rest) } else { rest.get(length..) }
}
