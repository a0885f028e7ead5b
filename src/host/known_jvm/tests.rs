//! A real process, looked at again and again: what is seen, and what it costs.

use super::*;
use crate::host::process::tests::Server;
use crate::host::process::{Found, find_rundeck};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

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

/// How often this thread has read from a file; `None`: this kernel does not count that.
fn reads() -> Option<u64> {
    let counted = std::fs::read_to_string("/proc/thread-self/io").ok()?;
    counted.lines().find_map(|line| line.strip_prefix("syscr: ")?.parse().ok())
}

/// What makes a look cheap enough for the thread of the loop: it does not grow with the number of threads.
#[test]
fn a_look_reads_a_few_files_however_many_threads_there_are() {
    const THREADS: u64 = 200;
    /// `stat`, `statm` and what sysinfo reads of the machine, in pieces; the measuring itself.
    const FEW: u64 = 20;
    let server = Server::start(200);
    let mut known = server.claiming(server.jvm().user_id.expect("a user"));
    let mut look = || {
        let before = reads();
        known.look().expect("it lives");
        reads().zip(before).map(|(after, before)| after - before)
    };
    let Some(first) = look() else { return };
    assert!(first >= THREADS, "the name of each thread: {first}");
    look();
    let later = look().expect("counted before");
    assert!(later <= FEW, "{later}");
}
