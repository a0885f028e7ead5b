//! A test's agent: the real program, started with a configuration of its own, and ways to look at it.

mod agent;
mod http;
mod node;
mod proxy;
mod scene;

pub use agent::{Config, TestAgent, run_to_end};
pub use http::{Reply, get, login, request, unix_request, with_cookie};
pub use node::{GROUP, Rundeck, group_asking, in_scaling_group, stand_in, world, world_asking};
pub use proxy::{Proxy, ca};
pub use scene::Scene;

use std::time::Duration;

/// Waiting longer than this for anything means that it will not come: the slowest thing in these tests takes a few
/// seconds on an idle machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until `condition` holds; fails the test with `what` when it does not within `PATIENCE`.
pub async fn until(what: &str, condition: impl AsyncFnMut() -> bool) {
    assert!(comes_true(condition).await, "waited {PATIENCE:?} in vain for: {what}");
}

/// Waits until `condition` holds; false when it does not within `PATIENCE`.
pub async fn comes_true(mut condition: impl AsyncFnMut() -> bool) -> bool {
    let mut tick = tokio::time::interval(Duration::from_millis(10));
    let wait = async {
        loop {
            tick.tick().await;
            if condition().await {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.is_ok()
}

/// Holds that `condition` stays true for `span`, looking all the time.
pub async fn stays(what: &str, span: Duration, mut condition: impl AsyncFnMut() -> bool) {
    let mut tick = tokio::time::interval(Duration::from_millis(10));
    let watch = async {
        loop {
            tick.tick().await;
            assert!(condition().await, "did not stay so: {what}");
        }
    };
    let _ = tokio::time::timeout(span, watch).await;
}

/// A port that is free on every address of the loopback network now.
pub fn free_port() -> u16 {
    let socket = std::net::TcpListener::bind("0.0.0.0:0").expect("a free port");
    socket.local_addr().expect("its address").port()
}
