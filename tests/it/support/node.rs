//! The world around a test's agent: a balancer with one group, and Rundeck as a process that can be killed.

use rundeck_alb_lab::alb::{GroupSettings, HealthCheck, HealthPort};
use rundeck_alb_lab::aws::ScalingSettings;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use rundeck_alb_lab::World;

/// The group that every test uses.
pub const GROUP: &str = "rundeck-test";

/// A world with this many nodes whose group asks the health port `health`.
pub fn world(nodes: usize, traffic: u16, health: u16) -> World {
    world_asking(nodes, traffic, health, "/health")
}

/// And this path.
pub fn world_asking(nodes: usize, traffic: u16, health: u16, path: &str) -> World {
    let group = group_asking(GROUP, traffic, health, path);
    World::builder().nodes(nodes).group(group).start().expect("the lab starts")
}

/// A group of this name with quick health checks.
pub fn group_asking(name: &str, traffic: u16, health: u16, path: &str) -> GroupSettings {
    let mut settings = GroupSettings::named(name);
    settings.port = traffic;
    settings.deregistration_delay = Duration::from_secs(4);
    settings.health_check = HealthCheck {
        port: HealthPort::Number(health),
        path: path.into(),
        interval: Duration::from_millis(100),
        timeout: Duration::from_millis(80),
        ..HealthCheck::default()
    };
    settings
}

/// The first node is in service in an Auto Scaling group with these health checks, which has attached these groups.
pub fn in_scaling_group(world: &World, checks: &str, attached: &[&str]) {
    let target_groups = attached.iter().map(|name| world.group(name).arn().to_owned()).collect();
    let settings = ScalingSettings { health_checks: checks.into(), target_groups, ..ScalingSettings::default() };
    world.scaling().set("rundeck-asg", settings);
    world.scaling().place("rundeck-asg", &world.node(0).instance_id, "InService");
}

/// A Rundeck stand-in as a process of its own.
pub struct Rundeck {
    child: Child,
    /// Where it serves.
    pub addr: SocketAddr,
    /// Where its switches are.
    pub control: SocketAddr,
}

impl Rundeck {
    /// Starts one and waits until its port is told. `boot_ms` refuses first, `bootstrap_ms` answers before it is ready.
    pub async fn start(listen: SocketAddr, version: &str, boot_ms: u64, bootstrap_ms: u64) -> Rundeck {
        let mut child = Command::new(stand_in())
            .args(["-Drdeck.base=/var/lib/rundeck", "--version", version, "--token", "test-token"])
            .args(["--listen", &listen.to_string(), "--control", "127.0.0.1:0"])
            .args(["--boot-ms", &boot_ms.to_string(), "--bootstrap-ms", &bootstrap_ms.to_string()])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the stand-in starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let (mut addr, mut control) = (None, None);
        while addr.is_none() || control.is_none() {
            let line = lines.next_line().await.expect("its output").expect("the stand-in tells its addresses");
            let told = |word: &str| line.strip_prefix(word).and_then(|rest| rest.trim().parse().ok());
            addr = addr.or(told("listening "));
            control = control.or(told("control "));
        }
        // Nobody reads on; the pipe must not fill.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Rundeck { child, addr: addr.expect("told"), control: control.expect("told") }
    }

    /// One that is ready at once, on a free port of 127.0.0.1.
    pub async fn ready() -> Rundeck {
        Rundeck::start(SocketAddr::from(([127, 0, 0, 1], 0)), "5.20", 0, 0).await
    }

    /// SIGKILL, and its end.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("killed");
    }

    /// Stops it as its service does, and waits for its end.
    pub async fn stop(&mut self) {
        self.order("/stop").await;
        let end = tokio::time::timeout(super::PATIENCE, self.child.wait()).await;
        assert!(matches!(end, Ok(Ok(_))), "the stand-in does not stop: {end:?}");
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("runs")
    }

    /// Switches something on its control port.
    pub async fn order(&self, target: &str) {
        let reply = super::request(
            self.control,
            &format!("POST {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
        )
        .await;
        assert!(reply.status / 100 == 2, "POST {target}: {reply:?}");
    }

    /// `GET /stats` of its control port.
    pub async fn stats(&self) -> serde_json::Value {
        super::get(self.control, "/stats").await.json()
    }
}

/// The program of the Rundeck stand-in.
pub fn stand_in() -> PathBuf {
    let path = PathBuf::from(env!("CARGO_BIN_EXE_rundeck-alb-agent")).with_file_name("rundeck-stand-in");
    assert!(path.exists(), "{} is missing: run `cargo build -p rundeck-alb-lab` first", path.display());
    path
}
