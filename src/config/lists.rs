//! Keys that hold a list of texts: in a file an array, in a variable separated by commas.

use std::path::PathBuf;

use super::codec::{Codec, whole_path};
use super::fault::Fault;
use super::names;
use super::raw::{Entry, Value};

/// Names of the health answer.
pub(super) const PATHS: Codec<Vec<String>> = Codec { read: read_paths, show: |paths| show_list(paths) };
/// Directories, each by its whole path; none: found by the agent.
pub(super) const DIRECTORIES: Codec<Vec<PathBuf>> =
    Codec { read: read_directories, show: |paths| show_directories(paths) };

/// Most extra names of the health answer, each compared on every request; most directories, each looked at in turn.
const MAX_PATHS: usize = 16;

const LIST: &str = "a list of texts, as in [\"/health\"]";
const DIRECTORY_LIST: &str = "a list of texts, as in [\"/var/lib/rundeck\"]";

/// The texts of a list, each read by `read` and told with its own place; none of them twice.
fn read_list<T: PartialEq>(
    value: &Value,
    (wanted, example): (&'static str, &str),
    read: fn(&str) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let mut found: Vec<T> = Vec::new();
    let mut add = |text: &str| -> Result<(), Fault> {
        let item = read(text)?;
        if found.contains(&item) {
            return Err(Fault::value("names the same path twice", "remove one of them"));
        }
        found.push(item);
        Ok(())
    };
    match value {
        Value::List(items) => {
            for Entry { value, origin } in items {
                let Value::Text(text) = value else {
                    let why = format!("holds {}", value.describe());
                    return Err(Fault::value(why, format!("write texts only, as in {example}")).at(origin));
                };
                add(text).map_err(|fault| fault.at(origin))?;
            }
        }
        Value::Untyped(list) => {
            for text in list.split(',').map(str::trim).filter(|text| !text.is_empty()) {
                add(text)?;
            }
        }
        Value::Text(_) | Value::Integer(_) | Value::Boolean(_) | Value::Other(_) => return Err(Fault::Type(wanted)),
    }
    Ok(found)
}

fn read_paths(value: &Value) -> Result<Vec<String>, Fault> {
    let list = (LIST, "[\"/health\"]");
    let paths = read_list(value, list, |path| names::url_path(path).map(|()| path.to_owned()))?;
    if (1..=MAX_PATHS).contains(&paths.len()) {
        return Ok(paths);
    }
    Err(Fault::value(format!("names {} paths", paths.len()), format!("name 1 to {MAX_PATHS}, as in [\"/health\"]")))
}

fn read_directories(value: &Value) -> Result<Vec<PathBuf>, Fault> {
    let list = (DIRECTORY_LIST, "[\"/var/lib/rundeck\"]");
    let directories = read_list(value, list, whole_path)?;
    if directories.len() <= MAX_PATHS {
        return Ok(directories);
    }
    Err(Fault::value(format!("names {} directories", directories.len()), format!("name at most {MAX_PATHS}")))
}

fn show_list(items: &[String]) -> toml::Value {
    toml::Value::Array(items.iter().cloned().map(toml::Value::String).collect())
}

fn show_directories(paths: &[PathBuf]) -> toml::Value {
    toml::Value::Array(paths.iter().map(|path| toml::Value::String(path.display().to_string())).collect())
}
