//! The one list of scenarios about membership: what is done on a stand, and what must come of it, wherever it stands.

use super::stand::{Named, Outcome, Stand};
use crate::support::TestAgent;
use serde_json::Value;
use std::pin::Pin;
use std::time::Duration;

/// How long anything may take: metadata are looked at once a minute.
const PATIENCE: Duration = Duration::from_secs(100);

pub struct Scenario {
    /// What holds, as a sentence.
    pub name: &'static str,
    pub play: for<'a> fn(&'a Stand) -> Pin<Box<dyn Future<Output = Outcome> + 'a>>,
}

/// A list of names, each with the function that plays it.
macro_rules! scenarios {
    ($($name:literal: $play:expr,)+) => {
        pub const SCENARIOS: &[Scenario] = &[$(Scenario { name: $name, play: |stand| Box::pin($play(stand)) },)+];
    };
}

scenarios! {
    "a node joins the group that is named, and leaves it": joins_by_name,
    "a group may be named by its ARN": joins_by_arn,
    "a node joins several groups and leaves them all": joins_two,
    "one group under two ports is two targets": joins_with_two_ports,
    "a group of addresses gets the node's address": joins_by_address,
    "the instance tag names groups by name": joins_by_tag,
    "the instance tag names groups by ARN": joins_by_tagged_arn,
    "nobody else's target is touched": leaves_strangers_alone,
    "a target that somebody took out is put back": puts_back,
    "a target that is gone already counts as left": counts_as_left,
    "a leaving target is drained for its delay": drains,
    "an operator's drain takes the node out and resume brings it back": drains_and_resumes,
    "with dry_run nothing is changed": dry_run,
    "a stopped instance is found to get no requests": stopped,
    "a name that leads nowhere is told and costs itself alone": unknown_name,
    "an ARN that leads nowhere is told": unknown_arn,
    "a group that the Auto Scaling group has attached is observed": observes,
    "another group of the same node is the agent's own": owns_beside,
    "ownership self on an attached group is a conflict": conflict,
    "another port of an attached group is not registered": other_port,
    "a node that others put into Standby leaves its attached group by their doing": standby_of_attached,
    "a node in Standby joins its own groups once it is in service": standby_of_own,
    "a detached node keeps its own groups": detached,
    "keys that AWS does not know are told": forged,
    "without RegisterTargets that is told": (|stand| denied(stand, "elasticloadbalancing:RegisterTargets")),
    "without DescribeTargetHealth that is told": (|stand| denied(stand, "elasticloadbalancing:DescribeTargetHealth")),
    "without DescribeTargetGroups that is told": (|stand| denied(stand, "elasticloadbalancing:DescribeTargetGroups")),
    "without DescribeTargetGroupAttributes that is told":
        (|stand| denied(stand, "elasticloadbalancing:DescribeTargetGroupAttributes")),
    "without DescribeAutoScalingInstances that is told": denied_instances,
    "without DescribeAutoScalingGroups that is told": denied_groups,
    "without DeregisterTargets a drain says so": denied_leaving,
}

/// Waits until it is so, else says what was not.
async fn comes(what: &str, agent: &TestAgent, mut condition: impl AsyncFnMut() -> bool) -> Outcome {
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    let wait = async {
        while !condition().await {
            tick.tick().await;
        }
    };
    let came = tokio::time::timeout(PATIENCE, wait).await.is_ok();
    if came { Ok(()) } else { Err(format!("{what}: never; log:\n{}", agent.log())) }
}

fn holds(condition: bool, what: impl FnOnce() -> String) -> Outcome {
    if condition { Ok(()) } else { Err(what()) }
}

fn by_name(group: &Named) -> String {
    format!("[[target_group]]\nname = \"{}\"\n", group.name)
}

fn by_arn(group: &Named) -> String {
    format!("[[target_group]]\narn = \"{}\"\n", group.arn)
}

/// The node's target there, as the agent tells it.
async fn told(agent: &TestAgent, group: &Named, port: u16) -> Value {
    let targets = agent.status().await["targets"].clone();
    let ours = |it: &&Value| it["target_group"] == group.name.as_str() && it["port"] == port;
    targets.as_array().and_then(|all| all.iter().find(ours)).cloned().unwrap_or_default()
}

