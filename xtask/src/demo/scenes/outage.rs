//! Fourth scene: one agent loses instance metadata and the AWS API for a while. That nothing happens is the news.

use std::sync::atomic::Ordering;
use std::time::Duration;

use rundeck_alb_lab::clock::{self, Instant};

use crate::demo::card::Card;
use crate::demo::stage::{Stage, Trouble};
use crate::demo::story::{Tone, span, thousands};
use crate::demo::times::GROUP;
use crate::demo::verdict::Facts;

/// How long it lasts at least.
const LENGTH: Duration = Duration::from_secs(8);

/// The finding that an agent without AWS shows.
const FINDING: &str = "aws-unreachable";

/// Plays it on the node at `index`.
///
/// # Errors
/// The agent does not notice the outage or its end.
pub async fn play(stage: &mut Stage, index: usize, facts: &mut Facts) -> Result<(), Trouble> {
    let card = stage.card(index);
    let before = Seen::now(stage, &card);
    stage.story.say(
        "world",
        Tone::Warn,
        &format!("{} loses instance metadata and the AWS API: connections refused", card.name),
    );
    stage.world.imds(index).faults().refuse();
    stage.world.api_faults_of(index).refuse();
    let finds = async |wanted: bool| {
        let status = card.status().await;
        let findings = status["findings"].as_array().map(Vec::as_slice).unwrap_or_default();
        !status.is_null() && findings.iter().any(|finding| finding["finding"] == FINDING) == wanted
    };
    stage.until(index, "its agent to see that AWS is away", async || finds(true).await).await?;
    clock::until(before.at + LENGTH).await;
    tell(stage, &card, &before, facts);

    stage.world.imds(index).faults().clear();
    stage.world.api_faults_of(index).clear();
    stage.story.say("world", Tone::Plain, &format!("{} has metadata and the AWS API again", card.name));
    stage.until(index, "its agent to see that AWS is back", async || finds(false).await).await
}

/// What is compared before and after.
struct Seen {
    at: Instant,
    answers: u64,
    refusals: u64,
    changes: usize,
    served: u64,
    failed: u64,
}

impl Seen {
    fn now(stage: &Stage, card: &Card) -> Self {
        let changes = stage.world.group(GROUP).history();
        Self {
            at: clock::now(),
            answers: card.answers.load(Ordering::Relaxed),
            refusals: card.refusals.load(Ordering::Relaxed),
            changes: changes.iter().filter(|change| change.target == card.key).count(),
            failed: stage.tally.failed(),
            served: stage.world.balancer().traffic().served().get(&card.key).copied().unwrap_or_default(),
        }
    }
}

fn tell(stage: &Stage, card: &Card, before: &Seen, facts: &mut Facts) {
    let now = Seen::now(stage, card);
    let refusals = now.refusals - before.refusals;
    let changes = now.changes - before.changes;
    let text = format!(
        "{} without AWS: {} of {} answers were 200, its target {}",
        span(now.at - before.at),
        thousands(now.answers - before.answers - refusals),
        thousands(now.answers - before.answers),
        if changes == 0 { "stayed as it was" } else { "changed" },
    );
    stage.story.say(&card.name, if refusals + changes as u64 == 0 { Tone::Good } else { Tone::Bad }, &text);
    let (served, failed) = (now.served - before.served, now.failed - before.failed);
    let text =
        format!("{} requests served by {} meanwhile; {failed} failed on all nodes", thousands(served), card.name);
    stage.story.say("users", Tone::Plain, &text);
    if refusals > 0 {
        facts.broken(format!("{}: {refusals} answers were not 200 while AWS was away", card.name));
    }
    if changes > 0 {
        facts.broken(format!("{}: its target changed {changes} times while AWS was away", card.name));
    }
}
