//! The eyes of the narrator: what the health ports, the agents' status and the balancer say, told whenever it changes.
//!
//! Nothing here acts, and nothing is said that was not seen.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rundeck_alb_lab::World;
use rundeck_alb_lab::alb::{Change, State};
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::card::{Card, Health};
use super::http::{Ask, Client};
use super::story::{Story, Tone, count};
use super::times::GROUP;

/// Between two looks at a health port: far more often than any load balancer, for times in milliseconds.
const HEALTH: Duration = Duration::from_millis(5);
/// Between two looks at an agent's status.
const STATUS: Duration = Duration::from_millis(100);
/// Between two looks at the balancer, whose record tells its own times.
const BALANCER: Duration = Duration::from_millis(20);

/// Watches everything until dropped.
pub fn all(world: &Arc<World>, cards: &[Arc<Card>], story: &Story) -> JoinSet<()> {
    let mut eyes = JoinSet::new();
    for card in cards {
        eyes.spawn(health(Arc::clone(card), story.clone()));
        eyes.spawn(status(Arc::clone(card), story.clone()));
    }
    eyes.spawn(balancer(Arc::clone(world), cards.to_vec(), story.clone()));
    eyes
}

fn every(span: Duration) -> tokio::time::Interval {
    let mut interval = tokio::time::interval(span);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

async fn health(card: Arc<Card>, story: Story) {
    let mut tick = every(HEALTH);
    let mut client = Client::to(card.health);
    loop {
        tick.tick().await;
        let now = match client.ask(Ask::get("/health")).await {
            Ok(reply) => Health { status: reply.status, body: reply.text().trim().to_owned() },
            Err(_) => Health::default(),
        };
        if now.status != 0 {
            card.answers.fetch_add(1, Ordering::Relaxed);
        }
        if !now.ok() {
            card.refusals.fetch_add(1, Ordering::Relaxed);
        }
        let before = card.answer.send_replace(now.clone());
        if before != now {
            let (tone, text) = health_words(&now);
            card.tell(&story, tone, &text);
            if before.status == 0 {
                // The first answer of an agent: what follows is told by the clock alone.
                card.mark(None);
            }
        }
    }
}

fn health_words(now: &Health) -> (Tone, String) {
    let words = format!("{} {}", now.status, now.body);
    match (now.status, now.body.split(':').next().unwrap_or_default()) {
        (0, _) => (Tone::Plain, "the agent's port is closed".to_owned()),
        (200, _) => (Tone::Good, format!("agent answers {words}: Rundeck is proven ready")),
        (_, "booting") => (Tone::Warn, format!("agent answers {words}")),
        (_, "draining") => (Tone::Leaving, format!("agent answers {words}")),
        _ => (Tone::Bad, format!("agent answers {words}")),
    }
}

async fn status(card: Arc<Card>, story: Story) {
    let mut tick = every(STATUS);
    let mut findings = BTreeMap::new();
    let mut phase = String::new();
    loop {
        tick.tick().await;
        let status = card.status().await;
        if status.is_null() {
            continue;
        }
        let now = findings_of(&status);
        for (word, text) in now.iter().filter(|(word, _)| !findings.contains_key(*word)) {
            card.tell(&story, Tone::Warn, &format!("finding {word}: {}", short(text)));
        }
        for word in findings.keys().filter(|word| !now.contains_key(*word)) {
            card.tell(&story, Tone::Good, &format!("finding {word} is gone"));
        }
        findings = now;
        let next = status["drain"]["phase"].as_str().unwrap_or_default().to_owned();
        if next != phase {
            tell_phase(&card, &story, &next, &status);
            phase = next;
        }
    }
}

fn findings_of(status: &Value) -> BTreeMap<String, String> {
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    let findings = status["findings"].as_array().map(Vec::as_slice).unwrap_or_default();
    findings.iter().map(|finding| (text(finding, "finding"), text(finding, "text"))).collect()
}

/// A finding's text without the details in brackets.
fn short(text: &str) -> &str {
    text.split(" (").next().unwrap_or(text)
}

fn tell_phase(card: &Card, story: &Story, phase: &str, status: &Value) {
    let jobs = || match status["rundeck"]["running"].as_u64() {
        Some(number) => format!("waits for {}", count(number, "running job")),
        None => "cannot see running jobs".to_owned(),
    };
    let text = match phase {
        "quiet" => "waits until nothing is in flight".to_owned(),
        "jobs" => format!("nothing in flight any more; {}", jobs()),
        _ => return,
    };
    card.tell(story, Tone::Leaving, &text);
}

async fn balancer(world: Arc<World>, cards: Vec<Arc<Card>>, story: Story) {
    let mut tick = every(BALANCER);
    let mut seen = 0;
    // What each node had served when it became healthy, until it serves more.
    let mut newcomers = BTreeMap::new();
    loop {
        tick.tick().await;
        let history = world.group(GROUP).history();
        let served = world.balancer().traffic().served();
        for change in history.iter().skip(seen) {
            let Some(card) = cards.iter().find(|card| card.key == change.target) else { continue };
            tell_change(card, &story, change);
            card.serves.send_replace(false);
            card.target.send_replace(Some(change.state));
            if change.state == State::Healthy {
                newcomers.insert(card.key.clone(), served.get(&card.key).copied().unwrap_or(0));
            }
        }
        seen = history.len();
        for card in &cards {
            let now = served.get(&card.key).copied().unwrap_or(0);
            if newcomers.get(&card.key).is_some_and(|before| now > *before) {
                newcomers.remove(&card.key);
                story.say(&card.name, Tone::Good, "first request served");
                card.serves.send_replace(true);
            }
        }
    }
}

fn tell_change(card: &Card, story: &Story, change: &Change) {
    let name = &card.name;
    let reason = change.reason.unwrap_or_default();
    let (tone, text) = match change.state {
        State::Initial if reason == "Elb.RegistrationInProgress" => {
            (Tone::Plain, format!("{name} registered in {GROUP}"))
        }
        State::Initial => return,
        State::Healthy => (Tone::Good, format!("{name} healthy")),
        State::Unhealthy => (Tone::Bad, format!("{name} unhealthy ({reason})")),
        State::Draining => (Tone::Leaving, format!("{name} deregistered, draining: no new requests for it")),
        State::Unused => (Tone::Plain, format!("{name} has drained: no target any more")),
    };
    story.say("balancer", tone, &format!("{text}{}", card.since_mark(change.at)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_read_by_their_word() {
        let status = serde_json::json!({"findings": [{"finding": "aws-unreachable", "text": "AWS does not answer"}]});
        let findings = findings_of(&status);
        assert_eq!(findings.get("aws-unreachable").map(String::as_str), Some("AWS does not answer"));
        assert!(findings_of(&Value::Null).is_empty());
    }

    #[test]
    fn the_tone_of_an_answer_is_its_state() {
        let tone = |status, body: &str| health_words(&Health { status, body: body.to_owned() }).0;
        assert_eq!(tone(200, "ok"), Tone::Good);
        assert_eq!(tone(503, "booting: waiting"), Tone::Warn);
        assert_eq!(tone(503, "draining: agent-stopping"), Tone::Leaving);
        assert_eq!(tone(503, "down: exited"), Tone::Bad);
    }
}
