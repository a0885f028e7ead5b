//! Who can be watched through a scenario: the JVM rig on its PostgreSQL, and the Rundeck stand-in as a process.
//!
//! Both obey the same orders; what an agent says of them is none of their business.

use super::scenario::{Act, Life};
use crate::support::{get, request, stand_in, until};
use rundeck_alb_lab::outside::{Boot, OutsideError, Postgres, Program, Rig, RigTools};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Command;
use tokio::task::JoinSet;

/// A token that both keep in the database.
pub const TOKEN: &str = "database-token";
/// The number of Jetty's request threads.
const THREADS: usize = 200;
/// No outgoing connection gets this address for its own, so the port stays free until the process takes it.
const HOME: Ipv4Addr = Ipv4Addr::new(127, 0, 77, 3);

/// A Rundeck, or what stands for one, under a scenario.
pub trait Subject {
    /// Where it listens, from before it is started.
    fn addr(&self) -> SocketAddr;
    /// Starts its process (again); returns at once.
    async fn start(&mut self);
    /// Does one thing to it.
    async fn act(&mut self, act: Act);
    /// Its bootstrap has ended well.
    fn is_ready(&self) -> bool;
    /// What it printed, for a failed test.
    fn output(&self) -> String;
}

/// Requests that nobody answers; dropping it hangs up.
#[derive(Default)]
struct Hanging(JoinSet<()>);

impl Hanging {
    /// As many as there are threads, each on a connection of its own, each in need of the database.
    async fn start(&mut self, addr: SocketAddr) {
        for _ in 0..THREADS {
            self.0.spawn(async move {
                let head = format!("Host: x\r\nX-Rundeck-Auth-Token: {TOKEN}\r\nConnection: close");
                request(addr, &format!("GET /api/40/system/info HTTP/1.1\r\n{head}\r\n\r\n")).await;
            });
        }
        until("/health of the subject to be silent", async || {
            let answer = tokio::time::timeout(std::time::Duration::from_millis(500), get(addr, "/health")).await;
            answer.is_err()
        })
        .await;
    }
}

