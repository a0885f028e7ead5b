//! What the load balancer says of this node against what the node says of itself: whether the two agree, since when a
//! difference is one, and what most likely makes it.
//!
//! A difference is claimed only where the balancer's own time has passed: what it saw was asked for later than its
//! health check needs to notice what the node says now. It decides nothing about what is done.

use super::group::{Group, Standing, UNREAD_DETECTION, asks_agent};
use super::view_words as say;
use crate::contract::{
    Agreement, Anomaly, Answering, BalancerView, GroupFacts, GroupInputs, LikelyCause, Moment, NoteKind, Overridden,
    Own, Span, Target, TargetReason, TargetSeen, TargetState, Text, Wish,
};
use crate::desk::Desk;

/// Five good checks of AWS's default health check, for a group that could not be read.
const UNREAD_RECOVERY: Span = Span::secs(161);
/// What the balancer's nodes, which do not check at the same moment, and AWS's page of it may be late.
const LATE: Span = Span::secs(5);
/// A registration takes seconds. One of an Auto Scaling group waits for its launch hooks first, which may take longer:
/// that is no difference for this long.
const REGISTERS: Span = Span::secs(300);

/// One target, and everything that its view depends on.
pub(super) struct Case<'a> {
    /// What was seen of it.
    pub(super) seen: &'a TargetSeen,
    /// When that was asked for.
    pub(super) asked: Moment,
    /// Since when its state was seen to be so.
    pub(super) since: Moment,
    /// What its group is like, if that is known.
    pub(super) facts: Option<&'a GroupFacts>,
    /// How long the group drains.
    pub(super) delay: Span,
    /// Its group is named, or attached: else it is on its way out, whatever the node says.
    pub(super) wanted: bool,
    /// This agent registers it.
    pub(super) owned: bool,
    /// Somebody else took it out, and this agent leaves it alone.
    pub(super) rests: bool,
    /// What the node says of itself.
    pub(super) own: Own,
    /// Where it says so.
    pub(super) answering: Answering<'a>,
}

/// What the node makes of it.
pub(super) fn judge(case: &Case<'_>) -> BalancerView {
    if !case.wanted || case.own == Own::Leaving {
        return agrees("");
    }
    match &case.seen.state {
        TargetState::Healthy => case.healthy(),
        TargetState::Unhealthy => case.unhealthy(),
        TargetState::Arriving => case.arriving(),
        TargetState::Leaving => case.leaving(),
        TargetState::Absent => case.absent(),
        TargetState::Idle => case.idle(),
        TargetState::Unavailable => case.unavailable(),
        TargetState::Other(word) => unknown(say::unknown_state(word)),
    }
}

