//! From the world to events: one file per thing that is watched, `client.rs`, which builds what Rundeck is asked with,
//! and `single.rs`, which keeps what may hang to one worker.
//!
//! Thin: each function looks once and says what it saw in the heart's words. When to look, and what follows from it,
//! is decided in the heart.

pub mod api;
pub mod client;
pub mod database;
pub mod disk;
pub mod host;
pub mod node;
pub mod process;
pub mod readiness;
pub mod scaling;
pub mod signals;
pub mod single;
pub mod targets;
pub mod web;
