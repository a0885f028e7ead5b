//! Every finding of the closed list: that it appears when it should, with its text and its cure, is told once, and goes
//! away when what was wrong is over.

use super::{Answers, calm, golden, turn};
use crate::rig::{GROUP, Rig, facts, identity, in_group, info, order, policy, target};
use rundeck_alb_core::{
    ApiSeen, Call, Cause, Command, DatabaseSeen, Event, Finding, GroupFacts, Held, Identity, Info, Kept, Maintenance,
    MembershipPolicy, Mode, NoteKind, Notice, Order, Ownership, Policy, ProcessSeen, Reply, Span, TargetState,
    TargetType, Trouble, TroubleKind, Unjudged, WebSeen,
};
use std::collections::BTreeSet;
use std::fmt::Write;

/// The longest pause of what is asked ever more rarely, twice.
const PATIENCE: Span = Span::secs(1_200);
const OWN_UUID: &str = "11111111-0000-4000-8000-000000000000";

/// One finding, and a world in which it is right to be told.
struct Case {
    finding: Finding,
    policy: fn() -> Policy,
    /// From the start of the agent on, else once the node is in service.
    from_start: bool,
    /// What is wrong.
    wrong: Answers,
    /// What happens as well.
    and: fn(&mut Rig),
    /// It is right again.
    right: Answers,
    /// What happens as well then; `None`: it is never right again while the agent runs.
    over: Option<fn(&mut Rig)>,
}

fn with_commands() -> Policy {
    let mut policy = policy();
    policy.hooks.pre_register = vec![vec!["/usr/local/bin/warm".into()]];
    policy
}

fn nothing(_: &mut Rig) {}

/// Wrong answers to a node in service, then right ones.
fn answers(finding: Finding, wrong: Answers) -> Case {
    Case { finding, policy, from_start: false, wrong, and: nothing, right: calm, over: Some(nothing) }
}

/// Something that an adapter notices.
fn happens(finding: Finding, and: fn(&mut Rig), over: fn(&mut Rig)) -> Case {
    Case { and, over: Some(over), ..answers(finding, calm) }
}

fn trouble(kind: TroubleKind) -> Trouble {
    Trouble { kind, action: "elasticloadbalancing:DescribeTargetHealth".into(), text: "told so".into() }
}

fn looked(call: &Call, kind: TroubleKind) -> Option<Reply> {
    matches!(call, Call::DescribeTarget(_)).then(|| Reply::Target(Err(trouble(kind))))
}

fn api(call: &Call, seen: ApiSeen) -> Option<Reply> {
    (*call == Call::ProbeApi).then_some(Reply::Api(seen))
}

fn web(call: &Call, seen: WebSeen) -> Option<Reply> {
    matches!(call, Call::ProbeWeb { .. }).then_some(Reply::Web(seen, None))
}

fn groups(call: &Call, answer: Vec<GroupFacts>) -> Option<Reply> {
    matches!(call, Call::DescribeGroups(_)).then(|| Reply::Groups(Ok(answer.into_iter().map(Into::into).collect())))
}

fn tag(call: &Call, answer: Result<Option<String>, String>) -> Option<Reply> {
    matches!(call, Call::AskTag(_)).then_some(Reply::Tag(answer))
}

fn server(call: &Call, uuid: &str) -> Option<Reply> {
    let info = Info {
        mode: Some(Mode::Active),
        running: Some(0),
        version: "5.20.1".into(),
        api_version: Some(58),
        server_uuid: Some(uuid.into()),
    };
    api(call, ApiSeen::Info(info))
}

fn unwritten(call: &Call, is: fn(&Call) -> bool) -> Option<Reply> {
    is(call).then(|| Reply::Written(Err("no space left on device".into())))
}

fn notice(rig: &mut Rig, notice: Notice, what: Option<&str>) {
    rig.feed(Event::Noticed(notice, what.map(String::from)));
}

fn drain(rig: &mut Rig) {
    rig.ordered(order("d1", Cause::Operator, rig.now));
}

