//! The promises (docs/SEMANTICS.md), as far as they can be broken in one step: checked after each.
//!
//! Each rule has a short name that a failure prints. What needs time to show (liveness) is in `runner.rs`.

use crate::budget;
use crate::consents;
use crate::drains;
use crate::evidence::Round;
use crate::hangs;
use crate::hooks;
use crate::joins;
use crate::modes;
use crate::oracle::Oracle;
use crate::probing;
use crate::receipts;
use crate::rule::{Turn, Verdict, require};
use crate::standbys;
use crate::taken;
use crate::targets::{
    address_kept, address_not_overslept, left_for_a_reason, named_and_written, noticed, own_target, taken_out,
};
use crate::upkeep;
use crate::world::World;
use rundeck_alb_core::{
    Answer, Call, Cause, Check, CheckView, Command, DatabaseRule, DrainPhase, DrainResult, EndedBy, Ending, Event,
    Intent, Mode, Moment, Reason, Receipt, Share, Snapshot, Span, State, StepName, StepResult,
};
use std::collections::BTreeSet;

/// Waking the loop more often than this in one minute is a busy loop, whatever the faults.
const WAKES: u32 = 600;
/// The disk is waited for a second; most of it is seen from here.
const WRITTEN: Span = Span::millis(900);
/// A write of the intent that has failed is tried again after ten seconds; with latency.
const INTENT_AGAIN: Span = Span::secs(12);

/// Checks one turn, and takes note of its commands on the way.
pub fn check(turn: &Turn<'_>, oracle: &mut Oracle, world: &World) -> Verdict {
    // While its loop stands still nobody can do anything; two steady rounds are the longest that it waits else.
    if turn.now.since(turn.before.at) > oracle.policy.health.interval.times(2) {
        oracle.run.woke = turn.now;
    }
    consents::answered(turn, oracle)?;
    // Who joined in this turn is taken back with the others.
    consents::taken_back(turn, oracle);
    budget::note(turn.event, oracle, turn.now);
    oracle.run.was_ok |= turn.before.answer.ok && turn.before.accepting;
    for command in turn.commands {
        match command {
            Command::Call { call, .. } => {
                check_call(call, turn, oracle, world)?;
                budget::within(call, oracle, turn.now)?;
            }
            Command::Exit(ending) => {
                exit(*ending, oracle)?;
                let last = turn.commands.last() == Some(command);
                require(last, "S9 nothing is wanted after the end", || format!("{:?}", turn.commands.last()))?;
            }
            Command::Tell(note) => budget::told(note, oracle, turn.now)?,
            Command::WatchExit(_)
            | Command::KeepVerdict(_)
            | Command::DropVerdict
            | Command::Answer(..)
            | Command::Looked { .. } => {}
        }
        oracle.wants(command, turn.now);
    }
    oracle.run.was_ok |= turn.after.answer.ok && turn.after.accepting;
    kept_is_wanted(oracle, world, turn.now)?;
    drain_shows(turn, oracle)?;
    upkeep::judge(turn, oracle, world)?;
    process_end_shows(turn)?;
    probing::frozen_shows(turn, oracle, world)?;
    counters(turn)?;
    first_up(turn, oracle)?;
    local_checks(turn, oracle)?;
    one_outcome(turn)?;
    drains::reopened(turn, oracle)?;
    drains::jobs_first(turn, oracle)?;
    receipts::quiet_over(turn, oracle, world)?;
    receipts::jobs_over(turn, oracle, world)?;
    receipts::unseen_is_waited_for(turn, oracle)?;
    boot_budget(turn, oracle)?;
    blind(turn, oracle)?;
    hangs::blind(turn, oracle, world)?;
    hangs::excuse_ends(turn, oracle, world)?;
    hangs::database_told(turn, oracle, world)?;
    hangs::threads(turn, oracle, world)?;
    joins::asked_out(turn, oracle, world)?;
    consents::lets_out(turn, oracle)?;
    standbys::first_there(turn, oracle)?;
    taken::judge(turn, oracle, world)?;
    hooks::judge(turn, oracle)?;
    modes::others_passive_shows(turn, oracle, world)?;
    modes::ours_alone_is_undone(turn, oracle, world)?;
    group_rule(turn, oracle)?;
    address_not_overslept(turn, oracle, world)?;
    drain_ends(oracle, turn.now)
}

