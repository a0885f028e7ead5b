//! The addresses of a host name. A name service that hangs holds one worker, however many calls wait for it.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
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
    /// The addresses of a host; one that is an address needs no name service. Its bound is the caller's.
    ///
    /// # Errors
    /// The host cannot be resolved.
    pub async fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        match host.parse::<IpAddr>() {
            Ok(address) => Ok(vec![(address, port).into()]),
            Err(_) => self.ask(host, port).await,
        }
    }

    async fn ask(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
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
impl Names {
    /// As if the name service hung, for as long as this is held.
    pub async fn hang(&self) -> tokio::sync::OwnedSemaphorePermit {
        self.0.clone().acquire_owned().await.expect("a turn")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn while_a_question_hangs_no_other_is_asked_and_addresses_need_none() {
        let names = Names::default();
        let hanging = names.hang().await;
        let mut waiting = Box::pin(names.ask("localhost", 7));
        tokio::select! {
            biased;
            _ = &mut waiting => panic!("another hangs"),
            () = std::future::ready(()) => {}
        }
        let known = names.addresses("127.0.0.1", 7).await.expect("an address is asked of nobody");
        assert_eq!(known, ["127.0.0.1:7".parse().expect("an address")]);
        drop(hanging);
        let found = waiting.await.expect("localhost");
        assert!(found.iter().all(|address| address.ip().is_loopback() && address.port() == 7), "{found:?}");
    }
}
