//! Happenings: what each kind of fault does to the world, the people and the agent's process.

use crate::faults::Happening;
use crate::rule::Verdict;
use crate::rundeck::OddMode;
use crate::runner::Schedule;
use crate::world::Coming;
use rundeck_alb_core::{
    Cause, DrainOrder, Event, Held, Maintenance, Mode, Moment, Order, ProcessSeen, Span, StandbyRule, TroubleKind,
    WebSeen,
};

/// How a look for Rundeck's process may find nothing; `None`: there is no answer.
const UNSEEN: [Option<ProcessSeen>; 5] =
    [Some(ProcessSeen::None), Some(ProcessSeen::Several(2)), Some(ProcessSeen::Hidden), Some(ProcessSeen::Hung), None];
const AWS_TROUBLES: [TroubleKind; 6] = [
    TroubleKind::Throttled,
    TroubleKind::Denied,
    TroubleKind::Credentials,
    TroubleKind::NotFound,
    TroubleKind::Unavailable,
    TroubleKind::Refused,
];
const WEB_FAULTS: [WebSeen; 5] =
    [WebSeen::Status(500), WebSeen::Redirect, WebSeen::Body, WebSeen::Truncated, WebSeen::Disabled];
const LIFECYCLES: [Option<&str>; 6] =
    [Some("InService"), Some("Standby"), Some("Terminated"), Some("Warmed:Stopped"), Some("Detached"), None];

/// So long it takes until all of Rundeck's threads wait for its database.
const FILLS: [Span; 3] = [Span::ZERO, Span::secs(40), Span::secs(90)];

/// Some hangs outlast every excuse.
fn longer(until: Moment, now: Moment) -> Moment {
    let lasts = until.since(now);
    if lasts > Span::secs(150) { now + lasts.times(10) } else { until }
}

