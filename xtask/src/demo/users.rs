//! The users: thirty people with a browser each, who sign in, look at pages, and sign out again.
//!
//! Each keeps its cookies, so the balancer keeps it on its node. A request that fails is counted and never sent again;
//! a user who is sent to the login page signs in again, as people do.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::Method;
use hyper::header::{LOCATION, SET_COOKIE};
use rundeck_alb_lab::clock;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::http::{Ask, Client, Reply};

/// People.
pub const USERS: usize = 30;

/// Between two clicks of one person; with the slow pages it makes about 150 requests a second in all.
const PACE: Duration = Duration::from_millis(180);

/// Between the arrivals of two people.
const ARRIVALS: Duration = Duration::from_millis(150);

/// Clicks between sign-in and sign-out, at least and at most.
const VISIT: (u64, u64) = (15, 45);

/// One click in so many asks for a slow page ...
const SLOW_ONE_IN: u64 = 25;
/// ... which takes so many milliseconds, at least and at most.
const SLOW: (u64, u64) = (400, 1_200);

/// Failures that are remembered one by one; a world that loses more is broken anyway.
const FAILURES: usize = 10_000;

/// A request that failed for the user.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Its number, which stands in its query.
    pub number: u64,
    /// Method and path.
    pub request: String,
    /// What the user saw.
    pub what: String,
}

/// What all users have seen; clones read the same.
#[derive(Clone, Default)]
pub struct Tally(Arc<Counts>);

#[derive(Default)]
struct Counts {
    sent: AtomicU64,
    failed: AtomicU64,
    sent_to_login: AtomicU64,
    closing: AtomicBool,
    failures: Mutex<Vec<Failure>>,
    /// Which node served each user last.
    served_by: Mutex<BTreeMap<usize, String>>,
}

impl Tally {
    /// Requests sent.
    pub fn sent(&self) -> u64 {
        self.0.sent.load(Ordering::Relaxed)
    }

    /// Requests that failed.
    pub fn failed(&self) -> u64 {
        self.0.failed.load(Ordering::Relaxed)
    }

    /// How often a signed-in user was sent to the login page: its session was on a node that it lost.
    pub fn sent_to_login(&self) -> u64 {
        self.0.sent_to_login.load(Ordering::Relaxed)
    }

    pub fn failures(&self) -> Vec<Failure> {
        lock(&self.0.failures).clone()
    }

    /// How many users each node has.
    pub fn spread(&self) -> BTreeMap<String, usize> {
        let mut spread = BTreeMap::new();
        for node in lock(&self.0.served_by).values() {
            *spread.entry(node.clone()).or_default() += 1;
        }
        spread
    }

    /// From now on nobody clicks any more; what was sent is still answered.
    pub fn close(&self) {
        self.0.closing.store(true, Ordering::Relaxed);
    }

    fn closing(&self) -> bool {
        self.0.closing.load(Ordering::Relaxed)
    }

    fn fail(&self, failure: Failure) {
        self.0.failed.fetch_add(1, Ordering::Relaxed);
        let mut failures = lock(&self.0.failures);
        if failures.len() < FAILURES {
            failures.push(failure);
        }
    }
}

/// Lets all of them come, one after another, and work until [`Tally::close`] or the set is dropped.
pub fn arrive(balancer: SocketAddr, tally: &Tally) -> JoinSet<()> {
    let mut people = JoinSet::new();
    for number in 0..USERS {
        let browser = Browser {
            user: number,
            client: Client::to(balancer),
            cookies: BTreeMap::new(),
            dice: Dice(number as u64),
            tally: tally.clone(),
        };
        people.spawn(browser.live(ARRIVALS * u32::try_from(number).unwrap_or_default()));
    }
    people
}

/// One person's browser.
struct Browser {
    user: usize,
    client: Client,
    cookies: BTreeMap<String, String>,
    dice: Dice,
    tally: Tally,
}

/// Where a click led.
enum Seen {
    Page,
    Login,
    Trouble,
}

