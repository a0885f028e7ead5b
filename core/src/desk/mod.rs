//! The heart's desk: what every part needs to act.
//!
//! It knows what time it is, which calls are open and until when, what goes out in this turn, what is wrong, and how
//! many calls to AWS this node may still make. It decides only about thrift: never two calls of one kind at a time,
//! waits after a failure, buckets. It never knows what a call is good for. One rule about verdicts stands here,
//! because four rooms count by it: how many equal results shut a check, and that strong evidence needs one confirming
//! look (`gate.rs`).

mod budget;
mod check;
mod gate;
mod lanes;
mod line;
mod pace;
#[cfg(test)]
mod tests;

pub(crate) use check::holds;
pub(crate) use gate::Gate;
pub(crate) use pace::{Backoff, Pace};

use crate::contract::{
    Call, CallId, Check, Command, Finding, FindingView, Judged, Looked, Moment, Note, NoteKind, Span, sooner,
};
use budget::{Bucket, Chance};
use lanes::{Lane, Pause};
use line::Line;
use std::cell::Cell;
use std::collections::BTreeMap;

/// What is wrong, as it was told.
#[derive(Clone, Debug)]
struct Noted {
    text: String,
    /// How often it happened, where that is counted.
    times: u32,
}

impl Noted {
    /// For people, where it happened more than once.
    fn times(&self) -> String {
        if self.times > 1 { format!(" ({} times)", self.times) } else { String::new() }
    }
}

/// What a call is about, so that its reply finds the part that asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    Web,
    Api,
    Process,
    /// `bound`: asking the state asks the database too, as far as anybody knows.
    Ready {
        bound: bool,
    },
    Database,
    Disks,
    Host,
    InFlight,
    Identity,
    Lifecycle,
    Scaling,
    Tag,
    Groups,
    Fleet,
    /// Key of the group.
    Target(u32),
    /// Key of the group.
    Change(u32),
    Mode,
    /// Commands of the operator's own.
    Hook,
    Intent,
    /// Which targets are registered.
    Registered,
    Held,
    Standby,
    Move,
    /// The receipt that a drain waits for.
    Receipt,
    /// The receipt of a drain that was taken back or cut off: only an abort waits for it.
    LastReceipt,
}

/// AWS describes that one node may make: a burst, then one a second.
const LOOKS: (u64, Span) = (20, Span::secs(1));
/// AWS changes that one node may make: a burst, then one in five seconds.
const CHANGES: (u64, Span) = (10, Span::secs(5));

/// A call that is under way.
#[derive(Clone, Copy, Debug)]
struct Open {
    topic: Topic,
    sent: Moment,
    deadline: Moment,
}

#[derive(Clone, Debug)]
pub(crate) struct Desk {
    now: Moment,
    /// The earliest moment that was asked for in this turn and is not reached: then the heart must be woken.
    awaited: Cell<Option<Moment>>,
    /// How much early a look may be made in this turn.
    slack: Span,
    chance: Chance,
    last_id: u64,
    open: BTreeMap<CallId, Open>,
    out: Vec<Command>,
    looks: Bucket,
    changes: Bucket,
    /// Who waits for a look, and for a change.
    lookers: Line,
    changers: Line,
    pause: Pause,
    /// By word and subject: the same thing may be wrong with several.
    findings: BTreeMap<(Finding, String), Noted>,
}

impl Desk {
    pub(crate) fn new(seed: u64, now: Moment) -> Desk {
        Desk {
            now,
            awaited: Cell::new(None),
            slack: Span::ZERO,
            chance: Chance::new(seed),
            last_id: 0,
            open: BTreeMap::new(),
            out: Vec::new(),
            looks: Bucket::new(LOOKS.0, LOOKS.1, now),
            changes: Bucket::new(CHANGES.0, CHANGES.1, now),
            lookers: Line::default(),
            changers: Line::default(),
            pause: Pause::over(now),
            findings: BTreeMap::new(),
        }
    }

    /// The present moment of this turn.
    pub(crate) fn now(&self) -> Moment {
        self.now
    }

    /// A turn begins. A clock that goes back is held at its latest reading.
    pub(crate) fn begin_turn(&mut self, now: Moment) {
        self.lookers.end_turn(self.now);
        self.changers.end_turn(self.now);
        self.now = self.now.max(now);
    }

    /// All rooms are about to decide: what they wait for is noted anew.
    pub(crate) fn begin_pass(&mut self) {
        self.awaited.set(None);
    }

    /// Whether it is time. This is the one way to ask, and it notes the earliest moment that has not come: so nothing
    /// that a room waits for can be forgotten when the heart says when it wants to be woken.
    pub(crate) fn reached(&self, at: Moment) -> bool {
        let reached = self.now >= at;
        if !reached {
            self.awaited.set(sooner(self.awaited.get(), Some(at)));
        }
        reached
    }

    /// What this pace stands for is due, and nothing of it is under way.
    pub(crate) fn due(&self, pace: &Pace) -> bool {
        pace.next().is_some_and(|at| self.reached(at))
    }