impl Case<'_> {
    fn healthy(&self) -> BalancerView {
        match self.own {
            Own::Up(_) => self.laid_over(),
            Own::Leaving => agrees(""),
            Own::Out(since) => self.counting_until(
                since + self.detection(),
                || say::wants_failures(self.facts),
                || {
                    let other = || differs(LikelyCause::OtherAnswer, say::answers_for_us(self.answering));
                    self.misdirected().unwrap_or_else(other)
                },
            ),
        }
    }

    /// Healthy, and this node agrees: what may keep requests away all the same.
    fn laid_over(&self) -> BalancerView {
        match (&self.seen.overridden, &self.seen.anomaly) {
            (Overridden::ZonalShift, _) => differs(LikelyCause::ZonalShift, say::ZONAL_SHIFT),
            (Overridden::Other(word), _) => unknown(say::unknown_override(word)),
            (_, Anomaly::Mitigated) => differs(LikelyCause::AnomalyMitigation, say::MITIGATED),
            (_, Anomaly::Other(word)) => unknown(say::unknown_anomaly(word)),
            (_, Anomaly::Noted) => agrees(say::ANOMALOUS),
            (Overridden::ByDns, Anomaly::No) => agrees(say::BY_DNS),
            (Overridden::No, Anomaly::No) if self.misdirected().is_some() => agrees(say::ASKS_ANOTHER),
            (Overridden::No, Anomaly::No) => agrees(""),
        }
    }

    fn unhealthy(&self) -> BalancerView {
        match self.own {
            Own::Up(_) if self.seen.because == TargetReason::BalancerError => {
                differs(LikelyCause::BalancerError, say::BALANCER_ERROR)
            }
            Own::Up(since) => self.counting_until(
                since + self.recovery(),
                || say::wants_passes(self.facts),
                || self.misdirected().unwrap_or_else(|| self.failing()),
            ),
            Own::Leaving => agrees(""),
            // It would say so of an up node, too, and people can cure that before there is one.
            Own::Out(since) if self.seen.because == TargetReason::TimedOut && self.over(since + self.detection()) => {
                agrees(say::times_out_anyway(self.answering))
            }
            Own::Out(_) => agrees(say::FAILS_OPEN),
        }
    }

    /// Its checks fail although they ask this agent.
    fn failing(&self) -> BalancerView {
        if let Some(facts) = self.facts.filter(|facts| facts.check_https) {
            return differs(LikelyCause::CheckProtocol, say::speaks_https(facts));
        }
        match &self.seen.because {
            TargetReason::Codes(codes) => match self.facts.filter(|facts| !facts.passes_200) {
                Some(facts) => differs(LikelyCause::CheckMatcher, say::takes_no_200(facts)),
                None => differs(LikelyCause::OtherAnswer, say::gets_codes(codes, self.answering)),
            },
            TargetReason::TimedOut => differs(LikelyCause::Unreachable, say::times_out(self.answering)),
            TargetReason::Failed => differs(LikelyCause::ConnectionFailed, say::connects_in_vain(self.answering)),
            TargetReason::None
            | TargetReason::Registering
            | TargetReason::FirstChecks
            | TargetReason::BalancerError
            | TargetReason::NotRegistered
            | TargetReason::NoListener
            | TargetReason::ZoneOff
            | TargetReason::NotInUse
            | TargetReason::NotRunning
            | TargetReason::AddressTaken
            | TargetReason::Deregistering
            | TargetReason::ChecksOff
            | TargetReason::Other(_) => unknown(say::unknown_reason(self.seen)),
        }
    }

    fn arriving(&self) -> BalancerView {
        let Own::Up(since) = self.own else { return agrees("") };
        let from = since.max(self.since);
        if self.seen.because == TargetReason::Registering {
            let slow = || differs(LikelyCause::RegistrationSlow, say::REGISTRATION_SLOW);
            return self.counting_until(from + REGISTERS, || say::REGISTERING.into(), slow);
        }
        let unchecked = || differs(LikelyCause::NotChecked, say::NOT_CHECKED);
        self.counting_until(from + self.detection(), || say::wants_one(self.facts), unchecked)
    }

    fn leaving(&self) -> BalancerView {
        let Own::Up(since) = self.own else { return agrees("") };
        if self.rests {
            return differs(LikelyCause::Deregistered, say::LEFT_ALONE);
        }
        let taken_out = || differs(LikelyCause::Deregistered, say::taken_out(self.owned));
        if !self.owned {
            return taken_out();
        }
        // This agent puts it back: an instance at once, an address when it has drained.
        let by = since.max(self.since) + self.delay + REGISTERS;
        self.counting_until(by, || say::COMES_BACK.into(), taken_out)
    }

    fn absent(&self) -> BalancerView {
        let Own::Up(since) = self.own else { return agrees("") };
        if self.rests {
            return differs(LikelyCause::Deregistered, say::LEFT_ALONE);
        }
        let missing = || differs(LikelyCause::NotRegistered, say::not_registered(self.owned));
        self.counting_until(since.max(self.since) + REGISTERS, || say::NOT_YET_REGISTERED.into(), missing)
    }

    /// Registered, and nothing is sent there: so it is whatever the node says, but an up node misses it.
    fn idle(&self) -> BalancerView {
        let (cause, why) = match &self.seen.because {
            TargetReason::NoListener => (LikelyCause::NoListener, say::NO_LISTENER.into()),
            TargetReason::ZoneOff => (LikelyCause::ZoneOff, say::ZONE_OFF.into()),
            TargetReason::NotInUse => (LikelyCause::NotInUse, say::NOT_IN_USE.into()),
            TargetReason::NotRunning => (LikelyCause::InstanceStopped, say::not_running(self.seen)),
            TargetReason::AddressTaken => (LikelyCause::AddressTaken, say::ADDRESS_TAKEN.into()),
            TargetReason::None
            | TargetReason::Registering
            | TargetReason::FirstChecks
            | TargetReason::Codes(_)
            | TargetReason::TimedOut
            | TargetReason::Failed
            | TargetReason::BalancerError
            | TargetReason::NotRegistered
            | TargetReason::Deregistering
            | TargetReason::ChecksOff
            | TargetReason::Other(_) => return unknown(say::unknown_reason(self.seen)),
        };
        match self.own {
            Own::Up(_) => differs(cause, why),
            Own::Out(_) | Own::Leaving => agrees(why),
        }
    }

    fn unavailable(&self) -> BalancerView {
        match &self.seen.because {
            TargetReason::ChecksOff => differs(LikelyCause::CheckOff, say::CHECKS_OFF),
            TargetReason::BalancerError => differs(LikelyCause::BalancerError, say::HEALTH_UNAVAILABLE),
            TargetReason::None
            | TargetReason::Registering
            | TargetReason::FirstChecks
            | TargetReason::Codes(_)
            | TargetReason::TimedOut
            | TargetReason::Failed
            | TargetReason::NotRegistered
            | TargetReason::NoListener
            | TargetReason::ZoneOff
            | TargetReason::NotInUse
            | TargetReason::NotRunning
            | TargetReason::AddressTaken
            | TargetReason::Deregistering
            | TargetReason::Other(_) => unknown(say::unknown_reason(self.seen)),
        }
    }

    /// Its health check asks somebody else than this agent.
    fn misdirected(&self) -> Option<BalancerView> {
        let facts = self.facts.filter(|facts| !asks_agent(facts, self.answering))?;
        let port = facts.check_port == Some(self.answering.port);
        let cause = if port { LikelyCause::CheckPath } else { LikelyCause::CheckPort };
        Some(differs(cause, say::asks_elsewhere(facts, self.answering)))
    }

    /// The balancer has had its time, which ends then, when what is known of it was asked for.
    fn over(&self, by: Moment) -> bool {
        self.asked >= by
    }

    fn counting_until(
        &self,
        by: Moment,
        meanwhile: impl FnOnce() -> Text,
        after: impl FnOnce() -> BalancerView,
    ) -> BalancerView {
        if self.over(by) {
            return after();
        }
        BalancerView { agreement: Agreement::Counting, cause: None, why: meanwhile(), expected: Some(by) }
    }

    /// How long the balancer takes to see that a node fails.
    fn detection(&self) -> Span {
        self.facts.map_or(UNREAD_DETECTION, |facts| checks(facts, facts.unhealthy_threshold))
    }

    /// How long it takes to see that one has come back.
    fn recovery(&self) -> Span {
        self.facts.map_or(UNREAD_RECOVERY, |facts| checks(facts, facts.healthy_threshold))
    }
}

