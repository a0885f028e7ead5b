//! One call of one service: waited for, counted, and its error read.
//!
//! The clients share it, each with its own service's name; it neither paces nor repeats anything.

use super::error::CallError;
use super::tally::{CallResult, Tallies, Tally};
use aws_sdk_elasticloadbalancingv2::error::{ProvideErrorMetadata, SdkError};
use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

/// The calls of one client.
#[derive(Debug)]
pub(super) struct Caller {
    service: &'static str,
    monotonic: fn() -> Duration,
    tallies: Tallies,
}

impl Caller {
    /// `service` as permissions write it. `monotonic` tells the time since any fixed moment.
    pub fn new(service: &'static str, monotonic: fn() -> Duration) -> Self {
        Self { service, monotonic, tallies: Tallies::default() }
    }

    /// Waits for a call, counts it and reads its error.
    pub async fn call<T, E>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T, SdkError<E>>>,
    ) -> Result<T, CallError>
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let started = (self.monotonic)();
        let result = call.await.map_err(|error| CallError::of(&error, self.service, operation));
        let outcome = result.as_ref().map_or_else(CallError::outcome, |_| CallResult::Ok);
        self.tallies.add(operation, outcome, (self.monotonic)().saturating_sub(started));
        result
    }

    /// An answer that lacks what AWS always sends.
    pub fn bad_answer(&self, operation: &'static str, message: &str, request_id: Option<&str>) -> CallError {
        CallError::bad_answer(self.service, operation, message, request_id)
    }

    /// Calls so far by operation and outcome.
    pub fn tallies(&self) -> BTreeMap<(&'static str, CallResult), Tally> {
        self.tallies.read()
    }
}
