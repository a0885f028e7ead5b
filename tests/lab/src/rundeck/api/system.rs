//! `system/info`, the execution mode and the log storage.
//!
//! The values are invented where a stand-in has none; keys and types are those of each version's source.

use serde_json::{Value, json};

use super::super::jobs::POOL_SIZE;
use super::super::pause::{iso, now_millis};
use super::super::wire::Answer;
use super::super::{Fault, Mode, Version};
use super::error::{server_error, wants_xml};
use super::{Call, info_xml};

/// The first API version with `executions/status`.
const STATUS_SINCE: u32 = 32;
/// From this API version on a passive node answers its status with 200.
const PASSIVE_IS_200_SINCE: u32 = 36;

/// GET `system/executions/status`.
pub(super) fn status(call: &Call<'_>) -> Answer {
    if call.api < STATUS_SINCE {
        let path = &call.request.raw_path;
        let message = format!(
            "Unsupported API Version \"{}\". API Request: {path}. Reason: Minimum supported version: {STATUS_SINCE}",
            call.api
        );
        return call.error(400, "api.error.api-version.unsupported", message);
    }
    if !call.token.rights {
        return call.unauthorized("read");
    }
    let mode = call.state.mode();
    let as_503 = call.request.parameter("passiveAs503").is_some_and(|value| value == "true");
    let unavailable = mode == Mode::Passive && (call.api < PASSIVE_IS_200_SINCE || as_503);
    mode_answer(call, if unavailable { 503 } else { 200 }, mode)
}

/// POST `system/executions/disable` and `enable`.
pub(super) fn set_mode(call: &Call<'_>, mode: Mode) -> Answer {
    if !call.token.rights {
        return call.unauthorized(if mode == Mode::Passive { "disable_executions" } else { "enable_executions" });
    }
    call.state.set_mode(mode);
    mode_answer(call, 200, mode)
}

fn mode_answer(call: &Call<'_>, status: u16, mode: Mode) -> Answer {
    let answer = if wants_xml(call.state.config.version, call.request) {
        let body = format!("<executions executionMode='{}'/>", mode.word());
        Answer::new(status).with_body("application/xml;charset=utf-8", body)
    } else {
        Answer::json(status, &json!({"executionMode": mode.word()}))
    };
    call.versioned(answer)
}

/// GET `system/logstorage`: an S3 plugin with nothing queued.
pub(super) async fn log_storage(call: &Call<'_>) -> Answer {
    if !call.token.rights {
        return call.unauthorized("read");
    }
    // The missing and incomplete counts are read from the database.
    if call.state.call_database().await.is_err() {
        return server_error(call.request);
    }
    let stored = call.state.jobs.finished();
    let mut body = json!({
        "enabled": true, "pluginName": "org.rundeck.amazon-s3", "succeededCount": stored, "failedCount": 0,
        "queuedCount": 0, "totalCount": stored, "incompleteCount": 0, "missingCount": 0,
    });
    if call.state.config.version > Version::V3_4 {
        for key in ["queuedRequestCount", "queuedRetriesCount", "queuedIncompleteCount", "retriesCount"] {
            body[key] = json!(0);
        }
    }
    call.json(200, &body)
}

/// GET `system/info`.
pub(super) fn info(call: &Call<'_>) -> Answer {
    let version = call.state.config.version;
    if !call.token.rights && !version.info_with_nulls() {
        return call.unauthorized("read");
    }
    if wants_xml(version, call.request) {
        let answer =
            Answer::new(200).with_body("application/xml;charset=utf-8", info_xml::element(&full_info(call)).render());
        return call.versioned(answer);
    }
    let mut system = full_info(call);
    if !call.token.rights {
        let shown = system.as_object_mut().map(|all| all.iter_mut().filter(|(key, _)| *key != "rundeck"));
        shown.into_iter().flatten().for_each(|(_, value)| *value = Value::Null);
    }
    if call.state.faults().has(Fault::StatsNull) {
        system["stats"] = Value::Null;
    }
    call.json(200, &json!({ "system": system }))
}

fn full_info(call: &Call<'_>) -> Value {
    let state = call.state;
    let version = state.config.version;
    let (now, mode) = (now_millis(), state.mode());
    let active = mode == Mode::Active;
    // 4.3 made strings of a number and a Boolean.
    let old_types = version == Version::V3_4;
    let mut system = json!({
        "timestamp": {"epoch": now, "unit": "ms", "datetime": iso(now)},
        "rundeck": {
            "version": version.release(), "build": format!("{version}-0"), "buildGit": format!("v{version}-0-g0000000"),
            "node": state.config.name, "base": "/var/lib/rundeck",
            "apiversion": if old_types { json!(version.api()) } else { json!(version.api().to_string()) },
            "serverUUID": state.config.uuid,
        },
        "executions": {
            "active": if old_types { json!(active) } else { json!(active.to_string()) }, "executionMode": mode.word(),
        },
        "os": {"arch": "amd64", "name": "Linux", "version": "6.1.0"},
        "jvm": {
            "name": "OpenJDK 64-Bit Server VM", "vendor": "Eclipse Adoptium", "version": "11.0.22",
            "implementationVersion": "11.0.22+7",
        },
        "stats": stats(call, now),
    });
    for (name, path, media) in LINKS {
        system[name] = json!({"href": call.href(path), "contentType": media});
    }
    if !old_types {
        system["extended"] = Value::Null;
    }
    system
}

/// Where `system/info` points to.
const LINKS: [(&str, &str, &str); 4] = [
    ("metrics", "metrics/metrics", "application/json"),
    ("threadDump", "metrics/threads", "text/plain"),
    ("healthcheck", "metrics/healthcheck", "application/json"),
    ("ping", "metrics/ping", "text/plain"),
];

fn stats(call: &Call<'_>, now: u64) -> Value {
    let state = call.state;
    let since = state.started;
    // 3.4: the one-minute load; later an int field fed with a share of 0 to 1.
    let load = if state.config.version == Version::V3_4 { json!(0.25) } else { json!(0) };
    json!({
        "uptime": {
            "duration": now.saturating_sub(since), "unit": "ms",
            "since": {"epoch": since, "unit": "ms", "datetime": iso(since)},
        },
        "cpu": {"loadAverage": {"unit": "percent", "average": load}, "processors": 2},
        "memory": {"unit": "byte", "max": 4_294_967_296_u64, "free": 536_870_912, "total": 1_073_741_824},
        "scheduler": {"running": state.jobs.running(), "threadPoolSize": POOL_SIZE},
        "threads": {"active": 49},
    })
}
