//! What a client is built from, and why it cannot be. Read by the client and by its wire; the configuration fills it.

use super::tls::TlsError;
use super::token::Token;
use super::url::BaseUrl;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// How Rundeck is reached.
#[derive(Debug, Clone)]
pub struct Options {
    /// `rundeck.url`.
    pub url: BaseUrl,
    /// `rundeck.host_header`: sent instead of the URL's host.
    pub host_header: Option<String>,
    /// `rundeck.ca_file`: PEM. Without it and without a pin the system's CAs count.
    pub ca_file: Option<PathBuf>,
    /// `rundeck.pin_sha256`: of the certificate's DER form. Goes before `ca_file`.
    pub pin_sha256: Option<[u8; 32]>,
    /// `rundeck.tls_server_name`: checked in the certificate and sent as SNI; default the URL's host.
    pub tls_server_name: Option<String>,
    /// `health.connect_timeout`: name resolution and TCP.
    pub connect_timeout: Duration,
    /// `health.timeout`: a whole call.
    pub timeout: Duration,
    /// Without it only token-free questions are asked.
    pub token: Option<Token>,
    /// The network card by which a connection from this address to that one leaves the machine; `None`: by none, as far
    /// as can be told.
    pub leaves_by: fn(IpAddr, IpAddr) -> Option<String>,
    /// Tells the time since any fixed moment: the age of kept connections.
    pub monotonic: fn() -> Duration,
}

/// Why a client cannot be built. Each is a fault of the configuration.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Not a header value.
    #[error("rundeck.host_header {0:?} holds characters that no header can carry")]
    HostHeader(String),
}
