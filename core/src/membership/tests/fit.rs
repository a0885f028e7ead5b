//! As what this node is registered, and where it cannot be.

use super::*;

const V6: &str = "2001:db8::7";

impl Stand {
    /// Metadata and the kernel tell this from now on.
    fn machine(mut self, change: impl FnOnce(&mut Identity)) -> Stand {
        if let Ok(identity) = &mut self.aws.identity {
            change(identity);
        }
        self
    }

    /// As what it was registered, and whether from outside the group's VPC.
    fn registrations(&self) -> Vec<(&str, &str, bool)> {
        let each = |call: &'_ Call| matches!(call, Call::Register { .. });
        let sent = self.sent.iter().filter(|call| each(call));
        let read = sent.filter_map(|call| {
            let Call::Register { target, outside, .. } = call else { return None };
            Some((target.name.as_str(), target.id.as_str(), *outside))
        });
        read.collect()
    }

    fn words(&self) -> Vec<Finding> {
        self.findings().into_iter().map(|(word, _)| word).collect()
    }
}

/// With IPv6 addresses alone a machine is a target of groups that take those, and leaves them.
#[test]
fn a_machine_with_ipv6_addresses_alone_is_a_target_by_one() {
    let only_v6 = |me: &mut Identity| (me.private_ip, me.ipv6) = (None, Some(V6.into()));
    let mut stand = Stand::tagged("a").machine(only_v6);
    (stand.aws.kind, stand.aws.family) = (TargetType::Ip, Some(Family::Ipv6));
    let mut stand = stand.joined();
    assert_eq!(stand.registrations(), [("a", V6, false)]);
    assert_eq!(stand.words(), []);
    stand.pass(HOUR);
    assert_eq!(stand.count(|call| *call == Call::AskIdentity), 1, "it is known, and nothing is lacking");
    stand.leave();
    stand.pass(MINUTE + MINUTE);
    assert_eq!(stand.members(), [""; 0]);
    // A group of the other family has no place for it.
    let mut stand = Stand::tagged("a").machine(only_v6);
    (stand.aws.kind, stand.aws.family) = (TargetType::Ip, Some(Family::Ipv4));
    let stand = stand.joined();
    let findings = stand.findings();
    assert!(matches!(&findings[..], [(Finding::AddressMissing, text)] if text.contains("no private IPv4 address")));
    assert_eq!(stand.count(registers), 0);
}

/// What an earlier run had registered by an IPv6 address that metadata leave out now is this machine's, and is left.
#[test]
fn a_remembered_ipv6_address_that_metadata_leave_out_is_this_machines() {
    let mut stand = Stand::new(by_tag());
    stand.tag("other");
    stand.aws.states.insert(arn("old"), TargetState::Healthy);
    stand.room.restore(Some(registered("old", V6)));
    let stand = stand.joined();
    assert_eq!((stand.members(), stand.count(deregisters)), (vec![arn("other").as_str()], 1));
}

/// An address that no interface here bears is a pod's host's, or a container's: what is sent there arrives elsewhere.
#[test]
fn an_address_that_is_not_here_is_a_finding_and_not_registered() {
    let borne = |all: &[&str]| Some(all.iter().map(|address| (*address).to_owned()).collect());
    let mut stand = Stand::tagged("a").machine(|me| me.borne = borne(&["172.17.0.2"]));
    stand.aws.kind = TargetType::Ip;
    let mut stand = stand.joined();
    assert_eq!((stand.count(registers), stand.words()), (0, vec![Finding::AddressNotHere]));
    let text = &stand.findings()[0].1;
    assert!(text.contains("a registers addresses") && text.contains(ADDRESS), "{text}");
    stand.leave();
    stand.pass(Span::secs(10));
    assert_eq!(stand.leaving().outcome, Some(Deregistered::NoGroup), "nothing is there to be left");
    stand.resume();
    // It comes up later, and once it was here it counts: an interface that is down for a moment takes nobody out.
    let mut stand = stand.machine(|me| me.borne = borne(&["172.17.0.2", ADDRESS]));
    stand.pass(MINUTE + MINUTE);
    assert_eq!((stand.members(), stand.words()), (vec![arn("a").as_str()], vec![]));
    let mut stand = stand.machine(|me| me.borne = borne(&[]));
    stand.pass(HOUR);
    assert_eq!((stand.members(), stand.count(deregisters)), (vec![arn("a").as_str()], 0));
}

