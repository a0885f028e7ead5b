//! The promises about targets, by the world's record of its load balancer: whose they are, when they may come and go,
//! and that a drain is over only when the balancer knows.

use crate::balancer::{ADDRESS, Group, INSTANCE, Place};
use crate::consents;
use crate::oracle::Oracle;
use crate::rule::{Turn, Verdict, require};
use crate::world::{World, names};
use rundeck_alb_core::{
    Call, Deregistered, DrainResult, Finding, GroupFacts, Moment, Ownership, Policy, Receipt, Span, State, Step,
    StepName, StepResult, Target, TargetType, TargetView,
};

/// A target is wanted back no later than this after it may come back: a call and a jittered retry.
const OVERSLEPT: Span = Span::secs(20);

/// Only our own id and port, only in groups that are ours, one change at a time.
pub fn own_target(target: &Target, oracle: &Oracle, world: &World) -> Verdict {
    const RULE: &str = "S2 only our own target, only where we own it";
    let group = world.groups.iter().find(|g| g.facts.arn == target.group);
    let id = group.map(|g| if g.facts.target_type == Some(TargetType::Ip) { ADDRESS } else { INSTANCE });
    let ours = group.is_some_and(|g| g.port == target.port) && id == Some(target.id.as_str());
    require(ours, RULE, || format!("{target:?} is not ours"))?;
    require(!oracle.policy.dry_run, RULE, || "dry run".into())?;
    let alone = oracle.alone();
    require(owned(&oracle.policy, &target.group, &target.name, alone), RULE, || {
        format!("{target:?} in a group that is only observed")
    })?;
    let known = group.is_some_and(|g| g.known);
    require(known, "S2 no group that was never named", || format!("{target:?}"))?;
    let open = oracle.run.open.values().filter(|o| match &o.call {
        Call::Register { target: t, .. } | Call::Deregister { target: t, .. } => t.group == target.group,
        _ => false,
    });
    require(open.count() == 0, "S4 one change in flight per group", || format!("{target:?}"))
}

/// This agent acts for the group. `alone`: the machine is in no Auto Scaling group.
pub fn owned(policy: &Policy, arn: &str, name: &str, alone: bool) -> bool {
    let membership = &policy.membership;
    let named = membership.groups.iter().find(|w| w.group == arn || w.group == name);
    match named.map_or(membership.ownership, |w| w.ownership) {
        Ownership::Own => true,
        Ownership::Observe => false,
        Ownership::Auto => alone,
    }
}

/// The agent was told that the group is named; a tag that is gone it need not have believed yet.
fn told_named(target: &Target, oracle: &Oracle, world: &World) -> bool {
    let Some(group) = world.groups.iter().find(|g| g.facts.arn == target.group) else { return false };
    let membership = &oracle.policy.membership;
    if !membership.groups.is_empty() {
        return membership.groups.iter().any(|w| w.group == target.group || w.group == target.name);
    }
    let [before, last] = &oracle.run.named.tags;
    last.as_ref().or(before.as_ref()).is_some_and(|tag| names(tag, &group.facts))
}

/// The last that the agent was told of the names has the group among them.
pub fn named_now(facts: &GroupFacts, oracle: &Oracle) -> bool {
    let membership = &oracle.policy.membership;
    if !membership.groups.is_empty() {
        return membership.groups.iter().any(|w| w.group == facts.arn || w.group == facts.name);
    }
    let [_, last] = &oracle.run.named.tags;
    last.as_ref().is_some_and(|tag| names(tag, facts))
}

/// Registered only where it is named, and once that is on disk, or the disk was waited for.
pub fn named_and_written(target: &Target, now: Moment, oracle: &Oracle, world: &World) -> Verdict {
    let named = told_named(target, oracle, world);
    require(named, "S2 registered only in a group that is named", || format!("{target:?}"))?;
    let on_disk = world.disk.registered.iter().flat_map(|kept| &kept.targets).any(|kept| kept.target.is(target));
    let waited = oracle.run.named.written.is_some_and(|at| now.since(at) >= Span::secs(1));
    // Nothing is written over what was not read.
    let waited = waited || oracle.run.unread || now.since(oracle.run.read_at) <= Span::secs(1);
    require(on_disk || world.disk.lost_registered || waited, "S-record written before registering", || {
        format!("{target:?}")
    })
}

/// Deregistered only for a drain, or where the group is named no more, as far as the agent was told.
pub fn left_for_a_reason(target: &Target, now: Moment, oracle: &mut Oracle, world: &World) -> Verdict {
    let by_tag = oracle.policy.membership.groups.is_empty();
    let [_, last] = &oracle.run.named.tags;
    let group = world.groups.iter().find(|g| g.facts.arn == target.group);
    let still = last.as_ref().zip(group).is_some_and(|(tag, group)| names(tag, &group.facts));
    // Whoever put the node into Standby: no group of its own has it there.
    let standby = oracle.place() == crate::scaling::Place::Group(Some("Standby"));
    let reason = !oracle.orders.is_empty() || (by_tag && !still) || standby;
    if !reason && consents::ejected(target, now, oracle)? {
        return Ok(());
    }
    require(reason, "S2 never deregistered without a drain while it is named", || format!("{target:?}"))
}

