//! One request to a Rundeck over HTTP or HTTPS, each on a connection of its own.
//!
//! No redirect is followed and no cookie is kept.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error as TlsError, RootCertStore, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::rows::{Row, Who};

/// A ready Rundeck answers in milliseconds; the first call that needs the database up to 2 s.
const LIMIT: Duration = Duration::from_secs(15);
/// The longest answer of the table is the login page, some 50 KiB.
const MAX_BODY_BYTES: usize = 1024 * 1024;
/// Nobody's token.
const WRONG_TOKEN: &str = "wrong-on-purpose";
/// Which certificates are believed over HTTPS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// None: for plain HTTP.
    Nothing,
    /// Those that a PEM file vouches for.
    Roots(Vec<u8>),
    /// Any: for certificates without names, as keytool makes them. The token is sent to whoever answers.
    Anybody,
}

/// Where a Rundeck is.
#[derive(Clone)]
pub struct Address {
    host: String,
    port: u16,
    context: String,
    tls: Option<TlsConnector>,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}{}", self.host, self.port, self.context)
    }
}

/// The address cannot be used, and why.
#[derive(Debug, PartialEq, Eq)]
pub struct BadAddress(String);

impl fmt::Display for BadAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadAddress {}

impl Address {
    /// `http://HOST:PORT`, with the context path in it or beside it.
    ///
    /// # Errors
    /// It is no such address, or HTTPS was asked for and nothing is trusted.
    pub fn parse(url: &str, context_path: Option<&str>, trust: Trust) -> Result<Address, BadAddress> {
        let bad = |why: &str| BadAddress(format!("{url}: {why}; give http://HOST:PORT or https://HOST:PORT"));
        let uri: Uri = url.parse().map_err(|_| bad("not an address"))?;
        let host = uri.host().ok_or_else(|| bad("no host in it"))?.to_owned();
        let (default_port, https) = match uri.scheme_str() {
            Some("http") => (80, false),
            Some("https") => (443, true),
            _ => return Err(bad("neither http nor https")),
        };
        let context = context_path.unwrap_or(uri.path()).trim_end_matches('/').to_owned();
        if !context.is_empty() && !context.starts_with('/') {
            return Err(bad("a context path begins with /"));
        }
        let tls = if https { Some(connector(trust).map_err(|why| bad(&why))?) } else { None };
        Ok(Address { host, port: uri.port_u16().unwrap_or(default_port), context, tls })
    }

    pub(super) fn has_context(&self) -> bool {
        !self.context.is_empty()
    }

    pub(super) fn context(&self) -> &str {
        &self.context
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }
}

/// Where a redirect leads, without any name in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Redirect {
    None,
    Login,
    Elsewhere,
}

impl fmt::Display for Redirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Redirect::None => "none",
            Redirect::Login => "to the login",
            Redirect::Elsewhere => "elsewhere",
        })
    }
}

/// What of an answer is compared.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub status: u16,
    /// In lower case; `none` where there is none.
    pub content_type: String,
    pub redirect: Redirect,
    pub cookie: bool,
    pub body: Vec<u8>,
}

/// Asks one Rundeck.
pub(super) struct Caller {
    pub address: Address,
    token: String,
}

impl Caller {
    pub fn new(address: Address, token: String) -> Caller {
        Caller { address, token }
    }

    /// Asks a row of a server whose newest API version is `api`. The text of a failure names no host.
    pub async fn ask(&self, row: &Row, api: u32) -> Result<Seen, String> {
        let path = row.path.replace("/N/", &format!("/{api}/"));
        let context = if row.who == Who::AboveTheContext { "" } else { &self.address.context };
        let host = format!("{}:{}", self.address.host, self.address.port);
        let mut request = Request::builder().method(row.method).uri(format!("{context}{path}")).header("Host", host);
        if matches!(row.who, Who::Token | Who::Nobody | Who::Stranger) {
            request = request.header("Accept", "application/json");
        }
        request = match row.who {
            Who::Token => request.header("X-Rundeck-Auth-Token", &self.token),
            Who::Stranger => request.header("X-Rundeck-Auth-Token", WRONG_TOKEN),
            Who::Nobody | Who::Plain | Who::AboveTheContext => request,
        };
        let request = request.body(Empty::new()).map_err(|error| error.to_string())?;
        tokio::time::timeout(LIMIT, self.exchange(request))
            .await
            .unwrap_or_else(|_| Err(format!("nothing within {} s", LIMIT.as_secs())))
    }

