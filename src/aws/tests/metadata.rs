//! Instance metadata: tokens, missing items, refusals, silence.

use super::*;
use crate::aws::{Identity, Imds, ImdsError, Network};

const DOCUMENT: &str = r#"{"accountId":"123456789012","availabilityZone":"eu-west-1a","instanceId":"i-1",
  "privateIp":"10.0.7.10","region":"eu-west-1","marketplaceProductCodes":null}"#;

fn token(value: &str) -> Option<String> {
    Some(http("200 OK", "X-aws-ec2-metadata-token-ttl-seconds: 300\r\n", value))
}

fn item(body: &str) -> Option<String> {
    Some(http("200 OK", "Content-Type: text/plain\r\n", body))
}

fn refusal(status: &str) -> Option<String> {
    Some(http(status, "", "<html>Sorry</html>"))
}

/// The service's own page.
fn not_there() -> Option<String> {
    let page = "<?xml version=\"1.0\"?>\n<html>\n <head>\n  <title>404 - Not Found</title>\n </head>\n \
                <body>\n  <h1>404 - Not Found</h1>\n </body>\n</html>\n";
    Some(http("404 Not Found", "", page))
}

async fn imds(script: Script) -> Tested<(Imds, Server)> {
    let server = Server::play(script).await?;
    Ok((sdk(Some(&server))?.imds(), server))
}

/// A service that knows everything this agent asks for.
fn complete(_: usize, request: &str) -> Option<String> {
    if request.starts_with("PUT /latest/api/token ") {
        return token("t");
    }
    match request.split(' ').nth(1) {
        Some("/latest/dynamic/instance-identity/document") => item(DOCUMENT),
        Some("/latest/meta-data/autoscaling/target-lifecycle-state") => item("InService\n"),
        Some("/latest/meta-data/instance-life-cycle") => item("spot"),
        Some("/latest/meta-data/services/partition") => item("aws"),
        Some("/latest/meta-data/mac") => item("0e:49:61:0f:c3:11"),
        Some("/latest/meta-data/network/interfaces/macs/0e:49:61:0f:c3:11/vpc-id") => item("vpc-0d295a6a7"),
        Some("/latest/meta-data/network/interfaces/macs/0e:49:61:0f:c3:11/ipv6s") => {
            item("2001:0db8:8:4:0:0:0:2\n2001:db8:8:4::3\n")
        }
        Some("/latest/meta-data/tags/instance/rundeck-alb-agent:target-groups") => item("one two"),
        Some("/latest/meta-data/tags/instance") => item("Name\nrundeck-alb-agent:target-groups"),
        _ => not_there(),
    }
}

#[tokio::test]
async fn tells_who_this_node_is_with_one_token() -> Tested {
    let (imds, server) = imds(complete).await?;
    let expected = Identity {
        instance_id: "i-1".into(),
        private_ip: Some("10.0.7.10".into()),
        region: "eu-west-1".into(),
        availability_zone: "eu-west-1a".into(),
        account: Some("123456789012".into()),
    };
    assert_eq!(imds.identity().await?, expected);
    assert_eq!(imds.partition().await?.as_deref(), Some("aws"));
    assert_eq!(imds.lifecycle().await?.as_deref(), Some("InService"));
    assert_eq!(imds.tag("rundeck-alb-agent:target-groups").await?.as_deref(), Some("one two"));
    let requests = server.requests();
    assert_eq!(requests.iter().filter(|request| request.starts_with("PUT")).count(), 1, "one token for all");
    assert!(requests[0].to_ascii_lowercase().contains("x-aws-ec2-metadata-token-ttl-seconds: 300\r\n"));
    assert_eq!(imds.counts().into_iter().collect::<Vec<_>>(), [("200", 4)]);
    Ok(())
}

#[tokio::test]
async fn tells_how_the_primary_interface_is_in_the_network() -> Tested {
    let (imds, _server) = imds(complete).await?;
    let network = Network { vpc: Some("vpc-0d295a6a7".into()), ipv6: Some("2001:db8:8:4::2".into()) };
    assert_eq!(imds.network().await?, network);
    Ok(())
}