fn resume(rig: &mut Rig) {
    rig.feed(Event::Order(2, Order::Resume(Cause::Operator)));
}

/// The tag names the groups.
fn by_tag() -> Policy {
    Policy { membership: MembershipPolicy::default(), ..policy() }
}

fn without_token() -> Policy {
    let mut policy = policy();
    policy.circumstances.has_token = false;
    policy
}

fn of_rundeck() -> Vec<Case> {
    vec![
        answers(Finding::ApiFailing, |_, call| api(call, ApiSeen::Failed(500))),
        answers(Finding::ApiTimeout, |_, call| api(call, ApiSeen::TimedOut)),
        answers(Finding::ApiUnreadable, |_, call| api(call, ApiSeen::Unreadable("a web page".into()))),
        answers(Finding::TokenRejected, |_, call| api(call, ApiSeen::Rejected)),
        answers(Finding::TokenWithoutRights, |_, call| api(call, info(None, None))),
        Case { policy: without_token, over: None, ..answers(Finding::TokenMissing, calm) },
        answers(Finding::DatabaseFailing, |_, call| {
            matches!(call, Call::ProbeDatabase { .. }).then_some(Reply::Database(DatabaseSeen::Failed(500)))
        }),
        Case {
            right: |_, call| server(call, OWN_UUID),
            ..answers(Finding::Clone, |_, call| server(call, "a14bc3e6-75e8-4fe4-a90d-a16dcc976bf6"))
        },
        Case {
            right: |_, call| server(call, OWN_UUID),
            ..answers(Finding::Clone, |_, call| server(call, "22222222-0000-4000-8000-000000000000"))
        },
        answers(Finding::HostRefused, |_, call| web(call, WebSeen::CannotJudge(Unjudged::Host))),
        answers(Finding::RundeckName, |_, call| web(call, WebSeen::CannotJudge(Unjudged::Name))),
        answers(Finding::RundeckUrl, |_, call| web(call, WebSeen::Redirect)),
        happens(Finding::PassiveMode, |rig| rig.mode = Mode::Passive, |rig| rig.mode = Mode::Active),
        happens(Finding::DiskLow, |rig| rig.free = 10, |rig| rig.free = 500),
        Case {
            from_start: true,
            ..answers(Finding::SeveralRundecks, |_, call| {
                matches!(call, Call::FindProcess { .. }).then_some(Reply::Process(ProcessSeen::Several(2)))
            })
        },
        answers(Finding::ProcessHidden, |_, call| {
            matches!(call, Call::FindProcess { .. }).then_some(Reply::Process(ProcessSeen::Hidden))
        }),
    ]
}

fn by_address() -> Policy {
    let mut policy = policy();
    policy.membership.groups[0].target_type = Some(TargetType::Ip);
    policy
}

/// A group of addresses, and a machine that has none of that family.
fn address_missing() -> Case {
    Case {
        policy: by_address,
        from_start: true,
        over: None,
        ..answers(Finding::AddressMissing, |_, call| {
            let v6_only = || Identity { private_ip: None, ..identity() };
            (*call == Call::AskIdentity).then(|| Reply::Identity(Ok(v6_only())))
        })
    }
}

/// A group of addresses, and a machine whose own is borne by no interface here.
fn address_not_here() -> Case {
    Case {
        policy: by_address,
        from_start: true,
        over: None,
        ..answers(Finding::AddressNotHere, |_, call| {
            let pod = || Identity { borne: Some(BTreeSet::from(["172.17.0.2".into()])), ..identity() };
            (*call == Call::AskIdentity).then(|| Reply::Identity(Ok(pod())))
        })
    }
}

/// An instance, and a group of instances of another VPC.
fn other_vpc() -> Case {
    Case {
        from_start: true,
        ..answers(Finding::OtherVpc, |_, call| match call {
            Call::AskIdentity => {
                let told = Identity { vpc: Some("vpc-own".into()), ..identity() };
                Some(Reply::Identity(Ok(told)))
            }
            call => groups(call, vec![GroupFacts { vpc: Some("vpc-other".into()), ..facts() }]),
        })
    }
}

