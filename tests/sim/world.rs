//! Everything outside the heart: Rundeck, the load balancer, instance metadata, the disk, and the order of things to
//! come.
//!
//! It performs calls as the agent's adapters would, and knows nothing of how the heart decides.

use crate::balancer::{ADDRESS, Group, INSTANCE, fleet};
use crate::faults::{Fate, Mix};
use crate::metadata::Metadata;
use crate::rundeck::{Rundeck, Until};
use crate::sight::Sight;
use crate::slowness::slowness;
use crate::tape::Tape;
use rundeck_alb_core::{
    Call, CallId, Event, GroupFacts, GroupSeen, Held, Identity, Intent, KeptVerdict, Mode, Moment, Process, Receipt,
    Registrations, Reply, Span, Trouble, TroubleKind,
};
use std::collections::BTreeMap;

/// What comes at some moment.
#[derive(Debug)]
pub enum Coming {
    /// A call reaches the one it is for.
    Execute(Sent),
    /// The agent of that run hears of it.
    Deliver { run: u32, event: Event },
    /// A switch that nobody waits for any more takes effect in that process.
    Lands { run: u32, process: Option<Process>, mode: Mode },
    /// A slow disk takes the verdict at last.
    KeepsVerdict(Option<KeptVerdict>),
    /// The load balancer checks the node for this group.
    Check(usize),
    /// Something may happen.
    Chaos,
    /// The last job of a stopping Rundeck has ended.
    RundeckEnds,
    /// systemd starts Rundeck again.
    RundeckStarts,
    /// systemd starts the agent again.
    AgentStarts,
}

/// A call on its way.
#[derive(Debug)]
pub struct Sent {
    pub run: u32,
    pub id: CallId,
    pub call: Call,
    /// Rundeck, as far as the agent knew when it sent this.
    pub process: Option<Process>,
    pub deadline: Moment,
    /// When the adapter gives it up.
    pub given_up: Moment,
    pub fate: Fate,
}

/// Counts of what is in flight that are remembered.
const COUNTS: usize = 3;
/// What the database was so long ago is known no better: the longest pause after calls that hung, and one call.
pub const RECENT: Span = Span::secs(400);
/// A switch that was given up lands so much later at most: then its connection is gone.
const LANDS: Span = Span::secs(280);
/// How long after it goes on a JVM answers what it had taken in.
const THAW: Span = Span(20);

/// What outlives the agent.
#[derive(Debug, Default)]
pub struct Disk {
    pub intent: Option<Intent>,
    pub verdict: Option<KeptVerdict>,
    pub registered: Option<Registrations>,
    pub held: Option<Held>,
    /// Some record of what is registered was not written as the heart had to believe.
    pub lost_registered: bool,
    pub receipts: Vec<Receipt>,
    pub fails: Until,
    /// What an earlier run has kept is being read until then: it does one thing after another, and writes wait.
    pub reads: Until,
    /// When a write failed last.
    pub failed_at: Option<Moment>,
    /// Some intent was not written as the heart had to believe.
    pub forgot: bool,
}

#[derive(Debug)]
pub struct World {
    pub now: Moment,
    pub tape: Tape,
    pub mix: Mix,
    pub rundeck: Rundeck,
    pub groups: Vec<Group>,
    pub metadata: Metadata,
    pub disk: Disk,
    /// AWS answers like this; the flag: changes only.
    pub aws: (Until, TroubleKind, bool),
    /// Nobody else is healthy in the node's groups.
    pub alone: Until,
    /// What keeps the agent itself from looking.
    pub sight: Sight,
    /// Some request is in flight from then on …
    pub requests_from: Moment,
    /// … until then.
    pub requests: Until,
    /// The last counts of what is in flight: when, and whether there was anything.
    pub counts: Vec<(Moment, bool)>,
    /// Of the agent: how often it was started.
    pub run: u32,
    /// All trouble is over.
    healed: bool,
    /// A balancer was told 200 at least once.
    pub served: bool,
    /// When a call was last refused, lost or late.
    pub trouble_at: Moment,
    /// When a call or its reply was lost or late, last.
    pub lost_at: Moment,
    probe_limit: Span,
    queue: BTreeMap<(Moment, u64), Coming>,
    numbers: u64,
}

