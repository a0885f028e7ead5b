//! What Auto Scaling itself says: which group has the machine, what that group is like, and which target groups it has
//! attached.
//!
//! Losing it changes nothing that is known (fail static): that a target group is attached holds until Auto Scaling says
//! otherwise, that a 503 costs nothing holds for a day. It does not know what follows.

use crate::contract::{
    Call, Finding, Moment, Says, ScalingFacts, ScalingKept, ScalingSeen, Span, Trouble, TroubleKind,
};
use crate::desk::{Backoff, Desk, Pace, Topic};
use std::collections::BTreeSet;

/// Limit of one look: two calls, each with the client's own operation time-out of 20 s.
const LIMIT: Span = Span::secs(45);
/// Between two looks at what hardly changes: all nodes of the account share one bucket.
const LOOK: Span = Span::secs(3_600);
/// Between two looks while something stands that the group may not allow any more.
const WATCH: Span = Span::secs(60);
/// First wait after a failed look, doubling up to `MOST_WAIT`.
const FIRST_WAIT: Span = Span::secs(2);
const MOST_WAIT: Span = Span::secs(300);
/// For so long the last answer vouches for a group that would not replace the node.
const VOUCHES: Span = Span::secs(24 * 3_600);
/// Health checks that no 503 fails ("HealthCheckType" of the API reference). Any other word may be one that it does.
const NOT_BY_503: [&str; 2] = ["EC2", "EBS"];

/// Whether a 503 fails this health check of a group.
pub(crate) fn fails_by_503(health_check: &str) -> bool {
    !NOT_BY_503.contains(&health_check)
}

#[derive(Clone, Debug)]
pub(super) struct Service {
    /// The last answer.
    told: Option<Told>,
    /// What that group is like, by the last answer that had it.
    facts: Option<ScalingFacts>,
    /// When they were read.
    read: Moment,
    /// They are too old to vouch for anything.
    old: bool,
    /// What the group has attached, by the last answer that told.
    attached: BTreeSet<String>,
    /// Some answer has told.
    attached_told: bool,
    pace: Pace,
    backoff: Backoff,
    /// When the last answer was asked for, and whether it told everything.
    asked: Option<(Moment, bool)>,
}

/// The last answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// No group has the machine.
    Alone,
    /// This one has it, in this state, where AWS says which.
    Group { name: String, state: Option<String> },
}

impl Service {
    pub(super) fn new(now: Moment) -> Service {
        Service {
            told: None,
            facts: None,
            read: now,
            old: false,
            attached: BTreeSet::new(),
            attached_told: false,
            pace: Pace::from(now),
            backoff: Backoff::new(FIRST_WAIT, MOST_WAIT),
            asked: None,
        }
    }

    /// Somebody wants an answer that is asked for now.
    pub(super) fn ask_afresh(&mut self, desk: &mut Desk) {
        // One that is under way was asked for too early.
        desk.disown(&mut self.pace);
        self.pace.plan(desk.now());
    }

    /// An answer that was asked for at that moment or later has told everything; `None`: none has come.
    pub(super) fn told_since(&self, since: Moment) -> Option<bool> {
        self.asked.filter(|(asked, _)| *asked >= since).map(|(_, whole)| whole)
    }

    /// What an earlier run knew of the group.
    pub(super) fn restore(&mut self, name: String, facts: ScalingFacts, read: Moment) {
        if self.told.is_none() {
            self.told = Some(Told::Group { name, state: None });
            (self.attached, self.attached_told) = (facts.attached.clone(), true);
            (self.facts, self.read) = (Some(facts), read);
        }
    }

    /// What is worth being known after a restart.
    pub(super) fn kept(&self) -> Option<ScalingKept> {
        let Some(Told::Group { name, .. }) = &self.told else { return None };
        let facts = self.facts.clone()?;
        Some(ScalingKept::Group { name: name.clone(), facts, read: self.read })
    }

    pub(super) fn told(&self) -> Option<&Told> {
        self.told.as_ref()
    }

