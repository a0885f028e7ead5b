//! Private CA, pinned certificate, certificate without a name, and the wrong protocol on a port.

use super::*;
use crate::rundeck::{Failure, Info, Web, WebLook};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::PathBuf;
use tokio_rustls::TlsAcceptor;

const KEY: &[u8] = include_bytes!("../../../tests/fixtures/tls/server.key");
/// Signed by ca.pem, for rundeck.test, localhost and 127.0.0.1.
const SERVER: &[u8] = include_bytes!("../../../tests/fixtures/tls/server.pem");
/// Self-signed, without a SAN: what keytool makes by default.
const NO_SAN: &[u8] = include_bytes!("../../../tests/fixtures/tls/nosan.pem");
const NO_SAN_SHA256: [u8; 32] = [
    0xd0, 0xe1, 0x0a, 0x59, 0x02, 0xac, 0x6f, 0x25, 0xac, 0x43, 0xaf, 0xc3, 0xc3, 0x6a, 0xc9, 0x74, 0xd0, 0xca, 0x77,
    0x62, 0x97, 0x8d, 0x88, 0x3f, 0xae, 0x22, 0xd5, 0xe4, 0x50, 0xd3, 0x67, 0x4c,
];
const SERVER_SHA256: &str = "1569f2541b2461394634d51ca716de6f44174603d9a2863992b18676b13429b7";

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls").join(name)
}

/// A TLS server that plays `scripts`, one for each connection whose handshake succeeds.
async fn tls_server(certificate: &'static [u8], scripts: Vec<Vec<Reply>>) -> Tested<Server> {
    let chain = vec![CertificateDer::from_pem_slice(certificate)?];
    let key = PrivateKeyDer::from_pem_slice(KEY)?;
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let requests = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&requests);
    tokio::spawn(async move {
        let mut scripts = scripts.into_iter();
        loop {
            let Ok((tcp, _)) = listener.accept().await else { return };
            if let Ok(tls) = acceptor.accept(tcp).await {
                tokio::spawn(converse(tls, scripts.next().unwrap_or_default(), Arc::clone(&seen)));
            }
        }
    });
    Ok(Server { address, requests })
}

fn tls_options(address: SocketAddr) -> Tested<Options> {
    let mut options = options(address)?;
    options.url.https = true;
    Ok(options)
}

fn https(server: &Server) -> Tested<Options> {
    tls_options(server.address)
}

fn ok() -> Vec<Reply> {
    vec![Reply::Bytes(chunked("200 OK", "ok"))]
}

fn info() -> Vec<Reply> {
    vec![Reply::Bytes(chunked("200 OK", INFO_6))]
}

const ACCEPTED: WebLook = WebLook { web: Web::Ok, certificate: None };

#[tokio::test]
async fn a_private_ca_is_accepted_with_the_urls_or_a_configured_name() -> Tested {
    let server = tls_server(SERVER, vec![ok(), info(), ok()]).await?;
    let ca_file = Some(fixture("ca.pem"));
    let client = Client::new(Options { ca_file: ca_file.clone(), ..https(&server)? })?;
    assert_eq!(client.web().await, ACCEPTED);
    assert!(matches!(client.info().await, Info::Seen(_)));
    let tls_server_name = Some("rundeck.test".to_owned());
    let client = Client::new(Options { ca_file, tls_server_name, ..https(&server)? })?;
    assert_eq!(client.web().await, ACCEPTED);
    Ok(())
}

#[tokio::test]
async fn a_certificate_that_is_not_accepted_is_judged_unverified_and_gets_no_token() -> Tested {
    let server = tls_server(SERVER, vec![ok(), ok()]).await?;
    let ca_file = Some(fixture("ca.pem"));
    let other_name = Some("other.test".to_owned());
    let client = Client::new(Options { ca_file, tls_server_name: other_name, ..https(&server)? })?;
    let look = client.web().await;
    assert_eq!(look.web, Web::Ok);
    let why = look.certificate.unwrap_or_default();
    assert!(why.contains("other.test") && why.contains("rundeck.tls_server_name"), "{why}");

    let Info::Failed(Failure::Certificate(why)) = client.info().await else { return Err("certificate".into()) };
    assert!(why.contains("rundeck.tls_server_name"), "{why}");
    assert!(server.requests().iter().all(|r| !r.contains("s3cret")), "the token stayed here");

    let unknown = Client::new(Options { ca_file: Some(fixture("nosan.pem")), ..https(&server)? })?;
    let why = unknown.web().await.certificate.unwrap_or_default();
    assert!(why.contains("rundeck.ca_file") && why.contains(SERVER_SHA256), "{why}");
    Ok(())
}

