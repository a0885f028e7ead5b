//! What the TCP sockets on Rundeck's port are doing, asked from the kernel by `sock_diag` without privileges
//! (sock_diag(7)). `/proc/net/tcp` would show the same sockets, but not when their last data went in and out.
//!
//! It sees the sockets of the agent's own network namespace only, and it does not look into anybody's data.

use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use netlink_packet_core::{NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload};
use netlink_packet_sock_diag::SockDiagMessage;
use netlink_packet_sock_diag::constants::{AF_INET, AF_INET6, IPPROTO_TCP, TCP_ESTABLISHED, TCP_LISTEN};
use netlink_packet_sock_diag::inet::nlas::Nla;
use netlink_packet_sock_diag::inet::{ExtensionFlags, InetRequest, InetResponse, SocketId, StateFlags};
use netlink_sys::protocols::NETLINK_SOCK_DIAG;
use rustix::net::sockopt::{Timeout, set_socket_timeout};

use super::Endpoint;

/// Longest wait for one piece of the kernel's answer, which usually takes some milliseconds.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

/// Size of one read, in bytes: the kernel sends a dump in pieces of at most 32 KiB.
const PIECE_BYTES: usize = 64 * 1024;

/// Most sockets read in one dump, far above what Rundeck's 200 threads and their clients can open: more is no answer.
const MOST_SOCKETS: usize = 65_536;

/// A connection that sent data within this many milliseconds is in flight: the answer's rest may still follow.
const JUST_SENT_MS: u32 = 1_000;

/// How many connections are in flight on Rundeck's port: established, not the agent's own, and either
/// waiting for an answer (the last data came in after the last went out) or answered within the last second.
///
/// `None` when nobody can tell: no socket listens there in this network namespace, or `sock_diag` is refused.
/// Blocking: the kernel walks its tables four times, which took 13 to 20 ms in a debug build; at most some seconds when
/// it is stuck. Call it on a worker.
pub fn in_flight(rundeck: Endpoint) -> Option<u32> {
    let served = dump(Side::Local(rundeck.port), LIVING).ok()?;
    let listeners = serving(&served, rundeck.address);
    if listeners.is_empty() {
        return None;
    }
    let own = own_clients(rundeck.port).ok()?;
    let busy = served.iter().filter(|socket| {
        socket.state == TCP_ESTABLISHED
            && listeners.iter().any(|listener| listener.takes(socket.local.ip()))
            && !own.contains(&(socket.remote, socket.local))
            && socket.pace.is_some_and(Pace::is_busy)
    });
    u32::try_from(busy.count()).ok()
}

/// The inodes of the sockets that listen for Rundeck: whoever holds one of them serves it.
pub(super) fn listening_inodes(rundeck: Endpoint) -> io::Result<HashSet<u64>> {
    let served = dump(Side::Local(rundeck.port), StateFlags::LISTEN)?;
    Ok(serving(&served, rundeck.address).iter().map(|listener| listener.inode).collect())
}

/// The sockets that listen there: address, user and inode of each.
pub(super) fn listening(endpoint: Endpoint) -> io::Result<Vec<(SocketAddr, u32, u64)>> {
    let sockets = dump(Side::Local(endpoint.port), StateFlags::LISTEN)?;
    let reached = serving(&sockets, endpoint.address).into_iter();
    Ok(reached.map(|socket| (socket.local, socket.user, socket.inode)).collect())
}

/// The user whose socket listens for Rundeck where none of this user does: the kernel tells it to everybody. `None` too
/// when nobody listens there, or nobody can tell. Takes some ten microseconds, for listening sockets have a table of
/// their own.
pub(super) fn stranger(rundeck: Endpoint, user: u32) -> Option<u32> {
    let sockets = dump(Side::Local(rundeck.port), StateFlags::LISTEN).ok()?;
    let listeners = serving(&sockets, rundeck.address);
    let strangers = listeners.iter().map(|listener| listener.user);
    if strangers.clone().any(|listens| listens == user) { None } else { strangers.min() }
}

