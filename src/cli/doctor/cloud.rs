//! The way to AWS, in its order: the clients, instance metadata, credentials, the real calls that read, and what they
//! told of the network, the clock and the role. What cannot be looked at for want of the one before says so.

use super::report::{Area, Node, Part};
use super::word::Own;
use super::{LIMIT, clock, credentials, groups, metadata, network, permissions};
use crate::aws::{Heard, Outside, Sdk, Services};
use crate::cli::Surroundings;
use crate::cli::iam_policy::Known;
use crate::clock::since_boot;
use crate::config::Settings;
use crate::watch::single::Single;
use metadata::Metadata;
use rundeck_alb_core::{Finding, GroupOwner};
use std::collections::BTreeSet;
use tokio::time::timeout;

/// What needs a client for AWS's services.
const BEHIND: [Area; 5] = [Area::Credentials, Area::Network, Area::Permissions, Area::AutoScaling, Area::TargetGroups];

/// Looks at all of it.
pub async fn look(settings: &Settings, surroundings: &Surroundings) -> (Vec<Part>, Node) {
    let outside = surroundings.outside();
    let heard = Heard::default();
    let sdk = match build(outside.clone(), &heard).await {
        Ok(sdk) => sdk,
        Err(text) => return without_sdk(text),
    };
    let (parts, metadata) = metadata::look(&sdk, &outside, settings).await;
    // What was asked until now was metadata alone.
    let local: BTreeSet<String> = heard.hosts().into_keys().collect();
    let services = timeout(LIMIT, sdk.services(settings.aws.region.as_deref())).await;
    let mut node = Node { identity: metadata.identity.clone(), ..Node::default() };
    let behind = match services {
        Ok(Ok(services)) => behind(settings, &outside, &metadata, &services, &heard, &local, &mut node).await,
        Ok(Err(error)) => without_services(&error.to_string()),
        Err(_) => without_services("the region was not found in time"),
    };
    node.policy = permissions::statements(settings, &known(settings, &metadata, &node));
    let clock = clock::part(&heard.hosts());
    ([parts, behind, vec![clock]].concat(), node)
}

/// On a worker: it reads the CA store.
async fn build(outside: Outside, heard: &Heard) -> Result<Sdk, String> {
    let heard = heard.clone();
    let single = Single::default();
    let building = single.look(move || Sdk::once(outside, since_boot, &heard));
    match timeout(LIMIT, building).await {
        Ok(Some(built)) => built.map_err(|error| error.to_string()),
        Ok(None) | Err(_) => Err("the CA certificates cannot be read in time".to_owned()),
    }
}

fn without_sdk(text: String) -> (Vec<Part>, Node) {
    let network = Part::not_tried(Area::Network, "no client can be set up").wrong(Own::AwsSetup, text);
    let others = [Area::Metadata, Area::Tags, Area::Clock].into_iter().chain(BEHIND);
    let others = others.filter(|area| *area != Area::Network).map(|area| Part::not_tried(area, "see network"));
    (others.chain([network]).collect(), Node::default())
}

fn without_services(text: &str) -> Vec<Part> {
    let others = BEHIND.into_iter().filter(|area| *area != Area::Network);
    let others = others.map(|area| Part::not_tried(area, "see network"));
    let network = Part::not_tried(Area::Network, "which region is not known").wrong(Own::AwsSetup, text);
    others.chain([network]).collect()
}

async fn behind(
    settings: &Settings,
    outside: &Outside,
    metadata: &Metadata,
    services: &Services,
    heard: &Heard,
    local: &BTreeSet<String>,
    node: &mut Node,
) -> Vec<Part> {
    let (credentials, found) = credentials::look(services, metadata).await;
    if !found {
        let others = BEHIND.into_iter().filter(|area| *area != Area::Credentials);
        let others = others.map(|area| Part::not_tried(area, "not asked without credentials"));
        return others.chain([credentials]).collect();
    }
    let seen = groups::look(settings, metadata, services).await;
    node.permissions = permissions::judged(settings, services);
    let partition = metadata.identity.as_ref().and_then(|identity| identity.partition.as_deref());
    let network = network::part(outside, &services.region, partition, &heard.hosts(), local);
    let permissions = permissions::part(&node.permissions, &seen.denied(), seen.minds_scaling(metadata));
    let mut parts = groups::parts(settings, metadata, &seen, node);
    if !network.problems.is_empty() {
        parts = parts.into_iter().map(|part| part.without(Finding::AwsUnreachable.into())).collect();
    }
    [vec![credentials, network, permissions], parts].concat()
}

/// The ARNs of the policy, as far as they are known here.
fn known(settings: &Settings, metadata: &Metadata, node: &Node) -> Known {
    // Where nobody tells whose it is, it may turn out to be ours.
    let may_be_ours = |owner| matches!(owner, GroupOwner::Us | GroupOwner::Unknown);
    let ours = node.groups.iter().filter(|group| may_be_ours(group.owner));
    let mut target_groups: Vec<String> = ours.map(|group| group.arn.clone().unwrap_or(group.name.clone())).collect();
    if target_groups.is_empty() {
        target_groups = settings.membership.groups.iter().map(|wanted| wanted.group.clone()).collect();
    }
    let identity = metadata.identity.as_ref();
    Known {
        partition: identity.and_then(|identity| identity.partition.clone()),
        region: identity.map(|identity| identity.region.clone()).or(settings.aws.region.clone()),
        account: identity.and_then(|identity| identity.account.clone()),
        target_groups,
        scaling_group: node.scaling.as_ref().map(|scaling| scaling.name.clone()),
    }
}
