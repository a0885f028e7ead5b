//! Which part of the node answers which path: context path, allowed host, the faults of whole answers, then the
//! application.
//!
//! No answer of the application itself is made here.

use super::address::base_url;
use super::wire::{Answer, Request, bad_message, error_page};
use super::{Fault, State, api, probes, web};

/// Answers one request.
pub(super) async fn answer(state: &State, request: &Request, faults: &[Fault]) -> Answer {
    if faults.contains(&Fault::Html500) {
        return web::server_error_page();
    }
    if faults.contains(&Fault::RedirectLoop) {
        let here = format!("{}{}", base_url(state, request), request.raw_path);
        return Answer::new(302).with("Location", here);
    }
    if !host_is_allowed(state, request) {
        return error_page(request, 400, "-");
    }
    if request.path.contains("//") && state.config.version.is_6() {
        return bad_message(400, "Ambiguous URI empty segment");
    }
    let path = single_slashes(&request.path);
    match path.strip_prefix(state.config.context_path.as_str()) {
        Some("") => {
            let location = format!("{}{path}/", base_url(state, request));
            Answer::bare(302).with("Location", location)
        }
        Some(inside) if inside.starts_with('/') => application(state, request, inside).await,
        _ => error_page(request, 404, "-"),
    }
}

async fn application(state: &State, request: &Request, path: &str) -> Answer {
    if let Some(answer) = probes::answer(state, request, path).await {
        return answer;
    }
    match path.strip_prefix("/api/") {
        Some(below) => api::answer(state, request, below).await,
        None => web::answer(state, request, path).await,
    }
}

fn host_is_allowed(state: &State, request: &Request) -> bool {
    let Some(allowed) = &state.config.allowed_host else {
        return true;
    };
    let host = request.header("host").unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name.eq_ignore_ascii_case(allowed)
}

/// Jetty 9.4 takes `//health` for `/health`.
fn single_slashes(path: &str) -> String {
    let mut single = String::with_capacity(path.len());
    for letter in path.chars() {
        if letter != '/' || !single.ends_with('/') {
            single.push(letter);
        }
    }
    single
}
