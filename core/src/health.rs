//! From what the probes saw to the verdict about the local Rundeck (design 4).
//!
//! Counts, paces and weights of evidence live here. What the node is meant to do (drains) and whether passive mode is
//! ours do not: `answer.rs` joins the two axes.

use crate::command::{Call, Command};
use crate::desk::{Desk, Pace, Topic};
use crate::event::{BootSeen, KeptVerdict, Process, ProcessSeen, Unjudged, WebSeen};
use crate::moment::{Moment, Span, sooner};
use crate::policy::HealthPolicy;
use crate::words::Reason;

/// Between two looks at a process that is known: its end comes by itself, this is for the figures.
const PROCESS_KNOWN: Span = Span::secs(30);
/// Between two scans for a process that is not known; a scan costs about 10 ms of processor time.
const PROCESS_UNKNOWN: Span = Span::secs(10);
/// Limit of a look for the process.
const PROCESS_LIMIT: Span = Span::secs(5);
/// A restarted agent waits this long for the proof that its kept verdict still holds.
const RESTORE_LIMIT: Span = Span::secs(1);

/// Silence is put down to a hanging database for so long: by then a frozen JVM would have been called one, and a balancer
/// whose targets are all silent sends to all of them anyway.
const SHARED_EXCUSE: Span = Span::secs(300);

/// What the probes say, before people and modes are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Booting(Reason),
    Up,
    Down(Reason),
}

/// What one round came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Round {
    Pass,
    /// The flag marks strong evidence: believed at once, after one confirming probe.
    Fail(Reason, bool),
    Unknown,
}

/// Consecutive equal results; `unknown` never moves them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Run {
    pub(crate) passes: u32,
    pub(crate) fails: u32,
    /// Of these the last ones in a row that are strong evidence.
    strong: u32,
    /// When the unbroken good run began.
    good_since: Option<Moment>,
    last_pass: Moment,
}

/// A verdict of an earlier run that waits for its proof.
#[derive(Clone, Debug)]
struct Restore {
    process: Process,
    same_process: bool,
    passed: bool,
    until: Moment,
}

#[derive(Clone, Debug)]
pub(crate) struct Health {
    pub(crate) verdict: Verdict,
    /// For people: what led to the verdict.
    pub(crate) evidence: String,
    pub(crate) run: Run,
    /// This Rundeck process has once been proven ready.
    proven: bool,
    pub(crate) round: Pace,
    pub(crate) looking: Pace,
    pub(crate) process: Option<Process>,
    pub(crate) memory_bytes: Option<u64>,
    pub(crate) last_web: Option<(WebSeen, Moment)>,
    /// When the last round ended, whatever it saw: the age of the verdict.
    pub(crate) looked_at: Moment,
    /// Since when the agent itself cannot connect.
    blind_since: Option<Moment>,
    /// Since when `/health` gives nothing but silence.
    silent_since: Option<Moment>,
    boot_since: Moment,
    restore: Option<Restore>,
    kept_at: Moment,
    /// A call that needs the database hung while `/health` still answered.
    pub(crate) shared_hang: bool,
}

impl Health {
    pub(crate) fn new(now: Moment) -> Health {
        Health {
            verdict: Verdict::Booting(Reason::Waiting),
            evidence: "Rundeck has not been asked yet".into(),
            run: Run::default(),
            proven: false,
            round: Pace { next: now, open: None },
            looking: Pace { next: now, open: None },
            process: None,
            memory_bytes: None,
            last_web: None,
            looked_at: now,
            blind_since: None,
            silent_since: None,
            boot_since: now,
            restore: None,
            kept_at: Moment(0),
            shared_hang: false,
        }
    }

    /// An earlier run was up: go on if the same process lives and one immediate probe passes (design 4.1).
    pub(crate) fn restore(&mut self, kept: &KeptVerdict, policy: &HealthPolicy, now: Moment) {
        if kept.at <= now && now.since(kept.at) <= policy.max_age {
            self.restore =
                Some(Restore { process: kept.process, same_process: false, passed: false, until: now + RESTORE_LIMIT });
        }
    }

    /// The health port may accept: there is no kept verdict, or its proof has ended.
    pub(crate) fn accepting(&self) -> bool {
        self.restore.is_none()
    }

