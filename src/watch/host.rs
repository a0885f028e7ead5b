//! Pressure on the machine, and the addresses that it bears. Files of the kernel, which take no time, but which a file
//! system in user space stands for in some containers (lxcfs): on a worker all the same.

use super::single::Single;
use crate::host;
use rundeck_alb_core::HostSeen;
use std::collections::BTreeSet;

/// Looks at the machine, never twice at a time for the same.
#[derive(Debug, Default)]
pub struct Machine {
    pressure: Single,
    interfaces: Single,
}

impl Machine {
    /// Memory and load; `None` when `/proc` does not show them, or an earlier look still hangs.
    pub async fn look(&self) -> Option<HostSeen> {
        self.pressure.look(host::pressure).await.flatten()
    }

    /// The addresses of its interfaces, in canonical form; `None`: nobody can tell, or an earlier look still hangs.
    pub async fn addresses(&self) -> Option<BTreeSet<String>> {
        let borne = self.interfaces.look(host::addresses).await.flatten()?;
        Some(borne.into_iter().map(|address| address.to_string()).collect())
    }
}
