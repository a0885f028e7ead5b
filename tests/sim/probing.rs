//! Promises about how Rundeck is asked, and what its silence is taken for.

use crate::evidence::BELIEVED;
use crate::oracle::Oracle;
use crate::rule::{Turn, Verdict, require};
use crate::world::{RECENT, World};
use rundeck_alb_core::{Call, Moment, Span};

/// A JVM that stands still is out after so long: `fall` silent rounds, with jitter and latency.
const FROZEN: Span = Span::secs(20);

/// A look for the process is given up after so long.
const LOOK: Span = Span::secs(5);

/// Who listens is known to be somebody else, or Rundeck's process has ended and its port has not answered well for a
/// minute without a break since (silence after that is none: it stays whose it was); or nobody has looked yet.
pub fn no_token_to_strangers(call: &Call, oracle: &Oracle, now: Moment) -> Verdict {
    let web = &oracle.run.web;
    let believed = web.believed || web.good_since.is_some_and(|since| now.since(since) >= BELIEVED);
    let strange = oracle.run.local.stranger || (oracle.run.orphan && !believed);
    let unknown = !oracle.run.local.looked && now < oracle.run.begun + LOOK;
    require(!((strange || unknown) && carries_token(call)), "S-token the token goes to no stranger", || {
        format!("{call:?}")
    })
}

/// Calls that may need the database go one by one: all that carry the token, the switch of the mode among them.
pub fn one_by_one(call: &Call, oracle: &Oracle) -> Verdict {
    let open = &oracle.run.bound.open;
    let two = oracle.run.bound.needs_database(call) && !open.is_empty();
    require(!two, "S-lane never two calls that need the database or carry the token", || format!("{call:?}, {open:?}"))
}

fn carries_token(call: &Call) -> bool {
    matches!(call, Call::ProbeApi | Call::ProbeDatabase { .. } | Call::SetMode(_))
}

/// By the world's record: a JVM that stands still is out in time, whatever calls were given up before, unless its
/// database really hung not long before.
pub fn frozen_shows(turn: &Turn<'_>, oracle: &mut Oracle, world: &World) -> Verdict {
    let rundeck = &world.rundeck;
    let database = rundeck.database.0;
    // Sooner, where it was seen to answer since.
    let seen = oracle.run.api.iter().any(|a| a.asked >= database && a.running.is_some());
    // One that stops while calls still hang for the database looks the same for as long as that excuses it.
    let well = database == Moment(0) || database + RECENT < rundeck.hung_since || (database <= turn.now && seen);
    // A reply that gets lost looks like a call that hangs.
    let judged = world.sight.hindered_until() <= turn.now && world.mix.replies == 0;
    if !(turn.now < rundeck.hung && well && judged && rundeck.process.is_some()) {
        oracle.frozen = None;
        return Ok(());
    }
    let since = match oracle.frozen {
        Some((since, stalled)) if stalled == oracle.stalled => since.max(rundeck.hung_since),
        _ => turn.now,
    };
    oracle.frozen = Some((since, oracle.stalled));
    let took = turn.now.since(since);
    require(!turn.after.answer.ok || took <= FROZEN, "S-frozen a JVM that stands still is called out", || {
        format!("200 for {} ms", took.0)
    })
}