/// And a run that has registered it goes on, whatever the interfaces show at its start.
#[test]
fn an_address_that_an_earlier_run_has_registered_was_here() {
    let mut stand = Stand::new(by_tag()).machine(|me| me.borne = Some(BTreeSet::new()));
    stand.tag("a");
    stand.aws.kind = TargetType::Ip;
    stand.aws.states.insert(arn("a"), TargetState::Healthy);
    stand.room.restore(Some(registered("a", ADDRESS)));
    let stand = stand.joined();
    assert_eq!((stand.members(), stand.count(deregisters)), (vec![arn("a").as_str()], 0));
    assert_eq!(stand.words(), []);
}

/// In another VPC an instance is no target, an address is one for all zones; the other entries work on.
#[test]
fn another_vpc_costs_the_one_entry_that_is_there() {
    for (kind, wanted) in [
        (TargetType::Instance, vec![("b", INSTANCE, false)]),
        (TargetType::Ip, vec![("a", ADDRESS, true), ("b", ADDRESS, false)]),
    ] {
        let mut stand = Stand::tagged("a b").machine(|me| me.vpc = Some("vpc-own".into()));
        stand.aws.kind = kind;
        stand.aws.vpcs = [("a", "vpc-x"), ("b", "vpc-own")].map(|(a, b)| (a.to_owned(), b.to_owned())).into();
        let stand = stand.joined();
        assert_eq!(stand.registrations(), wanted);
        let told = stand.findings();
        match kind {
            TargetType::Ip => assert_eq!(told, []),
            TargetType::Instance => {
                let text = "a registers instances of vpc-x alone, and this one is in vpc-own";
                assert!(matches!(&told[..], [(Finding::OtherVpc, what)] if what.starts_with(text)), "{told:?}");
            }
        }
    }
}

/// A slip of the pen, an ARN of elsewhere, a group that was deleted: the others work on.
#[test]
fn a_wrong_entry_costs_itself_alone_and_is_told_by_its_name() {
    let elsewhere = arn("far").replace("eu-central-1", "us-east-2");
    let mut stand = Stand::tagged(&format!("typo a {elsewhere} b"));
    stand.aws.nowhere = ["typo", "far"].map(str::to_owned).into();
    let mut stand = stand.joined();
    assert_eq!(stand.members(), [arn("a"), arn("b")]);
    let told = stand.findings();
    let [(Finding::TargetGroupMissing, text)] = &told[..] else { panic!("{told:?}") };
    let far = format!("{elsewhere} (of region \"us-east-2\", and this node is in eu-central-1)");
    assert!(text.contains("in this region: typo, ") && text.contains(&far), "{text}");
    // One that was there is deleted.
    stand.aws.nowhere.insert("b".into());
    stand.aws.looks.insert("b".into(), TroubleKind::NotFound);
    stand.aws.states.remove(&arn("b"));
    stand.pass(HOUR);
    assert_eq!(stand.members(), [arn("a")]);
    let told = stand.findings();
    assert!(told.iter().all(|(word, _)| *word == Finding::TargetGroupMissing), "{told:?}");
    assert!(told.iter().any(|(_, text)| text.starts_with("b: ")), "{told:?}");
    // What AWS refuses is told with the group's name.
    stand.aws.nowhere.clear();
    stand.aws.looks.clear();
    stand.aws.changes.insert("b".into(), TroubleKind::InvalidTarget);
    stand.pass(HOUR);
    let told = stand.findings();
    assert!(told.iter().any(|(word, text)| *word == Finding::AwsRefused && text.starts_with("b: ")), "{told:?}");
}
