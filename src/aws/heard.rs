//! Who answered: for each host that was asked over HTTP, whether anything came back, and what its `Date` said.
//!
//! For whoever looks into what is wrong on a node: a host that gave any answer has a network path to it, whatever the
//! answer was, and its clock can be compared with ours. It changes no request and keeps no other header and no body.

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Hosts that are remembered; a node asks three.
const MOST_HOSTS: usize = 32;

/// What a host's last answer said of its clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dated {
    /// The header `Date`.
    pub date: String,
    /// When the answer came, since the same fixed moment as all durations of the SDK.
    pub at: Duration,
}

/// One host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Host {
    /// It gave an answer, whatever it said.
    pub answered: bool,
    /// Of the last answer with a `Date`.
    pub dated: Option<Dated>,
}

/// The hosts, with their ports where the address named one; clones hear the same.
#[derive(Debug, Clone, Default)]
pub struct Heard(Arc<Mutex<BTreeMap<String, Host>>>);

impl Heard {
    /// All hosts that were asked so far.
    #[must_use]
    pub fn hosts(&self) -> BTreeMap<String, Host> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, host: &str, change: impl FnOnce(&mut Host)) {
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if hosts.contains_key(host) || hosts.len() < MOST_HOSTS {
            change(hosts.entry(host.to_owned()).or_default());
        }
    }

    /// The same connector, overheard.
    pub(super) fn on(&self, connector: SharedHttpConnector, monotonic: fn() -> Duration) -> SharedHttpConnector {
        SharedHttpConnector::new(Overheard { connector, heard: self.clone(), monotonic })
    }
}

#[derive(Debug)]
struct Overheard {
    connector: SharedHttpConnector,
    heard: Heard,
    monotonic: fn() -> Duration,
}

impl HttpConnector for Overheard {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let host = host(request.uri()).to_owned();
        self.heard.note(&host, |_| {});
        let (heard, monotonic) = (self.heard.clone(), self.monotonic);
        let answer = self.connector.call(request);
        HttpConnectorFuture::new(async move {
            let answer = answer.await?;
            let date = answer.headers().get("date").map(str::to_owned);
            heard.note(&host, |host| {
                host.answered = true;
                host.dated = date.map(|date| Dated { date, at: monotonic() }).or_else(|| host.dated.take());
            });
            Ok(answer)
        })
    }
}

/// `elasticloadbalancing.eu-west-1.amazonaws.com` of `https://elasticloadbalancing.eu-west-1.amazonaws.com/`.
fn host(uri: &str) -> &str {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn the_host_is_told_without_path_query_and_user() {
        for uri in ["https://a.example/x?y", "https://a.example", "a.example/x", "http://u:p@a.example?y"] {
            assert_eq!(host(uri), "a.example", "{uri}");
        }
        assert_eq!(host("http://[fd00:ec2::254]:80/latest"), "[fd00:ec2::254]:80");
    }
}
