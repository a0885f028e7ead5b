//! The load balancer's side of this node: one target per group, checked as an ALB checks it.
//!
//! As AWS's is: one good check makes a new target healthy, thresholds count only for coming back, a target drains for
//! its whole delay, an address cannot be registered again before, and a deregistration with another port does nothing.

use rundeck_alb_core::{
    FleetSeen, GroupFacts, Moment, PeerSeen, Span, Target, TargetReason, TargetSeen, TargetState, TargetType, Trouble,
    TroubleKind,
};

pub const INSTANCE: &str = "i-0123456789abcdef0";
pub const ADDRESS: &str = "10.0.0.7";

/// Checks begin this long after a registration.
const FIRST_CHECK: Span = Span::secs(2);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Absent,
    Initial(Moment),
    Healthy,
    Unhealthy,
    Draining(Moment),
}

/// A target that was registered shows so much later: AWS is eventually consistent.
const LAG: Span = Span::secs(3);

/// One target group, as far as this node is concerned.
#[derive(Debug)]
pub struct Group {
    pub facts: GroupFacts,
    pub place: Place,
    /// The port that this node's target has.
    pub port: u16,
    passes: u32,
    fails: u32,
    /// Until then it shows as it was before it was registered.
    lags: (Moment, Place),
    /// When somebody else put the node back, last.
    pub put_back: Option<Moment>,
    /// When this agent took its target out, last.
    pub taken_out: Option<Moment>,
    /// When the target began to leave, by whomever, last.
    pub out_since: Option<Moment>,
    /// The target that is there now is there by the agent's doing.
    pub by_us: bool,
    /// It was put in by a run of the agent that had ended: nobody knows of it.
    pub stray: bool,
    /// The agent has registered it, or was told that the group is its own, at some time.
    pub known: bool,
}

impl Group {
    pub fn new(facts: GroupFacts, port: u16) -> Group {
        Group {
            facts,
            place: Place::Absent,
            port,
            passes: 0,
            fails: 0,
            lags: (Moment(0), Place::Absent),
            put_back: None,
            taken_out: None,
            out_since: None,
            by_us: false,
            stray: false,
            known: false,
        }
    }

    /// It registers addresses.
    pub fn is_address(&self) -> bool {
        self.facts.target_type == Some(TargetType::Ip)
    }

    fn id(&self) -> &'static str {
        if self.is_address() { ADDRESS } else { INSTANCE }
    }

    fn ours(&self, target: &Target) -> bool {
        target.group == self.facts.arn && target.id == self.id() && target.port == self.port
    }

    fn age(&mut self, now: Moment) {
        if matches!(self.place, Place::Draining(until) if now >= until) {
            self.place = Place::Absent;
        }
    }

    /// Traffic may still be sent to the node.
    pub fn routed(&mut self, now: Moment) -> bool {
        self.age(now);
        !matches!(self.place, Place::Absent | Place::Draining(_))
    }

    /// The target is out, or on its way out.
    pub fn left(&self) -> bool {
        matches!(self.place, Place::Absent | Place::Draining(_))
    }

    pub fn register(&mut self, target: &Target, now: Moment) -> Result<(), Trouble> {
        self.age(now);
        if !self.ours(target) {
            return Ok(());
        }
        self.known = true;
        match self.place {
            Place::Draining(_) if self.facts.target_type == Some(TargetType::Ip) => {
                let text = "the address is still draining".to_string();
                Err(Trouble { kind: TroubleKind::InvalidTarget, action: "elb:RegisterTargets".into(), text })
            }
            Place::Absent | Place::Draining(_) => {
                let before = std::mem::replace(&mut self.place, Place::Initial(now));
                self.lags = (now + LAG, before);
                self.passes = 0;
                self.fails = 0;
                self.by_us = true;
                Ok(())
            }
            Place::Initial(_) | Place::Healthy | Place::Unhealthy => {
                self.by_us = true;
                Ok(())
            }
        }
    }

    pub fn deregister(&mut self, target: &Target, now: Moment) {
        self.age(now);
        if self.ours(target) {
            self.taken_out = Some(now);
            self.leave(now);
        }
    }

    /// Out, by whomever.
    pub fn leave(&mut self, now: Moment) {
        if self.routed(now) {
            self.place = Place::Draining(now + Span::secs(self.facts.delay_secs));
            self.out_since = Some(now);
            (self.by_us, self.stray) = (false, false);
        }
    }

    /// Somebody else registers the node.
    pub fn put_back(&mut self, now: Moment) {
        self.age(now);
        let draining = matches!(self.place, Place::Draining(_));
        if self.place == Place::Absent || (draining && self.facts.target_type == Some(TargetType::Instance)) {
            self.place = Place::Initial(now);
            self.passes = 0;
            self.fails = 0;
            self.put_back = Some(now);
            self.by_us = false;
        }
    }

    /// One health check of the load balancer has this outcome.
    pub fn check(&mut self, ok: bool, now: Moment) {
        self.age(now);
        self.passes = if ok { self.passes + 1 } else { 0 };
        self.fails = if ok { 0 } else { self.fails + 1 };
        match self.place {
            Place::Absent | Place::Draining(_) => {}
            Place::Initial(since) if now.since(since) < FIRST_CHECK => {}
            Place::Initial(_) if ok => self.place = Place::Healthy,
            Place::Unhealthy if self.passes >= 2 => self.place = Place::Healthy,
            Place::Initial(_) | Place::Healthy if self.fails >= self.facts.unhealthy_threshold => {
                self.place = Place::Unhealthy;
            }
            Place::Initial(_) | Place::Healthy | Place::Unhealthy => {}
        }
    }

    pub fn describe(&mut self, target: &Target, now: Moment) -> TargetSeen {
        self.age(now);
        let lags = matches!(self.place, Place::Initial(_)) && now < self.lags.0;
        let (state, reason, because) = match if lags { &self.lags.1 } else { &self.place } {
            _ if !self.ours(target) => (TargetState::Absent, "Target.NotRegistered", TargetReason::NotRegistered),
            Place::Absent => (TargetState::Absent, "Target.NotRegistered", TargetReason::NotRegistered),
            Place::Initial(_) => (TargetState::Arriving, "Elb.InitialHealthChecking", TargetReason::FirstChecks),
            Place::Healthy => (TargetState::Healthy, "", TargetReason::None),
            Place::Unhealthy => (TargetState::Unhealthy, "Target.ResponseCodeMismatch", TargetReason::Codes(vec![503])),
            Place::Draining(_) => {
                (TargetState::Leaving, "Target.DeregistrationInProgress", TargetReason::Deregistering)
            }
        };
        TargetSeen { reason: reason.into(), because, ..TargetSeen::plain(state) }
    }
}

/// All targets of these groups but this node's own: two others, `ill` or healthy.
pub fn fleet(groups: &[Group], arns: &[String], ill: bool) -> Vec<FleetSeen> {
    let state = if ill { TargetState::Unhealthy } else { TargetState::Healthy };
    let other = |group: &Group, n: u32| {
        let id = if group.is_address() { format!("10.0.1.{n}") } else { format!("i-{n:017}") };
        PeerSeen { id, port: group.port, state: state.clone(), sidelined: false }
    };
    let asked = groups.iter().filter(|group| arns.contains(&group.facts.arn));
    let targets = |group: &Group| (1..=2).map(|n| other(group, n)).collect();
    asked.map(|group| FleetSeen { group: group.facts.arn.clone(), targets: targets(group) }).collect()
}
