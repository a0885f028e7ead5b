//! The world in a box: an ALB with its API, IMDSv2 and a Rundeck stand-in, all on loopback and in the caller's process.
//!
//! For tests and the demo; nothing of it is shipped. Each module is a server or a part of one; [`World`] starts the AWS
//! half together and stops it when dropped.

pub mod alb;
pub mod aws;
pub mod clock;
pub mod conformance;
pub mod faults;
pub mod http;
pub mod imds;
pub mod outside;
pub mod rundeck;
mod world;

pub use world::{Builder, StartError, World};

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks; a panic elsewhere has failed its test already and need not fail others.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A free port of 127.0.0.1.
pub(crate) fn any_port() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}