/// A flavour of the JVM rig with what makes it this version of Rundeck.
pub struct JvmRig {
    tools: RigTools,
    boot: Boot,
    properties: Vec<(&'static str, String)>,
    addr: SocketAddr,
    rig: Option<Rig>,
    postgres: Postgres,
    hanging: Hanging,
}

impl JvmRig {
    /// Makes its database; the JVM comes with [`Subject::start`].
    pub async fn new(
        tools: RigTools,
        postgres: PathBuf,
        boot: Boot,
        flavour: &[(&'static str, &str)],
        life: Life,
    ) -> Result<JvmRig, OutsideError> {
        let postgres = Postgres::start(&postgres).await?;
        let mut properties = vec![
            ("rig.database", postgres.url()),
            ("rig.plugins-ms", life.plugins.to_string()),
            ("rig.token-file-ms", life.token_file.to_string()),
            ("rig.rest-ms", life.rest.to_string()),
            ("rig.bootstrap-fails", life.fails.to_string()),
            ("rig.lingers", life.lingers.to_string()),
        ];
        properties.extend(flavour.iter().map(|(name, value)| (*name, (*value).to_string())));
        let addr = free_port();
        Ok(JvmRig { tools, boot, properties, addr, rig: None, postgres, hanging: Hanging::default() })
    }

    fn rig(&mut self) -> &mut Rig {
        self.rig.as_mut().expect("it was started")
    }
}

impl Subject for JvmRig {
    fn addr(&self) -> SocketAddr {
        self.addr
    }

    async fn start(&mut self) {
        self.rig = Some(self.tools.start(self.boot, self.addr, &self.properties).expect("java starts"));
    }

    async fn act(&mut self, act: Act) {
        let addr = self.addr;
        match act {
            Act::Start => self.start().await,
            Act::TerminateInBootstrap => {
                self.rig().says("bootstrap").await.expect("its bootstrap");
                self.rig().signal("TERM").expect("it lives");
            }
            Act::Job(ms) => {
                let head = "Host: x\r\nContent-Length: 0\r\nConnection: close";
                let reply = request(addr, &format!("POST /rig/job?ms={ms} HTTP/1.1\r\n{head}\r\n\r\n")).await;
                assert_eq!(reply.status, 200, "{reply:?}");
            }
            Act::Terminate => self.rig().signal("TERM").expect("it lives"),
            Act::Ends => drop(self.rig().end().await.expect("it ends")),
            Act::Kill => self.rig().kill(),
            Act::Freeze => self.rig().signal("STOP").expect("it lives"),
            Act::Thaw => self.rig().signal("CONT").expect("it lives"),
            Act::HealthIsOk => assert_eq!(get(addr, "/health").await.status, 200),
            Act::DatabaseStops => self.postgres.stop().await.expect("PostgreSQL stops"),
            Act::DatabaseStartsAgain => self.postgres.start_again().await.expect("PostgreSQL starts again"),
            Act::DatabaseRefuses => self.postgres.refuse().expect("PostgreSQL refuses"),
            Act::DatabaseAdmits => self.postgres.admit().expect("PostgreSQL admits"),
            Act::DatabaseFreezes => self.postgres.freeze().expect("PostgreSQL freezes"),
            Act::DatabaseThaws => self.postgres.thaw().expect("PostgreSQL thaws"),
            Act::HangRequests => self.hanging.start(addr).await,
            Act::HangUp => self.hanging.0.shutdown().await,
        }
    }

    fn is_ready(&self) -> bool {
        self.output().lines().any(|line| line == "ready")
    }

    fn output(&self) -> String {
        self.rig.as_ref().map(Rig::output).unwrap_or_default()
    }
}

/// The stand-in, as a process.
pub struct StandIn {
    arguments: Vec<String>,
    addr: SocketAddr,
    control: SocketAddr,
    stopped_database: &'static str,
    program: Option<Program>,
    hanging: Hanging,
}

impl StandIn {
    /// One of this version. `stopped_database`: how a dead database shows in its pool (`database` of its control).
    pub fn new(version: &str, actuator: bool, stopped_database: &'static str, life: Life) -> StandIn {
        let (addr, control) = (free_port(), free_port());
        // Its three steps are of one length.
        let bootstrap = life.plugins + life.token_file + life.rest;
        let outcome = if life.lingers { "lingers" } else { "exits" };
        let pairs = [
            ("listen", addr.to_string()),
            ("control", control.to_string()),
            ("version", version.to_string()),
            ("db-token", TOKEN.to_string()),
            ("actuator", if actuator { "on" } else { "off" }.to_string()),
            ("boot-ms", "500".to_string()),
            ("bootstrap-ms", bootstrap.to_string()),
            ("bootstrap", if life.fails { outcome } else { "ok" }.to_string()),
        ];
        let arguments = pairs.iter().map(|(name, value)| format!("--{name}={value}")).collect();
        StandIn { arguments, addr, control, stopped_database, program: None, hanging: Hanging::default() }
    }

    async fn order(&self, target: &str) {
        let head = "Host: x\r\nContent-Length: 0\r\nConnection: close";
        let reply = request(self.control, &format!("POST {target} HTTP/1.1\r\n{head}\r\n\r\n")).await;
        assert_eq!(reply.status, 200, "POST {target}: {reply:?}");
    }

    fn program(&mut self) -> &mut Program {
        self.program.as_mut().expect("it was started")
    }
}

impl Subject for StandIn {
    fn addr(&self) -> SocketAddr {
        self.addr
    }

    async fn start(&mut self) {
        let mut command = Command::new(stand_in());
        command.arg("-Drdeck.base=/var/lib/rundeck").args(&self.arguments);
        self.program = Some(Program::start(&mut command).expect("the stand-in starts"));
    }

    async fn act(&mut self, act: Act) {
        match act {
            Act::Start => self.start().await,
            Act::TerminateInBootstrap => {
                let listens = |output: &str| output.contains("listening ").then_some(());
                self.program().says(listens).await.expect("its port");
                self.program().signal("TERM").expect("it lives");
            }
            Act::Job(ms) => self.order(&format!("/job?ms={ms}")).await,
            Act::Terminate => self.program().signal("TERM").expect("it lives"),
            Act::Ends => drop(self.program().end().await.expect("it ends")),
            Act::Kill => self.program().kill(),
            Act::Freeze => self.program().signal("STOP").expect("it lives"),
            Act::Thaw => self.program().signal("CONT").expect("it lives"),
            Act::HealthIsOk => assert_eq!(get(self.addr, "/health").await.status, 200),
            Act::DatabaseStops | Act::DatabaseRefuses => {
                self.order(&format!("/database/{}", self.stopped_database)).await;
            }
            Act::DatabaseFreezes => self.order("/database/frozen").await,
            Act::DatabaseStartsAgain | Act::DatabaseAdmits | Act::DatabaseThaws => self.order("/database/up").await,
            Act::HangRequests => self.hanging.start(self.addr).await,
            Act::HangUp => self.hanging.0.shutdown().await,
        }
    }

    fn is_ready(&self) -> bool {
        self.output().lines().any(|line| line == "ready")
    }

    fn output(&self) -> String {
        self.program.as_ref().map(Program::output).unwrap_or_default()
    }
}

fn free_port() -> SocketAddr {
    let socket = TcpListener::bind((HOME, 0)).expect("a free port");
    socket.local_addr().expect("its address")
}
