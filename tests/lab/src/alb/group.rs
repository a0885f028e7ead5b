//! One target group: its targets, what the API may do with them, what the balancer may send them, when they are
//! checked.
//!
//! It opens no socket: [`super::prober`] asks it whom to check and reports back, [`super::balancer`] asks it for a
//! target.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::watch;

use super::admission::{self, Refused};
use super::fleet::{Fleet, Power};
use super::settings::{GroupSettings, TargetType, ZonalShift};
use super::target::{CheckResult, Health, State, Target, TargetKey};
use crate::clock::{self, Instant};
use crate::lock;

/// Changes of state that a group remembers; older ones are forgotten first.
const HISTORY: usize = 10_000;

/// A change of a target's state, for the story and for tests.
#[derive(Debug, Clone)]
pub struct Change {
    /// When it was noticed.
    pub at: Instant,
    /// Whose.
    pub target: TargetKey,
    /// The new state.
    pub state: State,
    /// Its reason.
    pub reason: Option<&'static str>,
}

/// A check that a balancer node has to make now.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) target: TargetKey,
    pub(super) addr: SocketAddr,
    pub(super) path: String,
    pub(super) timeout: Duration,
    generation: u64,
}

/// A target that the balancer may send a request to.
#[derive(Debug, Clone)]
pub(super) struct Route {
    pub(super) target: TargetKey,
    pub(super) addr: SocketAddr,
    /// End of the drain, once there is one.
    pub(super) drain: watch::Receiver<Option<Instant>>,
}

/// A target group; shared by API, balancer and tests.
#[derive(Debug)]
pub struct Group {
    arn: String,
    nodes: usize,
    fleet: Arc<Fleet>,
    inner: Mutex<Inner>,
    /// Counts changes that alter the probers' plans.
    version: watch::Sender<u64>,
}

#[derive(Debug)]
struct Inner {
    settings: GroupSettings,
    targets: BTreeMap<TargetKey, Target>,
    generations: u64,
    turn: usize,
    history: VecDeque<Change>,
}

impl Group {
    pub(crate) fn new(arn: String, settings: GroupSettings, nodes: usize, fleet: Arc<Fleet>) -> Self {
        let inner = Inner { settings, targets: BTreeMap::new(), generations: 0, turn: 0, history: VecDeque::new() };
        Self { arn, nodes, fleet, inner: Mutex::new(inner), version: watch::Sender::new(0) }
    }

    /// Its ARN.
    #[must_use]
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> String {
        lock(&self.inner).settings.name.clone()
    }

    /// The settings as they are now.
    #[must_use]
    pub fn settings(&self) -> GroupSettings {
        lock(&self.inner).settings.clone()
    }

    /// An operator changes the settings. A group that comes into use begins checking anew.
    pub fn change(&self, edit: impl FnOnce(&mut GroupSettings)) {
        let mut inner = self.settled();
        let was_in_use = inner.settings.gets_traffic();
        edit(&mut inner.settings);
        if inner.settings.gets_traffic() && !was_in_use {
            let generation = inner.next_generation();
            let now = clock::now();
            inner.targets.values_mut().filter(|target| target.drains_until().is_none()).for_each(|target| {
                target.restart(now, generation);
            });
        }
        self.note_all(&mut inner);
        drop(inner);
        self.replan();
    }

    /// Registers all of `wanted` or none (`RegisterTargets`). Registering again changes nothing, but brings a draining
    /// instance back as `initial`; a draining address is refused until its delay is over.
    ///
    /// # Errors
    /// An id that does not fit the group's type, an instance that is unknown or not running, a draining address.
    pub fn register(&self, wanted: &[TargetKey]) -> Result<(), Refused> {
        let mut inner = self.settled();
        for key in wanted {
            admission::check_id(&self.fleet, &inner.settings, key)?;
            admission::check_running(&self.fleet, &inner.settings, key)?;
            let draining = inner.targets.get(key).is_some_and(|target| target.drains_until().is_some());
            if draining && inner.settings.target_type == TargetType::Ip {
                return Err(Refused::InvalidTarget(format!(
                    "The following targets are being deregistered and cannot be registered: '{}'",
                    key.id
                )));
            }
        }
        for key in wanted {
            inner.admit(key, self.nodes);
        }
        self.note_all(&mut inner);
        drop(inner);
        self.replan();
        Ok(())
    }