/// What is counted of a look is what status shows of it.
fn one_outcome(turn: &Turn<'_>) -> Verdict {
    let counted = |check: Check| {
        let mut looked = turn.commands.iter().filter_map(move |command| match command {
            Command::Looked { check: of, outcome, .. } if *of == check => Some(*outcome),
            _ => None,
        });
        looked.next_back()
    };
    let known = |row: &CheckView| {
        let said =
            |old: &&CheckView| (old.check, old.at, old.result, &old.seen) == (row.check, row.at, row.result, &row.seen);
        turn.before.checks.iter().any(|old| said(&old))
    };
    let news = turn.after.checks.iter().filter(|row| row.at == Some(turn.now) && !known(row));
    for row in news.filter(|_| !matches!(turn.event, Event::ProcessEnded(_))) {
        require(counted(row.check) == Some(row.result), "S-look one outcome for one look", || {
            format!("{}: shown {}, counted {:?}", row.check, row.result, counted(row.check))
        })?;
    }
    Ok(())
}

/// The heart is woken at a moment that it asked for.
pub fn woken(oracle: &mut Oracle, now: Moment) -> Verdict {
    let count = oracle.counted("tick", now);
    require(count <= WAKES, "S8 wake-ups bounded", || format!("{count} wake-ups in one minute"))
}

/// What the load balancer is told at any moment, between turns too.
pub fn served(answer: Answer, oracle: &Oracle, now: Moment) -> Verdict {
    let age = now.since(oracle.run.last_round);
    let max_age = oracle.policy.health.max_age;
    require(!answer.ok || age <= max_age, "S-stale an old verdict vouches for nobody", || {
        format!("200 by a verdict {} ms old", age.0)
    })
}

fn check_call(call: &Call, turn: &Turn<'_>, oracle: &mut Oracle, world: &World) -> Verdict {
    probing::no_token_to_strangers(call, oracle, turn.now)?;
    probing::one_by_one(call, oracle)?;
    standbys::moves(call, turn, oracle, world)?;
    match call {
        Call::EnterStandby { .. } | Call::ExitStandby { .. } => Ok(()),
        Call::Register { target, .. } => {
            own_target(target, oracle, world)?;
            address_kept(target, turn.now, oracle, world)?;
            named_and_written(target, turn.now, oracle, world)?;
            joins::let_in(target, oracle, world)?;
            upkeep::registers_nothing(oracle)?;
            require(oracle.orders.is_empty(), "S6 a leaving node is never registered", || format!("{target:?}"))
        }
        Call::Deregister { target, .. } => {
            own_target(target, oracle, world)?;
            left_for_a_reason(target, turn.now, oracle, world)?;
            intent_first(oracle, world, turn.now)
        }
        Call::SetMode(Mode::Passive) => {
            require(!oracle.policy.dry_run, "S2 nothing changes in dry run", || "passive".into())?;
            require(!oracle.orders.is_empty(), "S7 passive only for a drain", String::new)?;
            intent_first(oracle, world, turn.now)?;
            claim_first(oracle, world, turn.now)
        }
        Call::SetMode(Mode::Active) => {
            require(!oracle.policy.dry_run, "S2 nothing changes in dry run", || "active".into())?;
            require(oracle.claim, "S7 passive is undone only if we set it", || "somebody else set it".into())
        }
        Call::KeepIntent(intent) => keeps(intent, oracle),
        Call::WriteReceipt(receipt) => {
            floor_kept(receipt, oracle, turn.now)?;
            noticed(receipt, turn, world)?;
            taken_out(receipt, turn, oracle, world)?;
            receipts::none_seen_in(receipt, turn)?;
            receipt_true(receipt, oracle, world)
        }
        Call::ProbeApi
        | Call::ProbeDatabase { .. }
        | Call::ProbeReadiness { .. }
        | Call::ProbeWeb { .. }
        | Call::LookDisks { .. }
        | Call::LookHost
        | Call::FindProcess { .. }
        | Call::CountInFlight
        | Call::AskIdentity
        | Call::AskLifecycle
        | Call::AskScaling { .. }
        | Call::AskStandby { .. }
        | Call::AskTag(_)
        | Call::DescribeGroups(_)
        | Call::AskFleet(_)
        | Call::DescribeTarget(_)
        | Call::RunHook(_)
        | Call::KeepRegistered(_)
        | Call::KeepHeld(_) => Ok(()),
    }
}

