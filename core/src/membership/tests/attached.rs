//! Target groups that the node's Auto Scaling group has attached: they are the group's, and are watched.

use super::*;

fn by_owner(name: &str, ownership: Ownership) -> MembershipPolicy {
    MembershipPolicy {
        groups: vec![wanted(name, ownership)],
        reconcile_interval: MINUTE,
        ..MembershipPolicy::default()
    }
}

impl Stand {
    /// The Auto Scaling group has these attached.
    fn attach(&mut self, names: &[&str]) {
        self.attached = names.iter().map(|name| arn(name)).collect();
    }

    fn found(&self, word: Finding) -> bool {
        self.findings().iter().any(|(finding, _)| *finding == word)
    }

    /// Who each target group is and whether this agent acts in it.
    fn owned(&self) -> Vec<(String, bool)> {
        self.views().into_iter().map(|view| (view.name, view.owned)).collect()
    }
}

/// Whatever is configured: nothing is registered there, and nothing taken out.
#[test]
fn what_is_attached_is_observed_whoever_was_to_own_it() {
    for ownership in [Ownership::Auto, Ownership::Own, Ownership::Observe] {
        let mut stand = Stand::new(by_owner("a", ownership));
        stand.attach(&["a"]);
        let mut stand = stand.joined();
        assert_eq!(stand.owned(), [("a".to_owned(), false)], "{ownership:?}");
        stand.aws.states.insert(arn("a"), TargetState::Healthy);
        stand.leave();
        stand.pass(MINUTE + MINUTE);
        assert_eq!((stand.count(registers), stand.count(deregisters)), (0, 0), "{ownership:?}");
        assert_eq!(stand.found(Finding::OwnershipConflict), ownership == Ownership::Own, "{ownership:?}");
    }
}

/// And one that is not attached is the node's own, in an Auto Scaling group too.
#[test]
fn what_is_not_attached_is_the_nodes_own() {
    let mut stand = Stand::new(by_owner("a", Ownership::Auto));
    stand.attach(&["b"]);
    let stand = stand.joined();
    assert_eq!(stand.members(), [arn("a")]);
    assert_eq!(
        stand.owned(),
        [("a".to_owned(), true), ("b".to_owned(), false)],
        "b is watched, though nobody named it"
    );
}

#[test]
fn what_is_attached_is_watched_where_nobody_names_a_group() {
    let mut stand = Stand::new(configured(&[]));
    stand.aws.tag = Err("tags are off".into());
    stand.attach(&["a"]);
    stand.aws.states.insert(arn("a"), TargetState::Healthy);
    stand.pass(MINUTE + MINUTE);
    let shown: Vec<(String, bool, String)> =
        stand.views().into_iter().map(|view| (view.name, view.owned, view.word)).collect();
    assert_eq!(shown, [("a".to_owned(), false, TargetState::Healthy.word().to_owned())]);
    stand.aws.tag = Ok(None);
    stand.pass(HOUR);
    assert!(!stand.found(Finding::NoTargetGroup), "there is one");
    stand.attach(&[]);
    stand.pass(HOUR);
    assert!(stand.found(Finding::NoTargetGroup) && stand.views().is_empty(), "{:?}", stand.views());
    assert_eq!(stand.count(Call::changes_balancer), 0);
}

/// Who owns a group may change while the agent runs: what this agent registered stays when the group takes it over, and
/// what is let go is the node's own.
#[test]
fn a_change_of_owner_is_followed_and_takes_nothing_out() {
    let mut stand = Stand::new(by_owner("a", Ownership::Auto)).joined();
    assert_eq!(stand.members(), [arn("a")]);
    stand.attach(&["a"]);
    stand.pass(MINUTE + MINUTE);
    assert_eq!((stand.owned(), stand.count(deregisters)), (vec![("a".to_owned(), false)], 0));
    stand.leave();
    stand.pass(MINUTE + MINUTE);
    assert_eq!((stand.members(), stand.count(deregisters)), (vec![arn("a").as_str()], 0), "the group does that");
    stand.aws.states.clear();
    stand.resume();
    stand.pass(HOUR);
    assert_eq!(stand.members(), [""; 0], "nor is it put back");
    stand.attach(&[]);
    stand.pass(MINUTE + MINUTE);
    assert_eq!(stand.members(), [arn("a")]);
}

#[test]
fn another_port_of_an_attached_group_is_not_registered_and_that_is_told() {
    let mut policy = by_owner("a", Ownership::Auto);
    policy.groups[0].port = Some(8080);
    let mut stand = Stand::new(policy);
    stand.attach(&["a"]);
    let mut stand = stand.joined();
    assert_eq!((stand.count(registers), stand.found(Finding::PortNotRegistered)), (0, true));
    let ports: Vec<Option<u16>> = stand.views().into_iter().map(|view| view.port).collect();
    assert_eq!(ports, [Some(8080), Some(4440)], "two targets of one group");
    stand.attach(&[]);
    stand.pass(MINUTE + MINUTE);
    assert!(!stand.found(Finding::PortNotRegistered));
    assert_eq!(stand.members(), [arn("a")]);
}

/// Where nobody may be asked what is attached, an operator's `self` is his word, and `auto` waits.
#[test]
fn where_nobody_tells_what_is_attached_only_the_operators_word_registers() {
    for (ownership, members) in [(Ownership::Own, 1), (Ownership::Auto, 0)] {
        for others in [Says::Yes, Says::Unknown] {
            let mut stand = Stand::new(by_owner("a", ownership));
            stand.others = others;
            let stand = stand.joined();
            assert_eq!(stand.members().len(), members, "{ownership:?} {others:?}");
            assert!(!stand.found(Finding::OwnershipConflict));
        }
    }
}
