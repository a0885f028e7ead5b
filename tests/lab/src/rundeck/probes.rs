//! The endpoints that are made for probing: `/health`, `/monitoring/*` and the unversioned `/metrics/*` of a 6.x;
//! `/actuator/*` is passed on.
//!
//! `None` means: this version does not know the path, the application goes on with it.

use serde_json::json;

use super::actuator;
use super::wire::{Answer, Request, SERVLET, error_page};
use super::{Fault, Life, State};

/// Answers a probe's path.
pub(super) async fn answer(state: &State, request: &Request, path: &str) -> Option<Answer> {
    if path == "/health" {
        return Some(health(state));
    }
    if path == "/actuator" || path.starts_with("/actuator/") {
        return actuator::answer(state, request, path).await;
    }
    if !state.config.version.is_6() {
        return None;
    }
    if let Some(below) = path.strip_prefix("/monitoring/") {
        return Some(monitoring(state, request, below));
    }
    path.strip_prefix("/metrics/").map(|check| legacy_metrics(state, &format!("/metrics/{check}")))
}

/// A constant, whatever the state is: that is what makes it worthless as a proof.
fn health(state: &State) -> Answer {
    if !state.config.switches.health {
        return Answer::new(404);
    }
    let body = if state.faults().has(Fault::OtherBody) { "maintenance" } else { "ok" };
    Answer::new(200).with_body("text/html;charset=utf-8", body)
}

/// The readiness of 6.x: start-up and shutdown, never the database.
pub(super) fn monitoring(state: &State, request: &Request, below: &str) -> Answer {
    if !state.config.switches.monitoring {
        let body = format!(
            "{{\"error\":\"Monitoring endpoints are disabled\",\"endpoint\":\"{below}\",\
             \"enable\":\"rundeck.metrics.monitoring.enabled=true\",\"location\":\"rundeck-config.properties\"}}"
        );
        return Answer::new(404).with_body("application/json;charset=utf-8", body);
    }
    let json = |status, body: &str| Answer::new(status).with_body("application/json;charset=utf-8", body);
    match below {
        "health" => json(200, r#"{"status":"UP"}"#),
        "health/readiness" if state.life() == Life::Ready => json(200, r#"{"status":"UP"}"#),
        "health/readiness" => json(503, r#"{"status":"DOWN","readiness":"REFUSING_TRAFFIC"}"#),
        "prometheus" => Answer::new(200).with_body("text/plain;version=0.0.4;charset=utf-8", prometheus(state)),
        "info" => json(200, &format!(r#"{{"app":{{"name":"rundeck","version":"{}"}}}}"#, state.config.version)),
        "metrics" => json(200, r#"{"names":["jvm.threads.live"]}"#),
        "threaddump" => json(200, r#"{"threads":[]}"#),
        _ => error_page(request, 404, SERVLET),
    }
}

/// GET `/monitoring/prometheus` of a 6.x.
fn prometheus(state: &State) -> String {
    format!(
        "# HELP jvm_threads_live_threads The current number of live threads\n# TYPE jvm_threads_live_threads gauge\n\
         jvm_threads_live_threads 49.0\n\
         # HELP rundeck_scheduler_quartz_runningExecutions  \n# TYPE rundeck_scheduler_quartz_runningExecutions gauge\n\
         rundeck_scheduler_quartz_runningExecutions {}.0\n",
        state.jobs.running()
    )
}

/// What a 6.x answers on the old paths of the metrics: off by default, and a constant when on.
pub(super) fn legacy_metrics(state: &State, path: &str) -> Answer {
    if state.config.switches.legacy_metrics {
        return Answer::json(200, &json!({"rundeck": {"healthy": true}}));
    }
    let body = format!(
        "{{\"error\":\"Legacy {path} endpoint disabled\",\"enable\":\"rundeck.metrics.legacy.enabled=true\",\
         \"migrate\":\"Use /monitoring/* instead\"}}"
    );
    Answer::new(404).with_body("application/json;charset=utf-8", body)
}
