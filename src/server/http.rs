//! The few things that the health port and the admin listeners share: answers with the headers that each of them
//! carries.
//!
//! It knows no path and no snapshot.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};

/// An answer whose whole body is at hand.
pub(super) type Answer = Response<Full<Bytes>>;

pub(super) const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The longest request head (request line and headers) that is read, in bytes, as Jetty has it. Beyond it hyper answers
/// 431.
pub(super) const LONGEST_HEAD: usize = 8 * 1024;

/// An answer. `Content-Length` is set here because hyper leaves it out of answers to HEAD; `Date` is hyper's.
pub(super) fn answer(status: StatusCode, content_type: HeaderValue, body: Bytes) -> Answer {
    let length = HeaderValue::from(body.len());
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(header::CONTENT_LENGTH, length);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// A short answer in words.
pub(super) fn text(status: StatusCode, words: &'static str) -> Answer {
    answer(status, TEXT, Bytes::from_static(words.as_bytes()))
}

/// 405 with the methods that this path has.
pub(super) fn not_allowed(allow: &'static str) -> Answer {
    let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed");
    answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    answer
}

/// Says that the connection ends with this answer.
pub(super) fn closing(mut answer: Answer) -> Answer {
    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    answer
}

/// True when the client asks for JSON by name: `*/*` is what everybody sends who wants nothing special.
pub(super) fn wants_json(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|range| {
            let mut parts = range.split(';').map(str::trim);
            let json = parts.next().is_some_and(|media| media.eq_ignore_ascii_case("application/json"));
            json && !parts.any(refuses)
        })
}

/// A quality of zero means "not this one" (RFC 9110, 12.4.2).
fn refuses(parameter: &str) -> bool {
    let Some((name, quality)) = parameter.split_once('=') else { return false };
    name.trim().eq_ignore_ascii_case("q") && quality.trim().parse::<f32>().is_ok_and(|q| q <= 0.0)
}

/// A value as JSON. What is written here can always be written; if not, the client is told so.
pub(super) fn json<T: serde::Serialize>(status: StatusCode, value: &T) -> Answer {
    match serde_json::to_vec(value) {
        Ok(body) => answer(status, JSON, Bytes::from(body)),
        Err(_) => text(StatusCode::INTERNAL_SERVER_ERROR, "the answer cannot be written as JSON"),
    }
}
