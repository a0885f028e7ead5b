//! The commands as they are used: a command line in, two streams and an exit code out, against a scripted agent.

mod agent;
mod balancer;
mod configuration;
mod draining;
mod iam_policy;
mod looking;
mod maintaining;
mod states;
mod texts;

use super::{Surroundings, execute};
use agent::Agent;
use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

type Tested = Result<(), Box<dyn Error>>;

/// What a command did.
#[derive(Debug)]
struct Ran {
    out: String,
    err: String,
    code: ExitCode,
}

impl Ran {
    fn code(&self, code: u8) -> bool {
        self.code == ExitCode::from(code)
    }
}

/// Runs `line` (split at spaces; `_` inside a word stands for a space) with the runtime directory `runtime`.
fn run_in(runtime: &Path, variables: &[(&str, &str)], terminal: bool, line: &str) -> Result<Ran, Box<dyn Error>> {
    let config = runtime.join("agent.toml");
    if !config.exists() {
        fs::write(&config, "")?;
    }
    let runtime = runtime.to_str().ok_or("path")?.to_owned();
    let state = format!("{runtime}/state");
    let mut all = vec![("RUNTIME_DIRECTORY", runtime.as_str()), ("STATE_DIRECTORY", &state)];
    all.extend(variables);
    let mut words: Vec<OsString> = vec!["rundeck-alb-agent".into()];
    words.extend(line.split(' ').filter(|word| !word.is_empty()).map(|word| word.replace('_', " ").into()));
    words.extend(["--config".into(), config.into()]);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let done = execute(words, Surroundings::new(&all, terminal), &mut out, &mut err);
    let mut err = String::from_utf8(err)?;
    let code = done.unwrap_or_else(|error| {
        err.push_str(&error.lines());
        error.exit_code()
    });
    // The folder has another name each time.
    Ok(Ran { out: String::from_utf8(out)?.replace(&runtime, "RUN"), err: err.replace(&runtime, "RUN"), code })
}

/// Runs `line` against `agent`, output to a pipe.
fn run(agent: &Agent, line: &str) -> Result<Ran, Box<dyn Error>> {
    run_in(agent.folder(), &[], false, line)
}

/// Compares `text` with the file under `tests/golden/cli`.
fn golden(name: &str, text: &str) -> Tested {
    let path = Path::new("tests/golden/cli").join(name);
    let text = text.replace('\x1b', "\\e");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &text)?;
    }
    assert_eq!(text, fs::read_to_string(&path)?, "BLESS=1 writes {} anew", path.display());
    Ok(())
}
