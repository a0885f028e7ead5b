//! `job/ID/run`: starts a job here, unless the node is passive or stopping.

use std::time::Duration;

use serde_json::Value;

use super::super::wire::Answer;
use super::super::{Life, Mode};
use super::Call;
use super::error::server_error;
use super::executions::{execution, first_project};

/// POST `job/ID/run`. Any ID is a job; its length is the option `ms`.
pub(super) async fn run(call: &Call<'_>, id: &str) -> Answer {
    if call.state.call_database().await.is_err() {
        return server_error(call.request);
    }
    if !call.token.rights {
        let message = format!("Not authorized for action \"run\" for Job ID {id}");
        return call.error(403, "api.error.item.unauthorized", message);
    }
    let state = call.state;
    if state.mode() == Mode::Passive {
        return if state.config.version.passive_run_is_400() {
            call.error(400, "api.error.job.disabled", format!("Job \"{id}\" cannot be run. Executions are disabled."))
        } else {
            call.error(500, "api.error.execution.failed", "Execution failed: Executions are disabled.")
        };
    }
    if state.life() >= Life::Stopping {
        // Quartz is shut down: scheduling anything throws.
        let message = "Execution failed: The Scheduler cannot be restarted after shutdown() has been called.";
        return call.error(500, "api.error.execution.failed", message);
    }
    let project = match first_project(call, "*") {
        Ok(project) => project.to_owned(),
        Err(answer) => return answer,
    };
    let job = state.jobs.start(id, &call.token.user, length(call));
    call.json(200, &execution(call, &project, &job))
}

/// The option `ms`: in the JSON body (`options` or `argString`), or as `option.ms` in the query.
fn length(call: &Call<'_>) -> Duration {
    let body: Value = serde_json::from_slice(&call.request.body).unwrap_or_default();
    let option = match body.pointer("/options/ms") {
        Some(Value::String(text)) => Some(text.clone()),
        Some(other) => Some(other.to_string()),
        None => {
            body.get("argString").and_then(Value::as_str).and_then(|args| args.strip_prefix("-ms ")).map(str::to_owned)
        }
    };
    let asked = option.or_else(|| call.request.parameter("option.ms"));
    asked.and_then(|ms| ms.trim().parse().ok()).map_or(call.state.config.job_length, Duration::from_millis)
}
