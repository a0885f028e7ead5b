//! One configuration file: read with a bound, parsed with all places kept, sorted into keys. Does
//! not read the values' meaning, and knows nothing of the other files but that it replaces them.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::error::{ConfigError, Problem};
use super::keys::{self, TARGET_GROUP};
use super::origin::{Origin, Position};
use super::raw::{Entry, Raw, RawGroup, Value};
use super::unknown;

/// Largest file (bytes): the commented default has a fortieth of it.
const MAX_FILE: u64 = 256 * 1024;
/// Most files in `conf.d`.
const MAX_FRAGMENTS: usize = 100;
/// Most target groups: as many as one load balancer takes (AWS, "Quotas for your ALBs").
const MAX_GROUPS: usize = 100;

/// Cures for the TOML parser's words, by their beginning.
const SYNTAX_CURES: [(&str, &str); 10] = [
    ("string values must be quoted", "put the value in quotes"),
    ("duplicate key", "keep one of them"),
    ("key with no value", "write `key = value`"),
    ("unquoted keys", "write the key's name before `=`"),
    ("invalid boolean", "write true or false"),
    ("invalid basic string", "close the quotes in the same line"),
    ("invalid literal string", "close the quotes in the same line"),
    ("unclosed table", "close the bracket"),
    ("unclosed array", "close the bracket"),
    ("unexpected key or value", "begin a new line for it"),
];

/// The fragments beside `file`: `conf.d/*.toml` in name order; hidden ones are left out.
pub(super) fn fragments(file: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    let folder = file.with_file_name("conf.d");
    let unreadable = |error: io::Error| unreadable(&folder, &error);
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let name = entry.map_err(unreadable)?.file_name();
        let path = folder.join(&name);
        let hidden = name.as_encoded_bytes().starts_with(b".");
        if !hidden && path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
        if files.len() > MAX_FRAGMENTS {
            let reason = format!("more than {MAX_FRAGMENTS} files");
            return Err(refused(&folder, reason, "join some of them"));
        }
    }
    files.sort();
    Ok(files)
}

/// Reads a whole file as text; `None` if there is none.
pub(super) fn read(path: &Path) -> Result<Option<String>, ConfigError> {
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes));
    match opened {
        Ok(_) if bytes.len() as u64 > MAX_FILE => {
            Err(refused(path, format!("larger than {} KiB", MAX_FILE / 1024), "is it a configuration file?"))
        }
        Ok(_) => String::from_utf8(bytes)
            .map(Some)
            .map_err(|_| refused(path, "not UTF-8".to_owned(), "save it as UTF-8 text")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(path, &error)),
    }
}

/// The error for a file that was named and is not there.
pub(super) fn missing(path: &Path) -> ConfigError {
    refused(path, "no such file".to_owned(), "correct `--config`, or leave it out for the default file")
}

fn unreadable(path: &Path, error: &io::Error) -> ConfigError {
    let cure = match error.kind() {
        io::ErrorKind::PermissionDenied => "let the user rundeck-alb-agent read it",
        io::ErrorKind::IsADirectory => "name a file",
        _ => "repair the path or the file system",
    };
    refused(path, error.to_string(), cure)
}

fn refused(path: &Path, reason: String, cure: &str) -> ConfigError {
    ConfigError { place: Origin::file(path), problem: Problem::Unreadable { reason, cure: cure.to_owned() } }
}

/// Adds what `text` says to `raw` and what is wrong with it to `errors`. A file that is not TOML
/// adds nothing: half of it could mean something else than the whole.
pub(super) fn add(path: &Path, text: &str, raw: &mut Raw, errors: &mut Vec<ConfigError>) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { path: path.into(), text, raw, errors };
    let (root, syntax) = DeTable::parse_recoverable(text);
    if syntax.is_empty() {
        reader.root(root.into_inner());
    } else {
        reader.syntax(&syntax);
    }
}

/// One file on its way into the merged values.
struct Reader<'a> {
    path: Arc<Path>,
    text: &'a str,
    raw: &'a mut Raw,
    errors: &'a mut Vec<ConfigError>,
}

