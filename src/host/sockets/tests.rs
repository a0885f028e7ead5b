//! Real sockets on loopback: what is in flight and what is not.

use super::*;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

/// A Rundeck of one connection: it accepts, and reads and answers when it is told to.
struct Server {
    listener: TcpListener,
}

impl Server {
    fn start(address: Ipv4Addr) -> Self {
        Self { listener: TcpListener::bind((address, 0)).expect("a port") }
    }

    fn endpoint(&self) -> Endpoint {
        let at = self.listener.local_addr().expect("an address");
        Endpoint { address: Some(at.ip()), port: at.port() }
    }

    fn accept(&self) -> TcpStream {
        self.listener.accept().expect("a client").0
    }
}

/// A client in a process of its own, for connections of this process are the agent's own and never counted.
struct Client(Child);

impl Client {
    /// Connects, sends what it reads from us line by line, and prints what comes back.
    fn connect(to: Endpoint) -> Self {
        let program = "import socket,sys\n\
            s=socket.create_connection((sys.argv[1],int(sys.argv[2])))\n\
            for line in sys.stdin:\n    s.sendall(line.encode())\n";
        let address = to.address.expect("an address").to_string();
        let child = Command::new("python3")
            .args(["-c", program, &address, &to.port.to_string()])
            .stdin(Stdio::piped())
            .spawn()
            .expect("python3");
        Self(child)
    }

