//! What must be known of a Rundeck before a stand-in can be made its twin: version, rights of the token, what is
//! switched on.
//!
//! What is learned here is taken over, so it is no difference afterwards: the report names it.

use serde_json::Value;

use super::CannotAsk;
use super::ask::{Caller, Seen};
use super::rows::{Row, Who};
use crate::rundeck::{Config, Mode, Switches, Token, Version};

/// The other one as far as it was learned.
#[derive(Clone, Debug)]
pub(super) struct Learned {
    /// Its full version as it tells it.
    pub release: String,
    /// Its newest API version.
    pub api: u32,
    /// The stand-in that is nearest to it.
    pub version: Version,
    pub passive: bool,
    pub rights: bool,
    pub projects: bool,
    pub switches: Switches,
    pub has_context: bool,
    context: String,
}

impl Learned {
    /// The stand-in that must answer alike.
    pub fn config(&self, token: &str) -> Config {
        let mut config = Config::new(self.version, token);
        if !self.rights {
            config.tokens = vec![Token::file(token).without_rights()];
        }
        if !self.projects {
            config.projects.clear();
        }
        config.mode = if self.passive { Mode::Passive } else { Mode::Active };
        config.switches = self.switches;
        config.context_path.clone_from(&self.context);
        config
    }
}

/// Asks what must be known.
pub(super) async fn learn(theirs: &Caller) -> Result<Learned, CannotAsk> {
    let api = newest_api(theirs).await?;
    let info = look(theirs, api, Who::Token, "/api/N/system/info").await?;
    if matches!(info.status, 401 | 403) {
        return Err(CannotAsk("the token is not accepted, or it has no right to read the system".to_owned()));
    }
    let system = json(&info)["system"].clone();
    let Some(release) = system["rundeck"]["version"].as_str().filter(|_| info.status == 200) else {
        return Err(CannotAsk(format!("system/info answered {} and told no version", info.status)));
    };
    let version = nearest(release);
    let metrics = look(theirs, api, Who::Token, "/api/N/metrics/healthcheck").await?;
    let running = look(theirs, api, Who::Token, "/api/N/project/*/executions/running").await?;
    let health = look(theirs, api, Who::Plain, "/health").await?;
    let mut switches = Switches {
        health: !(health.status == 404 && health.body.is_empty()),
        metrics: metrics.status != 404,
        legacy_metrics: metrics.status == 200,
        ..Switches::default()
    };
    if version.is_6() {
        switches.monitoring = look(theirs, api, Who::Plain, "/monitoring/health").await?.status != 404;
    } else {
        let readiness = look(theirs, api, Who::Plain, "/actuator/health/readiness").await?;
        switches.actuator = matches!(readiness.status, 200 | 503);
    }
    Ok(Learned {
        release: release.to_owned(),
        api,
        version,
        passive: system["executions"]["executionMode"] == "passive",
        // `stats` alone may be null for other reasons; without the right all is.
        rights: !system["executions"].is_null(),
        projects: running.status != 401,
        switches,
        has_context: theirs.address.has_context(),
        context: theirs.address.context().to_owned(),
    })
}

/// The version check comes before the token: an unknown version is told the newest one.
async fn newest_api(theirs: &Caller) -> Result<u32, CannotAsk> {
    let seen = look(theirs, 0, Who::Nobody, "/api/1/system/info").await?;
    let api = json(&seen)["apiversion"].as_u64().and_then(|api| u32::try_from(api).ok());
    match api.filter(|_| seen.status == 400) {
        Some(api) => Ok(api),
        None if seen.status == 503 => Err(CannotAsk("it has not started yet: 503".to_owned())),
        None => Err(CannotAsk(format!(
            "/api/1/system/info answered {} and told no API version: no Rundeck there, or another context path",
            seen.status
        ))),
    }
}

async fn look(theirs: &Caller, api: u32, who: Who, path: &'static str) -> Result<Seen, CannotAsk> {
    let row = Row { number: "", method: "GET", path, who };
    theirs.ask(&row, api).await.map_err(|problem| CannotAsk(format!("GET {path}: {problem}")))
}

fn json(seen: &Seen) -> Value {
    serde_json::from_slice(&seen.body).unwrap_or_default()
}

fn nearest(release: &str) -> Version {
    match release.split('.').next().and_then(|major| major.parse::<u32>().ok()) {
        Some(..=3) => Version::V3_4,
        Some(4) => Version::V4_17,
        Some(5) | None => Version::V5_20,
        Some(_) => Version::V6_1,
    }
}
