//! Who listens on a port of this machine, and which process that is: for people who want to know why it is not free.
//!
//! Blocking: it reads the descriptors of every process that it may see. Another user's may be hidden; then the user is
//! known and the process is not.

use super::{Endpoint, sockets};
use std::io;
use std::net::SocketAddr;

/// One socket that listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Where it listens.
    pub address: SocketAddr,
    /// Whose it is.
    pub user: u32,
    /// Every process that may be seen to hold it, with its name; systemd keeps some for its services.
    pub processes: Vec<(u32, String)>,
}

/// The sockets that a connection to this endpoint could reach.
///
/// # Errors
/// The kernel tells no sockets (`sock_diag` is refused).
pub fn holders(endpoint: Endpoint) -> io::Result<Vec<Holder>> {
    let mut found: Vec<(u64, Holder)> = sockets::listening(endpoint)?
        .into_iter()
        .map(|(address, user, inode)| (inode, Holder { address, user, processes: Vec::new() }))
        .collect();
    if found.is_empty() {
        return Ok(Vec::new());
    }
    for pid in pids()? {
        // Hidden, or gone since.
        let Ok(held) = sockets::sockets_of(pid) else { continue };
        for (_, holder) in found.iter_mut().filter(|(inode, _)| held.contains(inode)) {
            holder.processes.push((pid, name(pid)));
        }
    }
    Ok(found.into_iter().map(|(_, holder)| holder).collect())
}

fn pids() -> io::Result<Vec<u32>> {
    let mut pids: Vec<u32> =
        std::fs::read_dir("/proc")?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
    pids.sort_unstable();
    Ok(pids)
}

/// As the kernel names it (`/proc/PID/comm`); empty where it has ended.
fn name(pid: u32) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/comm")).map(|name| name.trim_end().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, TcpListener};

    #[test]
    fn a_port_is_free_or_held_by_a_process_with_a_name() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let endpoint = Endpoint { address: Some(address.ip()), port: address.port() };
        let held = holders(endpoint).expect("told");
        let [Holder { address: seen, processes, .. }] = &held[..] else { panic!("{held:?}") };
        let own = processes.iter().find(|(pid, _)| *pid == std::process::id()).expect("this process");
        assert!(*seen == address && !own.1.is_empty(), "{held:?}");
        drop(listener);
        assert_eq!(holders(endpoint).expect("told"), []);
    }
}
