//! What one look at Rundeck finds wrong that people can cure, for `doctor`. By the same words as the running agent;
//! what has to be seen more than once there is told at once here, for nobody looks again.

use crate::api::is_images;
use crate::contract::{
    ApiSeen, BootSeen, Finding, HealthPolicy, Info, Look, Mode, Outcome, ProcessSeen, Unjudged, WebSeen,
};
use crate::health::judged_disks;

/// The findings, in the order in which a node is looked at, each with what was found.
pub fn look_findings(look: &Look, policy: &HealthPolicy) -> Vec<(Finding, String)> {
    let parts = [process(look.process), web(look.web), readiness(look), clone(look.api.as_ref()), disks(look, policy)];
    let mut found: Vec<_> = parts.into_iter().flatten().collect();
    // A Rundeck that is only starting, or not there, says nothing about the token.
    let starts = look.boot == Some(BootSeen::StillBooting);
    found.extend(look.api.as_ref().filter(|_| !starts).and_then(api));
    if look.api.is_none() {
        found.push((Finding::TokenMissing, "no API token: mode and running jobs cannot be seen".into()));
    }
    found
}

fn process(seen: ProcessSeen) -> Option<(Finding, String)> {
    match seen {
        ProcessSeen::Hidden => {
            Some((Finding::ProcessHidden, "the process table does not show other users' processes".into()))
        }
        ProcessSeen::Several(n) => {
            Some((Finding::SeveralRundecks, format!("{n} Rundeck processes fit rundeck.url's port")))
        }
        ProcessSeen::One(..) | ProcessSeen::None | ProcessSeen::Hung => None,
    }
}

fn web(seen: WebSeen) -> Option<(Finding, String)> {
    let (finding, what) = match seen {
        WebSeen::Redirect | WebSeen::Status(404) => {
            (Finding::RundeckUrl, "what answers at rundeck.url has no /health there")
        }
        WebSeen::CannotJudge(Unjudged::Host) => (Finding::HostRefused, "Rundeck answers 400 to our Host header"),
        WebSeen::CannotJudge(Unjudged::Name) => (Finding::RundeckName, "the host of rundeck.url cannot be resolved"),
        // Who it leads to is known to whoever asked.
        WebSeen::Elsewhere => (Finding::RundeckElsewhere, "rundeck.url leads to another machine"),
        WebSeen::Ok
        | WebSeen::Disabled
        | WebSeen::Status(_)
        | WebSeen::Body
        | WebSeen::Truncated
        | WebSeen::Refused
        | WebSeen::TimedOut
        | WebSeen::CannotConnect => return None,
    };
    Some((finding, what.into()))
}

fn readiness(look: &Look) -> Option<(Finding, String)> {
    let down = look.ready.as_ref()?.database == Some(false);
    down.then(|| (Finding::DatabaseFailing, "Rundeck's readiness endpoint shows its database down".into()))
}

fn clone(api: Option<&ApiSeen>) -> Option<(Finding, String)> {
    let Some(ApiSeen::Info(Info { server_uuid: Some(uuid), .. })) = api else { return None };
    let what = "the server UUID is the constant of the container image: two such members break each other's schedules";
    is_images(uuid).then(|| (Finding::Clone, what.into()))
}

fn disks(look: &Look, policy: &HealthPolicy) -> Option<(Finding, String)> {
    let judged = judged_disks(Some(&look.disks), policy.disk.degraded_below);
    (judged.outcome == Outcome::Fail).then(|| (Finding::DiskLow, judged.words.into_owned()))
}