#[tokio::test]
async fn a_certificate_without_a_name_is_refused_by_ca_and_accepted_by_pin() -> Tested {
    let server = tls_server(NO_SAN, vec![ok(), ok(), info()]).await?;
    let by_ca = Client::new(Options { ca_file: Some(fixture("nosan.pem")), ..https(&server)? })?;
    let why = by_ca.web().await.certificate.unwrap_or_default();
    let pin = why.split("its SHA-256 is ").nth(1).and_then(|rest| rest.split(';').next()).unwrap_or_default();
    assert!(why.contains("rundeck.pin_sha256"), "{why}");

    // What it prints is the cure.
    let bytes = pin.as_bytes().chunks(2).map(|pair| Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?));
    let pin_sha256 = Some(<[u8; 32]>::try_from(bytes.collect::<Tested<Vec<u8>>>()?).map_err(|_| why)?);
    assert_eq!(pin_sha256, Some(NO_SAN_SHA256));
    let by_pin = Client::new(Options { pin_sha256, ..https(&server)? })?;
    assert_eq!(by_pin.web().await, ACCEPTED);
    assert!(matches!(by_pin.info().await, Info::Seen(_)));
    Ok(())
}

#[tokio::test]
async fn another_certificate_than_the_pinned_one_is_named() -> Tested {
    let server = tls_server(SERVER, vec![ok()]).await?;
    let pin_sha256 = Some(NO_SAN_SHA256);
    let client = Client::new(Options { pin_sha256, ..https(&server)? })?;
    let look = client.web().await;
    assert_eq!(look.web, Web::Ok);
    let why = look.certificate.unwrap_or_default();
    assert!(why.contains(SERVER_SHA256), "{why}");
    Ok(())
}

#[tokio::test]
async fn http_and_https_on_the_wrong_port_are_named() -> Tested {
    // Jetty takes the TLS greeting for bad HTTP and says so in plain text.
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let client = Client::new(Options { pin_sha256: Some(NO_SAN_SHA256), ..tls_options(listener.local_addr()?)? })?;
    let jetty = async {
        let (mut stream, _) = listener.accept().await?;
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await?;
        std::io::Result::Ok(stream)
    };
    let (look, stream) = tokio::join!(client.web(), jetty);
    drop(stream?);
    assert!(matches!(look.web, Web::Failed(Failure::WrongProtocol(_))), "{look:?}");
    let words = look.web.to_string();
    assert!(words.contains("does not speak TLS") && words.contains("rundeck.url"), "{words}");

    let server = tls_server(SERVER, vec![]).await?;
    let web = server.client()?.web().await.web;
    assert_eq!(web, Web::Failed(Failure::WrongProtocol("HTTP")));
    assert!(web.to_string().contains("http or https"), "{web}");
    Ok(())
}

#[test]
fn wrong_settings_name_the_key() -> Tested {
    let refusal = |change: fn(&mut Options)| -> Tested<String> {
        let mut options = tls_options(SocketAddr::from(([127, 0, 0, 1], 4443)))?;
        change(&mut options);
        Ok(Client::new(options).err().map(|error| error.to_string()).unwrap_or_default())
    };
    let why = refusal(|o| o.ca_file = Some(fixture("missing.pem")))?;
    assert!(why.contains("rundeck.ca_file") && why.contains("missing.pem"), "{why}");
    let why = refusal(|o| o.ca_file = Some(fixture("server.key")))?;
    assert!(why.contains("no certificate"), "{why}");
    let why = refusal(|o| o.tls_server_name = Some("not a name".into()))?;
    assert!(why.contains("rundeck.tls_server_name"), "{why}");
    let why = refusal(|o| o.host_header = Some("a\nb".into()))?;
    assert!(why.contains("rundeck.host_header"), "{why}");
    Ok(())
}
