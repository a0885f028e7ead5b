//! `doctor` on nodes of the lab, sound and sick: what it prints, with what it exits, and what it never does. The real
//! program, for AWS's endpoints are read from a process's own environment.

use crate::support::{Config, PATIENCE, Rundeck, TestAgent, free_port, until};
use rundeck_alb_lab::World;
use rundeck_alb_lab::alb::{GroupSettings, HealthCheck, HealthPort};
use rundeck_alb_lab::aws::ScalingSettings;
use rundeck_alb_lab::faults::{Fault, Rule};
use serde_json::Value;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use tempfile::TempDir;
use tokio::process::Command;

const GROUP: &str = "rundeck-prod";
const OTHER: &str = "rundeck-api";
const TOKEN: &str = "test-token";
/// Whatever else happens, none of this is printed: the token, the lab's credentials, a proxy's password.
const SECRETS: [&str; 6] =
    [TOKEN, "wr0ng-token", "ASIALABLABLABLABLAB1", "lab-secret", "lab-session-token", "s3cret-of-the-proxy"];

/// A node with Rundeck, and nothing wrong with it.
struct Node {
    world: World,
    rundeck: Rundeck,
    home: TempDir,
    health: u16,
}

/// What the command did.
struct Ran {
    code: i32,
    out: String,
}

impl Node {
    async fn new() -> Node {
        let rundeck = Rundeck::ready().await;
        let health = free_port();
        let group = |name: &str| GroupSettings {
            port: rundeck.addr.port(),
            health_check: HealthCheck {
                port: HealthPort::Number(health),
                path: "/health".into(),
                ..HealthCheck::default()
            },
            ..GroupSettings::named(name)
        };
        let world = World::builder().group(group(GROUP)).group(group(OTHER)).start().expect("the lab starts");
        let tags = [("rundeck-alb-agent:target-groups".to_owned(), GROUP.to_owned())];
        world.imds(0).set_tags(Some(&tags.into()));
        // Of the same length everywhere, for the lines' sake.
        let home = tempfile::Builder::new().tempdir_in("/tmp").expect("a folder");
        std::fs::write(home.path().join("token"), TOKEN).expect("a token");
        Node { world, rundeck, home, health }
    }

    /// The Auto Scaling group of these health checks has the node, and has attached these.
    fn scaled(&self, checks: &str, attached: &[&str]) {
        let target_groups = attached.iter().map(|name| self.world.group(name).arn().to_owned()).collect();
        let settings = ScalingSettings { health_checks: checks.into(), target_groups, ..ScalingSettings::default() };
        self.world.scaling().set("rundeck-blue", settings);
        self.world.scaling().place("rundeck-blue", &self.world.node(0).instance_id, "InService");
        self.world.imds(0).set_lifecycle_state(Some("InService"));
    }

    /// A machine of the test is no matter of the test: its disk may be full.
    fn toml(&self, more: &str) -> String {
        format!(
            "[rundeck]\nurl = \"http://{}\"\ntoken_file = \"{}\"\n[health]\nlisten = \"127.0.0.1:{}\"\n[admin]\nlisten \
             = \"\"\n[health.disk]\ndegraded_below = \"0%\"\ndown_below = \"0%\"\n{more}",
            self.rundeck.addr,
            self.home.path().join("token").display(),
            self.health
        )
    }

    async fn doctor(&self, more: &str, env: &[(&str, &str)], arguments: &[&str]) -> Ran {
        let file = self.home.path().join("agent.toml");
        std::fs::write(&file, self.toml(more)).expect("configuration");
        let aws = self.world.agent_env(0);
        let env = aws.iter().map(|(name, value)| (*name, value.as_str())).chain(env.iter().copied());
        let run = Command::new(env!("CARGO_BIN_EXE_rundeck-alb-agent"))
            .arg("doctor")
            .args(arguments)
            .arg("--config")
            .arg(&file)
            .env_clear()
            .env("STATE_DIRECTORY", self.home.path().join("state"))
            .env("RUNTIME_DIRECTORY", self.home.path().join("run"))
            .envs(env)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(PATIENCE, run).await.expect("it ends").expect("it runs");
        let out = String::from_utf8([output.stdout, output.stderr].concat()).expect("UTF-8");
        for secret in SECRETS {
            assert!(!out.contains(secret), "{secret} is printed:\n{out}");
        }
        for line in out.lines().filter(|_| !arguments.contains(&"json")) {
            let whole = line.split_whitespace().any(|word| word.len() > 50);
            assert!(whole || line.chars().count() <= 80, "wider than a terminal: {line}");
            assert_eq!(line.trim_end(), line);
        }
        self.changed_nothing();
        Ran { code: output.status.code().unwrap_or(-1), out: self.steady(&out) }
    }

