//! What people order, what they are answered, and what is kept on disk of both.
//!
//! Who may order what, and what an order leads to, is decided in `heart/orders.rs`.

use super::aws::{ScalingFacts, Target};
use super::moment::Moment;
use super::policy::Ownership;
use super::receipt::Receipt;
use super::seen::Process;
use super::words::{Cause, words};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What an earlier run of the agent left behind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The last verdict of the same boot.
    pub verdict: Option<KeptVerdict>,
    /// Orders and marks of the same boot.
    pub intent: Option<Intent>,
    /// Targets that this machine, or another with this disk, has registered; of whatever boot.
    pub registered: Option<Registrations>,
    /// What holds over reboots.
    #[serde(default)]
    pub held: Option<Held>,
}

/// The targets that this agent has registered, or found in groups that are its own to act in: what is no longer named
/// is left all the same, over restarts and reboots.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registrations {
    /// The instance that they are of: to another one, made from a copy of its disk, they say nothing.
    pub instance: String,
    /// Each once, in order.
    pub targets: Vec<Registered>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Registered {
    /// Which.
    #[serde(flatten)]
    pub target: Target,
    /// By what right it was registered.
    pub ownership: Ownership,
}

/// What an operator wants of this machine over reboots, and what the agent has done to it meanwhile: bound to the
/// instance, for an image that was made of it is another machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Which machine; `None`: metadata had not told.
    pub instance: Option<String>,
    /// It was written since this machine has booted: then it is this one, whatever metadata say.
    pub same_boot: bool,
    /// It is being maintained.
    pub maintenance: Option<Maintenance>,
    /// The Auto Scaling group in which this agent has put it into Standby, and from which it has to come back.
    pub standby: Option<String>,
}

/// Maintenance: 503 without leaving the target groups, until an operator or its time ends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Maintenance {
    /// Free text of the operator, empty when none was given.
    pub reason: String,
    /// Since when: in an order when that was given, then when it began.
    pub since: Moment,
    /// When it ends by itself.
    pub until: Option<Moment>,
}

/// A verdict that outlives the agent, so that its restart fails no check. Written only while up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptVerdict {
    /// When the last round ended.
    pub at: Moment,
    /// The Rundeck it was about.
    pub process: Process,
}

/// What the node is meant to do, as it survives a crash.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Drains that are wanted, oldest first.
    pub drains: Vec<DrainOrder>,
    /// Passive mode is ours to undo.
    pub passive_by_us: bool,
    /// The Rundeck process that was switched; a restart forgets the mode.
    pub process: Option<Process>,
    /// The receipt of the drain, where it has ended: it is not played again. Absent in files of older agents.
    #[serde(default)]
    pub ended: Option<Box<Receipt>>,
    /// The node answered 200 in this boot: somebody may have been sent here.
    #[serde(default)]
    pub served: bool,
    /// A switch to passive mode that was given up may still take effect until then. Absent where none may, and in files
    /// of older agents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub may_land_until: Option<Moment>,
    /// Which Auto Scaling group has the node, where a drain is wanted; `None`: nobody had told. Absent in files of
    /// older agents.
    #[serde(default)]
    pub scaling: Option<ScalingKept>,
}

/// What was known of the Auto Scaling group, as it survives a restart of the agent in the same boot: until somebody
/// tells anew it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ScalingKept {
    /// None has the node.
    Alone,
    /// This one, with what it is like and when that was read.
    Group {
        /// Its name.
        name: String,
        /// What it is like.
        facts: ScalingFacts,
        /// When that was read.
        read: Moment,
    },
}

/// What an operator may order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// Leave.
    Drain(DrainOrder),
    /// Take back a drain of this cause.
    Resume(Cause),
    /// Answer 503 and stay a target.
    Maintain(Maintenance),
    /// Maintenance is over.
    EndMaintenance,
}

/// A wish that the node leaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrainOrder {
    /// Receipt id, made by the shell from the wall clock.
    pub id: String,
    /// Who wants it.
    pub cause: Cause,
    /// Free text of the operator.
    pub reason: String,
    /// When it was ordered.
    pub at: Moment,
    /// When it must have ended.
    pub deadline: Option<Moment>,
    /// The fleet need not agree. Absent in files of older agents, which asked nobody.
    #[serde(default)]
    pub force: bool,
}

words! {
    /// Why an order is refused.
    Refusal {
        /// An Auto Scaling group might replace the node for it.
        Asg = "asg",
        /// The agent is stopping.
        AgentStopping = "agent-stopping",
        /// It was taken back before it had begun.
        Resumed = "resumed",
        /// It has to go by Standby, and that is not to be had.
        Standby = "standby",
        /// Too few others are healthy, or nobody tells how many.
        Guard = "guard",
        /// Nobody tells whether an Auto Scaling group has the node, or what it would do.
        Unknown = "unknown",
    }
}

/// What an operator is told at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderAnswer {
    /// The drain with this receipt id has begun or was running.
    Accepted(String),
    /// The drain was taken back, or there was none.
    Resumed(bool),
    /// Maintenance is on, or over; false: it was not on.
    Maintained(bool),
    /// Not done.
    Refused {
        /// The stable word.
        why: Refusal,
        /// How many others are healthy, where that is why.
        healthy_others: Option<usize>,
        /// For people, with the way out.
        text: String,
    },
}
