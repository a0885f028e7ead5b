//! Standby: the way out on which the Auto Scaling group keeps the node, and the way back.
//!
//! It knows what AWS said the way depends on, how far the node is on it, and whether it was this agent that put it
//! there. It decides when it is asked for, when it counts as reached or as failed, and when the node is brought out
//! again. Who wants it, and what waits for it, others decide.

use crate::contract::{
    Call, Finding, Moment, NoteKind, Span, StandbyInputs, StandbyPreference, StandbyRule, StandbySeen, Trouble,
    TroubleKind,
};
use crate::desk::{Backoff, Desk, Pace, Topic, holds};

/// Not there by then is refused.
const REACHED: Span = Span::secs(60);
/// Between two looks at where the node is, on its way.
pub(super) const LOOK: Span = Span::secs(5);
/// Limit of one question or move: two calls, each with the client's own operation time-out of 20 s.
const LIMIT: Span = Span::secs(45);
/// An accepted move back is seen by then, or asked for once more.
const SEEN_BACK: Span = Span::secs(60);
/// First wait after a refused move back.
const FIRST_WAIT: Span = Span::secs(5);
const MOST_WAIT: Span = Span::secs(300);

#[derive(Clone, Debug)]
pub(crate) struct Standby {
    stage: Stage,
    /// The group in which this agent has put the node into Standby, or is about to.
    group: Option<String>,
    /// What the way depends on, and when that was asked for.
    asked: Pace,
    answer: Option<(Moment, Result<StandbySeen, Trouble>)>,
    /// The call that moves.
    pace: Pace,
    backoff: Backoff,
    /// The move that was asked for last was one back.
    exited: bool,
    /// AWS has refused to move it in, by a call that ended then.
    refused: Option<(Moment, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It is not this agent's.
    Away,
    /// It is to be in Standby, since then; the move was asked for. `again`: it was there in an earlier run.
    Entering { since: Moment, sent: bool, again: bool },
    /// It is.
    In,
    /// It is to be in service again.
    Returning,
}

impl Standby {
    pub(crate) fn new(now: Moment) -> Standby {
        Standby {
            stage: Stage::Away,
            group: None,
            asked: Pace::from(now),
            answer: None,
            pace: Pace::from(now),
            backoff: Backoff::new(FIRST_WAIT, MOST_WAIT),
            exited: false,
            refused: None,
        }
    }

    /// An earlier run has put this machine into Standby there. `wanted`: somebody wants it out still.
    pub(crate) fn restore(&mut self, group: String, wanted: bool, now: Moment) {
        if self.stage == Stage::Away {
            self.group = Some(group);
            self.stage =
                if wanted { Stage::Entering { since: now, sent: false, again: true } } else { Stage::Returning };
        }
    }

    /// The group from which this agent has to bring the node back: what is to be on disk.
    pub(crate) fn group(&self) -> Option<&str> {
        self.group.as_deref()
    }

    /// The node is on its way into Standby: until it is there it stays as it is.
    pub(crate) fn is_entering(&self) -> bool {
        matches!(self.stage, Stage::Entering { .. })
    }

    /// It was this agent that put it there, or does.
    pub(crate) fn is_ours(&self) -> bool {
        self.stage != Stage::Away
    }

    /// It moves, one way or the other: where it is is looked at often.
    pub(crate) fn moves(&self) -> bool {
        matches!(self.stage, Stage::Entering { .. } | Stage::Returning)
    }

    /// What the way depends on is asked for now.
    pub(crate) fn ask(&mut self, group: &str, desk: &mut Desk) {
        desk.disown(&mut self.asked);
        let call = Call::AskStandby { group: group.to_owned() };
        desk.ask(&mut self.asked, Topic::Standby, call, LIMIT);
    }

    /// What it depends on, by an answer that was asked for at `since` or later: fine, with what people should know, or
    /// why not. `None`: it has not come.
    pub(crate) fn agrees(&self, since: Moment, rule: StandbyRule) -> Option<Result<Vec<String>, String>> {
        let (_, answer) = self.answer.as_ref().filter(|(asked, _)| *asked >= since)?;
        Some(match answer {
            Ok(seen) => judge(seen, rule),
            Err(trouble) => Err(format!("nobody tells what its way into Standby depends on ({})", trouble.text)),
        })
    }

    pub(crate) fn on_answer(&mut self, answer: Result<StandbySeen, Trouble>, now: Moment) {
        self.answer = Some((self.asked.begun(), answer));
        self.asked.done(now);
    }

