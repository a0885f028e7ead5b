//! The verdict about the local Rundeck: what it is really able to do.
//!
//! It knows what each probe of this node saw, how often in a row, and what all of them together come to. It decides
//! the verdict (`verdict`), when each thing is looked at (`step`), what a silent `/health` is excused by (for longer
//! where it is told that an Auto Scaling group might replace the node), and which flags degrade the node. It never
//! knows what the node is meant to do or what the execution mode is, and never whether a full disk or a passive
//! Rundeck may take this node out: `heart/between.rs` and `api/mode.rs` say that.
//!
//! The heart calls `step`, `step_database` and `keep` once a turn, `on_…` for each answer, `restore` at the
//! start, `forget_answers` and `hold_first_up` for what other rooms learn; it reads `verdict`, `reach`, `blind`,
//! `disk_full`, `disk_may_be_full`, `degraded` and the rows. `look` uses the `judged_…` functions alone.

mod check;
mod database;
mod machine;
mod phrases;
mod process;
mod reach;
mod readiness;
mod start;
#[cfg(test)]
mod tests;
mod verdict;
mod web;

pub(crate) use database::blames_database;
pub(crate) use machine::{judged_disks, judged_load, judged_memory};
pub(crate) use process::{judged_process, unsound};
pub(crate) use readiness::judged_readiness;
pub(crate) use verdict::Verdict;
pub(crate) use web::{Round, judge, judged_web};

use crate::contract::{
    ApiSeen, BootSeen, CheckView, DatabaseSeen, Degraded, DiskSeen, HealthPolicy, HostSeen, JvmSeen, KeptVerdict,
    Moment, Process, ProcessSeen, ReadySeen, Reason, Span, WebSeen,
};
use crate::desk::Desk;
use database::{Database, evident_after};
use machine::Machine;
use phrases::more;
use process::Jvm;
use readiness::{OfDatabase, ReadyState, Shown};
use start::{GoodRun, Start};
use verdict::Standing;
use web::Web;

/// Silence is put down to a hanging database for so long: by then a frozen JVM would have been called one, and a
/// balancer whose targets are all silent sends to all of them anyway.
const SHARED_EXCUSE: Span = Span::secs(300);
/// For so long where an Auto Scaling group might replace every member that goes silent together.
const SHARED_EXCUSE_IN_GROUP: Span = Span::secs(1_800);

/// What the heart knows of the local Rundeck and of its machine.
#[derive(Clone, Debug)]
pub(crate) struct Health {
    /// By `/health`, the boot step and the process's end; the other local checks are laid over it.
    standing: Standing,
    web: Web,
    start: Start,
    jvm: Jvm,
    ready: ReadyState,
    database: Database,
    machine: Machine,
}

impl Health {
    pub(crate) fn new(now: Moment) -> Health {
        Health {
            standing: Standing::new(),
            web: Web::new(now),
            start: Start::new(now),
            jvm: Jvm::new(now),
            ready: ReadyState::new(now),
            database: Database::new(now),
            machine: Machine::new(now),
        }
    }

    /// An earlier run was up: go on if the same process lives and one immediate probe passes.
    pub(crate) fn restore(&mut self, kept: &KeptVerdict, policy: &HealthPolicy, now: Moment) {
        self.start.restore(kept, policy, now);
    }

    /// The health port may accept: there is no kept verdict, or its proof has ended.
    pub(crate) fn accepting(&self) -> bool {
        !self.start.restoring()
    }

    /// What all local checks together say, a full disk excepted.
    pub(crate) fn verdict(&self) -> Verdict {
        match (self.standing.base(), self.jvm.sound().shut()) {
            (Verdict::Up | Verdict::Booting(_), Some(reason)) => Verdict::Down(reason),
            (Verdict::Up, None) => self.ready.gate().shut().map_or(Verdict::Up, Verdict::Down),
            (Verdict::Booting(Reason::Settling), None) if self.ready.shown() == Shown::NotReady => {
                Verdict::Booting(Reason::NotReady)
            }
            (base, _) => base,
        }
    }

