//! A Rundeck that boots, hangs, crashes, forgets its mode and runs jobs, as seen by the agent's probes.
//!
//! Only what the answers depend on; no wire, no versions.

use crate::tape::Tape;
use rundeck_alb_core::{
    ApiSeen, BootSeen, Call, DatabaseSeen, DiskSeen, HostSeen, Info, JvmSeen, Mode, ModeTrouble, Moment, Process,
    ProcessSeen, Readiness, ReadySeen, Reply, Room, Span, WebSeen,
};
use std::cell::Cell;

/// A trouble that lasts until then; never, when that is the past.
pub type Until = Moment;

/// Which readiness state a version shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    Nothing,
    /// 6.x: never asks the database.
    Monitoring,
    /// 4.2 to 5.16: asks the database with it.
    Actuator,
}

/// One run of a job.
#[derive(Clone, Copy, Debug)]
pub struct Job {
    pub from: Moment,
    pub until: Moment,
}

/// What is odd about the mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OddMode {
    /// The token may not see it, nor jobs.
    Hidden,
    /// Each answer contradicts the one before.
    Wavers,
    /// Somebody undoes each switch at once.
    Undone,
}

fn opposite(mode: Mode) -> Mode {
    if mode == Mode::Active { Mode::Passive } else { Mode::Active }
}

