//! What hangs, by the world's record: what the agent leaves hanging over there, how long silence is excused, and what
//! is said of the database.

use crate::oracle::Oracle;
use crate::rule::{Turn, Verdict, require};
use crate::world::{RECENT, World};
use rundeck_alb_core::{Degraded, Moment, Span, WebSeen};

/// Silence is put down to the database for so long, alone and in an Auto Scaling group; with the last rounds.
const EXCUSED: Span = Span::secs(300 + 40);
const EXCUSED_IN_GROUP: Span = Span::secs(1_800 + 40);
/// Threads that may be left hanging in ten minutes: one asked about again at once, then pauses of 15 seconds, doubling
/// to five minutes; as much for a switch of the mode, and one for each excused silence.
const THREADS: usize = 18;
/// A drain that runs needs to know, and to switch: its tries are no rarer than this in the long run, and more at first.
const LEAVING: Span = Span::secs(10);
const FIRST: u64 = 10;
const TEN_MINUTES: Span = Span::secs(600);

/// Calls that hang are bounded: each holds one of Jetty's threads, and giving up frees none.
pub fn threads(turn: &Turn<'_>, oracle: &mut Oracle, world: &World) -> Verdict {
    const RULE: &str = "S-hang calls that hang are bounded";
    let threads = &world.rundeck.threads;
    let leaves = oracle.drain.is_some() && oracle.done.is_none();
    let notes = &mut oracle.notes;
    if threads.len() < notes.threads || threads.is_empty() {
        notes.threads = 0;
        notes.hung_leaving.clear();
        notes.hung_else.clear();
        notes.drains_begun = 0;
    }
    let before = std::mem::replace(&mut notes.leaves, leaves);
    notes.drains_begun += u64::from(leaves && !before);
    let news = threads.iter().skip(notes.threads);
    if leaves {
        // Whoever changes his mind wants the mode switched now.
        notes.hung_else.clear();
        notes.hung_leaving.extend(news);
    } else {
        notes.hung_else.extend(news);
    }
    notes.threads = threads.len();
    let lately = |all: &[Moment]| all.iter().filter(|at| turn.now.since(**at) < TEN_MINUTES).count();
    require(lately(&notes.hung_else) <= THREADS, RULE, || format!("{:?}", notes.hung_else))?;
    let took = notes.hung_leaving.first().map_or(Span::ZERO, |first| turn.now.since(*first));
    // Each drain that begins asks once, and switches once, whatever hung before.
    let most = FIRST + took.0 / LEAVING.0 + 2 * notes.drains_begun.saturating_sub(1);
    require(notes.hung_leaving.len() as u64 <= most, RULE, || format!("in drains: {:?}", notes.hung_leaving))
}

/// Each excuse ends: a node whose `/health` gives nothing but silence is out in time, whatever the database does.
pub fn excuse_ends(turn: &Turn<'_>, oracle: &mut Oracle, world: &World) -> Verdict {
    let silent = world.rundeck.silent(turn.now) && world.cannot.0 <= turn.now && world.mix.replies == 0;
    oracle.notes.silent_since = oracle.notes.silent_since.or(Some(turn.now)).filter(|_| silent);
    let Some(since) = oracle.notes.silent_since else { return Ok(()) };
    let took = turn.now.since(since.max(oracle.stalled_until).max(oracle.run.begun));
    let bound = if oracle.may_replace() { EXCUSED_IN_GROUP } else { EXCUSED };
    require(!turn.after.answer.ok || took <= bound, "S-excuse each excuse ends", || {
        format!("200 after {} s of silence", took.0 / 1000)
    })
}

/// What is said of the database was so not long ago.
pub fn database_told(turn: &Turn<'_>, oracle: &Oracle, world: &World) -> Verdict {
    const RULE: &str = "S-database flagged only while it is in trouble";
    if !turn.after.degraded.contains(&Degraded::Database) {
        return Ok(());
    }
    let rundeck = &world.rundeck;
    // A loop that stood still takes what waits in its queue for calls that hang.
    let own = oracle.stalled_until;
    let ever = [rundeck.database.0, rundeck.database_fails, world.lost_at, rundeck.hung_since, own];
    require(ever.into_iter().any(|at| at != Moment(0)), RULE, || "nothing was ever wrong with it".into())?;
    let shut = [world.cannot.0, rundeck.web.0, rundeck.stranger, rundeck.unseen.0, world.lost_at];
    let since = shut.into_iter().chain([own, rundeck.api_well_since()]).max().unwrap_or(turn.now);
    require(turn.now.since(since) <= RECENT, RULE, || format!("all has been well since {}", since.0))
}

/// An agent that has had no way to connect for longer than a verdict may age vouches for nobody, in whatever state.
pub fn blind(turn: &Turn<'_>, oracle: &Oracle, world: &World) -> Verdict {
    let cannot = turn.now < world.cannot.0 && world.cannot.1 == WebSeen::CannotConnect && world.mix.replies == 0;
    let since = world.cannot_since.max(oracle.run.begun).max(oracle.stalled_until);
    // A round that was under way, and the next one.
    let long = turn.now.since(since) > oracle.policy.health.max_age + Span::secs(12);
    require(!(cannot && long && turn.after.answer.ok), "S-blind nobody is vouched for blindly", || {
        format!("{:?}, no way to connect since {}", turn.after.answer, since.0)
    })
}