async fn sees(agent: &TestAgent, group: &Named, port: u16, state: &str) -> Outcome {
    comes(&format!("{} {state}", group.name), agent, async || told(agent, group, port).await["state"] == state).await
}

/// Whether this finding stands with these words.
async fn says(agent: &TestAgent, finding: &str, words: &str) -> Outcome {
    let found = async || {
        let findings = agent.status().await["findings"].clone();
        let mut texts = findings.as_array().into_iter().flatten().filter(|one| one["finding"] == finding);
        texts.any(|one| one["text"].as_str().is_some_and(|text| text.contains(words)))
    };
    comes(&format!("{finding}: {words}"), agent, found).await
}

/// The receipt after SIGTERM.
async fn left(agent: &mut TestAgent) -> Result<Value, String> {
    agent.signal("TERM");
    let code = agent.end().await.code();
    holds(code == Some(0), || format!("ended with {code:?}: {}", agent.log()))?;
    agent.receipts().pop().ok_or_else(|| "no receipt".to_owned())
}

/// Comes into each of these, leaves cleanly, and is in none then.
async fn joins_and_leaves(stand: &Stand, tables: &str, id: &str, targets: &[(&Named, u16)]) -> Outcome {
    let mut agent = stand.agent("", tables).await;
    for (group, port) in targets {
        sees(&agent, group, *port, "healthy").await?;
    }
    // All of them at the same time.
    for (group, _) in targets {
        let listed = stand.targets(group).await;
        let wanted = targets.iter().filter(|(other, _)| other.arn == group.arn).map(|(_, port)| *port);
        let all = wanted.into_iter().all(|port| listed.iter().any(|(i, p, _)| i == id && *p == port));
        holds(all, || format!("registered are {listed:?}: {}", agent.log()))?;
    }
    let receipt = left(&mut agent).await?;
    holds(receipt["result"] == "clean", || receipt.to_string())?;
    for (group, port) in targets {
        holds(!stand.has(group, id, *port).await, || "still registered".to_owned())?;
    }
    Ok(())
}

async fn joins_by_name(stand: &Stand) -> Outcome {
    joins_and_leaves(stand, &by_name(&stand.a), &stand.node, &[(&stand.a, stand.port)]).await
}

async fn joins_by_arn(stand: &Stand) -> Outcome {
    joins_and_leaves(stand, &by_arn(&stand.a), &stand.node, &[(&stand.a, stand.port)]).await
}

async fn joins_two(stand: &Stand) -> Outcome {
    let tables = by_name(&stand.a) + &by_arn(&stand.b);
    joins_and_leaves(stand, &tables, &stand.node, &[(&stand.a, stand.port), (&stand.b, stand.port)]).await
}

async fn joins_with_two_ports(stand: &Stand) -> Outcome {
    let other = stand.port ^ 1;
    let tables = by_name(&stand.a) + &by_name(&stand.a) + &format!("port = {other}\n");
    joins_and_leaves(stand, &tables, &stand.node, &[(&stand.a, stand.port), (&stand.a, other)]).await
}

async fn joins_by_address(stand: &Stand) -> Outcome {
    joins_and_leaves(stand, &by_name(&stand.ip), &stand.address, &[(&stand.ip, stand.port)]).await
}

async fn joins_by_tag(stand: &Stand) -> Outcome {
    stand.tag(&format!("{} {}", stand.a.name, stand.b.name));
    joins_and_leaves(stand, "", &stand.node, &[(&stand.a, stand.port), (&stand.b, stand.port)]).await
}

async fn joins_by_tagged_arn(stand: &Stand) -> Outcome {
    stand.tag(&stand.b.arn);
    joins_and_leaves(stand, "", &stand.node, &[(&stand.b, stand.port)]).await
}

async fn leaves_strangers_alone(stand: &Stand) -> Outcome {
    let other = stand.stranger(&stand.a).await;
    joins_and_leaves(stand, &by_name(&stand.a), &stand.node, &[(&stand.a, stand.port)]).await?;
    holds(stand.has(&stand.a, &other, stand.port).await, || "the other one is gone".to_owned())
}

async fn puts_back(stand: &Stand) -> Outcome {
    let agent = stand.agent("", &by_name(&stand.a)).await;
    sees(&agent, &stand.a, stand.port, "healthy").await?;
    stand.deregister(&stand.a, &stand.node, stand.port).await;
    says(&agent, "taken-out", "").await?;
    comes("put back", &agent, async || stand.has(&stand.a, &stand.node, stand.port).await).await?;
    sees(&agent, &stand.a, stand.port, "healthy").await
}

