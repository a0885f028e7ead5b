//! Memory after an hour-like run: about an hour's probes and far more than an hour's checks, in 80 s.

use crate::agent::{Agent, Plan};
use crate::node::{Node, StandIn};
use crate::table::{Row, Unit};
use crate::{Measured, http, wait};
use std::fs;
use std::time::Duration;

/// Two balancer nodes that ask every 5 s come to 1,440 an hour.
const CHECKS: u32 = 10_000;

/// Makes the run last 80 s.
const CHECK_PERIOD: Duration = Duration::from_millis(8);

/// Near the shortest that are accepted: each kind of probe some 500 times, where an hour at the product's own paces has
/// 720 of `/health` and 240 with the token. The reconcile interval makes 80 looks at AWS; an hour has 12.
const PACES: &str = "interval = \"150ms\"\nfast_interval = \"150ms\"\ndown_interval = \"150ms\"\n\
    api_interval = \"150ms\"\n\
                     connect_timeout = \"100ms\"\ntimeout = \"120ms\"\nsettle = \"300ms\"\n\
                     [membership]\nreconcile_interval = \"1s\"\n";

const MB: Unit = Unit::new("MB", 2);

/// MB are 10^6 bytes everywhere.
///
/// # Errors
/// The node does not come, or an answer fails.
pub fn measure() -> Measured<Vec<Row>> {
    let stand_in = StandIn::build()?;
    let bare = without_aws(&stand_in)?;
    let node = Node::start(&stand_in, PACES)?;
    let before = Memory::of(node.agent.pid())?;
    let probes = node.rundeck.requests()?;
    wait::paced(CHECKS, CHECK_PERIOD, || {
        let reply = http::get(node.agent.health, "/health")?;
        // A blink of the node on a busy machine costs no figure; it is the work that counts.
        if matches!(reply.status, 200 | 503) { Ok(()) } else { Err(format!("{reply:?}").into()) }
    })?;
    let after = Memory::of(node.agent.pid())?;
    let probes = node.rundeck.requests()? - probes;
    let calls = node.lab.world.api().calls().total();
    let how = format!("10,000 checks, {probes} requests to Rundeck, {calls} AWS calls; {} threads", after.threads);
    let private =
        format!("{:.2} MB anonymous (heap, stacks, relocations); peak of RSS {:.2} MB", after.anonymous, after.peak);
    Ok(vec![
        Row::once("RSS after an hour-like run", after.rss, &MB.at_most(10.0)).remark(&how),
        Row::once("PSS after the same", after.pss, &MB).remark("pages shared with other processes count by share"),
        Row::once("private memory after the same", after.private, &MB).remark(&private),
        Row::once("RSS before it, just registered", before.rss, &MB)
            .remark("what the run itself added is the difference"),
        Row::once("RSS without AWS", bare.rss, &MB)
            .remark(&format!("up, no group, no metadata; {:.2} MB anonymous", bare.anonymous)),
    ])
}

fn without_aws(stand_in: &StandIn) -> Measured<Memory> {
    let mut plan = Plan::alone()?;
    let _rundeck = stand_in.start(plan.rundeck)?;
    plan.more = "settle = \"1s\"\n".to_owned();
    let mut agent = Agent::start(&plan)?;
    agent.answers(200)?;
    Memory::of(agent.pid())
}

/// Of one process, in MB.
struct Memory {
    rss: f64,
    pss: f64,
    private: f64,
    anonymous: f64,
    peak: f64,
    threads: u64,
}

impl Memory {
    fn of(pid: u32) -> Measured<Memory> {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let mb = |text: &str, name: &str| number(text, name).map(|kib| kib as f64 * 1024.0 / 1e6);
        Ok(Memory {
            rss: mb(&rollup, "Rss")?,
            pss: mb(&rollup, "Pss")?,
            private: mb(&rollup, "Private_Clean")? + mb(&rollup, "Private_Dirty")?,
            anonymous: mb(&rollup, "Anonymous")?,
            peak: mb(&status, "VmHWM")?,
            threads: number(&status, "Threads")?,
        })
    }
}

/// The number in the line `name: number`.
fn number(text: &str, name: &str) -> Measured<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let value = line.and_then(|rest| rest.split_whitespace().next()).and_then(|word| word.parse().ok());
    value.ok_or_else(|| format!("/proc tells no {name}").into())
}
