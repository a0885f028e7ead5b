//! What a node costs that just serves: processor time and wake-ups, with nobody asking `/health`.

use crate::agent::{Agent, Plan, free_port};
use crate::node::StandIn;
use crate::table::{Row, Unit};
use crate::{Measured, wait};
use std::fs;
use std::time::{Duration, Instant};

/// Starting up and settling are over by then.
const CALM: Duration = Duration::from_secs(20);

/// Twelve rounds at the product's own interval.
const WATCHED: Duration = Duration::from_secs(60);
const ROUNDS: f64 = 12.0;

const PER_ROUND: Unit = Unit::new("ms", 3);
const PER_SECOND: Unit = Unit::new("1/s", 2);

/// What all threads of a process have used so far.
struct Used {
    /// Nanoseconds on a processor (`/proc/PID/task/TID/schedstat`).
    cpu_ns: u64,
    /// Times that a thread waited and was woken (`voluntary_ctxt_switches`).
    wakes: u64,
}

/// # Errors
/// The node does not come, or `/proc` does not tell.
pub fn measure() -> Measured<Vec<Row>> {
    let rundeck = StandIn::build()?.start(free_port()?)?;
    let mut plan = Plan::alone()?;
    plan.rundeck = rundeck.addr;
    let mut agent = Agent::start(&plan)?;
    agent.answers(200)?;
    wait::pass(CALM);
    let (before, asked) = (used(agent.pid())?, rundeck.requests()?);
    let began = Instant::now();
    wait::pass(WATCHED);
    let (after, answered) = (used(agent.pid())?, rundeck.requests()?);
    let seconds = began.elapsed().as_secs_f64();
    let cpu = after.cpu_ns.saturating_sub(before.cpu_ns) as f64 / 1e6 / ROUNDS;
    let wakes = after.wakes.saturating_sub(before.wakes) as f64 / seconds;
    let how = format!("{} requests to Rundeck in {seconds:.0} s, every check counted", answered.saturating_sub(asked));
    Ok(vec![
        Row::once("processor time for each 5 s round, steady", cpu, &PER_ROUND).remark(&how),
        Row::once("wake-ups while steady, all threads", wakes, &PER_SECOND.at_most(0.6)).remark("nobody asks /health"),
    ])
}

fn used(pid: u32) -> Measured<Used> {
    let mut used = Used { cpu_ns: 0, wakes: 0 };
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let task = task?.path();
        // A worker may end between the list and the look.
        let Ok(schedstat) = fs::read_to_string(task.join("schedstat")) else { continue };
        let status = fs::read_to_string(task.join("status")).unwrap_or_default();
        let number = |text: Option<&str>| text.and_then(|text| text.trim().parse::<u64>().ok()).unwrap_or_default();
        used.cpu_ns += number(schedstat.split(' ').next());
        used.wakes += number(status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")));
    }
    Ok(used)
}
