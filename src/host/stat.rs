//! The line of `/proc/PID/stat`, for the two facts that sysinfo does not give in a form to rely on: the start in clock
//! ticks (its seconds since 1970 move when the wall clock is set) and the number of threads without reading each one.
//!
//! Everybody may read this file, also of other users' processes (proc_pid_stat(5)).

use std::io;

/// What identifies a process beyond its pid, and its size in threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    /// Start in clock ticks since boot: with the pid it names one process of this boot.
    pub start_ticks: u64,
    pub threads: u32,
}

/// Reads a process; `NotFound` when there is none.
pub(super) fn read(pid: u32) -> io::Result<Stat> {
    let line = std::fs::read_to_string(format!("/proc/{pid}/stat"))
        // A process that ends between open and read answers ESRCH.
        .map_err(|error| match error.raw_os_error() {
            Some(code) if code == rustix::io::Errno::SRCH.raw_os_error() => io::ErrorKind::NotFound.into(),
            _ => error,
        })?;
    parse(&line).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "unreadable /proc/PID/stat"))
}

/// The second field is the name in parentheses and may hold spaces and parentheses itself: count from the last one.
/// By proc(5), threads is field 20 and starttime field 22; the first one after the name is field 3.
fn parse(line: &str) -> Option<Stat> {
    let (_, rest) = line.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let threads = fields.nth(20 - 3)?.parse().ok()?;
    let start_ticks = fields.nth(22 - 20 - 1)?.parse().ok()?;
    Some(Stat { start_ticks, threads })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let line = "4121 (a) b (c)) S 1 4121 4121 0 -1 4194560 9 0 0 0 10 20 0 0 20 0 57 0 123456 1000 200 1844\n";
        assert_eq!(parse(line), Some(Stat { start_ticks: 123_456, threads: 57 }));
        assert_eq!(parse("4121 (java"), None);
        assert_eq!(parse("4121 (java) S 1 2"), None);
    }

    #[test]
    fn the_own_process_is_read_and_a_missing_one_is_not_found() {
        let own = read(std::process::id()).expect("own stat");
        assert!(own.threads >= 1);
        assert_eq!(own, Stat { threads: own.threads, ..read(std::process::id()).expect("again") });
        assert_eq!(read(u32::MAX).expect_err("no such pid").kind(), io::ErrorKind::NotFound);
    }
}
