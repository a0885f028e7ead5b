//! What can be wrong with a configuration, as typed problems that each render to one line with the
//! place and the cure. Does not find problems, and does not print them: the command line does.

use std::fmt;

use super::origin::Origin;

/// One mistake: where it stands and what it is. Its text is one line, `FILE:LINE:COL: what; cure`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct ConfigError {
    /// The place to repair.
    pub place: Origin,
    /// What is wrong there, and the cure.
    pub problem: Problem,
}

/// The kinds of mistakes. No variant ever holds a secret or a text that may contain one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Problem {
    /// A file or folder that cannot be read at all.
    #[error("cannot be read: {reason}; {cure}")]
    Unreadable {
        /// The operating system's word, or ours.
        reason: String,
        /// What to do about it.
        cure: String,
    },
    /// Not TOML.
    #[error("not valid TOML: {reason}; {cure}")]
    Syntax {
        /// The parser's word.
        reason: String,
        /// What to do about it.
        cure: String,
    },
    /// A key, table or variable that no version knows.
    #[error("unknown {what}; {cure}")]
    Unknown {
        /// The thing with its name, such as ``key `intervall` in [health]``.
        what: String,
        /// The nearest known name, or where to find all of them.
        cure: String,
    },
    /// A key that a later version is to have, and this one does not act upon.
    #[error("`{key}` is known, but not supported by this version; remove it")]
    Unsupported {
        /// Path of the key or table.
        key: String,
    },
    /// A value of another type than the key's.
    #[error("`{key}` must be {wanted}; found {found}")]
    WrongType {
        /// Path of the key.
        key: String,
        /// The type with an example.
        wanted: &'static str,
        /// What stands there.
        found: String,
    },
    /// A value of the right type that cannot be meant.
    #[error("`{key}` {why}; {cure}")]
    BadValue {
        /// Path of the key.
        key: String,
        /// What is wrong with it, as the rest of a sentence about the key.
        why: String,
        /// What to write.
        cure: String,
    },
    /// Values that are right alone and impossible together.
    #[error("{why}; {cure}")]
    Conflict {
        /// The rule that is broken, with the values.
        why: String,
        /// Which of them to change, and how.
        cure: String,
    },
}

/// Everything that was found wrong, in the order of the places; never empty. One line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    /// `None` when there is nothing to tell.
    pub(super) fn from_found(mut found: Vec<ConfigError>) -> Option<ConfigErrors> {
        found.sort();
        found.dedup();
        (!found.is_empty()).then_some(ConfigErrors(found))
    }

    /// The mistakes one by one.
    pub fn iter(&self) -> std::slice::Iter<'_, ConfigError> {
        self.0.iter()
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, error) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}
