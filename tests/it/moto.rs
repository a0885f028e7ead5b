//! The agent against moto: AWS's wire as somebody else wrote it, with signatures and permissions checked.
//!
//! moto has no metadata service that an SDK accepts: the lab's stands in, with the ids of moto's instances. It sends no
//! health checks and no users, and departs from AWS where `outside::departures` says.

use crate::members::referee::{mended, printed_policy, widened, without};
use crate::support::{Config, Rundeck, TestAgent, comes_true, until, world};
use rundeck_alb_lab::World;
use rundeck_alb_lab::outside::{self, Credentials, Moto, OutsideError, departures};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;

/// The traffic port of moto's group.
const PORT: u16 = 4440;

/// An account of moto's, and the metadata of a node in it.
struct Account {
    moto: Arc<Moto>,
    metadata: World,
}

impl Account {
    /// `None`: moto is not installed here, which was said.
    async fn open() -> Option<Account> {
        let moto = Moto::start(&outside::python()?).await.expect("moto starts");
        let metadata = world(1, PORT, 4441);
        let instance = moto.world().instances.first().expect("an instance");
        let document = json!({
            "accountId": moto.world().account, "instanceId": instance.id, "privateIp": instance.private_ip,
            "region": moto.world().region, "availabilityZone": format!("{}a", moto.world().region),
        });
        metadata.imds(0).set("instance-id", Some(&instance.id));
        metadata.imds(0).set("local-ipv4", Some(&instance.private_ip));
        metadata.imds(0).set("dynamic/instance-identity/document", Some(&document.to_string()));
        let vpc = format!("network/interfaces/macs/{}/vpc-id", metadata.node(0).mac);
        metadata.imds(0).set(&vpc, Some(&moto.world().vpc));
        Some(Account { moto: Arc::new(moto), metadata })
    }

    /// The node's instance.
    fn node(&self) -> String {
        self.moto.world().instances[0].id.clone()
    }

    /// An agent on the node with these keys, for this group.
    fn config(&self, rundeck: SocketAddr, user: &Credentials, group: &str) -> Config {
        let mut config = Config::new(rundeck).in_world(&self.metadata, 0);
        config.env.extend(self.moto.env(user).into_iter().map(|(name, value)| (name.to_string(), value)));
        config.more = format!(
            "[membership]\nreconcile_interval = \"1s\"\nmin_other_healthy = 0\n[[target_group]]\narn = \"{group}\"\n"
        );
        config
    }

    /// The agent as it should be: the group's ARN, and a user who may do what an agent must.
    fn member(&self, rundeck: SocketAddr) -> Config {
        self.config(rundeck, &self.moto.world().member, &self.moto.world().group)
    }

    /// Asks or changes moto through boto3, on a worker: the metadata service lives on this thread.
    async fn behind_the_agents_back<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Moto) -> Result<T, OutsideError> + Send + 'static,
    ) -> T {
        let moto = self.moto.clone();
        tokio::task::spawn_blocking(move || call(&moto)).await.expect("no panic").expect("moto obeys")
    }

    /// What is registered in the group: id and port.
    async fn targets(&self) -> Vec<(String, u16)> {
        let targets = self.behind_the_agents_back(Moto::targets).await;
        targets.into_iter().map(|target| (target.0, target.1)).collect()
    }
}

/// How often AWS confirmed a registration.
fn registrations(agent: &TestAgent) -> usize {
    let accepted =
        |line: &&str| line.contains("\"operation\":\"RegisterTargets\"") && line.contains("\"result\":\"ok\"");
    agent.log().lines().filter(accepted).count()
}

/// What somebody else took out does not wait for the delay where an operator wants it back.
async fn put_back(agent: &TestAgent) {
    until("the finding", async || agent.finds("taken-out").await).await;
    let (code, text) = agent.command(&["resume"]).await;
    assert_eq!(code, 0, "{text}");
}

async fn sees(agent: &TestAgent, state: &str) {
    let seen = comes_true(async || agent.status().await["targets"][0]["state"] == state).await;
    assert!(seen, "the target did not come to be {state}; log:\n{}", agent.log());
}

