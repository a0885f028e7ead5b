//! `system/info` as XML, as the versions before 5.0 give it to clients for old API versions.
//!
//! It has no facts of its own: it turns the JSON form into elements and attributes.

use serde_json::Value;

use super::xml::Element;

/// The element `system`, from the object `system` of the JSON form.
pub(super) fn element(info: &Value) -> Element {
    Element::new("system")
        .with([moment(info, "timestamp", "/timestamp")])
        .with([
            texts(info, "rundeck", &["version", "build", "buildGit", "node", "base", "apiversion", "serverUUID"]),
            Element::new("executions")
                .attribute("active", text(info, "/executions/active"))
                .attribute("executionMode", text(info, "/executions/executionMode")),
            texts(info, "os", &["arch", "name", "version"]),
            texts(info, "jvm", &["name", "vendor", "version", "implementationVersion"]),
            stats(info.get("stats").unwrap_or(&Value::Null)),
        ])
        .with(["metrics", "threadDump", "healthcheck", "ping"].map(|name| {
            Element::new(name)
                .attribute("href", text(info, &format!("/{name}/href")))
                .attribute("contentType", text(info, &format!("/{name}/contentType")))
        }))
}

fn stats(stats: &Value) -> Element {
    let uptime = Element::new("uptime").attribute("duration", text(stats, "/uptime/duration"));
    let load = Element::text("loadAverage", text(stats, "/cpu/loadAverage/average"));
    let processors = Element::text("processors", text(stats, "/cpu/processors"));
    Element::new("stats").with([
        uptime.attribute("unit", "ms").with([moment(stats, "since", "/uptime/since")]),
        Element::new("cpu").with([load.attribute("unit", "percent"), processors]),
        texts(stats, "memory", &["max", "free", "total"]).attribute("unit", "byte"),
        texts(stats, "scheduler", &["running", "threadPoolSize"]),
        texts(stats, "threads", &["active"]),
    ])
}

/// The value at a JSON pointer as text; nothing where there is none.
fn text(info: &Value, pointer: &str) -> String {
    match info.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

/// An element with one text element for each of these fields of the object of the same name.
fn texts(info: &Value, name: &'static str, fields: &[&'static str]) -> Element {
    let one = |field: &&'static str| Element::text(field, text(info, &format!("/{name}/{field}")));
    Element::new(name).with(fields.iter().map(one))
}

/// A point in time.
fn moment(info: &Value, name: &'static str, from: &str) -> Element {
    Element::new(name)
        .attribute("epoch", text(info, &format!("{from}/epoch")))
        .attribute("unit", "ms")
        .with([Element::text("datetime", text(info, &format!("{from}/datetime")))])
}
