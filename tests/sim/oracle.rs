//! What an attentive bystander knows: which calls are open, what the agent was told, who wants the node out.
//!
//! It is counted here a second time, in another way than in the heart, so that `invariants.rs` can judge. It judges
//! nothing.

use crate::balancer::{ADDRESS, INSTANCE};
use crate::evidence::{Answered, BELIEVED, Bound, Counted, Open, Round, Wanted, asks_server, judged};
use crate::maintained::Upkeep;
use crate::notes::Notes;
use crate::run::Run;
use rundeck_alb_core::{
    ApiSeen, Call, CallId, Cause, Command, DrainOrder, Event, Kept, Mode, Moment, Order, OrderAnswer, PeerSeen, Policy,
    Process, ProcessSeen, Readiness, Receipt, Reply, Room, Span, Step, StepResult, TargetState, Unjudged, WebSeen,
};
use std::borrow::Cow;

#[derive(Debug)]
pub struct Oracle {
    pub policy: Policy,
    pub run: Run,
    pub orders: Vec<Wanted>,
    /// When the present drain began (in this run), and whether the node was known to be in a group then.
    pub drain: Option<(Moment, bool)>,
    /// When the drain ended in a receipt.
    pub done: Option<Moment>,
    /// When metadata told of another lifecycle state, last.
    pub moved: Moment,
    /// When somebody joined it who has a time of his own, last.
    pub joined: Moment,
    /// Its receipt says that something was given up that can be taken up again.
    gave_up: bool,
    /// Passive mode is ours, as far as anybody can know.
    pub claim: bool,
    /// Silence may be the database's, by the world's record.
    pub ails: bool,
    pub notes: Notes,
    pub upkeep: Upkeep,
    /// Milliseconds in which the agent's loop stood still.
    pub stalled: u64,
    pub stalled_at_begin: u64,
    /// When its loop went on after it had stood still, last.
    pub stalled_until: Moment,
    /// Since when the JVM has really stood still, nothing else being wrong; and how long the loop had stood still then.
    pub frozen: Option<(Moment, u64)>,
}

impl Oracle {
    pub fn new(policy: Policy) -> Oracle {
        Oracle {
            policy,
            run: Run::default(),
            orders: Vec::new(),
            drain: None,
            done: None,
            moved: Moment(0),
            joined: Moment(0),
            gave_up: false,
            claim: false,
            ails: false,
            notes: Notes::default(),
            upkeep: Upkeep::default(),
            stalled: 0,
            stalled_at_begin: 0,
            stalled_until: Moment(0),
            frozen: None,
        }
    }

    /// The agent was started, and knows nothing yet of what its last run kept.
    pub fn start(&mut self, now: Moment) {
        self.run = Run { begun: now, last_round: now, unread: true, read_at: now, ..Run::default() };
        self.upkeep = Upkeep::default();
        self.orders.clear();
        self.claim = false;
        self.drain = None;
        self.done = None;
        self.frozen = None;
    }

    /// It reads it, at its start or when the disk has told it. What it was told meanwhile is newer.
    fn read(&mut self, kept: &Kept, now: Moment) {
        self.run.unread = false;
        self.run.restored =
            kept.verdict.clone().filter(|v| v.at <= now && now.since(v.at) <= self.policy.health.max_age);
        self.run.intent = kept.intent.clone();
        if kept.held.as_ref().is_some_and(|held| held.standby.is_some()) {
            // Long ago: it is there, or is not waited for.
            (self.notes.standby, self.notes.stood) = (Some(Moment(0)), false);
        }
        let Some(intent) = &kept.intent else { return };
        self.claim_read(intent, now);
        let goes_on = |o: &&DrainOrder| o.cause == Cause::Operator && !self.run.resumed.contains(&o.cause);
        let known = |o: &&DrainOrder| self.orders.iter().any(|w| w.order.cause == o.cause);
        let news: Vec<Wanted> = intent
            .drains
            .iter()
            .filter(goes_on)
            .filter(|o| !known(o))
            .map(|order| Wanted { order: order.clone(), since: now })
            .collect();
        let (some, runs) = (!news.is_empty(), self.drain.is_some());
        self.orders.extend(news);
        self.begin_if_wanted(now);
        // What had ended stays so: its receipt is not written again, unless the node was in service since.
        if let Some(receipt) = intent.ended.as_ref().filter(|_| some && !runs && !self.run.was_ok) {
            self.wrote(receipt, now);
        }
    }