    /// For people: what led to the verdict.
    pub(crate) fn evidence(&self) -> String {
        let jvm = self.jvm.shown();
        match self.verdict() {
            Verdict::Down(Reason::RundeckStopping) if jvm.stopping == Some(true) => {
                "Rundeck's process was told to end (its shutdown runs, whatever /health says)".into()
            }
            Verdict::Down(Reason::RundeckStopping) => {
                format!(
                    "the readiness state says no, {} times in a row: Rundeck is stopping",
                    self.ready.gate().fails()
                )
            }
            Verdict::Down(Reason::WrongProcess) | Verdict::Booting(Reason::WrongProcess) if self.web.elsewhere() => {
                "rundeck.url leads to another machine: what answers there is not this node's Rundeck".into()
            }
            Verdict::Down(Reason::WrongProcess) => {
                format!("user {} holds Rundeck's port, not Rundeck's process", jvm.stranger.unwrap_or_default())
            }
            Verdict::Down(reason) if self.base_up() => {
                format!("the readiness endpoint: {reason}, {} times in a row", self.ready.gate().fails())
            }
            Verdict::Booting(Reason::NotReady) => "the readiness state says that the start has not ended".into(),
            Verdict::Booting(_) | Verdict::Up | Verdict::Down(_) => self.standing.evidence().to_owned(),
        }
    }

    pub(crate) fn is_up(&self) -> bool {
        self.verdict() == Verdict::Up
    }

    /// As far as `/health` and the process's life go.
    pub(crate) fn base_up(&self) -> bool {
        self.standing.base() == Verdict::Up
    }

    /// A first `up` has to wait for something else: it is as if it had not been proven yet. `full`: a full
    /// disk takes the node out. False: it has waited for long enough.
    pub(crate) fn hold_first_up(&mut self, full: bool, policy: &HealthPolicy, desk: &Desk) -> bool {
        let bad = full && self.machine.disk_looks_full(policy);
        let holds = self.start.hold(self.web.good_since(), bad, desk);
        if holds {
            self.standing.hold();
        }
        holds
    }

    /// The port was refused twice in a row just now.
    pub(crate) fn port_closed(&self) -> bool {
        self.web.strong() == 2 && self.web.refused()
    }

    /// This Rundeck process has once been proven ready.
    pub(crate) fn proven(&self) -> bool {
        self.start.proven()
    }

    /// The agent itself has had no way to look for longer than a verdict may age.
    pub(crate) fn blind(&self, policy: &HealthPolicy, desk: &Desk) -> bool {
        self.web.blind(policy, desk)
    }

    /// The watched process.
    pub(crate) fn process(&self) -> Option<Process> {
        self.jvm.process()
    }

    /// What the machine tells of it.
    pub(crate) fn jvm(&self) -> JvmSeen {
        self.jvm.shown()
    }

    /// When the last round ended, whatever it saw: the age of the verdict.
    pub(crate) fn looked_at(&self) -> Moment {
        self.web.looked_at()
    }

    /// A local file system that Rundeck writes to is full, by the policy's mark.
    pub(crate) fn disk_full(&self) -> bool {
        self.machine.disk_full()
    }

    /// The last look says so, and one more has to confirm it; or no look has come back yet.
    pub(crate) fn disk_may_be_full(&self, policy: &HealthPolicy) -> bool {
        self.machine.disk_may_be_full(policy)
    }

    /// Calls that need the database fail or do not answer.
    pub(crate) fn database_gone(&self) -> bool {
        self.database.troubled()
    }

    /// In service, but something is wrong: what these probes show, in the documented order.
    pub(crate) fn degraded(&self) -> Vec<Degraded> {
        let database = self.database.troubled().then_some(Degraded::Database);
        let slow = (self.is_up() && self.web.slow()).then_some(Degraded::Slow);
        database.into_iter().chain(self.machine.degraded()).chain(slow).collect()
    }

