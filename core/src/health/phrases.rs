//! What was seen, in words for people. The same for a running agent and for a single look.
//!
//! No counters and no consequences here.

use crate::contract::{
    DatabaseSeen, DiskSeen, HostSeen, JvmSeen, Process, Readiness, ReadySeen, Room, Share, Span, WebSeen, Words,
};
use crate::desk::Gate;

const MIB: u64 = 1 << 20;

/// Words for a process that was found.
pub(crate) fn process_words(process: Process, jvm: JvmSeen) -> Words {
    let pid = process.pid;
    match jvm.stranger {
        _ if jvm.stopping => ("fail", format!("pid {pid} was told to end")),
        Some(user) => ("fail", format!("pid {pid}, but user {user} holds its port")),
        None => ("pass", format!("pid {pid}")),
    }
}

/// Words for what `/health` gave.
pub(crate) fn web_words(seen: WebSeen) -> Words {
    match seen {
        WebSeen::Ok => ("pass", "200 ok".into()),
        WebSeen::Disabled => ("pass", "404, endpoint switched off, server alive".into()),
        WebSeen::Redirect => ("fail", "redirect: a wrong path or context path".into()),
        WebSeen::Status(code) => ("fail", format!("status {code}")),
        WebSeen::Body => ("fail", "200 with a body that is not ok".into()),
        WebSeen::Truncated => ("fail", "answer cut short".into()),
        WebSeen::Refused => ("fail", "connection refused".into()),
        WebSeen::TimedOut => ("fail", "no answer in time".into()),
        WebSeen::CannotConnect => ("unknown", "the agent has no descriptor or port left".into()),
        WebSeen::CannotJudge(why) => ("unknown", format!("cannot judge: {why:?}").to_lowercase()),
    }
}

/// Words for a readiness state.
pub(crate) fn ready_words(seen: &ReadySeen) -> Words {
    match &seen.readiness {
        Readiness::Ready => ("pass", "accepting traffic".into()),
        Readiness::NotReady => ("fail", "refusing traffic: starting or stopping".into()),
        Readiness::Absent => ("unknown", "this Rundeck shows no readiness state".into()),
        Readiness::TimedOut if seen.bound => ("unknown", "no answer in time; it asks the database too".into()),
        Readiness::TimedOut => ("fail", "no answer in time".into()),
        Readiness::Refused => ("unknown", "connection refused".into()),
        Readiness::Unclear(why) => ("unknown", why.clone()),
    }
}

/// Words for the timed call.
pub(crate) fn database_words(seen: &DatabaseSeen, took: Option<Span>) -> Words {
    let took = took.map_or(String::new(), |took| match took.0 {
        ms @ ..1000 => format!(" after {ms} ms"),
        ms => format!(" after {}.{} s", ms / 1000, ms % 1000 / 100),
    });
    match seen {
        DatabaseSeen::Answered => ("pass", format!("a call with the token answers{took}")),
        DatabaseSeen::Failed(status) => ("fail", format!("a call with the token answers {status}{took}")),
        DatabaseSeen::TimedOut => ("fail", format!("a call with the token gives no answer{took}")),
        DatabaseSeen::Refused => ("unknown", "connection refused".into()),
        DatabaseSeen::Unclear(why) => ("unknown", why.clone()),
    }
}

/// Words for the fullest local file system, of which that share is free; `mark`: below this share it fails.
pub(crate) fn disk_words(seen: &[DiskSeen], worst: Option<(&DiskSeen, u64)>, mark: Share) -> Words {
    match (worst, seen.first()) {
        (Some((disk, share)), _) => {
            let result = if share < u64::from(mark.0) { "fail" } else { "pass" };
            (result, format!("{}.{}% free on the file system of {}", share / 10, share % 10, disk.path))
        }
        (None, None) => ("unknown", "no directory of Rundeck's is known: set health.disk.paths".into()),
        (None, Some(disk)) => ("unknown", format!("{}: {}", disk.path, why_unjudged(&disk.room))),
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
pub(crate) fn memory_words(host: &HostSeen, short: bool) -> Words {
    let result = if short { "fail" } else { "pass" };
    (result, format!("{} of {} MiB can be had", host.available / MIB, host.memory / MIB))
}

/// Words for the machine's load.
pub(crate) fn load_words(host: &HostSeen, overloaded: bool) -> Words {
    let result = if overloaded { "fail" } else { "pass" };
    let (whole, part) = (host.load_hundredths / 100, host.load_hundredths % 100);
    (result, format!("load {whole}.{part:02} over 5 min on {} processors", host.processors))
}

/// What would turn a counted check.
pub(crate) fn gate_change(gate: &Gate, rise: u32, fall: u32, consequence: &str) -> String {
    if gate.shut().is_some() {
        format!("{} bring the node back", more(rise, gate.passes(), "good answer"))
    } else {
        format!("{} {consequence}", more(fall, gate.fails(), "bad answer"))
    }
}

/// `2 more good answers`; at least one, for what is wanted has not come yet.
pub(crate) fn more(wanted: u32, have: u32, what: &str) -> String {
    let left = wanted.saturating_sub(have).max(1);
    let plural = if left == 1 { "" } else { "s" };
    format!("{left} more {what}{plural}")
}
