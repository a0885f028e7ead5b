//! Which groups are named, and which target of this node a named group means: as far as AWS or the configuration say.

use crate::contract::{GroupFacts, GroupWanted, Identity, MembershipPolicy, Ownership, Target};
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

/// As a group is named that AWS does not find, and where its ARN leads to, if that is not where this node is.
pub(super) fn with_place(name: &str, identity: Option<&Identity>) -> String {
    let Some(identity) = identity.filter(|_| name.starts_with("arn:")) else { return name.to_owned() };
    let own = [
        ("partition", 1, identity.partition.as_deref()),
        ("region", 3, Some(identity.region.as_str())),
        ("account", 4, identity.account.as_deref()),
    ];
    let parts: Vec<&str> = name.split(':').collect();
    let strange = own.into_iter().find_map(|(what, at, own)| {
        let (its, own) = (parts.get(at)?, own?);
        (*its != own).then(|| format!("{name} (of {what} {its:?}, and this node is in {own})"))
    });
    strange.unwrap_or_else(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_that_leads_away_from_this_node_is_told_with_where_it_leads() {
        for (partition, region) in [("aws", "eu-west-1"), ("aws-cn", "cn-north-1"), ("aws-us-gov", "us-gov-west-1")] {
            let identity = Identity {
                region: region.into(),
                partition: Some(partition.into()),
                account: Some("123456789012".into()),
                ..Identity::default()
            };
            let told = |name: &str| with_place(name, Some(&identity));
            let ours = format!("arn:{partition}:elasticloadbalancing:{region}:123456789012:targetgroup/web/0");
            assert_eq!(told(&ours), ours);
            assert_eq!(told("web"), "web");
            let strange = [
                (ours.replace(&format!("arn:{partition}:"), "arn:aws-x:"), format!("partition \"aws-x\", {partition}")),
                (ours.replace(region, "us-east-2"), format!("region \"us-east-2\", {region}")),
                (ours.replace("123456789012", "210987654321"), "account \"210987654321\", 123456789012".to_owned()),
            ];
            for (name, place) in strange {
                let (its, own) = place.split_once(", ").unwrap_or_default();
                assert_eq!(told(&name), format!("{name} (of {its}, and this node is in {own})"));
            }
            assert_eq!(
                with_place("arn:", Some(&identity)),
                "arn: (of partition \"\", and this node is in ".to_owned() + partition + ")"
            );
        }
    }
}
