//! A node as in a cluster: Rundeck stand-in and agent as processes, balancer, API and metadata on a thread beside them.

use crate::agent::{Agent, Plan, free_port};
use crate::{Measured, http, wait};
use rundeck_alb_lab::World;
use rundeck_alb_lab::alb::{GroupSettings, HealthCheck, HealthPort};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

const GROUP: &str = "rundeck-figures";

/// An ALB asks once in 5 s to 300 s.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// The AWS side, on a thread of its own; ends when dropped.
pub struct Lab {
    /// Its switches and counters.
    pub world: Arc<World>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Lab {
    /// One node and one group, whose targets serve `traffic` and are checked at `health`.
    ///
    /// # Errors
    /// The world does not start.
    pub fn start(traffic: u16, health: u16) -> Measured<Lab> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let (tell, told) = mpsc::sync_channel(1);
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                let world = World::builder().nodes(1).group(group(traffic, health)).start().map(Arc::new);
                // Nobody listens if the figure was given up: then the stop has come too.
                let _ = tell.send(world);
                let _ = stopped.await;
            });
        });
        let world = told.recv()??;
        Ok(Lab { world, stop: Some(stop), thread: Some(thread) })
    }

    /// What an agent must be told to live here: environment and TOML.
    pub fn plan(&self, health: SocketAddr, rundeck: SocketAddr, more: &str) -> Plan {
        let more = format!("{more}[[target_group]]\nname = \"{GROUP}\"\n");
        Plan { health, rundeck, more, env: self.world.agent_env(0) }
    }

    /// Targets of the group.
    pub fn targets(&self) -> usize {
        self.world.group(GROUP).targets().len()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.stop.take();
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn group(traffic: u16, health: u16) -> GroupSettings {
    let mut settings = GroupSettings::named(GROUP);
    settings.port = traffic;
    settings.health_check = HealthCheck {
        port: HealthPort::Number(health),
        path: "/health".into(),
        interval: CHECK_INTERVAL,
        ..HealthCheck::default()
    };
    settings
}

/// The program that stands in for Rundeck.
pub struct StandIn(PathBuf);

impl StandIn {
    /// Builds it, as every test run does. Its own speed is in no figure: the dev profile will do.
    ///
    /// # Errors
    /// It cannot be built.
    pub fn build() -> Measured<StandIn> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .args(["build", "--quiet", "-p", "rundeck-alb-lab", "--bin", "rundeck-stand-in", "--message-format=json"])
            .stderr(Stdio::inherit())
            .output()?;
        let told = String::from_utf8_lossy(&built.stdout).into_owned();
        let messages = told.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let mut programs = messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from));
        programs.next().map(StandIn).ok_or_else(|| "the Rundeck stand-in could not be built".into())
    }

    /// Starts one that is ready at once.
    ///
    /// # Errors
    /// It does not tell where it serves.
    pub fn start(&self, addr: SocketAddr) -> Measured<Rundeck> {
        let mut child = Command::new(&self.0)
            .args(["-Drdeck.base=/var/lib/rundeck", "--token", "test-token", "--control", "127.0.0.1:0"])
            .args(["--listen", &addr.to_string()])
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take();
        // Made first, so that a child that does not tell is ended too.
        let mut rundeck = Rundeck { child, addr, control: addr };
        let mut lines = BufReader::new(output.ok_or("the stand-in has no output")?).lines();
        let mut control = None;
        let mut serves = false;
        while control.is_none() || !serves {
            let line = lines.next().ok_or("the stand-in ended before it served")??;
            serves |= line.starts_with("listening ");
            control = control.or(line.strip_prefix("control ").and_then(|rest| rest.trim().parse().ok()));
        }
        // A stand-in that nobody reads goes on.
        rundeck.control = control.ok_or("no control port was told")?;
        Ok(rundeck)
    }
}

/// A running stand-in; dropping it kills it.
pub struct Rundeck {
    child: Child,
    /// Where it serves.
    pub addr: SocketAddr,
    control: SocketAddr,
}

impl Rundeck {
    /// SIGKILL. Returns as soon as the kernel has taken it.
    ///
    /// # Errors
    /// It has ended already.
    pub fn kill(&mut self) -> Measured<()> {
        Ok(self.child.kill()?)
    }

    /// Requests that it has had so far.
    ///
    /// # Errors
    /// Its control port does not tell.
    pub fn requests(&self) -> Measured<u64> {
        let stats: serde_json::Value = serde_json::from_str(&http::get(self.control, "/stats")?.body)?;
        stats["requests"].as_u64().ok_or_else(|| "the stand-in counts no requests".into())
    }
}

impl Drop for Rundeck {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A node that serves and is registered.
pub struct Node {
    /// The agent.
    pub agent: Agent,
    /// Its Rundeck.
    pub rundeck: Rundeck,
    /// Its cluster.
    pub lab: Lab,
}

impl Node {
    /// Starts all of it and waits until the node is up and registered. `more` is TOML: the rest of `[health]`, then
    /// tables.
    ///
    /// # Errors
    /// Any part of it does not come.
    pub fn start(stand_in: &StandIn, more: &str) -> Measured<Node> {
        let (traffic, health) = (free_port()?.port(), free_port()?.port());
        let lab = Lab::start(traffic, health)?;
        let address = lab.world.node(0).address;
        let rundeck = stand_in.start(SocketAddr::from((address, traffic)))?;
        let mut agent = Agent::start(&lab.plan(SocketAddr::from((address, health)), rundeck.addr, more))?;
        agent.answers(200)?;
        wait::until("the node to be registered", || (lab.targets() == 1).then_some(()))?;
        Ok(Node { agent, rundeck, lab })
    }
}
