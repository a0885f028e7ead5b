//! What the bystander knows of one run of the agent. It judges nothing.

use crate::evidence::{Answered, Bound, Counted, Hooks, Local, Named, Open, Taken};
use rundeck_alb_core::{CallId, Cause, Intent, KeptVerdict, Moment, Order, Process, ScalingSeen};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// An order that waits for its answer.
#[derive(Debug)]
pub struct Pending {
    pub order: Order,
    pub since: Moment,
    /// The node was in service then, in groups that it knew.
    pub serving: bool,
}

/// Everything that ends with the agent's process.
#[derive(Debug, Default)]
pub struct Run {
    pub begun: Moment,
    /// What an earlier run has kept was not read yet.
    pub unread: bool,
    /// When it was read; until then, now.
    pub read_at: Moment,
    /// Whoever was told to come back before it was read.
    pub resumed: Vec<Cause>,
    /// Its port was closed while nobody knew its process.
    pub lost_sight: bool,
    /// A look at the process table has said something.
    pub looked: bool,
    /// When the agent last went on after its loop had stood still.
    pub woke: Moment,
    pub open: BTreeMap<CallId, Open>,
    /// The last answer of instance metadata.
    pub lifecycle: Option<Option<String>>,
    /// The last answer of Auto Scaling.
    pub scaling: Option<Option<ScalingSeen>>,
    /// Orders that were not answered yet.
    pub pending: BTreeMap<u64, Pending>,
    /// What was told of the others, last: when that was asked for, and how many are healthy in every group.
    pub fleet: Option<(Moment, usize)>,
    /// They told the machine's identity without an address.
    pub addressless: bool,
    /// And then with it, last.
    pub addressed: Option<Moment>,
    /// What they said of the tag.
    pub named: Named,
    /// Who took its targets out.
    pub taken: Taken,
    pub hooks: Hooks,
    pub web: Counted,
    pub last_round: Moment,
    /// Since when no round could even connect, and when one could not, last.
    pub blind_since: Option<Moment>,
    pub blind_at: Moment,
    /// The last round came to nothing because the name could not be resolved.
    pub nameless: bool,
    pub bound: Bound,
    pub local: Local,
    /// Since when the node has been booting without a break.
    pub booting_since: Option<Moment>,
    pub process: Option<Process>,
    pub receipts: BTreeSet<String>,
    /// The API of this process has told its mode, or that this token may not see it.
    pub mode_told: bool,
    /// Rundeck's process has ended, and none was found since.
    pub orphan: bool,
    /// Some process of Rundeck was seen to end in this run.
    pub ended: bool,
    /// When, last.
    pub ended_at: Moment,
    /// The ends for which the node was taken out of its groups.
    pub ejected: Vec<Moment>,
    /// `/health` has said 200 in this run.
    pub was_ok: bool,
    /// Some process of Rundeck was found in this run.
    pub found: bool,
    /// Passive mode was set in this run.
    pub switched: bool,
    /// And was undone, in this process.
    pub undone: bool,
    /// The answers of the API.
    pub api: Vec<Answered>,
    pub restored: Option<KeptVerdict>,
    pub intent: Option<Intent>,
    pub stop_at: Option<Moment>,
    pub abort_at: Option<Moment>,
    pub intent_sent: Option<Moment>,
    /// A write of the intent was given up, last.
    pub intent_expired: Option<Moment>,
    /// Calls and wake-ups of this virtual minute.
    pub minute: u64,
    pub counts: BTreeMap<Cow<'static, str>, u32>,
}
