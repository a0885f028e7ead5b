//! Second scene: an agent gets SIGTERM while its Rundeck runs a job and requests are in flight; then its machine
//! reboots.
//!
//! Rundeck itself gets SIGKILL afterwards: a job that the agent had not waited for would be lost, and seen to be.

use std::time::Duration;

use rundeck_alb_lab::clock;
use rustix::process::Signal;
use serde_json::Value;

use crate::demo::card::Mark;
use crate::demo::jobs;
use crate::demo::stage::{Stage, Trouble};
use crate::demo::story::{Tone, count, span};
use crate::demo::times;
use crate::demo::verdict::Facts;

/// The job that runs meanwhile, in milliseconds.
const JOB: u64 = 5_500;

/// The job and the deregistration delay together are shorter.
const LEAVING: Duration = Duration::from_secs(30);

/// Requests in flight that are waited for before the signal.
const IN_FLIGHT: usize = 2;

/// A step of a drain that took less is not told.
const WORTH_TELLING: Duration = Duration::from_millis(200);

/// Plays it on the node at `index`.
///
/// # Errors
/// The agent does not leave, or the node does not come back.
pub async fn play(stage: &mut Stage, index: usize, facts: &mut Facts) -> Result<(), Trouble> {
    let card = stage.card(index);
    let name = card.name.clone();
    stage.until(index, "its Rundeck to take a job", async || jobs::run(&card, JOB).await).await?;
    let in_flight = || stage.world.balancer().traffic().in_flight(&card.key);
    stage.until(index, "requests in flight", async || in_flight() >= IN_FLIGHT).await?;

    let (failed, moved) = (stage.tally.failed(), stage.tally.sent_to_login());
    let (jobs, requests) = (stage.ledger.running_on(index) as u64, in_flight() as u64);
    let text = format!(
        "SIGTERM for the agent, with {} running and {} in flight",
        count(jobs, "job"),
        count(requests, "request")
    );
    stage.story.say(&name, Tone::Leaving, &text);
    let begun = clock::now();
    card.mark(Some(Mark { at: begun, what: "the signal" }));
    if let Some(agent) = &stage.nodes[index].agent {
        agent.signal(Signal::TERM);
    }
    let at = |what: String| Trouble { what: format!("{name}: {what}"), node: Some(index) };
    let code = stage.nodes[index].agent_end(LEAVING).await.map_err(at)?;
    let text = format!("agent exits with {code} after {}", span(clock::now() - begun));
    stage.story.say(&name, if code == 0 { Tone::Leaving } else { Tone::Bad }, &text);
    card.mark(None);
    if code != 0 {
        facts.broken(format!("{name}: the drained agent exited with {code}, not 0"));
    }
    read_receipt(stage, index, facts);
    let text = format!(
        "{} moved on from {name} and signed in elsewhere; {} failed",
        count(stage.tally.sent_to_login() - moved, "user"),
        count(stage.tally.failed() - failed, "request"),
    );
    stage.story.say("users", Tone::Plain, &text);
    reboot(stage, index, facts).await
}

fn read_receipt(stage: &Stage, index: usize, facts: &mut Facts) {
    let name = &stage.nodes[index].card.name;
    let Some(receipt) = stage.nodes[index].receipt() else {
        facts.broken(format!("{name}: no receipt on its disk"));
        return;
    };
    let number = |key: &str, thing: &str| {
        let number = receipt[key].as_u64();
        number.map_or_else(|| format!("an unknown number of {thing}s"), |number| count(number, thing))
    };
    let result = receipt["result"].as_str().unwrap_or("no result");
    let took: Vec<String> = receipt["steps"].as_array().into_iter().flatten().filter_map(step).collect();
    let text = format!(
        "receipt: {result}, {} waited for, {} cut ({})",
        number("running_jobs_waited_for", "job"),
        number("inflight_at_cut", "request"),
        took.join(", ")
    );
    stage.story.say(name, Tone::Leaving, &text);
    if !["clean", "unproven"].contains(&result) {
        facts.broken(format!("{name}: its receipt says {result}"));
    }
}

/// `quiet 2.1 s`, where it took some time.
fn step(step: &Value) -> Option<String> {
    let took = Duration::from_millis(step["took_ms"].as_u64()?);
    (took >= WORTH_TELLING).then_some(())?;
    Some(format!("{} {}", step["name"].as_str()?, span(took)))
}

async fn reboot(stage: &mut Stage, index: usize, facts: &mut Facts) -> Result<(), Trouble> {
    let killed = stage.nodes[index].power_off().await;
    facts.jobs_killed_by_agent += killed;
    let name = stage.card(index).name.clone();
    let text =
        format!("the machine is switched off with Rundeck on it, {} lost, and boots again", count(killed, "job"));
    stage.story.say(&name, Tone::Plain, &text);
    stage.boot(index, times::BOOTS[0]).await?;
    stage.until_serving(index).await
}