    /// How much early other looks may be made now: half a round, where a round of a Rundeck that is up wakes the
    /// agent anyway.
    pub(crate) fn slack(&self, policy: &HealthPolicy, desk: &Desk) -> Span {
        if self.base_up() && self.web.due(desk) { Span(policy.interval.0 / 2) } else { Span::ZERO }
    }

    /// Starts what is due. A known process and the readiness state are looked at with each round: one wake-up for all.
    pub(crate) fn step(&mut self, policy: &HealthPolicy, desk: &mut Desk) {
        self.take_up_kept(desk);
        self.end_boot(policy, desk);
        self.look_while_it_hangs(policy, desk);
        let round = self.web.due(desk);
        self.jvm.step(round, desk);
        if round {
            self.web.ask(!self.start.proven(), policy, desk);
        }
        if self.web.answers() && (round || !self.ready.asked()) {
            self.ready.step(policy, desk);
        }
        self.machine.step(self.jvm.process(), desk);
    }

    /// The timed call with the token; `asks`: a token is there and not rejected, and Rundeck can be reached.
    pub(crate) fn step_database(&mut self, policy: &HealthPolicy, asks: bool, desk: &mut Desk) {
        self.database.step(policy, asks, desk);
    }

    fn end_boot(&mut self, policy: &HealthPolicy, desk: &Desk) {
        if self.standing.is_booting() && self.start.over_budget(policy, desk) {
            self.standing.overrun(policy.boot_timeout);
        }
    }

    fn take_up_kept(&mut self, desk: &Desk) {
        let contradicted = self.jvm.sound().fails() > 0 || self.ready.gate().fails() > 0;
        if self.start.take_up(contradicted, desk) {
            self.standing.take_up();
        }
    }

    /// The verdict is written while the node is vouched for, and withdrawn when it is not, for whatever reason: a
    /// restarted agent would go on with it.
    pub(crate) fn keep(&mut self, vouched: bool, policy: &HealthPolicy, desk: &mut Desk) {
        match self.jvm.process() {
            _ if !vouched => self.start.withdraw(desk),
            Some(process) => self.start.keep(process, self.web.looked_at(), policy, desk),
            None => {}
        }
    }

    /// A round has ended at that moment; `None`: nothing came back in time. `replaces`: an Auto Scaling group might
    /// replace the node.
    pub(crate) fn on_web(
        &mut self,
        seen: Option<(WebSeen, Option<BootSeen>)>,
        at: Moment,
        replaces: bool,
        policy: &HealthPolicy,
        desk: &mut Desk,
    ) {
        let excused = self.excused(replaces, policy, desk);
        let round = self.web.on_round(seen, at, excused, policy, desk);
        self.ready.on_round(round, policy);
        let confirm = match round {
            Round::Pass => {
                self.passed(policy, desk.now());
                false
            }
            Round::Fail(reason, strong) => {
                self.standing.fail((reason, strong), &self.web, &mut self.start, policy, desk.now())
            }
            Round::Unknown => false,
        };
        let wait = if confirm { Span::ZERO } else { desk.around(self.interval(policy)) };
        self.web.done(desk.now() + wait);
        let (answers, answered) = (self.web.answers(), self.web.answered());
        let silent = self.web.silent(desk.now()).is_some();
        self.database.on_web(answers, silent && excused, answered, policy, desk);
    }

    /// Silence is put down to the database, which all members share; each excuse has an end.
    fn excused(&self, replaces: bool, policy: &HealthPolicy, desk: &Desk) -> bool {
        self.database.excuses_silence(self.web.answered(), policy, desk)
            && self.web.silent(desk.now()).unwrap_or(Span::ZERO)
                <= if replaces { SHARED_EXCUSE_IN_GROUP } else { SHARED_EXCUSE }
    }

