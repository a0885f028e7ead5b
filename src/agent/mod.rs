//! THE loop: the only owner of the heart, once the start has restored and handed it over.
//!
//! Each turn: wait for a signal, an order, a finished call or the next deadline, take a batch of what waits, feed
//! the heart in priority order, send out its commands (each call a task whose result is events), publish one snapshot.
//! Decided here is only that a token in the health check's query is told once; all else is decided in the heart.
//!
//! | file | what |
//! |---|---|
//! | `port.rs` | the health port, opened for both families |
//! | `start.rs` | the parts put together, in the order in which they may wait |
//! | `error.rs`, `places.rs` | why it does not start; which folders and files it was given |
//! | `kept.rs` | what an earlier run left behind |
//! | `admin.rs` | the admin listeners opened |
//! | `perform.rs` | which part performs which call |
//! | `cloud.rs` | the AWS clients, built at their first use |
//! | `orders.rs` | operators' orders and the way back for their answers |
//! | `tell.rs` | what the heart tells: log lines and figures |

mod admin;
mod cloud;
mod error;
mod kept;
mod orders;
mod perform;
mod places;
mod port;
pub mod start;
mod tell;

pub use cloud::Cloud;
pub use error::StartError;
pub use perform::World;
pub use places::Places;

use crate::clock::Clock;
use crate::effect::state;
use crate::server::admin::OrderRequest;
use crate::server::{Board, Counters, Published};
use crate::store::StoreError;
use crate::watch::process;
use crate::watch::signals::Signals;
use orders::{Ids, Orders};
use rundeck_alb_core::{Cause, Command, Ending, Event, Heart, Kept, Moment, Notice, Process, State};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Events and finished calls taken in one turn at most, so that a flood cannot keep the snapshot from being published.
const MAX_BATCH: usize = 64;

/// The last words are waited for this long.
const FLUSH_LIMIT: Duration = Duration::from_secs(1);

/// The agent's parts, as `run` puts them together.
pub struct Agent {
    heart: Heart,
    world: Arc<World>,
    clock: Clock,
    board: Board,
    counters: Arc<Counters>,
    calls: JoinSet<Vec<Event>>,
    orders: Orders,
    shown: State,
    token_in_query_told: bool,
}

impl Agent {
    /// An agent around a heart that has been told what an earlier run left behind.
    /// `taken`: the receipt ids that it gave out.
    fn new(heart: Heart, world: World, board: Board, counters: Arc<Counters>, taken: Ids) -> Agent {
        let shown = heart.answer().state;
        Agent {
            heart,
            clock: world.clock.clone(),
            world: Arc::new(world),
            board,
            counters,
            calls: JoinSet::new(),
            orders: Orders::new(taken),
            shown,
            token_in_query_told: false,
        }
    }

    /// Hears what an earlier run left behind when it has been read, where the disk is slow. A verdict is too old then.
    fn hears(mut self, late: Option<kept::Late>) -> Agent {
        if let Some(late) = late {
            self.calls.spawn(async move {
                let left = late.await;
                let kept = Kept { verdict: None, ..left.kept };
                vec![Event::Kept(kept), Event::Noticed(Notice::Store, left.trouble)]
            });
        }
        self
    }

    /// Runs until the heart ends. `requests` are operators' orders from the admin listeners.
    pub async fn run(mut self, mut signals: Signals, mut requests: mpsc::Receiver<OrderRequest>) -> Ending {
        self.feed(vec![Event::Tick]);
        loop {
            if let Some(ending) = self.heart.ended() {
                self.flush().await;
                return ending;
            }
            let wake = self.heart.next_deadline().unwrap_or(self.clock.now());
            let mut batch = Vec::new();
            tokio::select! {
                biased;
                name = signals.next() => batch.push(self.signal(name)),
                Some(request) = requests.recv() => batch.push(self.orders.take(request, &self.clock)),
                Some(done) = self.calls.join_next() => batch.extend(done.unwrap_or_default()),
                () = tokio::time::sleep_until(self.clock.instant_at(wake)) => batch.push(Event::Tick),
            }
            while batch.len() < MAX_BATCH {
                let Some(done) = self.calls.try_join_next() else { break };
                batch.extend(done.unwrap_or_default());
            }
            self.notice_query(&mut batch);
            self.feed(batch);
        }
    }

    /// What the heart wanted on disk gets there before the process ends: its next start goes by it. A disk that hangs
    /// holds nobody.
    async fn flush(&self) {
        if let Err(_) | Ok(Err(StoreError::Busy)) = tokio::time::timeout(FLUSH_LIMIT, self.world.store.flush()).await {
            tracing::warn!("the disk did not answer within {FLUSH_LIMIT:?}: what was to be kept may be lost");
        }
    }

    /// The heart takes the batch in priority order; then its commands go out and one snapshot is published.
    fn feed(&mut self, mut batch: Vec<Event>) {
        batch.sort_by_key(priority);
        for event in batch {
            let now = self.clock.now();
            self.heart.handle(event, now);
        }
        // Commands that need no call may feed nothing back, so one pass is enough.
        for command in self.heart.take_commands() {
            self.perform(command);
        }
        self.publish();
    }

