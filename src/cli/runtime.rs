//! The runtime of a command that asks somebody and ends. Asks nobody itself.

use super::error::CliError;

/// A runtime for the few calls of one command.
///
/// # Errors
/// The system has no descriptor left.
pub fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::failed(&error).with_cure("the system has no descriptor left: raise its limit"))
}
