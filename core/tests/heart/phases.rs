//! The golden table: every phase of a node x every kind of event, as `tests/golden/phases.txt`.
//!
//! `BLESS=1` writes the file anew; the difference is then to be read, line by line.

use crate::kinds::{answers, kind};
use crate::rig::{
    GROUP, RUNDECK, Rig, call_name, disk, facts, fleet, host, identity, in_group, info, jvm, order, policy, ready,
    standby, target,
};
use rundeck_alb_core::{
    ApiSeen, BootSeen, Cause, Command, DatabaseSeen, Event, JvmSeen, Kept, KeptVerdict, Maintenance, Mode, ModeTrouble,
    Notice, Order, OrderAnswer, Process, ProcessSeen, Readiness, ReadySeen, Reply, Room, Snapshot, Span, State,
    TargetState, Trouble, TroubleKind, Unjudged, WebSeen,
};
use rundeck_alb_core::{DrainPhase, Reason};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

/// Virtual time in which a call of the wanted kind must come up, for its reply to be tried.
const PATIENCE: Span = Span::secs(400);

fn drain(rig: &mut Rig, cause: Cause) {
    let order = order("d1", cause, rig.now);
    rig.ordered(order);
}

/// An operator's order waits for the fleet's consent.
fn asking() -> Rig {
    let mut rig = up();
    let order = order("d1", Cause::Operator, rig.now);
    rig.feed(Event::Order(1, Order::Drain(order)));
    rig
}

fn is(rig: &Rig, state: State, reason: Reason) -> bool {
    let answer = rig.heart.snapshot().answer;
    answer.state == state && answer.reason == reason
}

fn in_phase(rig: &Rig, phase: DrainPhase) -> bool {
    rig.heart.snapshot().drain.is_some_and(|d| d.phase == phase)
}

fn in_service(rig: &Rig) -> bool {
    let healthy = rig.heart.snapshot().targets.iter().all(|t| t.word == "healthy");
    is(rig, State::Up, Reason::Ok) && healthy && !rig.heart.snapshot().targets.is_empty()
}

fn up() -> Rig {
    let mut rig = Rig::new(policy(), 1);
    assert!(rig.until(in_service), "never in service");
    rig
}

fn draining(phase: DrainPhase, running: u32) -> Rig {
    let mut rig = up();
    rig.running = Some(running);
    drain(&mut rig, Cause::Operator);
    assert!(rig.until(|r| in_phase(r, phase)), "never in {phase}");
    rig
}

fn stopped(lifecycle: Option<&str>, phase: DrainPhase) -> Rig {
    let mut rig = Rig::new(policy(), 1);
    rig.lifecycle = lifecycle.map(String::from);
    assert!(rig.until(in_service), "never in service");
    rig.running = Some(1);
    rig.feed(Event::Stop { id: "s1".into() });
    assert!(rig.until(|r| in_phase(r, phase)), "never in {phase}");
    rig
}

/// A node on its way to this state and reason.
fn reaches(state: State, reason: Reason, change: fn(&mut Rig)) -> Rig {
    let mut rig = up();
    change(&mut rig);
    assert!(rig.until(|r| is(r, state, reason)), "never {state}/{reason}");
    rig
}

/// As [`reaches`], by a Rundeck that shows this readiness state at first.
fn reaches_from(first: ReadySeen, state: State, reason: Reason, change: fn(&mut Rig)) -> Rig {
    let mut rig = Rig::new(policy(), 1);
    rig.ready = first;
    assert!(rig.until(in_service), "never in service");
    change(&mut rig);
    assert!(rig.until(|r| is(r, state, reason)), "never {state}/{reason}");
    rig
}

/// A node that has not been up yet and says why.
fn reaches_boot(reason: Reason, change: fn(&mut Rig)) -> Rig {
    let mut rig = Rig::new(policy(), 1);
    change(&mut rig);
    assert!(rig.until(|r| is(r, State::Booting, reason)), "never booting/{reason}");
    rig
}

/// A node in service with so many flags.
fn flagged(flags: usize, change: fn(&mut Rig)) -> Rig {
    let mut rig = up();
    change(&mut rig);
    assert!(rig.until(|r| r.heart.snapshot().degraded.len() == flags), "never {flags} flags");
    rig
}

fn restoring() -> Rig {
    let mut rig = Rig::new(policy(), 1);
    let verdict = KeptVerdict { at: rig.now - Span::secs(2), process: RUNDECK };
    rig.feed(Event::Kept(Kept { verdict: Some(verdict), ..Kept::default() }));
    rig
}

