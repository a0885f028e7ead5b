//! The start of `run`, where all parts are put together: the health port first, then everything that may wait.

use super::admin::{self, Inside};
use super::error::{StartError, system};
use super::kept;
use super::places::Places;
use super::port::health_listener;
use super::{Agent, Cloud, World};
use crate::aws::Outside;
use crate::clock::Clock;
use crate::config::Settings;
use crate::host::{self, Endpoint};
use crate::server::health::{HealthOptions, HealthServer, Patience};
use crate::server::{Board, Counters, Published};
use crate::store::{OpenError, Store};
use crate::watch::client::Tokens;
use crate::watch::disk::Disks;
use crate::watch::host::Machine;
use crate::watch::process::Finder;
use crate::watch::signals::Signals;
use rundeck_alb_core::{AutoScalingRule, Circumstances, Ending, Event, Heart, Notice};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Operators' orders that wait for the loop; each is answered in the turn in which it is taken.
const ORDER_QUEUE: usize = 16;
/// The state directory is waited for this long: a hanging disk must not keep the health port silent.
const OPEN_LIMIT: Duration = Duration::from_secs(1);

/// Runs the agent to its end.
///
/// # Errors
/// [`StartError`]; once it runs nothing is an error any more.
pub fn run(settings: &Settings, places: &Places, outside: Outside, clock: &Clock) -> Result<Ending, StartError> {
    let listener = health_listener(settings.health_port.listen)?;
    let listens = listener.local_addr().map_err(system("the health port's address"))?;
    let tokens = Tokens::find(settings, places.credential.clone())?;
    let seed = u64::from(std::process::id()).wrapping_mul(0x9e37_79b9) ^ clock.now().0;
    let circumstances = Circumstances { has_token: tokens.any(), health_port: listens.port() };
    let mut policy = settings.policy(circumstances);
    if outside.metadata_disabled {
        // Whoever switches metadata off says that this is no EC2 instance.
        policy.membership.auto_scaling = AutoScalingRule::None;
    }
    let heart = Heart::new(policy, seed, clock.now());
    // Nothing is accepted until the kept verdict has been read: checks wait in the kernel's queue.
    let mut first = heart.snapshot();
    first.accepting = false;
    let board = Board::new(Published::new(first, clock));
    let _health = HealthServer::spawn(listener, board.clone(), clock.clone(), health_options(settings))
        .map_err(system("a thread for the health port"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(system("a runtime"))?;
    let start = Start { settings, places, outside, clock, board, tokens, heart, seed, listens };
    let ending = runtime.block_on(start.run());
    // A worker that hangs on a disk or in a name service must not keep the process from ending.
    runtime.shutdown_background();
    ending
}

/// What has been made before the runtime.
struct Start<'a> {
    settings: &'a Settings,
    places: &'a Places,
    outside: Outside,
    clock: &'a Clock,
    board: Board,
    tokens: Tokens,
    heart: Heart,
    seed: u64,
    listens: SocketAddr,
}

impl Start<'_> {
    async fn run(mut self) -> Result<Ending, StartError> {
        let signals = Signals::new(self.places.terminal).map_err(system("signal handlers"))?;
        let boot_id = host::boot_id().map_err(system("the boot id"))?;
        let (store, mut trouble) = open_store(self.places).await?;
        let (left, late) = kept::load(&boot_id, &store, self.clock).await;
        trouble = trouble.or(left.trouble);
        let now = self.clock.now();
        if late.is_none() {
            self.heart.handle(Event::Kept(left.kept), now);
        }
        if let Some(text) = trouble {
            self.heart.handle(Event::Noticed(Notice::Store, Some(text)), now);
        }
        // The checks that wait are answered now, not after the admin listeners and the first turn of the loop.
        self.board.publish(Published::new(self.heart.snapshot(), self.clock));
        let counters = Arc::new(Counters::default());
        let (requests, orders) = mpsc::channel(ORDER_QUEUE);
        let inside = Inside {
            board: self.board.clone(),
            counters: counters.clone(),
            clock: self.clock.clone(),
            store: store.clone(),
            orders: requests,
        };
        let admin = admin::open(self.settings, self.places, inside)?;
        let cut = self.settings.rundeck.url.api_path();
        tracing::info!(
            event = "started",
            version = env!("CARGO_PKG_VERSION"),
            health = %self.listens,
            admin = admin.map(|a| a.to_string()).unwrap_or_default(),
            rundeck = %self.settings.rundeck.url,
            seed = self.seed,
            "started: health on {}, Rundeck at {}{}",
            self.listens,
            self.settings.rundeck.url,
            cut.map(|path| format!(" ({path} is cut off its URL: the API is found by itself)")).unwrap_or_default()
        );
        let url = &self.settings.rundeck.url;
        let endpoint = Endpoint { address: url.host().parse::<IpAddr>().ok(), port: url.port() };
        let (rundeck, tokens) = self.tokens.client(self.settings)?;
        let world = World {
            clock: self.clock.clone(),
            rundeck,
            tokens,
            finder: Finder::new(endpoint),
            disks: Disks::new(self.settings.looks.directories.clone()),
            machine: Machine::default(),
            cloud: Cloud::new(self.outside, self.settings.aws.region.clone()),
            store,
            inherited: self.places.inherited.clone(),
            boot_id,
            counters: counters.clone(),
        };
        Ok(Agent::new(self.heart, world, self.board, counters, left.ids).hears(late).run(signals, orders).await)
    }
}

async fn open_store(places: &Places) -> Result<(Arc<Store>, Option<String>), StartError> {
    let (state, runtime) = (places.state_directory.clone(), places.runtime_directory.clone());
    let open = tokio::task::spawn_blocking(move || Store::open(&state, &runtime));
    let Ok(Ok(opened)) = tokio::time::timeout(OPEN_LIMIT, open).await else {
        let text =
            format!("{} could not be opened within {OPEN_LIMIT:?}: nothing is kept", places.state_directory.display());
        return Ok((Arc::new(Store::none()), Some(text)));
    };
    match opened {
        Ok(store) => Ok((Arc::new(store), None)),
        // Two agents would fight over the same target and the same Rundeck.
        Err(error @ OpenError::InUse { .. }) => Err(error.into()),
        Err(error) => Ok((Arc::new(Store::none()), Some(error.to_string()))),
    }
}

fn health_options(settings: &Settings) -> HealthOptions {
    HealthOptions {
        paths: settings.health.paths.clone(),
        executions_status_compat: settings.health_port.executions_status_compat,
        max_connections: settings.health_port.max_connections as usize,
        patience: Patience::default(),
    }
}
