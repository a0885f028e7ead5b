//! The AWS half of the world in one handle: a balancer per group, the API, a metadata service per node.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::alb::{Balancer, Fleet, Group, GroupSettings, prober};
use crate::aws::{ACCOUNT, Api, Cloud, REGION, Scaling, Surroundings, work_for_ever};
use crate::faults::Faults;
use crate::imds::{Imds, Node, node::MAX_NODES};

/// How long a target may take for an answer unless the builder says else (an ALB's default idle timeout).
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// Why a world did not start.
#[derive(Debug)]
pub enum StartError {
    /// A listener could not be opened.
    Listen(io::Error),
    /// The builder was asked for something that cannot be; the text says what.
    Plan(String),
}

impl fmt::Display for StartError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen(error) => write!(out, "the lab could not open a loopback port: {error}"),
            Self::Plan(text) => out.write_str(text),
        }
    }
}

impl std::error::Error for StartError {}

impl From<io::Error> for StartError {
    fn from(error: io::Error) -> Self {
        Self::Listen(error)
    }
}

/// What the world shall hold. Start with [`World::builder`].
#[derive(Debug)]
pub struct Builder {
    nodes: usize,
    balancer_nodes: usize,
    idle_timeout: Duration,
    throttles: bool,
    groups: Vec<GroupSettings>,
}

impl Builder {
    /// Number of instances (one unless said).
    #[must_use]
    pub fn nodes(mut self, nodes: usize) -> Self {
        self.nodes = nodes;
        self
    }

    /// Number of balancer nodes, each of which checks every target (two unless said).
    #[must_use]
    pub fn balancer_nodes(mut self, nodes: usize) -> Self {
        self.balancer_nodes = nodes;
        self
    }

    /// How long a target may take for an answer before the client gets 504.
    #[must_use]
    pub fn idle_timeout(mut self, span: Duration) -> Self {
        self.idle_timeout = span;
        self
    }

    /// The account's buckets count: 40 calls that read and 10 more a second, 20 that change and 4 more, for each API
    /// and for all nodes together.
    #[must_use]
    pub fn throttling(mut self) -> Self {
        self.throttles = true;
        self
    }

    /// Adds a target group, with a listener of its own.
    #[must_use]
    pub fn group(mut self, settings: GroupSettings) -> Self {
        self.groups.push(settings);
        self
    }

    /// Starts everything. Must be called inside a tokio runtime, which has to live as long as the world.
    ///
    /// # Errors
    /// No group or two of one name, too many nodes, or no free port.
    pub fn start(self) -> Result<World, StartError> {
        let first = self.check()?;
        let nodes: Vec<Node> = (0..self.nodes).map(Node::at).collect();
        let fleet = Arc::new(Fleet::default());
        nodes.iter().for_each(|node| fleet.launch(&node.instance_id, node.address));
        let mut tasks = JoinSet::new();
        let mut groups = BTreeMap::new();
        for (index, settings) in self.groups.into_iter().enumerate() {
            let name = settings.name.clone();
            let group = Group::new(group_arn(&name, index), settings, self.balancer_nodes, Arc::clone(&fleet));
            let group = Arc::new(group);
            for node in 0..self.balancer_nodes {
                tasks.spawn(prober::check_for_ever(Arc::clone(&group), node));
            }
            let balancer = Balancer::start(Arc::clone(&group), self.idle_timeout)?;
            groups.insert(name, Served { group, balancer });
        }
        let imds = nodes.iter().map(Imds::start).collect::<io::Result<Vec<Imds>>>()?;
        let target_groups: Vec<Arc<Group>> = groups.values().map(|served| Arc::clone(&served.group)).collect();
        let metadata = nodes.iter().zip(&imds).map(|(node, imds)| (node.instance_id.clone(), imds.lifecycle()));
        let around = Surroundings {
            fleet: Arc::clone(&fleet),
            target_groups: target_groups.clone(),
            metadata: metadata.collect(),
        };
        let scaling = Arc::new(Scaling::new(around));
        tasks.spawn(work_for_ever(Arc::clone(&scaling)));
        let cloud = Cloud {
            scaling: Arc::clone(&scaling),
            groups: target_groups,
            balancer_arn: format!(
                "arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:loadbalancer/app/lab/50dc6c495c0c9188"
            ),
        };
        let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
        let api = Api::start(cloud, &names, self.throttles)?;
        Ok(World { nodes, fleet, scaling, groups, first, api, imds, _tasks: tasks })
    }