fn booting(web: WebSeen) -> Rig {
    let mut rig = Rig::new(policy(), 1);
    rig.web = web;
    let end = rig.now + Span::secs(5);
    assert!(rig.until(|r| r.now >= end), "time stands still");
    rig
}

fn degraded() -> Rig {
    let mut rig = Rig::new(policy(), 1);
    rig.lifecycle = Some("InService".into());
    assert!(rig.until(in_service), "never in service");
    rig.mode = Mode::Passive;
    assert!(rig.until(|r| !r.heart.snapshot().degraded.is_empty()), "never degraded");
    rig
}

/// Every phase that a node can be in, by name.
fn phases() -> Vec<(&'static str, Rig)> {
    vec![
        ("booting, waiting", booting(WebSeen::Refused)),
        ("booting, settling", booting(WebSeen::Ok)),
        ("restoring the verdict of the last run", restoring()),
        ("up", up()),
        ("up, degraded: passive in an Auto Scaling group", degraded()),
        ("down, timeout", reaches(State::Down, Reason::Timeout, |r| r.web = WebSeen::TimedOut)),
        ("down, refused", reaches(State::Down, Reason::Refused, |r| r.web = WebSeen::Refused)),
        (
            "down, exited",
            reaches(State::Down, Reason::Exited, |r| {
                r.web = WebSeen::Refused;
                r.process = ProcessSeen::None;
                r.feed(Event::ProcessEnded(RUNDECK));
            }),
        ),
        ("booting, not ready", reaches_boot(Reason::NotReady, |r| r.ready = ready(Readiness::NotReady))),
        ("up, with a readiness state", {
            let mut rig = Rig::new(policy(), 1);
            rig.ready = ready(Readiness::Ready);
            assert!(rig.until(in_service), "never in service");
            rig
        }),
        ("up, degraded: the database fails", flagged(1, |r| r.database = DatabaseSeen::Failed(500))),
        ("up, degraded: disk, memory and load", {
            flagged(3, |r| {
                r.free = 50;
                r.host = host(1 << 20, 5_000);
            })
        }),
        ("down, disk", reaches(State::Down, Reason::Disk, |r| r.free = 5)),
        (
            "down, rundeck-stopping by its process",
            reaches(State::Down, Reason::RundeckStopping, |r| {
                r.process = ProcessSeen::One(RUNDECK, JvmSeen { stopping: Some(true), ..jvm() });
            }),
        ),
        (
            "down, rundeck-stopping by its readiness state",
            reaches_from(ready(Readiness::Ready), State::Down, Reason::RundeckStopping, |r| {
                r.ready = ready(Readiness::NotReady);
            }),
        ),
        (
            "down, wrong-process",
            reaches(State::Down, Reason::WrongProcess, |r| {
                r.process = ProcessSeen::One(RUNDECK, JvmSeen { stranger: Some(1001), ..jvm() });
            }),
        ),
        ("down, passive by others", reaches(State::Down, Reason::Passive, |r| r.mode = Mode::Passive)),
        ("up, an order waits for the fleet", asking()),
        ("draining by operator, advertise", draining(DrainPhase::Advertise, 0)),
        ("draining by operator, quiet", draining(DrainPhase::Quiet, 0)),
        ("draining by operator, jobs", draining(DrainPhase::Jobs, 1)),
        ("draining by operator, done", {
            let mut rig = draining(DrainPhase::Done, 0);
            rig.turn();
            rig
        }),
        ("draining by a stopping agent, quiet", stopped(None, DrainPhase::Quiet)),
        ("draining in an Auto Scaling group, jobs", stopped(Some("InService"), DrainPhase::Jobs)),
        ("stopped", {
            let mut rig = up();
            rig.feed(Event::Stop { id: "s1".into() });
            assert!(rig.until(|r| r.heart.ended().is_some()), "never ends");
            rig
        }),
    ]
}

fn trouble(kind: TroubleKind) -> Trouble {
    Trouble { kind, action: "elb:Any".into(), text: "AWS says no".into() }
}

