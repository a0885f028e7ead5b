//! The kept connection: used again, replaced when it is gone, not kept where that would hide something.

use super::*;
use crate::rundeck::{Failure, Info, Web};

fn info() -> Reply {
    Reply::Bytes(chunked("200 OK", INFO_6))
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
async fn a_closed_port_shows_in_web_though_a_connection_is_kept() -> Tested {
    // One connection only: then the listener is gone while the connection lives on.
    let server = Server::play(vec![vec![info(), info()]]).await?;
    let client = server.client()?;
    assert_seen(&client.info().await);
    assert_eq!(client.web().await.web, Web::Failed(Failure::Refused));
    assert_seen(&client.info().await);
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
