//! What was seen, in words for people. The same for a running agent and for a single look.
//!
//! No counters and no consequences here.

use crate::contract::{
    BootSeen, DatabaseSeen, DiskSeen, HostSeen, JvmSeen, Process, Readiness, ReadySeen, Room, Span, Text, WebSeen,
};
use crate::desk::Gate;
use std::fmt;

const MIB: u64 = 1 << 20;

/// Words for a process that was found.
pub(super) fn process_words(process: Process, jvm: JvmSeen) -> String {
    let pid = process.pid;
    match jvm.stranger {
        _ if jvm.stopping == Some(true) => format!("pid {pid} was told to end"),
        Some(user) => format!("pid {pid}, but user {user} holds its port"),
        None if jvm.stopping.is_none() => format!("pid {pid}; its threads cannot be read: was it told to end?"),
        None => format!("pid {pid}"),
    }
}

/// Words for one round; `excused`: silence is put down to the database.
pub(super) fn web_words(seen: WebSeen, boot: Option<BootSeen>, excused: bool) -> Text {
    let web: Text = match seen {
        WebSeen::Ok => "200 ok".into(),
        WebSeen::Disabled => "404, endpoint switched off, server alive".into(),
        WebSeen::Redirect => "redirect: a wrong path or context path".into(),
        WebSeen::Status(code) => format!("status {code}").into(),
        WebSeen::Body => "200 with a body that is not ok".into(),
        WebSeen::Truncated => "answer cut short".into(),
        WebSeen::Refused => "connection refused".into(),
        WebSeen::TimedOut if excused => "no answer in time, as calls that need the database".into(),
        WebSeen::TimedOut => "no answer in time".into(),
        WebSeen::Elsewhere => "not asked: rundeck.url leads to another machine".into(),
        WebSeen::CannotConnect => "the agent has no descriptor or port left".into(),
        WebSeen::CannotJudge(why) => format!("cannot judge: {why:?}").to_lowercase().into(),
    };
    match boot {
        Some(BootSeen::StillBooting) => format!("{web}, but the API is still starting").into(),
        Some(BootSeen::Failed) => format!("{web}, but the API does not answer").into(),
        Some(BootSeen::Past) | None => web,
    }
}

/// Words for a readiness state.
pub(super) fn ready_words(seen: &ReadySeen) -> Text {
    match &seen.readiness {
        Readiness::Ready => "accepting traffic".into(),
        Readiness::NotReady => "refusing traffic: starting or stopping".into(),
        Readiness::Absent => "this Rundeck shows no readiness state".into(),
        Readiness::TimedOut if seen.bound => "no answer in time; it asks the database too".into(),
        Readiness::TimedOut => "no answer in time".into(),
        Readiness::Refused => "connection refused".into(),
        Readiness::Unclear(why) => why.clone().into(),
    }
}

/// Words for the timed call.
pub(super) fn database_words(seen: &DatabaseSeen, took: Span) -> String {
    let after = match took.0 {
        ms @ ..1000 => format!("after {ms} ms"),
        ms => format!("after {}.{} s", ms / 1000, ms % 1000 / 100),
    };
    match seen {
        DatabaseSeen::Answered => format!("a call with the token answers {after}"),
        DatabaseSeen::Failed(status) => format!("a call with the token answers {status} {after}"),
        DatabaseSeen::TimedOut => format!("a call with the token gives no answer {after}"),
        DatabaseSeen::Refused => "connection refused".into(),
        DatabaseSeen::Unclear(why) => why.clone(),
    }
}

/// Words for the fullest local file system, of which that share is free, in thousandths.
pub(super) fn disk_words(seen: &[DiskSeen], worst: Option<(&DiskSeen, u64)>) -> String {
    match (worst, seen.first()) {
        (Some((disk, share)), _) => {
            format!("{}.{}% free on the file system of {}", share / 10, share % 10, disk.path)
        }
        (None, None) => "no directory of Rundeck's is known: set health.disk.paths".into(),
        (None, Some(disk)) => format!("{}: {}", disk.path, why_unjudged(&disk.room)),
    }
}

fn why_unjudged(room: &Room) -> &str {
    match room {
        Room::Local { .. } => "its size cannot be told",
        Room::Network => "a network file system, shared by all members",
        Room::Hung => "the file system does not answer",
        Room::Unreadable(why) => why,
    }
}

/// Words for the machine's memory.
pub(super) fn memory_words(host: &HostSeen) -> String {
    format!("{} of {} MiB can be had", host.available / MIB, host.memory / MIB)
}

/// Words for the machine's load.
pub(super) fn load_words(host: &HostSeen) -> String {
    let (whole, part) = (host.load_hundredths / 100, host.load_hundredths % 100);
    format!("load {whole}.{part:02} over 5 min on {} processors", host.processors)
}

/// What would turn a counted check.
pub(super) fn gate_change(gate: &Gate, rise: u32, fall: u32, consequence: &str) -> String {
    if gate.shut().is_some() {
        format!("{} bring the node back", more(rise, gate.passes(), "good answer"))
    } else {
        format!("{} {consequence}", more(fall, gate.fails(), "bad answer"))
    }
}

/// `2 more good answers`; at least one, for what is wanted has not come yet.
pub(super) fn more(wanted: u32, have: u32, what: &str) -> impl fmt::Display {
    let left = wanted.saturating_sub(have).max(1);
    let plural = if left == 1 { "" } else { "s" };
    fmt::from_fn(move |f| write!(f, "{left} more {what}{plural}"))
}
