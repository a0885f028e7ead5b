//! Answer, evidence, flags and rows in many situations, as `tests/golden/rows.txt`: each change to a healthy node by
//! itself, and only the rows that differ from those of the healthy one.

use super::{Answers, calm, golden, pass, turn};
use crate::rig::{RUNDECK, Rig, host, info, jvm, policy, ready};
use rundeck_alb_core::{
    ApiSeen, BootSeen, Call, Cause, Check, CheckView, DatabaseSeen, DiskSeen, DrainOrder, Event, Info, JvmSeen, Kept,
    KeptVerdict, Mode, Order, PassiveRule, Policy, Process, ProcessSeen, Readiness, ReadySeen, Reply, Room,
    RundeckView, Snapshot, Span, Unjudged, WebSeen,
};
use std::fmt::Write;

/// Long enough for each gate to turn, short enough for no excuse to end.
const WHILE: Span = Span::secs(100);
const OTHER: Process = Process { pid: 9999, start: 1_800_000_000 };

/// What happens to a node.
struct Scene {
    name: &'static str,
    policy: fn() -> Policy,
    /// It has been in service, else it starts.
    was_up: bool,
    then: fn(&mut Rig),
    world: Answers,
    passes: Span,
}

/// Something changes for a node in service.
fn change(name: &'static str, then: fn(&mut Rig)) -> Scene {
    Scene { name, policy, was_up: true, then, world: calm, passes: WHILE }
}

/// Something answers a node in service otherwise.
fn answer(name: &'static str, world: Answers) -> Scene {
    Scene { world, ..change(name, |_| {}) }
}

/// A start.
fn start(name: &'static str, passes: Span, then: fn(&mut Rig)) -> Scene {
    Scene { passes, was_up: false, ..change(name, then) }
}

fn api(call: &Call, seen: ApiSeen) -> Option<Reply> {
    (*call == Call::ProbeApi).then_some(Reply::Api(seen))
}

fn database(call: &Call, seen: DatabaseSeen) -> Option<Reply> {
    matches!(call, Call::ProbeDatabase { .. }).then_some(Reply::Database(seen))
}

fn disk(call: &Call, room: Room) -> Option<Reply> {
    let seen = DiskSeen { path: "/var/lib/rundeck".into(), room };
    matches!(call, Call::LookDisks { .. }).then(|| Reply::Disks(vec![seen]))
}

fn boot(call: &Call, boot: BootSeen) -> Option<Reply> {
    (*call == Call::ProbeWeb { with_boot: true }).then_some(Reply::Web(WebSeen::Ok, Some(boot)))
}

fn drain(rig: &mut Rig) {
    let reason = "planned work".to_string();
    let order =
        DrainOrder { id: "d1".into(), cause: Cause::Operator, reason, at: rig.now, deadline: None, force: false };
    rig.feed(Event::Order(1, Order::Drain(order)));
}

fn seen(jvm: JvmSeen) -> ProcessSeen {
    ProcessSeen::One(RUNDECK, jvm)
}

fn by_health() -> Vec<Scene> {
    vec![
        change("a redirect", |rig| rig.web = WebSeen::Redirect),
        change("another body", |rig| rig.web = WebSeen::Body),
        change("cut short", |rig| rig.web = WebSeen::Truncated),
        change("switched off", |rig| rig.web = WebSeen::Disabled),
        change("status 500", |rig| rig.web = WebSeen::Status(500)),
        change("the port refuses", |rig| rig.web = WebSeen::Refused),
        change("silence", |rig| rig.web = WebSeen::TimedOut),
        change("no way to connect", |rig| rig.web = WebSeen::CannotConnect),
        change("host refused", |rig| rig.web = WebSeen::CannotJudge(Unjudged::Host)),
        change("another machine", |rig| rig.web = WebSeen::Elsewhere),
        change("name unknown", |rig| rig.web = WebSeen::CannotJudge(Unjudged::Name)),
        Scene {
            passes: Span::ZERO,
            ..change("one bad answer", |rig| {
                rig.web = WebSeen::Status(500);
                until_row(rig, "1 bad: status 500");
            })
        },
        Scene {
            passes: Span::ZERO,
            ..change("back after silence", |rig| {
                rig.web = WebSeen::TimedOut;
                pass(rig, WHILE, calm);
                rig.web = WebSeen::Ok;
                until_row(rig, "1 good, 0 bad: 200 ok");
            })
        },
    ]
}

