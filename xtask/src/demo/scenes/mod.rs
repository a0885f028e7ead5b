//! The four scenes: what is done to the nodes, and what is waited for. What is seen meanwhile is told by `watch`.

mod crash;
mod join;
mod leave;
mod outage;

use super::stage::{Stage, Trouble};
use super::verdict::Facts;

/// Plays the whole story and gives the facts that it is judged by.
///
/// # Errors
/// Something did not come in time.
pub async fn play(stage: &mut Stage) -> Result<Facts, Trouble> {
    let mut facts = Facts::default();
    join::play(stage).await?;
    stage.breathe().await;
    stage.story.raw("");
    leave::play(stage, 1, &mut facts).await?;
    stage.breathe().await;
    stage.story.raw("");
    crash::play(stage, 2, &mut facts).await?;
    stage.breathe().await;
    stage.story.raw("");
    outage::play(stage, 0, &mut facts).await?;
    stage.breathe().await;
    Ok(facts)
}
