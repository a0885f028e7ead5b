//! Strict IMDSv2, one server per node: tokens with the rules of the EC2 user guide, and the metadata that an agent
//! reads.
//!
//! It follows real IMDS where AWS's own mock departs from it (everything is `text/plain`, a forwarded token request is
//! refused). There is no IMDSv1. Spot and maintenance notices are not played: their paths answer 404, as on a quiet
//! node.

pub(crate) mod node;
mod server;
mod tokens;
mod tree;

pub use node::Node;
pub use server::Imds;
pub(crate) use server::Lifecycle;