/// A drain is on disk before the world is changed for it, or the disk was waited for.
fn intent_first(oracle: &Oracle, world: &World, now: Moment) -> Verdict {
    let Some(wanted) = oracle.orders.first() else { return Ok(()) };
    let on_disk = world.disk.intent.as_ref().is_some_and(|i| i.drains.iter().any(|o| o.cause == wanted.order.cause));
    let failed = world.disk.failed_at.is_some_and(|at| at >= wanted.since);
    // Whoever joins a drain that acts already finds the world changed.
    let waited = oracle.drain.is_some_and(|(since, _)| now.since(since) >= Span::secs(1));
    require(on_disk || failed || waited, "S-intent written before acting", || format!("{:?}", wanted.order))
}

fn claim_first(oracle: &Oracle, world: &World, now: Moment) -> Verdict {
    let on_disk = world.disk.intent.as_ref().is_some_and(|i| i.passive_by_us);
    let mut open = oracle.run.open.values().filter(|o| matches!(o.call, Call::KeepIntent(_)));
    // A second from when it was wanted, which may have waited for another write.
    let stuck = open.any(|o| now.since(o.sent) >= WRITTEN);
    let waited = stuck || oracle.run.intent_sent.is_some_and(|at| now.since(at) >= WRITTEN);
    let begun = oracle.drain.map(|(since, _)| since);
    // A write that failed, or was given up, was waited for as well, however long ago.
    let of_this_drain = |end: Option<Moment>| end.is_some_and(|at| begun.is_some_and(|since| at >= since));
    let failed = of_this_drain(world.disk.failed_at) || of_this_drain(oracle.run.intent_expired);
    // Nothing is written over what was not read.
    let late = oracle.run.unread || now.since(oracle.run.read_at) <= WRITTEN;
    let waited = waited || (late && begun.is_some_and(|since| now.since(since) >= WRITTEN));
    // Once waited for, it is ours, however often it is tried.
    require(on_disk || failed || waited || oracle.run.switched, "S-intent passive claimed before it is set", || {
        "a crash would leave it".into()
    })
}

fn keeps(intent: &Intent, oracle: &Oracle) -> Verdict {
    let kept: BTreeSet<Cause> = intent.drains.iter().map(|o| o.cause).collect();
    let wanted: BTreeSet<Cause> = oracle.orders.iter().map(|w| w.order.cause).collect();
    require(kept == wanted, "S-intent keeps what is wanted", || format!("{kept:?} instead of {wanted:?}"))
}

/// Where nothing is on its way there, what stands on disk is what is wanted: what was taken back is there no more.
fn kept_is_wanted(oracle: &Oracle, world: &World, now: Moment) -> Verdict {
    let open = oracle.run.open.values().any(|open| matches!(open.call, Call::KeepIntent(_)));
    let (run, disk) = (&oracle.run, &world.disk);
    // What has failed is tried again.
    let failed = [run.intent_expired, disk.failed_at, Some(run.read_at)].into_iter().flatten().max();
    let settled = failed.is_none_or(|at| now.since(at) > INTENT_AGAIN) && now >= disk.fails;
    let Some(intent) = disk.intent.as_ref().filter(|_| settled && !open && !run.unread) else { return Ok(()) };
    let kept: BTreeSet<Cause> = intent.drains.iter().map(|o| o.cause).collect();
    let wanted: BTreeSet<Cause> = oracle.orders.iter().map(|w| w.order.cause).collect();
    require(kept == wanted, "S-intent what stands on disk is what is wanted", || format!("{kept:?}, not {wanted:?}"))
}