/// The inodes of a process's sockets; refused for another user's process.
pub(super) fn sockets_of(pid: u32) -> io::Result<HashSet<u64>> {
    let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd"))?;
    // A descriptor may be closed between the listing and the look: it is simply not one of its sockets.
    Ok(descriptors
        .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
        .filter_map(|link| link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok())
        .collect())
}

/// Of the sockets that listen on the port, those that the endpoint reaches: bound to exactly its address, else to all
/// addresses. An address that no listener names (a translated one) or a host name reaches any of them; a loopback
/// address is never translated to another, so there the listeners of other addresses are other people's.
fn serving(sockets: &[TcpSocket], address: Option<IpAddr>) -> Vec<&TcpSocket> {
    let listeners: Vec<&TcpSocket> = sockets.iter().filter(|s| s.state == TCP_LISTEN).collect();
    let Some(address) = address.map(|address| address.to_canonical()) else {
        return listeners;
    };
    let exact: Vec<&TcpSocket> = listeners.iter().copied().filter(|s| s.local.ip() == address).collect();
    let wide: Vec<&TcpSocket> = listeners.iter().copied().filter(|s| s.local.ip().is_unspecified()).collect();
    let reached = [exact, wide].into_iter().find(|found| !found.is_empty());
    reached.unwrap_or(if address.is_loopback() { Vec::new() } else { listeners })
}

/// This process's own connections to the port, as (own address, Rundeck's address).
fn own_clients(port: u16) -> io::Result<HashSet<(SocketAddr, SocketAddr)>> {
    let own = sockets_of(std::process::id())?;
    Ok(dump(Side::Remote(port), LIVING)?
        .into_iter()
        .filter(|socket| own.contains(&socket.inode))
        .map(|socket| (socket.local, socket.remote))
        .collect())
}

/// One TCP socket of this network namespace. IPv4 addresses mapped into IPv6 are written as IPv4, for the two ends of
/// one connection may be sockets of different families.
#[derive(Clone, Copy, Debug)]
struct TcpSocket {
    state: u8,
    local: SocketAddr,
    remote: SocketAddr,
    user: u32,
    inode: u64,
    pace: Option<Pace>,
}

impl TcpSocket {
    /// Whether a listening socket takes connections to this address.
    fn takes(&self, address: IpAddr) -> bool {
        self.local.ip().is_unspecified() || self.local.ip() == address
    }

    fn from_response(response: &InetResponse) -> Self {
        let id = &response.header.socket_id;
        let pace = response.nlas.iter().find_map(|nla| match nla {
            Nla::TcpInfo(bytes) => Pace::from_tcp_info(bytes),
            _ => None,
        });
        Self {
            state: response.header.state,
            local: SocketAddr::new(id.source_address.to_canonical(), id.source_port),
            remote: SocketAddr::new(id.destination_address.to_canonical(), id.destination_port),
            user: response.header.uid,
            inode: u64::from(response.header.inode),
            pace,
        }
    }
}

/// When data last moved on a connection, out of the kernel's `struct tcp_info`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pace {
    /// Milliseconds since data last went out; the connection's age when none ever did.
    sent_ms_ago: u32,
    /// Milliseconds since data last came in; the connection's age when none ever did.
    received_ms_ago: u32,
    /// Segments with data that came in and went out, from Linux 4.6 on.
    segments: Option<(u32, u32)>,
}

impl Pace {
    /// Offsets in bytes within `struct tcp_info` (linux/tcp.h), which only ever grows at its end.
    const LAST_DATA_SENT: usize = 44;
    const LAST_DATA_RECV: usize = 52;
    const DATA_SEGS_IN: usize = 152;
    const DATA_SEGS_OUT: usize = 156;

