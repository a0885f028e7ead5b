//! One node's metadata server and its handle.
//!
//! | Request | Answer |
//! |---|---|
//! | `PUT /latest/api/token`, TTL 1 to 21600 | 200, the token, the TTL echoed |
//! | the same, TTL missing or out of range | 400 |
//! | the same with `X-Forwarded-For`; a token under a dated path | 403 |
//! | `GET`/`HEAD` without, with a wrong, or with an expired token | 401 |
//! | … of something that is not there | 404 |
//! | another method | 405 |

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use hyper::body::Incoming;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, StatusCode};

use super::Node;
use super::tokens::Tokens;
use super::tree::Tree;
use crate::faults::Faults;
use crate::http::{self, Fate, Reply, Server, Service, Verdict};
use crate::lock;

const TTL: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token-ttl-seconds");
const TOKEN: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token");
const LIFECYCLE: &str = "autoscaling/target-lifecycle-state";
const TOKEN_PATH: &str = "/latest/api/token";

/// The metadata service of one node. It stops when dropped.
#[derive(Debug)]
pub struct Imds {
    server: Server,
    faults: Faults,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    tree: Mutex<Tree>,
    tokens: Tokens,
    faults: Faults,
    requests: Mutex<BTreeMap<(String, u16), u64>>,
}

impl Imds {
    /// Listens on a free loopback port for `node`.
    ///
    /// # Errors
    /// When the listener cannot be opened.
    pub(crate) fn start(node: &Node) -> std::io::Result<Self> {
        let faults = Faults::default();
        let shared = Arc::new(Shared {
            tree: Mutex::new(Tree::of(node)),
            tokens: Tokens::default(),
            faults: faults.clone(),
            requests: Mutex::default(),
        });
        let server = Server::start(crate::any_port(), Arc::clone(&shared), &faults)?;
        Ok(Self { server, faults, shared })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// Its fault switches; filters look at the path.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Every token given out so far is worth nothing from now on.
    pub fn void_tokens(&self) {
        self.shared.tokens.void_all();
    }

    /// Sets an item below `/latest/meta-data/` (or below `/latest/`, where the path begins with `dynamic/`), or takes
    /// it away (404).
    pub fn set(&self, path: &str, value: Option<&str>) {
        lock(&self.shared.tree).set(path, value);
    }

    /// What is there, below `/latest/meta-data/`.
    #[must_use]
    pub fn item(&self, path: &str) -> Option<String> {
        lock(&self.shared.tree).get(&format!("meta-data/{path}"))
    }

    /// Sets `autoscaling/target-lifecycle-state`; `None` is an instance outside any group (404).
    pub fn set_lifecycle_state(&self, state: Option<&str>) {
        self.set(LIFECYCLE, state);
    }

    /// What sets that item later on.
    pub(crate) fn lifecycle(&self) -> Lifecycle {
        Lifecycle(Arc::clone(&self.shared))
    }

    /// Replaces the instance's tags; `None` is "tags in metadata" switched off (404), as it is at first.
    pub fn set_tags(&self, tags: Option<&BTreeMap<String, String>>) {
        lock(&self.shared.tree).set_tags(tags);
    }

    /// How often each path was answered with each status. Faults that give no answer are not counted.
    #[must_use]
    pub fn requests(&self) -> BTreeMap<(String, u16), u64> {
        lock(&self.shared.requests).clone()
    }
}

/// Where one node's metadata show what its Auto Scaling group does with it.
#[derive(Debug)]
pub(crate) struct Lifecycle(Arc<Shared>);

impl Lifecycle {
    pub(crate) fn set(&self, state: Option<&str>) {
        lock(&self.0.tree).set(LIFECYCLE, state);
    }
}

/// Different (path, status) pairs that are counted; further ones are not.
const MAX_COUNTED: usize = 1_000;

impl Service for Shared {
    async fn serve(&self, request: Request<Incoming>, _from: SocketAddr) -> Verdict {
        let path = request.uri().path().to_owned();
        let reply = match http::fate(&self.faults, &path).await.1 {
            Fate::Answer => self.answer(request.method(), &path, request.headers()),
            Fate::Settled(verdict) => return verdict,
            Fate::Throttle => page(StatusCode::SERVICE_UNAVAILABLE),
            Fate::Deny => page(StatusCode::FORBIDDEN),
            Fate::Expired => page(StatusCode::UNAUTHORIZED),
        };
        let mut requests = lock(&self.requests);
        let key = (path, reply.status().as_u16());
        if requests.len() < MAX_COUNTED || requests.contains_key(&key) {
            *requests.entry(key).or_default() += 1;
        }
        Verdict::Answer(reply)
    }
}

impl Shared {
    fn answer(&self, method: &Method, path: &str, headers: &HeaderMap) -> Reply {
        if method == Method::PUT {
            return self.token(path, headers);
        }
        if (method != Method::GET && method != Method::HEAD) || path == TOKEN_PATH {
            return page(StatusCode::METHOD_NOT_ALLOWED);
        }
        let token = headers.get(TOKEN).and_then(|token| token.to_str().ok()).unwrap_or_default();
        if !self.tokens.allows(token) {
            return page(StatusCode::UNAUTHORIZED);
        }
        let below = path.strip_prefix("/latest").filter(|rest| rest.is_empty() || rest.starts_with('/'));
        match below.and_then(|rest| lock(&self.tree).get(rest)) {
            Some(body) => http::reply(StatusCode::OK, "text/plain", body),
            None => page(StatusCode::NOT_FOUND),
        }
    }

    fn token(&self, path: &str, headers: &HeaderMap) -> Reply {
        if path != TOKEN_PATH || headers.contains_key("x-forwarded-for") {
            return page(StatusCode::FORBIDDEN);
        }
        let ttl = headers.get(TTL).and_then(|ttl| ttl.to_str().ok()).unwrap_or_default();
        let Some((token, seconds)) = self.tokens.issue(ttl) else {
            return page(StatusCode::BAD_REQUEST);
        };
        let mut reply = http::reply(StatusCode::OK, "text/plain", token);
        reply.headers_mut().insert(TTL, HeaderValue::from(seconds));
        reply
    }
}

/// The service's XHTML error page.
fn page(status: StatusCode) -> Reply {
    let words = format!("{} - {}", status.as_u16(), status.canonical_reason().unwrap_or("Error"));
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>\n\
         <!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Transitional//EN\"\n\
         \t\"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd\">\n\
         <html xmlns=\"http://www.w3.org/1999/xhtml\" xml:lang=\"en\" lang=\"en\">\n <head>\n  \
         <title>{words}</title>\n \
         </head>\n <body>\n  <h1>{words}</h1>\n </body>\n</html>\n"
    );
    http::reply(status, "text/plain", body)
}
