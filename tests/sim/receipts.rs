//! A drain's words by the world's record: what was in flight, which jobs ran, whether Rundeck was passive, which
//! targets were out, when it says so.

use crate::balancer::{Group, Place};
use crate::oracle::Oracle;
use crate::rule::{Turn, Verdict, require};
use crate::targets::owned;
use crate::world::{World, names};
use rundeck_alb_core::{
    Deregistered, DrainResult, Event, GroupLeft, Mode, Moment, Receipt, Snapshot, Span, Step, StepName, StepResult,
    TargetState,
};

/// What is so for this long is seen by whoever asks each second or two.
const SEEN_WITHIN: Span = Span::secs(5);
/// And by whoever asks for the mode, twice, at the usual pace, and switches it.
const MODE_SEEN_WITHIN: Span = Span::secs(45);
/// And by whoever had a token rejected before.
const TOKEN_SEEN_WITHIN: Span = Span::secs(375);
const RULE: &str = "L2 a receipt tells the truth";

/// Nothing that the world knows of was cut by a drain that calls itself clean.
pub fn clean_only_if_it_was(receipt: &Receipt, oracle: &Oracle, world: &World) -> Verdict {
    const RULE: &str = "L2 clean only if no job ran and nothing was in flight";
    if receipt.result != DrainResult::Clean || !awake(oracle, world.now) {
        return Ok(());
    }
    let ended = |name: StepName| {
        let step = receipt.steps.iter().find(|step| step.name == name)?;
        Some((step.started + Span(step.took_ms?), step.result))
    };
    // What had begun so much earlier was there to be seen; what an earlier run had ended is taken up as it was.
    let (jobs, quiet) = (ended(StepName::Jobs), ended(StepName::Quiet).filter(|(at, _)| *at >= oracle.run.begun));
    let runs = |at: Moment| world.rundeck.jobs.iter().any(|job| job.from + SEEN_WITHIN < at && job.until > at);
    require(jobs.is_some_and(|(at, _)| !runs(at)), RULE, || format!("{jobs:?}, {:?}", world.rundeck.jobs))?;
    // A loop that stood still then had counted before.
    let counts = |at: Moment| oracle.stalled_until == Moment(0) || at > oracle.stalled_until + Span::secs(30);
    let counted = quiet.filter(|(at, result)| *result == Some(StepResult::NothingInFlight) && counts(*at));
    let (from, until) = (world.requests_from, world.requests);
    let flew = counted.is_some_and(|(at, _)| from + SEEN_WITHIN < at && until > at);
    require(!flew, RULE, || format!("{quiet:?}, requests from {} to {}", from.0, until.0))
}

/// This step's end, if it has just come.
fn ends(turn: &Turn<'_>, name: StepName) -> Option<Step> {
    // What an earlier run of the agent had ended is taken up as it was.
    if matches!(turn.event, Event::Kept(_)) {
        return None;
    }
    let step = |snapshot: &Snapshot| {
        let drain = snapshot.drain.as_ref()?;
        drain.steps.iter().find(|step| step.name == name).cloned().map(|step| (drain.id.clone(), step))
    };
    let before = step(turn.before).filter(|(_, step)| step.result.is_some());
    let after = step(turn.after).filter(|(_, step)| step.result.is_some());
    after.filter(|after| before.as_ref() != Some(after)).map(|(_, step)| step)
}

/// While the loop stands still the world goes on: what it believes a moment later may be old.
fn awake(oracle: &Oracle, now: Moment) -> bool {
    oracle.stalled_until == Moment(0) || now.since(oracle.stalled_until) > Span::secs(30)
}

