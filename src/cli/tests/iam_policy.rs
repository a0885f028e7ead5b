//! `iam-policy`: what is printed for each set of features, off EC2 and on a node of the lab.

use super::{Ran, Tested, golden, run_in};
use crate::cli::iam_policy::Feature;
use clap::ValueEnum;
use rundeck_alb_lab::World;
use rundeck_alb_lab::alb::GroupSettings;
use rundeck_alb_lab::faults::{Fault, Rule};
use rundeck_alb_lab::imds::Imds;
use serde_json::Value;
use std::error::Error;
use std::fs;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

const OFF: (&str, &str) = ("AWS_EC2_METADATA_DISABLED", "true");
const ENDPOINT: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
const ARN: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/rundeck-api/73e2d6bc24d8a067";
/// Far longer than the lab takes to start on a busy machine.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// The metadata service of a node, on a thread of its own: the command has a runtime of its own.
struct Node {
    url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Node {
    /// A node with these tags; without any, tags are off.
    fn start(tags: &[(&str, &str)], change: impl FnOnce(&Imds) + Send + 'static) -> Result<Node, Box<dyn Error>> {
        let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let (stop, stopped) = oneshot::channel();
        let (told, url) = mpsc::sync_channel(1);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                let Ok(world) = World::builder().group(GroupSettings::named("rundeck-test")).start() else { return };
                world.imds(0).set_tags(Some(&tags));
                change(world.imds(0));
                // A test that has ended needs neither.
                let _ = told.send(world.imds_url(0));
                let _ = stopped.await;
            });
        });
        Ok(Node { url: url.recv_timeout(LONGEST_WAIT)?, stop: Some(stop), thread: Some(thread) })
    }

    fn env(&self) -> [(&str, &str); 1] {
        [(ENDPOINT, &self.url)]
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.stop.take());
        drop(self.thread.take().map(JoinHandle::join));
    }
}

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
fn a_node_and_its_configuration_fill_the_arns_in() -> Tested {
    let tags = [("rundeck-alb-agent:target-groups", "rundeck-prod"), ("aws:autoscaling:groupName", "rundeck-blue")];
    let node = Node::start(&tags, |_| {})?;
    let china = Node::start(&[], |imds| {
        let document = r#"{"accountId": "123456789012", "instanceId": "i-1", "region": "cn-north-1",
            "availabilityZone": "cn-north-1a"}"#;
        imds.set("dynamic/instance-identity/document", Some(document));
        imds.set("services/partition", Some("aws-cn"));
    })?;
    let groups = format!("[[target_group]]\nname = \"rundeck-prod\"\n[[target_group]]\narn = \"{ARN}\"\n");
    let elsewhere = "[aws]\nregion = \"us-gov-west-1\"\n[[target_group]]\nname = \"rundeck-prod\"\n";
    let mut text = String::new();
    let (on, china) = (node.env(), china.env());
    let cases = [
        ("on a node whose tags name its groups", "", on, "iam-policy --feature membership --feature hooks"),
        ("on a node in China without tags", "", china, "iam-policy --feature membership --feature standby"),
        ("on a node, groups in the configuration", &groups, on, "iam-policy"),
        ("elsewhere, group and region in the configuration", elsewhere, [OFF], "iam-policy"),
        ("on a node, by tag", "", on, "iam-policy --feature membership --by-tag team=rundeck"),
    ];
    for (what, config, variables, line) in cases {
        text.push_str(&format!("# {what}\n{}", told(line, &printed(config, &variables, line)?)));
    }
    golden("iam-policy-filled.txt", &text)
}

