//! How much memory the machine has left and how much work is waiting.
//!
//! The machine's, not a control group's: the limit that sysinfo tells is the one of the agent's own group, which is not
//! Rundeck's, and in a group's use it counts the page cache, which is free for the asking.

use rundeck_alb_core::HostSeen;
use sysinfo::{MemoryRefreshKind, System};

/// Which processors there are, as ranges: `0-3,6`. What the agent itself may use (`available_parallelism`) can be
/// fewer.
const PROCESSORS: &str = "/sys/devices/system/cpu/online";

/// Memory and load of this machine; `None` when `/proc` does not show them. Takes far below a millisecond.
pub fn pressure() -> Option<HostSeen> {
    let mut system = System::new().ok()?;
    system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
    let load = System::load_average().ok()?.five;
    let processors = std::fs::read_to_string(PROCESSORS).ok().and_then(|online| count(online.trim()));
    let seen = HostSeen {
        memory: system.total_memory(),
        available: system.available_memory(),
        load_hundredths: hundredths(load)?,
        processors: processors.or_else(|| u32::try_from(std::thread::available_parallelism().ok()?.get()).ok())?,
    };
    (seen.memory > 0).then_some(seen)
}

/// `None` for what is no load. The kernel tells two decimals.
fn hundredths(load: f64) -> Option<u32> {
    let hundredths = (load * 100.0).round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "its range is checked")]
    (0.0..f64::from(u32::MAX)).contains(&hundredths).then_some(hundredths as u32)
}

fn count(ranges: &str) -> Option<u32> {
    ranges.split(',').try_fold(0, |sum: u32, range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        sum.checked_add(last.checked_sub(first)?.checked_add(1)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_memory_and_processors() {
        let seen = pressure().expect("read");
        assert!(seen.memory > 64 << 20 && seen.available > 0 && seen.available <= seen.memory, "{seen:?}");
        assert!(seen.processors >= 1, "{seen:?}");
        let line = std::fs::read_to_string("/proc/meminfo").expect("meminfo");
        let total = line.split_ascii_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("MemTotal");
        assert_eq!(seen.memory, total * 1024);
    }

    #[test]
    fn ranges_of_processors_are_counted() {
        for (online, processors) in [("0", Some(1)), ("0-3", Some(4)), ("0-3,6,8-9", Some(7))] {
            assert_eq!(count(online), processors, "{online}");
        }
        for other in ["", "a", "3-1", "0-", "0-4294967295"] {
            assert_eq!(count(other), None, "{other}");
        }
    }

    #[test]
    fn a_load_is_told_in_hundredths() {
        assert_eq!(hundredths(0.57), Some(57));
        assert_eq!(hundredths(17.0), Some(1700));
        assert_eq!([hundredths(-1.0), hundredths(f64::NAN), hundredths(1e12)], [None; 3]);
    }
}
