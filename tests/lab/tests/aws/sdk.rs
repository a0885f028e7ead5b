//! AWS's own SDK reads the lab: registration, health, errors, metadata and credentials, as the agent uses them.

use aws_config::provider_config::ProviderConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::error::ProvideErrorMetadata;
use aws_sdk_elasticloadbalancingv2::types::{TargetDescription, TargetHealthReasonEnum, TargetHealthStateEnum};
use aws_smithy_http_client::Builder;
use rundeck_alb_lab::World;
use rundeck_alb_lab::alb::{GroupSettings, State, Stickiness};
use rundeck_alb_lab::aws::{Refresh, ScalingSettings};
use rundeck_alb_lab::faults::{Fault, Rule};

use crate::support::{GROUP, Target, reaches, settings, world};

/// A client whose credentials come from the lab's metadata service.
async fn client(world: &World) -> Client {
    Client::new(&config(world).await)
}

async fn config(world: &World) -> SdkConfig {
    let http = Builder::new().build_http();
    let imds = aws_config::imds::Client::builder()
        .configure(&ProviderConfig::default().with_http_client(http.clone()))
        .endpoint(world.imds_url(0))
        .expect("an address")
        .build();
    let credentials = aws_config::imds::credentials::ImdsCredentialsProvider::builder().imds_client(imds).build();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .region("eu-west-1")
        .credentials_provider(credentials)
        .endpoint_url(world.api_url())
        .load()
        .await
}

/// The state and the reason of the only target of the group.
async fn only_health(client: &Client, arn: &str) -> (Option<TargetHealthStateEnum>, Option<TargetHealthReasonEnum>) {
    let answer = client.describe_target_health().target_group_arn(arn).send().await;
    let answer = answer.expect("the health of the group");
    let [entry] = answer.target_health_descriptions() else { panic!("one target, not {answer:?}") };
    let health = entry.target_health().expect("every entry has a health");
    (health.state().cloned(), health.reason().cloned())
}

#[tokio::test]
async fn the_sdk_registers_describes_and_deregisters() {
    let world = world(1, settings());
    let target = Target::on(&world, 0);
    let client = client(&world).await;
    let arn = world.group(GROUP).arn();
    let (id, port) = (&target.key.id, i32::from(target.key.port));
    let named = TargetDescription::builder().id(id).port(port).build();
    let register = client.register_targets().target_group_arn(arn).targets(named.clone());
    register.send().await.expect("registered");
    reaches(&world, &target.key, State::Healthy).await;
    assert_eq!(only_health(&client, arn).await, (Some(TargetHealthStateEnum::Healthy), None));
    let deregister = client.deregister_targets().target_group_arn(arn).targets(named.clone());
    deregister.send().await.expect("deregistered");
    let draining = TargetHealthReasonEnum::DeregistrationInProgress;
    assert_eq!(only_health(&client, arn).await, (Some(TargetHealthStateEnum::Draining), Some(draining)));
    let calls = world.api().calls().all();
    assert!(calls.iter().all(|call| call.user_agent.contains("aws-sdk-rust")), "{calls:?}");
}

#[tokio::test]
async fn the_sdk_reads_a_group_and_its_attributes() {
    let duration = std::time::Duration::from_secs(60);
    let cookie = "JSESSIONID".to_owned();
    let stickiness = Stickiness::Application { cookie, duration };
    let world = world(1, GroupSettings { stickiness, ..settings() });
    let client = client(&world).await;
    let groups = client.describe_target_groups().names(GROUP).send().await.expect("the group");
    let group = groups.target_groups().first().expect("one group");
    assert_eq!(group.target_group_arn(), Some(world.group(GROUP).arn()));
    assert_eq!(group.health_check_path(), Some("/health"));
    assert_eq!(group.health_check_port(), Some("traffic-port"));
    assert_eq!(group.matcher().and_then(|matcher| matcher.http_code()), Some("200"));
    assert_eq!(group.load_balancer_arns().len(), 1);
    let ask = client.describe_target_group_attributes().target_group_arn(world.group(GROUP).arn());
    let attributes = ask.send().await.expect("attributes");
    let value = |key: &str| attributes.attributes().iter().find(|entry| entry.key() == Some(key))?.value();
    assert_eq!(value("stickiness.type"), Some("app_cookie"));
    assert_eq!(value("stickiness.app_cookie.cookie_name"), Some("JSESSIONID"));
}

