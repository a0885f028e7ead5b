//! What an earlier run of the agent left behind, read at the start.

use crate::effect::state::{OfBoot, RegisteredFile};
use crate::store::{Loaded, Store, StoreError};
use rundeck_alb_core::{Kept, Registrations};
use std::time::Duration;

/// Kept files are waited for this long at the start: a hanging disk must not keep the health port silent.
const LOAD_LIMIT: Duration = Duration::from_secs(1);

/// What an earlier run left behind, as far as it belongs to this boot, and the registered targets of whatever boot; and
/// what is wrong with the files.
pub(super) async fn load(boot_id: &str, store: &Store) -> (Kept, Option<String>) {
    let load = async { (store.load_verdict().await, store.load_intent().await, store.load_registered().await) };
    let Ok((verdict, intent, registered)) = tokio::time::timeout(LOAD_LIMIT, load).await else {
        return (Kept::default(), Some("the kept files could not be read within 1 s: starting without them".into()));
    };
    let mut trouble = None;
    let verdict = of_boot(boot_id, verdict, &mut trouble);
    let intent = of_boot(boot_id, intent, &mut trouble);
    let registered = of_any_boot(registered, &mut trouble);
    (Kept { verdict, intent, registered }, trouble)
}

fn of_boot<T>(boot_id: &str, loaded: Result<Loaded<OfBoot<T>>, StoreError>, trouble: &mut Option<String>) -> Option<T> {
    readable(loaded, trouble).filter(|file| file.boot_id == boot_id).map(|file| file.value)
}

fn of_any_boot(
    loaded: Result<Loaded<RegisteredFile>, StoreError>,
    trouble: &mut Option<String>,
) -> Option<Registrations> {
    let (registered, lost) = readable(loaded, trouble)?.read();
    *trouble = lost.or(trouble.take());
    Some(registered)
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
    use rundeck_alb_core::{Ownership, Registered, Target};

    #[tokio::test]
    async fn registered_targets_outlive_the_boot_and_a_damaged_file_is_told_and_set_aside() {
        let place = tempfile::tempdir().expect("a directory");
        let store = Store::open(&place.path().join("state"), &place.path().join("run")).expect("a store");
        assert_eq!(load("boot-1", &store).await, (Kept::default(), None));
        let target = Target { group: "arn:g".into(), name: "g".into(), id: "i-1".into(), port: 4440 };
        let targets = vec![Registered { target, ownership: Ownership::Auto }];
        let registered = Registrations { instance: "i-1".into(), targets };
        store.keep_registered(crate::effect::state::registered_json(&registered)).await.expect("kept");
        let kept = Kept { registered: Some(registered), ..Kept::default() };
        assert_eq!(load("boot-2", &store).await, (kept, None));
        for damaged in ["", "{\"version\": 1}", "[]", "{\"version\": \"new\", \"instance\": 1}"] {
            store.keep_registered(damaged.into()).await.expect("kept");
            let (kept, trouble) = load("boot-2", &store).await;
            assert_eq!(kept, Kept::default());
            assert!(trouble.is_some_and(|text| text.contains("registered.json")), "{damaged}");
        }
    }
}