impl World {
    pub fn new(tape: Tape, mix: Mix, facts: Vec<(GroupFacts, u16)>, probe_limit: Span) -> World {
        let never = Moment(0);
        World {
            now: Moment(100_000),
            tape,
            mix,
            rundeck: Rundeck::new(true),
            groups: facts.into_iter().map(|(facts, port)| Group::new(facts, port)).collect(),
            metadata: Metadata::new(),
            disk: Disk::default(),
            aws: (never, TroubleKind::Throttled, false),
            alone: never,
            sight: Sight::default(),
            requests_from: never,
            requests: never,
            counts: Vec::new(),
            run: 0,
            served: false,
            healed: false,
            trouble_at: never,
            lost_at: never,
            probe_limit,
            queue: BTreeMap::new(),
            numbers: 0,
        }
    }

    pub fn at(&mut self, moment: Moment, coming: Coming) {
        self.numbers += 1;
        self.queue.insert((moment.max(self.now), self.numbers), coming);
    }

    pub fn next_at(&self) -> Option<Moment> {
        self.queue.keys().next().map(|(at, _)| *at)
    }

    pub fn pop(&mut self) -> Option<Coming> {
        self.queue.pop_first().map(|(_, coming)| coming)
    }

    /// The agent's adapters take a call.
    pub fn send(&mut self, run: u32, id: CallId, call: Call, deadline: Moment, process: Option<Process>) {
        let fate = Fate::draw(self.mix.replies, &mut self.tape);
        if fate != Fate::Normal {
            self.lost_at = self.now;
            self.trouble_at = self.now;
        }
        self.disk.forgot |= fate != Fate::Normal && matches!(call, Call::KeepIntent(_));
        self.disk.lost_registered |= fate == Fate::NeverDone && matches!(call, Call::KeepRegistered(_));
        let latency = Span(1 + u64::from(self.tape.byte() % 64) * slowness(&call));
        let latency = if let Call::RunHook(run) = &call { latency.min(run.limit) } else { latency };
        // One whose reply is lost lands just before it is given up, and shows a little later.
        let lands = fate == Fate::Lost && matches!(call, Call::Register { .. });
        let at = if lands { Moment(deadline.0 - 1) } else { self.now + latency };
        let limit = match call {
            Call::ProbeDatabase { limit } => limit,
            _ => self.probe_limit,
        };
        self.at(at, Coming::Execute(Sent { run, id, call, process, deadline, given_up: at + limit, fate }));
    }

    /// A call reaches the one it is for: it takes effect, and the reply goes back, or gets lost.
    pub fn execute(&mut self, sent: Sent) {
        if sent.fate == Fate::NeverDone {
            return;
        }
        if self.now < self.disk.reads && is_write(&sent.call) {
            return self.at(self.disk.reads, Coming::Execute(sent));
        }
        // What a run had asked for just before it ended may land after the next one has looked: nobody knows of it.
        if let Call::Register { target, .. } = &sent.call
            && sent.run < self.run
        {
            self.disk.lost_registered = true;
            self.groups.iter_mut().filter(|g| g.facts.arn == target.group).for_each(|g| g.stray = true);
        }
        self.rundeck.frees_threads(self.now);
        let (reply, silent) = self.perform(&sent.call);
        // A tag that is gone names no group: as good as a refusal.
        let refused = matches!(&reply, Reply::Groups(Err(_)) | Reply::Target(Err(_)) | Reply::Changed(Err(_)));
        if refused || matches!(&reply, Reply::Tag(Ok(None))) {
            self.trouble_at = self.now;
        }
        let thaw = self.rundeck.silent_until(&sent.call, self.now) + THAW;
        if silent && thaw < sent.given_up {
            // Whatever stood still goes on, and with it the call.
            return self.at(thaw, Coming::Execute(sent));
        }
        if silent && needs_database(&sent.call, &reply) {
            self.rundeck.keeps_thread(self.now);
        }
        if let Call::SetMode(mode) = sent.call
            && silent
            && thaw < self.now + LANDS
        {
            // Others that hung with it may be served before it.
            let turn = Span(self.tape.upto(3_000));
            self.at(thaw + turn, Coming::Lands { run: sent.run, process: self.rundeck.process, mode });
        }
        let Sent { run, id, deadline, given_up, fate, .. } = sent;
        let event = Event::Reply(id, reply);
        let soon = if silent { given_up } else { self.now };
        match fate {
            Fate::NeverDone | Fate::Lost => {}
            Fate::Normal => self.at(soon, Coming::Deliver { run, event }),
            Fate::Late => {
                let late = deadline + Span(1 + self.tape.upto(20_000));
                self.at(late, Coming::Deliver { run, event });
            }
            Fate::Doubled => {
                let again = soon + Span(self.tape.upto(20_000));
                self.at(soon, Coming::Deliver { run, event: event.clone() });
                self.at(again, Coming::Deliver { run, event });
            }
        }
    }

