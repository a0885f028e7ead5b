//! What the bystander counts: results of /health, of the checks beside it, calls that are open, answers of the API.
//!
//! Counted as the documentation says it, not as the heart does it. It judges nothing.

use rundeck_alb_core::{
    BootSeen, Call, CallId, DrainOrder, HealthPolicy, Moment, Readiness, Span, Target, TargetState, WebSeen,
};
use std::collections::BTreeMap;

/// Whoever has answered well on Rundeck's port for so long is taken for Rundeck, though no process is recognised.
pub const BELIEVED: Span = Span::secs(60);

/// Calls that need the database (SEMANTICS: never two at a time). Whether silence is the database's is the world's to
/// know.
#[derive(Debug, Default)]
pub struct Bound {
    pub open: BTreeMap<CallId, Moment>,
    /// The readiness endpoint asks the database, as far as it has said.
    pub ready: Option<bool>,
}

/// Consecutive equal results of the other local checks of this process.
#[derive(Debug, Default)]
pub struct Local {
    pub not_ready: u32,
    pub ready: u32,
    /// The last answer of the readiness endpoint, where it said anything.
    pub says_ready: Option<bool>,
    pub stopping: u32,
    /// Told to end, or its port held by somebody else.
    pub unsound: u32,
    /// Somebody else holds the port, by the last look.
    pub stranger: bool,
    pub full: u32,
    /// Looks in a row that found room.
    pub roomy: u32,
    /// Full often enough, and not yet often enough with room since.
    pub crammed: bool,
    pub saying: Saying,
    /// A look for the process, or at the disks, has come back in this run.
    pub looked: bool,
    pub disks_told: bool,
}

/// What the readiness endpoint said in so many words, in a row.
#[derive(Debug, Default)]
pub struct Saying {
    no: u32,
    yes: u32,
    missing: u32,
    /// It has said no often enough, and neither yes since, nor that it is gone.
    pub shut: bool,
}

impl Saying {
    pub fn gone(&self, health: &HealthPolicy) -> bool {
        self.missing >= health.fall
    }

    pub fn told(&mut self, seen: &Readiness, health: &HealthPolicy) {
        match seen {
            Readiness::NotReady => *self = Saying { no: self.no + 1, shut: self.shut, ..Saying::default() },
            Readiness::Ready => *self = Saying { yes: self.yes + 1, shut: self.shut, ..Saying::default() },
            Readiness::Absent => self.missing += 1,
            _ => {}
        }
        let open = self.yes >= health.rise || self.gone(health);
        self.shut = (self.shut || self.no >= health.fall) && !open;
    }
}

impl Local {
    /// What the server behind the port has said is void.
    pub fn port_closed(&mut self) {
        (self.not_ready, self.ready, self.says_ready, self.saying) = (0, 0, None, Saying::default());
    }

    /// A look at the disks has found one full, or none.
    pub fn disks(&mut self, full: bool, health: &HealthPolicy) {
        (self.full, self.roomy) = if full { (self.full + 1, 0) } else { (0, self.roomy + 1) };
        self.crammed = self.full >= health.fall || (self.crammed && self.roomy < health.rise);
    }

    /// What is left when the process has ended.
    pub fn after_process(&self) -> Local {
        let &Local { full, roomy, crammed, looked, disks_told, .. } = self;
        Local { full, roomy, crammed, looked, disks_told, ..Local::default() }
    }
}

/// One wish that the node leaves, and since when this run of the agent knows it.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub order: DrainOrder,
    pub since: Moment,
}

#[derive(Clone, Debug)]
pub struct Open {
    pub call: Call,
    pub deadline: Moment,
    pub sent: Moment,
}

/// One answer of the API.
#[derive(Clone, Copy, Debug)]
pub struct Answered {
    pub asked: Moment,
    pub at: Moment,
    pub running: Option<u32>,
}

/// What one round said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    Pass,
    Fail,
    /// Silence that may be put down to the database, or not.
    Silent,
    Unknown,
}

