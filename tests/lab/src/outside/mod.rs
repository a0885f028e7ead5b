//! Programs that we did not write, started for a test: moto, HAProxy, a JVM, Rundeck's frameworks in one, PostgreSQL,
//! third-party clients of Rundeck.
//!
//! `cargo xtask test` installs them and says by a variable where they are. Without its variable a test prints that it
//! was not run and passes, so that a plain `cargo test` works; `xtask` then counts it as skipped, by name. Nothing here
//! installs anything.

mod contract;
mod haproxy;
mod jvm;
mod moto;
mod postgres;
mod program;
mod rig;

pub use contract::{CONTRACT, Departure, departures, fake_facts, run_contract};
pub use haproxy::{Haproxy, Server};
pub use jvm::{Jvm, War};
pub use moto::{Credentials, Instance, Moto, MotoWorld, Registered};
pub use postgres::Postgres;
pub use program::{OutsideError, Program, free_port};
pub use rig::{Boot, Rig, RigTools};

use std::path::PathBuf;

/// The folder of programs of the Python environment: `python`, `moto_server`, `rundeck_exporter`.
#[must_use]
pub fn python() -> Option<PathBuf> {
    told("RDALB_TEST_PYTHON")
}

/// HAProxy's program.
#[must_use]
pub fn haproxy() -> Option<PathBuf> {
    told("RDALB_TEST_HAPROXY")
}

/// The folder of a JDK's programs: `java`, `javac`, `jar`.
#[must_use]
pub fn java() -> Option<PathBuf> {
    told("RDALB_TEST_JAVA")
}

/// The folder of PostgreSQL's server programs: `initdb`, `postgres`, `psql`.
#[must_use]
pub fn postgres() -> Option<PathBuf> {
    told("RDALB_TEST_POSTGRES")
}

/// The folder of the JVM rig's flavours.
#[must_use]
pub fn rig() -> Option<PathBuf> {
    told("RDALB_TEST_RIG")
}

fn told(variable: &str) -> Option<PathBuf> {
    let path = std::env::var_os(variable).map(PathBuf::from);
    if path.is_none() {
        println!("not run: {variable} is not set (`cargo xtask test` sets it)");
    }
    path
}
