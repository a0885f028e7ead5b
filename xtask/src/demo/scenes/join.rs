//! First scene: three nodes boot, one after another, and join; the users come as soon as one serves.

use rundeck_alb_lab::alb::State;
use rundeck_alb_lab::clock;

use crate::demo::stage::{NODES, PATIENCE, Stage, Trouble};
use crate::demo::story::{Tone, thousands};
use crate::demo::times;
use crate::demo::users::{Tally, USERS};

/// The users are spread when each node has so many; new ones go to all nodes in turn.
const EACH: usize = 6;

/// How long the rate of requests is measured.
const MEASURE: std::time::Duration = std::time::Duration::from_secs(1);

/// Plays it.
///
/// # Errors
/// A node does not come up.
pub async fn play(stage: &mut Stage) -> Result<(), Trouble> {
    let text = format!("an ALB, {NODES} nodes, {USERS} users, about 150 requests/s, sticky sessions");
    stage.story.say("world", Tone::Plain, &text);
    for (index, boot) in times::BOOTS.into_iter().enumerate() {
        stage.boot(index, boot).await?;
    }
    stage.until_state(0, State::Healthy).await?;
    stage.begin_work();
    stage.story.say("users", Tone::Plain, "the first ones sign in");
    for index in 0..NODES {
        stage.until_serving(index).await?;
    }
    spread(stage).await;
    Ok(())
}

/// Waits until every node has its share of the users. Sticky ones move only between two visits, so this takes a while.
async fn spread(stage: &Stage) {
    let tally = &stage.tally;
    let even = |tally: &Tally| tally.spread().len() == NODES && tally.spread().values().all(|users| *users >= EACH);
    // Uneven is no trouble: the next scenes wait for what they need.
    clock::eventually(PATIENCE / 2, || even(tally)).await;
    let before = tally.sent();
    clock::pause(MEASURE).await;
    let rate = (tally.sent() - before) / MEASURE.as_secs().max(1);
    let shares: Vec<String> = tally.spread().iter().map(|(node, users)| format!("{users} on {node}")).collect();
    let text = format!("{}; {} requests/s, {} failed so far", shares.join(", "), thousands(rate), tally.failed());
    stage.story.say("users", Tone::Plain, &text);
}
