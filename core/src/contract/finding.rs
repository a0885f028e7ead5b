//! What can be wrong, as a closed list: each finding has its word once, and its cure.
//!
//! When something is found, and what exactly, is decided in the rooms; docs/FINDINGS.md tells people more of each.

use super::words::words;
use serde::{Deserialize, Serialize};
use std::fmt;

words! {
    /// Something that is wrong and that people can cure. It changes no verdict by itself.
    Finding {
        /// A group registers addresses, and this machine has none that it could be registered by.
        AddressMissing = "address-missing",
        /// A group registers addresses, and no interface here bears the one that metadata tell (a pod, a container).
        AddressNotHere = "address-not-here",
        /// The API answers 5xx.
        ApiFailing = "api-failing",
        /// The API does not answer in time.
        ApiTimeout = "api-timeout",
        /// The API answers something that says nothing.
        ApiUnreadable = "api-unreadable",
        /// A node of an Auto Scaling group leaves by its jobs first.
        AsgWillReplace = "asg-will-replace",
        /// AWS refuses a call for a reason of its own.
        AwsRefused = "aws-refused",
        /// Too many requests for this account and region.
        AwsThrottled = "aws-throttled",
        /// AWS does not answer.
        AwsUnreachable = "aws-unreachable",
        /// Rundeck's certificate is not accepted; no token is sent.
        Certificate = "certificate",
        /// The server UUID is the container image's, or another one than before.
        Clone = "clone",
        /// AWS does not accept the credentials, or there are none.
        CredentialsRejected = "credentials-rejected",
        /// A call that needs Rundeck's database fails or hangs.
        DatabaseFailing = "database-failing",
        /// Somebody has taken the node out of its Auto Scaling group, and kept it.
        Detached = "detached",
        /// A local file system that Rundeck writes to is nearly full.
        DiskLow = "disk-low",
        /// The group's health check asks somebody else.
        HealthCheckElsewhere = "health-check-elsewhere",
        /// A command of the operator's own has failed.
        HookFailed = "hook-failed",
        /// Rundeck's HTTP firewall answers 400 to our `Host`.
        HostRefused = "host-refused",
        /// Instance metadata does not answer for the tag that names the groups.
        InstanceTagUnreadable = "instance-tag-unreadable",
        /// What is to survive a crash is not on disk.
        IntentNotKept = "intent-not-kept",
        /// Maintenance of before a reboot could not be taken up.
        MaintenanceIgnored = "maintenance-ignored",
        /// Instance metadata does not answer.
        MetadataUnreachable = "metadata-unreachable",
        /// Nobody names a target group.
        NoTargetGroup = "no-target-group",
        /// A group registers instances of its own VPC, and this machine is in another.
        OtherVpc = "other-vpc",
        /// The configuration gives a target group to this agent that an Auto Scaling group has attached.
        OwnershipConflict = "ownership-conflict",
        /// Rundeck is passive, and nobody here undoes it.
        PassiveMode = "passive-mode",
        /// The role lacks a permission.
        PermissionMissing = "permission-missing",
        /// A second port of a target group that the Auto Scaling group has attached is not registered by it.
        PortNotRegistered = "port-not-registered",
        /// The process table hides other users' processes, Rundeck's among them.
        ProcessHidden = "process-hidden",
        /// The end of Rundeck's process cannot be watched.
        ProcessUnwatched = "process-unwatched",
        /// A receipt is not on disk.
        ReceiptNotKept = "receipt-not-kept",
        /// `rundeck.url` leads to another machine.
        RundeckElsewhere = "rundeck-elsewhere",
        /// The host of `rundeck.url` cannot be resolved.
        RundeckName = "rundeck-name",
        /// What answers at `rundeck.url` has no `/health`.
        RundeckUrl = "rundeck-url",
        /// Several processes look like the Rundeck on this port.
        SeveralRundecks = "several-rundecks",
        /// The Auto Scaling group does not take the node back out of Standby.
        StandbyLeft = "standby-left",
        /// The state directory cannot be used.
        StateDirectory = "state-directory",
        /// Somebody else took this node's target out of a group.
        TakenOut = "taken-out",
        /// A named group does not exist.
        TargetGroupMissing = "target-group-missing",
        /// The balancer has the target, but sends nothing.
        TargetNotInUse = "target-not-in-use",
        /// The token's file cannot be read.
        TokenFile = "token-file",
        /// The load balancer still sends a token in a query.
        TokenInQuery = "token-in-query",
        /// There is no token.
        TokenMissing = "token-missing",
        /// Rundeck rejects the token.
        TokenRejected = "token-rejected",
        /// The token may not see mode and jobs.
        TokenWithoutRights = "token-without-rights",
    }
}