fn by_start() -> Vec<Scene> {
    vec![
        start("not asked yet", Span::ZERO, |_| {}),
        start("starting: the port refuses", WHILE, |rig| rig.web = WebSeen::Refused),
        start("starting: another machine", WHILE, |rig| rig.web = WebSeen::Elsewhere),
        start("starting: settling", Span::secs(5), |_| {}),
        start("starting: refusing traffic", WHILE, |rig| rig.ready = ready(Readiness::NotReady)),
        start("starting for too long", Span::secs(700), |rig| rig.web = WebSeen::Refused),
        start("starting: several processes", WHILE, |rig| rig.process = ProcessSeen::Several(2)),
        start("starting: no process", WHILE, |rig| rig.process = ProcessSeen::None),
        Scene {
            world: |_, call| boot(call, BootSeen::StillBooting),
            ..start("starting: the API still starts", WHILE, |_| {})
        },
        Scene {
            world: |_, call| boot(call, BootSeen::Failed),
            ..start("starting: the API does not answer", WHILE, |_| {})
        },
        start("the verdict of the last run", Span::secs(5), |rig| {
            let verdict = KeptVerdict { at: rig.now - Span::secs(2), process: RUNDECK };
            rig.feed(Event::Kept(Kept { verdict: Some(verdict), ..Kept::default() }));
        }),
    ]
}

fn by_process() -> Vec<Scene> {
    vec![
        change("the process has ended", |rig| {
            rig.web = WebSeen::Refused;
            rig.process = ProcessSeen::None;
            rig.feed(Event::ProcessEnded(RUNDECK));
        }),
        change("the process has ended, something answers", |rig| {
            rig.process = ProcessSeen::None;
            rig.feed(Event::ProcessEnded(RUNDECK));
        }),
        Scene { passes: Span::secs(6), ..change("restarted", |rig| rig.process = ProcessSeen::One(OTHER, jvm())) },
        change("told to end", |rig| rig.process = seen(JvmSeen { stopping: Some(true), ..jvm() })),
        change("a stranger", |rig| rig.process = seen(JvmSeen { stranger: Some(1000), ..jvm() })),
        Scene { passes: Span::secs(200), ..change("ready once more", |rig| rig.ready = ready(Readiness::Ready)) },
        change("readiness unclear", |rig| rig.ready = ready(Readiness::Unclear("a web page".into()))),
        change("readiness refused", |rig| rig.ready = ready(Readiness::Refused)),
        Scene {
            policy: || Policy { dry_run: true, ..policy() },
            ..start("ready from the start, then not", WHILE, |rig| {
                rig.ready = ready(Readiness::Ready);
                pass(rig, WHILE, calm);
                rig.ready = ready(Readiness::NotReady);
            })
        },
        start("ready from the start, then silent", WHILE, |rig| {
            rig.ready = ready(Readiness::Ready);
            pass(rig, WHILE, calm);
            rig.ready = ready(Readiness::TimedOut);
        }),
        start("ready from the start, then silent with the database", WHILE, |rig| {
            rig.ready = ReadySeen { bound: true, ..ready(Readiness::Ready) };
            pass(rig, WHILE, calm);
            rig.ready = ReadySeen { bound: true, ..ready(Readiness::TimedOut) };
        }),
    ]
}

fn by_token() -> Vec<Scene> {
    vec![
        answer("the API answers 500", |_, call| api(call, ApiSeen::Failed(500))),
        answer("calls with the token are silent", |_, call| {
            api(call, ApiSeen::TimedOut).or_else(|| database(call, DatabaseSeen::TimedOut))
        }),
        Scene {
            passes: Span::secs(20),
            ..change("silence while calls with the token hang", |rig| {
                rig.mute = |call| matches!(call, Call::ProbeApi | Call::ProbeDatabase { .. });
                pass(rig, WHILE, calm);
                rig.web = WebSeen::TimedOut;
            })
        },
        answer("the API refuses", |_, call| api(call, ApiSeen::Refused)),
        answer("the API still starts", |_, call| api(call, ApiSeen::Booting)),
        answer("a web page", |_, call| api(call, ApiSeen::Unreadable("a web page".into()))),
        answer("the token is rejected", |_, call| api(call, ApiSeen::Rejected)),
        answer("the token may see nothing", |_, call| api(call, info(None, None))),
        answer("the token may not see jobs", |_, call| api(call, info(Some(Mode::Active), None))),
        change("two jobs", |rig| rig.running = Some(2)),
        change("passive by somebody else", |rig| rig.mode = Mode::Passive),
        change("passive by somebody else in a group", |rig| {
            rig.lifecycle = Some("InService".into());
            pass(rig, WHILE, calm);
            rig.mode = Mode::Passive;
        }),
        Scene {
            policy: || {
                let mut policy = policy();
                policy.health.passive = PassiveRule::In;
                policy
            },
            ..change("passive is no reason", |rig| rig.mode = Mode::Passive)
        },
        answer("the database fails", |_, call| database(call, DatabaseSeen::Failed(503))),
        answer("the timed call is refused", |_, call| database(call, DatabaseSeen::Refused)),
        answer("the timed call says nothing", |_, call| database(call, DatabaseSeen::Unclear("403".into()))),
        Scene {
            policy: || {
                let mut policy = policy();
                policy.circumstances.has_token = false;
                policy
            },
            ..change("no token", |_| {})
        },
    ]
}

