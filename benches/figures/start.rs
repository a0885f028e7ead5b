//! From exec to the first HTTP answer on the health port, whatever it says: a new agent is `booting`.

use crate::agent::{Agent, free_port};
use crate::node::Lab;
use crate::table::{Row, Sample, Unit};
use crate::{Measured, http, wait};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const RUNS: usize = 21;

/// Between two tries to connect.
const POLL: Duration = Duration::from_micros(50);

const MS: Unit = Unit::new("ms", 2);

/// Times are from just before the process is made. The agent has a group, so it builds its AWS client meanwhile.
///
/// # Errors
/// An agent does not start.
pub fn measure() -> Measured<Vec<Row>> {
    let (health, rundeck) = (free_port()?, free_port()?);
    let lab = Lab::start(rundeck.port(), health.port())?;
    let plan = lab.plan(health, rundeck, "");
    let mut answers = Vec::new();
    let mut execs = Vec::new();
    for _ in 0..RUNS {
        answers.push(first_answer(&Agent::start(&plan)?)?);
        execs.push(exec_of_true()?);
    }
    Ok(vec![
        Row::of("exec to the first answer of /health", &Sample::new(answers), &MS.at_most(5.0))
            .remark("polled every 50 µs; AWS client built meanwhile"),
        Row::of("for scale: exec of `true` to its end", &Sample::new(execs), &MS)
            .remark("what the machine takes for a process"),
    ])
}

fn first_answer(agent: &Agent) -> Measured<f64> {
    while agent.began.elapsed() < wait::PATIENCE {
        let tried = Instant::now();
        match TcpStream::connect(agent.health) {
            Ok(stream) => {
                http::ask_once(stream, agent.health, "/health")?;
                return Ok(millis(agent.began.elapsed()));
            }
            Err(_) => wait::rest_until(tried + POLL),
        }
    }
    Err("the agent does not answer".into())
}

fn exec_of_true() -> Measured<f64> {
    let began = Instant::now();
    Command::new("true").stdin(Stdio::null()).status()?;
    Ok(millis(began.elapsed()))
}

/// Milliseconds with their fraction.
pub fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}
