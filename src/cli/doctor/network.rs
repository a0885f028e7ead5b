//! The network path to AWS: proxy and certificates as the agent reads them, and which of the real endpoints gave an
//! answer, whatever it said. Asks nobody itself.

use super::report::{Area, Part};
use crate::aws::{Host, Outside};
use rundeck_alb_core::Finding;
use std::collections::{BTreeMap, BTreeSet};

/// Partitions where the names of interface endpoints begin with this.
const COMMON: [&str; 2] = ["aws", "aws-us-gov"];

/// The part. `local`: hosts that are no service of AWS's.
pub fn part(
    outside: &Outside,
    region: &str,
    partition: Option<&str>,
    hosts: &BTreeMap<String, Host>,
    local: &BTreeSet<String>,
) -> Part {
    let asked: Vec<(&String, bool)> =
        hosts.iter().filter(|(name, _)| !local.contains(*name)).map(|(name, host)| (name, host.answered)).collect();
    let names = |answered: bool| {
        asked.iter().filter(|(_, did)| *did == answered).map(|(name, _)| name.as_str()).collect::<Vec<_>>()
    };
    let (there, silent) = (names(true), names(false));
    let way = way(outside);
    if asked.is_empty() {
        return Part::not_tried(Area::Network, format!("nothing had to be asked{way}"));
    }
    if silent.is_empty() {
        return Part::seen(Area::Network, format!("{} answered{way}", there.join(", ")));
    }
    let part = Part::seen(Area::Network, format!("no answer from {}{way}", silent.join(", ")));
    let text = format!("there is no network path to {}{way}: no answer came, of whatever kind", silent.join(", "));
    part.wrong_and(Finding::AwsUnreachable, text, &endpoints(region, partition))
}

/// How it goes there, without the user and password that a proxy's URL may hold.
fn way(outside: &Outside) -> String {
    let mut way = outside.https_proxy.as_deref().map(|url| format!(", by HTTPS_PROXY {}", host_of(url)));
    if let Some(except) = outside.no_proxy.as_deref().filter(|_| way.is_some()) {
        way = way.map(|way| format!("{way} but for NO_PROXY {except}"));
    }
    let bundle = outside.ca_bundle.as_ref().map(|path| format!(", AWS_CA_BUNDLE {}", path.display()));
    [way, bundle].into_iter().flatten().collect()
}

fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

fn endpoints(region: &str, partition: Option<&str>) -> String {
    let prefix = match partition {
        Some(partition) if !COMMON.contains(&partition) => String::new(),
        Some(_) | None => format!("com.amazonaws.{region}."),
    };
    format!(
        "a subnet without a way out needs two interface endpoints, {prefix}elasticloadbalancing and \
         {prefix}autoscaling, whose security group lets this node in at 443; else set HTTPS_PROXY"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(answered: bool) -> BTreeMap<String, Host> {
        let host = |answered| Host { answered, dated: None };
        [("169.254.169.254".to_owned(), host(true)), ("aws.example".to_owned(), host(answered))].into()
    }

    fn judged(outside: &Outside, answered: bool) -> Part {
        let local = BTreeSet::from(["169.254.169.254".to_owned()]);
        part(outside, "eu-west-1", None, &hosts(answered), &local)
    }

    #[test]
    fn any_answer_proves_a_path_and_none_names_both_endpoints() {
        assert!(judged(&Outside::default(), true).problems.is_empty());
        let part = judged(&Outside::default(), false);
        let cure = &part.problems[0].cure;
        assert!(cure.contains("com.amazonaws.eu-west-1.elasticloadbalancing"), "{cure}");
        assert!(cure.contains("com.amazonaws.eu-west-1.autoscaling"), "{cure}");
        assert!(!endpoints("cn-north-1", Some("aws-cn")).contains("com.amazonaws"));
    }

    #[test]
    fn a_proxys_password_is_not_shown() {
        let outside = Outside {
            https_proxy: Some("http://user:s3cret@proxy.example:3128/".into()),
            no_proxy: Some(".internal".into()),
            ..Outside::default()
        };
        let told = format!("{:?}", judged(&outside, false));
        assert!(told.contains("HTTPS_PROXY proxy.example:3128 but for NO_PROXY .internal"), "{told}");
        assert!(!told.contains("s3cret") && !told.contains("user:"), "{told}");
    }
}
