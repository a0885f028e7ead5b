//! The way to AWS through a proxy and a private CA: `HTTPS_PROXY`, `NO_PROXY`, `AWS_CA_BUNDLE`, and which endpoints are
//! asked for.

use crate::support::{Config, Proxy, Scene, ca, free_port, until};
use std::net::SocketAddr;

/// Credentials that stand in the proxy's URL, and as they go over the wire.
const PASSWORD: &str = "s3cret-of-the-proxy";
const BASIC: &str = "b3BzOnMzY3JldC1vZi10aGUtcHJveHk=";

/// AWS is where its names are, and the proxy leads there.
fn behind(proxy: SocketAddr, bundle: &str, more: &[(&str, &str)]) -> impl FnOnce(Config) -> Config {
    let more: Vec<(String, String)> = more.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    let bundle = ca(bundle).display().to_string();
    move |mut config| {
        config.env.retain(|(name, _)| !name.starts_with("AWS_ENDPOINT_URL"));
        config.env.push(("HTTPS_PROXY".into(), format!("http://ops:{PASSWORD}@{proxy}")));
        config.env.push(("AWS_CA_BUNDLE".into(), bundle));
        config.env.extend(more);
        config
    }
}

/// What `status` says of AWS being out of reach; waits until it says so.
async fn unreachable(scene: &Scene) -> String {
    until("the finding", async || scene.agent.finds("aws-unreachable").await).await;
    let findings = scene.agent.status().await["findings"].clone();
    let of_aws = findings.as_array().into_iter().flatten().filter(|finding| finding["finding"] == "aws-unreachable");
    of_aws.map(|finding| finding["text"].to_string()).collect()
}

/// Neither the log nor `status` shows the proxy's password, in whatever form.
async fn assert_hidden(scene: &Scene) {
    let shown = format!("{}{}", scene.agent.log(), scene.agent.status().await);
    assert!(!shown.contains(PASSWORD) && !shown.contains(BASIC), "{shown}");
}

/// A scene whose API is reached through a proxy alone.
async fn through_proxy(opens: bool, bundle: &str, more: &[(&str, &str)]) -> (Scene, Proxy) {
    // The proxy must be known before the agent starts, and leads to an API that starts with the scene.
    let (sender, told) = tokio::sync::oneshot::channel();
    let relay = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let proxy = Proxy::start(relay.local_addr().expect("its address"), opens).await;
    tokio::spawn(async move {
        let Ok(api) = told.await else { return };
        while let Ok((mut client, _)) = relay.accept().await {
            tokio::spawn(async move {
                let Ok(mut server) = tokio::net::TcpStream::connect::<SocketAddr>(api).await else { return };
                // Either side may end it.
                drop(tokio::io::copy_bidirectional(&mut client, &mut server).await);
            });
        }
    });
    let hand_over = |world: &rundeck_alb_lab::World| sender.send(world.api().addr()).expect("the relay waits");
    let scene = Scene::new(hand_over, behind(proxy.addr, bundle, more)).await;
    (scene, proxy)
}

/// Both services go through it, by AWS's own names; metadata and the local Rundeck never do.
#[tokio::test]
async fn a_node_joins_through_a_proxy_with_a_private_ca() {
    let (scene, proxy) = through_proxy(true, "aws-ca.pem", &[]).await;
    scene.healthy().await;
    let both = ["autoscaling.eu-west-1.amazonaws.com:443", "elasticloadbalancing.eu-west-1.amazonaws.com:443"];
    until("both services to be asked", async || proxy.hosts() == both).await;
    let heads = proxy.heads();
    let signed = |head: &String| head.to_ascii_lowercase().contains(&format!("basic {}", BASIC.to_ascii_lowercase()));
    assert!(heads.iter().all(signed), "each request shows the proxy's credentials: {heads:?}");
    assert!(heads.iter().all(|head| head.starts_with("CONNECT ")), "nothing but tunnels: {heads:?}");
    assert_hidden(&scene).await;
}

#[tokio::test]
async fn fips_and_dual_stack_endpoints_are_asked_for_where_they_are_wanted() {
    let (fips, dual) = (("AWS_USE_FIPS_ENDPOINT", "true"), ("AWS_USE_DUALSTACK_ENDPOINT", "true"));
    for (wanted, suffix) in [
        (vec![fips], "-fips.eu-west-1.amazonaws.com:443"),
        (vec![dual], ".eu-west-1.api.aws:443"),
        (vec![fips, dual], "-fips.eu-west-1.api.aws:443"),
    ] {
        let (scene, proxy) = through_proxy(true, "aws-ca.pem", &wanted).await;
        scene.healthy().await;
        let both = ["autoscaling", "elasticloadbalancing"].map(|service| format!("{service}{suffix}"));
        until("both services to be asked", async || proxy.hosts() == both).await;
    }
}

#[tokio::test]
async fn a_certificate_of_another_ca_is_told_with_the_variable_that_names_the_right_one() {
    let (scene, proxy) = through_proxy(true, "ca.pem", &[]).await;
    let text = unreachable(&scene).await;
    assert!(text.contains("AWS_CA_BUNDLE") && text.contains("not trusted"), "{text}");
    assert!(!proxy.heads().is_empty());
    assert_eq!(scene.registers(), 0);
    assert_hidden(&scene).await;
    assert_eq!(scene.agent.ask().await.line(), "200 ok", "Rundeck is well all the same");
}

/// A proxy that refuses, and one that is not there, are told as such and not as AWS.
#[tokio::test]
async fn a_proxy_that_does_not_lead_to_aws_is_told_as_such() {
    let (scene, _proxy) = through_proxy(false, "aws-ca.pem", &[]).await;
    let text = unreachable(&scene).await;
    assert!(text.contains("the proxy of HTTPS_PROXY"), "{text}");
    assert_hidden(&scene).await;
    let nobody = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let scene = Scene::new(|_| (), behind(nobody, "aws-ca.pem", &[])).await;
    let text = unreachable(&scene).await;
    assert!(text.contains("the proxy of HTTPS_PROXY"), "{text}");
    assert!(text.contains("interface endpoints elasticloadbalancing and autoscaling"), "{text}");
    assert_hidden(&scene).await;
}

/// The host that `NO_PROXY` names is asked directly: nobody has this name, and the proxy never hears of it.
#[tokio::test]
async fn a_host_that_no_proxy_names_is_asked_directly() {
    let excepted = [
        ("NO_PROXY", "elb.invalid"),
        ("AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2", "https://elb.invalid"),
        ("AWS_ENDPOINT_URL_AUTO_SCALING", "https://autoscaling.invalid"),
    ];
    let (scene, proxy) = through_proxy(true, "aws-ca.pem", &excepted).await;
    unreachable(&scene).await;
    until("the other one to be asked", async || proxy.hosts() == ["autoscaling.invalid:443"]).await;
}