fn by_machine() -> Vec<Scene> {
    vec![
        change("little room", |rig| rig.free = 95),
        change("no room", |rig| rig.free = 5),
        change("no room in a group", |rig| {
            rig.lifecycle = Some("InService".into());
            pass(rig, WHILE, calm);
            rig.free = 5;
        }),
        answer("a network file system", |_, call| disk(call, Room::Network)),
        answer("a file system that hangs", |_, call| disk(call, Room::Hung)),
        answer("a file system without rights", |_, call| disk(call, Room::Unreadable("permission denied".into()))),
        answer("a file system without size", |_, call| {
            disk(call, Room::Local { free: 0, total: 0, inodes_free: 0, inodes: 0 })
        }),
        answer("few inodes", |_, call| disk(call, Room::Local { free: 9, total: 10, inodes_free: 21, inodes: 1000 })),
        answer("no directory", |_, call| matches!(call, Call::LookDisks { .. }).then(|| Reply::Disks(Vec::new()))),
        change("short of memory", |rig| rig.host = host(100 << 20, 50)),
        change("load", |rig| rig.host = host(4 << 30, 1_234)),
        answer("the host cannot be read", |_, call| (*call == Call::LookHost).then_some(Reply::Host(None))),
    ]
}

fn by_order() -> Vec<Scene> {
    vec![
        Scene {
            passes: Span::secs(5),
            ..change("leaving: quiet", |rig| {
                rig.in_flight = Some(2);
                drain(rig);
            })
        },
        change("leaving: jobs", |rig| {
            rig.running = Some(1);
            drain(rig);
        }),
        change("left", drain),
        change("stopping: jobs first, in a group", |rig| {
            rig.lifecycle = Some("InService".into());
            pass(rig, WHILE, calm);
            rig.running = Some(1);
            rig.feed(Event::Stop { id: "s1".into() });
        }),
    ]
}

/// Turns until some row says so.
fn until_row(rig: &mut Rig, words: &str) {
    while !rows(&rig.heart.snapshot()).iter().any(|row| row.contains(words)) {
        turn(rig, calm);
    }
}

/// Of a row what people read; when the looks were and will be is left out, and how many there were beyond a few.
fn row(row: &CheckView) -> String {
    let CheckView { check, class, result, seen, change, .. } = row;
    let few = |count: u32| if count < 3 { count.to_string() } else { "3+".into() };
    let (passes, fails) = (few(row.passes), few(row.fails));
    format!("{check} ({class}): {result}, {passes} good, {fails} bad: {seen} | {change}")
}

fn rows(snapshot: &Snapshot) -> Vec<String> {
    snapshot.checks.iter().map(row).collect()
}

fn played(scene: &Scene) -> Snapshot {
    let mut rig = Rig::new((scene.policy)(), 1);
    if scene.was_up {
        let at_rest = |rig: &Rig| rig.heart.answer().ok && rig.registered;
        while !at_rest(&rig) {
            turn(&mut rig, calm);
        }
        pass(&mut rig, WHILE, calm);
    }
    (scene.then)(&mut rig);
    pass(&mut rig, scene.passes, scene.world);
    rig.heart.snapshot()
}