    async fn json(&self, more: &str, env: &[(&str, &str)]) -> (i32, Value) {
        let ran = self.doctor(more, env, &["--output", "json"]).await;
        (ran.code, serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}:\n{}", ran.out)))
    }

    /// Every call that ever came to AWS reads.
    fn changed_nothing(&self) {
        for call in self.world.api().calls().all() {
            assert!(call.action.starts_with("Describe"), "doctor has called {}", call.action);
        }
    }

    /// What is another one each time, of the same width or at an end of a line.
    fn steady(&self, text: &str) -> String {
        let home = self.home.path().display().to_string();
        let api = self.world.api_url_of(0);
        text.replace(&home, "HOME")
            .replace(&self.rundeck.addr.to_string(), "RUNDECK")
            .replace(api.trim_start_matches("http://"), "API")
            .replace(self.world.imds_url(0).trim_start_matches("http://"), "METADATA")
            .replace(&format!(":{}", self.rundeck.addr.port()), ":4440")
            .replace(&self.health.to_string(), "4441")
    }
}

fn golden(name: &str, text: &str) {
    let path = Path::new("tests/golden/cli/doctor").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, text).expect("written");
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, known, "BLESS=1 writes {} anew", path.display());
}

/// The words of what was found.
fn words(report: &Value) -> Vec<&str> {
    let findings = report["findings"].as_array().expect("findings");
    findings.iter().map(|finding| finding["finding"].as_str().expect("a word")).collect()
}

/// How the look at this came out, and what it saw.
fn look<'a>(report: &'a Value, area: &str) -> (&'a str, &'a str) {
    let looks = report["looks"].as_array().expect("looks");
    let look = looks.iter().find(|look| look["look"] == area).unwrap_or_else(|| panic!("no look at {area}: {report}"));
    (look["result"].as_str().expect("a word"), look["seen"].as_str().expect("a text"))
}

#[tokio::test]
async fn a_sound_node_is_fine() {
    let node = Node::new().await;
    node.scaled("EC2", &[OTHER]);
    let hooks = "[hooks]\npre_register = [\"/bin/true\"]\n";
    let text = node.doctor(hooks, &[], &[]).await;
    golden("sound.txt", &text.out);
    assert_eq!(text.code, 0, "{}", text.out);
    let json = node.doctor(hooks, &[], &["--output", "json"]).await;
    golden("sound.json", &json.out);
    assert_eq!(json.code, 0);
    let quiet = node.doctor(hooks, &[], &["--quiet"]).await;
    assert_eq!((quiet.code, quiet.out.as_str()), (0, ""));
}

#[tokio::test]
async fn a_sick_node_is_told_with_the_cure_of_each_thing() {
    let node = Node::new().await;
    node.scaled("EC2,ELB", &[OTHER]);
    std::fs::write(node.home.path().join("token"), "wr0ng-token").expect("a token");
    std::fs::create_dir(node.home.path().join("state")).expect("a folder");
    let warm = node.home.path().join("warm");
    std::fs::write(&warm, "#!/bin/sh\n").expect("a program");
    std::fs::set_permissions(&warm, std::fs::Permissions::from_mode(0o757)).expect("a mode");
    std::fs::write(
        node.home.path().join("state/registered.json"),
        r#"{"version": 1, "instance": "i-0a1b2c3d4e5f60718", "targets": []}"#,
    )
    .expect("another's state");
    node.world.api().faults().add(Rule::always(Fault::Deny).only("DescribeTargetGroupAttributes"));
    let port = node.health;
    let more = format!(
        "[[target_group]]\nname = \"{GROUP}\"\n[[target_group]]\nname = \"{OTHER}\"\nownership = \"self\"\n\
         [[target_group]]\nname = \"rundeck-pord\"\n[hooks]\npre_register = [\"{}\"]\n\
         post_register = [\"/no/such/program\"]\n[drain]\nflor = \"25s\"\n",
        warm.display()
    );
    let proxy = [("HTTPS_PROXY", "http://agent:s3cret-of-the-proxy@proxy.example:3128"), ("NO_PROXY", ".internal")];
    // The group asks Rundeck itself, as it did before there was an agent.
    node.world.group(GROUP).change(|settings| settings.health_check.port = HealthPort::Number(port + 1));
    let text = node.doctor(&more, &proxy, &[]).await;
    golden("sick.txt", &text.out.replace(&format!("{}", port + 1), "4440"));
    assert_eq!(text.code, 2, "{}", text.out);
    let json = node.doctor(&more, &proxy, &["--output", "json"]).await;
    golden("sick.json", &json.out.replace(&format!("{}", port + 1), "4440"));
    assert_eq!(json.code, 2);
}

