//! The rules that need two rooms, one after another: from values to values, nothing is seen or done here.
//!
//! Rules of one room stand in that room; the order in which all are asked is the room's face. What an answer to one
//! room voids in another is passed on in `inbox.rs`.

use crate::api::passive_ejects;
use crate::contract::{
    Answer, Cause, DatabaseRule, Degraded, GuardSays, HealthPolicy, Life, Mode, ModeLeft, Moment, Passive, Policy,
    Reach, Reason, Refusal, Says, StandbyRule, State, Wants, Wish,
};
use crate::health::Verdict;
use crate::leaving::INTENT_WAIT;

/// `system/info` may be asked. The token goes to nobody who is known to be somebody else. During a start the readiness
/// state is asked first: both may need the lane, and a first `up` needs the state. A drain asks a Rundeck whose
/// `/health` is silent, too: else nobody would notice that its API answers, or that nobody can tell. But not what has
/// taken the place of a Rundeck that nobody has seen.
pub(super) fn asks_api(rundeck: Reach, leaving: bool) -> bool {
    let turn = rundeck.proven || rundeck.readiness_asked;
    let silent = leaving && rundeck.life == Life::There && rundeck.recognised;
    rundeck.trusted && ((rundeck.answers && turn) || silent)
}

/// The timed call may be made. Not while a drain counts jobs, which needs the lane; not before the first `up`, nor
/// with a token that is rejected: each such call is an error in Rundeck's log.
pub(super) fn asks_database(rundeck: Reach, token_accepted: bool, jobs_wanted: bool) -> bool {
    token_accepted && rundeck.trusted && rundeck.proven && rundeck.answers && !jobs_wanted
}

/// The mode may be switched: `/health` answers, or the API does (`api_answers`), whatever `/health` does.
pub(super) fn may_switch(rundeck: Reach, api_answers: bool) -> bool {
    rundeck.trusted && (rundeck.answers || (api_answers && rundeck.life == Life::There))
}

/// A first `up` waits for the execution mode where there is a token, so that a passive Rundeck is not registered as an
/// active one: an answer that does not tell it is none, and passive mode that is ours is about to be undone. How long,
/// `health` says.
pub(super) fn waits_for_mode(mode_settled: bool, undoes: bool, policy: &Policy) -> bool {
    policy.circumstances.has_token && (!mode_settled || undoes)
}

/// Why a drain leaves the execution mode alone, where it does.
pub(super) fn mode_left(policy: &Policy) -> Option<ModeLeft> {
    if !policy.drain.passive {
        Some(ModeLeft::NotWanted)
    } else if !policy.circumstances.has_token {
        Some(ModeLeft::NoToken)
    } else {
        policy.dry_run.then_some(ModeLeft::DryRun)
    }
}

/// Until when the disk is waited for that should say that passive mode is ours to undo; `None`: it says so.
/// `written`: what is on disk says so.
pub(super) fn claim_waits_until(written: bool, claimed_at: Moment) -> Option<Moment> {
    (!written).then_some(claimed_at + INTENT_WAIT)
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
    match mode_left(policy) {
        Some(why) => Passive::Skipped(why),
        None if mode == Some(Mode::Passive) => Passive::On,
        None if failed => Passive::Failed,
        None => Passive::Pending,
    }
}

/// What the node wants of its groups. `may_join`: the Auto Scaling group, if any, lets it be a target; where nobody
/// knows, nothing is registered. `standby`: that group has it in Standby, whoever put it there.
/// `ejects`: what a death of Rundeck wants of them.
pub(super) fn wish(acting: Option<bool>, shown: Answer, may_join: Says, standby: bool, ejects: Option<Wish>) -> Wish {
    match acting {
        Some(true) => Wish::Leave,
        Some(false) => Wish::Hold,
        None if standby => Wish::Away,
        None => match ejects {
            Some(Wish::Join) if !may_join.or(false) => Wish::Hold,
            Some(ejects) => ejects,
            None if shown.ok && shown.state == State::Up && may_join.or(false) => Wish::Join,
            None => Wish::Hold,
        },
    }
}

/// Why an order to drain is refused: in an Auto Scaling group nobody's choice may get the node replaced. A Rundeck
/// that is about to stop leaves the node useless anyway: there is nothing to refuse.
pub(super) fn refuses(cause: Cause, replaces: Says) -> Option<(Refusal, &'static str)> {
    match replaces {
        _ if !cause.meaning().choice => None,
        Says::Yes => Some((
            Refusal::Asg,
            "the node is in an Auto Scaling group that may replace it: put it into Standby there, or detach it first",
        )),
        Says::Unknown => Some((
            Refusal::Unknown,
            "nobody tells whether an Auto Scaling group would replace this node: look at the finding, or set \
             membership.auto_scaling = \"none\" where there is none",
        )),
        Says::No => None,
    }
}

