//! What an earlier run of the agent left behind, read at the start.

use super::orders::Ids;
use crate::effect::state::OfBoot;
use crate::store::{Loaded, Store, StoreError};
use rundeck_alb_core::{Intent, Kept};
use std::time::Duration;

/// Kept files are waited for this long at the start: a hanging disk must not keep the health port silent.
const LOAD_LIMIT: Duration = Duration::from_secs(1);

/// What an earlier run left behind.
#[derive(Default)]
pub(super) struct LeftBehind {
    /// As far as it belongs to this boot.
    pub(super) kept: Kept,
    /// Receipt ids that are taken, of whatever boot.
    pub(super) ids: Ids,
    /// What is wrong with the files.
    pub(super) trouble: Option<String>,
}

/// Reads it.
pub(super) async fn load(boot_id: &str, store: &Store) -> LeftBehind {
    // All are queued at once, and answered one after the other.
    let (verdict, intent, receipts) = (store.load_verdict(), store.load_intent(), store.receipts());
    let load = async { (verdict.await, intent.await, receipts.await) };
    let Ok((verdict, intent, receipts)) = tokio::time::timeout(LOAD_LIMIT, load).await else {
        let trouble = Some("the kept files could not be read within 1 s: starting without them".into());
        return LeftBehind { trouble, ..LeftBehind::default() };
    };
    let mut trouble = None;
    let verdict = of_boot(boot_id, verdict, &mut trouble);
    let intent: Option<Intent> = of_boot(boot_id, intent, &mut trouble);
    let receipts = receipts.unwrap_or_else(|error| {
        trouble = Some(error.to_string());
        Vec::new()
    });
    // The newest come first there; a drain that goes on has no receipt yet.
    let going_on = intent.iter().flat_map(|intent| &intent.drains).map(|order| order.id.clone());
    let ids = Ids::taken(receipts.into_iter().rev().chain(going_on));
    LeftBehind { kept: Kept { verdict, intent }, ids, trouble }
}

fn of_boot<T>(boot_id: &str, loaded: Result<Loaded<OfBoot<T>>, StoreError>, trouble: &mut Option<String>) -> Option<T> {
    match loaded {
        Ok(Loaded::Kept(file)) => (file.boot_id == boot_id).then_some(file.value),
        Ok(Loaded::Nothing) => None,
        Ok(Loaded::SetAside { path, why }) => {
            *trouble = Some(format!("a kept file could not be read and was set aside as {}: {why}", path.display()));
            None
        }
        Err(error) => {
            *trouble = Some(error.to_string());
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::state::intent_json;
    use rundeck_alb_core::{Cause, DrainOrder, Moment};

    /// As after a crash: one drain has its receipt, another goes on.
    #[tokio::test]
    async fn ids_of_receipts_and_of_drains_that_go_on_are_taken_over_a_restart() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = |name: &str| folder.path().join(name);
        let store = Store::open(&place("state"), &place("run")).expect("a store");
        let order = DrainOrder {
            id: "20261122T110431-operator-2".into(),
            cause: Cause::Operator,
            reason: String::new(),
            at: Moment(1),
            deadline: None,
        };
        let intent = Intent { drains: vec![order], ..Intent::default() };
        store.write_receipt("20261122T110431-operator", b"{}".to_vec()).await.expect("written");
        store.keep_intent(intent_json("this boot", &intent)).await.expect("kept");
        let mut left = load("this boot", &store).await;
        assert_eq!((left.kept.intent, left.trouble), (Some(intent), None));
        assert_eq!(left.ids.next("20261122T110431", Cause::Operator), "20261122T110431-operator-3");
    }
}
