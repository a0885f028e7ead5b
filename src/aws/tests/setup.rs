//! The variables that the SDK does not read.

use super::*;
use crate::aws::SetupError;
use std::path::PathBuf;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls").join(name)
}

fn refusal(outside: Outside) -> String {
    Sdk::new(outside, no_time).err().map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn a_ca_bundle_is_read_and_proven_before_the_sdk_gets_it() -> Tested {
    Sdk::new(Outside { ca_bundle: Some(fixture("ca.pem")), ..Outside::default() }, no_time)?;
    for (name, why) in [("missing.pem", "No such file"), ("server.key", "holds no certificate")] {
        let error = refusal(Outside { ca_bundle: Some(fixture(name)), ..Outside::default() });
        assert!(error.contains("AWS_CA_BUNDLE") && error.contains(name) && error.contains(why), "{error}");
    }
    Ok(())
}

#[test]
fn a_proxy_needs_a_url_and_its_password_is_not_shown() -> Tested {
    for url in ["http://proxy.example:3128", "proxy.example:3128", "https://u:p@proxy.example"] {
        Sdk::new(Outside { https_proxy: Some(url.into()), ..Outside::default() }, no_time)?;
    }
    let outside = Outside { https_proxy: Some("socks5://u:s3cret@proxy".into()), ..Outside::default() };
    let error = Sdk::new(outside, no_time).err().ok_or("refused")?;
    assert!(matches!(error, SetupError::Proxy) && !error.to_string().contains("s3cret"));
    Ok(())
}

#[tokio::test]
async fn metadata_and_loopback_never_go_through_the_proxy() -> Tested {
    // The proxy would be asked first; it is a port that refuses.
    let closed = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    let server = Server::play(|n, _| match n {
        0 => Some(http("200 OK", "X-aws-ec2-metadata-token-ttl-seconds: 300\r\n", "t")),
        _ => Some(http("200 OK", "", "InService")),
    })
    .await?;
    let outside = Outside {
        https_proxy: Some(format!("http://{closed}")),
        metadata_endpoint: Some(server.url()),
        ..Outside::default()
    };
    let imds = Sdk::new(outside, no_time)?.imds();
    assert_eq!(imds.lifecycle().await?.as_deref(), Some("InService"));
    Ok(())
}

#[tokio::test]
async fn https_goes_through_the_proxy_unless_excepted() -> Tested {
    let proxy = Server::play(|_, _| Some(http("403 Forbidden", "", ""))).await?;
    let asked = |no_proxy: Option<&str>| {
        let outside = Outside {
            https_proxy: Some(proxy.url()),
            no_proxy: no_proxy.map(str::to_owned),
            metadata_disabled: true,
            ..Outside::default()
        };
        let credentials =
            aws_sdk_elasticloadbalancingv2::config::Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
        async move {
            let loader = Sdk::new(outside, no_time)?.loader().region(aws_config::Region::new("eu-west-1"));
            let loader = loader.retry_config(aws_config::retry::RetryConfig::disabled());
            let loader = loader.endpoint_url("https://aws.invalid").credentials_provider(credentials);
            let client = crate::aws::Elbv2::new(&loader.load().await, no_time);
            Tested::Ok(
                client.register("arn", "i-1", 4440, crate::aws::Zones::Own).await.outcome.err().ok_or("refused")?,
            )
        }
    };
    asked(Some(".invalid")).await?;
    assert!(proxy.requests().is_empty(), "excepted by NO_PROXY");
    asked(None).await?;
    assert!(proxy.requests().first().is_some_and(|request| request.starts_with("CONNECT aws.invalid:443 ")));
    Ok(())
}

#[tokio::test]
async fn the_region_comes_from_the_metadata_where_nothing_else_says_it() -> Tested {
    let server = Server::play(|n, _| match n {
        0 => Some(http("200 OK", "X-aws-ec2-metadata-token-ttl-seconds: 300\r\n", "t")),
        _ => Some(http("200 OK", "", "eu-west-1")),
    })
    .await?;
    sdk(Some(&server))?.services(None).await?;
    sdk(Some(&server))?.services(Some("eu-central-1")).await?;
    Ok(())
}

#[tokio::test]
async fn who_was_asked_is_heard_and_whether_an_answer_came() -> Tested {
    let server = Server::play(|n, _| match n {
        0 => Some(http("200 OK", "X-aws-ec2-metadata-token-ttl-seconds: 300\r\n", "t")),
        _ => Some(http("404 Not Found", "Date: Sun, 22 Nov 2026 12:24:26 GMT\r\n", "")),
    })
    .await?;
    let heard = crate::aws::Heard::default();
    let outside = |url| Outside { metadata_endpoint: Some(url), ..Outside::default() };
    let told = |host: std::net::SocketAddr| heard.hosts().get(&host.to_string()).cloned();
    assert!(Sdk::once(outside(server.url()), no_time, &heard)?.imds().role().await.is_err(), "no page of AWS's");
    let host = told(server.address).ok_or("heard")?;
    assert_eq!(host.dated.map(|dated| dated.date).as_deref(), Some("Sun, 22 Nov 2026 12:24:26 GMT"));
    assert!(host.answered);
    let closed = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    assert!(Sdk::once(outside(format!("http://{closed}")), no_time, &heard)?.imds().role().await.is_err());
    assert_eq!(told(closed), Some(crate::aws::Host::default()), "asked, and nothing came");
    Ok(())
}