/// The node's Auto Scaling group has attached its target group, and no longer once metadata show a move.
fn attached(finding: Finding, policy: fn() -> Policy) -> Case {
    fn told(call: &Call, attached: &[&str]) -> Option<Reply> {
        let seen = in_group("InService", &["EC2"], attached);
        matches!(call, Call::AskScaling { .. }).then(|| Reply::Scaling(Ok(Some(seen))))
    }
    Case {
        policy,
        from_start: true,
        right: |_, call| told(call, &[]),
        over: Some(|rig| rig.lifecycle = Some("InService".into())),
        ..answers(finding, |_, call| told(call, &[GROUP]))
    }
}

fn taken_out() -> Case {
    answers(Finding::TakenOut, |_, call| {
        matches!(call, Call::DescribeTarget(_)).then(|| Reply::Target(Ok(target(TargetState::Absent))))
    })
}

fn hook_failed() -> Case {
    Case {
        policy: with_commands,
        from_start: true,
        // Somebody takes it out: it joins once more.
        over: Some(|rig| {
            let is_in = |rig: &Rig| rig.heart.snapshot().targets.iter().all(|view| view.word == "healthy");
            assert!(rig.until(is_in), "never in");
            rig.registered = false;
        }),
        ..answers(Finding::HookFailed, |_, call| {
            let why = "/usr/local/bin/warm exited with 1".into();
            matches!(call, Call::RunHook(_)).then_some(Reply::Hook(Err(why)))
        })
    }
}

fn of_aws() -> Vec<Case> {
    vec![
        address_missing(),
        address_not_here(),
        other_vpc(),
        attached(Finding::OwnershipConflict, policy),
        attached(Finding::PortNotRegistered, || {
            let mut policy = policy();
            (policy.membership.groups[0].port, policy.membership.groups[0].ownership) = (Some(8080), Ownership::Auto);
            policy
        }),
        answers(Finding::AwsRefused, |_, call| looked(call, TroubleKind::Refused)),
        answers(Finding::TargetGroupMissing, |_, call| looked(call, TroubleKind::NotFound)),
        answers(Finding::AwsRefused, |_, call| looked(call, TroubleKind::InvalidTarget)),
        answers(Finding::AwsThrottled, |_, call| looked(call, TroubleKind::Throttled)),
        answers(Finding::AwsUnreachable, |_, call| looked(call, TroubleKind::Unavailable)),
        answers(Finding::CredentialsRejected, |_, call| looked(call, TroubleKind::Credentials)),
        answers(Finding::PermissionMissing, |_, call| looked(call, TroubleKind::Denied)),
        answers(Finding::HealthCheckElsewhere, |_, call| {
            groups(call, vec![GroupFacts { check_port: None, check_path: "/".into(), ..facts() }])
        }),
        Case { from_start: true, ..answers(Finding::TargetGroupMissing, |_, call| groups(call, Vec::new())) },
        hook_failed(),
        taken_out(),
        answers(Finding::TargetNotInUse, |_, call| {
            let mut idle = target(TargetState::Idle);
            idle.description = "Target group is not configured to receive traffic from the load balancer".into();
            matches!(call, Call::DescribeTarget(_)).then_some(Reply::Target(Ok(idle)))
        }),
        Case {
            policy: by_tag,
            from_start: true,
            right: |_, call| tag(call, Ok(Some("rundeck".into()))),
            ..answers(Finding::InstanceTagUnreadable, |_, call| tag(call, Err("403".into())))
        },
        Case {
            policy: by_tag,
            from_start: true,
            right: |_, call| tag(call, Ok(Some("rundeck".into()))),
            ..answers(Finding::NoTargetGroup, |_, call| tag(call, Ok(None)))
        },
        answers(Finding::MetadataUnreachable, |_, call| {
            (*call == Call::AskLifecycle).then(|| Reply::Lifecycle(Err("refused".into())))
        }),
        Case {
            from_start: true,
            ..answers(Finding::MetadataUnreachable, |_, call| {
                (*call == Call::AskIdentity).then(|| Reply::Identity(Err("refused".into())))
            })
        },
        Case {
            and: |rig| {
                rig.lifecycle = Some("InService".into());
                drain(rig);
            },
            over: Some(|rig| rig.lifecycle = Some("Detached".into())),
            ..answers(Finding::AsgWillReplace, calm)
        },
        Case {
            and: |rig| {
                rig.lifecycle = Some("InService".into());
                rig.feed(Event::Stop { id: "s1".into() });
                rig.running = Some(1);
            },
            over: Some(|rig| rig.lifecycle = Some("Standby".into())),
            ..answers(Finding::AsgWillReplace, calm)
        },
    ]
}

