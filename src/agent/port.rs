//! The health port, opened: the listener that systemd kept or opened, else one of our own for both families of
//! addresses.

use super::error::StartError;
use crate::systemd;
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// Connections that wait to be accepted: as many as the kernel allows (`net.core.somaxconn`).
const BACKLOG: i32 = 4096;

/// The listener for this address.
pub(super) fn health_listener(wanted: SocketAddr) -> Result<TcpListener, StartError> {
    match systemd::listener_passed()? {
        Some(listener) => Ok(listener),
        None => open(wanted),
    }
}

/// `[::]` serves IPv4 too, and means `0.0.0.0` where the kernel has no IPv6.
fn open(wanted: SocketAddr) -> Result<TcpListener, StartError> {
    if !(wanted.is_ipv6() && wanted.ip().is_unspecified()) {
        return TcpListener::bind(wanted).map_err(|source| StartError::Listen { addr: wanted, source });
    }
    match open_both(wanted) {
        Err(error) if no_ipv6(&error) => {
            let addr = SocketAddr::from((Ipv4Addr::UNSPECIFIED, wanted.port()));
            TcpListener::bind(addr).map_err(|source| StartError::Listen { addr, source })
        }
        opened => opened.map_err(|source| StartError::Listen { addr: wanted, source }),
    }
}

/// As the standard library binds, but for IPv4 too where `net.ipv6.bindv6only` says otherwise.
fn open_both(wanted: SocketAddr) -> io::Result<TcpListener> {
    let socket = rustix::net::socket_with(AddressFamily::INET6, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    sockopt::set_ipv6_v6only(&socket, false)?;
    // A port whose connections of before still close is free all the same.
    sockopt::set_socket_reuseaddr(&socket, true)?;
    rustix::net::bind(&socket, &wanted)?;
    rustix::net::listen(&socket, BACKLOG)?;
    Ok(TcpListener::from(socket))
}

fn no_ipv6(error: &io::Error) -> bool {
    use rustix::io::Errno;
    matches!(error.raw_os_error().map(Errno::from_raw_os_error), Some(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv6Addr, TcpStream};
    use std::process::{Command, Stdio};

    fn any() -> SocketAddr {
        SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0))
    }

    /// Whether nobody else could listen for IPv4 on the listener's port: it does itself.
    fn takes_ipv4(listener: &TcpListener) -> bool {
        let port = listener.local_addr().expect("an address").port();
        TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_err()
    }

    #[test]
    fn the_default_listener_serves_both_families() {
        let listener = open(any()).expect("opened");
        assert!(takes_ipv4(&listener));
        let port = listener.local_addr().expect("an address").port();
        // In a network of its own (below) nothing is up but what listens.
        if std::env::var_os("ALONE").is_none() {
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("over IPv4");
            if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
                TcpStream::connect((Ipv6Addr::LOCALHOST, port)).expect("over IPv6");
            }
        }
        assert!(open(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port))).is_err(), "it is taken");
    }

    /// The test above in a network whose settings say otherwise. Where no such network may be made, nothing is shown.
    #[test]
    fn it_does_so_whatever_the_hosts_settings_are() {
        let this = std::env::current_exe().expect("this program");
        for setting in ["bindv6only", "conf/all/disable_ipv6"] {
            let file = format!("/proc/sys/net/ipv6/{setting}");
            let script = format!("test -w {file} && echo 1 > {file} && echo set && exec \"$0\" --exact \"$1\"");
            let mut command = Command::new("unshare");
            command.args(["-rn", "sh", "-c", &script]).arg(&this);
            command.arg("agent::port::tests::the_default_listener_serves_both_families");
            let Ok(run) = command.env("ALONE", "1").stdin(Stdio::null()).output() else { return };
            let said = String::from_utf8_lossy(&run.stdout);
            if said.starts_with("set") {
                assert!(run.status.success() && said.contains("1 passed"), "{setting}: {said}");
            }
        }
    }

    #[test]
    fn a_kernel_without_ipv6_is_told_from_a_port_that_is_taken() {
        use rustix::io::Errno;
        for (errno, without) in [(Errno::AFNOSUPPORT, true), (Errno::ADDRNOTAVAIL, true), (Errno::ADDRINUSE, false)] {
            assert_eq!(no_ipv6(&errno.into()), without);
        }
    }
}