    fn perform(&mut self, command: Command) {
        match command {
            Command::Call { id, deadline, call } => {
                let (clock, outcome) = (self.clock.clone(), perform::begin(&self.world, id, call));
                self.calls.spawn(async move { in_time(&clock, deadline, outcome).await });
            }
            Command::WatchExit(process) => self.watch_exit(process),
            Command::KeepVerdict(verdict) => {
                // Queued at once; nobody waits for it.
                drop(self.world.store.keep_verdict(state::verdict_json(&self.world.boot_id, &verdict)));
            }
            Command::DropVerdict => drop(self.world.store.drop_verdict()),
            Command::Answer(number, answer) => self.orders.answer(number, answer),
            Command::Looked { check, outcome, took } => self.counters.probe(check, outcome, took.map(Into::into)),
            Command::Tell(note) => tell::note(&note),
            Command::Exit(_) => {}
        }
    }

    fn watch_exit(&mut self, watched: Process) {
        self.calls.spawn(async move { vec![process::ended(watched).await] });
    }

    /// What the first signal asks for and what a further one means, the heart says.
    fn signal(&mut self, name: &str) -> Event {
        tracing::info!(event = "signal", "{name} received");
        Event::Stop { id: self.orders.drain_id(&self.clock, Cause::AgentStopping) }
    }

    /// A token in the health check's query is ignored and told once.
    fn notice_query(&mut self, batch: &mut Vec<Event>) {
        if !self.token_in_query_told && self.board.token_in_query() {
            self.token_in_query_told = true;
            let what = "the load balancer still sends a token in its health check's path";
            batch.push(Event::Noticed(Notice::TokenInQuery, Some(what.into())));
        }
    }

    fn publish(&mut self) {
        let snapshot = self.heart.snapshot();
        tell::transition(self.shown, &snapshot, &self.counters);
        self.shown = snapshot.answer.state;
        self.board.publish(Published::new(snapshot, &self.clock));
    }
}

/// What comes of a call until its deadline: the heart gives up at that moment too, and what comes later would be
/// ignored. One whose time is over before it is begun is not begun: what it does would be done all the same.
async fn in_time(clock: &Clock, deadline: Moment, call: impl Future<Output = Vec<Event>>) -> Vec<Event> {
    if clock.now() >= deadline {
        return Vec::new();
    }
    tokio::time::timeout_at(clock.instant_at(deadline), call).await.unwrap_or_default()
}

/// Stop first, then people, then what the calls and probes brought.
fn priority(event: &Event) -> u8 {
    match event {
        Event::Kept(_) => 0,
        Event::Stop { .. } => 1,
        Event::Order(..) => 2,
        Event::ProcessEnded(_) => 3,
        Event::Reply(..) => 4,
        Event::Noticed(..) => 5,
        Event::Tick => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::Outside;
    use crate::config::Settings;
    use crate::effect::hooks::Inherited;
    use crate::host::Endpoint;
    use crate::store::Store;
    use crate::watch::client::Tokens;
    use crate::watch::disk::Disks;
    use crate::watch::host::Machine;
    use crate::watch::process::Finder;
    use rundeck_alb_core::{Circumstances, Span};
    use std::cell::Cell;

    /// An agent on a machine where nobody answers, with its files in this folder.
    fn agent(folder: &std::path::Path) -> Agent {
        let (settings, clock) = (Settings::default(), Clock::machine());
        let mut heart = Heart::new(settings.policy(Circumstances::default()), 1, clock.now());
        // No earlier run has left anything behind.
        heart.handle(Event::Kept(Kept::default()), clock.now());
        let board = Board::new(Published::new(heart.snapshot(), &clock));
        let counters = Arc::<Counters>::default();
        let (rundeck, tokens) = Tokens::None.client(&settings).expect("a client");
        let nobody = Outside { metadata_disabled: true, ..Outside::default() };
        let world = World {
            clock,
            rundeck,
            tokens,
            finder: Finder::new(Endpoint { address: None, port: 1 }),
            disks: Disks::new(vec![folder.to_owned()]),
            machine: Machine::default(),
            cloud: Cloud::new(nobody, None),
            store: Arc::new(Store::open(&folder.join("state"), &folder.join("run")).expect("a store")),
            inherited: Inherited::default(),
            boot_id: "this boot".into(),
            counters: counters.clone(),
        };
        Agent::new(heart, world, board, counters, Ids::default())
    }

    /// Nobody waits for the answers of calls any more once the heart has ended.
    #[tokio::test]
    async fn what_the_heart_wanted_last_is_on_disk_when_the_agent_ends() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut agent = agent(folder.path());
        agent.feed(vec![Event::Stop { id: "d1".into() }]);
        agent.flush().await;
        let intent = std::fs::read_to_string(folder.path().join("state/intent.json")).expect("kept");
        assert!(intent.contains("d1"), "{intent}");
    }

    #[tokio::test]
    async fn a_call_whose_time_is_over_is_not_begun() {
        let begun = Cell::new(0);
        let call = || async {
            begun.set(begun.get() + 1);
            vec![Event::Tick]
        };
        let (clock, hour) = (Clock::machine(), Span::secs(3_600));
        let now = clock.now();
        assert_eq!(in_time(&clock, now, call()).await, []);
        assert_eq!(begun.get(), 0);
        assert_eq!(in_time(&clock, now + hour, call()).await, [Event::Tick]);
        assert_eq!(begun.get(), 1);
    }
}
