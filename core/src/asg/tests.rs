//! What metadata and Auto Scaling say together, and what is asked of whom.

use super::*;
use crate::contract::{Call, Command, Finding, ScalingFacts, Span, TroubleKind};

const NOW: Moment = Moment(1_000_000);
const ARN: &str = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/rundeck/0";
const OTHER: &str = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/other/0";
const DAY: Span = Span::secs(24 * 3_600);

struct Stand(AutoScaling, Desk);

/// What Auto Scaling says of a node in this state.
fn seen(state: &str, checks: &[&str], attached: &[&str]) -> ScalingSeen {
    let all = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let facts = ScalingFacts { health_checks: all(checks), attached: all(attached).into_iter().collect() };
    ScalingSeen { name: "rundeck".into(), state: Some(state.into()), facts: Ok(facts) }
}

fn trouble(kind: TroubleKind) -> Trouble {
    Trouble { kind, action: "autoscaling:DescribeAutoScalingInstances".into(), text: "told so".into() }
}

impl Stand {
    fn new(rule: AutoScalingRule) -> Stand {
        Stand(AutoScaling::new(rule, NOW), Desk::new(1, NOW))
    }

    /// Metadata show these words, one after the other.
    fn shown(words: &[Option<&str>]) -> Stand {
        let mut stand = Stand::new(AutoScalingRule::Auto);
        words.iter().for_each(|word| stand.shows(*word));
        stand
    }

    fn shows(&mut self, word: Option<&str>) {
        self.0.on_lifecycle(Ok(word.map(str::to_owned)), true, &mut self.1);
    }

    fn told(mut self, answer: Result<Option<ScalingSeen>, Trouble>) -> Stand {
        self.0.on_scaling(answer, &mut self.1);
        self
    }

    /// How often Auto Scaling is asked until then, each time without an answer.
    fn asked_until(&mut self, end: Moment, watched: bool) -> Vec<Span> {
        let mut asked = Vec::new();
        loop {
            self.1.begin_pass();
            self.0.step(Some("i-1"), watched, &mut self.1);
            for command in self.1.take() {
                let Command::Call { id, call, .. } = command else { continue };
                assert!(self.1.close(id).is_some());
                if let Call::AskScaling { instance } = call {
                    assert_eq!(instance, "i-1");
                    asked.push(self.1.now().since(NOW));
                    self.0.on_scaling(Ok(Some(seen("InService", &["EC2"], &[]))), &mut self.1);
                } else {
                    self.0.on_lifecycle(Ok(Some("InService".into())), true, &mut self.1);
                }
            }
            self.1.begin_pass();
            self.0.step(Some("i-1"), watched, &mut self.1);
            match self.1.wake() {
                Some(at) if at < end => self.1.begin_turn(at),
                _ => return asked,
            }
        }
    }

    fn says(&self) -> [Says; 4] {
        let asg = &self.0;
        [asg.replaces(), asg.in_service(), asg.owners().others, asg.may_join()]
    }

    fn findings(&self) -> Vec<Finding> {
        self.1.findings().into_iter().map(|view| view.finding).collect()
    }
}

#[test]
fn before_auto_scaling_has_told_the_worst_is_not_ruled_out() {
    use Says::{No, Unknown, Yes};
    // What metadata show: replaces, in service, owns a group of which nothing is known, may join.
    let told: [(&[Option<&str>], [Says; 4]); 9] = [
        (&[], [Unknown; 4]),
        (&[None], [No, No, No, Yes]),
        (&[Some("InService")], [Unknown, Yes, Unknown, Yes]),
        (&[Some("Standby")], [No, No, Unknown, No]),
        (&[Some("Detached")], [No, No, Yes, Yes]),
        (&[Some("Terminated")], [Unknown, No, Unknown, No]),
        (&[None, Some("Odd")], [Unknown, Unknown, Unknown, No]),
        (&[Some("Standby"), Some("Odd")], [Unknown, Unknown, Unknown, No]),
        (&[Some("InService"), None], [Unknown, Yes, Unknown, Yes]),
    ];
    for (shown, wanted) in told {
        assert_eq!(Stand::shown(shown).says(), wanted, "{shown:?}");
    }
}

