//! Configuration: flags, environment, files and defaults become validated [`Settings`], each value
//! with its [`Origin`]; every mistake becomes one line with the place and the cure. Does not read
//! the process environment and does not print; what the heart decides by, it only fills in.
//!
//! The way of a value: `file.rs`, `env.rs` and flags put it into `raw.rs` as written, later sources
//! over earlier ones; the table in `keys.rs` says which names are keys and, with `codec.rs`, reads
//! them into `settings.rs` and core's policies, which have the defaults; `check.rs` compares them with each other.
//!
//! | file | what |
//! |---|---|
//! | `file.rs`, `env.rs` | one source each: a file, the variables that the caller hands in |
//! | `raw.rs`, `origin.rs` | values as written; the place that each is from |
//! | `keys.rs` | the table of all keys |
//! | `codec.rs` | how each type of value is read and shown |
//! | `units.rs`, `share.rs`, `words.rs`, `lists.rs` | durations; shares; words of closed lists; lists of texts |
//! | `names.rs`, `url.rs` | the shapes of names that go to others; Rundeck's URL |
//! | `secret.rs` | a text that must not be shown |
//! | `settings.rs` | the settings that are not the heart's, with their defaults |
//! | `check.rs` | rules between settings |
//! | `fault.rs`, `error.rs` | what is wrong with one value; mistakes as lines with place and cure |
//! | `unknown.rs`, `suggest.rs` | what is said of a name that is no key; the nearest one that is |
//! | `show.rs` | the settings in force, as text or JSON |

mod check;
mod codec;
mod commands;
mod env;
mod error;
mod fault;
mod file;
mod keys;
mod lists;
mod names;
mod origin;
mod raw;
mod secret;
mod settings;
mod share;
mod show;
mod suggest;
mod units;
mod unknown;
mod url;
mod words;

use std::path::{Path, PathBuf};

pub use env::Environment;
pub use error::{ConfigError, ConfigErrors, Problem};
pub use keys::{PREFIX, variable};
pub use names::is_target_group;
pub use origin::{Origin, Origins, Position};
pub use secret::Secret;
pub use settings::*;
pub use show::Shown;
pub use units::{DurationError, format_duration, parse_duration};
pub use url::{RundeckUrl, UrlError};

use fault::Fault;
use keys::{GROUP_KEYS, GroupDraft, KEYS, Key};
use raw::{Entry, Raw, RawGroup, Value};
use rundeck_alb_core::{GroupWanted, Ownership};

/// Where the configuration is without `--config`.
pub const DEFAULT_PATH: &str = "/etc/rundeck-alb-agent/agent.toml";

/// The commented default file, for `config default` and the packages.
pub const DEFAULT_CONFIG: &str = include_str!("../../config/agent.toml");

/// Everything that a configuration is made of.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The main file; `conf.d/*.toml` beside it follow. `None`: no files at all.
    pub file: Option<PathBuf>,
    /// Whether a person named the file: then it must exist.
    pub explicit: bool,
    pub env: Environment,
    /// Values from flags.
    pub overrides: Vec<Override>,
}

impl Sources {
    /// The sources of a command line: `config` is the value of `--config`.
    pub fn new(config: Option<PathBuf>, env: Environment, overrides: Vec<Override>) -> Sources {
        let explicit = config.is_some();
        let file = Some(config.unwrap_or_else(|| PathBuf::from(DEFAULT_PATH)));
        Sources { file, explicit, env, overrides }
    }
}

/// A key set by a flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// The flag with its dashes, for error lines and origins: `--dry-run`.
    pub flag: &'static str,
    /// The key's path: `aws.dry_run`.
    pub key: &'static str,
    /// The value as the environment would hold it: `true`.
    pub value: String,
}

/// Settings in force and where each came from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Loaded {
    pub settings: Settings,
    /// Where they came from.
    pub origins: Origins,
}

/// Reads all sources and merges them: flag > environment > `conf.d` > file > `RUNDECK_URL` >
/// default. Reads files, so it blocks: not for the health port's thread.
///
/// # Errors
/// Everything that is wrong and can be found at once. Rules between keys are judged when all
/// keys are right by themselves, so that one slip is not told twice.
pub fn load(sources: &Sources) -> Result<Loaded, ConfigErrors> {
    let (loaded, errors) = load_partly(sources);
    errors.map_or(Ok(loaded), Err)
}

