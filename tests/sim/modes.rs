//! Whose passive mode it is, by the world's record: by others it takes the node out and is never undone, ours is.

use crate::consents;
use crate::oracle::Oracle;
use crate::rule::{Turn, Verdict, require};
use crate::world::{RECENT, World};
use rundeck_alb_core::{Call, Command, Finding, Mode, Moment, PassiveRule, Span, State};

/// Two looks at the usual pace, and one that was under way.
const SEEN_WITHIN: Span = Span::secs(60);
/// The same, and a switch that is tried again.
const UNDONE_WITHIN: Span = Span::secs(90);
/// So long a look is waited for that tells whether the process is there which an earlier run has named.
const LOOKED_FOR: Span = Span::secs(60);
/// A switch that was given up may land so late, and is ours until then.
const LANDS_WITHIN: Span = Span::secs(345);

/// Since when the agent has had every chance to ask Rundeck for its mode.
fn askable_since(oracle: &Oracle, world: &World) -> Moment {
    let rundeck = &world.rundeck;
    let shut =
        [world.sight.hindered_until(), rundeck.web.0, rundeck.stranger, rundeck.unseen.0, rundeck.answers_from()];
    let own = [oracle.run.read_at, oracle.stalled_until, world.lost_at, rundeck.mode_since];
    shut.into_iter().chain(own).fold(rundeck.api_well_since(), Moment::max)
}

/// Nothing was ever wrong with the API of this process, nor with the way to it.
fn always_askable(oracle: &Oracle, world: &World) -> bool {
    let rundeck = &world.rundeck;
    let begun = oracle.run.begun;
    rundeck.api_well_since() <= rundeck.answers_from().max(begun)
        && [world.lost_at, world.sight.hindered_until(), oracle.stalled_until].into_iter().all(|at| at <= begun)
}

/// How long a mode may stand unseen: pauses after answers of no use are long.
fn within(usual: Span, oracle: &Oracle, world: &World) -> Span {
    if always_askable(oracle, world) { usual } else { usual + RECENT }
}

/// Passive by others is seen before a first 200, and takes out a node that says 200 already, in bounded time.
pub fn others_passive_shows(turn: &Turn<'_>, oracle: &Oracle, world: &World) -> Verdict {
    let (policy, rundeck, after) = (&oracle.policy, &world.rundeck, turn.after.answer);
    let out = policy.health.passive == PassiveRule::Out && policy.circumstances.has_token && !oracle.may_replace();
    let theirs = rundeck.process.is_some() && rundeck.mode == Mode::Passive && rundeck.passive_by_others;
    if !(out && theirs && after.ok && after.state == State::Up) || oracle.claim {
        return Ok(());
    }
    let first = turn.before.answer.state == State::Booting && !oracle.run.web.kept;
    let told = rundeck.mode_since <= rundeck.answers_from().max(oracle.run.begun) && always_askable(oracle, world);
    require(!(first && told), "S5 a first up waits for the mode", || {
        format!("passive since {}", rundeck.mode_since.0)
    })?;
    let since = askable_since(oracle, world);
    let seen = turn.now.since(since) <= within(SEEN_WITHIN, oracle, world) || consents::holds(turn, oracle);
    require(seen, "S-mode passive by others takes the node out", || format!("passive and askable since {}", since.0))
}

/// The switch that a turn wants, by whose passive mode it would undo; and passive mode of ours does not stay.
pub fn ours_alone_is_undone(turn: &Turn<'_>, oracle: &mut Oracle, world: &World) -> Verdict {
    let (now, rundeck) = (turn.now, &world.rundeck);
    for command in turn.commands {
        match command {
            Command::Call { call: Call::SetMode(Mode::Passive), .. } => {
                oracle.notes.passive_asked = rundeck.process.map(|process| (now, process));
            }
            Command::Call { call: Call::SetMode(Mode::Active), .. } => undoes_ours(oracle, world)?,
            _ => {}
        }
    }
    let free = oracle.drain.is_none() && turn.after.drain.is_none();
    oracle.notes.free_since = oracle.notes.free_since.or(Some(now)).filter(|_| free);
    let Some(free) = oracle.notes.free_since else { return Ok(()) };
    let forgotten = rundeck.process.is_none() || rundeck.untraced == rundeck.process;
    let acts = oracle.policy.circumstances.has_token && !oracle.policy.dry_run;
    let ours = rundeck.mode == Mode::Passive && !rundeck.passive_by_others && !forgotten;
    let since = askable_since(oracle, world).max(free);
    let late = now.since(since) > within(UNDONE_WITHIN, oracle, world);
    let told = turn.after.findings.iter().any(|view| view.finding == Finding::PassiveMode);
    let silent = forgotten && rundeck.mode == Mode::Passive && rundeck.process.is_some() && acts && late && !told;
    require(!silent, "L3 passive mode that nobody undoes is told", || format!("since {}", since.0))?;
    let undone = !(ours && acts) || now.since(since) <= within(UNDONE_WITHIN, oracle, world);
    require(undone, "L3 passive mode of ours is undone", || format!("since {}", since.0))
}

/// Somebody else's passive mode is left alone: where this process was never asked to be passive, and where it was seen
/// active since, by everybody who looked.
fn undoes_ours(oracle: &Oracle, world: &World) -> Verdict {
    let (rundeck, notes) = (&world.rundeck, &oracle.notes);
    if !(rundeck.mode == Mode::Passive && rundeck.passive_by_others) {
        return Ok(());
    }
    const RULE: &str = "S7 passive is undone only if we set it";
    let asked = notes.passive_asked.filter(|(_, process)| Some(*process) == rundeck.process);
    let Some((asked, _)) = asked else {
        // A loop that stood still has not heard yet that another process is there.
        let deaf = oracle.stalled_until != Moment(0) && world.now.since(oracle.stalled_until) < Span::secs(5);
        // Nor can anybody know it who sees no process: of a claim that names none, or for a minute of the run.
        let waited = notes.named.is_some() && world.now.since(oracle.run.begun) >= LOOKED_FOR;
        let unseen = oracle.run.process.is_none() && (notes.unnamed || waited);
        return require(deaf || unseen, RULE, || format!("this process was never asked: {:?}", notes.passive_asked));
    };
    let (from, until) = (rundeck.mode_before.max(asked + LANDS_WITHIN), rundeck.mode_since);
    let own =
        [oracle.run.begun, oracle.stalled_until, world.lost_at, rundeck.api_well_since(), world.sight.hindered_until()];
    let free = notes.free_since.unwrap_or(world.now);
    let seen_active = own.into_iter().fold(from.max(free), Moment::max) + SEEN_WITHIN + RECENT < until;
    require(!seen_active, RULE, || format!("active from {} to {}, asked at {}", from.0, until.0, asked.0))
}
