//! What a stand-in is told before it starts: who it is, which tokens it knows, how long its bootstrap takes, what is
//! switched on.
//!
//! What can change while it runs (mode, faults, database) is in `state` and `fault`.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::{Certificate, Database, Event, Mode, Version};

/// Who a token belongs to, where it is kept and what it may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The secret itself.
    pub value: String,
    /// The user shown as the starter of jobs.
    pub user: String,
    /// Where it is kept.
    pub kept: Kept,
    /// With the ACL of a sidecar (`system`: read, switch the mode; projects and events: read), or without any.
    pub rights: bool,
}

/// Where a token is kept: that decides what a dead database does to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// In `rundeck.tokens.file`: unknown until the bootstrap has read it, then no database is needed.
    File,
    /// In the database: looked up there at each request.
    Database,
    /// In the database and past its end: answered like a wrong one.
    Expired,
}

impl Token {
    /// A token of the static file with all rights.
    #[must_use]
    pub fn file(value: &str) -> Self {
        Token { value: value.to_owned(), user: "sidecar".to_owned(), kept: Kept::File, rights: true }
    }

    /// A token kept in the database with all rights.
    #[must_use]
    pub fn database(value: &str) -> Self {
        Token { kept: Kept::Database, ..Token::file(value) }
    }

    /// The same token without any ACL.
    #[must_use]
    pub fn without_rights(self) -> Self {
        Token { rights: false, ..self }
    }

    /// The same token after its end.
    #[must_use]
    pub fn expired(self) -> Self {
        Token { kept: Kept::Expired, ..self }
    }
}

/// Lengths of the start-up, in the order in which they pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phases {
    /// The JVM and Spring's context: the port refuses.
    pub boot: Duration,
    /// Port open, API 503 with an empty body (plugins, migration, Quartz).
    pub plugins: Duration,
    /// API answers, but the token file is not read: its tokens are 403.
    pub token_file: Duration,
    /// Tokens work, `BootStrap` still busy: only a readiness state knows.
    pub rest: Duration,
}

impl Phases {
    /// No length at all: ready as soon as the port is open.
    pub const NONE: Phases =
        Phases { boot: Duration::ZERO, plugins: Duration::ZERO, token_file: Duration::ZERO, rest: Duration::ZERO };

    /// `boot` with the port refused, then `bootstrap` in three equal steps.
    #[must_use]
    pub fn new(boot: Duration, bootstrap: Duration) -> Self {
        let step = bootstrap / 3;
        Phases { boot, plugins: step, token_file: step, rest: step }
    }
}

/// How the bootstrap ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bootstrap {
    /// Ready.
    Succeeds,
    /// Good answers all through it, then the port closes and the process ends with 1.
    FailsAndExits,
    /// Good answers all through it, then the port closes; the JVM lives on (`Application.main` catches).
    FailsAndLingers,
}

/// Everything that is settled before the start.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen; port 0 is told by `Rundeck::addr`.
    pub listen: SocketAddr,
    /// Which Rundeck to be.
    pub version: Version,
    /// `system.rundeck.node`.
    pub name: String,
    /// `system.rundeck.serverUUID`.
    pub uuid: String,
    /// The tokens that it knows.
    pub tokens: Vec<Token>,
    /// The projects that a token with rights can read.
    pub projects: Vec<String>,
    /// `server.servlet.context-path`: empty, or `/rundeck`.
    pub context_path: String,
    /// Lengths of the start-up.
    pub phases: Phases,
    /// How the start-up ends.
    pub bootstrap: Bootstrap,
    /// `rundeck.executionMode`, what each start begins with.
    pub mode: Mode,
    /// The database at the start.
    pub database: Database,
    /// How long a call waits for a dead database where the pool waits (Hikari: 30 s).
    pub database_wait: Duration,
    /// How long a job runs when the caller names no `ms` option.
    pub job_length: Duration,
    /// Jetty's request threads.
    pub threads: usize,
    /// What is switched on.
    pub switches: Switches,
    /// `-Drundeck.ssl.config`: the one connector speaks TLS with this certificate, and nothing listens without.
    pub tls: Option<Certificate>,
    /// `rundeck.security.httpFirewall`'s allowed host name: any other `Host` is 400.
    pub allowed_host: Option<String>,
    /// Told of every step worth a line in a log.
    pub journal: fn(&Event),
}

/// Endpoints that a real configuration file switches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switches {
    /// `rundeck.feature.healthEndpoint.enabled` (`/health`).
    pub health: bool,
    /// `management.endpoint.health.enabled` (`/actuator/health`, 4.2 to 5.20).
    pub actuator: bool,
    /// `rundeck.metrics.monitoring.enabled` (`/monitoring/*`, 6.x).
    pub monitoring: bool,
    /// `rundeck.metrics.enabled` (`/api/V/metrics/*`, before 6; false in Docker images).
    pub metrics: bool,
    /// `rundeck.metrics.legacy.enabled` (6.x).
    pub legacy_metrics: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Switches { health: true, actuator: false, monitoring: true, metrics: true, legacy_metrics: false }
    }
}

/// Long enough to be seen running, short enough for a test.
const DEFAULT_JOB_LENGTH: Duration = Duration::from_secs(5);
/// Hikari's `connectionTimeout`, and the Tomcat pool's class of time where it answers at all.
const DEFAULT_DATABASE_WAIT: Duration = Duration::from_secs(30);
/// Jetty's default `maxThreads` under Spring Boot.
const DEFAULT_THREADS: usize = 200;

/// The default UUID of every official container (`docker/official/lib/includes/100_defaults.sh`).
pub const DOCKER_UUID: &str = "a14bc3e6-75e8-4fe4-a90d-a16dcc976bf6";

impl Config {
    /// A node of `version` on a free port of 127.0.0.1 that is ready at once and knows the file token `token`.
    #[must_use]
    pub fn new(version: Version, token: &str) -> Self {
        Config {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            version,
            name: "rundeck".to_owned(),
            uuid: "7f0a3c5e-2a54-4a7b-9d0c-1f5d6c3f4b21".to_owned(),
            tokens: vec![Token::file(token)],
            projects: vec!["demo".to_owned()],
            context_path: String::new(),
            phases: Phases::NONE,
            bootstrap: Bootstrap::Succeeds,
            mode: Mode::Active,
            database: Database::Up,
            database_wait: DEFAULT_DATABASE_WAIT,
            job_length: DEFAULT_JOB_LENGTH,
            threads: DEFAULT_THREADS,
            switches: Switches::default(),
            tls: None,
            allowed_host: None,
            journal: |_| {},
        }
    }

    /// `https` or `http`.
    pub(super) fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// The same in a container as published: Dropwizard's metrics off, and the UUID that all containers share.
    #[must_use]
    pub fn in_docker(mut self) -> Self {
        self.switches.metrics = false;
        DOCKER_UUID.clone_into(&mut self.uuid);
        self
    }
}
