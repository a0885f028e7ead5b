//! The policy: a pure function of the features, of what is known of the ARNs, and of the tag that may stand in for
//! names. It asks nobody, and prints nothing.

use super::feature::{ACTIONS, Action, Feature, On};
use crate::aws::{AUTO_SCALING, ELASTIC_LOAD_BALANCING};
use serde::{Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};

/// What stands where nothing is known. IAM refuses a policy with the first of them; the others match nothing.
const PARTITION: &str = "PARTITION";
const REGION: &str = "REGION";
const ACCOUNT: &str = "ACCOUNT";
const LOAD_BALANCER: &str = "LOAD_BALANCER";
/// Stands for the name of a target group.
pub const TARGET_GROUP: &str = "TARGET_GROUP";
/// Stands for the name of an Auto Scaling group.
pub const AUTO_SCALING_GROUP: &str = "AUTO_SCALING_GROUP";
const PLACEHOLDERS: [&str; 6] = [PARTITION, REGION, ACCOUNT, TARGET_GROUP, LOAD_BALANCER, AUTO_SCALING_GROUP];

/// Longest key and value of a tag, in characters (AWS: "Tag restrictions").
const MOST_KEY: usize = 128;
const MOST_VALUE: usize = 256;

/// Regions outside the partition `aws`, by how their names begin.
const PARTITIONS: [(&str, &str); 7] = [
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("eusc-", "aws-eusc"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("eu-isoe-", "aws-iso-e"),
    ("us-isof-", "aws-iso-f"),
];

/// What is known of the ARNs. What is not becomes a placeholder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// `aws`, `aws-cn`, `aws-us-gov`; without it the region tells.
    pub partition: Option<String>,
    pub region: Option<String>,
    /// Twelve digits.
    pub account: Option<String>,
    /// Names or ARNs.
    pub target_groups: Vec<String>,
    /// Name of the Auto Scaling group.
    pub scaling_group: Option<String>,
}

impl Known {
    fn partition(&self) -> &str {
        let of_region = |region: &String| {
            let named = PARTITIONS.iter().find(|(beginning, _)| region.starts_with(beginning));
            named.map_or("aws", |(_, partition)| partition)
        };
        self.partition.as_deref().or(self.region.as_ref().map(of_region)).unwrap_or(PARTITION)
    }

    fn arn(&self, service: &str, resource: &str) -> String {
        let region = self.region.as_deref().unwrap_or(REGION);
        let account = self.account.as_deref().unwrap_or(ACCOUNT);
        format!("arn:{}:{service}:{region}:{account}:{resource}", self.partition())
    }

    /// The target group of this name, whatever its id.
    fn target_group(&self, name: &str) -> String {
        self.arn(ELASTIC_LOAD_BALANCING, &format!("targetgroup/{name}/*"))
    }

    fn load_balancer(&self, name: &str) -> String {
        self.arn(ELASTIC_LOAD_BALANCING, &format!("loadbalancer/app/{name}/*"))
    }

    fn scaling_group(&self, name: &str) -> String {
        self.arn(AUTO_SCALING, &format!("autoScalingGroup:*:autoScalingGroupName/{name}"))
    }

    /// The resources of a statement. Where a tag says which, names do not.
    fn resources(&self, on: On, tagged: bool) -> Vec<String> {
        match on {
            On::Everything => vec!["*".to_owned()],
            On::TargetGroups if tagged => vec![self.target_group("*")],
            On::TargetGroups if self.target_groups.is_empty() => vec![self.target_group(TARGET_GROUP)],
            On::TargetGroups => {
                let arn =
                    |named: &String| if named.starts_with("arn:") { named.clone() } else { self.target_group(named) };
                self.target_groups.iter().map(arn).collect::<BTreeSet<_>>().into_iter().collect()
            }
            On::LoadBalancers => vec![self.load_balancer(if tagged { "*" } else { LOAD_BALANCER })],
            On::ScalingGroup if tagged => vec![self.scaling_group("*")],
            On::ScalingGroup => {
                let name = self.scaling_group.as_deref().map(literal);
                vec![self.scaling_group(name.as_deref().unwrap_or(AUTO_SCALING_GROUP))]
            }
        }
    }
}

