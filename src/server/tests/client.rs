//! A client for the tests: raw bytes out, one parsed answer in, every wait bounded.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// Far longer than any answer takes on a busy machine.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// What came back.
#[derive(Debug)]
pub struct Got {
    pub version: String,
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Got {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

/// One connection.
#[derive(Debug)]
pub struct Client<S: Read + Write>(BufReader<S>);

impl Client<TcpStream> {
    pub fn tcp(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("connect");
        stream.set_read_timeout(Some(LONGEST_WAIT)).expect("time-out");
        Self(BufReader::new(stream))
    }

    pub fn stream(&self) -> &TcpStream {
        self.0.get_ref()
    }
}

impl Client<UnixStream> {
    pub fn unix(path: &Path) -> Self {
        let stream = UnixStream::connect(path).expect("connect");
        stream.set_read_timeout(Some(LONGEST_WAIT)).expect("time-out");
        Self(BufReader::new(stream))
    }
}

impl<S: Read + Write> Client<S> {
    pub fn send(&mut self, bytes: &str) {
        self.0.get_mut().write_all(bytes.as_bytes()).expect("send");
    }

    /// Sends as much as the other side takes.
    pub fn pour(&mut self, bytes: &str) {
        let _ = self.0.get_mut().write_all(bytes.as_bytes());
    }

    /// The next answer, its body by `Content-Length`.
    pub fn answer(&mut self) -> Got {
        let mut got = self.head();
        let length: usize = got.header("content-length").expect("a length").parse().expect("a number");
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).expect("body");
        got.body = String::from_utf8(body).expect("text");
        got
    }

    /// The next answer without its body, as for HEAD.
    pub fn head(&mut self) -> Got {
        let first = self.line();
        let mut words = first.split(' ');
        let version = words.next().expect("version").into();
        let status = words.next().expect("status").parse().expect("a number");
        let mut headers = Vec::new();
        loop {
            let line = self.line();
            let Some((name, value)) = line.split_once(": ") else { break };
            headers.push((name.to_string(), value.to_string()));
        }
        Got { version, status, headers, body: String::new() }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a line");
        line.trim_end().into()
    }

    /// True when the other side closed without another byte. A reset counts: the other side may not have read all.
    pub fn closed(&mut self) -> bool {
        match self.0.read(&mut [0]) {
            Ok(read) => read == 0,
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}
