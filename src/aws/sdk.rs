//! The SDK set up once: one HTTP client and one TLS stack for all of AWS and the instance metadata.
//!
//! The SDK's crates read neither `AWS_CA_BUNDLE` nor the proxy variables for a client that is built by hand, so this
//! does. All else that AWS's variables and profiles say (endpoints, FIPS, profile, credentials) the
//! SDK reads itself. It calls nothing at AWS.

use super::elbv2::Elbv2;
use super::heard::Heard;
use super::imds::{self, Imds};
use super::scaling::AutoScaling;
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::imds::region::ImdsRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, ConfigLoader, Region};
use aws_sdk_elasticloadbalancingv2::config::{ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_elasticloadbalancingv2::error::DisplayErrorContext;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{self, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::{
    HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use rundeck_alb_core::{Trouble, TroubleKind};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Time for a TCP connection. AWS's endpoints answer in milliseconds; a lost SYN is sent again after 1 s.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Time for one attempt. The SDK has none of its own.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// Time for a call with all its attempts. The SDK has none of its own.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(20);
/// Attempts of one call, with the SDK's back-off between them.
const ATTEMPTS: u32 = 3;
/// Idle connections kept for each host: calls come one by one.
const IDLE_PER_HOST: usize = 2;
/// Never through a proxy: metadata (IPv4, IPv6), container credentials, loopback.
const NEVER_PROXIED: &str = "169.254.169.254,fd00:ec2::254,169.254.170.2,169.254.170.23,127.0.0.0/8,::1,localhost";

/// What the environment says and the SDK does not read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outside {
    /// `AWS_CA_BUNDLE`: a PEM file that stands in for the system's CA store.
    pub ca_bundle: Option<PathBuf>,
    /// `HTTPS_PROXY` or `https_proxy`.
    pub https_proxy: Option<String>,
    /// `NO_PROXY` or `no_proxy`: hosts, domains and networks, separated by commas.
    pub no_proxy: Option<String>,
    /// `AWS_EC2_METADATA_DISABLED=true`.
    pub metadata_disabled: bool,
    /// The metadata's address; `None`: `AWS_EC2_METADATA_SERVICE_ENDPOINT`, then the profile, then AWS's own.
    pub metadata_endpoint: Option<String>,
}

/// Why the SDK cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The CA bundle cannot be read or used.
    #[error("AWS_CA_BUNDLE {}: {why}", path.display())]
    CaBundle { path: PathBuf, why: String },
    /// The proxy's URL. Not quoted: it may hold a password.
    #[error("HTTPS_PROXY is no URL of a proxy; write it like http://proxy.example:3128")]
    Proxy,
    /// rustls refuses the trust store.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
    /// Nobody knows the Region. The metadata may answer later: try again.
    #[error("the AWS Region is not known: set aws.region or AWS_REGION, or let instance metadata answer")]
    NoRegion,
    /// An earlier try still waits for the disk.
    #[error("the CA certificates cannot be read: an earlier try still waits for the disk")]
    Hung,
}

/// No call was made: the client for it could not be built.
impl From<SetupError> for Trouble {
    fn from(error: SetupError) -> Trouble {
        Trouble { kind: TroubleKind::Unavailable, action: String::new(), text: error.to_string() }
    }
}

/// The clients for the services of one Region.
#[derive(Debug)]
pub struct Services {
    /// The load balancer.
    pub elbv2: Elbv2,
    /// Auto Scaling.
    pub scaling: AutoScaling,
    /// The Region that both are in.
    pub region: String,
    credentials: Option<SharedCredentialsProvider>,
}

impl Services {
    /// Looks for credentials, as the first call would. Gives when they end, where they do; they themselves stay here.
    ///
    /// # Errors
    /// A text for people: the chain of causes, without any secret.
    pub async fn credentials(&self) -> Result<Option<SystemTime>, String> {
        let none = || "no provider of credentials is set up".to_owned();
        let provider = self.credentials.as_ref().ok_or_else(none)?;
        match provider.provide_credentials().await {
            Ok(credentials) => Ok(credentials.expiry()),
            Err(error) => Err(DisplayErrorContext(&error).to_string()),
        }
    }
}

/// The one HTTP client, and what is built on it.
#[derive(Debug, Clone)]
pub struct Sdk {
    http: SharedHttpClient,
    outside: Outside,
    monotonic: fn() -> Duration,
    attempts: u32,
}

impl Sdk {
    /// Builds the HTTP client. Reads the CA store and blocks for 10 to 20 ms: never on the thread that answers the load
    /// balancer. `monotonic` tells the time since any fixed moment, for the durations of calls.
    ///
    /// # Errors
    /// [`SetupError`], naming the variable at fault.
    pub fn new(outside: Outside, monotonic: fn() -> Duration) -> Result<Self, SetupError> {
        Self::build(outside, monotonic, ATTEMPTS, None)
    }

    /// The same for one look: each call is tried once, and who answered is heard.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn once(outside: Outside, monotonic: fn() -> Duration, heard: &Heard) -> Result<Self, SetupError> {
        Self::build(outside, monotonic, 1, Some(heard))
    }

    fn build(
        outside: Outside,
        monotonic: fn() -> Duration,
        attempts: u32,
        heard: Option<&Heard>,
    ) -> Result<Self, SetupError> {
        let trust = match &outside.ca_bundle {
            Some(path) => TrustStore::empty().with_pem_certificate(ca_bundle(path)?),
            // The SDK's connector panics in debug builds over a machine without any CA.
            None if rustls_native_certs::load_native_certs().certs.is_empty() => TrustStore::empty(),
            None => TrustStore::default(),
        };
        let context = TlsContext::builder().with_trust_store(trust).build();
        // One connector for all time-outs, where the SDK would make one pool and one copy of the CAs for each pair of
        // them; attempts are bounded as a whole instead.
        let connector = Connector::builder()
            .connector_settings(HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build())
            .pool_max_idle_per_host(IDLE_PER_HOST)
            .proxy_config(proxy(&outside)?)
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
            .tls_context(context.map_err(|error| SetupError::Tls(error.to_string()))?)
            .build();
        let connector = SharedHttpConnector::new(connector);
        let connector = heard.map_or(connector.clone(), |heard| heard.on(connector, monotonic));
        Ok(Self { http: http_client_fn(move |_, _| connector.clone()), outside, monotonic, attempts })
    }

    /// A client for the instance metadata. Asks nothing yet.
    #[must_use]
    pub fn imds(&self) -> Imds {
        let endpoint = self.outside.metadata_endpoint.clone();
        Imds::new(self.provider_config(), endpoint, self.outside.metadata_disabled)
    }

    /// The clients for one Region: `region`, else where environment, profile or metadata say, in this order. They share
    /// connections and credentials, which are looked for at the first call.
    ///
    /// # Errors
    /// [`SetupError::NoRegion`].
    pub async fn services(&self, region: Option<&str>) -> Result<Services, SetupError> {
        let region = match region {
            Some(region) => Region::new(region.to_owned()),
            None => self.region().await.ok_or(SetupError::NoRegion)?,
        };
        let credentials = DefaultCredentialsChain::builder()
            .configure(self.provider_config())
            .region(region.clone())
            .imds_client(self.metadata_client())
            .build()
            .await;
        let config = self.loader().region(region).credentials_provider(credentials).load().await;
        let elbv2 = Elbv2::new(&config, self.monotonic);
        let region = config.region().map(Region::to_string).unwrap_or_default();
        let credentials = config.credentials_provider();
        Ok(Services { elbv2, scaling: AutoScaling::new(&config, self.monotonic), region, credentials })
    }

    async fn region(&self) -> Option<Region> {
        let config = self.provider_config();
        let metadata = ImdsRegionProvider::builder().configure(&config).imds_client(self.metadata_client()).build();
        RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
            .or_else(ProfileFileRegionProvider::builder().configure(&config).build())
            .or_else(metadata)
            .region()
            .await
    }

    /// Time-outs, retries and the name that stands in AWS's logs.
    pub(super) fn loader(&self) -> ConfigLoader {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .operation_timeout(OPERATION_TIMEOUT)
            .build();
        let loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(self.http.clone())
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(self.attempts))
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        match AppName::new("rundeck-alb-agent") {
            Ok(name) => loader.app_name(name),
            Err(_) => loader,
        }
    }

    /// The metadata's client for Region and credentials; [`Imds`] rebuilds one of its own.
    pub(super) fn metadata_client(&self) -> aws_config::imds::Client {
        imds::client(&self.provider_config(), self.outside.metadata_endpoint.as_deref())
    }

    fn provider_config(&self) -> ProviderConfig {
        ProviderConfig::default().with_http_client(self.http.clone())
    }
}

