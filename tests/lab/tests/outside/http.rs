//! One request on a connection of its own: status and body, nothing followed, no cookies but those given.

use std::net::SocketAddr;

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::{HeaderMap, Request};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

pub async fn get(addr: SocketAddr, path: &str) -> Reply {
    ask(addr, "GET", path, &[]).await
}

pub async fn ask(addr: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
    let stream = TcpStream::connect(addr).await.expect("the port is open");
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("a new connection");
    tokio::spawn(connection);
    let request = Request::builder().method(method).uri(path).header("host", addr.to_string());
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let request = request.body(Empty::<Bytes>::new()).expect("a request");
    let answer = sender.send_request(request).await.expect("an answer");
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let body = answer.into_body().collect().await.expect("a whole body").to_bytes();
    Reply { status, headers, body: String::from_utf8_lossy(&body).into_owned() }
}