    fn wrote(&mut self, receipt: &Receipt, now: Moment) {
        self.run.receipts.insert(receipt.id.clone());
        self.done = Some(now);
        // What could not be done may be over at once again; it is tried all the same.
        let lost = |step: &Step| matches!(step.result, Some(StepResult::RundeckEnded(_) | StepResult::NotDone));
        self.gave_up = receipt.steps.iter().any(|step| step.gave_up && !lost(step));
    }

    pub fn begin_if_wanted(&mut self, now: Moment) {
        if self.orders.is_empty() {
            self.drain = None;
            self.done = None;
        } else if self.drain.is_none() {
            self.drain = Some((now, self.may_replace()));
            self.done = None;
            self.stalled_at_begin = self.stalled;
        }
    }

    /// True for a reply that nobody waits for.
    pub fn is_old(&self, event: &Event, now: Moment) -> bool {
        match event {
            Event::Reply(id, _) => self.run.open.get(id).is_none_or(|open| open.deadline < now),
            _ => false,
        }
    }

    /// Takes note of what the heart is told.
    pub fn told(&mut self, event: &Event, now: Moment) -> Option<Round> {
        let mut round = None;
        if self.run.unread {
            self.run.read_at = now;
        }
        match event {
            Event::Kept(kept) => self.read(kept, now),
            Event::Reply(id, reply) => {
                if let Some(open) = self.run.open.remove(id) {
                    self.bound_reply(*id, reply);
                    round = self.reply(&open, reply, now);
                    self.local_reply(reply);
                    self.prove(now);
                }
            }
            Event::ProcessEnded(process) if self.run.process == Some(*process) => self.process_gone(now),
            Event::Stop { id } => {
                let first = *self.run.stop_at.get_or_insert(now);
                if now.since(first) >= Span::secs(2) {
                    self.run.abort_at = Some(now);
                }
                let (cause, reason) = (Cause::AgentStopping, String::new());
                let order = DrainOrder { id: id.clone(), cause, reason, at: now, deadline: None, force: false };
                if now == first {
                    self.want(order, now);
                }
            }
            Event::ProcessEnded(_) | Event::Order(..) | Event::Noticed(..) | Event::Tick => {}
        }
        let expired: Vec<CallId> = self.run.open.iter().filter(|(_, o)| o.deadline <= now).map(|(id, _)| *id).collect();
        for id in expired {
            if let Some(open) = self.run.open.remove(&id) {
                self.run.bound.open.remove(&id);
                self.expired(&open, now);
            }
        }
        self.upkeep_told(event, now);
        self.end_choices(now);
        round
    }

    fn expired(&mut self, open: &Open, now: Moment) {
        if matches!(open.call, Call::ProbeWeb { .. }) {
            self.run.last_round = now;
            self.run.blind_since = None;
            self.web_seen(WebSeen::TimedOut);
            self.count(judged(WebSeen::TimedOut, None, self.ails), now);
        }
        if matches!(open.call, Call::ProbeReadiness { .. }) && self.run.bound.ready == Some(false) {
            self.run.local.ready = 0;
            self.run.local.not_ready += 1;
        }
        if !self.astray_ended(open, false, now) {
            self.notes.failed(&open.call, now);
        }
        self.upkeep.expired(&open.call, now);
        if matches!(open.call, Call::KeepIntent(_)) {
            self.run.intent_expired = Some(now);
        }
    }

