//! What items of instance metadata look like, by the EC2 User Guide: what looks otherwise is no value.
//!
//! A proxy, a portal or another cloud's service at the same address answers 200 too, and a value that is believed takes
//! a node out or in.

use serde::Deserialize;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Longest identity document, far above the half kilobyte that it has.
const MOST_DOCUMENT: usize = 16 * 1024;
/// Longest word; the longest known one has 17 letters.
const MOST_WORD: usize = 64;
/// Longest name of a role.
const MOST_ROLE: usize = 64;
/// Longest value of a tag, in characters (AWS's limit), and longest list of keys: 50 tags of 128 characters.
const MOST_TAG: usize = 256;
const MOST_KEYS: usize = 50 * 129;

/// Title and heading of the service's own page for what is not there.
const NOT_FOUND: &str = "404 - Not Found";
/// Longest such page, far above the third of a kilobyte that it has.
const MOST_PAGE: usize = 4 * 1024;

/// Who this node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `i-…`.
    pub instance_id: String,
    /// Primary private IPv4 address; `None`: it speaks IPv6 alone.
    pub private_ip: Option<String>,
    pub region: String,
    pub availability_zone: String,
    /// The account's number; `None`: the document tells none.
    pub account: Option<String>,
}

/// How the primary interface is in the network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// `vpc-…`.
    pub vpc: Option<String>,
    /// Its first IPv6 address, in canonical form.
    pub ipv6: Option<String>,
}

/// The identity document; more than these fields may stand in it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    instance_id: String,
    private_ip: Option<String>,
    region: String,
    availability_zone: String,
    #[serde(default)]
    account_id: serde_json::Value,
}

/// Who this node is. Only the address and the account may be missing: no node is kept out of its groups by an account's
/// number, which is for people alone.
pub(super) fn document(text: &str) -> Result<Identity, String> {
    if text.len() > MOST_DOCUMENT {
        return Err(format!("{} bytes are too many", text.len()));
    }
    let document: Document = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let Document { instance_id, private_ip, region, availability_zone, account_id } = document;
    let private_ip = private_ip.filter(|address| !address.is_empty());
    if !instance_id.strip_prefix("i-").is_some_and(|id| is_name(id, "")) {
        return Err(format!("{} is no instance id", shown(&instance_id)));
    }
    if let Some(odd) = [&region, &availability_zone].into_iter().find(|place| !is_name(place, "-")) {
        return Err(format!("{} is no region or zone", shown(odd)));
    }
    if let Some(odd) = private_ip.as_ref().filter(|address| address.parse::<Ipv4Addr>().is_err()) {
        return Err(format!("{} is no IPv4 address", shown(odd)));
    }
    let account = account_id.as_str().filter(|account| is_account(account)).map(str::to_owned);
    Ok(Identity { instance_id, private_ip, region, availability_zone, account })
}

/// The first part of all ARNs: `aws`, `aws-cn`, `aws-us-gov`, or one that is not known yet.
pub(super) fn partition(text: &str) -> Result<String, String> {
    let partition = text.trim_ascii_end();
    let is_one = partition == "aws" || partition.strip_prefix("aws-").is_some_and(|more| is_name(more, "-"));
    if is_one { Ok(partition.to_owned()) } else { Err(format!("{} is no partition", shown(text))) }
}

/// A hardware address: six pairs of hex digits, with colons.
pub(super) fn mac(text: &str) -> Result<&str, String> {
    let mac = text.trim_ascii_end();
    let pair = |pair: &str| pair.len() == 2 && pair.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_one = mac.split(':').count() == 6 && mac.split(':').all(pair);
    if is_one { Ok(mac) } else { Err(format!("{} is no hardware address", shown(text))) }
}

/// `vpc-` and letters and digits.
pub(super) fn vpc(text: &str) -> Result<String, String> {
    let vpc = text.trim_ascii_end();
    let is_one = vpc.strip_prefix("vpc-").is_some_and(|id| is_name(id, ""));
    if is_one { Ok(vpc.to_owned()) } else { Err(format!("{} is no VPC", shown(text))) }
}

/// The first of the addresses, which stand one a line, in canonical form.
pub(super) fn first_ipv6(text: &str) -> Result<String, String> {
    let first = text.lines().next().unwrap_or_default().trim_ascii();
    let address: Result<Ipv6Addr, _> = first.parse();
    address.map(|address| address.to_string()).map_err(|_| format!("{} is no IPv6 address", shown(text)))
}

