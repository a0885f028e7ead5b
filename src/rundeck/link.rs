//! One open connection to Rundeck, and the few that are kept, so that a probe costs one round trip.
//!
//! A kept connection hides what happens to the port: Jetty serves it to the end without a hint, and a Rundeck without
//! descriptors answers it while it accepts nobody new. So each is used a few times only, and after any failure none is
//! kept: a port that has closed shows within [`MAX_AGE`], and from then on at every look.

use super::answer::Failure;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

/// Connections kept at most: `/health` and readiness are asked in the same moment, and neither waits for the other.
const MAX_KEPT: usize = 2;
/// Requests over one connection; then a fresh one proves that the port still accepts. At the fast interval that is
/// within four seconds.
const MAX_USES: u32 = 4;
/// Age at which a connection is not used any more: at the steady interval a fresh one is made every 20 s. Below Jetty's
/// idle time-out (30 s), so that the server does not close it under a request.
const MAX_AGE: Duration = Duration::from_secs(20);
/// Largest body, in bytes, that is taken: `system/info` of Enterprise is under 8 KiB, HTML error pages under 100 KiB.
pub(super) const MAX_BODY: usize = 256 * 1024;
/// Largest head of an answer, in bytes: Rundeck's own are under 1 KiB, Jetty's limit for them is 8 KiB.
const MAX_HEAD: usize = 64 * 1024;

/// A TCP or TLS stream.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// An open connection: the half that sends, and the half that must be driven meanwhile. `L` is the lane that it was
/// opened for.
pub(super) struct Link<L> {
    sender: http1::SendRequest<Empty<Bytes>>,
    /// `None` once the connection has ended.
    driver: Option<Driver>,
    opened: Duration,
    uses: u32,
    lane: PhantomData<fn() -> L>,
}

type Driver = http1::Connection<TokioIo<Box<dyn Stream>>, Empty<Bytes>>;

impl<L> Link<L> {
    /// Speaks HTTP/1.1 over a stream that was opened at `now`.
    pub async fn over(stream: Box<dyn Stream>, now: Duration) -> Result<Self, Failure> {
        let handshake = http1::Builder::new().max_buf_size(MAX_HEAD).handshake(TokioIo::new(stream));
        let (sender, driver) = handshake.await.map_err(|e| Failure::from_http(&e))?;
        Ok(Self { sender, driver: Some(driver), opened: now, uses: 0, lane: PhantomData })
    }

    /// Sends a request and waits for the head of its answer.
    pub async fn request(&mut self, request: Request<Empty<Bytes>>) -> Result<Response<Incoming>, Failure> {
        self.uses += 1;
        let Self { sender, driver, .. } = self;
        let work = async {
            sender.ready().await?;
            sender.send_request(request).await
        };
        drive(driver, work).await.map_err(|e| Failure::from_http(&e))
    }

    /// Reads the answer's body to its end.
    pub async fn body(&mut self, body: Incoming) -> Result<Bytes, Failure> {
        match drive(&mut self.driver, Limited::new(body, MAX_BODY).collect()).await {
            Ok(body) => Ok(body.to_bytes()),
            Err(e) => Err(Failure::from_http(e.as_ref())),
        }
    }

    fn is_good(&self, now: Duration) -> bool {
        self.driver.is_some() && self.uses < MAX_USES && now.saturating_sub(self.opened) < MAX_AGE
    }
}

/// Drives the connection until the work on it is done. One that ends first is dropped, which ends the work too: hyper
/// tells a waiting sender or body only then.
async fn drive<W: Future>(driver: &mut Option<Driver>, work: W) -> W::Output {
    let mut work = pin!(work);
    if let Some(connection) = driver {
        tokio::select! {
            biased;
            output = &mut work => return output,
            _ = connection => {}
        }
    }
    *driver = None;
    work.await
}

/// The connections of one lane that wait for the next request.
pub(super) struct Kept<L>(Mutex<Shelf<L>>);

struct Shelf<L> {
    links: Vec<Link<L>>,
    /// Counts the failures.
    era: Era,
}

/// A time without failures. A connection that was in use when another call failed is not kept either.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Era(u64);

impl<L> Default for Kept<L> {
    fn default() -> Self {
        Self(Mutex::new(Shelf { links: Vec::new(), era: Era::default() }))
    }
}

impl<L> Kept<L> {
    /// A connection that may still be used, if there is one, and the present era.
    pub fn take(&self, now: Duration) -> (Option<Link<L>>, Era) {
        let mut shelf = self.shelf();
        shelf.links.retain(|link| link.is_good(now));
        (shelf.links.pop(), shelf.era)
    }

    /// Keeps a connection that began its request in `era`, if it may be used again and there is room.
    pub fn put(&self, link: Link<L>, era: Era, now: Duration) {
        let mut shelf = self.shelf();
        if shelf.era == era && shelf.links.len() < MAX_KEPT && link.is_good(now) {
            shelf.links.push(link);
        }
    }

    /// A call has failed: the next ones must prove themselves over fresh connections.
    pub fn failed(&self) {
        let mut shelf = self.shelf();
        shelf.links.clear();
        shelf.era = Era(shelf.era.0.wrapping_add(1));
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf<L>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
