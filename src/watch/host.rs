//! Pressure on the machine. Files of the kernel, which take no time, but which a file system in user space stands for
//! in some containers (lxcfs): on a worker all the same.

use super::single::Single;
use crate::host;
use rundeck_alb_core::HostSeen;

/// Looks at the machine, never twice at a time.
#[derive(Debug, Default)]
pub struct Machine(Single);

impl Machine {
    /// Memory and load; `None` when `/proc` does not show them, or an earlier look still hangs.
    pub async fn look(&self) -> Option<HostSeen> {
        self.0.look(host::pressure).await.flatten()
    }
}