/// Whether this finding stands and has these words in its text.
async fn says(agent: &TestAgent, finding: &str, words: &str) -> bool {
    let findings = agent.status().await["findings"].clone();
    let mut texts = findings.as_array().into_iter().flatten().filter(|one| one["finding"] == finding);
    texts.any(|one| one["text"].as_str().is_some_and(|text| text.contains(words)))
}

/// How many calls AWS has answered.
async fn answers(agent: &TestAgent) -> u64 {
    let calls = agent.status().await["aws_requests"].clone();
    calls.as_array().into_iter().flatten().filter_map(|row| row["count"].as_u64()).sum()
}

/// moto's word in a row of the table of its departures; AWS says something else there.
fn motos_own(scenario: &str) -> &'static str {
    departures().find(|row| row.scenario == scenario).expect("a departure").moto
}

/// The node's receipt after SIGTERM.
async fn leave(agent: &mut TestAgent) -> Value {
    agent.signal("TERM");
    assert_eq!(agent.end().await.code(), Some(0), "{}", agent.log());
    agent.receipts().pop().expect("a receipt")
}

#[tokio::test]
async fn a_node_joins_is_observed_repaired_and_leaves() {
    let Some(account) = Account::open().await else { return };
    let rundeck = Rundeck::ready().await;
    let mut agent = TestAgent::start(&account.member(rundeck.addr)).await;
    agent.says("200 ok").await;
    sees(&agent, "healthy").await;
    let node = account.node();
    let ours = [(node.clone(), PORT)];
    assert_eq!(account.targets().await, ours);
    let log = agent.log();
    assert!(log.find("-> up") < log.find("RegisterTargets"), "only a node that is up joins: {log}");
    assert_eq!(registrations(&agent), 1);

    let id = node.clone();
    account.behind_the_agents_back(move |moto| moto.deregister(&id, PORT)).await;
    put_back(&agent).await;
    until("put back", async || registrations(&agent) == 2).await;
    sees(&agent, "healthy").await;
    assert_eq!(account.targets().await, ours);

    // AWS would keep both; in moto the second port takes the first one's place, which is drift of the agent's own
    // target.
    assert_eq!(motos_own("ports of one id registered on two"), "1");
    let id = node.clone();
    account.behind_the_agents_back(move |moto| moto.register(&id, PORT + 1)).await;
    put_back(&agent).await;
    until("put back on its port", async || registrations(&agent) == 3).await;
    assert_eq!(account.targets().await, ours);
    sees(&agent, "healthy").await;

    let receipt = leave(&mut agent).await;
    assert_eq!(receipt["result"], "clean", "{receipt}");
    let group = &receipt["target_groups"][0];
    assert_eq!((&group["arn"], &group["port"]), (&json!(account.moto.world().group), &json!(PORT)), "{receipt}");
    assert_eq!(group["deregistered"], true, "{receipt}");
    assert!(group["request_id"].as_str().is_some_and(|id| !id.is_empty()), "{receipt}");
    assert_eq!(account.targets().await, []);
    assert_eq!(registrations(&agent), 3, "never put back while leaving");
}

#[tokio::test]
async fn a_target_that_is_gone_already_counts_as_left() {
    let Some(account) = Account::open().await else { return };
    let rundeck = Rundeck::ready().await;
    let mut config = account.member(rundeck.addr);
    // So long that the agent does not see the drift before it leaves.
    config.more = config.more.replace("1s", "10m");
    let mut agent = TestAgent::start(&config).await;
    sees(&agent, "healthy").await;
    let node = account.node();
    account.behind_the_agents_back(move |moto| moto.deregister(&node, PORT)).await;

    let receipt = leave(&mut agent).await;
    assert_eq!(motos_own("deregister again"), "InvalidTarget");
    assert!(agent.log().contains("InvalidTarget"), "{}", agent.log());
    assert_eq!(receipt["result"], "clean", "{receipt}");
    assert_eq!(receipt["target_groups"][0]["deregistered"], true, "{receipt}");
}

#[tokio::test]
async fn a_stopped_instance_gets_no_requests_and_that_is_said() {
    let Some(account) = Account::open().await else { return };
    let rundeck = Rundeck::ready().await;
    let agent = TestAgent::start(&account.member(rundeck.addr)).await;
    sees(&agent, "healthy").await;
    let node = account.node();
    account.behind_the_agents_back(move |moto| moto.stop(&node)).await;
    sees(&agent, "unused").await;
    let stopped = comes_true(async || agent.status().await["targets"][0]["cause"] == "instance-stopped").await;
    assert!(stopped, "{}", agent.log());
    assert_eq!(agent.ask().await.line(), "200 ok");
}

