//! AWS as the agent holds it: built at its first use, on a worker, for building reads the CA store.

use crate::aws::{
    AUTO_SCALING, AutoScaling, CallResult, ELASTIC_LOAD_BALANCING, Elbv2, Imds, Outside, Sdk, Services, SetupError,
    Tally,
};
use crate::clock::since_boot;
use crate::server::Counters;
use crate::watch::single::Single;
use rundeck_alb_core::Trouble;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use tokio::sync::OnceCell;

/// The clients, each built when it is first needed; what fails is tried again by the heart's next call.
pub struct Cloud {
    outside: Outside,
    region: Option<String>,
    sdk: OnceCell<Sdk>,
    /// The turn for building it: the CA store may lie on a disk that hangs.
    builds: Single,
    imds: OnceCell<Imds>,
    services: OnceCell<Services>,
    seen: Mutex<Seen>,
}

/// What was handed on already.
#[derive(Default)]
struct Seen {
    calls: BTreeMap<(&'static str, &'static str, CallResult), Tally>,
    answers: BTreeMap<&'static str, u64>,
}

impl Cloud {
    /// Builds nothing yet. `region` is `aws.region`; without it environment, profile and metadata are asked.
    pub fn new(outside: Outside, region: Option<String>) -> Cloud {
        Cloud {
            outside,
            region,
            sdk: OnceCell::new(),
            builds: Single::default(),
            imds: OnceCell::new(),
            services: OnceCell::new(),
            seen: Mutex::default(),
        }
    }

    async fn sdk(&self) -> Result<&Sdk, SetupError> {
        let build = || async {
            let outside = self.outside.clone();
            self.builds.look(move || Sdk::new(outside, since_boot)).await.unwrap_or(Err(SetupError::Hung))
        };
        self.sdk.get_or_try_init(build).await
    }

    /// Instance metadata.
    ///
    /// # Errors
    /// A text for people.
    pub async fn imds(&self) -> Result<&Imds, String> {
        self.imds
            .get_or_try_init(|| async { Ok(self.sdk().await?.imds()) })
            .await
            .map_err(|e: SetupError| e.to_string())
    }

    /// The load balancer's API.
    ///
    /// # Errors
    /// Why there is no client, as trouble with AWS.
    pub async fn elbv2(&self) -> Result<&Elbv2, Trouble> {
        Ok(&self.services().await?.elbv2)
    }

    /// Auto Scaling's API.
    ///
    /// # Errors
    /// As [`elbv2`](Self::elbv2).
    pub async fn scaling(&self) -> Result<&AutoScaling, Trouble> {
        Ok(&self.services().await?.scaling)
    }

    async fn services(&self) -> Result<&Services, SetupError> {
        self.services.get_or_try_init(|| async { self.sdk().await?.services(self.region.as_deref()).await }).await
    }

    /// Hands what the clients counted since the last time to the metrics.
    pub fn count(&self, counters: &Counters) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let services = self.services.get();
        let calls = services.into_iter().flat_map(|services| {
            let balancer = services.elbv2.tallies().into_iter().map(|row| (ELASTIC_LOAD_BALANCING, row));
            balancer.chain(services.scaling.tallies().into_iter().map(|row| (AUTO_SCALING, row)))
        });
        for (service, ((operation, outcome), tally)) in calls {
            let before = seen.calls.insert((service, operation, outcome), tally).unwrap_or_default();
            let new = u32::try_from(tally.calls.saturating_sub(before.calls)).unwrap_or(u32::MAX);
            // Looks are taken after each call: more than one is new only where a look asks more than one thing.
            let each = tally.took.saturating_sub(before.took).checked_div(new).unwrap_or_default();
            for _ in 0..new {
                counters.aws_request(service, operation, outcome, each);
            }
        }
        let answers = self.imds.get().map(Imds::counts).unwrap_or_default();
        for (code, count) in answers {
            let before = seen.answers.insert(code, count).unwrap_or_default();
            counters.imds_requests(code, count.saturating_sub(before));
        }
    }
}
