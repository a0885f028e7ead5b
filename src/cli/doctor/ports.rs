//! The ports that the agent serves: free, held by the agent that runs here, or by somebody else. By the kernel's own
//! list: nothing is bound to try it.

use super::agent::Process;
use super::report::{Area, Part};
use super::word::Own;
use crate::config::Settings;
use crate::host::{Endpoint, Holder, holders};
use crate::watch::single::Single;
use std::net::SocketAddr;

/// How the kernel names the agent's process: fifteen bytes of it.
const AGENT: &str = "rundeck-alb-age";
/// It keeps listeners for its services while they restart.
const SYSTEMD: u32 = 1;

/// Looks at both; `agent`: the one that answers here.
pub async fn look(settings: &Settings, agent: Option<Process>) -> Vec<Part> {
    let wanted = [("health.listen", Some(settings.health_port.listen)), ("admin.listen", settings.admin.listen)];
    // The kernel chooses port 0.
    let wanted: Vec<(&str, SocketAddr)> = wanted
        .into_iter()
        .filter_map(|(key, address)| Some((key, address?)))
        .filter(|(_, address)| address.port() != 0)
        .collect();
    let single = Single::default();
    let dumped = single.look(move || {
        let dump = |(key, address): (&'static str, SocketAddr)| (key, address, holders(endpoint(address)));
        wanted.into_iter().map(dump).collect::<Vec<_>>()
    });
    let Some(dumped) = dumped.await else { return vec![Part::not_tried(Area::Ports, "nobody tells")] };
    let (mut seen, mut wrong) = (Vec::new(), Vec::new());
    for (key, address, holders) in dumped {
        match holders {
            Ok(holders) => {
                let judged = judge(key, address, &holders, agent);
                seen.push(format!("{} {}", address.port(), judged.seen));
                wrong.extend(judged.wrong);
            }
            Err(error) => seen.push(format!("{} unknown ({error})", address.port())),
        }
    }
    if seen.is_empty() {
        seen.push("the kernel chooses them".to_owned());
    }
    let part = Part::seen(Area::Ports, seen.join(", "));
    vec![wrong.into_iter().fold(part, |part, (word, text)| part.wrong(word, text))]
}

/// What a connection to it would reach: all addresses are reached at the loopback one, too.
fn endpoint(address: SocketAddr) -> Endpoint {
    let ip = address.ip();
    Endpoint { address: Some(ip).filter(|ip| !ip.is_unspecified()), port: address.port() }
}

struct Judged {
    seen: String,
    wrong: Option<(Own, String)>,
}

fn judge(key: &str, address: SocketAddr, holders: &[Holder], agent: Option<Process>) -> Judged {
    let fine = |seen: &str| Judged { seen: seen.to_owned(), wrong: None };
    let Some(holder) = holders.iter().find(|holder| !is_ours(holder, agent)) else {
        return match (holders.is_empty(), agent) {
            (false, _) => fine("ours"),
            (true, None) => fine("free"),
            (true, Some(_)) => Judged {
                seen: "free".to_owned(),
                wrong: Some((Own::ConfigChanged, format!("the agent runs, and does not listen at {key} {address}"))),
            },
        };
    };
    let named = holder.processes.first().map(|(pid, name)| format!("{name}, pid {pid}"));
    let who = named.unwrap_or_else(|| format!("a process of user {}", holder.user));
    let text = format!("{key} {address} is held by {who}: the agent cannot listen there");
    Judged { seen: format!("taken by {who}"), wrong: Some((Own::PortTaken, text)) }
}

fn is_ours(holder: &Holder, agent: Option<Process>) -> bool {
    let is_agent = |(pid, name): &(u32, String)| {
        agent.is_some_and(|agent| agent.pid == Some(*pid)) || name == AGENT || *pid == SYSTEMD
    };
    let is_users = || holder.processes.is_empty() && agent.is_some_and(|agent| agent.user == holder.user);
    holder.processes.iter().any(is_agent) || is_users()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(user: u32, processes: &[(u32, &str)]) -> Holder {
        let processes = processes.iter().map(|(pid, name)| (*pid, (*name).to_owned())).collect();
        Holder { address: SocketAddr::from(([0, 0, 0, 0], 4441)), user, processes }
    }

    fn judged(holders: &[Holder], agent: Option<Process>) -> (String, Option<Own>) {
        let judged = judge("health.listen", SocketAddr::from(([0, 0, 0, 0], 4441)), holders, agent);
        (judged.seen, judged.wrong.map(|(word, _)| word))
    }

    #[test]
    fn a_port_is_free_or_ours_or_somebody_elses() {
        let agent = Some(Process { pid: Some(7), user: 990 });
        let silent = Some(Process { pid: None, user: 990 });
        for (holders, agent, seen, wrong) in [
            (vec![], None, "free", None),
            (vec![holder(990, &[(7, "anything")])], agent, "ours", None),
            (vec![holder(990, &[(1, "systemd"), (8, "x")])], None, "ours", None),
            (vec![holder(990, &[(9, AGENT)])], None, "ours", None),
            (vec![holder(990, &[])], silent, "ours", None),
            (vec![], agent, "free", Some(Own::ConfigChanged)),
            (vec![holder(33, &[(12, "nginx")])], agent, "taken by nginx, pid 12", Some(Own::PortTaken)),
            (vec![holder(33, &[])], agent, "taken by a process of user 33", Some(Own::PortTaken)),
            (vec![holder(990, &[])], None, "taken by a process of user 990", Some(Own::PortTaken)),
        ] {
            assert_eq!(judged(&holders, agent), (seen.to_owned(), wrong));
        }
    }
}
