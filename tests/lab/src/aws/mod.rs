//! The ELBv2 query API over the groups of [`crate::alb`], and Auto Scaling's over groups of its own: form bodies in,
//! XML out, errors in AWS's words, a log of calls.
//!
//! It checks that a request *looks* signed (SigV4 with the right service), not the signature itself: that is moto's
//! part.

mod actions;
mod api;
mod auth;
mod buckets;
mod calls;
mod cloud;
mod failure;
mod form;
mod scaling;
mod service;
mod xml;

pub use api::Api;
pub use calls::{Call, CallLog, Outcome};
pub(crate) use cloud::Cloud;
pub use scaling::{Refresh, Scaling, ScalingSettings};
pub(crate) use scaling::{Surroundings, work_for_ever};

/// The Region of the lab.
pub const REGION: &str = "eu-west-1";

/// The account of the lab (the one of AWS's examples).
pub const ACCOUNT: &str = "123456789012";

/// Its network.
pub const VPC: &str = "vpc-0a1b2c3d4e5f60718";