async fn counts_as_left(stand: &Stand) -> Outcome {
    let mut agent = stand.agent("repair = false", &by_name(&stand.a)).await;
    sees(&agent, &stand.a, stand.port, "healthy").await?;
    stand.deregister(&stand.a, &stand.node, stand.port).await;
    let receipt = left(&mut agent).await?;
    holds(receipt["result"] == "clean" && receipt["target_groups"][0]["deregistered"] == true, || receipt.to_string())
}

async fn drains(stand: &Stand) -> Outcome {
    let mut agent = stand.agent("", &by_name(&stand.a)).await;
    sees(&agent, &stand.a, stand.port, "healthy").await?;
    left(&mut agent).await?;
    let targets = stand.targets(&stand.a).await;
    let draining = targets.iter().any(|(id, _, state)| *id == stand.node && state == "draining");
    holds(draining, || format!("{targets:?}"))
}

async fn drains_and_resumes(stand: &Stand) -> Outcome {
    let agent = stand.agent("", &by_name(&stand.a)).await;
    sees(&agent, &stand.a, stand.port, "healthy").await?;
    let (code, text) = agent.command(&["drain"]).await;
    holds(code == 0, || text)?;
    comes("out", &agent, async || !stand.has(&stand.a, &stand.node, stand.port).await).await?;
    let (code, text) = agent.command(&["resume"]).await;
    holds(code == 0, || text)?;
    comes("in again", &agent, async || stand.has(&stand.a, &stand.node, stand.port).await).await
}

async fn dry_run(stand: &Stand) -> Outcome {
    let tables = by_name(&stand.a) + "[aws]\ndry_run = true\n";
    let mut agent = stand.agent("", &tables).await;
    sees(&agent, &stand.a, stand.port, "not registered").await?;
    left(&mut agent).await?;
    holds(stand.targets(&stand.a).await.is_empty(), || "registered".to_owned())
}

async fn stopped(stand: &Stand) -> Outcome {
    let agent = stand.agent("", &by_name(&stand.a)).await;
    sees(&agent, &stand.a, stand.port, "healthy").await?;
    stand.stop().await;
    sees(&agent, &stand.a, stand.port, "unused").await?;
    let stopped = async || told(&agent, &stand.a, stand.port).await["cause"] == "instance-stopped";
    comes("its cause", &agent, stopped).await?;
    agent.says("200 ok").await;
    Ok(())
}

async fn unknown_name(stand: &Stand) -> Outcome {
    let tables = "[[target_group]]\nname = \"no-such-group\"\n".to_owned() + &by_name(&stand.a);
    let agent = stand.agent("", &tables).await;
    says(&agent, "target-group-missing", "no-such-group").await?;
    sees(&agent, &stand.a, stand.port, "healthy").await
}

async fn unknown_arn(stand: &Stand) -> Outcome {
    let gone = stand.a.arn.replace(&format!("targetgroup/{}/", stand.a.name), "targetgroup/gone/");
    let agent = stand.agent("", &format!("[[target_group]]\narn = \"{gone}\"\n")).await;
    says(&agent, "target-group-missing", &gone).await
}

/// The Auto Scaling group's own registration is all there is.
async fn observes(stand: &Stand) -> Outcome {
    stand.scaling("EC2", &[&stand.a]).await;
    // Nobody names it.
    let mut agent = stand.agent("", "").await;
    sees(&agent, &stand.a, stand.port, "healthy").await?;
    let target = told(&agent, &stand.a, stand.port).await;
    holds(target["owned"] == false, || target.to_string())?;
    left(&mut agent).await?;
    let log = agent.log();
    holds(!log.contains("RegisterTargets") && !log.contains("DeregisterTargets"), || log)
}

async fn owns_beside(stand: &Stand) -> Outcome {
    stand.scaling("EC2", &[&stand.a]).await;
    let agent = stand.agent("", &by_name(&stand.b)).await;
    sees(&agent, &stand.a, stand.port, "healthy").await?;
    sees(&agent, &stand.b, stand.port, "healthy").await?;
    let owned =
        (&told(&agent, &stand.a, stand.port).await["owned"], &told(&agent, &stand.b, stand.port).await["owned"]);
    holds(owned == (&Value::Bool(false), &Value::Bool(true)), || format!("{owned:?}"))
}

