//! The client for the local Rundeck: asks over HTTP and turns answers into typed facts.
//!
//! All that is peculiar to a Rundeck version (JSON shapes, statuses, paths) stops in this room; `tests/lab` has
//! the table of answers that it is held to. It holds no loop, no pacing and no policy: what a fact means for the
//! verdict is decided elsewhere, and whether two database-bound calls may run at the same time is the caller's
//! business.
//!
//! | file | what |
//! |---|---|
//! | `url.rs` | where Rundeck is |
//! | `token.rs` | the secret, never shown |
//! | `tls.rs` | private CA, pinned certificate, unverified look |
//! | `options.rs` | how Rundeck is reached, and why a client cannot be built |
//! | `client.rs` | the questions |
//! | `readiness.rs` | which readiness endpoint a version has, and how its answer reads, pure |
//! | `wire.rs` | one HTTP/1.1 exchange, time-outs |
//! | `names.rs` | a host name's addresses, from one worker at most |
//! | `lane.rs` | which connection carries a request: a token goes with a verified one only |
//! | `link.rs` | one open connection, and the few that are kept |
//! | `answer.rs` | an answer or a typed failure of the transport |
//! | `facts.rs` | the facts, with words for people |
//! | `decode.rs` | answer -> fact, pure |

mod answer;
mod client;
mod decode;
mod facts;
mod lane;
mod link;
mod names;
mod options;
mod readiness;
mod tls;
mod token;
mod url;
mod wire;

#[cfg(test)]
mod tests;

pub use answer::Failure;
pub use client::Client;
pub use facts::{Boot, Database, Info, Mode, ModeSet, Readiness, ReadinessLook, SystemInfo, Web, WebLook};
pub use options::{Options, SetupError};
pub use tls::TlsError;
pub use token::{Token, TokenError};
pub use url::BaseUrl;
