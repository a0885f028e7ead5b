//! `/actuator/health` and its groups, where a version has them and where they are switched on.
//!
//! The disk and the database here are names and figures only; whether the database answers is in `state`.

use super::version::Actuator;
use super::wire::{Answer, Request, SERVLET, error_page};
use super::{Life, State};

/// Answers below `/actuator`; `None` where that is a wrong path like any other.
pub(super) async fn answer(state: &State, request: &Request, path: &str) -> Option<Answer> {
    let misspelt = match state.config.version.actuator() {
        Actuator::Unknown => return None,
        Actuator::Excluded => return Some(error_page(request, 404, SERVLET)),
        Actuator::WithDatabase => true,
        Actuator::WithoutDatabase => false,
    };
    let on = state.config.switches.actuator;
    let components = match path {
        "/actuator/health" if on => all(state, misspelt).await,
        "/actuator/health/readiness" if on => readiness(state, misspelt).await,
        "/actuator/health/liveness" if on => vec![liveness(state), PING],
        _ => return Some(error_page(request, 404, SERVLET)),
    };
    Some(health(request, &components, path == "/actuator/health"))
}

/// Spring's health states, the worst first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Status {
    Down,
    OutOfService,
    Up,
}

impl Status {
    fn word(self) -> &'static str {
        match self {
            Status::Down => "DOWN",
            Status::OutOfService => "OUT_OF_SERVICE",
            Status::Up => "UP",
        }
    }
}

/// One health indicator: its name, its state, its details as JSON or nothing.
struct Component {
    name: &'static str,
    status: Status,
    details: &'static str,
}

const PING: Component = Component { name: "ping", status: Status::Up, details: "" };
const DISK_SPACE: Component = Component {
    name: "diskSpace",
    status: Status::Up,
    details: r#"{"total":0,"free":0,"threshold":10485760,"exists":true}"#,
};

async fn all(state: &State, misspelt: bool) -> Vec<Component> {
    let database = database(state, misspelt).await;
    vec![DISK_SPACE, liveness(state), PING, ready_state(state), database]
}

/// 5.17 to 5.20 name the database's indicator wrongly in this group, so that it is not in it.
async fn readiness(state: &State, misspelt: bool) -> Vec<Component> {
    if misspelt {
        let database = database(state, misspelt).await;
        vec![ready_state(state), database]
    } else {
        vec![ready_state(state)]
    }
}

/// DOWN all through the start-up, UP while stopping.
fn liveness(state: &State) -> Component {
    let status = if state.life() >= Life::Ready { Status::Up } else { Status::Down };
    Component { name: "livenessState", status, details: "" }
}

fn ready_state(state: &State) -> Component {
    let status = if state.life() == Life::Ready { Status::Up } else { Status::OutOfService };
    Component { name: "readinessState", status, details: "" }
}

async fn database(state: &State, misspelt: bool) -> Component {
    // Spring strips a suffix `HealthIndicator`: the misspelt name stays whole.
    let name = if misspelt { "rundeckDataSourceHeathIndicator" } else { "rundeckDataSource" };
    match state.call_database().await {
        Ok(()) => {
            let details = r#"{"database":"PostgreSQL","validationQuery":"SELECT 1","result":1}"#;
            Component { name, status: Status::Up, details }
        }
        // The Tomcat pool's error goes with the misspelt name, Hikari's with the other, as on the rig.
        Err(_) if misspelt => Component { name, status: Status::Down, details: TOMCAT_ERROR },
        Err(_) => Component { name, status: Status::Down, details: HIKARI_ERROR },
    }
}

const TOMCAT_ERROR: &str = concat!(
    r#"{"error":"org.springframework.dao.DataAccessResourceFailureException: ConnectionCallback; "#,
    r#"This connection has been closed."}"#,
);
const HIKARI_ERROR: &str = concat!(
    r#"{"error":"org.springframework.jdbc.CannotGetJdbcConnectionException: "#,
    r#"Failed to obtain JDBC Connection; nested exception is java.sql.SQLTransientConnectionException: "#,
    r#"HikariPool-1 - Connection is not available, request timed out after 30000ms."}"#,
);

/// The worst component decides.
fn health(request: &Request, components: &[Component], with_groups: bool) -> Answer {
    let worst = components.iter().map(|component| component.status).min().unwrap_or(Status::Up);
    let one = |component: &Component| {
        let Component { name, status, details } = component;
        let details = if details.is_empty() { String::new() } else { format!(",\"details\":{details}") };
        format!(r#""{name}":{{"status":"{}"{details}}}"#, status.word())
    };
    let parts: Vec<String> = components.iter().map(one).collect();
    let groups = if with_groups { r#","groups":["liveness","readiness"]"# } else { "" };
    let (word, parts) = (worst.word(), parts.join(","));
    let body = format!(r#"{{"status":"{word}","components":{{{parts}}}{groups}}}"#);
    let json = "application/json";
    let media = if request.accepts(json) { json } else { "application/vnd.spring-boot.actuator.v3+json" };
    Answer::new(if worst == Status::Up { 200 } else { 503 }).with_body(media, body)
}
