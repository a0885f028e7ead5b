//! What is known of one node: its names and addresses, and what was last seen of it. Starts and asks for nothing by
//! itself.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rundeck_alb_lab::alb::{State, TargetKey};
use rundeck_alb_lab::clock::{self, Instant};
use serde_json::Value;
use tokio::sync::watch;

use super::http::{self, Ask};
use super::story::{Story, Tone, span};

/// What the health port answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Its status; 0: nobody answers.
    pub status: u16,
    pub body: String,
}

impl Health {
    /// The node is in service.
    pub fn ok(&self) -> bool {
        self.status == 200
    }
}

/// What stays the same for the life of a node, and what the watchers share with the scenes.
pub struct Card {
    /// `node-1`.
    pub name: String,
    /// Its place in the world, from 0.
    pub index: usize,
    /// Its target.
    pub key: TargetKey,
    /// Where its Rundeck serves.
    pub rundeck: SocketAddr,
    /// Where its agent answers the balancer.
    pub health: SocketAddr,
    /// What the agent answers now.
    pub answer: watch::Sender<Health>,
    /// Where its agent shows `/status`, once it runs.
    pub admin: watch::Sender<Option<SocketAddr>>,
    /// Where the switches of its Rundeck are, once it runs.
    pub control: watch::Sender<Option<SocketAddr>>,
    /// What the balancer was last seen to say of it.
    pub target: watch::Sender<Option<State>>,
    /// It has served a request since the balancer last took it in.
    pub serves: watch::Sender<bool>,
    /// The watchers say what they see.
    pub told: AtomicBool,
    /// Answers of the health port so far, and those that were not 200.
    pub answers: AtomicU64,
    /// See `answers`.
    pub refusals: AtomicU64,
    since: Mutex<Option<Mark>>,
}

/// A moment that people compare others with.
pub struct Mark {
    /// When it was.
    pub at: Instant,
    /// What happened: `the signal`.
    pub what: &'static str,
}

impl Card {
    /// The card of the lab's node at `index`, with its traffic port and its health port; nothing of it runs yet.
    pub fn new(node: &rundeck_alb_lab::imds::Node, index: usize, (traffic, health): (u16, u16)) -> Self {
        Self {
            name: node.name.clone(),
            index,
            key: TargetKey::new(&node.instance_id, traffic),
            rundeck: SocketAddr::new(node.address, traffic),
            health: SocketAddr::new(node.address, health),
            answer: watch::Sender::default(),
            admin: watch::Sender::default(),
            control: watch::Sender::default(),
            target: watch::Sender::default(),
            serves: watch::Sender::default(),
            told: AtomicBool::new(true),
            answers: AtomicU64::new(0),
            refusals: AtomicU64::new(0),
            since: Mutex::default(),
        }
    }

    /// From now on the watchers add to what they see how long after this moment it was.
    pub fn mark(&self, mark: Option<Mark>) {
        *self.since.lock().unwrap_or_else(PoisonError::into_inner) = mark;
    }

    /// `, 41 ms after the signal` for a moment after a mark, else nothing.
    pub fn since_mark(&self, moment: Instant) -> String {
        let since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(mark) = &*since else { return String::new() };
        format!(", {} after {}", span(moment.saturating_duration_since(mark.at)), mark.what)
    }

    /// Says something that was seen, unless a scene says it itself.
    pub fn tell(&self, story: &Story, tone: Tone, text: &str) {
        if self.told.load(Ordering::Relaxed) {
            story.say(&self.name, tone, &format!("{text}{}", self.since_mark(clock::now())));
        }
    }

    /// `/status` of the agent; null where it does not answer.
    pub async fn status(&self) -> Value {
        let admin = *self.admin.borrow();
        match admin {
            Some(admin) => http::ask(admin, Ask::get("/status")).await.map(|reply| reply.json()).unwrap_or_default(),
            None => Value::Null,
        }
    }
}
