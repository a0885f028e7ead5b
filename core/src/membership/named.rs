//! Which groups are named, and which target of this node a named group means: as far as AWS or the configuration say.

use crate::contract::{GroupFacts, GroupWanted, MembershipPolicy, Ownership, Target};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// Configuration first, else the tag: one image serves every cluster, and a file on a node still wins. `tag`: what it
/// says, empty where it is not there; `None`, here and there: not known.
pub(crate) fn named_groups<'a>(policy: &'a MembershipPolicy, tag: Option<&str>) -> Option<Cow<'a, [GroupWanted]>> {
    if !policy.groups.is_empty() || policy.discover_tag.is_none() {
        return Some(Cow::Borrowed(&policy.groups));
    }
    let by_tag =
        |name: &str| GroupWanted { group: name.into(), port: None, target_type: None, ownership: policy.ownership };
    Some(tag?.split_whitespace().map(by_tag).collect())
}

/// The groups that are named, and behind them those that an Auto Scaling group has attached, by ARN: one that is named,
/// too, has the same target, and is one.
pub(crate) fn listed_groups(named: &[GroupWanted], attached: &BTreeSet<String>) -> Vec<GroupWanted> {
    let by_arn =
        |arn: &String| GroupWanted { group: arn.clone(), port: None, target_type: None, ownership: Ownership::Observe };
    let others =
        attached.iter().filter(|arn| !named.iter().any(|wanted| wanted.group == **arn && wanted.port.is_none()));
    named.iter().cloned().chain(others.map(by_arn)).collect()
}

/// This node's target in the group, under this id; `None`: not known yet. Where the group is named by its ARN, with
/// port and type, AWS need not be asked.
pub(crate) fn target_of(wanted: &GroupWanted, facts: Option<&GroupFacts>, id: &str) -> Option<Target> {
    let arn = facts.map(|facts| &facts.arn).or(Some(&wanted.group).filter(|named| named.starts_with("arn:")))?;
    let name = facts.map_or_else(|| name_in(arn), |facts| &facts.name);
    let port = wanted.port.or(facts.map(|facts| facts.port))?;
    Some(Target { group: arn.clone(), name: name.to_owned(), id: id.to_owned(), port })
}

/// The group's name as its ARN holds it: `…:targetgroup/NAME/ID`.
fn name_in(arn: &str) -> &str {
    arn.split('/').nth(1).unwrap_or(arn)
}

/// What it costs that AWS does not say what the group is like, and the way round it; empty: nothing.
pub(super) fn costs(wanted: &GroupWanted, known: bool) -> String {
    if known {
        return String::new();
    }
    format!(": {} is joined once AWS, or [[target_group]] instead, says its ARN, port and target type", wanted.group)
}
