//! Values as they were written, each with its origin, before anybody asks what they mean. Later
//! sources replace earlier ones key by key. Does not know types, ranges or defaults of keys.

use std::collections::BTreeMap;

use super::origin::Origin;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) value: Value,
    pub(super) origin: Origin,
}

/// A value as written.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// A TOML string.
    Text(String),
    /// A TOML integer.
    Integer(i64),
    /// A TOML boolean.
    Boolean(bool),
    /// A TOML array.
    List(Vec<Entry>),
    /// Text of an environment variable or a flag: becomes whatever type the key has.
    Untyped(String),
    /// Something that no key takes, in words with its article: `a date`.
    Other(&'static str),
}

impl Value {
    /// What stands there, for an error line. Texts are not repeated: a misplaced one may be secret.
    pub(super) fn describe(&self) -> String {
        match self {
            Value::Text(_) => "a text".to_owned(),
            Value::Integer(number) => format!("the integer {number}"),
            Value::Boolean(switch) => format!("{switch}"),
            Value::List(_) => "a list".to_owned(),
            Value::Untyped(_) => "another text".to_owned(),
            Value::Other(what) => (*what).to_owned(),
        }
    }
}

/// The merged sources: the last writer of each key.
#[derive(Debug, Default)]
pub(super) struct Raw {
    /// Keys of the ordinary tables by path (`health.interval`).
    pub(super) keys: BTreeMap<String, Entry>,
    /// The target groups of the last file that has any: lists replace.
    pub(super) groups: Vec<RawGroup>,
}

/// One `[[target_group]]` as written.
#[derive(Debug)]
pub(super) struct RawGroup {
    /// The place of its header.
    pub(super) origin: Origin,
    /// Its keys by bare name.
    pub(super) keys: BTreeMap<String, Entry>,
}
