//! Where a value, or a mistake, comes from: a place in a file, an environment variable, a flag, or
//! the built-in default. Does not decide which source wins: that is the order in `mod.rs`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// A line and a column, both counted from 1; the column counts characters, as editors do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl Position {
    /// The position of the byte `offset` in `text`; an offset beyond the end is the end.
    pub(super) fn of(text: &str, offset: usize) -> Position {
        let (mut line, mut column) = (1, 1);
        for (at, character) in text.char_indices() {
            if at >= offset {
                break;
            }
            if character == '\n' {
                line += 1;
                column = 1;
            } else {
                column += 1;
            }
        }
        Position { line, column }
    }
}

/// The source of one value.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Nobody set it.
    #[default]
    Default,
    /// A configuration file; without a position the file as a whole.
    File {
        /// The path as it was given.
        path: Arc<Path>,
        /// The place in the file.
        position: Option<Position>,
    },
    /// An environment variable, by name.
    Environment(String),
    /// A command-line flag, with its dashes.
    Flag(&'static str),
}

impl Origin {
    /// A file as a whole.
    pub(super) fn file(path: &Path) -> Origin {
        Origin::File { path: path.into(), position: None }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File { path, position: None } => write!(f, "{}", path.display()),
            Origin::File { path, position: Some(Position { line, column }) } => {
                write!(f, "{}:{line}:{column}", path.display())
            }
            Origin::Environment(name) => write!(f, "environment {name}"),
            Origin::Flag(flag) => write!(f, "flag {flag}"),
        }
    }
}

/// The origin of every key that somebody set, by its path (`health.interval`, `target_group[0].port`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins(BTreeMap<String, Origin>);

impl Origins {
    /// Where the value of `path` came from; [`Origin::Default`] for a key that nobody set.
    pub fn of(&self, path: &str) -> Origin {
        self.0.get(path).cloned().unwrap_or_default()
    }

    /// Whether somebody set `path`.
    pub fn is_set(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    pub(super) fn record(&mut self, path: String, origin: Origin) {
        self.0.insert(path, origin);
    }
}
