//! One look at the best readiness endpoint that this Rundeck has, in the heart's words.

use crate::rundeck::{self, Client, Failure, ReadinessLook};
use rundeck_alb_core::{Readiness, ReadySeen};

/// Asks once; `learn` finds the endpoint anew.
pub async fn look(client: &Client, learn: bool) -> ReadySeen {
    seen(client.readiness(learn).await)
}

fn seen(look: ReadinessLook) -> ReadySeen {
    let ReadinessLook { readiness, database, bound } = look;
    let readiness = match readiness {
        rundeck::Readiness::Ready => Readiness::Ready,
        rundeck::Readiness::NotReady => Readiness::NotReady,
        rundeck::Readiness::Absent => Readiness::Absent,
        rundeck::Readiness::Failed(Failure::Timeout) => Readiness::TimedOut,
        rundeck::Readiness::Failed(Failure::Refused) => Readiness::Refused,
        other @ (rundeck::Readiness::VersionUnknown
        | rundeck::Readiness::NoState(_)
        | rundeck::Readiness::Failed(_)) => Readiness::Unclear(other.to_string()),
    };
    ReadySeen { readiness, database, bound }
}
