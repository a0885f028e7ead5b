//! rundeck-alb-agent: honest health, membership and graceful draining for a Rundeck node behind an AWS Application Load
//! Balancer.
//!
//! The map (docs/ARCHITECTURE.md draws it); an arrow of imports goes only downwards:
//!
//! | room | for |
//! |---|---|
//! | [`cli`] | commands: reads the environment, prints |
//! | [`agent`] | wiring and THE loop, the only owner of the heart |
//! | [`watch`], [`effect`], [`server`], [`store`], [`telemetry`] | world to events, commands to calls, snapshot to bytes, files, log lines |
//! | [`rundeck`], [`aws`], [`host`], [`systemd`], [`config`], [`clock`] | one outside thing each, as typed facts |
//! | `rundeck_alb_core` | the pure heart: everything that decides |
//!
//! It is a library only so that its tests can reach it; the product is the program.

pub mod agent;
pub mod aws;
pub mod cli;
pub mod clock;
pub mod config;
pub mod effect;
pub mod host;
pub mod rundeck;
pub mod server;
pub mod store;
pub mod systemd;
pub mod telemetry;
pub mod watch;

#[cfg(test)]
#[path = "../tests/fuzz/mod.rs"]
mod fuzz;