/// A choice goes by Standby: the group has the node in service and would replace it for a 503, and the configuration
/// allows that way.
pub(super) fn by_standby(rule: StandbyRule, replaces: Says, in_service: Says) -> bool {
    rule != StandbyRule::Off && replaces == Says::Yes && in_service == Says::Yes
}

/// The fleet is asked before an operator takes the node out: it must be able to do without it. One that gives no
/// answer of 200 is no loss, and where there are no groups there is nobody to ask.
pub(super) fn asks_fleet(shown: Answer, force: bool, has_fleet: bool) -> bool {
    shown.ok && !force && has_fleet
}

/// Why a choice is not made: the word, how many others are healthy where that is why, and the text for people.
pub(super) type No = (Refusal, Option<usize>, String);

/// What a choice is answered; `None`: somebody must still say something. `replaces`: whether an Auto Scaling group
/// would replace the node for it, once that was told afresh; `standby`: whether it can go by Standby, where it has to;
/// `fleet`: what the fleet says, where it is asked. Yes
/// tells whether the fleet was.
pub(super) fn consent(
    cause: Cause,
    replaces: Option<Says>,
    standby: Option<Option<&Result<Vec<String>, String>>>,
    fleet: Option<Option<GuardSays>>,
) -> Option<Result<bool, No>> {
    let replaces = replaces?;
    match standby {
        None => {
            if let Some((why, text)) = refuses(cause, replaces) {
                return Some(Err((why, None, text.into())));
            }
        }
        Some(agrees) => {
            if let Err(why) = agrees? {
                return Some(Err((Refusal::Standby, None, format!("the node cannot go into Standby: {why}"))));
            }
        }
    }
    let Some(says) = fleet else { return Some(Ok(false)) };
    let (healthy, text) = match says? {
        GuardSays::Enough(_) => return Some(Ok(true)),
        GuardSays::TooFew { healthy, text } => {
            (Some(healthy), format!("too few others could take its place: {text}; wait for them, or use --force"))
        }
        GuardSays::NoAnswer(why) => {
            (None, format!("nobody tells whether others could take its place ({why}): --force leaves all the same"))
        }
    };
    Some(Err((Refusal::Guard, healthy, text)))
}

/// Rundeck's process was seen to end, and that alone is why the node is out.
pub(super) fn has_died(shown: Answer) -> bool {
    (shown.state, shown.reason) == (State::Down, Reason::Exited)
}

/// An Auto Scaling group might replace the node for a 503, with its jobs: then nothing that is a choice says one, and a
/// drain waits for jobs first. Where nobody knows it may: a node that is terminated comes not back.
pub(super) fn may_replace(replaces: Says) -> bool {
    replaces.or(true)
}

/// A choice ends when its permission does: the group is known to have the node in service again, and to replace it.
pub(super) fn ends_choice(cause: Cause, in_service: Says, replaces: Says) -> bool {
    cause.meaning().choice && in_service == Says::Yes && replaces == Says::Yes
}

/// Somebody may have been sent here: the node answered 200, or was a target; or did so in an earlier run, which nobody
/// knows before that was read.
pub(super) fn was_in_service(answered_ok: bool, ever_member: bool, unread: bool) -> bool {
    answered_ok || ever_member || unread
}

/// A full disk is this node's own and takes it out, but a node that is replaced for it takes its jobs with it.
pub(super) fn ejects_full_disk(full: bool, replaces: Says) -> bool {
    full && !may_replace(replaces)
}

/// Passive mode that somebody else set takes the node out, where nobody would replace it for that.
pub(super) fn ejects_passive(by_others: bool, replaces: Says, policy: &Policy) -> bool {
    passive_ejects(by_others, may_replace(replaces), &policy.health)
}

