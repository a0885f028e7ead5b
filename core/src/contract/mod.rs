//! Everything that crosses the wall between the heart and the world: events and commands, what was seen, what people
//! read.
//!
//! It knows words, closed lists and outcomes, and imports no other room. It decides nothing but what a word means
//! wherever it is read: that a verdict is too old (`Snapshot::answer_at`), what a failing check may lead to
//! (`Check::class`), which reason a cause shows (`Cause::reason`) and
//! what else it means (`Cause::meaning`).

mod agreement;
mod aws;
mod causes;
mod command;
mod event;
mod facts;
mod finding;
mod hook;
mod look;
mod moment;
mod order;
mod policy;
mod receipt;
mod seen;
mod snapshot;
mod target;
mod words;

pub use agreement::{Agreement, LikelyCause};
pub use aws::{
    Family, FleetSeen, GroupFacts, GroupSeen, Identity, PeerSeen, RefreshSeen, ScalingFacts, ScalingSeen,
    StandbyPreference, StandbySeen, Target, TargetState, TargetType, Trouble, TroubleKind,
};
pub use command::{Call, Command, Ending, Note, NoteKind};
pub use event::{CallId, Event, ModeTrouble, Notice, Reply};
pub use finding::Finding;
pub use hook::{Hook, HookPolicy, HookRun};
pub use look::{GroupLook, GroupOwner, Look, LookRow, Looks, ScalingLook};
pub use moment::{Moment, Span};
pub use order::{
    DrainOrder, Held, Intent, Kept, KeptVerdict, Maintenance, Order, OrderAnswer, Refusal, Registered, Registrations,
    ScalingKept,
};
pub use policy::{
    AutoScalingRule, Circumstances, DatabaseRule, DiskPolicy, DrainPolicy, GroupWanted, HealthPolicy, MembershipPolicy,
    Ownership, PassiveRule, Policy, Share, StandbyRule,
};
pub use receipt::{Deregistered, DrainResult, EndedBy, GroupLeft, ModeLeft, Receipt, Step, StepName, StepResult};
pub use seen::{
    ApiSeen, BootSeen, DatabaseSeen, DiskSeen, HostSeen, Info, JvmSeen, Process, ProcessSeen, Readiness, ReadySeen,
    Room, Unjudged, WebSeen,
};
pub use snapshot::{
    Answer, BalancerView, CheckView, DrainView, FindingView, HoldView, HookView, RundeckView, Snapshot, TargetView,
    Text,
};
pub use target::{Anomaly, Overridden, TargetReason, TargetSeen};
pub use words::{Cause, Check, Class, Degraded, DrainPhase, Mode, Outcome, Reason, State};

pub(crate) use facts::{
    Answering, DrainInputs, Fleet, GroupInputs, GroupsLeaving, GuardSays, Jobs, Life, Own, Owners, Passive, Reach,
    Says, StandbyInputs, Wants, Wish,
};
pub(crate) use moment::sooner;
pub(crate) use snapshot::{Judged, Looked};
