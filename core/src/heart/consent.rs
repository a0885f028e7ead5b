//! Who must agree to a choice before it is made: the Auto Scaling group, which might replace the node for it, and the
//! fleet, which must be able to do without it. Both are asked afresh, and the order waits for them.
//!
//! What was agreed to is looked at once more a little later: two operators may have been told yes in the same moment.
//! What an order leads to stands in `orders.rs`, what the answers mean in `between.rs`.

use super::{Heart, between};
use crate::contract::{
    Cause, Command, DrainOrder, EndedBy, GuardSays, Maintenance, Moment, NoteKind, OrderAnswer, Refusal, Span,
};

/// An order waits so long for answers; whoever gave it waits a little longer.
const PATIENCE: Span = Span::secs(12);
/// Two operators who act in one moment look at different ones.
const APART: Span = Span::secs(5);
/// Orders that wait at a time: more than people give.
const MOST: usize = 16;
const BUSY: &str = "too many orders wait for AWS: try again in some seconds";

/// The choices that wait for others, and the one that was made and is looked at once more.
#[derive(Clone, Debug, Default)]
pub(super) struct Consents {
    waiting: Vec<Waiting>,
    again: Option<Again>,
}

/// An order that waits.
#[derive(Clone, Debug)]
struct Waiting {
    number: u64,
    wants: Choice,
    since: Moment,
    /// The fleet is asked then; `None`: it need not be.
    fleet: Option<Moment>,
    /// It was.
    asked: bool,
    /// What the way by Standby depends on was asked for then.
    standby: Option<Moment>,
}

/// What is chosen.
#[derive(Clone, Debug)]
enum Choice {
    Drain(DrainOrder),
    Maintenance(Maintenance),
}

/// A drain that the fleet has agreed to.
#[derive(Clone, Debug)]
struct Again {
    /// When it is asked once more.
    at: Moment,
    /// When it was.
    asked: Option<Moment>,
    /// Too few were left before, too.
    few: bool,
}

impl Heart {
    /// Asks whoever must agree to this order, which is answered once they have.
    pub(super) fn ask_consent(&mut self, number: u64, order: DrainOrder) {
        let now = self.desk.now();
        if self.consents.waiting.len() >= MOST {
            return self.refuse(number, Refusal::Unknown, None, BUSY.into());
        }
        self.asg.ask_afresh(&mut self.desk);
        // An address cannot come back soon: who leaves by it looks before.
        let apart = if self.membership.has_address() { self.desk.upto(APART) } else { Span::ZERO };
        let asks = between::asks_fleet(self.shown, order.force, self.membership.has_fleet());
        let fleet = asks.then_some(now + apart);
        let wants = Choice::Drain(order);
        self.consents.waiting.push(Waiting { number, wants, since: now, fleet, asked: false, standby: None });
    }

    /// Maintenance needs no consent of the fleet: the node stays a target, and is back at a word.
    pub(super) fn order_maintenance(&mut self, number: u64, order: Maintenance) -> Option<OrderAnswer> {
        if self.upkeep.on().is_some() {
            self.upkeep.begin(order, &mut self.desk);
            return Some(OrderAnswer::Maintained(true));
        }
        if self.consents.waiting.len() >= MOST {
            self.refuse(number, Refusal::Unknown, None, BUSY.into());
            return None;
        }
        self.asg.ask_afresh(&mut self.desk);
        let (wants, since) = (Choice::Maintenance(order), self.desk.now());
        self.consents.waiting.push(Waiting { number, wants, since, fleet: None, asked: false, standby: None });
        None
    }

    /// Maintenance that waits to begin is taken back.
    pub(super) fn drop_maintenance(&mut self) {
        self.drop_choices(|wants| matches!(wants, Choice::Maintenance(_)));
    }