#[derive(Debug)]
pub struct Rundeck {
    pub process: Option<Process>,
    next_pid: u32,
    /// The port answers from here on; the bootstrap has ended from there on.
    port_from: Moment,
    ready_from: Moment,
    pub shows: Shows,
    /// SIGTERM was sent: it ends when its jobs have ended.
    pub stopping: bool,
    /// Calls that need the database are answered 500.
    pub database_fails: Until,
    /// The disk is nearly full; the flag: quite full.
    pub disk_low: (Until, bool),
    /// Memory and load are short.
    pub pressure: Until,
    /// Somebody else holds the port.
    pub stranger: Until,
    pub mode: Mode,
    pub odd_mode: (Until, OddMode),
    /// Its port was found open, in this process.
    opened: Cell<bool>,
    /// While it wavers: the next answer contradicts it.
    wavered: Cell<bool>,
    /// So many answers in a row have said active, and it was passive.
    denied: u32,
    /// The passive mode of this process is ours, and nothing that the agent can read says so.
    pub untraced: Option<Process>,
    /// When the mode became what it is.
    pub mode_since: Moment,
    /// When it became what it was before that.
    pub mode_before: Moment,
    /// Calls that hung for the database when they were given up: each holds a thread until it is back.
    pub threads: Vec<Moment>,
    /// The jobs that were started, as long as they may run.
    pub jobs: Vec<Job>,
    /// SIGSTOP or an endless pause: connections are accepted, nothing is answered.
    pub hung: Until,
    pub hung_since: Moment,
    /// A call that needs the database was under way when it began to stand still.
    pub caught: bool,
    /// Whatever needs the database hangs; from then on `/health` too: once enough requests wait for it, or never.
    pub database: (Until, Moment),
    pub port_closed: Until,
    pub web: (Until, WebSeen),
    pub token_rejected: Until,
    pub stats_null: Until,
    pub api_unreadable: Until,
    /// The process cannot be recognised; `None`: it can, and its threads cannot be read.
    pub unseen: (Until, Option<ProcessSeen>),
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
            shows: Shows::Nothing,
            stopping: false,
            database_fails: never,
            disk_low: (never, false),
            pressure: never,
            stranger: never,
            mode: Mode::Active,
            odd_mode: (never, OddMode::Hidden),
            opened: Cell::new(false),
            wavered: Cell::new(false),
            denied: 0,
            untraced: None,
            mode_since: never,
            mode_before: never,
            threads: Vec::new(),
            jobs: Vec::new(),
            hung: never,
            hung_since: never,
            caught: false,
            database: (never, never),
            port_closed: never,
            web: (never, WebSeen::Ok),
            token_rejected: never,
            stats_null: never,
            api_unreadable: never,
            unseen: (never, None),
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
        // Those of the process before have ended with it.
        self.jobs.clear();
        self.process = Some(Process { pid: self.next_pid, start: now.0 / 1000 });
        self.port_from = now + port_after;
        self.ready_from = self.port_from + ready_after;
        self.stopping = false;
        self.mode = if self.starts_passive { Mode::Passive } else { Mode::Active };
        self.mode_before = now;
        self.caught = false;
        self.opened.set(false);
        self.mode_since = now;
        self.threads.clear();
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
        for until in [&mut self.database_fails, &mut self.disk_low.0, &mut self.pressure, &mut self.stranger] {
            *until = now;
        }
        for until in [&mut self.stats_null, &mut self.odd_mode.0, &mut self.api_unreadable, &mut self.database.0] {
            *until = now;
        }
        self.web.0 = now;
        self.unseen.0 = now;
        self.starts_passive = false;
        if self.process.is_none() || self.stopping {
            self.start(now, Span::secs(5), Span::secs(20));
        }
    }

    pub fn running(&self, now: Moment) -> u32 {
        u32::try_from(self.jobs.iter().filter(|job| job.until > now).count()).unwrap_or(u32::MAX)
    }

    pub fn start_job(&mut self, now: Moment, length: Span) {
        self.jobs.retain(|job| job.until > now);
        // One whose port nobody has found open is starting still, as far as anybody can know.
        let started = (self.listens(now) || self.opened.get()) && now >= self.ready_from;
        if self.process.is_some() && started && self.mode == Mode::Active && self.jobs.len() < 9 {
            self.jobs.push(Job { from: now, until: now + length });
        }
    }

    fn listens(&self, now: Moment) -> bool {
        let listens = self.process.is_some() && now >= self.port_from && now >= self.port_closed;
        self.opened.set(self.opened.get() || listens);
        listens
    }

    /// When the API begins to answer in this process.
    pub fn answers_from(&self) -> Moment {
        self.api_from()
    }

    /// Since when the API has told everything to whoever had the token; what is still wrong ends in the future.
    pub fn api_well_since(&self) -> Moment {
        let troubles = [self.hung, self.database.0, self.database_fails, self.port_closed, self.token_rejected];
        let untold = [self.api_unreadable, self.stats_null, self.odd_mode.0, self.api_from()];
        troubles.into_iter().chain(untold).max().unwrap_or(self.ready_from)
    }

    /// Its port has been open for so long.
    pub fn heard(&self, now: Moment, long: Span) -> bool {
        self.process.is_some() && self.port_from + long <= now && self.port_closed + long <= now
    }

    /// When a call that is not answered now goes on; never before `now`.
    pub fn silent_until(&self, call: &Call, now: Moment) -> Moment {
        let database = match call {
            Call::ProbeWeb { .. } => self.database_silences(now),
            Call::ProbeReadiness { .. } => self.database_silences(now) || self.shows == Shows::Actuator,
            _ => true,
        };
        self.hung.max(if database { self.database.0 } else { now }).max(now)
    }

    /// The answer of one round, and whether it comes only when the agent's limit has passed.
    pub fn probe_web(&self, with_boot: bool, now: Moment) -> (Reply, bool) {
        let boot = |seen| if with_boot { Some(seen) } else { None };
        if !self.listens(now) {
            return (Reply::Web(WebSeen::Refused, None), false);
        }
        if now < self.hung || self.database_silences(now) {
            return (Reply::Web(WebSeen::TimedOut, None), true);
        }
        if now < self.web.0 {
            return (Reply::Web(self.web.1, None), false);
        }
        let step = if now < self.api_from() { BootSeen::StillBooting } else { BootSeen::Past };
        (Reply::Web(WebSeen::Ok, boot(step)), false)
    }

    /// The API answers before the bootstrap has ended; where a readiness state shows that, the gap matters.
    fn api_from(&self) -> Moment {
        match self.shows {
            Shows::Nothing => self.ready_from,
            Shows::Monitoring | Shows::Actuator => self.port_from + Span(self.ready_from.since(self.port_from).0 / 2),
        }
    }

    pub fn probe_readiness(&self, now: Moment) -> (ReadySeen, bool) {
        let bound = self.shows == Shows::Actuator;
        let says = |readiness| ReadySeen { readiness, database: None, bound };
        if !self.listens(now) {
            return (says(Readiness::Refused), false);
        }
        let silent = now < self.hung || self.database_silences(now) || (now < self.database.0 && bound);
        if silent {
            return (says(Readiness::TimedOut), true);
        }
        let state = match self.shows {
            // Whatever answers 404 to `/health` may answer so here.
            _ if now < self.web.0 && self.web.1 == WebSeen::Disabled => Readiness::Absent,
            Shows::Nothing if now < self.api_from() => Readiness::Unclear("version not known yet".into()),
            Shows::Nothing => Readiness::Absent,
            _ if now < self.ready_from || self.stopping => Readiness::NotReady,
            _ => Readiness::Ready,
        };
        let database = bound.then_some(now >= self.database_fails);
        (ReadySeen { readiness: state, database, bound }, false)
    }

    pub fn probe_database(&self, now: Moment) -> (DatabaseSeen, bool) {
        match self.probe_api(now) {
            (ApiSeen::Info(_), _) => (DatabaseSeen::Answered, false),
            (ApiSeen::Failed(status), _) => (DatabaseSeen::Failed(status), false),
            (ApiSeen::TimedOut, late) => (DatabaseSeen::TimedOut, late),
            (ApiSeen::Refused, _) => (DatabaseSeen::Refused, false),
            (other, _) => (DatabaseSeen::Unclear(format!("{other:?}")), false),
        }
    }

    pub fn disks(&self, now: Moment) -> Vec<DiskSeen> {
        let free = match self.disk_low {
            (until, full) if now < until => {
                if full {
                    5
                } else {
                    50
                }
            }
            _ => 700,
        };
        let room = Room::Local { free, total: 1000, inodes_free: 0, inodes: 0 };
        vec![
            DiskSeen { path: "/net".into(), room: Room::Network },
            DiskSeen { path: "/var/lib/rundeck/logs".into(), room },
        ]
    }

    pub fn host(&self, now: Moment) -> HostSeen {
        let short = now < self.pressure;
        HostSeen {
            memory: 8 << 30,
            available: if short { 1 << 20 } else { 4 << 30 },
            load_hundredths: if short { 5_000 } else { 50 },
            processors: 2,
        }
    }

    pub fn probe_api(&self, now: Moment) -> (ApiSeen, bool) {
        if !self.listens(now) {
            return (ApiSeen::Refused, false);
        }
        if now < self.hung || now < self.database.0 {
            return (ApiSeen::TimedOut, true);
        }
        if now < self.api_from() {
            return (ApiSeen::Booting, false);
        }
        if now < self.database_fails {
            return (ApiSeen::Failed(500), false);
        }
        if now < self.token_rejected {
            return (ApiSeen::Rejected, false);
        }
        if now < self.api_unreadable {
            return (ApiSeen::Unreadable("html".into()), false);
        }
        let odd = (now < self.odd_mode.0).then_some(self.odd_mode.1);
        let mode = match odd {
            Some(OddMode::Hidden) => None,
            Some(OddMode::Wavers) if self.wavered.replace(!self.wavered.get()) => Some(opposite(self.mode)),
            _ => Some(self.mode),
        };
        let hidden = now < self.stats_null || odd == Some(OddMode::Hidden);
        let running = if hidden { None } else { Some(self.running(now)) };
        let info = Info { mode, running, version: "5.20.1".into(), api_version: Some(58), server_uuid: None };
        (ApiSeen::Info(info), false)
    }

    /// A mode is believed when two answers in a row have said so: these said that it is not passive, and it
    /// is, by us.
    pub fn denies(&mut self, seen: &ApiSeen) -> bool {
        if let ApiSeen::Info(Info { mode: Some(mode), .. }) = seen {
            let ours = self.mode == Mode::Passive && !self.passive_by_others;
            let wrong = ours && *mode == Mode::Active;
            self.denied = if wrong { self.denied + 1 } else { 0 };
        }
        self.denied >= 2
    }

    /// Rundeck's own word when it is told to change its mode.
    pub fn set_mode(&mut self, mode: Mode, now: Moment) -> (Result<Mode, ModeTrouble>, bool) {
        match self.probe_api(now) {
            (ApiSeen::Info(_), _) => {
                self.becomes(mode, now);
                self.passive_by_others &= mode == Mode::Passive;
                if now < self.odd_mode.0 && self.odd_mode.1 == OddMode::Undone {
                    self.others_set(opposite(mode), now);
                }
                (Ok(mode), false)
            }
            (other @ (ApiSeen::Rejected | ApiSeen::Booting), late) => {
                (Err(ModeTrouble::refused(format!("{other:?}"))), late)
            }
            (other, late) => (Err(ModeTrouble::unsure(format!("{other:?}"))), late),
        }
    }

    /// A switch that nobody waits for any more is served all the same, once its thread goes on.
    pub fn lands(&mut self, process: Option<Process>, mode: Mode, now: Moment) {
        if self.process == process && matches!(self.probe_api(now), (ApiSeen::Info(_), _)) {
            let _ = self.set_mode(mode, now);
        }
    }

    fn becomes(&mut self, mode: Mode, now: Moment) {
        if self.mode != mode {
            self.mode = mode;
            self.mode_before = std::mem::replace(&mut self.mode_since, now);
        }
    }

    /// A call that needs the database was given up while it hung.
    pub fn keeps_thread(&mut self, now: Moment) {
        if now < self.database.0 {
            self.threads.push(now);
        }
    }

    /// Calls that need the database are answered again, or a new hang begins, or its port is closed, which the agent
    /// takes for its end: no thread is held.
    pub fn frees_threads(&mut self, now: Moment) {
        if now >= self.database.0 || !self.listens(now) {
            self.threads.clear();
        }
    }

    fn database_silences(&self, now: Moment) -> bool {
        self.database.1 <= now && now < self.database.0
    }

    /// A prober sees silence: everything stands still, or `/health` waits for the database.
    pub fn silent(&self, now: Moment) -> bool {
        self.listens(now) && (now < self.hung || self.database_silences(now))
    }

    pub fn find(&self, now: Moment) -> ProcessSeen {
        let (until, seen) = self.unseen;
        let hidden = now < until;
        if let Some(seen) = seen.filter(|_| hidden) {
            return seen;
        }
        let stranger = (now < self.stranger).then_some(1001);
        let jvm = JvmSeen { memory: 1 << 30, threads: 60, stopping: (!hidden).then_some(self.stopping), stranger };
        self.process.map_or(ProcessSeen::None, |process| ProcessSeen::One(process, jvm))
    }

    /// Somebody else switches the mode.
    pub fn others_set(&mut self, mode: Mode, now: Moment) {
        if self.process.is_some() && self.mode != mode {
            self.becomes(mode, now);
            self.passive_by_others = mode == Mode::Passive;
        }
    }

    /// Draws how a new process starts: mostly in seconds, sometimes for minutes.
    pub fn restart(&mut self, now: Moment, tape: &mut Tape) {
        let port = Span(tape.upto(20_000));
        let ready = Span(tape.upto(60_000));
        // Upgraded meanwhile, perhaps.
        self.shows =
            tape.pick(&[self.shows, self.shows, Shows::Monitoring, Shows::Actuator, Shows::Nothing], self.shows);
        self.start(now, port, ready);
    }
}
