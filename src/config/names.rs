//! The shapes of names that go to Rundeck, TLS and AWS. Does not ask whether a thing of that name
//! exists.

use super::fault::Fault;

/// Longest path of the health answer, in bytes: far below the header limit of the port (8 KiB).
const MAX_PATH: usize = 256;
/// Longest DNS name, in bytes (RFC 1035).
const MAX_HOST: usize = 253;
/// Longest key of an EC2 tag, in characters (AWS: "Tag restrictions").
const MAX_TAG_KEY: usize = 128;
/// Longest name of a target group, in characters (ELBv2 `CreateTargetGroup`).
const MAX_GROUP_NAME: usize = 32;
/// Longest region name accepted, in characters; the longest known has 14 (`ap-southeast-1`).
const MAX_REGION: usize = 32;

/// A path that is compared byte by byte with a request's.
pub(super) fn url_path(path: &str) -> Result<(), Fault> {
    let fault = |why: &str, cure: &str| Err(Fault::value(why, cure));
    if !path.starts_with('/') {
        return fault("has a path that does not begin with `/`", "write it as in \"/health\"");
    }
    if path.contains(['?', '#']) {
        return fault(
            "has a path with a query or a fragment",
            "end it before the `?` or `#`: a query in a request is ignored",
        );
    }
    if path.len() > MAX_PATH || !path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return fault(
            "has a path that is too long or holds other than visible ASCII characters",
            "write at most 256 of them, others as in \"/%C3%A4\"",
        );
    }
    Ok(())
}

/// What a `Host` header may hold: a name or address, perhaps a port.
pub(super) fn host_header(host: &str) -> Result<(), Fault> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    if host.len() <= MAX_HOST + ":65535".len() && host.bytes().all(allowed) {
        return Ok(());
    }
    Err(Fault::value("is no host name", "write a name with or without port, as in \"rundeck.example.com:443\""))
}

/// A name or address that a certificate can hold.
pub(super) fn server_name(name: &str) -> Result<(), Fault> {
    if rustls::pki_types::ServerName::try_from(name).is_ok() {
        return Ok(());
    }
    Err(Fault::value("is no name of a server", "write the name in its certificate, as in \"rundeck.internal\""))
}

/// The key of an instance tag as metadata can show it (AWS, "Work with instance tags in instance
/// metadata": letters, digits and `+ - = . , _ : @`, and not `.`, `..` or `_index` alone).
pub(super) fn tag_key(key: &str) -> Result<(), Fault> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "+-=.,_:@".contains(c);
    if key.len() <= MAX_TAG_KEY && key.chars().all(allowed) && ![".", "..", "_index"].contains(&key) {
        return Ok(());
    }
    Err(Fault::value(
        "is no tag key that instance metadata can show",
        "use at most 128 of A-Z a-z 0-9 + - = . , _ : @ (no space, no `/`)",
    ))
}

/// A region's name, such as `eu-west-1` or `us-gov-west-1`.
pub(super) fn region(name: &str) -> Result<(), Fault> {
    if is_region(name) {
        return Ok(());
    }
    let zone = name.strip_suffix(|c: char| c.is_ascii_lowercase()).filter(|rest| is_region(rest));
    Err(match zone {
        Some(region) => Fault::value("is an availability zone", format!("write its region, \"{region}\"")),
        None => Fault::value("is no AWS region", "write it as in \"eu-west-1\", or \"\" to find it"),
    })
}

fn is_region(name: &str) -> bool {
    let Some((area, number)) = name.rsplit_once('-') else {
        return false;
    };
    let words: Vec<&str> = area.split('-').collect();
    name.len() <= MAX_REGION
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && words.len() >= 2
        && words.iter().all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()))
}

/// Whether a target group is named by its ARN.
pub(super) fn is_arn(group: &str) -> bool {
    group.starts_with("arn:")
}

/// Whether a text can be a target group's name or ARN. What an instance tag says has been judged by nobody.
pub fn is_target_group(text: &str) -> bool {
    is_group_arn(text) || is_group_name(text)
}

/// The group's name, which an ARN holds too (`…:targetgroup/NAME/ID`).
pub(super) fn name_of_group(group: &str) -> &str {
    if is_arn(group) { group.split('/').nth(1).unwrap_or(group) } else { group }
}

/// A target group's name (ELBv2 `CreateTargetGroup`: at most 32 letters, digits and hyphens, none
/// of these at an end).
pub(super) fn group_name(name: &str) -> Result<(), Fault> {
    if is_group_name(name) {
        return Ok(());
    }
    if is_arn(name) {
        return Err(Fault::value("holds an ARN", "write it as `arn = …`"));
    }
    Err(Fault::value(
        "is no name of a target group",
        "write at most 32 letters, digits and hyphens, no hyphen at an end",
    ))
}