/// An earlier boot has kept maintenance, of a machine that may be another one.
fn maintained_before(rig: &mut Rig) {
    let maintenance = Maintenance { reason: String::new(), since: rig.now, until: None };
    let instance = Some("i-0123456789abcdef0".into());
    let held = Held { instance, same_boot: false, maintenance: Some(maintenance), standby: None };
    *rig = Rig::unread(policy(), 1);
    rig.feed(Event::Kept(Kept { held: Some(held), ..Kept::default() }));
}

/// An earlier run has put this machine into Standby.
fn in_standby_before(rig: &mut Rig) {
    let instance = Some("i-0123456789abcdef0".into());
    let held = Held { instance, same_boot: false, maintenance: None, standby: Some("rundeck-asg".into()) };
    *rig = Rig::unread(policy(), 1);
    rig.lifecycle = Some("Standby".into());
    rig.feed(Event::Kept(Kept { held: Some(held), ..Kept::default() }));
}

fn end_maintenance(rig: &mut Rig) {
    rig.feed(Event::Order(3, Order::EndMaintenance));
}

fn of_the_agent() -> Vec<Case> {
    vec![
        happens(
            Finding::Detached,
            |rig| rig.lifecycle = Some("Detached".into()),
            |rig| rig.lifecycle = Some("InService".into()),
        ),
        Case {
            from_start: true,
            and: in_standby_before,
            ..answers(Finding::StandbyLeft, |_, call| {
                matches!(call, Call::ExitStandby { .. }).then(|| Reply::Moved(Err(trouble(TroubleKind::Refused))))
            })
        },
        Case {
            from_start: true,
            and: maintained_before,
            over: Some(end_maintenance),
            ..answers(Finding::MaintenanceIgnored, |_, call| {
                (*call == Call::AskIdentity).then(|| Reply::Identity(Err("refused".into())))
            })
        },
        happens(
            Finding::Certificate,
            |rig| notice(rig, Notice::Certificate, Some("not accepted; set rundeck.pin_sha256 to 12:34")),
            |rig| notice(rig, Notice::Certificate, None),
        ),
        happens(
            Finding::RundeckElsewhere,
            |rig| {
                notice(rig, Notice::Elsewhere, Some("rundeck.url leads to another machine (10.0.0.8, by way of ens5)"))
            },
            |rig| notice(rig, Notice::Elsewhere, None),
        ),
        happens(
            Finding::TokenFile,
            |rig| notice(rig, Notice::TokenFile, Some("permission denied")),
            |rig| notice(rig, Notice::TokenFile, None),
        ),
        happens(
            Finding::TokenInQuery,
            |rig| notice(rig, Notice::TokenInQuery, Some("a token in its path")),
            |rig| notice(rig, Notice::TokenInQuery, None),
        ),
        happens(
            Finding::StateDirectory,
            |rig| notice(rig, Notice::Store, Some("read-only")),
            |rig| notice(rig, Notice::Store, None),
        ),
        happens(Finding::ProcessUnwatched, |rig| notice(rig, Notice::ExitWatch, Some("too many open files")), nothing),
        Case {
            and: drain,
            ..answers(Finding::IntentNotKept, |_, call| unwritten(call, |call| matches!(call, Call::KeepIntent(_))))
        },
        Case {
            and: drain,
            over: Some(|rig| {
                resume(rig);
                drain(rig);
            }),
            ..answers(Finding::ReceiptNotKept, |_, call| unwritten(call, |call| matches!(call, Call::WriteReceipt(_))))
        },
    ]
}