/// The same for whoever has to go on all the same: what can be read, over the defaults, beside what is wrong.
pub fn load_partly(sources: &Sources) -> (Loaded, Option<ConfigErrors>) {
    let mut errors = Vec::new();
    let raw = gather(sources, &mut errors);
    let mut loaded = interpret(&raw, &mut errors);
    if loaded.settings.rundeck.token_file.is_none() {
        match sources.env.token() {
            Ok(token) => loaded.settings.rundeck.environment_token = token,
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() {
        errors = check::conflicts(&loaded.settings, &loaded.origins);
    }
    (loaded, ConfigErrors::from_found(errors))
}

/// All sources from the lowest to the highest, merged as written.
fn gather(sources: &Sources, errors: &mut Vec<ConfigError>) -> Raw {
    let mut raw = Raw::default();
    sources.env.add_lowest(&mut raw, errors);
    if let Some(path) = &sources.file {
        add_file(path, sources.explicit, &mut raw, errors);
        match file::fragments(path) {
            Ok(fragments) => fragments.iter().for_each(|path| add_file(path, false, &mut raw, errors)),
            Err(error) => errors.push(error),
        }
    }
    sources.env.add(&mut raw, errors);
    for Override { flag, key, value } in &sources.overrides {
        let origin = Origin::Flag(flag);
        if keys::path_exists(key) {
            let value = Value::Untyped(value.clone());
            raw.keys.insert((*key).to_owned(), Entry { value, origin });
        } else {
            errors.push(ConfigError { place: origin, problem: unknown::flag(key) });
        }
    }
    raw
}

fn add_file(path: &Path, must_exist: bool, raw: &mut Raw, errors: &mut Vec<ConfigError>) {
    match file::read(path) {
        Ok(Some(text)) => file::add(path, &text, raw, errors),
        Ok(None) if must_exist => errors.push(file::missing(path)),
        Ok(None) => {}
        Err(error) => errors.push(error),
    }
}

/// Reads each value by its key's codec, over the defaults.
fn interpret(raw: &Raw, errors: &mut Vec<ConfigError>) -> Loaded {
    let mut loaded = Loaded::default();
    for key in KEYS {
        let path = key.path();
        if let Some(entry) = raw.keys.get(&path) {
            read_key(key, entry, &mut loaded.settings, errors);
            loaded.origins.record(path, entry.origin.clone());
        }
    }
    for (index, group) in raw.groups.iter().enumerate() {
        let path = check::group_path(index);
        for (name, entry) in &group.keys {
            loaded.origins.record(format!("{path}.{name}"), entry.origin.clone());
        }
        if !group.keys.contains_key("ownership") && loaded.origins.is_set("membership.ownership") {
            let inherited = loaded.origins.of("membership.ownership");
            loaded.origins.record(format!("{path}.ownership"), inherited);
        }
        loaded.origins.record(path, group.origin.clone());
        let ownership = loaded.settings.membership.ownership;
        loaded.settings.membership.groups.extend(target_group(group, ownership, errors));
    }
    loaded
}

/// One target group; `None` if it names none, which is then among the errors.
fn target_group(raw: &RawGroup, default: Ownership, errors: &mut Vec<ConfigError>) -> Option<GroupWanted> {
    let mut draft = GroupDraft::default();
    let before = errors.len();
    for key in GROUP_KEYS {
        if let Some(entry) = raw.keys.get(key.name) {
            read_key(key, entry, &mut draft, errors);
        }
    }
    let group = match (draft.arn, draft.name) {
        (Some(group), None) | (None, Some(group)) => group,
        (arn, _) => {
            if errors.len() == before {
                errors.push(check::group_name_missing(&raw.origin, arn.is_some()));
            }
            return None;
        }
    };
    Some(GroupWanted {
        group,
        port: draft.port,
        target_type: draft.target_type,
        ownership: draft.ownership.unwrap_or(default),
    })
}

fn read_key<S>(key: &Key<S>, entry: &Entry, into: &mut S, errors: &mut Vec<ConfigError>) {
    let Err(fault) = (key.read)(into, &entry.value) else {
        return;
    };
    let (place, problem) = match fault {
        Fault::Type(wanted) => (None, Problem::WrongType { key: key.path(), wanted, found: entry.value.describe() }),
        Fault::Value { why, cure, at } => (at, Problem::BadValue { key: key.path(), why, cure }),
    };
    errors.push(ConfigError { place: place.unwrap_or_else(|| entry.origin.clone()), problem });
}

#[cfg(test)]
mod tests;
