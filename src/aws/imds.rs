//! Instance metadata (IMDSv2): who this node is, where it is going, what its tags say.
//!
//! An answer speaks only for what was asked: an item is not there only where the request for that very item was
//! answered 404 with the service's own page, and it has a value only where one came that looks like it (`items.rs`).
//! All else is an error: nobody knows.
//!
//! On a 401 the SDK's client repeats the same token for up to six hours (the token's life), so the client is thrown
//! away and built anew, once per call. It paces nothing; queries are throttled per instance. The SDK bounds answers by
//! time only, not by size: they come from the instance's own link.

use super::items::{self, Identity, Network};
use aws_config::imds::Client;
use aws_config::imds::client::error::{ImdsError as SdkImdsError, TokenError};
use aws_config::provider_config::ProviderConfig;
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction, SharedRetryClassifier};
use aws_smithy_types::error::display::DisplayErrorContext;
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Display;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Time for one attempt, connecting included. Metadata answers in under 1 ms; where the answer to the token never
/// arrives (a container behind a hop limit of 1) this is how long it takes to find out.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(1);
/// Time for a call with its token and all attempts.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(5);
/// Attempts of one call; only a 5xx is tried again.
const ATTEMPTS: u32 = 3;
/// Life of a token. Short, so that one which the service has forgotten is soon replaced in the credentials' client too,
/// which nobody rebuilds; over 120 s, else the SDK would fetch one for each call.
const TOKEN_TTL: Duration = Duration::from_secs(300);

/// The tag by which an Auto Scaling group marks its instances: its name ("Tag Auto Scaling groups and instances").
pub const SCALING_GROUP_TAG: &str = "aws:autoscaling:groupName";

const DOCUMENT: &str = "/latest/dynamic/instance-identity/document";
const PARTITION: &str = "/latest/meta-data/services/partition";
/// The hardware address of the primary interface.
const MAC: &str = "/latest/meta-data/mac";
/// What each interface is like, below its hardware address.
const INTERFACES: &str = "/latest/meta-data/network/interfaces/macs";
const LIFECYCLE: &str = "/latest/meta-data/autoscaling/target-lifecycle-state";
/// The name of the role, below which its credentials stand.
const ROLE: &str = "/latest/meta-data/iam/security-credentials/";
/// The keys of all tags; each tag's value stands below.
const TAGS: &str = "/latest/meta-data/tags/instance";

/// Why metadata could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImdsError {
    /// Nobody answers: refused, unreachable, or no answer in time.
    #[error(
        "instance metadata does not answer: {0}; in a container the hop limit must be 2, outside EC2 set \
         AWS_EC2_METADATA_DISABLED=true"
    )]
    Absent(String),
    /// 401 with a fresh token too.
    #[error("instance metadata refuses a fresh token (401)")]
    Unauthorized,
    /// 403: switched off for this instance, or not allowed.
    #[error("instance metadata is switched off or forbidden for this instance (403)")]
    Forbidden,
    /// 5xx after all attempts.
    #[error("instance metadata has trouble ({0})")]
    Unavailable(u16),
    /// An answer that is not the metadata's.
    #[error("instance metadata gave an answer that cannot be used: {0}")]
    BadAnswer(String),
    /// The list of tags is not there: nobody can tell which there are.
    #[error("instance metadata show no tags: they are off for this instance, or it has none")]
    NoTags,
    /// `AWS_EC2_METADATA_DISABLED=true`.
    #[error("instance metadata is switched off by AWS_EC2_METADATA_DISABLED")]
    Disabled,
}

/// A client for the instance metadata.
#[derive(Debug)]
pub struct Imds {
    config: ProviderConfig,
    endpoint: Option<String>,
    disabled: bool,
    client: Mutex<Client>,
    counts: Mutex<BTreeMap<&'static str, u64>>,
}

impl Imds {
    pub(super) fn new(config: ProviderConfig, endpoint: Option<String>, disabled: bool) -> Self {
        let client = Mutex::new(client(&config, endpoint.as_deref()));
        Self { config, endpoint, disabled, client, counts: Mutex::default() }
    }

    /// Who this node is, from the identity document (renewed only when the instance starts).
    ///
    /// # Errors
    /// [`ImdsError`]; `BadAnswer` where the document is missing, lacks something or says something odd.
    pub async fn identity(&self) -> Result<Identity, ImdsError> {
        let text = self.get(DOCUMENT).await?.ok_or_else(|| bad(DOCUMENT, "not there (404)"))?;
        items::document(&text).map_err(|why| bad(DOCUMENT, why))
    }

