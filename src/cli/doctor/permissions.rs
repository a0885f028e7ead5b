//! Each permission that the configured features need: what reads is judged by the real call, which another look has
//! made; what changes is not tried, whatever the configuration says, and the statement that allows it is shown instead.
//! Calls nothing itself.

use super::report::{Area, Part, Permission, Tried};
use crate::aws::{AUTO_SCALING, CallResult, Services};
use crate::cli::iam_policy::{Action, Known, needed, policy};
use crate::config::Settings;
use rundeck_alb_core::{Finding, Trouble};
use std::collections::{BTreeMap, BTreeSet};

/// How the calls of both services ended, by service and operation.
type Outcomes = BTreeMap<(&'static str, &'static str), BTreeSet<CallResult>>;

/// By the calls that were made.
pub fn judged(settings: &Settings, services: &Services) -> Vec<Permission> {
    let mut outcomes = Outcomes::new();
    let balancer = services.elbv2.tallies().into_keys().map(|key| (crate::aws::ELASTIC_LOAD_BALANCING, key));
    let scaling = services.scaling.tallies().into_keys().map(|key| (AUTO_SCALING, key));
    for (service, (operation, outcome)) in balancer.chain(scaling) {
        outcomes.entry((service, operation)).or_default().insert(outcome);
    }
    permissions(settings, &outcomes)
}

fn permissions(settings: &Settings, outcomes: &Outcomes) -> Vec<Permission> {
    let judged = |action: &Action| Permission { action: action.name(), tried: tried(action, outcomes) };
    needed(settings).into_iter().map(judged).collect()
}

/// The statements for what was not tried, with the ARNs that are known.
pub fn statements(settings: &Settings, known: &Known) -> Vec<String> {
    let changing: Vec<&Action> = needed(settings).into_iter().filter(|action| !action.reads()).collect();
    policy(&changing, known, None).statements()
}

/// The look, in words. `denied`: what AWS said to those; `minds_scaling`: Auto Scaling has to be asked on this node.
pub fn part(permissions: &[Permission], denied: &[&Trouble], minds_scaling: bool) -> Part {
    let of = |tried| permissions.iter().filter(move |one| one.tried == tried).map(|one| one.action.as_str());
    let counted = [Tried::Allowed, Tried::Denied, Tried::Unknown, Tried::Unneeded, Tried::Untried]
        .into_iter()
        .map(|tried| (of(tried).count(), tried.word()))
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| format!("{number} {word}"));
    let mut seen = counted.collect::<Vec<_>>().join(", ");
    let untried: Vec<&str> = of(Tried::Untried).collect();
    if !untried.is_empty() {
        seen.push_str(&format!(" ({})", untried.join(", ")));
    }
    let part = Part::seen(Area::Permissions, seen);
    let needed = of(Tried::Denied).filter(|action| minds_scaling || !action.starts_with(AUTO_SCALING));
    needed.fold(part, |part, action| {
        let said = denied.iter().find(|trouble| trouble.action == action);
        let said = said.map_or_else(|| format!("AWS denied {action}"), |trouble| trouble.text.clone());
        part.wrong(Finding::PermissionMissing, said)
    })
}

fn tried(action: &Action, outcomes: &Outcomes) -> Tried {
    if !action.reads() {
        return Tried::Untried;
    }
    match outcomes.get(&(action.service, action.operation)) {
        None => Tried::Unneeded,
        Some(seen) if seen.contains(&CallResult::Denied) => Tried::Denied,
        Some(seen) if seen.contains(&CallResult::Ok) => Tried::Allowed,
        Some(_) => Tried::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rundeck_alb_core::Ownership;

    #[test]
    fn what_changes_is_never_called_tried_and_what_reads_goes_by_its_call() {
        let outcomes: Outcomes = [
            (("elasticloadbalancing", "DescribeTargetGroups"), [CallResult::Ok].into()),
            (("elasticloadbalancing", "DescribeTargetHealth"), [CallResult::Ok, CallResult::Denied].into()),
            (("autoscaling", "DescribeAutoScalingInstances"), [CallResult::Timeout].into()),
            // Even one that had been called says nothing here.
            (("elasticloadbalancing", "RegisterTargets"), [CallResult::Ok].into()),
        ]
        .into();
        let all = permissions(&Settings::default(), &outcomes);
        let told = |name: &str| all.iter().find(|one| one.action.ends_with(name)).map(|one| one.tried);
        assert_eq!(told(":DescribeTargetGroups"), Some(Tried::Allowed));
        assert_eq!(told(":DescribeTargetHealth"), Some(Tried::Denied));
        assert_eq!(told(":DescribeAutoScalingInstances"), Some(Tried::Unknown));
        assert_eq!(told(":DescribeAutoScalingGroups"), Some(Tried::Unneeded));
        assert_eq!(told(":RegisterTargets"), Some(Tried::Untried));
        let judged = part(&all, &[], true);
        assert!(judged.seen.contains("1 denied") && judged.seen.contains("2 not tried"), "{}", judged.seen);
        assert_eq!(judged.problems.len(), 1);
        let scaling = Permission { action: "autoscaling:DescribeAutoScalingInstances".into(), tried: Tried::Denied };
        let told = |minds| part(std::slice::from_ref(&scaling), &[], minds).problems.len();
        assert_eq!((told(true), told(false)), (1, 0), "where no group has the node it is not needed");
    }

    #[test]
    fn an_agent_that_only_looks_needs_no_change() {
        let mut settings = Settings::default();
        settings.membership.ownership = Ownership::Observe;
        assert!(permissions(&settings, &Outcomes::new()).iter().all(|one| one.tried == Tried::Unneeded));
        assert_eq!(statements(&settings, &Known::default()), [""; 0]);
        settings.membership.ownership = Ownership::Auto;
        assert!(statements(&settings, &Known::default())[0].contains("RegisterTargets"));
        settings.aws.dry_run = true;
        assert_eq!(statements(&settings, &Known::default()), [""; 0]);
    }
}
