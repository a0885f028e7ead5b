//! AWS as the agent holds it: built at its first use, on a worker, for building reads the CA store.

use crate::aws::{CallResult, Elbv2, Imds, Outside, Sdk, SetupError, Tally};
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
    elbv2: OnceCell<Elbv2>,
    seen: Mutex<Seen>,
}

/// What was handed on already.
#[derive(Default)]
struct Seen {
    calls: BTreeMap<(&'static str, CallResult), Tally>,
    answers: BTreeMap<&'static str, u64>,
}

/// The service's name in metrics, as IAM writes it.
const SERVICE: &str = "elasticloadbalancing";

impl Cloud {
    /// Builds nothing yet. `region` is `aws.region`; without it environment, profile and metadata are asked.
    pub fn new(outside: Outside, region: Option<String>) -> Cloud {
        Cloud {
            outside,
            region,
            sdk: OnceCell::new(),
            builds: Single::default(),
            imds: OnceCell::new(),
            elbv2: OnceCell::new(),
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
        self.elbv2
            .get_or_try_init(|| async { self.sdk().await?.elbv2(self.region.as_deref()).await })
            .await
            .map_err(|e: SetupError| Trouble::from(e))
    }

    /// Hands what the clients counted since the last time to the metrics.
    pub fn count(&self, counters: &Counters) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = self.elbv2.get().map(Elbv2::tallies).unwrap_or_default();
        for ((operation, outcome), tally) in calls {
            let before = seen.calls.insert((operation, outcome), tally).unwrap_or_default();
            let new = u32::try_from(tally.calls.saturating_sub(before.calls)).unwrap_or(u32::MAX);
            // Looks are taken after each call: more than one is new only where a look asks more than one thing.
            let each = tally.took.saturating_sub(before.took).checked_div(new).unwrap_or_default();
            for _ in 0..new {
                counters.aws_request(SERVICE, operation, outcome, each);
            }
        }
        let answers = self.imds.get().map(Imds::counts).unwrap_or_default();
        for (code, count) in answers {
            let before = seen.answers.insert(code, count).unwrap_or_default();
            counters.imds_requests(code, count.saturating_sub(before));
        }
    }
}
