//! Auto Scaling's API: what is asked, and what each answer means.

use super::*;
use crate::aws::{AutoScaling, CallResult, Change, InGroup, Refresh, ScalingGroup, Size};
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
        size: None,
        zones: 0,
        az_rebalance: true,
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

/// What Standby depends on stands in the same answer as the rest.
#[tokio::test]
async fn a_group_says_its_sizes_its_zones_and_what_is_suspended() -> Tested {
    let seen = group(|_, _| {
        reply(
            GROUPS,
            "<AutoScalingGroups><member><AutoScalingGroupName>rundeck</AutoScalingGroupName><MinSize>0</MinSize>\
            <MaxSize>4</MaxSize><DesiredCapacity>2</DesiredCapacity><HealthCheckType>EC2</HealthCheckType>\
            <AvailabilityZones><member>eu-west-1a</member><member>eu-west-1b</member></AvailabilityZones>\
            <SuspendedProcesses><member><ProcessName>Launch</ProcessName></member><member><ProcessName>AZRebalance\
            </ProcessName><SuspensionReason>User suspended</SuspensionReason></member></SuspendedProcesses></member>\
            </AutoScalingGroups>",
        )
    });
    let seen = seen.await?.map_err(|kind| format!("{kind:?}"))?.ok_or("a group")?;
    assert_eq!(seen.size, Some(Size { desired: 2, min: 0, max: 4 }));
    assert_eq!((seen.zones, seen.az_rebalance), (2, false));
    Ok(())
}

async fn refresh(script: Script) -> Tested<Result<Option<Refresh>, TroubleKind>> {
    let server = Server::play(script).await?;
    Ok(client(&server).await?.refresh("rundeck").await.map_err(|trouble| trouble.kind))
}

const REFRESHES: &str = "DescribeInstanceRefreshes";

#[tokio::test]
async fn a_refresh_that_may_still_end_instances_is_found_on_whichever_page_it_stands() -> Tested {
    let cases: [(Script, Result<Option<Refresh>, TroubleKind>); 6] = [
        (|_, _| reply(REFRESHES, "<InstanceRefreshes/>"), Ok(None)),
        (
            |_, _| {
                let over = ["Successful", "Failed", "Cancelled", "RollbackFailed", "RollbackSuccessful"];
                let over = over.map(|status| format!("<member><Status>{status}</Status></member>")).concat();
                reply(REFRESHES, &format!("<InstanceRefreshes>{over}</InstanceRefreshes>"))
            },
            Ok(None),
        ),
        (
            |_, request| {
                let second = request.contains("NextToken=more");
                let status = if second { "Baking" } else { "Successful" };
                let refresh = format!(
                    "<member><Status>{status}</Status><Preferences><StandbyInstances>Terminate</StandbyInstances>\
                     </Preferences></member>"
                );
                let more = if second { "" } else { "<NextToken>more</NextToken>" };
                reply(REFRESHES, &format!("<InstanceRefreshes>{refresh}</InstanceRefreshes>{more}"))
            },
            Ok(Some(Refresh { standby: Some("Terminate".into()) })),
        ),
        (
            |_, _| {
                let unsaid = "<member><Status>Pondering</Status></member>";
                reply(REFRESHES, &format!("<InstanceRefreshes>{unsaid}</InstanceRefreshes>"))
            },
            Ok(Some(Refresh { standby: None })),
        ),
        (|_, _| reply(REFRESHES, "<InstanceRefreshes/><NextToken>again</NextToken>"), Err(TroubleKind::Unavailable)),
        (|_, _| error("403 Forbidden", "AccessDenied"), Err(TroubleKind::Denied)),
    ];
    for (script, wanted) in cases {
        assert_eq!(refresh(script).await?, wanted);
    }
    Ok(())
}

/// One way of moving, and what came of it.
async fn moved(script: Script, enter: bool, decrement: bool) -> Tested<(Change, String)> {
    let server = Server::play(script).await?;
    let client = client(&server).await?;
    let change = match enter {
        true => client.enter_standby("rundeck", ID, decrement).await,
        false => client.exit_standby("rundeck", ID).await,
    };
    Ok((change, server.requests().swap_remove(0)))
}

#[tokio::test]
async fn a_move_names_group_and_instance_and_says_whether_one_fewer_is_wanted() -> Tested {
    let accept: Script = |_, request| {
        let name = request.split("Action=").nth(1)?.split('&').next()?;
        reply(name, "<Activities/>")
    };
    let accepted = Change { request_id: Some("r-1".into()), outcome: Ok(()) };
    let named = format!("InstanceIds.member.1={ID}&AutoScalingGroupName=rundeck");
    for (enter, decrement, action, more) in [
        (true, true, "EnterStandby", "&ShouldDecrementDesiredCapacity=true"),
        (true, false, "EnterStandby", "&ShouldDecrementDesiredCapacity=false"),
        (false, false, "ExitStandby", ""),
    ] {
        let (change, request) = moved(accept, enter, decrement).await?;
        assert_eq!(change, accepted);
        assert!(request.contains(&format!("Action={action}&")), "{request}");
        assert!(request.ends_with(&format!("{named}{more}")), "{request}");
    }
    Ok(())
}

#[tokio::test]
async fn a_refused_move_has_awss_own_words() -> Tested {
    use TroubleKind as Kind;
    let cases: [(Script, Kind); 4] = [
        (|_, _| error("400 Bad Request", "ValidationError"), Kind::Refused),
        (|_, _| error("403 Forbidden", "AccessDenied"), Kind::Denied),
        (|_, _| error("400 Bad Request", "Throttling"), Kind::Throttled),
        (|_, _| error("500 Internal Server Error", "ResourceContention"), Kind::Unavailable),
    ];
    for (script, kind) in cases {
        for (enter, action) in [(true, "autoscaling:EnterStandby"), (false, "autoscaling:ExitStandby")] {
            let (change, _) = moved(script, enter, true).await?;
            assert!(change.told().ends_with("): told so (request r-2)"), "{}", change.told());
            let trouble = change.outcome.err().ok_or("refused")?;
            assert_eq!((trouble.kind, trouble.action.as_str()), (kind, action));
        }
    }
    Ok(())
}
