//! A node's address as its client has written it: what links begin with, and what of a path is below the context path.
//!
//! Who answers a path is in `routes`.

use super::State;
use super::wire::Request;

/// The path below the context path, as it was sent; the whole path where it is not below it.
pub(super) fn path_in_context<'a>(state: &State, request: &'a Request) -> &'a str {
    request.path.strip_prefix(state.config.context_path.as_str()).unwrap_or(&request.path)
}

/// `http://HOST:PORT` (or `https`) as the client knows this node.
pub(super) fn base_url(state: &State, request: &Request) -> String {
    format!("{}://{}", state.config.scheme(), request.header("host").unwrap_or("localhost"))
}
