//! When a target is put in, taken out or looked at.

use super::*;

/// A leaving node does not wait out the pause after registrations that failed.
#[test]
fn a_leaving_node_asks_to_be_out_at_once() {
    let mut stand = Stand::new(configured(&["a"]));
    stand.aws.changes.insert("a".into(), TroubleKind::Throttled);
    stand.aws.looks.insert("a".into(), TroubleKind::Denied);
    let mut stand = stand.joined();
    stand.pass(HOUR);
    let (tries, end) = (stand.count(registers), stand.desk.now() + HOUR);
    while stand.count(registers) == tries {
        stand.turn(end);
    }
    stand.pass(Span::secs(5));
    stand.leave();
    stand.pass(Span(10));
    assert_eq!(stand.count(deregisters), 1);
}

/// A node that was seen out before the 503 began is asked to be taken out all the same, though nobody can look: whoever
/// put it back since may have found it healthy.
#[test]
fn a_node_that_was_out_before_the_drain_is_taken_out_all_the_same() {
    let mut stand = Stand::new(configured(&["a"]));
    stand.refusing = None;
    stand.pass(MINUTE);
    assert_eq!(stand.views()[0].word, TargetState::Absent.word());
    stand.mute = looks;
    stand.leave();
    stand.pass(MINUTE);
    assert_eq!(stand.count(deregisters), 1);
    assert_eq!(stand.leaving().outcome, Some(Deregistered::Done));
}

/// A node that is seen out while it says 503 is out: nothing is asked for any more, whatever AWS answered before.
#[test]
fn a_node_that_is_seen_out_is_not_taken_out_once_more() {
    let mut stand = Stand::new(configured(&["a"])).joined();
    stand.aws.changes.insert("a".into(), TroubleKind::Unavailable);
    stand.leave();
    stand.pass(Span(10));
    assert!(stand.count(deregisters) > 0 && stand.leaving().outcome.is_none());
    // Somebody else has done it.
    stand.aws.states.clear();
    stand.pass(MINUTE + MINUTE);
    assert_eq!(stand.leaving().outcome, Some(Deregistered::Done));
    let tries = stand.count(deregisters);
    stand.pass(HOUR);
    assert_eq!(stand.count(deregisters), tries);
}

/// A dry run says once what it would do, in a drain and after it again, and does nothing.
#[test]
fn a_dry_run_says_once_what_it_would_do() {
    let mut stand = Stand::new(configured(&["a"]));
    stand.dry_run = true;
    let mut stand = stand.joined();
    stand.pass(HOUR);
    assert_eq!(stand.told(&format!("dry run: would register {INSTANCE}:4440 in a (first up)")), 1, "{:?}", stand.told);
    stand.aws.states.insert(arn("a"), TargetState::Healthy);
    stand.pass(HOUR);
    for drains in 1..=2 {
        stand.leave();
        stand.pass(HOUR);
        assert_eq!(stand.told(&format!("dry run: would deregister {INSTANCE}:4440 in a")), drains, "{:?}", stand.told);
        assert_eq!(stand.leaving().outcome, Some(Deregistered::DryRun));
        stand.resume();
        stand.pass(HOUR);
    }
    assert_eq!(stand.told("would register"), 1);
    assert!(!stand.sent.iter().any(Call::changes_balancer), "{:?}", stand.sent);
}

/// What was registered goes on standing on disk while a registration is under way, though the node went down meanwhile:
/// AWS may do it all the same.
#[test]
fn a_registration_under_way_stands_on_disk_though_the_node_goes_down() {
    let mut stand = Stand::new(configured(&["a"]));
    stand.mute = registers;
    (stand.wish, stand.refusing) = (Wish::Join, None);
    stand.until_open(registers);
    assert_eq!(stand.kept(), [arn("a")]);
    stand.wish = Wish::Hold;
    stand.pass(Span::secs(10));
    assert_eq!(stand.kept(), [arn("a")]);
    stand.pass(MINUTE);
    assert_eq!(stand.kept(), [arn("a")], "given up, and not seen since");
    stand.mute = |_| false;
    stand.leave();
    stand.pass(MINUTE);
    assert_eq!((stand.count(deregisters), stand.kept()), (1, vec![]), "undone");
}

/// An address that still drains is not registered again before its delay is over, though the tag named another group
/// meanwhile, and nobody can look.
#[test]
fn an_address_that_drains_waits_under_another_name_too() {
    for (kind, early) in [(TargetType::Ip, false), (TargetType::Instance, true)] {
        let mut stand = Stand::tagged("a");
        stand.aws.kind = kind;
        let mut stand = stand.joined();
        assert_eq!(stand.members(), [arn("a")]);
        stand.aws.looks.insert("a".into(), TroubleKind::Denied);
        stand.mute = |call| matches!(call, Call::AskTag(_));
        stand.until_open(|call| matches!(call, Call::AskTag(_)));
        // The tag is asked for once a minute, which is the delay too: the answers come when they are wanted.
        let answer = |stand: &mut Stand, tag: &str| {
            stand.tag(tag);
            stand.room.on_tag(stand.aws.tag.clone(), &mut stand.desk);
        };
        answer(&mut stand, "b");
        stand.pass(Span::secs(10));
        assert_eq!(stand.members(), [arn("b")]);
        answer(&mut stand, "b a");
        stand.pass(Span::secs(20));
        assert_eq!(stand.members().contains(&arn("a").as_str()), early, "{kind:?}");
        stand.pass(Span::secs(45));
        assert_eq!(stand.members(), [arn("a"), arn("b")], "{kind:?}");
    }
}

