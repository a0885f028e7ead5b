//! Whether there are AWS credentials, found as the first call would find them. Of themselves nothing is shown; AWS's
//! word for them comes with the calls.

use super::LIMIT;
use super::metadata::Metadata;
use super::report::{Area, Part};
use crate::aws::Services;
use crate::cli::text::harmless;
use crate::clock::rfc3339;
use rundeck_alb_core::Finding;
use tokio::time::timeout;

/// The part, and whether there are any.
pub async fn look(services: &Services, metadata: &Metadata) -> (Part, bool) {
    let role = match &metadata.role {
        Some(Some(role)) => format!(", the instance's role is {}", harmless(role)),
        Some(None) => ", the instance has no role".to_owned(),
        None => String::new(),
    };
    let wrong = |text: String| {
        let part = Part::seen(Area::Credentials, format!("none{role}"));
        let text =
            if metadata.role == Some(None) { "the instance has no role (no instance profile)".into() } else { text };
        (part.wrong(Finding::CredentialsRejected, text), false)
    };
    match timeout(LIMIT, services.credentials()).await {
        Ok(Ok(expiry)) => {
            let until = expiry.map(|expiry| format!(", until {}", rfc3339(expiry))).unwrap_or_default();
            (Part::seen(Area::Credentials, format!("found{until}{role}")), true)
        }
        Ok(Err(why)) => wrong(format!("there are no AWS credentials: {why}")),
        Err(_) => wrong("AWS credentials were not found in time".to_owned()),
    }
}
