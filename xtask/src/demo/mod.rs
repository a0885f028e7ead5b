//! `cargo demo`: the product's main job, played in the world in a box with real processes, told as it happens.
//!
//! It builds the agent and the Rundeck stand-in, plays four scenes, and ends with the table that proves them. Every
//! line comes from something that was seen; nothing is scripted but what is done to the nodes.

mod build;
mod card;
mod http;
mod jobs;
mod node;
mod process;
mod scenes;
mod stage;
mod story;
mod times;
mod users;
mod verdict;
mod watch;

use std::net::SocketAddr;
use std::time::Duration;

use rundeck_alb_lab::clock;
use tokio::signal::unix::{SignalKind, signal};

use build::Programs;
use stage::{Stage, Trouble};
use story::{Story, Tone};
use verdict::Facts;

const USAGE: &str = "usage: cargo demo [-- --keep]

Builds the agent and a Rundeck stand-in, then plays about a minute: three nodes boot and join, one leaves
while it works, one Rundeck is killed and comes back, one agent loses AWS for a while.
Exit 0: no agent killed a job, and no request failed that the load balancer could have saved. Else 1.

  --keep   leave the world running afterwards, and print the addresses to look at, until Ctrl-C
  --help   this text";

/// Jobs that run when the story is over have ended long before.
const LAST_JOBS: Duration = Duration::from_secs(10);

/// Plays the demo. True if every promise was kept.
///
/// # Errors
/// A wrong command line.
pub async fn run(arguments: &[String]) -> Result<bool, String> {
    // `cargo demo -- --keep` is what people type; the alias has a `--` of its own already.
    let own = arguments.iter().skip_while(|argument| *argument == "--").map(String::as_str);
    let keep = match own.collect::<Vec<_>>()[..] {
        [] => false,
        ["--keep"] => true,
        ["--help" | "-h"] => {
            Story::begin().raw(USAGE);
            return Ok(true);
        }
        _ => return Err(USAGE.to_owned()),
    };
    // Whoever loses is dropped, and with the stage every process.
    let played = tokio::select! {
        played = play() => played,
        () = interrupted() => {
            eprintln!("interrupted");
            return Ok(false);
        }
    };
    Ok(match played {
        Some((stage, facts)) if keep => keep_world(&stage, facts).await,
        Some((stage, facts)) => close(stage, facts).await,
        None => false,
    })
}

/// Builds and plays. `None`: something did not come, and it was said what.
async fn play() -> Option<(Stage, Facts)> {
    // The build has a clock of its own: the story begins when its players are there.
    let building = Story::begin();
    let opened = match Programs::build(&building).await {
        Ok(programs) => {
            building.raw("");
            let story = Story::begin();
            times::TOLD.iter().for_each(|line| story.raw(line));
            story.raw("");
            Stage::open(programs, story)
        }
        Err(why) => Err(why),
    };
    let mut stage = match opened {
        Ok(stage) => stage,
        Err(why) => {
            eprintln!("error: {why}");
            return None;
        }
    };
    match scenes::play(&mut stage).await {
        Ok(facts) => Some((stage, facts)),
        Err(Trouble { what, node }) => {
            verdict::broke_off(&stage, &what, node);
            None
        }
    }
}

/// Lets everybody come to an end, then judges.
async fn close(mut stage: Stage, facts: Facts) -> bool {
    stage.schedule.abort_all();
    stage.send_users_home().await;
    let ledger = stage.ledger.clone();
    clock::eventually(LAST_JOBS, || ledger.running() == 0).await;
    stage.story.say("world", Tone::Plain, "the users have gone home, the last job has ended");
    verdict::tell(&stage, facts)
}

/// Judges, and lets everybody go on until Ctrl-C.
async fn keep_world(stage: &Stage, facts: Facts) -> bool {
    let kept = verdict::tell(stage, facts);
    tell_addresses(stage);
    interrupted().await;
    kept
}

fn tell_addresses(stage: &Stage) {
    let tell = |who: &str, address: String, more: &str| {
        stage.story.raw(format!("  {who:<9}  {address:<34}  {more}").trim_end())
    };
    let shown = |address: Option<SocketAddr>| {
        address.map_or_else(|| "(not running)".to_owned(), |address| format!("http://{address}"))
    };
    stage.story.raw("\nThe world goes on, with its users, until Ctrl-C. Look at it:\n");
    tell("balancer", format!("http://{}/", stage.world.balancer_addr()), "sign in as anybody");
    for card in stage.cards() {
        let (admin, control) = (shown(*card.admin.borrow()), shown(*card.control.borrow()));
        tell(&card.name, format!("http://{}/health", card.health), "what the balancer asks");
        tell("", format!("{admin}/status"), &format!("{admin}/metrics"));
        tell("", format!("http://{}/", card.rundeck), "its Rundeck");
        tell("", format!("{control}/stats"), "its switches: POST /fault/hung, /heal, /job?ms=5000");
    }
}

/// Ctrl-C, or a polite request to end.
async fn interrupted() {
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        },
        // Without it Ctrl-C still works.
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}
