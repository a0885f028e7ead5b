//! The machine that Rundeck runs on: which process is Rundeck, what it is doing, when it ends, what its sockets are
//! doing, the room on its file systems, memory and load, and what the agent itself uses.
//!
//! Everything here reads the kernel and reports facts. Nothing is judged, nothing but a [`KnownJvm`] remembers an
//! earlier look, nobody is signalled. Functions that say "blocking" take milliseconds: call them on a worker
//! (`spawn_blocking`), never on a thread that answers.
//!
//! | file | what |
//! |---|---|
//! | `process/` | which process is Rundeck: a scan, or whoever listens on its port |
//! | `known_jvm/` | that process looked at again without a scan |
//! | `threads.rs` | whether it was told to end, by the name of a thread |
//! | `exit.rs` | its end, seen at once (pidfd) |
//! | `stat.rs` | its start and its threads, from `/proc/PID/stat` |
//! | `sockets/` | what is in flight on its port, and who listens there (sock_diag) |
//! | `holders.rs` | who listens on a port, and which process that is |
//! | `places.rs` | where it writes: names of directories |
//! | `disk.rs` | room on the file system of one directory |
//! | `pressure.rs` | memory and load of the machine |
//! | `addresses.rs` | which addresses its interfaces bear |
//! | `cards.rs` | whether a connection leaves it by a network card |
//! | `own.rs` | the agent itself: its boot, and what it uses |

mod addresses;
mod cards;
mod disk;
mod exit;
mod holders;
mod known_jvm;
mod own;
mod places;
mod pressure;
mod process;
mod sockets;
mod stat;
mod threads;

pub use addresses::addresses;
pub use cards::leaves_by;
pub use disk::{Volume, volume};
pub use exit::{ExitWatch, WatchError, watch_exit};
pub use holders::{Holder, holders};
pub use known_jvm::KnownJvm;
pub use own::{OwnUse, boot_id, own_use};
pub use places::places;
pub use pressure::pressure;
pub use process::{Found, How, Jvm, ScanError, find_rundeck};
pub use sockets::in_flight;

use std::net::IpAddr;

/// Where Rundeck is reached from this machine: the host and port of `rundeck.url`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The address when the URL names one; `None` for a host name. It matters only where several sockets listen on the
    /// same port at different addresses.
    pub address: Option<IpAddr>,
    pub port: u16,
}
