//! What all groups together tell a drain, and whether the node was ever a target.

use super::*;

/// Before the tag has answered nobody knows what is to be left; where it was asked in vain, nothing is to be waited for
/// that could be tried, but it is not known any better.
#[test]
fn which_groups_are_named_is_known_once_the_tag_has_answered() {
    let mut stand = Stand::tagged("a");
    stand.mute = |call| matches!(call, Call::AskTag(_));
    stand.pass(Span::secs(5));
    let told = |stand: &Stand| (stand.leaving().settled, stand.leaving().tried);
    assert_eq!(told(&stand), (false, false));
    stand.pass(Span::secs(6));
    assert_eq!(told(&stand), (false, true), "asked in vain");
    stand.mute = |_| false;
    stand.aws.states.insert(arn("a"), TargetState::Healthy);
    stand.pass(MINUTE);
    assert_eq!(told(&stand), (true, false), "known, and not tried yet");
}

/// As long as nobody knows whose a group is, nothing is settled nor tried; where metadata will not tell, nothing is
/// waited for.
#[test]
fn a_group_that_may_be_an_auto_scaling_groups_is_not_settled() {
    let mut policy = configured(&["a"]);
    policy.groups[0].ownership = Ownership::Auto;
    let mut stand = Stand::new(policy);
    stand.others = Says::Unknown;
    stand.pass(MINUTE);
    let leaving = stand.leaving();
    assert_eq!((leaving.settled, leaving.tried), (false, false));
    let leaving = stand.room.leaving(stand.refusing, true, false);
    assert_eq!((leaving.settled, leaving.tried), (false, true));
    stand.others = Says::No;
    stand.pass(Span::secs(1));
    assert!(stand.leaving().settled);
}

/// A group that is only looked at, and one of which nobody knows what the target would be, keep no drain waiting for
/// the first try.
#[test]
fn only_what_can_be_left_has_to_be_tried() {
    let mut policy = configured(&["a", "b"]);
    policy.groups[0].ownership = Ownership::Observe;
    let mut stand = Stand::new(policy);
    stand.aws.states.insert(arn("a"), TargetState::Healthy);
    stand.aws.groups.insert("b".into(), TroubleKind::Denied);
    stand.pass(MINUTE);
    stand.leave();
    assert!(stand.leaving().tried);
}

/// A target counts as tried once it was asked to be out, however that went, and one that is out already at once.
#[test]
fn a_target_is_tried_once_it_was_asked_out_or_is_not_there() {
    let mut stand = Stand::new(configured(&["a"])).joined();
    stand.aws.changes.insert("a".into(), TroubleKind::Denied);
    stand.leave();
    assert!(!stand.leaving().tried);
    stand.pass(Span(10));
    assert_eq!((stand.leaving().tried, stand.leaving().outcome), (true, None));
    assert_eq!(stand.members(), [arn("a")]);

    let mut stand = Stand::new(configured(&["a"]));
    stand.pass(MINUTE);
    assert!(stand.leaving().tried, "seen out since it says 503");
    assert_eq!(stand.count(deregisters), 0);
}

/// The balancer needs as long as its own settings say to see a 503: so many failed checks, so far apart, the last of
/// which may take all its time; and some seconds.
#[test]
fn the_floor_is_what_the_balancer_needs_by_its_settings() {
    let stand = Stand::new(configured(&["a"])).joined();
    assert_eq!(stand.leaving().unconfirmed_floor, Some(Span::secs(2 * 10 + 7 + 5)));
    assert_eq!(stand.leaving().longest_delay, Span::secs(60));
}

/// A target that answers is there, whatever AWS says of its group's name: it is left like any other.
#[test]
fn a_group_that_is_not_found_but_holds_the_node_is_left() {
    let mut stand = Stand::new(described("a"));
    stand.aws.nowhere.insert("a".into());
    let mut stand = stand.joined();
    assert_eq!(stand.members(), [arn("a")]);
    stand.leave();
    assert_eq!((stand.leaving().outcome, stand.leaving().back), (None, true));
    stand.pass(Span(10));
    assert_eq!((stand.leaving().outcome, stand.leaving().back), (Some(Deregistered::Done), false));
    assert_eq!(stand.members(), [""; 0]);
}

