//! Which group a name means, and what becomes of one that means another.

use super::*;

/// A group that is made anew under its name is another one: the node leaves the old one and joins the new, whose
/// settings hold at once.
#[test]
fn a_name_that_means_another_group_leaves_the_old_one_and_joins_the_new() {
    let mut stand = Stand::tagged("a b").joined();
    let new = arn("a").replace("/0", "/1");
    stand.aws.anew.insert("a".into(), new.clone());
    stand.policy.reconcile_interval = HOUR;
    stand.pass(MINUTE);
    while stand.views().iter().all(|view| view.arn.as_ref() != Some(&new)) {
        stand.pass(Span(1));
    }
    let leaving = stand.leaving();
    assert_eq!((leaving.longest_delay, leaving.unconfirmed_floor), (Span::secs(60), Some(Span::secs(32))));
    stand.pass(MINUTE + MINUTE);
    assert_eq!(stand.members(), [new.clone(), arn("b")]);
    assert_eq!(stand.kept(), [new.clone(), arn("b")]);
    // Each answer finds the group that it is about.
    stand.aws.states.insert(new.clone(), TargetState::Unhealthy);
    stand.pass(HOUR + HOUR);
    let shown: Vec<(Option<String>, String)> = stand.views().into_iter().map(|view| (view.arn, view.word)).collect();
    let word = |state: TargetState| state.word().to_owned();
    let wanted = [(Some(new), word(TargetState::Unhealthy)), (Some(arn("b")), word(TargetState::Healthy))];
    assert_eq!(shown, wanted);
}

/// The same where the node cannot be in the new one: the old one is left all the same, and a drain says so.
#[test]
fn a_name_that_means_a_group_without_a_place_for_the_node_leaves_the_old_one() {
    for drains in [false, true] {
        let mut stand = Stand::tagged("a");
        stand.aws.identity = stand.aws.identity.map(|identity| Identity { private_ip: None, ..identity });
        let mut stand = stand.joined();
        assert_eq!(stand.members(), [arn("a")]);
        stand.aws.anew.insert("a".into(), arn("a").replace("/0", "/1"));
        stand.aws.kind = TargetType::Ip;
        stand.aws.changes.insert("a".into(), TroubleKind::Throttled);
        stand.pass(MINUTE + MINUTE);
        if drains {
            stand.leave();
            assert_eq!(stand.leaving().outcome, None);
        }
        stand.aws.changes.clear();
        stand.pass(MINUTE + MINUTE);
        assert_eq!(stand.members(), [""; 0]);
        assert!(stand.findings().iter().any(|(word, _)| *word == Finding::AddressMissing), "{:?}", stand.findings());
    }
}

/// Two names of one group that change places, beside a third group: each goes on as it was, and once.
#[test]
fn names_of_one_group_that_change_places_disturb_no_other() {
    let by_arn = arn("a");
    let mut stand = Stand::tagged(&format!("a {by_arn} c")).joined();
    assert_eq!(stand.members(), [arn("a"), arn("c")]);
    stand.mute = |call| matches!(call, Call::DescribeGroups(_));
    stand.tag(&format!("{by_arn} a c"));
    stand.pass(MINUTE + MINUTE);
    stand.mute = |_| false;
    assert_eq!(stand.views().len(), 2, "one group, once: {:?}", stand.views());
    stand.aws.states.insert(arn("c"), TargetState::Unhealthy);
    stand.pass(MINUTE + MINUTE);
    let words: Vec<String> = stand.views().into_iter().map(|view| view.word).collect();
    assert_eq!(words, [TargetState::Healthy.word(), TargetState::Unhealthy.word()]);
    assert_eq!((stand.count(registers), stand.count(deregisters)), (2, 0));
    // The name that acts no more leads somewhere: what is named no more is left.
    stand.tag(&format!("{by_arn} a"));
    stand.pass(MINUTE + MINUTE);
    assert_eq!(stand.members(), [arn("a")]);
}

/// A group that is described by the configuration is no riddle, though AWS does not tell of it: what was registered
/// elsewhere is left.
#[test]
fn a_group_that_the_configuration_describes_leaves_nothing_open() {
    let mut stand = Stand::new(described("a"));
    stand.aws.groups.insert("a".into(), TroubleKind::Denied);
    stand.aws.states.insert(arn("old"), TargetState::Healthy);
    stand.room.restore(Some(registered("old", INSTANCE)));
    let stand = stand.joined();
    assert_eq!((stand.members(), stand.kept()), (vec![arn("a").as_str()], vec![arn("a").as_str()]));
    assert_eq!(stand.views()[0].name, "a", "as its ARN names it");
}

/// A group that AWS describes, and that the node cannot be in, is no riddle either.
#[test]
fn a_group_that_the_node_cannot_be_in_leaves_nothing_open() {
    let mut stand = Stand::new(configured(&["a"]));
    stand.aws.kind = TargetType::Ip;
    stand.aws.identity = stand.aws.identity.map(|identity| Identity { private_ip: None, ..identity });
    stand.aws.states.insert(arn("old"), TargetState::Healthy);
    stand.room.restore(Some(registered("old", INSTANCE)));
    let stand = stand.joined();
    assert_eq!(stand.members(), [""; 0]);
}

