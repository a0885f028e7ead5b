//! What the bystander has heard of the Auto Scaling group, and what that means for the node. It judges nothing.

use crate::oracle::Oracle;
use rundeck_alb_core::{Cause, Moment, ScalingKept, ScalingSeen, Span, StandbyRule};

/// The way into Standby takes no longer, by the heart's own limit and a look that was under way.
pub const REACHED: Span = Span::secs(75);

/// Where the machine stands, by all that was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// Nobody has told.
    Unknown,
    /// No group has it.
    Alone,
    /// A group had it.
    Detached,
    /// A group has it, in this state, where that was told.
    Group(Option<&'a str>),
}

impl Oracle {
    pub fn place(&self) -> Place<'_> {
        let kept = self.run.intent.as_ref().and_then(|intent| intent.scaling.as_ref());
        match (&self.run.lifecycle, &self.run.scaling) {
            (Some(Some(state)), _) if state == "Detached" => Place::Detached,
            (Some(Some(state)), _) => Place::Group(Some(state)),
            (_, Some(Some(seen))) => Place::Group(seen.state.as_deref()),
            (_, None) if matches!(kept, Some(ScalingKept::Group { .. })) => Place::Group(None),
            (Some(None), _) | (None, Some(None)) => Place::Alone,
            (None, None) if kept == Some(&ScalingKept::Alone) => Place::Alone,
            (None, None) => Place::Unknown,
        }
    }

    /// No group has the machine.
    pub fn alone(&self) -> bool {
        self.place() == Place::Alone
    }

    /// A group would replace the node for a 503, or nobody can tell. The world's group always would.
    pub fn may_replace(&self) -> bool {
        !matches!(self.place(), Place::Alone | Place::Detached | Place::Group(Some("Standby")))
    }

    /// A choice may go by Standby: the group has the node in service, and would replace it for a 503.
    pub fn by_standby(&self) -> bool {
        let allowed = self.policy.membership.standby != StandbyRule::Off;
        allowed && self.place() == Place::Group(Some("InService"))
    }

    /// Auto Scaling has answered.
    pub fn scaling_told(&mut self, seen: &Option<ScalingSeen>, now: Moment) {
        if self.run.scaling.as_ref() != Some(seen) {
            self.moved = now;
        }
        self.run.scaling = Some(seen.clone());
    }

    /// The node is in service, in a group that is known to replace it.
    pub fn in_service_and_replaced(&self) -> bool {
        let kept = self.run.intent.as_ref().and_then(|intent| intent.scaling.as_ref());
        let known = matches!(&self.run.scaling, Some(Some(_)))
            || (self.run.scaling.is_none() && matches!(kept, Some(ScalingKept::Group { .. })));
        known && self.place() == Place::Group(Some("InService"))
    }

    /// An operator's drain ends then.
    pub fn end_choices(&mut self, now: Moment) {
        self.notes.stood |= self.place() == Place::Group(Some("Standby"));
        // On its way into Standby it is in service still.
        let recent = self.notes.standby.is_some_and(|since| now.since(since) <= REACHED);
        let enters = recent && !self.notes.stood;
        if self.in_service_and_replaced() && !enters && self.run.abort_at.is_none() {
            self.orders.retain(|w| w.order.cause != Cause::Operator);
            self.begin_if_wanted(now);
        }
    }
}
