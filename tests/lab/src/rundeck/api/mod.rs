//! `/api/V/...`: the order in which Rundeck's interceptors look at a call (version, readiness of the API, token), then
//! the endpoints.
//!
//! The endpoints themselves are in the modules below.

mod error;
mod executions;
mod info_xml;
mod jobs;
mod metrics;
mod scheduler;
mod system;
mod xml;

use super::address::base_url;
use super::config::{Kept, Token};
use super::wire::{Answer, Request, SERVLET, error_page};
use super::{Life, State, web};
use error::ApiError;

/// A call that has passed the interceptors.
pub(super) struct Call<'a> {
    state: &'a State,
    request: &'a Request,
    /// The version in its path.
    api: u32,
    token: &'a Token,
}

impl Call<'_> {
    /// The address of something below the API, as clients are told it.
    fn href(&self, below: &str) -> String {
        let context = &self.state.config.context_path;
        format!("{}{context}/api/{}/{below}", base_url(self.state, self.request), self.api)
    }

    /// The address of a page for people.
    fn permalink(&self, below: &str) -> String {
        format!("{}{}/{below}", base_url(self.state, self.request), self.state.config.context_path)
    }

    /// A JSON answer of a controller.
    fn json(&self, status: u16, body: &serde_json::Value) -> Answer {
        self.versioned(Answer::json(status, body))
    }

    fn versioned(&self, answer: Answer) -> Answer {
        answer.with("X-Rundeck-API-Version", self.state.config.version.api().to_string())
    }

    /// An error of a controller.
    fn error(&self, status: u16, code: &'static str, message: impl Into<String>) -> Answer {
        ApiError::new(code, message).answer(self.state, self.request, status)
    }

    /// 403 for a token without the ACL for `action` on the `system` resource.
    fn unauthorized(&self, action: &str) -> Answer {
        let message = format!("Not authorized for action \"{action}\" for System resource");
        let error = ApiError::new("api.error.item.unauthorized", message);
        error.with_args(&[action, "System", "resource"]).answer(self.state, self.request, 403)
    }
}

/// Answers `below`, the path after `/api/`.
pub(super) async fn answer(state: &State, request: &Request, below: &str) -> Answer {
    let (api, path) = below.split_once('/').unwrap_or((below, ""));
    let answer = match known_version(state, api) {
        None => unsupported_version(state, request, api),
        // The marshallers are the first thing that BootStrap registers; before it every call is 503 without a body.
        Some(_) if state.life() <= Life::Plugins => return Answer::new(503),
        Some(api) => match authenticated(state, request).await {
            Ok(token) => endpoint(&Call { state, request, api, token }, path).await,
            Err(refusal) => refusal,
        },
    };
    web::with_session(state, answer, &state.new_api_session())
}

fn known_version(state: &State, api: &str) -> Option<u32> {
    let version = state.config.version;
    api.parse().ok().filter(|api| (version.oldest_api()..=version.api()).contains(api))
}

fn unsupported_version(state: &State, request: &Request, api: &str) -> Answer {
    let (path, current) = (&request.raw_path, state.config.version.api());
    let message = format!("Unsupported API Version \"{api}\". API Request: {path}. Reason: Current version: {current}");
    let reason = format!("Current version: {current}");
    let error = ApiError::new("api.error.api-version.unsupported", message).with_args(&[api, path, &reason]);
    error.answer(state, request, 400)
}

/// The token of a call; the query wins over the header.
async fn authenticated<'a>(state: &'a State, request: &Request) -> Result<&'a Token, Answer> {
    let sent = request.parameter("authtoken");
    let Some(value) = sent.as_deref().or_else(|| request.header("x-rundeck-auth-token")) else {
        return Err(error::unauthenticated(state, request, "(unauthenticated)"));
    };
    let refusal = || {
        let start: String = value.chars().take(5).collect();
        error::unauthenticated(state, request, &format!("(Token:{start}****)"))
    };
    let token = state.token(value);
    if token.is_some_and(|token| token.kept == Kept::File) {
        return token.filter(|_| state.life() > Life::TokenFile).ok_or_else(refusal);
    }
    // Whatever is no token of the file is looked up in the database, at each request.
    if state.call_database().await.is_err() {
        return Err(error::server_error(request));
    }
    token.filter(|token| token.kept == Kept::Database).ok_or_else(refusal)
}

async fn endpoint(call: &Call<'_>, path: &str) -> Answer {
    let parts: Vec<&str> = path.split('/').collect();
    let method = match call.request.method.as_str() {
        "HEAD" => "GET",
        other => other,
    };
    match (method, parts.as_slice()) {
        ("GET", ["system", "info"]) => system::info(call),
        ("GET", ["system", "executions", "status"]) => system::status(call),
        ("POST", ["system", "executions", "disable"]) => system::set_mode(call, super::Mode::Passive),
        ("POST", ["system", "executions", "enable"]) => system::set_mode(call, super::Mode::Active),
        ("GET", ["system", "logstorage"]) => system::log_storage(call).await,
        ("GET", ["metrics"]) => metrics::list(call),
        ("GET", ["metrics", check]) => metrics::answer(call, check).await,
        ("GET", ["monitoring", below @ ..]) if call.state.config.version.is_6() => {
            if call.token.rights {
                super::probes::monitoring(call.state, call.request, &below.join("/"))
            } else {
                call.unauthorized("read")
            }
        }
        ("GET", ["projects"]) => executions::projects(call).await,
        ("GET", ["project", project, "executions", "running"]) => executions::running(call, project).await,
        ("GET", ["project", project, "executions"]) => executions::finished(call, project).await,
        ("GET", ["project", project, "executions", "metrics"]) => executions::metrics(call, project).await,
        ("POST", ["job", id, "run" | "executions"]) => jobs::run(call, id).await,
        ("PUT", ["scheduler", "takeover"]) => scheduler::takeover(call).await,
        (_, parts) if is_known(parts) => error_page(call.request, 405, SERVLET),
        _ => {
            let path = &call.request.raw_path;
            call.error(404, "api.error.invalid.request", format!("Invalid API Request: {path}"))
        }
    }
}

/// Paths of which only some methods are allowed.
fn is_known(parts: &[&str]) -> bool {
    matches!(
        parts,
        ["system", "info" | "logstorage"]
            | ["system", "executions", "status" | "disable" | "enable"]
            | ["project", _, "executions", "running"]
            | ["job", _, "run"]
            | ["scheduler", "takeover"]
    )
}
