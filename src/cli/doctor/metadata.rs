//! Instance metadata: whether they answer, and if not, whether it is the hop limit; who the node is; and its tags,
//! where tags that are off are no tag that is missing.

use super::LIMIT;
use super::report::{Area, Part};
use crate::aws::{Imds, ImdsError, Outside, Sdk};
use crate::cli::text::harmless;
use crate::config::{Settings, is_target_group};
use crate::watch::host::Machine;
use crate::watch::node;
use rundeck_alb_core::{Finding, Identity};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Where metadata are, unless somebody says otherwise.
const ADDRESS: &str = "169.254.169.254:80";
/// A connection to them takes less than a millisecond.
const CONNECT_LIMIT: Duration = Duration::from_secs(1);

/// What metadata told.
#[derive(Debug, Default)]
pub struct Metadata {
    pub identity: Option<Identity>,
    /// The role of the instance's profile; `None` within: it has none.
    pub role: Option<Option<String>>,
    /// Where an Auto Scaling group moves the node; `None` within: metadata show no group.
    pub lifecycle: Option<Option<String>>,
    /// What the tag that names the groups says, empty where it is not there; `None`: nobody knows, or nobody asks.
    pub tag: Option<String>,
    /// Its client, for what else has to be asked.
    pub imds: Option<Imds>,
}

/// Asks for everything.
pub async fn look(sdk: &Sdk, outside: &Outside, settings: &Settings) -> (Vec<Part>, Metadata) {
    let key = settings.membership.discover_tag.as_deref().filter(|_| settings.membership.groups.is_empty());
    if outside.metadata_disabled {
        let parts = [Area::Metadata, Area::Tags].map(|area| Part::not_tried(area, "AWS_EC2_METADATA_DISABLED is set"));
        return (parts.to_vec(), Metadata::default());
    }
    let imds = sdk.imds();
    let identity = match timeout(LIMIT, imds.identity()).await {
        Ok(Ok(identity)) => identity,
        Ok(Err(error)) => return (unanswered(&error, outside).await, Metadata::default()),
        Err(_) => {
            let error = ImdsError::Absent("no answer in time".to_owned());
            return (unanswered(&error, outside).await, Metadata::default());
        }
    };
    let machine = Machine::default();
    let ask = async { tokio::join!(imds.role(), imds.lifecycle(), tag(&imds, key), node::identity(&imds, &machine)) };
    let (role, lifecycle, tag, whole) = match timeout(LIMIT, ask).await {
        Ok(told) => told,
        Err(_) => {
            let late = || ImdsError::Absent("no answer in time".to_owned());
            (Err(late()), Err(late()), Err(late()), Err(late().to_string()))
        }
    };
    let (tags, tag) = tags_part(key, tag);
    let seen = format!(
        "{}, {}{}",
        identity.instance_id,
        identity.availability_zone,
        identity.account.as_deref().map(|account| format!(", account {account}")).unwrap_or_default()
    );
    let mut part = Part::seen(Area::Metadata, seen);
    // Without it, nobody sees where the group moves the node.
    if let Err(error) = &lifecycle {
        part = part.wrong(Finding::MetadataUnreachable, error.to_string());
    }
    let metadata = Metadata {
        // What else there is to know of it may be missing.
        identity: Some(whole.unwrap_or_else(|_| Identity {
            instance_id: identity.instance_id,
            private_ip: identity.private_ip,
            region: identity.region,
            zone: identity.availability_zone,
            account: identity.account,
            ..Identity::default()
        })),
        role: role.ok(),
        lifecycle: lifecycle.ok(),
        tag,
        imds: Some(imds),
    };
    (vec![part, tags], metadata)
}

async fn tag(imds: &Imds, key: Option<&str>) -> Result<Option<String>, ImdsError> {
    match key {
        Some(key) => imds.tag(key).await,
        None => Ok(None),
    }
}