/// When the wait for requests ends, what it says was so at the last counts, and no balancer that the agent could read
/// still sends any: it has seen the deregistration, or the 503.
pub fn quiet_over(turn: &Turn<'_>, oracle: &Oracle, world: &World) -> Verdict {
    let Some(step) = ends(turn, StepName::Quiet) else { return Ok(()) };
    let mut counted = world.counts.iter().filter(|(at, _)| *at >= step.started);
    // A round whose answer gets lost, or that meets silence, is waited for.
    let silent = world.mix.replies > 0 || world.rundeck.silent(turn.now);
    let lost = if silent { Span::secs(25) } else { SEEN_WITHIN };
    let true_count = match step.result {
        Some(StepResult::NothingInFlight) => counted.any(|(_, flies)| !flies),
        Some(StepResult::InFlight(n)) => n > 0 && counted.any(|(_, flies)| *flies),
        Some(StepResult::InFlightUnknown) => true,
        // What the disk has forgotten nobody knows.
        Some(StepResult::NotInService) => {
            let unknown = world.disk.forgot;
            return require(!world.served || unknown, RULE, || format!("{step:?}, and it had served"));
        }
        Some(StepResult::RundeckGone) => {
            let unheard = !world.rundeck.heard(turn.now, lost);
            return require(unheard || !awake(oracle, turn.now), RULE, || format!("{step:?}, but {:?}", world.rundeck));
        }
        Some(StepResult::RundeckStarts) => {
            let started = world.rundeck.heard(turn.now, lost) && world.rundeck.answers_from() + lost <= turn.now;
            return require(!started || !awake(oracle, turn.now), RULE, || {
                format!("{step:?}, but {:?}", world.rundeck)
            });
        }
        _ => return Ok(()),
    };
    require(true_count, RULE, || format!("{step:?}, but {:?}", world.counts))?;
    // What its balancer does, a group whose facts were never read does not tell.
    let shown = turn.before.targets.iter().filter(|t| t.check_interval.is_some());
    let read = |arn: &String| shown.clone().any(|t| t.arn.as_ref() == Some(arn));
    let sends = world.groups.iter().find(|g| g.place == Place::Healthy && read(&g.facts.arn));
    require(sends.is_none(), "L2 the balancer has seen it when requests are waited for no longer", || {
        format!("{step:?}, but {sends:?}")
    })
}

/// When the wait for jobs ends because none runs, none does.
pub fn jobs_over(turn: &Turn<'_>, oracle: &Oracle, world: &World) -> Verdict {
    let Some(step) = ends(turn, StepName::Jobs).filter(|_| awake(oracle, turn.now)) else { return Ok(()) };
    let none =
        matches!(step.result, Some(StepResult::NoneRunning | StepResult::RundeckGone | StepResult::RundeckStarts));
    let runs = runs_at(world, turn.now, SEEN_WITHIN);
    require(!(none && runs), RULE, || format!("{step:?}, but {:?}", world.rundeck.jobs))
}

/// A Rundeck that has answered in this run, and whose process nobody saw end, is waited for when its port closes: its
/// requests and jobs may go on.
pub fn unseen_is_waited_for(turn: &Turn<'_>, oracle: &Oracle) -> Verdict {
    const RULE: &str = "S-floor a Rundeck that nobody saw end is waited for";
    let waits = oracle.run.web.answered && !oracle.run.orphan;
    for step in [StepName::Quiet, StepName::Jobs].into_iter().filter_map(|name| ends(turn, name)) {
        // Another process has taken its place.
        let ended = matches!(step.result, Some(StepResult::RundeckEnded(_))) && !oracle.run.ended;
        let given_up = ended || matches!(step.result, Some(StepResult::RundeckUnseen));
        require(!(waits && given_up), RULE, || format!("{step:?}, process {:?}", oracle.run.process))?;
    }
    Ok(())
}

/// Some job runs then that had begun so much earlier.
fn runs_at(world: &World, at: Moment, earlier: Span) -> bool {
    world.rundeck.jobs.iter().any(|job| job.from + earlier < at && job.until > at)
}

/// What was in flight at the cut is what the wait had ended with.
pub fn cut(receipt: &Receipt) -> Verdict {
    let quiet = receipt.steps.iter().find(|step| step.name == StepName::Quiet).and_then(|step| step.result);
    let wanted = match quiet {
        Some(StepResult::NothingInFlight | StepResult::RundeckGone | StepResult::RundeckStarts) => Some(0),
        Some(StepResult::InFlight(n)) => Some(n),
        Some(StepResult::InFlightUnknown | StepResult::RundeckUnseen | StepResult::NotInService) | None => None,
        _ => return Ok(()),
    };
    require(receipt.inflight_at_cut == wanted, RULE, || format!("{quiet:?}, but {:?}", receipt.inflight_at_cut))
}