/// What Rundeck says over the wire.
fn answers_of_rundeck() -> Vec<Reply> {
    vec![
        Reply::Web(WebSeen::Ok, Some(BootSeen::Past)),
        Reply::Web(WebSeen::Ok, Some(BootSeen::StillBooting)),
        Reply::Web(WebSeen::Ok, Some(BootSeen::Failed)),
        Reply::Web(WebSeen::Disabled, Some(BootSeen::Past)),
        Reply::Web(WebSeen::Redirect, None),
        Reply::Web(WebSeen::Status(500), None),
        Reply::Web(WebSeen::Body, None),
        Reply::Web(WebSeen::Truncated, None),
        Reply::Web(WebSeen::Refused, None),
        Reply::Web(WebSeen::TimedOut, None),
        Reply::Web(WebSeen::CannotConnect, None),
        Reply::Web(WebSeen::CannotJudge(Unjudged::Host), None),
        Reply::Api(info(Some(Mode::Active), Some(0))),
        Reply::Api(info(Some(Mode::Active), Some(2))),
        Reply::Api(info(Some(Mode::Passive), Some(0))),
        Reply::Api(info(None, None)),
        Reply::Api(ApiSeen::Rejected),
        Reply::Api(ApiSeen::Booting),
        Reply::Api(ApiSeen::TimedOut),
        Reply::Api(ApiSeen::Refused),
        Reply::Api(ApiSeen::Failed(500)),
        Reply::Api(ApiSeen::Unreadable("html".into())),
    ]
}

/// What the other looks at this node say.
fn looks_at_the_node() -> Vec<Reply> {
    vec![
        Reply::Process(ProcessSeen::One(RUNDECK, jvm())),
        Reply::Process(ProcessSeen::One(Process { pid: 4441, ..RUNDECK }, jvm())),
        Reply::Process(ProcessSeen::One(RUNDECK, JvmSeen { stopping: Some(true), ..jvm() })),
        Reply::Process(ProcessSeen::One(RUNDECK, JvmSeen { stranger: Some(1001), ..jvm() })),
        Reply::Ready(ready(Readiness::Ready)),
        Reply::Ready(ready(Readiness::NotReady)),
        Reply::Ready(ready(Readiness::Absent)),
        Reply::Ready(ready(Readiness::TimedOut)),
        Reply::Ready(ReadySeen { readiness: Readiness::TimedOut, database: None, bound: true }),
        Reply::Ready(ReadySeen { readiness: Readiness::Ready, database: Some(false), bound: true }),
        Reply::Ready(ready(Readiness::Refused)),
        Reply::Ready(ready(Readiness::Unclear("html".into()))),
        Reply::Database(DatabaseSeen::Answered),
        Reply::Database(DatabaseSeen::Failed(500)),
        Reply::Database(DatabaseSeen::TimedOut),
        Reply::Database(DatabaseSeen::Refused),
        Reply::Database(DatabaseSeen::Unclear("token rejected".into())),
        Reply::Disks(vec![disk(500)]),
        Reply::Disks(vec![disk(50)]),
        Reply::Disks(vec![disk(5)]),
        Reply::Disks(Vec::new()),
        Reply::Host(Some(host(4 << 30, 50))),
        Reply::Host(Some(host(1 << 20, 5_000))),
        Reply::Host(None),
        Reply::Process(ProcessSeen::None),
        Reply::Process(ProcessSeen::Several(2)),
    ]
}

/// What AWS, metadata, disks and the mode's switch say.
fn answers_of_others() -> Vec<Reply> {
    let no = || "no answer".to_string();
    vec![
        Reply::Mode(Ok(Mode::Passive)),
        Reply::Mode(Ok(Mode::Active)),
        Reply::Mode(Err(ModeTrouble::unsure(no()))),
        Reply::Mode(Err(ModeTrouble::refused("403"))),
        Reply::InFlight(Some(0)),
        Reply::InFlight(Some(3)),
        Reply::InFlight(None),
        Reply::Identity(Ok(identity())),
        Reply::Identity(Err(no())),
        Reply::Lifecycle(Ok(None)),
        Reply::Lifecycle(Ok(Some("Standby".into()))),
        Reply::Lifecycle(Err(no())),
        Reply::Scaling(Ok(None)),
        Reply::Scaling(Ok(Some(in_group("InService", &["EBS", "ELB"], &[GROUP])))),
        Reply::Scaling(Err(trouble(TroubleKind::Denied))),
        Reply::Standby(Ok(standby())),
        Reply::Standby(Err(trouble(TroubleKind::Denied))),
        Reply::Moved(Ok(())),
        Reply::Moved(Err(trouble(TroubleKind::Refused))),
        Reply::Tag(Ok(Some(GROUP.into()))),
        Reply::Tag(Err(no())),
        Reply::Groups(Ok(vec![facts().into()])),
        Reply::Groups(Ok(Vec::new())),
        Reply::Groups(Err(trouble(TroubleKind::Throttled))),
        Reply::Fleet(Ok(fleet(2))),
        Reply::Fleet(Ok(fleet(0))),
        Reply::Fleet(Err(trouble(TroubleKind::Unavailable))),
        Reply::Target(Ok(target(TargetState::Arriving))),
        Reply::Target(Ok(target(TargetState::Healthy))),
        Reply::Target(Ok(target(TargetState::Unhealthy))),
        Reply::Target(Ok(target(TargetState::Leaving))),
        Reply::Target(Ok(target(TargetState::Absent))),
        Reply::Target(Ok(target(TargetState::Idle))),
        Reply::Target(Err(trouble(TroubleKind::Unavailable))),
        Reply::Changed(Ok("request".into())),
        Reply::Changed(Err(trouble(TroubleKind::Denied))),
        Reply::Changed(Err(trouble(TroubleKind::InvalidTarget))),
        Reply::Written(Ok(())),
        Reply::Written(Err("disk full".into())),
    ]
}

