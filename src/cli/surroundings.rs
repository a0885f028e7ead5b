//! What the process was given from outside: environment variables and what its output is connected to. Read here once,
//! handed to whoever needs it. Decides nothing about the configuration.

use crate::aws::Outside;
use crate::config::Environment;
use crate::effect::hooks::Inherited;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// Where systemd puts the runtime directory of a system service with our name.
const RUNTIME_DIRECTORY: &str = "/run/rundeck-alb-agent";
/// Where systemd puts its state directory.
const STATE_DIRECTORY: &str = "/var/lib/rundeck-alb-agent";
/// The systemd credential that may hold the token.
const CREDENTIAL: &str = "rundeck-token";

/// The environment and the terminal. `Debug` tells the variables' names only: some hold secrets.
#[derive(Clone, Default)]
pub struct Surroundings {
    variables: BTreeMap<OsString, OsString>,
    /// Standard output is a terminal.
    pub terminal: bool,
}

impl Surroundings {
    /// Those of this process.
    pub fn of_this_process() -> Surroundings {
        Surroundings { variables: std::env::vars_os().collect(), terminal: std::io::stdout().is_terminal() }
    }

    /// Given ones, for tests and for commands run in one.
    pub fn new(variables: &[(&str, &str)], terminal: bool) -> Surroundings {
        let variables = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
        Surroundings { variables, terminal }
    }

    /// Those of another process, as `/proc/PID/environ` shows them.
    pub fn of_environ(environ: &[u8]) -> Surroundings {
        let pairs = environ.split(|byte| *byte == 0).filter_map(|pair| {
            let at = pair.iter().position(|byte| *byte == b'=')?;
            Some((OsStr::from_bytes(&pair[..at]).to_owned(), OsStr::from_bytes(&pair[at + 1..]).to_owned()))
        });
        Surroundings { variables: pairs.collect(), terminal: false }
    }

    /// The names of the variables that are `meant` and have another value there, or stand in one of the two only.
    pub fn differing(&self, other: &Surroundings, meant: impl Fn(&str) -> bool) -> Vec<String> {
        let names: BTreeSet<&str> =
            self.variables.keys().chain(other.variables.keys()).filter_map(|name| name.to_str()).collect();
        let differs = |name: &&str| meant(name) && self.variable(name) != other.variable(name);
        names.into_iter().filter(differs).map(str::to_owned).collect()
    }

    /// A variable; an empty one counts as not set.
    pub fn variable(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// The same as text; one that is not UTF-8 counts as not set.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.variable(name)?.to_str()
    }

    /// What concerns the configuration.
    pub fn config_environment(&self) -> Environment {
        Environment::new(self.variables.clone())
    }

    /// `$RUNTIME_DIRECTORY`, else where systemd would put it.
    pub fn runtime_directory(&self) -> PathBuf {
        self.directory("RUNTIME_DIRECTORY", RUNTIME_DIRECTORY)
    }

    /// `$STATE_DIRECTORY`, else where systemd would put it.
    pub fn state_directory(&self) -> PathBuf {
        self.directory("STATE_DIRECTORY", STATE_DIRECTORY)
    }

    /// The file of the systemd credential that holds the token, where there is one.
    pub fn credential(&self) -> Option<PathBuf> {
        let folder = self.variable("CREDENTIALS_DIRECTORY")?;
        Some(PathBuf::from(folder).join(CREDENTIAL)).filter(|path| path.exists())
    }

    /// What AWS's variables say and the SDK does not read. The metadata's address is one that it reads itself; it is
    /// taken from here, so that a command can be given another.
    pub fn outside(&self) -> Outside {
        let read = |name: &str| self.text(name).map(str::to_string);
        Outside {
            ca_bundle: read("AWS_CA_BUNDLE").map(PathBuf::from),
            https_proxy: read("HTTPS_PROXY").or_else(|| read("https_proxy")),
            no_proxy: read("NO_PROXY").or_else(|| read("no_proxy")),
            metadata_disabled: read("AWS_EC2_METADATA_DISABLED").is_some_and(|v| v.eq_ignore_ascii_case("true")),
            metadata_endpoint: read("AWS_EC2_METADATA_SERVICE_ENDPOINT"),
        }
    }

    /// What the operator's own commands get of it.
    pub fn inherited(&self) -> Inherited {
        Inherited::of(self.variables.clone())
    }

    fn directory(&self, variable: &str, default: &str) -> PathBuf {
        // systemd joins several directories by colons; ours is the only one of the unit.
        let first = self.text(variable).and_then(|all| all.split(':').next());
        PathBuf::from(first.filter(|path| !path.is_empty()).unwrap_or(default))
    }
}

impl std::fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Surroundings")
            .field("variables", &self.variables.keys().collect::<Vec<_>>())
            .field("terminal", &self.terminal)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_come_from_systemd_or_stand_where_it_would_put_them() {
        let none = Surroundings::new(&[("RUNTIME_DIRECTORY", "")], false);
        assert_eq!(none.runtime_directory(), PathBuf::from("/run/rundeck-alb-agent"));
        assert_eq!(none.state_directory(), PathBuf::from("/var/lib/rundeck-alb-agent"));
        let given = Surroundings::new(&[("RUNTIME_DIRECTORY", "/run/a:/run/b"), ("STATE_DIRECTORY", "/s")], false);
        assert_eq!(given.runtime_directory(), PathBuf::from("/run/a"));
        assert_eq!(given.state_directory(), PathBuf::from("/s"));
    }

    #[test]
    fn another_process_may_have_other_variables() {
        let here = Surroundings::new(&[("AWS_REGION", "a"), ("HTTPS_PROXY", "p"), ("HOME", "/root")], false);
        let there = Surroundings::of_environ(b"AWS_REGION=a\0NO_PROXY=x=y\0HOME=/\0odd\0HTTPS_PROXY=\0");
        assert_eq!(there.text("NO_PROXY"), Some("x=y"));
        let differs = here.differing(&there, |name| name != "HOME");
        assert_eq!(differs, ["HTTPS_PROXY", "NO_PROXY"]);
    }

    #[test]
    fn no_value_is_shown() {
        let shown = format!("{:?}", Surroundings::new(&[("RUNDECK_TOKEN", "hush")], true));
        assert!(shown.contains("RUNDECK_TOKEN") && !shown.contains("hush"), "{shown}");
    }
}
