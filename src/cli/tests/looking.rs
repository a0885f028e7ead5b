//! `check` against the Rundeck stand-in: words, exit codes, JSON.

use super::{Ran, Tested, run_in};
use rundeck_alb_lab::rundeck::{Config, Life, Mode, Phases, Rundeck, Version};
use serde_json::Value;
use std::error::Error;
use std::fs;
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

const TOKEN: &str = "t0ken-of-the-test";
/// Far longer than the stand-in takes to start on a busy machine.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// A Rundeck on a thread of its own: the command has a runtime of its own. It ends when it is dropped.
struct StandIn {
    url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl StandIn {
    fn start(change: impl FnOnce(&mut Config), until: Life) -> Result<StandIn, Box<dyn Error>> {
        let mut config = Config::new(Version::V5_20, TOKEN);
        change(&mut config);
        let (stop, stopped) = oneshot::channel();
        let (told, url) = mpsc::sync_channel(1);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                let Ok(rundeck) = Rundeck::start(config) else { return };
                rundeck.reach(until).await;
                // A test that has ended needs neither.
                let _ = told.send(rundeck.url());
                let _ = stopped.await;
            });
        });
        Ok(StandIn { url: url.recv_timeout(LONGEST_WAIT)?, stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        drop(self.stop.take());
        drop(self.thread.take().map(JoinHandle::join));
    }
}

/// Runs `check` with these flags, a configuration `more` and the token in a file.
fn check(url: &str, more: &str, line: &str) -> Result<Ran, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let token = folder.path().join("token");
    fs::write(&token, TOKEN)?;
    let config = format!("[rundeck]\nurl = \"{url}\"\ntoken_file = \"{}\"\n{more}", token.display());
    fs::write(folder.path().join("agent.toml"), config)?;
    run_in(folder.path(), &[], false, line)
}

/// The lines without what is another time each time: address and durations.
fn lines(ran: &Ran, url: &str) -> Vec<String> {
    let line = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let timed = matches!(words.last(), Some(&"ms" | &"s")) && words.len() > 2;
        let kept = if timed { &words[..words.len() - 2] } else { &words[..] };
        kept.join(" ").replace(url, "URL")
    };
    ran.out.lines().map(line).collect()
}

#[test]
fn a_rundeck_that_serves_is_up() -> Tested {
    let rundeck = StandIn::start(|_| {}, Life::Ready)?;
    let ran = check(&rundeck.url, "", "check")?;
    let told = lines(&ran, &rundeck.url);
    // The machine's own load and disk are real: what they say of it is no part of the case.
    let pressed = told.iter().skip(6).any(|line| line.split(' ').nth(1) == Some("fail"));
    assert!(ran.code(u8::from(pressed)), "{ran:?}");
    assert!(pressed || told[0] == "UP: Rundeck at URL", "{ran:?}");
    assert_eq!(
        told[1..6],
        [
            "",
            "process unknown not found",
            "web pass 200 ok",
            "readiness unknown this Rundeck shows no readiness state",
            "api pass active, 0 jobs running"
        ]
    );
    let rest: Vec<&str> = told[6..].iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(rest, ["disk", "memory", "load"]);
    let json = check("http://127.0.0.1:1", "", &format!("check --output json --url {}", rundeck.url))?;
    let said: Value = serde_json::from_str(&json.out)?;
    assert_eq!(said["url"], rundeck.url);
    let up = json.code(0) && said["verdict"] == "up" && said["reason"] == Value::Null;
    assert!(up || (pressed && json.code(1) && said["verdict"] == "degraded"), "{said}");
    assert_eq!(said["checks"][1]["check"], "web");
    assert_eq!(said["checks"][3]["check"], "api");
    assert!(said["checks"][3]["took_ms"].is_u64(), "{said}");
    Ok(())
}

#[test]
fn passive_goes_by_the_configured_rule() -> Tested {
    let rundeck = StandIn::start(|config| config.mode = Mode::Passive, Life::Ready)?;
    let out = check(&rundeck.url, "", "check")?;
    assert!(out.code(2) && out.out.starts_with("DOWN (passive): "), "{out:?}");
    let stays = check(&rundeck.url, "[health]\npassive = \"in\"\n", "check")?;
    assert!(stays.code(1) && stays.out.starts_with("DEGRADED (passive): "), "{stays:?}");
    Ok(())
}

#[test]
fn a_port_that_refuses_is_down() -> Tested {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let ran = check(&format!("http://127.0.0.1:{port}"), "", "check")?;
    assert!(ran.code(2) && ran.out.starts_with("DOWN (refused): "), "{ran:?}");
    Ok(())
}

#[test]
fn a_rundeck_that_still_starts_is_down() -> Tested {
    let long = Phases::new(Duration::ZERO, Duration::from_secs(3600));
    let rundeck = StandIn::start(|config| config.phases = long, Life::Plugins)?;
    let ran = check(&rundeck.url, "", "check")?;
    assert!(ran.code(2) && ran.out.starts_with("DOWN (waiting): "), "{ran:?}");
    Ok(())
}

#[test]
fn what_says_nothing_about_rundeck_is_3() -> Tested {
    let named = |config: &mut Config| config.allowed_host = Some("rundeck.example.com".to_owned());
    let rundeck = StandIn::start(named, Life::Ready)?;
    let ran = check(&rundeck.url, "", "check")?;
    assert!(ran.code(3) && ran.out.starts_with("UNKNOWN: "), "{ran:?}");
    let ran = check(&rundeck.url, "[nonsense]\n", "check")?;
    assert!(ran.code(3) && ran.err.starts_with("error: RUN/agent.toml:"), "{ran:?}");
    let ran = check("http://127.0.0.1:1", "", "check --url ftp://x")?;
    assert!(ran.code(3) && ran.err.starts_with("error: flag --url: "), "{ran:?}");
    Ok(())
}
