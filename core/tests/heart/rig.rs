//! A heart on a test stand: a calm world that answers each call at once, and may be told to answer otherwise.
//!
//! For tests that look at single turns; random worlds are the simulator's.

use rundeck_alb_core::{
    ApiSeen, BootSeen, Call, CallId, Cause, Circumstances, Command, DatabaseSeen, DiskSeen, DrainOrder, Event,
    FleetSeen, GroupFacts, GroupWanted, Heart, HostSeen, Identity, Info, JvmSeen, Kept, MembershipPolicy, Mode, Moment,
    Order, Ownership, PeerSeen, Policy, Process, ProcessSeen, Readiness, ReadySeen, Reply, Room, ScalingFacts,
    ScalingSeen, Span, StandbySeen, TargetSeen, TargetState, TargetType, Trouble, TroubleKind, WebSeen,
};

pub const GROUP: &str = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/rundeck/0";
pub const RUNDECK: Process = Process { pid: 4440, start: 1_700_000_000 };
/// Turns in which anything that is awaited must have come.
const TURNS: u32 = 20_000;

/// The defaults, with a token and with one group that is ours.
pub fn policy() -> Policy {
    let group = GroupWanted { group: GROUP.into(), port: None, target_type: None, ownership: Ownership::Own };
    Policy {
        membership: MembershipPolicy { groups: vec![group], ..MembershipPolicy::default() },
        circumstances: Circumstances { has_token: true, ..Circumstances::default() },
        ..Policy::default()
    }
}

/// What Auto Scaling says of a node in this state, whose group has these checks and has attached these target groups.
pub fn standby() -> StandbySeen {
    StandbySeen { desired: 3, min: 2, max: 4, zones: 2, az_rebalance: false, refresh: None }
}

pub fn in_group(state: &str, checks: &[&str], attached: &[&str]) -> ScalingSeen {
    let all = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let facts = ScalingFacts { health_checks: all(checks), attached: all(attached).into_iter().collect() };
    ScalingSeen { name: "rundeck".into(), state: Some(state.into()), facts: Ok(facts) }
}

pub fn facts() -> GroupFacts {
    GroupFacts {
        arn: GROUP.into(),
        name: "rundeck".into(),
        port: 4440,
        target_type: Some(TargetType::Instance),
        delay_secs: 60,
        check_interval_secs: 10,
        check_timeout_secs: 5,
        unhealthy_threshold: 2,
        healthy_threshold: 2,
        check_https: false,
        matcher: "200".into(),
        passes_200: true,
        check_port: Some(4441),
        check_path: "/health".into(),
        check_has_query: false,
        family: None,
        vpc: None,
    }
}

pub fn identity() -> Identity {
    Identity {
        instance_id: "i-0123456789abcdef0".into(),
        private_ip: Some("10.0.0.7".into()),
        region: "eu-central-1".into(),
        zone: "eu-central-1a".into(),
        ..Identity::default()
    }
}

pub fn info(mode: Option<Mode>, running: Option<u32>) -> ApiSeen {
    ApiSeen::Info(Info { mode, running, version: "5.20.1".into(), api_version: Some(58), server_uuid: None })
}

pub fn jvm() -> JvmSeen {
    JvmSeen { memory: 1 << 30, threads: 60, stopping: Some(false), stranger: None }
}

pub fn ready(readiness: Readiness) -> ReadySeen {
    ReadySeen { readiness, database: None, bound: false }
}

pub fn disk(free: u64) -> DiskSeen {
    let room = Room::Local { free, total: 1000, inodes_free: 0, inodes: 0 };
    DiskSeen { path: "/var/lib/rundeck/logs".into(), room }
}

pub fn host(available: u64, load_hundredths: u32) -> HostSeen {
    HostSeen { memory: 8 << 30, available, load_hundredths, processors: 2 }
}

/// An order to leave, without particulars.
pub fn order(id: &str, cause: Cause, at: Moment) -> DrainOrder {
    DrainOrder { id: id.into(), cause, reason: String::new(), at, deadline: None, force: false }
}

/// So many others that are healthy.
pub fn fleet(others: usize) -> Vec<FleetSeen> {
    let peer =
        |n: usize| PeerSeen { id: format!("i-{n:017}"), port: 4440, state: TargetState::Healthy, sidelined: false };
    vec![FleetSeen { group: GROUP.into(), targets: (0..others).map(peer).collect() }]
}

pub fn unavailable(action: &str) -> Trouble {
    Trouble { kind: TroubleKind::Unavailable, action: action.into(), text: "no answer".into() }
}

pub fn target(state: TargetState) -> TargetSeen {
    TargetSeen::plain(state)
}

