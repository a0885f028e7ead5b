//! What an earlier run of the agent left behind, read at the start.

use super::orders::Ids;
use crate::clock::Clock;
use crate::effect::held::HeldFile;
use crate::effect::intent::IntentFile;
use crate::effect::state::{OfBoot, RegisteredFile};
use crate::store::{Loaded, Store, StoreError};
use rundeck_alb_core::{Held, Intent, Kept, Registrations};
use std::pin::Pin;
use std::time::Duration;

/// Kept files are waited for this long at the start: a hanging disk must not keep the health port silent.
const LOAD_LIMIT: Duration = Duration::from_secs(1);

/// What an earlier run left behind.
#[derive(Default)]
pub(super) struct LeftBehind {
    /// As far as it belongs to this boot; the registered targets are of whatever boot.
    pub(super) kept: Kept,
    /// Receipt ids that are taken, of whatever boot.
    pub(super) ids: Ids,
    /// What is wrong with the files.
    pub(super) trouble: Option<String>,
}

/// What is read later than it is waited for.
pub(super) type Late = Pin<Box<dyn Future<Output = LeftBehind> + Send>>;

/// Reads it, and waits for it as long as that may take at the start. What comes later is handed on: nothing is written
/// over what was not read, for the store does one thing after another.
pub(super) async fn load(boot_id: &str, store: &Store, clock: &Clock) -> (LeftBehind, Option<Late>) {
    let (boot_id, store, clock) = (boot_id.to_owned(), store.clone(), clock.clone());
    let mut reading: Late = Box::pin(async move { read(&boot_id, &store, &clock).await });
    match tokio::time::timeout(LOAD_LIMIT, &mut reading).await {
        Ok(left) => (left, None),
        Err(_) => {
            let trouble = "the kept files could not be read within 1 s: starting without them until they are".into();
            (LeftBehind { trouble: Some(trouble), ..LeftBehind::default() }, Some(reading))
        }
    }
}

async fn read(boot_id: &str, store: &Store, clock: &Clock) -> LeftBehind {
    // All are queued at once, and answered one after the other.
    let (verdict, intent) = (store.load_verdict(), store.load_intent());
    let (registered, held, receipts) = (store.load_registered(), store.load_held(), store.receipts());
    let (verdict, intent, registered) = (verdict.await, intent.await, registered.await);
    let (held, receipts) = (held.await, receipts.await);
    let mut trouble = None;
    let verdict = of_boot(boot_id, verdict, &mut trouble);
    let intent = intent_of_boot(boot_id, intent, &mut trouble);
    let registered = of_any_boot(registered, &mut trouble);
    let held = held_of(boot_id, held, clock, &mut trouble);
    let receipts = receipts.unwrap_or_else(|error| {
        trouble = Some(error.to_string());
        Vec::new()
    });
    // The newest come first there; a drain that goes on has no receipt yet.
    let going_on = intent.iter().flat_map(|intent| &intent.drains).map(|order| order.id.clone());
    let ids = Ids::taken(receipts.into_iter().rev().chain(going_on));
    LeftBehind { kept: Kept { verdict, intent, registered, held }, ids, trouble }
}

fn of_boot<T>(boot_id: &str, loaded: Result<Loaded<OfBoot<T>>, StoreError>, trouble: &mut Option<String>) -> Option<T> {
    readable(loaded, trouble).filter(|file| file.boot_id == boot_id).map(|file| file.value)
}

fn intent_of_boot(
    boot_id: &str,
    loaded: Result<Loaded<IntentFile>, StoreError>,
    trouble: &mut Option<String>,
) -> Option<Intent> {
    let unreadable = !matches!(loaded, Ok(Loaded::Kept(_) | Loaded::Nothing));
    let Some(file) = readable(loaded, trouble).filter(|file| file.boot_id == boot_id) else {
        // What cannot be read may have said that the node was in service.
        return unreadable.then(|| Intent { served: true, ..Intent::default() });
    };
    let (intent, lost) = file.read();
    *trouble = lost.or(trouble.take());
    Some(intent)
}

fn of_any_boot(
    loaded: Result<Loaded<RegisteredFile>, StoreError>,
    trouble: &mut Option<String>,
) -> Option<Registrations> {
    let (registered, lost) = readable(loaded, trouble)?.read();
    *trouble = lost.or(trouble.take());
    Some(registered)
}

fn held_of(
    boot_id: &str,
    loaded: Result<Loaded<HeldFile>, StoreError>,
    clock: &Clock,
    trouble: &mut Option<String>,
) -> Option<Held> {
    let (held, lost) = readable(loaded, trouble)?.read(boot_id, clock);
    *trouble = lost.or(trouble.take());
    Some(held)
}

fn readable<T>(loaded: Result<Loaded<T>, StoreError>, trouble: &mut Option<String>) -> Option<T> {
    match loaded {
        Ok(Loaded::Kept(file)) => Some(file),
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
    use rundeck_alb_core::{Cause, DrainOrder, Moment, Ownership, Registered, Target};

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
            force: false,
        };
        let intent = Intent { drains: vec![order], ..Intent::default() };
        store.write_receipt("20261122T110431-operator", b"{}".to_vec()).await.expect("written");
        store.keep_intent(intent_json("this boot", &intent)).await.expect("kept");
        let mut left = read("this boot", &store, &Clock::manual()).await;
        assert_eq!((left.kept.intent, left.trouble), (Some(intent), None));
        assert_eq!(left.ids.next("20261122T110431", Cause::Operator), "20261122T110431-operator-3");
    }

    #[tokio::test]
    async fn registered_targets_outlive_the_boot_and_a_damaged_file_is_told_and_set_aside() {
        let place = tempfile::tempdir().expect("a directory");
        let store = Store::open(&place.path().join("state"), &place.path().join("run")).expect("a store");
        let left = read("boot-1", &store, &Clock::manual()).await;
        assert_eq!((left.kept, left.trouble), (Kept::default(), None));
        let target = Target { group: "arn:g".into(), name: "g".into(), id: "i-1".into(), port: 4440 };
        let targets = vec![Registered { target, ownership: Ownership::Auto }];
        let registered = Registrations { instance: "i-1".into(), targets };
        store.keep_registered(crate::effect::state::registered_json(&registered)).await.expect("kept");
        let kept = Kept { registered: Some(registered), ..Kept::default() };
        let left = read("boot-2", &store, &Clock::manual()).await;
        assert_eq!((left.kept, left.trouble), (kept, None));
        for damaged in ["", "{\"version\": 1}", "[]", "{\"version\": \"new\", \"instance\": 1}"] {
            store.keep_registered(damaged.into()).await.expect("kept");
            let left = read("boot-2", &store, &Clock::manual()).await;
            assert_eq!(left.kept, Kept::default());
            assert!(left.trouble.is_some_and(|text| text.contains("registered.json")), "{damaged}");
        }
    }
}
