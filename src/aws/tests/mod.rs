//! The clients against small scripted servers on loopback: the SDK's own stack, from the call to the wire and back.

mod balancer;
mod metadata;
mod scaling;
mod setup;

use super::{Outside, Sdk};
use aws_config::{Region, SdkConfig};
use aws_sdk_elasticloadbalancingv2::config::Credentials;
use rundeck_alb_core::Trouble;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Faults of a test's own world end it with an error.
type Tested<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// What a server says to the n-th request (from 0), given its head and body; `None`: nothing at all.
type Script = fn(usize, &str) -> Option<String>;

/// A server that answers each request over a connection of its own, and notes all of them.
struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn play(script: Script) -> Tested<Self> {
        Server::on(TcpListener::bind("127.0.0.1:0").await?, script)
    }

    fn on(listener: TcpListener, script: Script) -> Tested<Self> {
        let address = listener.local_addr()?;
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, script, Arc::clone(&seen)));
            }
        });
        Ok(Self { address, requests })
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().map(|requests| requests.clone()).unwrap_or_default()
    }
}

async fn answer(mut stream: TcpStream, script: Script, seen: Arc<Mutex<Vec<String>>>) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !is_complete(&request) {
        request.push(stream.read_u8().await?);
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let count = {
        let Ok(mut requests) = seen.lock() else { return Ok(()) };
        requests.push(request.clone());
        requests.len() - 1
    };
    match script(count, &request) {
        Some(reply) => stream.write_all(reply.as_bytes()).await?,
        // Ends when the client goes away.
        None => drop(stream.read_u8().await?),
    }
    stream.shutdown().await
}

fn is_complete(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length =
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    body.len() >= length.unwrap_or(0_usize)
}

/// An answer with a length, after which the connection is closed.
fn http(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
}

fn no_time() -> Duration {
    Duration::ZERO
}

fn sdk(metadata: Option<&Server>) -> Tested<Sdk> {
    Ok(Sdk::new(Outside { metadata_endpoint: metadata.map(Server::url), ..Outside::default() }, no_time)?)
}

/// A query answer as AWS's services give it; the SDK does not look at the namespace.
fn reply(operation: &str, result: &str) -> Option<String> {
    let body = format!(
        "<{operation}Response xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/\"><{operation}Result>\
         {result}</{operation}Result><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata>\
         </{operation}Response>"
    );
    Some(http("200 OK", "x-amzn-RequestId: r-1\r\nContent-Type: text/xml\r\n", &body))
}

fn error(status: &str, code: &str) -> Option<String> {
    let body = format!(
        "<ErrorResponse xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/\"><Error><Type>Sender</Type>\
         <Code>{code}</Code><Message>told so</Message></Error><RequestId>r-2</RequestId></ErrorResponse>"
    );
    Some(http(status, "x-amzn-RequestId: r-2\r\nContent-Type: text/xml\r\n", &body))
}

/// Fixed credentials: the environment of the machine that runs the test must not matter.
async fn config(server: &Server) -> Tested<SdkConfig> {
    let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
    let loader = sdk(None)?.loader().region(Region::new("eu-west-1")).endpoint_url(server.url());
    Ok(loader.credentials_provider(credentials).load().await)
}

/// Trouble ends a test that expects none.
fn told(trouble: Trouble) -> String {
    trouble.text
}
