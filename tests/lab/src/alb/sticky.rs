//! Sticky sessions: which target a request's cookies ask for, and which cookies its answer gets.
//!
//! The cookies carry the target themselves, as an opaque word, so that nothing has to be remembered (nor bounded) here.
//! By the ALB user guide, "Sticky sessions": both ALB cookies live for seven days, the duration is counted by the
//! balancer and renewed with each request; with `app_cookie` the client must send the application's cookie (any value)
//! *and* the balancer's; a session whose target is gone moves and stays where it moved to.

use std::time::Duration;

use hyper::HeaderMap;
use hyper::header::{COOKIE, HeaderValue, SET_COOKIE};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::settings::Stickiness;
use super::target::TargetKey;
use crate::clock::{self, Instant};

/// Life of both cookies in the browser.
const COOKIE_LIFE: Duration = Duration::from_secs(7 * 24 * 3600);

/// The clock that cookies are stamped with: milliseconds since the listener started.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stamps {
    start: Instant,
}

impl Stamps {
    pub(super) fn new() -> Self {
        Self { start: clock::now() }
    }

    fn now_ms(self) -> u128 {
        self.start.elapsed().as_millis()
    }

    /// The target that the request's cookies are bound to, while they are valid.
    pub(super) fn wanted(self, rule: &Stickiness, request: &HeaderMap) -> Option<TargetKey> {
        let word = match rule {
            Stickiness::Off => None,
            Stickiness::LoadBalancer { .. } => cookie(request, "AWSALB"),
            Stickiness::Application { cookie: name, .. } => {
                cookie(request, name).and_then(|_| cookie(request, "AWSALBAPP-0"))
            }
        }?;
        self.read(word)
    }

    /// Adds the balancer's cookies to an answer of `target`. `bound` says that the request came with a valid binding.
    pub(super) fn bind(self, rule: &Stickiness, target: &TargetKey, bound: bool, answer: &mut HeaderMap) {
        match rule {
            Stickiness::Off => {}
            Stickiness::LoadBalancer { duration } => {
                let word = self.write(target, *duration);
                set(answer, &format!("AWSALB={word}; Expires={}; Path=/", expires()));
                set(answer, &format!("AWSALBCORS={word}; Expires={}; Path=/; SameSite=None; Secure", expires()));
            }
            Stickiness::Application { cookie: name, duration } => {
                if bound || sets_cookie(answer, name) {
                    let word = self.write(target, *duration);
                    set(answer, &format!("AWSALBAPP-0={word}; Expires={}; Path=/", expires()));
                }
            }
        }
    }

    fn write(self, target: &TargetKey, duration: Duration) -> String {
        let ends = self.now_ms() + duration.as_millis();
        format!("{ends}|{}|{}", target.port, target.id).bytes().map(|byte| format!("{byte:02x}")).collect()
    }

    fn read(self, word: &str) -> Option<TargetKey> {
        let bytes: Option<Vec<u8>> = word.as_bytes().chunks(2).map(hex_byte).collect();
        let text = String::from_utf8(bytes?).ok()?;
        let mut parts = text.splitn(3, '|');
        let ends: u128 = parts.next()?.parse().ok()?;
        let port = parts.next()?.parse().ok()?;
        let id = parts.next()?;
        (self.now_ms() < ends).then(|| TargetKey::new(id, port))
    }
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

fn expires() -> String {
    let end = OffsetDateTime::from(clock::wall() + COOKIE_LIFE);
    // RFC 2822 and HTTP differ in the zone only.
    end.format(&Rfc2822).unwrap_or_default().replace("+0000", "GMT")
}

fn set(answer: &mut HeaderMap, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        answer.append(SET_COOKIE, value);
    }
}

/// The value of the request's cookie called `name`.
fn cookie<'a>(request: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = request.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(key, _)| *key == name).map(|(_, value)| value).next()
}

fn sets_cookie(answer: &HeaderMap, name: &str) -> bool {
    let lines = answer.get_all(SET_COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines.filter_map(|line| line.split_once('=')).any(|(key, _)| key.trim() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(cookies: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::from_str(cookies).expect("a cookie line"));
        headers
    }

    #[test]
    fn the_application_cookie_and_the_balancers_are_both_needed() {
        let stamps = Stamps::new();
        let rule = Stickiness::Application { cookie: "JSESSIONID".to_owned(), duration: Duration::from_secs(60) };
        let target = TargetKey::new("i-1", 4440);
        let word = stamps.write(&target, Duration::from_secs(60));
        let wanted = |cookies: String| stamps.wanted(&rule, &request(&cookies));
        assert_eq!(wanted(format!("JSESSIONID=x; AWSALBAPP-0={word}")), Some(target));
        assert_eq!(wanted(format!("AWSALBAPP-0={word}")), None);
        assert_eq!(wanted("JSESSIONID=x".to_owned()), None);
        assert_eq!(wanted("JSESSIONID=x; AWSALBAPP-0=_remove_".to_owned()), None);
    }

    #[test]
    fn a_binding_ends_with_its_duration() {
        let stamps = Stamps::new();
        let rule = Stickiness::LoadBalancer { duration: Duration::ZERO };
        let word = stamps.write(&TargetKey::new("i-1", 4440), Duration::ZERO);
        assert_eq!(stamps.wanted(&rule, &request(&format!("AWSALB={word}"))), None);
    }

    #[test]
    fn an_application_session_begins_when_the_answer_sets_the_cookie() {
        let stamps = Stamps::new();
        let rule = Stickiness::Application { cookie: "JSESSIONID".to_owned(), duration: Duration::from_secs(60) };
        let target = TargetKey::new("i-1", 4440);
        let mut plain = HeaderMap::new();
        stamps.bind(&rule, &target, false, &mut plain);
        assert!(plain.is_empty());
        let mut login = HeaderMap::new();
        set(&mut login, "JSESSIONID=abc; Path=/; HttpOnly");
        stamps.bind(&rule, &target, false, &mut login);
        assert!(sets_cookie(&login, "AWSALBAPP-0"));
        let line = login.get_all(SET_COOKIE).iter().nth(1).and_then(|line| line.to_str().ok()).unwrap_or_default();
        assert!(line.ends_with(" GMT; Path=/"), "{line}");
    }
}
