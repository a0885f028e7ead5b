//! One list of scenarios about membership, played in the lab and in moto: what the agent does in our own world it does
//! in one that somebody else wrote, with the permissions checked that the program prints.
//!
//! Where moto departs from AWS, a scenario is excused there by the row of the table of departures that says so. An
//! excuse that is no longer needed fails the test, and most scenarios need none.

pub mod referee;
mod scenarios;
mod stand;

use referee::Referee;
use rundeck_alb_lab::outside::departures;
use scenarios::{SCENARIOS, Scenario};
use stand::{Outcome, Stand};
use std::collections::BTreeMap;
use std::rc::Rc;
use tokio::sync::Semaphore;
use tokio::task::LocalSet;

/// Scenarios that are played at a time: each is mostly waiting.
const AT_A_TIME: usize = 6;

/// A scenario that cannot end well in moto, and the row of the table of departures that says why.
struct Excuse {
    scenario: &'static str,
    departure: &'static str,
}

const EXCUSES: [Excuse; 4] = [
    Excuse {
        scenario: "a group of addresses gets the node's address",
        departure: "describe an address that was never registered",
    },
    Excuse { scenario: "one group under two ports is two targets", departure: "ports of one id registered on two" },
    Excuse {
        scenario: "a leaving target is drained for its delay",
        departure: "describe the group after deregistering",
    },
    Excuse {
        scenario: "a node that others put into Standby leaves its attached group by their doing",
        departure: "targets of an instance that is put into Standby",
    },
];

/// Of a hundred scenarios so many must run in moto as they are.
const UNEXCUSED_PERCENT: usize = 80;

/// Plays all of them, a few at a time, each on a stand of its own.
async fn played(stand: impl AsyncFn(usize) -> Stand + Clone + 'static) -> BTreeMap<&'static str, Outcome> {
    let (turns, local) = (Rc::new(Semaphore::new(AT_A_TIME)), LocalSet::new());
    let play = |(number, scenario): (usize, &'static Scenario)| {
        let (turns, stand) = (turns.clone(), stand.clone());
        let task = local.spawn_local(async move {
            let _turn = turns.acquire().await.expect("never closed");
            (scenario.play)(&stand(number).await).await
        });
        (scenario.name, task)
    };
    let tasks: Vec<_> = SCENARIOS.iter().enumerate().map(play).collect();
    let ended = async {
        let mut outcomes = BTreeMap::new();
        for (name, task) in tasks {
            let outcome = task.await.unwrap_or_else(|panic| Err(panic.to_string()));
            outcomes.insert(name, outcome);
        }
        outcomes
    };
    local.run_until(ended).await
}

/// What went wrong in each, to be read.
fn told(outcomes: &BTreeMap<&'static str, Outcome>) -> String {
    outcomes.iter().filter_map(|(name, outcome)| Some(format!("{name}: {}\n", outcome.as_ref().err()?))).collect()
}

fn failed(outcomes: &BTreeMap<&'static str, Outcome>) -> Vec<&'static str> {
    outcomes.iter().filter(|(_, outcome)| outcome.is_err()).map(|(name, _)| *name).collect()
}

#[test]
fn every_excuse_is_for_a_scenario_and_cites_a_row_and_most_scenarios_have_none() {
    for Excuse { scenario, departure } in EXCUSES {
        assert!(SCENARIOS.iter().any(|it| it.name == scenario), "{scenario}");
        assert!(departures().any(|row| row.scenario == departure), "{departure}");
    }
    let mut names: Vec<&str> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), SCENARIOS.len(), "each name once");
    let unexcused = SCENARIOS.len() - EXCUSES.len();
    println!("{unexcused} of {} scenarios run in moto with no excuse", SCENARIOS.len());
    assert!(unexcused * 100 >= SCENARIOS.len() * UNEXCUSED_PERCENT, "{unexcused} of {}", SCENARIOS.len());
}

#[tokio::test]
async fn all_scenarios_hold_in_the_lab() {
    let outcomes = played(async |_| Stand::in_lab().await).await;
    assert_eq!(failed(&outcomes), [""; 0], "{}", told(&outcomes));
}

#[tokio::test]
async fn all_scenarios_hold_in_moto_but_those_that_need_their_excuse() {
    let Some(referee) = Referee::open().await else { return };
    let referee = Rc::new(referee);
    let outcomes = played(async move |number| Stand::in_moto(referee.clone(), number).await).await;
    let mut excused = EXCUSES.map(|excuse| excuse.scenario);
    excused.sort_unstable();
    assert_eq!(failed(&outcomes), excused, "{}", told(&outcomes));
}
