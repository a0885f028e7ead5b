//! One schedule: a world, an agent in it, faults for a while, then a healed world in which everything must come right.

use crate::balancer::{Group, Place};
use crate::faults::Mix;
use crate::invariants;
use crate::oracle::Oracle;
use crate::plan::Plan;
use crate::rule::{Turn, Verdict, Violation, require};
use crate::subject::{Make, Subject};
use crate::table::Row;
use crate::tape::Tape;
use crate::wakes::{Traced, Wakes, same};
use crate::world::{Coming, World, names};
use rundeck_alb_core::{
    Call, Cause, Command, Event, Kept, Mode, Moment, Order, Ownership, Reply, Snapshot, Span, State, TargetView,
    TroubleKind,
};

/// Pause of systemd before it starts the agent again.
const RESTART: Span = Span::secs(1);
/// Rundeck's start, every pace and every back-off fit into this after the last fault.
const SETTLES: Span = Span::secs(1_800);
/// Each target is looked at again within this: the reconcile interval, with jitter and a look that fails.
const RECONCILED: Span = Span::secs(700);
/// Each so many turns the heart is asked what it would do if it were woken early: a copy of it each time.
const EARLY_EVERY: u64 = 5;
/// A schedule that takes more turns than this does not end.
const TURNS: u64 = 200_000;

/// The agent's process.
pub struct Agent {
    pub subject: Box<dyn Subject>,
    pub snapshot: Snapshot,
    /// Its loop stands still until then.
    pub stuck: Moment,
    /// It dies in its next turn, when it has performed so many commands of it.
    pub dies_after: Option<u8>,
}

pub struct Schedule<'a> {
    pub plan: Plan,
    pub world: World,
    pub oracle: Oracle,
    pub agent: Option<Agent>,
    make: &'a Make,
    pub run: u32,
    pub orders: u64,
    pub turns: u64,
    pub rows: Option<Vec<Row>>,
    /// When the agent's loop wakes.
    pub wakes: Wakes,
    /// What was decided, where two runs are compared.
    pub trace: Option<Vec<Traced>>,
}

/// What came of a schedule.
pub struct Outcome {
    pub verdict: Verdict,
    pub turns: u64,
    pub rows: Vec<Row>,
    /// Bytes of the tape that decided something.
    pub used: usize,
}

/// Runs the schedule that this tape describes; where it says so, once more with wake-ups that nobody asked for.
pub fn schedule(tape: Tape, make: &Make, with_rows: bool) -> Outcome {
    let (mut outcome, trace) = run(tape.clone(), make, with_rows, None);
    if let Some(trace) = trace.filter(|_| outcome.verdict.is_ok()) {
        let (eager, other) = run(tape, make, with_rows, Some(Wakes::eager()));
        outcome.turns += eager.turns;
        let verdict = eager.verdict.and_then(|()| same(&trace, &other.unwrap_or_default()));
        if verdict.is_err() {
            outcome = Outcome { verdict, turns: outcome.turns, ..eager };
        }
    }
    outcome
}

/// One run; its decisions too, where it is compared with another one.
fn run(mut tape: Tape, make: &Make, with_rows: bool, wakes: Option<Wakes>) -> (Outcome, Option<Vec<Traced>>) {
    let plan = Plan::draw(&mut tape);
    let mix = Mix::draw(&mut tape);
    let groups = plan.groups.clone();
    let mut world = World::new(tape, mix, groups, plan.policy.health.timeout);
    world.metadata.tag = plan.tag.clone();
    world.metadata.lifecycle = plan.lifecycle.clone();
    world.metadata.in_group = plan.lifecycle.is_some();
    world.metadata.attached = plan.attached();
    world.rundeck.shows = plan.shows;
    let oracle = Oracle::new(plan.policy.clone());
    let rows = with_rows.then(Vec::new);
    let trace = plan.twice.then(Vec::new);
    let wakes = wakes.unwrap_or(if plan.late { Wakes::Late } else { Wakes::AsAsked });
    let (agent, run, orders, turns) = (None, 0, 0, 0);
    let mut schedule = Schedule { plan, world, oracle, agent, make, run, orders, turns, rows, wakes, trace };
    let verdict = schedule.play();
    let used = schedule.world.tape.used();
    let Schedule { turns, rows, trace, .. } = schedule;
    (Outcome { verdict, turns, rows: rows.unwrap_or_default(), used }, trace)
}

