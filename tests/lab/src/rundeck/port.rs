//! A port that can refuse and listen by turns, without being lost in between.
//!
//! A bound socket that does not listen refuses connections and keeps its number: that is how a booting JVM's port
//! looks.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Java's default for a server socket: after about this many waiting connections `connect` itself times out.
const BACKLOG: u32 = 50;

/// One address, refusing or listening.
pub(super) struct Port {
    addr: SocketAddr,
    state: Option<Open>,
}

enum Open {
    No(TcpSocket),
    Yes(TcpListener),
}

impl Port {
    /// Takes the address (port 0: any free one) and refuses.
    pub(super) fn reserve(addr: SocketAddr) -> io::Result<Port> {
        let socket = bound(addr)?;
        let addr = socket.local_addr()?;
        Ok(Port { addr, state: Some(Open::No(socket)) })
    }

    pub(super) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Listens or refuses; says whether that is news.
    pub(super) fn turn(&mut self, open: bool) -> io::Result<bool> {
        let (next, news) = match (self.state.take(), open) {
            (Some(Open::No(socket)), true) => (Open::Yes(socket.listen(BACKLOG)?), true),
            (None, true) => (Open::Yes(bound(self.addr)?.listen(BACKLOG)?), true),
            (Some(Open::Yes(listener)), false) => {
                drop(listener);
                (Open::No(bound(self.addr)?), true)
            }
            (None, false) => (Open::No(bound(self.addr)?), false),
            (Some(same), _) => (same, false),
        };
        self.state = Some(next);
        Ok(news)
    }

    /// The next connection; waits for ever while the port refuses.
    pub(super) async fn accept(&self) -> io::Result<TcpStream> {
        match &self.state {
            Some(Open::Yes(listener)) => Ok(listener.accept().await?.0),
            _ => std::future::pending().await,
        }
    }
}

fn bound(addr: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    Ok(socket)
}