fn receipt_true(receipt: &Receipt, oracle: &Oracle, world: &World) -> Verdict {
    let joined = oracle.done.is_none_or(|done| oracle.joined >= done);
    let again = oracle.run.receipts.contains(&receipt.id) && !joined;
    require(!again, "L2 one receipt per drain", || format!("{} again", receipt.id))?;
    for left in receipt.target_groups.iter().filter(|left| left.deregistered) {
        let Some(group) = world.groups.iter().find(|g| g.facts.arn == left.arn) else { continue };
        // Taken back, it is over before its receipt is written.
        let accepted = group.taken_out.is_some_and(|at| oracle.drain.is_none_or(|(since, _)| at >= since));
        require(accepted, "L2 a receipt tells the truth", || format!("{left:?}, but {group:?}"))?;
    }
    let resumed = receipt.result == DrainResult::Resumed;
    // By itself the agent takes back what could not be had by Standby.
    let by_itself = receipt.ended_by == EndedBy::Standby && oracle.notes.standby.is_some();
    let told = resumed == (oracle.orders.is_empty() || by_itself);
    require(told, "L2 a receipt tells the truth", || format!("{:?}", receipt.result))?;
    if receipt.result == DrainResult::Aborted {
        return require(oracle.run.abort_at.is_some(), "L2 a receipt tells the truth", || "not aborted".into());
    }
    idle_proven(receipt, oracle)?;
    receipts::clean_only_if_it_was(receipt, oracle, world)?;
    receipts::cut(receipt)?;
    receipts::passive_is_on(receipt, oracle, world)?;
    receipts::each_target_is_out(receipt, oracle, world)
}

/// "None running" rests on two answers that were asked for after everything else was over.
fn idle_proven(receipt: &Receipt, oracle: &Oracle) -> Verdict {
    let Some(step) =
        receipt.steps.iter().find(|s| s.name == StepName::Jobs && s.result == Some(StepResult::NoneRunning))
    else {
        return Ok(());
    };
    // What an earlier run of the agent had proven was looked at then.
    let since = oracle.drain.map_or(Moment(0), |(since, _)| since).max(oracle.run.begun);
    if step.started < since {
        return Ok(());
    }
    let end = step.started + Span(step.took_ms.unwrap_or(u64::MAX));
    // What had been asked before may come late, when nobody waits for it any more.
    let asked = oracle.run.api.iter().filter(|a| a.at <= end && a.asked >= step.started);
    let last: Vec<_> = asked.rev().take(2).collect();
    let proven = last.len() == 2 && last.iter().all(|a| a.running == Some(0));
    require(proven, "S-jobs idle is proven twice", || format!("{last:?}, the wait began at {}", step.started.0))
}

fn exit(ending: Ending, oracle: &Oracle) -> Verdict {
    match ending {
        Ending::Stopped => {
            require(oracle.run.stop_at.is_some(), "S9 exit only when asked", String::new)?;
            require(oracle.done.is_some(), "L2 a drain ends in a receipt", || "exit without one".into())
        }
        Ending::Aborted => require(oracle.run.abort_at.is_some(), "S9 exit only when asked", String::new),
    }
}

/// A drain shows from its first turn to its end, and only orders end it.
fn drain_shows(turn: &Turn<'_>, oracle: &Oracle) -> Verdict {
    let answer = turn.after.answer;
    let leaving = matches!(answer.state, State::Draining | State::Stopped);
    let wanted = !oracle.orders.is_empty();
    let over = turn.after.drain.as_ref().is_some_and(|drain| drain.phase == DrainPhase::Done);
    require(!over || oracle.done.is_some(), "S-join who joins a drain that was cut short has his own time", || {
        format!("over at once, joined at {}", oracle.joined.0)
    })?;
    // By time never; by an order, or when an Auto Scaling group has the node in service again.
    require(wanted == leaving, "S-drain shows while it is wanted, never ended by time", || format!("{answer:?}"))?;
    if !wanted || !answer.ok {
        return Ok(());
    }
    let phase = turn.after.drain.as_ref().map(|d| d.phase);
    // After a second signal nothing is decided any more.
    let open = matches!(phase, Some(DrainPhase::Advertise | DrainPhase::Jobs));
    let enters = standbys::enters(turn, oracle) && phase == Some(DrainPhase::Advertise);
    let holds = oracle.run.abort_at.is_some() || enters || (oracle.may_replace() && open);
    require(holds, "S1 draining is not 200", || format!("{answer:?} in {phase:?}"))
}

fn process_end_shows(turn: &Turn<'_>) -> Verdict {
    let Event::ProcessEnded(process) = turn.event else { return Ok(()) };
    let ours = turn.before.rundeck.process == Some(*process);
    let ok = turn.after.answer.ok;
    require(!(ours && ok), "S-kill a killed Rundeck is 503 in the same step", || format!("{:?}", turn.after.answer))
}

fn web_counts(snapshot: &Snapshot) -> (u32, u32) {
    let web = snapshot.checks.iter().find(|c| c.check == Check::Web);
    web.map_or((0, 0), |c| (c.passes, c.fails))
}

