//! What the environment decides about a run: files, credential, terminal. Read by the command line, used at the start.

use crate::effect::hooks::Inherited;
use std::path::PathBuf;

/// What the environment decides.
#[derive(Debug, Clone)]
pub struct Places {
    /// Intent and receipts.
    pub state_directory: PathBuf,
    /// The kept verdict, and the control socket by default.
    pub runtime_directory: PathBuf,
    /// The systemd credential `rundeck-token`, where there is one.
    pub credential: Option<PathBuf>,
    /// SIGHUP ends the agent too: it runs on somebody's terminal.
    pub terminal: bool,
    /// What the operator's own commands inherit.
    pub inherited: Inherited,
}