    pub(crate) fn is_up(&self) -> bool {
        self.verdict == Verdict::Up
    }

    /// Rundeck is surely not there: its process ended or its port refuses.
    pub(crate) fn rundeck_gone(&self) -> bool {
        matches!(self.verdict, Verdict::Down(Reason::Exited | Reason::Refused))
    }

    /// A first `up` has to wait for something else: it is as if it had not been proven yet.
    pub(crate) fn hold_first_up(&mut self) {
        self.proven = false;
        self.verdict = Verdict::Booting(Reason::Settling);
    }

    pub(crate) fn proven(&self) -> bool {
        self.proven
    }

    /// The agent itself has had no way to look for longer than a verdict may age.
    pub(crate) fn blind(&self, policy: &HealthPolicy, now: Moment) -> bool {
        self.blind_since.is_some_and(|since| now.since(since) > policy.max_age)
    }

    pub(crate) fn wake(&self, policy: &HealthPolicy) -> Option<Moment> {
        let mut wake = sooner(self.round.wake(), self.looking.wake());
        wake = sooner(wake, self.restore.as_ref().map(|r| r.until));
        if matches!(self.verdict, Verdict::Booting(_)) {
            wake = sooner(wake, Some(self.boot_since + policy.boot_timeout + Span(1)));
        }
        wake
    }

    /// Starts what is due.
    pub(crate) fn step(&mut self, policy: &HealthPolicy, desk: &mut Desk) {
        self.end_restore(desk.now);
        self.end_boot(policy, desk.now);
        if self.looking.due(desk.now) {
            let call = Call::FindProcess { known: self.process };
            self.looking.open = Some(desk.call(Topic::Process, call, PROCESS_LIMIT));
        }
        if self.round.due(desk.now) {
            let call = Call::ProbeWeb { with_boot: !self.proven };
            let parts = if self.proven { 1 } else { 2 };
            // Twice the probe's own limit: the adapter ends it in time, this is for one that never replies.
            self.round.open = Some(desk.call(Topic::Web, call, policy.timeout.times(2 * parts)));
        }
    }

    fn end_boot(&mut self, policy: &HealthPolicy, now: Moment) {
        if matches!(self.verdict, Verdict::Booting(_)) && now.since(self.boot_since) > policy.boot_timeout {
            self.verdict = Verdict::Down(Reason::BootTimeout);
            self.evidence = format!("not ready after {} s", policy.boot_timeout.0 / 1000);
        }
    }

    fn end_restore(&mut self, now: Moment) {
        let Some(restore) = &self.restore else { return };
        if restore.same_process && restore.passed {
            self.restore = None;
            self.proven = true;
            self.verdict = Verdict::Up;
            self.evidence = "the verdict of the agent's last run still holds".into();
        } else if now >= restore.until {
            self.restore = None;
        }
    }

    /// The verdict is written while up, often enough to be young when it is needed.
    pub(crate) fn keep(&mut self, policy: &HealthPolicy, desk: &mut Desk) {
        let Some(process) = self.process else { return };
        let old = self.looked_at.since(self.kept_at) >= Span(policy.max_age.0 / 4);
        if self.is_up() && old && self.looked_at > self.kept_at {
            self.kept_at = self.looked_at;
            desk.send(Command::KeepVerdict(KeptVerdict { at: self.looked_at, process }));
        }
    }

    /// A round has ended; `None`: nothing came back in time.
    /// `in_group`: an Auto Scaling group might replace every member that goes silent together.
    pub(crate) fn on_web(
        &mut self,
        seen: Option<(WebSeen, Option<BootSeen>)>,
        in_group: bool,
        policy: &HealthPolicy,
        desk: &mut Desk,
    ) {
        let now = desk.now;
        let (web, boot) = seen.unwrap_or((WebSeen::TimedOut, None));
        self.last_web = Some((web, now));
        self.looked_at = now;
        self.note_unjudged(web, desk);
        self.blind_since = match web {
            WebSeen::CannotConnect => self.blind_since.or(Some(now)),
            _ => None,
        };
        self.silent_since = match web {
            WebSeen::TimedOut => self.silent_since.or(Some(now)),
            _ => None,
        };
        let excused = self.shared_hang && (in_group || self.silent(now) <= SHARED_EXCUSE);
        let confirm = match judge(web, boot, excused) {
            Round::Pass => self.passed(policy, now),
            Round::Fail(reason, strong) => self.failed(reason, strong, policy, now),
            Round::Unknown => false,
        };
        let wait = if confirm { Span::ZERO } else { desk.chance.around(self.interval(policy)) };
        self.round.done(now + wait);
    }

