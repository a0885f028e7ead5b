//! The machine that Rundeck runs on: which process is Rundeck, when it ends, what its sockets are doing, and what the
//! agent itself uses.
//!
//! Everything here reads the kernel and reports facts. Nothing is judged, nothing is kept between two calls, nobody is
//! signalled. Functions that say "blocking" take milliseconds: call them on a worker (`spawn_blocking`), never on a
//! thread that answers.

mod exit;
mod own;
mod process;
mod sockets;
mod stat;

pub use exit::{ExitWatch, WatchError, watch_exit};
pub use own::{OwnUse, boot_id, own_use};
pub use process::{Found, How, Jvm, ScanError, find_rundeck, refresh_one};
pub use sockets::in_flight;

use std::net::IpAddr;

/// Where Rundeck is reached from this machine: the host and port of `rundeck.url`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The address when the URL names one; `None` for a host name. It matters only where several sockets listen on the
    /// same port at different addresses.
    pub address: Option<IpAddr>,
    /// The TCP port.
    pub port: u16,
}
