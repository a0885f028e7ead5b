//! The balancer's word against the node's own: every state, reason and answer, and when a difference is told.

use super::super::view::{Case, checks, judge};
use super::*;
use crate::contract::{
    Agreement, Anomaly, BalancerView, LikelyCause, Overridden, TargetReason as Why, TargetReason, TargetState as State,
};

/// Each state with each of its reasons: AWS's code and words, and what they mean.
fn seen() -> Vec<TargetSeen> {
    let odd = || Why::Other("Target.Brooding".into());
    let rows = [
        (State::Healthy, "", "", Why::None),
        (State::Unhealthy, "Target.ResponseCodeMismatch", "failed with these codes: [503]", Why::Codes(vec![503])),
        (State::Unhealthy, "Target.ResponseCodeMismatch", "failed with these codes: [404]", Why::Codes(vec![404])),
        (State::Unhealthy, "Target.Timeout", "Request timed out", Why::TimedOut),
        (State::Unhealthy, "Target.FailedHealthChecks", "Health checks failed", Why::Failed),
        (State::Unhealthy, "Elb.InternalError", "failed due to an internal error", Why::BalancerError),
        (State::Unhealthy, "Target.Brooding", "Target broods", odd()),
        (State::Arriving, "Elb.RegistrationInProgress", "registration is in progress", Why::Registering),
        (State::Arriving, "Elb.InitialHealthChecking", "Initial health checks in progress", Why::FirstChecks),
        (State::Leaving, "Target.DeregistrationInProgress", "deregistration is in progress", Why::Deregistering),
        (State::Absent, "Target.NotRegistered", "not registered to the target group", Why::NotRegistered),
        (State::Idle, "Target.NotInUse", "not configured to receive traffic from the load balancer", Why::NoListener),
        (State::Idle, "Target.NotInUse", "in an Availability Zone that is not enabled", Why::ZoneOff),
        (State::Idle, "Target.NotInUse", "Target is not in use", Why::NotInUse),
        (State::Idle, "Target.InvalidState", "Target is in the stopped state", Why::NotRunning),
        (State::Idle, "Target.IpUnusable", "The IP address cannot be used as a target", Why::AddressTaken),
        (State::Idle, "Target.Brooding", "Target broods", odd()),
        (State::Unavailable, "Target.HealthCheckDisabled", "Health checks are disabled", Why::ChecksOff),
        (State::Unavailable, "Elb.InternalError", "unavailable due to an internal error", Why::BalancerError),
        (State::Other("meditating".into()), "", "", Why::None),
    ];
    let row = |(state, reason, description, because): (State, &str, &str, TargetReason)| TargetSeen {
        reason: reason.into(),
        description: description.into(),
        because,
        ..TargetSeen::plain(state)
    };
    rows.into_iter().map(row).collect()
}

fn facts() -> GroupFacts {
    let group = Stand::new(configured(&["a"])).aws.group("a").and_then(|seen| seen.facts.ok());
    group.expect("a group")
}

const LOOKED: Moment = Moment(10_000_000);
/// Longer than anything takes.
const LONG: Span = HOUR;

/// What the node says of itself, and since when the balancer had time to notice.
fn owns() -> [(&'static str, Own); 5] {
    let long = LOOKED - LONG;
    [
        ("up a moment", Own::Up(LOOKED - Span(1))),
        ("up for long", Own::Up(long)),
        ("503 a moment", Own::Out(LOOKED - Span(1))),
        ("503 for long", Own::Out(long)),
        ("leaves with 200", Own::Leaving),
    ]
}

fn case<'a>(seen: &'a TargetSeen, facts: Option<&'a GroupFacts>, own: Own) -> Case<'a> {
    let (since, delay, answering) = (LOOKED - LONG, MINUTE, answering());
    Case { seen, asked: LOOKED, since, facts, delay, wanted: true, owned: true, rests: false, own, answering }
}

/// What the node says differs from what the group's health check would have to be.
fn settings() -> Vec<(&'static str, GroupFacts)> {
    vec![
        ("it asks the traffic port", GroupFacts { check_port: None, check_path: "/".into(), ..facts() }),
        ("it asks another port", GroupFacts { check_port: Some(4440), ..facts() }),
        ("it asks another path", GroupFacts { check_path: "/ping".into(), check_has_query: true, ..facts() }),
        ("it speaks HTTPS", GroupFacts { check_https: true, ..facts() }),
        ("it takes 201 to 299", GroupFacts { matcher: "201-299".into(), passes_200: false, ..facts() }),
    ]
}

/// One line of the golden file, which the tests of `status` and `explain` read as well.
fn line(seen: &TargetSeen, own: &str, view: &BalancerView) -> String {
    let cells = [
        own.into(),
        seen.state.word().into(),
        seen.reason.clone(),
        seen.description.clone(),
        seen.overridden.word().into(),
        seen.anomaly.word().into(),
        view.agreement.word().into(),
        view.cause.map(LikelyCause::word).unwrap_or_default().into(),
        view.expected.map_or_else(String::new, |by| by.since(LOOKED).0.to_string()),
        view.why.clone().into_owned(),
    ];
    cells.map(|cell: String| if cell.is_empty() { "-".into() } else { cell }).join(" | ") + "\n"
}

fn golden(text: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/balancer.txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, text).expect("write");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = text.lines().zip(kept.lines()).find(|(now, then)| now != then);
    assert!(differs.is_none(), "first difference (now, golden): {differs:#?}; BLESS=1 writes the file anew");
    assert_eq!(text.lines().count(), kept.lines().count(), "BLESS=1 writes the file anew");
}