fn is_group_name(name: &str) -> bool {
    (1..=MAX_GROUP_NAME).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// `arn:PARTITION:elasticloadbalancing:REGION:ACCOUNT:targetgroup/NAME/ID`.
pub(super) fn group_arn(arn: &str) -> Result<(), Fault> {
    if is_group_arn(arn) {
        return Ok(());
    }
    let why = if arn.contains(":loadbalancer/") {
        "is the ARN of a load balancer"
    } else if arn.contains(":listener/") {
        "is the ARN of a listener"
    } else {
        "is no ARN of a target group"
    };
    Err(Fault::value(why, "write the target group's, arn:aws:elasticloadbalancing:REGION:ACCOUNT:targetgroup/NAME/ID"))
}

fn is_group_arn(arn: &str) -> bool {
    let parts: Vec<&str> = arn.split(':').collect();
    let ["arn", partition, "elasticloadbalancing", in_region, account, resource] = parts.as_slice() else {
        return false;
    };
    let resource: Vec<&str> = resource.split('/').collect();
    let ["targetgroup", name, id] = resource.as_slice() else {
        return false;
    };
    partition.starts_with("aws")
        && partition.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
        && is_region(in_region)
        && account.len() == 12
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && is_group_name(name)
        && (1..=MAX_GROUP_NAME).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// 64 hex digits as 32 bytes.
pub(super) fn sha256(hex: &str) -> Result<[u8; 32], Fault> {
    let mut bytes = [0; 32];
    let digits: Option<Vec<u32>> = hex.chars().map(|digit| digit.to_digit(16)).collect();
    match digits {
        Some(digits) if digits.len() == 2 * bytes.len() => {
            for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
                *byte = pair.iter().fold(0, |sum, digit| sum << 4 | u8::try_from(*digit).unwrap_or_default());
            }
            Ok(bytes)
        }
        _ => Err(Fault::value(
            "is no SHA-256 in hex",
            "write 64 hex digits without colons: openssl x509 -in CERT -outform DER | sha256sum",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(check: fn(&str) -> Result<(), Fault>, good: &[&str], bad: &[&str]) {
        for name in good {
            assert!(check(name).is_ok(), "{name} is good");
        }
        for name in bad {
            assert!(check(name).is_err(), "{name} is bad");
        }
    }

    #[test]
    fn regions() {
        verdicts(
            region,
            &["eu-west-1", "us-gov-west-1", "cn-north-1", "us-iso-east-1", "eusc-de-east-1", "il-central-1"],
            &["eu-west-1a", "eu", "eu-1", "EU-WEST-1", "eu--west-1", "eu-west-", "-eu-west-1", "eu west 1"],
        );
    }

    #[test]
    fn groups() {
        let arn = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/rundeck-prod/73e2d6bc24d8a067";
        verdicts(
            group_arn,
            &[
                arn,
                &arn.replace("arn:aws:", "arn:aws-us-gov:").replace("eu-west-1", "us-gov-west-1"),
                &arn.replace("arn:aws:", "arn:aws-cn:").replace("eu-west-1", "cn-north-1"),
            ],
            &[
                "rundeck-prod",
                &arn.replace("targetgroup/", "loadbalancer/app/"),
                &arn.replace("123456789012", "12345678901"),
                &arn.replace("/73e2d6bc24d8a067", ""),
                &format!("{arn}/x"),
                &format!("{arn}:x"),
                &arn.replace("eu-west-1", ""),
            ],
        );
        verdicts(group_name, &["a", "rundeck-prod", &"x".repeat(32)], &["", "-a", "a-", "a_b", &"x".repeat(33), arn]);
        assert!(is_target_group(arn) && is_target_group("rundeck-prod"));
        assert!(!["", "*", "rundeck-*", &format!("{arn}*")].into_iter().any(is_target_group));
    }

    #[test]
    fn tags_hosts_and_paths() {
        verdicts(
            tag_key,
            &["rundeck-alb-agent:target-groups", "a+-=.,_:@Z9", "...", &"x".repeat(128)],
            &["a b", "a/b", ".", "..", "_index", "ä", &"x".repeat(129)],
        );
        verdicts(
            host_header,
            &["rd", "rd.example.com:4440", "[::1]:80", "10.0.0.1"],
            &["a b", "a\r\nX: y", "http://rd", "ä"],
        );
        verdicts(server_name, &["rd.internal", "10.0.0.1", "::1"], &["a b", "https://rd", "rd:443", ""]);
        verdicts(
            url_path,
            &["/", "/health", "//x", "/a%20b"],
            &["", "health", "/a?b", "/a#b", "/a b", "/ä", &"/".repeat(257)],
        );
    }

    #[test]
    fn pins() {
        let pin = sha256(&"0aF9".repeat(16)).unwrap_or_default();
        assert!(pin.chunks(2).all(|pair| pair == [0x0a, 0xf9]));
        for bad in ["", "0a", &"0a:".repeat(32), &"g".repeat(64), &"0".repeat(63), &"0".repeat(65)] {
            assert!(sha256(bad).is_err(), "{bad}");
        }
    }
}
