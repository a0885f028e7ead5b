//! How a command ends badly: what to print, one line per cause with its cure, and the exit code. Does not print: that
//! is `main.rs`.

use crate::config::ConfigErrors;
use std::error::Error;
use std::fmt::{self, Write};
use std::process::ExitCode;

/// A bad configuration (`EX_CONFIG` of sysexits).
pub const BAD_CONFIGURATION: u8 = 78;
/// A command line that cannot be understood (`EX_USAGE` of sysexits; 2 would read as "down" to a monitor).
pub const BAD_USAGE: u8 = 64;
/// Any other failure.
pub const FAILED: u8 = 1;
/// The exit code where the agent, the fleet or an Auto Scaling group refuses (docs/CLI.md).
pub const REFUSED: u8 = 4;

/// Causes printed of one problem; a longer chain is a loop.
const MAX_CAUSES: usize = 8;

/// Why a command failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CliError {
    problems: Vec<Problem>,
    code: u8,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Problem {
    what: String,
    causes: Vec<String>,
    cure: Option<String>,
}

impl CliError {
    /// An error with the chain of its sources; exit code 1.
    pub fn failed(error: &dyn Error) -> CliError {
        let mut causes = Vec::new();
        let mut last = error.to_string();
        let what = last.clone();
        let mut source = error.source();
        while let Some(cause) = source.filter(|_| causes.len() < MAX_CAUSES) {
            let text = cause.to_string();
            // Some errors already tell their source in their own text.
            if !last.contains(&text) {
                causes.push(text.clone());
            }
            last = text;
            source = cause.source();
        }
        CliError { problems: vec![Problem { what, causes, cure: None }], code: FAILED }
    }

    /// A plain text; exit code 1.
    pub fn text(what: impl Into<String>) -> CliError {
        CliError { problems: vec![Problem { what: what.into(), causes: Vec::new(), cure: None }], code: FAILED }
    }

    /// The same with what to do about it.
    pub fn with_cure(mut self, cure: impl Into<String>) -> CliError {
        if let Some(problem) = self.problems.last_mut() {
            problem.cure = Some(cure.into());
        }
        self
    }

    /// The same with another exit code.
    pub fn with_code(mut self, code: u8) -> CliError {
        self.code = code;
        self
    }

    /// What the process exits with.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }

    /// The lines for standard error: `error:`, `cause:` where there are deeper ones, `cure:`.
    pub fn lines(&self) -> String {
        let mut text = String::new();
        for Problem { what, causes, cure } in &self.problems {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "error: {what}");
            for cause in causes {
                let _ = writeln!(text, "cause: {cause}");
            }
            if let Some(cure) = cure {
                let _ = writeln!(text, "cure:  {cure}");
            }
        }
        text
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.lines().trim_end())
    }
}

impl Error for CliError {}

/// Each mistake is a line that holds its cure.
impl From<ConfigErrors> for CliError {
    fn from(errors: ConfigErrors) -> CliError {
        let problems =
            errors.iter().map(|error| Problem { what: error.to_string(), causes: Vec::new(), cure: None }).collect();
        CliError { problems, code: BAD_CONFIGURATION }
    }
}

/// Output that cannot be written.
impl From<std::io::Error> for CliError {
    fn from(error: std::io::Error) -> CliError {
        CliError::text(format!("cannot write the output: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot listen on [::]:4441: {0}")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("address in use")]
    struct Inner(#[source] std::num::ParseIntError);

    #[test]
    fn the_chain_is_told_once_with_the_cure_last() -> Result<(), &'static str> {
        let deepest = "x".parse::<u8>().err().ok_or("a number")?;
        let error = CliError::failed(&Outer(Inner(deepest))).with_cure("stop the other one");
        assert_eq!(
            error.lines(),
            "error: cannot listen on [::]:4441: address in use\n\
             cause: invalid digit found in string\n\
             cure:  stop the other one\n"
        );
        assert_eq!(error.exit_code(), ExitCode::from(1));
        assert_eq!(error.with_code(3).exit_code(), ExitCode::from(3));
        Ok(())
    }
}
