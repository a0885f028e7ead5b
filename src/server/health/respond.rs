//! One request of the health port and its answer.
//!
//! From memory alone: it waits for nothing. The query is looked at for one thing, a token that should not be there, and
//! kept nowhere.

use crate::server::http::{Answer, JSON, TEXT, answer, closing, not_allowed, text, wants_json};
use crate::server::{Board, Published};
use hyper::body::Body;
use hyper::{Method, Request, StatusCode, Uri};
use rundeck_alb_core::Moment;

/// What is answered where.
#[derive(Clone, Debug)]
pub(super) struct Paths {
    /// Names for the same answer, `/health` among them (`health.paths`).
    pub(super) health: Vec<String>,
    /// Also Rundeck's `executions/status` (`health.executions_status_compat`).
    pub(super) compat: bool,
}

/// The two kinds of path that have an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Health,
    ExecutionsStatus,
}

impl Paths {
    fn kind(&self, path: &str) -> Option<Kind> {
        if self.health.iter().any(|known| known == path) {
            return Some(Kind::Health);
        }
        (self.compat && is_executions_status(path)).then_some(Kind::ExecutionsStatus)
    }
}

/// `/api/<V>/system/executions/status` for every version, with one or two leading slashes as in Rundeck's
/// documentation.
fn is_executions_status(path: &str) -> bool {
    let path = path.strip_prefix("//").or_else(|| path.strip_prefix('/')).unwrap_or(path);
    let version = path.strip_prefix("api/").and_then(|rest| rest.strip_suffix("/system/executions/status"));
    version.is_some_and(|v| !v.is_empty() && v.bytes().all(|b| b.is_ascii_digit()))
}

/// Answers one request.
pub(super) fn respond<B: Body>(request: &Request<B>, paths: &Paths, board: &Board, now: Moment) -> Answer {
    let reply = match (paths.kind(request.uri().path()), request.method()) {
        (None, &Method::CONNECT) => not_allowed("GET, HEAD"),
        (None, _) => text(StatusCode::NOT_FOUND, "not found"),
        (Some(kind), &Method::GET | &Method::HEAD) if request.body().is_end_stream() => {
            if has_token(request.uri()) {
                board.saw_token_in_query();
            }
            verdict(&board.read(), kind, wants_json(request.headers()), now)
        }
        (Some(_), &Method::GET | &Method::HEAD) => text(StatusCode::PAYLOAD_TOO_LARGE, "a health check has no body"),
        (Some(_), _) => not_allowed("GET, HEAD"),
    };
    // A body is not read, so nobody could tell where the next request begins.
    if request.body().is_end_stream() { reply } else { closing(reply) }
}

fn verdict(published: &Published, kind: Kind, json: bool, now: Moment) -> Answer {
    let snapshot = &published.snapshot;
    let page = published.pages.at(snapshot, now);
    let status = if page.ok() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let age_ms = now.since(snapshot.looked_at).0;
    match kind {
        Kind::ExecutionsStatus => answer(status, JSON, page.execution_mode(age_ms)),
        Kind::Health if json => answer(status, JSON, page.json(age_ms)),
        Kind::Health => answer(status, TEXT, page.text()),
    }
}

/// Rundeck's documentation puts the token into the query of a health check.
fn has_token(uri: &Uri) -> bool {
    uri.query().is_some_and(|query| query.split('&').any(|pair| pair.split('=').next() == Some("authtoken")))
}