    fn send(&mut self, line: &str) {
        let input = self.0.stdin.as_mut().expect("stdin");
        writeln!(input, "{line}").and_then(|()| input.flush()).expect("sent");
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Looks until the answer is the wanted one; the kernel's counters and the two processes need their time. A look takes
/// some milliseconds, so this is at least ten seconds.
fn comes_to(endpoint: Endpoint, wanted: Option<u32>) -> bool {
    (0..5_000).any(|_| {
        std::thread::yield_now();
        in_flight(endpoint) == wanted
    })
}

fn read_line(connection: &mut TcpStream) {
    let mut byte = [0];
    while byte != *b"\n" {
        connection.read_exact(&mut byte).expect("a byte");
    }
}

#[test]
fn a_request_is_in_flight_until_a_second_after_its_answer() {
    let server = Server::start(Ipv4Addr::LOCALHOST);
    let endpoint = server.endpoint();
    assert_eq!(in_flight(endpoint), Some(0), "nobody is there");

    let mut client = Client::connect(endpoint);
    let mut connection = server.accept();
    assert_eq!(in_flight(endpoint), Some(0), "connected, nothing asked");

    client.send("one");
    assert!(comes_to(endpoint, Some(1)), "asked, not yet read");
    read_line(&mut connection);
    assert_eq!(in_flight(endpoint), Some(1), "read, not answered");

    let counted = (0..1_000).any(|_| {
        connection.write_all(b"answer").expect("answered");
        in_flight(endpoint) == Some(1)
    });
    assert!(counted, "answered just now");
    assert!(comes_to(endpoint, Some(0)), "kept alive, idle");

    client.send("two");
    assert!(comes_to(endpoint, Some(1)), "asked again on the same connection");
    drop(client);
    assert!(comes_to(endpoint, Some(0)), "the client has gone");
}

#[test]
fn the_agents_own_connections_are_not_counted() {
    let server = Server::start(Ipv4Addr::LOCALHOST);
    let endpoint = server.endpoint();
    let mut own = TcpStream::connect(server.listener.local_addr().expect("address")).expect("connected");
    let mut accepted = server.accept();
    writeln!(own, "GET /health").expect("asked");
    read_line(&mut accepted);
    assert_eq!(in_flight(endpoint), Some(0), "the agent's own request");

    let mut client = Client::connect(endpoint);
    let _connection = server.accept();
    client.send("GET /");
    assert!(comes_to(endpoint, Some(1)), "only the other one's");
}

#[test]
fn a_java_like_listener_for_both_families_is_read_through_mapped_addresses() {
    // The JVM listens on [::] and takes IPv4 clients there: its end is IPv6, theirs is IPv4.
    let Ok(listener) = TcpListener::bind("[::]:0") else {
        return; // a kernel without IPv6 has no such listener
    };
    let port = listener.local_addr().expect("address").port();
    let endpoint = Endpoint { address: Some(Ipv4Addr::LOCALHOST.into()), port };
    let mut own = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("connected");
    let (mut accepted, _) = listener.accept().expect("accepted");
    writeln!(own, "GET /health").expect("asked");
    read_line(&mut accepted);
    assert_eq!(in_flight(endpoint), Some(0), "the agent's own request");

    let mut client = Client::connect(endpoint);
    let _connection = listener.accept().expect("accepted");
    client.send("GET /");
    assert!(comes_to(endpoint, Some(1)));
    assert_eq!(in_flight(Endpoint { address: None, port }), Some(1));
}

#[test]
fn two_rundecks_on_one_port_are_told_apart_by_their_addresses() {
    let first = Server::start(Ipv4Addr::new(127, 0, 0, 1));
    let port = first.endpoint().port;
    let Ok(second) = TcpListener::bind((Ipv4Addr::new(127, 0, 0, 2), port)) else {
        return; // somebody else took the port there
    };
    let mut client = Client::connect(first.endpoint());
    let _connection = first.accept();
    client.send("GET /");
    assert!(comes_to(first.endpoint(), Some(1)));
    let second_endpoint = Endpoint { address: Some(second.local_addr().expect("address").ip()), port };
    assert_eq!(in_flight(second_endpoint), Some(0));
    assert_eq!(in_flight(Endpoint { address: None, port }), Some(1), "of any of them");
}

#[test]
fn the_rundeck_of_another_loopback_address_is_not_taken_for_ours() {
    let other = Server::start(Ipv4Addr::new(127, 0, 0, 2));
    let ours = Endpoint { address: Some(Ipv4Addr::new(127, 0, 0, 3).into()), port: other.endpoint().port };
    assert_eq!(listening_inodes(other.endpoint()).expect("inodes").len(), 1);
    assert!(listening_inodes(ours).expect("inodes").is_empty(), "ours has not opened its port yet");
}

#[test]
fn where_nothing_listens_nobody_can_tell() {
    let server = Server::start(Ipv4Addr::LOCALHOST);
    let endpoint = server.endpoint();
    drop(server);
    // A child that another test is starting just now may hold a copy of the socket until it has become its program.
    assert!(comes_to(endpoint, None));
}

#[test]
fn the_listening_socket_is_one_of_ours() {
    let server = Server::start(Ipv4Addr::LOCALHOST);
    let listening = listening_inodes(server.endpoint()).expect("inodes");
    assert_eq!(listening.len(), 1);
    assert!(listening.is_subset(&sockets_of(std::process::id()).expect("own sockets")));
}

#[test]
fn equal_times_are_told_apart_by_what_has_moved() {
    let pace = |sent_ms_ago, received_ms_ago, segments| Pace { sent_ms_ago, received_ms_ago, segments };
    assert!(!pace(90, 90, Some((0, 0))).is_busy(), "accepted, silent");
    assert!(pace(9_000, 9_000, Some((1, 0))).is_busy(), "asked right behind the handshake");
    assert!(!pace(9_000, 9_000, Some((1, 1))).is_busy(), "answered within the tick");
    assert!(pace(9_000, 8_000, Some((2, 1))).is_busy(), "asked again");
    assert!(pace(900, 9_000, Some((1, 7))).is_busy(), "a long answer on its way");
    assert!(!pace(1_000, 9_000, Some((1, 7))).is_busy(), "answered a second ago");
    assert!(pace(9_000, 8_000, None).is_busy() && !pace(9_000, 9_000, None).is_busy(), "an old kernel");
}

#[test]
fn a_short_tcp_info_has_fewer_facts_and_too_short_a_one_has_none() {
    let mut info = vec![0_u8; 160];
    for (offset, value) in [(44, 7_u32), (52, 9), (152, 3), (156, 2)] {
        info[offset..offset + 4].copy_from_slice(&value.to_ne_bytes());
    }
    let whole = Pace { sent_ms_ago: 7, received_ms_ago: 9, segments: Some((3, 2)) };
    assert_eq!(Pace::from_tcp_info(&info), Some(whole));
    assert_eq!(Pace::from_tcp_info(&info[..104]), Some(Pace { segments: None, ..whole }));
    assert_eq!(Pace::from_tcp_info(&info[..52]), None);
}

#[test]
fn a_message_of_no_length_ends_the_piece() {
    assert_eq!((aligned(16), aligned(17)), (16, 20));
    assert_eq!(aligned(0), usize::MAX);
}
