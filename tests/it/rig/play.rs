//! Plays scenarios, several at a time: the agent watches, each leg is done and its words are waited for, the timeline
//! is judged.

use super::scenario::{Act, Leg, Scenario};
use super::subject::{Subject, TOKEN};
use super::timeline::Timeline;
use crate::support::{Config, TestAgent, stays};
use std::future::Future;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Slow enough for a JVM on a busy machine, quick enough for a test. `settle` is longer than what a bootstrap still
/// takes when its first good answers come. The timed database call is out of the way: `system/info` needs the database
/// here, and is asked often.
const PACES: &str = r#"interval = "1s"
fast_interval = "250ms"
down_interval = "250ms"
api_interval = "400ms"
database_interval = "5m"
connect_timeout = "500ms"
timeout = "900ms"
settle = "3s"
max_age = "10s""#;

/// A JVM that starts beside builds and other JVMs took 40 s.
const BOOT_TIMEOUT: &str = "3m";

/// What is being played, and what came of it.
pub struct Plays {
    room: Arc<Semaphore>,
    running: JoinSet<Result<(), String>>,
}

impl Plays {
    /// So many at a time.
    pub fn of(room: usize) -> Plays {
        Plays { room: Arc::new(Semaphore::new(room)), running: JoinSet::new() }
    }

    /// Plays this scenario with this subject when there is room. Only inside a `LocalSet`.
    pub fn add<S: Subject + 'static>(
        &mut self,
        scenario: Scenario,
        name: &'static str,
        made: impl Future<Output = S> + 'static,
    ) {
        let room = self.room.clone();
        self.running.spawn_local(async move {
            let _room = room.acquire().await.expect("never closed");
            play(scenario, name, made.await).await
        });
    }

    /// Waits for all, and fails with everything that was wrong.
    pub async fn end(mut self) {
        let mut wrong = Vec::new();
        while let Some(outcome) = self.running.join_next().await {
            match outcome {
                Ok(Ok(())) => {}
                Ok(Err(what)) => wrong.push(what),
                Err(panic) => wrong.push(panic.to_string()),
            }
        }
        assert!(wrong.is_empty(), "{} did not go as expected:\n\n{}", wrong.len(), wrong.join("\n"));
    }
}

async fn play<S: Subject>(scenario: Scenario, name: &str, mut subject: S) -> Result<(), String> {
    let mut config = Config::new(subject.addr());
    config.token = Some(TOKEN.into());
    config.paces = PACES;
    config.boot_timeout = BOOT_TIMEOUT.into();
    let agent = TestAgent::start(&config).await;
    let timeline = Timeline::of(&agent);
    let mut outcome = Ok(());
    for leg in scenario.legs {
        outcome = step(leg, &mut subject, &timeline).await;
        if outcome.is_err() {
            break;
        }
    }
    println!("{} | {name}\n{}", scenario.name, timeline.print());
    outcome.map_err(|what| {
        let title = format!("{} | {name}: {what}", scenario.name);
        format!("{title}\n{}agent:\n{}subject:\n{}", timeline.print(), agent.log(), subject.output())
    })
}

async fn step<S: Subject>(leg: &Leg, subject: &mut S, timeline: &Timeline) -> Result<(), String> {
    timeline.note(&format!("{:?}", leg.act));
    let from = timeline.len();
    subject.act(leg.act).await;
    let came = timeline.comes_to(leg.must).await;
    if leg.act == Act::Start && timeline.last().starts_with("up") && !subject.is_ready() {
        return Err("it was up before its bootstrap had ended".to_string());
    }
    let said = timeline.since(from);
    let wanted = |word: &String| leg.must.contains(&word.as_str()) || leg.may.contains(&word.as_str());
    if !came {
        return Err(format!("after {:?} it never said {:?}", leg.act, leg.must));
    }
    // The first is what it said before.
    if let Some(other) = said.iter().skip(1).find(|word| !wanted(word)) {
        return Err(format!("after {:?} it said {other:?}", leg.act));
    }
    let settled = timeline.len();
    hold(leg, timeline).await;
    match timeline.since(settled).iter().find(|word| !leg.must.contains(&word.as_str())) {
        Some(other) => Err(format!("after {:?} it did not stay {:?} but said {other:?}", leg.act, leg.must)),
        None => Ok(()),
    }
}

/// Lets the time of a leg pass.
async fn hold(leg: &Leg, timeline: &Timeline) {
    stays("watched", leg.stays, async || timeline.len() > 0).await;
}