fn table() -> String {
    let (usual, late) = (facts(), LOOKED - LONG);
    let mut text = String::from(
        "# own answer | state | reason | description | override | anomaly | agreement | cause | expected in ms | why\n",
    );
    for seen in seen() {
        for (word, own) in owns() {
            text += &line(&seen, word, &judge(&case(&seen, Some(&usual), own)));
        }
    }
    text += "\n# what the group's health check is, against a node that is up, and one that says 503\n";
    for (word, facts) in settings() {
        let all = seen();
        for (seen, own) in [(&all[2], Own::Up(late)), (&all[0], Own::Out(late)), (&all[0], Own::Up(late))] {
            text += &line(seen, word, &judge(&case(seen, Some(&facts), own)));
        }
    }
    text += "\n# what is laid over a healthy target of a node that is up\n";
    let healthy = || TargetSeen::plain(State::Healthy);
    for overridden in [Overridden::ZonalShift, Overridden::ByDns, Overridden::Other("unknown".into())] {
        let seen = TargetSeen { overridden, ..healthy() };
        text += &line(&seen, "up for long", &judge(&case(&seen, Some(&usual), Own::Up(late))));
    }
    for anomaly in [Anomaly::Noted, Anomaly::Mitigated, Anomaly::Other("odd".into())] {
        let seen = TargetSeen { anomaly, ..healthy() };
        text += &line(&seen, "up for long", &judge(&case(&seen, Some(&usual), Own::Up(late))));
    }
    text += "\n# a node that is up, in a group that somebody else owns\n";
    for seen in seen().iter().filter(|seen| matches!(seen.state, State::Leaving | State::Absent)) {
        for own in [Own::Up(LOOKED - Span(1)), Own::Up(late)] {
            let case = Case { owned: false, since: own_since(own), ..case(seen, Some(&usual), own) };
            text += &line(seen, "up", &judge(&case));
        }
    }
    text += "\n# what somebody else took out, and this agent leaves alone\n";
    for seen in seen().iter().filter(|seen| matches!(seen.state, State::Leaving | State::Absent)) {
        let case = Case { rests: true, ..case(seen, Some(&usual), Own::Up(late)) };
        text += &line(seen, "up for long", &judge(&case));
    }
    text += "\n# a group that could not be read\n";
    for own in [Own::Up(LOOKED - MINUTE), Own::Up(late), Own::Out(LOOKED - MINUTE), Own::Out(late)] {
        let all = seen();
        let seen = if matches!(own, Own::Up(_)) { &all[1] } else { &all[0] };
        text += &line(seen, "its settings are not known", &judge(&case(seen, None, own)));
    }
    text
}

#[test]
fn each_state_reason_and_answer_is_judged_as_written_down() {
    golden(&table());
}

fn own_since(own: Own) -> Moment {
    match own {
        Own::Up(since) | Own::Out(since) => since,
        Own::Leaving => LOOKED,
    }
}

/// Causes that have nothing to do with what a health check has seen: they may be told at once.
const AT_ONCE: [LikelyCause; 10] = [
    LikelyCause::AddressTaken,
    LikelyCause::AnomalyMitigation,
    LikelyCause::BalancerError,
    LikelyCause::CheckOff,
    LikelyCause::InstanceStopped,
    LikelyCause::NoListener,
    LikelyCause::NotInUse,
    LikelyCause::ZonalShift,
    LikelyCause::ZoneOff,
    LikelyCause::UnknownWord,
];

