//! Why the agent does not start. Once it runs, nothing is an error any more.

use crate::store::OpenError;
use crate::systemd::PassedError;
use crate::watch::client::ClientError;
use std::io;
use std::net::SocketAddr;

/// Why the agent does not start. Each names the cure.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The health port.
    #[error("cannot listen on {addr}: {source}; free the port, or choose another one by health.listen")]
    Listen { addr: SocketAddr, source: io::Error },
    /// What systemd passed.
    #[error(transparent)]
    Passed(#[from] PassedError),
    /// The Rundeck client, or its token.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Another agent.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The admin port.
    #[error("cannot listen on {addr}: {source}; free the port, or choose another one by admin.listen")]
    Admin { addr: SocketAddr, source: io::Error },
    /// The control socket; the text names the cure.
    #[error("{0}")]
    Control(String),
    /// Threads, signals, the boot id.
    #[error("the system refuses {what}: {source}")]
    System {
        /// What was asked.
        what: &'static str,
        source: io::Error,
    },
}

/// For `map_err`: the system refuses this.
pub(super) fn system(what: &'static str) -> impl FnOnce(io::Error) -> StartError {
    move |source| StartError::System { what, source }
}