impl Reader<'_> {
    fn origin(&self, span: Range<usize>) -> Origin {
        let position = Some(Position::of(self.text, span.start));
        Origin::File { path: Arc::clone(&self.path), position }
    }

    fn fail(&mut self, span: Range<usize>, problem: Problem) {
        let place = self.origin(span);
        self.errors.push(ConfigError { place, problem });
    }

    /// The first error of each line: the others follow from it.
    fn syntax(&mut self, found: &[toml::de::Error]) {
        let mut by_line: BTreeMap<usize, (Range<usize>, &str)> = BTreeMap::new();
        for error in found {
            let span = error.span().unwrap_or_default();
            let line = Position::of(self.text, span.start).line;
            let first = by_line.entry(line).or_insert_with(|| (span.clone(), error.message()));
            if span.start < first.0.start {
                *first = (span, error.message());
            }
        }
        for (span, message) in by_line.into_values() {
            let known = SYNTAX_CURES.iter().find(|(beginning, _)| message.starts_with(beginning));
            let cure = known.map_or("`rundeck-alb-agent config default` shows how it is written", |(_, cure)| cure);
            let (reason, cure) = if span.is_empty() && message.starts_with("string values must be quoted") {
                ("a key without a value", "write one after `=`, in quotes if it is a text")
            } else {
                (message, cure)
            };
            self.fail(span, Problem::Syntax { reason: reason.to_owned(), cure: cure.to_owned() });
        }
    }

    fn root(&mut self, root: DeTable<'_>) {
        for (key, value) in root {
            let (span, name) = (key.span(), key.into_inner());
            if name == TARGET_GROUP {
                self.groups(span, value.into_inner());
            } else if keys::is_table(&name) {
                self.table(span, &name, value.into_inner());
            } else {
                let is_table = matches!(value.get_ref(), DeValue::Table(_) | DeValue::Array(_));
                self.fail(span, unknown::top(&name, is_table));
            }
        }
    }

    fn table(&mut self, span: Range<usize>, table: &str, value: DeValue<'_>) {
        let DeValue::Table(entries) = value else {
            let why = format!("`{table}` is one table, not {}", describe_other(&value));
            let cure = format!("write [{table}] in a line of its own, its keys below");
            return self.fail(span, Problem::Conflict { why, cure });
        };
        for (key, value) in entries {
            let nested = format!("{table}.{}", key.get_ref());
            if keys::is_table(&nested) {
                self.table(key.span(), &nested, value.into_inner());
            } else if let Some((name, entry)) = self.known(table, key, value) {
                self.raw.keys.insert(format!("{table}.{name}"), entry);
            }
        }
    }

    fn groups(&mut self, span: Range<usize>, value: DeValue<'_>) {
        let DeValue::Array(items) = value else {
            let why = format!("`{TARGET_GROUP}` can stand several times");
            let cure = format!("write [[{TARGET_GROUP}]] with two brackets");
            return self.fail(span, Problem::Conflict { why, cure });
        };
        let mut groups = Vec::new();
        for item in items {
            let span = item.span();
            match item.into_inner() {
                DeValue::Table(entries) => {
                    let known = entries.into_iter().filter_map(|(key, value)| self.known(TARGET_GROUP, key, value));
                    let keys = known.collect();
                    groups.push(RawGroup { origin: self.origin(span), keys });
                }
                _ => {
                    let why = format!("`{TARGET_GROUP}` is a list of tables");
                    let cure = format!("write [[{TARGET_GROUP}]], its keys below");
                    self.fail(span, Problem::Conflict { why, cure });
                }
            }
        }
        if groups.len() > MAX_GROUPS {
            let why = format!("{} target groups", groups.len());
            let cure = format!("name at most {MAX_GROUPS}");
            self.fail(span, Problem::Conflict { why, cure });
        }
        self.raw.groups = groups;
    }

    /// The entry if its name is a key of `table`; another becomes an error.
    fn known(
        &mut self,
        table: &str,
        key: Spanned<DeString<'_>>,
        value: Spanned<DeValue<'_>>,
    ) -> Option<(String, Entry)> {
        let (span, name) = (key.span(), key.into_inner());
        if keys::is_key(table, &name) {
            return Some((name.into_owned(), self.entry(value)));
        }
        self.fail(span, unknown::key(table, &name));
        None
    }

    fn entry(&self, value: Spanned<DeValue<'_>>) -> Entry {
        let origin = self.origin(value.span());
        let value = match value.into_inner() {
            DeValue::String(text) => Value::Text(text.into_owned()),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map_or(Value::Other("an integer beyond 64 bits"), Value::Integer),
            DeValue::Boolean(on) => Value::Boolean(on),
            DeValue::Array(items) => Value::List(items.into_iter().map(|item| self.entry(item)).collect()),
            DeValue::Float(_) => Value::Other("a fraction"),
            DeValue::Datetime(_) => Value::Other("a date or time"),
            DeValue::Table(_) => Value::Other("a table"),
        };
        Entry { value, origin }
    }
}

fn describe_other(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::Array(_) => "a list",
        _ => "a single value",
    }
}
