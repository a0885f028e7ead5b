//! Settings from environment variables that the caller hands in. Does not read the process's own
//! environment: the command line does, once.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

use super::error::{ConfigError, Problem};
use super::keys::{KEYS, PREFIX, variable};
use super::origin::Origin;
use super::raw::{Entry, Raw, Value};
use super::secret::Secret;
use super::unknown;

/// Rundeck's own variable for its URL: lowest place before the default.
const RUNDECK_URL: &str = "RUNDECK_URL";
/// Rundeck's own variable for a token: lowest place too.
const RUNDECK_TOKEN: &str = "RUNDECK_TOKEN";

/// The variables that concern the configuration. `Debug` tells their names only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// Keeps what concerns the configuration, of `std::env::vars_os()` for example.
    pub fn new(variables: impl IntoIterator<Item = (impl Into<OsString>, impl Into<OsString>)>) -> Environment {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        Environment(variables.filter(|(name, _)| concerns_us(name)).collect())
    }

    /// The token of `RUNDECK_TOKEN`, if it is set and not empty.
    pub(super) fn token(&self) -> Result<Option<Secret>, ConfigError> {
        let Some(value) = self.0.get(&OsString::from(RUNDECK_TOKEN)) else {
            return Ok(None);
        };
        let token = value.to_str().map(str::trim);
        match token {
            Some("") => Ok(None),
            Some(token) if token.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(Some(Secret::new(token.to_owned()))),
            _ => Err(ConfigError {
                place: Origin::Environment(RUNDECK_TOKEN.to_owned()),
                problem: Problem::Conflict {
                    why: "a token holds visible ASCII characters only".to_owned(),
                    cure: "set the token as Rundeck showed it".to_owned(),
                },
            }),
        }
    }

    /// Adds `RUNDECK_URL`, to be called before the files.
    pub(super) fn add_lowest(&self, raw: &mut Raw, errors: &mut Vec<ConfigError>) {
        if let Some(value) = self.0.get(&OsString::from(RUNDECK_URL)).filter(|value| !value.is_empty()) {
            add(RUNDECK_URL, value, "rundeck.url", raw, errors);
        }
    }

    /// Adds the variables with our prefix, to be called after the files.
    pub(super) fn add(&self, raw: &mut Raw, errors: &mut Vec<ConfigError>) {
        for (name, value) in &self.0 {
            let name = name.to_string_lossy();
            let Some(rest) = name.strip_prefix(PREFIX) else {
                continue;
            };
            if let Some(key) = KEYS.iter().find(|key| variable(&key.path()) == name) {
                add(&name, value, &key.path(), raw, errors);
                continue;
            }
            let path = rest.to_lowercase().replace("__", ".");
            errors.push(ConfigError {
                place: Origin::Environment(name.escape_debug().to_string()),
                problem: unknown::variable(&path),
            });
        }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

fn concerns_us(name: &OsString) -> bool {
    name == RUNDECK_URL || name == RUNDECK_TOKEN || name.as_encoded_bytes().starts_with(PREFIX.as_bytes())
}

fn add(name: &str, value: &OsString, path: &str, raw: &mut Raw, errors: &mut Vec<ConfigError>) {
    let origin = Origin::Environment(name.to_owned());
    match value.to_str() {
        Some(text) => {
            raw.keys.insert(path.to_owned(), Entry { value: Value::Untyped(text.to_owned()), origin });
        }
        None => errors.push(ConfigError {
            place: origin,
            problem: Problem::BadValue {
                key: path.to_owned(),
                why: "is not UTF-8".to_owned(),
                cure: "set it to UTF-8 text".to_owned(),
            },
        }),
    }
}
