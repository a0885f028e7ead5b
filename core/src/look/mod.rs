//! One look judged by itself, for `check` and `doctor`: what a single answer of each kind says about Rundeck, and what
//! is wrong that people can cure (`findings.rs`; of target groups, `groups.rs`), without counters, settling or memory.
//!
//! It knows one look and the policy, and decides what it amounts to, by the same judgements as the running agent
//! (`health`, `api`). It leads to nothing: verdicts that count are made in the health room.

mod findings;
mod groups;

pub use findings::look_findings;
pub use groups::{groups_named, judge_groups, judge_target, replaced_by, trouble_finding};

use crate::api::{judged_api, passive_ejects};
use crate::contract::{
    ApiSeen, Check, Degraded, HealthPolicy, Info, Judged, Look, LookRow, Looks, Mode, Outcome, ProcessSeen, Readiness,
    Reason,
};
use crate::health::{
    Round, blames_database, judge, judged_disks, judged_load, judged_memory, judged_process, judged_readiness,
    judged_web, unsound,
};

/// The verdict, by what the policy says of passive mode and of disks.
pub fn judge_look(look: &Look, policy: &HealthPolicy) -> Looks {
    match judge(look.web, look.boot, false) {
        Round::Fail(reason, _) => return Looks::Down(reason),
        Round::Unknown => return Looks::Unknown,
        Round::Pass => {}
    }
    if let Some(reason) = stops(look, policy) {
        return Looks::Down(reason);
    }
    let passive = matches!(&look.api, Some(ApiSeen::Info(Info { mode: Some(Mode::Passive), .. })));
    match (passive, flag(look, policy)) {
        (true, _) if passive_ejects(true, false, policy) => Looks::Down(Reason::Passive),
        (true, _) => Looks::Degraded(Degraded::Passive),
        (false, Some(flag)) => Looks::Degraded(flag),
        (false, None) => Looks::Up,
    }
}

/// What takes the node out although `/health` answers.
fn stops(look: &Look, policy: &HealthPolicy) -> Option<Reason> {
    let unsound = match look.process {
        ProcessSeen::One(_, jvm) => unsound(jvm),
        ProcessSeen::None | ProcessSeen::Hidden | ProcessSeen::Hung | ProcessSeen::Several(_) => None,
    };
    let not_ready = look.ready.as_ref().is_some_and(|seen| seen.readiness == Readiness::NotReady);
    let full = judged_disks(Some(&look.disks), policy.disk.down_below).outcome == Outcome::Fail;
    if unsound.is_some() {
        unsound
    } else if not_ready {
        Some(Reason::NotReady)
    } else if look.api == Some(ApiSeen::Booting) {
        Some(Reason::Waiting)
    } else {
        full.then_some(Reason::Disk)
    }
}

fn flag(look: &Look, policy: &HealthPolicy) -> Option<Degraded> {
    let component = look.ready.as_ref().is_some_and(|seen| seen.database == Some(false));
    let low = judged_disks(Some(&look.disks), policy.disk.degraded_below).outcome == Outcome::Fail;
    // `/health` answers and a call that needs the database does not.
    let call = look.api.as_ref().is_some_and(blames_database);
    if component || call {
        Some(Degraded::Database)
    } else if low {
        Some(Degraded::Disk)
    } else if judged_memory(look.host.as_ref()).outcome == Outcome::Fail {
        Some(Degraded::Memory)
    } else if judged_load(look.host.as_ref()).outcome == Outcome::Fail {
        Some(Degraded::Load)
    } else {
        None
    }
}

/// Each check in words, in their documented order.
pub fn look_rows(look: &Look, policy: &HealthPolicy) -> Vec<LookRow> {
    let row = |check, judged: Judged| LookRow { check, result: judged.outcome, seen: judged.words.into_owned() };
    let no_token = || Judged::new(Outcome::Unknown, "not asked without a token: set rundeck.token_file");
    let readiness = look.ready.as_ref().map_or_else(Judged::not_yet, |seen| judged_readiness(seen, false));
    let host = look.host.as_ref();
    vec![
        row(Check::Process, judged_process(Some(look.process))),
        row(Check::Web, judged_web(look.web, look.boot, false)),
        row(Check::Readiness, readiness),
        row(Check::Api, look.api.as_ref().map_or_else(no_token, judged_api)),
        row(Check::Disk, judged_disks(Some(&look.disks), policy.disk.degraded_below)),
        row(Check::Memory, judged_memory(host)),
        row(Check::Load, judged_load(host)),
    ]
}

#[cfg(test)]
mod tests;