    /// Refuses a plan that cannot be; tells the first group's name.
    fn check(&self) -> Result<String, StartError> {
        let plan = |text: String| Err(StartError::Plan(text));
        if self.nodes > MAX_NODES {
            return plan(format!("the lab has addresses for {MAX_NODES} nodes, not {}", self.nodes));
        }
        if self.balancer_nodes == 0 {
            return plan("a balancer without nodes checks nothing: give it one or more".to_owned());
        }
        let mut names = BTreeSet::new();
        if let Some(twice) = self.groups.iter().find(|group| !names.insert(&group.name)) {
            return plan(format!("two target groups are called {}: give one another name", twice.name));
        }
        let Some(first) = self.groups.first() else {
            return plan("a world needs a target group: add one with group()".to_owned());
        };
        Ok(first.name.clone())
    }
}

fn group_arn(name: &str, index: usize) -> String {
    format!("arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:targetgroup/{name}/{:016x}", 0x73e2_d6bc_24d8_a067 + index)
}

#[derive(Debug)]
struct Served {
    group: Arc<Group>,
    balancer: Balancer,
}

/// A running world. Dropping it stops all of it.
///
/// The methods that take a name or a node's index panic when there is none: a test that asks for what it did not build
/// is wrong, and the panic is how it learns so.
#[derive(Debug)]
pub struct World {
    nodes: Vec<Node>,
    fleet: Arc<Fleet>,
    scaling: Arc<Scaling>,
    groups: BTreeMap<String, Served>,
    first: String,
    api: Api,
    imds: Vec<Imds>,
    _tasks: JoinSet<()>,
}

impl World {
    /// One node, two balancer nodes, no group yet.
    #[must_use]
    pub fn builder() -> Builder {
        Builder { nodes: 1, balancer_nodes: 2, idle_timeout: IDLE_TIMEOUT, throttles: false, groups: Vec::new() }
    }

    /// All nodes.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The node at `index`, counted from 0.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn node(&self, index: usize) -> &Node {
        self.nodes.get(index).expect("the builder was asked for that many nodes")
    }

    /// The instances, to stop or terminate one.
    #[must_use]
    pub fn fleet(&self) -> &Fleet {
        &self.fleet
    }

    /// The Auto Scaling groups: none at first.
    #[must_use]
    pub fn scaling(&self) -> &Scaling {
        &self.scaling
    }

    /// The target group called `name`.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn group(&self, name: &str) -> &Group {
        &self.served(name).group
    }

    /// The listener of the group called `name`.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn balancer_of(&self, name: &str) -> &Balancer {
        &self.served(name).balancer
    }

    /// The listener of the first group.
    #[must_use]
    pub fn balancer(&self) -> &Balancer {
        self.balancer_of(&self.first)
    }

    /// Where users of the first group connect.
    #[must_use]
    pub fn balancer_addr(&self) -> SocketAddr {
        self.balancer().addr()
    }

    /// The API, with its log and faults.
    #[must_use]
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// The API's endpoint for `AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2` and `AWS_ENDPOINT_URL_AUTO_SCALING`.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("http://{}", self.api.addr())
    }

    /// The endpoint of the API for the node at `index` alone: the same API, with fault switches of its own
    /// ([`World::api_faults_of`]).
    ///
    /// # Panics
    /// When there is no such node.
    #[must_use]
    pub fn api_url_of(&self, index: usize) -> String {
        let addr = self.api.addr_of(index).expect("the builder was asked for that many nodes");
        format!("http://{addr}")
    }

    /// Takes the API away from one node, or makes it sick for this node alone.
    ///
    /// # Panics
    /// When there is no such node.
    #[must_use]
    pub fn api_faults_of(&self, index: usize) -> &Faults {
        self.api.faults_of(index).expect("the builder was asked for that many nodes")
    }

    /// The metadata service of the node at `index`.
    ///
    /// # Panics
    /// When there is no such node.
    #[must_use]
    pub fn imds(&self, index: usize) -> &Imds {
        self.imds.get(index).expect("the builder was asked for that many nodes")
    }

    /// That service's endpoint for `AWS_EC2_METADATA_SERVICE_ENDPOINT`.
    ///
    /// # Panics
    /// When there is no such node.
    #[must_use]
    pub fn imds_url(&self, index: usize) -> String {
        format!("http://{}", self.imds(index).addr())
    }

    /// The environment that makes an agent process live on the node at `index`.
    ///
    /// # Panics
    /// When there is no such node.
    #[must_use]
    pub fn agent_env(&self, index: usize) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2", self.api_url_of(index)),
            ("AWS_ENDPOINT_URL_AUTO_SCALING", self.api_url_of(index)),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", self.imds_url(index)),
        ]
    }

    fn served(&self, name: &str) -> &Served {
        self.groups.get(name).expect("the builder was given a group of that name")
    }
}