async fn conflict(stand: &Stand) -> Outcome {
    stand.scaling("EC2", &[&stand.a]).await;
    let tables = by_name(&stand.a) + "ownership = \"self\"\n";
    let agent = stand.agent("", &tables).await;
    says(&agent, "ownership-conflict", &stand.a.name).await?;
    holds(!agent.log().contains("RegisterTargets"), || agent.log())
}

async fn other_port(stand: &Stand) -> Outcome {
    stand.scaling("EC2", &[&stand.a]).await;
    let other = stand.port ^ 1;
    let tables = by_name(&stand.a) + &format!("port = {other}\n");
    let agent = stand.agent("", &tables).await;
    says(&agent, "port-not-registered", &stand.a.name).await?;
    holds(!stand.has(&stand.a, &stand.node, other).await, || "registered".to_owned())
}

async fn standby_of_attached(stand: &Stand) -> Outcome {
    stand.scaling("EC2,ELB", &[&stand.a]).await;
    let agent = stand.agent("", "").await;
    sees(&agent, &stand.a, stand.port, "healthy").await?;
    stand.enter_standby().await;
    sees(&agent, &stand.a, stand.port, "not registered").await?;
    stand.exit_standby().await;
    sees(&agent, &stand.a, stand.port, "healthy").await?;
    holds(!agent.log().contains("RegisterTargets"), || agent.log())
}

async fn standby_of_own(stand: &Stand) -> Outcome {
    stand.scaling("EC2", &[]).await;
    stand.enter_standby().await;
    let agent = stand.agent("", &by_name(&stand.a)).await;
    agent.says("200 ok").await;
    sees(&agent, &stand.a, stand.port, "not registered").await?;
    stand.exit_standby().await;
    comes("in", &agent, async || stand.has(&stand.a, &stand.node, stand.port).await).await?;
    let registered = agent.log().matches("\"operation\":\"RegisterTargets\"").count();
    holds(registered == 1, || agent.log())
}

async fn detached(stand: &Stand) -> Outcome {
    stand.scaling("EC2", &[&stand.a]).await;
    let agent = stand.agent("", &by_name(&stand.b)).await;
    sees(&agent, &stand.b, stand.port, "healthy").await?;
    stand.detach().await;
    comes("known to be detached", &agent, async || agent.status().await["lifecycle"] == "Detached").await?;
    sees(&agent, &stand.b, stand.port, "healthy").await?;
    holds(!agent.log().contains("DeregisterTargets"), || agent.log())
}

async fn forged(stand: &Stand) -> Outcome {
    stand.forge();
    let agent = stand.agent("", &by_arn(&stand.a)).await;
    says(&agent, "credentials-rejected", "").await?;
    agent.says("200 ok").await;
    Ok(())
}

/// One missing action is found and named, and turns nobody's verdict.
async fn denied(stand: &Stand, action: &str) -> Outcome {
    stand.deny(action).await;
    let agent = stand.agent("", &by_arn(&stand.a)).await;
    says(&agent, "permission-missing", &format!("AWS denied {action} ")).await?;
    agent.says("200 ok").await;
    Ok(())
}

async fn denied_instances(stand: &Stand) -> Outcome {
    stand.scaling("EC2", &[]).await;
    denied(stand, "autoscaling:DescribeAutoScalingInstances").await
}

async fn denied_groups(stand: &Stand) -> Outcome {
    stand.scaling("EC2", &[]).await;
    denied(stand, "autoscaling:DescribeAutoScalingGroups").await
}

async fn denied_leaving(stand: &Stand) -> Outcome {
    let action = "elasticloadbalancing:DeregisterTargets";
    stand.deny(action).await;
    let mut agent = stand.agent("", &by_name(&stand.a)).await;
    sees(&agent, &stand.a, stand.port, "healthy").await?;
    let receipt = left(&mut agent).await?;
    holds(agent.log().contains(&format!("AWS denied {action} ")), || agent.log())?;
    holds(receipt["result"] != "clean" && stand.has(&stand.a, &stand.node, stand.port).await, || receipt.to_string())
}
