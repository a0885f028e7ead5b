//! The metadata service, row by row of what is known of the real one.

use std::collections::BTreeMap;

use rundeck_alb_lab::World;

use crate::support::{Answer, get, request, send, settings, world};

const TTL: &str = "x-aws-ec2-metadata-token-ttl-seconds";
const TOKEN: &str = "x-aws-ec2-metadata-token";

/// Header names and values.
type Headers = &'static [(&'static str, &'static str)];

async fn put(world: &World, path: &str, headers: &[(&str, &str)]) -> Answer {
    send(world.imds(0).addr(), request("PUT", path, headers)).await.expect("an answer")
}

async fn token(world: &World) -> String {
    put(world, "/latest/api/token", &[(TTL, "60")]).await.body
}

async fn item(world: &World, token: &str, path: &str) -> Answer {
    get(world.imds(0).addr(), path, &[(TOKEN, token)]).await
}

#[tokio::test]
async fn the_token_request_follows_every_rule() {
    let world = world(1, settings());
    let answer = put(&world, "/latest/api/token", &[(TTL, "21600")]).await;
    assert_eq!((answer.status, answer.body.len()), (200, 44));
    let header = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    assert_eq!(header(TTL).as_deref(), Some("21600"));
    assert_eq!(header("content-type").as_deref(), Some("text/plain"));
    let cases: [(&str, Headers, u16); 8] = [
        ("/latest/api/token", &[(TTL, "1")], 200),
        ("/latest/api/token", &[], 400),
        ("/latest/api/token", &[(TTL, "0")], 400),
        ("/latest/api/token", &[(TTL, "21601")], 400),
        ("/latest/api/token", &[(TTL, "long")], 400),
        ("/latest/api/token", &[(TTL, "60"), ("x-forwarded-for", "10.0.0.1")], 403),
        ("/2021-01-03/api/token", &[(TTL, "60")], 403),
        ("/latest/meta-data/instance-id", &[(TTL, "60")], 403),
    ];
    for (path, headers, status) in cases {
        assert_eq!(put(&world, path, headers).await.status, status, "{path} {headers:?}");
    }
}

#[tokio::test]
async fn reading_needs_a_good_token_and_an_item() {
    let world = world(1, settings());
    let token = token(&world).await;
    let id = "/latest/meta-data/instance-id";
    let addr = world.imds(0).addr();
    assert_eq!(get(addr, id, &[]).await.status, 401);
    assert_eq!(get(addr, id, &[(TOKEN, "guessed")]).await.status, 401);
    let answer = item(&world, &token, id).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, world.node(0).instance_id.as_str()));
    let missing = item(&world, &token, "/latest/meta-data/nothing").await;
    assert_eq!(missing.status, 404);
    assert!(missing.body.contains("<h1>404 - Not Found</h1>"), "{}", missing.body);
    assert_eq!(item(&world, &token, "/2021-01-03/meta-data/instance-id").await.status, 404);
    assert_eq!(send(addr, request("HEAD", id, &[(TOKEN, &token)])).await.expect("an answer").status, 200);
    assert_eq!(send(addr, request("POST", id, &[(TOKEN, &token)])).await.expect("an answer").status, 405);
    assert_eq!(item(&world, &token, "/latest/api/token").await.status, 405);
    world.imds(0).void_tokens();
    assert_eq!(item(&world, &token, id).await.status, 401);
    assert_eq!(world.imds(0).requests().get(&(id.to_owned(), 401)), Some(&3));
}

#[tokio::test]
async fn the_items_of_a_node_are_its_own() {
    let world = world(2, settings());
    let token = token(&world).await;
    let node = world.node(0);
    let address = node.address.to_string();
    for (path, value) in [
        ("instance-id", node.instance_id.as_str()),
        ("local-ipv4", &address),
        ("placement/region", "eu-west-1"),
        ("placement/availability-zone", "eu-west-1a"),
        ("placement/availability-zone-id", "euw1-az1"),
        ("services/partition", "aws"),
        ("services/domain", "amazonaws.com"),
        ("instance-life-cycle", "on-demand"),
        ("mac", &node.mac),
        (&format!("network/interfaces/macs/{}/vpc-id", node.mac), "vpc-0a1b2c3d4e5f60718"),
        ("iam/security-credentials/", "rundeck-node"),
    ] {
        let answer = item(&world, &token, &format!("/latest/meta-data/{path}")).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, value), "{path}");
        assert_eq!(answer.headers.get("content-type").and_then(|value| value.to_str().ok()), Some("text/plain"));
    }
    for absent in [
        "spot/instance-action",
        "events/recommendations/rebalance",
        "autoscaling/target-lifecycle-state",
        "tags/instance",
    ] {
        assert_eq!(item(&world, &token, &format!("/latest/meta-data/{absent}")).await.status, 404, "{absent}");
    }
    assert_ne!(world.node(1).instance_id, node.instance_id);
    assert_ne!(world.node(1).address, node.address);
}

#[tokio::test]
async fn documents_are_json_in_plain_text() {
    let world = world(1, settings());
    let token = token(&world).await;
    let text = item(&world, &token, "/latest/dynamic/instance-identity/document").await.body;
    let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(document["instanceId"], world.node(0).instance_id);
    assert_eq!(document["region"], "eu-west-1");
    assert_eq!(document["privateIp"], world.node(0).address.to_string());
    assert_eq!(document["billingProducts"], serde_json::Value::Null);
    let text = item(&world, &token, "/latest/meta-data/iam/security-credentials/rundeck-node").await.body;
    let credentials: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(credentials["Code"], "Success");
    assert_eq!(credentials["Expiration"], "2036-01-01T00:00:00Z");
}

#[tokio::test]
async fn tags_and_the_scaling_state_can_be_set_and_taken_away() {
    let world = world(1, settings());
    let token = token(&world).await;
    let key = "rundeck-alb-agent:target-groups";
    let tags: BTreeMap<String, String> = [(key.to_owned(), "rundeck-test".to_owned())].into();
    world.imds(0).set_tags(Some(&tags));
    let folder = "/latest/meta-data/tags/instance";
    assert_eq!(item(&world, &token, folder).await.body, key);
    assert_eq!(item(&world, &token, &format!("{folder}/{key}")).await.body, "rundeck-test");
    world.imds(0).set_tags(None);
    assert_eq!(item(&world, &token, folder).await.status, 404);
    let state = "/latest/meta-data/autoscaling/target-lifecycle-state";
    world.imds(0).set_lifecycle_state(Some("InService"));
    assert_eq!(item(&world, &token, state).await.body, "InService");
    world.imds(0).set_lifecycle_state(None);
    assert_eq!(item(&world, &token, state).await.status, 404);
}