#[tokio::test]
async fn the_sdk_lists_tags_and_balancers() {
    let tags = [("team".to_owned(), "ops & <dev>".to_owned())].into();
    let world = world(1, GroupSettings { tags, ..settings() });
    let client = client(&world).await;
    let arn = world.group(GROUP).arn();
    let tags = client.describe_tags().resource_arns(arn).send().await.expect("tags");
    let tag = tags.tag_descriptions().first().and_then(|entry| entry.tags().first()).expect("one tag");
    assert_eq!((tag.key(), tag.value()), (Some("team"), Some("ops & <dev>")));
    let balancers = client.describe_load_balancers().send().await.expect("balancers");
    assert_eq!(balancers.load_balancers().len(), 1);
}

#[tokio::test]
async fn the_sdk_understands_errors_and_repeats_after_a_throttle() {
    let world = world(1, settings());
    let client = client(&world).await;
    let missing = client.describe_target_groups().names("nobody").send().await.expect_err("no such group");
    assert!(missing.as_service_error().is_some_and(|error| error.is_target_group_not_found_exception()));
    world.api().faults().add(Rule::times(1, Fault::Throttle));
    client.describe_target_groups().send().await.expect("the second attempt");
    let groups = world.api().calls().of("DescribeTargetGroups");
    assert_eq!(groups.len(), 3);
    world.api().faults().set(Fault::Deny);
    let denied = client.describe_target_groups().send().await.expect_err("denied");
    assert_eq!(denied.code(), Some("AccessDenied"));
}

#[tokio::test]
async fn the_sdk_reads_metadata_and_notices_a_revoked_token() {
    let world = world(1, settings());
    let http = Builder::new().build_http();
    let config = ProviderConfig::default().with_http_client(http);
    let imds =
        aws_config::imds::Client::builder().configure(&config).endpoint(world.imds_url(0)).expect("an address").build();
    let id = imds.get("/latest/meta-data/instance-id").await.expect("the id");
    assert_eq!(id.as_ref(), world.node(0).instance_id);
    let path = "/latest/meta-data/autoscaling/target-lifecycle-state";
    assert!(imds.get(path).await.is_err());
    assert_eq!(world.imds(0).requests().get(&(path.to_owned(), 404)), Some(&1));
}

#[tokio::test]
async fn the_sdk_reads_an_auto_scaling_group_and_moves_its_instance() {
    let world = world(1, settings());
    let (scaling, id) = (world.scaling(), &world.node(0).instance_id);
    scaling.set("rundeck", ScalingSettings { desired: 1, suspended: vec!["Launch".into()], ..Default::default() });
    scaling.place("rundeck", id, "InService");
    scaling.refresh("rundeck", Refresh { status: "InProgress".into(), standby: Some("Ignore".into()) });
    let client = aws_sdk_autoscaling::Client::new(&config(&world).await);
    let groups = client.describe_auto_scaling_groups().auto_scaling_group_names("rundeck").send().await;
    let group = groups.expect("the groups").auto_scaling_groups().first().cloned().expect("the group");
    assert_eq!((group.min_size(), group.max_size(), group.desired_capacity()), (Some(0), Some(4), Some(1)));
    assert_eq!(group.availability_zones(), ["eu-west-1a"]);
    assert_eq!(group.suspended_processes().first().and_then(|gone| gone.process_name()), Some("Launch"));
    let refreshes = client.describe_instance_refreshes().auto_scaling_group_name("rundeck").send().await;
    let refresh = refreshes.expect("the refreshes").instance_refreshes().first().cloned().expect("one");
    let wish = refresh.preferences().and_then(|preferences| preferences.standby_instances());
    assert_eq!(wish.map(|wish| wish.as_str()), Some("Ignore"));

    let enter = client.enter_standby().auto_scaling_group_name("rundeck").instance_ids(id);
    let moved = enter.should_decrement_desired_capacity(true).send().await.expect("accepted");
    assert_eq!(moved.activities().len(), 1);
    let refused = client.exit_standby().auto_scaling_group_name("rundeck").instance_ids("i-9").send().await;
    let refused = refused.expect_err("not its instance");
    let words = "The instance i-9 is not part of Auto Scaling group rundeck.";
    assert_eq!((refused.code(), refused.message()), (Some("ValidationError"), Some(words)));
}