/// A role's name (IAM: letters, digits and `+=,.@_-`, at most 64).
pub(super) fn role(text: &str) -> Result<String, String> {
    let role = text.trim_ascii_end();
    let is_one = role.len() <= MOST_ROLE && is_name(role, "+=,.@_-");
    if is_one { Ok(role.to_owned()) } else { Err(format!("{} is no role", shown(text))) }
}

/// A word of AWS's, as states are: letters, with a colon between two (`Warmed:Stopped`).
pub(super) fn word(text: &str) -> Result<String, String> {
    let word = text.trim_ascii_end();
    let letters = word.split(':').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphabetic()));
    if letters && word.len() <= MOST_WORD { Ok(word.to_owned()) } else { Err(format!("{} is no word", shown(text))) }
}

/// A tag's value: one line that says something and is no page.
pub(super) fn tag(text: &str) -> Result<String, String> {
    let value = text.trim_ascii();
    let odd = value.is_empty() || value.starts_with('<') || value.contains(char::is_control);
    if odd || value.chars().count() > MOST_TAG {
        return Err(format!("{} is no tag's value", shown(text)));
    }
    Ok(value.to_owned())
}

/// The keys of the tags, one a line.
pub(super) fn keys(text: &str) -> Result<Vec<&str>, String> {
    let keys: Vec<&str> = text.trim_ascii_end().split('\n').collect();
    let served = |key: &&str| is_name(key, "+-=.,_:@");
    if text.len() > MOST_KEYS || !keys.iter().all(served) {
        return Err(format!("{} is no list of tags", shown(text)));
    }
    Ok(keys)
}

/// Whether the body of a 404 is the service's own page. Another's says only that it does not know the path.
pub(super) fn is_not_found_page(body: &[u8]) -> bool {
    body.len() <= MOST_PAGE && std::str::from_utf8(body).is_ok_and(|page| page.contains(NOT_FOUND))
}

/// Twelve digits.
fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// ASCII letters, digits and these.
fn is_name(text: &str, more: &str) -> bool {
    let served = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
    (1..=MOST_KEY).contains(&text.len()) && text.chars().all(served)
}

/// Longest name: that of a tag's key.
const MOST_KEY: usize = 128;