#[tokio::test]
async fn a_warning_alone_is_exit_code_1() {
    let node = Node::new().await;
    node.world.imds(0).set_tags(Some(&[("Name".to_owned(), "one".to_owned())].into()));
    let (code, report) = node.json("", &[]).await;
    assert_eq!((code, words(&report)), (1, vec!["no-target-group"]), "{report}");
    assert!(look(&report, "tags").1.contains("there is no tag"), "{report}");
    node.world.imds(0).set_tags(None);
    let (code, report) = node.json("", &[]).await;
    assert_eq!((code, words(&report)), (1, vec!["instance-tag-unreadable"]), "tags that are off say nothing");
}

#[tokio::test]
async fn metadata_that_take_a_connection_and_never_answer_are_behind_a_hop_limit() {
    let node = Node::new().await;
    node.world.imds(0).faults().add(Rule::always(Fault::Hang).only("/latest/api/token"));
    let (code, report) = node.json("", &[("AWS_REGION", "eu-west-1")]).await;
    assert_eq!((code, words(&report)[..1].to_vec()), (2, vec!["metadata-unreachable"]), "{report}");
    let found = &report["findings"][0];
    assert!(found["text"].as_str().is_some_and(|text| text.contains("the hop limit is 1")), "{found}");
    assert!(found["cure"].as_str().is_some_and(|cure| cure.contains("--http-put-response-hop-limit 2")), "{found}");
    node.world.imds(0).faults().clear();
    node.world.imds(0).faults().refuse();
    let (_, report) = node.json("", &[("AWS_REGION", "eu-west-1")]).await;
    let found = &report["findings"][0];
    assert!(found["text"].as_str().is_some_and(|text| !text.contains("hop limit")), "{found}");
    let (_, report) = node.json("", &[("AWS_REGION", "eu-west-1"), ("AWS_EC2_METADATA_DISABLED", "true")]).await;
    assert_eq!(look(&report, "metadata").0, "not-tried", "whoever switches them off knows it");
}

#[tokio::test]
async fn an_instance_without_a_role_is_told_so_and_nothing_is_asked_in_vain() {
    let node = Node::new().await;
    node.world.imds(0).set("iam/security-credentials/rundeck-node", None);
    let (code, report) = node.json("", &[]).await;
    assert_eq!((code, words(&report)), (2, vec!["credentials-rejected"]), "{report}");
    assert!(report["findings"][0]["text"].as_str().is_some_and(|text| text.contains("no role")), "{report}");
    assert_eq!(look(&report, "permissions").0, "not-tried");
    assert_eq!(node.world.api().calls().total(), 0);
}

#[tokio::test]
async fn without_a_network_path_both_interface_endpoints_are_named() {
    let node = Node::new().await;
    node.world.api().faults().refuse();
    let (code, report) = node.json("", &[]).await;
    assert_eq!((code, words(&report)), (2, vec!["aws-unreachable"]), "told once: {report}");
    let cure = report["findings"][0]["cure"].as_str().expect("a cure");
    assert!(cure.contains("com.amazonaws.eu-west-1.elasticloadbalancing"), "{cure}");
    assert!(cure.contains("com.amazonaws.eu-west-1.autoscaling"), "{cure}");
    assert_eq!(look(&report, "target-groups").0, "not-tried");
}

#[tokio::test]
async fn each_reading_action_that_is_denied_is_found_by_its_call() {
    let node = Node::new().await;
    node.scaled("EC2", &[]);
    for action in [
        "DescribeAutoScalingInstances",
        "DescribeAutoScalingGroups",
        "DescribeTargetGroups",
        "DescribeTargetGroupAttributes",
        "DescribeTargetHealth",
    ] {
        node.world.api().faults().clear();
        // "DescribeTargetGroups" is the beginning of no other action, and "…GroupAttributes" is one of its own.
        node.world.api().faults().add(Rule::always(Fault::Deny).only(action));
        let (code, report) = node.json("", &[]).await;
        assert_eq!((code, words(&report)), (2, vec!["permission-missing"]), "{action}: {report}");
        let permissions = report["permissions"].as_array().expect("permissions");
        let of = |permission: &&Value| permission["action"].as_str().is_some_and(|name| name.ends_with(action));
        assert_eq!(permissions.iter().find(of).map(|one| &one["result"]), Some(&Value::from("denied")), "{action}");
        let text = report["findings"][0]["text"].as_str().expect("a text");
        assert!(text.contains(action), "{text}");
    }
}

