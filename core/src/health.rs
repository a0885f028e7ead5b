//! From what the probes saw to the verdict about the local Rundeck (design 4).
//!
//! Counts, paces and weights of evidence live here. What the node is meant to do (drains) and whether passive mode is
//! ours do not: `answer.rs` joins the two axes.

use crate::contract::{
    BootSeen, Call, Command, HealthPolicy, JvmSeen, KeptVerdict, Moment, Process, Reason, Span, Unjudged, WebSeen,
    sooner,
};
use crate::database::Database;
use crate::desk::{Desk, Gate, Pace, Topic};
use crate::ready::{Ready, Shown};
use crate::round::{Round, Run, judge};

/// Limit of a look for the process.
const PROCESS_LIMIT: Span = Span::secs(5);
/// A restarted agent waits this long for the proof that its kept verdict still holds.
const RESTORE_LIMIT: Span = Span::secs(1);

/// Where Rundeck's process has ended and no other is recognised, answers on its port are believed only after so long.
const ORPHAN: Span = Span::secs(60);
/// `/health` is slow from this part of the probe's limit on.
const SLOW_PART: u64 = 3;

/// What the probes say, before people and modes are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Booting(Reason),
    Up,
    Down(Reason),
}

/// A verdict of an earlier run that waits for its proof.
#[derive(Clone, Debug)]
pub(crate) struct Restore {
    pub(crate) process: Process,
    pub(crate) same_process: bool,
    passed: bool,
    until: Moment,
}

#[derive(Clone, Debug)]
pub(crate) struct Health {
    /// By `/health`, the boot step and the process's end; the other local checks are laid over it.
    pub(crate) base: Verdict,
    /// For people: what led to it.
    pub(crate) evidence: String,
    pub(crate) run: Run,
    /// This Rundeck process has once been proven ready.
    pub(crate) proven: bool,
    pub(crate) round: Pace,
    pub(crate) asked_at: Moment,
    pub(crate) looking: Pace,
    pub(crate) process: Option<Process>,
    pub(crate) jvm: JvmSeen,
    /// Of the process: not told to end, and its port is its own.
    pub(crate) sound: Gate,
    pub(crate) process_at: Option<Moment>,
    /// A process that was known has ended, and no other has been found since.
    pub(crate) orphaned: bool,
    pub(crate) ready: Ready,
    pub(crate) slow: Gate<()>,
    pub(crate) last_web: Option<(WebSeen, Moment)>,
    pub(crate) web_took: Option<Span>,
    /// When `/health` was last seen to answer as it should.
    pub(crate) answered: Option<Moment>,
    /// When the last round ended, whatever it saw: the age of the verdict.
    pub(crate) looked_at: Moment,
    /// Since when the agent itself cannot connect.
    blind_since: Option<Moment>,
    /// Since when `/health` gives nothing but silence.
    silent_since: Option<Moment>,
    boot_since: Moment,
    pub(crate) restore: Option<Restore>,
    kept_at: Moment,
}

