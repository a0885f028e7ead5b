//! What rooms of the heart tell each other: small values, made by the room that knows or by the heart, so that no room
//! names another one.
//!
//! They are read by the room that they are handed to and kept by nobody. Nothing here is decided.

use super::hook::HookPolicy;
use super::moment::{Moment, Span};
use super::policy::{MembershipPolicy, Policy, StandbyRule};
use super::receipt::{Deregistered, ModeLeft};
use std::collections::BTreeSet;

/// A yes or no of somebody who may not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Says {
    Yes,
    No,
    Unknown,
}

impl Says {
    /// The asker decides what it is where nobody knows.
    pub(crate) fn or(self, unknown: bool) -> bool {
        match self {
            Says::Yes => true,
            Says::No => false,
            Says::Unknown => unknown,
        }
    }

    pub(crate) fn sure(yes: bool) -> Says {
        if yes { Says::Yes } else { Says::No }
    }
}

/// Which target groups belong to an Auto Scaling group.
#[derive(Clone, Copy)]
pub(crate) struct Owners<'a> {
    /// ARNs of those that one is known to have attached.
    pub(crate) attached: &'a BTreeSet<String>,
    /// Whether one may own the membership in any other.
    pub(crate) others: Says,
}

/// Who else is in the node's groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fleet {
    /// Those that could take its place.
    pub(crate) others: BTreeSet<String>,
    /// How many there are, in whatever state.
    pub(crate) known: usize,
}

/// What the fleet says to a choice; the text has the numbers, and who is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GuardSays {
    Enough(String),
    TooFew { healthy: usize, text: String },
    NoAnswer(String),
}

/// What wants the node out for what is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wants {
    /// Something of its own.
    Local,
    /// Something that every member may see at once.
    Shared,
}

/// What the node wants of its groups now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Be a target.
    Join,
    /// Be none.
    Leave,
    /// Be none for now, where coming back takes no longer than being up again.
    Eject,
    /// Be none for as long as the Auto Scaling group has the node in Standby.
    Away,
    /// Change nothing.
    Hold,
}

/// What the way into Standby and back reads beside its own state.
pub(crate) struct StandbyInputs<'a> {
    /// Somebody wants the node out.
    pub(crate) wanted: bool,
    /// Somebody has chosen that: else it goes there no more.
    pub(crate) chosen: bool,
    /// Why, for the log.
    pub(crate) why: &'static str,
    pub(crate) rule: StandbyRule,
    /// Which machine this is.
    pub(crate) instance: Option<&'a str>,
    /// The group has it in Standby, or moves it there, by a look that was asked for at `seen`.
    pub(crate) standby: bool,
    pub(crate) in_service: bool,
    pub(crate) seen: Moment,
    /// Each target group that the group has attached shows no target that gets new requests.
    pub(crate) out: bool,
    /// Since when `/health` has said 200.
    pub(crate) up_since: Option<Moment>,
    /// Between two health checks of the slowest target group.
    pub(crate) check: Span,
    /// Whoever wants it out waits no longer than until then.
    pub(crate) until: Option<Moment>,
    /// That this agent does it stands on disk, or was waited for.
    pub(crate) written: bool,
}

/// What membership reads beside its own state.
pub(crate) struct GroupInputs<'a> {
    pub(crate) policy: &'a MembershipPolicy,
    pub(crate) hooks: &'a HookPolicy,
    pub(crate) dry_run: bool,
    /// Which groups belong to an Auto Scaling group.
    pub(crate) owners: Owners<'a>,
    /// A drain waits until it is on disk.
    pub(crate) waits: bool,
    /// Since when `/health` has said 503 without a break; `None`: it says 200.
    pub(crate) refusing: Option<Moment>,
    /// What the node says of itself, to compare the balancer's word with.
    pub(crate) own: Own,
    /// Where it says so.
    pub(crate) answering: Answering<'a>,
    /// Why something is changed, for the log.
    pub(crate) why: &'static str,
}

