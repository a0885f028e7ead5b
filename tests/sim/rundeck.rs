//! A Rundeck that boots, hangs, crashes, forgets its mode and runs jobs, as seen by the agent's probes.
//!
//! Only what the answers depend on (facts: Rundeck's HealthController and system/info); no wire, no versions.

use crate::tape::Tape;
use rundeck_alb_core::{ApiSeen, BootSeen, Info, Mode, Moment, Process, ProcessSeen, Reply, Span, WebSeen};

/// A trouble that lasts until then; never, when that is the past.
pub type Until = Moment;

#[derive(Debug)]
pub struct Rundeck {
    pub process: Option<Process>,
    next_pid: u32,
    /// The port answers from here on; the bootstrap has ended from there on.
    port_from: Moment,
    ready_from: Moment,
    pub mode: Mode,
    /// Ends of the running jobs.
    pub jobs: Vec<Moment>,
    /// SIGSTOP or an endless pause: connections are accepted, nothing is answered.
    pub hung: Until,
    /// Whatever needs the database hangs; the flag: `/health` too.
    pub database: (Until, bool),
    pub port_closed: Until,
    pub web: (Until, WebSeen),
    pub token_rejected: Until,
    pub stats_null: Until,
    pub api_unreadable: Until,
    /// The process cannot be recognised.
    pub unseen: (Until, ProcessSeen),
    /// Configured to start passive.
    pub starts_passive: bool,
    /// Somebody else made it passive.
    pub passive_by_others: bool,
}

impl Rundeck {
    pub fn new(ready: bool) -> Rundeck {
        let never = Moment(0);
        let mut rundeck = Rundeck {
            process: None,
            next_pid: 100,
            port_from: never,
            ready_from: never,
            mode: Mode::Active,
            jobs: Vec::new(),
            hung: never,
            database: (never, false),
            port_closed: never,
            web: (never, WebSeen::Ok),
            token_rejected: never,
            stats_null: never,
            api_unreadable: never,
            unseen: (never, ProcessSeen::None),
            starts_passive: false,
            passive_by_others: false,
        };
        rundeck.start(never, Span::ZERO, Span::ZERO);
        if !ready {
            rundeck.kill();
        }
        rundeck
    }

    pub fn start(&mut self, now: Moment, port_after: Span, ready_after: Span) {
        self.next_pid += 1;
        self.process = Some(Process { pid: self.next_pid, start: now.0 / 1000 });
        self.port_from = now + port_after;
        self.ready_from = self.port_from + ready_after;
        self.mode = if self.starts_passive { Mode::Passive } else { Mode::Active };
        self.passive_by_others = self.starts_passive;
    }

    /// The process is gone at once, and its jobs with it.
    pub fn kill(&mut self) -> Option<Process> {
        self.jobs.clear();
        self.hung = Moment(0);
        self.process.take()
    }

    /// Everything is repaired; a dead one is started again.
    pub fn heal(&mut self, now: Moment) {
        for until in [&mut self.hung, &mut self.port_closed, &mut self.token_rejected] {
            *until = now;
        }
        for until in [&mut self.stats_null, &mut self.api_unreadable, &mut self.database.0] {
            *until = now;
        }
        self.web.0 = now;
        self.unseen.0 = now;
        self.starts_passive = false;
        if self.process.is_none() {
            self.start(now, Span::secs(5), Span::secs(20));
        }
    }

    pub fn running(&self, now: Moment) -> u32 {
        u32::try_from(self.jobs.iter().filter(|end| **end > now).count()).unwrap_or(u32::MAX)
    }

    pub fn start_job(&mut self, now: Moment, length: Span) {
        self.jobs.retain(|end| *end > now);
        if self.process.is_some() && now >= self.ready_from && self.mode == Mode::Active && self.jobs.len() < 9 {
            self.jobs.push(now + length);
        }
    }

    fn listens(&self, now: Moment) -> bool {
        self.process.is_some() && now >= self.port_from && now >= self.port_closed
    }

    /// The answer of one round, and whether it comes only when the agent's limit has passed.
    pub fn probe_web(&self, with_boot: bool, now: Moment) -> (Reply, bool) {
        let boot = |seen| if with_boot { Some(seen) } else { None };
        if !self.listens(now) {
            return (Reply::Web(WebSeen::Refused, None), false);
        }
        if now < self.hung || (now < self.database.0 && self.database.1) {
            return (Reply::Web(WebSeen::TimedOut, None), true);
        }
        if now < self.web.0 {
            return (Reply::Web(self.web.1, None), false);
        }
        let step = if now < self.ready_from { BootSeen::StillBooting } else { BootSeen::Past };
        (Reply::Web(WebSeen::Ok, boot(step)), false)
    }

    pub fn probe_api(&self, now: Moment) -> (ApiSeen, bool) {
        if !self.listens(now) {
            return (ApiSeen::Refused, false);
        }
        if now < self.hung || now < self.database.0 {
            return (ApiSeen::TimedOut, true);
        }
        if now < self.ready_from {
            return (ApiSeen::Booting, false);
        }
        if now < self.token_rejected {
            return (ApiSeen::Rejected, false);
        }
        if now < self.api_unreadable {
            return (ApiSeen::Unreadable("html".into()), false);
        }
        let running = if now < self.stats_null { None } else { Some(self.running(now)) };
        let info =
            Info { mode: Some(self.mode), running, version: "5.20.1".into(), api_version: Some(58), server_uuid: None };
        (ApiSeen::Info(info), false)
    }

    /// Rundeck's own word when it is told to change its mode.
    pub fn set_mode(&mut self, mode: Mode, now: Moment) -> (Result<Mode, String>, bool) {
        match self.probe_api(now) {
            (ApiSeen::Info(_), _) => {
                self.mode = mode;
                self.passive_by_others &= mode == Mode::Passive;
                (Ok(mode), false)
            }
            (other, late) => (Err(format!("{other:?}")), late),
        }
    }

    pub fn find(&self, now: Moment) -> ProcessSeen {
        if now < self.unseen.0 {
            return self.unseen.1;
        }
        self.process.map_or(ProcessSeen::None, |process| ProcessSeen::One(process, 1 << 30))
    }

    /// Somebody else switches the mode.
    pub fn others_set(&mut self, mode: Mode) {
        if self.process.is_some() && self.mode != mode {
            self.mode = mode;
            self.passive_by_others = mode == Mode::Passive;
        }
    }

    /// Draws how a new process starts: mostly in seconds, sometimes for minutes.
    pub fn restart(&mut self, now: Moment, tape: &mut Tape) {
        let port = Span(tape.upto(20_000));
        let ready = Span(tape.upto(60_000));
        self.start(now, port, ready);
    }
}
