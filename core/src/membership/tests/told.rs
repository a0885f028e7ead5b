//! What people read: notes, reasons, findings, and since when a target is as it is.

use super::*;

/// Why a target is put in or taken out is said with the call: the node's reason, or that its group is named no more.
#[test]
fn a_change_says_why_it_is_made() {
    let mut stand = Stand::tagged("a").joined();
    stand.tag("b");
    stand.pass(MINUTE + MINUTE);
    let reasons = |stand: &Stand| -> Vec<(String, String)> {
        let reason = |call: &Call| {
            let (Call::Register { target, reason, .. } | Call::Deregister { target, reason }) = call else {
                return None;
            };
            Some((target.name.clone(), reason.clone()))
        };
        stand.sent.iter().filter_map(reason).collect()
    };
    let mut said = reasons(&stand);
    said.sort();
    let wanted = [("a", "first up"), ("a", "the group is no longer named"), ("b", "first up")];
    assert_eq!(said, wanted.map(|(name, why)| (name.to_owned(), why.to_owned())));
}

/// That a group is named no more is told once, with what is done about it.
#[test]
fn what_is_named_no_more_is_told_once_with_what_becomes_of_it() {
    type Change = fn(&mut Stand);
    let cases: [(&str, Change); 3] = [
        ("is taken out", |_| {}),
        ("is not ours to take out", |stand| stand.dry_run = true),
        ("is not ours to take out", |stand| stand.policy.ownership = Ownership::Observe),
    ];
    for (words, change) in cases {
        let mut stand = Stand::tagged("new");
        change(&mut stand);
        stand.room.restore(Some(registered("old", INSTANCE)));
        stand.aws.states.insert(arn("old"), TargetState::Healthy);
        stand.aws.changes.insert("old".into(), TroubleKind::Unavailable);
        stand.pass(HOUR);
        let line = format!("old is no longer named: {INSTANCE}:4440 {words}");
        assert_eq!((stand.told(&line), stand.told("old is no longer named")), (1, 1), "{:?}", stand.told);
    }
}

/// Since when a target is as it is moves with its state alone, which is told once each time it changes.
#[test]
fn since_when_a_target_is_so_is_since_it_became_so() {
    let mut stand = Stand::new(configured(&["a"]));
    stand.pass(MINUTE);
    let since = |stand: &Stand| stand.views()[0].since;
    let absent = since(&stand);
    stand.pass(HOUR);
    assert_eq!((since(&stand), stand.told("a says that")), (absent, 1), "looked at often since");
    (stand.wish, stand.refusing) = (Wish::Join, None);
    let asked = stand.desk.now();
    stand.until_open(registers);
    stand.mute = looks;
    stand.pass(Span::secs(10));
    assert_eq!(since(&stand), Some(asked + Span(2)), "accepted; {absent:?}");
    assert_eq!(stand.views()[0].word, TargetState::Arriving.word());
    stand.mute = |_| false;
    stand.pass(HOUR);
    assert_eq!(stand.told("is healthy"), 1);
    let healthy = since(&stand);
    assert!(healthy > Some(asked) && healthy < Some(asked + MINUTE + MINUTE), "{healthy:?}");
}

/// While nobody knows which machine this is, that is what is wrong, not the tag.
#[test]
fn a_tag_that_cannot_be_read_is_told_once_the_machine_is_known() {
    let mut stand = Stand::tagged("a");
    (stand.aws.tag, stand.aws.identity) = (Err("refused".into()), Err("refused".into()));
    stand.pass(MINUTE);
    let words = |stand: &Stand| -> Vec<Finding> { stand.findings().into_iter().map(|(word, _)| word).collect() };
    assert_eq!(words(&stand), [Finding::MetadataUnreachable]);
    stand.aws.identity = Stand::new(by_tag()).aws.identity;
    stand.pass(MINUTE + MINUTE);
    assert_eq!(words(&stand), [Finding::InstanceTagUnreadable]);
}

/// A group of addresses that is named no more lacks no address.
#[test]
fn what_is_named_no_more_is_wrong_no_more() {
    let mut stand = Stand::tagged("a");
    stand.aws.kind = TargetType::Ip;
    stand.aws.identity = stand.aws.identity.map(|identity| Identity { private_ip: None, ..identity });
    stand.pass(MINUTE);
    assert!(matches!(stand.findings()[..], [(Finding::AddressMissing, _)]), "{:?}", stand.findings());
    stand.tag("b");
    stand.aws.kind = TargetType::Instance;
    stand.pass(MINUTE + MINUTE);
    assert_eq!(stand.findings(), []);
}