fn replies() -> Vec<Reply> {
    [answers_of_rundeck(), looks_at_the_node(), answers_of_others()].concat()
}

fn events(rig: &Rig) -> Vec<Event> {
    let drains = [("d2", Cause::Operator), ("d3", Cause::RundeckStopping)];
    let mut events = vec![Event::Tick, Event::Kept(Kept::default())];
    events.extend(drains.map(|(id, cause)| Event::Order(2, Order::Drain(order(id, cause, rig.now)))));
    events.extend([Cause::Operator, Cause::RundeckStopping].map(|cause| Event::Order(3, Order::Resume(cause))));
    let maintenance = Maintenance { reason: "kernel".into(), since: rig.now, until: None };
    events.push(Event::Order(4, Order::Maintain(maintenance)));
    events.push(Event::Order(5, Order::EndMaintenance));
    events.push(Event::Stop { id: "s2".into() });
    events.push(Event::ProcessEnded(RUNDECK));
    events.push(Event::ProcessEnded(Process { pid: 1, start: 1 }));
    events.push(Event::Noticed(Notice::TokenFile, Some("cannot be read".into())));
    events.push(Event::Noticed(Notice::TokenFile, None));
    events
}

/// Every kind, so that a kind without a sample fails the test.
const KINDS: usize = 29;

fn detail(event: &Event) -> String {
    let text = match event {
        Event::Reply(_, Reply::Groups(Ok(groups))) => format!("{} found", groups.len()),
        Event::Reply(_, Reply::Target(Ok(seen))) => format!("{:?}", seen.state),
        Event::Reply(_, Reply::Target(Err(t)) | Reply::Changed(Err(t))) => format!("{:?}", t.kind),
        Event::Reply(_, Reply::Groups(Err(t))) => format!("{:?}", t.kind),
        Event::Reply(_, Reply::Fleet(Ok(groups))) => format!("{} others", groups[0].targets.len()),
        Event::Reply(_, Reply::Fleet(Err(t))) => format!("{:?}", t.kind),
        Event::Reply(_, Reply::Scaling(Ok(seen))) => seen.as_ref().map_or("none".into(), |seen| seen.name.clone()),
        Event::Reply(_, Reply::Scaling(Err(t))) => format!("{:?}", t.kind),
        Event::Reply(_, Reply::Identity(Ok(_))) => "told".into(),
        Event::Reply(_, Reply::Web(web, boot)) => {
            format!("{web:?} {}", boot.map_or(String::new(), |b| format!("{b:?}")))
        }
        Event::Reply(_, Reply::Process(ProcessSeen::One(process, jvm))) => {
            let whose = if *process == RUNDECK { "ours" } else { "another" };
            let stopping = if jvm.stopping == Some(true) { ", told to end" } else { "" };
            let stranger = if jvm.stranger.is_some() { ", its port held by somebody else" } else { "" };
            format!("{whose}{stopping}{stranger}")
        }
        Event::Reply(_, Reply::Ready(seen)) => {
            let database = seen.database.map_or(String::new(), |up| format!(", database {up}"));
            format!("{:?}{}{database}", seen.readiness, if seen.bound { ", bound" } else { "" })
        }
        Event::Reply(_, Reply::Disks(disks)) => match disks.first().map(|disk| &disk.room) {
            Some(Room::Local { free, .. }) => format!("{}.{}% free", free / 10, free % 10),
            _ => "none known".into(),
        },
        Event::Reply(_, Reply::Host(host)) => {
            host.map_or("unreadable", |h| if h.load_hundredths > 800 { "pressed" } else { "calm" }).into()
        }
        Event::Reply(_, Reply::Mode(Err(trouble))) => {
            format!("Err {:?}{}", trouble.text, if trouble.refused { ", refused" } else { "" })
        }
        Event::Reply(_, Reply::Api(ApiSeen::Info(i))) => format!("mode {:?}, running {:?}", i.mode, i.running),
        Event::Reply(_, reply) => {
            let text = format!("{reply:?}");
            text.split_once('(').map_or(String::new(), |(_, inner)| inner.to_string())
        }
        Event::Order(_, Order::Drain(order)) => format!("{}", order.cause),
        Event::Order(_, Order::Resume(cause)) => format!("{cause}"),
        Event::ProcessEnded(process) => if *process == RUNDECK { "ours" } else { "another" }.into(),
        Event::Noticed(_, text) => if text.is_some() { "wrong" } else { "right again" }.into(),
        Event::Order(_, Order::Maintain(_) | Order::EndMaintenance) => String::new(),
        Event::Kept(_) | Event::Stop { .. } | Event::Tick => String::new(),
    };
    text.replace("Some(", "").replace([')', '('], " ").replace(GROUP, "group").trim().to_string()
}