/// A group of which nobody can say what it is like is not "gone": it may hold the node.
#[test]
fn a_group_that_cannot_be_described_is_not_gone() {
    let mut stand = Stand::new(configured(&["a"]));
    stand.aws.groups.insert("a".into(), TroubleKind::Denied);
    stand.pass(MINUTE);
    stand.leave();
    assert_eq!(stand.leaving().outcome, None);
}

/// The node was a target once some group showed it as one, or took it in; for ever after.
#[test]
fn a_node_that_some_group_has_shown_was_a_target() {
    let mut stand = Stand::new(configured(&["a"]));
    stand.pass(MINUTE);
    assert!(!stand.room.ever_member(), "seen absent");
    stand.aws.states.insert(arn("a"), TargetState::Unhealthy);
    stand.pass(MINUTE + MINUTE);
    assert!(stand.room.ever_member(), "seen in");
    stand.aws.states.clear();
    stand.pass(MINUTE + MINUTE);
    assert!(stand.room.ever_member(), "was seen in");
}

/// The same by what AWS says of changes: one that is accepted puts it in, one that is refused or takes it out does not.
#[test]
fn a_node_that_aws_has_taken_in_was_a_target() {
    let blind = |kind: Option<TroubleKind>| {
        let mut stand = Stand::new(configured(&["a"]));
        stand.aws.looks.insert("a".into(), TroubleKind::Denied);
        stand.aws.changes.extend(kind.map(|kind| ("a".to_owned(), kind)));
        stand
    };
    let refused = blind(Some(TroubleKind::Throttled)).joined();
    assert!(refused.count(registers) > 0 && !refused.room.ever_member(), "refused");
    assert!(blind(None).joined().room.ever_member(), "accepted");
    let mut stand = blind(None);
    stand.pass(MINUTE);
    stand.leave();
    stand.pass(MINUTE);
    assert!(stand.count(deregisters) > 0 && !stand.room.ever_member(), "never in");
    // What is accepted later, or refused, takes nothing back.
    let mut stand = blind(None).joined();
    stand.leave();
    stand.pass(MINUTE);
    assert!(stand.room.ever_member());
}

/// What an earlier run had registered was a target, before anything is seen of it.
#[test]
fn a_node_that_an_earlier_run_had_registered_was_a_target() {
    let mut stand = Stand::new(configured(&["a"]));
    stand.mute = |call| matches!(call, Call::DescribeTarget(_) | Call::DescribeGroups(_));
    stand.room.restore(Some(registered("a", INSTANCE)));
    stand.pass(Span(10));
    assert!(stand.room.ever_member());
}

/// A receipt names what was left in this drain, under its old name too, and nothing that nobody acted in.
#[test]
fn a_receipt_names_what_was_left_though_it_is_named_no_more() {
    let left = |stand: &Stand| -> Vec<(String, bool)> {
        stand.room.left_groups().into_iter().map(|group| (group.arn, group.deregistered)).collect()
    };
    let mut stand = Stand::tagged("a").joined();
    stand.leave();
    stand.pass(MINUTE);
    stand.tag("");
    stand.pass(MINUTE + MINUTE);
    assert_eq!(left(&stand), [(arn("a"), true)]);
    stand.resume();
    stand.pass(MINUTE);
    assert_eq!(left(&stand), []);

    let mut stand = Stand::new(MembershipPolicy { ownership: Ownership::Observe, ..by_tag() });
    stand.tag("a b");
    stand.aws.states.insert(arn("a"), TargetState::Healthy);
    stand.aws.kind = TargetType::Ip;
    stand.pass(MINUTE);
    stand.leave();
    stand.tag("b");
    stand.pass(MINUTE + MINUTE);
    assert_eq!(left(&stand), [(arn("b"), false)]);
}