impl Browser {
    async fn live(mut self, arrival: Duration) {
        clock::pause(arrival).await;
        let mut pace = tokio::time::interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.tally.closing() {
            pace.tick().await;
            if !self.sign_in().await {
                continue;
            }
            for _ in 0..self.dice.between(VISIT) {
                pace.tick().await;
                if self.tally.closing() {
                    return;
                }
                if matches!(self.click().await, Seen::Login) {
                    self.tally.0.sent_to_login.fetch_add(1, Ordering::Relaxed);
                    // If it fails, the next click leads to the login page again.
                    self.sign_in().await;
                }
            }
            self.request(Method::GET, "/user/logout", "").await;
            self.cookies.clear();
        }
    }

    /// The login page, then name and password. True if it led to a session.
    async fn sign_in(&mut self) -> bool {
        if self.request(Method::GET, "/user/login", "").await.is_none() {
            return false;
        }
        let form = format!("j_username=user-{}&j_password=secret", self.user);
        self.request(Method::POST, "/user/j_security_check", &form).await.is_some()
    }

    async fn click(&mut self) -> Seen {
        let path = match self.dice.between((1, SLOW_ONE_IN)) {
            1 => format!("/slow?ms={}", self.dice.between(SLOW)),
            _ => "/menu/home".to_owned(),
        };
        match self.request(Method::GET, &path, "").await {
            Some(reply) if reply.status == 200 => {
                self.note_node(&reply.text());
                Seen::Page
            }
            Some(_) => Seen::Login,
            None => Seen::Trouble,
        }
    }

    /// One request with its number in the query. `None`: it failed, and was counted.
    async fn request(&mut self, method: Method, path: &str, form: &str) -> Option<Reply> {
        let number = self.tally.0.sent.fetch_add(1, Ordering::Relaxed);
        let mark = if path.contains('?') { '&' } else { '?' };
        let target = format!("{path}{mark}n={number}");
        let request = format!("{method} {path}");
        let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let kind = "application/x-www-form-urlencoded".to_owned();
        let headers = [("cookie", pairs.join("; ")), ("content-type", kind)];
        let headers = if form.is_empty() { &headers[..1] } else { &headers[..] };
        let outcome = self.client.ask(Ask { method, path: &target, headers, body: form }).await;
        match outcome.and_then(judged) {
            Ok(reply) => {
                self.keep_cookies(&reply);
                Some(reply)
            }
            Err(what) => {
                self.tally.fail(Failure { number, request, what });
                None
            }
        }
    }

    fn keep_cookies(&mut self, reply: &Reply) {
        for line in reply.headers.get_all(SET_COOKIE) {
            let pair = line.to_str().ok().and_then(|line| line.split(';').next()).and_then(|pair| pair.split_once('='));
            if let Some((name, value)) = pair {
                self.cookies.insert(name.trim().to_owned(), value.trim().to_owned());
            }
        }
    }

    /// Every page of the stand-in says which node made it.
    fn note_node(&self, page: &str) {
        let node = page.split_once("<p>node ").and_then(|(_, rest)| rest.split_once("</p>")).map(|(node, _)| node);
        if let Some(node) = node {
            lock(&self.tally.0.served_by).insert(self.user, node.to_owned());
        }
    }
}

/// A page, or a redirect that says where to; all else is a failure for the user.
fn judged(reply: Reply) -> Result<Reply, String> {
    match reply.status {
        200 => Ok(reply),
        302 if reply.headers.contains_key(LOCATION) => Ok(reply),
        status => Err(format!("status {status}")),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Chance that is the same in each run (SplitMix64).
struct Dice(u64);

impl Dice {
    fn between(&mut self, (low, high): (u64, u64)) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        low + (mixed ^ (mixed >> 31)) % (high - low + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_stays_within_its_bounds() {
        let mut dice = Dice(7);
        let thrown: Vec<u64> = (0..1_000).map(|_| dice.between((3, 5))).collect();
        for face in 3..=5 {
            assert!(thrown.contains(&face));
        }
        assert!(thrown.iter().all(|face| (3..=5).contains(face)));
    }

    #[test]
    fn only_pages_and_redirects_are_no_failures() {
        let reply = |status, location: bool| {
            let mut headers = hyper::HeaderMap::new();
            if location {
                headers.insert(LOCATION, hyper::header::HeaderValue::from_static("/user/login"));
            }
            judged(Reply { status, headers, body: bytes::Bytes::new() }).is_ok()
        };
        assert!(reply(200, false) && reply(302, true));
        assert!(!reply(302, false) && !reply(502, false) && !reply(404, false));
    }
}
