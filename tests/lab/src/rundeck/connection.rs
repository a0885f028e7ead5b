//! One connection: reads requests, applies the faults of the wire, holds one of Jetty's threads per request, writes
//! answers.
//!
//! Which answer is given is decided in `routes`.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::address::path_in_context;
use super::pause::pause;
use super::tls::Channel;
use super::wire::{Answer, Inbox, ReadError, Request, Wire, bad_message};
use super::{Fault, Life, State, routes};

/// Jetty's idle time-out.
const IDLE: Duration = Duration::from_secs(30);
/// A thread whose client has gone is free again this much later (Tomcat pool on the rig: 1 s).
const ABANDONED: Duration = Duration::from_secs(1);
/// A TLS alert record, "internal error": what a client without TLS gets from a TLS port.
const TLS_ALERT: [u8; 7] = [0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x50];

/// Serves a connection until it ends.
pub(super) async fn serve(state: Arc<State>, mut stream: impl Channel) {
    let mut inbox = Inbox::default();
    let mut life = state.life.subscribe();
    let mut first = true;
    loop {
        let request = tokio::select! {
            read = tokio::time::timeout(IDLE, inbox.next(&mut stream)) => read.unwrap_or(Err(ReadError::Closed)),
            // Kept-alive connections are dropped without an answer when the port closes.
            _ = life.wait_for(|life| *life >= Life::Closing) => return,
        };
        let after = match request {
            Ok(request) => exchange(&state, &mut stream, &request, first).await,
            Err(ReadError::Bad(status, reason)) => {
                let wire = Wire { keep_alive: false, http_1_0: false, head: false };
                // The client may be gone: nothing more can be done for it.
                let _ = stream.write_all(&bad_message(status, reason).to_bytes(wire)).await;
                After::Close
            }
            Err(ReadError::Closed) => return,
        };
        match after {
            After::Keep => {}
            After::Close => {
                // As above.
                let _ = stream.shutdown().await;
                return;
            }
            After::Drop => return,
        }
        first = false;
    }
}

/// What becomes of a connection after a request.
enum After {
    /// The next request may come.
    Keep,
    /// Closed in order.
    Close,
    /// Let go without a word: a reset where the linger is zero.
    Drop,
}

/// Counts a request as running while it lives.
struct Busy<'a>(&'a State);

impl<'a> Busy<'a> {
    fn new(state: &'a State) -> Self {
        state.busy.send_modify(|busy| *busy += 1);
        Busy(state)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.busy.send_modify(|busy| *busy = busy.saturating_sub(1));
    }
}

/// Answers one request.
async fn exchange(state: &Arc<State>, stream: &mut impl Channel, request: &Request, first: bool) -> After {
    state.count_request();
    let _busy = Busy::new(state);
    state.thawed().await;
    let path = path_in_context(state, request);
    let faults: Vec<Fault> = state.faults().on(path).collect();
    if faults.contains(&Fault::TlsOnly) {
        // The client may be gone: nothing more can be done for it.
        let _ = stream.write_all(&TLS_ALERT).await;
        return After::Close;
    }
    if faults.contains(&Fault::Reset) {
        // With a zero linger the close is a reset.
        let _ = stream.socket().set_zero_linger();
        return After::Drop;
    }
    if faults.contains(&Fault::DroppedKeepAlive) && !first {
        return After::Drop;
    }
    let Some(answer) = answer_in_a_thread(state, stream.socket(), request, &faults).await else {
        return After::Drop;
    };
    // Frozen meanwhile: then the answer waits too.
    state.thawed().await;
    let wire = Wire::of(request);
    let cut = faults.contains(&Fault::Truncated) && answer.status == 200;
    let bytes = if cut { answer.to_truncated_bytes(wire) } else { answer.to_bytes(wire) };
    match stream.write_all(&bytes).await {
        Ok(()) if wire.keep_alive && !cut => After::Keep,
        Ok(()) => After::Close,
        Err(_) => After::Drop,
    }
}

/// Computes the answer while holding a request thread; `None` when the client has gone and the thread was given up.
async fn answer_in_a_thread(
    state: &Arc<State>,
    stream: &TcpStream,
    request: &Request,
    faults: &[Fault],
) -> Option<Answer> {
    // Never closed, so this is an error only in theory.
    let _thread = state.threads.acquire().await.ok()?;
    let slow = faults.iter().find_map(|fault| match fault {
        Fault::Slow(length) => Some(*length),
        _ => None,
    });
    let work = async {
        if let Some(length) = slow {
            pause(length).await;
        }
        routes::answer(state, request, faults).await
    };
    tokio::pin!(work);
    tokio::select! {
        answer = &mut work => Some(answer),
        // Giving up on the client's side does not free the thread at once (and a half-closed client still gets its
        // answer).
        () = client_gone(stream) => tokio::time::timeout(ABANDONED, work).await.ok(),
    }
}

/// Waits until the client has closed its side; for ever while it has sent more than it was answered
/// (TLS says goodbye with bytes of its own, so there a client that has gone is not seen until its answer is due).
async fn client_gone(stream: &TcpStream) {
    let mut byte = [0_u8; 1];
    if let Ok(1..) = stream.peek(&mut byte).await {
        std::future::pending::<()>().await;
    }
}
