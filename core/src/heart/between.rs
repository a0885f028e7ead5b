//! The rules that need two rooms, one after another: from values to values, nothing is seen or done here.
//!
//! Rules of one room stand in that room; the order in which all are asked is the room's face.

use crate::contract::{Answer, Cause, Degraded, Life, Mode, Moment, Passive, Policy, Reach, Reason, State, Wish};
use crate::health::Verdict;
use crate::leaving::INTENT_WAIT;

/// `system/info` may be asked. During a start the readiness state is asked first: both may need the slot, and a first `up`
/// needs the state. A drain that waits for jobs asks a Rundeck that hangs, too: else nobody would notice that nobody can
/// tell.
pub(super) fn asks_api(rundeck: Reach, jobs_wanted: bool) -> bool {
    let turn = rundeck.proven || rundeck.readiness_asked;
    (rundeck.answers && turn) || (jobs_wanted && rundeck.life == Life::There)
}

/// The timed call may be made. Not while a drain counts jobs, which needs the slot; not before the first `up`, nor with a
/// token that is rejected: each such call is an error in Rundeck's log.
pub(super) fn asks_database(rundeck: Reach, token_accepted: bool, jobs_wanted: bool) -> bool {
    token_accepted && rundeck.proven && rundeck.answers && !jobs_wanted
}

/// A first `up` waits for one answer of the API, so that a passive Rundeck is not registered as an active one.
pub(super) fn holds_first_up(rose: bool, api_asked: bool, policy: &Policy) -> bool {
    rose && policy.circumstances.has_token && !api_asked
}

/// This drain switches the mode at all.
pub(super) fn switches_mode(policy: &Policy) -> bool {
    policy.drain.passive && policy.circumstances.has_token && !policy.dry_run
}

/// That passive mode is ours to undo is on disk, or the disk was waited for. `written`: what is on disk says so.
pub(super) fn claim_kept(written: bool, claimed_at: Moment, now: Moment) -> bool {
    written || now >= claimed_at + INTENT_WAIT
}

/// The execution mode that the node wants of Rundeck; `None`: it leaves the mode alone. `acting`: there is a drain, and
/// whether it may change the world yet.
pub(super) fn wanted_mode(acting: Option<bool>, ours: bool, policy: &Policy) -> Option<Mode> {
    match acting {
        _ if !policy.circumstances.has_token => None,
        Some(acting) => (policy.drain.passive && acting).then_some(Mode::Passive),
        None => ours.then_some(Mode::Active),
    }
}

/// How far the switch to passive mode is. `failed`: a try of this drain has failed.
pub(super) fn passive(mode: Option<Mode>, failed: bool, policy: &Policy) -> Passive {
    if !policy.drain.passive {
        Passive::Skipped("not wanted (drain.passive is false)")
    } else if !policy.circumstances.has_token {
        Passive::Skipped("skipped: there is no token to switch the mode")
    } else if policy.dry_run {
        Passive::Skipped("dry run")
    } else if mode == Some(Mode::Passive) {
        Passive::On
    } else if failed {
        Passive::Failed
    } else {
        Passive::Pending
    }
}

/// What the node wants of its groups. `may_join`: the Auto Scaling group, if any, lets it be a target.
pub(super) fn wish(acting: Option<bool>, shown: Answer, may_join: bool) -> Wish {
    match acting {
        Some(true) => Wish::Leave,
        Some(false) => Wish::Hold,
        None if shown.ok && shown.state == State::Up && may_join => Wish::Join,
        None => Wish::Hold,
    }
}

/// A full disk is this node's own and takes it out, but a node that is replaced for it takes its jobs with it.
pub(super) fn ejects_full_disk(below_floor: bool, in_group: bool) -> bool {
    below_floor && !in_group
}

/// The drain, as far as the answer depends on it.
pub(super) struct Leaving {
    /// The cause that is shown.
    pub(super) cause: Option<Cause>,
    /// It is over, and so is the agent.
    pub(super) stopped: bool,
    /// `/health` still says 200 although the node is leaving.
    pub(super) holds_200: bool,
}

/// What the local checks say that is no part of the verdict, and may take the node out all the same.
pub(super) struct Ejections {
    pub(super) blind: bool,
    pub(super) disk: bool,
    pub(super) passive: bool,
}

/// Joins health and intent: stopped > draining > probes.
pub(super) fn answer(leaving: Option<Leaving>, verdict: Verdict, ejections: &Ejections) -> Answer {
    if let Some(drain) = leaving {
        let reason = drain.cause.map_or(Reason::Operator, Cause::reason);
        let state = if drain.stopped { State::Stopped } else { State::Draining };
        return Answer { ok: drain.holds_200 && verdict == Verdict::Up, state, reason };
    }
    let no = |state, reason| Answer { ok: false, state, reason };
    match verdict {
        Verdict::Booting(reason) => no(State::Booting, reason),
        Verdict::Down(reason) => no(State::Down, reason),
        Verdict::Up if ejections.blind => no(State::Down, Reason::Blind),
        Verdict::Up if ejections.disk => no(State::Down, Reason::Disk),
        Verdict::Up if ejections.passive => no(State::Down, Reason::Passive),
        Verdict::Up => Answer { ok: true, state: State::Up, reason: Reason::Ok },
    }
}

/// In service, but something is wrong: passive mode, then what the probes show, in the documented order.
pub(super) fn degraded(shown: Answer, mode: Option<Mode>, by_probes: Vec<Degraded>) -> Vec<Degraded> {
    let passive = shown.state == State::Up && mode == Some(Mode::Passive);
    passive.then_some(Degraded::Passive).into_iter().chain(by_probes).collect()
}
