//! From SIGKILL of Rundeck to the first 503: users that come later are sent to other nodes.

use crate::http::Kept;
use crate::node::{Node, StandIn};
use crate::start::millis;
use crate::table::{Row, Sample, Unit};
use crate::{Measured, wait};
use std::time::Instant;

const RUNS: usize = 20;

/// The way up alone is shortened: rounds are the product's own 5 s once it is up, so that only the watched end of the
/// process can be the cause.
const PACES: &str = "fast_interval = \"200ms\"\nsettle = \"500ms\"\n";

const MS: Unit = Unit::new("ms", 2);

/// A node of its own for each kill: up, registered, steady. An agent that has only just seen its Rundeck come back may
/// still be looking for the new process, and would answer by its next probe.
///
/// # Errors
/// A node does not come.
pub fn measure() -> Measured<Vec<Row>> {
    let stand_in = StandIn::build()?;
    let mut times = Vec::new();
    let mut texts = Vec::new();
    for _ in 0..RUNS {
        let (time, text) = kill(&mut Node::start(&stand_in, PACES)?)?;
        times.push(time);
        texts.push(text);
    }
    texts.sort();
    texts.dedup();
    let how = format!("polled without a pause on a kept-alive connection; it said `{}`", texts.join("`, `"));
    Ok(vec![Row::of("SIGKILL of Rundeck to the first 503", &Sample::new(times), &MS.at_most(20.0)).remark(&how)])
}

fn kill(node: &mut Node) -> Measured<(f64, String)> {
    let mut connection = Kept::open(node.agent.health)?;
    connection.check()?;
    let began = Instant::now();
    node.rundeck.kill()?;
    while began.elapsed() < wait::PATIENCE {
        let reply = connection.check()?;
        if reply.status == 503 {
            return Ok((millis(began.elapsed()), reply.body));
        }
    }
    Err("the agent still says that a killed Rundeck serves".into())
}
