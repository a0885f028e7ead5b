//! Holds the stand-in's table against a Rundeck that somebody has, and tells the differences.
//!
//! The expected answers come from the stand-in itself: it is started as the nearest version with the settings that the
//! other one shows, and both are asked the same rows. Nothing is changed over there unless the switch of the mode is
//! allowed. States that a ready node does not show on demand (starting, stopping, database down) are not asked.

mod ask;
mod learn;
mod report;
mod rows;
mod shape;

use std::fmt;

pub use ask::{Address, BadAddress, Trust};
pub use report::Report;

use crate::rundeck::{Life, Rundeck};
use ask::{Caller, Seen};
use learn::Learned;
use rows::{Row, Who};

/// What to ask.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it is.
    pub address: Address,
    /// A token with the sidecar's rights.
    pub token: String,
    /// Whether the execution mode may be switched to passive and back: no job starts in between.
    pub switch_mode: bool,
}

/// Why there is no report.
#[derive(Debug)]
pub struct CannotAsk(String);

impl fmt::Display for CannotAsk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CannotAsk {}

/// One row's outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The row of the table, with the request.
    pub row: String,
    /// The differences, each a line; none: the same.
    pub differences: Vec<String>,
}

/// Asks everything once and compares.
///
/// # Errors
/// Nobody answers there, it is no Rundeck, it has not started, or the token is not accepted.
pub async fn run(options: &Options) -> Result<Report, CannotAsk> {
    let theirs = Caller::new(options.address.clone(), options.token.clone());
    let learned = learn::learn(&theirs).await?;
    let twin = Rundeck::start(learned.config(&options.token))
        .map_err(|error| CannotAsk(format!("the stand-in cannot start here: {error}")))?;
    twin.reach(Life::Ready).await;
    let address = Address::parse(&twin.url(), None, Trust::Nothing).map_err(|error| CannotAsk(error.to_string()))?;
    let ours = Caller::new(address, options.token.clone());
    let pair = Pair { theirs: &theirs, ours: &ours, learned: &learned };
    let mut outcomes = Vec::new();
    for row in rows::HARMLESS.iter().filter(|row| row.path_fits(&learned)) {
        outcomes.push(pair.compare(row).await);
    }
    if options.switch_mode {
        outcomes.extend(pair.switch_and_back().await);
    }
    Ok(Report::new(&learned, outcomes, options))
}

/// The other one and its stand-in.
struct Pair<'a> {
    theirs: &'a Caller,
    ours: &'a Caller,
    learned: &'a Learned,
}

impl Pair<'_> {
    async fn compare(&self, row: &Row) -> Outcome {
        let expected = self.ours.ask(row, self.learned.version.api()).await;
        let seen = self.theirs.ask(row, self.learned.api).await;
        let differences = match (expected, seen) {
            (Ok(expected), Ok(seen)) => differences(&expected, &seen),
            (_, Err(problem)) => vec![format!("no whole answer: {problem}")],
            (Err(problem), _) => vec![format!("the stand-in gave no answer: {problem}")],
        };
        Outcome { row: row.to_string(), differences }
    }

    /// The rows that need a switched mode. The mode found is brought back at the end, whatever the answers were.
    async fn switch_and_back(&self) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        for row in rows::PASSIVE {
            outcomes.push(self.compare(row).await);
        }
        if self.learned.passive {
            outcomes.push(self.compare(&rows::DISABLE_AGAIN).await);
        }
        outcomes
    }
}

fn differences(expected: &Seen, seen: &Seen) -> Vec<String> {
    let mut found = Vec::new();
    let mut hold = |what: &str, expected: String, seen: String| {
        if expected != seen {
            found.push(format!("{what}: expected {expected}, seen {seen}"));
        }
    };
    hold("status", expected.status.to_string(), seen.status.to_string());
    hold("content type", expected.content_type.clone(), seen.content_type.clone());
    hold("redirect", expected.redirect.to_string(), seen.redirect.to_string());
    hold("session cookie", yes(expected.cookie), yes(seen.cookie));
    found.extend(shape::differences(&expected.body, &seen.body));
    found
}

fn yes(is: bool) -> String {
    if is { "yes" } else { "no" }.to_owned()
}

impl Row {
    /// The row below a context path needs one.
    fn path_fits(&self, learned: &Learned) -> bool {
        self.who != Who::AboveTheContext || learned.has_context
    }
}
