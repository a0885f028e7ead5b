//! The shape of a body: its keys and the kinds of their values, and the few values that are words of the protocol.
//!
//! No other value is kept, so that nothing of a real server is told.

use std::collections::BTreeMap;

use serde_json::Value;

/// Keys whose values are words of the protocol: compared and told.
const WORDS: [&str; 5] = ["errorCode", "executionMode", "status", "readiness", "unit"];
/// Objects whose keys are a user's own.
const OWN_KEYS: [&str; 1] = ["options"];
/// A short text without markup is told whole (`ok`).
const SHORT: usize = 16;

/// The differences of two bodies, each a line.
pub(super) fn differences(expected: &[u8], seen: &[u8]) -> Vec<String> {
    let (expected, seen) = (Shape::of(expected), Shape::of(seen));
    match (&expected, &seen) {
        (Shape::Json(expected), Shape::Json(seen)) => of_keys(expected, seen),
        _ if expected == seen => Vec::new(),
        _ => vec![format!("body: expected {}, seen {}", expected.name(), seen.name())],
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Shape {
    Empty,
    Html,
    Xml,
    Short(String),
    Text,
    /// Path of a leaf and its kind.
    Json(BTreeMap<String, String>),
}

impl Shape {
    fn of(body: &[u8]) -> Shape {
        let text = String::from_utf8_lossy(body);
        let start = text.trim_start();
        if body.is_empty() {
            Shape::Empty
        } else if start.starts_with(['{', '[']) {
            match serde_json::from_slice(body) {
                Ok(value) => Shape::Json(leaves(&value)),
                Err(_) => Shape::Text,
            }
        } else if start.to_ascii_lowercase().starts_with("<!doctype") || start.starts_with("<h") {
            Shape::Html
        } else if start.starts_with('<') {
            Shape::Xml
        } else if body.len() <= SHORT && text.chars().all(|letter| letter.is_ascii_alphanumeric()) {
            Shape::Short(text.into_owned())
        } else {
            Shape::Text
        }
    }

    fn name(&self) -> String {
        match self {
            Shape::Empty => "nothing".to_owned(),
            Shape::Html => "a page of HTML".to_owned(),
            Shape::Xml => "XML".to_owned(),
            Shape::Short(text) => format!("{text:?}"),
            Shape::Text => "some text".to_owned(),
            Shape::Json(_) => "JSON".to_owned(),
        }
    }
}

fn of_keys(expected: &BTreeMap<String, String>, seen: &BTreeMap<String, String>) -> Vec<String> {
    let mut found = Vec::new();
    for (path, kind) in expected {
        match seen.get(path) {
            Some(other) if other == kind => {}
            Some(other) => found.push(format!("body: {path}: expected {kind}, seen {other}")),
            None if beside_an_empty_list(path, seen) => {}
            None => found.push(format!("body: {path}: expected {kind}, not there")),
        }
    }
    for (path, kind) in seen {
        if !expected.contains_key(path) && !beside_an_empty_list(path, expected) {
            found.push(format!("body: {path}: not expected, seen {kind}"));
        }
    }
    found
}

/// Whether the other body has an empty list where this path goes into one, or the other way round: what runs there
/// differs by the hour.
fn beside_an_empty_list(path: &str, other: &BTreeMap<String, String>) -> bool {
    let lists = path.match_indices("[]").filter_map(|(at, _)| path.get(..at));
    let inside = format!("{path}[]");
    lists.into_iter().any(|list| other.get(list).is_some_and(|kind| kind == "list"))
        || other.keys().any(|known| known.starts_with(&inside))
}

fn leaves(body: &Value) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![(String::new(), body)];
    while let Some((path, value)) = open.pop() {
        match value {
            Value::Object(fields) if !fields.is_empty() => open.extend(fields.iter().map(|(name, value)| {
                let own = OWN_KEYS.iter().any(|key| path == *key || path.ends_with(&format!(".{key}")));
                let name = if own || !is_plain(name) { "(a key)" } else { name.as_str() };
                (if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }, value)
            })),
            Value::Array(elements) if !elements.is_empty() => {
                open.extend(elements.iter().map(|value| (format!("{path}[]"), value)));
            }
            leaf => {
                let kind = kind(&path, leaf);
                found.insert(path, kind);
            }
        }
    }
    found
}

fn is_plain(name: &str) -> bool {
    name.len() <= 60 && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "._-".contains(letter))
}

fn kind(path: &str, leaf: &Value) -> String {
    let name = path.rsplit('.').next().unwrap_or(path);
    match leaf {
        Value::String(word) if WORDS.contains(&name) && is_plain(word) => format!("{word:?}"),
        Value::String(_) => "a text".to_owned(),
        Value::Bool(is) if name == "error" || name == "healthy" => is.to_string(),
        Value::Bool(_) => "a Boolean".to_owned(),
        Value::Number(_) => "a number".to_owned(),
        Value::Null => "null".to_owned(),
        Value::Array(_) => "list".to_owned(),
        Value::Object(_) => "an empty object".to_owned(),
    }
}