    /// How the instance's primary interface is in the network: its VPC and its first IPv6 address, each `None` where
    /// metadata do not show it.
    ///
    /// # Errors
    /// [`ImdsError`]; `BadAnswer` for what is no such thing.
    pub async fn network(&self) -> Result<Network, ImdsError> {
        let Some(mac) = self.get(MAC).await? else { return Ok(Network::default()) };
        let mac = items::mac(&mac).map_err(|why| bad(MAC, why))?;
        let (vpc, ipv6s) = (format!("{INTERFACES}/{mac}/vpc-id"), format!("{INTERFACES}/{mac}/ipv6s"));
        let read = |path: String, text: Option<String>, by: fn(&str) -> Result<String, String>| {
            text.map(|text| by(&text).map_err(|why| bad(&path, why))).transpose()
        };
        let vpc = read(vpc.clone(), self.get(&vpc).await?, items::vpc)?;
        let ipv6 = read(ipv6s.clone(), self.get(&ipv6s).await?, items::first_ipv6)?;
        Ok(Network { vpc, ipv6 })
    }

    /// The partition of AWS that this instance is in, as ARNs begin with it; `None`: not told.
    ///
    /// # Errors
    /// [`ImdsError`]; `BadAnswer` for what is no partition.
    pub async fn partition(&self) -> Result<Option<String>, ImdsError> {
        let text = self.get(PARTITION).await?;
        text.map(|text| items::partition(&text).map_err(|why| bad(PARTITION, why))).transpose()
    }

    /// Where the Auto Scaling group sends this instance (`InService`, `Terminated`, …), not where it is: `InService`
    /// already while it is pending. `None` outside a group. A word that is not known yet is handed on as it is.
    ///
    /// # Errors
    /// [`ImdsError`]; `BadAnswer` for what is no such word.
    pub async fn lifecycle(&self) -> Result<Option<String>, ImdsError> {
        let text = self.get(LIFECYCLE).await?;
        text.map(|text| items::word(&text).map_err(|why| bad(LIFECYCLE, why))).transpose()
    }

    /// The instance's tag. `None`: tags are shown, and there is no such tag.
    ///
    /// # Errors
    /// [`ImdsError`]; `NoTags` where metadata show no tags at all, which is AWS's default and says nothing about this
    /// one; `BadAnswer` for what is no tag's value, and for a key that metadata cannot serve (letters, digits and
    /// `+-=.,_:@` only).
    pub async fn tag(&self, key: &str) -> Result<Option<String>, ImdsError> {
        let served = |c: char| c.is_ascii_alphanumeric() || "+-=.,_:@".contains(c);
        if key.is_empty() || !key.chars().all(served) {
            return Err(ImdsError::BadAnswer(format!("metadata cannot serve the tag key {key:?}")));
        }
        let path = format!("{TAGS}/{key}");
        if let Some(text) = self.get(&path).await? {
            return items::tag(&text).map(Some).map_err(|why| bad(&path, why));
        }
        let keys = self.get(TAGS).await?.ok_or(ImdsError::NoTags)?;
        if items::keys(&keys).map_err(|why| bad(TAGS, why))?.contains(&key) {
            return Err(bad(&path, "404, and yet the list of tags has it"));
        }
        Ok(None)
    }

    /// The role that the instance has by its profile; `None`: it has none.
    ///
    /// # Errors
    /// [`ImdsError`]; `BadAnswer` for what is no role's name.
    pub async fn role(&self) -> Result<Option<String>, ImdsError> {
        let text = self.get(ROLE).await?;
        text.map(|text| items::role(&text).map_err(|why| bad(ROLE, why))).transpose()
    }

    /// Calls so far by `code` (`200`, `401`, `403`, `404`, `5xx`, `timeout`, `unreachable`, `other`).
    #[must_use]
    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// One item; `None`: it is not there. A 401 costs one more call, over a new client.
    async fn get(&self, path: &str) -> Result<Option<String>, ImdsError> {
        if self.disabled {
            return Err(ImdsError::Disabled);
        }
        match self.look(path).await {
            Err(ImdsError::Unauthorized) => {
                let fresh = client(&self.config, self.endpoint.as_deref());
                *self.client.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
                self.look(path).await
            }
            looked => looked,
        }
    }