impl Health {
    pub(crate) fn new(now: Moment) -> Health {
        Health {
            base: Verdict::Booting(Reason::Waiting),
            evidence: "Rundeck has not been asked yet".into(),
            run: Run::default(),
            proven: false,
            round: Pace::from(now),
            asked_at: now,
            looking: Pace::from(now),
            process: None,
            jvm: JvmSeen::default(),
            sound: Gate::default(),
            process_at: None,
            orphaned: false,
            ready: Ready::new(now),
            slow: Gate::default(),
            last_web: None,
            web_took: None,
            answered: None,
            looked_at: now,
            blind_since: None,
            silent_since: None,
            boot_since: now,
            restore: None,
            kept_at: Moment(0),
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

    /// What all local checks together say, the disk's floor excepted.
    pub(crate) fn verdict(&self) -> Verdict {
        match (self.base, self.sound.shut()) {
            (Verdict::Up | Verdict::Booting(_), Some(reason)) => Verdict::Down(reason),
            (Verdict::Up, None) => self.ready.gate.shut().map_or(Verdict::Up, Verdict::Down),
            (Verdict::Booting(Reason::Settling), None) if self.ready.shown() == Shown::NotReady => {
                Verdict::Booting(Reason::NotReady)
            }
            (base, _) => base,
        }
    }

    /// For people: what led to the verdict.
    pub(crate) fn evidence(&self) -> String {
        match self.verdict() {
            Verdict::Down(Reason::RundeckStopping) if self.jvm.stopping => {
                "Rundeck's process was told to end (its shutdown runs, whatever /health says)".into()
            }
            Verdict::Down(Reason::RundeckStopping) => {
                format!("the readiness state says no, {} times in a row: Rundeck is stopping", self.ready.gate.fails())
            }
            Verdict::Down(Reason::WrongProcess) => {
                format!("user {} holds Rundeck's port, not Rundeck's process", self.jvm.stranger.unwrap_or_default())
            }
            Verdict::Down(reason) if self.base == Verdict::Up => {
                format!("the readiness endpoint: {reason}, {} times in a row", self.ready.gate.fails())
            }
            Verdict::Booting(Reason::NotReady) => "the readiness state says that the start has not ended".into(),
            Verdict::Booting(_) | Verdict::Up | Verdict::Down(_) => self.evidence.clone(),
        }
    }

    pub(crate) fn is_up(&self) -> bool {
        self.verdict() == Verdict::Up
    }

    /// As far as `/health` and the process's life go.
    pub(crate) fn base_up(&self) -> bool {
        self.base == Verdict::Up
    }

    /// Rundeck is surely not there: its process ended or its port refuses.
    pub(crate) fn rundeck_gone(&self) -> bool {
        matches!(self.base, Verdict::Down(Reason::Exited | Reason::Refused))
    }

    /// A first `up` has to wait for something else: it is as if it had not been proven yet.
    pub(crate) fn hold_first_up(&mut self) {
        self.proven = false;
        self.base = Verdict::Booting(Reason::Settling);
    }

    /// The port was refused twice in a row just now.
    pub(crate) fn port_closed(&self) -> bool {
        self.run.strong == 2
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
        if matches!(self.base, Verdict::Booting(_)) {
            wake = sooner(wake, Some(self.boot_since + policy.boot_timeout + Span(1)));
        }
        wake
    }

    /// Starts what is due. A known process and the readiness state are looked at with each round: one wake-up for all.
    pub(crate) fn step(&mut self, policy: &HealthPolicy, database: &mut Database, desk: &mut Desk) {
        self.end_restore(desk.now());
        self.end_boot(policy, desk.now());
        let round = self.round.due(desk.now());
        let process = self.process.is_some() && !self.looking.is_open();
        if self.looking.due(desk.now()) || (round && process) {
            let call = Call::FindProcess { known: self.process };
            desk.ask(&mut self.looking, Topic::Process, call, PROCESS_LIMIT);
        }
        if round {
            self.asked_at = desk.now();
            let call = Call::ProbeWeb { with_boot: !self.proven };
            let parts = if self.proven { 1 } else { 2 };
            // Twice the probe's own limit: the adapter ends it in time, this is for one that never replies.
            desk.ask(&mut self.round, Topic::Web, call, policy.timeout.times(2 * parts));
        }
        let answers = matches!(self.last_web, Some((WebSeen::Ok | WebSeen::Disabled, _)));
        if answers && (round || self.ready.last.is_none()) {
            self.ready.step(policy, database, desk);
        }
    }

    fn end_boot(&mut self, policy: &HealthPolicy, now: Moment) {
        if matches!(self.base, Verdict::Booting(_)) && now.since(self.boot_since) > policy.boot_timeout {
            self.base = Verdict::Down(Reason::BootTimeout);
            self.evidence = format!("not ready after {} s", policy.boot_timeout.0 / 1000);
        }
    }

    fn end_restore(&mut self, now: Moment) {
        let Some(restore) = &self.restore else { return };
        // The node may have gone down since the verdict was kept, for what `/health` does not show.
        let contradicted = self.sound.fails() > 0 || self.ready.gate.fails() > 0;
        if restore.same_process && restore.passed && !contradicted {
            self.restore = None;
            self.proven = true;
            self.base = Verdict::Up;
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

    /// A round has ended; `None`: nothing came back in time. `excused`: silence is put down to the database.
    pub(crate) fn on_web(
        &mut self,
        seen: Option<(WebSeen, Option<BootSeen>)>,
        excused: bool,
        policy: &HealthPolicy,
        desk: &mut Desk,
    ) {
        let now = desk.now();
        let (web, boot) = seen.unwrap_or((WebSeen::TimedOut, None));
        self.last_web = Some((web, now));
        self.web_took = Some(now.since(self.asked_at));
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
        if matches!(web, WebSeen::Ok | WebSeen::Disabled) {
            self.answered = Some(now);
            self.note_pace(boot, policy, now);
        }
        let confirm = match judge(web, boot, excused) {
            Round::Pass => self.passed(policy, now),
            Round::Fail(reason, strong) => self.failed(reason, strong, policy, now),
            Round::Unknown => false,
        };
        let wait = if confirm { Span::ZERO } else { desk.around(self.interval(policy)) };
        self.round.done(now + wait);
    }

    /// The next round is wanted at once: it tells what something else means.
    pub(crate) fn look_now(&mut self, now: Moment) {
        self.round.hasten(now);
    }

    /// A round with the boot step is two questions: it says nothing about the pace of one.
    fn note_pace(&mut self, boot: Option<BootSeen>, policy: &HealthPolicy, now: Moment) {
        if boot.is_some() {
            return;
        }
        if now.since(self.asked_at).times(SLOW_PART) > policy.timeout {
            self.slow.fail((), false, policy);
        } else {
            self.slow.pass(policy);
        }
    }

    /// How long `/health` has given nothing but silence.
    pub(crate) fn silent(&self, now: Moment) -> Span {
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
        // By the login's redirect and Jetty's 404 page (facts: Rundeck 1.1, 1.7): nobody else answers so.
        if matches!(web, WebSeen::Redirect | WebSeen::Status(404)) {
            desk.finding(
                "rundeck-url",
                "what answers at rundeck.url has no /health there: set the context path in rundeck.url (server.servlet.context-path)",
            );
        } else if matches!(web, WebSeen::Ok | WebSeen::Disabled) {
            desk.cured("rundeck-url");
        }
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
            self.looking.hasten(now);
        }
        // Nobody looked in between: that is no unbroken run, whatever it was before.
        if now.since(self.run.last_pass) > policy.max_age {
            self.run.good_since = None;
        }
        self.run.last_pass = now;
        self.run.good_since.get_or_insert(now);
        if let Some(restore) = &mut self.restore {
            restore.passed = true;
        }
        match (self.proven, self.base) {
            (true, Verdict::Up) => {}
            (true, _) if self.run.passes >= policy.rise => self.become_up(),
            (true, _) => {}
            (false, _) => {
                if !self.try_first_up(policy, now)
                    && self.base != Verdict::Down(Reason::BootTimeout)
                    && self.restore.is_none()
                {
                    self.settle(policy, now);
                }
            }
        }
        false
    }

    fn settle(&mut self, policy: &HealthPolicy, now: Moment) {
        let good = self.run.good_since.map_or(Span::ZERO, |since| now.since(since));
        if self.is_orphan() && good >= policy.settle {
            self.become_booting(Reason::WrongProcess, now);
            self.evidence =
                "Rundeck's process has ended, yet its port answers: no process there is known as Rundeck".into();
        } else {
            self.become_booting(Reason::Settling, now);
            self.evidence = format!("{}, settling", good_rounds(self.run.passes));
        }
    }

    fn is_orphan(&self) -> bool {
        self.orphaned && self.process.is_none()
    }

    /// The first `up` of a process: enough good rounds, and the readiness state where there is one, else a settled run.
    /// Why: a bootstrap that fails gives good answers for seconds first (facts: Rundeck 1.5).
    pub(crate) fn try_first_up(&mut self, policy: &HealthPolicy, now: Moment) -> bool {
        let Some(since) = self.run.good_since else { return false };
        let settle = match self.ready.shown() {
            Shown::NotReady => return false,
            Shown::Ready => Span::ZERO,
            Shown::Nothing => policy.settle,
        };
        let settle = if self.is_orphan() { settle.max(ORPHAN) } else { settle };
        if self.proven || self.run.passes < policy.rise_initial || now.since(since) < settle {
            return false;
        }
        self.proven = true;
        self.become_up();
        true
    }

    fn become_up(&mut self) {
        self.evidence = good_rounds(self.run.passes);
        self.base = Verdict::Up;
    }

    pub(crate) fn become_booting(&mut self, reason: Reason, now: Moment) {
        if !matches!(self.base, Verdict::Booting(_)) {
            self.boot_since = now;
        }
        self.base = Verdict::Booting(reason);
    }

    /// Returns true when the evidence wants one immediate probe to confirm it.
    fn failed(&mut self, reason: Reason, strong: bool, policy: &HealthPolicy, now: Moment) -> bool {
        self.run.passes = 0;
        self.run.good_since = None;
        self.run.fails = self.run.fails.saturating_add(1);
        self.run.strong = if strong { self.run.strong.saturating_add(1) } else { 0 };
        match self.base {
            Verdict::Up => {
                let enough = self.run.fails >= policy.fall || self.run.strong >= 2;
                if enough {
                    self.base = Verdict::Down(reason);
                    self.evidence = format!("/health: {reason}, {} times in a row", self.run.fails);
                    if strong {
                        // A server that closed its port comes back as a new start, never as a continuation.
                        self.proven = false;
                    }
                }
                strong && !enough
            }
            Verdict::Booting(_) => {
                self.base = Verdict::Booting(if strong { Reason::Waiting } else { reason });
                self.evidence = format!("/health: {reason}");
                false
            }
            Verdict::Down(_) => {
                if reason == Reason::Waiting && self.base != Verdict::Down(Reason::BootTimeout) {
                    self.become_booting(Reason::Waiting, now);
                } else if strong {
                    self.proven = false;
                    if self.run.strong >= 2 && !matches!(self.base, Verdict::Down(Reason::Exited | Reason::BootTimeout))
                    {
                        self.base = Verdict::Down(reason);
                    }
                }
                false
            }
        }
    }

    fn interval(&self, policy: &HealthPolicy) -> Span {
        let wavers = self.ready.gate.wavers() || self.sound.wavers();
        match self.base {
            Verdict::Up if self.run.fails > 0 || wavers => policy.fast_interval,
            Verdict::Up if self.is_up() => policy.interval,
            Verdict::Up => policy.down_interval,
            Verdict::Booting(_) | Verdict::Down(_) if self.run.passes > 0 => policy.fast_interval,
            Verdict::Booting(_) | Verdict::Down(_) => policy.down_interval,
        }
    }
}

fn good_rounds(count: u32) -> String {
    if count == 1 { "1 good round".into() } else { format!("{count} good rounds") }
}