/// AWS refuses an address that still drains, which whoever took it out knows.
pub fn address_kept(target: &Target, now: Moment, oracle: &Oracle, world: &World) -> Verdict {
    let ours = |g: &&Group| g.taken_out == g.out_since && g.taken_out.is_some_and(|at| at > oracle.run.begun);
    let ips = world.groups.iter().filter(|g| g.facts.target_type == Some(TargetType::Ip));
    let drains = ips.filter(ours).find_map(|g| {
        let Place::Draining(until) = g.place else { return None };
        (g.facts.arn == target.group && until > now).then_some(until)
    });
    require(drains.is_none(), "S-ip an address is not registered while it drains", || format!("until {drains:?}"))
}

/// An address that this run took out comes back soon after its delay, where nothing but the delay was in the way.
pub fn address_not_overslept(turn: &Turn<'_>, oracle: &Oracle, world: &World) -> Verdict {
    let (answer, now) = (turn.after.answer, turn.now);
    let up = answer.state == State::Up && answer.ok && !oracle.run.addressless;
    if !oracle.orders.is_empty() || !up || oracle.policy.dry_run {
        return Ok(());
    }
    for group in world.groups.iter().filter(|g| g.facts.target_type == Some(TargetType::Ip) && g.left()) {
        let Some(out) = group.taken_out.filter(|out| world.trouble_at < *out && oracle.run.begun < *out) else {
            continue;
        };
        let free = (out + Span::secs(group.facts.delay_secs))
            .max(turn.after.since)
            .max(oracle.run.woke)
            .max(oracle.run.named.since)
            .max(oracle.moved);
        let known = |t: &TargetView| t.arn.as_ref() == Some(&group.facts.arn) && t.owned;
        // Whoever took it out before need not have been this node.
        let others = turn.before.findings.iter().any(|view| view.finding == Finding::TakenOut);
        let may = oracle.alone();
        let named = named_now(&group.facts, oracle);
        let wanted =
            !others && turn.before.targets.iter().any(known) && named && may && group.out_since == group.taken_out;
        let hooks = &oracle.policy.hooks;
        let ready = if hooks.pre_register.is_empty() { Span::ZERO } else { hooks.timeout + OVERSLEPT };
        require(
            !wanted || now < free + OVERSLEPT + ready,
            "S-ip an address comes back when its delay is over",
            || format!("{} s after it", now.since(free).0 / 1000),
        )?;
    }
    Ok(())
}

/// No balancer that the agent could read still sends requests when a drain is over that was not cut short: it has seen
/// the deregistration, or the 503.
pub fn noticed(receipt: &Receipt, turn: &Turn<'_>, world: &World) -> Verdict {
    let whole = matches!(receipt.result, DrainResult::Clean | DrainResult::Unproven);
    let nobody = |s: &Step| {
        matches!(
            s.result,
            Some(
                StepResult::RundeckGone
                    | StepResult::RundeckStarts
                    | StepResult::RundeckUnseen
                    | StepResult::NotInService
            )
        )
    };
    if !whole || receipt.steps.iter().any(|s| s.name == StepName::Quiet && nobody(s)) {
        return Ok(());
    }
    let shown = turn.before.targets.iter().filter(|t| t.check_interval.is_some());
    let read = |arn: &String| shown.clone().any(|t| t.arn.as_ref() == Some(arn));
    let sends = world.groups.iter().find(|g| g.place == Place::Healthy && read(&g.facts.arn));
    require(sends.is_none(), "L2 the balancer has seen it when a drain is over", || format!("{sends:?}"))
}

/// "Done" is said of deregistering only where each target that is ours to take out was out at some moment of the drain;
/// a group that AWS does not find is named as such.
pub fn taken_out(receipt: &Receipt, turn: &Turn<'_>, oracle: &Oracle, world: &World) -> Verdict {
    let deregister = receipt.steps.iter().find(|s| s.name == StepName::Deregister).and_then(|s| s.result);
    let nothing = deregister == Some(StepResult::Deregistered(Deregistered::NoGroup));
    let alone = oracle.alone();
    let ours = |g: &&Group| g.by_us && !g.left() && owned(&oracle.policy, &g.facts.arn, &g.facts.name, alone);
    let stands =
        world.groups.iter().find(ours).filter(|_| nothing && !oracle.run.unread && !world.disk.lost_registered);
    require(stands.is_none(), "L2 a receipt tells the truth", || format!("nothing to leave: {stands:?}"))?;
    let done = StepResult::Deregistered(Deregistered::Done);
    let said = receipt.steps.iter().any(|s| s.result == Some(done));
    let Some((since, _)) = oracle.drain.filter(|_| said) else { return Ok(()) };
    // It may have begun in an earlier run of the agent.
    let since = oracle.orders.iter().map(|wanted| wanted.order.at).fold(since, Moment::min);
    let owned = |g: &Group| turn.before.targets.iter().any(|t| t.owned && t.arn.as_ref() == Some(&g.facts.arn));
    let was_out = |g: &Group| g.left() || [g.out_since, g.put_back].iter().flatten().any(|at| *at >= since);
    // What became a target of this node only now, for its address has just been told, is on its way out.
    let told = oracle.run.addressed.is_some_and(|at| turn.now.since(at) <= Span::secs(2));
    // Nor does anybody know of a registration whose record died with the agent that had asked for it.
    let unknown = |g: &Group| world.disk.lost_registered && g.by_us;
    let kept =
        world.groups.iter().find(|g| owned(g) && !unknown(g) && !(was_out(g) || g.stray || told && g.is_address()));
    require(kept.is_none(), "L2 a receipt tells the truth", || format!("deregistered: {kept:?}"))
}
