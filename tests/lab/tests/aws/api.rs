//! The query API on the wire: shapes, errors, the log.

use rundeck_alb_lab::World;
use rundeck_alb_lab::alb::{GroupSettings, State, TargetType};
use rundeck_alb_lab::aws::Outcome;

use crate::support::{Answer, GROUP, Target, call, join, request, send, settings, world};

async fn ask(world: &World, body: &str) -> Answer {
    call(world, body).await.expect("an answer")
}

fn arn(world: &World) -> String {
    world.group(GROUP).arn().to_owned()
}

/// Asserts a refusal with this code, and that it has the shape of an error.
fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.body);
    let start = "<ErrorResponse xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/\">\
                 <Error><Type>Sender</Type><Code>";
    assert!(answer.body.starts_with(&format!("{start}{code}</Code><Message>")), "{}", answer.body);
    assert!(answer.body.contains("<RequestId>"), "{}", answer.body);
}

#[tokio::test]
async fn register_describe_and_deregister_walk_from_end_to_end() {
    let world = world(1, settings());
    let target = Target::on(&world, 0);
    let named = format!(
        "TargetGroupArn={}&Targets.member.1.Id={}&Targets.member.1.Port={}",
        arn(&world),
        target.key.id,
        target.key.port
    );
    let answer = ask(&world, &format!("Action=RegisterTargets&{named}")).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("<RegisterTargetsResult></RegisterTargetsResult>"), "{}", answer.body);
    join(&world, &target).await;
    let answer = ask(&world, &format!("Action=DescribeTargetHealth&{named}")).await;
    let port = target.key.port;
    let health =
        format!("<member><HealthCheckPort>{port}</HealthCheckPort><TargetHealth><State>healthy</State></TargetHealth>");
    let named_in_it = format!("<Target><Id>{}</Id><Port>{port}</Port></Target></member>", target.key.id);
    assert!(answer.body.contains(&health) && answer.body.contains(&named_in_it), "{}", answer.body);
    assert_eq!(ask(&world, &format!("Action=DeregisterTargets&{named}")).await.status, 200);
    let answer = ask(&world, &format!("Action=DescribeTargetHealth&TargetGroupArn={}", arn(&world))).await;
    let health = "<TargetHealth><State>draining</State><Reason>Target.DeregistrationInProgress</Reason>\
                  <Description>Target deregistration is in progress</Description></TargetHealth>";
    assert!(answer.body.contains(health), "{}", answer.body);
}

#[tokio::test]
async fn a_target_that_is_not_registered_is_described_by_name_only() {
    let world = world(1, settings());
    let id = &world.node(0).instance_id;
    let group = format!("Action=DescribeTargetHealth&TargetGroupArn={}", arn(&world));
    let answer = ask(&world, &format!("{group}&Targets.member.1.Id={id}&Targets.member.1.Port=4440")).await;
    let health = "<State>unused</State><Reason>Target.NotRegistered</Reason>\
                  <Description>Target is not registered to the target group</Description>";
    assert!(answer.body.contains(health), "{}", answer.body);
    let answer = ask(&world, &group).await;
    assert!(answer.body.contains("<TargetHealthDescriptions></TargetHealthDescriptions>"), "{}", answer.body);
}

#[tokio::test]
async fn every_mistake_has_its_error() {
    let world = world(1, settings());
    let (arn, id) = (arn(&world), &world.node(0).instance_id);
    let other = arn.replace(GROUP, "nobody");
    let cases = [
        (format!("Action=RegisterTargets&TargetGroupArn={other}&Targets.member.1.Id={id}"), "TargetGroupNotFound"),
        (format!("Action=DescribeTargetHealth&TargetGroupArn={other}"), "TargetGroupNotFound"),
        ("Action=DescribeTargetHealth&TargetGroupArn=group".to_owned(), "ValidationError"),
        ("Action=DescribeTargetHealth".to_owned(), "ValidationError"),
        (format!("Action=RegisterTargets&TargetGroupArn={arn}"), "ValidationError"),
        (format!("Action=RegisterTargets&TargetGroupArn={arn}&Targets.member.1.Id=127.0.0.1"), "ValidationError"),
        (format!("Action=RegisterTargets&TargetGroupArn={arn}&Targets.member.1.Id=i-0"), "InvalidTarget"),
        (format!("Action=DeregisterTargets&TargetGroupArn={arn}&Targets.member.1.Id=i-0"), "InvalidTarget"),
        (
            format!("Action=RegisterTargets&TargetGroupArn={arn}&Targets.member.1.Id={id}&Targets.member.1.Port=0"),
            "ValidationError",
        ),
        ("Action=DescribeTargetGroups&Names.member.1=nobody".to_owned(), "TargetGroupNotFound"),
        ("Action=DescribeTags".to_owned(), "ValidationError"),
        ("Action=DescribeNothing".to_owned(), "InvalidAction"),
        ("Nothing=1".to_owned(), "MissingAction"),
    ];
    for (body, code) in cases {
        refused(&ask(&world, &body).await, 400, code);
    }
    assert!(world.group(GROUP).targets().is_empty());
}

