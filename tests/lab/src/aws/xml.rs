//! The query protocol's answers: elements as text, in the shape that the SDKs parse.

use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};

use super::failure::Failure;
use super::service::Service;
use crate::http::{Reply, reply};

/// `<tag>` around elements that are XML already.
pub(super) fn element(tag: &str, inner: &str) -> String {
    format!("<{tag}>{inner}</{tag}>")
}

/// `<tag>` around text.
pub(super) fn leaf(tag: &str, text: impl ToString) -> String {
    let text = text.to_string().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    element(tag, &text)
}

/// `<tag>` around a `<member>` for each item.
pub(super) fn members(tag: &str, items: impl IntoIterator<Item = String>) -> String {
    let inner: String = items.into_iter().map(|item| element("member", &item)).collect();
    element(tag, &inner)
}

/// The answer to `action`, or the refusal.
pub(super) fn answer(service: Service, action: &str, request_id: &str, outcome: Result<String, Failure>) -> Reply {
    let namespace = format!("http://{}.amazonaws.com/doc/{}/", service.word(), service.version());
    let id = leaf("RequestId", request_id);
    let (status, body) = match outcome {
        Ok(result) => {
            let result = element(&format!("{action}Result"), &result);
            let meta = element("ResponseMetadata", &id);
            let body = format!("<{action}Response xmlns=\"{namespace}\">{result}{meta}</{action}Response>");
            (StatusCode::OK, body)
        }
        Err(failure) => {
            let error = leaf("Type", "Sender") + &leaf("Code", failure.code) + &leaf("Message", &failure.message);
            let error = element("Error", &error);
            (failure.status, format!("<ErrorResponse xmlns=\"{namespace}\">{error}{id}</ErrorResponse>"))
        }
    };
    let mut reply = reply(status, "text/xml", body);
    if let Ok(value) = HeaderValue::from_str(request_id) {
        reply.headers_mut().insert(HeaderName::from_static("x-amzn-requestid"), value);
    }
    reply
}
