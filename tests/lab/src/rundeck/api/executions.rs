//! Projects and their executions. All of it is read from the database, so a dead database fails it with any token.

use serde_json::{Value, json};

use super::super::pause::iso;
use super::super::wire::Answer;
use super::super::{Fault, Job};
use super::Call;
use super::error::{server_error, wants_xml};
use super::xml::Element;

/// `rundeck.pagination.default.max`.
const DEFAULT_MAX: usize = 20;
/// The number of the ghost: far from those of real jobs.
const GHOST: u64 = 900_001;
/// The start of the ghost: November 2023.
const GHOST_STARTED: u64 = 1_700_000_000_000;

/// GET `projects`.
pub(super) async fn projects(call: &Call<'_>) -> Answer {
    if call.state.call_database().await.is_err() {
        return server_error(call.request);
    }
    let one = |name: &String| json!({"name": name, "description": "", "url": call.href(&format!("project/{name}"))});
    let projects: Vec<Value> = readable(call).iter().map(one).collect();
    call.json(200, &Value::Array(projects))
}

/// The projects that the token can read.
fn readable<'a>(call: &'a Call<'_>) -> &'a [String] {
    if call.token.rights { &call.state.config.projects } else { &[] }
}

/// The first of the wanted projects, or the 401 that is no authentication failure.
pub(super) fn first_project<'a>(call: &'a Call<'_>, wanted: &str) -> Result<&'a str, Answer> {
    let known = readable(call);
    let found = match wanted {
        "*" => known.first(),
        _ => {
            let mut names = wanted.split(',').map(|name| known.iter().find(|known| *known == name));
            let first = names.next().flatten();
            if names.all(|name| name.is_some()) { first } else { None }
        }
    };
    found.map(String::as_str).ok_or_else(|| {
        let message = format!("Project(s) not found: {wanted}");
        call.error(401, "api.error.execution.project.notfound", message)
    })
}

/// GET `project/P/executions/running`: what the database says, ghosts included.
pub(super) async fn running(call: &Call<'_>, project: &str) -> Answer {
    if call.state.call_database().await.is_err() {
        return server_error(call.request);
    }
    let project = match first_project(call, &super::super::wire::decoded(project)) {
        Ok(project) => project.to_owned(),
        Err(answer) => return answer,
    };
    let mut jobs = call.state.jobs.list_running();
    if call.state.faults().has(Fault::Ghost) {
        let (job, user) = ("ghost".to_owned(), "admin".to_owned());
        jobs.push(Job { id: GHOST, job, user, length: 0, started: GHOST_STARTED, ended: None });
    }
    if let Some(wanted) = call.request.parameter("jobIdFilter") {
        jobs.retain(|job| job.job == wanted);
    }
    if wants_xml(call.state.config.version, call.request) {
        let answer = Answer::new(200).with_body("application/xml;charset=utf-8", list_xml(call, &project, &jobs));
        return call.versioned(answer);
    }
    page(call, &project, &jobs)
}

/// GET `project/P/executions`: the last that ended.
pub(super) async fn finished(call: &Call<'_>, project: &str) -> Answer {
    if call.state.call_database().await.is_err() {
        return server_error(call.request);
    }
    match first_project(call, project) {
        Ok(project) => page(call, project, &call.state.jobs.history()),
        Err(answer) => answer,
    }
}

/// GET `project/P/executions/metrics`.
pub(super) async fn metrics(call: &Call<'_>, project: &str) -> Answer {
    if call.state.call_database().await.is_err() {
        return server_error(call.request);
    }
    if let Err(answer) = first_project(call, project) {
        return answer;
    }
    let total = call.state.jobs.finished();
    call.json(
        200,
        &json!({
            "total": total, "succeeded": total, "status": {"succeeded": total},
            "duration": {"average": 0, "max": 0, "min": 0},
        }),
    )
}

fn page(call: &Call<'_>, project: &str, jobs: &[Job]) -> Answer {
    let (offset, max) = window(call);
    let shown: Vec<Value> = jobs.iter().skip(offset).take(max).map(|job| execution(call, project, job)).collect();
    let paging = json!({"count": shown.len(), "total": jobs.len(), "offset": offset, "max": max});
    call.json(200, &json!({"paging": paging, "executions": shown}))
}

fn window(call: &Call<'_>) -> (usize, usize) {
    let number = |name| call.request.parameter(name).and_then(|value| value.parse().ok());
    (number("offset").unwrap_or(0), number("max").unwrap_or(DEFAULT_MAX))
}

/// One execution as `ApiService` writes it.
pub(super) fn execution(call: &Call<'_>, project: &str, job: &Job) -> Value {
    let id = &job.job;
    let mut body = json!({
        "id": job.id, "href": call.href(&format!("execution/{}", job.id)),
        "permalink": call.permalink(&format!("project/{project}/execution/show/{}", job.id)),
        "status": if job.ended.is_some() { "succeeded" } else { "running" }, "project": project,
        "executionType": "user", "user": job.user,
        "date-started": {"unixtime": job.started, "date": iso(job.started)},
        "job": {
            "id": id, "averageDuration": job.length, "name": id, "group": "", "project": project, "description": "",
            "href": call.href(&format!("job/{id}")),
            "permalink": call.permalink(&format!("project/{project}/job/show/{id}")),
        },
        "description": format!("sleep {} ms", job.length), "argstring": null, "serverUUID": call.state.config.uuid,
    });
    if let Some(ended) = job.ended {
        body["date-ended"] = json!({"unixtime": ended, "date": iso(ended)});
    }
    body
}

fn list_xml(call: &Call<'_>, project: &str, jobs: &[Job]) -> String {
    let (offset, max) = window(call);
    let shown: Vec<Element> = jobs.iter().skip(offset).take(max).map(|job| one_xml(call, project, job)).collect();
    Element::new("executions")
        .attribute("count", shown.len())
        .attribute("total", jobs.len())
        .attribute("offset", offset)
        .attribute("max", max)
        .with(shown)
        .render()
}

fn one_xml(call: &Call<'_>, project: &str, job: &Job) -> Element {
    Element::new("execution")
        .attribute("id", job.id)
        .attribute("href", call.href(&format!("execution/{}", job.id)))
        .attribute("permalink", call.permalink(&format!("project/{project}/execution/show/{}", job.id)))
        .attribute("status", "running")
        .attribute("project", project)
        .with([
            Element::text("user", &job.user),
            Element::text("date-started", iso(job.started)).attribute("unixtime", job.started),
            Element::text("description", format!("sleep {} ms", job.length)),
            Element::new("argstring"),
        ])
}
