//! `check`'s verdicts and rows.

use super::*;
use crate::contract::{
    BootSeen, DiskSeen, HostSeen, JvmSeen, PassiveRule, Process, ReadySeen, Room, Unjudged, WebSeen,
};

fn policy(passive: PassiveRule) -> HealthPolicy {
    HealthPolicy { passive, ..HealthPolicy::default() }
}

const JVM: JvmSeen = JvmSeen { memory: 1 << 30, threads: 60, stopping: Some(false), stranger: None };

fn look(web: WebSeen, boot: Option<BootSeen>, api: Option<ApiSeen>) -> Look {
    let process = ProcessSeen::One(Process { pid: 4121, start: 1 }, JVM);
    Look { process, web, boot, ready: None, api, disks: Vec::new(), host: None }
}

fn mode(mode: Mode) -> Option<ApiSeen> {
    Some(ApiSeen::Info(Info { mode: Some(mode), running: Some(2), ..Info::default() }))
}

fn disk(free: u64) -> Vec<DiskSeen> {
    let room = Room::Local { free, total: 1000, inodes_free: 0, inodes: 0 };
    vec![DiskSeen { path: "/var/lib/rundeck/logs".into(), room }]
}

#[test]
fn one_look_is_judged_as_a_round_would_be() {
    use {ApiSeen as A, BootSeen as B, Looks as L, WebSeen as W};
    for (web, boot, api, want) in [
        (W::Ok, Some(B::Past), mode(Mode::Active), L::Up),
        (W::Ok, Some(B::Past), None, L::Up),
        (W::Disabled, None, Some(A::Rejected), L::Up),
        (W::Ok, Some(B::Past), Some(A::Unreadable("HTML".into())), L::Up),
        (W::Ok, Some(B::Past), Some(A::TimedOut), L::Degraded(Degraded::Database)),
        (W::Ok, Some(B::Past), Some(A::Failed(500)), L::Degraded(Degraded::Database)),
        (W::Ok, Some(B::Past), mode(Mode::Passive), L::Down(Reason::Passive)),
        (W::Ok, Some(B::StillBooting), None, L::Down(Reason::Waiting)),
        (W::Ok, Some(B::Past), Some(A::Booting), L::Down(Reason::Waiting)),
        (W::Refused, None, Some(A::Refused), L::Down(Reason::Refused)),
        (W::Redirect, None, mode(Mode::Active), L::Down(Reason::Redirect)),
        (W::TimedOut, None, Some(A::TimedOut), L::Down(Reason::Timeout)),
        (W::CannotJudge(Unjudged::Name), None, None, L::Unknown),
        (W::CannotConnect, None, None, L::Unknown),
    ] {
        assert_eq!(
            judge_look(&look(web, boot, api.clone()), &policy(PassiveRule::Out)),
            want,
            "{web:?} {boot:?} {api:?}"
        );
    }
    let passive = look(WebSeen::Ok, Some(BootSeen::Past), mode(Mode::Passive));
    assert_eq!(judge_look(&passive, &policy(PassiveRule::In)), Looks::Degraded(Degraded::Passive));
}

#[test]
fn what_health_does_not_say_counts_too() {
    let calm = look(WebSeen::Ok, Some(BootSeen::Past), mode(Mode::Active));
    let process = |jvm| ProcessSeen::One(Process { pid: 4121, start: 1 }, jvm);
    let ready = |readiness, database| Some(ReadySeen { readiness, database, bound: true });
    let host =
        |available, load_hundredths| Some(HostSeen { memory: 1 << 30, available, load_hundredths, processors: 2 });
    for (look, want) in [
        (
            Look { process: process(JvmSeen { stopping: Some(true), ..JVM }), ..calm.clone() },
            Looks::Down(Reason::RundeckStopping),
        ),
        (
            Look { process: process(JvmSeen { stranger: Some(7), ..JVM }), ..calm.clone() },
            Looks::Down(Reason::WrongProcess),
        ),
        (Look { ready: ready(Readiness::NotReady, None), ..calm.clone() }, Looks::Down(Reason::NotReady)),
        (Look { ready: ready(Readiness::Ready, Some(false)), ..calm.clone() }, Looks::Degraded(Degraded::Database)),
        (Look { ready: ready(Readiness::Absent, None), ..calm.clone() }, Looks::Up),
        (Look { disks: disk(5), ..calm.clone() }, Looks::Down(Reason::Disk)),
        (Look { disks: disk(50), ..calm.clone() }, Looks::Degraded(Degraded::Disk)),
        (Look { disks: disk(500), ..calm.clone() }, Looks::Up),
        (Look { host: host(1 << 20, 10), ..calm.clone() }, Looks::Degraded(Degraded::Memory)),
        (Look { host: host(1 << 29, 900), ..calm.clone() }, Looks::Degraded(Degraded::Load)),
    ] {
        assert_eq!(judge_look(&look, &policy(PassiveRule::Out)), want, "{look:?}");
    }
}

#[test]
fn rows_tell_what_was_seen() {
    let mut seen = look(WebSeen::Ok, Some(BootSeen::StillBooting), None);
    seen.disks = disk(55);
    let rows = look_rows(&seen, &policy(PassiveRule::Out));
    let told: Vec<String> = rows.iter().map(|r| format!("{} {} {}", r.check, r.result, r.seen)).collect();
    assert_eq!(
        told,
        [
            "process pass pid 4121",
            "web fail 200 ok, but the API is still starting",
            "readiness unknown not asked yet",
            "api unknown not asked without a token: set rundeck.token_file",
            "disk fail 5.5% free on the file system of /var/lib/rundeck/logs",
            "memory unknown it cannot be read",
            "load unknown it cannot be read",
        ]
    );
}
