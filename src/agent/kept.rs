//! What an earlier run of the agent left behind, read at the start.

use crate::effect::state::OfBoot;
use crate::store::{Loaded, Store, StoreError};
use rundeck_alb_core::Kept;
use std::time::Duration;

/// Kept files are waited for this long at the start: a hanging disk must not keep the health port silent.
const LOAD_LIMIT: Duration = Duration::from_secs(1);

/// What an earlier run left behind, as far as it belongs to this boot; and what is wrong with the files.
pub(super) async fn load(boot_id: &str, store: &Store) -> (Kept, Option<String>) {
    let load = async { (store.load_verdict().await, store.load_intent().await) };
    let Ok((verdict, intent)) = tokio::time::timeout(LOAD_LIMIT, load).await else {
        return (Kept::default(), Some("the kept files could not be read within 1 s: starting without them".into()));
    };
    let mut trouble = None;
    let verdict = of_boot(boot_id, verdict, &mut trouble);
    let intent = of_boot(boot_id, intent, &mut trouble);
    (Kept { verdict, intent }, trouble)
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