fn counters(turn: &Turn<'_>) -> Verdict {
    if turn.round != Some(Round::Unknown) {
        return Ok(());
    }
    let (before, after) = (web_counts(turn.before), web_counts(turn.after));
    require(before == after, "S5 unknown never moves a counter", || format!("{before:?} -> {after:?}"))
}

fn first_up(turn: &Turn<'_>, oracle: &Oracle) -> Verdict {
    let (before, after) = (turn.before.answer, turn.after.answer);
    if !(after.ok && after.state == State::Up) {
        return Ok(());
    }
    let web = &oracle.run.web;
    let rule = "S5 never up without the rise count";
    require(web.proven, rule, || format!("{web:?}, kept verdict aside"))?;
    let waited = turn.now.since(web.proven_at) >= Span::secs(60) || web.kept;
    let told = oracle.run.mode_told || !oracle.policy.circumstances.has_token;
    require(before.state != State::Booting || told || waited, "S5 a first up waits for the mode", || {
        format!("{web:?}")
    })?;
    let local = &oracle.run.local;
    let no_mark = oracle.policy.health.disk.down_below == Share(0) || oracle.may_replace();
    require(
        before.state != State::Booting || local.disks_told || no_mark || waited,
        "S5 a first up waits for the disks",
        || format!("{local:?}"),
    )?;
    let first = before.state == State::Booting;
    require(!(first && local.says_ready == Some(false)), "S5 never up against the readiness state", || {
        format!("{local:?}")
    })?;
    require(!local.saying.shut, "S-ready what the readiness state shut, no odd answer opens", || format!("{local:?}"))?;
    require(local.stopping < 2, "S-stop a Rundeck that was told to end is not up", || format!("{local:?}"))?;
    let by_health = before.state == State::Down
        && matches!(before.reason, Reason::Timeout | Reason::BadStatus | Reason::BadBody | Reason::Redirect);
    // A readiness state that was silent has the same reason.
    require(!by_health || !web.out, rule, || format!("{web:?} after {before:?}"))
}

/// The node goes down for as many results as the documentation says, no fewer; and what is shared takes it out by no
/// rule.
fn local_checks(turn: &Turn<'_>, oracle: &Oracle) -> Verdict {
    const RULE: &str = "S5 never down without the evidence";
    let (before, after) = (turn.before.answer, turn.after.answer);
    let (local, web, fall) = (&oracle.run.local, &oracle.run.web, oracle.policy.health.fall);
    if !(before.state == State::Up && after.state == State::Down) {
        return Ok(());
    }
    let enough = match after.reason {
        Reason::Timeout | Reason::BadStatus | Reason::BadBody | Reason::Redirect => {
            web.fails >= fall || local.not_ready >= fall
        }
        Reason::RundeckStopping => local.not_ready >= fall || local.stopping >= 2 || local.unsound >= fall,
        Reason::WrongProcess => local.unsound >= fall,
        Reason::Disk => local.crammed && !oracle.may_replace(),
        Reason::Database => oracle.policy.health.database == DatabaseRule::Eject && !oracle.may_replace(),
        Reason::Refused => web.fails >= 2,
        Reason::Exited | Reason::Passive | Reason::Blind | Reason::Waiting => true,
        _ => false,
    };
    require(enough, RULE, || format!("{after:?} after {web:?}, {local:?}"))
}

/// An agent that has had no way to look for longer than a verdict may age vouches for nobody, whatever the node does.
fn blind(turn: &Turn<'_>, oracle: &Oracle) -> Verdict {
    let max_age = oracle.policy.health.max_age;
    // Where the last rounds came to nothing for another reason, as long as rounds could not connect counts.
    let until = if oracle.run.nameless { oracle.run.blind_at } else { turn.now };
    let since = oracle.run.blind_since.filter(|since| until.since(*since) > max_age);
    require(!(turn.after.answer.ok && since.is_some()), "S-blind nobody is vouched for blindly", || {
        format!("{:?}, blind since {since:?}", turn.after.answer)
    })
}

/// A start takes no longer than its budget, whatever it is waiting for.
fn boot_budget(turn: &Turn<'_>, oracle: &mut Oracle) -> Verdict {
    if turn.after.answer.state != State::Booting {
        oracle.run.booting_since = None;
        return Ok(());
    }
    let since = *oracle.run.booting_since.get_or_insert(turn.now);
    require(turn.now.since(since) <= oracle.policy.health.boot_timeout, "S5 a start has a budget", || {
        format!("booting for {} s", turn.now.since(since).0 / 1000)
    })
}

