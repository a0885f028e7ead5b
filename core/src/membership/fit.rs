//! By which id this node is a target of a group, and why it may be none there: kind, family and VPC of the group
//! against what this machine is and bears. What AWS and metadata do not tell stands in nobody's way.

use super::group::Group;
use crate::contract::{Family, Finding, GroupFacts, GroupWanted, Identity, TargetType};
use crate::desk::Desk;

/// Why this node cannot be a target of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// The group registers addresses, of this family where that is known, and this machine has none.
    NoAddress(Option<Family>),
    /// The group registers addresses, and no interface here bears this one: what is sent there arrives elsewhere.
    NotHere(String),
    /// The group registers instances of its own VPC alone, and this one is in another.
    OtherVpc { group: String, own: String },
}

impl Unfit {
    /// The finding for it, and what is wrong with the group of this name.
    pub(crate) fn words(&self, name: &str) -> (Finding, String) {
        match self {
            Unfit::NoAddress(family) => {
                let lacking = match family {
                    Some(Family::Ipv4) => "no private IPv4 address",
                    Some(Family::Ipv6) => "no IPv6 address",
                    None => "no private address",
                };
                (Finding::AddressMissing, format!("{name} registers addresses, and this machine has {lacking}"))
            }
            Unfit::NotHere(address) => {
                let text = format!("{name} registers addresses, and no interface here bears {address}, the instance's");
                (Finding::AddressNotHere, text)
            }
            Unfit::OtherVpc { group, own } => {
                let text = format!("{name} registers instances of {group} alone, and this one is in {own}");
                (Finding::OtherVpc, text)
            }
        }
    }
}

/// What the group registers: as configured, else as AWS says.
fn kind_of(wanted: &GroupWanted, facts: Option<&GroupFacts>) -> Option<TargetType> {
    wanted.target_type.or(facts.and_then(|facts| facts.target_type))
}

/// The VPC of the group and that of this machine, where both are known and two.
fn other_vpc<'a>(facts: Option<&'a GroupFacts>, identity: &'a Identity) -> Option<(&'a str, &'a str)> {
    let (group, own) = (facts?.vpc.as_deref()?, identity.vpc.as_deref()?);
    (group != own).then_some((group, own))
}

/// As which id this node is registered in the group; `None`: what it registers is not known yet.
pub(crate) fn id_in<'a>(
    wanted: &GroupWanted,
    facts: Option<&GroupFacts>,
    identity: &'a Identity,
) -> Option<Result<&'a str, Unfit>> {
    Some(match kind_of(wanted, facts)? {
        TargetType::Instance => match other_vpc(facts, identity) {
            Some((group, own)) => Err(Unfit::OtherVpc { group: group.to_owned(), own: own.to_owned() }),
            None => Ok(&identity.instance_id),
        },
        TargetType::Ip => address_in(facts.and_then(|facts| facts.family), identity),
    })
}

/// The address of this family; of IPv4 first, AWS's default, where the family is not known.
fn address_in(family: Option<Family>, identity: &Identity) -> Result<&str, Unfit> {
    let address = match family {
        Some(Family::Ipv4) => identity.private_ip.as_deref(),
        Some(Family::Ipv6) => identity.ipv6.as_deref(),
        None => identity.private_ip.as_deref().or(identity.ipv6.as_deref()),
    };
    let address = address.ok_or(Unfit::NoAddress(family))?;
    if identity.bears(address) { Ok(address) } else { Err(Unfit::NotHere(address.to_owned())) }
}

/// The node's address lies outside the group's VPC. AWS finds out the zone of one that lies inside; "with an
/// Application Load Balancer, if the IP address is outside the VPC, the only supported value is `all`"
/// (`TargetDescription` of the ELBv2 API reference).
pub(super) fn lies_outside(wanted: &GroupWanted, facts: Option<&GroupFacts>, identity: &Identity) -> bool {
    kind_of(wanted, facts) == Some(TargetType::Ip) && other_vpc(facts, identity).is_some()
}