    fn from_tcp_info(info: &[u8]) -> Option<Self> {
        let word = |offset: usize| {
            let bytes = info.get(offset..offset + 4)?;
            Some(u32::from_ne_bytes(bytes.try_into().ok()?))
        };
        Some(Self {
            sent_ms_ago: word(Self::LAST_DATA_SENT)?,
            received_ms_ago: word(Self::LAST_DATA_RECV)?,
            segments: word(Self::DATA_SEGS_IN).zip(word(Self::DATA_SEGS_OUT)),
        })
    }

    /// The kernel counts in ticks of 1 to 10 ms, and a new connection starts with both times at its birth. So a request
    /// that comes right behind the handshake, which is what a load balancer sends, shows two equal times like a
    /// connection that never carried anything: there the counts of segments decide.
    fn is_busy(self) -> bool {
        match self.segments {
            Some((came_in, 0)) => came_in > 0,
            _ => self.received_ms_ago < self.sent_ms_ago || self.sent_ms_ago < JUST_SENT_MS,
        }
    }
}

/// Which end of the connections has the port.
#[derive(Clone, Copy)]
enum Side {
    Local(u16),
    Remote(u16),
}

/// All but closed connections, each of which waits for a minute and belongs to nobody.
const LIVING: StateFlags = StateFlags::all().difference(StateFlags::TIME_WAIT);

/// The TCP sockets in these states with that port on that side, of both families.
fn dump(side: Side, states: StateFlags) -> io::Result<Vec<TcpSocket>> {
    let mut socket = netlink_sys::Socket::new(NETLINK_SOCK_DIAG)?;
    socket.bind_auto()?;
    socket.connect(&netlink_sys::SocketAddr::new(0, 0))?;
    set_socket_timeout(&socket, Timeout::Recv, Some(ANSWER_TIMEOUT))?;
    let mut found = Vec::new();
    for id in [SocketId::new_v4(), SocketId::new_v6()] {
        socket.send(&request(id, side, states.clone()), 0)?;
        receive(&socket, &mut found)?;
    }
    Ok(found)
}

fn request(mut id: SocketId, side: Side, states: StateFlags) -> Vec<u8> {
    let family = if id.source_address.is_ipv4() { AF_INET } else { AF_INET6 };
    match side {
        Side::Local(port) => id.source_port = port,
        Side::Remote(port) => id.destination_port = port,
    }
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    let request =
        InetRequest { family, protocol: IPPROTO_TCP, extensions: ExtensionFlags::INFO, states, socket_id: id };
    let mut message = NetlinkMessage::new(header, SockDiagMessage::InetRequest(request).into());
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}

/// Reads pieces until the kernel says that the dump is done.
fn receive(socket: &netlink_sys::Socket, found: &mut Vec<TcpSocket>) -> io::Result<()> {
    let mut buffer = vec![0; PIECE_BYTES];
    loop {
        let size = socket.recv(&mut buffer.as_mut_slice(), 0)?;
        let mut rest = buffer.get(..size).ok_or(io::ErrorKind::InvalidData)?;
        while !rest.is_empty() {
            let message = NetlinkMessage::<SockDiagMessage>::deserialize(rest)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
            match message.payload {
                NetlinkPayload::InnerMessage(SockDiagMessage::InetResponse(response)) => {
                    found.push(TcpSocket::from_response(&response));
                }
                NetlinkPayload::Done(_) => return Ok(()),
                NetlinkPayload::Error(error) => return Err(error.to_io()),
                _ => {}
            }
            if found.len() > MOST_SOCKETS {
                return Err(io::ErrorKind::QuotaExceeded.into());
            }
            rest = rest.get(aligned(message.header.length)..).unwrap_or_default();
        }
    }
}

/// Messages begin at multiples of four bytes. One that claims to be empty would never end: it ends the piece.
fn aligned(length: u32) -> usize {
    match usize::try_from(length) {
        Ok(0) | Err(_) => usize::MAX,
        Ok(length) => length.saturating_add(3) & !3,
    }
}

#[cfg(test)]
mod tests;