/// Nobody waits for a look at a group that was left and forgotten: what comes of it is told nobody.
#[test]
fn a_late_answer_about_a_forgotten_group_is_told_nobody() {
    let mut stand = Stand::tagged("a").joined();
    stand.leave();
    stand.pass(MINUTE);
    stand.tag("");
    stand.pass(MINUTE + MINUTE);
    stand.mute = looks;
    stand.until_open(looks);
    stand.resume();
    stand.decide();
    assert_eq!(stand.views().len(), 0);
    stand.aws.looks.insert("a".into(), TroubleKind::Denied);
    stand.mute = |_| false;
    stand.pass(MINUTE);
    assert_eq!(stand.told("permission-missing"), 0, "{:?}", stand.told);
}

/// Two permissions that are missing are two findings: each is over with what it is about.
#[test]
fn two_kinds_of_trouble_are_told_side_by_side() {
    let mut stand = Stand::new(configured(&["a"]));
    stand.aws.looks.insert("a".into(), TroubleKind::Denied);
    stand.aws.changes.insert("a".into(), TroubleKind::Denied);
    let mut stand = stand.joined();
    let told = |stand: &Stand| -> Vec<bool> {
        let findings = stand.findings();
        let about = |action: &str| findings.iter().any(|(_, text)| text.contains(action));
        vec![about("elb:DescribeTarget"), about("elb:Change")]
    };
    assert_eq!(told(&stand), [true, true]);
    stand.aws.looks.clear();
    stand.pass(MINUTE + MINUTE);
    assert_eq!(told(&stand), [false, true]);
    stand.aws.changes.clear();
    stand.pass(MINUTE + MINUTE);
    assert_eq!(told(&stand), [false, false]);
}

/// One group under two ports is two targets: calls, lines, findings, views and the receipt tell them apart.
#[test]
fn one_group_under_two_ports_is_told_as_two_targets() {
    let with = |port| GroupWanted { port: Some(port), ..wanted("a", Ownership::Own) };
    let mut stand = Stand::new(MembershipPolicy { groups: vec![with(4440), with(4443)], ..configured(&[]) }).joined();
    let ports = |stand: &Stand, is: fn(&Call) -> bool| -> BTreeSet<u16> {
        let port = |call: &Call| {
            let (Call::Register { target, .. } | Call::Deregister { target, .. } | Call::DescribeTarget(target)) = call
            else {
                return None;
            };
            Some(target.port)
        };
        stand.sent.iter().filter(|call| is(call)).filter_map(port).collect()
    };
    let both = BTreeSet::from([4440, 4443]);
    for is in [looks, registers] {
        assert_eq!(ports(&stand, is), both, "{:?}", stand.sent);
    }
    stand.aws.states.insert(arn("a"), TargetState::Idle);
    stand.pass(MINUTE + MINUTE);
    for port in &both {
        for line in ["register {}", "a says that {} is healthy", "a says that {} is unused"] {
            let line = line.replace("{}", &format!("{INSTANCE}:{port}"));
            assert_eq!(stand.told(&line), 1, "{line}: {:?}", stand.told);
        }
        assert!(stand.findings()[0].1.contains(&format!("a:{port}: ")), "{:?}", stand.findings());
    }
    assert_eq!(stand.views().iter().filter_map(|view| view.port).collect::<BTreeSet<_>>(), both);
    stand.leave();
    stand.pass(MINUTE);
    assert_eq!(ports(&stand, deregisters), both);
    let left = stand.room.left_groups();
    assert_eq!(left.iter().filter(|left| left.deregistered).map(|left| left.port).collect::<BTreeSet<_>>(), both);
}

/// As long as nobody knows which machine this is, the configured ports tell the targets apart.
#[test]
fn the_configured_ports_are_shown_before_the_targets_are_known() {
    let with = |port| GroupWanted { port: Some(port), ..wanted("a", Ownership::Own) };
    let mut stand = Stand::new(MembershipPolicy { groups: vec![with(4440), with(4443)], ..configured(&[]) });
    stand.aws.identity = Err("refused".into());
    stand.pass(MINUTE);
    let shown: Vec<_> = stand.views().into_iter().map(|view| (view.id, view.port)).collect();
    assert_eq!(shown, [(None, Some(4440)), (None, Some(4443))]);
}
