//! Trouble with AWS: its finding names the action that met it, and stands until what was asked then succeeds.

use crate::rig::{Rig, policy};
use rundeck_alb_core::{Call, Event, Finding, Reply, Trouble, TroubleKind};

fn denied(action: &str) -> Trouble {
    Trouble { kind: TroubleKind::Denied, action: action.into(), text: "told so".into() }
}

fn finding(rig: &Rig) -> Option<String> {
    let findings = rig.heart.snapshot().findings;
    findings.into_iter().find(|finding| finding.finding == Finding::PermissionMissing).map(|finding| finding.text)
}

/// Plays on until such a call is open, and answers it so.
fn answer(rig: &mut Rig, kind: fn(&Call) -> bool, reply: Reply) {
    rig.mute = kind;
    assert!(rig.until(|rig| rig.open.iter().any(|open| kind(&open.call))), "never asked");
    let id = rig.open.iter().find(|open| kind(&open.call)).map(|open| open.id);
    rig.mute = |_| false;
    if let Some(id) = id {
        rig.feed(Event::Reply(id, reply));
    }
}

#[test]
fn trouble_names_its_action_and_another_questions_success_cures_nothing() {
    let mut rig = Rig::new(policy(), 1);
    answer(&mut rig, |call| matches!(call, Call::Register { .. }), Reply::Changed(Err(denied("elb:PutIn"))));
    let told = Some(format!("AWS denied elb:PutIn (told so); {}", Finding::PermissionMissing.cure()));
    assert_eq!(finding(&rig), told);
    // A look succeeds: the node may see its target, and may still not register it.
    rig.mute = |call| matches!(call, Call::Register { .. });
    let looks = |rig: &Rig| rig.open.iter().any(|open| matches!(open.call, Call::DescribeTarget(_)));
    assert!(rig.until(looks) && rig.until(|rig| !looks(rig)));
    assert_eq!(finding(&rig), told);
    rig.mute = |_| false;
    assert!(rig.until(|rig| finding(rig).is_none()), "a registration that succeeds cures it");
    assert!(rig.registered);
}

#[test]
fn an_answer_that_never_comes_names_no_action() {
    let mut rig = Rig::new(policy(), 1);
    rig.mute = |call| matches!(call, Call::DescribeGroups(_));
    let unreachable =
        |rig: &Rig| rig.heart.snapshot().findings.into_iter().find(|f| f.finding == Finding::AwsUnreachable);
    assert!(rig.until(|rig| unreachable(rig).is_some()), "never told");
    let text = unreachable(&rig).map(|finding| finding.text);
    assert_eq!(
        text.as_deref(),
        Some(
            "AWS does not answer: membership stays as it is (no answer in time); open a path to AWS: a NAT \
             gateway, HTTPS_PROXY, or the interface endpoints elasticloadbalancing and autoscaling"
        )
    );
}
