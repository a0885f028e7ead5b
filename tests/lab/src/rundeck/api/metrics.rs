//! Dropwizard's metrics of the versions before 6. What a 6.x says instead of them is in `probes`.
//!
//! The figures are few: enough for a client that insists on the sections.

use serde_json::{Value, json};

use super::super::jobs::POOL_SIZE;
use super::super::pause::{iso, now_millis};
use super::super::probes::legacy_metrics;
use super::super::wire::Answer;
use super::super::{Fault, State, Version};
use super::Call;

/// GET `metrics`: the links to what there is.
pub(super) fn list(call: &Call<'_>) -> Answer {
    if !call.token.rights {
        return call.unauthorized("read");
    }
    let config = &call.state.config;
    if config.version.is_6() && !config.switches.legacy_metrics {
        return call.json(200, &json!({"_links": {}}));
    }
    let link = |name: &str| json!({"href": call.href(&format!("metrics/{name}"))});
    let links = json!({
        "metrics": link("metrics"), "ping": link("ping"), "threads": link("threads"),
        "healthcheck": link("healthcheck"),
    });
    call.json(200, &json!({ "_links": links }))
}

/// GET `metrics/{metrics,healthcheck,ping,threads}`.
pub(super) async fn answer(call: &Call<'_>, check: &str) -> Answer {
    let config = &call.state.config;
    let path = &call.request.raw_path;
    if !call.token.rights {
        return call.unauthorized("read");
    }
    if config.version.is_6() {
        return call.versioned(legacy_metrics(call.state, path));
    }
    if !config.switches.metrics {
        return call.error(404, "api.error.invalid.request", format!("Invalid API Request: {path}"));
    }
    match check {
        "metrics" => call.json(200, &metrics(call.state)),
        "healthcheck" => health_check(call).await,
        "ping" => call.versioned(Answer::new(200).with_body("text/plain;charset=utf-8", "pong\n")),
        "threads" => {
            call.versioned(Answer::new(200).with_body("text/plain;charset=utf-8", "\"main\" id=1 state=WAITING\n"))
        }
        _ => call.error(404, "api.error.invalid.request", format!("Invalid API Request: {path}")),
    }
}

/// A database connection and "Quartz pool not full": a merely busy node answers 500.
async fn health_check(call: &Call<'_>) -> Answer {
    let database = call.state.call_database().await.is_ok();
    let pool = call.state.jobs.running() < POOL_SIZE && !call.state.faults().has(Fault::BusyPool);
    let now = now_millis();
    let entry = |healthy: bool, message: &str, duration: u64| {
        let mut entry = json!({"healthy": healthy, "message": message});
        if call.state.config.version > Version::V3_4 {
            entry["duration"] = json!(duration);
            entry["timestamp"] = json!(iso(now));
        }
        entry
    };
    let source =
        if database { "Datasource connection healthy with timeout 5 seconds" } else { "Datasource connection failed" };
    let mut threads = entry(pool, "Scheduler thread pool is full", 0);
    if let (true, Some(fields)) = (pool, threads.as_object_mut()) {
        fields.remove("message");
    }
    let body =
        json!({"dataSource.connection.time": entry(database, source, 5), "quartz.scheduler.threadPool": threads});
    call.json(if database && pool { 200 } else { 500 }, &body)
}

fn metrics(state: &State) -> Value {
    let running = state.jobs.running();
    let rates = json!({
        "count": 1, "m15_rate": 0.0, "m1_rate": 0.0, "m5_rate": 0.0, "mean_rate": 0.0, "units": "events/second",
    });
    let mut timer = json!({
        "max": 0.01, "mean": 0.01, "min": 0.01, "p50": 0.01, "p75": 0.01, "p95": 0.01, "p98": 0.01,
        "p99": 0.01, "p999": 0.01,
        "stddev": 0.0, "duration_units": "seconds", "rate_units": "calls/second",
    });
    for rate in ["count", "m15_rate", "m1_rate", "m5_rate", "mean_rate"] {
        timer[rate] = rates[rate].clone();
    }
    json!({
        "version": "4.0.0",
        "gauges": {
            "dataSource.connection.pingTime": {"value": 1},
            "rundeck.scheduler.quartz.runningExecutions": {"value": running},
            "rundeck.services.AuthorizationService.sourceCache.hitCount": {"value": 0},
        },
        "counters": {"rundeck.scheduler.quartz.scheduledJobs": {"count": 0}},
        "histograms": {},
        "meters": {"rundeck.services.ExecutionService.executionStartMeter": rates},
        "timers": {"rundeck.api.requests.requestTimer": timer},
    })
}
