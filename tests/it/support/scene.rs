//! One node in a world: balancer, Rundeck and agent at the node's address, as a user of the cluster meets them.

use super::{Config, GROUP, Rundeck, TestAgent, free_port, until, world};
use rundeck_alb_lab::World;
use rundeck_alb_lab::alb::{State, TargetKey};
use std::net::SocketAddr;

/// A node whose Rundeck is ready, and an agent that the group's health check asks.
pub struct Scene {
    /// Balancer, API and metadata.
    pub world: World,
    /// A process of its own.
    pub rundeck: Rundeck,
    /// The real program.
    pub agent: TestAgent,
    /// What the agent was started with, to start it again.
    pub config: Config,
}

impl Scene {
    /// `change` sets the world up before anything runs; `config` changes what the agent is told.
    pub async fn new(change: impl FnOnce(&World), config: impl FnOnce(Config) -> Config) -> Scene {
        let (traffic, health) = (free_port(), free_port());
        let world = world(1, traffic, health);
        change(&world);
        Scene::of(world, traffic, health, config).await
    }

    /// In a world whose groups have this traffic port and ask that one.
    pub async fn of(world: World, traffic: u16, health: u16, config: impl FnOnce(Config) -> Config) -> Scene {
        let address = world.node(0).address;
        let rundeck = Rundeck::start(SocketAddr::from((address, traffic)), "5.20", 0, 0).await;
        let mut wanted = Config::new(rundeck.addr).in_world(&world, 0);
        wanted.listen = SocketAddr::from((address, health));
        let config = config(wanted);
        let agent = TestAgent::start(&config).await;
        Scene { world, rundeck, agent, config }
    }

    /// The agent is killed and starts once more, where it was.
    pub async fn crash(&mut self) {
        self.agent.signal("KILL");
        self.agent.end().await;
        let config = Config { home: Some(self.agent.home.clone()), ..self.config.clone() };
        self.agent = TestAgent::start(&config).await;
    }

    /// Its target.
    pub fn key(&self) -> TargetKey {
        TargetKey::new(&self.world.node(0).instance_id, self.rundeck.addr.port())
    }

    /// What the balancer says of it.
    pub fn state(&self) -> State {
        self.world.group(GROUP).health(&self.key()).state
    }

    /// Waits until the balancer sends users here.
    pub async fn healthy(&self) {
        until("the balancer to say healthy", async || self.state() == State::Healthy).await;
    }

    /// How often it was registered.
    pub fn registers(&self) -> usize {
        self.world.api().calls().count("RegisterTargets")
    }

    /// `mode` of the Rundeck stand-in.
    pub async fn mode(&self) -> String {
        self.rundeck.stats().await["mode"].as_str().unwrap_or_default().to_string()
    }
}
