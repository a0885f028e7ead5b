//! The load balancer's API: what is sent, and what each answer means.

use super::*;
use crate::aws::{CallResult, Change, Elbv2, GroupsBy, HealthPort, Seen, TargetType, Zones};
use aws_config::imds::credentials::ImdsCredentialsProvider;
use rundeck_alb_core::{Anomaly, Overridden, TargetReason, Trouble, TroubleKind};

const ARN: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/rundeck/0123456789abcdef";

async fn client(server: &Server) -> Tested<Elbv2> {
    Ok(Elbv2::new(&config(server).await?, no_time))
}

/// What came of one registration.
struct Refused {
    trouble: Trouble,
    request_id: Option<String>,
    requests: usize,
    /// For the metrics.
    outcome: CallResult,
}

async fn refused(script: Script) -> Tested<Refused> {
    let server = Server::play(script).await?;
    let client = client(&server).await?;
    let Change { request_id, outcome } = client.register(ARN, "i-1", 4440, Zones::Own).await;
    let trouble = outcome.err().ok_or("refused")?;
    assert_eq!(trouble.action, "elasticloadbalancing:RegisterTargets");
    let (_, outcome) = *client.tallies().keys().next().ok_or("counted")?;
    Ok(Refused { trouble, request_id, requests: server.requests().len(), outcome })
}

#[tokio::test]
async fn every_call_about_a_target_names_id_and_port() -> Tested {
    let server = Server::play(|_, request| {
        let name = request.split("Action=").nth(1)?.split('&').next()?;
        reply(name, "")
    })
    .await?;
    let client = Arc::new(client(&server).await?);
    let task = tokio::spawn({
        let client = Arc::clone(&client);
        async move { client.register(ARN, "i-1", 4440, Zones::Own).await }
    });
    let accepted = Change { request_id: Some("r-1".into()), outcome: Ok(()) };
    assert_eq!(task.await?, accepted);
    assert_eq!(client.deregister(ARN, "i-1", 4440).await, accepted);
    let silent = client.target_health(ARN, "i-1", 4440).await.map_err(|trouble| trouble.kind);
    assert_eq!(silent, Err(TroubleKind::Unavailable), "an empty list is not \"not registered\"");
    let requests = server.requests();
    for request in &requests {
        assert!(request.contains("Targets.member.1.Id=i-1&Targets.member.1.Port=4440"), "{request}");
        assert!(request.contains("eu-west-1/elasticloadbalancing/aws4_request"), "{request}");
        assert!(request.to_ascii_lowercase().contains("app/rundeck-alb-agent"), "{request}");
    }
    let tallies = client.tallies();
    assert_eq!(tallies.len(), 3);
    assert_eq!(tallies.get(&("RegisterTargets", CallResult::Ok)).map(|tally| tally.calls), Some(1));
    Ok(())
}

#[tokio::test]
async fn an_address_outside_the_vpc_is_registered_for_all_zones_and_no_other() -> Tested {
    let server = Server::play(|_, _| reply("RegisterTargets", "")).await?;
    let client = client(&server).await?;
    for (zones, sent) in [(Zones::All, true), (Zones::Own, false)] {
        assert_eq!(client.register(ARN, "10.0.0.7", 4440, zones).await.outcome, Ok(()));
        let request = server.requests().pop().ok_or("sent")?;
        assert_eq!(request.contains("Targets.member.1.AvailabilityZone=all"), sent, "{request}");
        assert_eq!(request.contains("AvailabilityZone"), sent, "{request}");
    }
    Ok(())
}

#[tokio::test]
async fn an_ipv6_target_is_found_by_any_spelling() -> Tested {
    let server = Server::play(|_, _| reply("DescribeTargetHealth", LONG_ADDRESS)).await?;
    let target = client(&server).await?.target_health(ARN, "2001:db8::7", 4440).await.map_err(told)?;
    assert_eq!(target.seen, Seen::Healthy);
    Ok(())
}

const LONG_ADDRESS: &str = "<TargetHealthDescriptions><member><Target><Id>2001:0db8:0:0:0:0:0:7</Id><Port>4440</Port>\
    </Target><TargetHealth><State>healthy</State></TargetHealth></member></TargetHealthDescriptions>";

