//! HTTP/1.1 as Jetty writes it, on a plain stream.
//!
//! Why not hyper: half of what a Rundeck is known by on the wire cannot be said with it (a body ended by the close of
//! an HTTP/1.1 connection, no length at all on a 404, answers cut short, Jetty's own texts for bad heads). Chunked
//! request bodies are not here.

mod answer;
mod jetty;
mod request;

pub use answer::{Answer, Wire};
pub use jetty::{SERVLET, bad_message, error_page};
pub(crate) use request::decoded;
pub use request::{Inbox, ReadError, Request};