#[tokio::test]
async fn a_failed_registration_registers_nobody() {
    let world = world(1, settings());
    let id = &world.node(0).instance_id;
    let body = format!(
        "Action=RegisterTargets&TargetGroupArn={}&Targets.member.1.Id={id}&Targets.member.2.Id=i-0",
        arn(&world)
    );
    refused(&ask(&world, &body).await, 400, "InvalidTarget");
    assert!(world.group(GROUP).targets().is_empty());
}

#[tokio::test]
async fn an_address_outside_the_network_is_refused() {
    let world = world(1, GroupSettings { target_type: TargetType::Ip, ..settings() });
    let body = format!("Action=RegisterTargets&TargetGroupArn={}&Targets.member.1.Id=8.8.8.8", arn(&world));
    refused(&ask(&world, &body).await, 400, "InvalidTarget");
}

#[tokio::test]
async fn an_unsigned_request_is_refused() {
    let world = world(1, settings());
    let body = "Action=DescribeTargetGroups&Version=2015-12-01";
    let answer = send(world.api().addr(), request("POST", "/", &[]).map(|_| body.to_owned())).await.expect("an answer");
    refused(&answer, 403, "MissingAuthenticationToken");
}

#[tokio::test]
async fn without_a_port_registration_takes_the_groups_and_deregistration_does_nothing() {
    let world = world(1, GroupSettings { port: 4440, ..settings() });
    let named = format!("TargetGroupArn={}&Targets.member.1.Id={}", arn(&world), world.node(0).instance_id);
    assert_eq!(ask(&world, &format!("Action=RegisterTargets&{named}")).await.status, 200);
    let ports = || world.group(GROUP).targets().into_iter().map(|(key, _)| key.port).collect::<Vec<_>>();
    assert_eq!(ports(), [4440]);
    assert_eq!(ask(&world, &format!("Action=DeregisterTargets&{named}")).await.status, 200);
    assert_ne!(world.group(GROUP).targets()[0].1.state, State::Draining);
}

#[tokio::test]
async fn groups_are_listed_in_pages_and_attributes_are_all_there() {
    let builder = World::builder().group(settings()).group(GroupSettings::named("a-second"));
    let world = builder.start().expect("a world");
    let first = ask(&world, "Action=DescribeTargetGroups&PageSize=1").await;
    assert!(first.body.contains("<TargetGroupName>a-second</TargetGroupName>"), "{}", first.body);
    assert!(first.body.contains("<NextMarker>1</NextMarker>"), "{}", first.body);
    let second = ask(&world, "Action=DescribeTargetGroups&PageSize=1&Marker=1").await;
    assert!(second.body.contains(&format!("<TargetGroupName>{GROUP}</TargetGroupName>")), "{}", second.body);
    assert!(!second.body.contains("NextMarker"), "{}", second.body);
    let attributes = ask(&world, &format!("Action=DescribeTargetGroupAttributes&TargetGroupArn={}", arn(&world))).await;
    assert_eq!(attributes.body.matches("<member>").count(), 13);
    // 300 ms are told as the next whole second.
    let delay = "<Key>deregistration_delay.timeout_seconds</Key><Value>1</Value>";
    assert!(attributes.body.contains(delay), "{}", attributes.body);
}

#[tokio::test]
async fn every_call_is_logged_with_who_asked_what() {
    let world = world(1, settings());
    let id = &world.node(0).instance_id;
    let named = format!(
        "TargetGroupArn={}&Targets.member.1.Id={id}&Targets.member.1.Port=4440&Targets.member.2.Id=i-0",
        arn(&world)
    );
    ask(&world, &format!("Action=RegisterTargets&{named}")).await;
    ask(&world, "Action=DescribeTargetGroups").await;
    let calls = world.api().calls();
    assert_eq!((calls.total(), calls.count("RegisterTargets"), calls.count("DeregisterTargets")), (2, 1, 0));
    let call = calls.of("RegisterTargets").pop().expect("one call");
    assert_eq!(call.group.as_deref(), Some(GROUP));
    assert_eq!(call.targets, [format!("{id}:4440"), "i-0".to_owned()]);
    assert_eq!(call.user_agent, "lab-test");
    assert_eq!(call.outcome, Outcome::Refused("InvalidTarget".to_owned()));
}
