//! The answer table: each row is a request in a state, with what each version answers, asked over the wire.

use rundeck_alb_lab::rundeck::{Database, Life, Mode, Version};

use crate::client::{Ask, Failure, Reply, SILENCE, ask};
use crate::situation::{DATABASE, EXPIRED, FILE, POOR, READY, Situation, WRONG, at};

/// What a version answers.
#[derive(Clone, Copy)]
enum Want {
    /// As the version before it.
    Same,
    /// The port is closed.
    Refused,
    /// Connected, and nothing comes.
    Silence,
    /// Status, start of the content type (empty: none), and parts of the body; `""` as the only part: no body.
    Is(u16, &'static str, &'static [&'static str]),
    /// A redirect to the login with a new session.
    Login,
}

use Want::{Is, Login, Refused, Same, Silence};

const JSON: &str = "application/json;charset=utf-8";
const HTML: &str = "text/html;charset=utf-8";
const JETTY: &str = "text/html;charset=iso-8859-1";
const ACTUATOR: &str = "application/vnd.spring-boot.actuator.v3+json";
const OK: Want = Is(200, HTML, &["ok"]);
const PASSIVE: &str = r#"{"executionMode":"passive"}"#;
const STATUS: &str = "/api/N/system/executions/status";
const UP: &str = r#"{"status":"UP"}"#;
const NOT_FOUND: Want = Is(404, JETTY, &["HTTP ERROR 404 Not Found"]);
const DOWN_6: Want = Is(503, JSON, &[r#"{"status":"DOWN","readiness":"REFUSING_TRAFFIC"}"#]);
const FORBIDDEN: &str = r#"{"error":true,"apiversion":{N},"errorCode":"unauthorized","message":"("#;
const WITH_MISSPELT: &str =
    r#""components":{"readinessState":{"status":"UP"},"rundeckDataSourceHeathIndicator":{"status":"UP""#;
const ONLY_STATE: &str = r#"{"status":"UP","components":{"readinessState":{"status":"UP"}}}"#;
const NO_ACL: &[&str] = &[r#""errorCode":"api.error.item.unauthorized""#, r#"for System resource""#];
const NO_ACL_ARGS: &[&str] = &[r#""errorCode":"api.error.item.unauthorized""#, r#""args":["#];

/// One row: its number, by which a failure names it, the state, the request and the answers of 3.4, 4.17, 5.20 and 6.1.
struct Row {
    number: &'static str,
    state: Situation,
    method: &'static str,
    path: &'static str,
    token: Option<&'static str>,
    want: [Want; 4],
}

const fn get(number: &'static str, state: Situation, path: &'static str, want: [Want; 4]) -> Row {
    Row { number, state, method: "GET", path, token: None, want }
}

const fn api(number: &'static str, state: Situation, token: &'static str, path: &'static str, want: [Want; 4]) -> Row {
    Row { token: Some(token), ..get(number, state, path, want) }
}

const fn post(number: &'static str, state: Situation, token: &'static str, path: &'static str, want: [Want; 4]) -> Row {
    Row { method: "POST", ..api(number, state, token, path, want) }
}

const BOOT: Situation = at(Life::Plugins);
const STOPPING: Situation = at(Life::Stopping).jobs(1);
const ON: Situation = READY.with(|config| config.switches.actuator = true);
const PASSIVE_NODE: Situation = READY.then(|state| state.set_mode(Mode::Passive));
const DB_DOWN: Situation = READY.then(|state| state.set_database(Database::FailsAtOnce));

// One row a line where it fits: read it beside the page.
#[rustfmt::skip]
const ROWS: &[Row] = &[
    get("1", at(Life::Booting), "/health", [Refused, Same, Same, Same]),
    get("2", BOOT, "/health", [Refused, OK, Same, Same]),
    get("3", READY, "/health", [OK, Same, Same, Same]),
    get("3 database down", DB_DOWN, "/health", [OK, Same, Same, Same]),
    get("3 passive", PASSIVE_NODE, "/health", [OK, Same, Same, Same]),
    get("3 stopping", STOPPING, "/health", [OK, Same, Same, Same]),
    get("4", READY.with(|config| config.switches.health = false), "/health", [Is(404, "", &[""]), Same, Same, Same]),
    get("5", READY.with(|config| config.context_path = "/rundeck".into()), "/health", [NOT_FOUND, Same, Same, Same]),
    get("5 below", READY.with(|config| config.context_path = "/rundeck".into()), "/rundeck/health", [
        OK, Same, Same, Same,
    ]),
    get("6", READY, "/actuator/health", [Login, NOT_FOUND, Same, Same]),
    get("6 readiness", READY, "/actuator/health/readiness", [Login, NOT_FOUND, Same, Same]),
    get("7", ON, "/actuator/health/readiness", [
        Login, Is(200, ACTUATOR, &[WITH_MISSPELT]), Is(200, ACTUATOR, &[ONLY_STATE]), NOT_FOUND,
    ]),
    get("8", ON.then(|state| state.set_database(Database::FailsAtOnce)), "/actuator/health/readiness", [
        Login,
        Is(503, ACTUATOR, &[
            r#"{"status":"DOWN""#, r#""rundeckDataSourceHeathIndicator":{"status":"DOWN","details":{"error":""#,
        ]),
        Is(200, ACTUATOR, &[ONLY_STATE]),
        NOT_FOUND,
    ]),
    get("9 starting", BOOT.with(|config| config.switches.actuator = true), "/actuator/health/readiness", [
        Refused,
        Is(503, ACTUATOR, &[r#"{"status":"OUT_OF_SERVICE","#, r#""readinessState":{"status":"OUT_OF_SERVICE"}"#]), Same,
        NOT_FOUND,
    ]),
    get("9 stopping", STOPPING.with(|config| config.switches.actuator = true), "/actuator/health/readiness", [
        Login,
        Is(503, ACTUATOR, &[r#"{"status":"OUT_OF_SERVICE","#]), Same,
        NOT_FOUND,
    ]),
    get("9a starting", BOOT.with(|config| config.switches.actuator = true), "/actuator/health/liveness", [
        Refused,
        Is(503, ACTUATOR, &[r#"{"status":"DOWN","#]), Same,
        NOT_FOUND,
    ]),
    get("9a stopping", STOPPING.with(|config| config.switches.actuator = true), "/actuator/health/liveness", [
        Login,
        Is(200, ACTUATOR, &[
            r#"{"status":"UP","components":{"livenessState":{"status":"UP"},"ping":{"status":"UP"}}}"#,
        ]),
        Same,
        NOT_FOUND,
    ]),
    get("10", READY, "/monitoring/health", [Login, Same, Same, Is(200, JSON, &[UP])]),
    get("11", READY, "/monitoring/health/readiness", [Login, Same, Same, Is(200, JSON, &[UP])]),
    get("11 database down", DB_DOWN, "/monitoring/health/readiness", [Login, Same, Same, Is(200, JSON, &[UP])]),
    get("12 starting", BOOT, "/monitoring/health/readiness", [Refused, Login, Same, DOWN_6]),
    get("12 rest", at(Life::Rest), "/monitoring/health/readiness", [Refused, Login, Same, DOWN_6]),
    get("12 stopping", STOPPING, "/monitoring/health/readiness", [Login, Same, Same, DOWN_6]),
    get("12 liveness", READY, "/monitoring/health/liveness", [Login, Same, Same, NOT_FOUND]),
    api("13", BOOT, FILE, STATUS, [Refused, Is(503, "", &[""]), Same, Same]),
    get("13 no token", BOOT, "/api/N/system/info", [Refused, Is(503, "", &[""]), Same, Same]),
    api("14", at(Life::TokenFile), FILE, STATUS, [Refused, Is(403, JSON, &[FORBIDDEN]), Same, Same]),
    api("14 database token", at(Life::TokenFile), DATABASE, STATUS, [Refused, Is(200, JSON, &["active"]), Same, Same]),
    api("14a", at(Life::Rest), FILE, STATUS, [Refused, Is(200, JSON, &["active"]), Same, Same]),
    api("15", READY, FILE, STATUS, [Is(200, JSON, &[r#"{"executionMode":"active"}"#]), Same, Same, Same]),
    api("16", PASSIVE_NODE, FILE, STATUS, [Is(200, JSON, &[PASSIVE]), Same, Same, Same]),
    api("17", PASSIVE_NODE, FILE, "/api/N/system/executions/status?passiveAs503=true", [
        Is(503, JSON, &[PASSIVE]), Same, Same, Same,
    ]),
    api("18", PASSIVE_NODE, FILE, "/api/32/system/executions/status", [Is(503, JSON, &[PASSIVE]), Same, Same, Same]),
    api("18 last", PASSIVE_NODE, FILE, "/api/35/system/executions/status", [
        Is(503, JSON, &[PASSIVE]), Same, Same, Same,
    ]),
    api("18 next", PASSIVE_NODE, FILE, "/api/36/system/executions/status", [
        Is(200, JSON, &[PASSIVE]), Same, Same, Same,
    ]),
    api("18 too old", READY, FILE, "/api/31/system/executions/status", [
        Is(400, JSON, &["api.error.api-version.unsupported", "Minimum supported version: 32"]), Same, Same, Same,
    ]),
    get("19", READY, STATUS, [
        Is(403, "text/xml", &[
            "<result error='true' apiversion='40'>", "<error code='unauthorized'>", "(unauthenticated) is not",
        ]),
        Is(403, JSON, &[FORBIDDEN, "(unauthenticated) is not authorized for: /api/{N}/system/executions/status"]),
        Same, Same,
    ]),
    api("19 as JSON", READY, "", STATUS, [Is(403, JSON, &[FORBIDDEN, "(unauthenticated)"]), Same, Same, Same]),
    api("20 wrong", READY, WRONG, STATUS, [
        Is(403, JSON, &[FORBIDDEN, "(Token:wrong****) is not authorized for: /api/{N}/"]), Same, Same, Same,
    ]),
    get("20 as XML", READY, "/api/N/system/info?authtoken=wrong-token", [
        Is(403, "text/xml", &["<error code='unauthorized'>", "(Token:wrong****)"]),
        Is(403, JSON, &[FORBIDDEN]), Same, Same,
    ]),
    api("20 expired", READY, EXPIRED, STATUS, [Is(403, JSON, &[FORBIDDEN, "(Token:expir****)"]), Same, Same, Same]),
    api("20 query wins", READY, FILE, "/api/N/system/info?authtoken=other", [
        Is(403, JSON, &["(Token:other****)"]), Same, Same, Same,
    ]),
    api("21 status", READY, POOR, STATUS, [Is(403, JSON, NO_ACL), Same, Same, Is(403, JSON, NO_ACL_ARGS)]),
    api("21 logstorage", READY, POOR, "/api/N/system/logstorage", [
        Is(403, JSON, NO_ACL), Same, Same, Is(403, JSON, NO_ACL_ARGS),
    ]),
    post("21 disable", READY, POOR, "/api/N/system/executions/disable", [
        Is(403, JSON, NO_ACL), Same, Same, Is(403, JSON, NO_ACL_ARGS),
    ]),
    api("22", READY, POOR, "/api/N/system/info", [
        Is(403, JSON, NO_ACL),
        Is(200, JSON, &[r#""stats":null"#, r#""executions":null"#, r#""serverUUID":""#]), Same, Same,
    ]),
    api("23", READY, FILE, "/api/N/system/info", [
        Is(200, JSON, &[r#""active":true"#, r#""apiversion":40"#]),
        Is(200, JSON, &[r#""active":"true""#, r#""apiversion":"45""#]),
        Is(200, JSON, &[r#""active":"true""#, r#""apiversion":"58""#]),
        Is(200, JSON, &[r#""active":"true""#, r#""apiversion":"59""#]),
    ]),
    post("24", READY, FILE, "/api/N/system/executions/disable", [Is(200, JSON, &[PASSIVE]), Same, Same, Same]),
    post("25", PASSIVE_NODE, FILE, "/api/N/system/executions/enable", [
        Is(200, JSON, &[r#"{"executionMode":"active"}"#]), Same, Same, Same,
    ]),
    api("26", READY, FILE, "/api/N/system/executions/disable", [Is(405, "application/json", &[]), Same, Same, Same]),
    api("27 at once", DB_DOWN, DATABASE, "/api/N/system/info", [
        Is(500, "application/json", &[r#"{"error":"A server error occurred"}"#]), Same, Same, Same,
    ]),
    api("27 late", READY.then(|state| state.set_database(Database::FailsLate)), DATABASE, STATUS, [
        Is(500, "application/json", &[r#"{"error":"A server error occurred"}"#]), Same, Same, Same,
    ]),
    api("27 never", READY.then(|state| state.set_database(Database::Frozen)), DATABASE, STATUS, [
        Silence, Same, Same, Same,
    ]),
    api("27 file token", READY.then(|state| state.set_database(Database::Frozen)), FILE, STATUS, [
        Is(200, JSON, &["active"]), Same, Same, Same,
    ]),
    api("28", READY, "", "/api/99/system/info", [
        Is(400, JSON, &[
            "api.error.api-version.unsupported",
            r#"Unsupported API Version \"99\". API Request: /api/99/system/info. Reason: Current version: {N}"#,
        ]), Same, Same, Same,
    ]),
    api("28 version 1", READY, "", "/api/1/system/info", [
        Is(400, JSON, &[r#""apiversion":{N},"#, "Current version: {N}"]), Same, Same, Same,
    ]),
    api("29", READY, FILE, "/api/12/system/info", [
        Is(200, JSON, &["stats"]), Same, Is(400, JSON, &["Current version: {N}"]), Same,
    ]),
    api("30", READY, FILE, "/api/N/metrics/healthcheck", [
        Is(200, JSON, &[
            r#""dataSource.connection.time":{"healthy":true"#, r#""quartz.scheduler.threadPool":{"healthy":true"#,
        ]),
        Is(200, JSON, &["duration", "timestamp"]), Same,
        Is(404, JSON, &[r#"{"error":"Legacy /api/59/metrics/healthcheck endpoint disabled","enable":"#]),
    ]),
    api("30 busy", READY.jobs(10), FILE, "/api/N/metrics/healthcheck", [
        Is(500, JSON, &[r#""healthy":false"#]), Same, Same,
        Is(404, JSON, &[]),
    ]),
    api("30 Docker", READY.with(|config| config.switches.metrics = false), FILE, "/api/N/metrics/healthcheck", [
        Is(404, JSON, &["api.error.invalid.request"]), Same, Same,
        Is(404, JSON, &[]),
    ]),
    api("31", READY, FILE, "/api/N/project/*/executions/running", [
        Is(200, JSON, &[r#""count":0"#, r#""max":20"#, r#""executions":[]"#]), Same, Same, Same,
    ]),
    api("32", READY.with(|config| config.projects.clear()), FILE, "/api/N/project/*/executions/running", [
        Is(401, JSON, &["api.error.execution.project.notfound"]), Same, Same, Same,
    ]),
    post("33", PASSIVE_NODE, FILE, "/api/N/job/demo/run", [
        Is(500, JSON, &["api.error.execution.failed", "Executions are disabled."]), Same,
        Is(400, JSON, &["api.error.job.disabled"]), Same,
    ]),
    get("host refused", READY.with(|config| config.allowed_host = Some("rundeck.test".into())), "/health", [
        Is(400, JETTY, &["HTTP ERROR 400"]), Same, Same, Same,
    ]),
    get("1 whole bootstrap", at(Life::Rest), "/health", [Refused, OK, Same, Same]),
    api("30 container", READY.with(|config| *config = config.clone().in_docker()), FILE, "/api/N/metrics/healthcheck", [
        Is(404, JSON, &["api.error.invalid.request"]), Same, Same, Is(404, JSON, &[]),
    ]),
    get("5 API below nothing", READY.with(|config| config.context_path = "/rundeck".into()), "/api/N/system/info", [
        NOT_FOUND, Same, Same, Same,
    ]),
    get("28 while booting", BOOT, "/api/1/system/info", [
        Refused, Is(400, JSON, &[r#""apiversion":{N},"#]), Same, Same,
    ]),
    get("34 root", READY, "/", [Login, Same, Same, Same]),
    get("34 slash", READY, "/health/", [Login, Same, Same, Same]),
    get("34 case", READY, "/HEALTH", [Login, Same, Same, Same]),
    get("35", READY, "/user/login", [Is(200, HTML, &["<html>"]), Same, Same, Same]),
    api("36 status", STOPPING, FILE, STATUS, [Is(200, JSON, &["active"]), Same, Same, Same]),
    api("36 running", STOPPING, FILE, "/api/N/system/info", [
        Is(200, JSON, &[r#""scheduler":{"running":1,"#]), Same, Same, Same,
    ]),
    get("37", at(Life::Closing), "/health", [Refused, Same, Same, Same]),
    api("unknown", READY, FILE, "/api/N/dnexist", [
        Is(404, JSON, &["Invalid API Request: /api/{N}/dnexist"]), Same, Same, Same,
    ]),
    get("double slash", READY, "//health", [OK, Same, Same, Is(400, JETTY, &["Bad Message 400"])]),
];

#[tokio::test]
async fn every_row_of_the_table_holds_for_every_version() {
    let mut wrong = Vec::new();
    for row in ROWS {
        let mut want = row.want[0];
        for (version, own) in Version::ALL.into_iter().zip(row.want) {
            want = if matches!(own, Same) { want } else { own };
            if let Err(found) = check(row, version, want).await {
                wrong.push(format!("row {} on {version}: {found}", row.number));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong answers:\n{}", wrong.len(), wrong.join("\n"));
}

async fn check(row: &Row, version: Version, want: Want) -> Result<(), String> {
    let node = row.state.bring(version).await;
    let mut request = Ask::get(row.path.replace("/N/", &format!("/{}/", version.api()))).method(row.method);
    if let Some(token) = row.token {
        request = if token.is_empty() { request.header("Accept", "application/json") } else { request.token(token) };
    }
    if matches!(want, Silence) {
        request = request.limit(SILENCE);
    }
    let reply = ask(node.addr(), &request).await;
    match (want, reply) {
        (Refused, Err(Failure::Refused)) | (Silence, Err(Failure::NoAnswer)) => Ok(()),
        (Is(status, media, parts), Ok(reply)) => matches(&reply, status, media, parts, version),
        (Login, Ok(reply)) => {
            let location = format!("http://{}/user/login", node.addr());
            let cookie = reply.header("set-cookie").is_some_and(|cookie| cookie.starts_with("JSESSIONID=node0"));
            let there = reply.status == 302 && reply.header("location") == Some(&location) && cookie;
            if there { Ok(()) } else { Err(format!("no redirect to the login: {reply:?}")) }
        }
        (_, other) => Err(format!("{other:?}")),
    }
}

fn matches(reply: &Reply, status: u16, media: &str, parts: &[&str], version: Version) -> Result<(), String> {
    let sent = reply.header("content-type").unwrap_or_default();
    let media_holds = if media.is_empty() { sent.is_empty() } else { sent.starts_with(media) };
    let current = version.api().to_string();
    let holds = |part: &&str| {
        if part.is_empty() { reply.body.is_empty() } else { reply.body.contains(&part.replace("{N}", &current)) }
    };
    if reply.status == status && media_holds && parts.iter().all(holds) { Ok(()) } else { Err(format!("{reply:?}")) }
}
