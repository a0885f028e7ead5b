//! A way to AWS as a closed network has it: a proxy that takes CONNECT alone, and behind it the lab's API under AWS's
//! names, with certificates of a private CA.
//!
//! Wherever it is asked for, the proxy leads to the lab: nothing of these tests leaves the machine.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Longest head of a request that it reads.
const MOST_HEAD: usize = 16 * 1024;

/// A running proxy. It ends with the test's runtime.
pub struct Proxy {
    /// Where it listens.
    pub addr: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Leads to the API at `api`. `opens`: it lets whoever asks through, else it says 407.
    pub async fn start(api: SocketAddr, opens: bool) -> Proxy {
        let front = front(api).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("its address");
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&heads);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(tunnel(client, front, opens, Arc::clone(&seen)));
            }
        });
        Proxy { addr, heads }
    }

    /// The heads of all requests so far.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("heads").clone()
    }

    /// The hosts and ports that were asked for, each once.
    pub fn hosts(&self) -> Vec<String> {
        let host = |head: &String| Some(head.strip_prefix("CONNECT ")?.split(' ').next()?.to_owned());
        let mut hosts: Vec<String> = self.heads().iter().filter_map(host).collect();
        hosts.sort();
        hosts.dedup();
        hosts
    }
}

/// The PEM file of a CA of the fixtures.
pub fn ca(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls").join(name)
}

async fn tunnel(mut client: TcpStream, front: SocketAddr, opens: bool, seen: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < MOST_HEAD {
        let Ok(byte) = client.read_u8().await else { return };
        head.push(byte);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let connects = head.starts_with("CONNECT ");
    seen.lock().expect("heads").push(head);
    let line = match (connects, opens) {
        (true, true) => "200 Connection established",
        (true, false) => "407 Proxy Authentication Required",
        (false, _) => "405 Method Not Allowed",
    };
    let told = client.write_all(format!("HTTP/1.1 {line}\r\n\r\n").as_bytes()).await;
    if told.is_err() || !connects || !opens {
        return;
    }
    let Ok(mut server) = TcpStream::connect(front).await else { return };
    // Either side may end it.
    drop(copy_bidirectional(&mut client, &mut server).await);
}

/// The API under TLS, as AWS's endpoints are.
async fn front(api: SocketAddr) -> SocketAddr {
    let pem = |name: &str| std::fs::read(ca(name)).expect("a fixture");
    let chain = vec![CertificateDer::from_pem_slice(&pem("aws.pem")).expect("a certificate")];
    let key = PrivateKeyDer::from_pem_slice(&pem("server.key")).expect("a key");
    let config =
        ServerConfig::builder_with_provider(Arc::new(default_provider())).with_safe_default_protocol_versions();
    let config = config.expect("versions").with_no_client_auth().with_single_cert(chain, key).expect("a server");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addr = listener.local_addr().expect("its address");
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut client) = acceptor.accept(client).await else { return };
                let Ok(mut server) = TcpStream::connect(api).await else { return };
                // Either side may end it.
                drop(copy_bidirectional(&mut client, &mut server).await);
            });
        }
    });
    addr
}