/// A list that holds a word which 503 fails, or one that nobody knows, costs the node; the checks of EC2 alone do not.
#[test]
fn what_a_503_costs_is_told_by_the_list_of_health_checks() {
    let lists: [(&[&str], Says); 7] = [
        (&["EC2"], Says::No),
        (&["EC2", "EBS"], Says::No),
        (&["ELB"], Says::Yes),
        (&["EBS", "ELB"], Says::Yes),
        (&["EC2", "VPC_LATTICE"], Says::Yes),
        (&["EC2", "BRAND_NEW"], Says::Yes),
        (&["elb"], Says::Yes),
    ];
    for (checks, wanted) in lists {
        for (word, replaces) in [("InService", wanted), ("Terminated", wanted), ("Odd", wanted), ("Standby", Says::No)]
        {
            let stand = Stand::shown(&[Some(word)]).told(Ok(Some(seen("InService", checks, &[]))));
            assert_eq!(stand.0.replaces(), replaces, "{checks:?} {word}");
        }
        // "Not there" by metadata is no proof: Auto Scaling knows better.
        let stand = Stand::shown(&[None]).told(Ok(Some(seen("InService", checks, &[]))));
        assert_eq!(stand.0.replaces(), wanted, "{checks:?}");
    }
}

#[test]
fn that_a_503_costs_nothing_holds_for_a_day_and_that_it_costs_the_node_for_ever() {
    for (checks, later) in [(["EC2"], Says::Unknown), (["ELB"], Says::Yes)] {
        let mut stand = Stand::shown(&[Some("InService")]).told(Ok(Some(seen("InService", &checks, &[]))));
        let before = stand.0.replaces();
        stand.1.begin_turn(NOW + Span(DAY.0 - 1));
        stand.0.step(None, false, &mut stand.1);
        let mut stand = stand.told(Err(trouble(TroubleKind::Unavailable)));
        assert_eq!(stand.0.replaces(), before);
        assert!(stand.1.wake().is_some_and(|at| at <= NOW + DAY));
        stand.1.begin_turn(NOW + DAY);
        stand.0.step(None, false, &mut stand.1);
        assert_eq!(stand.0.replaces(), later, "{checks:?}");
        let stand = stand.told(Ok(Some(seen("InService", &checks, &[]))));
        assert_eq!(stand.0.replaces(), before, "told anew");
    }
}

#[test]
fn what_is_attached_is_the_groups_and_all_else_is_not_once_it_has_told() {
    let mut stand = Stand::shown(&[Some("InService")]).told(Ok(Some(seen("InService", &["ELB"], &[ARN]))));
    let attached = |stand: &Stand| stand.0.owners().attached.iter().cloned().collect::<Vec<_>>();
    assert_eq!((attached(&stand), stand.0.owners().others), (vec![ARN.to_owned()], Says::No));
    // A node that was detached, or whose group nobody tells any more, does not join what the group had.
    for answer in [Err(trouble(TroubleKind::Denied)), Ok(None)] {
        stand = stand.told(answer);
        assert_eq!((attached(&stand), stand.0.owners().others), (vec![ARN.to_owned()], Says::No));
    }
    stand.shows(Some("Detached"));
    assert_eq!((attached(&stand), stand.0.owners().others), (vec![ARN.to_owned()], Says::No));
    stand.shows(Some("InService"));
    let stand = stand.told(Ok(Some(seen("InService", &["ELB"], &[OTHER]))));
    assert_eq!(attached(&stand), [OTHER.to_owned()], "the group has changed it");
}