    /// Deregisters all of `unwanted` (`DeregisterTargets`). A target that is not registered counts as done; one without
    /// a port does nothing: AWS answers 200 and leaves it `healthy`, as users of chaostoolkit-aws found out.
    ///
    /// # Errors
    /// An id that does not fit the group's type, an unknown instance.
    pub fn deregister(&self, unwanted: &[(String, Option<u16>)]) -> Result<(), Refused> {
        let mut inner = self.settled();
        for (id, port) in unwanted {
            let key = TargetKey::new(id, port.unwrap_or(inner.settings.port));
            admission::check_id(&self.fleet, &inner.settings, &key)?;
        }
        let end = clock::now() + inner.settings.deregistration_delay;
        for (id, port) in unwanted {
            let Some(port) = port else { continue };
            if let Some(target) = inner.targets.get_mut(&TargetKey::new(id, *port))
                && target.drains_until().is_none()
            {
                target.drain_until(end);
            }
        }
        self.note_all(&mut inner);
        drop(inner);
        self.replan();
        Ok(())
    }

    /// What `DescribeTargetHealth` says of one target, registered or not.
    #[must_use]
    pub fn health(&self, key: &TargetKey) -> Health {
        let inner = self.settled();
        inner
            .targets
            .get(key)
            .map_or_else(Health::not_registered, |target| self.health_of(&inner.settings, key, target))
    }

    /// What `DescribeTargetHealth` says of one target that was named in the call.
    ///
    /// # Errors
    /// An id that does not fit the group's type, an unknown instance.
    pub fn describe(&self, key: &TargetKey) -> Result<Health, Refused> {
        admission::check_id(&self.fleet, &self.settings(), key)?;
        Ok(self.health(key))
    }

    /// All targets that the group lists, draining ones too.
    #[must_use]
    pub fn targets(&self) -> Vec<(TargetKey, Health)> {
        let inner = self.settled();
        let health = |(key, target)| (TargetKey::clone(key), self.health_of(&inner.settings, key, target));
        inner.targets.iter().map(health).collect()
    }

    /// Every change of state so far (the last ten thousand).
    #[must_use]
    pub fn history(&self) -> Vec<Change> {
        self.settled().history.iter().cloned().collect()
    }

    /// Takes the checks that balancer node `node` has to make now, and tells when to ask again.
    pub(super) fn take_checks(&self, node: usize) -> (Vec<Check>, Instant) {
        let mut inner = self.settled();
        let now = clock::now();
        let mut next = clock::never();
        let mut due = Vec::new();
        let Inner { settings, targets, .. } = &mut *inner;
        for (key, target) in targets.iter_mut() {
            if let Some(end) = target.drains_until() {
                next = next.min(end);
                continue;
            }
            let Some(addr) = admission::address(&self.fleet, settings, key).filter(|_| settings.gets_traffic()) else {
                continue;
            };
            let (check, at) = target.take_check(node, now, &settings.health_check);
            next = next.min(at);
            if check {
                due.push(Check {
                    target: key.clone(),
                    addr: SocketAddr::new(addr, settings.health_check.port.of(key.port)),
                    path: settings.health_check.path.clone(),
                    timeout: settings.health_check.timeout,
                    generation: target.generation,
                });
            }
        }
        (due, next)
    }

    /// Takes in how a check ended, unless the target was registered anew meanwhile.
    pub(super) fn learn(&self, node: usize, check: &Check, result: CheckResult) {
        let mut inner = self.settled();
        let Inner { settings, targets, .. } = &mut *inner;
        let target = targets.get_mut(&check.target).filter(|target| target.generation == check.generation);
        if let Some(target) = target {
            target.learn(node, result, &settings.health_check);
        }
        self.note_all(&mut inner);
    }

