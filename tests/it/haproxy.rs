//! A load balancer that we did not write, before three real agents and their Rundecks, while one node is replaced.
//!
//! Nobody can tell HAProxy that a node leaves: it sees the 503 at its own pace. So the agents only observe a target
//! group whose facts are HAProxy's (a check a second, two bad ones), and must wait by these before they go.

use crate::support::{Config, GROUP, Rundeck, TestAgent, comes_true, free_port, get, login, until, with_cookie, world};
use rundeck_alb_lab::World;
use rundeck_alb_lab::alb::TargetKey;
use rundeck_alb_lab::outside::{self, Haproxy, Server};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// HAProxy's checks, as the group tells them: AWS knows whole seconds only.
const PACE: Duration = Duration::from_secs(1);
/// 30 users with 5 requests a second each: 150 a second.
const USERS: usize = 30;
const EACH: Duration = Duration::from_millis(200);
/// After so many requests a user logs out and comes back, so that a new node gets users too.
const SESSION: usize = 40;

/// A node: what is replaced as a whole.
struct Node {
    rundeck: Rundeck,
    agent: TestAgent,
}

impl Node {
    /// The node at `index`, with nothing kept of an earlier one.
    async fn start(world: &World, index: usize, traffic: u16, health: u16) -> Node {
        let address = world.node(index).address;
        let rundeck = Rundeck::start(SocketAddr::from((address, traffic)), "5.20", 0, 500).await;
        let mut config = Config::new(rundeck.addr).in_world(world, index).with("ownership = \"observe\"\n");
        // On a busy machine a last request may end behind the floor; it is waited for.
        config.env.push(("RUNDECK_ALB_AGENT__DRAIN__QUIET_TIMEOUT".into(), "20s".into()));
        config.listen = SocketAddr::from((address, health));
        // A busy machine is no sick node: only the one that is replaced may leave here.
        let patient = [("INTERVAL", "1s"), ("TIMEOUT", "900ms"), ("CONNECT_TIMEOUT", "800ms"), ("MAX_AGE", "10s")];
        config.env.extend(patient.map(|(key, value)| (format!("RUNDECK_ALB_AGENT__HEALTH__{key}"), value.to_string())));
        let agent = TestAgent::start(&config).await;
        agent.says("200 ok").await;
        Node { rundeck, agent }
    }

    fn server(&self, name: &str) -> Server {
        Server { name: name.into(), traffic: self.rundeck.addr, check: self.agent.health }
    }

    /// Sessions that began here.
    async fn sessions(&self) -> u64 {
        self.rundeck.stats().await["sessions"].as_u64().expect("a count")
    }
}

/// What the users met.
#[derive(Debug, Default)]
struct Met {
    requests: usize,
    /// A session was on the node that left; its user had to log in again.
    lost: usize,
    /// Anything but a page or the way to the login.
    failed: Vec<String>,
}

