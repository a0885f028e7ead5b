//! The states of Rundeck that are judged: rows of the answer table, and of the misbehaviour list where a verdict means
//! something.

use crate::support::request;
use rundeck_alb_lab::rundeck::{
    Bootstrap, Certificate, Config, Database, Fault, Life, Mode, Outage, Phases, Rundeck, Scope, State, Token, Version,
};
use std::time::Duration;

/// A token of the file, one kept in the database, one past its end, one without rights, nobody's.
pub const FILE: &str = "filetoken";
const DATABASE: &str = "dbtoken-1";
const EXPIRED: &str = "expired-token";
const POOR: &str = "poor-token";
const WRONG: &str = "wrong-token";
/// Longer than any test.
const FOR_EVER: Duration = Duration::from_secs(3600);
const SELF_SIGNED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tls/selfsigned.pem");
const NO_NAMES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tls/nosan.pem");

/// How long the pool waits for a connection. Stands for Hikari's 30 s.
pub const DATABASE_WAIT: Duration = Duration::from_millis(900);

/// One state, and the agent that looks at it.
#[derive(Clone, Copy)]
pub struct Scene {
    /// Row or item of the facts.
    pub row: &'static str,
    /// For people.
    pub what: &'static str,
    /// The stage at which the node stands still while the agent looks first.
    pub life: Life,
    pub tweak: fn(&mut Config),
    /// What happens once the agent has made up its mind; the second verdict counts.
    pub then: Option<fn(&Rundeck)>,
    pub jobs: usize,
    pub token: Option<&'static str>,
    pub asks_https: Option<bool>,
    pub trusted: Option<&'static str>,
    pub blind_to_context: bool,
}

const fn at(row: &'static str, what: &'static str, life: Life) -> Scene {
    Scene {
        row,
        what,
        life,
        tweak: |_| {},
        then: None,
        jobs: 0,
        token: Some(FILE),
        asks_https: None,
        trusted: None,
        blind_to_context: false,
    }
}

const fn ready(row: &'static str, what: &'static str) -> Scene {
    at(row, what, Life::Ready)
}

impl Scene {
    const fn with(self, tweak: fn(&mut Config)) -> Scene {
        Scene { tweak, ..self }
    }

    const fn then(self, then: fn(&Rundeck)) -> Scene {
        Scene { then: Some(then), ..self }
    }

    const fn token(self, token: Option<&'static str>) -> Scene {
        Scene { token, ..self }
    }

    /// The node of this scene, standing still.
    pub async fn bring(&self, version: Version) -> Rundeck {
        let mut config = Config::new(version, FILE);
        config.tokens.push(Token::database(DATABASE));
        config.tokens.push(Token::database(EXPIRED).expired());
        config.tokens.push(Token::file(POOR).without_rights());
        config.database_wait = DATABASE_WAIT;
        let mut phases = Phases::NONE;
        match self.life {
            Life::Booting => phases.boot = FOR_EVER,
            Life::Plugins => phases.plugins = FOR_EVER,
            Life::TokenFile => phases.token_file = FOR_EVER,
            Life::Rest => phases.rest = FOR_EVER,
            _ => {}
        }
        config.phases = phases;
        (self.tweak)(&mut config);
        let node = Rundeck::start(config).expect("a free port of loopback");
        if self.life >= Life::Ready || version.opens_port_before_bootstrap() {
            node.reach(self.life).await;
        }
        for _ in 0..self.jobs {
            let _ = node.state().jobs.start("demo", "admin", FOR_EVER);
        }
        node
    }
}

const ACTUATOR: fn(&mut Config) = |config| config.switches.actuator = true;

fn fault(node: &Rundeck, fault: Fault, scope: Scope) {
    node.state().fault(fault, scope);
}

fn outage(node: &Rundeck, outage: Outage) {
    State::set_outage(node.state(), outage);
}

/// Requests that take all threads.
pub const HANGING: u64 = 3;
const FEW_THREADS: fn(&mut Config) = |config| config.threads = 3;

/// Freezes the database and lets other people's calls wait for it in every thread.
fn hang_all(node: &Rundeck) {
    node.state().set_database(Database::Frozen);
    for _ in 0..HANGING {
        let (addr, api) = (node.addr(), node.state().config.version.api());
        tokio::spawn(async move {
            let head = format!(
                "GET /api/{api}/system/info HTTP/1.1\r\nHost: {addr}\r\nAccept: application/json\r\n\
                 X-Rundeck-Auth-Token: {DATABASE}\r\n\r\n"
            );
            request(addr, &head).await
        });
    }
}

