//! The health checks: what one node of the balancer asks the targets, as an ALB asks it.
//!
//! `GET`, `User-Agent: ELB-HealthChecker/2.0`, `Host: address:port`, `Connection: close`,
//! `Accept-Encoding: gzip, compressed`; no redirect is followed, the connection is closed after the status has been
//! read (ALB user guide; the last two headers from captures). Counting is the group's business.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::Request;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT_ENCODING, CONNECTION, HOST, USER_AGENT};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::group::{Check, Group};
use super::target::CheckResult;
use crate::clock;

/// Checks the targets of `group` as balancer node `node`, until dropped.
pub(crate) async fn check_for_ever(group: Arc<Group>, node: usize) {
    let mut plan = group.watch_plan();
    let mut running = JoinSet::new();
    loop {
        plan.mark_unchanged();
        let (due, next) = group.take_checks(node);
        for check in due {
            let group = Arc::clone(&group);
            running.spawn(async move {
                let result = clock::within(check.timeout, ask(&check)).await.unwrap_or(CheckResult::TimedOut);
                group.learn(node, &check, result);
            });
        }
        tokio::select! {
            () = clock::until(next) => {}
            _ = plan.changed() => {}
            Some(_) = running.join_next() => {}
        }
    }
}

async fn ask(check: &Check) -> CheckResult {
    exchange(check).await.map_or(CheckResult::Failed, CheckResult::Status)
}

async fn exchange(check: &Check) -> Option<u16> {
    let request = Request::get(&check.path)
        .header(HOST, check.addr.to_string())
        .header(CONNECTION, "close")
        .header(USER_AGENT, "ELB-HealthChecker/2.0")
        .header(ACCEPT_ENCODING, "gzip, compressed")
        .body(Empty::<Bytes>::new())
        .ok()?;
    let stream = TcpStream::connect(check.addr).await.ok()?;
    let (mut sender, connection) =
        http1::Builder::new().title_case_headers(true).handshake(TokioIo::new(stream)).await.ok()?;
    // Whichever ends first: with the answer's head the connection is dropped, which closes it.
    let mut connection = std::pin::pin!(connection);
    let mut answer = std::pin::pin!(sender.send_request(request));
    let answer = tokio::select! {
        answer = &mut answer => answer,
        _ = &mut connection => answer.await,
    };
    answer.ok().map(|answer| answer.status().as_u16())
}