/// Users who click at a steady pace, each in a session of its own.
struct Users {
    met: Arc<Mutex<Met>>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Users {
    fn start(balancer: SocketAddr) -> Users {
        let met = Arc::new(Mutex::new(Met::default()));
        let stop = watch::Sender::new(false);
        let mut tasks = JoinSet::new();
        for number in 0..USERS {
            tasks.spawn(click(balancer, SESSION + number, met.clone(), stop.subscribe()));
        }
        Users { met, stop, tasks }
    }

    fn requests(&self) -> usize {
        self.met.lock().expect("met").requests
    }

    /// Lets everybody finish the request that is under way.
    async fn finish(mut self) -> Met {
        self.stop.send_replace(true);
        while let Some(user) = self.tasks.join_next().await {
            user.expect("a login that failed is a failed request");
        }
        std::mem::take(&mut self.met.lock().expect("met"))
    }
}

/// One user. Ticks that a busy machine has missed are made up for.
async fn click(balancer: SocketAddr, session: usize, met: Arc<Mutex<Met>>, stop: watch::Receiver<bool>) {
    let mut tick = tokio::time::interval(EACH);
    let mut cookie = None;
    let mut left = session;
    while !*stop.borrow() {
        tick.tick().await;
        met.lock().expect("met").requests += 1;
        let Some(known) = cookie.take_if(|_| left > 0) else {
            cookie = Some(login(balancer).await);
            left = session;
            continue;
        };
        left -= 1;
        let page = with_cookie(balancer, "/menu/home", &known).await;
        match page.status {
            200 => cookie = Some(known),
            302 if page.head.contains("/user/login") => met.lock().expect("met").lost += 1,
            _ => met.lock().expect("met").failed.push(page.line()),
        }
    }
}

/// HAProxy's figures, a row for each server and one for all of them.
async fn figures(haproxy: &Haproxy) -> String {
    let page = get(haproxy.statistics(), "/stats;csv").await.body;
    // In one chunk, whose length stands before it.
    page.split_once('\n').map_or(String::new(), |(_, csv)| csv.to_string())
}

/// Waits until HAProxy sends users to a server.
async fn in_service(haproxy: &Haproxy, name: &str) {
    let came = comes_true(async || Haproxy::is_up(&figures(haproxy).await, name) == Some(true)).await;
    assert!(came, "{name} did not come to be up: {}", haproxy.output());
}

/// What HAProxy could hide from users by asking again, which an ALB does not do: failed connections and answers,
/// retries, requests given to another server. With its own errors, as `node-1 wretr 3`.
async fn hidden(haproxy: &Haproxy) -> Vec<String> {
    const COLUMNS: [&str; 5] = ["econ", "eresp", "wretr", "wredis", "hrsp_5xx"];
    let csv = figures(haproxy).await;
    let titles: Vec<&str> = csv.lines().next().unwrap_or_default().trim_start_matches("# ").split(',').collect();
    assert!(COLUMNS.iter().all(|column| titles.contains(column)), "{csv}");
    let rows = csv.lines().filter_map(|line| line.strip_prefix("rundeck,"));
    rows.flat_map(|row| {
        let values = titles.iter().skip(1).zip(row.split(','));
        let name = row.split(',').next().unwrap_or_default();
        values
            .filter(|(title, value)| COLUMNS.contains(title) && !matches!(*value, "" | "0"))
            .map(move |(title, value)| format!("{name} {title} {value}"))
    })
    .collect()
}

/// The node's end as the receipt tells it: by the group's facts, for nobody was told.
fn assert_waited(agent: &TestAgent) {
    let receipt = agent.receipts().pop().expect("a receipt");
    let step = |name: &str| receipt["steps"].as_array().into_iter().flatten().find(|s| s["name"] == name).cloned();
    let quiet = step("quiet").expect("a quiet step");
    // Two failed checks of 1 s, a time-out of 1 s, and 5 s.
    assert!(quiet["took_ms"].as_u64() >= Some(8000), "{receipt}");
    assert_eq!((&quiet["gave_up"], &quiet["result"]), (&false.into(), &"nothing in flight".into()), "{receipt}");
    assert_eq!(receipt["running_jobs_left"], 0, "{receipt}");
    assert_eq!(receipt["target_groups"][0]["deregistered"], false, "{receipt}");
    assert_eq!(receipt["result"], "clean", "{receipt}");
}

#[tokio::test]
async fn a_node_is_replaced_and_no_request_fails() {
    let Some(program) = outside::haproxy() else { return };
    let (traffic, health) = (free_port(), free_port());
    let world = world(3, traffic, health);
    let names = ["node-1", "node-2", "node-3"];
    let (mut nodes, mut servers) = (Vec::new(), Vec::new());
    for (index, name) in names.into_iter().enumerate() {
        let node = Node::start(&world, index, traffic, health).await;
        let key = TargetKey::new(&world.node(index).instance_id, traffic);
        world.group(GROUP).register(&[key]).expect("somebody else registers it");
        servers.push(node.server(name));
        nodes.push(node);
    }
    let haproxy = Haproxy::start(&program, &servers, PACE).await.expect("HAProxy starts");
    for name in names {
        in_service(&haproxy, name).await;
    }
    let users = Users::start(haproxy.addr());
    until("steady traffic", async || users.requests() > 300).await;

    let mut leaving = nodes.remove(1);
    assert!(leaving.sessions().await > 0, "users are on the node that leaves");
    leaving.agent.signal("TERM");
    leaving.agent.says("503 draining: agent-stopping").await;
    // Its exit is the permission to stop Rundeck: nothing else is waited for, and nobody may be sent there any more.
    assert_eq!(leaving.agent.end().await.code(), Some(0), "{}", leaving.agent.log());
    leaving.rundeck.stop().await;
    assert_waited(&leaving.agent);

    let new = Node::start(&world, 1, traffic, health).await;
    in_service(&haproxy, names[1]).await;
    until("users on the new node", async || new.sessions().await > 0).await;
    let before = users.requests();
    until("traffic with three nodes again", async || users.requests() > before + 300).await;

    let met = users.finish().await;
    assert_eq!(hidden(&haproxy).await, [""; 0], "{met:?}\n{}", haproxy.output());
    assert!(met.failed.is_empty(), "{met:?}\n{}", haproxy.output());
    assert!((1..=USERS).contains(&met.lost), "only sessions of the node that left are lost, each once: {met:?}");
    assert_eq!(world.api().calls().count("DeregisterTargets"), 0, "observed only");
}
