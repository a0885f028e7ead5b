//! The looks of the agent at a stand-in, by its real client, with real limits that stand for the virtual ones.

use super::states::{DATABASE_WAIT, Scene};
use rundeck_alb_agent::rundeck::{BaseUrl, Client, Options, Token};
use rundeck_alb_agent::watch::{api, database, readiness, web};
use rundeck_alb_core::{ApiSeen, Call, DatabaseSeen, Event, Notice, Readiness, ReadySeen, Reply, Span, WebSeen};
use rundeck_alb_lab::rundeck::Rundeck;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// Stands for the 3 s of a probe; below the pool's wait.
const TIMEOUT: Duration = Duration::from_millis(600);
/// Stands for the 40 s of the database check; above the pool's wait.
const DATABASE_LIMIT: Duration = Duration::from_millis(1500);
/// What an answer takes of the virtual time.
const AT_ONCE: Span = Span(5);
const TIMED_OUT: Span = Span::secs(3);
const POOL_WAIT: Span = Span::secs(30);
const DATABASE_TIMED_OUT: Span = Span::secs(40);
/// A time-out that was seen this often is believed: each costs real time, and the state does not change by itself.
const BELIEVED: u32 = 2;

/// What the client counts the age of its connections from.
static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The agent's eyes.
pub struct Eyes {
    client: Client,
    silent: [u32; 4],
    /// The last readiness look that timed out.
    silence: ReadySeen,
    /// What only people can cure, since the last time that somebody took it.
    noticed: Vec<Event>,
}

impl Eyes {
    pub fn new(node: &Rundeck, scene: &Scene) -> Eyes {
        let config = &node.state().config;
        let addr = node.addr();
        let context_path = if scene.blind_to_context { String::new() } else { config.context_path.clone() };
        let https = scene.asks_https.unwrap_or(config.tls.is_some());
        let url = BaseUrl { https, host: addr.ip().to_string(), port: addr.port(), context_path };
        let options = Options {
            url,
            host_header: None,
            ca_file: scene.trusted.map(Into::into),
            pin_sha256: None,
            tls_server_name: None,
            connect_timeout: TIMEOUT,
            timeout: TIMEOUT,
            leaves_by: |_, _| None,
            monotonic: || BEGAN.elapsed(),
            token: scene.token.map(|token| Token::parse(token).expect("a token")),
            // Real time is not the table's: kept connections are renewed by their uses.
        };
        let client = Client::new(options).expect("good options");
        Eyes {
            client,
            silent: [0; 4],
            silence: ReadySeen { readiness: Readiness::TimedOut, database: None, bound: false },
            noticed: Vec::new(),
        }
    }

    /// Performs a call that looks at Rundeck; the reply and its virtual length. Others are answered by nobody.
    pub async fn look(&mut self, call: &Call) -> Option<(Reply, Span)> {
        Some(match call {
            Call::ProbeWeb { with_boot } => {
                if self.silent[0] >= BELIEVED {
                    return Some((Reply::Web(WebSeen::TimedOut, None), TIMED_OUT));
                }
                let round = web::look(&self.client, *with_boot).await;
                let late = round.web == WebSeen::TimedOut;
                self.noticed.push(Event::Noticed(Notice::Certificate, round.certificate));
                self.noticed.push(Event::Noticed(Notice::Elsewhere, round.elsewhere));
                (Reply::Web(round.web, round.boot), self.length(0, late, TIMED_OUT))
            }
            Call::ProbeApi => {
                if self.silent[1] >= BELIEVED {
                    return Some((Reply::Api(ApiSeen::TimedOut), TIMED_OUT));
                }
                let seen = api::look(&self.client).await;
                let late = seen == ApiSeen::TimedOut;
                (Reply::Api(seen), self.length(1, late, TIMED_OUT))
            }
            Call::ProbeReadiness { learn } => {
                if self.silent[2] >= BELIEVED {
                    return Some((Reply::Ready(self.silence.clone()), TIMED_OUT));
                }
                let seen = readiness::look(&self.client, *learn).await;
                let late = seen.readiness == Readiness::TimedOut;
                if late {
                    self.silence = seen.clone();
                }
                (Reply::Ready(seen), self.length(2, late, TIMED_OUT))
            }
            Call::ProbeDatabase { .. } => {
                if self.silent[3] >= BELIEVED {
                    return Some((Reply::Database(DatabaseSeen::TimedOut), DATABASE_TIMED_OUT));
                }
                let began = Instant::now();
                let seen = database::look(&self.client, DATABASE_LIMIT).await;
                let waited = began.elapsed() >= DATABASE_WAIT;
                let late = seen == DatabaseSeen::TimedOut;
                let length = self.length(3, late, DATABASE_TIMED_OUT);
                (Reply::Database(seen), if waited && !late { POOL_WAIT } else { length })
            }
            // The disk is well.
            Call::KeepIntent(_) | Call::KeepRegistered(_) | Call::WriteReceipt(_) => {
                (Reply::Written(Ok(())), Span::millis(1))
            }
            _ => return None,
        })
    }

    /// Hands over what was noticed.
    pub fn take_noticed(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.noticed)
    }

    fn length(&mut self, kind: usize, late: bool, limit: Span) -> Span {
        self.silent[kind] = if late { self.silent[kind] + 1 } else { 0 };
        if late { limit } else { AT_ONCE }
    }
}