impl Schedule<'_> {
    fn play(&mut self) -> Verdict {
        let begin = self.world.now;
        if !self.plan.policy.membership.groups.is_empty() {
            let named = self.world.groups.len() - 1;
            self.world.groups.iter_mut().take(named).for_each(|group| group.known = true);
        }
        for index in 0..self.world.groups.len() {
            self.world.at(begin, Coming::Check(index));
        }
        self.world.at(begin, Coming::AgentStarts);
        self.world.at(begin + Span::secs(2), Coming::Chaos);
        let end = begin + self.plan.faults_for;
        while self.turn(end)? {}
        self.heal()
    }

    /// Whatever comes next, up to the end. False when nothing comes before it.
    fn turn(&mut self, end: Moment) -> Result<bool, Violation> {
        self.turns += 1;
        require(self.turns < TURNS, "S8 a schedule ends", || format!("{} turns", self.turns))?;
        let deadline = self.agent.as_ref().and_then(|a| a.subject.next_deadline().map(|at| at.max(a.stuck)));
        let deadline = deadline.map(|at| self.wakes.woken(at));
        let coming = self.world.next_at();
        let next = match (coming, deadline) {
            (Some(coming), Some(deadline)) => coming.min(deadline),
            (at, None) | (None, at) => at.unwrap_or(end),
        };
        if next > end {
            self.world.now = end;
            return Ok(false);
        }
        self.wake_early(next)?;
        self.world.now = self.world.now.max(next);
        if coming.is_some_and(|at| at <= next) {
            let coming = self.world.pop();
            coming.map_or(Ok(()), |coming| self.come(coming))?;
        } else {
            // Only what the heart asked for is counted: `settle_time` wakes it where nobody asked.
            invariants::woken(&mut self.oracle, self.world.now)?;
            self.feed(Event::Tick)?;
        }
        Ok(true)
    }

    fn come(&mut self, coming: Coming) -> Verdict {
        match coming {
            // What an earlier run sent is served before what this one sent later; else it hung, and lands.
            Coming::Execute(sent)
                if sent.call == Call::SetMode(Mode::Passive) && sent.run != self.run && !self.oracle.claim => {}
            Coming::Execute(sent) => {
                // It reaches another Rundeck than the one that it was meant for.
                let other = sent.process.is_some() && sent.process != self.world.rundeck.process;
                let strays = other && sent.call == Call::SetMode(Mode::Passive);
                self.world.execute(sent);
                if strays {
                    self.world.loses_trace();
                }
            }
            Coming::Deliver { run, event } => return self.deliver(run, event),
            Coming::Lands { run, process, mode } => {
                let now = self.world.now;
                self.world.rundeck.lands(process, mode, now);
                // An earlier run sent it, and this one has undone what it knew of.
                if run != self.run && !self.oracle.claim && self.world.rundeck.process == process {
                    self.world.loses_trace();
                }
            }
            Coming::KeepsVerdict(verdict) => self.world.keep_verdict(verdict),
            Coming::Check(index) => return self.check(index),
            Coming::Chaos => return self.chaos(),
            Coming::RundeckEnds => return self.rundeck_ends(),
            Coming::RundeckStarts => {
                let now = self.world.now;
                if self.world.rundeck.process.is_none() {
                    self.world.rundeck.restart(now, &mut self.world.tape);
                }
            }
            Coming::AgentStarts => return self.start_agent(),
        }
        Ok(())
    }

    /// The agent's process begins with what the last one left on disk.
    pub fn start_agent(&mut self) -> Verdict {
        if self.agent.is_some() {
            return Ok(());
        }
        let now = self.world.now;
        self.world.land_writes();
        self.run += 1;
        self.world.run = self.run;
        if self.plan.addressless {
            let until = [Moment(0), now + Span(self.world.tape.upto(120_000)), Moment(u64::MAX)];
            self.world.metadata.addressless = self.world.tape.pick(&until, Moment(0));
        }
        let subject = (self.make)(&self.plan.policy, u64::from(self.run) * 7919, now);
        let snapshot = subject.snapshot();
        self.agent = Some(Agent { subject, snapshot, stuck: now, dies_after: None });
        let disk = &self.world.disk;
        let (verdict, intent, registered) = (disk.verdict.clone(), disk.intent.clone(), disk.registered.clone());
        let kept = Kept { verdict, intent, registered, held: disk.held.clone() };
        self.oracle.start(now);
        self.oracle.notes.start(&kept, &mut self.world);
        if self.plan.slow_disk && self.world.tape.chance(128) {
            // The agent has given up waiting for it. A verdict is too old then.
            let read = now + Span::secs(1) + Span(self.world.tape.upto(119_000));
            self.world.disk.reads = read;
            let event = Event::Kept(Kept { verdict: None, ..kept });
            self.world.at(read, Coming::Deliver { run: self.run, event });
            return self.feed(Event::Tick);
        }
        self.feed(Event::Kept(kept))
    }

    /// The process is gone, and with it all that it knew.
    pub fn agent_dies(&mut self, comes_back: Span) {
        self.agent = None;
        let run = &self.oracle.run;
        // It has had no time to write down what it held back until then.
        let held_back = run.unread || (run.read_at == self.world.now && run.read_at != run.begun);
        self.world.agent_ends(held_back);
        let at = self.world.now + comes_back;
        self.world.at(at, Coming::AgentStarts);
        self.row("the agent dies", "");
    }

    pub fn deliver(&mut self, run: u32, event: Event) -> Verdict {
        let Some(agent) = self.agent.as_ref().filter(|_| run == self.run) else { return Ok(()) };
        if self.world.now < agent.stuck {
            let stuck = agent.stuck;
            self.world.at(stuck, Coming::Deliver { run, event });
            return Ok(());
        }
        if self.oracle.is_old(&event, self.world.now) {
            self.settle_time()?;
            return self.changes_nothing(event);
        }
        // A drain may go on once a deregistration was tried; without one nothing of this kind changes the answer.
        if fails_static(&event) && self.oracle.orders.is_empty() {
            self.settle_time()?;
            let before = self.agent.as_ref().map(|a| (a.snapshot.answer.ok, a.snapshot.answer.state));
            self.feed(event)?;
            let after = self.agent.as_ref().map(|a| (a.snapshot.answer.ok, a.snapshot.answer.state));
            return require(
                after.is_none() || before == after,
                "S-static losing metadata or AWS changes no answer",
                || format!("{before:?} -> {after:?}"),
            );
        }
        self.feed(event)
    }

    /// Lets the time that has passed take effect, so that the next event is judged by itself.
    fn settle_time(&mut self) -> Verdict {
        for _ in 0..3 {
            if self.agent.is_some() {
                self.feed(Event::Tick)?;
            }
        }
        Ok(())
    }

    fn changes_nothing(&mut self, event: Event) -> Verdict {
        let Some(agent) = &mut self.agent else { return Ok(()) };
        agent.subject.handle(event, self.world.now);
        let commands = agent.subject.take_commands();
        let same = agent.subject.snapshot() == agent.snapshot;
        require(same && commands.is_empty(), "S11 an old reply changes nothing", || format!("{commands:?}"))
    }

    /// Hands the heart one event, checks what it made of it, and performs its commands.
    pub fn feed(&mut self, event: Event) -> Verdict {
        let now = self.world.now;
        let Some(agent) = &mut self.agent else { return Ok(()) };
        self.oracle.ails = self.world.database_ails();
        let round = self.oracle.told(&event, now);
        if std::mem::take(&mut self.oracle.notes.void) {
            self.world.loses_trace();
        }
        if std::mem::take(&mut self.oracle.notes.strayed) {
            let process = self.oracle.run.process.or(self.world.rundeck.process);
            self.oracle.notes.passive_asked = process.map(|process| (now, process));
        }
        agent.subject.handle(event.clone(), now);
        let commands = agent.subject.take_commands();
        let after = agent.subject.snapshot();
        let before = std::mem::replace(&mut agent.snapshot, after);
        let deadline = agent.subject.next_deadline();
        let answer = agent.subject.answer_at(&agent.snapshot, now);
        if let Some(rows) = &mut self.rows {
            rows.push(Row::of(now, &event, &agent.snapshot, &commands));
        }
        if let Some(trace) = &mut self.trace {
            trace.push(Traced { at: now, commands: commands.clone(), answer: agent.snapshot.answer });
        }
        let unsound = agent.subject.unsound();
        require(unsound.is_none(), "S-sound the heart's own invariants hold", || unsound.unwrap_or_default())?;
        let turn = Turn { event: &event, round, before: &before, after: &agent.snapshot, commands: &commands, now };
        invariants::check(&turn, &mut self.oracle, &self.world)?;
        invariants::served(answer, &self.oracle, now)?;
        require(deadline.is_none_or(|at| at > now), "S8 the next deadline lies ahead", || format!("{deadline:?}"))?;
        if self.turns.is_multiple_of(EARLY_EVERY) {
            let early = agent.subject.too_early(now);
            require(early.is_none(), "S-lazy a wake-up before the deadline decides nothing", || {
                early.unwrap_or_default()
            })?;
        }
        let dies_after = agent.dies_after;
        self.perform(commands, dies_after);
        Ok(())
    }

    fn perform(&mut self, commands: Vec<Command>, dies_after: Option<u8>) {
        for (done, command) in commands.into_iter().enumerate() {
            if dies_after.is_some_and(|n| done >= usize::from(n)) {
                break;
            }
            match command {
                Command::Call { id, deadline, call } => {
                    let process = self.oracle.run.process;
                    self.world.send(self.run, id, call, deadline, process);
                }
                Command::WatchExit(process) => self.world.watch(self.run, process),
                Command::KeepVerdict(verdict) => self.world.keep_verdict(Some(verdict)),
                Command::DropVerdict => self.world.keep_verdict(None),
                Command::Exit(_) => {
                    self.agent_dies(RESTART);
                    return;
                }
                Command::Answer(..) | Command::Looked { .. } | Command::Tell(_) => {}
            }
        }
        if dies_after.is_some() {
            self.agent_dies(RESTART);
        }
    }

    /// The load balancer asks `/health`.
    fn check(&mut self, index: usize) -> Verdict {
        let now = self.world.now;
        let answer = self.agent.as_ref().map(|a| (a.subject.answer_at(&a.snapshot, now), a.snapshot.accepting));
        if let Some((answer, true)) = answer {
            invariants::served(answer, &self.oracle, now)?;
        }
        let Some(group) = self.world.groups.get_mut(index) else { return Ok(()) };
        let waits = matches!(answer, Some((_, false)));
        if !waits {
            self.world.served |= answer.is_some_and(|(a, _)| a.ok);
            group.check(answer.is_some_and(|(a, _)| a.ok), now);
        }
        let next = if waits { Span::secs(1) } else { Span::secs(group.facts.check_interval_secs) };
        self.world.at(now + next, Coming::Check(index));
        Ok(())
    }

    pub fn order(&mut self, order: Order) -> Verdict {
        self.orders += 1;
        let (run, event) = (self.run, Event::Order(self.orders, order));
        self.deliver(run, event)
    }

    pub fn row(&mut self, what: &str, why: &str) {
        let now = self.world.now;
        if let Some(rows) = &mut self.rows {
            rows.push(Row::note(now, what, why));
        }
    }

    fn wait_for(&mut self, rule: &'static str, within: Span, reached: fn(&mut Schedule<'_>) -> bool) -> Verdict {
        let end = self.world.now + within;
        while !reached(self) {
            if !self.turn(end)? {
                let answer = self.agent.as_ref().map(|a| a.snapshot.answer);
                let places: Vec<Place> = self.world.groups.iter().map(|g| g.place.clone()).collect();
                return require(false, rule, || format!("{answer:?}, {places:?} after {} s", within.0 / 1000));
            }
        }
        Ok(())
    }

    /// All faults are over: whatever is wanted must be reached, in bounded time.
    fn heal(&mut self) -> Verdict {
        self.world.heal(self.plan.tag.clone());
        self.row("healed", "");
        if let Some(agent) = &mut self.agent {
            agent.dies_after = None;
        }
        self.start_agent()?;
        self.wait_for("L2 a wanted drain reaches its receipt", SETTLES, |s| {
            let runs = s.agent.as_ref().is_some_and(|a| a.stuck < s.world.now);
            runs && !s.oracle.run.unread
                && s.oracle.run.stop_at.is_none()
                && (s.oracle.orders.is_empty() || s.oracle.done.is_some())
        })?;
        // Whoever else made it passive makes it active again; so does a person where the disk forgot that it was us.
        if self.world.rundeck.passive_by_others || self.world.disk.forgot {
            self.world.undo_passive();
        }
        if !self.plan.policy.membership.repair {
            // What somebody took out comes back by an order only, and it must have been seen before that.
            let seen = self.world.now + RECONCILED;
            while self.turn(seen)? {}
        }
        self.order(Order::Resume(Cause::Operator))?;
        self.order(Order::EndMaintenance)?;
        self.wait_for("L1 a healthy node is in service", SETTLES, |s| s.in_service())?;
        self.wait_for("L3 after resume the mode is as before", SETTLES, |s| s.world.rundeck.mode == Mode::Active)?;
        self.wait_for("S-out what is no longer named is left", SETTLES, |s| s.forgotten().is_none())?;
        self.row("now stop", "");
        let run = self.run;
        self.deliver(run, Event::Stop { id: "final".into() })?;
        self.wait_for("S9 exit always happens", SETTLES, |s| s.agent.is_none())?;
        let addressless = self.oracle.run.addressless;
        let gone =
            |g: &Group| g.left() || (addressless && g.is_address() && (!g.by_us || self.world.disk.lost_registered));
        let left = self.owned_groups().all(|i| self.world.groups.get(i).is_none_or(gone));
        require(left, "L2 a stopped node is no target", || {
            format!("{:?}", self.world.groups.iter().map(|g| &g.place).collect::<Vec<_>>())
        })
    }

    /// Groups in which this agent must act once metadata have answered.
    fn owned_groups(&self) -> impl Iterator<Item = usize> + '_ {
        let membership = &self.plan.policy.membership;
        let in_group = self.world.metadata.in_group;
        (0..self.world.groups.len()).filter(|i| self.is_named(*i)).filter(move |i| {
            let ownership = membership.groups.get(*i).map_or(membership.ownership, |w| w.ownership);
            !self.plan.policy.dry_run
                && match ownership {
                    Ownership::Own => true,
                    Ownership::Observe => false,
                    Ownership::Auto => !in_group,
                }
        })
    }

    /// The configuration or the tag names this group.
    fn is_named(&self, index: usize) -> bool {
        let by_tag = self.plan.policy.membership.groups.is_empty();
        let tag = self.world.metadata.tag.as_deref().filter(|_| self.plan.policy.membership.discover_tag.is_some());
        let tagged = |group: &Group| tag.is_some_and(|tag| names(tag, &group.facts));
        if by_tag { self.world.groups.get(index).is_some_and(tagged) } else { index + 1 < self.world.groups.len() }
    }

    /// A group that is not named, and has this node's target by the agent's doing. Not where an Auto Scaling group owns
    /// it now, and not where the disk has lost what was registered.
    fn forgotten(&self) -> Option<usize> {
        let membership = &self.plan.policy.membership;
        let owned = match membership.ownership {
            Ownership::Own => true,
            Ownership::Observe => false,
            Ownership::Auto => !self.world.metadata.in_group,
        };
        let stands = |i: &usize| self.world.groups.get(*i).is_some_and(|g| g.by_us && !g.left());
        let mut all = (0..self.world.groups.len()).filter(|i| !self.is_named(*i)).filter(stands);
        all.next().filter(|_| owned && !self.world.disk.lost_registered)
    }

    fn in_service(&mut self) -> bool {
        let up = self.agent.as_ref().is_some_and(|a| a.snapshot.answer.ok && a.snapshot.answer.state == State::Up);
        let dry_run = self.plan.policy.dry_run;
        let targets = self.agent.as_ref().map_or(&[][..], |a| &a.snapshot.targets);
        let fine = |t: &&TargetView| t.word == "healthy" || !t.owned || dry_run;
        let shown = |g: &Group| targets.iter().filter(fine).any(|t| t.arn.as_ref() == Some(&g.facts.arn));
        // Without an address it can be no target where addresses are registered.
        let addressless = self.oracle.run.addressless;
        let possible = |i: &usize| !(addressless && self.world.groups.get(*i).is_some_and(Group::is_address));
        let known = (0..self.world.groups.len())
            .filter(|i| self.is_named(*i) && possible(i))
            .all(|i| self.world.groups.get(i).is_some_and(shown));
        let told = self.oracle.run.lifecycle.as_ref() == Some(&self.world.metadata.lifecycle);
        up && told
            && known
            && self
                .owned_groups()
                .filter(possible)
                .all(|i| self.world.groups.get(i).is_some_and(|g| g.place == Place::Healthy))
    }
}

/// An answer that nobody gave must change nothing about health.
fn fails_static(event: &Event) -> bool {
    match event {
        Event::Reply(_, reply) => match reply {
            Reply::Identity(Err(_)) | Reply::Lifecycle(Err(_)) | Reply::Scaling(Err(_)) | Reply::Tag(Err(_)) => true,
            Reply::Groups(Err(t)) => t.kind != TroubleKind::NotFound,
            Reply::Target(Err(_)) | Reply::Changed(Err(_)) => true,
            _ => false,
        },
        _ => false,
    }
}