#[test]
fn where_it_may_not_be_asked_every_target_group_may_be_the_groups() {
    let denied = || Err(trouble(TroubleKind::Denied));
    let stand = Stand::shown(&[Some("InService")]).told(denied());
    assert_eq!((stand.0.owners().others, stand.0.replaces()), (Says::Yes, Says::Unknown));
    assert_eq!(stand.findings(), [Finding::PermissionMissing]);
    let stand = stand.told(Err(trouble(TroubleKind::Throttled)));
    assert_eq!(stand.findings(), [Finding::AwsUnreachable]);
    assert_eq!(stand.told(Ok(None)).findings(), []);
    // A node that no group has needs no permission, and is not told of any.
    let stand = Stand::shown(&[None]).told(denied());
    assert_eq!((stand.findings(), stand.says()), (vec![], [Says::No, Says::No, Says::No, Says::Yes]));
    // The group is known, and what it is like is not.
    let lacking = ScalingSeen { facts: Err(trouble(TroubleKind::Denied)), ..seen("InService", &[], &[]) };
    let stand = Stand::shown(&[None]).told(Ok(Some(lacking)));
    assert_eq!((stand.0.replaces(), stand.findings()), (Says::Unknown, vec![Finding::PermissionMissing]));
}

#[test]
fn an_operators_word_that_there_is_no_group_holds_until_one_is_shown() {
    let mut stand = Stand::new(AutoScalingRule::None);
    assert_eq!(stand.says(), [Says::No, Says::No, Says::No, Says::Yes]);
    stand.0.on_lifecycle(Err("no route".into()), true, &mut stand.1);
    assert_eq!(stand.0.replaces(), Says::No);
    stand.shows(Some("InService"));
    assert_eq!((stand.0.replaces(), stand.0.owners().others), (Says::Unknown, Says::Unknown));
    let stand = Stand::new(AutoScalingRule::None).told(Ok(Some(seen("InService", &["ELB"], &[ARN]))));
    assert_eq!((stand.0.replaces(), stand.0.may_join()), (Says::Yes, Says::Yes));
}

#[test]
fn what_was_known_holds_over_a_restart_until_somebody_tells_anew() {
    let known = Stand::shown(&[Some("InService")]).told(Ok(Some(seen("InService", &["EC2"], &[ARN]))));
    let mut stand = Stand::new(AutoScalingRule::Auto);
    stand.0.restore(known.0.kept());
    assert_eq!((stand.0.replaces(), stand.0.in_service()), (Says::No, Says::Unknown));
    assert!(stand.0.owners().attached.contains(ARN));
    assert_eq!(stand.0.kept(), known.0.kept());
    let stand = stand.told(Ok(Some(seen("InService", &["ELB"], &[]))));
    assert_eq!((stand.0.replaces(), stand.0.owners().attached.len()), (Says::Yes, 0));
    let mut alone = Stand::new(AutoScalingRule::Auto);
    alone.0.restore(Stand::shown(&[None]).0.kept());
    assert_eq!(alone.says(), [Says::No, Says::No, Says::No, Says::Yes]);
    alone.shows(Some("InService"));
    assert_eq!(alone.0.replaces(), Says::Unknown);
    assert_eq!(Stand::new(AutoScalingRule::Auto).0.kept(), None);
    // What is told is newer than what is read late.
    let mut stand = Stand::shown(&[Some("InService")]).told(Ok(Some(seen("InService", &["ELB"], &[]))));
    stand.0.restore(known.0.kept());
    assert_eq!(stand.0.replaces(), Says::Yes);
}

/// Hourly, and each minute while something stands that the group may not allow any more; at once where metadata show a
/// move.
#[test]
fn auto_scaling_is_asked_rarely_and_often_while_it_matters() {
    let hours = Stand::new(AutoScalingRule::Auto).asked_until(NOW + Span::secs(3 * 3_600), false);
    assert!((3..=4).contains(&hours.len()), "{hours:?}");
    let minutes = Stand::new(AutoScalingRule::Auto).asked_until(NOW + Span::secs(600), true);
    assert!((9..=11).contains(&minutes.len()), "{minutes:?}");
    let mut stand = Stand::new(AutoScalingRule::Auto);
    stand.asked_until(NOW + Span::secs(10), false);
    stand.shows(Some("Standby"));
    assert_eq!(stand.asked_until(stand.1.now() + Span(1), false).len(), 1);
}
