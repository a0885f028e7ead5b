//! Rundeck's process: found, watched, told to end, ended, replaced.
//!
//! None found is no proof of anything; the end of one that was found is. What an end means for the verdict is decided
//! in the room's face.

use super::phrases::process_words;
use crate::contract::{
    Call, Check, CheckView, Command, Finding, HealthPolicy, Judged, JvmSeen, Looked, Moment, Outcome, Process,
    ProcessSeen, Reason, Span, sooner,
};
use crate::desk::{Desk, Gate, Pace, Topic};

/// Limit of a look for the process.
const LIMIT: Span = Span::secs(5);
/// Between two looks at a process that is known, where no round asks for one earlier.
const KNOWN: Span = Span::secs(30);
/// Between two scans for a process that is not known; a scan costs about 10 ms of processor time.
const UNKNOWN: Span = Span::secs(10);
/// A process whose end nobody is told has ended after so many looks in a row that do not find it.
const MISSED: u32 = 2;

/// What makes a Rundeck that is there unsound: it was told to end, or its port is not its own.
pub(crate) fn unsound(jvm: JvmSeen) -> Option<Reason> {
    if jvm.stopping == Some(true) { Some(Reason::RundeckStopping) } else { jvm.stranger.map(|_| Reason::WrongProcess) }
}

/// One look for the process, judged; `None`: nothing came back in time.
pub(crate) fn judged_process(seen: Option<ProcessSeen>) -> Judged {
    match seen {
        Some(ProcessSeen::One(process, jvm)) => {
            let outcome = match unsound(jvm) {
                Some(_) => Outcome::Fail,
                None if jvm.stopping.is_none() => Outcome::Unknown,
                None => Outcome::Pass,
            };
            Judged::new(outcome, process_words(process, jvm))
        }
        Some(ProcessSeen::Several(n)) => Judged::new(Outcome::Unknown, format!("{n} processes fit")),
        Some(ProcessSeen::None) => Judged::new(Outcome::Unknown, "not found"),
        Some(ProcessSeen::Hidden) => Judged::new(Outcome::Unknown, "other users' processes are hidden"),
        Some(ProcessSeen::Hung) => Judged::new(Outcome::Unknown, "an earlier look has not come back"),
        None => Judged::new(Outcome::Unknown, "no answer in time"),
    }
}

/// Whether the end of the process will be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Watch {
    /// As far as is known.
    Set,
    /// It could not be set, or broke.
    Failed,
    /// It was set again, and nothing has been heard since.
    Again,
}

#[derive(Clone, Debug)]
pub(super) struct Jvm {
    process: Option<Process>,
    shown: JvmSeen,
    /// Not told to end, and its port is its own.
    sound: Gate,
    last: Option<Looked>,
    /// A process that was known has ended, and no other has been found since.
    orphaned: bool,
    /// It has taken the place of one that was seen to end.
    new: bool,
    watch: Watch,
    /// Looks in a row that did not find the one that is known.
    missed: u32,
    pace: Pace,
}

impl Jvm {
    pub(super) fn new(now: Moment) -> Jvm {
        Jvm {
            process: None,
            shown: JvmSeen::default(),
            sound: Gate::default(),
            last: None,
            orphaned: false,
            new: false,
            watch: Watch::Set,
            missed: 0,
            pace: Pace::from(now),
        }
    }

    /// A known process is looked at with each round: one wake-up for both.
    pub(super) fn step(&mut self, round: bool, desk: &mut Desk) {
        let known = self.process.is_some() && !self.pace.is_open();
        if desk.due(&self.pace) || (round && known) {
            desk.ask(&mut self.pace, Topic::Process, Call::FindProcess { known: self.process }, LIMIT);
        }
    }

    /// A look has ended; `None`: nothing came back in time. Gives the one process that was found.
    pub(super) fn on_look(&mut self, seen: Option<ProcessSeen>, desk: &mut Desk) -> Option<(Process, JvmSeen)> {
        self.last = Some(desk.looked(Check::Process, judged_process(seen), &self.pace));
        let wait = if self.process.is_some() { KNOWN } else { UNKNOWN };
        self.pace.done(desk.now() + desk.around(wait));
        if !matches!(seen, Some(ProcessSeen::One(..))) {
            self.sound.unknown();
        }
        self.missed = if seen == Some(ProcessSeen::None) { self.missed.saturating_add(1) } else { 0 };
        match seen {
            Some(ProcessSeen::Hidden) => desk.finding(
                Finding::ProcessHidden,
                "the process table does not show other users' processes: neither Rundeck's end nor its shutdown can be \
                 seen",
            ),
            Some(ProcessSeen::One(..) | ProcessSeen::None | ProcessSeen::Several(_)) => {
                desk.cured(Finding::ProcessHidden)
            }
            Some(ProcessSeen::Hung) | None => {}
        }
        match seen {
            Some(ProcessSeen::One(process, jvm)) => {
                desk.cured(Finding::SeveralRundecks);
                Some((process, jvm))
            }
            Some(ProcessSeen::Several(n)) => {
                desk.finding(
                    Finding::SeveralRundecks,
                    format!("{n} Rundeck processes fit rundeck.url's port: its end cannot be watched"),
                );
                None
            }
            Some(ProcessSeen::None | ProcessSeen::Hidden | ProcessSeen::Hung) | None => None,
        }
    }