/// Reads a bundle and proves that rustls takes it: the SDK's connector would panic over a bad one.
fn ca_bundle(path: &Path) -> Result<Vec<u8>, SetupError> {
    let fault = |why: String| SetupError::CaBundle { path: path.to_owned(), why };
    let pem = std::fs::read(path).map_err(|error| fault(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| fault(format!("is not valid PEM: {error}")))?;
        roots.add(certificate).map_err(|error| fault(format!("holds a certificate that cannot be used: {error}")))?;
    }
    if roots.is_empty() {
        return Err(fault("holds no certificate (-----BEGIN CERTIFICATE-----)".to_owned()));
    }
    Ok(pem)
}

/// The proxy for https, if there is one. Plain http goes to metadata and loopback only.
fn proxy(outside: &Outside) -> Result<ProxyConfig, SetupError> {
    let Some(url) = &outside.https_proxy else { return Ok(ProxyConfig::disabled()) };
    let url = if url.contains("://") { url.clone() } else { format!("http://{url}") };
    let rules = match &outside.no_proxy {
        Some(rules) => format!("{rules},{NEVER_PROXIED}"),
        None => NEVER_PROXIED.to_owned(),
    };
    ProxyConfig::https(url).map(|proxy| proxy.no_proxy(rules)).map_err(|_| SetupError::Proxy)
}