    /// Everybody has agreed: in it goes.
    pub(crate) fn enter(&mut self, group: String, now: Moment) {
        self.group = Some(group);
        self.refused = None;
        self.stage = Stage::Entering { since: now, sent: false, again: false };
        self.pace.plan(now);
    }

    /// Why it is not to be had: it is given up.
    pub(crate) fn step(&mut self, inputs: &StandbyInputs<'_>, desk: &mut Desk) -> Option<String> {
        match self.stage {
            Stage::Away => None,
            Stage::Entering { since, again: true, .. } => self.finds_out(since, inputs, desk),
            Stage::Entering { since, sent, again: false } => self.enters(since, sent, inputs, desk),
            Stage::In => {
                if inputs.in_service {
                    desk.tell(NoteKind::Notice, "somebody else has brought the node out of Standby");
                    self.be_back(desk);
                } else if !inputs.wanted {
                    self.stage = Stage::Returning;
                    self.pace.plan(desk.now());
                    self.backoff.reset();
                }
                None
            }
            Stage::Returning => {
                self.returns(inputs, desk);
                None
            }
        }
    }

    fn enters(&mut self, since: Moment, sent: bool, inputs: &StandbyInputs<'_>, desk: &mut Desk) -> Option<String> {
        if inputs.standby && inputs.out && inputs.seen >= since {
            self.stage = Stage::In;
            let took = desk.now().since(since).0 / 1000;
            desk.tell(NoteKind::Notice, format!("in Standby after {took} s: its targets get no new requests"));
            return None;
        }
        if !inputs.chosen {
            return self.give_up(sent, desk);
        }
        // A refusal is none where the node is on its way all the same: an earlier call was lost.
        if let Some((at, why)) = self.refused.clone().filter(|(at, _)| inputs.seen >= *at && !inputs.standby) {
            let text = format!("AWS refuses to put the node into Standby ({why}): {}", cure(&why));
            debug_assert!(at >= since);
            self.give_up(false, desk);
            return Some(text);
        }
        let late = inputs.until.is_some_and(|at| desk.reached(at));
        if desk.reached(since + REACHED) || late {
            self.give_up(sent, desk);
            return Some(format!("the node is not in Standby after {} s", desk.now().since(since).0 / 1000));
        }
        if let (Some(instance), Some(group)) = (inputs.instance, self.group.clone())
            && !sent
            && self.refused.is_none()
            && !inputs.standby
            && inputs.written
            && desk.due(&self.pace)
        {
            self.stage = Stage::Entering { since, sent: true, again: false };
            self.exited = false;
            let decrement = inputs.rule != StandbyRule::Replace;
            let (instance, reason) = (instance.to_owned(), inputs.why.to_owned());
            let call = Call::EnterStandby { instance, group, decrement, reason };
            desk.ask(&mut self.pace, Topic::Move, call, LIMIT);
        }
        None
    }

    /// An earlier run has put it there, or had begun to: once metadata have told, it is there, or is to be brought back
    /// from where it may still get to. Who waits for it waits no longer either way.
    fn finds_out(&mut self, since: Moment, inputs: &StandbyInputs<'_>, desk: &mut Desk) -> Option<String> {
        let told = inputs.seen >= since;
        if inputs.standby && inputs.wanted {
            self.stage = Stage::In;
            None
        } else if told || !inputs.chosen || desk.reached(since + REACHED) {
            self.give_up(true, desk)
        } else {
            None
        }
    }

    /// It is not to go there any more. `sent`: it may get there all the same.
    fn give_up(&mut self, sent: bool, desk: &mut Desk) -> Option<String> {
        self.refused = None;
        if sent {
            self.stage = Stage::Returning;
            self.backoff.reset();
            if !self.pace.is_open() {
                self.pace.plan(desk.now());
            }
        } else {
            self.be_back(desk);
        }
        None
    }

    fn be_back(&mut self, desk: &mut Desk) {
        self.stage = Stage::Away;
        self.group = None;
        self.refused = None;
        desk.cured(Finding::StandbyLeft);
    }

    fn returns(&mut self, inputs: &StandbyInputs<'_>, desk: &mut Desk) {
        if self.pace.is_open() {
            return;
        }
        if inputs.wanted && inputs.standby {
            // Somebody wants it out once more.
            self.stage = Stage::In;
            desk.cured(Finding::StandbyLeft);
            return;
        }
        // What was asked for last may take effect some time after it ended.
        let settled = self.exited || desk.reached(self.pace.begun() + REACHED);
        if !inputs.standby && inputs.seen > self.pace.begun() && settled {
            desk.tell(NoteKind::Notice, "out of Standby: the group has the node again");
            self.be_back(desk);
            return;
        }
        let well = inputs.up_since.is_some_and(|since| desk.reached(since + inputs.check));
        if let (Some(instance), Some(group)) = (inputs.instance, self.group.clone())
            && inputs.standby
            && well
            && desk.due(&self.pace)
        {
            self.exited = true;
            let (instance, reason) = (instance.to_owned(), "up again, and nobody wants it out".to_owned());
            desk.ask(&mut self.pace, Topic::Move, Call::ExitStandby { instance, group, reason }, LIMIT);
        }
    }