/// A call that nobody has answered yet.
#[derive(Clone, Debug)]
pub struct Open {
    pub id: CallId,
    pub call: Call,
}

#[derive(Clone)]
pub struct Rig {
    pub heart: Heart,
    pub now: Moment,
    pub open: Vec<Open>,
    pub web: WebSeen,
    pub mode: Mode,
    pub running: Option<u32>,
    pub in_flight: Option<u32>,
    pub lifecycle: Option<String>,
    /// What Auto Scaling says; `None`: as metadata, of a group that replaces unhealthy nodes, with nothing attached.
    pub scaling: Option<Result<Option<ScalingSeen>, Trouble>>,
    pub registered: bool,
    /// How many others are healthy in each group; `None`: the load balancer does not tell.
    pub others: Option<usize>,
    pub process: ProcessSeen,
    pub ready: ReadySeen,
    pub database: DatabaseSeen,
    /// Free thousandths of the file system.
    pub free: u64,
    pub host: HostSeen,
    /// Calls of these kinds stay open.
    pub mute: fn(&Call) -> bool,
}

impl Rig {
    /// What an earlier run left behind is read at once: nothing.
    pub fn new(policy: Policy, seed: u64) -> Rig {
        let mut rig = Rig::unread(policy, seed);
        rig.feed(Event::Kept(Kept::default()));
        rig
    }

    /// The disk has not told yet what an earlier run left behind.
    pub fn unread(policy: Policy, seed: u64) -> Rig {
        let now = Moment(1_000_000);
        Rig {
            heart: Heart::new(policy, seed, now),
            now,
            open: Vec::new(),
            web: WebSeen::Ok,
            mode: Mode::Active,
            running: Some(0),
            in_flight: Some(0),
            lifecycle: None,
            scaling: None,
            registered: false,
            others: Some(2),
            process: ProcessSeen::One(RUNDECK, jvm()),
            ready: ready(Readiness::Absent),
            database: DatabaseSeen::Answered,
            free: 500,
            host: host(4 << 30, 50),
            mute: |_| false,
        }
    }

    /// One turn of the heart.
    pub fn feed(&mut self, event: Event) -> Vec<Command> {
        if let Event::Reply(id, _) = &event {
            self.open.retain(|open| open.id != *id);
        }
        self.heart.handle(event, self.now);
        let commands = self.heart.take_commands();
        for command in &commands {
            if let Command::Call { id, call, .. } = command {
                self.open.push(Open { id: *id, call: call.clone() });
            }
        }
        commands
    }

    /// The next turn of a calm world: the oldest open call is answered, or time passes.
    pub fn turn(&mut self) -> Vec<Command> {
        let mute = self.mute;
        if let Some(open) = self.open.iter().find(|open| !mute(&open.call)).cloned() {
            self.now = self.now + Span(1);
            let reply = self.reply(&open.call);
            return self.feed(Event::Reply(open.id, reply));
        }
        self.now = self.heart.next_deadline().unwrap_or(self.now + Span(1));
        self.feed(Event::Tick)
    }

    /// Registered, up and at rest.
    pub fn in_service(policy: Policy) -> Rig {
        let mut rig = Rig::new(policy, 1);
        assert!(rig.until(|rig| rig.heart.answer().ok && rig.registered), "never in service");
        let end = rig.now + Span::secs(60);
        assert!(rig.until(|rig| rig.now > end && rig.open.is_empty()), "never at rest");
        rig
    }

    /// Turns until it is so. False when it does not come.
    pub fn until(&mut self, reached: impl Fn(&Rig) -> bool) -> bool {
        for _ in 0..TURNS {
            if reached(self) {
                return true;
            }
            self.turn();
        }
        false
    }

    /// The group that has the node, by what metadata show.
    fn has_node(&self) -> Option<ScalingSeen> {
        let state = self.lifecycle.clone().filter(|state| state != "Detached")?;
        Some(in_group(&state, &["EC2", "ELB"], &[]))
    }

    /// The order, and whoever must agree to it does so at once.
    pub fn ordered(&mut self, order: DrainOrder) -> Vec<Command> {
        let mut commands = self.feed(Event::Order(1, Order::Drain(order)));
        let asked = |open: &&Open| matches!(open.call, Call::AskFleet(_) | Call::AskScaling { .. });
        while let Some(open) = self.open.iter().find(asked).cloned() {
            let reply = self.reply(&open.call);
            commands.extend(self.feed(Event::Reply(open.id, reply)));
        }
        commands
    }

