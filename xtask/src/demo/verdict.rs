//! The end: the table that proves the story, and whether the promises were kept.
//!
//! A failed request is excused only if the balancer sent it to the node whose Rundeck was killed, before the balancer's
//! own checks took that node out: no agent can be faster than the checks that ask it.

use std::collections::BTreeMap;
use std::time::Duration;

use rundeck_alb_lab::alb::{Exchange, TargetKey};
use rundeck_alb_lab::aws::{Call, Outcome};
use rundeck_alb_lab::clock::Instant;

use super::stage::Stage;
use super::story::{Tone, WIDTH, count, fit, span, thousands};
use super::users::Failure;

/// Broken promises that are named one by one; the rest is counted.
const NAMED: usize = 10;

/// Where the last column of the table begins.
const MORE: usize = 35;

/// What the scenes found out.
#[derive(Debug, Default)]
pub struct Facts {
    /// The crash, once it was played.
    pub crash: Option<Crash>,
    /// Jobs that a drained agent left running.
    pub jobs_killed_by_agent: u64,
    broken: Vec<String>,
}

/// One killed Rundeck.
#[derive(Debug)]
pub struct Crash {
    /// Its target.
    pub node: TargetKey,
    pub name: String,
    /// When it was killed.
    pub killed: Instant,
    /// How long until its agent said 503.
    pub answered: Duration,
    /// When the balancer's own checks took it out.
    pub noticed: Instant,
    /// Jobs that were lost with it.
    pub lost_jobs: u64,
}

impl Crash {
    /// The balancer sent this request to the killed Rundeck before it could know.
    fn excuses(&self, exchange: &Exchange) -> bool {
        let begun = exchange.at - exchange.took;
        exchange.target.as_ref() == Some(&self.node) && exchange.at >= self.killed && begun < self.noticed
    }
}

impl Facts {
    /// A promise was broken.
    pub fn broken(&mut self, what: String) {
        self.broken.push(what);
    }
}

/// The failures that count, and how many are excused.
struct Judged {
    excused: u64,
    failures: Vec<String>,
}

/// Prints the table and the verdict. True if every promise was kept.
pub fn tell(stage: &Stage, mut facts: Facts) -> bool {
    let judged = judge(&stage.tally.failures(), &stage.world.balancer().traffic().exchanges(), facts.crash.as_ref());
    stage.story.raw("");
    for row in table(stage, &facts, &judged) {
        stage.story.raw(&fit(&row));
    }
    stage.story.raw("");
    if facts.jobs_killed_by_agent > 0 {
        facts.broken(format!(
            "{} killed: a drained agent had not waited for them",
            count(facts.jobs_killed_by_agent, "job")
        ));
    }
    facts.broken.extend(judged.failures);
    conclude(stage, &facts.broken)
}

fn conclude(stage: &Stage, broken: &[String]) -> bool {
    let age = span(stage.story.age());
    if broken.is_empty() {
        stage.story.raw(&format!(
            "kept in {age}: no agent killed a job; no request failed but those that went to the killed Rundeck"
        ));
        return true;
    }
    stage.story.raw(&format!("{} broken in {age}:", count(broken.len() as u64, "promise")));
    for what in broken.iter().take(NAMED) {
        stage.story.raw(&fit(&format!("  {what}")));
    }
    if broken.len() > NAMED {
        stage.story.raw(&format!("  and {} more", broken.len() - NAMED));
    }
    false
}

/// Finds each failed request in the balancer's record by its number.
fn judge(failures: &[Failure], record: &[Exchange], crash: Option<&Crash>) -> Judged {
    let by_number: BTreeMap<u64, &Exchange> =
        record.iter().filter_map(|exchange| Some((number(&exchange.request)?, exchange))).collect();
    let mut judged = Judged { excused: 0, failures: Vec::new() };
    for failure in failures {
        let exchange = by_number.get(&failure.number);
        if exchange.is_some_and(|exchange| crash.is_some_and(|crash| crash.excuses(exchange))) {
            judged.excused += 1;
            continue;
        }
        let target = exchange
            .and_then(|exchange| exchange.target.as_ref())
            .map_or_else(|| "no target".to_owned(), ToString::to_string);
        let trouble =
            exchange.and_then(|exchange| exchange.trouble).map_or_else(String::new, |trouble| format!(", {trouble:?}"));
        judged.failures.push(format!("{} failed: {} ({target}{trouble})", failure.request, failure.what));
    }
    judged
}

/// The number that a user put into the query.
fn number(request: &str) -> Option<u64> {
    let (_, query) = request.split_once('?')?;
    query.split('&').find_map(|pair| pair.strip_prefix("n="))?.parse().ok()
}

/// One row: name, figure, what went wrong, and more. The last column begins at [`MORE`].
fn row(name: &str, figure: String, bad: String, more: String) -> String {
    format!("{name:<9}{figure:>9}   {bad:>11}   {more}").trim_end().to_owned()
}