    fn passed(&mut self, policy: &HealthPolicy, now: Moment) {
        if self.web.passes() == 1 && self.jvm.process().is_none() {
            self.jvm.look_now(now);
        }
        self.start.passed();
        match (self.start.proven(), self.standing.base()) {
            (true, Verdict::Up) => {}
            (true, _) if self.web.passes() >= policy.rise => self.standing.rise(&self.web),
            (true, _) => {}
            (false, base) => {
                if !self.try_first_up(policy, now)
                    && base != Verdict::Down(Reason::BootTimeout)
                    && !self.start.restoring()
                {
                    self.standing.settle(&self.web, &mut self.start, self.jvm.is_orphan(), policy, now);
                }
            }
        }
    }

    fn try_first_up(&mut self, policy: &HealthPolicy, now: Moment) -> bool {
        let run = GoodRun { passes: self.web.passes(), since: self.web.good_since(), orphan: self.jvm.is_orphan() };
        let proven = self.start.prove(&run, self.ready.shown(), policy, now);
        if proven {
            self.standing.rise(&self.web);
        }
        proven
    }

    fn interval(&self, policy: &HealthPolicy) -> Span {
        let wavers = self.ready.gate().wavers(policy) || self.jvm.sound().wavers(policy);
        let telling = self.web.telling(policy);
        match self.standing.base() {
            Verdict::Up if (telling && self.web.fails() > 0) || wavers => policy.fast_interval,
            Verdict::Up if self.is_up() => policy.interval,
            Verdict::Up => policy.down_interval,
            Verdict::Booting(_) | Verdict::Down(_) if telling && self.web.passes() > 0 => policy.fast_interval,
            Verdict::Booting(_) | Verdict::Down(_) => policy.down_interval,
        }
    }

    /// The readiness state has answered; `None`: nothing came back in time.
    pub(crate) fn on_ready(&mut self, seen: Option<ReadySeen>, replaces: bool, policy: &HealthPolicy, desk: &mut Desk) {
        let excused = self.excused(replaces, policy, desk);
        match self.ready.on_reply(seen, self.start.proven(), excused, policy, desk) {
            OfDatabase::Hung(sent) => self.database.readiness_hung(sent, self.web.answered(), policy, desk),
            OfDatabase::Shown(up) => self.database.component(up, policy, desk),
        }
        if self.ready.gate().wavers(policy) {
            self.web.hasten(desk.now() + policy.fast_interval);
        }
        if self.ready.shown() == Shown::Ready {
            // It may be all that a first `up` still waited for.
            self.try_first_up(policy, desk.now());
        }
    }

    /// Rundeck's version has changed: the best readiness endpoint may be another one.
    pub(crate) fn learn_readiness(&mut self) {
        self.ready.learn_again();
    }

    /// The timed call has ended; `None`: nothing came back in time. True: Rundeck answered it.
    pub(crate) fn on_database(&mut self, seen: Option<DatabaseSeen>, policy: &HealthPolicy, desk: &mut Desk) -> bool {
        self.database.on_reply(seen, self.web.answered(), policy, desk);
        self.database.answered_last()
    }

    /// `system/info` has ended: it needs the database as the timed call does.
    pub(crate) fn on_api(&mut self, seen: &ApiSeen, sent: Moment, policy: &HealthPolicy, desk: &mut Desk) {
        self.database.on_api(seen, sent, self.web.answered(), policy, desk);
    }

    /// A switch of the mode has worked: it needs the database as the timed call does.
    pub(crate) fn on_mode_switched(&mut self, desk: &mut Desk) {
        self.database.answers(desk);
    }

    /// Whether a call that does not come back is the database's or the JVM's own shows by `/health`, which is looked at
    /// while the call is under way.
    fn look_while_it_hangs(&mut self, policy: &HealthPolicy, desk: &Desk) {
        if let Some(evident) = desk.database_since().map(|sent| sent + evident_after(policy))
            && self.web.begun() < evident
            && desk.reached(evident)
        {
            self.web.hasten(desk.now());
        }
    }