    /// The known process has ended unseen: its end is not watched, and the process table shows no Rundeck any more. Of
    /// one that is watched a table that shows none proves nothing.
    pub(super) fn vanished(&self) -> Option<Process> {
        self.process.filter(|_| self.watch != Watch::Set && self.missed >= MISSED)
    }

    /// This process lives. True: it has taken the place of another one.
    pub(super) fn found(&mut self, process: Process, desk: &mut Desk) -> bool {
        if self.process == Some(process) {
            self.watch_again(process, desk);
            return false;
        }
        let replaced = self.process.is_some();
        self.process = Some(process);
        self.new = replaced || self.orphaned;
        self.orphaned = false;
        self.sound = Gate::default();
        self.pace.plan(desk.now() + KNOWN);
        self.watch = Watch::Set;
        desk.cured(Finding::ProcessUnwatched);
        desk.send(Command::WatchExit(process));
        replaced
    }

    /// Its end cannot be watched now: what was missing (descriptors, a permission) may be there at the next look.
    pub(super) fn unwatched(&mut self) {
        self.watch = Watch::Failed;
    }

    /// The same process was found again. A watch that was set anew and not heard of until then holds.
    fn watch_again(&mut self, process: Process, desk: &mut Desk) {
        match self.watch {
            Watch::Set => {}
            Watch::Failed => {
                self.watch = Watch::Again;
                desk.send(Command::WatchExit(process));
            }
            Watch::Again => {
                self.watch = Watch::Set;
                desk.cured(Finding::ProcessUnwatched);
            }
        }
    }

    /// Told to end, or a port that is not its own: `/health` may go on saying ok for as long as jobs run. What nobody
    /// can tell is neither good nor bad. True: the result contradicts those before it, so the next look, which comes
    /// with a round, is wanted soon.
    pub(super) fn judge(&mut self, jvm: JvmSeen, policy: &HealthPolicy, desk: &mut Desk) -> bool {
        self.shown = jvm;
        let confirm = match unsound(jvm) {
            // Nobody tells a Rundeck to end by mistake: believed after one more look.
            Some(reason) => self.sound.fail(reason, reason == Reason::RundeckStopping, policy),
            None if jvm.stopping.is_none() => false,
            None => {
                self.sound.pass(policy);
                false
            }
        };
        if confirm {
            self.pace.plan(desk.now());
            return false;
        }
        self.sound.wavers(policy)
    }

    /// True if it was the watched one that has ended.
    pub(super) fn ended(&mut self, process: Process) -> bool {
        if self.process != Some(process) {
            return false;
        }
        self.process = None;
        if let Some(last) = &mut self.last {
            last.judged = Judged::new(Outcome::Unknown, "not found");
        }
        self.shown = JvmSeen::default();
        self.orphaned = true;
        true
    }

    /// Another process, or none: what an open look still says is about the old one.
    pub(super) fn start_over(&mut self, desk: &mut Desk) {
        desk.disown(&mut self.pace);
        self.pace.plan(desk.now());
        self.sound = Gate::default();
    }

    /// A Rundeck that has just begun to answer can be found now.
    pub(super) fn look_now(&mut self, now: Moment) {
        self.pace.hasten(now);
    }

    /// A look has ended, whatever it came to: who listens on Rundeck's port is known, or nobody can tell.
    pub(super) fn looked(&self) -> bool {
        self.last.is_some()
    }

    pub(super) fn process(&self) -> Option<Process> {
        self.process
    }

    /// What the machine last told of it.
    pub(super) fn shown(&self) -> JvmSeen {
        self.shown
    }

    /// A process that was known has ended, and no other has been found since.
    pub(super) fn is_orphan(&self) -> bool {
        self.orphaned && self.process.is_none()
    }

    /// It has taken the place of one that was seen to end.
    pub(super) fn is_new(&self) -> bool {
        self.new
    }

    /// Not told to end, and its port is its own.
    pub(super) fn sound(&self) -> &Gate {
        &self.sound
    }

    /// The row for people; `round`: when the next round comes.
    pub(super) fn row(&self, round: Option<Moment>) -> CheckView {
        let change = match self.process {
            Some(_) => "its end is seen at once, and so is SIGTERM at the next look",
            None => "found once a java process with Rundeck's arguments serves the port of rundeck.url",
        };
        CheckView {
            passes: self.sound.passes(),
            fails: self.sound.fails(),
            // A known process is looked at with each round.
            next: sooner(self.pace.next(), round.filter(|_| self.process.is_some())),
            ..CheckView::of(Check::Process, self.last.as_ref(), change)
        }
    }
}
