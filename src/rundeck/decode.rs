//! Answer -> fact, without input or output: all dialects of 3.4 to 6.x stand here.
//!
//! Lenient on purpose: `apiversion` is a number up to 4.2 and a string after, `executions.active` a Boolean or a
//! string, sections are `null` where the token lacks a right (Rundeck's `ApiController`). What is not understood
//! becomes `None` or a typed fact, never a guess.

use super::answer::{Answer, Failure};
use super::facts::{Boot, Database, Info, Mode, ModeSet, SystemInfo, Web};
use serde_json::Value;

/// Error code of a good token that lacks the right. (The message differs by version, the code does not.)
const CODE_NO_RIGHT: &str = "api.error.item.unauthorized";
/// Error code of the 401 that is no authentication failure.
const CODE_NO_PROJECT: &str = "api.error.execution.project.notfound";
/// Error code of an API version that the server does not serve.
const CODE_VERSION: &str = "api.error.api-version.unsupported";

/// Reads the answer to `GET /health`.
pub(super) fn web(answer: &Answer) -> Web {
    match answer.status {
        200 if *answer.body == *b"ok" => Web::Ok,
        200 => Web::BadBody,
        404 if answer.body.is_empty() => Web::Disabled,
        _ => Web::Failed(failure(answer)),
    }
}

/// Reads the answer to a token-free call with an API version that no server serves.
pub(super) fn boot(answer: &Answer) -> Boot {
    if is_booting(answer) {
        return Boot::StillBooting;
    }
    match ApiError::of(answer) {
        // 400 by the version check; a server that looked at the token first would say 403 in the same words.
        Some(error) if matches!(answer.status, 400 | 403) => Boot::Past { api_version: error.api_version },
        _ => Boot::Failed(failure(answer)),
    }
}

/// Reads the answer to `system/info`, and the server's newest API version where it is told.
pub(super) fn info(answer: &Answer) -> (Info, Option<u32>) {
    if answer.status == 200 {
        let seen = system_info(answer);
        let api_version = match &seen {
            Info::Seen(info) | Info::WithoutRights(info) => info.api_version,
            _ => None,
        };
        return (seen, api_version);
    }
    if is_booting(answer) {
        return (Info::StillBooting, None);
    }
    let error = ApiError::of(answer).unwrap_or_default();
    let fact = match (answer.status, error.code.as_str()) {
        (403, CODE_NO_RIGHT) => Info::WithoutRights(SystemInfo::default()),
        (403, _) => Info::Rejected,
        (401, CODE_NO_PROJECT) => Info::NoProject,
        (400, CODE_VERSION) => Info::OtherVersion,
        _ => Info::Failed(failure(answer)),
    };
    (fact, error.api_version)
}

/// Reads the answer to `executions/disable` or `enable`.
pub(super) fn mode_set(answer: &Answer, wanted: Mode) -> ModeSet {
    if answer.status == 200 {
        let json: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let said = mode_word(&json["executionMode"]);
        return if said == Some(wanted) { ModeSet::Done } else { ModeSet::Unconfirmed(said) };
    }
    if is_booting(answer) {
        return ModeSet::StillBooting;
    }
    let error = ApiError::of(answer).unwrap_or_default();
    match (answer.status, error.code.as_str()) {
        (403, CODE_NO_RIGHT) => ModeSet::WithoutRights,
        (403, _) => ModeSet::Rejected,
        _ => ModeSet::Failed(failure(answer)),
    }
}

/// Reads the answer to `executions/status`, and the server's newest API version where it is told.
pub(super) fn database(answer: &Answer) -> (Database, Option<u32>) {
    if is_booting(answer) {
        return (Database::StillBooting, None);
    }
    let json: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let mode_is_told = mode_word(&json["executionMode"]).is_some();
    let error = ApiError::of(answer).unwrap_or_default();
    let fact = match (answer.status, error.code.as_str()) {
        // A passive Rundeck says 503 where somebody in between asks for it: the mode is in the body.
        (200 | 503, _) if mode_is_told => Database::Answered,
        (200, _) => Database::Unreadable,
        (403, CODE_NO_RIGHT) => Database::Answered,
        (403, _) => Database::Rejected,
        (status @ 500.., _) => Database::ServerError(status),
        _ => Database::Failed(failure(answer)),
    };
    (fact, error.api_version)
}

/// 503 without a body is the API before the bootstrap has reached it; every other 503 has a body.
fn is_booting(answer: &Answer) -> bool {
    answer.status == 503 && answer.body.is_empty()
}

/// What a status means where it has no meaning of its own for the question.
pub(super) fn failure(answer: &Answer) -> Failure {
    match answer.status {
        300..=399 => Failure::Redirect(answer.location.clone().unwrap_or_default()),
        // The API's own 400 is JSON; Rundeck's HTTP firewall and Jetty answer with a page or nothing.
        400 if ApiError::of(answer).is_none() => Failure::HostRefused,
        status => Failure::BadStatus(status),
    }
}

/// The JSON body that the API gives with an error.
#[derive(Default)]
struct ApiError {
    code: String,
    api_version: Option<u32>,
}

impl ApiError {
    fn of(answer: &Answer) -> Option<Self> {
        let json: Value = serde_json::from_slice(&answer.body).ok()?;
        let code = json.get("errorCode")?.as_str()?.to_owned();
        Some(Self { code, api_version: number(&json["apiversion"]) })
    }
}

fn system_info(answer: &Answer) -> Info {
    let json: Value = match serde_json::from_slice(&answer.body) {
        Ok(json) => json,
        Err(e) if e.is_eof() && !answer.body.is_empty() => return Info::Failed(Failure::Truncated),
        Err(_) if answer.body.trim_ascii_start().starts_with(b"<") => return Info::Html,
        Err(_) => return Info::BadJson,
    };
    let system = &json["system"];
    if !system["rundeck"].is_object() {
        return Info::BadJson;
    }
    let (rundeck, executions) = (&system["rundeck"], &system["executions"]);
    let info = SystemInfo {
        mode: mode_word(&executions["executionMode"]).or_else(|| mode_flag(&executions["active"])),
        running: number(&system["stats"]["scheduler"]["running"]),
        version: text(&rundeck["version"]),
        api_version: number(&rundeck["apiversion"]),
        server_uuid: text(&rundeck["serverUUID"]),
    };
    if info.mode.is_none() && info.running.is_none() { Info::WithoutRights(info) } else { Info::Seen(info) }
}

fn mode_word(value: &Value) -> Option<Mode> {
    match value.as_str()? {
        word if word.eq_ignore_ascii_case("active") => Some(Mode::Active),
        word if word.eq_ignore_ascii_case("passive") => Some(Mode::Passive),
        _ => None,
    }
}

fn mode_flag(active: &Value) -> Option<Mode> {
    match (active.as_bool(), active.as_str()) {
        (Some(true), _) | (_, Some("true")) => Some(Mode::Active),
        (Some(false), _) | (_, Some("false")) => Some(Mode::Passive),
        _ => None,
    }
}

fn number(value: &Value) -> Option<u32> {
    match value {
        Value::Number(n) => n.as_u64().and_then(|n| u32::try_from(n).ok()),
        Value::String(s) => s.trim().parse().ok(),
        _ => None,
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|s| !s.is_empty()).map(str::to_owned)
}
