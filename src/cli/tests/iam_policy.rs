//! `iam-policy`: what is printed for each set of features.

use super::{Ran, Tested, golden, run_in};
use crate::cli::iam_policy::{Feature, USED};
use clap::ValueEnum;
use serde_json::Value;
use std::error::Error;
use std::fs;

const OFF: (&str, &str) = ("AWS_EC2_METADATA_DISABLED", "true");
const ARN: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/rundeck-api/73e2d6bc24d8a067";
/// Runs `line` with this configuration.
fn printed(config: &str, variables: &[(&str, &str)], line: &str) -> Result<Ran, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("agent.toml"), config)?;
    let ran = run_in(folder.path(), variables, false, line)?;
    assert!(ran.code(0), "{ran:?}");
    Ok(ran)
}

/// The command line, the policy and the remarks.
fn told(line: &str, ran: &Ran) -> String {
    format!("$ rundeck-alb-agent {line}\n{}{}\n", ran.out, ran.err)
}

#[test]
fn each_set_of_features_has_its_golden_policy() -> Tested {
    let mut lines = vec!["iam-policy".to_owned()];
    lines.extend(Feature::value_variants().iter().map(|feature| format!("iam-policy --feature {}", feature.word())));
    let all: String =
        Feature::value_variants().iter().map(|feature| format!(" --feature {}", feature.word())).collect();
    lines.push(format!("iam-policy{all} --by-tag team=rundeck"));
    let mut text = String::new();
    for line in lines {
        let ran = printed("", &[OFF], &line)?;
        let wide = ran.err.lines().find(|line| line.chars().count() > 100);
        assert_eq!(wide, None);
        text.push_str(&told(&line, &ran));
    }
    golden("iam-policy.txt", &text)
}

#[test]
fn groups_and_region_come_from_the_configuration() -> Tested {
    let config = "[aws]\nregion = \"cn-north-1\"\n[[target_group]]\nname = \"rundeck-prod\"\n";
    let ran = printed(config, &[OFF], "iam-policy")?;
    let arn = "\"arn:aws-cn:elasticloadbalancing:cn-north-1:ACCOUNT:targetgroup/rundeck-prod/*\"";
    assert!(ran.out.contains(arn) && ran.err.contains("fill in ACCOUNT\n"), "{ran:?}");
    let ran = printed(&format!("[[target_group]]\narn = \"{ARN}\"\n"), &[OFF], "iam-policy")?;
    assert!(ran.out.contains(&format!("\"{ARN}\"")) && !ran.err.contains("fill in"), "{ran:?}");
    Ok(())
}

#[test]
fn output_is_the_policy_alone_in_either_format() -> Tested {
    let text = printed("", &[OFF], "iam-policy")?;
    let json = printed("", &[OFF], "iam-policy --output json")?;
    assert_eq!(text.out, json.out);
    let policy: Value = serde_json::from_str(&text.out)?;
    assert_eq!(policy["Version"], "2012-10-17");
    let quiet = printed("", &[OFF], "iam-policy --quiet")?;
    assert!(quiet.out.is_empty() && quiet.err.is_empty(), "{quiet:?}");
    Ok(())
}

#[test]
fn the_help_says_what_each_feature_is_and_which_are_used() -> Tested {
    let help = printed("", &[], "iam-policy --help")?.out;
    for feature in Feature::value_variants() {
        assert!(help.contains(&format!("\n  {:<12}  ", feature.word())), "{help}");
    }
    let used = USED.map(Feature::word);
    assert!(help.contains(&format!("(this version uses {};", used.join(" and "))), "{help}");
    assert!(help.contains(&format!("[default: {}]", used.join(", "))), "{help}");
    Ok(())
}

#[test]
fn a_policy_that_is_too_long_for_iam_is_told() -> Tested {
    let groups: String = (0..90).map(|n| format!("[[target_group]]\nname = \"rundeck-{n}\"\n")).collect();
    let ran = printed(&groups, &[OFF, ("AWS_REGION", "eu-west-1")], "iam-policy")?;
    assert!(ran.out.contains("arn:aws:elasticloadbalancing:eu-west-1:ACCOUNT:targetgroup/rundeck-89/*"), "{ran:?}");
    assert!(ran.err.contains("a managed policy holds 6144"), "{ran:?}");
    Ok(())
}
