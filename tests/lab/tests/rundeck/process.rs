//! The binary as a real process: its lines, its control endpoint, SIGTERM, SIGKILL.

use std::net::SocketAddr;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::client::{Ask, Failure, PATIENCE, ask};

/// What Rundeck's launcher gives a JVM.
const LAUNCH: [&str; 7] = [
    "-Drundeck.jaaslogin=true",
    "-Drdeck.base=/var/lib/rundeck",
    "-Dserver.http.port=4440",
    "-Xmx1024m",
    "-jar",
    "/var/lib/rundeck/bootstrap/rundeck-5.20.1.war",
    "--skipinstall",
];

struct Node {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    addr: SocketAddr,
    control: SocketAddr,
}

impl Node {
    async fn start(flags: &[&str]) -> Node {
        let mut child = Command::new(env!("CARGO_BIN_EXE_rundeck-stand-in"))
            .args(LAUNCH)
            .args(["--listen", "127.0.0.1:0", "--control=127.0.0.1:0", "--token", "FILE-TOKEN=secret"])
            .args(flags)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the binary starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let control = told(&mut lines, "control ").await;
        let addr = told(&mut lines, "listening ").await;
        Node { child, lines, addr: addr.parse().expect("an address"), control: control.parse().expect("an address") }
    }

    async fn line(&mut self, wanted: &str) {
        told(&mut self.lines, wanted).await;
    }

    /// One command on the control endpoint.
    async fn order(&self, method: &str, path: &str) -> serde_json::Value {
        let reply = ask(self.control, &Ask::get(path).method(method)).await.expect("an answer");
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()
    }
}

/// The rest of the first line that starts with `wanted`.
async fn told(lines: &mut Lines<BufReader<ChildStdout>>, wanted: &str) -> String {
    let search = async {
        while let Some(line) = lines.next_line().await.expect("readable") {
            if let Some(rest) = line.strip_prefix(wanted) {
                return rest.to_owned();
            }
        }
        panic!("stdout ended without {wanted:?}");
    };
    tokio::time::timeout(PATIENCE, search).await.unwrap_or_else(|_| panic!("no line {wanted:?}"))
}

#[tokio::test]
async fn it_boots_and_obeys() {
    let mut node =
        Node::start(&["--version", "5.20", "--boot-ms", "20", "--bootstrap-ms", "60", "--name", "node-1"]).await;
    node.line("ready").await;
    let info = ask(node.addr, &Ask::get("/api/58/system/info").token("secret")).await.expect("an answer").json();
    assert_eq!(info["system"]["rundeck"]["node"], "node-1");

    node.order("POST", "/fault/other-body?scope=health").await;
    assert_ne!(ask(node.addr, &Ask::get("/health")).await.expect("an answer").body, "ok");
    node.order("POST", "/heal/other-body").await;
    assert_eq!(ask(node.addr, &Ask::get("/health")).await.expect("an answer").body, "ok");
    assert_eq!(ask(node.control, &Ask::get("/fault/nosuch").method("POST")).await.map(|reply| reply.status), Ok(400));
}

#[tokio::test]
async fn at_sigterm_it_waits_for_its_job() {
    let mut node = Node::start(&["--version", "4.17"]).await;
    node.line("ready").await;
    node.order("POST", "/job?ms=1500").await;
    let stats = node.order("GET", "/stats").await;
    assert_eq!((&stats["mode"], &stats["running"], &stats["killed"]), (&"active".into(), &1.into(), &0.into()));
    let pid = node.child.id().expect("it runs").to_string();
    let sent = Command::new("sh").args(["-c", "kill -TERM \"$0\"", &pid]).status().await.expect("sh runs");
    assert!(sent.success());
    node.line("stopping").await;
    assert_eq!(ask(node.addr, &Ask::get("/health")).await.expect("an answer").body, "ok");
    node.line("job 1 finished").await;
    let status = tokio::time::timeout(PATIENCE, node.child.wait()).await.expect("it ends").expect("waited");
    assert_eq!(status.code(), Some(143));
}

#[tokio::test]
async fn killed_jobs_are_those_that_began_and_never_ended() {
    let mut node = Node::start(&["--version=6.1"]).await;
    node.line("ready").await;
    node.order("POST", "/job?ms=60000").await;
    node.line("job 1 started for 60000 ms").await;
    node.child.kill().await.expect("killed");
    assert_eq!(ask(node.addr, &Ask::get("/health")).await, Err(Failure::Refused));
    while let Some(line) = node.lines.next_line().await.expect("readable") {
        assert!(!line.contains("finished"), "{line}");
    }
}

#[tokio::test]
async fn a_failed_bootstrap_ends_with_1_and_bad_flags_with_2() {
    let mut node = Node::start(&["--bootstrap", "exits", "--bootstrap-ms", "60"]).await;
    let status = tokio::time::timeout(PATIENCE, node.child.wait()).await.expect("it ends").expect("waited");
    assert_eq!(status.code(), Some(1));
    for flags in [["--version", "7.0"], ["--listen", "nowhere"], ["--nosuch", "x"], ["--boot-ms", "soon"]] {
        let ended = Command::new(env!("CARGO_BIN_EXE_rundeck-stand-in")).args(flags).output().await.expect("it starts");
        assert_eq!(ended.status.code(), Some(2), "{flags:?}");
        assert!(String::from_utf8_lossy(&ended.stderr).contains("usage:"));
    }
}