    /// The target for a new request: `sticky` if it may be used, else the next in turn. With no healthy target all
    /// unhealthy ones are used (the balancer fails open); `None` means there is nobody to send it to.
    pub(super) fn route(&self, sticky: Option<&TargetKey>) -> Option<Route> {
        let mut inner = self.settled();
        if inner.settings.zonal_shift == Some(ZonalShift::Active) {
            return None;
        }
        let mut usable = self.routes(&inner, State::Healthy);
        if usable.is_empty() {
            usable = self.routes(&inner, State::Unhealthy);
        }
        if let Some(route) = usable.iter().find(|route| Some(&route.target) == sticky) {
            return Some(route.clone());
        }
        inner.turn = inner.turn.wrapping_add(1);
        let turn = inner.turn.checked_rem(usable.len())?;
        usable.into_iter().nth(turn)
    }

    /// Tells the probers that there may be more or less to check.
    pub(super) fn watch_plan(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    fn routes(&self, inner: &Inner, state: State) -> Vec<Route> {
        let settings = &inner.settings;
        let wanted = |(key, target): (&TargetKey, &Target)| {
            let addr = SocketAddr::new(admission::address(&self.fleet, settings, key)?, key.port);
            let usable = self.health_of(settings, key, target).state == state;
            usable.then(|| Route { target: key.clone(), addr, drain: target.watch_drain() })
        };
        inner.targets.iter().filter_map(wanted).collect()
    }

    fn replan(&self) {
        self.version.send_modify(|version| *version += 1);
    }

    /// The state with all drains that are over ended and every change noted.
    fn settled(&self) -> MutexGuard<'_, Inner> {
        let mut inner = lock(&self.inner);
        let now = clock::now();
        let gone = inner.targets.extract_if(.., |_, target| target.drains_until().is_some_and(|end| end <= now));
        let gone: Vec<TargetKey> = gone.map(|(key, _)| key).collect();
        for target in gone {
            inner.remember(Change { at: now, target, state: State::Unused, reason: Some("Target.NotRegistered") });
        }
        self.note_all(&mut inner);
        inner
    }

    fn note_all(&self, inner: &mut Inner) {
        let at = clock::now();
        let Inner { settings, targets, .. } = inner;
        let mut changes = Vec::new();
        for (key, target) in targets.iter_mut() {
            let health = self.health_of(settings, key, target);
            let now_told = Some((health.state, health.reason));
            if target.told != now_told {
                target.told = now_told;
                changes.push(Change { at, target: key.clone(), state: health.state, reason: health.reason });
            }
        }
        changes.into_iter().for_each(|change| inner.remember(change));
    }

    fn health_of(&self, settings: &GroupSettings, key: &TargetKey, target: &Target) -> Health {
        let health = target.health(clock::now());
        if health.state == State::Draining {
            return health;
        }
        if !settings.in_use {
            let text = "Target group is not configured to receive traffic from the load balancer";
            return Health::because(State::Unused, "Target.NotInUse", text);
        }
        if !settings.zone_enabled {
            let text = "Target is in an Availability Zone that is not enabled for the load balancer";
            return Health::because(State::Unused, "Target.NotInUse", text);
        }
        let stopped = |state: &str| {
            Health::because(State::Unused, "Target.InvalidState", format!("Target is in the {state} state"))
        };
        match self.fleet.find(&key.id).map(|(_, power)| power) {
            Some(Power::Stopped) => stopped("stopped"),
            Some(Power::Terminated) => stopped("terminated"),
            Some(Power::Running) | None => health,
        }
    }
}

impl Inner {
    fn next_generation(&mut self) -> u64 {
        self.generations += 1;
        self.generations
    }

    fn admit(&mut self, key: &TargetKey, nodes: usize) {
        let checks_from = clock::now() + self.settings.registration_takes;
        let generation = self.next_generation();
        match self.targets.get_mut(key) {
            None => {
                self.targets.insert(key.clone(), Target::registered(checks_from, nodes, generation));
            }
            Some(target) if target.drains_until().is_some() => target.restart(checks_from, generation),
            Some(_) => {}
        }
    }

    fn remember(&mut self, change: Change) {
        if self.history.len() >= HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(change);
    }
}