    fn tag(&mut self) -> Result<Option<String>, String> {
        let tag = self.metadata().map(|m| m.tag.clone());
        if let Ok(Some(tag)) = &tag {
            self.groups.iter_mut().filter(|g| names(tag, &g.facts)).for_each(|group| group.known = true);
        }
        tag
    }

    fn moves(&mut self, from: &str, to: &str) -> Result<(), Trouble> {
        self.aws(true)?;
        let now = self.now;
        self.metadata.moves(from, to, now)?;
        let attached = &self.metadata.attached;
        for group in self.groups.iter_mut().filter(|group| attached.contains(&group.facts.arn)) {
            if to == "Standby" { group.leave(now) } else { group.put_back(now) }
        }
        Ok(())
    }

    /// The effect and the reply; the flag: nothing answers now, so it comes when that is over or the prober's limit has
    /// passed.
    fn perform(&mut self, call: &Call) -> (Reply, bool) {
        let now = self.now;
        let reply = match call {
            Call::ProbeWeb { with_boot } => {
                if let Some(nothing) = self.sight.own(now) {
                    return (Reply::Web(nothing, None), false);
                }
                let (seen, late) = self.rundeck.probe_web(*with_boot, now);
                return (self.sight.told(seen, now), late);
            }
            Call::ProbeApi => {
                let (seen, late) = self.rundeck.probe_api(now);
                if self.rundeck.denies(&seen) {
                    self.loses_trace();
                }
                return (Reply::Api(seen), late);
            }
            Call::ProbeReadiness { .. } => {
                let (seen, late) = self.rundeck.probe_readiness(now);
                return (Reply::Ready(seen), late);
            }
            Call::ProbeDatabase { .. } => {
                let (seen, late) = self.rundeck.probe_database(now);
                return (Reply::Database(seen), late);
            }
            Call::LookDisks { .. } => Reply::Disks(self.rundeck.disks(now)),
            Call::LookHost => Reply::Host(Some(self.rundeck.host(now))),
            Call::FindProcess { .. } => Reply::Process(self.rundeck.find(now)),
            Call::CountInFlight => Reply::InFlight(self.in_flight()),
            Call::AskIdentity => Reply::Identity(self.metadata().map(|m| identity(self.now >= m.addressless))),
            Call::AskLifecycle => Reply::Lifecycle(self.metadata().map(|m| m.lifecycle.clone())),
            Call::AskScaling { .. } => Reply::Scaling(self.aws(false).map(|()| self.metadata.scaling())),
            Call::AskStandby { .. } => Reply::Standby(self.aws(false).and_then(|()| self.metadata.standby())),
            Call::EnterStandby { .. } => Reply::Moved(self.moves("InService", "Standby")),
            Call::ExitStandby { .. } => Reply::Moved(self.moves("Standby", "InService")),
            Call::AskTag(_) => Reply::Tag(self.tag()),
            Call::DescribeGroups(names) => Reply::Groups(self.describe_groups(names)),
            Call::AskFleet(arns) => Reply::Fleet(self.aws(false).map(|()| fleet(&self.groups, arns, now < self.alone))),
            Call::DescribeTarget(target) => Reply::Target(self.aws(false).and_then(|()| {
                let group = self.groups.iter_mut().find(|g| g.facts.arn == target.group).ok_or_else(not_found)?;
                Ok(group.describe(target, now))
            })),
            Call::Register { target, .. } => Reply::Changed(self.aws(true).and_then(|()| {
                let group = self.groups.iter_mut().find(|g| g.facts.arn == target.group).ok_or_else(not_found)?;
                group.register(target, now).map(|()| format!("r{}", now.0))
            })),
            Call::Deregister { target, .. } => Reply::Changed(self.aws(true).and_then(|()| {
                let group = self.groups.iter_mut().find(|g| g.facts.arn == target.group).ok_or_else(not_found)?;
                group.deregister(target, now);
                Ok(format!("d{}", now.0))
            })),
            // Some fail, and some are killed at their limit.
            Call::RunHook(_) => Reply::Hook(if now.0.is_multiple_of(4) { Err("exited with 1".into()) } else { Ok(()) }),
            Call::SetMode(mode) => {
                let (answer, late) = self.rundeck.set_mode(*mode, now);
                return (Reply::Mode(answer), late);
            }
            Call::KeepIntent(intent) => Reply::Written(self.write(|disk| disk.intent = Some(intent.clone()))),
            Call::KeepRegistered(registered) => {
                let written = self.write(|disk| disk.registered = Some(registered.clone()));
                self.disk.lost_registered |= written.is_err();
                Reply::Written(written)
            }
            Call::KeepHeld(held) => Reply::Written(self.write(|disk| disk.held = Some(held.clone()))),
            Call::WriteReceipt(receipt) => {
                Reply::Written(self.write(|disk| disk.receipts.push(receipt.as_ref().clone())))
            }
        };
        (reply, false)
    }

