//! The error bodies of the API, as JSON and, where a version still does so, as XML.
//!
//! Which error is given is decided by the endpoints.

use serde::Serialize;

use super::super::wire::{Answer, Request};
use super::super::{State, Version, web};
use super::xml::escaped;

/// An error as Rundeck's `ApiService` renders it.
pub(super) struct ApiError {
    code: &'static str,
    message: String,
    args: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Body<'a> {
    error: bool,
    apiversion: u32,
    #[serde(rename = "errorCode")]
    error_code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    args: Option<&'a [String]>,
}

impl ApiError {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        ApiError { code, message: message.into(), args: None }
    }

    /// The arguments of the message, which a 6.x tells too.
    pub(super) fn with_args(self, args: &[&str]) -> Self {
        ApiError { args: Some(args.iter().map(|arg| (*arg).to_owned()).collect()), ..self }
    }

    /// The answer of a controller: with the version's header.
    pub(super) fn answer(&self, state: &State, request: &Request, status: u16) -> Answer {
        let version = state.config.version;
        self.rendered(version, status, wants_xml(version, request))
            .with("X-Rundeck-API-Version", version.api().to_string())
    }

    fn rendered(&self, version: Version, status: u16, as_xml: bool) -> Answer {
        if as_xml {
            let (code, message) = (self.code, escaped(&self.message));
            let body = format!(
                "<result error='true' apiversion='{}'>\n  <error code='{code}'>\n    <message>{message}</message>\n  \
                 </error>\n</result>",
                version.api()
            );
            return Answer::new(status).with_body("text/xml;charset=utf-8", body);
        }
        let args = self.args.as_deref().filter(|_| version.is_6());
        let (error_code, message) = (self.code, self.message.as_str());
        Answer::json(status, &Body { error: true, apiversion: version.api(), error_code, message, args })
    }
}

/// 403 of the authorization interceptor, for no token (`who` = `(unauthenticated)`) and for a wrong one.
///
/// 3.4 answers XML unless JSON is asked for; a missing token's answer carries no version header.
pub(super) fn unauthenticated(state: &State, request: &Request, who: &str) -> Answer {
    let version = state.config.version;
    let message = format!("{who} is not authorized for: {}", request.raw_path);
    let as_xml = version == Version::V3_4 && !request.accepts("application/json");
    let answer = ApiError::new("unauthorized", message).rendered(version, 403, as_xml);
    if who == "(unauthenticated)" { answer } else { answer.with("X-Rundeck-API-Version", version.api().to_string()) }
}

/// 500 of an uncaught exception: JSON only for those who ask for it.
pub(super) fn server_error(request: &Request) -> Answer {
    if request.accepts("application/json") {
        Answer::new(500).with_body("application/json", r#"{"error":"A server error occurred"}"#)
    } else {
        web::server_error_page()
    }
}

/// XML is given before 5.0, to those who ask for it and not for JSON.
pub(super) fn wants_xml(version: Version, request: &Request) -> bool {
    let asked = request.accepts("application/xml") || request.accepts("text/xml");
    version.speaks_xml() && asked && !request.accepts("application/json")
}
