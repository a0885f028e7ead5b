//! The simulator: random worlds around the heart, the promises checked after each step, then a healed world that must
//! settle.
//!
//! `SIM_SCHEDULES=1000000` runs more, `SIM_SEED=n` begins elsewhere, `SIM_ONE=seed` prints one schedule as a table.
//! A failing seed is printed, made small, and kept in `tests/sim/seeds`; every kept one is replayed first in each run.

/// An enum and the list of all its variants, in one.
macro_rules! listed {
    (pub enum $name:ident { $($(#[$doc:meta])* $variant:ident,)+ }) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            pub const ALL: &'static [$name] = &[$($name::$variant,)+];
        }
    };
}

mod balancer;
mod broken;
mod budget;
mod chaos;
mod consents;
mod drains;
mod eager;
mod evidence;
mod faults;
mod hangs;
mod hooks;
mod invariants;
mod joins;
mod maintained;
mod metadata;
mod minimise;
mod modes;
mod notes;
mod oracle;
mod plan;
mod probing;
mod receipts;
mod rule;
mod run;
mod rundeck;
mod runner;
mod scaling;
mod sight;
mod slowness;
mod standbys;
mod subject;
mod switched;
mod table;
mod taken;
mod tape;
mod targets;
mod upkeep;
mod wakes;
mod world;

use runner::schedule;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use table::say;
use tape::Tape;

/// Schedules of the ordinary test run: a minute on two quiet cores; 100,000 do not fit into two.
const SCHEDULES: u64 = 20_000;
/// Decisions of one schedule; what comes later is calm.
pub const DECISIONS: usize = 1_500;
/// Threads of the ordinary run; more are of no use on the smallest machines.
const THREADS: u64 = 2;

/// Reads a number from the environment.
fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn seeds_that_once_failed_hold() {
    let kept = minimise::kept_tapes();
    for (name, tape) in kept {
        let outcome = schedule(tape, &subject::heart, false);
        assert!(outcome.verdict.is_ok(), "{name}: {:?}", outcome.verdict);
    }
}

#[test]
fn random_schedules_keep_the_promises() {
    if setting("SIM_SURVEY").is_some() {
        return survey();
    }
    if let Some(seed) = setting("SIM_ONE") {
        let outcome = schedule(Tape::from_seed(seed, DECISIONS), &subject::heart, true);
        outcome.rows.iter().for_each(|row| say(&row.to_string()));
        assert!(outcome.verdict.is_ok(), "seed {seed}: {:?}", outcome.verdict);
        return;
    }
    let first = setting("SIM_SEED").unwrap_or(1);
    let count = setting("SIM_SCHEDULES").unwrap_or(SCHEDULES);
    let begun = std::time::Instant::now();
    let next = AtomicU64::new(first);
    let turns = AtomicU64::new(0);
    let failed = std::thread::scope(|scope| {
        let work = || {
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= first + count {
                    return None;
                }
                let outcome = schedule(Tape::from_seed(seed, DECISIONS), &subject::heart, false);
                turns.fetch_add(outcome.turns, Ordering::Relaxed);
                if let Err(violation) = outcome.verdict {
                    next.fetch_add(count, Ordering::Relaxed);
                    return Some((seed, violation));
                }
            }
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok().flatten()).min_by_key(|(seed, _)| *seed)
    });
    if let Some((seed, violation)) = failed {
        // Where hearts are broken one after another (`cargo xtask mutants`) nobody reads how each of them failed.
        if std::env::var_os("SIM_UNKEPT").is_none() {
            say(&minimise::report(seed, &violation));
        }
        assert_eq!(violation.rule, "", "seed {seed}: {}: {}", violation.rule, violation.text);
    }
    let seconds = begun.elapsed().as_secs_f64();
    let turns = turns.load(Ordering::Relaxed);
    let rate = count as f64 / seconds;
    say(&format!(
        "simulator: {count} schedules in {seconds:.1} s, {rate:.0} schedules/s, {} turns each",
        turns / count
    ));
}

/// For work on the oracle: which promises break how often; the first seed of each is made small and kept.
fn survey() {
    let first = setting("SIM_SEED").unwrap_or(1);
    let mut rules: BTreeMap<&str, (u64, u64, String)> = BTreeMap::new();
    for seed in first..first + setting("SIM_SCHEDULES").unwrap_or(SCHEDULES) {
        if let Err(violation) = schedule(Tape::from_seed(seed, DECISIONS), &subject::heart, false).verdict {
            match rules.contains_key(violation.rule) {
                true => say(&format!("seed {seed}: {}", violation.rule)),
                false => say(&minimise::report(seed, &violation)),
            }
            rules.entry(violation.rule).or_insert((0, seed, violation.text)).0 += 1;
        }
    }
    for (rule, (count, seed, text)) in rules {
        say(&format!("{count:>6} x {rule}; first with seed {seed}: {text}"));
    }
}

#[test]
fn broken_hearts_are_caught() {
    for &flaw in broken::Flaw::ALL {
        let caught = broken::caught_after(flaw, SCHEDULES);
        assert!(caught.is_some(), "{flaw:?} was not caught in {SCHEDULES} schedules");
        if let Some((count, violation)) = caught {
            say(&format!("broken heart {flaw:?}: caught after {count} schedules by {}", violation.rule));
        }
    }
}
