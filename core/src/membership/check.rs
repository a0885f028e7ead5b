//! What holds of the node's groups after each turn.

use super::Membership;
use super::group::{Group, Left, Standing};
use crate::contract::CallId;
use crate::desk::{Desk, Pace, Topic, holds};
use std::collections::BTreeSet;

impl Membership {
    /// What holds after each turn.
    pub(crate) fn check(&self, desk: &Desk) -> Result<(), String> {
        let all = || self.groups.iter().chain(&self.former);
        let keys: BTreeSet<u32> = all().map(|group| group.key).collect();
        holds(keys.len() == all().count(), || format!("two groups of one key: {keys:?}"))?;
        let named = |group: &&Group| group.standing == Standing::Named;
        holds(self.groups.iter().all(|group| named(&group)), || "a named group that is no longer named".into())?;
        holds(!self.former.iter().any(|group| named(&group)), || "a former group that is named".into())?;
        let targets: Vec<_> = all().filter_map(|group| group.target.as_ref()).collect();
        for (at, target) in targets.iter().enumerate() {
            let twice = targets.iter().skip(at + 1).any(|other| other.is(target));
            holds(!twice, || format!("known under two names: {target:?}"))?;
        }
        // Whoever sent a change waits for it, and nobody else sends one there meanwhile.
        let orphan = desk.calls().find(|(id, topic)| self.forgot(*id, *topic));
        holds(orphan.is_none(), || format!("nobody waits for {orphan:?}"))?;
        let changing: Vec<String> = all().filter_map(Group::changing).collect();
        let places: BTreeSet<&String> = changing.iter().collect();
        holds(places.len() == changing.len(), || format!("two changes at once in one target group: {changing:?}"))?;
        for group in all() {
            let (key, known) = (group.key, group.target.is_some());
            holds(known || !group.change.is_open(), || format!("group {key}: a change of an unknown target"))?;
            holds(known || !matches!(group.left, Left::Confirmed(_)), || format!("group {key}: left, and unknown"))?;
            holds(!(known && group.unfit), || format!("group {key}: a target that cannot be"))?;
            holds(!(known && group.double), || format!("group {key}: one target acts twice"))?;
        }
        Ok(())
    }

    /// A call about a group that the group does not know of.
    fn forgot(&self, id: CallId, topic: Topic) -> bool {
        let (key, pace): (u32, fn(&Group) -> &Pace) = if let Topic::Change(key) = topic {
            (key, |group| &group.change)
        } else if let Topic::Target(key) = topic {
            (key, |group| &group.look)
        } else {
            return false;
        };
        let group = self.groups.iter().chain(&self.former).find(|group| group.key == key);
        !group.is_some_and(|group| pace(group).is(id))
    }
}