/// Once an address has drained, nothing of it is remembered: named again, it is looked at before it is registered.
#[test]
fn an_address_that_has_drained_is_forgotten() {
    for kind in [TargetType::Ip, TargetType::Instance] {
        let mut stand = Stand::tagged("a");
        stand.aws.kind = kind;
        let mut stand = stand.joined();
        stand.tag("");
        stand.pass(HOUR);
        assert_eq!((stand.members(), stand.kept(), stand.views().len()), (vec![], vec![], 0));
        // Somebody has put it in.
        stand.aws.states.insert(arn("a"), TargetState::Healthy);
        stand.tag("a");
        stand.pass(HOUR);
        assert_eq!(stand.count(registers), 1, "{kind:?}");
    }
}

/// A change that is under way is not asked for once more under another name of the group.
#[test]
fn a_change_under_way_is_asked_for_once_under_two_names() {
    let mut stand = Stand::tagged("a");
    stand.refusing = None;
    stand.pass(MINUTE);
    stand.mute = deregisters;
    stand.leave();
    stand.until_open(deregisters);
    stand.tag(&arn("a"));
    stand.room.on_tag(stand.aws.tag.clone(), &mut stand.desk);
    stand.pass(Span::secs(20));
    assert_eq!((stand.count(deregisters), stand.views().len()), (1, 1));
    stand.mute = |_| false;
    stand.pass(Span::secs(1));
    assert_eq!((stand.count(deregisters), stand.leaving().outcome), (1, Some(Deregistered::Done)));
}

/// A slow disk tells of a target that this run registers by itself: what is under way goes on, and nothing was written
/// over what was not read.
#[test]
fn a_record_that_comes_late_changes_nothing_that_is_known() {
    let writes = |stand: &Stand| stand.count(|call| matches!(call, Call::KeepRegistered(_)));
    for open in [false, true] {
        let mut stand = Stand::unread(configured(&["a"]));
        stand.mute = if open { registers } else { |_| false };
        (stand.wish, stand.refusing) = (Wish::Join, None);
        stand.until_open(registers);
        stand.room.restore(Some(registered("a", INSTANCE)));
        stand.pass(Span::secs(20));
        assert_eq!((stand.count(registers), writes(&stand)), (1, 0), "{open}: it stands there already");
        stand.mute = |_| false;
        stand.pass(MINUTE);
        assert_eq!((stand.members(), writes(&stand)), (vec![arn("a").as_str()], 0), "{open}");
    }
    let mut stand = Stand::unread(configured(&["a"])).joined();
    assert_eq!(writes(&stand), 0);
    stand.room.restore(Some(Registrations { instance: INSTANCE.into(), targets: Vec::new() }));
    stand.pass(MINUTE);
    assert_eq!((stand.kept(), writes(&stand)), (vec![arn("a").as_str()], 1), "it is written once that is read");
    let mut stand = Stand::unread(configured(&["a"])).joined();
    stand.aws.states.insert(arn("old"), TargetState::Healthy);
    stand.room.restore(Some(registered("old", INSTANCE)));
    stand.decide();
    assert_eq!(stand.kept(), [arn("a"), arn("old")]);
    stand.pass(MINUTE);
    assert_eq!((stand.members(), stand.kept()), (vec![arn("a").as_str()], vec![arn("a").as_str()]));
}

/// Two targets of one target group are changed one after the other: the old port and the new one.
#[test]
fn one_target_group_is_changed_once_at_a_time() {
    let mut stand = Stand::new(configured(&["a"]));
    let mut old = registered("a", INSTANCE);
    old.targets[0].target.port = 4443;
    stand.room.restore(Some(old));
    stand.aws.looks.insert("a".into(), TroubleKind::Denied);
    stand.mute = Call::changes_balancer;
    (stand.wish, stand.refusing) = (Wish::Join, None);
    stand.until_open(Call::changes_balancer);
    stand.pass(Span::secs(20));
    assert_eq!(stand.open.iter().filter(|(_, call)| call.changes_balancer()).count(), 1, "{:?}", stand.open);
    stand.mute = |_| false;
    stand.pass(MINUTE);
    let ports = |is: fn(&Call) -> bool| -> Vec<u16> {
        let port = |call: &Call| {
            let (Call::Register { target, .. } | Call::Deregister { target, .. }) = call else { return None };
            Some(target.port)
        };
        stand.sent.iter().filter(|call| is(call)).filter_map(port).collect()
    };
    assert_eq!((ports(registers), ports(deregisters)), (vec![4440], vec![4443]));
}