/// As with `AWS_EC2_METADATA_SERVICE_ENDPOINT=http://[fd00:ec2::254]`, in a subnet without IPv4.
#[tokio::test]
async fn metadata_may_answer_over_ipv6() -> Tested {
    let Ok(listener) = TcpListener::bind("[::1]:0").await else { return Ok(()) };
    let server = Server::on(listener, complete)?;
    assert!(server.url().starts_with("http://[::1]:"));
    assert_eq!(sdk(Some(&server))?.imds().lifecycle().await?.as_deref(), Some("InService"));
    Ok(())
}

#[tokio::test]
async fn what_is_not_there_is_none() -> Tested {
    let (nothing, _server) = imds(|n, _| if n == 0 { token("t") } else { not_there() }).await?;
    assert_eq!(nothing.lifecycle().await, Ok(None));
    assert!(matches!(nothing.identity().await, Err(ImdsError::BadAnswer(_))));
    assert_eq!(nothing.network().await, Ok(Network::default()));
    assert_eq!(nothing.counts().into_iter().collect::<Vec<_>>(), [("404", 3)]);
    Ok(())
}

/// Tags that are switched off say nothing about one of them.
#[tokio::test]
async fn a_tag_is_missing_only_where_the_others_are_shown() -> Tested {
    let (off, _server) = imds(|n, _| if n == 0 { token("t") } else { not_there() }).await?;
    assert_eq!(off.tag("team").await, Err(ImdsError::NoTags));
    let (on, server) = imds(complete).await?;
    assert_eq!(on.tag("team").await, Ok(None));
    assert_eq!(server.requests().len(), 3, "token, tag, list");
    assert!(matches!(on.tag("Name").await, Err(ImdsError::BadAnswer(_))), "it is in the list");
    Ok(())
}

/// Only the item's own request speaks of it, and only in the service's own form.
#[tokio::test]
async fn a_404_of_somebody_else_does_not_say_that_an_item_is_missing() -> Tested {
    let strangers: [Script; 4] = [
        |_, _| refusal("404 Not Found"),
        |_, _| not_there(),
        |n, _| if n == 0 { token("t") } else { refusal("404 Not Found") },
        |n, _| if n == 0 { token("t") } else { Some(http("404 Not Found", "", "")) },
    ];
    for (which, script) in strangers.into_iter().enumerate() {
        let (imds, _server) = imds(script).await?;
        let unknown = |error: ImdsError| matches!(error, ImdsError::BadAnswer(_));
        assert!(imds.lifecycle().await.is_err_and(unknown), "{which}");
        assert!(imds.tag("Name").await.is_err_and(unknown), "{which}");
        assert!(imds.identity().await.is_err_and(unknown), "{which}");
    }
    Ok(())
}

#[tokio::test]
async fn odd_bodies_are_neither_values_nor_missing() -> Tested {
    let odd: [Script; 5] = [
        |n, _| if n == 0 { token("t") } else { item("") },
        |n, _| if n == 0 { token("t") } else { item("<html>welcome to the captive portal</html>") },
        |n, _| if n == 0 { token("t") } else { item("a\u{7}b\nc") },
        |n, _| if n == 0 { token("t") } else { item(&"a".repeat(100_000)) },
        // It promises more than it sends.
        |n, _| if n == 0 { token("t") } else { item("InService").map(|all| all.replace(": 9", ": 10")) },
    ];
    for (which, script) in odd.into_iter().enumerate() {
        let (imds, _server) = imds(script).await?;
        assert!(imds.lifecycle().await.is_err(), "{which}");
        assert!(imds.tag("Name").await.is_err(), "{which}");
        assert!(imds.identity().await.is_err(), "{which}");
    }
    Ok(())
}

