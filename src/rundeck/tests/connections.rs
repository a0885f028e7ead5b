//! The kept connection: used again, replaced when it is gone, not kept where that would hide something.

use super::*;
use crate::rundeck::{Failure, Info, Readiness, Web};

fn info() -> Reply {
    Reply::Bytes(chunked("200 OK", INFO_6))
}

fn ok() -> Reply {
    Reply::Bytes(chunked("200 OK", "ok"))
}

#[track_caller]
fn assert_seen(info: &Info) {
    assert!(matches!(info, Info::Seen(_)), "{info:?}");
}

#[tokio::test]
async fn a_connection_is_used_again() -> Tested {
    // The second connection would never answer.
    let server = Server::play(vec![vec![info(), info(), info()], vec![Reply::Silence]]).await?;
    let client = server.client()?;
    for _ in 0..3 {
        assert_seen(&client.info().await);
    }
    Ok(())
}

#[tokio::test]
async fn a_kept_connection_that_the_server_has_closed_is_opened_anew() -> Tested {
    let server = Server::play(vec![vec![info()], vec![info()]]).await?;
    let client = server.client()?;
    assert_seen(&client.info().await);
    assert_seen(&client.info().await);
    assert_eq!(server.requests().len(), 2);
    Ok(())
}

#[tokio::test]
async fn a_kept_connection_dropped_without_an_answer_is_asked_once_more_and_only_once() -> Tested {
    let nothing = || Reply::Bytes(String::new());
    let server = Server::play(vec![vec![info(), nothing()], vec![nothing()], vec![info()]]).await?;
    let client = server.client()?;
    assert_seen(&client.info().await);
    assert_eq!(client.info().await, Info::Failed(Failure::Truncated));
    assert_eq!(server.requests().len(), 3, "dropped, asked once more, dropped, reported");
    assert_seen(&client.info().await);
    Ok(())
}

#[tokio::test]
async fn a_kept_connection_is_used_four_times_then_the_port_must_accept_again() -> Tested {
    // One connection only: then the listener is gone while the connection lives on.
    let server = Server::play(vec![vec![ok(); 5]]).await?;
    let client = server.client()?;
    for _ in 0..4 {
        assert_eq!(client.web().await.web, Web::Ok);
    }
    assert_eq!(client.web().await.web, Web::Failed(Failure::Refused));
    Ok(())
}

#[tokio::test]
async fn a_kept_connection_is_used_for_twenty_seconds() -> Tested {
    let server = Server::play(vec![vec![ok(); 3]]).await?;
    let client = server.client()?;
    assert_eq!(client.web().await.web, Web::Ok);
    later(Duration::from_secs(19));
    assert_eq!(client.web().await.web, Web::Ok);
    later(Duration::from_secs(1));
    assert_eq!(client.web().await.web, Web::Failed(Failure::Refused));
    Ok(())
}

#[tokio::test]
async fn a_process_that_has_died_is_refused_within_the_same_probe() -> Tested {
    let server = Server::play(vec![vec![ok()]]).await?;
    let client = server.client()?;
    assert_eq!(client.web().await.web, Web::Ok);
    assert_eq!(client.web().await.web, Web::Failed(Failure::Refused));
    Ok(())
}

#[tokio::test]
async fn after_a_failure_nothing_is_kept() -> Tested {
    // `/health` and readiness in the same moment, each over a connection of its own; the second one falls silent.
    let readiness = || Reply::Bytes(http("200 OK", r#"{"status":"UP"}"#));
    let version = Reply::Bytes(http("400 Bad Request", VERSION_59));
    let server =
        Server::play(vec![vec![version, readiness(), ok(), ok(), ok()], vec![readiness(), Reply::Silence]]).await?;
    let client = Client::new(Options { timeout: SOON * 20, ..options(server.address)? })?;
    assert_eq!(client.readiness(true).await.readiness, Readiness::Ready);
    let (web, look) = tokio::join!(client.web(), client.readiness(false));
    assert_eq!((web.web, look.readiness), (Web::Ok, Readiness::Ready));
    // Each takes one of the two again; the silent one ends the good one's time too.
    let (one, two) = tokio::join!(client.web(), client.web());
    let silent = [&one.web, &two.web].iter().filter(|web| ***web == Web::Failed(Failure::Timeout)).count();
    assert_eq!(silent, 1, "{one:?} {two:?}");
    assert_eq!(client.web().await.web, Web::Failed(Failure::Refused));
    Ok(())
}

#[tokio::test]
async fn the_timed_call_leaves_the_kept_connections_alone() -> Tested {
    let server = Server::play(vec![vec![ok(), ok()], vec![Reply::Silence]]).await?;
    let client = server.client()?;
    assert_eq!(client.web().await.web, Web::Ok);
    let hanging = client.database(Duration::from_secs(40));
    tokio::pin!(hanging);
    while server.requests().len() < 2 {
        tokio::select! {
            biased;
            database = &mut hanging => return Err(format!("{database:?}").into()),
            () = tokio::task::yield_now() => {}
        }
    }
    assert_eq!(client.web().await.web, Web::Ok);
    Ok(())
}

#[tokio::test]
async fn a_steady_probe_is_one_round_trip() -> Tested {
    // Twenty requests over five connections: a sixth would be refused.
    let server = Server::play(vec![vec![ok(); 4]; 5]).await?;
    let client = server.client()?;
    for _ in 0..20 {
        assert_eq!(client.web().await.web, Web::Ok);
    }
    assert_eq!(client.web().await.web, Web::Failed(Failure::Refused));
    Ok(())
}

#[tokio::test]
async fn a_connection_that_timed_out_is_not_used_again() -> Tested {
    let server = Server::play(vec![vec![info(), Reply::Silence], vec![info()]]).await?;
    let client = Client::new(Options { timeout: SOON * 20, ..options(server.address)? })?;
    assert_seen(&client.info().await);
    assert_eq!(client.info().await, Info::Failed(Failure::Timeout));
    assert_seen(&client.info().await);
    Ok(())
}

#[tokio::test]
async fn a_hanging_call_does_not_hold_up_another() -> Tested {
    let server = Server::play(vec![vec![Reply::Silence], vec![Reply::Bytes(http("200 OK", "ok"))]]).await?;
    let client = server.client()?;
    let hanging = client.info();
    tokio::pin!(hanging);
    while server.requests().is_empty() {
        tokio::select! {
            biased;
            info = &mut hanging => return Err(format!("{info:?}").into()),
            () = tokio::task::yield_now() => {}
        }
    }
    assert_eq!(client.web().await.web, Web::Ok);
    Ok(())
}

#[tokio::test]
async fn a_new_token_counts_from_the_next_call_on() -> Tested {
    let server = Server::play(vec![vec![info(), info()]]).await?;
    let client = server.client()?;
    client.info().await;
    client.set_token(Some(Token::parse("renewed")?));
    client.info().await;
    assert!(server.requests()[1].contains("x-rundeck-auth-token: renewed\r\n"));
    Ok(())
}

#[tokio::test]
async fn calls_can_be_tasks_of_their_own() -> Tested {
    let server = Server::play(vec![vec![info()]]).await?;
    let client = Arc::new(server.client()?);
    assert_seen(&tokio::spawn(async move { client.info().await }).await?);
    Ok(())
}