impl Group {
    /// Why the node cannot be a target here; `None`: it can, as far as is known.
    pub(super) fn note_fit(&mut self, unfit: Option<Unfit>, desk: &mut Desk) {
        self.unfit = unfit.is_some();
        let name = self.configured_name();
        // One group may be listed twice, under two ports.
        let subject = format!("{name} {}", self.key);
        let words = unfit.map(|unfit| unfit.words(name));
        for word in [Finding::AddressMissing, Finding::AddressNotHere, Finding::OtherVpc] {
            match &words {
                Some((is, what)) if *is == word => desk.finding_of(word, &subject, what),
                _ => desk.cured_of(word, &subject),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Ownership;

    const V4: &str = "10.0.0.7";
    const V6: &str = "2001:db8::7";

    fn machine(private_ip: Option<&str>, ipv6: Option<&str>, borne: Option<&[&str]>) -> Identity {
        let borne = borne.map(|all| all.iter().map(|address| (*address).to_owned()).collect());
        let address = |address: Option<&str>| address.map(str::to_owned);
        Identity {
            instance_id: "i-1".into(),
            private_ip: address(private_ip),
            ipv6: address(ipv6),
            vpc: Some("vpc-own".into()),
            borne,
            ..Identity::default()
        }
    }

    fn group(kind: TargetType, family: Option<Family>, vpc: Option<&str>) -> GroupFacts {
        let vpc = vpc.map(str::to_owned);
        GroupFacts { arn: "arn".into(), port: 4440, target_type: Some(kind), family, vpc, ..GroupFacts::default() }
    }

    fn wanted() -> GroupWanted {
        GroupWanted { group: "g".into(), port: None, target_type: None, ownership: Ownership::Own }
    }

    #[test]
    fn a_group_of_addresses_takes_one_of_its_family_that_is_borne_here() {
        let both = machine(Some(V4), Some(V6), Some(&[V4, V6]));
        let only_v6 = machine(None, Some(V6), Some(&[V6]));
        let pod = machine(Some(V4), Some(V6), Some(&["172.17.0.2"]));
        let blind = machine(Some(V4), None, None);
        let (v4, v6) = (Some(Family::Ipv4), Some(Family::Ipv6));
        let cases = [
            (&both, v4, Ok(V4)),
            (&both, v6, Ok(V6)),
            (&both, None, Ok(V4)),
            (&only_v6, v6, Ok(V6)),
            (&only_v6, None, Ok(V6)),
            (&only_v6, v4, Err(Unfit::NoAddress(v4))),
            (&pod, v4, Err(Unfit::NotHere(V4.into()))),
            (&pod, v6, Err(Unfit::NotHere(V6.into()))),
            (&blind, v4, Ok(V4)),
            (&blind, v6, Err(Unfit::NoAddress(v6))),
        ];
        for (machine, family, id) in cases {
            let facts = group(TargetType::Ip, family, None);
            assert_eq!(id_in(&wanted(), Some(&facts), machine), Some(id), "{family:?} in {machine:?}");
        }
        assert_eq!(id_in(&wanted(), None, &both), None, "nobody knows what it registers");
    }

    #[test]
    fn an_instance_joins_groups_of_its_own_vpc_and_an_address_those_of_another_for_all_zones() {
        let me = machine(Some(V4), None, None);
        let other = || Err(Unfit::OtherVpc { group: "vpc-x".into(), own: "vpc-own".into() });
        let cases = [
            (TargetType::Instance, Some("vpc-own"), Ok("i-1"), false),
            (TargetType::Instance, None, Ok("i-1"), false),
            (TargetType::Instance, Some("vpc-x"), other(), false),
            (TargetType::Ip, Some("vpc-own"), Ok(V4), false),
            (TargetType::Ip, None, Ok(V4), false),
            (TargetType::Ip, Some("vpc-x"), Ok(V4), true),
        ];
        for (kind, vpc, id, outside) in cases {
            let facts = group(kind, None, vpc);
            assert_eq!(id_in(&wanted(), Some(&facts), &me), Some(id), "{kind:?} in {vpc:?}");
            assert_eq!(lies_outside(&wanted(), Some(&facts), &me), outside, "{kind:?} in {vpc:?}");
            let untold = Identity { vpc: None, ..me.clone() };
            assert!(matches!(id_in(&wanted(), Some(&facts), &untold), Some(Ok(_))), "{kind:?}");
        }
    }
}
