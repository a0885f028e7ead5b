//! The addresses of a host name. A name service that hangs holds one worker, however many calls wait for it.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// The turn for questions to the name service.
#[derive(Debug)]
pub(super) struct Names(Arc<Semaphore>);

impl Default for Names {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl Names {
    /// Opens a connection; an address needs no name service. Its bound is the caller's.
    pub async fn connect(&self, host: &str, port: u16) -> io::Result<TcpStream> {
        match host.parse::<IpAddr>() {
            Ok(address) => TcpStream::connect((address, port)).await,
            Err(_) => TcpStream::connect(&self.addresses(host, port).await?[..]).await,
        }
    }

    async fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let turn = self.0.clone().acquire_owned().await.map_err(io::Error::other)?;
        let place = (host.to_owned(), port);
        let question = spawn_blocking(move || {
            // Held until the name service has answered, for whoever asked may be gone.
            let _turn = turn;
            place.to_socket_addrs().map(Vec::from_iter)
        });
        question.await.map_err(io::Error::other)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn while_a_question_hangs_no_other_is_asked_and_addresses_need_none() {
        let names = Names::default();
        let hanging = names.0.clone().acquire_owned().await.expect("a turn");
        let mut waiting = Box::pin(names.addresses("localhost", 7));
        tokio::select! {
            biased;
            _ = &mut waiting => panic!("another hangs"),
            () = std::future::ready(()) => {}
        }
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let port = listener.local_addr().expect("an address").port();
        assert!(names.connect("127.0.0.1", port).await.is_ok(), "an address is asked of nobody");
        drop(hanging);
        let found = waiting.await.expect("localhost");
        assert!(found.iter().all(|address| address.ip().is_loopback() && address.port() == 7), "{found:?}");
    }
}