/// "Not registered" says nothing as long as a registration may still take effect: that was accepted a moment ago, whose
/// answer never came, or that an earlier run had asked for. A leaving node is out once AWS has confirmed it.
#[test]
fn a_registration_that_nobody_has_seen_is_undone_before_the_node_counts_as_out() {
    type Begin = fn(&mut Stand);
    let cases: [(&str, Begin); 3] = [
        ("accepted", |stand| {
            stand.until_open(registers);
            stand.pass(Span(10));
        }),
        ("lost", |stand| {
            stand.mute = registers;
            stand.until_open(registers);
            stand.pass(Span::secs(20));
        }),
        ("of an earlier run", |stand| {
            stand.wish = Wish::Hold;
            stand.room.restore(Some(registered("a", INSTANCE)));
            stand.pass(MINUTE);
        }),
    ];
    for (name, begin) in cases {
        let mut stand = Stand::new(configured(&["a"]));
        (stand.wish, stand.refusing) = (Wish::Join, None);
        begin(&mut stand);
        // It does not show yet.
        stand.aws.states.clear();
        stand.aws.changes.insert("a".into(), TroubleKind::Unavailable);
        stand.leave();
        stand.pass(MINUTE + MINUTE);
        assert_eq!(stand.views()[0].word, TargetState::Absent.word(), "{name}");
        assert_eq!(stand.leaving().outcome, None, "{name}");
        let written = stand.count(|call| matches!(call, Call::KeepRegistered(_)));
        assert!(written == 0 || stand.kept() == [arn("a")], "{name}: forgotten");
        stand.aws.changes.clear();
        stand.pass(MINUTE + MINUTE);
        assert_eq!((stand.leaving().outcome, stand.kept()), (Some(Deregistered::Done), vec![]), "{name}");
        let tries = stand.count(deregisters);
        stand.pass(HOUR);
        assert_eq!(stand.count(deregisters), tries, "{name}: confirmed once");
    }
}

/// A registration that AWS has refused takes no effect: there is nothing to undo.
#[test]
fn a_registration_that_was_refused_needs_not_be_undone() {
    use TroubleKind::{Credentials, Denied, InvalidTarget, NotFound, Refused, Throttled, Unavailable};
    for kind in [Throttled, Denied, NotFound, InvalidTarget, Credentials, Refused, Unavailable] {
        let mut stand = Stand::new(configured(&["a"]));
        stand.aws.changes.insert("a".into(), kind);
        let mut stand = stand.joined();
        assert!(stand.count(registers) > 0 && stand.kept() == [arn("a")], "{kind:?}");
        (stand.wish, stand.refusing) = (Wish::Hold, Some(stand.desk.now()));
        stand.pass(MINUTE + MINUTE);
        let undone = kind == Unavailable;
        assert_eq!(!stand.kept().is_empty(), undone, "{kind:?}");
        stand.aws.changes.clear();
        stand.leave();
        stand.pass(MINUTE + MINUTE);
        assert_eq!(stand.leaving().outcome, Some(Deregistered::Done), "{kind:?}");
        assert!(!undone || stand.count(deregisters) == 1, "{kind:?}");
    }
}

/// A dry run that had said what it would do for a group that was named no more says so anew once it is named again.
#[test]
fn a_dry_run_speaks_anew_of_a_group_that_is_named_again() {
    let mut stand = Stand::tagged("new");
    (stand.dry_run, stand.wish, stand.refusing, stand.aws.kind) = (true, Wish::Join, None, TargetType::Ip);
    stand.room.restore(Some(registered("old", ADDRESS)));
    stand.aws.states.insert(arn("old"), TargetState::Healthy);
    stand.pass(MINUTE);
    assert_eq!(stand.told("would deregister 10.0.0.7:4440 in old"), 1, "{:?}", stand.told);
    // Somebody else takes it out, and it drains.
    stand.aws.states.insert(arn("old"), TargetState::Leaving);
    stand.pass(MINUTE + MINUTE);
    stand.tag("new old");
    stand.pass(HOUR);
    assert_eq!(stand.told("would register 10.0.0.7:4440 in old"), 1, "{:?}", stand.told);
}

/// An address that drains is looked at each quarter of a minute: how long it drains already is not always known. Any
/// other target is not.
#[test]
fn only_an_address_that_drains_is_looked_at_often() {
    for (kind, state, often) in [
        (TargetType::Ip, TargetState::Leaving, true),
        (TargetType::Ip, TargetState::Unhealthy, false),
        (TargetType::Instance, TargetState::Leaving, false),
    ] {
        let mut stand = Stand::new(MembershipPolicy { reconcile_interval: HOUR, ..configured(&["a"]) });
        stand.aws.kind = kind;
        stand.aws.states.insert(arn("a"), state.clone());
        stand.pass(HOUR);
        let looks = stand.count(looks);
        assert_eq!((200..300).contains(&looks), often, "{kind:?} {state:?}: {looks} looks in an hour");
        assert!(often || looks < 20, "{kind:?} {state:?}: {looks} looks in an hour");
    }
}