#[tokio::test]
async fn a_targets_state_is_told_in_neutral_words() -> Tested {
    let scripts: [(Script, Seen, Option<&str>); 4] = [
        (|_, _| reply("DescribeTargetHealth", HEALTHY_ELSEWHERE), Seen::NotRegistered, None),
        (|_, _| reply("DescribeTargetHealth", GONE), Seen::NotRegistered, Some("Target.NotRegistered")),
        (|_, _| reply("DescribeTargetHealth", NO_RULE), Seen::NotInUse, Some("Target.NotInUse")),
        (|_, _| reply("DescribeTargetHealth", NEWER), Seen::Other("meditating".into()), None),
    ];
    for (script, seen, reason) in scripts {
        let server = Server::play(script).await?;
        let target = client(&server).await?.target_health(ARN, "i-1", 4440).await.map_err(told)?;
        assert_eq!((target.seen, target.reason.as_deref(), target.request_id.as_deref()), (seen, reason, Some("r-1")));
    }
    Ok(())
}

/// What is laid over a state keeps requests away as well, and anomalies are told to whoever asks for them alone.
#[tokio::test]
async fn what_is_laid_over_a_target_is_asked_for_and_read() -> Tested {
    let server = Server::play(|_, _| reply("DescribeTargetHealth", SHIFTED)).await?;
    let target = client(&server).await?.target_health(ARN, "i-1", 4440).await.map_err(told)?;
    let laid = (target.seen, target.because, target.overridden, target.anomaly);
    assert_eq!(laid, (Seen::Healthy, TargetReason::None, Overridden::ZonalShift, Anomaly::Mitigated));
    assert!(server.requests()[0].contains("Include.member.1=All"), "{:?}", server.requests());
    Ok(())
}

const SHIFTED: &str = "<TargetHealthDescriptions><member><Target><Id>i-1</Id><Port>4440</Port></Target><TargetHealth>\
    <State>healthy</State></TargetHealth><AnomalyDetection><Result>anomalous</Result>\
    <MitigationInEffect>yes</MitigationInEffect></AnomalyDetection><AdministrativeOverride>\
    <State>zonal_shift_active</State></AdministrativeOverride></member></TargetHealthDescriptions>";

const HEALTHY_ELSEWHERE: &str = "<TargetHealthDescriptions><member><Target><Id>i-1</Id><Port>4443</Port></Target>\
    <TargetHealth><State>healthy</State></TargetHealth></member></TargetHealthDescriptions>";
const GONE: &str = "<TargetHealthDescriptions><member><Target><Id>i-1</Id><Port>4440</Port></Target><TargetHealth>\
    <State>unused</State><Reason>Target.NotRegistered</Reason></TargetHealth></member></TargetHealthDescriptions>";
const NO_RULE: &str = "<TargetHealthDescriptions><member><Target><Id>i-1</Id><Port>4440</Port></Target><TargetHealth>\
    <State>unused</State><Reason>Target.NotInUse</Reason><Description>Target group is not configured to \
    receive traffic from the load balancer</Description></TargetHealth></member>\
    </TargetHealthDescriptions>";
const NEWER: &str = "<TargetHealthDescriptions><member><Target><Id>i-1</Id><Port>4440</Port></Target><TargetHealth>\
    <State>meditating</State></TargetHealth></member></TargetHealthDescriptions>";

