//! A real JVM with Rundeck's launch arguments, under another user: found, watched, waited for, and seen to die.

use crate::support::{Config, GROUP, TestAgent, free_port, get, request, until, world};
use rundeck_alb_lab::alb::{State, TargetKey};
use rundeck_alb_lab::outside::{self, Jvm, War};
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// A user that owns nothing here. The JVM runs as 65534.
const STRANGER: u32 = 65533;

/// The users that an agent is run as: who runs the test, and where that is root also one who can see no descriptor of
/// the JVM, so that it must be found by its arguments.
fn users() -> Vec<Option<u32>> {
    if std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0) {
        return vec![None, Some(STRANGER)];
    }
    eprintln!("not root: JVM and agent run as the same user here");
    vec![None]
}

fn config(jvm: &Jvm, user: Option<u32>) -> Config {
    let mut config = Config::new(jvm.addr());
    config.token = Some("good".into());
    config.user = user;
    config
}

/// The program, and a JVM of it at an address whose port stands in its arguments. `None`: no JDK here, which was said.
async fn started(address: SocketAddr) -> Option<(War, Jvm)> {
    let war = War::build(&outside::java()?).expect("it compiles");
    let jvm = war.start(address).await.expect("it starts");
    Some((war, jvm))
}

fn somewhere() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], free_port()))
}

/// Whether this user can list the descriptors of a process.
fn sees_descriptors(user: u32, pid: u32) -> bool {
    let listing = Command::new("ls").arg(format!("/proc/{pid}/fd")).uid(user).gid(user).output().expect("ls runs");
    listing.status.success()
}

#[tokio::test]
async fn it_is_found_by_its_arguments_alone_and_its_end_is_seen() {
    let Some((war, other)) = started(somewhere()).await else { return };
    for user in users() {
        // The other Rundeck of this machine runs beside it all the time, on its own port.
        let mut jvm = war.start(somewhere()).await.expect("it starts");
        let agent = TestAgent::start(&config(&jvm, user)).await;
        agent.says("200 ok").await;
        until("its pid", async || agent.status().await["rundeck"]["pid"] == jvm.id()).await;
        if let Some(user) = user {
            assert!(!sees_descriptors(user, jvm.id()), "by its arguments, not by its socket");
        }
        jvm.kill();
        agent.says("503 down: exited").await;
        assert_eq!(get(other.addr(), "/health").await.line(), "200 ok", "the other one lives");
    }
}

#[tokio::test]
async fn a_drain_waits_for_the_job_that_runs_in_it() {
    let (traffic, health) = (free_port(), free_port());
    let world = world(1, traffic, health);
    let address = world.node(0).address;
    let Some((_war, mut jvm)) = started(SocketAddr::from((address, traffic))).await else { return };
    let user = users().pop().flatten();
    let mut config = config(&jvm, user).in_world(&world, 0);
    config.listen = SocketAddr::from((address, health));
    let mut agent = TestAgent::start(&config).await;
    let key = TargetKey::new(&world.node(0).instance_id, traffic);
    until("the balancer to say healthy", async || world.group(GROUP).health(&key).state == State::Healthy).await;

    let started = request(jvm.addr(), "POST /job?ms=4000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert_eq!(started.status, 200, "{started:?}");
    until("the job to be seen", async || agent.status().await["rundeck"]["running"] == 1).await;
    agent.signal("TERM");
    agent.says("503 draining: agent-stopping").await;
    assert_eq!(agent.end().await.code(), Some(0), "{}", agent.log());

    let receipt = agent.receipts().pop().expect("a receipt");
    assert_eq!(receipt["result"], "clean", "{receipt}");
    assert_eq!(receipt["running_jobs_waited_for"], 1, "{receipt}");
    assert_eq!(receipt["running_jobs_left"], 0, "{receipt}");
    assert_eq!(receipt["target_groups"][0]["deregistered"], true, "{receipt}");
    // The agent took Rundeck out of service; stopping it is for its own service.
    assert_eq!(get(jvm.addr(), "/health").await.line(), "200 ok");
    jvm.terminate().expect("it lives");
    assert_eq!(jvm.end().await.expect("it ends").code(), Some(143));
}
