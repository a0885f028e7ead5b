//! The application that people use: login, sessions that live in this process alone, a home page, a slow page and the
//! page of an error.
//!
//! It checks no password; a session is enough. Nothing of Rundeck's real pages is here but their addresses.

use std::time::Duration;

use super::address::base_url;
use super::pause::pause;
use super::wire::{Answer, Request, SERVLET, error_page};
use super::{State, Version};

/// The session cookie's name.
const COOKIE: &str = "JSESSIONID";
/// No page is slower than this, whatever it is asked for.
const SLOWEST_PAGE: Duration = Duration::from_secs(120);

/// Answers a path that no probe and no API has taken.
pub(super) async fn answer(state: &State, request: &Request, path: &str) -> Answer {
    let session = request.cookie(COOKIE).filter(|id| state.session(id).is_some());
    let logged_in = session.is_some_and(|id| state.session(id) == Some(true));
    match path {
        "/user/login" | "/user/error" => login_page(state, session),
        "/user/j_security_check" | "/j_security_check" => log_in(state, request, session),
        "/user/logout" => {
            if let Some(id) = session {
                state.end_session(id);
            }
            to_login(state, request, None)
        }
        _ if !logged_in => to_login(state, request, session),
        "/" => redirect(state, request, "/menu/home"),
        "/menu/home" => page(state, "Home"),
        "/slow" => {
            let millis = request.parameter("ms").and_then(|ms| ms.parse().ok()).unwrap_or_default();
            pause(Duration::from_millis(millis).min(SLOWEST_PAGE)).await;
            page(state, "Slow")
        }
        _ => error_page(request, 404, SERVLET),
    }
}

/// `Set-Cookie` for a new session.
pub(super) fn session_cookie(state: &State, id: &str) -> String {
    let path = if state.config.context_path.is_empty() { "/" } else { &state.config.context_path };
    if state.config.version == Version::V3_4 {
        format!("{COOKIE}={id};Path={path};HttpOnly")
    } else {
        format!("{COOKIE}={id}; Path={path}; HttpOnly; SameSite=Lax")
    }
}

/// The same answer with a new session's cookie and the `Expires` that Jetty sends beside it.
pub(super) fn with_session(state: &State, answer: Answer, id: &str) -> Answer {
    answer.with("Set-Cookie", session_cookie(state, id)).with("Expires", "Thu, 01 Jan 1970 00:00:00 GMT")
}

/// The saved request makes a session, unless there is one.
fn to_login(state: &State, request: &Request, session: Option<&str>) -> Answer {
    let answer = match session {
        Some(_) => Answer::new(302),
        None => with_session(state, Answer::new(302), &state.new_session(false)),
    };
    answer.with("Location", format!("{}{}/user/login", base_url(state, request), state.config.context_path))
}

fn redirect(state: &State, request: &Request, path: &str) -> Answer {
    Answer::new(302).with("Location", format!("{}{}{path}", base_url(state, request), state.config.context_path))
}

fn login_page(state: &State, session: Option<&str>) -> Answer {
    let action = format!("{}/user/j_security_check", state.config.context_path);
    let body = html(
        "Login",
        &format!(
            "<form action=\"{action}\" method=\"post\"><input name=\"j_username\"/>\
             <input name=\"j_password\" type=\"password\"/><button>Log In</button></form>"
        ),
    );
    let answer = match session {
        Some(_) => Answer::new(200),
        None => with_session(state, Answer::new(200), &state.new_session(false)),
    };
    answer.with_body("text/html;charset=utf-8", body)
}

/// Any user name logs in; the session gets a new id, as from 4.8 on.
fn log_in(state: &State, request: &Request, session: Option<&str>) -> Answer {
    if request.method != "POST" || request.form("j_username").is_none_or(|user| user.is_empty()) {
        return redirect(state, request, "/user/error");
    }
    if let Some(id) = session {
        state.end_session(id);
    }
    let id = state.new_session(true);
    let location = format!("{}{}/menu/home", base_url(state, request), state.config.context_path);
    with_session(state, Answer::new(302), &id).with("Location", location)
}

/// The page of an uncaught exception (`ErrorController` without `Accept: application/json`).
pub(super) fn server_error_page() -> Answer {
    let page = "<!DOCTYPE html>\n<html>\n<head><title>Rundeck - Error</title></head>\n\
                <body><h1>An Error Occurred</h1><p>A server error occurred</p></body>\n</html>\n";
    Answer::new(500).with_body("text/html;charset=utf-8", page)
}

/// A page that says which node made it, for those who look whether stickiness holds.
fn page(state: &State, title: &str) -> Answer {
    let body = html(title, &format!("<p>node {}</p>", state.config.name));
    Answer::new(200).with_body("text/html;charset=utf-8", body)
}

fn html(title: &str, body: &str) -> String {
    format!("<!DOCTYPE html>\n<html>\n<head><title>Rundeck - {title}</title></head>\n<body>{body}</body>\n</html>\n")
}