/// An instance that speaks IPv6 alone is somebody all the same.
#[tokio::test]
async fn an_address_may_be_missing() -> Tested {
    let script: Script = |n, _| match n {
        0 => token("t"),
        _ => item(r#"{"availabilityZone":"eu-west-1a","instanceId":"i-1","privateIp":null,"region":"eu-west-1"}"#),
    };
    let (imds, _server) = imds(script).await?;
    assert_eq!(imds.identity().await?.private_ip, None);
    Ok(())
}

#[tokio::test]
async fn a_forgotten_token_is_replaced_at_once() -> Tested {
    // The service forgets its tokens after the first item.
    let (imds, server) = imds(|n, request| match n {
        0 => token("old"),
        1 => item("InService"),
        _ if request.starts_with("PUT") => token("new"),
        _ if request.to_ascii_lowercase().contains("x-aws-ec2-metadata-token: new\r\n") => item("Terminated"),
        _ => refusal("401 Unauthorized"),
    })
    .await?;
    assert_eq!(imds.lifecycle().await?.as_deref(), Some("InService"));
    assert_eq!(imds.lifecycle().await?.as_deref(), Some("Terminated"));
    assert_eq!(server.requests().len(), 5, "token, item, 401, token, item");
    assert_eq!(imds.counts().into_iter().collect::<Vec<_>>(), [("200", 2), ("401", 1)]);
    Ok(())
}

#[tokio::test]
async fn a_service_that_refuses_fresh_tokens_is_asked_twice_and_no_more() -> Tested {
    let script: Script = |_, request| if request.starts_with("PUT") { token("t") } else { refusal("401 Unauthorized") };
    let (imds, server) = imds(script).await?;
    assert_eq!(imds.lifecycle().await, Err(ImdsError::Unauthorized));
    assert_eq!(server.requests().len(), 4);
    Ok(())
}

#[tokio::test]
async fn forbidden_and_troubled_services_are_told_apart() -> Tested {
    let (forbidden, server) = imds(|_, _| refusal("403 Forbidden")).await?;
    assert_eq!(forbidden.lifecycle().await, Err(ImdsError::Forbidden));
    assert_eq!(server.requests().len(), 1, "no second try");
    let (item_forbidden, _server) = imds(|n, _| if n == 0 { token("t") } else { refusal("403 Forbidden") }).await?;
    assert_eq!(item_forbidden.lifecycle().await, Err(ImdsError::Forbidden));
    Ok(())
}

#[tokio::test]
async fn trouble_is_tried_again_and_then_reported() -> Tested {
    let (imds, server) = imds(|n, _| if n == 0 { token("t") } else { refusal("503 Slow Down") }).await?;
    assert_eq!(imds.lifecycle().await, Err(ImdsError::Unavailable(503)));
    assert_eq!(server.requests().len(), 4, "token and three attempts");
    Ok(())
}

#[tokio::test]
async fn nobody_there_is_absent() -> Tested {
    let address = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    let outside = Outside { metadata_endpoint: Some(format!("http://{address}")), ..Outside::default() };
    let refused = Sdk::new(outside, no_time)?.imds();
    assert!(matches!(refused.lifecycle().await, Err(ImdsError::Absent(_))));
    assert_eq!(refused.counts().into_iter().collect::<Vec<_>>(), [("unreachable", 1)]);

    let (silent, _server) = imds(|_, _| None).await?;
    assert_eq!(silent.lifecycle().await, Err(ImdsError::Absent("no answer in time".into())));
    let (item_silent, _server) = imds(|n, _| if n == 0 { token("t") } else { None }).await?;
    assert_eq!(item_silent.lifecycle().await, Err(ImdsError::Absent("no answer in time".into())));
    assert_eq!(item_silent.counts().into_iter().collect::<Vec<_>>(), [("timeout", 1)]);
    Ok(())
}

#[tokio::test]
async fn answers_of_somebody_else_are_no_metadata() -> Tested {
    let (imds, _server) = imds(|_, _| item("welcome to the captive portal")).await?;
    assert!(matches!(imds.lifecycle().await, Err(ImdsError::BadAnswer(_))), "a token without a life");
    Ok(())
}

#[tokio::test]
async fn asks_nothing_where_it_makes_no_sense() -> Tested {
    let server = Server::play(complete).await?;
    let outside = Outside { metadata_endpoint: Some(server.url()), metadata_disabled: true, ..Outside::default() };
    assert_eq!(Sdk::new(outside, no_time)?.imds().lifecycle().await, Err(ImdsError::Disabled));
    let imds = sdk(Some(&server))?.imds();
    for key in ["", "a b", "a/b", "ä", "a?b"] {
        assert!(matches!(imds.tag(key).await, Err(ImdsError::BadAnswer(_))), "{key}");
    }
    assert!(server.requests().is_empty());
    Ok(())
}

#[tokio::test]
async fn calls_can_be_tasks_of_their_own() -> Tested {
    let (imds, _server) = imds(complete).await?;
    let imds = Arc::new(imds);
    let identity = tokio::spawn(async move { imds.identity().await });
    assert_eq!(identity.await??.instance_id, "i-1");
    Ok(())
}