/// Whatever AWS says, in whatever combination: a difference has a cause, a text and a cure, none is claimed before the
/// balancer's own time has passed, and a node that leaves, or whose group is named no more, differs from nobody.
#[test]
fn no_difference_is_claimed_before_the_balancers_own_time_has_passed() {
    let reasons: Vec<TargetReason> = seen().into_iter().map(|seen| seen.because).collect();
    let states: Vec<State> = State::KNOWN.iter().cloned().chain([State::Other("meditating".into())]).collect();
    let overrides = [Overridden::No, Overridden::ZonalShift, Overridden::ByDns, Overridden::Other("odd".into())];
    let anomalies = [Anomaly::No, Anomaly::Noted, Anomaly::Mitigated, Anomaly::Other("odd".into())];
    let groups: Vec<Option<GroupFacts>> = settings().into_iter().map(|(_, facts)| Some(facts)).chain([None]).collect();
    let mut judged = 0;
    for (state, because) in states.iter().flat_map(|state| reasons.iter().map(move |because| (state, because))) {
        for (overridden, anomaly) in overrides.iter().flat_map(|o| anomalies.iter().map(move |a| (o, a))) {
            let (overridden, anomaly) = (overridden.clone(), anomaly.clone());
            let seen = TargetSeen { because: because.clone(), overridden, anomaly, ..TargetSeen::plain(state.clone()) };
            for (facts, (word, own)) in groups.iter().flat_map(|facts| owns().into_iter().map(move |own| (facts, own)))
            {
                let case = case(&seen, facts.as_ref(), own);
                let view = judge(&case);
                let about = || format!("{word}: {seen:?} {facts:?}: {view:?}");
                holds(&view, &about());
                let early = word.ends_with("a moment") && view.agreement == Agreement::Differs;
                let fast = view.cause.is_some_and(|cause| AT_ONCE.contains(&cause));
                assert!(!early || fast, "{}", about());
                let leaving = judge(&Case { own: Own::Leaving, ..case });
                assert_eq!(leaving.agreement, Agreement::Agrees, "{}", about());
                judged += 1;
            }
        }
    }
    assert!(judged > 50_000, "{judged}");
}

fn holds(view: &BalancerView, about: &str) {
    assert_eq!(view.expected.is_some(), view.agreement == Agreement::Counting, "{about}");
    assert!(view.expected.is_none_or(|by| by > LOOKED), "{about}");
    assert_eq!(view.cause.is_some(), matches!(view.agreement, Agreement::Differs | Agreement::Unknown), "{about}");
    assert_eq!(view.cause == Some(LikelyCause::UnknownWord), view.agreement == Agreement::Unknown, "{about}");
    assert!(view.cause.is_none() || view.why.contains("; "), "what is so, and the cure: {about}");
}

/// Each cause comes up, so that none is a dead word.
#[test]
fn each_likely_cause_has_its_row_in_the_golden_file() {
    let kept = table();
    let missing = LikelyCause::ALL.iter().filter(|cause| !kept.contains(&format!(" | {cause} | ")));
    assert_eq!(missing.collect::<Vec<_>>(), Vec::<&LikelyCause>::new());
    assert!(LikelyCause::ALL.iter().map(|cause| cause.word()).is_sorted());
}

/// A healthy group of ours, and what the balancer says from now on.
fn saying(state: State, because: TargetReason) -> Stand {
    let mut stand = Stand::new(configured(&["a"])).joined();
    stand.aws.states.insert(arn("a"), state);
    stand.aws.because = because;
    stand
}

/// A difference is told once, with its cause and cure, however often it is seen; then that they agree again.
#[test]
fn a_difference_is_told_once_and_that_it_is_over_once() {
    let mut stand = saying(State::Unhealthy, Why::TimedOut);
    stand.pass(HOUR);
    let line = format!("a and this node differ about {INSTANCE}:4440 (unhealthy, up): unreachable: ");
    assert_eq!((stand.told(&line), stand.told("let the load balancer")), (1, 1), "{:?}", stand.told);
    stand.aws.because = Why::Failed;
    stand.pass(HOUR);
    assert_eq!(stand.told("(unhealthy, up): connection-failed: "), 1, "another cause is another difference");
    stand.aws.states.insert(arn("a"), State::Healthy);
    stand.pass(HOUR);
    assert_eq!((stand.told("agree again"), stand.told("differ about")), (1, 2), "{:?}", stand.told);
}

/// The group's own answer is looked at when its time is over: not a reconcile interval later, and told then.
#[test]
fn a_balancer_that_does_not_notice_is_told_as_soon_as_its_time_is_over() {
    let mut stand = Stand::new(MembershipPolicy { reconcile_interval: HOUR, ..configured(&["a"]) }).joined();
    stand.wish = Wish::Hold;
    stand.pass(Span::secs(1));
    let detection = checks(&facts(), 2);
    stand.refusing = Some(stand.desk.now());
    let looked = stand.count(looks);
    stand.pass(detection - Span::secs(1));
    let view = stand.views()[0].balancer.clone().expect("seen");
    assert_eq!((view.agreement, stand.count(looks)), (Agreement::Counting, looked), "{view:?}");
    stand.pass(Span::secs(2));
    assert_eq!((stand.count(looks), stand.told("(healthy, 503): other-answer: ")), (looked + 1, 1));
}

/// A group that an Auto Scaling group has attached has the same view.
#[test]
fn an_observed_group_is_judged_as_an_own_one() {
    let mut stand = saying(State::Idle, Why::ZoneOff);
    stand.attached.insert(arn("a"));
    stand.pass(HOUR);
    let view = stand.views().into_iter().find_map(|view| view.balancer.filter(|_| !view.owned)).expect("observed");
    assert_eq!((view.agreement, view.cause), (Agreement::Differs, Some(LikelyCause::ZoneOff)));
    assert_eq!(stand.told("(unused, up): zone-off: "), 1);
}
