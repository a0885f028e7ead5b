//! Pressure on the machine. Files of the kernel alone, so it is looked at without a worker.

use crate::host;
use rundeck_alb_core::HostSeen;

/// Memory and load; `None` when `/proc` does not show them.
pub fn look() -> Option<HostSeen> {
    host::pressure()
}