impl Schedule<'_> {
    pub fn chaos(&mut self) -> Verdict {
        let now = self.world.now;
        let gap = self.world.mix.gap(&mut self.world.tape);
        self.world.at(now + gap, Coming::Chaos);
        let Some(happening) = self.world.mix.next(&mut self.world.tape) else { return Ok(()) };
        self.row(&format!("{happening:?}"), "");
        if matches!(happening, Happening::CannotConnect | Happening::CannotJudge) {
            let _ = self.oracle.counted("blink", now);
        }
        match happening {
            Happening::Drain
            | Happening::Resume
            | Happening::RundeckStopping
            | Happening::ResumeStopping
            | Happening::Maintain
            | Happening::EndMaintenance => {
                return self.people(happening);
            }
            Happening::TagWhileDown
            | Happening::Crash
            | Happening::Stop
            | Happening::Abort
            | Happening::Reboot
            | Happening::Stall => {
                return self.agents(happening);
            }
            Happening::Kill => return self.kill(),
            Happening::Sigterm => self.sigterm(),
            _ => self.troubles(happening),
        }
        Ok(())
    }

    /// How long a trouble lasts: mostly seconds, sometimes minutes.
    fn lasting(&mut self) -> Moment {
        let most = self.world.tape.pick(&[20_000, 5_000, 60_000, 200_000], 20_000);
        self.world.now + Span(500 + self.world.tape.upto(most))
    }

    fn people(&mut self, happening: Happening) -> Verdict {
        let now = self.world.now;
        if happening == Happening::EndMaintenance {
            return self.order(Order::EndMaintenance);
        }
        if happening == Happening::Maintain {
            if self.plan.policy.membership.standby != StandbyRule::Off {
                // How it goes by Standby, `core/tests/heart/standby.rs` plays: here people drain there.
                return Ok(());
            }
            // Some end before AWS has been asked.
            let until = self.world.tape.chance(128).then(|| now + Span(1 + self.world.tape.upto(200_000)));
            return self.order(Order::Maintain(Maintenance { reason: "sim".into(), since: now, until }));
        }
        let cause = match happening {
            Happening::RundeckStopping | Happening::ResumeStopping => Cause::RundeckStopping,
            _ => Cause::Operator,
        };
        if matches!(happening, Happening::Resume | Happening::ResumeStopping) {
            return self.order(Order::Resume(cause));
        }
        let deadline = self.world.tape.chance(60).then(|| now + Span(self.world.tape.upto(120_000)));
        let id = format!("{cause}-{}", self.orders + 1);
        self.order(Order::Drain(DrainOrder { id, cause, reason: "sim".into(), at: now, deadline, force: false }))
    }

    fn agents(&mut self, happening: Happening) -> Verdict {
        let run = self.run;
        let now = self.world.now;
        let Some(agent) = &mut self.agent else { return Ok(()) };
        match happening {
            Happening::Crash => agent.dies_after = Some(self.world.tape.byte() % 4),
            Happening::Stop => {
                let event = Event::Stop { id: format!("stop-{}", now.0) };
                return self.deliver(run, event);
            }
            Happening::Abort => {
                if self.oracle.run.stop_at.is_some() {
                    let event = Event::Stop { id: format!("again-{}", now.0) };
                    return self.deliver(run, event);
                }
            }
            Happening::Reboot => self.reboot(),
            Happening::TagWhileDown => {
                self.tag_moves();
                self.agent_dies(Span::secs(1));
            }
            _ => {
                let stall = Span(self.world.tape.upto(60_000));
                let until = agent.stuck.max(now + stall);
                self.oracle.stalled += until.since(agent.stuck.max(now)).0;
                self.oracle.stalled_until = until;
                agent.stuck = until;
            }
        }
        Ok(())
    }

    fn tag_moves(&mut self) {
        let world = &mut self.world;
        world.metadata.tag = world.tape.pick(&self.plan.other_tags, self.plan.tag.clone());
        world.trouble_at = world.now;
    }

    /// The machine starts anew: nothing that belongs to one boot is left.
    fn reboot(&mut self) {
        self.world.rundeck.kill();
        self.world.disk.intent = None;
        let held = self.world.disk.held.take();
        self.world.disk.held = held.map(|held| Held { same_boot: false, ..held });
        self.world.disk.verdict = None;
        self.world.served = false;
        self.oracle.claim = false;
        self.agent_dies(Span::secs(20));
        let at = self.world.now + Span::secs(25);
        self.world.at(at, Coming::RundeckStarts);
    }

    fn kill(&mut self) -> Verdict {
        let back = self.world.now + Span(1_000 + self.world.tape.upto(60_000));
        self.world.at(back, Coming::RundeckStarts);
        let process = self.world.rundeck.kill();
        match process {
            Some(process) if self.oracle.run.process == Some(process) => {
                let run = self.run;
                self.deliver(run, Event::ProcessEnded(process))
            }
            _ => Ok(()),
        }
    }

    /// Rundeck is told to end: it goes on answering until its jobs have ended.
    fn sigterm(&mut self) {
        let now = self.world.now;
        let rundeck = &mut self.world.rundeck;
        if rundeck.process.is_none() || rundeck.stopping {
            return;
        }
        rundeck.stopping = true;
        let last = rundeck.jobs.iter().map(|job| job.until).max().unwrap_or(now).max(now);
        self.world.at(last + Span(500), Coming::RundeckEnds);
    }

    /// The jobs of a stopping Rundeck have ended, and with them its process.
    pub fn rundeck_ends(&mut self) -> Verdict {
        if self.world.rundeck.stopping { self.kill() } else { Ok(()) }
    }

    /// Whoever waits for what is silent has no descriptor, or no name, for a round or two.
    fn hiccup(&mut self) {
        let now = self.world.now;
        let world = &mut self.world;
        if world.rundeck.silent(now) && world.tape.chance(160) {
            let _ = self.oracle.counted("blink", now);
            let until = now + Span(500 + world.tape.upto(6_000));
            match world.tape.chance(128) {
                true => world.sight.nameless = until,
                false => world.sight.goes_blind(until, now),
            }
        }
    }

    fn troubles(&mut self, happening: Happening) {
        let until = self.lasting();
        let now = self.world.now;
        let world = &mut self.world;
        match happening {
            Happening::Job => world.rundeck.start_job(now, until.since(now)),
            Happening::Requests => {
                world.requests_from = if world.requests <= now { now } else { world.requests_from };
                world.requests = until;
            }
            Happening::Hang => {
                let until = longer(until, now);
                if world.rundeck.hung <= now {
                    world.rundeck.hung_since = now;
                    world.rundeck.caught = !self.oracle.run.bound.open.is_empty();
                }
                world.rundeck.hung = until.max(world.rundeck.hung);
            }
            Happening::Database => {
                self.hiccup();
                let world = &mut self.world;
                let until = longer(until, now).max(world.rundeck.database.0);
                // As long as it hangs, it hangs in one way.
                let (hangs, silences) = (now < world.rundeck.database.0, world.tape.chance(80));
                let silent = if silences { now + world.tape.pick(&FILLS, Span::ZERO) } else { Moment(u64::MAX) };
                let (until, silent) = if hangs { (until, world.rundeck.database.1) } else { (until, silent) };
                // Where it takes time until all threads wait, it has time.
                let until = if silent > now && silences && !hangs { now + until.since(now).times(10) } else { until };
                world.rundeck.database = (until, silent);
            }
            Happening::PortClosed => world.rundeck.port_closed = until,
            Happening::WebFault => world.rundeck.web = (until, world.tape.pick(&WEB_FAULTS, WebSeen::Disabled)),
            Happening::TokenRejected => world.rundeck.token_rejected = until,
            Happening::OddMode => {
                const ODD: [OddMode; 3] = [OddMode::Wavers, OddMode::Hidden, OddMode::Undone];
                world.rundeck.odd_mode = (until, world.tape.pick(&ODD, OddMode::Wavers));
            }
            Happening::StatsNull => world.rundeck.stats_null = until,
            Happening::Unreadable => world.rundeck.api_unreadable = until,
            Happening::Unseen => {
                world.rundeck.unseen = (until, world.tape.pick(&UNSEEN, Some(ProcessSeen::None)));
            }
            Happening::PassiveByOthers => world.rundeck.others_set(Mode::Passive, now),
            Happening::ActiveByOthers => world.rundeck.others_set(Mode::Active, now),
            Happening::StartsPassive => world.rundeck.starts_passive = !world.rundeck.starts_passive,
            Happening::AwsTrouble => {
                let kind = world.tape.pick(&AWS_TROUBLES, TroubleKind::Throttled);
                world.aws = (until, kind, world.tape.chance(80));
            }
            Happening::DriftOut => world.groups.iter_mut().for_each(|g| g.leave(now)),
            Happening::PutBack => world.groups.iter_mut().for_each(|g| g.put_back(now)),
            Happening::OthersLeave => world.alone = until,
            Happening::MetadataDown => world.metadata.down = until,
            Happening::Lifecycle if world.metadata.in_group => {
                world.metadata.lifecycle = world.tape.pick(&LIFECYCLES, None).map(String::from);
                world.metadata.moved = now;
            }
            Happening::Tag => self.tag_moves(),
            Happening::DiskFails => world.disk.fails = until,
            Happening::DatabaseFails => world.rundeck.database_fails = until,
            Happening::DiskLow => world.rundeck.disk_low = (until, world.tape.chance(100)),
            Happening::Pressure => world.rundeck.pressure = until,
            Happening::Stranger => world.rundeck.stranger = until,
            Happening::CannotConnect => world.sight.goes_blind(until, now),
            Happening::CannotJudge if world.tape.chance(128) => world.sight.nameless = until,
            Happening::CannotJudge => world.sight.host_refused = until,
            _ => {}
        }
    }
}