    fn process_gone(&mut self, now: Moment) {
        self.run.orphan = true;
        (self.run.ended, self.run.ended_at) = (true, now);
        self.run.mode_told = false;
        self.run.process = None;
        self.run.bound = Bound::default();
        self.run.local = self.run.local.after_process();
        self.run.web = Counted::default();
        self.run.restored = None;
        self.run.last_round = now;
        self.claim = false;
        self.run.switched = false;
        self.notes.named = None;
        // Calls to a process that has ended say nothing about the next one. A switch may meet it all the same.
        self.run.open.retain(|_, o| {
            let other = matches!(o.call, Call::ProbeWeb { .. } | Call::FindProcess { .. });
            !other && !asks_server(&o.call)
        });
        self.notes.astray = self.switches();
    }

    fn reply(&mut self, open: &Open, reply: &Reply, now: Moment) -> Option<Round> {
        match reply {
            Reply::Web(web, boot) => {
                self.run.last_round = now;
                self.run.nameless = *web == WebSeen::CannotJudge(Unjudged::Name);
                self.run.blind_at = if *web == WebSeen::CannotConnect { now } else { self.run.blind_at };
                self.run.blind_since = match web {
                    WebSeen::CannotConnect => self.run.blind_since.or(Some(now)),
                    // That a name cannot be resolved is no connection.
                    WebSeen::CannotJudge(Unjudged::Name) => self.run.blind_since,
                    _ => None,
                };
                // Silence of a node that is out may be put down to the database, and breaks no run then.
                let silent = self.run.web.out && *web == WebSeen::TimedOut;
                let round = if silent { Round::Silent } else { judged(*web, *boot, self.ails) };
                self.web_seen(*web);
                self.count(round, now);
                return Some(round);
            }
            Reply::Process(ProcessSeen::One(process, _)) => self.found(*process),
            Reply::Process(ProcessSeen::None | ProcessSeen::Several(_) | ProcessSeen::Hidden) => self.not_found(),
            Reply::Api(seen) => {
                let running = match seen {
                    ApiSeen::Info(info) => info.running,
                    _ => None,
                };
                self.run.mode_told |= matches!(seen, ApiSeen::Info(_));
                self.run.api.push(Answered { asked: open.sent, at: now, running });
            }
            // That it is missing says nothing where a group was seen.
            Reply::Lifecycle(Ok(None)) if matches!(self.run.lifecycle, Some(Some(_))) => {}
            Reply::Lifecycle(Ok(state)) => {
                if self.run.lifecycle.as_ref() != Some(state) {
                    self.moved = now;
                }
                self.run.lifecycle = Some(state.clone());
            }
            Reply::Fleet(Ok(groups)) => {
                let other = |peer: &&PeerSeen| peer.id != INSTANCE && peer.id != ADDRESS;
                let healthy = |peer: &&PeerSeen| peer.state == TargetState::Healthy;
                let counts = groups.iter().map(|group| group.targets.iter().filter(other).filter(healthy).count());
                self.run.fleet = Some((open.sent, counts.min().unwrap_or(0)));
            }
            // Nobody has told: what was told before counts for nothing new.
            Reply::Fleet(Err(_)) => self.run.fleet = Some((open.sent, 0)),
            Reply::Scaling(Ok(seen)) => self.scaling_told(seen, now),
            Reply::Written(_) if matches!(open.call, Call::KeepRegistered(_)) => self.run.named.written = None,
            Reply::Identity(Ok(identity)) => {
                let lacks = identity.private_ip.is_none();
                let came = std::mem::replace(&mut self.run.addressless, lacks) && !lacks;
                self.run.addressed = came.then_some(now).or(self.run.addressed);
            }
            Reply::Tag(Ok(tag)) => self.run.named.told(tag, now),
            Reply::Target(Ok(seen)) => self.run.taken.told(&open.call, open.sent, &seen.state),
            Reply::Mode(end) if self.astray_ended(open, end.as_ref().is_err_and(|end| end.refused), now) => {}
            Reply::Mode(Ok(mode)) => self.switched_to(*mode, now),
            Reply::Mode(Err(trouble)) if !trouble.refused => self.notes.failed(&open.call, now),
            // What was refused has set nothing, and will not.
            Reply::Mode(Err(_)) if open.call == Call::SetMode(Mode::Passive) && !self.notes.set => {
                self.claim = false;
                self.notes.passive_asked = None;
            }
            _ => {}
        }
        None
    }

