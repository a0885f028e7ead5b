//! Rundeck's process once `process/` has found it, looked at again without a scan: its memory, its threads, whether it
//! was told to end (`threads.rs`) and whether somebody else listens on its port (`sockets/`). It finds nothing, and its
//! end is seen by `exit.rs`.
//!
//! A look is cheap enough for the thread of the loop. It opens files of this one process (`stat`, `statm`, the list of
//! its threads and the names of new ones), `/proc/uptime`, and, where its arguments claim the port, one netlink socket;
//! none of them waits for the process, for a disk or for a lock that a hanging process could hold. `cmdline` and `exe`,
//! which do wait for such a lock, are not read again.

use std::os::unix::fs::MetadataExt;

use rundeck_alb_core::JvmSeen;
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use super::process::{How, Jvm};
use super::threads::Threads;
use super::{Endpoint, sockets, stat};

/// One process that was found, with what makes the next look cheap.
#[derive(Debug)]
pub struct KnownJvm {
    jvm: Jvm,
    rundeck: Endpoint,
    system: System,
    threads: Threads,
    /// Its user, where a socket of somebody else on Rundeck's port would be in its way.
    defends: Option<u32>,
}

impl KnownJvm {
    /// Remembers a process that [`find_rundeck`](super::find_rundeck) found for this endpoint; `None` when sysinfo does
    /// not work here.
    pub fn new(jvm: Jvm, rundeck: Endpoint) -> Option<Self> {
        let defends = jvm.user_id.filter(|_| jvm.how == How::ByArguments && shares_our_network(jvm.pid));
        Some(Self { jvm, rundeck, system: System::new().ok()?, threads: Threads::default(), defends })
    }

    /// What names it.
    pub fn jvm(&self) -> &Jvm {
        &self.jvm
    }

    /// Looks again. `None` when it has ended or its pid belongs to another process. Far below a millisecond.
    pub fn look(&mut self) -> Option<JvmSeen> {
        let stat = stat::read(self.jvm.pid).ok().filter(|stat| stat.start_ticks == self.jvm.start_ticks)?;
        let pid = Pid::from_u32(self.jvm.pid);
        let wanted = ProcessRefreshKind::nothing().without_tasks().with_memory();
        self.system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, wanted);
        Some(JvmSeen {
            memory: self.system.process(pid)?.memory(),
            threads: stat.threads,
            // Threads that cannot be read tell nothing.
            stopping: self.threads.stopping(self.jvm.pid).ok(),
            stranger: self.defends.and_then(|user| sockets::stranger(self.rundeck, user)),
        })
    }
}

/// Whether a process lives in our network namespace. A Rundeck in a container does not: there another user's proxy
/// holds its port on this side, as it should. `/proc/PID/ns` is closed to other users, but the files of `/proc/PID/net`
/// belong to the namespace, so that one has the same inode for all its members. What cannot be told counts as no.
fn shares_our_network(pid: u32) -> bool {
    let inode = |pid: &str| std::fs::metadata(format!("/proc/{pid}/net/dev")).map(|file| file.ino()).ok();
    let ours = inode("self");
    ours.is_some() && ours == inode(&pid.to_string())
}

#[cfg(test)]
mod tests;