/// A database that is gone takes the node out where the policy says so, and nobody would replace it for that.
pub(super) fn ejects_database(gone: bool, replaces: Says, policy: &HealthPolicy) -> bool {
    gone && policy.database == DatabaseRule::Eject && !may_replace(replaces)
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
#[derive(Clone, Copy)]
pub(super) struct Ejections {
    pub(super) blind: bool,
    pub(super) disk: bool,
    pub(super) passive: bool,
    pub(super) database: bool,
}

impl Ejections {
    /// Without those that the fleet must agree to first.
    pub(super) fn of_own_right(self) -> Ejections {
        Ejections { disk: false, passive: false, database: false, ..self }
    }
}

/// What wants a node out that would be in service without it, and needs the fleet's consent.
pub(super) fn wants_out(leaving: bool, verdict: Verdict, ejections: &Ejections) -> Option<Wants> {
    match ejections {
        _ if leaving || verdict != Verdict::Up || ejections.blind => None,
        Ejections { disk: true, .. } | Ejections { passive: true, .. } => Some(Wants::Local),
        Ejections { database, .. } => database.then_some(Wants::Shared),
    }
}

/// Maintenance, as far as the answer depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Maintained {
    /// It is on.
    Yes,
    /// It was on before a reboot, and nobody knows yet whether this is the machine.
    Perhaps,
}

/// Joins health and intent: stopped > draining > maintenance > what the fleet must agree to > probes.
pub(super) fn answer(
    leaving: Option<Leaving>,
    maintained: Option<Maintained>,
    verdict: Verdict,
    ejections: &Ejections,
) -> Answer {
    if let Some(drain) = leaving {
        let reason = drain.cause.map_or(Reason::Operator, Cause::reason);
        let state = if drain.stopped { State::Stopped } else { State::Draining };
        // Nobody is vouched for blindly, on the way out either.
        return Answer { ok: drain.holds_200 && verdict == Verdict::Up && !ejections.blind, state, reason };
    }
    let no = |state, reason| Answer { ok: false, state, reason };
    match maintained {
        Some(Maintained::Yes) => return no(State::Maintenance, Reason::Operator),
        Some(Maintained::Perhaps) => return no(State::Booting, Reason::Waiting),
        None => {}
    }
    match verdict {
        Verdict::Booting(reason) => no(State::Booting, reason),
        Verdict::Down(reason) => no(State::Down, reason),
        Verdict::Up if ejections.blind => no(State::Down, Reason::Blind),
        Verdict::Up if ejections.disk => no(State::Down, Reason::Disk),
        Verdict::Up if ejections.passive => no(State::Down, Reason::Passive),
        Verdict::Up if ejections.database => no(State::Down, Reason::Database),
        Verdict::Up => Answer { ok: true, state: State::Up, reason: Reason::Ok },
    }
}