fn table(stage: &Stage, facts: &Facts, judged: &Judged) -> Vec<String> {
    let crash = facts.crash.as_ref();
    let lost = crash.map_or(0, |crash| crash.lost_jobs);
    let jobs = stage.ledger.finished() + facts.jobs_killed_by_agent + lost;
    let excused = crash.map_or_else(String::new, |crash| {
        let window = span(crash.noticed - crash.killed);
        format!("{} to killed {} in the {window} before the balancer noticed", thousands(judged.excused), crash.name)
    });
    let failed = format!("{} failed", thousands(judged.failures.len() as u64));
    let killed = format!("{} killed", facts.jobs_killed_by_agent);
    let mut rows = vec![
        row("REQUESTS", thousands(stage.tally.sent()), failed, excused),
        row("JOBS", thousands(jobs), killed, format!("{lost} lost with the killed Rundeck")),
    ];
    if let Some(crash) = crash {
        rows.push(row("CRASH", "503 after".to_owned(), span(crash.answered), String::new()));
    }
    rows.extend(aws_rows(&stage.world.api().calls().all()));
    rows
}

fn aws_rows(calls: &[Call]) -> Vec<String> {
    let throttled = calls.iter().filter(|call| throttled(call)).count();
    let (mut figure, mut bad, mut name) = (count(calls.len() as u64, "call"), format!("{throttled} throttled"), "AWS");
    let lines = actions(calls).into_iter();
    lines
        .map(|line| row(std::mem::take(&mut name), std::mem::take(&mut figure), std::mem::take(&mut bad), line))
        .collect()
}

fn throttled(call: &Call) -> bool {
    matches!(&call.outcome, Outcome::Refused(code) if code == "Throttling")
}

/// `DescribeTargetHealth 20, RegisterTargets 4`, in as many lines as fit beside the figures.
fn actions(calls: &[Call]) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for call in calls {
        *counts.entry(&call.action).or_default() += 1;
    }
    let mut lines = vec![String::new()];
    for (action, number) in counts {
        let entry = format!("{action} {number}");
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(&entry),
            Some(line) if line.len() + entry.len() + 2 <= WIDTH - MORE => line.push_str(&format!(", {entry}")),
            _ => lines.push(entry),
        }
    }
    lines
}

/// Says that the story broke off, with the last log lines of the agent that it broke at.
pub fn broke_off(stage: &Stage, what: &str, node: Option<usize>) {
    stage.story.say("world", Tone::Bad, what);
    let Some(node) = node.and_then(|index| stage.nodes.get(index)) else { return };
    stage.story.raw(&format!("the last log lines of {}'s agent:", node.card.name));
    for line in node.last_lines() {
        // Not cut: whoever looks for the reason wants all of it.
        stage.story.raw(&format!("  {line}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rundeck_alb_lab::alb::Trouble;
    use rundeck_alb_lab::clock;

    fn exchange(number: u64, node: &str, at: Instant, took: u64) -> Exchange {
        Exchange {
            at,
            took: Duration::from_millis(took),
            request: format!("GET /menu/home?n={number}"),
            target: Some(TargetKey::new(node, 4440)),
            status: 502,
            trouble: Some(Trouble::Refused),
        }
    }

    fn failure(number: u64) -> Failure {
        Failure { number, request: "GET /menu/home".to_owned(), what: "status 502".to_owned() }
    }

    #[test]
    fn only_what_went_to_the_killed_node_before_the_balancer_noticed_is_excused() {
        let killed = clock::now();
        let after = |ms: u64| killed + Duration::from_millis(ms);
        let crash = Crash {
            node: TargetKey::new("i-3", 4440),
            name: "node-3".to_owned(),
            killed,
            answered: Duration::from_millis(3),
            noticed: after(900),
            lost_jobs: 0,
        };
        let record = [
            exchange(1, "i-3", after(1), 500),
            exchange(2, "i-3", after(950), 100),
            exchange(3, "i-2", after(500), 1),
            exchange(4, "i-3", after(1_000), 50),
        ];
        let failures: Vec<Failure> = (1..=5).map(failure).collect();
        let judged = judge(&failures, &record, Some(&crash));
        assert_eq!((judged.excused, judged.failures.len()), (2, 3), "{:?}", judged.failures);
        assert_eq!(judge(&failures, &record, None).excused, 0);
        assert!(judged.failures[0].contains("i-2:4440, Refused"), "{:?}", judged.failures);
        assert!(judged.failures[2].contains("no target"), "{:?}", judged.failures);
    }

    #[test]
    fn the_number_is_found_in_any_query() {
        assert_eq!(number("GET /slow?ms=700&n=12"), Some(12));
        assert_eq!(number("GET /menu/home?n=7"), Some(7));
        assert_eq!(number("GET /menu/home"), None);
    }
}
