//! Three ways to trust Rundeck's certificate: CAs (own file or the system's), a pinned certificate, and none.
//!
//! The last serves only for looks that carry no secret (design 4.1: a certificate that is not accepted must not take a
//! living node out). rustls refuses a certificate without a SAN even when it is given as root, and keytool makes such
//! certificates by default: that is what the pin is for (facts/stack.md 3).

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The SHA-256 of a server's certificate (of its DER form, as `openssl x509 -fingerprint -sha256` prints it).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    fn of(certificate: &CertificateDer<'_>) -> Self {
        let digest = ring::digest::digest(&ring::digest::SHA256, certificate);
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest.as_ref());
        Self(bytes)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why TLS cannot be set up. Each is a fault of the configuration.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The CA file cannot be read or holds no certificate.
    #[error("rundeck.ca_file {}: {why}", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Neither a DNS name nor an address.
    #[error("{0:?} is no name that a certificate can carry: set rundeck.tls_server_name")]
    ServerName(String),
    /// rustls refuses its own defaults; not seen.
    #[error("TLS cannot be set up: {0}")]
    Setup(#[from] rustls::Error),
}

/// How a server's certificate is judged.
pub(super) enum Trust<'a> {
    /// By the CAs of a PEM file.
    CaFile(&'a Path),
    /// By the system's CA store. Reading it blocks for about 10 ms.
    System,
    /// By its fingerprint alone: neither name nor date nor issuer count.
    Pin(Fingerprint),
    /// Not at all.
    Nothing,
}

/// The client's side of TLS 1.2 and 1.3 (ring), HTTP/1.1 only.
pub(super) fn client_config(trust: &Trust<'_>) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let config = match trust {
        Trust::CaFile(path) => builder.with_root_certificates(roots_of(path)?),
        Trust::System => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            builder.with_root_certificates(roots)
        }
        Trust::Pin(pin) => {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(Pinned { pin: *pin, provider }))
        }
        Trust::Nothing => builder.dangerous().with_custom_certificate_verifier(Arc::new(Unverified { provider })),
    };
    Ok(config.with_no_client_auth())
}

fn roots_of(path: &Path) -> Result<RootCertStore, TlsError> {
    let fault = |why: String| TlsError::CaFile { path: path.to_owned(), why };
    let pem = std::fs::read(path).map_err(|e| fault(e.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|e| fault(format!("is not valid PEM: {e}")))?;
        roots.add(certificate).map_err(|e| fault(format!("holds a certificate that cannot be used: {e}")))?;
    }
    if roots.is_empty() {
        return Err(fault("holds no certificate (-----BEGIN CERTIFICATE-----)".into()));
    }
    Ok(roots)
}

/// Says what is wrong with a certificate and which key cures it.
pub(super) fn explain(why: &CertificateError, name: &str) -> String {
    let cure = match why {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "set rundeck.tls_server_name to a name in it; if it has none (keytool without -ext san), set rundeck.pin_sha256"
        }
        CertificateError::UnknownIssuer => "give its CA as rundeck.ca_file, or set rundeck.pin_sha256",
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "renew it, or set rundeck.pin_sha256",
        CertificateError::Other(_) => "set rundeck.pin_sha256 to the new one, if the change was meant",
        _ => "set rundeck.ca_file or rundeck.pin_sha256",
    };
    format!("the certificate of {name} is not accepted: {why}; {cure}")
}

/// Accepts exactly one certificate. The handshake's signature is checked, so its key must be there too.
#[derive(Debug)]
struct Pinned {
    pin: Fingerprint,
    provider: Arc<CryptoProvider>,
}

/// The fingerprint that was seen instead of the pinned one.
#[derive(Debug, thiserror::Error)]
#[error("its SHA-256 is {0}, not the pinned one")]
struct OtherCertificate(Fingerprint);

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let seen = Fingerprint::of(leaf);
        if seen == self.pin {
            return Ok(ServerCertVerified::assertion());
        }
        let other = CertificateError::Other(OtherError(Arc::new(OtherCertificate(seen))));
        Err(rustls::Error::InvalidCertificate(other))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Accepts anything. Only for requests that carry no token.
#[derive(Debug)]
struct Unverified {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
