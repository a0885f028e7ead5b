//! Readiness and database against the stand-in, in every version.

use super::*;
use crate::rundeck::{Database, Failure, Info, Readiness, ReadinessLook, Web};
use rundeck_alb_lab::rundeck::{self as lab, Config, Rundeck, Version};
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::net::TcpStream;

async fn started(version: Version, change: fn(&mut Config)) -> Tested<(Rundeck, Client)> {
    let mut config = Config::new(version, "s3cret");
    change(&mut config);
    let rundeck = Rundeck::start(config)?;
    rundeck.reach(lab::Life::Ready).await;
    let client = Client::new(options(rundeck.addr())?)?;
    Ok((rundeck, client))
}

fn look(readiness: Readiness, database: Option<bool>, bound: bool) -> ReadinessLook {
    ReadinessLook { readiness, database, bound }
}

#[tokio::test]
async fn the_best_endpoint_of_every_version() -> Tested {
    let ready = Readiness::Ready;
    for (version, default, switched_on) in [
        (Version::V3_4, look(Readiness::Absent, None, false), look(Readiness::Absent, None, false)),
        (Version::V4_17, look(Readiness::Absent, None, false), look(ready.clone(), Some(true), true)),
        (Version::V5_20, look(Readiness::Absent, None, false), look(ready.clone(), None, false)),
        (Version::V6_1, look(ready.clone(), None, false), look(ready.clone(), None, false)),
    ] {
        for (change, expected) in
            [((|_| {}) as fn(&mut Config), &default), (|config| config.switches.actuator = true, &switched_on)]
        {
            for with_info in [false, true] {
                let (rundeck, client) = started(version, change).await?;
                if with_info {
                    assert!(matches!(client.info().await, Info::Seen(_)));
                }
                assert_eq!(client.readiness(true).await, *expected, "{version}, info {with_info}");
                let asked = rundeck.state().stats().requests;
                assert_eq!(client.readiness(false).await, *expected, "{version}, again");
                let again = rundeck.state().stats().requests - asked;
                assert_eq!(again, u64::from(expected.readiness != Readiness::Absent), "{version}: absent is not asked");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_dead_database_is_beside_the_readiness_and_in_the_timed_call() -> Tested {
    let (rundeck, client) = started(Version::V4_17, |config| {
        config.switches.actuator = true;
        config.tokens = vec![lab::Token::database("s3cret")];
    })
    .await?;
    assert_eq!(client.database(Duration::from_secs(10)).await, Database::Answered);
    rundeck.state().set_database(lab::Database::FailsAtOnce);
    assert_eq!(client.readiness(true).await, look(Readiness::Ready, Some(false), true));
    assert_eq!(client.database(Duration::from_secs(10)).await, Database::ServerError(500));
    rundeck.state().set_database(lab::Database::Frozen);
    assert_eq!(client.database(SOON).await, Database::Failed(Failure::Timeout));
    Ok(())
}

#[tokio::test]
async fn a_token_says_something_only_when_it_was_accepted() -> Tested {
    for version in Version::ALL {
        let (_rundeck, client) = started(version, |config| {
            config.mode = lab::Mode::Passive;
            config.tokens = vec![lab::Token::file("s3cret"), lab::Token::file("weak").without_rights()];
        })
        .await?;
        let limit = Duration::from_secs(10);
        assert_eq!(client.database(limit).await, Database::Answered, "{version}: passive is an answer");
        client.set_token(Some(Token::parse("weak")?));
        assert_eq!(client.database(limit).await, Database::Answered, "{version}: no right is an answer");
        client.set_token(Some(Token::parse("wrong")?));
        assert_eq!(client.database(limit).await, Database::Rejected, "{version}");
        client.set_token(None);
        assert_eq!(client.database(limit).await, Database::NoToken, "{version}");
    }
    Ok(())
}

/// Passes everything on to `to` and counts the connections.
async fn counter(to: SocketAddr) -> Tested<(SocketAddr, Arc<AtomicU32>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (address, count) = (listener.local_addr()?, Arc::new(AtomicU32::new(0)));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut from, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                let mut onward = TcpStream::connect(to).await?;
                tokio::io::copy_bidirectional(&mut from, &mut onward).await
            });
        }
    });
    Ok((address, count))
}

#[tokio::test]
async fn twenty_steady_rounds_take_a_quarter_of_the_connections() -> Tested {
    let (rundeck, _) = started(Version::V6_1, |_| {}).await?;
    let (address, connections) = counter(rundeck.addr()).await?;
    let client = Client::new(options(address)?)?;
    assert_eq!(client.readiness(true).await.readiness, Readiness::Ready);
    let (requests, opened) = (rundeck.state().stats().requests, connections.load(Ordering::Relaxed));
    for _ in 0..20 {
        let (web, look) = tokio::join!(client.web(), client.readiness(false));
        assert_eq!((web.web, look.readiness), (Web::Ok, Readiness::Ready));
        later(Duration::from_secs(5));
    }
    assert_eq!(rundeck.state().stats().requests - requests, 40);
    assert!(connections.load(Ordering::Relaxed) - opened <= 10, "{connections:?}");
    assert_eq!(client.database(Duration::from_secs(10)).await, Database::Answered);
    Ok(())
}

#[tokio::test]
async fn a_killed_rundeck_is_refused_in_the_next_probe() -> Tested {
    let (mut rundeck, client) = started(Version::V5_20, |_| {}).await?;
    assert_eq!(client.web().await.web, Web::Ok);
    rundeck.kill().await;
    assert_eq!(client.web().await.web, Web::Failed(Failure::Refused));
    Ok(())
}
