//! What the agent can be allowed: its features, and the actions of AWS that each of them calls. A table; it knows no
//! resource by name, and draws no policy.

use crate::aws::{AUTO_SCALING, ELASTIC_LOAD_BALANCING};
use Feature::{AutoScaling, Fix, Hooks, Membership, Standby, Verify};
use clap::ValueEnum;

/// A part of the agent that needs permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Feature {
    /// Puts the node into its target groups, takes it out, looks at it there.
    Membership,
    /// Asks which Auto Scaling group has the node, and what that is like.
    AutoScaling,
    /// Moves the node into Standby and back.
    Standby,
    /// Answers the lifecycle hooks of the Auto Scaling group.
    Hooks,
    /// Compares the load balancer with what Rundeck needs.
    Verify,
    /// Changes the settings that are wrong there.
    Fix,
}

/// What this version calls, where it is switched on. A test holds it to `src/aws`; the others are for roles that are
/// made for later versions.
pub const USED: [Feature; 3] = [Membership, AutoScaling, Standby];

impl Feature {
    /// As it is given on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Membership => "membership",
            AutoScaling => "auto-scaling",
            Standby => "standby",
            Hooks => "hooks",
            Verify => "verify",
            Fix => "fix",
        }
    }
}

/// What an action can be limited to, by AWS's "Service Authorization Reference".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// To nothing: it takes `*` alone.
    Everything,
    /// To target groups.
    TargetGroups,
    /// To load balancers.
    LoadBalancers,
    /// To Auto Scaling groups.
    ScalingGroup,
}

/// One action and who calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Action {
    /// Id of the statement in which it stands, beside its neighbours in the table.
    pub statement: &'static str,
    /// The service as permissions write it.
    pub service: &'static str,
    /// The API's name for the call.
    pub operation: &'static str,
    /// What it is allowed on.
    pub on: On,
    /// Who calls it.
    pub features: &'static [Feature],
}

impl Action {
    /// As permissions write it, like `elasticloadbalancing:RegisterTargets`.
    pub fn name(&self) -> String {
        format!("{}:{}", self.service, self.operation)
    }

    /// It changes nothing.
    pub fn reads(&self) -> bool {
        self.operation.starts_with("Describe")
    }
}

/// Every action. Nothing that creates or deletes is among them: an operator sets up a load balancer, not a node.
pub const ACTIONS: [Action; 20] = [
    read_balancer("DescribeTargetGroups", &[Membership, Standby, Verify, Fix]),
    read_balancer("DescribeTargetGroupAttributes", &[Membership, Standby, Verify, Fix]),
    read_balancer("DescribeTargetHealth", &[Membership, Standby]),
    read_balancer("DescribeLoadBalancers", &[Verify, Fix]),
    read_balancer("DescribeLoadBalancerAttributes", &[Verify, Fix]),
    read_balancer("DescribeListeners", &[Verify, Fix]),
    read_balancer("DescribeRules", &[Verify, Fix]),
    read_scaling("DescribeAutoScalingInstances", &[AutoScaling, Standby, Hooks, Verify, Fix]),
    read_scaling("DescribeAutoScalingGroups", &[AutoScaling, Standby, Hooks, Verify, Fix]),
    read_scaling("DescribeLifecycleHooks", &[Hooks, Verify, Fix]),
    read_scaling("DescribeInstanceRefreshes", &[Standby, Verify, Fix]),
    change("Membership", "RegisterTargets", On::TargetGroups, &[Membership]),
    change("Membership", "DeregisterTargets", On::TargetGroups, &[Membership]),
    change("Standby", "EnterStandby", On::ScalingGroup, &[Standby]),
    change("Standby", "ExitStandby", On::ScalingGroup, &[Standby]),
    change("LifecycleHooks", "CompleteLifecycleAction", On::ScalingGroup, &[Hooks]),
    change("LifecycleHooks", "RecordLifecycleActionHeartbeat", On::ScalingGroup, &[Hooks]),
    change("FixTargetGroups", "ModifyTargetGroup", On::TargetGroups, &[Fix]),
    change("FixTargetGroups", "ModifyTargetGroupAttributes", On::TargetGroups, &[Fix]),
    change("FixLoadBalancers", "ModifyLoadBalancerAttributes", On::LoadBalancers, &[Fix]),
];

const fn read_balancer(operation: &'static str, features: &'static [Feature]) -> Action {
    let statement = "ReadLoadBalancing";
    Action { statement, service: ELASTIC_LOAD_BALANCING, operation, on: On::Everything, features }
}

const fn read_scaling(operation: &'static str, features: &'static [Feature]) -> Action {
    Action { statement: "ReadAutoScaling", service: AUTO_SCALING, operation, on: On::Everything, features }
}

