//! What the node says of itself: the two axes joined into one answer, and the snapshot that everybody else reads.
//!
//! One thing is decided here, because it must be asked at any moment between two turns: that a verdict is too old
//! (`answer_at`). Bytes are made by the shell.

use super::agreement::{Agreement, LikelyCause};
use super::aws::Identity;
use super::finding::Finding;
use super::hook::Hook;
use super::moment::{Moment, Span};
use super::order::Maintenance;
use super::receipt::Step;
use super::seen::Process;
use super::target::TargetSeen;
use super::words::{Cause, Check, Class, Degraded, DrainPhase, Mode, Outcome, Reason, State};
use serde::Serialize;
use std::borrow::Cow;

/// Words for people. Most of them are always the same, and a row of them is made after each turn.
pub type Text = Cow<'static, str>;

/// The answer of `/health`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// 200 or 503.
    pub ok: bool,
    /// The state word.
    pub state: State,
    /// The reason word.
    pub reason: Reason,
}

/// One immutable view of the heart, published after every turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// When it was taken.
    pub at: Moment,
    /// The answer while the snapshot is young enough.
    pub answer: Answer,
    /// For people: what led to it.
    pub evidence: String,
    /// Since when state and reason are what they are.
    pub since: Moment,
    /// When the last round ended; the age of the verdict counts from here.
    pub looked_at: Moment,
    /// From this age on the verdict vouches for nobody.
    pub max_age: Span,
    /// The health port may accept connections.
    pub accepting: bool,
    /// In service, but something is wrong.
    pub degraded: Vec<Degraded>,
    /// One row per check.
    pub checks: Vec<CheckView>,
    /// What is known of Rundeck.
    pub rundeck: RundeckView,
    /// Who this machine is, once instance metadata has answered.
    pub node: Option<Identity>,
    /// Where an Auto Scaling group moves the machine.
    pub lifecycle: Option<String>,
    /// For people: what follows from that, where it is not simply in service.
    pub standing: Option<Text>,
    /// The node's targets.
    pub targets: Vec<TargetView>,
    /// Something wants the node out, and the fleet has not agreed yet.
    pub hold: Option<HoldView>,
    /// The operator's own commands run.
    pub hook: Option<HookView>,
    /// An operator maintains the node.
    pub maintenance: Option<Maintenance>,
    /// The running or finished drain that keeps the node out.
    pub drain: Option<DrainView>,
    /// What is wrong, each with its cure.
    pub findings: Vec<FindingView>,
}

impl Snapshot {
    /// The answer at this moment: an old verdict vouches for nobody (docs/HEALTH.md).
    pub fn answer_at(&self, now: Moment) -> Answer {
        let judged = matches!(self.answer.state, State::Booting | State::Up | State::Down);
        // A leaving node that still says 200 (Auto Scaling) says so by the probes too.
        if (judged || self.answer.ok) && now.since(self.looked_at) > self.max_age {
            return Answer { ok: false, state: State::Stale, reason: Reason::Stale };
        }
        self.answer
    }
}

/// One look, judged: counters, rows, metrics and log all show this one outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Judged {
    pub(crate) outcome: Outcome,
    /// For people: what was seen.
    pub(crate) words: Text,
}

impl Judged {
    pub(crate) fn new(outcome: Outcome, words: impl Into<Text>) -> Judged {
        Judged { outcome, words: words.into() }
    }

    /// Nothing is known yet.
    pub(crate) fn not_yet() -> Judged {
        Judged::new(Outcome::Unknown, "not asked yet")
    }
}

/// A look that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Looked {
    pub(crate) judged: Judged,
    pub(crate) at: Moment,
    pub(crate) took: Option<Span>,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckView {
    /// Which.
    pub check: Check,
    /// What it may lead to when it fails.
    pub class: Class,
    /// What the last look came to.
    pub result: Outcome,
    /// What was seen.
    pub seen: Text,
    /// When.
    pub at: Option<Moment>,
    /// How long the last look took.
    pub took: Option<Span>,
    /// Consecutive good results.
    pub passes: u32,
    /// Consecutive bad results.
    pub fails: u32,
    /// When the next look is due; `None`: one is under way, or none is planned.
    pub next: Option<Moment>,
    /// What would change the verdict, for people.
    pub change: Text,
}