    /// How long `/health` has given nothing but silence.
    fn silent(&self, now: Moment) -> Span {
        self.silent_since.map_or(Span::ZERO, |since| now.since(since))
    }

    fn note_unjudged(&self, web: WebSeen, desk: &mut Desk) {
        let words = [
            (
                Unjudged::Host,
                "host-refused",
                "Rundeck answers 400 to our Host header: set rundeck.host_header to a name that it allows",
            ),
            (
                Unjudged::Name,
                "rundeck-name",
                "the host of rundeck.url cannot be resolved: use an address, best 127.0.0.1",
            ),
        ];
        for (why, word, text) in words {
            if web == WebSeen::CannotJudge(why) {
                desk.finding(word, text);
            } else {
                desk.cured(word);
            }
        }
    }

    fn passed(&mut self, policy: &HealthPolicy, now: Moment) -> bool {
        self.run.fails = 0;
        self.run.strong = 0;
        self.run.passes = self.run.passes.saturating_add(1);
        if self.run.passes == 1 && self.process.is_none() {
            // A Rundeck that has just begun to answer can be found now.
            self.looking.next = self.looking.next.min(now);
        }
        // Nobody looked in between: that is no unbroken run, whatever it was before.
        if now.since(self.run.last_pass) > policy.max_age {
            self.run.good_since = None;
        }
        self.run.last_pass = now;
        let good_since = *self.run.good_since.get_or_insert(now);
        if let Some(restore) = &mut self.restore {
            restore.passed = true;
        }
        match (self.proven, self.verdict) {
            (true, Verdict::Up) => {}
            (true, _) if self.run.passes >= policy.rise => self.become_up(),
            (true, _) => {}
            (false, _) => {
                if self.run.passes >= policy.rise_initial && now.since(good_since) >= policy.settle {
                    self.proven = true;
                    self.become_up();
                } else if self.verdict != Verdict::Down(Reason::BootTimeout) && self.restore.is_none() {
                    self.become_booting(Reason::Settling, now);
                    self.evidence = format!("{}, settling", good_rounds(self.run.passes));
                }
            }
        }
        false
    }

    fn become_up(&mut self) {
        self.evidence = good_rounds(self.run.passes);
        self.verdict = Verdict::Up;
    }

    fn become_booting(&mut self, reason: Reason, now: Moment) {
        if !matches!(self.verdict, Verdict::Booting(_)) {
            self.boot_since = now;
        }
        self.verdict = Verdict::Booting(reason);
    }

    /// Returns true when the evidence wants one immediate probe to confirm it.
    fn failed(&mut self, reason: Reason, strong: bool, policy: &HealthPolicy, now: Moment) -> bool {
        self.run.passes = 0;
        self.run.good_since = None;
        self.run.fails = self.run.fails.saturating_add(1);
        self.run.strong = if strong { self.run.strong.saturating_add(1) } else { 0 };
        match self.verdict {
            Verdict::Up => {
                let enough = self.run.fails >= policy.fall || self.run.strong >= 2;
                if enough {
                    self.verdict = Verdict::Down(reason);
                    self.evidence = format!("/health: {reason}, {} times in a row", self.run.fails);
                    if strong {
                        // A server that closed its port comes back as a new start, never as a continuation.
                        self.proven = false;
                    }
                }
                strong && !enough
            }
            Verdict::Booting(_) => {
                self.verdict = Verdict::Booting(if strong { Reason::Waiting } else { reason });
                self.evidence = format!("/health: {reason}");
                false
            }
            Verdict::Down(_) => {
                if reason == Reason::Waiting && self.verdict != Verdict::Down(Reason::BootTimeout) {
                    self.become_booting(Reason::Waiting, now);
                } else if strong {
                    self.proven = false;
                    if self.run.strong >= 2
                        && !matches!(self.verdict, Verdict::Down(Reason::Exited | Reason::BootTimeout))
                    {
                        self.verdict = Verdict::Down(reason);
                    }
                }
                false
            }
        }
    }

