//! One look at everything at once, as `check` and `doctor` make it, and what it amounts to.
//!
//! What it amounts to is decided in the `look` room.

use super::aws::{GroupFacts, ScalingSeen, Target};
use super::finding::Finding;
use super::seen::{ApiSeen, BootSeen, DiskSeen, HostSeen, ProcessSeen, ReadySeen, WebSeen};
use super::words::{Check, Degraded, Outcome, Reason, words};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What was seen at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The search for Rundeck's process.
    pub process: ProcessSeen,
    /// `GET /health`.
    pub web: WebSeen,
    /// The token-free API step, where it was asked.
    pub boot: Option<BootSeen>,
    /// The readiness endpoint, where it was asked.
    pub ready: Option<ReadySeen>,
    /// `system/info`; `None`: there is no token.
    pub api: Option<ApiSeen>,
    /// The file systems that Rundeck writes to.
    pub disks: Vec<DiskSeen>,
    /// Memory and load; `None`: they cannot be read.
    pub host: Option<HostSeen>,
}

/// What it amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looks {
    /// Nothing is wrong.
    Up,
    /// It serves, but something is wrong.
    Degraded(Degraded),
    /// It must not get requests.
    Down(Reason),
    /// What was seen says nothing about Rundeck.
    Unknown,
}

/// One check in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookRow {
    /// Which.
    pub check: Check,
    /// What it came to.
    pub result: Outcome,
    /// What was seen.
    pub seen: String,
}

/// What one look at the node's Auto Scaling group came to.
#[derive(Clone, Copy, Debug)]
pub enum ScalingLook<'a> {
    /// No group has the node.
    Alone,
    /// This one has it.
    Group(&'a ScalingSeen),
    /// Metadata show that one has it, and nobody tells which.
    Hidden,
    /// Nobody tells.
    Unknown,
}

words! {
    /// Who acts for the node's membership in a group.
    GroupOwner {
        /// The agent on this node.
        Us = "us",
        /// The Auto Scaling group that has attached it.
        AutoScaling = "asg",
        /// Somebody else, by the configuration, or perhaps an Auto Scaling group: the agent only looks.
        Other = "other",
        /// Nobody tells: the agent only looks.
        Unknown = "unknown",
    }
}

/// One group as this node has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupLook {
    /// As it is named.
    pub named: String,
    /// What it is like, where AWS told.
    pub facts: Option<GroupFacts>,
    /// The node's target in it, where that is known.
    pub target: Option<Target>,
    /// Who acts.
    pub owner: GroupOwner,
    /// Its health check asks this agent; `None`: not known.
    pub asks_agent: Option<bool>,
    /// What is wrong with it.
    pub findings: Vec<(Finding, String)>,
}
