//! The agent itself: which boot it lives in, and what it uses, for the usual `process_*` metrics.

use std::io;

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use super::stat;

/// What this process uses, in the units of the metrics.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OwnUse {
    pub resident_bytes: u64,
    pub virtual_bytes: u64,
    /// User and system time since the start, in milliseconds.
    pub cpu_ms: u64,
    /// `None`: nobody can tell.
    pub open_fds: Option<u64>,
    /// How many may be open (the soft limit); `None`: nobody can tell.
    pub max_fds: Option<u64>,
    pub threads: u32,
    /// Start, in seconds since 1970.
    pub start_unix_s: u64,
}

/// The kernel's id of this boot: what was kept under another one is from before a restart of the machine.
///
/// # Errors
/// When `/proc/sys/kernel/random/boot_id` cannot be read.
pub fn boot_id() -> io::Result<String> {
    Ok(std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

/// Reads what this process uses. `None` when `/proc` does not show it. Takes well under a millisecond.
pub fn own_use() -> Option<OwnUse> {
    let own = std::process::id();
    let pid = Pid::from_u32(own);
    let mut system = System::new().ok()?;
    let wanted = ProcessRefreshKind::nothing().without_tasks().with_memory().with_cpu();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, wanted);
    let process = system.process(pid)?;
    Some(OwnUse {
        resident_bytes: process.memory(),
        virtual_bytes: process.virtual_memory(),
        cpu_ms: process.accumulated_cpu_time(),
        open_fds: count(process.open_files()),
        max_fds: count(process.open_files_limit()),
        threads: stat::read(own).ok()?.threads,
        start_unix_s: process.start_time(),
    })
}

fn count(number: Option<usize>) -> Option<u64> {
    number.and_then(|number| u64::try_from(number).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boot_id_is_a_uuid_and_stays() {
        let id = boot_id().expect("boot id");
        assert_eq!(id.len(), 36);
        assert_eq!(boot_id().expect("again"), id);
    }

    #[test]
    fn the_own_process_uses_something_of_everything() {
        let used = own_use().expect("own use");
        assert!(used.resident_bytes > 100_000 && used.virtual_bytes >= used.resident_bytes, "{used:?}");
        assert!(used.open_fds >= Some(3) && used.max_fds >= used.open_fds, "{used:?}");
        assert!(used.threads >= 1 && used.start_unix_s > 1_700_000_000, "{used:?}");
    }
}