/// Each by the feature that the configuration switches on: what nobody uses is neither asked for nor missed.
#[tokio::test]
async fn standbys_permissions_are_asked_for_where_it_is_switched_on() {
    const READS: &str = "autoscaling:DescribeInstanceRefreshes";
    const ON: &str = "[membership]\nstandby = \"decrement\"\n";
    let node = Node::new().await;
    node.scaled("ELB", &[OTHER]);
    let result = |report: &Value, action: &str| {
        let permissions = report["permissions"].as_array().expect("permissions");
        permissions.iter().find(|one| one["action"] == action).map(|one| one["result"].clone())
    };
    let sids = |report: &Value| {
        let policy = report["policy"].as_array().expect("a policy");
        policy.iter().map(|statement| statement["Sid"].clone()).collect::<Vec<_>>()
    };
    let (code, report) = node.json("", &[]).await;
    assert_eq!((code, result(&report, READS), sids(&report)), (0, None, vec!["Membership".into()]), "{report}");
    assert_eq!(node.world.api().calls().count("DescribeInstanceRefreshes"), 0);
    let (code, report) = node.json(ON, &[]).await;
    assert_eq!((code, result(&report, READS)), (0, Some("allowed".into())), "{report}");
    for action in ["EnterStandby", "ExitStandby"] {
        assert_eq!(result(&report, &format!("autoscaling:{action}")), Some("not-tried".into()), "{report}");
    }
    assert_eq!(sids(&report), ["Membership", "Standby"]);
    let statement = report["policy"][1].to_string();
    assert!(statement.contains("autoScalingGroupName/rundeck-blue"), "{statement}");
    node.world.api().faults().add(Rule::always(Fault::Deny).only("DescribeInstanceRefreshes"));
    let (code, report) = node.json(ON, &[]).await;
    assert_eq!((code, words(&report)), (2, vec!["permission-missing"]), "{report}");
    assert_eq!(result(&report, READS), Some("denied".into()), "{report}");
    let (_, report) = node.json("[membership]\nownership = \"observe\"\n", &[]).await;
    assert!(sids(&report).is_empty() && result(&report, "elasticloadbalancing:RegisterTargets").is_none(), "{report}");
}

#[tokio::test]
async fn throttling_and_expired_credentials_are_no_missing_permission() {
    let node = Node::new().await;
    for (fault, word) in [(Fault::Throttle, "aws-throttled"), (Fault::Expired, "credentials-rejected")] {
        node.world.api().faults().set(fault);
        let (_, report) = node.json("", &[]).await;
        assert_eq!(words(&report), [word], "{report}");
    }
}

#[tokio::test]
async fn a_rundeck_that_is_away_and_a_port_that_is_taken_are_errors() {
    let mut node = Node::new().await;
    let taken = std::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], node.health))).expect("free");
    node.rundeck.kill().await;
    let (code, report) = node.json("", &[]).await;
    assert_eq!((code, words(&report)), (2, vec!["port-taken", "rundeck-down"]), "{report}");
    let held = format!("pid {}", std::process::id());
    assert!(report["findings"][0]["text"].as_str().is_some_and(|text| text.contains(&held)), "{report}");
    drop(taken);
    assert_eq!(look(&node.json("", &[]).await.1, "ports"), ("ok", "4441 free"));
}

#[tokio::test]
async fn beside_a_running_agent_its_port_is_ours_and_its_findings_are_told() {
    let node = Node::new().await;
    let mut config = Config::new(node.rundeck.addr).with("[membership]\nownership = \"observe\"\n");
    config.listen = SocketAddr::from(([127, 0, 0, 1], node.health));
    config.token = None;
    let agent = TestAgent::start(&config).await;
    until("its own finding", async || agent.finds("token-missing").await).await;
    std::os::unix::fs::symlink(agent.home.path().join("run"), node.home.path().join("run")).expect("its socket");
    let (_, report) = node.json("", &[]).await;
    assert_eq!(look(&report, "ports"), ("ok", "4441 ours"), "{report}");
    assert!(look(&report, "agent").1.contains(&format!("pid {}", agent.pid())), "{report}");
    assert!(words(&report).contains(&"token-missing"), "{report}");
    let found = report["findings"].as_array().expect("findings");
    let differs = found.iter().find(|found| found["finding"] == "agent-environment").expect("it has other variables");
    assert!(differs["text"].as_str().is_some_and(|text| text.contains("AWS_EC2_METADATA_DISABLED")), "{differs}");
}
