//! The clients for AWS: the load balancer's API and the instance metadata, in neutral words.
//!
//! Types of the SDK stop in this room, and what goes wrong leaves it as the heart's neutral trouble. It holds no loop,
//! no pacing and no policy, and dry-run is decided elsewhere: what is called here is sent.
//!
//! | file | what |
//! |---|---|
//! | `sdk.rs` | the one HTTP client, trust, proxy, region and credentials |
//! | `elbv2.rs` | register, deregister, look at targets and groups |
//! | `groups.rs` | what a target group is like |
//! | `error.rs` | what AWS's errors mean |
//! | `imds.rs` | instance metadata (IMDSv2) |
//! | `items.rs` | what its items look like, and its page for what is not there |
//! | `tally.rs` | calls counted for the metrics |

mod elbv2;
mod error;
mod groups;
mod imds;
mod items;
mod sdk;
mod tally;

#[cfg(test)]
mod tests;

pub use elbv2::{Change, Elbv2, Seen, TargetSeen};
pub use groups::{GroupFacts, GroupsBy, HealthCheck, HealthPort, TargetType};
pub use imds::{Imds, ImdsError};
pub use items::Identity;
pub use sdk::{Outside, Sdk, SetupError};
pub use tally::{CallResult, Tally};