    pub fn reply(&mut self, call: &Call) -> Reply {
        match call {
            Call::ProbeWeb { with_boot } => Reply::Web(self.web, with_boot.then_some(BootSeen::Past)),
            Call::ProbeApi => Reply::Api(info(Some(self.mode), self.running)),
            Call::ProbeReadiness { .. } => Reply::Ready(self.ready.clone()),
            Call::ProbeDatabase { .. } => Reply::Database(self.database.clone()),
            Call::LookDisks { .. } => Reply::Disks(vec![disk(self.free)]),
            Call::LookHost => Reply::Host(Some(self.host)),
            Call::FindProcess { .. } => Reply::Process(self.process),
            Call::CountInFlight => Reply::InFlight(self.in_flight),
            Call::AskIdentity => Reply::Identity(Ok(identity())),
            Call::AskLifecycle => Reply::Lifecycle(Ok(self.lifecycle.clone())),
            Call::AskScaling { .. } => Reply::Scaling(self.scaling.clone().unwrap_or_else(|| Ok(self.has_node()))),
            Call::AskStandby { .. } => Reply::Standby(Ok(standby())),
            Call::EnterStandby { .. } => {
                self.lifecycle = Some("Standby".into());
                Reply::Moved(Ok(()))
            }
            Call::ExitStandby { .. } => {
                self.lifecycle = Some("InService".into());
                Reply::Moved(Ok(()))
            }
            Call::AskTag(_) => Reply::Tag(Ok(None)),
            Call::DescribeGroups(_) => Reply::Groups(Ok(vec![facts().into()])),
            Call::AskFleet(_) => {
                let silent = || unavailable("elasticloadbalancing:DescribeTargetHealth");
                Reply::Fleet(self.others.map(fleet).ok_or_else(silent))
            }
            Call::DescribeTarget(_) => {
                let state = if self.registered { TargetState::Healthy } else { TargetState::Absent };
                Reply::Target(Ok(target(state)))
            }
            Call::Register { .. } => {
                self.registered = true;
                Reply::Changed(Ok("request-in".into()))
            }
            Call::Deregister { .. } => {
                self.registered = false;
                Reply::Changed(Ok("request-out".into()))
            }
            Call::SetMode(mode) => {
                self.mode = *mode;
                Reply::Mode(Ok(*mode))
            }
            Call::RunHook(_) => Reply::Hook(Ok(())),
            Call::KeepIntent(_) | Call::KeepRegistered(_) | Call::KeepHeld(_) | Call::WriteReceipt(_) => {
                Reply::Written(Ok(()))
            }
        }
    }
}

/// A short name for a call.
pub fn call_name(call: &Call) -> String {
    match call {
        Call::ProbeWeb { with_boot: true } => "ask web and boot".into(),
        Call::ProbeWeb { with_boot: false } => "ask web".into(),
        Call::ProbeApi => "ask api".into(),
        Call::ProbeReadiness { learn: true } => "learn readiness".into(),
        Call::ProbeReadiness { learn: false } => "ask readiness".into(),
        Call::ProbeDatabase { .. } => "ask database".into(),
        Call::LookDisks { .. } => "look at disks".into(),
        Call::LookHost => "look at host".into(),
        Call::FindProcess { .. } => "find process".into(),
        Call::CountInFlight => "count in flight".into(),
        Call::AskIdentity => "ask identity".into(),
        Call::AskLifecycle => "ask lifecycle".into(),
        Call::AskScaling { .. } => "ask scaling".into(),
        Call::AskStandby { .. } => "ask standby".into(),
        Call::EnterStandby { .. } => "ENTER STANDBY".into(),
        Call::ExitStandby { .. } => "EXIT STANDBY".into(),
        Call::AskTag(_) => "ask tag".into(),
        Call::DescribeGroups(_) => "describe groups".into(),
        Call::AskFleet(_) => "ask fleet".into(),
        Call::DescribeTarget(_) => "describe target".into(),
        Call::Register { .. } => "REGISTER".into(),
        Call::Deregister { .. } => "DEREGISTER".into(),
        Call::SetMode(mode) => format!("SET {}", mode.word().to_uppercase()),
        Call::RunHook(run) => format!("run {}", run.hook),
        Call::KeepIntent(_) => "keep intent".into(),
        Call::KeepRegistered(kept) => format!("keep {} registered", kept.targets.len()),
        Call::KeepHeld(held) => {
            let standby = held.standby.as_ref().map(|_| "standby");
            let held = held.maintenance.as_ref().map(|_| "maintenance").into_iter().chain(standby);
            format!("keep held [{}]", held.collect::<Vec<_>>().join(" "))
        }
        Call::WriteReceipt(receipt) => format!("receipt {:?}", receipt.result).to_lowercase(),
    }
}
