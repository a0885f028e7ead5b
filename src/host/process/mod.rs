//! Which process is Rundeck: the JVM that serves the port of `rundeck.url`.
//!
//! By its name and arguments, which everybody may read; where these name no process or several, by the socket that
//! listens on the port, where the descriptors may be seen. Nothing found is no proof that nothing runs: Rundeck in a
//! container of its own, or a start-up script of one's own, may hide it.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use sysinfo::{Pid, Process, ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

use super::{Endpoint, sockets, stat};

/// Rundeck's port where its command line names none.
const DEFAULT_PORT: u16 = 4440;

/// The arguments that only Rundeck's launcher passes, whatever the packaging.
const RUNDECK_PROPERTIES: [&str; 2] = ["-Drdeck.base=", "-Drundeck.config.location="];

/// The arguments that name a port: the launcher's for http and https, and Spring's own.
const PORT_PROPERTIES: [&str; 3] = ["-Dserver.http.port=", "-Dserver.https.port=", "-Dserver.port="];

/// May see everybody's processes, however they are hidden.
const ROOT: u32 = 0;

/// What a look at the process table found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Exactly one process serves Rundeck.
    One(Jvm),
    /// No process can be told to be Rundeck. That is "unknown", not "down".
    None,
    /// None of those that may be seen, and other users' may not.
    Hidden,
    /// Several may be: their pids, in ascending order.
    Several(Vec<u32>),
}

/// How a process was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// By its name `java`, its arguments and the port in them: this port is its own.
    ByArguments,
    /// By its name and arguments; they name no port, and it is the only Rundeck. Something else may stand before it.
    Alone,
    /// By the socket that listens on the port.
    BySocket,
}

/// Rundeck's process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jvm {
    pub pid: u32,
    /// Its start in clock ticks since boot. With the pid and the boot id it names one process for ever.
    pub start_ticks: u64,
    /// Its start in seconds since 1970: for people, for it moves when the wall clock is set.
    pub start_unix_s: u64,
    /// The user that it runs as, where it can be told.
    pub user_id: Option<u32>,
    /// Resident memory, in bytes.
    pub memory_bytes: u64,
    pub threads: u32,
    /// How it was recognised.
    pub how: How,
}

/// The process table cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the process table: {0}")]
pub struct ScanError(String);

/// Looks for the process that serves Rundeck at this place.
///
/// Blocking: a scan of all processes takes about 10 ms. Do it when Rundeck's process is not known
/// yet or has ended, on a worker; one that is known is a [`KnownJvm`](super::KnownJvm).
///
/// # Errors
/// [`ScanError`] when `/proc` cannot be read at all.
pub fn find_rundeck(rundeck: Endpoint) -> Result<Found, ScanError> {
    let mut system = System::new().map_err(|error| ScanError(error.to_string()))?;
    let wanted = basics().with_cmd(UpdateKind::Always);
    if system.refresh_processes_specifics(ProcessesToUpdate::All, true, wanted) == 0 {
        return Err(ScanError("/proc shows no process; is it mounted?".to_owned()));
    }
    Ok(match search(&system, rundeck) {
        Found::None if is_hidden(Path::new("/proc"), rustix::process::geteuid().as_raw()) => Found::Hidden,
        found => found,
    })
}

fn search(system: &System, rundeck: Endpoint) -> Found {
    let (how, by_arguments) = of_port(rundeck.port, &launched(system));
    if let [pid] = by_arguments[..] {
        return found(system, &[pid], how);
    }
    let holders = listening_processes(system, rundeck);
    if holders.is_empty() {
        return found(system, &by_arguments, how);
    }
    found(system, &holders, How::BySocket)
}

/// Whether other users' processes are kept from this user (`hidepid` of proc(5), systemd's `ProtectProc`). Each table
/// has a first process, which mostly is somebody else's: whoever may read that may read all. Where it is our own, only
/// the mount tells.
fn is_hidden(proc: &Path, user: u32) -> bool {
    if std::fs::read(proc.join("1/stat")).is_err() {
        return true;
    }
    let owner = std::fs::metadata(proc.join("1")).map(|first| first.uid());
    let ours = user != ROOT && owner.is_ok_and(|owner| owner == user);
    ours && std::fs::read_to_string(proc.join("self/mountinfo")).is_ok_and(|mounts| hides(&mounts))
}

/// Whether the topmost mount on `/proc` hides other users' processes (proc_pid_mountinfo(5)).
fn hides(mounts: &str) -> bool {
    let mut options = mounts.lines().filter_map(|line| {
        let (place, source) = line.split_once(" - ")?;
        let (place, mut source) = (place.split(' ').nth(4)?, source.split(' '));
        (place == "/proc" && source.next()? == "proc").then(|| source.nth(1).unwrap_or_default())
    });
    let options = options.next_back().unwrap_or_default().split(',');
    let mode = options.filter_map(|option| option.strip_prefix("hidepid=")).next_back();
    mode.is_some_and(|mode| !["0", "off"].contains(&mode))
}

