//! How often anything may be asked, written or told in one minute. It knows nothing of what comes of it.

use crate::oracle::Oracle;
use crate::rule::{Verdict, require};
use rundeck_alb_core::{Call, Event, Moment, Note, NoteKind};

/// How often the same line about something that is wrong may stand in the log of one minute.
const SAME_LINE: u32 = 6;

/// Names a call, and how often it may be made in one minute.
fn budget(call: &Call) -> (&'static str, u32) {
    match call {
        Call::ProbeWeb { .. } => ("web", 80),
        Call::ProbeApi => ("api", 50),
        Call::ProbeReadiness { .. } => ("readiness", 80),
        Call::ProbeDatabase { .. } => ("database", 8),
        Call::LookDisks { .. } => ("disks", 30),
        Call::LookHost => ("host", 8),
        Call::FindProcess { .. } => ("process", 100),
        Call::CountInFlight => ("in flight", 70),
        Call::AskIdentity => ("identity", 12),
        // On the way into Standby and back every five seconds.
        Call::AskLifecycle => ("lifecycle", 26),
        Call::AskScaling { .. } => ("scaling", 12),
        Call::AskStandby { .. } => ("standby", 12),
        Call::EnterStandby { .. } | Call::ExitStandby { .. } => ("move", 12),
        Call::AskTag(_) => ("tag", 12),
        Call::DescribeGroups(_) | Call::DescribeTarget(_) | Call::AskFleet(_) => ("describe", 80),
        Call::Register { .. } | Call::Deregister { .. } => ("change", 22),
        Call::SetMode(_) => ("mode", 20),
        Call::RunHook(_) => ("hook", 20),
        Call::KeepIntent(_) => ("intent", 60),
        Call::KeepRegistered(_) => ("registered", 30),
        Call::KeepHeld(_) => ("held", 60),
        // As often as people change their minds.
        Call::WriteReceipt(_) => ("receipt", 60),
    }
}

/// Names a call.
pub fn kind(call: &Call) -> &'static str {
    budget(call).0
}

/// Takes note of what others do: each order may want the mode switched, as often as people change their minds; and
/// each new Rundeck is asked and switched anew.
pub fn note(event: &Event, oracle: &mut Oracle, now: Moment) {
    match event {
        Event::Order(..) => drop(oracle.counted("order", now)),
        Event::ProcessEnded(_) => drop(oracle.counted("end", now)),
        _ => {}
    }
}

/// Calls are bounded, whatever goes wrong.
pub fn within(call: &Call, oracle: &mut Oracle, now: Moment) -> Verdict {
    let (kind, limit) = budget(call);
    let count = oracle.counted(kind, now);
    let so_often = |what| oracle.run.counts.get(what).copied().unwrap_or_default();
    let (orders, ends) = (so_often("order"), so_often("end"));
    let limit = match kind {
        "mode" => limit + orders + 2 * ends,
        "api" => limit + 4 * ends,
        // Each choice asks afresh.
        "scaling" => limit + orders,
        _ => limit,
    };
    require(count <= limit, "S8 calls within budget", || format!("{count} x {kind} in one minute"))
}

/// What is wrong is told once, and again where it was right in between.
pub fn told(note: &Note, oracle: &mut Oracle, now: Moment) -> Verdict {
    if note.kind != NoteKind::Finding {
        return Ok(());
    }
    // Each new Rundeck may bring the same trouble, each order that begins a drain, and each time that the way to look
    // is gone for a moment.
    let so_often = |what| oracle.run.counts.get(what).copied().unwrap_or_default();
    let limit = SAME_LINE + so_often("end") + so_often("order") + so_often("blink");
    let count = oracle.counted(note.text.clone(), now);
    require(count <= limit, "S8 the same is not told again and again", || format!("{count} times: {}", note.text))
}
