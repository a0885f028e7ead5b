//! Whether what this node finds wrong with itself may take it out: the fleet must be able to do without it.
//!
//! It knows how far that is: others are asked, the node waits, so that those which found the same do not leave at once,
//! and they are asked once more before it goes. What a probe shows that every member may see is held back further:
//! nobody leaves for it when others turned unhealthy meanwhile, or when fewer than half would be left, and the members
//! take turns. It does not know what is wrong, nor what follows from its yes.

use super::Membership;
use super::guard::words;
use crate::contract::{Fleet, HoldView, Identity, MembershipPolicy, Moment, NoteKind, Span, Wants};
use crate::desk::Desk;
use std::collections::BTreeSet;

/// An answer about the others that was asked for so long ago still counts.
const FRESH: Span = Span::secs(30);
/// So long an answer is waited for.
const PATIENCE: Span = Span::secs(30);
/// Between two questions while the fleet says no, jittered.
const AGAIN: Span = Span::secs(30);
/// What all members share, one may see so much later than another: a database that hangs is found out by two calls of
/// forty seconds each and the pause between them, one that refuses at once.
const SPREAD: Span = Span::secs(150);
/// Members take turns by their place in the list of all; in a larger fleet some share one.
const TURNS: usize = 10;

#[derive(Clone, Debug, Default)]
pub(super) struct Hold {
    stage: Stage,
    /// Those who were healthy at some time since this was found out.
    healthy: BTreeSet<String>,
    /// For people: the fleet did not agree when it was asked last, and what it has said.
    refused: bool,
    text: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// Nothing wants the node out.
    #[default]
    In,
    /// The others were asked for then.
    Asking(Moment),
    /// They agree; it goes then, if they still do.
    Waiting(Moment),
    /// They were asked once more then.
    Asked(Moment),
    /// They do not agree, or nobody tells: asked again then.
    Held(Moment),
    /// They agree.
    Out,
}

impl Membership {
    /// The fleet agrees that the node goes out for what is wrong with it.
    pub(crate) fn lets_out(&self) -> bool {
        self.hold.stage == Stage::Out
    }

    /// Something wants the node out, and the fleet has not agreed yet.
    pub(crate) fn holds(&self) -> bool {
        !matches!(self.hold.stage, Stage::In | Stage::Out)
    }

    /// For people: what the fleet says to what wants the node out.
    pub(crate) fn hold_view(&self) -> Option<HoldView> {
        let until = match self.hold.stage {
            Stage::In | Stage::Out => return None,
            Stage::Asking(_) | Stage::Asked(_) => None,
            Stage::Waiting(at) | Stage::Held(at) => Some(at),
        };
        Some(HoldView { refused: self.hold.refused, until, text: self.hold.text.clone() })
    }

    /// `wants`: what wants the node out; `serves`: it is in service.
    pub(crate) fn step_hold(&mut self, wants: Option<Wants>, serves: bool, policy: &MembershipPolicy, desk: &mut Desk) {
        let Some(wants) = wants else {
            self.hold = Hold::default();
            return;
        };
        // Each stage that is over leads to another one, which waits for something or is the last.
        while let Some(next) = self.next_stage(wants, serves, policy, desk) {
            self.hold.stage = next;
        }
    }

    /// `None`: it is waited for what it waits for.
    fn next_stage(&mut self, wants: Wants, serves: bool, policy: &MembershipPolicy, desk: &mut Desk) -> Option<Stage> {
        // Who serves nobody is no loss; but what all members share says nothing of whether this one serves.
        let no_loss = wants == Wants::Local && (!serves || policy.min_other_healthy == 0);
        match self.hold.stage {
            Stage::Out => None,
            _ if no_loss || !self.has_fleet() => Some(Stage::Out),
            Stage::In => {
                let since = Moment(desk.now().0.saturating_sub(FRESH.0));
                Some(self.guard.asked_since(since).map_or_else(|| self.ask_others(desk), Stage::Asking))
            }
            Stage::Asking(since) => {
                let agreed = self.agreed_out(since, wants, policy, desk)?;
                Some(agreed.map_or_else(|stage| stage, |wait| Stage::Waiting(desk.now() + wait)))
            }
            Stage::Waiting(at) => desk.reached(at).then(|| {
                self.guard.ask(desk);
                Stage::Asked(desk.now())
            }),
            Stage::Asked(since) => {
                let agreed = self.agreed_out(since, wants, policy, desk)?;
                Some(agreed.map_or_else(|stage| stage, |_| Stage::Out))
            }
            Stage::Held(at) => desk.reached(at).then(|| self.ask_others(desk)),
        }
    }