    /// Passive mode is ours, and nothing that the agent can read says so any more: it tells, and a person undoes it.
    pub fn loses_trace(&mut self) {
        self.rundeck.untraced = self.rundeck.process;
        self.disk.forgot = true;
        if self.healed {
            self.undo_passive();
        }
    }

    /// Somebody makes Rundeck active.
    pub fn undo_passive(&mut self) {
        self.rundeck.others_set(Mode::Active, self.now);
    }

    fn write(&mut self, change: impl FnOnce(&mut Disk)) -> Result<(), String> {
        if self.now < self.disk.fails {
            self.disk.failed_at = Some(self.now);
            self.disk.forgot = true;
            return Err("no space left on device".into());
        }
        change(&mut self.disk);
        Ok(())
    }

    /// Silence of `/health` may be put down to the database: it hung not long ago. Calls that get lost look like it,
    /// and so does one that was under way when everything stood still.
    pub fn database_ails(&self) -> bool {
        let rundeck = &self.rundeck;
        let recent = |at: Moment| at != Moment(0) && self.now.since(at) < RECENT;
        recent(rundeck.database.0) || recent(self.lost_at) || rundeck.caught
    }

    pub fn keep_verdict(&mut self, verdict: Option<KeptVerdict>) {
        if self.now < self.disk.reads {
            self.at(self.disk.reads, Coming::KeepsVerdict(verdict));
        } else if self.now >= self.disk.fails {
            self.disk.verdict = verdict;
        }
    }

    /// The agent's process is gone, and with it what it held back, for nothing is written over what was not read.
    pub fn agent_ends(&mut self, held_back: bool) {
        self.disk.forgot |= held_back;
        self.disk.lost_registered |= held_back;
        if self.now < self.disk.reads {
            self.disk.reads = self.now;
            self.queue.retain(|_, coming| !matches!(coming, Coming::KeepsVerdict(_)));
        }
    }

    /// A process ends with its last write: that is on disk before the next one reads.
    pub fn land_writes(&mut self) {
        let write = |coming: &mut Coming| matches!(coming, Coming::Execute(sent) if is_write(&sent.call));
        for (_, coming) in self.queue.extract_if(.., |_, coming| write(coming)).collect::<Vec<_>>() {
            let Coming::Execute(sent) = coming else { continue };
            self.execute(sent);
        }
    }