/// All, in the order of the answer table.
#[rustfmt::skip]
pub const SCENES: &[Scene] = &[
    at("1", "JVM starting", Life::Booting),
    at("2, 13", "bootstrap: plugins", Life::Plugins),
    at("14", "bootstrap: token file not read", Life::TokenFile),
    at("12, 14a", "bootstrap: rest", Life::Rest),
    at("9", "bootstrap: rest, actuator on", Life::Rest).with(ACTUATOR),
    ready("3, 15, 23", "ready"),
    ready("4", "ready, health endpoint off").with(|config| config.switches.health = false),
    ready("5", "ready below a context path, asked at the root")
        .with(|config| config.context_path = "/rundeck".into()).blind(),
    ready("5", "ready below a context path, asked there").with(|config| config.context_path = "/rundeck".into()),
    ready("7", "ready, actuator on").with(ACTUATOR),
    ready("8", "database stopped, actuator on, file token").with(ACTUATOR).then(|node| outage(node, Outage::Stopped)),
    ready("8", "database frozen, actuator on, file token").with(ACTUATOR).then(|node| outage(node, Outage::Frozen)),
    ready("3", "database stopped, file token").then(|node| outage(node, Outage::Stopped)),
    ready("27", "database stopped, database token").token(Some(DATABASE)).then(|node| outage(node, Outage::Stopped)),
    ready("27", "database frozen, database token").token(Some(DATABASE)).then(|node| outage(node, Outage::Frozen)),
    ready("16", "passive by somebody else").then(|node| node.state().set_mode(Mode::Passive)),
    ready("16", "passive from the start").with(|config| config.mode = Mode::Passive),
    ready("19", "the agent has no token").token(None),
    ready("20", "wrong token").token(Some(WRONG)),
    ready("20", "token past its end").token(Some(EXPIRED)),
    ready("20", "token revoked").then(|node| fault(node, Fault::RevokedTokens, Scope::All)),
    ready("22", "token without rights").token(Some(POOR)),
    ready("30", "ready, in a container").with(|config| *config = config.clone().in_docker()),
    Scene { jobs: 1, ..ready("36", "stopping, a job runs").then(Rundeck::terminate) },
    Scene { jobs: 1, ..ready("9", "stopping, a job runs, actuator on").with(ACTUATOR).then(Rundeck::terminate) },
    ready("37", "stopped").then(Rundeck::terminate),
    ready("i 1", "frozen JVM").then(|node| fault(node, Fault::Hung, Scope::All)),
    ready("i 2", "answers after 10 s").then(|node| fault(node, Fault::Slow(Duration::from_secs(10)), Scope::All)),
    ready("i 3", "500 as HTML everywhere").then(|node| fault(node, Fault::Html500, Scope::All)),
    ready("i 3", "500 as HTML from the API").then(|node| fault(node, Fault::Html500, Scope::Api)),
    ready("i 4", "answers cut short").then(|node| fault(node, Fault::Truncated, Scope::All)),
    ready("i 5", "stats: null").then(|node| fault(node, Fault::StatsNull, Scope::All)),
    ready("i 11", "self-signed certificate, trusted by file")
        .with(|config| config.tls = Some(Certificate::SelfSigned)).trusting(SELF_SIGNED),
    ready("i 11", "self-signed certificate, another one trusted")
        .with(|config| config.tls = Some(Certificate::SelfSigned)).trusting(NO_NAMES),
    ready("i 11", "certificate without names, trusted by file")
        .with(|config| config.tls = Some(Certificate::WithoutNames)).trusting(NO_NAMES),
    ready("i 11", "http asked of the TLS port").with(|config| config.tls = Some(Certificate::SelfSigned)).https(false),
    ready("i 11", "https asked of the plain port").https(true).trusting(SELF_SIGNED),
    ready("i 12", "redirects for ever").then(|node| fault(node, Fault::RedirectLoop, Scope::All)),
    at("i 13", "bootstrap failed, process alive", Life::Wreck)
        .with(|config| config.bootstrap = Bootstrap::FailsAndLingers),
    ready("i 15", "kept-alive connections dropped").then(|node| fault(node, Fault::DroppedKeepAlive, Scope::All)),
    ready("i 16", "port refused, process alive").then(|node| fault(node, Fault::Refuse, Scope::All)),
    ready("i 17", "all threads wait for the database, file token").with(FEW_THREADS).then(hang_all),
    ready("i 17", "all threads wait for the database, DB token").with(FEW_THREADS).token(Some(DATABASE)).then(hang_all),
    ready("-", "connections reset").then(|node| fault(node, Fault::Reset, Scope::All)),
    ready("-", "/health says something else").then(|node| fault(node, Fault::OtherBody, Scope::Health)),
    ready("1.7", "our Host refused").with(|config| config.allowed_host = Some("rundeck.test".into())),
];

impl Scene {
    const fn blind(self) -> Scene {
        Scene { blind_to_context: true, ..self }
    }

    const fn https(self, https: bool) -> Scene {
        Scene { asks_https: Some(https), ..self }
    }

    const fn trusting(self, file: &'static str) -> Scene {
        Scene { trusted: Some(file), ..self }
    }
}
