//! Instance metadata (IMDSv2): who this node is, where it is going, what its tags say.
//!
//! On a 401 the SDK's client repeats the same token for up to six hours (the token's life), so the client is thrown
//! away and built anew, once per call. It paces nothing; queries are throttled per instance. The SDK bounds answers by
//! time only, not by size: they come from the instance's own link.

use aws_config::imds::Client;
use aws_config::imds::client::error::{ImdsError as SdkImdsError, TokenError};
use aws_config::provider_config::ProviderConfig;
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction, SharedRetryClassifier};
use aws_smithy_types::error::display::DisplayErrorContext;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::error::Error;
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

/// Who this node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `i-…`.
    pub instance_id: String,
    /// Primary private address.
    pub private_ip: String,
    pub region: String,
    pub availability_zone: String,
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
}

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

    /// Who this node is, from the identity document (renewed only when the instance starts) and the partition.
    ///
    /// # Errors
    /// [`ImdsError`]; `BadAnswer` where the document is missing or lacks something.
    pub async fn identity(&self) -> Result<Identity, ImdsError> {
        let text = self.get("/latest/dynamic/instance-identity/document").await?;
        let text = text.ok_or_else(|| ImdsError::BadAnswer("no identity document (404)".to_owned()))?;
        let document: Document = serde_json::from_str(&text)
            .map_err(|error| ImdsError::BadAnswer(format!("the identity document: {error}")))?;
        let partition = self.get("/latest/meta-data/services/partition").await?;
        Ok(Identity {
            partition: partition.unwrap_or_else(|| partition_of(&document.region).to_owned()),
            instance_id: document.instance_id,
            private_ip: document.private_ip,
            region: document.region,
            availability_zone: document.availability_zone,
        })
    }

    /// Where the Auto Scaling group sends this instance (`InService`, `Terminated`, …), not where it is: `InService`
    /// already while it is pending. `None` outside a group.
    ///
    /// # Errors
    /// [`ImdsError`].
    pub async fn lifecycle(&self) -> Result<Option<String>, ImdsError> {
        self.get("/latest/meta-data/autoscaling/target-lifecycle-state").await
    }

    /// The instance's tag. `None`: there is no such tag, or tags in metadata are off, which is AWS's default.
    ///
    /// # Errors
    /// [`ImdsError`]; `BadAnswer` for a key that metadata cannot serve (letters, digits and `+-=.,_:@` only).
    pub async fn tag(&self, key: &str) -> Result<Option<String>, ImdsError> {
        let served = |c: char| c.is_ascii_alphanumeric() || "+-=.,_:@".contains(c);
        if key.is_empty() || !key.chars().all(served) {
            return Err(ImdsError::BadAnswer(format!("metadata cannot serve the tag key {key:?}")));
        }
        self.get(&format!("/latest/meta-data/tags/instance/{key}")).await
    }

    /// Calls so far by `code` (`200`, `401`, `403`, `404`, `5xx`, `timeout`, `unreachable`, `other`).
    #[must_use]
    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// One item; 404 is `None`. A 401 costs one more call, over a new client.
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
            Ok(text) => ("200", Ok(Some(text.as_ref().trim().to_owned()))),
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

/// The metric's label, and what the error means.
fn read(error: &SdkImdsError) -> (&'static str, Result<Option<String>, ImdsError>) {
    if let Some(status) = status(error) {
        return match status {
            404 => ("404", Ok(None)),
            401 => ("401", Err(ImdsError::Unauthorized)),
            403 => ("403", Err(ImdsError::Forbidden)),
            500.. => ("5xx", Err(ImdsError::Unavailable(status))),
            _ => ("other", Err(ImdsError::BadAnswer(format!("status {status}")))),
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

/// The status of the answer to the item or to the token, if there was one that is no success.
fn status(error: &SdkImdsError) -> Option<u16> {
    if let SdkImdsError::ErrorResponse(answer) = error {
        return Some(answer.response().status().as_u16());
    }
    let token = error.source()?.downcast_ref::<SdkError<TokenError, HttpResponse>>()?;
    let status = token.raw_response()?.status();
    (!status.is_success()).then(|| status.as_u16())
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

/// The part of the identity document that counts.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    instance_id: String,
    private_ip: String,
    region: String,
    availability_zone: String,
}

/// The partition where metadata does not tell it, by the Regions' names.
fn partition_of(region: &str) -> &'static str {
    match region {
        _ if region.starts_with("cn-") => "aws-cn",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}
