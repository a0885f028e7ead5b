//! The pure heart of rundeck-alb-agent: events and time in, commands and a snapshot out.
//!
//! It never blocks, never fails, reads no clock, file or socket, and is deterministic: the same policy, seed and list of
//! (event, moment) give the same commands, byte for byte. Level-triggered: it keeps what it last saw and what it wants,
//! and commands are the difference, so a lost reply is cured by the next look.
//!
//! What it does not do: anything in the world. Adapters in the agent turn the world into `Event`s and `Command`s into calls.

mod answer;
mod api;
mod budget;
mod command;
mod database;
mod desk;
mod drain;
mod event;
mod gate;
mod health;
mod heart;
mod inbox;
mod intent;
mod look;
mod machine;
mod member;
mod membership;
mod mode;
mod moment;
mod node;
mod policy;
mod process;
mod ready;
mod receipt;
mod round;
mod rows;
mod seen;
mod slot;
mod target;
mod view;
mod words;

pub use answer::{Answer, CheckView, DrainView, Finding, RundeckView, Snapshot, TargetView};
pub use command::{Call, Command, Ending, Note, NoteKind, OrderAnswer, Target};
pub use drain::result_word;
pub use event::{
    ApiSeen, BootSeen, CallId, DatabaseSeen, DiskSeen, DrainOrder, Event, GroupFacts, HostSeen, Identity, Info, Intent,
    JvmSeen, Kept, KeptVerdict, Notice, Order, Process, ProcessSeen, Readiness, ReadySeen, Reply, Room, TargetSeen,
    TargetState, Trouble, TroubleKind, Unjudged, WebSeen,
};
pub use heart::Heart;
pub use look::{Look, LookRow, Looks};
pub use moment::{Moment, Span};
pub use policy::{DrainPolicy, GroupWanted, HealthPolicy, MembershipPolicy, Ownership, Policy, TargetType};
pub use receipt::{DrainResult, GroupLeft, Receipt, Step};
pub use target::state_word;
pub use words::{Cause, Check, Class, Degraded, DrainPhase, Mode, Reason, State};
