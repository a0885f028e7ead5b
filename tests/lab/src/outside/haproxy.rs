//! HAProxy: a load balancer that we did not write, asking `/health` as an ALB does and keeping sessions by Rundeck's
//! cookie.
//!
//! Its checker closes with a reset right after the status line, which is a test of its own. It has no deregistration: a
//! server leaves by its health check only.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::program::{OutsideError, Program, free_port, run};

/// A server behind the balancer.
#[derive(Debug, Clone)]
pub struct Server {
    /// Its name in the statistics: letters, digits, `-`.
    pub name: String,
    /// Where requests go: Rundeck.
    pub traffic: SocketAddr,
    /// Where checks go: the agent.
    pub check: SocketAddr,
}

/// A running HAProxy in the foreground. It stops when dropped.
#[derive(Debug)]
pub struct Haproxy {
    program: Program,
    addr: SocketAddr,
    statistics: SocketAddr,
    // Kept for its end.
    _folder: TempDir,
}

/// Good checks until a server is taken in, bad ones until it is out.
const RISE: u32 = 2;
const FALL: u32 = 2;

impl Haproxy {
    /// Starts it in front of these servers, each checked at this pace: two good or bad answers decide.
    ///
    /// # Errors
    /// It refused its configuration, or did not open its port.
    pub async fn start(program: &Path, servers: &[Server], every: Duration) -> Result<Self, OutsideError> {
        let (addr, statistics) = (free_port()?, free_port()?);
        let folder = TempDir::new()?;
        let file = folder.path().join("haproxy.cfg");
        std::fs::write(&file, configuration(addr, statistics, servers, every))?;
        run(Command::new(program).args(["-c", "-f"]).arg(&file))?;
        let mut program = Program::start(Command::new(program).args(["-db", "-f"]).arg(&file))?;
        program.opens(addr).await?;
        Ok(Self { program, addr, statistics, _folder: folder })
    }

    /// Where users ask.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where its statistics are: `GET /stats;csv`.
    #[must_use]
    pub fn statistics(&self) -> SocketAddr {
        self.statistics
    }

    /// What it has printed: state changes, warnings.
    #[must_use]
    pub fn output(&self) -> String {
        self.program.output()
    }

    /// Whether a server of `/stats;csv` is in service (`UP`), or out.
    #[must_use]
    pub fn is_up(csv: &str, name: &str) -> Option<bool> {
        let mut lines = csv.lines();
        let column = lines.next()?.trim_start_matches("# ").split(',').position(|title| title == "status")?;
        let row = lines.find(|line| line.starts_with(&format!("rundeck,{name},")))?;
        row.split(',').nth(column).map(|status| status.starts_with("UP"))
    }
}

/// An unhealthy server gets no new session and loses its kept ones, as with an ALB; what is in flight ends.
fn configuration(addr: SocketAddr, statistics: SocketAddr, servers: &[Server], every: Duration) -> String {
    let every = every.as_millis();
    let mut text = format!(
        "global
    log stdout format raw local0 notice
defaults
    mode http
    log global
    timeout connect 2s
    timeout client 60s
    timeout server 60s
    option redispatch
frontend users
    bind {addr}
    default_backend rundeck
frontend statistics
    bind {statistics}
    stats enable
    stats uri /stats
backend rundeck
    balance roundrobin
    stick-table type string len 64 size 10k expire 1h
    stick store-response res.cook(JSESSIONID)
    stick match req.cook(JSESSIONID)
    option httpchk
    http-check send meth GET uri /health ver HTTP/1.1 hdr Host 10.20.0.4:4441 hdr User-Agent ELB-HealthChecker/2.0 \
    hdr Accept-Encoding \"gzip, compressed\"
    http-check expect status 200
    default-server check inter {every}ms fastinter {every}ms downinter {every}ms rise {RISE} fall {FALL}
"
    );
    for Server { name, traffic, check } in servers {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "    server {name} {traffic} addr {} port {}", check.ip(), check.port());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_of_the_statistics_is_up_or_not() {
        let csv =
            "# pxname,svname,qcur,status,weight,\nusers,FRONTEND,,OPEN,,\nrundeck,a,0,UP,1,\nrundeck,b,0,DOWN 1/2,1,\n";
        assert_eq!(Haproxy::is_up(csv, "a"), Some(true));
        assert_eq!(Haproxy::is_up(csv, "b"), Some(false));
        assert_eq!(Haproxy::is_up(csv, "c"), None);
    }
}
