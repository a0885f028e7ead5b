//! Auto Scaling's API: what is asked, and what each answer means.

use super::*;
use crate::aws::{AutoScaling, CallResult, InGroup, ScalingGroup};
use rundeck_alb_core::TroubleKind;

const ID: &str = "i-0123456789abcdef0";

async fn client(server: &Server) -> Tested<AutoScaling> {
    Ok(AutoScaling::new(&config(server).await?, no_time))
}

/// What one answer says of this instance, or which trouble it is.
async fn instance(script: Script) -> Tested<Result<Option<InGroup>, TroubleKind>> {
    let server = Server::play(script).await?;
    let answer = client(&server).await?.instance(ID).await;
    let request = server.requests().swap_remove(0);
    assert!(request.contains(&format!("InstanceIds.member.1={ID}")), "{request}");
    assert!(request.contains("eu-west-1/autoscaling/aws4_request"), "{request}");
    Ok(answer.map_err(|trouble| trouble.kind))
}

async fn group(script: Script) -> Tested<Result<Option<ScalingGroup>, TroubleKind>> {
    let server = Server::play(script).await?;
    Ok(client(&server).await?.group("rundeck").await.map_err(|trouble| trouble.kind))
}

const INSTANCES: &str = "DescribeAutoScalingInstances";
const GROUPS: &str = "DescribeAutoScalingGroups";

#[tokio::test]
async fn an_instance_is_in_the_group_that_names_it_and_in_none_where_nobody_does() -> Tested {
    let cases: [(Script, Result<Option<InGroup>, TroubleKind>); 4] = [
        (
            |_, _| {
                let (id, state) = ("i-0123456789abcdef0", "Pending:Wait");
                reply(
                    INSTANCES,
                    &format!(
                        "<AutoScalingInstances><member><InstanceId>i-1</InstanceId><AutoScalingGroupName>other\
                     </AutoScalingGroupName><LifecycleState>InService</LifecycleState></member><member><InstanceId>{id}\
                     </InstanceId><AutoScalingGroupName>rundeck</AutoScalingGroupName><LifecycleState>{state}\
                     </LifecycleState></member></AutoScalingInstances>"
                    ),
                )
            },
            Ok(Some(InGroup { group: "rundeck".into(), state: "Pending:Wait".into() })),
        ),
        (|_, _| reply(INSTANCES, "<AutoScalingInstances/>"), Ok(None)),
        (
            |_, _| {
                let id = "<InstanceId>i-0123456789abcdef0</InstanceId>";
                reply(INSTANCES, &format!("<AutoScalingInstances><member>{id}</member></AutoScalingInstances>"))
            },
            Err(TroubleKind::Unavailable),
        ),
        (|_, _| error("403 Forbidden", "AccessDenied"), Err(TroubleKind::Denied)),
    ];
    for (script, wanted) in cases {
        assert_eq!(instance(script).await?, wanted);
    }
    Ok(())
}

/// A health-check type is a list, and a target group is attached by its ARN or as a traffic source.
#[tokio::test]
async fn a_group_says_its_checks_as_a_list_and_what_it_has_attached_either_way() -> Tested {
    let seen = group(|_, _| {
        reply(
            GROUPS,
            "<AutoScalingGroups><member><AutoScalingGroupName>rundeck</AutoScalingGroupName>\
            <HealthCheckType>EBS, ELB</HealthCheckType><TargetGroupARNs><member>arn:x:targetgroup/a/1</member>\
            </TargetGroupARNs><TrafficSources><member><Identifier>arn:x:targetgroup/b/2</Identifier><Type>elbv2</Type>\
            </member><member><Identifier>arn:x:targetgroup/a/1</Identifier></member><member><Identifier>classic\
            </Identifier><Type>elb</Type></member><member><Identifier>arn:y:targetgroup/tg-1</Identifier>\
            <Type>vpc-lattice</Type></member></TrafficSources></member></AutoScalingGroups>",
        )
    });
    let wanted = ScalingGroup {
        health_checks: vec!["EBS".into(), "ELB".into()],
        attached: ["arn:x:targetgroup/a/1".to_owned(), "arn:x:targetgroup/b/2".to_owned()].into(),
    };
    assert_eq!(seen.await?, Ok(Some(wanted)));
    assert_eq!(group(|_, _| reply(GROUPS, "<AutoScalingGroups/>")).await?, Ok(None));
    let untyped = group(|_, _| {
        let name = "<AutoScalingGroupName>rundeck</AutoScalingGroupName>";
        reply(GROUPS, &format!("<AutoScalingGroups><member>{name}</member></AutoScalingGroups>"))
    });
    assert_eq!(untyped.await?, Err(TroubleKind::Unavailable));
    Ok(())
}

#[tokio::test]
async fn trouble_names_the_action_of_this_service_and_is_counted() -> Tested {
    let server = Server::play(|_, _| error("403 Forbidden", "AccessDenied")).await?;
    let client = client(&server).await?;
    let trouble = client.group("rundeck").await.err().ok_or("denied")?;
    assert_eq!(trouble.action, "autoscaling:DescribeAutoScalingGroups");
    assert!(trouble.text.contains("autoscaling:DescribeAutoScalingGroups"), "{}", trouble.text);
    assert_eq!(client.tallies().keys().copied().collect::<Vec<_>>(), [(GROUPS, CallResult::Denied)]);
    Ok(())
}
