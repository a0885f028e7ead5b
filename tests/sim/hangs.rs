//! What hangs, by the world's record: what the agent leaves hanging over there, how long silence is excused, and what
//! is said of the database.

use crate::oracle::Oracle;
use crate::rule::{Turn, Verdict, require};
use crate::world::{RECENT, World};
use rundeck_alb_core::{Degraded, Event, Moment, Reply, Span, WebSeen};

/// Silence is put down to the database for so long, alone and in an Auto Scaling group.
const EXCUSED: Span = Span::secs(300);
const EXCUSED_IN_GROUP: Span = Span::secs(1_800);
/// The rounds that take the node out then, at the slow pace, and each of them lost.
const HEARD: Span = Span::secs(40);
/// Threads that may be left hanging in ten minutes: one asked about again at once, then pauses of 15 seconds, doubling
/// to five minutes; as much for a switch of the mode, one for each excused silence, and one in five minutes for the end
/// of such.
const THREADS: usize = 20;
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
    let resumed = std::mem::replace(&mut notes.wanted_out, oracle.drain.is_some()) && oracle.drain.is_none();
    let news = threads.iter().skip(notes.threads);
    if leaves || resumed {
        // Whoever changes his mind wants the mode switched now.
        notes.hung_else.clear();
    }
    if leaves { &mut notes.hung_leaving } else { &mut notes.hung_else }.extend(news);
    notes.threads = threads.len();
    let lately = |all: &[Moment]| all.iter().filter(|at| turn.now.since(**at) < TEN_MINUTES).count();
    require(lately(&notes.hung_else) <= THREADS, RULE, || format!("{:?}", notes.hung_else))?;
    let took = notes.hung_leaving.first().map_or(Span::ZERO, |first| turn.now.since(*first));
    // Each drain that begins asks once, and switches once, whatever hung before.
    let most = FIRST + took.0 / LEAVING.0 + 2 * notes.drains_begun.saturating_sub(1);
    require(notes.hung_leaving.len() as u64 <= most, RULE, || format!("in drains: {:?}", notes.hung_leaving))
}

/// Each excuse ends: a node whose `/health` gives no answer is out in time, whatever the database does, and whatever
/// keeps single rounds in between from looking.
pub fn excuse_ends(turn: &Turn<'_>, oracle: &mut Oracle, world: &World) -> Verdict {
    let heard = matches!(turn.event, Event::Reply(_, Reply::Web(WebSeen::TimedOut, _)));
    let silent = world.rundeck.silent(turn.now);
    let began = oracle.notes.silent_since.or(heard.then_some(turn.now)).filter(|_| silent);
    oracle.notes.silent_since = began;
    let Some(since) = began else { return Ok(()) };
    let took = turn.now.since(since);
    // Whoever could not look has to hear the silence once more, and that the excuse has another end.
    let hindered = [world.sight.hindered_until(), oracle.stalled_until, oracle.moved].into_iter().max();
    let looks = turn.now.since(hindered.unwrap_or(since)) > HEARD;
    let excused = if oracle.may_replace() { EXCUSED_IN_GROUP } else { EXCUSED };
    require(!turn.after.answer.ok || took <= excused + HEARD || !looks, "S-excuse each excuse ends", || {
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
    let shut = [world.sight.hindered_until(), rundeck.web.0, rundeck.stranger, rundeck.unseen.0, world.lost_at];
    let since = shut.into_iter().chain([own, rundeck.api_well_since()]).max().unwrap_or(turn.now);
    require(turn.now.since(since) <= RECENT, RULE, || format!("all has been well since {}", since.0))
}

/// An agent that has had no way to connect for longer than a verdict may age vouches for nobody, in whatever state,
/// whatever else single rounds met on the way.
pub fn blind(turn: &Turn<'_>, oracle: &mut Oracle, world: &World) -> Verdict {
    let told = matches!(turn.event, Event::Reply(_, Reply::Web(WebSeen::CannotConnect, _)));
    // What the world began anew in between was a way to connect.
    let same = oracle.notes.blind_since.filter(|since| *since >= world.sight.blind_since);
    let began = same.or(told.then_some(turn.now)).filter(|_| turn.now < world.sight.blind);
    oracle.notes.blind_since = began;
    let since = began.map(|since| since.max(oracle.stalled_until));
    // A round that was under way, and the next one.
    let hidden = oracle.run.nameless || turn.now < world.sight.nameless + Span::secs(12);
    let long = since.is_some_and(|since| turn.now.since(since) > oracle.policy.health.max_age + Span::secs(12));
    let long = long && !hidden;
    require(!(long && turn.after.answer.ok), "S-blind nobody is vouched for blindly", || {
        format!("{:?}, no way to connect since {since:?}", turn.after.answer)
    })
}