#[tokio::test]
async fn groups_are_read_page_by_page_with_their_delay() -> Tested {
    let server = Server::play(|_, request| {
        if request.contains("Action=DescribeTargetGroupAttributes") {
            let known = request.contains("rundeck%2Fone");
            return reply("DescribeTargetGroupAttributes", if known { DELAY_0 } else { "<Attributes/>" });
        }
        let second = request.contains("Marker=more");
        reply("DescribeTargetGroups", if second { SECOND_PAGE } else { FIRST_PAGE })
    })
    .await?;
    let names = ["one".to_owned(), "two".to_owned()];
    let groups = client(&server).await?.groups(GroupsBy::Names(&names)).await.map_err(told)?;
    let [one, two] = groups.as_slice() else { return Err(format!("two groups, not {groups:?}").into()) };
    assert_eq!((one.name.as_str(), one.port, &one.target_type), ("one", Some(4440), &TargetType::Instance));
    assert_eq!(one.health_check.port, HealthPort::Number(4441));
    assert_eq!(one.health_check.path.as_deref(), Some("/health"));
    assert_eq!(one.health_check.interval, Some(Duration::from_secs(10)));
    assert_eq!(one.health_check.timeout, Some(Duration::from_secs(6)));
    assert_eq!((one.health_check.healthy_threshold, one.health_check.unhealthy_threshold), (Some(5), Some(2)));
    assert_eq!(one.health_check.matcher.as_deref(), Some("200"));
    assert!(one.health_check.passes(200) && !one.health_check.passes(204));
    assert_eq!(one.deregistration_delay, Duration::ZERO);
    assert_eq!((&two.target_type, two.health_check.port), (&TargetType::Ip, HealthPort::Traffic));
    assert_eq!(two.health_check.timeout, None, "never assumed");
    assert_eq!(two.health_check.path.as_deref(), Some("/api/32/system/executions/status"), "without the token");
    assert!(two.health_check.has_query && !one.health_check.has_query);
    assert!(!format!("{groups:?}").contains("S3CRET"), "{groups:?}");
    assert_eq!(two.deregistration_delay, Duration::from_secs(300), "AWS's default where the key is missing");
    Ok(())
}

#[tokio::test]
async fn attributes_that_may_not_be_read_leave_the_rest_of_a_group() -> Tested {
    let server = Server::play(|_, request| {
        if request.contains("Action=DescribeTargetGroupAttributes") {
            return error("403 Forbidden", "AccessDenied");
        }
        reply("DescribeTargetGroups", SECOND_PAGE)
    })
    .await?;
    let groups = client(&server).await?.groups(GroupsBy::Names(&["two".to_owned()])).await.map_err(told)?;
    let [two] = groups.as_slice() else { return Err(format!("one group, not {groups:?}").into()) };
    assert_eq!(two.deregistration_delay, Duration::from_secs(300), "AWS's default");
    let action = two.unread.as_ref().map(|trouble| (trouble.kind, trouble.action.as_str()));
    assert_eq!(action, Some((TroubleKind::Denied, "elasticloadbalancing:DescribeTargetGroupAttributes")));
    Ok(())
}

const FIRST_PAGE: &str = "<TargetGroups><member><TargetGroupArn>arn:rundeck/one</TargetGroupArn><TargetGroupName>\
    one</TargetGroupName><Port>4440</Port><TargetType>instance</TargetType><VpcId>vpc-1</VpcId>\
    <HealthCheckProtocol>HTTP</HealthCheckProtocol><HealthCheckPort>4441</HealthCheckPort>\
    <HealthCheckPath>/health</HealthCheckPath><HealthCheckIntervalSeconds>\
    10</HealthCheckIntervalSeconds><HealthCheckTimeoutSeconds>6</HealthCheckTimeoutSeconds>\
    <HealthyThresholdCount>5</HealthyThresholdCount><UnhealthyThresholdCount>2</UnhealthyThresholdCount>\
    <Matcher><HttpCode>200</HttpCode></Matcher><LoadBalancerArns><member>arn:lb</member>\
    </LoadBalancerArns></member></TargetGroups><NextMarker>more</NextMarker>";
const SECOND_PAGE: &str = "<TargetGroups><member><TargetGroupArn>arn:rundeck/two</TargetGroupArn><TargetGroupName>\
    two</TargetGroupName><Port>4440</Port><TargetType>ip</TargetType><HealthCheckPort>\
    traffic-port</HealthCheckPort><HealthCheckPath>/api/32/system/executions/status?authtoken=S3CRET\
    </HealthCheckPath></member></TargetGroups>";
const DELAY_0: &str = "<Attributes><member><Key>stickiness.enabled</Key><Value>true</Value></member><member><Key>\
    deregistration_delay.timeout_seconds</Key><Value>0</Value></member></Attributes>";