    pub(super) fn attached(&self) -> &BTreeSet<String> {
        &self.attached
    }

    /// What is attached was told, in this run of the agent.
    pub(super) fn has_told(&self) -> bool {
        self.attached_told
    }

    /// It was asked what is attached, and has never told.
    pub(super) fn asked_in_vain(&self) -> bool {
        !self.attached_told && (self.backoff.failing() || self.told == Some(Told::Alone))
    }

    /// The group replaces a node whose target is unhealthy.
    pub(super) fn replaces(&self) -> Says {
        match &self.facts {
            None => Says::Unknown,
            Some(facts) if facts.health_checks.iter().any(|word| fails_by_503(word)) => Says::Yes,
            Some(_) if self.old => Says::Unknown,
            Some(_) => Says::No,
        }
    }

    /// `instance`: which machine this is, once that is known. `watched`: something stands that the group may not allow
    /// any more.
    pub(super) fn step(&mut self, instance: Option<&str>, watched: bool, desk: &mut Desk) {
        self.old |= self.facts.is_some() && desk.reached(self.read + VOUCHES);
        if watched && self.facts.is_some() && !self.pace.is_open() {
            self.pace.hasten(self.pace.begun() + WATCH);
        }
        if let Some(instance) = instance
            && desk.worth(&self.pace)
        {
            let call = Call::AskScaling { instance: instance.to_owned() };
            desk.ask(&mut self.pace, Topic::Scaling, call, LIMIT);
        }
    }

    /// Metadata show something else than before: what Auto Scaling says may be another thing, too.
    pub(super) fn ask_soon(&mut self, now: Moment) {
        if !self.pace.is_open() {
            self.pace.hasten(now);
        }
    }

    /// It has answered, or not. `grouped`: metadata show that a group has the machine.
    pub(super) fn on_reply(&mut self, answer: Result<Option<ScalingSeen>, Trouble>, grouped: bool, desk: &mut Desk) {
        let whole = matches!(&answer, Ok(None) | Ok(Some(ScalingSeen { facts: Ok(_), .. })));
        self.asked = Some((self.pace.begun(), whole));
        let wait = desk.wait_or(!whole, &mut self.backoff, LOOK);
        self.pace.done(desk.now() + wait);
        let trouble = match answer {
            Ok(None) => {
                // What was attached stays so: a node that was detached does not join what the group has.
                (self.told, self.facts) = (Some(Told::Alone), None);
                None
            }
            Ok(Some(ScalingSeen { name, state, facts })) => {
                let another = !matches!(&self.told, Some(Told::Group { name: known, .. }) if *known == name);
                if another {
                    self.facts = None;
                }
                self.told = Some(Told::Group { name, state });
                facts.map(|facts| self.read(facts, desk)).err()
            }
            Err(trouble) => Some(trouble),
        };
        // A node that no group has needs no permission to ask.
        let minds = grouped || matches!(self.told, Some(Told::Group { .. }));
        self.note(trouble.filter(|_| minds), desk);
    }

    fn read(&mut self, facts: ScalingFacts, desk: &Desk) {
        self.attached.clone_from(&facts.attached);
        self.attached_told = true;
        (self.facts, self.read, self.old) = (Some(facts), desk.now(), false);
    }

    /// One of two words, for as long as it lasts.
    fn note(&self, trouble: Option<Trouble>, desk: &mut Desk) {
        let denied = trouble.as_ref().is_some_and(|trouble| trouble.kind == TroubleKind::Denied);
        let word = if denied { Finding::PermissionMissing } else { Finding::AwsUnreachable };
        for other in [Finding::PermissionMissing, Finding::AwsUnreachable] {
            match &trouble {
                Some(trouble) if other == word => {
                    let what =
                        "what the Auto Scaling group would do to this node is not known, so the worst is assumed";
                    desk.happened(word, SUBJECT, format!("{what} ({})", trouble.text));
                }
                _ => desk.cured_of(other, SUBJECT),
            }
        }
    }
}

/// Tells its findings from those about target groups.
const SUBJECT: &str = "auto-scaling";