/// A name that means itself alone: an Auto Scaling group's may hold what IAM reads as a wildcard or a variable.
fn literal(name: &str) -> String {
    let one = |c: char| if "*?$".contains(c) { format!("${{{c}}}") } else { c.to_string() };
    name.chars().map(one).collect()
}

/// A tag that resources have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    key: String,
    value: String,
}

impl Tag {
    /// Reads `KEY=VALUE`; the first `=` parts them. What AWS allows in tags holds none of IAM's wildcards.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn parse(text: &str) -> Result<Tag, String> {
        let (key, value) = text.split_once('=').ok_or("there is no `=` in it; write it as \"team=rundeck\"")?;
        let allowed = |c: char| c.is_alphanumeric() || " +-=._:/@".contains(c);
        if key.is_empty() || !text.chars().all(allowed) {
            return Err("a tag has a key, and letters, digits, spaces and + - = . _ : / @ alone".to_owned());
        }
        if key.chars().count() > MOST_KEY || value.chars().count() > MOST_VALUE {
            return Err(format!("a tag's key has at most {MOST_KEY} characters, its value {MOST_VALUE}"));
        }
        Ok(Tag { key: key.to_owned(), value: value.to_owned() })
    }
}

/// A policy as IAM reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Policy {
    version: &'static str,
    statement: Vec<Statement>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    sid: &'static str,
    effect: &'static str,
    #[serde(serialize_with = "one_or_all")]
    action: Vec<String>,
    #[serde(serialize_with = "one_or_all")]
    resource: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    condition: BTreeMap<&'static str, BTreeMap<String, String>>,
}

impl Statement {
    /// The statement that this action opens.
    fn of(action: &Action, known: &Known, tag: Option<&Tag>) -> Statement {
        // Reading takes no resource, so no tag of one either: with a condition it would be denied.
        let tag = tag.filter(|_| action.on != On::Everything);
        let is_tagged = |tag: &Tag| [(format!("aws:ResourceTag/{}", tag.key), tag.value.clone())].into();
        Statement {
            sid: action.statement,
            effect: "Allow",
            action: vec![action.name()],
            resource: known.resources(action.on, tag.is_some()),
            condition: tag.map(|tag| ("StringEquals", is_tagged(tag))).into_iter().collect(),
        }
    }
}

/// All that these features call.
pub fn of_features(features: &BTreeSet<Feature>) -> Vec<&'static Action> {
    ACTIONS.iter().filter(|action| action.features.iter().any(|feature| features.contains(feature))).collect()
}

/// The least that allows these actions, which stand in the order of the table.
pub fn policy(actions: &[&Action], known: &Known, tag: Option<&Tag>) -> Policy {
    let mut statement: Vec<Statement> = Vec::new();
    for action in actions {
        match statement.last_mut() {
            Some(last) if last.sid == action.statement => last.action.push(action.name()),
            Some(_) | None => statement.push(Statement::of(action, known, tag)),
        }
    }
    Policy { version: "2012-10-17", statement }
}

impl Policy {
    /// What somebody has to fill in.
    pub fn placeholders(&self) -> Vec<&'static str> {
        let resources = self.statement.iter().flat_map(|statement| &statement.resource);
        let words: BTreeSet<&str> = resources.flat_map(|resource| resource.split([':', '/'])).collect();
        PLACEHOLDERS.into_iter().filter(|placeholder| words.contains(placeholder)).collect()
    }

    /// Each statement by itself, as IAM reads it and for people to paste.
    pub fn statements(&self) -> Vec<String> {
        // Plain data always serialises.
        self.statement.iter().filter_map(|statement| serde_json::to_string_pretty(statement).ok()).collect()
    }

    /// Whether targets may be registered by it.
    pub fn registers(&self) -> bool {
        self.statement.iter().flat_map(|statement| &statement.action).any(|action| action.ends_with(":RegisterTargets"))
    }

    /// Whether it allows more than reading.
    pub fn changes(&self) -> bool {
        self.statement.iter().flat_map(|statement| &statement.action).any(|action| !action.contains(":Describe"))
    }
}

