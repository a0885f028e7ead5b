//! Orders: their JSON, checked, handed to the loop, and the loop's word for it.
//!
//! Nothing is decided here: a body that can be read is an order, and the heart says yes or no.

use super::Admin;
use crate::server::http::{Answer, json};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::StatusCode;
use hyper::body::Incoming;
use rundeck_alb_core::{Cause, OrderAnswer};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// The longest body of an order, in bytes.
const LONGEST_BODY: usize = 16 * 1024;
/// The longest reason, in characters: it stands in log lines and on one line of `status`.
const LONGEST_REASON: usize = 500;
/// How long the loop may take. It answers at once, unless AWS must be asked before, for twelve seconds at most.
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// What an operator wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdminOrder {
    /// Leave.
    Drain {
        /// Who wants it: an operator, or the unit that runs before rundeckd stops.
        cause: Cause,
        /// Free text, empty when none was given.
        reason: String,
        /// The drain's own deadline, from now.
        timeout: Option<Duration>,
        /// The fleet need not agree.
        force: bool,
    },
    /// Undo a drain of this cause.
    Resume {
        /// Whose drain.
        cause: Cause,
        /// Free text, empty when none was given.
        reason: String,
    },
    /// Answer 503 and stay a target.
    Maintain {
        /// Free text, empty when none was given.
        reason: String,
        /// How long; `None`: until it is ended.
        span: Option<Duration>,
    },
    /// Maintenance is over.
    EndMaintenance {
        /// Free text, empty when none was given.
        reason: String,
    },
}

/// An order with the way back for its answer.
#[derive(Debug)]
pub struct OrderRequest {
    /// What is wanted.
    pub order: AdminOrder,
    /// Where the answer goes; nobody may be waiting any more.
    pub reply: oneshot::Sender<OrderAnswer>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct DrainBody {
    cause: Option<String>,
    reason: Option<String>,
    timeout: Option<String>,
    force: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ResumeBody {
    cause: Option<String>,
    reason: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct MaintenanceBody {
    on: Option<bool>,
    #[serde(rename = "for")]
    span: Option<String>,
    reason: Option<String>,
}

/// A body that is no order: the status and what is wrong.
type Refused = (StatusCode, String);

/// `POST /drain`.
pub(super) async fn drain(admin: &Admin, body: Incoming) -> Answer {
    let order = async {
        let body: DrainBody = read(body).await?;
        let timeout = body.timeout.as_deref().map(admin.parse_duration).transpose();
        let timeout = timeout.map_err(|why| bad(format!("timeout {why}: write it as \"90s\" or \"5m\"")))?;
        Ok(AdminOrder::Drain { cause: cause(body.cause)?, reason: reason(body.reason)?, timeout, force: body.force })
    };
    match order.await {
        Ok(order) => give(admin, order, LONGEST_WAIT).await,
        Err((status, why)) => json(status, &json!({ "error": why })),
    }
}

/// `POST /resume`.
pub(super) async fn resume(admin: &Admin, body: Incoming) -> Answer {
    let order = async {
        let body: ResumeBody = read(body).await?;
        Ok(AdminOrder::Resume { cause: cause(body.cause)?, reason: reason(body.reason)? })
    };
    match order.await {
        Ok(order) => give(admin, order, LONGEST_WAIT).await,
        Err((status, why)) => json(status, &json!({ "error": why })),
    }
}

/// `POST /maintenance`.
pub(super) async fn maintenance(admin: &Admin, body: Incoming) -> Answer {
    let order = async {
        let MaintenanceBody { on, span, reason: why } = read(body).await?;
        let on = on.ok_or_else(|| bad("`on` is missing: true or false"))?;
        let span = span.as_deref().map(admin.parse_duration).transpose();
        let span = span.map_err(|why| bad(format!("for {why}: write it as \"30m\" or \"2h\"")))?;
        let reason = reason(why)?;
        match (on, span) {
            (true, Some(span)) if span.is_zero() => {
                Err(bad("`for` has to be some time: write it as \"30m\" or \"2h\""))
            }
            (true, span) => Ok(AdminOrder::Maintain { reason, span }),
            (false, Some(_)) => Err(bad("`for` belongs to `\"on\": true`")),
            (false, None) => Ok(AdminOrder::EndMaintenance { reason }),
        }
    };
    match order.await {
        Ok(order) => give(admin, order, LONGEST_WAIT).await,
        Err((status, why)) => json(status, &json!({ "error": why })),
    }
}

/// Hands the order to the loop and tells its answer.
pub(super) async fn give(admin: &Admin, order: AdminOrder, patience: Duration) -> Answer {
    let (reply, answered) = oneshot::channel();
    let given = timeout(patience, async {
        admin.orders.send(OrderRequest { order, reply }).await.ok()?;
        answered.await.ok()
    });
    match given.await {
        Ok(Some(OrderAnswer::Accepted(id))) => json(StatusCode::ACCEPTED, &json!({ "drain": id })),
        Ok(Some(OrderAnswer::Maintained(done))) => json(StatusCode::OK, &json!({ "maintenance": done })),
        Ok(Some(OrderAnswer::Resumed(done))) => json(StatusCode::OK, &json!({ "resumed": done })),
        Ok(Some(OrderAnswer::Refused { why, healthy_others, text })) => {
            let mut body = json!({ "refused": text, "why": why });
            if let Some(others) = healthy_others {
                body["healthy_others"] = others.into();
            }
            json(StatusCode::CONFLICT, &body)
        }
        Ok(None) => {
            json(StatusCode::SERVICE_UNAVAILABLE, &json!({ "error": "the agent is ending and takes no order" }))
        }
        Err(_) => {
            let text =
                format!("no answer from the agent's loop in {} s: look at /livez and the log", patience.as_secs());
            json(StatusCode::SERVICE_UNAVAILABLE, &json!({ "error": text }))
        }
    }
}

/// Reads a bounded body; an empty one is an order without particulars.
async fn read<T: DeserializeOwned + Default>(body: Incoming) -> Result<T, Refused> {
    let collected = Limited::new(body, LONGEST_BODY).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            (StatusCode::PAYLOAD_TOO_LARGE, format!("the body is longer than {LONGEST_BODY} bytes"))
        } else {
            bad("the body broke off")
        }
    })?;
    let bytes = collected.to_bytes();
    if bytes.is_empty() {
        return Ok(T::default());
    }
    // Serde would fill the fields from a list too, in their order.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(bad("not an order: a JSON object is expected"));
    }
    serde_json::from_slice(&bytes).map_err(|error| bad(format!("not an order: {error}")))
}

/// A drain of the agent's own stop is ordered by its signal, not here.
fn cause(word: Option<String>) -> Result<Cause, Refused> {
    const ALLOWED: [Cause; 2] = [Cause::Operator, Cause::RundeckStopping];
    let Some(word) = word else { return Ok(Cause::Operator) };
    let known = ALLOWED.into_iter().find(|cause| cause.word() == word);
    known.ok_or_else(|| bad(format!("unknown cause {word:?}: use \"operator\" or \"rundeck-stopping\"")))
}

fn reason(text: Option<String>) -> Result<String, Refused> {
    let text = text.unwrap_or_default();
    if text.chars().count() > LONGEST_REASON {
        return Err(bad(format!("the reason is longer than {LONGEST_REASON} characters")));
    }
    Ok(text)
}

fn bad(why: impl Into<String>) -> Refused {
    (StatusCode::BAD_REQUEST, why.into())
}