    fn ask_others(&mut self, desk: &mut Desk) -> Stage {
        self.guard.ask(desk);
        Stage::Asking(desk.now())
    }

    /// Whether they agree, and how long the node waits then; `None`: they have not answered yet.
    fn agreed_out(
        &mut self,
        since: Moment,
        wants: Wants,
        policy: &MembershipPolicy,
        desk: &mut Desk,
    ) -> Option<Result<Span, Stage>> {
        let me = self.instance.identity();
        let said = match (self.guard.fleet(since), me) {
            (None, _) if !desk.reached(since + PATIENCE) => return None,
            (None, _) => Err("no answer in time".to_owned()),
            (Some(Err(why)), _) => Err(why.to_owned()),
            (Some(Ok(_)), None) => Err("which machine this is is not known".to_owned()),
            (Some(Ok(fleet)), Some(me)) => Ok((fleet.clone(), place(fleet, me))),
        };
        let judged = match said {
            Err(why) => Err(format!("nobody tells how the others are ({why})")),
            Ok((fleet, place)) => {
                let numbers = words(&fleet, policy.min_other_healthy);
                let judged = self.hold.judge(&fleet, wants, policy.min_other_healthy);
                judged.map(|()| (numbers.clone(), place)).map_err(|why| why.unwrap_or(numbers))
            }
        };
        let detection = self.longest_detection();
        self.hold.refused = judged.is_err();
        Some(match judged {
            Ok((numbers, place)) => {
                let wait = match wants {
                    Wants::Local => desk.upto(detection),
                    Wants::Shared => detection.times(2) + (SPREAD + detection).times(place as u64),
                };
                self.hold.tell(format!("the others can do without this node: {numbers}"), desk);
                Ok(wait)
            }
            Err(why) => {
                self.hold.tell(format!("stays in service, for the others cannot do without it: {why}"), desk);
                Err(Stage::Held(desk.now() + desk.around(AGAIN)))
            }
        })
    }
}

impl Hold {
    /// `Err`: they cannot do without the node; the text, where it is not the numbers alone.
    fn judge(&mut self, fleet: &Fleet, wants: Wants, needed: u32) -> Result<(), Option<String>> {
        let ill = self.healthy.difference(&fleet.others).next().cloned();
        self.healthy.extend(fleet.others.iter().cloned());
        let count = fleet.others.len();
        if count < needed as usize {
            return Err(None);
        }
        match (wants, ill) {
            (Wants::Local, _) => Ok(()),
            (Wants::Shared, Some(id)) => Err(Some(format!("{id} has turned unhealthy, too: all may share the cause"))),
            (Wants::Shared, None) if count * 2 < fleet.known + 1 => {
                Err(Some(format!("{count} of {} members would be left, fewer than half", fleet.known + 1)))
            }
            (Wants::Shared, None) => Ok(()),
        }
    }

    fn tell(&mut self, text: String, desk: &mut Desk) {
        if self.text != text {
            desk.tell(NoteKind::Notice, format!("fleet guard: {text}"));
            self.text = text;
        }
    }
}

/// Which turn is this node's: its place among those that are well, by their ids.
fn place(fleet: &Fleet, me: &Identity) -> usize {
    let before = |id: &&String| match me.private_ip.as_deref() {
        Some(ip) if !id.starts_with("i-") => id.as_str() < ip,
        _ => id.as_str() < me.instance_id.as_str(),
    };
    fleet.others.iter().filter(before).count() % TURNS
}
