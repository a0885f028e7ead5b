//! The stage: the world in a box, three nodes, users and jobs, and the waits that every scene needs.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use rundeck_alb_lab::World;
use rundeck_alb_lab::alb::State;
use rundeck_alb_lab::clock;
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::build::Programs;
use super::card::Card;
use super::jobs::{self, Ledger};
use super::node::{Node, Plan};
use super::story::Story;
use super::times;
use super::users::{self, Tally};
use super::watch;

pub const NODES: usize = 3;

/// What a scene waits for takes a few seconds on an idle machine; after this it will not come.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Between two looks at a condition that somebody waits for.
const LOOK: Duration = Duration::from_millis(10);

/// After each scene.
const BREATH: Duration = Duration::from_secs(1);

/// Free ports are sought so often: somebody else may take one in between.
const TRIES: usize = 20;

/// What went wrong, and on which node if on one.
pub struct Trouble {
    /// In words.
    pub what: String,
    /// Index of the node.
    pub node: Option<usize>,
}

impl From<String> for Trouble {
    fn from(what: String) -> Self {
        Self { what, node: None }
    }
}

/// Everything that plays. Dropping it ends all processes and tasks.
pub struct Stage {
    pub programs: Programs,
    /// Balancer, API, metadata.
    pub world: Arc<World>,
    pub nodes: Vec<Node>,
    /// What the users have seen.
    pub tally: Tally,
    /// The jobs.
    pub ledger: Ledger,
    /// The narrator.
    pub story: Story,
    /// The schedule of the Rundecks.
    pub schedule: JoinSet<()>,
    people: JoinSet<()>,
    _eyes: JoinSet<()>,
    _folder: TempDir,
}

impl Stage {
    /// Opens the world; no node runs yet, no user has come.
    ///
    /// # Errors
    /// No ports, or no folder.
    pub fn open(programs: Programs, story: Story) -> Result<Self, String> {
        let (traffic, health) = free_ports()?;
        let builder = World::builder().nodes(NODES).group(times::group(traffic, health));
        let world = Arc::new(builder.start().map_err(|error| error.to_string())?);
        let folder =
            TempDir::with_prefix("rundeck-alb-demo-").map_err(|error| format!("no temporary folder: {error}"))?;
        let ledger = Ledger::default();
        let plan = |(index, node)| Plan {
            node,
            index,
            ports: (traffic, health),
            folder: folder.path(),
            env: world.agent_env(index),
            ledger: ledger.clone(),
            story: story.clone(),
        };
        let nodes: Vec<Node> =
            world.nodes().iter().enumerate().map(|node| Node::new(plan(node))).collect::<Result<_, _>>()?;
        let cards: Vec<Arc<Card>> = nodes.iter().map(|node| Arc::clone(&node.card)).collect();
        let eyes = watch::all(&world, &cards, &story);
        Ok(Self {
            programs,
            nodes,
            tally: Tally::default(),
            ledger,
            story,
            schedule: JoinSet::new(),
            people: JoinSet::new(),
            _eyes: eyes,
            _folder: folder,
            world,
        })
    }

    /// What is known of the node at `index`.
    pub fn card(&self, index: usize) -> Arc<Card> {
        Arc::clone(&self.nodes[index].card)
    }

    /// All nodes' cards.
    pub fn cards(&self) -> Vec<Arc<Card>> {
        self.nodes.iter().map(|node| Arc::clone(&node.card)).collect()
    }

    /// Starts agent and Rundeck of the node at `index`; Rundeck needs `boot` milliseconds.
    ///
    /// # Errors
    /// One of them does not start.
    pub async fn boot(&mut self, index: usize, boot: (u64, u64)) -> Result<(), Trouble> {
        let node = &mut self.nodes[index];
        let started = match node.start_rundeck(&self.programs.stand_in, boot) {
            Ok(()) => node.start_agent(&self.programs.agent).await,
            Err(why) => Err(why),
        };
        started.map_err(|what| Trouble { what: format!("{}: {what}", node.card.name), node: Some(index) })
    }

    /// Lets the users come, and the Rundecks begin their schedule.
    pub fn begin_work(&mut self) {
        self.people = users::arrive(self.world.balancer_addr(), &self.tally);
        self.schedule.spawn(jobs::schedule(self.cards()));
    }

    /// The users go home, once what they have sent is answered.
    pub async fn send_users_home(&mut self) {
        self.tally.close();
        let gone = async { while self.people.join_next().await.is_some() {} };
        // Every request ends within its own bound, which is shorter.
        let _ = clock::within(PATIENCE, gone).await;
    }

    /// A calm moment after a scene, for people and for the watchers.
    pub async fn breathe(&self) {
        clock::pause(BREATH).await;
    }

    /// Waits until `condition` holds.
    ///
    /// # Errors
    /// It does not within [`PATIENCE`]; `what` says what was waited for.
    pub async fn until(
        &self,
        node: usize,
        what: &str,
        mut condition: impl AsyncFnMut() -> bool,
    ) -> Result<(), Trouble> {
        let mut tick = tokio::time::interval(LOOK);
        let wait = async {
            while !condition().await {
                tick.tick().await;
            }
        };
        let seconds = PATIENCE.as_secs();
        clock::within(PATIENCE, wait).await.ok_or_else(|| Trouble {
            what: format!("{}: waited {seconds} s in vain: {what}", self.nodes[node].card.name),
            node: Some(node),
        })
    }

    /// Waits until the balancer has been seen to say this of the node at `index`.
    ///
    /// # Errors
    /// As [`Stage::until`].
    pub async fn until_state(&self, index: usize, state: State) -> Result<(), Trouble> {
        let what = format!("the balancer to say {}", state.word());
        let told = self.nodes[index].card.target.subscribe();
        self.until(index, &what, async || *told.borrow() == Some(state)).await
    }

    /// Waits until the node at `index` is in service again: the balancer says healthy, and it has served a user.
    ///
    /// # Errors
    /// As [`Stage::until`].
    pub async fn until_serving(&self, index: usize) -> Result<(), Trouble> {
        self.until_state(index, State::Healthy).await?;
        let serves = self.nodes[index].card.serves.subscribe();
        self.until(index, "the first user", async || *serves.borrow()).await
    }
}

/// A traffic port and a health port that are free at every node's address.
fn free_ports() -> Result<(u16, u16), String> {
    let mut found = Vec::new();
    for _ in 0..TRIES {
        // Both are held until both are found, so that they differ.
        found.extend(free_port().ok());
        if let [(traffic, _), (health, _)] = &found[..] {
            return Ok((*traffic, *health));
        }
    }
    let why = free_port().err().map_or_else(|| "somebody takes them at once".to_owned(), |error| error.to_string());
    Err(format!("no port is free on all of 127.0.0.11 to 127.0.0.{}: {why}", 10 + NODES))
}

fn free_port() -> std::io::Result<(u16, Vec<TcpListener>)> {
    let address = |index: usize| [127, 0, 0, u8::try_from(11 + index).unwrap_or(u8::MAX)];
    let first = TcpListener::bind(SocketAddr::from((address(0), 0)))?;
    let port = first.local_addr()?.port();
    let mut held = vec![first];
    for index in 1..NODES {
        held.push(TcpListener::bind(SocketAddr::from((address(index), port)))?);
    }
    Ok((port, held))
}
