//! Where a scenario is played: a node with three target groups of its own, in the lab or in moto, and the hands of
//! everybody else who works there. What a scenario asks is the same in both.

use super::referee::Referee;
use crate::support::{Config, Rundeck, TestAgent, comes_true, free_port};
use rundeck_alb_lab::World;
use rundeck_alb_lab::alb::{GroupSettings, HealthCheck, HealthPort, Power, TargetType};
use rundeck_alb_lab::aws::ScalingSettings;
use rundeck_alb_lab::faults::{Fault, Rule};
use rundeck_alb_lab::outside::Credentials;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

/// What came of a scenario: as it should, or what did not hold.
pub type Outcome = Result<(), String>;

/// The Auto Scaling group of every stand.
const SCALING: &str = "rundeck-asg";

/// A target group.
#[derive(Debug, Clone, Default)]
pub struct Named {
    pub name: String,
    pub arn: String,
}

pub struct Stand {
    /// Takes instances by their id.
    pub a: Named,
    /// Another one.
    pub b: Named,
    /// Takes addresses.
    pub ip: Named,
    /// Instance id.
    pub node: String,
    /// Address.
    pub address: String,
    /// The groups' port, where the node's Rundeck serves.
    pub port: u16,
    /// Metadata; in the lab all of AWS.
    world: World,
    rundeck: Rundeck,
    health: SocketAddr,
    side: Side,
}

enum Side {
    Lab,
    Moto { referee: Rc<Referee>, user: RefCell<Credentials>, name: String },
}

impl Stand {
    pub async fn in_lab() -> Stand {
        let (port, health) = (free_port(), free_port());
        let group = |name: &str| GroupSettings {
            port,
            deregistration_delay: Duration::from_secs(4),
            health_check: HealthCheck {
                port: HealthPort::Number(health),
                path: "/health".into(),
                interval: Duration::from_millis(100),
                ..HealthCheck::default()
            },
            ..GroupSettings::named(name)
        };
        let ip = GroupSettings { target_type: TargetType::Ip, ..group("ip") };
        let world = World::builder().nodes(2).group(group("a")).group(group("b")).group(ip).start().expect("a world");
        let named = |name: &str| Named { name: name.into(), arn: world.group(name).arn().into() };
        let (a, b, ip) = (named("a"), named("b"), named("ip"));
        let node = world.node(0).instance_id.clone();
        Stand::new(a, b, ip, node, world, (port, health), Side::Lab).await
    }

    pub async fn in_moto(referee: Rc<Referee>, number: usize) -> Stand {
        let (port, health) = (free_port(), free_port());
        let world = crate::support::world(1, port, health);
        let name = format!("stand{number}");
        let made = referee
            .command(&["place", &name, &port.to_string(), &health.to_string()])
            .await
            .expect("moto makes a place");
        let node = made["instance"]["id"].as_str().expect("an instance").to_owned();
        let named = |key: &str| Named {
            name: format!("{name}-{key}"),
            arn: made["groups"][key].as_str().expect("a group").to_owned(),
        };
        // Its address is one of this machine, as an agent finds its own.
        let document = json!({
            "accountId": referee.moto.world().account, "instanceId": node, "privateIp": world.node(0).address,
            "region": referee.moto.world().region, "availabilityZone": format!("{}a", referee.moto.world().region),
        });
        world.imds(0).set("instance-id", Some(&node));
        let interface = format!("network/interfaces/macs/{}", world.node(0).mac);
        world.imds(0).set(&format!("{interface}/vpc-id"), Some(&referee.moto.world().vpc));
        world.imds(0).set("dynamic/instance-identity/document", Some(&document.to_string()));
        let (a, b, ip) = (named("a"), named("b"), named("ip"));
        let user = RefCell::new(referee.whole.clone());
        Stand::new(a, b, ip, node, world, (port, health), Side::Moto { referee, user, name }).await
    }

    async fn new(a: Named, b: Named, ip: Named, node: String, world: World, ports: (u16, u16), side: Side) -> Stand {
        let address = world.node(0).address;
        let rundeck = Rundeck::start(SocketAddr::from((address, ports.0)), "5.20", 0, 0).await;
        let (health, address) = (SocketAddr::from((address, ports.1)), address.to_string());
        Stand { a, b, ip, node, address, port: ports.0, world, rundeck, health, side }
    }

    /// An agent on the node: what is added to `[membership]`, and the tables of its target groups.
    pub async fn agent(&self, membership: &str, tables: &str) -> TestAgent {
        let mut config = Config::new(self.rundeck.addr).in_world(&self.world, 0);
        config.listen = self.health;
        if let Side::Moto { referee, user, .. } = &self.side {
            config.env.extend(referee.env(&user.borrow()));
        }
        config.more = format!(
            "[membership]\nreconcile_interval = \"3s\"\nmin_other_healthy = 0\ncrash_ejection = false\n{membership}\n\
             {tables}\n"
        );
        TestAgent::start(&config).await
    }

    /// What is registered there: id, port and state.
    pub async fn targets(&self, group: &Named) -> Vec<(String, u16, String)> {
        match &self.side {
            Side::Lab => {
                let targets = self.world.group(&group.name).targets().into_iter();
                targets.map(|(key, health)| (key.id, key.port, health.state.word().to_owned())).collect()
            }
            Side::Moto { referee, .. } => {
                let listed = referee.command(&["targets", &group.arn]).await.expect("moto tells");
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                let port = |value: &Value| value.as_u64().and_then(|port| u16::try_from(port).ok()).unwrap_or_default();
                let listed = listed.as_array().cloned().unwrap_or_default();
                listed.iter().map(|target| (text(&target[0]), port(&target[1]), text(&target[2]))).collect()
            }
        }
    }

