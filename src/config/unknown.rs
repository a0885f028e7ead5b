//! What is said about a name that is no key: "not in this version", "did you mean", "belongs
//! there". Does not decide what is a key: that is the table in `keys.rs`.

use super::error::Problem;
use super::keys::{self, TARGET_GROUP};
use super::suggest::nearest;

/// Where all the names are, when none is near.
const ALL_NAMES: &str = "`rundeck-alb-agent config default` lists all keys";

/// The name of `table` as a file writes it.
pub(super) fn header(table: &str) -> String {
    if table == TARGET_GROUP { format!("[[{table}]]") } else { format!("[{table}]") }
}

/// A key that its table does not have.
pub(super) fn key(table: &str, name: &str) -> Problem {
    if let Some(key) = keys::unsupported(&format!("{table}.{name}")) {
        return Problem::Unsupported { key: key.to_owned() };
    }
    let within = |known: &'static str| known.strip_prefix(table)?.strip_prefix('.');
    let siblings = keys::all().filter_map(|(of, known)| if of == table { Some(known) } else { within(of) });
    let cure = match (nearest(name, siblings), home(name)) {
        (Some(known), _) => format!("did you mean `{known}`?"),
        (None, Some(homes)) => format!("it belongs in {homes}"),
        (None, None) => ALL_NAMES.to_owned(),
    };
    Problem::Unknown { what: format!("key `{}` in {}", shown(name), header(table)), cure }
}

/// A name at the top of a file that is no table.
pub(super) fn top(name: &str, is_table: bool) -> Problem {
    if let Some(key) = keys::unsupported(name) {
        return Problem::Unsupported { key: key.to_owned() };
    }
    let what =
        if is_table { format!("table [{}]", shown(name)) } else { format!("key `{}` before any table", shown(name)) };
    let cure = match (nearest(name, keys::all().map(|(table, _)| table)), home(name)) {
        (_, Some(homes)) if !is_table => format!("it belongs in {homes}"),
        (Some(table), _) => format!("did you mean {}?", header(table)),
        (None, _) => ALL_NAMES.to_owned(),
    };
    Problem::Unknown { what, cure }
}

/// An environment variable with our prefix whose name means `path`, which is no key.
pub(super) fn variable(path: &str) -> Problem {
    if let Some(key) = keys::unsupported(path) {
        return Problem::Unsupported { key: key.to_owned() };
    }
    let known: Vec<String> = keys::KEYS.iter().map(keys::Key::path).collect();
    let cure = if path == TARGET_GROUP || path.starts_with("target_group.") {
        "target groups stand in files only".to_owned()
    } else if let Some(key) =
        known.iter().find(|known| known.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
    {
        format!("it is a table: name its keys, as in {}", keys::variable(key))
    } else {
        match nearest(path, known.iter().map(String::as_str)) {
            Some(meant) => format!("did you mean {}?", keys::variable(meant)),
            None => format!("unset it; {ALL_NAMES}"),
        }
    };
    Problem::Unknown { what: "variable".to_owned(), cure }
}

/// A flag of the command line that stands for a key which does not exist: a mistake of ours.
pub(super) fn flag(path: &str) -> Problem {
    Problem::Unknown { what: format!("key `{}`", shown(path)), cure: ALL_NAMES.to_owned() }
}

/// The tables that do have a key of this name.
fn home(name: &str) -> Option<String> {
    let homes: Vec<String> = keys::all().filter(|(_, known)| *known == name).map(|(table, _)| header(table)).collect();
    (!homes.is_empty()).then(|| homes.join(" or "))
}

/// A name from outside, fit for one line.
fn shown(name: &str) -> String {
    name.escape_debug().to_string()
}