/// In service, but something is wrong: passive mode, then what the probes show, in the documented order, then that the
/// fleet holds the node in (`held`).
pub(super) fn degraded(shown: Answer, mode: Option<Mode>, by_probes: Vec<Degraded>, held: bool) -> Vec<Degraded> {
    let passive = shown.state == State::Up && mode == Some(Mode::Passive);
    let held = held.then_some(Degraded::GuardHold);
    passive.then_some(Degraded::Passive).into_iter().chain(by_probes).chain(held).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::PassiveRule;

    const UP: Answer = Answer { ok: true, state: State::Up, reason: Reason::Ok };
    const SERVING: Reach = Reach {
        life: Life::There,
        answers: true,
        proven: true,
        recognised: true,
        readiness_asked: true,
        trusted: true,
    };
    const HANGING: Reach = Reach { answers: false, ..SERVING };
    const GONE: Reach = Reach { life: Life::Gone, ..HANGING };

    fn policy(change: impl FnOnce(&mut Policy)) -> Policy {
        let mut policy = Policy::default();
        policy.circumstances.has_token = true;
        change(&mut policy);
        policy
    }

    #[test]
    fn the_api_waits_for_the_readiness_state_and_a_drain_asks_a_rundeck_that_hangs() {
        let starting = Reach { proven: false, readiness_asked: false, ..SERVING };
        assert!(!asks_api(starting, false));
        assert!(asks_api(Reach { readiness_asked: true, ..starting }, false));
        assert!(asks_api(SERVING, false) && !asks_api(HANGING, false));
        assert!(asks_api(HANGING, true) && !asks_api(GONE, true));
    }

    #[test]
    fn a_stranger_gets_no_token() {
        let unseen = Reach { recognised: false, ..HANGING };
        assert!(asks_api(HANGING, true) && !asks_api(unseen, true));
        let stranger = Reach { trusted: false, ..SERVING };
        assert!(!asks_api(stranger, false) && !asks_api(stranger, true));
        assert!(!asks_database(stranger, true, false) && !may_switch(stranger, true));
        assert!(may_switch(SERVING, false) && may_switch(HANGING, true) && !may_switch(HANGING, false));
    }

    #[test]
    fn the_timed_call_needs_a_token_that_is_known_and_a_lane_that_no_drain_wants() {
        assert!(asks_database(SERVING, true, false));
        assert!(!asks_database(SERVING, false, false) && !asks_database(SERVING, true, true));
        assert!(
            !asks_database(HANGING, true, false) && !asks_database(Reach { proven: false, ..SERVING }, true, false)
        );
    }

    #[test]
    fn only_with_a_token_is_the_mode_waited_for() {
        let (with, without) = (policy(|_| ()), policy(|p| p.circumstances.has_token = false));
        assert!(waits_for_mode(false, false, &with) && waits_for_mode(true, true, &with));
        assert!(!waits_for_mode(true, false, &with) && !waits_for_mode(false, true, &without));
    }

    #[test]
    fn a_claim_that_no_disk_takes_is_waited_for_no_longer_than_a_second() {
        assert_eq!(claim_waits_until(true, Moment(5000)), None);
        assert_eq!(claim_waits_until(false, Moment(5000)), Some(Moment(6000)));
    }

    #[test]
    fn a_drain_wants_passive_once_it_acts_and_only_ours_is_undone() {
        let full = policy(|_| ());
        assert_eq!(wanted_mode(Some(true), false, &full), Some(Mode::Passive));
        assert_eq!(wanted_mode(Some(false), true, &full), None);
        assert_eq!((wanted_mode(None, true, &full), wanted_mode(None, false, &full)), (Some(Mode::Active), None));
        let never = policy(|p| p.drain.passive = false);
        assert_eq!(
            (wanted_mode(Some(true), true, &never), wanted_mode(None, true, &never)),
            (None, Some(Mode::Active))
        );
        let blind = policy(|p| p.circumstances.has_token = false);
        assert_eq!((wanted_mode(Some(true), true, &blind), wanted_mode(None, true, &blind)), (None, None));
    }

    #[test]
    fn what_keeps_the_mode_from_being_passive_is_named() {
        let full = policy(|_| ());
        assert_eq!(passive(Some(Mode::Passive), true, &full), Passive::On);
        assert_eq!(passive(Some(Mode::Active), true, &full), Passive::Failed);
        assert_eq!(passive(None, false, &full), Passive::Pending);
        for skipping in [
            policy(|p| p.drain.passive = false),
            policy(|p| p.circumstances.has_token = false),
            policy(|p| p.dry_run = true),
        ] {
            assert!(matches!(passive(Some(Mode::Passive), true, &skipping), Passive::Skipped(_)));
            assert!(mode_left(&skipping).is_some());
        }
        assert!(mode_left(&full).is_none());
    }

    #[test]
    fn a_node_joins_only_while_it_answers_up_and_leaves_only_once_the_drain_acts() {
        assert_eq!(wish(None, UP, Says::Yes, false, None), Wish::Join);
        assert_eq!([Says::No, Says::Unknown].map(|may| wish(None, UP, may, false, None)), [Wish::Hold; 2]);
        assert_eq!(wish(None, Answer { ok: false, state: State::Down, ..UP }, Says::Yes, false, None), Wish::Hold);
        assert_eq!(
            (wish(Some(false), UP, Says::Yes, true, None), wish(Some(true), UP, Says::Yes, true, None)),
            (Wish::Hold, Wish::Leave)
        );
    }

    #[test]
    fn in_a_group_an_operator_is_refused_and_any_other_drain_waits_for_jobs_first() {
        let (yes, no, unknown) = (Says::Yes, Says::No, Says::Unknown);
        let refuses = |cause, replaces| refuses(cause, replaces).map(|(why, _)| why);
        assert_eq!(refuses(Cause::Operator, yes), Some(Refusal::Asg));
        assert_eq!([no, unknown].map(|it| refuses(Cause::Operator, it)), [None, Some(Refusal::Unknown)]);
        assert_eq!([yes, unknown].map(|it| refuses(Cause::RundeckStopping, it)), [None; 2]);
        assert!(may_replace(yes) && !may_replace(no) && may_replace(unknown));
        assert!(ends_choice(Cause::Operator, yes, yes) && !ends_choice(Cause::AgentStopping, yes, yes));
        assert!([no, unknown].iter().all(|in_service| !ends_choice(Cause::Operator, *in_service, yes)));
        assert!(!ends_choice(Cause::Operator, yes, unknown));
    }

    #[test]
    fn only_a_node_that_nobody_was_sent_to_was_not_in_service() {
        assert!(was_in_service(true, false, false) && was_in_service(false, true, false));
        assert!(was_in_service(false, false, true) && !was_in_service(false, false, false));
    }

    #[test]
    fn a_full_disk_takes_out_only_where_nobody_would_replace_the_node() {
        assert!(ejects_full_disk(true, Says::No) && !ejects_full_disk(false, Says::No));
        assert!(!ejects_full_disk(true, Says::Yes) && !ejects_full_disk(true, Says::Unknown));
    }

    #[test]
    fn passive_mode_of_somebody_else_takes_out_only_where_nobody_would_replace_the_node() {
        let (out, stays) = (policy(|_| ()), policy(|p| p.health.passive = PassiveRule::In));
        assert!(ejects_passive(true, Says::No, &out) && !ejects_passive(false, Says::No, &out));
        assert!(!ejects_passive(true, Says::Yes, &out) && !ejects_passive(true, Says::Unknown, &out));
        assert!(!ejects_passive(true, Says::No, &stays));
    }

    #[test]
    fn a_drain_goes_before_the_probes_and_blindness_before_disk_and_passive() {
        let all = Ejections { blind: true, disk: true, passive: true, database: true };
        let none = Ejections { blind: false, disk: false, passive: false, database: false };
        let said = |answer: Answer| (answer.ok, answer.state, answer.reason);
        let drain = |stopped, holds_200| Leaving { cause: Some(Cause::AgentStopping), stopped, holds_200 };
        let reason = Reason::AgentStopping;
        let up = Verdict::Up;
        assert_eq!(said(answer(Some(drain(false, false)), None, up, &none)), (false, State::Draining, reason));
        let sees = Ejections { blind: false, ..all };
        assert_eq!(said(answer(Some(drain(false, true)), None, up, &sees)), (true, State::Draining, reason));
        assert_eq!(said(answer(Some(drain(false, true)), None, up, &all)), (false, State::Draining, reason));
        let down = Verdict::Down(Reason::Timeout);
        assert_eq!(said(answer(Some(drain(false, true)), None, down, &none)), (false, State::Draining, reason));
        assert_eq!(said(answer(Some(drain(true, false)), None, up, &none)), (false, State::Stopped, reason));
        assert_eq!(said(answer(None, None, up, &none)), (true, State::Up, Reason::Ok));
        assert_eq!(said(answer(None, None, up, &all)), (false, State::Down, Reason::Blind));
        assert_eq!(said(answer(None, None, up, &sees)), (false, State::Down, Reason::Disk));
        let (on, perhaps) = (Some(Maintained::Yes), Some(Maintained::Perhaps));
        assert_eq!(said(answer(Some(drain(false, false)), on, up, &none)), (false, State::Draining, reason));
        assert_eq!(said(answer(None, on, down, &all)), (false, State::Maintenance, Reason::Operator));
        assert_eq!(said(answer(None, perhaps, up, &none)), (false, State::Booting, Reason::Waiting));
        let passive = Ejections { passive: true, ..none };
        assert_eq!(said(answer(None, None, up, &passive)), (false, State::Down, Reason::Passive));
        assert_eq!(said(answer(None, None, down, &passive)), (false, State::Down, Reason::Timeout));
    }

    #[test]
    fn what_is_wrong_with_the_node_alone_is_no_shared_cause_and_a_leaving_node_wants_nothing() {
        let none = Ejections { blind: false, disk: false, passive: false, database: false };
        let database = Ejections { database: true, ..none };
        let wants = |leaving, ejections: &Ejections| wants_out(leaving, Verdict::Up, ejections);
        assert_eq!((wants(false, &none), wants(false, &database)), (None, Some(Wants::Shared)));
        assert_eq!(wants(false, &Ejections { disk: true, ..database }), Some(Wants::Local));
        assert_eq!(wants(false, &Ejections { passive: true, ..none }), Some(Wants::Local));
        assert_eq!(wants(true, &database), None);
        assert_eq!(wants(false, &Ejections { blind: true, ..database }), None, "it is out of its own right");
        assert_eq!(wants_out(false, Verdict::Down(Reason::Timeout), &database), None);
        let eject = policy(|p| p.health.database = DatabaseRule::Eject).health;
        assert!(ejects_database(true, Says::No, &eject) && !ejects_database(false, Says::No, &eject));
        assert!(!ejects_database(true, Says::Unknown, &eject));
        assert!(!ejects_database(true, Says::No, &HealthPolicy::default()));
    }

    #[test]
    fn passive_mode_degrades_a_node_that_is_up() {
        let (passive, slow) = (Some(Mode::Passive), Degraded::Slow);
        assert_eq!(degraded(UP, passive, vec![slow], true), [Degraded::Passive, slow, Degraded::GuardHold]);
        assert_eq!(degraded(Answer { state: State::Draining, ..UP }, passive, vec![], false), []);
    }
}
