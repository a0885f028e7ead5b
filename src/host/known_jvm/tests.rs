//! A real process, looked at again and again: what is seen, what it costs, and which files it opens.

use super::*;
use crate::host::process::tests::Server;
use crate::host::process::{Found, find_rundeck};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

impl Server {
    fn jvm(&self) -> Jvm {
        let Ok(Found::One(jvm)) = find_rundeck(self.rundeck) else { panic!("not found by its socket") };
        jvm
    }

    /// The same process as if its arguments had claimed the port.
    fn claiming(&self, user: u32) -> KnownJvm {
        let jvm = Jvm { how: How::ByArguments, user_id: Some(user), ..self.jvm() };
        KnownJvm::new(jvm, self.rundeck).expect("sysinfo")
    }
}

#[test]
fn a_known_process_is_seen_until_it_ends() {
    let mut server = Server::start(3);
    let jvm = server.jvm();
    let mut known = KnownJvm::new(jvm.clone(), server.rundeck).expect("sysinfo");
    let seen = known.look().expect("it lives");
    assert!(seen.memory > 100_000 && seen.threads == 4, "{seen:?}");
    assert!(seen.stopping == Some(false) && seen.stranger.is_none(), "{seen:?}");
    let other = Jvm { start_ticks: jvm.start_ticks + 1, ..jvm };
    assert_eq!(KnownJvm::new(other, server.rundeck).expect("sysinfo").look(), None, "another process");
    server.child.kill().and_then(|()| server.child.wait().map(drop)).expect("ended");
    assert_eq!(known.look(), None);
}

#[test]
fn somebody_elses_socket_on_the_port_is_seen() {
    let mut server = Server::start(0);
    let jvm = server.jvm();
    let user = jvm.user_id.expect("a user");
    assert_eq!(server.claiming(user).look().expect("it lives").stranger, None, "its own socket");
    let mut other = server.claiming(user + 1);
    assert_eq!(other.look().expect("it lives").stranger, Some(user), "of another user than the process");
    let by_socket = Jvm { user_id: Some(user + 1), ..jvm };
    let seen = KnownJvm::new(by_socket, server.rundeck).and_then(|mut known| known.look());
    assert_eq!(seen.expect("it lives").stranger, None, "a port that the arguments do not claim may have a proxy");
    let nowhere = Endpoint { port: 1, ..server.rundeck };
    assert_eq!(sockets::stranger(nowhere, user + 1), None, "nobody listens");
    server.child.kill().expect("ended");
}

#[test]
fn a_process_in_another_network_is_told_from_one_in_ours() {
    assert!(shares_our_network(std::process::id()));
    assert!(!shares_our_network(u32::MAX), "nobody can tell");
    let mut command = Command::new("unshare");
    command.args(["-rn", "sh", "-c", "echo in; read x"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut child) = command.spawn() else { return };
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().expect("stdout")).read_line(&mut line).expect("a line or its end");
    // Where it may not, it has ended without a word.
    assert!(line.is_empty() || !shares_our_network(child.id()), "a network of its own");
    drop(child.stdin.take());
    child.wait().expect("ended");
}

#[test]
fn a_look_stays_far_below_a_millisecond() {
    let server = Server::start(200);
    let mut known = server.claiming(server.jvm().user_id.expect("a user"));
    for _ in 0..3 {
        known.look().expect("it lives");
    }
    let times = (0..50).map(|_| {
        let began = Instant::now();
        known.look().expect("it lives");
        began.elapsed()
    });
    // The best of many: other tests run beside this one.
    let best = times.min().expect("fifty");
    assert!(best < Duration::from_millis(1), "{best:?}");
}
