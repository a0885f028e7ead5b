//! Crash ejection: a node whose Rundeck has died leaves its target groups before the load balancer finds out.
//!
//! It knows how far that is: others are asked first, so that the last healthy node stays, and once more afterwards, for
//! several may have crashed in one moment. It decides when this node is taken out for it, put back, or left to the load
//! balancer's own checks. Only instances in groups that are the agent's own: an address could not come back before its
//! delay is over. How a target is registered and deregistered stands in `group.rs`.

use super::Membership;
use super::group::{Group, Left};
use crate::contract::{GuardSays, MembershipPolicy, Moment, NoteKind, Span, TargetState, Wish};
use crate::desk::Desk;

/// More often than this in so long a time nothing is gained: what dies again and again is left to the load balancer.
const MOST: usize = 2;
const WITHIN: Span = Span::secs(10 * 60);
/// So long an answer about the others is waited for: the load balancer's own checks take about as long.
const PATIENCE: Span = Span::secs(15);
/// A deregistration that is not accepted by then is left to the load balancer, too.
const LEAVES: Span = Span::secs(60);

#[derive(Clone, Debug, Default)]
pub(super) struct Ejection {
    stage: Stage,
    /// When it was done, as far as that is not too long ago to matter.
    done: Vec<Moment>,
}

/// How far it is, of the Rundeck that has died.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// Nothing has happened.
    #[default]
    In,
    /// The others were asked for then.
    Asking(Moment),
    /// It was decided then to leave.
    Leaving(Moment),
    /// It has left; whether too many have was asked for then.
    Asked(Moment),
    /// It is out until Rundeck is up.
    Out,
    /// Too many have left: it comes back, as bad as it is.
    Back,
    /// It is left to the load balancer.
    Stays,
}

impl Group {
    /// It may be left without being locked out for a while.
    pub(super) fn is_ejectable(&self) -> bool {
        self.owned && self.target.is_some() && !self.is_address()
    }

    fn takes_requests(&self) -> bool {
        !matches!(self.state(), None | Some(TargetState::Absent | TargetState::Leaving))
    }
}

impl Membership {
    /// What a death of Rundeck wants of the groups; `None`: nothing.
    pub(crate) fn ejects(&self) -> Option<Wish> {
        match self.ejection.stage {
            Stage::Leaving(_) | Stage::Asked(_) | Stage::Out => Some(Wish::Eject),
            Stage::Back => Some(Wish::Join),
            Stage::In | Stage::Asking(_) | Stage::Stays => None,
        }
    }

    /// `gone`: Rundeck's process was seen to end, no other is there, and nobody wants the node out for another reason.
    pub(crate) fn step_ejection(&mut self, gone: bool, policy: &MembershipPolicy, desk: &mut Desk) {
        if !gone {
            self.ejection.stage = Stage::In;
            return;
        }
        let stage = self.ejection.stage;
        self.ejection.stage = match stage {
            Stage::In => self.begin_ejection(policy, desk),
            Stage::Asking(since) => self.agreed(since, policy, desk),
            Stage::Leaving(since) => {
                if self
                    .each()
                    .filter(|group| group.is_ejectable())
                    .all(|group| matches!(group.left, Left::Confirmed(_)))
                {
                    self.guard.ask(desk);
                    Stage::Asked(desk.now())
                } else if desk.reached(since + LEAVES) {
                    Stage::Out
                } else {
                    stage
                }
            }
            Stage::Asked(since) => match self.fleet_says(since, policy) {
                None if desk.reached(since + PATIENCE) => Stage::Out,
                None => stage,
                Some(GuardSays::Enough(_) | GuardSays::NoAnswer(_)) => Stage::Out,
                Some(GuardSays::TooFew { text, .. }) => {
                    desk.tell(
                        NoteKind::Notice,
                        format!("crash ejection taken back, for others have left, too: {text}"),
                    );
                    Stage::Back
                }
            },
            Stage::Out | Stage::Back | Stage::Stays => stage,
        };
    }

    fn begin_ejection(&mut self, policy: &MembershipPolicy, desk: &mut Desk) -> Stage {
        let possible = self.each().any(|group| group.is_ejectable() && group.takes_requests());
        if !policy.crash_ejection || !possible {
            return Stage::Stays;
        }
        let now = desk.now();
        self.ejection.done.retain(|at| now.since(*at) < WITHIN);
        if self.ejection.done.len() >= MOST {
            let text =
                "crash ejection: Rundeck has died for the third time in ten minutes: it is left to the load balancer";
            desk.tell(NoteKind::Notice, text);
            return Stage::Stays;
        }
        self.guard.ask(desk);
        Stage::Asking(now)
    }

    fn agreed(&mut self, since: Moment, policy: &MembershipPolicy, desk: &mut Desk) -> Stage {
        let (stays, why) = match self.fleet_says(since, policy) {
            None if !desk.reached(since + PATIENCE) => return Stage::Asking(since),
            None => (true, "nobody tells how the others are".to_owned()),
            Some(GuardSays::Enough(text)) => (false, text),
            Some(GuardSays::TooFew { text, .. }) => (true, text),
            Some(GuardSays::NoAnswer(why)) => (true, format!("nobody tells how the others are ({why})")),
        };
        let deed = if stays { "it stays" } else { "it leaves its groups" };
        desk.tell(NoteKind::Notice, format!("crash ejection: Rundeck's process is gone, {deed}: {why}"));
        if stays {
            return Stage::Stays;
        }
        self.ejection.done.push(desk.now());
        for group in self.each_mut().filter(|group| group.is_ejectable()) {
            // What was confirmed at some time before says nothing of now.
            group.left = Left::No;
            group.hasten_change(desk.now());
        }
        Stage::Leaving(desk.now())
    }
}
