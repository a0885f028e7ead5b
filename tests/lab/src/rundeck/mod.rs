//! A stand-in for a Rundeck node: what 3.4, 4.17, 5.20 and 6.1 answer in each state of their life, and how they
//! misbehave.
//!
//! It runs inside a test's process ([`Rundeck::start`]) or as the binary `rundeck-stand-in` where a real process must
//! be killed. It runs no jobs (a job is a length of time), keeps no database. What it knows comes from Rundeck's source
//! and functional tests, and from exchanges recorded on a rig of its frameworks (`tests/lab/data`).

mod actuator;
mod address;
mod api;
mod config;
mod connection;
pub mod control;
mod fault;
mod jobs;
mod lifecycle;
mod mode;
pub mod pause;
mod port;
mod probes;
mod routes;
mod state;
mod tls;
mod version;
mod web;
pub mod wire;

use std::fmt;

pub use config::{Bootstrap, Config, DOCKER_UUID, Kept, Phases, Switches, Token};
pub use fault::{Database, Fault, Faults, Outage, Pool, Scope, UnknownName};
pub use jobs::{Job, Jobs};
pub use lifecycle::{End, Rundeck};
pub use mode::Mode;
pub use state::{DatabaseDown, State, Stats};
pub use tls::Certificate;
pub use version::{Actuator, UnknownVersion, Version};

/// The stages of a node's life, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Life {
    /// The JVM builds its context: the port refuses.
    Booting,
    /// Port open (from 4.0): `/health` is ok, the API answers 503 with an empty body.
    Plugins,
    /// The API answers, but tokens of the file are unknown.
    TokenFile,
    /// Tokens work, the bootstrap is still busy.
    Rest,
    /// All done.
    Ready,
    /// SIGTERM seen: answers like ready until the last job has ended (only a readiness state shows it).
    Stopping,
    /// The port refuses; up to 5.x running requests are cut, a 6.x finishes them.
    Closing,
    /// The bootstrap failed: the port is closed for good, the process lives.
    Wreck,
    /// No process.
    Gone,
}

impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Life::Booting => "booting",
            Life::Plugins => "bootstrap: plugins",
            Life::TokenFile => "bootstrap: token file",
            Life::Rest => "bootstrap: rest",
            Life::Ready => "ready",
            Life::Stopping => "stopping",
            Life::Closing => "closing",
            Life::Wreck => "bootstrap failed",
            Life::Gone => "gone",
        })
    }
}

/// A step worth a line in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The port is open.
    Listening(std::net::SocketAddr),
    /// The port cannot be opened or kept: somebody else took it.
    PortLost(String),
    /// A new stage of life.
    Life(Life),
    /// The execution mode was switched.
    Mode(Mode),
    /// A job began.
    JobStarted {
        /// The execution.
        id: u64,
        /// Its length.
        millis: u64,
    },
    /// A job ran to its end.
    JobFinished {
        /// The execution.
        id: u64,
    },
    /// A job was running when the process was killed.
    JobKilled {
        /// The execution.
        id: u64,
    },
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Listening(addr) => write!(f, "listening {addr}"),
            Event::PortLost(error) => write!(f, "port lost: {error}"),
            Event::Life(life) => write!(f, "{life}"),
            Event::Mode(mode) => write!(f, "mode {}", mode.word()),
            Event::JobStarted { id, millis } => write!(f, "job {id} started for {millis} ms"),
            Event::JobFinished { id } => write!(f, "job {id} finished"),
            Event::JobKilled { id } => write!(f, "job {id} killed"),
        }
    }
}