fn text_of(rig: &Rig, finding: Finding) -> Option<String> {
    rig.heart.snapshot().findings.into_iter().find(|shown| shown.finding == finding).map(|shown| shown.text)
}

/// Log lines about this finding.
fn told(commands: &[Command], finding: Finding) -> Vec<String> {
    let line = |command: &Command| match command {
        Command::Tell(note) if note.kind == NoteKind::Finding => Some(note.text.clone()),
        _ => None,
    };
    let of = |text: &String| text.starts_with(&format!("{finding}: "));
    commands.iter().filter_map(line).filter(of).collect()
}

/// Plays on until it is so; with the log lines about this finding.
fn until(rig: &mut Rig, world: Answers, finding: Finding, shown: bool) -> Vec<String> {
    let end = rig.now + PATIENCE;
    let mut lines = Vec::new();
    while text_of(rig, finding).is_some() != shown {
        assert!(rig.now < end, "{finding}: not {} in {PATIENCE:?}", if shown { "told" } else { "over" });
        lines.extend(told(&turn(rig, world), finding));
    }
    lines
}

fn play(case: &Case, text: &mut String) {
    let finding = case.finding;
    let mut rig = Rig::new((case.policy)(), 1);
    if !case.from_start && case.over.is_some() {
        let in_service = |rig: &Rig| rig.heart.answer().ok && rig.registered;
        while !in_service(&rig) {
            turn(&mut rig, case.right);
        }
        assert_eq!(text_of(&rig, finding), None, "{finding} before anything is wrong");
    }
    // What a person or an adapter does may tell it at once; that line is looked for in the text.
    (case.and)(&mut rig);
    let lines = until(&mut rig, case.wrong, finding, true);
    assert!(lines.len() <= 1, "{finding} is told more than once: {lines:?}");
    let shown = text_of(&rig, finding).unwrap_or_default();
    let cured = shown.ends_with(&format!("; {}", finding.cure())) || finding == Finding::Certificate;
    assert!(cured, "{finding}: no cure in: {shown}");
    let _ = write!(text, "{finding}\n  {shown}\n");
    let Some(over) = case.over else { return };
    over(&mut rig);
    if text_of(&rig, finding).is_some() {
        let lines = until(&mut rig, case.right, finding, false);
        assert_eq!(lines, [format!("{finding}: no longer")]);
    }
}

#[test]
fn every_finding_is_told_with_its_cure_and_goes_away() {
    let cases: Vec<Case> = of_rundeck().into_iter().chain(of_aws()).chain(of_the_agent()).collect();
    let covered: BTreeSet<Finding> = cases.iter().map(|case| case.finding).collect();
    let listed: BTreeSet<Finding> = Finding::ALL.iter().copied().collect();
    assert_eq!(covered, listed, "each finding has a world in which it is right to be told");
    let mut text = String::from("# Every finding: what is shown of it in the world of core/tests/heart/shown.\n");
    for finding in Finding::ALL {
        cases.iter().filter(|case| case.finding == *finding).for_each(|case| play(case, &mut text));
    }
    golden("findings.txt", &text);
}

/// Whatever keeps the disk from answering: the drain acts after a second, and says so.
#[test]
fn a_drain_that_the_disk_keeps_waiting_says_so() {
    let mut rig = Rig::new(policy(), 1);
    assert!(rig.until(|rig| rig.heart.answer().ok && rig.registered), "never in service");
    rig.mute = |call| matches!(call, Call::KeepIntent(_));
    let begun = rig.now;
    drain(&mut rig);
    until(&mut rig, calm, Finding::IntentNotKept, true);
    assert_eq!(rig.now, begun + Span::secs(1));
    let words = "the drain could not be written to the state directory in time: a crash would forget it";
    let cure = Finding::IntentNotKept.cure();
    assert_eq!(text_of(&rig, Finding::IntentNotKept), Some(format!("{words}; {cure}")));
}
