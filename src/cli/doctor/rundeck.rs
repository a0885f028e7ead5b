//! Rundeck as `check` looks at it, the dialect that it speaks, and what the token may. The mode is not switched to find
//! out whether it could be.

use super::report::{Area, Level, Part};
use super::word::Own;
use crate::cli::Surroundings;
use crate::cli::check::{Seen, looks};
use crate::config::Settings;
use crate::watch::api::TokenSource;
use crate::watch::client::{ClientError, Tokens};
use rundeck_alb_core::{ApiSeen, Degraded, Finding, Info, Look, Looks, Readiness, Reason, judge_look, look_findings};

/// What a drain needs beside reading.
const SWITCHING: &str = "not tried: disable_executions and enable_executions, which a drain needs";

/// The parts, and what Rundeck says of itself.
pub async fn look(settings: &Settings, surroundings: &Surroundings) -> (Vec<Part>, Option<Info>) {
    let tokens = match Tokens::find(settings, surroundings.credential()) {
        Ok(tokens) => tokens,
        Err(error) => return (impossible(&error), None),
    };
    let (any, source) = (tokens.any(), where_from(&tokens));
    let (client, tokens) = match tokens.client(settings) {
        Ok((client, tokens)) => (client, tokens),
        Err(error) => return (impossible(&error), None),
    };
    let unreadable = if any { tokens.refresh(&client).await.err() } else { None };
    let usable: Option<TokenSource> = (any && unreadable.is_none()).then_some(tokens);
    let seen = looks(settings, &client, &usable).await;
    let parts = vec![rundeck(settings, &seen), token(&seen.look, source, unreadable, settings)];
    match seen.look.api {
        Some(ApiSeen::Info(info)) => (parts, Some(info)),
        Some(_) | None => (parts, None),
    }
}

fn impossible(error: &ClientError) -> Vec<Part> {
    let part = match error {
        ClientError::Token(_) => {
            let token = Part::not_tried(Area::Token, "cannot be used").wrong(Finding::TokenFile, error.to_string());
            return vec![Part::not_tried(Area::Rundeck, "not asked without a token that can be used"), token];
        }
        ClientError::Setup(_) => Part::not_tried(Area::Rundeck, "cannot be asked"),
    };
    vec![part.wrong(Own::RundeckSetup, error.to_string())]
}

fn where_from(tokens: &Tokens) -> String {
    match tokens {
        Tokens::File(path) => path.display().to_string(),
        Tokens::Fixed(_) => "RUNDECK_TOKEN".to_owned(),
        Tokens::None => "none".to_owned(),
    }
}

/// What is wrong with the token has a part of its own.
fn is_tokens(finding: Finding) -> bool {
    matches!(finding, Finding::TokenMissing | Finding::TokenRejected | Finding::TokenWithoutRights)
}

fn rundeck(settings: &Settings, seen: &Seen) -> Part {
    let verdict = judge_look(&seen.look, &settings.health);
    let url = &settings.rundeck.url;
    let mut part = Part::seen(Area::Rundeck, format!("{}, {url}{}", verdict_words(verdict), dialect(&seen.look)));
    for (finding, text) in &seen.warnings {
        // The words of its cure are in the text too.
        let text = text.strip_suffix(finding.cure()).map_or(text.as_str(), |text| text.trim_end_matches("; "));
        part = part.wrong(*finding, text);
    }
    let told = |part: &Part, word: Finding| part.problems.iter().any(|problem| problem.word == word.into());
    for (finding, text) in look_findings(&seen.look, &settings.health) {
        if !is_tokens(finding) && !told(&part, finding) {
            part = part.wrong(finding, text);
        }
    }
    match verdict {
        // What is wrong is told already.
        Looks::Down(Reason::Passive | Reason::Disk) => part,
        Looks::Down(_) | Looks::Unknown if part.level() == Level::Error => part,
        Looks::Down(reason) => part.wrong(Own::RundeckDown, down(reason, settings)),
        Looks::Unknown => part.wrong(Own::RundeckDown, format!("what answers at {url} says nothing about Rundeck")),
        Looks::Up | Looks::Degraded(_) => part,
    }
}

fn down(reason: Reason, settings: &Settings) -> String {
    let url = &settings.rundeck.url;
    match reason {
        Reason::Waiting => format!("Rundeck at {url} is still starting"),
        Reason::Refused => format!("nothing listens at {url}"),
        _ => format!("Rundeck at {url} is down: {reason}"),
    }
}

/// Memory and load come and go: they are `check`'s and `status`'s to tell.
fn verdict_words(verdict: Looks) -> String {
    match verdict {
        Looks::Up | Looks::Degraded(Degraded::Memory | Degraded::Load) => "up".to_owned(),
        Looks::Degraded(cause) => format!("degraded ({cause})"),
        Looks::Down(reason) => format!("down ({reason})"),
        Looks::Unknown => "unknown".to_owned(),
    }
}

/// `, 5.20.1, API 45, readiness endpoint`.
fn dialect(look: &Look) -> String {
    let mut words = String::new();
    if let Some(ApiSeen::Info(Info { version, api_version, .. })) = &look.api {
        if !version.is_empty() {
            words.push_str(&format!(", version {version}"));
        }
        if let Some(version) = api_version {
            words.push_str(&format!(", API {version}"));
        }
    }
    match look.ready.as_ref().map(|seen| &seen.readiness) {
        Some(Readiness::Ready | Readiness::NotReady) => words.push_str(", with a readiness endpoint"),
        Some(Readiness::Absent) => words.push_str(", without a readiness endpoint"),
        Some(Readiness::TimedOut | Readiness::Refused | Readiness::Unclear(_)) | None => {}
    }
    words
}

fn token(look: &Look, source: String, unreadable: Option<String>, settings: &Settings) -> Part {
    if let Some(text) = unreadable {
        return Part::seen(Area::Token, "cannot be used").wrong(Finding::TokenFile, text);
    }
    let seen = match &look.api {
        Some(ApiSeen::Info(Info { running: Some(_), .. })) => format!("{source}: sees mode and jobs; {SWITCHING}"),
        Some(ApiSeen::Info(_)) => format!("{source}: sees neither mode nor jobs; {SWITCHING}"),
        Some(ApiSeen::Rejected) => format!("{source}: rejected"),
        Some(ApiSeen::Booting | ApiSeen::TimedOut | ApiSeen::Refused | ApiSeen::Failed(_) | ApiSeen::Unreadable(_)) => {
            return Part::not_tried(Area::Token, format!("{source}: Rundeck's API does not tell"));
        }
        None => source,
    };
    let found = look_findings(look, &settings.health).into_iter().filter(|(finding, _)| is_tokens(*finding));
    found.fold(Part::seen(Area::Token, seen), |part, (finding, text)| part.wrong(finding, text))
}
