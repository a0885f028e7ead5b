//! The clients for AWS: the load balancer's API, Auto Scaling's, and the instance metadata, in neutral words.
//!
//! Types of the SDK stop in this room, and what goes wrong leaves it as the heart's neutral trouble. It holds no loop,
//! no pacing and no policy, and dry-run is decided elsewhere: what is called here is sent.
//!
//! | file | what |
//! |---|---|
//! | `sdk.rs` | the one HTTP client, trust, proxy, region and credentials |
//! | `caller.rs` | one call: waited for, counted, its error read |
//! | `change.rs` | what came of a call that changes something |
//! | `elbv2.rs` | register, deregister, look at targets and groups |
//! | `groups.rs` | what a target group is like |
//! | `scaling.rs` | which Auto Scaling group has this instance, what it is like, Standby |
//! | `error.rs` | what AWS's errors mean |
//! | `imds.rs` | instance metadata (IMDSv2) |
//! | `items.rs` | what its items look like, and its page for what is not there |
//! | `heard.rs` | which hosts answered, and what their clocks say |
//! | `tally.rs` | calls counted for the metrics |
//! | `words.rs` | what AWS's words about a target mean |

mod caller;
mod change;
mod elbv2;
mod error;
mod groups;
mod heard;
mod imds;
mod items;
mod scaling;
mod sdk;
mod tally;
mod words;

#[cfg(test)]
mod tests;

pub use change::Change;
pub use elbv2::{ELASTIC_LOAD_BALANCING, Elbv2, PeerHealth, Seen, TargetSeen, Zones};
pub use groups::{GroupFacts, GroupsBy, HealthCheck, HealthPort, TargetType};
pub use heard::{Dated, Heard, Host};
pub use imds::{Imds, ImdsError, SCALING_GROUP_TAG};
pub use items::{Identity, Network};
pub use scaling::{AUTO_SCALING, AutoScaling, InGroup, Refresh, ScalingGroup, Size};
pub use sdk::{Outside, Sdk, Services, SetupError};
pub use tally::{CallResult, Tally};