#[tokio::test]
async fn refusals_are_told_apart_by_their_code() -> Tested {
    use TroubleKind as Kind;
    let cases: [(Script, Kind, &str); 6] = [
        (|_, _| error("400 Bad Request", "ValidationError"), Kind::Refused, "AWS refused the call (ValidationError)"),
        (|_, _| error("400 Bad Request", "TargetGroupNotFound"), Kind::NotFound, "there is no such target group"),
        (|_, _| error("400 Bad Request", "InvalidTarget"), Kind::InvalidTarget, "AWS does not accept the target"),
        (|_, _| error("400 Bad Request", "TooManyTargets"), Kind::Refused, "a quota of targets is used up"),
        (
            |_, _| error("403 Forbidden", "AccessDenied"),
            Kind::Denied,
            "AWS denied elasticloadbalancing:RegisterTargets",
        ),
        (|_, _| error("403 Forbidden", "SignatureDoesNotMatch"), Kind::Credentials, "AWS does not accept the cred"),
    ];
    for (script, kind, text) in cases {
        let Refused { trouble, request_id, requests, .. } = refused(script).await?;
        assert_eq!((trouble.kind, requests), (kind, 1), "{trouble:?}");
        assert!(trouble.text.starts_with(text) && trouble.text.ends_with("): told so"), "{trouble:?}");
        assert_eq!(request_id.as_deref(), Some("r-2"));
    }
    Ok(())
}

#[tokio::test]
async fn the_page_of_a_proxy_is_not_awss_answer() -> Tested {
    let Refused { trouble, requests, .. } =
        refused(|_, _| Some(http("403 Forbidden", "", "<html>proxy</html>"))).await?;
    assert_eq!((trouble.kind, requests), (TroubleKind::Unavailable, 1), "{trouble:?}");
    assert!(trouble.text.starts_with("the answer is not AWS's"), "{trouble:?}");
    Ok(())
}

#[tokio::test]
async fn a_throttle_is_tried_three_times_though_it_is_a_400() -> Tested {
    let Refused { trouble, requests, outcome, .. } = refused(|_, _| error("400 Bad Request", "Throttling")).await?;
    assert_eq!((trouble.kind, requests), (TroubleKind::Throttled, 3), "{trouble:?}");
    assert_eq!(outcome, CallResult::Throttled);
    Ok(())
}

#[tokio::test]
async fn a_500_with_a_web_page_is_trouble_of_aws() -> Tested {
    let Refused { trouble, requests, .. } =
        refused(|_, _| Some(http("500 Oops", "", "<html><h1>500</h1></html>"))).await?;
    assert_eq!((trouble.kind, requests), (TroubleKind::Unavailable, 3), "{trouble:?}");
    assert!(trouble.text.starts_with("AWS has trouble of its own"), "{trouble:?}");
    Ok(())
}

#[tokio::test]
async fn nobody_there_and_no_credentials_are_told_apart() -> Tested {
    let address = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    let gone = Server { address, requests: Arc::default() };
    let trouble = client(&gone).await?.register(ARN, "i-1", 4440, Zones::Own).await.outcome.err().ok_or("refused")?;
    assert_eq!(trouble.kind, TroubleKind::Unavailable, "{trouble:?}");
    assert!(trouble.text.starts_with("AWS cannot be reached"), "{trouble:?}");

    let metadata = sdk(Some(&gone))?.metadata_client();
    let credentials = ImdsCredentialsProvider::builder().imds_client(metadata).build();
    let loader = sdk(None)?.loader().region(Region::new("eu-west-1")).endpoint_url(gone.url());
    let client = Elbv2::new(&loader.credentials_provider(credentials).load().await, no_time);
    let trouble = client.register(ARN, "i-1", 4440, Zones::Own).await.outcome.err().ok_or("refused")?;
    assert_eq!(trouble.kind, TroubleKind::Credentials, "{trouble:?}");
    Ok(())
}

/// Of an ARN of another region, or a name with odd letters, AWS says that it is not valid: no group here has it.
#[tokio::test]
async fn a_name_that_aws_does_not_accept_is_that_of_no_group() -> Tested {
    for code in ["ValidationError", "TargetGroupNotFound"] {
        let script: Script = match code {
            "ValidationError" => |_, _| error("400 Bad Request", "ValidationError"),
            _ => |_, _| error("400 Bad Request", "TargetGroupNotFound"),
        };
        let server = Server::play(script).await?;
        let names = ["a_b".to_owned()];
        let refused = client(&server).await?.groups(GroupsBy::Names(&names)).await;
        assert_eq!(refused.map_err(|trouble| trouble.kind), Err(TroubleKind::NotFound), "{code}");
    }
    Ok(())
}