    /// The agent is awake for a round anyway: looks that are due so soon are worth making now, for each wake-up of its
    /// own would cost more than the look.
    pub(crate) fn allow_early(&mut self, slack: Span) {
        self.slack = slack;
    }

    /// What this pace stands for is due, or nearly so while the agent is awake anyway.
    pub(crate) fn worth(&self, pace: &Pace) -> bool {
        let soon = self.now + self.slack;
        pace.next().is_some_and(|at| at <= soon || self.reached(at))
    }

    /// The span, up to 10 % shorter or longer.
    pub(crate) fn around(&mut self, span: Span) -> Span {
        self.chance.around(span)
    }

    /// Anything from nothing to the span.
    pub(crate) fn upto(&mut self, span: Span) -> Span {
        self.chance.upto(span)
    }

    /// The wait after one more failure, jittered.
    pub(crate) fn wait(&mut self, backoff: &mut Backoff) -> Span {
        backoff.next(&mut self.chance)
    }

    /// A call about this can go out now: no other is in its lanes, and the pause after one that hung is over.
    pub(crate) fn lane_free(&self, topic: Topic) -> bool {
        let bound = topic.lanes().contains(&Lane::Database);
        self.lane_clear(topic) && (!bound || self.reached(self.pause.until()))
    }

    /// No other call is in the lanes of this one.
    pub(crate) fn lane_clear(&self, topic: Topic) -> bool {
        !self.open.values().any(|open| open.topic.crosses(topic))
    }

    /// A call that needs Rundeck's database was given up.
    pub(crate) fn database_hung(&mut self) {
        self.pause.hung(self.now);
    }

    /// Rundeck's database was seen to answer: the next call need not wait.
    pub(crate) fn database_answered(&mut self) {
        self.pause.answered(self.now);
    }

    /// One call that needs the database may be made now, whatever the pause: what hung may be over.
    pub(crate) fn database_once(&mut self) {
        self.pause.once(self.now);
    }

    /// Another Rundeck process: nothing hangs in it.
    pub(crate) fn renew_pause(&mut self) {
        self.pause = Pause::over(self.now);
    }

    /// When a call of this pace will be made that needs the database, for people; `None`: when something under way
    /// has ended.
    pub(crate) fn database_next(&self, pace: &Pace) -> Option<Moment> {
        let next = pace.next()?.max(self.pause.until());
        self.database_since().is_none().then_some(next)
    }

    /// Since when a call that needs the database is under way.
    pub(crate) fn database_since(&self) -> Option<Moment> {
        let mut bound = self.open.values().filter(|open| open.topic.lanes().contains(&Lane::Database));
        bound.next().map(|open| open.sent)
    }

    /// The wait until a question is asked again: growing while it fails, else the usual one.
    pub(crate) fn wait_or(&mut self, failed: bool, backoff: &mut Backoff, usual: Span) -> Span {
        if failed {
            return self.wait(backoff);
        }
        backoff.reset();
        self.around(usual)
    }

    /// Takes so many describes of the load balancer, or says when to ask again. Nobody overtakes who waits already.
    pub(crate) fn may_look(&mut self, topic: Topic, calls: usize) -> Result<(), Moment> {
        let taken = self.lookers.take(topic, calls, &mut self.looks, self.now);
        self.awaits(taken)
    }

    /// Takes one change at AWS, or says when to ask again. Nobody overtakes who waits already.
    pub(crate) fn may_change(&mut self, topic: Topic) -> Result<(), Moment> {
        let taken = self.changers.take(topic, 1, &mut self.changes, self.now);
        self.awaits(taken)
    }

    /// Whoever may not yet is woken when he may.
    fn awaits(&self, taken: Result<(), Moment>) -> Result<(), Moment> {
        taken.inspect_err(|at| {
            self.reached(*at);
        })
    }

    /// Sends a call that must be answered within `limit`; the pace is under way until then.
    pub(crate) fn ask(&mut self, pace: &mut Pace, topic: Topic, call: Call, limit: Span) {
        let id = self.call(topic, call, limit);
        pace.begin(id, self.now);
    }

    /// The calls that are under way.
    pub(crate) fn calls(&self) -> impl Iterator<Item = (CallId, Topic)> {
        self.open.iter().map(|(id, open)| (*id, open.topic))
    }

    /// Sends a call that must be answered within `limit`, and that no pace stands for.
    pub(crate) fn call(&mut self, topic: Topic, call: Call, limit: Span) -> CallId {
        self.last_id += 1;
        let id = CallId(self.last_id);
        let deadline = self.now + limit;
        self.open.insert(id, Open { topic, sent: self.now, deadline });
        self.out.push(Command::Call { id, deadline, call });
        id
    }

    /// The topic of an open call, which is closed by this; `None` for late and doubled replies.
    pub(crate) fn close(&mut self, id: CallId) -> Option<Topic> {
        self.open.remove(&id).map(|open| open.topic)
    }