/// A receipt that says passive mode is written about a passive Rundeck, or one that was so a moment ago.
pub fn passive_is_on(receipt: &Receipt, oracle: &Oracle, world: &World) -> Verdict {
    let says = |step: &Step| step.name == StepName::Passive && step.result == Some(StepResult::Passive);
    let (rundeck, now) = (&world.rundeck, world.now);
    // Nor was the way to it shut: a stranger gets no token.
    let shut = [world.trouble_at, world.sight.hindered_until(), rundeck.web.0, rundeck.stranger, rundeck.unseen.0];
    let askable = shut.into_iter().fold(rundeck.api_well_since(), Moment::max);
    // A token that was rejected is asked with ever more rarely.
    let well = askable + MODE_SEEN_WITHIN < now && rundeck.token_rejected + TOKEN_SEEN_WITHIN < now;
    if !receipt.steps.iter().any(says) || !awake(oracle, now) || !well || rundeck.process.is_none() {
        return Ok(());
    }
    let passive = rundeck.mode == Mode::Passive || rundeck.mode_since + MODE_SEEN_WITHIN > now;
    require(passive, RULE, || format!("passive mode, but active since {}", rundeck.mode_since.0))
}

/// A clean drain leaves no target in place that is this agent's to take out.
pub fn each_target_is_out(receipt: &Receipt, oracle: &Oracle, world: &World) -> Verdict {
    // A group that AWS does not find is named as such, and so is one that was taken for somebody else's.
    let other = [Deregistered::GroupGone, Deregistered::Observed].map(|how| Some(StepResult::Deregistered(how)));
    let gone = receipt.steps.iter().any(|step| other.contains(&step.result));
    let clean = receipt.result == DrainResult::Clean && !gone;
    let Some((since, _)) = oracle.drain.filter(|_| clean) else { return Ok(()) };
    let was_out = |g: &Group| g.left() || [g.out_since, g.put_back].iter().flatten().any(|at| *at >= since);
    // Whose the groups are, and which a tag names, nobody knows before metadata have answered.
    let alone = oracle.alone();
    let [before, last] = &oracle.run.named.tags;
    let tag = last.as_ref().or(before.as_ref());
    let wanted = &oracle.policy.membership.groups;
    let by_tag = |g: &Group| wanted.is_empty() && tag.is_some_and(|tag| names(tag, &g.facts));
    let named = |g: &Group| by_tag(g) || wanted.iter().any(|w| w.group == g.facts.arn || w.group == g.facts.name);
    let ours =
        |g: &&Group| named(g) && !oracle.policy.dry_run && owned(&oracle.policy, &g.facts.arn, &g.facts.name, alone);
    // An address that metadata do not tell is known where an earlier run has registered it, and the disk has told that.
    let lost = world.disk.lost_registered || oracle.run.unread;
    let unknown = |g: &Group| oracle.run.addressless && g.is_address() && (!g.by_us || lost);
    // What became a target of this node only now, for its address has just been told, is on its way out.
    let told = oracle.run.addressed.is_some_and(|at| world.now.since(at) <= Span::secs(2));
    let leaves = |g: &Group| told && g.is_address();
    let kept = world.groups.iter().filter(ours).find(|g| !was_out(g) && !unknown(g) && !leaves(g) && !g.stray);
    require(kept.is_none(), RULE, || format!("clean, but {kept:?}"))
}

/// A clean receipt stands beside no target of ours that was seen in last, and that nothing has taken out since.
pub fn none_seen_in(receipt: &Receipt, turn: &Turn<'_>) -> Verdict {
    let kept = |left: &&GroupLeft| {
        let view = turn.after.targets.iter().find(|view| view.arn.as_ref() == Some(&left.arn) && view.owned);
        let seen = view.and_then(|view| view.seen.as_ref());
        let is_in = seen.is_some_and(|seen| !matches!(seen.state, TargetState::Absent | TargetState::Leaving));
        is_in && !left.deregistered
    };
    // A group that AWS does not find is named as such.
    let other = [Deregistered::DryRun, Deregistered::GroupGone].map(|how| Some(StepResult::Deregistered(how)));
    let told = receipt.steps.iter().any(|step| other.contains(&step.result));
    let kept = receipt.target_groups.iter().find(kept).filter(|_| receipt.result == DrainResult::Clean && !told);
    require(kept.is_none(), RULE, || format!("clean, but {kept:?} was seen in"))
}