    /// The look at the file systems has ended; `None`: nothing came back in time, which says nothing.
    pub(crate) fn on_disks(&mut self, seen: Option<Vec<DiskSeen>>, policy: &HealthPolicy, desk: &mut Desk) {
        self.machine.on_disks(seen, policy, desk);
    }

    /// Memory and load; `None`: they could not be read.
    pub(crate) fn on_host(&mut self, seen: Option<HostSeen>, policy: &HealthPolicy, desk: &mut Desk) {
        self.machine.on_host(seen, policy, desk);
    }

    /// The look for the process has ended; `None`: nothing came back in time.
    pub(crate) fn on_process(&mut self, seen: Option<ProcessSeen>, policy: &HealthPolicy, desk: &mut Desk) {
        let before = self.jvm.process();
        if let Some((process, jvm)) = self.jvm.on_look(seen, desk) {
            self.start.found(process);
            if self.jvm.found(process, desk) {
                // Restarted behind our back: everything must be proven again.
                self.start_over(desk);
                self.standing.restarted(process, &mut self.start, desk.now());
            } else if before.is_none() {
                self.standing.appeared(process, &mut self.start, desk.now());
            }
            if self.jvm.judge(jvm, policy, desk) {
                self.web.hasten(desk.now() + policy.fast_interval);
            }
        } else if let Some(process) = self.jvm.vanished() {
            self.on_process_ended(process, desk);
        }
        if before != self.jvm.process() {
            self.machine.look_again(desk.now());
        }
    }

    /// The end of the process that is known cannot be watched for now.
    pub(crate) fn on_unwatched(&mut self) {
        self.jvm.unwatched();
    }

    /// The watched process has ended: down at once, confirmed by an immediate look. True if it was ours.
    pub(crate) fn on_process_ended(&mut self, process: Process, desk: &mut Desk) -> bool {
        if !self.jvm.ended(process) {
            return false;
        }
        self.start.drop_kept();
        self.start_over(desk);
        self.standing.ended(process);
        self.web.looked(desk.now());
        true
    }

    fn start_over(&mut self, desk: &mut Desk) {
        self.web.start_over(desk);
        self.jvm.start_over(desk);
        self.start.unprove();
    }

    /// What the server that was there has answered says nothing about the next one.
    pub(crate) fn forget_answers(&mut self, desk: &mut Desk) {
        self.web.forget_answer();
        self.ready.start_over(desk);
        self.database.start_over(desk);
    }

    pub(crate) fn process_row(&self) -> CheckView {
        self.jvm.row(self.web.next())
    }

    pub(crate) fn web_row(&self, policy: &HealthPolicy) -> CheckView {
        let (passes, fails) = (self.web.passes(), self.web.fails());
        self.web.row(match self.standing.base() {
            Verdict::Up => format!("{} take the node out", more(policy.fall, fails, "bad answer")),
            Verdict::Booting(_) | Verdict::Down(_) if self.start.proven() => {
                format!("{} bring it back", more(policy.rise, passes, "good answer"))
            }
            Verdict::Booting(_) | Verdict::Down(_) => {
                let rounds = more(policy.rise_initial, passes, "good round");
                format!("a first up wants {rounds}, then {}", self.ready.first_up_wants(policy))
            }
        })
    }

    pub(crate) fn readiness_row(&self, policy: &HealthPolicy) -> CheckView {
        self.ready.row(self.web.next(), policy)
    }

    pub(crate) fn database_row(&self, desk: &Desk) -> CheckView {
        self.database.row(desk)
    }

    /// Disk, memory and load; `may_eject`: a full disk takes the node out.
    pub(crate) fn machine_rows(&self, may_eject: bool, policy: &HealthPolicy) -> [CheckView; 3] {
        [self.machine.disk_row(may_eject, policy), self.machine.memory_row(), self.machine.load_row()]
    }
}