impl Finding {
    /// What to do about it.
    pub fn cure(self) -> &'static str {
        match self {
            Finding::AddressMissing => {
                "use a target group of type instance, or give this machine an address of that family"
            }
            Finding::AddressNotHere => {
                "run the agent in the network of the host, or use a target group of type instance"
            }
            Finding::ApiUnreadable => "look for a wrong context path in rundeck.url, or something else on its port",
            Finding::ApiFailing => "look at Rundeck's database and its service.log",
            Finding::ApiTimeout => "look at Rundeck's database",
            Finding::AsgWillReplace => "use Standby for planned work",
            Finding::AwsRefused => "correct what AWS names",
            Finding::AwsThrottled => "look for what else calls AWS in this account and region",
            Finding::AwsUnreachable => {
                "open a path to AWS: a NAT gateway, HTTPS_PROXY, or the interface endpoints elasticloadbalancing and \
                 autoscaling"
            }
            Finding::Certificate => "set rundeck.ca_file, or rundeck.pin_sha256",
            Finding::Clone => {
                "give this member a UUID of its own: RUNDECK_SERVER_UUID, or rundeck.server.uuid in \
                 framework.properties"
            }
            Finding::CredentialsRejected => "give the instance a role, and check the clock",
            Finding::DatabaseFailing => "look at the database",
            Finding::Detached => "attach it again, or terminate it, when it is no longer needed",
            Finding::DiskLow => "remove old execution logs, the usual cause, or make it larger",
            Finding::HealthCheckElsewhere => "set the group's health check to that port and path",
            Finding::HookFailed => "look for its output in the agent's log, and correct the command in [hooks]",
            Finding::HostRefused => "set rundeck.host_header to a name that it allows",
            Finding::InstanceTagUnreadable => "allow instance tags in metadata, or set [[target_group]]",
            Finding::IntentNotKept | Finding::ReceiptNotKept => {
                "free space, or make the state directory writable for the agent's user"
            }
            Finding::MaintenanceIgnored => "order it again, and look why metadata do not answer",
            Finding::MetadataUnreachable => "enable IMDSv2; in a container allow a hop limit of 2",
            Finding::NoTargetGroup => "set [[target_group]] or the instance tag",
            Finding::OtherVpc => "name a target group of this machine's VPC, or one of type ip",
            Finding::OwnershipConflict => "detach it from the Auto Scaling group, or set its ownership to auto",
            Finding::PassiveMode => "switch it to active in Rundeck, or restart Rundeck",
            Finding::PermissionMissing => {
                "allow it to the instance's role: rundeck-alb-agent iam-policy prints what it needs"
            }
            Finding::PortNotRegistered => "give that port a target group of its own",
            Finding::ProcessHidden => {
                "put the agent's user into the group that the mount of /proc names (gid=), or mount it without hidepid"
            }
            Finding::ProcessUnwatched => "raise the limit of descriptors",
            Finding::RundeckElsewhere => "set rundeck.url to the Rundeck of this machine, best http://127.0.0.1:4440",
            Finding::RundeckName => "use an address, best 127.0.0.1",
            Finding::RundeckUrl => "set the context path in rundeck.url (server.servlet.context-path)",
            Finding::SeveralRundecks => "tell them apart by -Dserver.http.port",
            Finding::StandbyLeft => "bring it out of Standby by hand, or raise the group's maximum",
            Finding::StateDirectory => "make it a directory that the agent's user may write to",
            Finding::TakenOut => "put it back at once by resume, or drain the node to keep it out",
            Finding::TargetGroupMissing => "correct the name, or create it",
            Finding::TargetNotInUse => "attach the group to a listener and enable this node's zone",
            Finding::TokenFile => "make it readable for the agent's user, with one token in it",
            Finding::TokenInQuery => "remove the query from the health check's path: none is needed",
            Finding::TokenMissing => "set rundeck.token_file or the credential rundeck-token",
            Finding::TokenRejected => "write a new one to rundeck.token_file",
            Finding::TokenWithoutRights => "allow read on kind system for its role",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    /// The page's table: each word with its cure, without backticks.
    fn documented() -> BTreeMap<String, String> {
        let page = include_str!("../../../docs/FINDINGS.md");
        // Behind the next heading stands what others find.
        let page = page.split_once("\n## ").map_or(page, |(agents, _)| agents);
        let rows = page.lines().filter(|line| line.starts_with("| `"));
        let cells = rows.map(|row| row.split('|').map(|cell| cell.trim().replace('`', "")).collect::<Vec<_>>());
        let rows: Vec<(String, String)> = cells.map(|row| (row[1].clone(), row[3].clone())).collect();
        let documented: BTreeMap<String, String> = rows.iter().cloned().collect();
        assert_eq!(documented.len(), rows.len(), "a word stands twice on the page");
        documented
    }

    #[test]
    fn each_finding_stands_on_the_page_and_the_page_has_no_others() {
        let listed: BTreeSet<&str> = Finding::ALL.iter().map(|finding| finding.word()).collect();
        assert_eq!(listed.len(), Finding::ALL.len(), "a word stands twice");
        assert_eq!(listed, documented().keys().map(String::as_str).collect());
        assert!(Finding::ALL.iter().map(|finding| finding.word()).is_sorted(), "status shows them in this order");
    }

    #[test]
    fn the_page_begins_each_cure_as_the_finding_says_it() {
        let page = documented();
        for finding in Finding::ALL {
            let (shown, cure) = (&page[finding.word()], finding.cure());
            let sentence = format!("{}{}", cure[..1].to_ascii_uppercase(), &cure[1..]);
            // The page may say more, after a pause: a longer word is not taken for the cure.
            let more = shown.strip_prefix(&sentence);
            let begins = more.is_some_and(|more| more.starts_with(['.', ':', ';', ',', ' ']));
            assert!(begins, "{finding}: docs/FINDINGS.md says \"{shown}\", the finding itself \"{cure}\"");
        }
    }

    #[test]
    fn each_cure_says_what_to_do() {
        for finding in Finding::ALL {
            let cure = finding.cure();
            assert!(cure.len() > 10 && !cure.ends_with('.'), "{finding}: {cure}");
            assert!(cure.starts_with(|c: char| c.is_ascii_lowercase()), "{finding}: {cure}");
        }
    }
}
