//! The answer while everything behind it is stuck: each probe hangs, no Rundeck process is found, so that the whole
//! process table is scanned again and again. The load balancer must not notice.

use crate::agent::{Agent, Plan, free_port};
use crate::node::StandIn;
use crate::start::millis;
use crate::table::{Row, Sample, Unit};
use crate::{Measured, http, wait};
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

/// Rounds, quiet and stuck in turn.
const ROUNDS: usize = 3;

/// Checks in a round: 12 s, in which a process that is not known is looked for at least once.
const CHECKS: u32 = 6_000;
const PERIOD: Duration = Duration::from_millis(2);

const RATIO: Unit = Unit::new("x", 2);
const MS: Unit = Unit::new("ms", 3);

/// # Errors
/// An agent does not come or does not answer.
pub fn measure() -> Measured<Vec<Row>> {
    let rundeck = StandIn::build()?.start(free_port()?)?;
    let mut calm = Plan::alone()?;
    calm.rundeck = rundeck.addr;
    let mut quiet = Agent::start(&calm)?;
    quiet.answers(200)?;
    // The kernel accepts for a listener that never does: connections succeed, nothing is answered.
    let silent = TcpListener::bind(free_port()?)?;
    let mut plan = Plan::alone()?;
    plan.rundeck = silent.local_addr()?;
    let mut stuck = Agent::start(&plan)?;
    stuck.answers(503)?;
    let (mut calm, mut loaded) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        calm.push(round(quiet.health, 200)?);
        loaded.push(round(stuck.health, 503)?);
    }
    let p99 = |rounds: &[Sample]| rounds.iter().map(|round| round.quantile(0.99)).collect::<Vec<f64>>();
    let ratios = p99(&loaded).iter().zip(p99(&calm)).map(|(loaded, calm)| loaded / calm).collect();
    let remark = format!("quiet: {:.3} ms", Sample::new(p99(&calm)).quantile(0.5));
    Ok(vec![
        Row::of("p99 of a check, every probe hanging and processes scanned", &Sample::new(p99(&loaded)), &MS)
            .remark("500 checks/s"),
        Row::of("the same, to a quiet agent in the same run", &Sample::new(ratios), &RATIO.at_most(2.0))
            .remark(&remark),
    ])
}

fn round(addr: SocketAddr, status: u16) -> Measured<Sample> {
    let mut times = Vec::new();
    wait::paced(CHECKS, PERIOD, || {
        let began = Instant::now();
        let reply = http::get(addr, "/health")?;
        times.push(millis(began.elapsed()));
        if reply.status == status { Ok(()) } else { Err(format!("{addr} answered {reply:?}").into()) }
    })?;
    Ok(Sample::new(times))
}