fn table() -> String {
    let healthy = change("healthy", |_| {});
    let usual = played(&healthy);
    let mut text = String::from("# What is shown of a healthy node, and what else in each situation.\n");
    let scenes = [by_start(), by_health(), by_process(), by_token(), by_machine(), by_order()];
    for scene in std::iter::once(healthy).chain(scenes.into_iter().flatten()) {
        let shown = played(&scene);
        let answer = shown.answer;
        let status = if answer.ok { 200 } else { 503 };
        let _ = writeln!(text, "\n{}\n  {status} {}/{}: {}", scene.name, answer.state, answer.reason, shown.evidence);
        let flags: Vec<&str> = shown.degraded.iter().map(|flag| flag.word()).collect();
        if !flags.is_empty() {
            let _ = writeln!(text, "  degraded: {}", flags.join(", "));
        }
        for row in rows(&shown).iter().filter(|row| scene.name == "healthy" || !rows(&usual).contains(row)) {
            let _ = writeln!(text, "  {row}");
        }
        if let Some(drain) = &shown.drain {
            let _ = writeln!(text, "  drain: {} by {}, in flight {:?}", drain.phase, drain.cause, drain.in_flight);
            for step in &drain.steps {
                let _ = writeln!(text, "    {}: {}", step.name, step.said());
            }
        }
    }
    text
}

#[test]
fn every_situation_is_shown_as_written_down() {
    golden("rows.txt", &table());
}

#[test]
fn a_process_is_shown_with_what_the_machine_tells_of_it() {
    let mut rig = Rig::new(policy(), 1);
    pass(&mut rig, WHILE, calm);
    let shown = rig.heart.snapshot().rundeck;
    assert_eq!((shown.process, shown.memory_bytes, shown.threads), (Some(RUNDECK), Some(1 << 30), Some(60)));
    rig.process = ProcessSeen::None;
    rig.feed(Event::ProcessEnded(RUNDECK));
    let shown = rig.heart.snapshot().rundeck;
    assert_eq!((shown.process, shown.memory_bytes, shown.threads), (None, None, None));
}

#[test]
fn what_is_known_of_rundeck_is_shown_and_nothing_that_is_not() {
    let mut rig = Rig::new(policy(), 1);
    assert_eq!(rig.heart.snapshot().rundeck, RundeckView::default());
    rig.running = Some(3);
    pass(&mut rig, WHILE, calm);
    let shown = rig.heart.snapshot().rundeck;
    let known = RundeckView {
        version: Some("5.20.1".into()),
        api_version: Some(58),
        server_uuid: None,
        mode: Some(Mode::Active),
        running: Some(3),
        process: Some(RUNDECK),
        memory_bytes: Some(jvm().memory),
        threads: Some(jvm().threads),
    };
    assert_eq!(shown, known);
    // A proxy may hide the version.
    pass(&mut rig, WHILE, |_, call| {
        let nameless = Info { mode: Some(Mode::Active), running: Some(3), ..Info::default() };
        (*call == Call::ProbeApi).then_some(Reply::Api(ApiSeen::Info(nameless)))
    });
    assert_eq!(rig.heart.snapshot().rundeck, RundeckView { version: None, api_version: None, ..known });
}

/// What Rundeck has told of itself is shown from its first answer on, and not that of a process that has ended.
#[test]
fn what_rundeck_tells_of_itself_is_shown() {
    let told = |rig: &Rig| {
        let rundeck = rig.heart.snapshot().rundeck;
        (rundeck.version, rundeck.api_version, rundeck.server_uuid)
    };
    let mut rig = Rig::new(policy(), 1);
    assert_eq!(told(&rig), (None, None, None));
    let world: Answers = |_, call| {
        let member = Info {
            mode: Some(Mode::Active),
            running: Some(0),
            version: "5.20.1".into(),
            api_version: Some(58),
            server_uuid: Some("3f0c".into()),
        };
        api(call, ApiSeen::Info(member))
    };
    pass(&mut rig, WHILE, world);
    assert_eq!(told(&rig), (Some("5.20.1".into()), Some(58), Some("3f0c".into())));
    rig.web = WebSeen::Refused;
    rig.process = ProcessSeen::None;
    rig.feed(Event::ProcessEnded(RUNDECK));
    assert_eq!(told(&rig), (None, None, None));
}

/// A row whose check waits for its pause says when it is made again; what is read out of another check's answer is
/// made with that one.
#[test]
fn a_row_says_when_its_check_is_made_again() {
    let mut rig = Rig::new(policy(), 1);
    pass(&mut rig, WHILE, calm);
    assert!(rig.until(|rig| rig.open.is_empty()));
    let shown = rig.heart.snapshot();
    let next = |check: Check| shown.checks.iter().find(|row| row.check == check).and_then(|row| row.next);
    let most = rig.now + policy().health.api_interval.times(2);
    assert!(next(Check::Api).is_some_and(|at| at > rig.now && at < most), "{:?}", next(Check::Api));
    assert_eq!(next(Check::Clone), next(Check::Api));
}