    /// Whether this is registered there, and not on its way out.
    pub async fn has(&self, group: &Named, id: &str, port: u16) -> bool {
        self.targets(group).await.iter().any(|(i, p, state)| i == id && *p == port && state != "draining")
    }

    /// Another node of the cluster, which is in the group already.
    pub async fn stranger(&self, group: &Named) -> String {
        let id = match &self.side {
            Side::Lab => self.world.node(1).instance_id.clone(),
            Side::Moto { referee, .. } => referee.moto.world().instances[0].id.clone(),
        };
        self.register(group, &id, self.port).await;
        id
    }

    /// Somebody else registers this.
    pub async fn register(&self, group: &Named, id: &str, port: u16) {
        match &self.side {
            Side::Lab => {
                let key = rundeck_alb_lab::alb::TargetKey::new(id, port);
                self.world.group(&group.name).register(&[key]).expect("accepted");
            }
            Side::Moto { referee, .. } => {
                referee.command(&["register", &group.arn, id, &port.to_string()]).await.expect("accepted");
            }
        }
    }

    /// Somebody else takes this out.
    pub async fn deregister(&self, group: &Named, id: &str, port: u16) {
        match &self.side {
            Side::Lab => {
                self.world.group(&group.name).deregister(&[(id.to_owned(), Some(port))]).expect("accepted");
            }
            Side::Moto { referee, .. } => {
                referee.command(&["deregister", &group.arn, id, &port.to_string()]).await.expect("accepted");
            }
        }
    }

    /// The instance is stopped; the processes here go on, so that the agent can tell.
    pub async fn stop(&self) {
        match &self.side {
            Side::Lab => self.world.fleet().set_power(&self.node, Power::Stopped),
            Side::Moto { referee, .. } => {
                referee.command(&["stop", &self.node]).await.expect("stopped");
            }
        }
    }

    /// The role may do all but this, like `elasticloadbalancing:RegisterTargets`.
    pub async fn deny(&self, action: &str) {
        match &self.side {
            Side::Lab => {
                let operation = action.split(':').nth(1).unwrap_or(action);
                self.world.api().faults().add(Rule::always(Fault::Deny).only(operation));
            }
            Side::Moto { referee, user, name } => *user.borrow_mut() = referee.user_without(name, action).await,
        }
    }

    /// The keys are worth nothing.
    pub fn forge(&self) {
        match &self.side {
            Side::Lab => self.world.api().faults().set(Fault::Expired),
            Side::Moto { user, .. } => user.borrow_mut().secret = "not the secret".into(),
        }
    }

    /// The instance tag that names target groups.
    pub fn tag(&self, value: &str) {
        let tags = [("rundeck-alb-agent:target-groups".to_owned(), value.to_owned())].into();
        self.world.imds(0).set_tags(Some(&tags));
    }

    /// An Auto Scaling group with these checks, which has attached these target groups, has the node in service.
    pub async fn scaling(&self, checks: &str, attached: &[&Named]) {
        let arns: Vec<&str> = attached.iter().map(|group| group.arn.as_str()).collect();
        match &self.side {
            Side::Lab => {
                let target_groups = arns.iter().map(|arn| (*arn).to_owned()).collect();
                let settings = ScalingSettings { health_checks: checks.into(), target_groups, ..Default::default() };
                self.world.scaling().set(SCALING, settings);
                self.world.scaling().launch(SCALING, &self.node);
                let state = || self.world.scaling().state(&self.node);
                assert!(comes_true(async || state().as_deref() == Some("InService")).await, "{:?}", state());
            }
            Side::Moto { referee, name, .. } => {
                let command = [&["scaling", name, &self.node, checks], arns.as_slice()].concat();
                referee.command(&command).await.expect("a group");
                self.world.imds(0).set_lifecycle_state(Some("InService"));
            }
        }
    }

    /// Somebody moves the node into Standby.
    pub async fn enter_standby(&self) {
        match &self.side {
            Side::Lab => self.world.scaling().enter_standby(SCALING, &self.node, true).expect("accepted"),
            Side::Moto { .. } => self.moved("enter-standby", "Standby").await,
        }
    }

    /// And out of it.
    pub async fn exit_standby(&self) {
        match &self.side {
            Side::Lab => {
                let there = async || self.world.scaling().state(&self.node).as_deref() == Some("Standby");
                assert!(comes_true(there).await, "it never gets there");
                self.world.scaling().exit_standby(SCALING, &self.node).expect("accepted");
            }
            Side::Moto { .. } => self.moved("exit-standby", "InService").await,
        }
    }

    /// Somebody takes it out of the Auto Scaling group, in order to keep it.
    pub async fn detach(&self) {
        match &self.side {
            Side::Lab => self.world.scaling().detach(&self.node),
            Side::Moto { .. } => self.moved("detach", "Detached").await,
        }
    }

    /// moto moves it, and metadata, which are the lab's, say where to.
    async fn moved(&self, command: &str, shown: &str) {
        if let Side::Moto { referee, name, .. } = &self.side {
            referee.command(&[command, name, &self.node]).await.expect("accepted");
            self.world.imds(0).set_lifecycle_state(Some(shown));
        }
    }
}