fn api(seen: &ApiSeen) -> Option<(Finding, String)> {
    let found = match seen {
        ApiSeen::Info(Info { mode: Some(Mode::Passive), .. }) => {
            (Finding::PassiveMode, "Rundeck is in passive mode: no job starts".into())
        }
        ApiSeen::Info(Info { running: None, .. }) => {
            (Finding::TokenWithoutRights, "the token may not see mode and jobs: a drain will be unproven".into())
        }
        ApiSeen::Rejected => (
            Finding::TokenRejected,
            "Rundeck rejects the token (wrong or expired: tokens end after 30 days by default)".into(),
        ),
        ApiSeen::TimedOut => {
            (Finding::ApiTimeout, "Rundeck's API does not answer in time, often for its database".into())
        }
        ApiSeen::Failed(status) => {
            (Finding::ApiFailing, format!("Rundeck's API answers {status}, often for its database"))
        }
        ApiSeen::Unreadable(why) => (Finding::ApiUnreadable, format!("mode and jobs are not known: {why}")),
        ApiSeen::Info(_) | ApiSeen::Booting | ApiSeen::Refused => return None,
    };
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{DiskSeen, Readiness, ReadySeen, Room};

    fn calm() -> Look {
        let info = Info { mode: Some(Mode::Active), running: Some(0), ..Info::default() };
        Look {
            process: ProcessSeen::None,
            web: WebSeen::Ok,
            boot: Some(BootSeen::Past),
            ready: None,
            api: Some(ApiSeen::Info(info)),
            disks: Vec::new(),
            host: None,
        }
    }

    fn words(look: &Look) -> Vec<&'static str> {
        look_findings(look, &HealthPolicy::default()).into_iter().map(|(finding, _)| finding.word()).collect()
    }

    #[test]
    fn a_rundeck_that_serves_has_no_finding() {
        assert_eq!(words(&calm()), [""; 0]);
    }

    #[test]
    fn each_thing_that_is_wrong_has_its_word() {
        let info = |info: Info| Look { api: Some(ApiSeen::Info(info)), ..calm() };
        let active = Info { mode: Some(Mode::Active), running: Some(0), ..Info::default() };
        let uuid = Some("A14BC3E6-75e8-4fe4-a90d-a16dcc976bf6".to_owned());
        let room = Room::Local { free: 1, total: 1000, inodes_free: 0, inodes: 0 };
        let ready = ReadySeen { readiness: Readiness::Ready, database: Some(false), bound: false };
        for (look, word) in [
            (Look { process: ProcessSeen::Hidden, ..calm() }, "process-hidden"),
            (Look { process: ProcessSeen::Several(2), ..calm() }, "several-rundecks"),
            (Look { web: WebSeen::Redirect, ..calm() }, "rundeck-url"),
            (Look { web: WebSeen::Status(404), ..calm() }, "rundeck-url"),
            (Look { web: WebSeen::CannotJudge(Unjudged::Host), ..calm() }, "host-refused"),
            (Look { web: WebSeen::CannotJudge(Unjudged::Name), ..calm() }, "rundeck-name"),
            (Look { web: WebSeen::Elsewhere, ..calm() }, "rundeck-elsewhere"),
            (Look { ready: Some(ready), ..calm() }, "database-failing"),
            (info(Info { server_uuid: uuid, ..active.clone() }), "clone"),
            (info(Info { mode: Some(Mode::Passive), ..active.clone() }), "passive-mode"),
            (info(Info { mode: None, running: None, ..active }), "token-without-rights"),
            (Look { api: Some(ApiSeen::Rejected), ..calm() }, "token-rejected"),
            (Look { api: Some(ApiSeen::TimedOut), ..calm() }, "api-timeout"),
            (Look { api: Some(ApiSeen::Failed(500)), ..calm() }, "api-failing"),
            (Look { api: Some(ApiSeen::Unreadable("HTML".into())), ..calm() }, "api-unreadable"),
            (Look { api: None, ..calm() }, "token-missing"),
            (Look { disks: vec![DiskSeen { path: "/".into(), room }], ..calm() }, "disk-low"),
        ] {
            assert_eq!(words(&look), [word], "{look:?}");
        }
    }

    #[test]
    fn one_that_starts_says_nothing_about_the_token() {
        let look = Look { boot: Some(BootSeen::StillBooting), api: Some(ApiSeen::Rejected), ..calm() };
        assert_eq!(words(&look), [""; 0]);
        assert_eq!(words(&Look { api: Some(ApiSeen::Booting), ..calm() }), [""; 0]);
    }
}