/// So many checks in a row, the last of which takes as long as it may.
pub(super) fn checks(facts: &GroupFacts, number: u32) -> Span {
    Span::secs(u64::from(number) * facts.check_interval_secs + facts.check_timeout_secs) + LATE
}

fn agrees(why: impl Into<Text>) -> BalancerView {
    BalancerView { agreement: Agreement::Agrees, cause: None, why: why.into(), expected: None }
}

fn differs(cause: LikelyCause, why: impl Into<Text>) -> BalancerView {
    BalancerView { agreement: Agreement::Differs, cause: Some(cause), why: why.into(), expected: None }
}

fn unknown(why: impl Into<Text>) -> BalancerView {
    let cause = Some(LikelyCause::UnknownWord);
    BalancerView { agreement: Agreement::Unknown, cause, why: why.into(), expected: None }
}

impl Group {
    /// What the node makes of what was last seen of its target.
    pub(super) fn balancer(&self, own: Own, answering: Answering<'_>) -> Option<BalancerView> {
        let sight = self.seen.as_ref()?;
        Some(judge(&Case {
            seen: &sight.target,
            asked: sight.asked,
            since: self.seen_since,
            facts: self.facts.as_ref(),
            delay: self.delay(),
            wanted: self.standing == Standing::Named,
            owned: self.owned,
            rests: self.rests(),
            own,
            answering,
        }))
    }

    /// The target is registered and gets no requests by how the load balancer is set up: which one, and why.
    pub(super) fn idle(&self) -> Option<String> {
        let seen = self.seen.as_ref().map(|sight| &sight.target).filter(|seen| seen.state == TargetState::Idle)?;
        if matches!(seen.because, TargetReason::NotRunning | TargetReason::AddressTaken) {
            return None;
        }
        let Target { name, port, .. } = self.target.as_ref()?;
        let words = if seen.description.is_empty() { "nothing is sent there" } else { &seen.description };
        Some(format!("{name}:{port}: {words}"))
    }

    /// A difference is told once, until it is another one or none. As long as the balancer still counts, nothing is
    /// told: what it says next is looked at as soon as its time is over.
    pub(super) fn note_view(&mut self, inputs: &GroupInputs<'_>, node: Wish, desk: &mut Desk) {
        let Some(view) = self.balancer(inputs.own, inputs.answering) else { return };
        if let Some(by) = view.expected {
            if node != Wish::Leave && !self.look.is_open() && desk.now() < by {
                self.look.hasten(by);
            }
            return;
        }
        let told = std::mem::replace(&mut self.told_cause, view.cause);
        let Some((target, state)) = self.target.as_ref().zip(self.state()).filter(|_| told != view.cause) else {
            return;
        };
        let Target { name, id, port, .. } = target;
        let (target, state, own) = (format!("{id}:{port}"), state.word(), inputs.own.word());
        let text = match view.cause {
            Some(cause) => {
                format!("{name} and this node differ about {target} ({state}, {own}): {cause}: {}", view.why)
            }
            None => format!("{name} and this node agree again about {target} ({state}, {own})"),
        };
        desk.tell(NoteKind::Notice, text);
    }
}
