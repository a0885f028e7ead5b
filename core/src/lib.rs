//! The pure heart of rundeck-alb-agent: events and time in, commands and a snapshot out.
//!
//! It never blocks, never fails, reads no clock, file or socket, and is deterministic: the same policy, seed and list
//! of (event, moment) give the same commands, byte for byte. Level-triggered: it keeps what it last saw and what it
//! wants, and commands are the difference, so a lost reply is cured by the next look.
//!
//! What it does not do: anything in the world. Adapters in the agent turn the world into `Event`s and `Command`s into
//! calls.

#![warn(missing_docs)]
#![deny(clippy::wildcard_enum_match_arm)]

mod api;
mod asg;
mod contract;
mod desk;
mod health;
mod heart;
mod leaving;
mod look;
mod membership;

pub use contract::{
    Agreement, Anomaly, Answer, ApiSeen, AutoScalingRule, BalancerView, BootSeen, Call, CallId, Cause, Check,
    CheckView, Circumstances, Class, Command, DatabaseRule, DatabaseSeen, Degraded, Deregistered, DiskPolicy, DiskSeen,
    DrainOrder, DrainPhase, DrainPolicy, DrainResult, DrainView, EndedBy, Ending, Event, Family, Finding, FindingView,
    FleetSeen, GroupFacts, GroupLeft, GroupLook, GroupOwner, GroupSeen, GroupWanted, HealthPolicy, Held, HoldView,
    Hook, HookPolicy, HookRun, HookView, HostSeen, Identity, Info, Intent, JvmSeen, Kept, KeptVerdict, LikelyCause,
    Look, LookRow, Looks, Maintenance, MembershipPolicy, Mode, ModeLeft, ModeTrouble, Moment, Note, NoteKind, Notice,
    Order, OrderAnswer, Outcome, Overridden, Ownership, PassiveRule, PeerSeen, Policy, Process, ProcessSeen, Readiness,
    ReadySeen, Reason, Receipt, RefreshSeen, Refusal, Registered, Registrations, Reply, Room, RundeckView,
    ScalingFacts, ScalingKept, ScalingLook, ScalingSeen, Share, Snapshot, Span, StandbyPreference, StandbyRule,
    StandbySeen, State, Step, StepName, StepResult, Target, TargetReason, TargetSeen, TargetState, TargetType,
    TargetView, Text, Trouble, TroubleKind, Unjudged, WebSeen,
};
pub use heart::Heart;
pub use look::{
    groups_named, judge_groups, judge_look, judge_target, look_findings, look_rows, replaced_by, trouble_finding,
};
