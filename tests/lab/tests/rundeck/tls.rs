//! A node that speaks TLS: which certificates it shows, and what happens when the wrong protocol is spoken to a port.

use rundeck_alb_lab::rundeck::{Certificate, Database, Outage, Pool, Version};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{Ask, Failure, PATIENCE, ask, ask_by_tls};
use crate::situation::READY;

#[tokio::test]
async fn a_self_signed_certificate_is_accepted_by_those_who_were_given_it() {
    let node = READY.with(|config| config.tls = Some(Certificate::SelfSigned)).bring(Version::V5_20).await;
    let own = Certificate::SelfSigned;
    assert_eq!(ask_by_tls(node.addr(), &Ask::get("/health"), own).await.expect("an answer").body, "ok");
    assert_eq!(
        ask_by_tls(node.addr(), &Ask::get("/health"), Certificate::WithoutNames).await,
        Err(Failure::NoTls),
        "unknown to others"
    );
    let login = ask_by_tls(node.addr(), &Ask::get("/"), own).await.expect("an answer");
    assert_eq!(login.header("location"), Some(format!("https://{}/user/login", node.addr()).as_str()));
    assert!(node.url().starts_with("https://"));
}

#[tokio::test]
async fn a_certificate_without_names_is_accepted_by_nobody_who_checks_names() {
    let node = READY.with(|config| config.tls = Some(Certificate::WithoutNames)).bring(Version::V6_1).await;
    let reply = ask_by_tls(node.addr(), &Ask::get("/health"), Certificate::WithoutNames).await;
    assert_eq!(reply, Err(Failure::NoTls));
}

#[tokio::test]
async fn http_to_the_tls_port_gets_a_few_bytes_that_are_no_http() {
    let node = READY.with(|config| config.tls = Some(Certificate::SelfSigned)).bring(Version::V4_17).await;
    let mut stream = TcpStream::connect(node.addr()).await.expect("open");
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("sent");
    let mut got = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut got)).await.expect("closed").expect("in order");
    assert!(got.len() < 20 && got.first() == Some(&0x15), "{got:?}");
}

#[tokio::test]
async fn tls_to_the_plain_port_is_a_bad_message_at_once() {
    let node = READY.bring(Version::V5_20).await;
    assert_eq!(ask_by_tls(node.addr(), &Ask::get("/health"), Certificate::SelfSigned).await, Err(Failure::NoTls));
    let mut stream = TcpStream::connect(node.addr()).await.expect("open");
    stream.write_all(&[0x16, 3, 1, 0, 5]).await.expect("sent");
    let mut got = String::new();
    tokio::time::timeout(PATIENCE, stream.read_to_string(&mut got)).await.expect("closed").expect("text");
    assert!(got.starts_with("HTTP/1.1 400 ") && got.contains("Illegal character"), "{got}");
    assert_eq!(ask(node.addr(), &Ask::get("/health")).await.map(|reply| reply.status), Ok(200));
}

#[test]
fn an_outage_looks_as_the_pool_lets_it() {
    let seen = |pool| Outage::ALL.map(|outage| outage.behind(pool));
    assert_eq!(seen(Pool::Tomcat), [Database::FailsAtOnce, Database::FailsAtOnce, Database::Frozen]);
    assert_eq!(seen(Pool::Hikari), [Database::FailsLate; 3]);
    assert_eq!(Version::ALL.map(Version::pool), [Pool::Tomcat, Pool::Tomcat, Pool::Hikari, Pool::Hikari]);
}
