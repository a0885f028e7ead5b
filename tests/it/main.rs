//! The real agent binary in the world in a box: one file per behaviour.
//!
//! Everything runs on loopback, with shortened times from a configuration file; nothing here waits for a fixed time.

#![cfg(test)]

mod support;

mod balancer;
mod doctor;
mod drain;
mod fleet;
mod haproxy;
mod health;
mod hooks;
mod jvm;
mod machine;
mod maintenance;
mod members;
mod membership;
mod moto;
mod port;
mod proxy;
mod restart;
mod rig;
mod standby;
mod startup;
mod stopping;
mod trouble;
mod verdicts;