    /// AWS has begun to move it, or refuses; `None`: nobody knows.
    pub(crate) fn on_moved(&mut self, answer: Option<Result<(), Trouble>>, desk: &mut Desk) {
        let now = desk.now();
        match (self.stage, answer) {
            (Stage::Returning, Some(Ok(()))) => {
                self.backoff.reset();
                self.pace.done(now + SEEN_BACK);
                desk.cured(Finding::StandbyLeft);
            }
            (Stage::Returning, Some(Err(trouble))) => {
                let text = format!("AWS does not bring the node out of Standby ({})", trouble.text);
                desk.finding(Finding::StandbyLeft, text);
                self.pace.done(now + desk.wait(&mut self.backoff));
            }
            (Stage::Entering { since, again, .. }, Some(Err(trouble))) => {
                let refused =
                    matches!(trouble.kind, TroubleKind::Refused | TroubleKind::Denied | TroubleKind::NotFound);
                if refused {
                    self.refused = Some((now, trouble.text));
                } else {
                    // Throttled, or no answer: asked once more, for as long as it is waited for.
                    self.stage = Stage::Entering { since, sent: false, again };
                }
                self.pace.done(now + LOOK);
            }
            (Stage::Entering { since, again, .. }, None) => {
                self.stage = Stage::Entering { since, sent: false, again };
                self.pace.done(now + LOOK);
            }
            _ => self.pace.done(now + LOOK),
        }
    }

    /// What holds after each turn.
    pub(crate) fn check(&self) -> Result<(), String> {
        holds((self.stage == Stage::Away) == self.group.is_none(), || {
            format!("{:?} with the group {:?}", self.stage, self.group)
        })
    }
}

/// The way is open, with what people should know; else why not.
fn judge(seen: &StandbySeen, rule: StandbyRule) -> Result<Vec<String>, String> {
    let StandbySeen { desired, min, max, .. } = *seen;
    match rule {
        StandbyRule::Off => return Err("membership.standby is \"off\"".into()),
        StandbyRule::Decrement if desired <= min => {
            return Err(format!(
                "the group's desired capacity ({desired}) would fall below its minimum ({min}): lower the minimum, or \
                 set membership.standby = \"replace\""
            ));
        }
        StandbyRule::Replace if desired >= max => {
            return Err(format!(
                "on the way back the group's desired capacity ({desired}) would rise above its maximum ({max}): raise \
                 the maximum, or set membership.standby = \"decrement\""
            ));
        }
        StandbyRule::Decrement | StandbyRule::Replace => {}
    }
    let mut told = Vec::new();
    match seen.refresh.map(|refresh| refresh.standby) {
        Some(StandbyPreference::Terminate) => {
            return Err("an instance refresh is under way that terminates nodes in Standby: wait for its end".into());
        }
        Some(StandbyPreference::Unknown) => {
            return Err("an instance refresh is under way, and what it does with nodes in Standby is not known: wait \
                        for its end"
                .into());
        }
        Some(StandbyPreference::Wait) => {
            told.push("an instance refresh is under way: it waits an hour for this node, then it fails".to_owned());
        }
        Some(StandbyPreference::Ignore) | None => {}
    }
    if seen.zones > 1 && seen.az_rebalance {
        told.push(
            "the group may even out its zones meanwhile, and terminate others for it: suspend AZRebalance".into(),
        );
    }
    if rule == StandbyRule::Replace {
        told.push(format!("the group starts another node, and wants {} once this one is back", desired + 1));
    }
    Ok(told)
}

/// What to do about AWS's own words.
fn cure(why: &str) -> &'static str {
    let why = why.to_ascii_lowercase();
    if why.contains("minimum") || why.contains("min size") || why.contains("minsize") {
        "lower the group's minimum, or set membership.standby = \"replace\""
    } else if why.contains("maximum") || why.contains("max size") || why.contains("maxsize") {
        "raise the group's maximum"
    } else if why.contains("not authorized") || why.contains("denied") {
        "allow autoscaling:EnterStandby: rundeck-alb-agent iam-policy --feature standby"
    } else {
        "try again once the node is InService and nothing else changes the group"
    }
}