/// Why, as far as it can be found out: where a connection is made and the answer to the token never comes, the answer
/// was thrown away on its way (Amazon EC2 User Guide, "Use IMDS": hop limit).
async fn unanswered(error: &ImdsError, outside: &Outside) -> Vec<Part> {
    let tags = Part::not_tried(Area::Tags, "see metadata");
    let seen = if matches!(error, ImdsError::Absent(_)) { "no answer" } else { "no answer that can be used" };
    let part = Part::seen(Area::Metadata, seen);
    let part = match error {
        ImdsError::Absent(why) if connects(outside).await => part.wrong_and(
            Finding::MetadataUnreachable,
            format!(
                "instance metadata take a connection, and the answer never comes ({why}): this is a container, and \
                 the hop limit is 1"
            ),
            "aws ec2 modify-instance-metadata-options --http-put-response-hop-limit 2 --instance-id ID",
        ),
        ImdsError::Absent(why) => part.wrong_and(
            Finding::MetadataUnreachable,
            format!("instance metadata do not answer: {why}"),
            "outside EC2 set AWS_EC2_METADATA_DISABLED=true",
        ),
        error => part.wrong(Finding::MetadataUnreachable, error.to_string()),
    };
    vec![part, tags]
}

async fn connects(outside: &Outside) -> bool {
    let address = outside.metadata_endpoint.as_deref().and_then(authority).unwrap_or_else(|| ADDRESS.to_owned());
    timeout(CONNECT_LIMIT, TcpStream::connect(address)).await.is_ok_and(|connected| connected.is_ok())
}

/// `[fd00:ec2::254]:80` of `http://[fd00:ec2::254]/`.
fn authority(endpoint: &str) -> Option<String> {
    let authority = endpoint.split_once("://")?.1.split('/').next()?;
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    Some(if has_port { authority.to_owned() } else { format!("{authority}:80") })
}

/// The part, and what the tag says.
fn tags_part(key: Option<&str>, answer: Result<Option<String>, ImdsError>) -> (Part, Option<String>) {
    let Some(key) = key else { return (Part::seen(Area::Tags, "not needed: the configuration names groups"), None) };
    match answer {
        Ok(Some(value)) => {
            let part = Part::seen(Area::Tags, format!("{key}: {}", harmless(&value)));
            let odd = value.split_whitespace().filter(|name| !is_target_group(name));
            let part = odd.fold(part, |part, name| {
                let text = format!("the instance tag {key} names {name:?}, which can be no target group");
                part.wrong(Finding::TargetGroupMissing, text)
            });
            (part, Some(value))
        }
        Ok(None) => (Part::seen(Area::Tags, format!("shown in metadata; there is no tag {key}")), Some(String::new())),
        Err(ImdsError::NoTags) => {
            let text = format!(
                "metadata show no tags at all, so that nobody knows whether there is a tag {key}: they are off, or the \
                 instance has none"
            );
            let more = "aws ec2 modify-instance-metadata-options --instance-metadata-tags enabled --instance-id ID";
            (Part::seen(Area::Tags, "off").wrong_and(Finding::InstanceTagUnreadable, text, more), None)
        }
        Err(error) => {
            (Part::seen(Area::Tags, "unreadable").wrong(Finding::InstanceTagUnreadable, error.to_string()), None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_that_are_off_are_no_tag_that_is_missing() {
        let judged = |answer| {
            let (part, tag) = tags_part(Some("k"), answer);
            let words: Vec<&str> = part.problems.iter().map(|problem| problem.word.word()).collect();
            (words.join(" "), tag)
        };
        assert_eq!(judged(Ok(None)), (String::new(), Some(String::new())));
        assert_eq!(judged(Ok(Some("a".into()))), (String::new(), Some("a".into())));
        assert_eq!(judged(Ok(Some("a *".into()))).0, "target-group-missing");
        assert_eq!(judged(Err(ImdsError::NoTags)), ("instance-tag-unreadable".into(), None));
        assert_eq!(judged(Err(ImdsError::Forbidden)), ("instance-tag-unreadable".into(), None));
        assert_eq!(tags_part(None, Ok(None)).1, None);
    }

    #[test]
    fn the_address_of_the_metadata_has_a_port() {
        for (endpoint, address) in [
            ("http://127.0.0.1:1338", "127.0.0.1:1338"),
            ("http://[fd00:ec2::254]/", "[fd00:ec2::254]:80"),
            ("http://metadata.example/latest", "metadata.example:80"),
        ] {
            assert_eq!(authority(endpoint).as_deref(), Some(address));
        }
    }
}