    pub fn watch(&mut self, run: u32, process: Process) {
        if self.rundeck.process != Some(process) {
            self.at(self.now + Span(1), Coming::Deliver { run, event: Event::ProcessEnded(process) });
        }
    }

    fn in_flight(&mut self) -> Option<u32> {
        let flies = self.now < self.requests;
        self.counts.truncate(COUNTS - 1);
        self.counts.insert(0, (self.now, flies));
        (self.now >= self.sight.hindered_until()).then_some(u32::from(flies))
    }

    fn metadata(&self) -> Result<&Metadata, String> {
        if self.now < self.metadata.down { Err("instance metadata does not answer".into()) } else { Ok(&self.metadata) }
    }

    fn aws(&self, change: bool) -> Result<(), Trouble> {
        let (until, kind, changes_only) = self.aws;
        if self.now < until && (change || !changes_only) {
            return Err(Trouble { kind, action: "elb:Any".into(), text: format!("{kind:?}") });
        }
        Ok(())
    }

    fn describe_groups(&self, names: &[String]) -> Result<Vec<GroupSeen>, Trouble> {
        let denied = |trouble: &Trouble| {
            let one = |name: &String| GroupSeen { asked: name.clone(), facts: Err(trouble.clone()), lacking: None };
            names.iter().map(one).collect()
        };
        match self.aws(false) {
            Ok(()) => {}
            Err(trouble) if trouble.kind == TroubleKind::Denied => return Ok(denied(&trouble)),
            Err(trouble) => return Err(trouble),
        }
        let named = |facts: &GroupFacts| names.contains(&facts.arn) || names.contains(&facts.name);
        Ok(self.groups.iter().map(|g| g.facts.clone()).filter(named).map(GroupSeen::from).collect())
    }

    /// All trouble is over, and nothing new comes.
    pub fn heal(&mut self, tag: Option<String>) {
        self.tape.heal();
        self.healed = true;
        self.mix.replies = 0;
        self.rundeck.heal(self.now);
        self.metadata.down = self.now;
        if self.metadata.in_group {
            self.metadata.lifecycle = Some("InService".into());
        }
        if self.metadata.tag != tag {
            self.trouble_at = self.now;
            self.metadata.tag = tag;
        }
        self.aws.0 = self.now;
        self.alone = self.now;
        self.sight.heal(self.now);
        self.requests = self.requests.min(self.now);
        self.disk.fails = self.now;
        self.queue.retain(|_, coming| !matches!(coming, Coming::Chaos | Coming::RundeckStarts | Coming::RundeckEnds));
        // What hung goes on.
        let lands = |coming: &Coming| matches!(coming, Coming::Lands { .. });
        let (landing, others) = std::mem::take(&mut self.queue).into_iter().partition(|(_, coming)| lands(coming));
        self.queue = others;
        let landing: BTreeMap<(Moment, u64), Coming> = landing;
        landing.into_values().for_each(|coming| self.at(self.now, coming));
    }
}

fn is_write(call: &Call) -> bool {
    matches!(call, Call::KeepIntent(_) | Call::KeepRegistered(_) | Call::KeepHeld(_) | Call::WriteReceipt(_))
}

/// This call waits for Rundeck's database.
fn needs_database(call: &Call, reply: &Reply) -> bool {
    match reply {
        Reply::Ready(seen) => seen.bound,
        _ => matches!(call, Call::ProbeApi | Call::ProbeDatabase { .. } | Call::SetMode(_)),
    }
}

/// The tag names this group.
pub fn names(tag: &str, facts: &GroupFacts) -> bool {
    tag.split_whitespace().any(|name| name == facts.name || name == facts.arn)
}

fn identity(has_address: bool) -> Identity {
    Identity {
        instance_id: INSTANCE.into(),
        private_ip: has_address.then(|| ADDRESS.into()),
        region: "eu-central-1".into(),
        zone: "eu-central-1a".into(),
        ..Identity::default()
    }
}

fn not_found() -> Trouble {
    Trouble { kind: TroubleKind::NotFound, action: "elb:Any".into(), text: "no such target group".into() }
}
