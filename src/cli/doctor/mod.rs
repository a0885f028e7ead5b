//! `doctor`: everything that can be wrong on this node, each with its cure. It looks for itself, whether an agent runs
//! or not, and changes nothing: no call to AWS or Rundeck but such as read, no file, no port.
//!
//! | file | what is looked at |
//! |---|---|
//! | `configuration.rs` | files, environment |
//! | `agent.rs` | an agent that runs here: what it finds itself, and whether it has our variables |
//! | `ports.rs` | whether the ports are free, or ours |
//! | `state.rs` | the state directory, and whose it is |
//! | `programs.rs` | the programs of `[hooks]`, and who may run and write them |
//! | `rundeck.rs` | Rundeck as `check` looks at it, and the token |
//! | `cloud.rs` | the way to AWS: the order of the next ones |
//! | `metadata.rs` | instance metadata, the hop limit, tags |
//! | `network.rs` | proxy, certificates, endpoints |
//! | `credentials.rs` | whether there are any |
//! | `clock.rs` | our clock against AWS's |
//! | `groups.rs` | the Auto Scaling group, target groups and who owns them |
//! | `permissions.rs` | each action that the role needs |
//! | `word.rs`, `report.rs`, `told.rs` | words and cures; order; text and JSON |

mod agent;
mod clock;
mod cloud;
mod configuration;
mod credentials;
mod groups;
mod metadata;
mod network;
mod permissions;
mod ports;
mod programs;
mod report;
mod rundeck;
mod state;
mod told;
mod word;

use super::args::Output;
use super::console::Console;
use super::error::CliError;
use super::runtime::runtime;
use super::{Globals, Surroundings};
use crate::config::Settings;
use report::{Area, Level, Part, Report};
use std::process::ExitCode;
use std::time::Duration;
use word::Own;

/// The longest that one look may take, with all that it asks: each call has a shorter limit of its own, so that this is
/// reached by what has none, a disk or a name service that hangs.
const LIMIT: Duration = Duration::from_secs(20);

/// Exit codes (docs/CLI.md).
const WARNINGS: u8 = 1;
const ERRORS: u8 = 2;

/// Looks at everything.
///
/// # Errors
/// The output cannot be written.
pub fn doctor(globals: &Globals, console: &mut Console<'_>) -> Result<ExitCode, CliError> {
    let (loaded, mistakes) = globals.load_partly();
    let configuration = configuration::part(&globals.sources(Vec::new()), mistakes.as_ref());
    let runtime = runtime()?;
    let report = runtime.block_on(look(configuration, &loaded.settings, &globals.surroundings));
    // A worker that hangs on a disk must not keep the command from ending.
    runtime.shutdown_background();
    match globals.output() {
        Output::Text => console.say(&told::text(&report, console.paint))?,
        Output::Json => console.say_json(&told::json(&report))?,
    }
    Ok(match (report.count(Level::Error), report.count(Level::Warning)) {
        (0, 0) => ExitCode::SUCCESS,
        (0, _) => ExitCode::from(WARNINGS),
        _ => ExitCode::from(ERRORS),
    })
}

/// What does not need each other's answer is looked at side by side.
async fn look(configuration: Part, settings: &Settings, surroundings: &Surroundings) -> Report {
    let local = async {
        let agent = agent::look(settings, surroundings).await;
        let ports = in_time(Area::Ports, ports::look(settings, agent.process)).await;
        let programs = in_time(Area::Programs, programs::look(settings, agent.process)).await;
        (agent.part, [ports, programs].concat())
    };
    let mut info = None;
    let rundeck = in_time(Area::Rundeck, async {
        let (parts, told) = rundeck::look(settings, surroundings).await;
        info = told;
        parts
    });
    let ((agent, local), rundeck, (cloud, mut node)) =
        tokio::join!(local, rundeck, cloud::look(settings, surroundings));
    node.rundeck = info;
    let instance = node.identity.as_ref().map(|identity| identity.instance_id.clone());
    let state = in_time(Area::State, state::look(surroundings.state_directory(), instance)).await;
    let parts = [vec![configuration, agent], local, rundeck, cloud, state].concat();
    Report::new(parts, node)
}

/// The look, or that it did not come back in time.
async fn in_time(area: Area, look: impl Future<Output = Vec<Part>>) -> Vec<Part> {
    within(LIMIT, area, look).await
}

async fn within(limit: Duration, area: Area, look: impl Future<Output = Vec<Part>>) -> Vec<Part> {
    let text = || format!("the look at {} did not come back within {} s", area.word(), limit.as_secs());
    let hung = |_| vec![Part::not_tried(area, "it did not come back in time").wrong(Own::LookHung, text())];
    tokio::time::timeout(limit, look).await.unwrap_or_else(hung)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_look_that_hangs_is_given_up_and_told() {
        let parts = within(Duration::ZERO, Area::State, std::future::pending()).await;
        assert_eq!(parts[0].problems[0].word, Own::LookHung.into());
        assert_eq!(parts[0].level(), Level::Warning);
        let parts = in_time(Area::State, async { vec![Part::seen(Area::State, "there")] }).await;
        assert_eq!(parts[0].level(), Level::Fine);
    }
}
