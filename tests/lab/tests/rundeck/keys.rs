//! Key paths as the shapes write them (`a."b.c".d[].e`): finding their values, their kinds, and all paths of an answer.

use std::collections::BTreeSet;

use rundeck_alb_lab::rundeck::Version;
use serde_json::Value;

/// The parts of `a."b.c".d[].e`.
fn parts(path: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    for letter in path.chars() {
        match letter {
            '"' => quoted = !quoted,
            '.' if !quoted => parts.push(String::new()),
            other => parts.last_mut().expect("never empty").push(other),
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// All values at a path; an array's elements where a part ends with `[]`.
pub fn values<'a>(body: &'a Value, path: &str) -> Option<Vec<&'a Value>> {
    let mut at = vec![body];
    for part in parts(path) {
        let (name, each) = part.strip_suffix("[]").map_or((part.as_str(), false), |name| (name, true));
        let mut next = Vec::new();
        for value in at {
            let value = value.get(name)?;
            match value.as_array().filter(|_| each) {
                Some(elements) => next.extend(elements),
                None if each => return None,
                None => next.push(value),
            }
        }
        at = next;
    }
    Some(at)
}

/// Whether every value at the path is of that kind.
pub fn holds(body: &Value, path: &str, kind: &str, version: Version) -> bool {
    let current = version.api().to_string();
    let fits = |value: &&Value| match kind {
        "number" => value.is_number(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "string or null" => value.is_string() || value.is_null(),
        "object or null" => value.is_object() || value.is_null(),
        "object(empty)" => value.as_object().is_some_and(serde_json::Map::is_empty),
        "equals the current API version" => value.to_string().trim_matches('"') == current,
        "string = requested version as text" => value.as_str() == Some(&current),
        _ => {
            let words = kind.strip_prefix("string=\"").and_then(|rest| rest.strip_suffix('"'));
            let size = kind.strip_prefix("object with ").and_then(|rest| rest.strip_suffix(" keys"));
            match (words, size.and_then(|size| size.parse::<usize>().ok())) {
                (Some(words), _) => value.as_str().is_some_and(|text| words.split('|').any(|word| word == text)),
                (_, Some(size)) => value.as_object().is_some_and(|object| object.len() == size),
                _ => panic!("a kind of value that this test does not know: {kind}"),
            }
        }
    };
    values(body, path).is_some_and(|values| values.iter().all(fits))
}

/// The paths of all leaves of an answer, written as in the shapes.
pub fn leaves(body: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![(String::new(), body)];
    while let Some((path, value)) = open.pop() {
        match value {
            Value::Object(fields) if !fields.is_empty() => open.extend(fields.iter().map(|(name, value)| {
                let name = if name.contains('.') { format!("\"{name}\"") } else { name.clone() };
                (if path.is_empty() { name } else { format!("{path}.{name}") }, value)
            })),
            Value::Array(elements) => open.extend(elements.iter().map(|value| (format!("{path}[]"), value))),
            _ => {
                found.insert(path);
            }
        }
    }
    found
}

/// Known itself, or by the keys below it (an empty object or null in its place).
pub fn is_known(known: &BTreeSet<&str>, key: &str) -> bool {
    known.iter().any(|path| *path == key || path.strip_prefix(key).is_some_and(|rest| rest.starts_with(['.', '['])))
}

#[test]
fn the_comparison_can_fail() {
    let body = serde_json::json!({"a": {"b.c": [{"d": 1}, {"d": "x"}]}, "mode": "active"});
    assert!(!holds(&body, "a.\"b.c\"[].d", "number", Version::V5_20));
    assert!(!holds(&body, "a.missing", "number", Version::V5_20));
    assert!(!holds(&body, "mode", "string=\"passive\"", Version::V5_20));
    assert!(holds(&body, "mode", "string=\"active|passive\"", Version::V5_20));
    assert!(holds(&body, "a", "object with 1 keys", Version::V5_20));
    assert_eq!(leaves(&body), ["a.\"b.c\"[].d", "mode"].map(str::to_owned).into());
}
