//! What holds of the node's groups after each turn.

use super::Membership;
use super::group::{Left, Standing};
use crate::desk::holds;
use std::collections::BTreeSet;

impl Membership {
    /// What holds after each turn.
    pub(crate) fn check(&self) -> Result<(), String> {
        let all = || self.groups.iter().chain(&self.former);
        let keys: BTreeSet<u32> = all().map(|group| group.key).collect();
        holds(keys.len() == all().count(), || format!("two groups of one key: {keys:?}"))?;
        let named = |group: &&super::Group| group.standing == Standing::Named;
        holds(self.groups.iter().all(|group| named(&group)), || "a named group that is no longer named".into())?;
        holds(!self.former.iter().any(|group| named(&group)), || "a former group that is named".into())?;
        let targets: Vec<_> = all().filter_map(|group| group.target.as_ref()).collect();
        for (at, target) in targets.iter().enumerate() {
            let twice = targets.iter().skip(at + 1).any(|other| other.is(target));
            holds(!twice, || format!("known under two names: {target:?}"))?;
        }
        for group in all() {
            let (key, known) = (group.key, group.target.is_some());
            holds(known || !group.change.is_open(), || format!("group {key}: a change of an unknown target"))?;
            holds(known || !matches!(group.left, Left::Confirmed(_)), || format!("group {key}: left, and unknown"))?;
            holds(!(known && group.no_address), || format!("group {key}: a target that cannot be"))?;
            holds(!(known && group.double), || format!("group {key}: one target acts twice"))?;
        }
        Ok(())
    }
}
