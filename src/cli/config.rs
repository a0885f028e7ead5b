//! `config validate`, `config show`, `config default`. Reads the same sources as the agent would; changes nothing.

use super::args::{ConfigCommand, Output};
use super::console::Console;
use super::error::{BAD_CONFIGURATION, CliError};
use super::{Globals, text};
use crate::config::{DEFAULT_CONFIG, Loaded, Origin, load};
use serde_json::json;
use std::path::Path;
use std::process::ExitCode;

/// Does one of them.
///
/// # Errors
/// Every mistake of the configuration, exit code 78; or the output cannot be written.
pub fn config(globals: &Globals, command: &ConfigCommand, console: &mut Console<'_>) -> Result<ExitCode, CliError> {
    match (command, globals.output()) {
        (ConfigCommand::Default, Output::Text) => console.say(DEFAULT_CONFIG)?,
        (ConfigCommand::Default, Output::Json) => console.say_json(&Loaded::default().to_json())?,
        (ConfigCommand::Show { origin: true }, Output::Text) => {
            console.say(&globals.load(Vec::new())?.to_toml_with_origins())?;
        }
        (ConfigCommand::Show { origin: false }, Output::Text) => console.say(&globals.load(Vec::new())?.to_toml())?,
        (ConfigCommand::Show { .. }, Output::Json) => console.say_json(&globals.load(Vec::new())?.to_json())?,
        (ConfigCommand::Validate, Output::Text) => {
            let loaded = globals.load(Vec::new())?;
            console.say(&format!("configuration is valid: {}\n", told(globals, &loaded)))?;
        }
        (ConfigCommand::Validate, Output::Json) => return validate_json(globals, console),
    }
    Ok(ExitCode::SUCCESS)
}

fn validate_json(globals: &Globals, console: &mut Console<'_>) -> Result<ExitCode, CliError> {
    match load(&globals.sources(Vec::new())) {
        Ok(loaded) => {
            console.say_json(&json!({ "valid": true, "files": files(globals, &loaded) }))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(errors) => {
            let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
            console.say_json(&json!({ "valid": false, "errors": errors }))?;
            Ok(ExitCode::from(BAD_CONFIGURATION))
        }
    }
}

/// The files, and how many keys the environment sets, in one line.
fn told(globals: &Globals, loaded: &Loaded) -> String {
    let mut parts = files(globals, loaded);
    if parts.is_empty() {
        parts.push("no file, the defaults are in force".to_owned());
    }
    let variables = loaded.shown().iter().filter(|key| matches!(key.origin, Origin::Environment(_))).count() as u64;
    if variables > 0 {
        parts.push(format!("{} from the environment", text::count(variables, "key", "keys")));
    }
    parts.join(", ")
}

/// The main file, where there is one, then every file that has a value in force.
fn files(globals: &Globals, loaded: &Loaded) -> Vec<String> {
    let main = globals.sources(Vec::new()).file.filter(|path| path.is_file());
    let mut files: Vec<String> = main.iter().map(|path| shown(path)).collect();
    let mut fragments: Vec<String> = loaded
        .shown()
        .into_iter()
        .filter_map(|key| match key.origin {
            Origin::File { path, .. } => Some(shown(&path)),
            Origin::Default | Origin::Environment(_) | Origin::Flag(_) => None,
        })
        .filter(|path| !files.contains(path))
        .collect();
    // In the order in which they are read: by name.
    fragments.sort();
    fragments.dedup();
    files.append(&mut fragments);
    files
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