    /// Nobody waits for the open call of this pace any more: its reply will be ignored.
    /// One that has not gone out yet never does: what it would change is not wanted any more.
    pub(crate) fn disown(&mut self, pace: &mut Pace) {
        if let Some(id) = pace.abandon() {
            self.open.remove(&id);
            self.retract(id);
        }
    }

    /// Takes the open call of this pace back, if it has not gone out yet; true if so.
    pub(crate) fn take_back(&mut self, pace: &mut Pace) -> bool {
        let waits = |id: CallId| self.out.iter().any(|command| is_call(command, id));
        let taken = pace.open().is_some_and(waits);
        if taken {
            self.disown(pace);
        }
        taken
    }

    fn retract(&mut self, id: CallId) {
        self.out.retain(|command| !is_call(command, id));
    }

    /// One call whose deadline has passed, closed by this, and that deadline. It is not begun any more: its answer
    /// would count for nothing, but what it does would be done.
    pub(crate) fn expired(&mut self) -> Option<(Topic, Moment)> {
        let now = self.now;
        let (id, Open { topic, deadline, .. }) =
            self.open.iter().find(|(_, open)| open.deadline <= now).map(|(id, open)| (*id, *open))?;
        self.open.remove(&id);
        self.retract(id);
        Some((topic, deadline))
    }

    /// When the heart must be woken: the earliest moment that somebody waits for, or that an open call's time is over.
    pub(crate) fn wake(&self) -> Option<Moment> {
        sooner(self.awaited.get(), self.open.values().map(|open| open.deadline).min())
    }

    /// How many commands wait to go out.
    pub(crate) fn wanted(&self) -> usize {
        self.out.len()
    }

    pub(crate) fn send(&mut self, command: Command) {
        self.out.push(command);
    }

    pub(crate) fn tell(&mut self, kind: NoteKind, text: impl Into<String>) {
        self.out.push(Command::Tell(Note { kind, text: text.into() }));
    }

    /// The look that this pace stands for has ended: it is counted, and kept for people.
    pub(crate) fn looked(&mut self, check: Check, judged: Judged, pace: &Pace) -> Looked {
        self.concluded(check, judged, Some(self.now.since(pace.begun())))
    }

    /// As [`looked`](Self::looked), for what is read out of another look's answer (`took`: `None`).
    pub(crate) fn concluded(&mut self, check: Check, judged: Judged, took: Option<Span>) -> Looked {
        self.out.push(Command::Looked { check, outcome: judged.outcome, took });
        Looked { judged, at: self.now, took }
    }

    /// Something is wrong; told once with its cure, until what is wrong changes or it is right again.
    pub(crate) fn finding(&mut self, finding: Finding, what: impl AsRef<str>) {
        self.noticed(finding, format!("{}; {}", what.as_ref(), finding.cure()));
    }

    /// As [`finding`](Self::finding), with a cure of its own in the text.
    pub(crate) fn noticed(&mut self, finding: Finding, text: String) {
        self.note(finding, "", text);
    }

    /// As [`finding`](Self::finding), of one of several that it may be wrong with.
    pub(crate) fn finding_of(&mut self, finding: Finding, subject: &str, what: impl AsRef<str>) {
        self.note(finding, subject, format!("{}; {}", what.as_ref(), finding.cure()));
    }

    /// As [`finding_of`](Self::finding_of), of something that happens again and again: told once, and counted.
    pub(crate) fn happened(&mut self, finding: Finding, subject: &str, what: impl AsRef<str>) {
        self.finding_of(finding, subject, what);
        if let Some(noted) = self.findings.get_mut(&(finding, subject.to_string())) {
            noted.times = noted.times.saturating_add(1);
        }
    }

    fn note(&mut self, finding: Finding, subject: &str, text: String) {
        let key = (finding, subject.to_string());
        if self.findings.get(&key).is_none_or(|noted| noted.text != text) {
            self.tell(NoteKind::Finding, format!("{finding}: {text}"));
            self.findings.insert(key, Noted { text, times: 0 });
        }
    }

    /// It is right again.
    pub(crate) fn cured(&mut self, finding: Finding) {
        self.cured_of(finding, "");
    }

    /// It is right again with this one; told when it is with all.
    pub(crate) fn cured_of(&mut self, finding: Finding, subject: &str) {
        let Some(gone) = self.findings.remove(&(finding, subject.to_string())) else { return };
        if !self.findings.keys().any(|(other, _)| *other == finding) {
            self.tell(NoteKind::Finding, format!("{finding}: no longer{}", gone.times()));
        }
    }

    /// What is wrong now, in the order of its words.
    pub(crate) fn findings(&self) -> Vec<FindingView> {
        let view = |((finding, _), noted): (&(Finding, String), &Noted)| FindingView {
            finding: *finding,
            text: format!("{}{}", noted.text, noted.times()),
        };
        self.findings.iter().map(view).collect()
    }

    pub(crate) fn take(&mut self) -> Vec<Command> {
        std::mem::take(&mut self.out)
    }
}

fn is_call(command: &Command, id: CallId) -> bool {
    matches!(command, Command::Call { id: of, .. } if *of == id)
}