/// Its beginning, for people, on one line.
fn shown(text: &str) -> String {
    let beginning: String = text.chars().take(40).collect();
    let more = if beginning.len() < text.len() { "…" } else { "" };
    format!("{beginning:?}{more}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(field: &str, value: &str) -> String {
        let mut fields = [
            ("instanceId", "\"i-0123456789abcdef0\""),
            ("privateIp", "\"10.0.7.10\""),
            ("region", "\"eu-west-1\""),
            ("availabilityZone", "\"eu-west-1-lon-1a\""),
            ("accountId", "\"123456789012\""),
            ("marketplaceProductCodes", "null"),
        ]
        .to_vec();
        fields.retain(|(name, _)| *name != field);
        if !value.is_empty() {
            fields.push((field, value));
        }
        let fields: Vec<String> = fields.iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
        format!("{{\n  {}\n}}", fields.join(",\n  "))
    }

    #[test]
    fn an_identity_may_lack_its_ipv4_address_and_its_account_and_nothing_else() {
        let whole = document(&with("", "")).expect("whole");
        assert_eq!(whole.private_ip.as_deref(), Some("10.0.7.10"));
        for nothing in ["", "null", "\"\""] {
            assert_eq!(document(&with("privateIp", nothing)), Ok(Identity { private_ip: None, ..whole.clone() }));
        }
        assert_eq!(whole.account.as_deref(), Some("123456789012"));
        for nothing in ["", "null", "\"\"", "17", "{}", "\"0123456789\"", "\"12345678901x\""] {
            assert_eq!(document(&with("accountId", nothing)), Ok(Identity { account: None, ..whole.clone() }));
        }
        for field in ["instanceId", "region", "availabilityZone"] {
            for odd in ["", "null", "\"\"", "17", "\"<html>\"", "\"i-1\\n\"", &format!("\"i-{}\"", "a".repeat(200))] {
                assert!(document(&with(field, odd)).is_err(), "{field}: {odd}");
            }
        }
        for odd in ["7", "\"10.0.7\"", "\"fd00::1\"", "\"10.0.7.10\\n\"", "{}"] {
            assert!(document(&with("privateIp", odd)).is_err(), "{odd}");
        }
    }

    #[test]
    fn half_a_document_a_page_and_too_much_are_no_identity() {
        let whole = with("", "");
        for cut in 0..whole.len() {
            assert!(document(&whole[..cut]).is_err(), "cut at {cut}");
        }
        assert!(document("<html>404</html>").is_err() && document("null").is_err());
        assert!(document(&format!("{whole}{}", " ".repeat(MOST_DOCUMENT))).is_err());
    }

    #[test]
    fn partitions_that_are_not_known_yet_are_partitions_and_pages_are_not() {
        for partition in ["aws", "aws-cn", "aws-us-gov", "aws-iso-b"] {
            assert_eq!(super::partition(partition).as_deref(), Ok(partition));
        }
        for odd in ["", "aws-", "awsome", "amazonaws.com", "aws:", "aws-*", "<html>aws</html>", "aws\naws-cn"] {
            assert!(super::partition(odd).is_err(), "{odd:?}");
        }
    }

    #[test]
    fn the_network_of_an_interface_is_read_in_aws_own_forms_alone() {
        assert_eq!(mac("0e:49:61:0f:c3:11\n"), Ok("0e:49:61:0f:c3:11"));
        for odd in ["", "0e:49:61:0f:c3", "0e:49:61:0f:c3:1g", "0e:49:61:0f:c3:11:22", "0e-49-61-0f-c3-11", "../../x"] {
            assert!(mac(odd).is_err(), "{odd:?}");
        }
        assert_eq!(vpc("vpc-0d295a6a7\n").as_deref(), Ok("vpc-0d295a6a7"));
        for odd in ["", "vpc-", "subnet-1", "vpc-<html>", "vpc-1\nvpc-2"] {
            assert!(vpc(odd).is_err(), "{odd:?}");
        }
        for spelled in ["2001:db8:8:4::2", "2001:0DB8:8:4:0:0:0:2\n2001:db8::9\n"] {
            assert_eq!(first_ipv6(spelled).as_deref(), Ok("2001:db8:8:4::2"), "{spelled:?}");
        }
        for odd in ["", "\n", "10.0.0.1", "2001:db8::2/64", "<html>"] {
            assert!(first_ipv6(odd).is_err(), "{odd:?}");
        }
    }

    #[test]
    fn a_roles_name_is_one_word_and_no_page() {
        assert_eq!(role("rundeck-node\n").as_deref(), Ok("rundeck-node"));
        assert_eq!(role("A+b=c,d.e@f_g").as_deref(), Ok("A+b=c,d.e@f_g"));
        for odd in ["", "a b", "a/b", "<html>", "one\ntwo", &"a".repeat(MOST_ROLE + 1)] {
            assert!(role(odd).is_err(), "{odd:?}");
        }
    }

    #[test]
    fn words_that_are_not_known_yet_are_words_and_pages_are_not() {
        for (text, expected) in
            [("InService", "InService"), ("Terminated\n", "Terminated"), ("Warmed:Hibernated", "Warmed:Hibernated")]
        {
            assert_eq!(word(text).as_deref(), Ok(expected));
        }
        assert_eq!(word("Terminating:Retained").as_deref(), Ok("Terminating:Retained"));
        let long = "a".repeat(MOST_WORD + 1);
        for odd in ["", "\n", "In Service", "InService\nStandby", "<html></html>", "a\0b", ":", "Warmed:", "503", &long]
        {
            assert!(word(odd).is_err(), "{odd:?}");
        }
    }

    #[test]
    fn a_tags_value_is_one_line_that_says_something() {
        assert_eq!(tag(" one two\n").as_deref(), Ok("one two"));
        assert_eq!(tag("arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/ä/0").map(|_| ()), Ok(()));
        let long = "ä".repeat(MOST_TAG + 1);
        for odd in ["", " \n", "one\ntwo", "<!DOCTYPE html>", "a\u{1b}[2J", &long] {
            assert!(tag(odd).is_err(), "{odd:?}");
        }
        assert_eq!(keys("Name\nrundeck-alb-agent:target-groups\n").map(|keys| keys.len()), Ok(2));
        for odd in ["", "Name\n\nTest", "<html>", "a b", &"a\n".repeat(MOST_KEYS)] {
            assert!(keys(odd).is_err(), "{odd:?}");
        }
    }
}
