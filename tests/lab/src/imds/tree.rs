//! The metadata as a tree of paths: items with a value, folders with the names below them (a sub-folder's ends in `/`).
//!
//! What can change while an instance runs (tags, Auto Scaling state) is here; how it is asked for is the server's part.

use std::collections::{BTreeMap, BTreeSet};

use super::Node;
use crate::aws::{ACCOUNT, REGION, VPC};

/// The role of every node.
const ROLE: &str = "rundeck-node";

/// The rest of an image and an instance that nobody of the lab changes.
const IMAGE: &str = "ami-0a887e401f7654935";
const INSTANCE_TYPE: &str = "m6i.large";

/// All paths of one node, without `/latest`.
#[derive(Debug)]
pub(super) struct Tree {
    items: BTreeMap<String, String>,
}

impl Tree {
    pub(super) fn of(node: &Node) -> Self {
        let interface = format!("network/interfaces/macs/{}", node.mac);
        let address = node.address.to_string();
        let host = format!("ip-{}.{REGION}.compute.internal", address.replace('.', "-"));
        let meta: [(&str, &str); 24] = [
            ("ami-id", IMAGE),
            ("ami-launch-index", "0"),
            ("hostname", &host),
            ("instance-action", "none"),
            ("instance-id", &node.instance_id),
            ("instance-life-cycle", "on-demand"),
            ("instance-type", INSTANCE_TYPE),
            ("local-hostname", &host),
            ("local-ipv4", &address),
            ("mac", &node.mac),
            ("placement/availability-zone", &node.zone),
            ("placement/availability-zone-id", &node.zone_id),
            ("placement/region", REGION),
            ("services/domain", "amazonaws.com"),
            ("services/partition", "aws"),
            (&format!("{interface}/device-number"), "0"),
            (&format!("{interface}/local-ipv4s"), &address),
            (&format!("{interface}/mac"), &node.mac),
            (&format!("{interface}/owner-id"), ACCOUNT),
            (&format!("{interface}/vpc-id"), VPC),
            ("iam/info", &iam_info()),
            (&format!("iam/security-credentials/{ROLE}"), &credentials()),
            ("reservation-id", "r-046cb3eca3e201d2f"),
            ("security-groups", "rundeck"),
        ];
        let mut items: BTreeMap<String, String> =
            meta.iter().map(|(path, value)| (format!("meta-data/{path}"), (*value).to_owned())).collect();
        items.insert("dynamic/instance-identity/document".to_owned(), document(node));
        Self { items }
    }

    /// Sets or takes away an item below `meta-data/`, or one whose path begins with `dynamic/`.
    pub(super) fn set(&mut self, path: &str, value: Option<&str>) {
        let path = if path.starts_with("dynamic/") { path.to_owned() } else { format!("meta-data/{path}") };
        match value {
            Some(value) => self.items.insert(path, value.to_owned()),
            None => self.items.remove(&path),
        };
    }

    /// Replaces all instance tags; `None` is "tags in metadata" switched off.
    pub(super) fn set_tags(&mut self, tags: Option<&BTreeMap<String, String>>) {
        self.items.retain(|path, _| !path.starts_with("meta-data/tags/"));
        for (key, value) in tags.into_iter().flatten() {
            self.set(&format!("tags/instance/{key}"), Some(value));
        }
    }

    /// The body for `path` below `/latest/`: an item's value or a folder's listing. A slash at the end does not matter.
    pub(super) fn get(&self, path: &str) -> Option<String> {
        let path = path.trim_matches('/');
        if let Some(value) = self.items.get(path) {
            return Some(value.clone());
        }
        let folder = if path.is_empty() { String::new() } else { format!("{path}/") };
        let below = self.items.keys().filter_map(|key| key.strip_prefix(&folder));
        let names: BTreeSet<String> = below
            .map(|rest| rest.split_once('/').map_or_else(|| rest.to_owned(), |(name, _)| format!("{name}/")))
            .collect();
        (!names.is_empty()).then(|| names.into_iter().collect::<Vec<_>>().join("\n"))
    }
}

fn iam_info() -> String {
    let profile = format!("arn:aws:iam::{ACCOUNT}:instance-profile/{ROLE}");
    pretty(&serde_json::json!({
        "Code": "Success",
        "LastUpdated": "2026-01-01T00:00:00Z",
        "InstanceProfileArn": profile,
        "InstanceProfileId": "AIPA5BOGHHXZELSK34VU4",
    }))
}

/// Credentials that outlive every test. They open nothing anywhere.
fn credentials() -> String {
    pretty(&serde_json::json!({
        "Code": "Success",
        "LastUpdated": "2026-01-01T00:00:00Z",
        "Type": "AWS-HMAC",
        "AccessKeyId": "ASIALABLABLABLABLAB1",
        "SecretAccessKey": "lab-secret-lab-secret-lab-secret-lab-sec",
        "Token": "lab-session-token",
        "Expiration": "2036-01-01T00:00:00Z",
    }))
}

fn document(node: &Node) -> String {
    pretty(&serde_json::json!({
        "accountId": ACCOUNT,
        "architecture": "x86_64",
        "availabilityZone": node.zone,
        "billingProducts": null,
        "devpayProductCodes": null,
        "marketplaceProductCodes": null,
        "imageId": IMAGE,
        "instanceId": node.instance_id,
        "instanceType": INSTANCE_TYPE,
        "kernelId": null,
        "pendingTime": "2026-01-01T00:00:00Z",
        "privateIp": node.address.to_string(),
        "ramdiskId": null,
        "region": REGION,
        "version": "2017-09-30",
    }))
}

fn pretty(value: &serde_json::Value) -> String {
    format!("{value:#}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_folders_and_slashes() {
        let mut tree = Tree::of(&Node::at(0));
        assert_eq!(tree.get("meta-data/placement/region").as_deref(), Some("eu-west-1"));
        let listing = "availability-zone\navailability-zone-id\nregion";
        assert_eq!(tree.get("meta-data/placement").as_deref(), Some(listing));
        assert_eq!(tree.get("meta-data/placement/").as_deref(), Some(listing));
        assert_eq!(tree.get("").as_deref(), Some("dynamic/\nmeta-data/"));
        assert_eq!(tree.get("meta-data/iam/security-credentials/").as_deref(), Some("rundeck-node"));
        assert_eq!(tree.get("meta-data/place"), None);
        assert_eq!(tree.get("meta-data/tags/instance"), None);
        let tags = [("Name", "one"), ("team", "ops")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        tree.set_tags(Some(&tags.into()));
        assert_eq!(tree.get("meta-data/tags/instance").as_deref(), Some("Name\nteam"));
        assert_eq!(tree.get("meta-data/tags/instance/team").as_deref(), Some("ops"));
        tree.set_tags(None);
        assert_eq!(tree.get("meta-data/tags/instance"), None);
    }
}