#[test]
fn a_configuration_that_names_its_groups_by_arn_leaves_nothing_open() -> Tested {
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
fn the_help_says_what_each_feature_is() -> Tested {
    let help = printed("", &[], "iam-policy --help")?.out;
    for feature in Feature::value_variants() {
        assert!(help.contains(&format!("\n  {:<12}  ", feature.word())), "{help}");
    }
    assert!(help.contains("[default: what is configured]"), "{help}");
    Ok(())
}

#[test]
fn without_a_feature_the_policy_is_for_what_the_configuration_switches_on() -> Tested {
    let lines = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let plain = printed("", &[OFF], "iam-policy")?;
    assert!(plain.out.contains("RegisterTargets") && !plain.out.contains("Standby"), "{plain:?}");
    assert!(lines(&plain.err).contains("no condition key limits which target"), "{plain:?}");
    let standby = printed("[membership]\nstandby = \"decrement\"\n", &[OFF], "iam-policy")?;
    for action in ["RegisterTargets", "EnterStandby", "ExitStandby", "DescribeInstanceRefreshes"] {
        assert!(standby.out.contains(&format!(":{action}\"")), "{action}: {standby:?}");
    }
    assert!(!standby.err.contains("does not use yet"), "{standby:?}");
    let observes = printed("[membership]\nownership = \"observe\"\n", &[OFF], "iam-policy")?;
    assert!(!observes.out.contains("Targets\"") && observes.out.contains("DescribeTargetHealth"), "{observes:?}");
    assert!(lines(&observes.err).contains("changes nothing at AWS"), "{observes:?}");
    Ok(())
}

#[test]
fn nobody_is_asked_where_nothing_is_missing() -> Tested {
    let metadata = TcpListener::bind("127.0.0.1:0")?;
    metadata.set_nonblocking(true)?;
    let url = format!("http://{}", metadata.local_addr()?);
    let config = format!("[[target_group]]\narn = \"{ARN}\"\n");
    for (config, line) in [("", "iam-policy --feature verify"), (&config, "iam-policy")] {
        printed(config, &[(ENDPOINT, &url)], line)?;
        assert_eq!(metadata.accept().map(|_| ()).map_err(|error| error.kind()), Err(ErrorKind::WouldBlock), "{line}");
    }
    Ok(())
}

#[test]
fn what_was_told_in_time_is_used_and_the_rest_is_said() -> Tested {
    let hang = |path: &'static str| move |imds: &Imds| imds.faults().add(Rule::always(Fault::Hang).only(path));
    let tags = [("rundeck-alb-agent:target-groups", "rundeck-prod")];
    let account = "elasticloadbalancing:eu-west-1:123456789012:";
    let slow = Node::start(&tags, hang("/latest/meta-data/"))?;
    let ran = printed("", &slow.env(), "iam-policy --feature membership --feature hooks")?;
    assert!(ran.out.contains(&format!("arn:aws:{account}targetgroup/TARGET_GROUP/*")), "{ran:?}");
    assert!(ran.err.contains("fill in TARGET_GROUP, AUTO_SCALING_GROUP\n"), "{ran:?}");
    assert!(ran.err.contains("did not tell everything within 2 s"), "{ran:?}");
    let silent = Node::start(&tags, hang("/latest/api/token"))?;
    let ran = printed("", &silent.env(), "iam-policy")?;
    assert!(ran.err.contains("fill in PARTITION, REGION, ACCOUNT, TARGET_GROUP\n"), "{ran:?}");
    assert!(ran.err.starts_with("note: instance metadata does not answer: "), "{ran:?}");
    Ok(())
}

/// Who may tag the instance must not be able to have the role opened.
#[test]
fn a_tag_that_names_no_group_opens_nothing() -> Tested {
    let tags = [("rundeck-alb-agent:target-groups", "* rundeck-prod"), ("aws:autoscaling:groupName", "a:*")];
    let node = Node::start(&tags, |_| {})?;
    let ran = printed("", &node.env(), "iam-policy --feature membership --feature standby")?;
    assert!(ran.out.contains("targetgroup/rundeck-prod/*\"") && !ran.out.contains("targetgroup/*"), "{ran:?}");
    assert!(ran.out.contains("autoScalingGroupName/AUTO_SCALING_GROUP\""), "{ran:?}");
    let remarks = ran.err.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(remarks.contains("names \"*\", which can be no target group: left out"), "{ran:?}");
    assert!(remarks.contains("\"a:*\" can be no Auto Scaling group: left out"), "{ran:?}");
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
