//! The real agent's health port under a crowd, and when the agent itself cannot run.

use crate::support::{Config, Rundeck, TestAgent, until};
use rustix::net::sockopt::set_socket_linger;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// More memory than 1,000 connections may cost, in KiB: 272 seats at 12 kB, their buffers of 8 KiB, and the allocator's
/// slack.
const ROOM_KIB: u64 = 32 * 1024;

fn resident_kib(agent: &TestAgent) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", agent.pid())).expect("status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

fn descriptors(agent: &TestAgent) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", agent.pid())).expect("descriptors").count()
}

/// 1,000 connections, every other one in the middle of a long header, cost less than 32 MiB.
#[tokio::test]
async fn a_thousand_idle_and_slow_connections_keep_no_check_out_and_memory_is_bounded() {
    let rundeck = Rundeck::ready().await;
    let agent = TestAgent::start(&Config::new(rundeck.addr)).await;
    agent.says("200 ok").await;
    let (before, log) = (resident_kib(&agent), agent.log().len());
    let half = format!("GET /health HTTP/1.1\r\nX: {}", "x".repeat(8_000));
    let mut crowd: Vec<TcpStream> = Vec::new();
    for n in 0..1_000 {
        let mut stream = TcpStream::connect(agent.health).expect("connect");
        if n % 2 == 0 {
            // It may have been sent away already.
            let _ = stream.write_all(half.as_bytes());
        }
        crowd.push(stream);
    }
    for _ in 0..50 {
        assert_eq!(agent.ask().await.line(), "200 ok");
        for stream in crowd.iter_mut().step_by(2) {
            let _ = stream.write_all(b"x");
        }
    }
    let grown = resident_kib(&agent).saturating_sub(before);
    assert!(grown < ROOM_KIB, "grown by {grown} KiB");
    assert!(agent.log().len() < log + 4_000, "{}", agent.log());
    let full = descriptors(&agent);
    assert!(full < 400, "{full} descriptors");
    drop(crowd);
    until("the seats to be free", async || descriptors(&agent) < 60).await;
}

/// HAProxy's checker resets as soon as it has read the status line: 500 such checks leave no descriptor and no log
/// line.
#[tokio::test]
async fn five_hundred_checkers_that_reset_leave_nothing_behind() {
    let rundeck = Rundeck::ready().await;
    let agent = TestAgent::start(&Config::new(rundeck.addr)).await;
    agent.says("200 ok").await;
    let (before, log) = (descriptors(&agent), agent.log().lines().count());
    for _ in 0..500 {
        let mut stream = TcpStream::connect(agent.health).expect("connect");
        set_socket_linger(&stream, Some(Duration::ZERO)).expect("linger");
        stream.write_all(b"OPTIONS /health HTTP/1.0\r\n\r\n").expect("send");
        let mut status = [0; 12];
        stream.read_exact(&mut status).expect("a status line");
        assert_eq!(&status, b"HTTP/1.0 405");
    }
    until("their descriptors to be back", async || descriptors(&agent) <= before + 8).await;
    let lines = agent.log().lines().count();
    assert!(lines < log + 20, "{lines} lines: {}", agent.log());
    assert_eq!(agent.ask().await.line(), "200 ok");
}

/// Bound: no answer after waking comes from a verdict older than `max_age` (2 s here). A round that was under way
/// when the agent stopped ends at its own limit (0.5 s here), and the age counts from there. The check waits in the
/// kernel.
#[tokio::test]
async fn checks_that_waited_for_a_stopped_agent_get_no_old_200() {
    let mut rundeck = Rundeck::ready().await;
    for _ in 0..3 {
        let agent = TestAgent::start(&Config::new(rundeck.addr)).await;
        agent.says("200 ok").await;
        agent.freeze().await;
        let mut waiting: Vec<TcpStream> = (0..20)
            .map(|_| {
                let mut stream = TcpStream::connect(agent.health).expect("the kernel's queue");
                stream.write_all(b"GET /health HTTP/1.0\r\n\r\n").expect("send");
                stream
            })
            .collect();
        rundeck.kill().await;
        crate::support::stays("stopped", Duration::from_millis(2_800), async || true).await;
        agent.signal("CONT");
        for stream in &mut waiting {
            let mut said = String::new();
            stream.read_to_string(&mut said).expect("an answer");
            assert!(said.starts_with("HTTP/1.0 503 "), "{said}");
        }
        drop(agent);
        rundeck = Rundeck::start(rundeck.addr, "5.20", 0, 0).await;
    }
}