/// IAM takes a text where a list has one.
fn one_or_all<S: Serializer>(texts: &[String], to: S) -> Result<S::Ok, S::Error> {
    match texts {
        [one] => one.serialize(to),
        all => all.serialize(to),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;
    use serde_json::{Value, json};

    const PLACES: [(&str, &str); 3] = [("aws", "eu-west-1"), ("aws-cn", "cn-north-1"), ("aws-us-gov", "us-gov-west-1")];

    fn node(partition: Option<&str>, region: &str) -> Known {
        Known {
            partition: partition.map(str::to_owned),
            region: Some(region.to_owned()),
            account: Some("123456789012".to_owned()),
            target_groups: vec!["rundeck-prod".to_owned()],
            scaling_group: Some("rundeck-blue".to_owned()),
        }
    }

    fn drawn(features: &[Feature], known: &Known, tag: Option<&str>) -> Policy {
        let tag = tag.map(|tag| Tag::parse(tag).expect("a tag"));
        policy(&of_features(&features.iter().copied().collect()), known, tag.as_ref())
    }

    fn resources(policy: &Policy, sid: &str) -> Vec<String> {
        let named = policy.statement.iter().filter(|statement| statement.sid == sid);
        named.flat_map(|statement| statement.resource.clone()).collect()
    }

    #[test]
    fn each_feature_has_its_actions_and_resources_of_their_service_in_each_partition() {
        for (partition, region) in PLACES {
            for feature in Feature::value_variants() {
                let policy = drawn(&[*feature], &node(Some(partition), region), None);
                let own = ACTIONS.iter().filter(|action| action.features.contains(feature));
                let allowed = policy.statement.iter().flat_map(|statement| statement.action.clone());
                assert_eq!(allowed.collect::<Vec<_>>(), own.map(Action::name).collect::<Vec<_>>());
                for Statement { sid, effect, action, resource, condition } in &policy.statement {
                    assert!(*effect == "Allow" && condition.is_empty());
                    assert!(sid.bytes().all(|byte| byte.is_ascii_alphanumeric()), "IAM takes no other in {sid}");
                    let service = action[0].split(':').next().unwrap_or_default();
                    let here = format!("arn:{partition}:{service}:{region}:123456789012:");
                    let reads = action.iter().all(|action| action.contains(":Describe"));
                    assert!(
                        resource.iter().all(|arn| if reads { arn == "*" } else { arn.starts_with(&here) }),
                        "{sid}"
                    );
                }
                let lacking: &[&str] = if *feature == Feature::Fix { &["LOAD_BALANCER"] } else { &[] };
                assert_eq!(policy.placeholders(), lacking, "{feature:?}");
            }
        }
    }

    #[test]
    fn several_features_share_their_statements() {
        let all = drawn(Feature::value_variants(), &node(None, "eu-west-1"), None);
        let sids: Vec<&str> = all.statement.iter().map(|statement| statement.sid).collect();
        let wanted =
            ["ReadLoadBalancing", "ReadAutoScaling", "Membership", "Standby", "LifecycleHooks", "FixTargetGroups"];
        assert_eq!(sids, [&wanted[..], &["FixLoadBalancers"]].concat());
        assert_eq!(all.statement.iter().map(|statement| statement.action.len()).sum::<usize>(), ACTIONS.len());
    }

    #[test]
    fn the_region_tells_the_partition_where_nobody_else_does() {
        let told = |region: &str| node(None, region).partition().to_owned();
        for (partition, region) in PLACES {
            assert_eq!(told(region), partition);
        }
        for (beginning, partition) in PARTITIONS {
            assert_eq!(told(&format!("{beginning}east-1")), partition);
        }
        assert_eq!(told("il-central-1"), "aws");
    }

    #[test]
    fn a_group_is_named_by_its_arn_or_by_its_name_with_any_id() {
        let arn = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/rundeck-api/73e2d6bc24d8a067";
        let named = ["rundeck-prod", arn, "rundeck-prod"].map(str::to_owned).to_vec();
        let known = Known { target_groups: named, ..node(None, "eu-west-1") };
        let both = drawn(&[Feature::Membership], &known, None);
        let prod = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/rundeck-prod/*";
        assert_eq!(resources(&both, "Membership"), [arn, prod]);
        let standby = drawn(&[Feature::Standby], &known, None);
        let group = "arn:aws:autoscaling:eu-west-1:123456789012:autoScalingGroup:*:autoScalingGroupName/rundeck-blue";
        assert_eq!(resources(&standby, "Standby"), [group]);
    }

    #[test]
    fn a_groups_name_never_means_others() {
        let known = Known { scaling_group: Some("a*b?${aws:x".to_owned()), ..node(None, "eu-west-1") };
        let policy = drawn(&[Feature::Hooks], &known, None);
        let name = "autoScalingGroupName/a${*}b${?}${$}{aws:x";
        assert!(resources(&policy, "LifecycleHooks")[0].ends_with(name), "{policy:?}");
    }

    #[test]
    fn what_nobody_knows_is_a_placeholder() {
        let nowhere = Known::default();
        let membership = drawn(&[Feature::Membership], &nowhere, None);
        let arn = "arn:PARTITION:elasticloadbalancing:REGION:ACCOUNT:targetgroup/TARGET_GROUP/*";
        assert_eq!(resources(&membership, "Membership"), [arn]);
        assert_eq!(membership.placeholders(), ["PARTITION", "REGION", "ACCOUNT", "TARGET_GROUP"]);
        assert_eq!(drawn(Feature::value_variants(), &nowhere, None).placeholders(), PLACEHOLDERS);
        assert_eq!(drawn(&[Feature::Verify], &nowhere, None).placeholders(), [""; 0]);
    }

    #[test]
    fn a_tag_limits_all_that_changes_and_nothing_that_reads() {
        let policy = drawn(Feature::value_variants(), &node(None, "cn-north-1"), Some("team=run deck=1"));
        assert_eq!(policy.placeholders(), [""; 0], "no name is needed");
        for statement in &policy.statement {
            let condition = serde_json::to_value(&statement.condition).expect("JSON");
            let reads = statement.sid.starts_with("Read");
            let wanted =
                if reads { json!({}) } else { json!({"StringEquals": {"aws:ResourceTag/team": "run deck=1"}}) };
            assert_eq!(condition, wanted, "{}", statement.sid);
            let open = |arn: &String| arn == "*" || arn.ends_with("/*");
            assert!(statement.resource.iter().all(open), "{:?}", statement.resource);
        }
        let named: Value = serde_json::to_value(drawn(&[Feature::Fix], &Known::default(), None)).expect("JSON");
        assert!(!named.to_string().contains("Condition"), "{named}");
    }

    #[test]
    fn a_tag_is_one_that_aws_allows() {
        for good in ["team=rundeck", "aws:cloudformation:stack-name=a/b", "Übung=ä", "empty="] {
            assert!(Tag::parse(good).is_ok(), "{good}");
        }
        let long = format!("{}=x", "k".repeat(MOST_KEY + 1));
        for bad in ["", "team", "=x", "team=*", "team=${aws:username}", "team=a\nb", &long] {
            assert!(Tag::parse(bad).is_err(), "{bad}");
        }
    }
}