/// Results of `/health`, counted as the documentation says.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counted {
    pub passes: u32,
    pub fails: u32,
    pub refused: u32,
    /// The same; silence, which a lost reply looks like, may lie between.
    pub closed: u32,
    /// Its server has answered something.
    pub answered: bool,
    pub good_since: Option<Moment>,
    /// It has answered well for so long that whoever it is, is taken for Rundeck, and its port was not closed since.
    pub believed: bool,
    pub last_pass: Moment,
    /// So many bad rounds that they take the node out, and not yet enough good ones since.
    pub out: bool,
    /// This process has once been good for long enough.
    pub proven: bool,
    /// Since when.
    pub proven_at: Moment,
    /// The kept verdict holds.
    pub kept: bool,
}

/// What this is answered speaks for the server that was asked, and for no other.
pub fn asks_server(call: &Call) -> bool {
    matches!(call, Call::ProbeApi | Call::ProbeReadiness { .. } | Call::ProbeDatabase { .. })
}

impl Counted {
    /// What a round has shown of the port.
    pub fn port_seen(&mut self, seen: WebSeen) {
        let nothing = matches!(seen, WebSeen::CannotConnect | WebSeen::CannotJudge(_));
        let silent = matches!(seen, WebSeen::Refused | WebSeen::TimedOut | WebSeen::Elsewhere);
        self.answered |= !nothing && !silent;
        let more = u32::from(seen == WebSeen::Refused);
        self.refused = if more + u32::from(nothing) == 0 { 0 } else { self.refused + more };
        self.closed = if more == 0 && !nothing && seen != WebSeen::TimedOut { 0 } else { self.closed + more };
    }
}

impl Bound {
    /// Asking this asks the database, as far as anybody knows.
    pub fn needs_database(&self, call: &Call) -> bool {
        match call {
            Call::ProbeApi | Call::ProbeDatabase { .. } | Call::SetMode(_) => true,
            Call::ProbeReadiness { .. } => self.ready != Some(false),
            _ => false,
        }
    }
}

/// What one round says. `ails`: silence may be put down to the database.
pub fn judged(web: WebSeen, boot: Option<BootSeen>, ails: bool) -> Round {
    match web {
        WebSeen::Ok | WebSeen::Disabled if matches!(boot, None | Some(BootSeen::Past)) => Round::Pass,
        WebSeen::CannotConnect | WebSeen::CannotJudge(_) => Round::Unknown,
        WebSeen::TimedOut if ails => Round::Silent,
        _ => Round::Fail,
    }
}

/// Which groups the instance tag names, as the agent was told, and what it has written down.
#[derive(Debug, Default)]
pub struct Named {
    /// The answer before the last, and the last.
    pub tags: [Option<String>; 2],
    /// When it was another one than before, last.
    pub since: Moment,
    /// When the record of what is registered was last sent to be written.
    pub written: Option<Moment>,
}

impl Named {
    pub fn told(&mut self, tag: &Option<String>, now: Moment) {
        let [_, last] = &mut self.tags;
        if last != tag {
            self.since = now;
        }
        self.tags = [last.take(), tag.clone()];
    }
}

/// What the bystander knows of one target.
#[derive(Debug, Default)]
pub struct Away {
    /// It was seen in at the last look, which was asked for then.
    pub seen_in: Option<Moment>,
    /// When it was asked to be out, last.
    pub asked_out: Option<Moment>,
    /// Somebody took it out: when that was seen, and for how long it is left alone (`None`: for good).
    pub out: Option<(Moment, Option<Span>)>,
}

/// What the bystander knows of all of them, by group.
#[derive(Debug, Default)]
pub struct Taken {
    pub known: BTreeMap<String, Away>,
    /// The answer of this turn.
    pub last: Option<(Target, Moment, TargetState)>,
}

impl Taken {
    /// The agent was told how its target is, as it had asked at that moment.
    pub fn told(&mut self, call: &Call, asked: Moment, state: &TargetState) {
        if let Call::DescribeTarget(target) = call {
            self.last = Some((target.clone(), asked, state.clone()));
        }
    }
}

/// What the bystander knows of the operator's own commands.
#[derive(Debug, Default)]
pub struct Hooks {
    /// What runs.
    pub runs: Option<CallId>,
    /// What runs is `pre_register`, of the joining that goes on.
    pub counts: bool,
    /// It has ended in this joining.
    pub ended: bool,
    /// Since then the node was in, or did not want to be in: it may join anew.
    pub broken: bool,
    /// It was seen in since it left last.
    pub inside: bool,
    /// `post_register` has run since.
    pub posted: bool,
}
