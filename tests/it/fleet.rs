//! Several nodes of one cluster: what one of them may do depends on the others.

use crate::support::{Config, GROUP, Rundeck, TestAgent, free_port, until, world};
use rundeck_alb_lab::World;
use rundeck_alb_lab::alb::{State, TargetKey};
use std::net::SocketAddr;

/// Two nodes behind one balancer, each with its Rundeck and its agent.
struct Pair {
    world: World,
    rundecks: Vec<Rundeck>,
    agents: Vec<TestAgent>,
}

impl Pair {
    /// Both in service.
    async fn new() -> Pair {
        let (traffic, health) = (free_port(), free_port());
        let world = world(2, traffic, health);
        let (mut rundecks, mut agents) = (Vec::new(), Vec::new());
        for index in 0..2 {
            let address = world.node(index).address;
            let rundeck = Rundeck::start(SocketAddr::from((address, traffic)), "5.20", 0, 0).await;
            let mut config = Config::new(rundeck.addr).in_world(&world, index).among_others();
            config.listen = SocketAddr::from((address, health));
            agents.push(TestAgent::start(&config).await);
            rundecks.push(rundeck);
        }
        let pair = Pair { world, rundecks, agents };
        until("both to be healthy", async || pair.healthy() == 2).await;
        pair
    }

    fn state(&self, index: usize) -> State {
        let key = TargetKey::new(&self.world.node(index).instance_id, self.rundecks[index].addr.port());
        self.world.group(GROUP).health(&key).state
    }

    fn healthy(&self) -> usize {
        (0..2).filter(|index| self.state(*index) == State::Healthy).count()
    }
}

#[tokio::test]
async fn the_last_healthy_node_is_not_drained_by_order() {
    let pair = Pair::new().await;
    let order = pair.agents[0].order("/drain", "{}").await;
    assert_eq!(order.status, 202, "{order:?}");
    until("the first to leave", async || pair.state(0) != State::Healthy).await;
    let order = pair.agents[1].order("/drain", "{}").await;
    let said = order.json();
    assert_eq!((order.status, &said["why"], &said["healthy_others"]), (409, &"guard".into(), &0.into()), "{order:?}");
    assert!(said["refused"].as_str().is_some_and(|text| text.contains("0 of 1 others healthy")), "{said}");
    assert_eq!(pair.agents[1].ask().await.line(), "200 ok");
    let order = pair.agents[1].order("/drain", r#"{"force": true}"#).await;
    assert_eq!(order.status, 202, "{order:?}");
    pair.agents[1].says("503 draining: operator").await;
}

/// Each was told yes while the other was still there.
#[tokio::test]
async fn two_operators_at_once_leave_one_node_in_service() {
    let pair = Pair::new().await;
    let orders = tokio::join!(pair.agents[0].order("/drain", "{}"), pair.agents[1].order("/drain", "{}"));
    assert!([orders.0.status, orders.1.status].contains(&202), "{orders:?}");
    let taken_back = |agent: &TestAgent| agent.log().contains("taken back, for somebody else has left, too");
    let refused = [orders.0.status, orders.1.status].contains(&409);
    until("one to come back", async || refused || pair.agents.iter().any(taken_back)).await;
    until("one to be in service", async || pair.healthy() >= 1).await;
}

#[tokio::test]
async fn a_dead_rundeck_takes_its_node_out_and_a_new_one_brings_it_back() {
    let mut pair = Pair::new().await;
    let addr = pair.rundecks[0].addr;
    until("its process to be known", async || !pair.agents[0].status().await["rundeck"]["pid"].is_null()).await;
    pair.rundecks[0].kill().await;
    until("it to leave", async || !matches!(pair.state(0), State::Healthy | State::Unhealthy)).await;
    assert_eq!(pair.world.api().calls().count("DeregisterTargets"), 1);
    assert_eq!(pair.state(1), State::Healthy);
    pair.rundecks[0] = Rundeck::start(addr, "5.20", 0, 0).await;
    until("both to be healthy", async || pair.healthy() == 2).await;
}