/// Where the agent is told to look only, it takes nothing out that an earlier run had registered; but a name that leads
/// nowhere, in a group that is ours, may mean just that.
#[test]
fn an_agent_that_only_looks_leaves_what_a_name_of_ours_may_mean_and_nothing_else() {
    let own = wanted("a", Ownership::Own);
    let observed = wanted("a", Ownership::Observe);
    for (group, nowhere, leaves) in [(&own, true, true), (&own, false, false), (&observed, true, false)] {
        let groups = vec![group.clone()];
        let mut stand = Stand::new(MembershipPolicy { groups, ownership: Ownership::Observe, ..configured(&[]) });
        stand.aws.nowhere.extend(nowhere.then(|| "a".to_owned()));
        stand.aws.states.insert(arn("old"), TargetState::Healthy);
        stand.room.restore(Some(registered("old", INSTANCE)));
        stand.pass(MINUTE + MINUTE);
        stand.leave();
        stand.pass(MINUTE + MINUTE);
        assert_eq!(stand.members().is_empty(), leaves, "{group:?}, nowhere: {nowhere}");
    }
}

/// A group that could not be described is asked about again soon, and not only when all others are.
#[test]
fn a_group_that_could_not_be_described_is_asked_about_again_soon() {
    let mut policy = configured(&["a", "b"]);
    policy.reconcile_interval = HOUR;
    let mut stand = Stand::new(policy);
    stand.aws.groups.insert("a".into(), TroubleKind::Unavailable);
    (stand.wish, stand.refusing) = (Wish::Join, None);
    stand.pass(Span::secs(10));
    assert_eq!(stand.members(), [arn("b")]);
    stand.aws.groups.clear();
    stand.pass(Span::secs(30));
    assert_eq!(stand.members(), [arn("a"), arn("b")]);
    let asked = stand.count(|call| matches!(call, Call::DescribeGroups(_)));
    stand.pass(Span::secs(600));
    assert_eq!(stand.count(|call| matches!(call, Call::DescribeGroups(_))), asked, "all are known");
}

/// A group that was registered is forgotten after ten minutes without a trace of it, and by nothing less than AWS's
/// word that it is not there.
#[test]
fn a_group_is_forgotten_only_where_aws_says_that_there_is_none() {
    for (kind, forgotten) in [(TroubleKind::NotFound, true), (TroubleKind::Denied, false)] {
        let mut stand = Stand::tagged("a").joined();
        stand.aws.looks.insert("a".into(), kind);
        stand.aws.changes.insert("a".into(), TroubleKind::Unavailable);
        stand.tag("b");
        stand.pass(HOUR);
        assert_eq!(!stand.kept().contains(&arn("a").as_str()), forgotten, "{kind:?}");
    }
}

/// The health check asks this agent by its port and one of its paths, or by Rundeck's own path that it answers too.
#[test]
fn a_health_check_asks_this_agent_by_port_and_path() {
    let paths = ["/health".to_owned()];
    let asks = |check_port: Option<u16>, check_path: &str| {
        let mut facts = Stand::new(by_tag()).aws.group("a").and_then(|seen| seen.facts.ok()).unwrap();
        (facts.check_port, facts.check_path) = (check_port, check_path.into());
        asks_agent(&facts, Answering { port: 4441, paths: &paths })
    };
    assert!(asks(Some(4441), "/health"));
    assert!(asks(Some(4441), "/api/14/system/executions/status"));
    assert!(!asks(Some(4441), "/"));
    assert!(!asks(Some(4440), "/health"));
    assert!(!asks(None, "/health"));
    assert!(!asks(None, "/"));
}

/// What must hold after each turn is refused where it does not.
#[test]
fn a_room_that_has_lost_its_order_says_so() {
    type Break = fn(&mut Stand);
    let cases: [(&str, Break); 8] = [
        ("two groups of one key", |stand| stand.room.groups[1].key = stand.room.groups[0].key),
        ("no longer named", |stand| stand.room.groups[0].standing = Standing::Out),
        ("known under two names", |stand| stand.room.groups[1].target = stand.room.groups[0].target.clone()),
        ("one target acts twice", |stand| stand.room.groups[1].double = true),
        ("nobody waits for", |stand| {
            stand.until_open(looks);
            stand.room.groups[0].look.done(Moment(0));
            stand.room.groups[1].look.done(Moment(0));
        }),
        ("two changes at once", |stand| {
            let (target, port) = (stand.room.groups[0].target.clone().unwrap(), 4443);
            stand.room.groups[1].target = Some(Target { port, ..target });
            for key in [stand.room.groups[0].key, stand.room.groups[1].key] {
                let group = stand.room.groups.iter_mut().find(|group| group.key == key).unwrap();
                stand.desk.ask(&mut group.change, Topic::Change(key), Call::AskIdentity, MINUTE);
            }
        }),
        ("a target that cannot be", |stand| stand.room.groups[1].unfit = true),
        ("left, and unknown", |stand| {
            (stand.room.groups[0].target, stand.room.groups[0].left) = (None, Left::Confirmed(None));
        }),
    ];
    for (words, spoil) in cases {
        let mut stand = Stand::new(configured(&["a", "b"])).joined();
        assert_eq!(stand.room.check(&stand.desk), Ok(()));
        spoil(&mut stand);
        let told = stand.room.check(&stand.desk).err().unwrap_or_default();
        assert!(told.contains(words), "{words}: {told}");
    }
}

/// A tag that changed is known within a minute, and sooner where the groups are looked at more often.
#[test]
fn the_tag_is_read_each_minute_or_as_often_as_the_groups_are_looked_at() {
    for (interval, least, most) in [(Span::secs(10), 330, 400), (Span::secs(300), 54, 67)] {
        let mut stand = Stand::new(MembershipPolicy { reconcile_interval: interval, ..by_tag() });
        stand.tag("a");
        stand.pass(HOUR);
        let read = stand.count(|call| matches!(call, Call::AskTag(_)));
        assert!((least..=most).contains(&read), "{interval:?}: {read}");
    }
}