    async fn exchange(&self, request: Request<Empty<Bytes>>) -> Result<Seen, String> {
        let at = (self.address.host.trim_matches(['[', ']']), self.address.port);
        let tcp = TcpStream::connect(at).await.map_err(|error| format!("no connection: {}", error.kind()))?;
        let Some(tls) = &self.address.tls else {
            return converse(tcp, request).await;
        };
        let name = ServerName::try_from(at.0.to_owned()).map_err(|_| "the host is no name for TLS".to_owned())?;
        let stream = tls.connect(name, tcp).await.map_err(|error| format!("no TLS: {}", tls_problem(&error)))?;
        converse(stream, request).await
    }
}

/// What was wrong with the greeting, in words without names.
fn tls_problem(error: &std::io::Error) -> &'static str {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>()) {
        Some(TlsError::InvalidCertificate(_)) => {
            "the certificate is not accepted (another --ca-file, or --insecure for one without names)"
        }
        Some(TlsError::InvalidMessage(_)) => "that port speaks another protocol (http instead of https?)",
        _ => "the greeting failed",
    }
}

async fn converse<S>(stream: S, request: Request<Empty<Bytes>>) -> Result<Seen, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let told = |error: hyper::Error| {
        if error.is_parse() { "no HTTP there (https instead of http?)".to_owned() } else { error.to_string() }
    };
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(told)?;
    let exchange = async {
        let reply = sender.send_request(request).await.map_err(told)?;
        let (head, body) = reply.into_parts();
        let body =
            Limited::new(body, MAX_BODY_BYTES).collect().await.map_err(|_| "the body is cut short".to_owned())?;
        let text = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        let redirect = match text("location") {
            None => Redirect::None,
            Some(to) if to.ends_with("/user/login") => Redirect::Login,
            Some(_) => Redirect::Elsewhere,
        };
        Ok(Seen {
            status: head.status.as_u16(),
            content_type: text("content-type").unwrap_or("none").to_ascii_lowercase().replace("; ", ";"),
            redirect,
            cookie: text("set-cookie").is_some_and(|cookie| cookie.starts_with("JSESSIONID")),
            body: body.to_bytes().to_vec(),
        })
    };
    tokio::pin!(exchange);
    tokio::select! {
        seen = &mut exchange => seen,
        // The connection ends first where the answer says that it closes: what was read is still there.
        _ = connection => exchange.await,
    }
}

fn connector(trust: Trust) -> Result<TlsConnector, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let schemes = provider.signature_verification_algorithms.supported_schemes();
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let config = match trust {
        Trust::Nothing => return Err("https needs --ca-file or --insecure".to_owned()),
        Trust::Roots(pem) => {
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_slice_iter(&pem) {
                let certificate = certificate.map_err(|error| format!("the CA file: {error}"))?;
                roots.add(certificate).map_err(|error| format!("the CA file: {error}"))?;
            }
            if roots.is_empty() {
                return Err("the CA file holds no certificate".to_owned());
            }
            builder.with_root_certificates(roots).with_no_client_auth()
        }
        Trust::Anybody => {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(BelieveAll(schemes))).with_no_client_auth()
        }
    };
    Ok(TlsConnector::from(Arc::new(config)))
}

/// `--insecure`.
#[derive(Debug)]
struct BelieveAll(Vec<SignatureScheme>);

impl ServerCertVerifier for BelieveAll {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.clone()
    }
}