/// Memory and user. Without tasks, for sysinfo lists each thread as a process, and a JVM has several called `java`.
fn basics() -> ProcessRefreshKind {
    ProcessRefreshKind::nothing().without_tasks().with_memory().with_user(UpdateKind::Always)
}

/// A process that ended since the scan is not there any more.
fn found(system: &System, pids: &[u32], how: How) -> Found {
    let living: Vec<Jvm> = pids.iter().filter_map(|pid| describe(system.process(Pid::from_u32(*pid))?, how)).collect();
    match &living[..] {
        [] => Found::None,
        [only] => Found::One(only.clone()),
        several => {
            let mut pids: Vec<u32> = several.iter().map(|jvm| jvm.pid).collect();
            pids.sort_unstable();
            Found::Several(pids)
        }
    }
}

fn describe(process: &Process, how: How) -> Option<Jvm> {
    let stat = stat::read(process.pid().as_u32()).ok()?;
    Some(Jvm {
        pid: process.pid().as_u32(),
        start_ticks: stat.start_ticks,
        start_unix_s: process.start_time(),
        user_id: process.user_id().map(|id| **id),
        memory_bytes: process.memory(),
        threads: stat.threads,
        how,
    })
}

/// All Rundecks of this machine by name and arguments, with what each says about its ports.
fn launched(system: &System) -> Vec<(u32, Launch)> {
    system
        .processes()
        .values()
        .filter_map(|process| {
            let arguments: Vec<&str> = process.cmd().iter().filter_map(|argument| argument.to_str()).collect();
            Some((process.pid().as_u32(), recognise(process.name(), &arguments)?))
        })
        .collect()
}

/// The ports that a command line names; none when it leaves them to Rundeck's configuration files.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Launch {
    ports: Vec<u16>,
}

/// Whether a name and a command line are Rundeck's. The name counts because the rpm's start script leaves a `runuser`
/// process behind whose one long argument repeats the JVM's whole command line.
fn recognise(name: &OsStr, arguments: &[&str]) -> Option<Launch> {
    if name != "java" {
        return None;
    }
    let by_property =
        arguments.iter().any(|argument| RUNDECK_PROPERTIES.iter().any(|property| argument.starts_with(property)));
    let by_war = arguments.windows(2).any(|pair| matches!(pair, ["-jar", war] if is_rundeck_war(war)));
    (by_property || by_war).then(|| Launch { ports: named_ports(arguments) })
}

fn is_rundeck_war(path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.starts_with("rundeck") && file.ends_with(".war")
}

/// Of a property that is given twice the JVM takes the last.
fn named_ports(arguments: &[&str]) -> Vec<u16> {
    PORT_PROPERTIES
        .iter()
        .filter_map(|property| arguments.iter().rev().find_map(|argument| argument.strip_prefix(property)))
        .filter_map(|port| port.parse().ok())
        .collect()
}

/// Of several Rundecks those that serve the port: first by what they say, where one that names no port has 4440. When
/// nobody claims the port, a single Rundeck that names none is meant: `server.port` may stand in its configuration.
fn of_port(port: u16, launched: &[(u32, Launch)]) -> (How, Vec<u32>) {
    let claims = |launch: &Launch| launch.ports.contains(&port) || (launch.ports.is_empty() && port == DEFAULT_PORT);
    let claiming: Vec<u32> = launched.iter().filter(|(_, launch)| claims(launch)).map(|(pid, _)| *pid).collect();
    match (&claiming[..], launched) {
        ([], [(pid, silent)]) if silent.ports.is_empty() => (How::Alone, vec![*pid]),
        _ => (How::ByArguments, claiming),
    }
}

/// The processes that hold a socket listening for Rundeck, as far as their descriptors may be seen. Never the agent.
fn listening_processes(system: &System, rundeck: Endpoint) -> Vec<u32> {
    let listening: HashSet<u64> = match sockets::listening_inodes(rundeck) {
        Ok(inodes) if !inodes.is_empty() => inodes,
        _ => return Vec::new(),
    };
    let own = std::process::id();
    system
        .processes()
        .keys()
        .map(|pid| pid.as_u32())
        .filter(|pid| *pid != own)
        .filter(|pid| sockets::sockets_of(*pid).is_ok_and(|held| !held.is_disjoint(&listening)))
        .collect()
}

#[cfg(test)]
pub(super) mod tests;
