//! What comes back from one exchange: an answer, or a typed failure of the transport.
//!
//! It classifies errors of sockets, TLS and HTTP; what an answer *means* stands in `decode.rs`.

use bytes::Bytes;
use std::error::Error;
use std::io;
use std::net::IpAddr;

/// A complete answer, its body bounded by `link::MAX_BODY`.
#[derive(Debug, Clone, Default)]
pub(super) struct Answer {
    pub status: u16,
    pub location: Option<String>,
    pub body: Bytes,
}

/// Why there is no usable answer. One list for all questions; the heart gives each its weight.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Nothing listens on the port. Strong evidence.
    #[error("connection refused: nothing listens on Rundeck's port")]
    Refused,
    /// No connection or no complete answer in time. Weak evidence: a pausing JVM, a dead database, a full thread pool.
    #[error("no complete answer in time")]
    Timeout,
    /// The connection ended before the answer was complete.
    #[error("the connection ended before the answer was complete")]
    Truncated,
    /// Any 3xx. Never followed: Rundeck sends wrong paths to its login page, which answers 200.
    #[error("redirected to {0:?}: check the context path in rundeck.url")]
    Redirect(String),
    /// A status that has no meaning of its own for this question.
    #[error("unexpected status {0}")]
    BadStatus(u16),
    /// The body is larger than any answer of Rundeck's to this question.
    #[error("the answer is too large to be Rundeck's")]
    TooLarge,
    /// Bytes that are no HTTP, or no TLS: https asked of an http port or the reverse.
    #[error("the port does not speak {0}: check http or https and the port in rundeck.url")]
    WrongProtocol(&'static str),
    /// The agent's own machine cannot connect: no descriptors, no local ports, no memory, forbidden by a local rule.
    #[error("this machine cannot connect: {0}")]
    CannotConnect(String),
    /// The address is reached over a network card, so it is another machine's. Nothing was sent there.
    #[error("rundeck.url leads to another machine ({address}, by way of {card})")]
    Elsewhere {
        /// Where it leads.
        address: IpAddr,
        /// Name of the card.
        card: String,
    },
    /// The host name of `rundeck.url` cannot be resolved. Says nothing about Rundeck.
    #[error("cannot resolve the host of rundeck.url: {0}; use an address, 127.0.0.1 where Rundeck is local")]
    Name(String),
    /// 400 that is not the API's own: Rundeck's HTTP firewall refuses our `Host`. Says nothing about Rundeck.
    #[error("Rundeck refuses the Host header (400): set rundeck.host_header to a name that it allows")]
    HostRefused,
    /// The server's certificate is not accepted. Says nothing about Rundeck; no token is sent.
    #[error("{0}")]
    Certificate(String),
}

impl Failure {
    /// Classifies a failed TCP connect.
    pub(super) fn from_connect(error: &io::Error) -> Self {
        use rustix::io::Errno;
        match error.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::CONNREFUSED) => Self::Refused,
            Some(Errno::TIMEDOUT | Errno::HOSTUNREACH) => Self::Timeout,
            Some(Errno::CONNRESET) => Self::Truncated,
            Some(_) => Self::CannotConnect(error.to_string()),
            // The only connect errors without a number come from name resolution.
            None => Self::Name(error.to_string()),
        }
    }

    /// Classifies a failed TLS handshake with the server called `name`.
    pub(super) fn from_handshake(error: &io::Error, name: &str) -> Self {
        let inner = error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>());
        match inner {
            Some(rustls::Error::InvalidCertificate(why)) => Self::Certificate(super::tls::explain(why, name)),
            Some(rustls::Error::NoCertificatesPresented) => {
                Self::Certificate(format!("{name} presents no certificate"))
            }
            Some(_) => Self::WrongProtocol("TLS 1.2 or 1.3"),
            None => Self::Truncated,
        }
    }

    /// Classifies an error of the HTTP layer: everything that is no parse error ended early.
    pub(super) fn from_http(error: &(dyn Error + 'static)) -> Self {
        match error.downcast_ref::<hyper::Error>() {
            Some(e) if e.is_parse_too_large() => Self::TooLarge,
            Some(e) if e.is_parse() => Self::WrongProtocol("HTTP"),
            _ if error.is::<http_body_util::LengthLimitError>() => Self::TooLarge,
            _ => Self::Truncated,
        }
    }
}
