//! No choice of ours gets a node terminated: every reason for a 503, by every list of health checks that its Auto
//! Scaling group may have, known, never told, and told too long ago.

use crate::rig::{Rig, in_group, order, policy, unavailable};
use rundeck_alb_core::{
    ApiSeen, Call, Cause, DatabaseRule, DatabaseSeen, Event, Maintenance, Mode, Order, Policy, ProcessSeen, Reply,
    Span, WebSeen,
};

/// What is known of the group's health checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Checks {
    Are(&'static [&'static str]),
    NeverTold,
    /// They were EC2's own alone, more than a day ago, and nobody has told since.
    Old,
}

/// What may say 503.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    Web,
    Exited,
    Passive,
    Disk,
    Database,
    Operator,
    Maintenance,
    RundeckStopping,
    AgentStopping,
}

use Checks::{Are, NeverTold, Old};
const CHECKS: [Checks; 9] = [
    Are(&["EC2"]),
    Are(&["EBS"]),
    Are(&["EC2", "EBS"]),
    Are(&["ELB"]),
    Are(&["EC2", "ELB"]),
    Are(&["EC2", "VPC_LATTICE"]),
    Are(&["EC2", "A_WORD_OF_TOMORROW"]),
    NeverTold,
    Old,
];
const CHOICES: [Why; 5] = [Why::Passive, Why::Disk, Why::Database, Why::Operator, Why::Maintenance];

fn wanted() -> Policy {
    let mut policy = policy();
    policy.membership.min_other_healthy = 0;
    policy.health.database = DatabaseRule::Eject;
    policy
}

fn reply(rig: &mut Rig, call: &Call) -> Reply {
    match (call, &rig.database) {
        (Call::ProbeApi, DatabaseSeen::Failed(status)) => Reply::Api(ApiSeen::Failed(*status)),
        _ => rig.reply(call),
    }
}

fn plays(rig: &mut Rig, span: Span) {
    let end = rig.now + span;
    while rig.now < end {
        match rig.open.first().cloned() {
            Some(open) => {
                rig.now = rig.now + Span(1);
                let reply = reply(rig, &open.call);
                rig.feed(Event::Reply(open.id, reply));
            }
            None => {
                rig.now = rig.heart.next_deadline().unwrap_or(rig.now + Span(1));
                rig.feed(Event::Tick);
            }
        }
    }
}

fn in_service(checks: Checks) -> Rig {
    let mut rig = Rig::new(wanted(), 3);
    rig.lifecycle = Some("InService".into());
    let silent = || Err(unavailable("autoscaling:DescribeAutoScalingInstances"));
    rig.scaling = Some(match checks {
        Are(words) => Ok(Some(in_group("InService", words, &[]))),
        NeverTold => silent(),
        Old => Ok(Some(in_group("InService", &["EC2"], &[]))),
    });
    plays(&mut rig, Span::secs(60));
    if checks == Old {
        rig.scaling = Some(silent());
        plays(&mut rig, Span::secs(25 * 3_600));
    }
    assert!(rig.heart.answer().ok, "{checks:?}: never in service");
    rig.running = Some(1);
    rig
}

fn drain(rig: &mut Rig, cause: Cause) {
    rig.feed(Event::Order(1, Order::Drain(order(cause.word(), cause, rig.now))));
}

/// It happens; whether `/health` ever says 503 for it while a job runs.
fn refuses(checks: Checks, why: Why) -> bool {
    let mut rig = in_service(checks);
    match why {
        Why::Web => rig.web = WebSeen::Status(500),
        Why::Exited => {
            let ProcessSeen::One(process, _) = rig.process else { return false };
            rig.feed(Event::ProcessEnded(process));
            (rig.process, rig.web) = (ProcessSeen::None, WebSeen::Refused);
        }
        Why::Passive => rig.mode = Mode::Passive,
        Why::Disk => rig.free = 5,
        Why::Database => rig.database = DatabaseSeen::Failed(500),
        Why::Operator => drain(&mut rig, Cause::Operator),
        Why::Maintenance => {
            let since = rig.now;
            let order = Maintenance { reason: String::new(), since, until: None };
            rig.feed(Event::Order(1, Order::Maintain(order)));
        }
        Why::RundeckStopping => drain(&mut rig, Cause::RundeckStopping),
        Why::AgentStopping => drop(rig.feed(Event::Stop { id: "stop".into() })),
    }
    let end = rig.now + Span::secs(if why == Why::Database { 1_500 } else { 120 });
    while rig.now < end {
        if !rig.heart.answer().ok {
            return true;
        }
        plays(&mut rig, Span::secs(1));
    }
    false
}

#[test]
fn every_reason_by_every_list_of_health_checks() {
    for checks in CHECKS {
        let harmless = matches!(checks, Are(words) if words.iter().all(|word| ["EC2", "EBS"].contains(word)));
        for why in CHOICES {
            assert_eq!(refuses(checks, why), harmless, "{why:?} with {checks:?}");
        }
        // Rundeck is not there: no choice.
        for why in [Why::Web, Why::Exited] {
            assert!(refuses(checks, why), "{why:?} with {checks:?}");
        }
        // The node goes anyway, and with it its jobs: they are waited for first.
        for why in [Why::RundeckStopping, Why::AgentStopping] {
            assert_eq!(refuses(checks, why), harmless, "{why:?} with {checks:?}");
        }
    }
}