/// Where an Auto Scaling group would replace the node, passive mode by others does not take it out.
fn group_rule(turn: &Turn<'_>, oracle: &Oracle) -> Verdict {
    let passive = turn.after.answer.reason == Reason::Passive;
    require(!(passive && oracle.may_replace()), "S-asg no choice of ours gets a node terminated", || {
        "passive is 503".into()
    })
}

/// The latest moment at which the drain that runs must have ended in a receipt.
fn drain_bound(oracle: &Oracle, since: Moment) -> Moment {
    let policy = &oracle.policy.drain;
    // 300 s: AWS's delay for a group that could not be read; 65 s: its detection; slack for both and for two changes.
    let quiet = policy.quiet_timeout.unwrap_or(Span::secs(300)).max(Span::secs(95)).max(policy.floor);
    let all = since + quiet + policy.jobs_timeout + Span::secs(25);
    let deadlines: Option<Vec<Moment>> =
        oracle.orders.iter().map(|w| w.order.deadline.map(|d| d.max(w.since))).collect();
    deadlines.and_then(|all| all.into_iter().max()).map_or(all, |d| all.min(d + Span::secs(5)))
}

fn drain_ends(oracle: &Oracle, now: Moment) -> Verdict {
    let Some((since, _)) = oracle.drain else { return Ok(()) };
    let stalled = Span(oracle.stalled - oracle.stalled_at_begin);
    let bound = drain_bound(oracle, since.max(oracle.joined).max(oracle.moved)) + stalled;
    let Some(done) = oracle.done else {
        return require(now <= bound, "L2 a drain ends in a receipt, in time", || {
            format!("began at {}, must have ended by {}", since.0, bound.0)
        });
    };
    // Writing a receipt is waited for two seconds; then a stopping agent is gone, at its next turn, which may be late.
    let exit = oracle.run.stop_at.map(|at| at.max(done) + stalled + Span::secs(8));
    require(exit.is_none_or(|at| now <= at), "S9 exit always happens", || format!("still there, done at {}", done.0))
}

/// Requests still arrive for a while after deregistering: whoever was in service waits for the floor.
fn floor_kept(receipt: &Receipt, oracle: &Oracle, now: Moment) -> Verdict {
    let whole = matches!(receipt.result, DrainResult::Clean | DrainResult::Unproven);
    // Whose end nobody saw may still finish what it serves.
    let nobody = receipt.steps.iter().filter(|s| s.name == StepName::Quiet).any(|s| match s.result {
        Some(StepResult::RundeckGone | StepResult::RundeckStarts) => true,
        Some(StepResult::RundeckUnseen) => oracle.run.ended || !oracle.run.web.answered,
        _ => false,
    });
    let Some((since, _)) = oracle.drain.filter(|_| whole && oracle.run.was_ok && !nobody) else { return Ok(()) };
    let waited = now.since(since);
    require(waited >= oracle.policy.drain.floor, "S-floor requests in flight are waited for", || {
        format!("{} ms after the drain began", waited.0)
    })
}

/// A short name for a command, for tables.
pub fn name(command: &Command) -> String {
    match command {
        Command::Call { call: Call::SetMode(mode), .. } => format!("mode {mode}"),
        Command::Call { call: Call::KeepIntent(intent), .. } => {
            let causes: Vec<&str> = intent.drains.iter().map(|o| o.cause.word()).collect();
            format!("intent [{}{}]", causes.join(" "), if intent.passive_by_us { " passive" } else { "" })
        }
        Command::Call { call: Call::Register { .. }, .. } => "register".into(),
        Command::Call { call: Call::Deregister { .. }, .. } => "deregister".into(),
        Command::Call { call: Call::DescribeTarget(_), .. } => "describe target".into(),
        Command::Call { call, .. } => budget::kind(call).into(),
        Command::WatchExit(process) => format!("watch {}", process.pid),
        Command::KeepVerdict(_) => "keep verdict".into(),
        Command::DropVerdict => "drop verdict".into(),
        Command::Answer(_, answer) => format!("answer {answer:?}"),
        Command::Looked { check, outcome, .. } => format!("{check} {outcome}"),
        Command::Tell(note) => format!("\"{}\"", note.text),
        Command::Exit(ending) => format!("exit {ending:?}"),
    }
}
