//! Third scene: a Rundeck is killed with SIGKILL; how soon its agent says 503, what users lose until the balancer has
//! seen it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::Ordering;
use std::time::Duration;

use rundeck_alb_lab::alb::{State, TargetKey};
use rundeck_alb_lab::clock::{self, Instant};
use rustix::process::{Pid, Signal, kill_process};

use crate::demo::card::Mark;
use crate::demo::stage::{Stage, Trouble};
use crate::demo::story::{Tone, count, span};
use crate::demo::times::{self, GROUP};
use crate::demo::verdict::{Crash, Facts};

/// An agent that still says 200 after this has not noticed.
const NOTICED: Duration = Duration::from_secs(5);

/// Between two questions to the health port: the machine's cores belong to the agent.
const BETWEEN: Duration = Duration::from_micros(500);

/// Plays it on the node at `index`.
///
/// # Errors
/// The agent or the balancer does not notice, or the node does not come back.
pub async fn play(stage: &mut Stage, index: usize, facts: &mut Facts) -> Result<(), Trouble> {
    let card = stage.card(index);
    let name = card.name.clone();
    let at = |what: String| Trouble { what: format!("{name}: {what}"), node: Some(index) };
    let watched = async || card.status().await["rundeck"]["pid"].is_u64();
    stage.until(index, "its agent to watch Rundeck's process", watched).await?;
    let pid = stage.nodes[index].rundeck_pid().ok_or_else(|| at("its Rundeck does not run".to_owned()))?;

    stage.story.say(&name, Tone::Bad, &format!("Rundeck (pid {pid}) is killed with SIGKILL"));
    card.told.store(false, Ordering::Relaxed);
    let health = card.health;
    let measured = tokio::task::spawn_blocking(move || kill_and_ask(health, pid)).await;
    let (killed, took, body) = measured.map_err(|error| at(error.to_string()))?.map_err(at)?;
    stage.story.say(&name, Tone::Bad, &format!("agent answers 503 {body} {} after the kill", span(took)));
    card.mark(Some(Mark { at: killed, what: "the kill" }));
    let lost_jobs = stage.nodes[index].kill_rundeck().await;
    stage.until_state(index, State::Unhealthy).await?;
    let noticed =
        noticed(stage, &card.key, killed).ok_or_else(|| at("the balancer's history lacks the crash".to_owned()))?;
    card.mark(None);
    card.told.store(true, Ordering::Relaxed);
    facts.crash =
        Some(Crash { node: card.key.clone(), name: name.clone(), killed, answered: took, noticed, lost_jobs });

    stage.story.say(
        &name,
        Tone::Plain,
        &format!("Rundeck is started again; {} lost with the old one", count(lost_jobs, "job")),
    );
    let started = stage.nodes[index].start_rundeck(&stage.programs.stand_in, times::BOOTS[0]);
    started.map_err(at)?;
    stage.until_serving(index).await
}

/// When the balancer's own checks took the target out.
fn noticed(stage: &Stage, key: &TargetKey, killed: Instant) -> Option<Instant> {
    let history = stage.world.group(GROUP).history();
    let change =
        history.iter().find(|change| change.target == *key && change.at >= killed && change.state == State::Unhealthy);
    change.map(|change| change.at)
}

/// Kills the process and asks the health port all the time until it says 503. Gives the moment of the kill, how long it
/// took, and the answer's body. It blocks, so that nothing else of the demo stands between the two.
fn kill_and_ask(health: SocketAddr, rundeck: Pid) -> Result<(Instant, Duration, String), String> {
    let mut port = HealthPort::connect(health).map_err(|error| format!("its health port: {error}"))?;
    let mut ask = || port.ask().map_err(|error| format!("its health port: {error}"));
    match ask()? {
        (200, _) => {}
        (status, body) => return Err(format!("its agent answers {status} {body} before the crash")),
    }
    let killed = clock::now();
    kill_process(rundeck, Signal::KILL).map_err(|error| format!("its Rundeck cannot be killed: {error}"))?;
    while killed.elapsed() < NOTICED {
        std::thread::park_timeout(BETWEEN);
        if let (503, body) = ask()? {
            return Ok((killed, killed.elapsed(), body));
        }
    }
    Err(format!("its agent still answers 200 {} s after Rundeck was killed", NOTICED.as_secs()))
}

/// One kept connection to a health port, without a runtime.
struct HealthPort {
    stream: BufReader<TcpStream>,
}

impl HealthPort {
    fn connect(addr: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(addr)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(NOTICED))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Status and body.
    fn ask(&mut self) -> std::io::Result<(u16, String)> {
        self.stream.get_mut().write_all(b"GET /health HTTP/1.1\r\nHost: health\r\n\r\n")?;
        let (mut status, mut length) = (0, 0);
        let mut line = String::new();
        while self.stream.read_line(&mut line)? > 2 {
            if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
                status = rest.get(..3).and_then(|code| code.parse().ok()).unwrap_or_default();
            } else if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap_or_default();
            }
            line.clear();
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }
}
