//! Three ways to trust Rundeck's certificate: CAs (own file or the system's), a pinned certificate, and none.
//!
//! The last serves only for looks that carry no secret, for a certificate that is not accepted must not take a
//! living node out. rustls refuses a certificate without a SAN even when it is given as root, and keytool makes such
//! certificates by default: that is what the pin is for.

use rustls::client::WebPkiServerVerifier;
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
    CaFile { path: PathBuf, why: String },
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
    let rule = match trust {
        Trust::CaFile(path) => Rule::issued(roots_of(path)?, &provider),
        Trust::System => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            Rule::issued(roots, &provider)
        }
        Trust::Pin(pin) => Rule::Pinned(*pin),
        Trust::Nothing => Rule::Anything,
    };
    let verifier = Arc::new(Verifier { rule, provider });
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
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

/// Says what is wrong with a certificate, which key cures it, and the fingerprint that the cure may need.
pub(super) fn explain(why: &CertificateError, name: &str) -> String {
    let refused = match why {
        CertificateError::Other(OtherError(inner)) => inner.downcast_ref::<Refused>(),
        _ => None,
    };
    let cure = match refused.map_or(why, |refused| &refused.why) {
        _ if refused.is_some_and(|refused| refused.pinned) => "set rundeck.pin_sha256 to it, if the change was meant",
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "set rundeck.tls_server_name to a name in it; if it has none (keytool without -ext san), set \
             rundeck.pin_sha256 to this"
        }
        CertificateError::UnknownIssuer => "give its CA as rundeck.ca_file, or set rundeck.pin_sha256 to this",
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "renew it, or set rundeck.pin_sha256 to this"
        }
        _ => "set rundeck.pin_sha256 to this, or rundeck.ca_file to its CA",
    };
    match refused {
        Some(refused) => format!("the certificate of {name} is not accepted: {refused}; {cure}"),
        None => format!("the certificate of {name} is not accepted: {why}; {cure}"),
    }
}

/// A certificate that was seen and not accepted.
#[derive(Debug)]
struct Refused {
    why: CertificateError,
    seen: Fingerprint,
    pinned: bool,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pinned {
            true => write!(f, "its SHA-256 is {}, not the pinned one", self.seen),
            false => write!(f, "{}; its SHA-256 is {}", self.why, self.seen),
        }
    }
}

impl std::error::Error for Refused {}

/// Judges a certificate by one rule. Except under [`Rule::Anything`] the handshake's signature is checked too: whoever
/// shows the certificate must hold its key.
#[derive(Debug)]
struct Verifier {
    rule: Rule,
    provider: Arc<CryptoProvider>,
}

#[derive(Debug)]
enum Rule {
    /// Issued by one of these for this name; `None`: there are no CAs, so nothing is.
    Issued(Option<Arc<WebPkiServerVerifier>>),
    /// This very one: neither name nor date nor issuer count.
    Pinned(Fingerprint),
    /// Anything. Only for requests that carry no token.
    Anything,
}

impl Rule {
    fn issued(roots: RootCertStore, provider: &Arc<CryptoProvider>) -> Self {
        // Fails for an empty store only: no revocation list is given.
        Self::Issued(WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build().ok())
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let refuse = |why, pinned| {
            let refused = Refused { why, seen: Fingerprint::of(leaf), pinned };
            Err(rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(refused)))))
        };
        match &self.rule {
            Rule::Anything => Ok(ServerCertVerified::assertion()),
            Rule::Pinned(pin) if *pin == Fingerprint::of(leaf) => Ok(ServerCertVerified::assertion()),
            Rule::Pinned(_) => refuse(CertificateError::ApplicationVerificationFailure, true),
            Rule::Issued(None) => refuse(CertificateError::UnknownIssuer, false),
            Rule::Issued(Some(webpki)) => match webpki.verify_server_cert(leaf, intermediates, name, ocsp, now) {
                Err(rustls::Error::InvalidCertificate(why)) => refuse(why, false),
                outcome => outcome,
            },
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        match self.rule {
            Rule::Anything => Ok(HandshakeSignatureValid::assertion()),
            Rule::Issued(_) | Rule::Pinned(_) => {
                verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
            }
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        match self.rule {
            Rule::Anything => Ok(HandshakeSignatureValid::assertion()),
            Rule::Issued(_) | Rule::Pinned(_) => {
                verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
            }
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
