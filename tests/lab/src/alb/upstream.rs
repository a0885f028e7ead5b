//! The balancer's connections to targets: kept open and used again per target, as an ALB does it (so a target sees idle
//! connections between requests).
//!
//! One departure, for tests that count failures: a request that found its idle connection closed *before a byte of it
//! was sent* goes over a fresh one; a real ALB answers 502 to some of these. Nothing is ever sent twice.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::traffic::Trouble;
use crate::clock;
use crate::lock;

/// Idle connections kept per target; more are closed after use.
const IDLE_PER_TARGET: usize = 64;

/// How long a connect may take (an ALB's fixed value).
const CONNECT: Duration = Duration::from_secs(10);

/// The longest answer that is carried, in bytes. Answers are held whole, so that one cut short is a clean 502.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

type Sender = SendRequest<Full<Bytes>>;

#[derive(Debug, Default)]
pub(super) struct Upstream {
    idle: Mutex<HashMap<SocketAddr, Vec<Sender>>>,
}

impl Upstream {
    /// Sends `request` to the target at `addr` and reads its whole answer.
    pub(super) async fn exchange(
        &self,
        addr: SocketAddr,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Bytes>, Trouble> {
        let (answer, sender) = self.send(addr, request).await?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, MAX_ANSWER)
            .collect()
            .await
            .map_err(|error| if error.is::<LengthLimitError>() { Trouble::TooLong } else { Trouble::Broken })?;
        self.keep(addr, sender);
        Ok(Response::from_parts(head, body.to_bytes()))
    }

    async fn send(
        &self,
        addr: SocketAddr,
        mut request: Request<Full<Bytes>>,
    ) -> Result<(Response<hyper::body::Incoming>, Sender), Trouble> {
        while let Some(mut sender) = self.take(addr) {
            if sender.ready().await.is_err() {
                continue;
            }
            match sender.try_send_request(request).await {
                Ok(answer) => return Ok((answer, sender)),
                Err(mut error) => request = error.take_message().ok_or(Trouble::Broken)?,
            }
        }
        let mut sender = connect(addr).await?;
        let answer = sender.send_request(request).await.map_err(|_| Trouble::Broken)?;
        Ok((answer, sender))
    }

    fn take(&self, addr: SocketAddr) -> Option<Sender> {
        lock(&self.idle).get_mut(&addr)?.pop()
    }

    fn keep(&self, addr: SocketAddr, sender: Sender) {
        let mut idle = lock(&self.idle);
        let idle = idle.entry(addr).or_default();
        idle.retain(|sender| !sender.is_closed());
        if idle.len() < IDLE_PER_TARGET && !sender.is_closed() {
            idle.push(sender);
        }
    }
}

async fn connect(addr: SocketAddr) -> Result<Sender, Trouble> {
    let stream = clock::within(CONNECT, TcpStream::connect(addr)).await.ok_or(Trouble::TimedOut)?;
    let stream = stream.map_err(|_| Trouble::Refused)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|_| Trouble::Broken)?;
    // Ends by itself: when the sender is dropped, or when the target closes.
    tokio::spawn(connection);
    Ok(sender)
}