/// What the node says of itself to the load balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Own {
    /// 200 since then without a break, and it wants requests.
    Up(Moment),
    /// 200, and it leaves.
    Leaving,
    /// 503 since then without a break.
    Out(Moment),
}

impl Own {
    /// For people.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Own::Up(_) => "up",
            Own::Leaving => "leaving",
            Own::Out(_) => "503",
        }
    }
}

/// Where this agent answers the load balancer.
#[derive(Clone, Copy)]
pub(crate) struct Answering<'a> {
    pub(crate) port: u16,
    pub(crate) paths: &'a [String],
}

impl<'a> Answering<'a> {
    pub(crate) fn by(policy: &'a Policy) -> Answering<'a> {
        Answering { port: policy.circumstances.health_port, paths: &policy.health.paths }
    }
}

/// Whether the local Rundeck is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// Nothing says that it is not.
    There,
    /// Its port refuses, but its process has not ended: it may still finish what it serves (6.x).
    Finishing,
    /// It still starts, and has neither requests nor jobs: its API says so and has never said anything else, or its
    /// port refuses, and its process, which has taken the place of one that was seen to end, has never answered
    /// anything.
    Starting,
    /// Its process was seen to end, and no other has been found since.
    Gone,
    /// Its port refuses, and nobody was seen to serve there: no process is known, or one that has never answered. There
    /// is nothing to wait for, and no proof of it.
    Closed,
}

/// How far the local Rundeck can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reach {
    pub(crate) life: Life,
    /// `/health` answers.
    pub(crate) answers: bool,
    /// This process has once been proven ready.
    pub(crate) proven: bool,
    /// Its process is known, or it has answered well since the start or since it closed its port.
    pub(crate) recognised: bool,
    /// The readiness state was asked at least once.
    pub(crate) readiness_asked: bool,
    /// What listens on its port is not known to be somebody else: it may be shown the token.
    pub(crate) trusted: bool,
}

/// How far the switch to passive mode is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Passive {
    On,
    Pending,
    Failed,
    /// Not wanted, or not possible.
    Skipped(ModeLeft),
}

/// What is known of running jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Jobs {
    /// By the last answer; `None`: nobody can tell.
    pub(crate) running: Option<u32>,
    /// Two answers in a row showed no running job; the first of them had been asked for then.
    pub(crate) idle_since: Option<Moment>,
    pub(crate) unknown_since: Option<Moment>,
}

/// How far the node's groups have let it go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GroupsLeaving {
    /// Every owned group was tried at least once; where nobody knows which those are, that was asked in vain.
    pub(crate) tried: bool,
    /// Which groups are named, and whose each is, is known.
    pub(crate) settled: bool,
    /// What came of deregistering, once there is nothing left to be done.
    pub(crate) outcome: Option<Deregistered>,
    /// Some target that is ours to take out was seen in, and nothing has taken it out since.
    pub(crate) back: bool,
    /// The longest time in which some balancer may not have noticed that we leave; `None`: all have let us go.
    pub(crate) unconfirmed_floor: Option<Span>,
    pub(crate) longest_delay: Span,
}

/// What a drain reads beside its own state and the policy.
pub(crate) struct DrainInputs {
    pub(crate) rundeck: Life,
    /// An Auto Scaling group might replace the node for a 503, as far as metadata have said.
    pub(crate) may_replace: bool,
    /// The node was a target or answered 200 since the agent's start.
    pub(crate) was_in_service: bool,
    pub(crate) groups: GroupsLeaving,
    /// Rundeck is known to be in active mode.
    pub(crate) active: bool,
    /// Passive mode is on, or what keeps it from being.
    pub(crate) passive: Passive,
    pub(crate) jobs: Jobs,
    /// There is a token to ask for jobs with.
    pub(crate) asks_jobs: bool,
}