    fn interval(&self, policy: &HealthPolicy) -> Span {
        match self.verdict {
            Verdict::Up if self.run.fails == 0 => policy.interval,
            Verdict::Up => policy.fast_interval,
            Verdict::Booting(_) | Verdict::Down(_) if self.run.passes > 0 => policy.fast_interval,
            Verdict::Booting(_) | Verdict::Down(_) => policy.down_interval,
        }
    }

    /// The look for the process has ended; `None`: nothing came back in time.
    pub(crate) fn on_process(&mut self, seen: Option<ProcessSeen>, desk: &mut Desk) {
        let wait = if self.process.is_some() { PROCESS_KNOWN } else { PROCESS_UNKNOWN };
        self.looking.done(desk.now + desk.chance.around(wait));
        match seen {
            Some(ProcessSeen::One(process, memory)) => {
                desk.cured("several-rundecks");
                self.memory_bytes = Some(memory);
                self.found(process, desk);
            }
            Some(ProcessSeen::Several(n)) => desk.finding(
                "several-rundecks",
                format!("{n} Rundeck processes fit rundeck.url's port: its end cannot be watched; tell them apart by -Dserver.http.port"),
            ),
            Some(ProcessSeen::None) | None => {}
        }
    }

    fn found(&mut self, process: Process, desk: &mut Desk) {
        // Another process than the kept verdict was about: there is nothing to prove any more.
        self.restore = self.restore.take().filter(|restore| restore.process == process);
        if let Some(restore) = &mut self.restore {
            restore.same_process = true;
        }
        if self.process == Some(process) {
            return;
        }
        let replaced = self.process.is_some();
        self.process = Some(process);
        self.looking.next = desk.now + PROCESS_KNOWN;
        desk.cured("process-unwatched");
        desk.send(Command::WatchExit(process));
        if replaced {
            // Restarted behind our back: everything must be proven again.
            self.start_over(desk);
            self.become_booting(Reason::Waiting, desk.now);
            self.evidence = format!("Rundeck was restarted as pid {}", process.pid);
        }
    }

    /// Another process, or none: what an open probe still says is about the old one.
    fn start_over(&mut self, desk: &mut Desk) {
        desk.disown(&mut self.round);
        desk.disown(&mut self.looking);
        self.proven = false;
        self.run = Run::default();
        self.round.next = desk.now;
        self.looking.next = desk.now;
        self.shared_hang = false;
    }

    /// The watched process has ended: down at once, confirmed by an immediate look. True if it was ours.
    pub(crate) fn on_process_ended(&mut self, process: Process, desk: &mut Desk) -> bool {
        if self.process != Some(process) {
            return false;
        }
        self.process = None;
        self.memory_bytes = None;
        self.restore = None;
        self.start_over(desk);
        self.verdict = Verdict::Down(Reason::Exited);
        self.evidence = format!("Rundeck's process {} ended", process.pid);
        self.looked_at = desk.now;
        true
    }
}

fn good_rounds(count: u32) -> String {
    if count == 1 { "1 good round".into() } else { format!("{count} good rounds") }
}

pub(crate) fn judge(web: WebSeen, boot: Option<BootSeen>, shared_hang: bool) -> Round {
    match web {
        WebSeen::Ok | WebSeen::Disabled => match boot {
            None | Some(BootSeen::Past) => Round::Pass,
            Some(BootSeen::StillBooting) => Round::Fail(Reason::Waiting, false),
            Some(BootSeen::Failed) => Round::Fail(Reason::Timeout, false),
        },
        WebSeen::Redirect => Round::Fail(Reason::Redirect, false),
        WebSeen::Status(_) => Round::Fail(Reason::BadStatus, false),
        WebSeen::Body | WebSeen::Truncated => Round::Fail(Reason::BadBody, false),
        WebSeen::Refused => Round::Fail(Reason::Refused, true),
        // A frozen database silences `/health` on every member once 200 requests wait for it: shared, not ours.
        WebSeen::TimedOut if shared_hang => Round::Unknown,
        WebSeen::TimedOut => Round::Fail(Reason::Timeout, false),
        WebSeen::CannotConnect | WebSeen::CannotJudge(_) => Round::Unknown,
    }
}