    fn drop_choices(&mut self, ends: impl Fn(&Choice) -> bool) {
        let waiting = std::mem::take(&mut self.consents.waiting);
        let (dropped, left): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|waiting| ends(&waiting.wants));
        self.consents.waiting = left;
        for Waiting { number, .. } in dropped {
            self.refuse(number, Refusal::Resumed, None, "taken back before it had begun".into());
        }
    }

    /// Decides what can be decided by now.
    pub(super) fn step_consents(&mut self) {
        for waiting in std::mem::take(&mut self.consents.waiting) {
            self.step_waiting(waiting);
        }
        self.look_again();
    }

    /// What waits to begin is taken back with what has begun.
    pub(super) fn drop_waiting(&mut self, by: Cause) {
        self.drop_choices(|wants| match wants {
            Choice::Drain(order) => order.cause.meaning().taken_back_by.contains(&by),
            Choice::Maintenance(_) => false,
        });
    }

    fn step_waiting(&mut self, mut waiting: Waiting) {
        let goes = self.drain.as_ref().is_some_and(|drain| !drain.is_choice());
        if let Choice::Drain(order) = &waiting.wants
            && goes
        {
            // It goes anyway by now.
            return self.join(waiting.number, order.clone());
        }
        if let Some(at) = waiting.fleet.filter(|at| !waiting.asked && self.desk.reached(*at)) {
            self.membership.ask_fleet(&mut self.desk);
            waiting.fleet = Some(at.max(self.desk.now()));
            waiting.asked = true;
        }
        let over = self.desk.reached(waiting.since + PATIENCE);
        let replaces = self.asg.replaces_since(waiting.since).or(over.then(|| self.asg.replaces_at_worst()));
        let says = waiting.fleet.map(|at| {
            let says = self.membership.fleet_says(at, &self.policy.membership).filter(|_| waiting.asked);
            says.or(over.then(|| GuardSays::NoAnswer("no answer in time".into())))
        });
        let by_standby = replaces.is_some_and(|replaces| self.by_standby(replaces));
        let standby = by_standby.then(|| self.standby_agrees(&mut waiting, over));
        let cause = if let Choice::Drain(order) = &waiting.wants { order.cause } else { Cause::Operator };
        let agreed = between::consent(cause, replaces, standby.as_ref().map(Option::as_ref), says);
        match agreed {
            None => self.consents.waiting.push(waiting),
            Some(Err((why, healthy, text))) => self.refuse(waiting.number, why, healthy, text),
            Some(Ok(guarded)) => {
                match waiting.wants {
                    Choice::Drain(order) => self.agree(waiting.number, order, guarded),
                    Choice::Maintenance(order) => {
                        self.upkeep.begin(order, &mut self.desk);
                        self.desk.send(Command::Answer(waiting.number, OrderAnswer::Maintained(true)));
                    }
                }
                if let Some(Some(Ok(told))) = standby {
                    self.warn_of_standby(told);
                    self.enter_standby();
                }
            }
        }
    }

    /// What the way by Standby depends on; `None`: nobody has told yet.
    fn standby_agrees(&mut self, waiting: &mut Waiting, over: bool) -> Option<Result<Vec<String>, String>> {
        let Some(group) = self.asg.group_name().map(str::to_owned) else {
            return Some(Err("which Auto Scaling group has the node is not known".into()));
        };
        if let Choice::Drain(order) = &waiting.wants
            && order.deadline.is_some_and(|at| at <= self.desk.now())
        {
            return Some(Err("the order's own time is over before the way could be taken".into()));
        }
        let since = *waiting.standby.get_or_insert_with(|| {
            self.standby.ask(&group, &mut self.desk);
            self.desk.now()
        });
        let agrees = self.standby.agrees(since, self.policy.membership.standby);
        agrees.or(over.then(|| Err("nobody tells in time what its way into Standby depends on".into())))
    }

    /// No choice, or one that joins what is none: only an Auto Scaling group may be against it.
    pub(super) fn join(&mut self, number: u64, order: DrainOrder) {
        match between::consent(order.cause, Some(self.asg.replaces()), None, None) {
            Some(Err((why, healthy, text))) => self.refuse(number, why, healthy, text),
            Some(Ok(_)) | None => self.agree(number, order, false),
        }
    }

    /// `guarded`: the fleet has agreed, too.
    fn agree(&mut self, number: u64, order: DrainOrder, guarded: bool) {
        let id = order.id.clone();
        self.begin(order);
        // An address that came back would be out for its whole delay all the same.
        if guarded && !self.membership.has_address() {
            let at = self.desk.now() + self.desk.upto(APART);
            self.consents.again = Some(Again { at, asked: None, few: false });
        }
        let id = self.drain.as_ref().map_or(id, |drain| drain.id().to_owned());
        self.desk.send(Command::Answer(number, OrderAnswer::Accepted(id)));
    }

    fn refuse(&mut self, number: u64, why: Refusal, healthy_others: Option<usize>, text: String) {
        self.desk.send(Command::Answer(number, OrderAnswer::Refused { why, healthy_others, text }));
    }

    /// Others may have left in the same moment: then this node comes back, once, unless they have come back first.
    fn look_again(&mut self) {
        let chosen = self.drain.as_ref().is_some_and(|drain| drain.is_choice());
        let Some(mut again) = self.consents.again.take().filter(|_| chosen) else { return };
        let Some(since) = again.asked else {
            if self.desk.reached(again.at) {
                self.membership.ask_fleet(&mut self.desk);
                again.asked = Some(self.desk.now());
            }
            self.consents.again = Some(again);
            return;
        };
        match self.membership.fleet_says(since, &self.policy.membership) {
            None if self.desk.reached(since + PATIENCE) => {}
            None => self.consents.again = Some(again),
            // Nobody can tell: it was agreed to.
            Some(GuardSays::Enough(_) | GuardSays::NoAnswer(_)) => {}
            Some(GuardSays::TooFew { .. }) if !again.few => {
                let at = self.desk.now() + self.desk.upto(APART);
                self.consents.again = Some(Again { at, asked: None, few: true });
                // It is waited for from now on.
                self.look_again();
            }
            Some(GuardSays::TooFew { text, .. }) => {
                let why = format!("taken back, for somebody else has left, too: {text}");
                self.take_back(EndedBy::Guard, &why);
            }
        }
    }

    /// The drain that was ordered is taken back, by no order.
    fn take_back(&mut self, by: EndedBy, why: &str) {
        let Some(drain) = &mut self.drain else { return };
        if drain.take_back(|cause| cause == Cause::Operator) == Some(false) {
            self.come_back(by, why);
        } else {
            self.desk.tell(NoteKind::DrainStep, why);
        }
    }
}