const fn change(statement: &'static str, operation: &'static str, on: On, features: &'static [Feature]) -> Action {
    let service = match on {
        On::ScalingGroup => AUTO_SCALING,
        On::Everything | On::TargetGroups | On::LoadBalancers => ELASTIC_LOAD_BALANCING,
    };
    Action { statement, service, operation, on, features }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::error::Error;
    use std::fs;

    #[test]
    fn words_are_those_of_the_command_line() {
        for feature in Feature::value_variants() {
            let given = feature.to_possible_value().map(|value| value.get_name().to_owned());
            assert_eq!(given.as_deref(), Some(feature.word()));
        }
    }

    /// Somebody who has a node's permissions must not be able to build or to tear down.
    #[test]
    fn nothing_creates_or_deletes_and_only_fix_modifies() {
        let changing = ACTIONS.iter().filter(|action| !action.reads());
        for action in changing {
            assert_ne!(action.on, On::Everything, "{}", action.name());
            let fixes = action.features == [Fix];
            assert_eq!(action.operation.starts_with("Modify"), fixes, "{}", action.name());
            let sets_up = ["Create", "Delete", "Add", "Remove", "Set", "Put", "Update", "Attach", "Detach"];
            assert!(!sets_up.iter().any(|word| action.operation.starts_with(word)), "{}", action.name());
        }
        let fixed: Vec<&str> =
            ACTIONS.iter().filter(|action| action.features == [Fix]).map(|action| action.operation).collect();
        assert_eq!(fixed, ["ModifyTargetGroup", "ModifyTargetGroupAttributes", "ModifyLoadBalancerAttributes"]);
    }

    /// AWS knows no resource for them.
    #[test]
    fn what_reads_is_allowed_on_everything() {
        for action in ACTIONS.iter().filter(|action| action.reads()) {
            assert_eq!(action.on, On::Everything, "{}", action.name());
        }
    }

    #[test]
    fn a_statement_is_of_one_service_and_one_kind_of_resource_and_in_one_place() {
        let mut seen: Vec<Action> = Vec::new();
        for action in ACTIONS {
            let same = |other: &Action| (other.service, other.on) == (action.service, action.on);
            match seen.last() {
                Some(last) if last.statement == action.statement => assert!(same(last), "{}", action.name()),
                _ => assert!(!seen.iter().any(|other| other.statement == action.statement), "{}", action.name()),
            }
            assert!(!seen.iter().any(|other| other.name() == action.name()), "{} stands twice", action.name());
            seen.push(action);
        }
    }

    /// `describe_rules` is `DescribeRules`.
    fn operation(method: &str) -> String {
        let word = |word: &str| word[..1].to_uppercase() + &word[1..];
        method.split('_').map(word).collect()
    }

    /// What the clients of `src/aws` call, as permissions write it.
    fn called() -> Result<BTreeSet<String>, Box<dyn Error>> {
        let mut called = BTreeSet::new();
        for file in fs::read_dir("src/aws")? {
            let path = file?.path();
            if path.extension().is_none_or(|kind| kind != "rs") {
                continue;
            }
            let text = fs::read_to_string(&path)?;
            let imported = |line: &str| Some(line.strip_prefix("use aws_sdk_")?.strip_suffix("::Client;")?.to_owned());
            let service = match text.lines().find_map(imported).as_deref() {
                None => continue,
                Some("elasticloadbalancingv2") => ELASTIC_LOAD_BALANCING,
                Some("autoscaling") => AUTO_SCALING,
                Some(other) => return Err(format!("{}: which service is {other}?", path.display()).into()),
            };
            let code: String = text.split_whitespace().collect();
            for call in code.split("self.client.").skip(1) {
                let operation = operation(call.split('(').next().unwrap_or_default());
                assert!(code.contains(&format!("\"{operation}\"")), "{} counts no {operation}", path.display());
                called.insert(format!("{service}:{operation}"));
            }
        }
        Ok(called)
    }

    #[test]
    fn what_is_used_is_what_is_called_neither_more_nor_less() -> Result<(), Box<dyn Error>> {
        let used = ACTIONS.iter().filter(|action| action.features.iter().any(|feature| USED.contains(feature)));
        assert_eq!(used.map(Action::name).collect::<BTreeSet<_>>(), called()?);
        Ok(())
    }

    #[test]
    fn the_page_has_a_row_for_each_action() -> Result<(), Box<dyn Error>> {
        let page = fs::read_to_string("docs/SECURITY.md")?;
        for action in ACTIONS {
            let on = match action.on {
                On::Everything => "`*`",
                On::TargetGroups => "the target groups",
                On::LoadBalancers => "the load balancer",
                On::ScalingGroup => "the Auto Scaling group",
            };
            let features: Vec<String> = action.features.iter().map(|feature| format!("`{}`", feature.word())).collect();
            let row = format!("| `{}` | {on} | {} |", action.name(), features.join(", "));
            assert!(page.contains(&row), "docs/SECURITY.md lacks: {row}");
        }
        let rows =
            page.lines().filter(|line| line.starts_with("| `elasticload") || line.starts_with("| `autoscaling:"));
        assert_eq!(rows.count(), ACTIONS.len());
        Ok(())
    }
}