    async fn look(&self, path: &str) -> Result<Option<String>, ImdsError> {
        let client = self.client.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (code, looked) = match client.get(path).await {
            Ok(text) => ("200", Ok(Some(text.as_ref().to_owned()))),
            Err(error) => read(&error),
        };
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry(code).or_default() += 1;
        looked
    }
}

/// Builds the SDK's client; the credentials use one like it.
pub(super) fn client(config: &ProviderConfig, endpoint: Option<&str>) -> Client {
    let builder = || {
        Client::builder()
            .configure(config)
            .max_attempts(ATTEMPTS)
            .connect_timeout(ATTEMPT_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .operation_timeout(OPERATION_TIMEOUT)
            .token_ttl(TOKEN_TTL)
            .retry_classifier(SharedRetryClassifier::new(OnlyServerErrors))
    };
    let pointed = endpoint.and_then(|endpoint| builder().endpoint(endpoint).ok());
    pointed.unwrap_or_else(builder).build()
}

/// Tries a 5xx again. Not a 401, which the SDK would repeat with the same token, and no time-out.
#[derive(Debug)]
struct OnlyServerErrors;

impl ClassifyRetry for OnlyServerErrors {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        match context.response() {
            Some(response) if response.status().is_server_error() => RetryAction::server_error(),
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "OnlyServerErrors"
    }
}

/// An answer for this item that says nothing about it.
fn bad(path: &str, why: impl Display) -> ImdsError {
    ImdsError::BadAnswer(format!("{path}: {why}"))
}

/// The metric's label, and what the error means.
fn read(error: &SdkImdsError) -> (&'static str, Result<Option<String>, ImdsError>) {
    if let Some((status, item)) = status(error) {
        return match status {
            404 if item.is_some_and(items::is_not_found_page) => ("404", Ok(None)),
            404 if item.is_some() => ("404", Err(bad_status("404 without the service's page"))),
            401 => ("401", Err(ImdsError::Unauthorized)),
            403 => ("403", Err(ImdsError::Forbidden)),
            500.. => ("5xx", Err(ImdsError::Unavailable(status))),
            _ if item.is_none() => ("other", Err(bad_status(&format!("status {status} for the token")))),
            _ => ("other", Err(bad_status(&format!("status {status}")))),
        };
    }
    let text = DisplayErrorContext(error).to_string();
    let mut chain = std::iter::successors(Some(error as &(dyn Error + 'static)), |&error| error.source());
    match chain.find_map(transport) {
        Some("timeout") => ("timeout", Err(ImdsError::Absent("no answer in time".to_owned()))),
        Some(code) => (code, Err(ImdsError::Absent(text))),
        None => ("other", Err(ImdsError::BadAnswer(text))),
    }
}

fn bad_status(what: &str) -> ImdsError {
    ImdsError::BadAnswer(what.to_owned())
}

/// The status of the answer that was no success, with its body where the item itself was answered. Without: it was the
/// token that was asked for, and the item never was.
fn status(error: &SdkImdsError) -> Option<(u16, Option<&[u8]>)> {
    if let SdkImdsError::ErrorResponse(answer) = error {
        let response = answer.response();
        return Some((response.status().as_u16(), Some(response.body().bytes().unwrap_or_default())));
    }
    let token = error.source()?.downcast_ref::<SdkError<TokenError, HttpResponse>>()?;
    let status = token.raw_response()?.status();
    (!status.is_success()).then(|| (status.as_u16(), None))
}

/// Whether this link of the chain says that there was no answer.
fn transport(error: &(dyn Error + 'static)) -> Option<&'static str> {
    // The SDK makes this of a time-out (of an answer that broke off too), over a type that is not ours to name.
    if let Some(SdkImdsError::IoError(_)) = error.downcast_ref::<SdkImdsError>() {
        return Some("timeout");
    }
    if let Some(error) = error.downcast_ref::<SdkError<TokenError, HttpResponse>>() {
        return match error {
            SdkError::TimeoutError(_) => Some("timeout"),
            SdkError::DispatchFailure(failure) if failure.is_timeout() => Some("timeout"),
            SdkError::DispatchFailure(failure) if failure.is_io() => Some("unreachable"),
            _ => None,
        };
    }
    match error.downcast_ref::<ConnectorError>() {
        Some(error) if error.is_timeout() => Some("timeout"),
        Some(error) if error.is_io() => Some("unreachable"),
        _ => None,
    }
}