#[tokio::test]
async fn what_aws_refuses_is_a_finding_and_changes_no_verdict() {
    let Some(account) = Account::open().await else { return };
    let rundeck = Rundeck::ready().await;
    let moto = account.moto.endpoint().strip_prefix("http://").and_then(|addr| addr.parse().ok()).expect("an address");
    let endpoint = format!("http://{}", mended(moto).await);
    let made = account.moto.world();
    let forged = Credentials { secret: "not the secret".into(), ..made.member.clone() };
    let nobody = Credentials { key: "AKIAIOSFODNN7EXAMPLE".into(), ..made.member.clone() };
    let no_group = made.group.replace("targetgroup/rundeck/", "targetgroup/gone/");
    let rows = [
        (&made.stranger, &made.group, "permission-missing", "AccessDenied"),
        (&forged, &made.group, "credentials-rejected", "SignatureDoesNotMatch"),
        (&nobody, &made.group, "credentials-rejected", "InvalidClientTokenId"),
        (&made.member, &no_group, "target-group-missing", "targetgroup/gone/"),
    ];
    for (user, group, finding, words) in rows {
        let mut config = account.config(rundeck.addr, user, group);
        config.env.push(("AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2".into(), endpoint.clone()));
        let agent = TestAgent::start(&config).await;
        assert!(comes_true(async || says(&agent, finding, words).await).await, "{finding}: {words}: {}", agent.log());
        agent.says("200 ok").await;
        // AWS refuses again at each reconcile; that is said once.
        until("three answers", async || answers(&agent).await >= 3).await;
        let told = agent.log().lines().filter(|line| line.contains(&format!("\"{finding}: "))).count();
        assert_eq!(told, 1, "{}", agent.log());
        assert!(agent.finds(finding).await, "it stands while /health says 200");
        assert_eq!(registrations(&agent), 0);
    }
    assert_eq!(account.targets().await, []);
}

/// What `iam-policy` prints for this group, each resource widened.
async fn policy_for(group: &str) -> Value {
    let policy = printed_policy(&[], &format!("[[target_group]]\narn = \"{group}\"\n")).await;
    for statement in policy["Statement"].as_array().expect("statements") {
        let of = if statement["Sid"] == "Membership" { group } else { "*" };
        assert_eq!(statement["Resource"], of, "{statement}");
    }
    widened(&policy)
}

#[tokio::test]
async fn the_printed_policy_is_enough_and_nothing_of_it_is_spare() {
    let Some(account) = Account::open().await else { return };
    let rundeck = Rundeck::ready().await;
    let group = account.moto.world().group.clone();
    let policy = policy_for(&group).await;
    let moto = account.moto.endpoint().strip_prefix("http://").and_then(|addr| addr.parse().ok()).expect("an address");
    let endpoint = format!("http://{}", mended(moto).await);
    for operation in
        ["RegisterTargets", "DescribeTargetGroups", "DescribeTargetGroupAttributes", "DescribeTargetHealth"]
    {
        let action = format!("elasticloadbalancing:{operation}");
        let poorer = without(&policy, &action);
        assert_ne!(poorer, policy.to_string(), "{action} is printed");
        let user = account.behind_the_agents_back(move |moto| moto.user(operation, &poorer)).await;
        let mut config = account.config(rundeck.addr, &user, &group);
        config.env.push(("AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2".into(), endpoint.clone()));
        let agent = TestAgent::start(&config).await;
        let denied = format!("AWS denied {action} ");
        assert!(comes_true(async || says(&agent, "permission-missing", &denied).await).await, "{}", agent.log());
    }

    let whole = policy.to_string();
    let user = account.behind_the_agents_back(move |moto| moto.user("printed", &whole)).await;
    let mut agent = TestAgent::start(&account.config(rundeck.addr, &user, &group)).await;
    sees(&agent, "healthy").await;
    assert_eq!(leave(&mut agent).await["result"], "clean", "{}", agent.log());
    assert!(!agent.log().contains("permission-missing"), "{}", agent.log());
}
