//! What is known of the ARNs here: by the configuration and AWS's variables, and by instance metadata, asked for a
//! short time. It draws no policy; what nobody tells stays unknown.

use super::policy::{AUTO_SCALING_GROUP, Known, TARGET_GROUP};
use crate::aws::{Imds, Outside, SCALING_GROUP_TAG, Sdk};
use crate::cli::Surroundings;
use crate::clock::since_boot;
use crate::config::{Settings, is_target_group};
use std::time::Duration;

/// For how long metadata are asked, all items together. On a node they answer in milliseconds; elsewhere nobody does.
const PATIENCE: Duration = Duration::from_secs(2);
/// Where the region stands in the environment, as the SDK reads it.
const REGION_VARIABLES: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];
/// Longest name of an Auto Scaling group (`CreateAutoScalingGroup`).
const MOST_NAME: usize = 255;

/// What can be told without asking anybody.
pub fn configured(settings: &Settings, surroundings: &Surroundings) -> Known {
    let from_environment = || REGION_VARIABLES.iter().find_map(|name| surroundings.text(name)).map(str::to_owned);
    Known {
        region: settings.aws.region.clone().or_else(from_environment),
        target_groups: settings.membership.groups.iter().map(|wanted| wanted.group.clone()).collect(),
        ..Known::default()
    }
}

/// Asks instance metadata for what these placeholders stand for. Gives what could not be had, for people.
pub async fn fill(known: &mut Known, missing: &[&str], outside: Outside, group_tag: Option<&str>) -> Vec<String> {
    let imds = match Sdk::new(outside, since_boot) {
        Ok(sdk) => sdk.imds(),
        Err(error) => return vec![format!("instance metadata cannot be asked: {error}")],
    };
    let mut asking = Asking { imds, known, told: Vec::new() };
    let all = async {
        if !asking.identity().await {
            return;
        }
        if missing.contains(&TARGET_GROUP) {
            asking.target_groups(group_tag).await;
        }
        if missing.contains(&AUTO_SCALING_GROUP) {
            asking.scaling_group().await;
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, all).await.is_ok();
    let mut told = asking.told;
    // Tags that are off are told of each tag.
    told.dedup();
    if !in_time {
        told.push(format!("instance metadata did not tell everything within {} s", PATIENCE.as_secs()));
    }
    told
}

/// Metadata that are being asked.
struct Asking<'a> {
    imds: Imds,
    known: &'a mut Known,
    told: Vec<String>,
}

impl Asking<'_> {
    /// Partition, region and account. False: nobody answers, so that no more need be asked.
    async fn identity(&mut self) -> bool {
        let identity = match self.imds.identity().await {
            Ok(identity) => identity,
            Err(error) => {
                self.told.push(error.to_string());
                return false;
            }
        };
        self.known.region.get_or_insert(identity.region);
        self.known.account = identity.account;
        // Where it is not told, the region tells it.
        self.known.partition = self.imds.partition().await.ok().flatten();
        true
    }

    /// The groups that the instance's tag names.
    async fn target_groups(&mut self, key: Option<&str>) {
        let Some(key) = key else { return };
        match self.imds.tag(key).await {
            Ok(Some(value)) => {
                let (groups, odd): (Vec<&str>, Vec<&str>) =
                    value.split_whitespace().partition(|name| is_target_group(name));
                self.known.target_groups = groups.into_iter().map(str::to_owned).collect();
                self.told.extend(odd.into_iter().map(|name| {
                    format!("the instance tag {key} names {name:?}, which can be no target group: left out")
                }));
            }
            Ok(None) => self.told.push(format!("the instance has no tag {key}")),
            Err(error) => self.told.push(error.to_string()),
        }
    }

    async fn scaling_group(&mut self) {
        match self.imds.tag(SCALING_GROUP_TAG).await {
            Ok(Some(name)) if is_scaling_group(&name) => self.known.scaling_group = Some(name),
            Ok(Some(name)) => self.told.push(format!("{name:?} can be no Auto Scaling group: left out")),
            Ok(None) => {
                self.told.push(format!("the instance has no tag {SCALING_GROUP_TAG}: no Auto Scaling group has it"))
            }
            Err(error) => self.told.push(error.to_string()),
        }
    }
}

/// "any ASCII character 33 to 126", but a colon (`CreateAutoScalingGroup`).
fn is_scaling_group(name: &str) -> bool {
    (1..=MOST_NAME).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scaling_groups_name_is_visible_ascii_without_a_colon() {
        for good in ["rundeck-blue", "a/b*c", &"x".repeat(MOST_NAME)] {
            assert!(is_scaling_group(good), "{good}");
        }
        for bad in ["", "a b", "a:b", "ä", &"x".repeat(MOST_NAME + 1)] {
            assert!(!is_scaling_group(bad), "{bad}");
        }
    }
}