fn state_of(snapshot: &Snapshot) -> String {
    let answer = snapshot.answer_at(snapshot.at);
    let drain = snapshot.drain.as_ref().map_or(String::new(), |d| format!(" [{}]", d.phase));
    let status = if answer.ok { 200 } else { 503 };
    format!("{status} {}/{}{drain}", answer.state, answer.reason)
}

fn commands_of(commands: &[Command]) -> String {
    let name = |command: &Command| match command {
        Command::Call { call, .. } => Some(call_name(call)),
        Command::WatchExit(_) => Some("watch exit".into()),
        Command::KeepVerdict(_) => Some("keep verdict".into()),
        Command::DropVerdict => Some("drop verdict".into()),
        Command::Answer(_, OrderAnswer::Refused { why, .. }) => Some(format!("answer refused: {why}")),
        Command::Answer(_, answer) => Some(format!("answer {answer:?}").chars().take(40).collect()),
        Command::Looked { .. } | Command::Tell(_) => None,
        Command::Exit(ending) => Some(format!("EXIT {ending:?}")),
    };
    let names: Vec<String> = commands.iter().filter_map(name).collect();
    if names.is_empty() { "-".into() } else { names.join(", ") }
}

/// One event in this phase; `None`: nobody asks for such a reply here.
fn with_reply(rig: &Rig, reply: &Reply) -> Option<(Rig, Event)> {
    let mut rig = rig.clone();
    let before = state_of(&rig.heart.snapshot());
    let end = rig.now + PATIENCE;
    while rig.now < end && rig.heart.ended().is_none() && state_of(&rig.heart.snapshot()) == before {
        if let Some(open) = rig.open.iter().find(|open| answers(reply, &open.call)) {
            let event = Event::Reply(open.id, reply.clone());
            return Some((rig, event));
        }
        rig.turn();
    }
    None
}

fn row(text: &mut String, mut rig: Rig, event: &Event) {
    if *event == Event::Tick {
        rig.now = rig.heart.next_deadline().unwrap_or(rig.now);
    }
    let commands = rig.feed(event.clone());
    let after = state_of(&rig.heart.snapshot());
    let what = format!("{} {}", kind(event), detail(event));
    let _ = writeln!(text, "  {:<44} -> {:<42} | {}", what.trim_end(), after, commands_of(&commands));
}

fn table() -> (String, BTreeSet<&'static str>) {
    let mut text = String::from("# Every phase x every event: what the node says afterwards | what is done at once.\n");
    let mut seen = BTreeSet::new();
    for (name, rig) in phases() {
        let _ = writeln!(text, "\n{name}: {}", state_of(&rig.heart.snapshot()));
        for event in events(&rig) {
            seen.insert(kind(&event));
            row(&mut text, rig.clone(), &event);
        }
        for reply in replies() {
            let asked = with_reply(&rig, &reply);
            seen.insert(kind(&Event::Reply(rundeck_alb_core::CallId(0), reply)));
            if let Some((rig, event)) = asked {
                row(&mut text, rig, &event);
            }
        }
    }
    (text, seen)
}

#[test]
fn every_phase_answers_every_event_as_written_down() {
    let (text, seen) = table();
    assert_eq!(seen.len(), KINDS, "a kind of event has no sample: {seen:?}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/phases.txt");
    if std::env::var_os("BLESS").is_some() {
        assert!(std::fs::write(&path, &text).is_ok(), "cannot write {}", path.display());
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = text.lines().zip(golden.lines()).find(|(now, then)| now != then);
    assert!(differs.is_none(), "first difference (now, golden): {differs:#?}; BLESS=1 writes the table anew");
    assert_eq!(text.lines().count(), golden.lines().count(), "BLESS=1 writes the table anew");
}