    fn web_seen(&mut self, seen: WebSeen) {
        let web = &mut self.run.web;
        web.port_seen(seen);
        let refused = seen == WebSeen::Refused;
        if refused && web.closed == 2 {
            self.run.bound.open.clear();
        }
        if refused && web.refused == 2 {
            // A closed port: what the server behind it has said is void.
            web.believed = false;
            if self.run.process.is_none() {
                self.run.lost_sight = true;
                self.notes.astray |= self.switches();
                self.lose_claim();
            }
            self.run.bound = Bound::default();
            self.run.local.port_closed();
        }
    }

    fn bound_reply(&mut self, id: CallId, reply: &Reply) {
        let bound = &mut self.run.bound;
        if matches!(reply, Reply::Api(_) | Reply::Database(_) | Reply::Ready(_) | Reply::Mode(_)) {
            bound.open.remove(&id);
        }
        if let Reply::Ready(seen) = reply
            && matches!(seen.readiness, Readiness::Ready | Readiness::NotReady | Readiness::Absent)
        {
            bound.ready = Some(seen.bound);
        }
    }

    fn local_reply(&mut self, reply: &Reply) {
        let local = &mut self.run.local;
        local.looked |= matches!(reply, Reply::Process(_));
        let count = |counter: &mut u32, bad: bool| *counter = if bad { *counter + 1 } else { 0 };
        match reply {
            Reply::Ready(seen) => {
                local.saying.told(&seen.readiness, &self.policy.health);
                let says = match seen.readiness {
                    Readiness::Ready => Some(true),
                    Readiness::NotReady => Some(false),
                    _ => None,
                };
                // What was answered is gone after `fall` such answers.
                let gone = local.saying.gone(&self.policy.health);
                local.says_ready = says.or(local.says_ready).filter(|_| !gone);
                let silent = seen.readiness == Readiness::TimedOut && !seen.bound;
                if says.is_some() || silent {
                    count(&mut local.ready, says == Some(true));
                    count(&mut local.not_ready, says != Some(true));
                }
            }
            Reply::Process(ProcessSeen::One(_, jvm)) => {
                // What nobody can tell is neither good nor bad.
                if let Some(stopping) = jvm.stopping {
                    count(&mut local.stopping, stopping);
                }
                local.stranger = jvm.stranger.is_some();
                if jvm.stopping.is_some() || local.stranger {
                    count(&mut local.unsound, jvm.stopping == Some(true) || local.stranger);
                }
            }
            Reply::Disks(disks) => {
                local.disks_told = true;
                let below = u64::from(self.policy.health.disk.down_below.0);
                let full = disks.iter().any(|d| matches!(&d.room, Room::Local { free, .. } if *free < below));
                local.disks(full, &self.policy.health);
            }
            _ => {}
        }
    }

    fn count(&mut self, round: Round, now: Moment) {
        let health = &self.policy.health;
        let web = &mut self.run.web;
        match round {
            Round::Pass => {
                web.fails = 0;
                web.passes += 1;
                if now.since(web.last_pass) > health.max_age {
                    web.good_since = None;
                }
                web.last_pass = now;
                let since = *web.good_since.get_or_insert(now);
                web.believed |= now.since(since) >= BELIEVED;
            }
            Round::Fail => {
                *web = Counted { fails: web.fails + 1, passes: 0, good_since: None, last_pass: Moment(0), ..*web };
            }
            // As bad as it may be, and no good run that it may have broken.
            Round::Silent => web.fails += 1,
            Round::Unknown => {}
        }
        web.out = web.fails >= health.fall || (web.out && web.passes < health.rise);
        self.prove(now);
        self.restore();
    }

    /// Good for long enough; a readiness state that says yes makes the settled run unnecessary.
    fn prove(&mut self, now: Moment) {
        let health = &self.policy.health;
        let web = &mut self.run.web;
        let Some(since) = web.good_since else { return };
        let settled = now.since(since) >= health.settle || self.run.local.says_ready == Some(true);
        if !web.proven && web.passes >= health.rise_initial && settled {
            web.proven = true;
            web.proven_at = now;
        }
    }

