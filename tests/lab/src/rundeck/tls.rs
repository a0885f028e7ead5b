//! A node with `-Drundeck.ssl.config`: its one connector speaks TLS, with one of the certificates that operators make.
//!
//! The certificates are fixtures (`tests/fixtures/tls/README.md`). Clients' certificates are not asked for, as in
//! Rundeck.

use std::io;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

const KEY: &[u8] = include_bytes!("../../../fixtures/tls/server.key");

/// The certificate of a node's HTTPS connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// Signed by itself, with names (rundeck.test, localhost, 127.0.0.1): accepted by those who were given it.
    SelfSigned,
    /// Signed by itself and without alternative names, as keytool makes it: no name check can succeed.
    WithoutNames,
    /// Signed by the private CA of the fixtures.
    PrivateCa,
}

impl Certificate {
    /// The certificate as PEM, for clients that are to trust it.
    #[must_use]
    pub fn pem(self) -> &'static [u8] {
        match self {
            Certificate::SelfSigned => include_bytes!("../../../fixtures/tls/selfsigned.pem"),
            Certificate::WithoutNames => include_bytes!("../../../fixtures/tls/nosan.pem"),
            Certificate::PrivateCa => include_bytes!("../../../fixtures/tls/server.pem"),
        }
    }

    pub(super) fn acceptor(self) -> io::Result<TlsAcceptor> {
        let chain = vec![CertificateDer::from_pem_slice(self.pem()).map_err(io::Error::other)?];
        let key = PrivateKeyDer::from_pem_slice(KEY).map_err(io::Error::other)?;
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .map_err(io::Error::other)?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

/// What a connection is read from and written to, and the socket below it.
pub(super) trait Channel: AsyncRead + AsyncWrite + Unpin + Send {
    fn socket(&self) -> &TcpStream;
}

impl Channel for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}

impl Channel for TlsStream<TcpStream> {
    fn socket(&self) -> &TcpStream {
        self.get_ref().0
    }
}
