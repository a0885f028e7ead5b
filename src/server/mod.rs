//! What the agent tells others: `/health` for the load balancer, metrics, status and orders for people on the machine.
//!
//! Everything here reads one published snapshot of the heart. It decides nothing, asks Rundeck and AWS nothing, touches
//! no disk and writes no log line; orders are handed on to the loop and answered by it.
//!
//! | file | what |
//! |---|---|
//! | `health/` | the health port: a thread of its own, its guests, its answer |
//! | `admin/` | the control socket and the loopback port: pages to read, orders to give |
//! | `metrics/` | the page of `/metrics` |
//! | `status/` | the JSON of `/status` |
//! | `pages.rs` | the answers of the health port as bytes, made once for each snapshot |
//! | `http.rs` | answers with the headers that each port adds |
//! | `accept.rs` | what a listener does when accepting fails |
//! | `counters.rs` | what the loop counts, for metrics and status |
//! | `requests.rs` | the answers of the health port, counted on its own thread |

mod accept;
pub mod admin;
mod counters;
pub mod health;
mod http;
mod metrics;
mod pages;
mod requests;
mod status;

use crate::clock::Clock;
use arc_swap::ArcSwap;
pub use counters::Counters;
pub use metrics::ProcessFigures;
use pages::Pages;
pub use requests::HealthRequests;
use rundeck_alb_core::Snapshot;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::watch;

/// The agent's version, as `/health`, `/status` and the metrics tell it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// One snapshot with its answers, rendered once.
#[derive(Debug)]
pub struct Published {
    /// What the heart knows.
    pub snapshot: Snapshot,
    pages: Pages,
}

impl Published {
    /// Renders the answers of this snapshot. The clock only turns moments into wall time.
    pub fn new(snapshot: Snapshot, clock: &Clock) -> Self {
        let pages = Pages::new(&snapshot, clock);
        Self { snapshot, pages }
    }
}

/// Where the loop publishes, and where every server reads. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Board(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    published: ArcSwap<Published>,
    accepting: watch::Sender<bool>,
    token_in_query: AtomicBool,
    health_requests: HealthRequests,
}

impl Board {
    /// A board with its first snapshot.
    pub fn new(first: Published) -> Self {
        let (accepting, _) = watch::channel(first.snapshot.accepting);
        Self(Arc::new(Inner {
            published: ArcSwap::from_pointee(first),
            accepting,
            token_in_query: AtomicBool::new(false),
            health_requests: HealthRequests::default(),
        }))
    }

    /// Replaces what is read from now on. Once a snapshot accepts, the health port stays open.
    pub fn publish(&self, next: Published) {
        let accepting = next.snapshot.accepting;
        self.0.published.store(Arc::new(next));
        self.0.accepting.send_if_modified(|open| accepting && !std::mem::replace(open, true));
    }

    /// The newest snapshot. Takes no lock.
    pub fn read(&self) -> Arc<Published> {
        self.0.published.load_full()
    }

    /// True once a health check has sent a token in its URL: the load balancer still writes it into its access log
    /// (finding `token-in-query`). The token itself is looked at by nobody.
    pub fn token_in_query(&self) -> bool {
        self.0.token_in_query.load(Ordering::Relaxed)
    }

    /// What the health port has answered so far.
    pub fn health_requests(&self) -> &HealthRequests {
        &self.0.health_requests
    }

    fn saw_token_in_query(&self) {
        self.0.token_in_query.store(true, Ordering::Relaxed);
    }

    /// Ends when the health port may accept connections, or when nobody publishes any more.
    async fn until_accepting(&self) {
        // The sender lives as long as this board: waiting cannot fail.
        let _ = self.0.accepting.subscribe().wait_for(|open| *open).await;
    }
}

#[cfg(test)]
mod tests;