impl CheckView {
    /// A check with its last look; `change`: what would change the verdict.
    pub(crate) fn of(check: Check, last: Option<&Looked>, change: impl Into<Text>) -> CheckView {
        let judged = last.map_or_else(Judged::not_yet, |last| last.judged.clone());
        CheckView {
            check,
            class: check.class(),
            result: judged.outcome,
            seen: judged.words,
            at: last.map(|last| last.at),
            took: last.and_then(|last| last.took),
            passes: 0,
            fails: 0,
            next: None,
            change: change.into(),
        }
    }
}

/// What is known of Rundeck.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RundeckView {
    /// Version.
    pub version: Option<String>,
    /// Newest API version.
    pub api_version: Option<u32>,
    /// UUID of this member.
    pub server_uuid: Option<String>,
    /// Execution mode, after two equal answers.
    pub mode: Option<Mode>,
    /// Jobs running in this JVM by the last answer.
    pub running: Option<u32>,
    /// The process.
    pub process: Option<Process>,
    /// Its resident memory.
    pub memory_bytes: Option<u64>,
    /// Its threads.
    pub threads: Option<u32>,
}

/// One of the node's targets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TargetView {
    /// ARN of the group, once it is known.
    pub arn: Option<String>,
    /// Name of the group, or as it is configured.
    pub name: String,
    /// What is registered.
    pub id: Option<String>,
    /// Traffic port.
    pub port: Option<u16>,
    /// This agent registers and deregisters.
    pub owned: bool,
    /// What the balancer said last.
    pub seen: Option<TargetSeen>,
    /// The balancer's word for it.
    pub word: String,
    /// Since when.
    pub since: Option<Moment>,
    /// Between two of its health checks, as last read from AWS.
    pub check_interval: Option<Span>,
    /// How many of them must fail.
    pub unhealthy_threshold: Option<u32>,
    /// They ask this agent; else what it answers counts for nothing.
    pub asks_agent: Option<bool>,
    /// What the node makes of the balancer's word, once there is one.
    pub balancer: Option<BalancerView>,
}

/// What the fleet says to what wants the node out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HoldView {
    /// It does not agree, or nobody tells; else it is asked, or the node waits for its turn.
    pub refused: bool,
    /// When it is asked again.
    pub until: Option<Moment>,
    /// What it has said, with the numbers.
    pub text: String,
}

/// Commands of the operator's own that run now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct HookView {
    /// At which moment.
    pub hook: Hook,
    /// How many there are.
    pub commands: usize,
    /// Since when they run.
    pub since: Moment,
    /// When what still runs is ended.
    pub until: Moment,
    /// The node is registered nowhere before they have ended.
    pub waits: bool,
}

/// What the node makes of the load balancer's word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BalancerView {
    /// Whether they say the same.
    pub agreement: Agreement,
    /// Why they most likely do not.
    pub cause: Option<LikelyCause>,
    /// For people: what is so, and after a semicolon the cure; empty where there is nothing to say.
    pub why: Text,
    /// By when the balancer says the same, where it is still counting.
    pub expected: Option<Moment>,
}

/// A drain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DrainView {
    /// Receipt id.
    pub id: String,
    /// The cause that is shown.
    pub cause: Cause,
    /// Every cause.
    pub causes: Vec<Cause>,
    /// Free text of the operator.
    pub reason: String,
    /// How far it has come.
    pub phase: DrainPhase,
    /// When it began.
    pub started: Moment,
    /// When it must have ended.
    pub deadline: Option<Moment>,
    /// What was and is done.
    pub steps: Vec<Step>,
    /// In flight on Rundeck's port by the last count.
    pub in_flight: Option<u32>,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FindingView {
    /// Which.
    pub finding: Finding,
    /// What, and the cure.
    pub text: String,
}
