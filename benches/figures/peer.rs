//! The same checks against nginx in the same minutes: a ratio means something where a time alone does not.

use crate::agent::free_port;
use crate::node::{Node, StandIn};
use crate::start::millis;
use crate::table::{Row, Sample, Unit};
use crate::work::installed;
use crate::{Measured, http, wait};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Rounds, agent and nginx in turn.
const ROUNDS: usize = 5;

/// Checks in a round: 2 s.
const CHECKS: u32 = 1_000;

/// 500 checks a second.
const PERIOD: Duration = Duration::from_millis(2);

/// Half, and all but one in a hundred, of the checks of a round were at least this fast.
const SHARES: [(f64, &str); 2] = [(0.5, "p50"), (0.99, "p99")];

/// # Errors
/// The node or an installed nginx does not answer.
pub fn measure() -> Measured<Vec<Row>> {
    let node = Node::start(&StandIn::build()?, "settle = \"1s\"\n")?;
    let nginx = if installed("nginx") { Some(Nginx::start()?) } else { None };
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(round(node.agent.health)?);
        theirs.extend(nginx.as_ref().map(|nginx| round(nginx.addr)).transpose()?);
    }
    let mut rows = Vec::new();
    for (share, word) in SHARES {
        let at = |rounds: &[Sample]| rounds.iter().map(|round| round.quantile(share)).collect::<Vec<f64>>();
        let figure = format!("closed checks at 500/s, {word}");
        let ratios = at(&ours).iter().zip(at(&theirs)).map(|(our, their)| our / their).collect::<Vec<f64>>();
        rows.push(Row::of(&figure, &Sample::new(at(&ours)), &Unit::new("ms", 3)).remark("rounds of 1,000"));
        rows.push(match nginx {
            Some(_) => Row::of(&format!("{figure}, to nginx"), &Sample::new(ratios), &Unit::new("x", 2))
                .remark(&format!("nginx: {:.3} ms", Sample::new(at(&theirs)).quantile(0.5))),
            None => Row::skipped(&format!("{figure}, to nginx"), "nginx is not installed"),
        });
    }
    Ok(rows)
}

/// Milliseconds from connecting to the end of the answer.
fn round(addr: SocketAddr) -> Measured<Sample> {
    let mut times = Vec::new();
    wait::paced(CHECKS, PERIOD, || {
        let began = Instant::now();
        let reply = http::get(addr, "/health")?;
        times.push(millis(began.elapsed()));
        if reply.status == 200 { Ok(()) } else { Err(format!("{addr} answered {reply:?}").into()) }
    })?;
    Ok(Sample::new(times))
}

/// One process that answers `ok`; killed when dropped.
struct Nginx {
    child: Child,
    addr: SocketAddr,
    _folder: TempDir,
}

impl Nginx {
    fn start() -> Measured<Nginx> {
        let folder = TempDir::new()?;
        let addr = free_port()?;
        let file = folder.path().join("nginx.conf");
        fs::write(&file, configuration(addr, folder.path()))?;
        let log = fs::File::create(folder.path().join("log"))?;
        let child = Command::new("nginx").arg("-c").arg(&file).stdin(Stdio::null()).stderr(log).spawn()?;
        let nginx = Nginx { child, addr, _folder: folder };
        wait::until("nginx", || http::get(addr, "/health").ok())?;
        Ok(nginx)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Without a master process, so that its end is the end of all of it; every file in the folder.
fn configuration(addr: SocketAddr, folder: &Path) -> String {
    let folder = folder.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|name| format!("{name}_temp_path {folder}/{name};\n"))
        .collect();
    format!(
        "daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\n\
         access_log off;\n\
         {temporary}server {{\nlisten {addr};\nlocation / {{ default_type text/plain; return 200 \"ok\"; }}\n}}\n}}\n"
    )
}
