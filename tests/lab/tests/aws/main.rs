//! The AWS half of the lab, asked from outside as users, agents and the SDK ask it.

mod api;
mod balancer;
mod faults;
mod imds;
mod scaling;
mod sdk;
mod support;
mod targets;
