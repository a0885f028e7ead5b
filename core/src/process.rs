//! Rundeck's process: found, watched, told to end, ended, replaced. The other half of `health.rs`.
//!
//! None found is no proof of anything (interface 9); the end of one that was found is.

use crate::contract::{Command, HealthPolicy, JvmSeen, Process, ProcessSeen, Reason, Span};
use crate::desk::{Desk, Gate};
use crate::health::{Health, Verdict};
use crate::round::Run;

/// Between two looks at a process that is known, where no round asks for one earlier.
const PROCESS_KNOWN: Span = Span::secs(30);
/// Between two scans for a process that is not known; a scan costs about 10 ms of processor time.
const PROCESS_UNKNOWN: Span = Span::secs(10);

impl Health {
    /// The look for the process has ended; `None`: nothing came back in time.
    pub(crate) fn on_process(&mut self, seen: Option<ProcessSeen>, policy: &HealthPolicy, desk: &mut Desk) {
        let wait = if self.process.is_some() { PROCESS_KNOWN } else { PROCESS_UNKNOWN };
        self.looking.done(desk.now() + desk.around(wait));
        match seen {
            Some(ProcessSeen::One(process, jvm)) => {
                desk.cured("several-rundecks");
                self.process_at = Some(desk.now());
                self.found(process, desk);
                self.judge_process(jvm, policy, desk);
            }
            Some(ProcessSeen::Several(n)) => desk.finding(
                "several-rundecks",
                format!("{n} Rundeck processes fit rundeck.url's port: its end cannot be watched; tell them apart by -Dserver.http.port"),
            ),
            Some(ProcessSeen::None) | None => {}
        }
    }

    /// Told to end, or a port that is not its own: `/health` may go on saying ok for as long as jobs run.
    fn judge_process(&mut self, jvm: JvmSeen, policy: &HealthPolicy, desk: &mut Desk) {
        self.jvm = jvm;
        let confirm = if jvm.stopping {
            self.sound.fail(Reason::RundeckStopping, true, policy)
        } else if jvm.stranger.is_some() {
            self.sound.fail(Reason::WrongProcess, false, policy)
        } else {
            self.sound.pass(policy);
            false
        };
        if confirm {
            self.looking.plan(desk.now());
        } else if self.sound.wavers() {
            // The next look comes with the next round: soon.
            self.look_now(desk.now() + policy.fast_interval);
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
        self.orphaned = false;
        self.sound = Gate::default();
        self.looking.plan(desk.now() + PROCESS_KNOWN);
        desk.cured("process-unwatched");
        desk.send(Command::WatchExit(process));
        if replaced {
            // Restarted behind our back: everything must be proven again.
            self.start_over(desk);
            self.become_booting(Reason::Waiting, desk.now());
            self.evidence = format!("Rundeck was restarted as pid {}", process.pid);
        }
    }

    /// Another process, or none: what an open probe still says is about the old one.
    fn start_over(&mut self, desk: &mut Desk) {
        desk.disown(&mut self.round);
        desk.disown(&mut self.looking);
        self.proven = false;
        self.run = Run::default();
        self.round.plan(desk.now());
        self.looking.plan(desk.now());
        self.sound = Gate::default();
        self.slow = Gate::default();
        self.answered = None;
    }

    /// The watched process has ended: down at once, confirmed by an immediate look. True if it was ours.
    pub(crate) fn on_process_ended(&mut self, process: Process, desk: &mut Desk) -> bool {
        if self.process != Some(process) {
            return false;
        }
        self.process = None;
        self.jvm = JvmSeen::default();
        self.orphaned = true;
        self.restore = None;
        self.start_over(desk);
        self.base = Verdict::Down(Reason::Exited);
        self.evidence = format!("Rundeck's process {} ended", process.pid);
        self.looked_at = desk.now();
        true
    }
}
