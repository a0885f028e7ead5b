//! Good, wrong and broken answers.

use super::*;
use crate::rundeck::{Boot, Database, Failure, Info, Mode, ModeSet, Readiness, Web};

#[tokio::test]
async fn health_is_ok_chunked_or_with_a_length_and_nothing_else_is() -> Tested {
    for (answer, web) in [
        (chunked("200 OK", "ok"), Web::Ok),
        (http("200 OK", "ok"), Web::Ok),
        ("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok".to_owned(), Web::Ok),
        (http("200 OK", "ok\n"), Web::BadBody),
        (http("200 OK", "<html>Login</html>"), Web::BadBody),
        (http("404 Not Found", ""), Web::Disabled),
        (http("404 Not Found", "<h1>Jetty</h1>"), Web::Failed(Failure::BadStatus(404))),
        (http("500 Oops", "ok"), Web::Failed(Failure::BadStatus(500))),
        (http("400 Bad Request", "<h1>Bad Host</h1>"), Web::Failed(Failure::HostRefused)),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no".to_owned(), Web::Failed(Failure::Truncated)),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n".to_owned(),
            Web::Failed(Failure::Truncated),
        ),
        (String::new(), Web::Failed(Failure::Truncated)),
        ("\u{15}\u{3}\u{1}\r\n\r\n".to_owned(), Web::Failed(Failure::WrongProtocol("HTTP"))),
    ] {
        let look = Server::answer(answer.clone()).await?.client()?.web().await;
        assert_eq!((look.web, look.certificate), (web, None), "{answer:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_redirect_is_reported_and_never_followed() -> Tested {
    let answer = "HTTP/1.1 302 Found\r\nLocation: /user/login\r\nSet-Cookie: JSESSIONID=x\r\nContent-Length: 0\r\n\r\n";
    let server = Server::play(vec![vec![Reply::Bytes(answer.into())], vec![Reply::Silence]]).await?;
    let client = server.client()?;
    let redirect = Failure::Redirect("/user/login".into());
    assert_eq!(client.web().await.web, Web::Failed(redirect));
    assert_eq!(server.requests().len(), 1);
    Ok(())
}

#[tokio::test]
async fn silence_is_a_timeout_and_a_closed_port_is_refused() -> Tested {
    let server = Server::play(vec![vec![Reply::Silence], vec![Reply::Silence]]).await?;
    let client = Client::new(Options { timeout: SOON, ..options(server.address)? })?;
    assert_eq!(client.web().await.web, Web::Failed(Failure::Timeout));
    assert_eq!(client.info().await, Info::Failed(Failure::Timeout));

    let address = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    let client = Client::new(options(address)?)?;
    assert_eq!(client.web().await.web, Web::Failed(Failure::Refused));
    assert_eq!(client.boot().await, Boot::Failed(Failure::Refused));
    Ok(())
}

#[tokio::test]
async fn another_machine_is_asked_nothing_and_gets_no_token() -> Tested {
    let scripts = (0..6).map(|_| vec![Reply::Bytes(chunked("200 OK", "ok"))]).collect();
    let server = Server::play(scripts).await?;
    let elsewhere = |_, _| Some("ens5".to_owned());
    let client = Client::new(Options { leaves_by: elsewhere, ..options(server.address)? })?;
    let why = Failure::Elsewhere { address: server.address.ip(), card: "ens5".into() };
    assert_eq!(client.web().await.web, Web::Failed(why.clone()));
    assert_eq!(client.boot().await, Boot::Failed(why.clone()));
    assert_eq!(client.info().await, Info::Failed(why.clone()));
    assert_eq!(client.database(SOON).await, Database::Failed(why.clone()));
    assert_eq!(client.set_mode(Mode::Passive).await, ModeSet::Failed(why.clone()));
    assert_eq!(client.readiness(true).await.readiness, Readiness::Failed(why));
    assert!(server.requests().is_empty(), "{:?}", server.requests());
    Ok(())
}

#[tokio::test]
async fn asks_as_rundeck_wants_to_be_asked() -> Tested {
    let info = vec![Reply::Bytes(chunked("200 OK", INFO_6)), Reply::Bytes(chunked("200 OK", INFO_6))];
    let server = Server::play(vec![vec![Reply::Bytes(chunked("200 OK", "ok"))], info]).await?;
    let client = Client::new(Options {
        host_header: Some("rundeck.example".into()),
        url: BaseUrl { context_path: "/rundeck".into(), ..options(server.address)?.url },
        ..options(server.address)?
    })?;
    client.web().await;
    client.info().await;
    client.info().await;

    let requests: Vec<String> = server.requests().iter().map(|r| r.to_ascii_lowercase()).collect();
    assert!(requests[0].starts_with("get /rundeck/health http/1.1\r\n"), "{requests:?}");
    assert!(!requests[0].contains("s3cret"), "no token where none is needed");
    assert!(requests[1].starts_with("get /rundeck/api/14/system/info http/1.1\r\n"), "{requests:?}");
    assert!(requests[2].starts_with("get /rundeck/api/59/system/info http/1.1\r\n"), "version learnt");
    for request in &requests {
        assert!(request.contains("accept: application/json\r\n"), "{request}");
        assert!(request.contains("host: rundeck.example\r\n"), "{request}");
        assert!(!request.contains("cookie"), "{request}");
    }
    assert!(requests[1].contains("x-rundeck-auth-token: s3cret\r\n"));
    Ok(())
}

/// The unserved version is refused before the API can answer: only a served one tells.
#[tokio::test]
async fn boot_learns_the_version_and_waits_for_a_served_one() -> Tested {
    let version = concat!(
        r#"{"error":true,"apiversion":58,"errorCode":"api.error.api-version.unsupported","#,
        r#""message":"Current version: 58"}"#,
    );
    let no_token =
        r#"{"error":true,"apiversion":58,"errorCode":"unauthorized","message":"(unauthenticated) is not authorized"}"#;
    let (unserved, booting) = (http("400 Bad Request", version), http("503 Unavailable", ""));
    let refused = http("403 Forbidden", no_token);
    let replies = [unserved.clone(), booting, unserved.clone(), refused, unserved, http("200 OK", INFO_6)];
    // A kept connection carries four requests.
    let connections = replies.chunks(4).map(|four| four.iter().cloned().map(Reply::Bytes).collect()).collect();
    let server = Server::play(connections).await?;
    let client = server.client()?;
    assert_eq!(client.boot().await, Boot::StillBooting);
    assert_eq!(client.boot().await, Boot::Past { api_version: Some(58) });
    assert_eq!(client.boot().await, Boot::Past { api_version: Some(58) }, "a served version is asked once");
    let Info::Seen(info) = client.info().await else { return Err("seen".into()) };
    assert_eq!((info.mode, info.running), (Some(Mode::Passive), Some(2)));
    let asked: Vec<String> =
        server.requests().iter().filter_map(|request| request.split(' ').nth(1).map(str::to_owned)).collect();
    let (one, served) = ("/api/1/system/info", "/api/58/system/info");
    assert_eq!(asked, [one, served, one, served, one, served]);
    assert!(server.requests()[..5].iter().all(|request| !request.contains("s3cret")));
    Ok(())
}

#[tokio::test]
async fn the_mode_is_switched_and_the_answer_checked() -> Tested {
    let passive = http("200 OK", r#"{"executionMode":"passive"}"#);
    let no_right = r#"{"error":true,"apiversion":58,"errorCode":"api.error.item.unauthorized"}"#;
    let replies = [passive.clone(), passive, http("403 Forbidden", no_right)];
    let server = Server::play(vec![replies.map(Reply::Bytes).to_vec()]).await?;
    let client = server.client()?;
    assert_eq!(client.set_mode(Mode::Passive).await, ModeSet::Done);
    assert_eq!(client.set_mode(Mode::Active).await, ModeSet::Unconfirmed(Some(Mode::Passive)));
    assert_eq!(client.set_mode(Mode::Passive).await, ModeSet::WithoutRights);
    let requests = server.requests();
    assert!(requests[0].starts_with("POST /api/14/system/executions/disable"), "{requests:?}");
    assert!(requests[1].starts_with("POST /api/14/system/executions/enable"), "{requests:?}");
    Ok(())
}

#[tokio::test]
async fn without_a_token_nothing_is_asked_that_needs_one() -> Tested {
    let server = Server::answer("").await?;
    let client = server.client()?;
    client.set_token(None);
    assert_eq!(client.info().await, Info::NoToken);
    assert_eq!(client.set_mode(Mode::Passive).await, ModeSet::NoToken);
    assert!(server.requests().is_empty());
    Ok(())
}

#[tokio::test]
async fn an_endless_body_is_cut() -> Tested {
    let body = "x".repeat(super::super::link::MAX_BODY + 1);
    let server =
        Server::play(vec![vec![Reply::Bytes(http("200 OK", &body))], vec![Reply::Bytes(chunked("200 OK", &body))]])
            .await?;
    let client = server.client()?;
    assert_eq!(client.web().await.web, Web::Failed(Failure::TooLarge));
    assert_eq!(client.info().await, Info::Failed(Failure::TooLarge));
    Ok(())
}

#[tokio::test]
async fn a_name_that_does_not_resolve_says_nothing_about_rundeck() -> Tested {
    let mut options = options(SocketAddr::from(([127, 0, 0, 1], 4440)))?;
    options.url.host = "name.invalid".into();
    let client = Client::new(options)?;
    assert!(matches!(client.web().await.web, Web::Failed(Failure::Name(_))));
    Ok(())
}

#[test]
fn connect_errors_of_our_own_machine_are_told_apart() -> Tested {
    let of = |errno: rustix::io::Errno| Failure::from_connect(&std::io::Error::from_raw_os_error(errno.raw_os_error()));
    use rustix::io::Errno;
    assert_eq!(of(Errno::CONNREFUSED), Failure::Refused);
    assert_eq!(of(Errno::TIMEDOUT), Failure::Timeout);
    for errno in [Errno::MFILE, Errno::NFILE, Errno::ADDRNOTAVAIL, Errno::NOBUFS, Errno::PERM] {
        assert!(matches!(of(errno), Failure::CannotConnect(_)), "{errno:?}");
    }
    Ok(())
}