    /// The verdict of the last run holds: the same process, and one probe that passed.
    fn restore(&mut self) {
        let same = self.run.restored.as_ref().is_some_and(|v| Some(v.process) == self.run.process);
        self.run.web.kept |= same && self.run.web.passes > 0;
        self.run.web.proven |= self.run.web.kept;
    }

    fn found(&mut self, process: Process) {
        self.claim_found(process);
        self.run.found = true;
        let replaced = self.run.process.is_some_and(|known| known != process);
        if replaced {
            let last_round = self.run.last_round;
            self.process_gone(last_round);
        }
        self.run.orphan = false;
        if self.run.process.replace(process) != Some(process) {
            // Another one, with a start of its own.
            self.run.booting_since = None;
        }
        self.restore();
    }

    fn want(&mut self, order: DrainOrder, now: Moment) {
        let waits = order.deadline.is_none_or(|at| at > now);
        let end = |deadline: Option<Moment>| deadline.map_or(u64::MAX, |at| at.0);
        let longer = match self.orders.iter_mut().find(|w| w.order.cause == order.cause) {
            Some(known) => {
                let before = std::mem::replace(&mut known.order.deadline, order.deadline);
                end(order.deadline) > end(before)
            }
            None => {
                self.orders.push(Wanted { order, since: now });
                true
            }
        };
        if longer && waits && self.drain.is_some() {
            self.joined = now;
            // Whoever joins an agent that was told to end at once, or a Rundeck that is gone, has nothing to wait for.
            if self.gave_up && self.run.abort_at.is_none() && !self.run.orphan {
                self.done = None;
            }
        }
        self.begin_if_wanted(now);
    }

    /// Takes note of what the heart wants.
    pub fn wants(&mut self, command: &Command, now: Moment) {
        let Command::Call { id, deadline, call } = command else { return };
        match call {
            Call::SetMode(Mode::Passive) => {
                self.notes.set &= self.claim;
                self.claim = true;
                self.run.switched = true;
                self.notes.named = None;
            }
            // One that is asked for anew is waited for no more as it was.
            Call::AskScaling { .. } => self.run.open.retain(|_, open| !matches!(open.call, Call::AskScaling { .. })),
            Call::KeepIntent(_) => self.run.intent_sent = Some(now),
            Call::KeepRegistered(_) => drop(self.run.named.written.get_or_insert(now)),
            Call::WriteReceipt(receipt) => self.wrote(receipt, now),
            _ => {}
        }
        if self.run.bound.needs_database(call) {
            self.run.bound.open.insert(*id, now);
        }
        self.run.open.insert(*id, Open { call: call.clone(), deadline: *deadline, sent: now });
    }

    /// Takes note of how an order was answered.
    pub fn answered(&mut self, order: &Order, answer: &OrderAnswer, now: Moment) {
        self.upkeep_answered(order, answer, now);
        match (order, answer) {
            (Order::Drain(order), OrderAnswer::Accepted(_)) => {
                if order.cause == Cause::Operator && self.orders.is_empty() && self.by_standby() {
                    (self.notes.standby, self.notes.stood) = (Some(now), false);
                }
                self.want(order.clone(), now);
            }
            (Order::Resume(cause), OrderAnswer::Resumed(_)) => {
                let ends = |c: Cause| c == *cause || (*cause == Cause::Operator && c == Cause::RundeckStopping);
                self.run.resumed.extend([*cause].into_iter().filter(|_| self.run.unread));
                self.orders.retain(|w| !ends(w.order.cause));
                self.begin_if_wanted(now);
            }
            _ => {}
        }
    }

    /// Calls and wake-ups are counted by virtual minute.
    pub fn counted(&mut self, what: impl Into<Cow<'static, str>>, now: Moment) -> u32 {
        let minute = now.0 / 60_000;
        if minute != self.run.minute {
            self.run.minute = minute;
            self.run.counts.clear();
        }
        let count = self.run.counts.entry(what.into()).or_insert(0);
        *count += 1;
        *count
    }
}
