//! A real JVM that was told to end and goes on serving while its jobs run: seen by its own thread, on every version of
//! Rundeck.

use crate::support::{Config, TestAgent, free_port, get, request, until};
use rundeck_alb_agent::host::Endpoint;
use rundeck_alb_agent::watch::process::Finder;
use rundeck_alb_core::{Process, ProcessSeen};
use rundeck_alb_lab::outside::{self, Jvm, War};
use std::net::SocketAddr;
use std::process::Command;

/// The signals that end a JVM, with their numbers (signal(7)).
const SIGNALS: [(&str, u32); 3] = [("TERM", 15), ("INT", 2), ("HUP", 1)];

/// Far longer than a test: a JVM that was told to end stays until it is killed.
const JOB_MS: u32 = 600_000;

/// The program; `None`: no JDK here, which was said.
fn war() -> Option<War> {
    Some(War::build(&outside::java()?).expect("it compiles"))
}

/// A JVM in which a job runs.
async fn working(war: &War) -> Jvm {
    let jvm = war.start(SocketAddr::from(([127, 0, 0, 1], free_port()))).await.expect("it starts");
    let order = format!("POST /job?ms={JOB_MS} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_eq!(request(jvm.addr(), &order).await.status, 200);
    jvm
}

fn signal(jvm: &Jvm, name: &str) {
    let kill = format!("kill -{name} {}", jvm.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().expect("sh").success());
}

/// Whether a process handles a signal: one that was started with it ignored, as behind `&` or `nohup`, does not.
fn handles(pid: u32, number: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("status");
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).expect("SigCgt");
    u64::from_str_radix(caught.trim(), 16).expect("hex") & (1 << (number - 1)) != 0
}

/// Whether the process is on its way out, as the agent looks at it.
async fn stopping(finder: &Finder, known: Option<Process>) -> (Process, bool) {
    match finder.find(known).await {
        ProcessSeen::One(process, seen) => (process, seen.stopping == Some(true)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_signal_that_ends_it_is_seen_by_its_thread_until_its_end() {
    let Some(war) = war() else { return };
    for (name, number) in SIGNALS {
        let mut jvm = working(&war).await;
        if !handles(jvm.id(), number) {
            eprintln!("SIG{name} is ignored by what was started here");
            continue;
        }
        let finder = Finder::new(Endpoint { address: Some(jvm.addr().ip()), port: jvm.addr().port() });
        let (process, before) = stopping(&finder, None).await;
        assert!(!before && !stopping(&finder, Some(process)).await.1, "it works");

        signal(&jvm, name);
        until("the signal to be seen", async || stopping(&finder, Some(process)).await.1).await;
        assert_eq!(get(jvm.addr(), "/health").await.line(), "200 ok", "it says nothing of it");
        // A second one starts a thread that waits for the first: nothing changes.
        signal(&jvm, "TERM");
        assert!(stopping(&finder, Some(process)).await.1);
        jvm.kill();
        assert_eq!(finder.find(Some(process)).await, ProcessSeen::None);
    }
}

#[tokio::test]
async fn the_agent_takes_it_out_while_its_jobs_still_run() {
    let Some(war) = war() else { return };
    let jvm = working(&war).await;
    let mut config = Config::new(jvm.addr());
    config.token = Some("good".into());
    let agent = TestAgent::start(&config).await;
    agent.says("200 ok").await;
    until("its pid", async || agent.status().await["rundeck"]["pid"] == jvm.id()).await;
    jvm.terminate().expect("it lives");
    agent.says("503 down: rundeck-stopping").await;
    assert_eq!(get(jvm.addr(), "/health").await.line(), "200 ok", "Rundeck itself does not say so");
}
