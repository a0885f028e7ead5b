//! What a configuration needs to be allowed: which features it switches on, and which of their actions it then calls.
//! It knows no node: what an Auto Scaling group or a tag decides counts as needed.

use super::feature::{ACTIONS, Action, Feature};
use crate::config::Settings;
use rundeck_alb_core::{Ownership, StandbyRule};
use std::collections::BTreeSet;

/// The features that this configuration switches on.
pub fn switched_on(settings: &Settings) -> BTreeSet<Feature> {
    let standby = (settings.membership.standby != StandbyRule::Off).then_some(Feature::Standby);
    [Feature::Membership, Feature::AutoScaling].into_iter().chain(standby).collect()
}

/// The actions that an agent with this configuration calls, in the order of the table.
pub fn needed(settings: &Settings) -> Vec<&'static Action> {
    let features = switched_on(settings);
    let needs = |action: &&Action| {
        let mut by = action.features.iter().filter(|feature| features.contains(feature));
        by.any(|feature| action.reads() || changes(*feature, settings))
    };
    ACTIONS.iter().filter(needs).collect()
}

/// Whether the feature would ever change anything.
fn changes(feature: Feature, settings: &Settings) -> bool {
    let membership = &settings.membership;
    let mut ownerships = membership.groups.iter().map(|group| group.ownership).chain([membership.ownership]);
    let observes = feature == Feature::Membership && ownerships.all(|ownership| ownership == Ownership::Observe);
    !settings.aws.dry_run && !observes
}

#[cfg(test)]
mod tests {
    use super::*;
    use rundeck_alb_core::GroupWanted;

    fn changing(settings: &Settings) -> Vec<&'static str> {
        needed(settings).into_iter().filter(|action| !action.reads()).map(|action| action.operation).collect()
    }

    fn reads_refreshes(settings: &Settings) -> bool {
        needed(settings).iter().any(|action| action.operation == "DescribeInstanceRefreshes")
    }

    #[test]
    fn standby_is_needed_where_it_is_allowed_to_be_used() {
        let mut settings = Settings::default();
        assert_eq!(changing(&settings), ["RegisterTargets", "DeregisterTargets"]);
        assert!(!reads_refreshes(&settings));
        for rule in [StandbyRule::Decrement, StandbyRule::Replace] {
            settings.membership.standby = rule;
            assert_eq!(changing(&settings), ["RegisterTargets", "DeregisterTargets", "EnterStandby", "ExitStandby"]);
            assert!(reads_refreshes(&settings));
        }
        // Who observes all groups goes by Standby all the same: the Auto Scaling group does the rest.
        settings.membership.ownership = Ownership::Observe;
        assert_eq!(changing(&settings), ["EnterStandby", "ExitStandby"]);
    }

    #[test]
    fn who_only_looks_changes_nothing() {
        let mut settings = Settings::default();
        settings.membership.ownership = Ownership::Observe;
        assert_eq!(changing(&settings), [""; 0]);
        assert_eq!(needed(&settings).len(), 5, "it reads");
        let group = GroupWanted { group: "a".into(), port: None, target_type: None, ownership: Ownership::Own };
        settings.membership.groups = vec![group];
        assert_eq!(changing(&settings).len(), 2, "one group of its own is enough");
        settings.aws.dry_run = true;
        settings.membership.standby = StandbyRule::Replace;
        assert_eq!(changing(&settings), [""; 0]);
        assert!(reads_refreshes(&settings), "a dry run says what would be refused");
    }
}
